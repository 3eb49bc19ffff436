"""Records of every shape for tests: schemas of all the hub uses of Avro, random values, a writer of our own.

The writer stands apart from fastavro so that blocks can be split as Avro allows, and so that one field's
bytes can be replaced by hostile ones, at any depth.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, assert_never

from hypothesis import strategies as st

from hub.topics.library import Contract, contract_of
from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, Shape, TextByName, leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(["", "é", "\U0001f3e0" * 3, "a" * 70]))
SCALARS: Mapping[str, st.SearchStrategy[Any]] = {
    "string": TEXTS,
    "bytes": st.binary(max_size=9),
    "int": st.integers(-(2**31), 2**31 - 1),
    "date": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "instant": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
}


def a_field(name: str, declared: object, **said: object) -> dict[str, object]:
    """Return a field of a schema with the properties every field of a message has."""
    usual = {"doc": "Invented.", "infoClass": "progress", "subject": "person", "sensitive": False}
    return {"name": name, "type": declared, **usual, **said}


def optional(name: str, declared: object, **said: object) -> dict[str, object]:
    """Return a field that may be left out."""
    return {**a_field(name, ["null", declared], **said), "default": None}


def a_record(name: str, *fields: dict[str, object]) -> dict[str, object]:
    """Return a record's schema."""
    return {"type": "record", "name": name, "fields": list(fields)}


def a_list(items: object) -> dict[str, object]:
    """Return a list's schema."""
    return {"type": "array", "items": items}


def a_choice(name: str, *symbols: str, **said: object) -> dict[str, object]:
    """Return an enum's schema."""
    return {"type": "enum", "name": name, "symbols": list(symbols), **said}


DAY = {"type": "int", "logicalType": "date"}
INSTANT = {"type": "long", "logicalType": "timestamp-millis"}
EVERYTHING = a_record(
    "Everything",
    a_field("key", "string", key=True),
    a_field("version", "int", key=True),
    a_field("total", "long"),
    a_field("score", "double"),
    a_field("flag", "boolean"),
    a_field("raw", "bytes"),
    a_field("kind", a_choice("Kind", "A", "B", "C")),
    a_field("tags", a_list("string"), maxItems=5),
    a_field("notes", {"type": "map", "values": "string"}, maxItems=3),
    a_field(
        "always",
        a_record(
            "Always",
            a_field("code", "string", key=True),
            optional("small", "int"),
            optional(
                "deep", a_record("Deep", optional("word", "string"), a_field("on", DAY)), general="absent"
            ),
        ),
    ),
    optional("text", "string"),
    optional("day", DAY),
    optional("at", INSTANT),
    optional("share", "double"),
    optional("sure", "boolean"),
    optional("box", "bytes"),
    optional("level", a_choice("Level", "LOW", "HIGH")),
    optional("days", a_list(DAY), maxItems=4),
    optional("levels", a_list(a_choice("Other", "X", "Y")), maxItems=4),
    optional("names", {"type": "map", "values": "string"}, maxItems=2),
    optional(
        "sometimes", a_record("Sometimes", a_field("who", "string", key=True), optional("when", INSTANT))
    ),
    a_field("rows", a_list(a_record("Row", a_field("row", "int"), optional("said", "string"))), maxItems=4),
    optional(
        "items",
        a_list(
            a_record(
                "Item",
                a_field("item", "string", key=True),
                optional("title", "string"),
                optional("marks", a_list("int"), maxItems=3),
                optional(
                    "parts",
                    a_list(a_record("Part", a_field("part", "string", key=True), optional("size", "double"))),
                    maxItems=3,
                ),
                optional(
                    "owner", a_record("Owner", optional("name", "string"), a_field("rank", "long", key=True))
                ),
            )
        ),
        maxItems=6,
    ),
)
"""Every type and nesting the hub's contracts may use, each optional and not."""


def made(schema: Mapping[str, object], *, number: int = 900, name: str = "plan") -> Contract:
    """Return a message contract of a schema."""
    return contract_of(schema, id=number, name=name, version="1.0", kind="message", status="active")


