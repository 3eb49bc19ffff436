"""An Avro schema as a graph of types, read from JSON with the rules of Avro 1.12 (specification 1.12.0).

A named type is one object wherever it is named, so a schema that contains itself is a graph with a circle.
None shows what is within it: one of a chain of thousands would call itself as often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False, repr=False)
class Primitive:
    """null, boolean, int, long, float, double, bytes or string."""

    kind: str
    properties: Mapping[str, object] = field(default_factory=dict)
    """Everything the schema says besides `type`: logicalType, precision, scale, and what is not Avro's."""


@dataclass(slots=True, eq=False, repr=False)
class Array:
    """A list of values of one type. `items` is set once read."""

    items: Type
    properties: Mapping[str, object]
    kind: str = "array"


@dataclass(slots=True, eq=False, repr=False)
class Map:
    """Values of one type by name."""

    values: Type
    properties: Mapping[str, object]
    kind: str = "map"


@dataclass(slots=True, eq=False, repr=False)
class Fixed:
    """Exactly `size` bytes."""

    name: str
    """Full name, namespace included."""
    aliases: tuple[str, ...]
    """Full names."""
    size: int
    properties: Mapping[str, object]
    kind: str = "fixed"


@dataclass(slots=True, eq=False, repr=False)
class Enum:
    """One of a list of symbols; `default` stands for a symbol a reader does not know."""

    name: str
    aliases: tuple[str, ...]
    symbols: tuple[str, ...]
    default: str | None
    properties: Mapping[str, object]
    kind: str = "enum"


@dataclass(slots=True, eq=False, repr=False)
class Field:
    """One field of a record."""

    name: str
    aliases: tuple[str, ...]
    type: Type
    has_default: bool
    default: object
    properties: Mapping[str, object]
    """Everything but name, type, default and aliases: doc, order, infoClass, …"""


@dataclass(slots=True, eq=False, repr=False)
class Record:
    """Named fields in their order."""

    name: str
    aliases: tuple[str, ...]
    fields: tuple[Field, ...]
    properties: Mapping[str, object]
    kind: str = "record"


@dataclass(slots=True, eq=False, repr=False)
class Union:
    """One of several types."""

    branches: tuple[Type, ...]
    kind: str = "union"


Type = Primitive | Array | Map | Fixed | Enum | Record | Union
