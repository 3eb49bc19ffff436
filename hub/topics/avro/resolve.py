"""The second half of reading a schema: names used before they were defined, and what hangs on them.

Avro Java copies the schema to put types in the place of names, and checks each field's default again as
it makes the copy of its record. A default that then needs the fields of a record whose copy is not made
yet is refused, so the order of the copies counts; it is Java's here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.topics.avro.defaults import Circle, fits
from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.same import RESERVED
from hub.topics.avro.schema import Array, Enum, Fixed, Map, Record, Type, Union

_LONG = range(-(2**63), 2**63)
_DEFAULT_FIX = "give a default that is a value of the type, or none"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A name used before its type was defined."""

    stand_in: Record
    """A record without fields, in the place of the type."""
    name: str
    path: str


def resolve(
    root: Type,
    names: Mapping[str, Record | Enum | Fixed],
    awaited: Mapping[int, Awaited],
    paths: Mapping[int, str],
) -> Type:
    """Put types in the place of their stand-ins and check what could not be checked before.

    Args:
        root: The schema as read.
        names: The first definition of every name.
        awaited: The stand-ins by id.
        paths: Where each record, array, map and union stands, by id.

    Raises:
        SchemaRefused: A name is not defined, a union has a type twice, or a default is no value.
    """
    for each in awaited.values():
        if each.name not in names:
            fix = "define it in this schema, or write its full name"
            raise SchemaRefused(each.path, f"no type is named {each.name}", fix=fix)
    targets: dict[int, Type] = {number: names[each.name] for number, each in awaited.items()}
    parts = _Copies(names, targets).made(root)
    for part in parts:
        _put_types(part, targets)
    for part in parts:
        if isinstance(part, Union):
            _check_union(part, paths[id(part)])
    settled: set[int] = set()
    for part in parts:
        if isinstance(part, Record):
            _check_defaults(part, settled, paths[id(part)])
            settled.add(id(part))
    return targets.get(id(root), root)


def check_properties(source: Mapping[str, object], path: str) -> None:
    """Refuse whole numbers beyond 64 bits in what Java copies: properties of records, arrays and maps."""
    left: list[object] = [value for name, value in source.items() if name not in RESERVED]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, int) and value not in _LONG:
            raise SchemaRefused(path, "a property with a number beyond 64 bits", fix="write it as text")


class _Copies:
    """The order in which Java finishes its copies: every named type's in turn, then the root's."""

    def __init__(self, names: Mapping[str, Type], targets: Mapping[int, Type]) -> None:
        self._names = names
        self._targets = targets
        self._begun: set[int] = set()
        self._done: dict[int, Record | Array | Map | Union] = {}

    def made(self, root: Type) -> tuple[Record | Array | Map | Union, ...]:
        """Everything with types in it, inner parts first; a record met again while begun counts once."""
        for start in (*self._names.values(), root):
            self._visit(start)
        return tuple(self._done.values())

    def _visit(self, start: Type) -> None:
        # A name not yet begun is visited on its own, with nothing seen yet: hence a set for each visit.
        stack: list[tuple[Type, set[int], bool]] = [(start, set(), False)]
        while stack:
            part, seen, leaving = stack.pop()
            if not isinstance(part, Record | Array | Map | Union):
                continue
            if leaving:
                self._done.setdefault(id(part), part)
            elif id(part) in self._targets:
                target = self._targets[id(part)]
                if id(target) not in self._begun:
                    stack.append((target, set(), False))
            elif id(part) not in seen and id(part) not in self._done:
                seen.add(id(part))
                self._begun.add(id(part))
                stack.append((part, seen, True))
                stack.extend((inner, seen, False) for inner in _pushed(part))


def _pushed(part: Record | Array | Map | Union) -> tuple[Type, ...]:
    """The types within, last first out: Java visits fields in their order and branches backwards."""
    if isinstance(part, Record):
        return tuple(field.type for field in reversed(part.fields))
    if isinstance(part, Union):
        return part.branches
    return (part.items if isinstance(part, Array) else part.values,)


def _put_types(part: Record | Array | Map | Union, targets: Mapping[int, Type]) -> None:
    if isinstance(part, Record):
        for field in part.fields:
            field.type = targets.get(id(field.type), field.type)
    elif isinstance(part, Union):
        part.branches = tuple(targets.get(id(branch), branch) for branch in part.branches)
    elif isinstance(part, Array):
        part.items = targets.get(id(part.items), part.items)
    else:
        part.values = targets.get(id(part.values), part.values)


def _check_union(part: Union, path: str) -> None:
    seen: set[str] = set()
    for branch in part.branches:
        name = branch.name if isinstance(branch, Record | Enum | Fixed) else branch.kind
        if name in seen:
            raise SchemaRefused(path, f"a union with {name} twice", fix="leave one of them out")
        seen.add(name)


def _check_defaults(part: Record, settled: set[int], path: str) -> None:
    for field in part.fields:
        where = f"{path}.{field.name}" if path else field.name
        try:
            good = not field.has_default or fits(field, settled)
        except Circle:
            raise SchemaRefused(
                where, "a default that needs the fields of its own record", fix=_DEFAULT_FIX
            ) from None
        if not good:
            raise SchemaRefused(where, "a default that is no value of its type", fix=_DEFAULT_FIX)
