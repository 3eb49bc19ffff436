"""Schema registries outside the hub, spoken to by the Confluent API: Confluent's, Apicurio's, the hub's own.

A running hub needs none of them; they are written to and compared with from the command line.
"""

from hub.adapters.registry.client import HttpRegistry, Stored, open_registry
from hub.adapters.registry.comparison import Difference, Kind, compare
from hub.adapters.registry.limits import RegistryLimits
from hub.adapters.registry.login import Basic, Bearer
from hub.adapters.registry.publication import Publication, Registered, publish

__all__ = [
    "Basic",
    "Bearer",
    "Difference",
    "HttpRegistry",
    "Kind",
    "Publication",
    "Registered",
    "RegistryLimits",
    "Stored",
    "compare",
    "open_registry",
    "publish",
]
