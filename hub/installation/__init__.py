"""What the hub needs on this machine, and how it gets there on the first start.

Standard library only: this runs before any package is installed. Everything goes to `HUB_HOME`, by
default the user's cache folder, never to the checkout. Registries are the affair of pip and Maven,
whose configuration is honoured; no address of one stands here.
"""
