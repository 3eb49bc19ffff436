"""Whether two definitions of one name say the same, as Avro Java compares schemas.

Documentation, aliases and an enum's default do not count; the order of JSON names does not either.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping

from hub.topics.avro.defaults import as_read
from hub.topics.avro.schema import Array, Enum, Field, Fixed, Map, Primitive, Record, Type, Union

RESERVED = frozenset(
    {"doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"}
)
"""Names of a schema's JSON that Java does not keep as properties."""
_FIELD_RESERVED = frozenset({"doc", "order"})


def same(one: Type, other: Type, awaited: Container[int]) -> bool:
    """Tell whether two types are equal.

    Args:
        one: A type as read, with stand-ins for names not yet defined.
        other: Another.
        awaited: Ids of the stand-ins; each is equal to itself only.
    """
    seen: set[tuple[int, int]] = set()
    pairs = [(one, other)]
    while pairs:
        left, right = pairs.pop()
        key = (id(left), id(right))
        if left is right or key in seen:
            continue
        seen.add(key)
        if id(left) in awaited or id(right) in awaited or not _alike(left, right):
            return False
        pairs.extend(zip(_inner(left), _inner(right), strict=True))
    return True


def _inner(kind: Type) -> tuple[Type, ...]:
    match kind:
        case Record():
            return tuple(field.type for field in kind.fields)
        case Array():
            return (kind.items,)
        case Map():
            return (kind.values,)
        case Union():
            return kind.branches
    return ()


def _alike(left: Type, right: Type) -> bool:
    """Whether both are equal but for the types within them."""
    match left, right:
        case (Record(), Record()):
            return (left.name, _said(left.properties)) == (right.name, _said(right.properties)) and [
                _field(field) for field in left.fields
            ] == [_field(field) for field in right.fields]
        case (Enum(), Enum()):
            return (left.name, left.symbols, _said(left.properties)) == (
                right.name,
                right.symbols,
                _said(right.properties),
            )
        case (Fixed(), Fixed()):
            return (left.name, left.size, _said(left.properties)) == (
                right.name,
                right.size,
                _said(right.properties),
            )
        case (Union(), Union()):
            return len(left.branches) == len(right.branches)
        case (Primitive() | Array() | Map(), Primitive() | Array() | Map()):
            return left.kind == right.kind and _said(left.properties) == _said(right.properties)
    return False


def _said(properties: Mapping[str, object], left_out: frozenset[str] = RESERVED) -> str:
    """The properties that count, as text: 1, 1.0 and true are three values."""
    return json.dumps(
        {name: value for name, value in properties.items() if name not in left_out}, sort_keys=True
    )


def _field(field: Field) -> tuple[str, str, str, str]:
    """What counts of a field besides its type."""
    order = str(field.properties.get("order", "ascending")).upper()
    return (
        field.name,
        order,
        json.dumps(as_read(field), sort_keys=True) if field.has_default else "",
        _said(field.properties, _FIELD_RESERVED),
    )
