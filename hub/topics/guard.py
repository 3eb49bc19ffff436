"""Walks over Avro bytes from outside before anything decodes them, and tells where every field lies.

The decoder trusts what it reads: a count may claim a million items, an index may be negative, bytes
may follow the end. The walk refuses all of that with a code, in time and memory bounded by the input's
length, and leaves the decoder only bytes that are one complete value of the contract.

The walk is compiled from the contract's shape to straight Python: as closures, field by field, it took
longer than the decoding it guards (docs/decisions/0007). No name of a schema gets into the source.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Never, assert_never

from hub.errors import NotReadable
from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, Shape, TextByName

Offsets = tuple[tuple[int, ...], tuple["Inner", ...]]
"""Where the fields of a record lie: field n from mark n to mark n + 1; then, for each field that is a
record or a list of records, in their order, the offsets inside it."""
Inner = None | Offsets | list[Offsets]
"""None for a field without a value, the offsets of a record, or those of every item of a list."""
Walk = Callable[[bytes, int, int], tuple[int, Offsets]]
"""Takes the bytes, where to begin and how many there are; returns where the value ends, and its offsets."""

TRUNCATED, TRAILING = "AVRO-TRUNCATED", "AVRO-TRAILING"
VARINT, LENGTH, COUNT = "AVRO-VARINT", "AVRO-LENGTH", "AVRO-COUNT"
INDEX, UTF8, NUMBER = "AVRO-INDEX", "AVRO-UTF8", "AVRO-NUMBER"
CODES = (TRUNCATED, TRAILING, VARINT, LENGTH, COUNT, INDEX, UTF8, NUMBER)
"""Every code the walk refuses bytes with."""
_CONTINUES = 0x80
_SHIFT_MAX = 63
_UNSIGNED_MAX = 0xFFFF_FFFF_FFFF_FFFF
_WHOLE = "send the whole record"
_BY_SCHEMA = "encode with the contract's own schema"


def compile_walk(record: Record) -> Walk:
    """Return the walk over one value of a record, built once per contract."""
    source = _Source()
    source.line("def walk(data, p, size):")
    with source.block():
        expression = source.record(record, "")
        source.line(f"return p, {expression}")
    known: dict[str, Any] = {
        "W": tuple(source.places),
        "number": _number,
        "refuse": _refuse,
        "utf8": _utf8,
        "double": _double,
        "block": _block,
    }
    exec(compile("\n".join(source.lines), f"<walk over {len(source.places)} fields>", "exec"), known)  # noqa: S102 - made above from numbers alone
    walk: Walk = known["walk"]
    return walk


def check_whole(walk: Walk, data: bytes) -> Offsets:
    """Walk over the bytes, refuse them unless they are exactly one value, and return its offsets.

    Raises:
        NotReadable: With one of `CODES`; names the field, never what it holds.
    """
    size = len(data)
    try:
        end, offsets = walk(data, 0, size)
    except IndexError:
        raise NotReadable(TRUNCATED, "the bytes end inside the record", fix=_WHOLE) from None
    if end != size:
        raise NotReadable(TRAILING, "bytes follow the end of the record", fix="send one record alone")
    return offsets


_FAULTS: dict[str, str] = {
    TRUNCATED: "the bytes end inside it",
    LENGTH: "a length that cannot be",
    COUNT: "more items than the contract allows",
    INDEX: "no such branch, symbol or truth value",
    NUMBER: "a number of more than 32 bits",
}


def _refuse(code: str, where: str) -> Never:
    """Say which field does not hold what the contract says; never what it holds."""
    raise NotReadable(code, f"{where}: {_FAULTS[code]}", fix=_WHOLE if code == TRUNCATED else _BY_SCHEMA)


def _number(data: bytes, position: int, where: str) -> tuple[int, int]:
    """Read one number of several bytes, still zig-zag; IndexError means the bytes end in it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < _CONTINUES:
            break
        shift += 7
        if shift > _SHIFT_MAX:
            raise NotReadable(VARINT, f"{where}: a number of more than 64 bits", fix=_BY_SCHEMA)
    if value > _UNSIGNED_MAX:
        raise NotReadable(VARINT, f"{where}: a number of more than 64 bits", fix=_BY_SCHEMA)
    if byte == 0 and shift:
        raise NotReadable(VARINT, f"{where}: a number written longer than it is", fix=_BY_SCHEMA)
    return value, position


def _utf8(text: bytes, where: str) -> None:
    """Refuse text that is not UTF-8; called for what is not plain ASCII."""
    try:
        text.decode()
    except UnicodeDecodeError:
        raise NotReadable(UTF8, f"{where}: text that is not UTF-8", fix=_BY_SCHEMA) from None


def _double(data: bytes, position: int, where: str) -> None:
    """Refuse what is no finite number; its eight bytes are there."""
    if not math.isfinite(struct.unpack_from("<d", data, position)[0]):
        raise NotReadable(NUMBER, f"{where}: not a finite number", fix=_BY_SCHEMA)


def _block(raw: int, data: bytes, position: int, where: str) -> tuple[int, int, int]:
    """Return a block's count, where its items begin and, where it says so, where they end; else -1."""
    if not raw & 1:
        return raw >> 1, position, -1
    size, position = _number(data, position, where)
    if size & 1:
        _refuse(LENGTH, where)
    return (raw + 1) >> 1, position, position + (size >> 1)


