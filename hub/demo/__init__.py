"""The demonstration: an invented world, a day in it, and a check of what really arrived.

`world` and `chapters` are pure and seeded; `check` compares what recipients received with the
hand-written `expected/`; `play` and `tell` run and narrate the day against a running hub.
"""
