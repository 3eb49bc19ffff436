"""Cuts a recipient's record out of the bytes of the whole one, by the offsets the guard walk found.

Avro fields lie end to end, so what a recipient gets as it is need not be decoded and written again: its
bytes are copied. Only what is masked is encoded. The result is byte for byte what encoding under the
view's schema would give, for a source written the plain way: lists in one block.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import fastavro

from hub.errors import NotReadable
from hub.topics.shapes import Field, ListOf, Record, plain_type

if TYPE_CHECKING:
    from hub.topics.guard import Inner, Offsets
    from hub.topics.library import Contract

_NULL, _PRESENT, _END = b"\x00", b"\x02", b"\x00"
_CUTTERS_KEPT_MAX = 4096
_INVALID = "AVRO-INVALID"
_FAULTS = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Part:
    """One field of the view: where it lies in the source, and how to write it where it is masked."""

    name: str
    index: int
    """Which field of the source it is."""
    nullable: bool
    inside: int
    """Where its offsets stand among the inner ones; -1 for a field copied whole."""
    nested: _Plan | None
    is_list: bool
    schema: Any
    """Its type in the view, or null, parsed: in a union fastavro rounds nothing and checks every type."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to cut one record: part by part, and as runs of neighbours where nothing is masked."""

    parts: tuple[_Part, ...]
    runs: tuple[tuple[int, int, _Part | None], ...]
    """First field, the one after the last, and the part where it must be cut inside."""


class Cutter:
    """Cuts records of one contract to one view of it."""

    def __init__(self, source: Contract, view: Contract) -> None:
        """Work out the cuts once; the view's fields are among the source's, in their order."""
        self._plan = _plan(source.shape, view.shape)
        self._names = frozenset(part.name for part in self._plan.parts)

    def cut(self, data: bytes, offsets: Offsets, changes: Mapping[str, object]) -> bytes:
        """Return the view's record.

        Args:
            data: A whole record of the source, checked by the guard walk.
            offsets: Where its fields lie, as the walk returned them.
            changes: Fields of the first level whose value is not the source's: None where it is held
                back, else the value in its place. Those outside the view are left alone: they do not go.

        Raises:
            NotReadable: A key is held back, or a value is not what the contract says.
        """
        if self._names.isdisjoint(changes):
            return _cut(self._plan, data, offsets)
        marks, inner = offsets
        out = []
        for part in self._plan.parts:
            if part.name in changes:
                out.append(_written(part, changes[part.name]))
            elif part.nested is None:
                out.append(data[marks[part.index] : marks[part.index + 1]])
            else:
                out.append(_inside(part, part.nested, data, inner[part.inside]))
        return b"".join(out)


@lru_cache(maxsize=_CUTTERS_KEPT_MAX)
def cutter_for(source: Contract, view: Contract) -> Cutter:
    """Return the cutter from a contract to a view of it, made once."""
    return Cutter(source, view)


def changes_between(original: Mapping[str, object], given: Mapping[str, object]) -> dict[str, object]:
    """Return the first-level fields of which a recipient is given something else than was said."""
    return {
        name: value
        for name, value in given.items()
        if value is not (said := original.get(name)) and value != said
    }


def _plan(source: Record, view: Record) -> _Plan:
    """Work out how to cut one record; the depth is bounded by hub.topics.shapes."""
    parts: list[_Part] = []
    inside = 0
    for index, field in enumerate(source.fields):
        inner = _record_in(field)
        wanted = view.field(field.name)
        if wanted is not None:
            parts.append(_part(field, wanted, index, inside))
        inside += inner is not None
    return _Plan(parts=tuple(parts), runs=tuple(_runs(parts)))


def _part(field: Field, wanted: Field, index: int, inside: int) -> _Part:
    inner, kept = _record_in(field), _record_in(wanted)
    whole = inner is None or kept is None or _same_fields(inner, kept)
    return _Part(
        name=field.name,
        index=index,
        nullable=field.nullable,
        inside=-1 if whole else inside,
        nested=None if whole or inner is None or kept is None else _plan(inner, kept),
        is_list=isinstance(field.shape, ListOf),
        schema=fastavro.parse_schema(["null", plain_type(wanted.shape)]),
    )


def _record_in(field: Field) -> Record | None:
    shape = field.shape.item if isinstance(field.shape, ListOf) else field.shape
    return shape if isinstance(shape, Record) else None


def _same_fields(inner: Record, kept: Record) -> bool:
    """Tell whether a record goes whole, records in it included."""
    if [field.name for field in inner.fields] != [field.name for field in kept.fields]:
        return False
    pairs = ((_record_in(a), _record_in(b)) for a, b in zip(inner.fields, kept.fields, strict=True))
    return all(a is None or b is None or _same_fields(a, b) for a, b in pairs)


def _runs(parts: list[_Part]) -> list[tuple[int, int, _Part | None]]:
    """Join neighbours that are copied whole."""
    runs: list[tuple[int, int, _Part | None]] = []
    for part in parts:
        if part.nested is not None:
            runs.append((part.index, part.index + 1, part))
        elif runs and runs[-1][2] is None and runs[-1][1] == part.index:
            runs[-1] = (runs[-1][0], part.index + 1, None)
        else:
            runs.append((part.index, part.index + 1, None))
    return runs


def _cut(plan: _Plan, data: bytes, offsets: Offsets) -> bytes:
    """Cut one record of which nothing is masked."""
    marks, inner = offsets
    return b"".join(
        [
            data[marks[first] : marks[end]]
            if part is None or part.nested is None
            else _inside(part, part.nested, data, inner[part.inside])
            for first, end, part in plan.runs
        ]
    )


def _inside(part: _Part, plan: _Plan, data: bytes, inner: Inner) -> bytes:
    """Cut what lies inside a field: a record, or every item of a list."""
    if inner is None:
        return _NULL
    head = _PRESENT if part.nullable else b""
    if isinstance(inner, tuple):
        return head + _cut(plan, data, inner)
    if not inner:
        return head + _END
    return b"".join([head, _count(len(inner)), *(_cut(plan, data, each) for each in inner), _END])


def _count(number: int) -> bytes:
    """Write a whole number that is not negative as Avro does."""
    value = number << 1
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _written(part: _Part, value: object) -> bytes:
    """Write a masked value in the place of the source's."""
    if value is None:
        if not part.nullable:
            raise NotReadable(_INVALID, f"{part.name} is a key and cannot be held back in a record")
        return _NULL
    buffer = BytesIO()
    try:
        fastavro.schemaless_writer(buffer, part.schema, value, strict_allow_default=True)
    except _FAULTS as fault:
        # Its text may repeat a value, so neither it nor the chain of causes goes further.
        raise NotReadable(_INVALID, f"{type(fault).__name__} while writing {part.name}") from None
    return buffer.getvalue() if part.nullable else buffer.getvalue()[len(_PRESENT) :]