@dataclass(slots=True)
class _Source:
    """The walk's source while it is written; `places` holds the names, which the source knows by number."""

    lines: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    _depth: int = 0
    _names: int = 0

    def line(self, text: str) -> None:
        """Add a line at the current depth."""
        self.lines.append("    " * self._depth + text)

    @contextmanager
    def block(self) -> Iterator[None]:
        """Write what follows one level deeper."""
        self._depth += 1
        yield
        self._depth -= 1

    def name(self) -> str:
        """Return a variable nobody else has."""
        self._names += 1
        return f"v{self._names}"

    def record(self, record: Record, prefix: str) -> str:
        """Walk over the fields in their order; returns the expression of their offsets."""
        marks, inner = [], []
        for each in record.fields:
            mark = self.name()
            marks.append(mark)
            self.line(f"{mark} = p")
            found = self.field(each, f"{prefix}{each.name}")
            if found is not None:
                inner.append(found)
        end = self.name()
        self.line(f"{end} = p")
        return f"(({', '.join([*marks, end])},), ({''.join(f'{each}, ' for each in inner)}))"

    def field(self, declared: Field, path: str) -> str | None:
        """Walk over a field: for an optional one its branch first, then its value."""
        self.places.append(path)
        where = f"W[{len(self.places) - 1}]"
        inside = declared.shape.item if isinstance(declared.shape, ListOf) else declared.shape
        found = self.name() if isinstance(inside, Record) else None
        if not declared.nullable:
            self._value(declared, declared.shape, path, where, found)
            return found
        if found is not None:
            self.line(f"{found} = None")
        self.line("n = data[p]")
        self.line("p += 1")
        self.line("if n == 2:")
        with self.block():
            self._value(declared, declared.shape, path, where, found)
        self.line("elif n:")
        with self.block():
            self.line(f"refuse({INDEX!r}, {where})")
        return found

    def _value(self, declared: Field, shape: Shape, path: str, where: str, found: str | None) -> None:
        match shape:
            case Scalar():
                self._scalar(shape, where)
            case Choice(symbols=symbols):
                self._raw(where)
                self._unless(f"n & 1 or n > {2 * len(symbols) - 2}", INDEX, where)
            case ListOf(item):
                self._blocks(declared, item, path, where, found)
            case TextByName():
                self._blocks(declared, shape, path, where, found)
            case Record():
                expression = self.record(shape, f"{path}.")
                self.line(f"{found} = {expression}")
            case _:
                assert_never(shape)

    def _raw(self, where: str) -> None:
        """Read one number into n, still zig-zag; most are one byte long."""
        self.line("n = data[p]")
        self.line("p += 1")
        self.line("if n > 127:")
        with self.block():
            self.line(f"n, p = number(data, p - 1, {where})")

    def _unless(self, wrong: str, code: str, where: str) -> None:
        self.line(f"if {wrong}:")
        with self.block():
            self.line(f"refuse({code!r}, {where})")

    def _scalar(self, shape: Scalar, where: str) -> None:
        match shape.kind:
            case "string" | "bytes":
                self._chunk(where, text=shape.kind == "string")
            case "int" | "date":
                self._raw(where)
                self._unless("n > 0xFFFFFFFF", NUMBER, where)
            case "long" | "instant":
                self._raw(where)
            case "double":
                self._unless("size - p < 8", TRUNCATED, where)
                self.line(f"double(data, p, {where})")
                self.line("p += 8")
            case "boolean":
                self._unless("data[p] > 1", INDEX, where)
                self.line("p += 1")
            case _:
                assert_never(shape.kind)

    def _chunk(self, where: str, *, text: bool) -> None:
        """Walk over a length and so many bytes."""
        self._raw(where)
        self._unless("n & 1", LENGTH, where)
        self.line("e = p + (n >> 1)")
        self._unless("e > size", TRUNCATED, where)
        if text:
            self.line("if not data[p:e].isascii():")
            with self.block():
                self.line(f"utf8(data[p:e], {where})")
        self.line("p = e")

    def _blocks(self, declared: Field, item: Shape, path: str, where: str, found: str | None) -> None:
        """Walk over blocks of items up to the empty one; every item is at least one byte long."""
        total, count, stated = self.name(), self.name(), self.name()
        if found is not None:
            self.line(f"{found} = []")
        self.line(f"{total} = 0")
        self.line("while True:")
        with self.block():
            self._raw(where)
            self.line("if not n:")
            with self.block():
                self.line("break")
            self.line(f"{count}, p, {stated} = block(n, data, p, {where})")
            self.line(f"{total} += {count}")
            self._unless(f"{total} > {declared.bound('maxItems') or 0}", COUNT, where)
            self._unless(f"{count} > size - p", TRUNCATED, where)
            self.line(f"for _ in range({count}):")
            with self.block():
                self._item(declared, item, path, where, found)
            self._unless(f"{stated} not in (-1, p)", LENGTH, where)

    def _item(self, declared: Field, item: Shape, path: str, where: str, found: str | None) -> None:
        match item:
            case Record():
                expression = self.record(item, f"{path}[].")
                self.line(f"{found}.append({expression})")
            case TextByName():
                self._chunk(where, text=True)
                self._chunk(where, text=True)
            case _:
                self._value(declared, item, path, where, found)