def values_of(shape: Shape, field: Field) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a shape, lists as long as their field allows."""
    most = field.bound("maxItems") or 0
    match shape:
        case Scalar(kind):
            return SCALARS[kind]
        case Choice(symbols=symbols):
            return st.sampled_from(symbols)
        case ListOf(item):
            return st.lists(values_of(item, field), max_size=most)
        case TextByName():
            return st.dictionaries(TEXTS, TEXTS, max_size=most)
        case Record():
            return records(shape)
        case _:
            assert_never(shape)


def records(record: Record) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for payloads of a record, every field named."""
    found = {}
    for field in record.fields:
        values = values_of(field.shape, field)
        found[field.name] = st.one_of(st.none(), values) if field.nullable else values
    return st.fixed_dictionaries(found)


def varint(number: int) -> bytes:
    """Write a whole number as Avro does."""
    value = (number << 1) ^ (number >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def text(words: str) -> bytes:
    """Write text as Avro does."""
    return varint(len(words.encode())) + words.encode()


def in_one_block(items: Sequence[bytes]) -> bytes:
    """Write a list the plain way."""
    return (varint(len(items)) + b"".join(items) if items else b"") + b"\0"


class Writer:
    """Writes records, lists in whatever blocks it is told, and other bytes in the place of one field's."""

    def __init__(
        self,
        blocks: Callable[[Sequence[bytes]], bytes] = in_one_block,
        instead: Mapping[str, bytes] | None = None,
    ) -> None:
        """Write lists by `blocks`; for a path of `instead` (`items[].title`), those bytes as its value."""
        self._blocks = blocks
        self._instead = instead or {}

    def record(self, shape: Record, payload: Mapping[str, Any], prefix: str = "") -> bytes:
        """Write one record."""
        return b"".join(
            self._field(field, payload[field.name], f"{prefix}{field.name}") for field in shape.fields
        )

    def _field(self, field: Field, value: Any, path: str) -> bytes:  # noqa: ANN401 - any value of a field
        if field.nullable and value is None:
            return b"\0"
        body = self._instead.get(path)
        written = self._value(field.shape, value, path) if body is None else body
        return b"\x02" + written if field.nullable else written

    def _value(self, shape: Shape, value: Any, path: str) -> bytes:  # noqa: ANN401 - as above
        match shape:
            case Scalar(kind):
                return _scalar(kind, value)
            case Choice(symbols=symbols):
                return varint(symbols.index(value))
            case ListOf(item):
                below = f"{path}[]"
                return self._blocks([self._item(item, each, below) for each in value])
            case TextByName():
                return self._blocks([text(name) + text(said) for name, said in value.items()])
            case Record():
                return self.record(shape, value, f"{path}.")
            case _:
                assert_never(shape)

    def _item(self, shape: Shape, value: Any, path: str) -> bytes:  # noqa: ANN401 - as above
        return self._instead.get(path) or self._value(shape, value, path)


def _scalar(kind: str, value: Any) -> bytes:  # noqa: ANN401 - any single value
    """Write a single value."""
    match kind:
        case "string":
            return text(value)
        case "bytes":
            return varint(len(value)) + bytes(value)
        case "double":
            return struct.pack("<d", value)
        case "boolean":
            return bytes([value])
        case _:
            return varint(value)


def view_paths(record: Record, chosen: frozenset[str]) -> frozenset[str]:
    """Return a choice of leaves with every key that has to go with it."""
    known = {path: field for path, field, _ in leaves(record)}
    needed = {path for path, field in known.items() if not field.nullable}
    paths = chosen.intersection(known) | {path for path in needed if "." not in path}
    while more := {path for path in needed - paths if any(each.startswith(_parent(path)) for each in paths)}:
        paths |= more
    return paths


def _parent(path: str) -> str:
    return path.rpartition(".")[0] + "."


def restricted(shape: Shape, value: Any) -> Any:  # noqa: ANN401 - any value of a shape
    """Return a value with nothing but the names a shape has, at every depth."""
    match shape, value:
        case Record(fields=fields), dict():
            return {field.name: restricted(field.shape, value[field.name]) for field in fields}
        case ListOf(item), list():
            return [restricted(item, each) for each in value]
    return value
