"""Walks over Avro bytes from outside before anything decodes them.

The decoder trusts what it reads: a count may claim a million items, an index may be negative, bytes
may follow the end. The walk refuses all of that, in time and memory bounded by the input's length,
and leaves the decoder only bytes that are one complete value of the contract.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import assert_never

from hub.errors import NotReadable
from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, Shape, TextByName

Walk = Callable[[bytes, int], int]
"""Takes the bytes and where to begin, returns where the value ends; raises NotReadable."""

_TRUNCATED = "AVRO-TRUNCATED"
_TRAILING = "AVRO-TRAILING"
_INVALID = "AVRO-INVALID"
_CONTINUES = 0x80
_SHIFT_MAX = 63
_UNSIGNED_MAX = 0xFFFF_FFFF_FFFF_FFFF
_INT_RANGE = range(-(2**31), 2**31)
_DOUBLE_BYTES = 8


def compile_walk(record: Record) -> Walk:
    """Return the walk over one value of a record, built once per contract."""
    return _record(record, record.name)


def check_whole(walk: Walk, data: bytes) -> None:
    """Walk over the bytes and refuse them unless they are exactly one value."""
    try:
        end = walk(data, 0)
    except IndexError as fault:
        raise _truncated(where="the record") from fault
    if end != len(data):
        raise NotReadable(_TRAILING, "bytes follow the end of the record", fix="send one record alone")


def _truncated(where: str) -> NotReadable:
    """Say that the bytes end too early."""
    return NotReadable(_TRUNCATED, f"the bytes end inside {where}", fix="send the whole record")


def _invalid(where: str, what: str) -> NotReadable:
    """Say which field does not hold what the contract says; never what it holds."""
    return NotReadable(_INVALID, f"{where}: {what}", fix="encode with the contract's own schema")


def _number(data: bytes, position: int, where: str) -> tuple[int, int]:
    """Read one zig-zag number of at most 64 bits; IndexError means the bytes end in it."""
    byte = data[position]
    position += 1
    value = byte & 0x7F
    shift = 7
    while byte & _CONTINUES:
        if shift > _SHIFT_MAX:
            raise _invalid(where, "a number of more than 64 bits")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
    if value > _UNSIGNED_MAX:
        raise _invalid(where, "a number of more than 64 bits")
    return (value >> 1) ^ -(value & 1), position


def _compile(shape: Shape, field: Field, where: str) -> Walk:
    """Return the walk over one value of a shape."""
    match shape:
        case Scalar():
            return _scalar(shape, where)
        case Choice():
            return _index(len(shape.symbols), where)
        case ListOf(item):
            return _list(_compile(item, field, f"{where}[]"), field.bound("maxItems") or 0, where)
        case TextByName():
            return _map(field.bound("maxItems") or 0, where)
        case Record():
            return _record(shape, where)
        case _:
            assert_never(shape)


def _record(record: Record, where: str) -> Walk:
    """Walk over the fields in their order."""
    prefix = "" if where == record.name else f"{where}."
    walks = tuple(_field(field, f"{prefix}{field.name}") for field in record.fields)

    def walk(data: bytes, position: int) -> int:
        for each in walks:
            position = each(data, position)
        return position

    return walk


def _field(field: Field, where: str) -> Walk:
    """Walk over a field: for an optional one its branch first, then its value."""
    inner = _compile(field.shape, field, where)
    if not field.nullable:
        return inner

    def walk(data: bytes, position: int) -> int:
        branch = data[position]
        if branch == 0:
            return position + 1
        if branch != 2:  # noqa: PLR2004 - index 1, zig-zag
            raise _invalid(where, "no such branch of the union")
        return inner(data, position + 1)

    return walk


def _scalar(shape: Scalar, where: str) -> Walk:
    """Return the walk over a single value."""
    match shape.kind:
        case "string":
            return _text(where)
        case "bytes":
            return lambda data, position: _chunk(data, position, where)[1]
        case "int" | "date":
            return _int(where)
        case "long" | "instant":
            return lambda data, position: _number(data, position, where)[1]
        case "double":
            return _double(where)
        case "boolean":
            return _index_byte(where)
        case _:
            assert_never(shape.kind)


def _chunk(data: bytes, position: int, where: str) -> tuple[int, int]:
    """Return begin and end of a length-prefixed run of bytes."""
    length, begin = _number(data, position, where)
    if length < 0:
        raise _invalid(where, "a negative length")
    if length > len(data) - begin:
        raise _truncated(where)
    return begin, begin + length


def _text(where: str) -> Walk:
    """Walk over text, which must be UTF-8."""

    def walk(data: bytes, position: int) -> int:
        begin, end = _chunk(data, position, where)
        try:
            data[begin:end].decode()
        except UnicodeDecodeError as fault:
            raise _invalid(where, "text that is not UTF-8") from fault
        return end

    return walk


def _int(where: str) -> Walk:
    """Walk over a number of 32 bits."""

    def walk(data: bytes, position: int) -> int:
        value, end = _number(data, position, where)
        if value not in _INT_RANGE:
            raise _invalid(where, "a number of more than 32 bits")
        return end

    return walk


def _double(where: str) -> Walk:
    """Walk over a floating-point number, which must be finite."""

    def walk(data: bytes, position: int) -> int:
        end = position + _DOUBLE_BYTES
        if end > len(data):
            raise _truncated(where)
        if not math.isfinite(struct.unpack_from("<d", data, position)[0]):
            raise _invalid(where, "not a finite number")
        return end

    return walk


def _index_byte(where: str) -> Walk:
    """Walk over a boolean: one byte, 0 or 1."""

    def walk(data: bytes, position: int) -> int:
        if data[position] > 1:
            raise _invalid(where, "neither true nor false")
        return position + 1

    return walk


def _index(symbols: int, where: str) -> Walk:
    """Walk over a choice, whose index must be one of its symbols."""

    def walk(data: bytes, position: int) -> int:
        value, end = _number(data, position, where)
        if not 0 <= value < symbols:
            raise _invalid(where, "no such symbol")
        return end

    return walk


def _block(data: bytes, position: int, where: str) -> tuple[int, int, int | None]:
    """Read a block's count, where its items begin and, if it says so, where they end."""
    count, position = _number(data, position, where)
    if count >= 0:
        return count, position, None
    size, position = _number(data, position, where)
    return -count, position, position + size


def _blocks(item: Walk, count_max: int, where: str) -> Walk:
    """Walk over blocks of items up to the empty one; every item is at least one byte long."""

    def walk(data: bytes, position: int) -> int:
        total = 0
        while True:
            count, position, stated_end = _block(data, position, where)
            if count == 0:
                return position
            total += count
            if total > count_max:
                raise _invalid(where, f"more than {count_max} items")
            if count > len(data) - position:
                raise _truncated(where)
            for _ in range(count):
                position = item(data, position)
            if stated_end is not None and stated_end != position:
                raise _invalid(where, "a block whose length is not what it says")

    return walk


def _list(item: Walk, count_max: int, where: str) -> Walk:
    """Walk over a list of at most so many items."""
    return _blocks(item, count_max, where)


def _map(count_max: int, where: str) -> Walk:
    """Walk over a map from names to text."""
    text = _text(where)
    return _blocks(lambda data, position: text(data, text(data, position)), count_max, where)
