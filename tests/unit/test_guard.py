"""The guard walk: where every field lies, at every depth; every kind of hostile bytes has its code."""

from __future__ import annotations

import random
import struct
import time
from functools import cache
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import NotConfigured, NotReadable
from hub.topics import guard, samples
from hub.topics.guard import Offsets, check_whole, compile_walk
from hub.topics.shapes import (
    Choice,
    Field,
    ListOf,
    Record,
    Scalar,
    leaves,
    plain_avro,
    plain_type,
    read_record,
)
from tests.unit.avro_values import (
    EVERYTHING,
    Writer,
    a_choice,
    a_field,
    a_list,
    a_record,
    records,
    text,
    varint,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SHAPE = read_record(EVERYTHING)
WALK = compile_walk(SHAPE)
AVRO = fastavro.parse_schema(plain_avro(SHAPE))
FULL = samples.full(SHAPE)
WHOLE = Writer().record(SHAPE, FULL)
SECONDS_MAX = 0.05
MUTANTS = 20_000


@cache
def schema_of(field: Field) -> Any:  # noqa: ANN401 - as fastavro parsed it
    """Return the type of one field alone."""
    plain = plain_type(field.shape)
    return fastavro.parse_schema(["null", plain] if field.nullable else plain)


def decoded(field: Field, data: bytes) -> object:
    """Decode one field's bytes, which must be that field and nothing more."""
    stream = BytesIO(data)
    found = fastavro.schemaless_reader(stream, schema_of(field), None)
    assert not stream.read()
    return found


def assert_lies(record: Record, data: bytes, offsets: Offsets, payload: Mapping[str, Any]) -> None:
    """Check that every field lies where the offsets say, and every field of the records in it."""
    marks, inner = offsets
    below = iter(inner)
    assert len(marks) == len(record.fields) + 1
    for at, field in enumerate(record.fields):
        value = payload[field.name]
        assert decoded(field, data[marks[at] : marks[at + 1]]) == value
        shape = field.shape.item if isinstance(field.shape, ListOf) else field.shape
        if not isinstance(shape, Record):
            continue
        found = next(below)
        if value is None:
            assert found is None
        elif isinstance(field.shape, ListOf):
            assert isinstance(found, list)
            for each, item in zip(found, value, strict=True):
                assert_lies(shape, data, each, item)
        else:
            assert isinstance(found, tuple)
            assert_lies(shape, data, found, value)
    assert next(below, "no more") == "no more"


def code_of(data: bytes) -> str | None:
    """Return the code the walk refuses bytes with, or None, and see that it does so at once."""
    began = time.thread_time()
    found = ("", "")
    try:
        check_whole(WALK, data)
    except NotReadable as refused:
        found = (refused.code, refused.fix)
    assert time.thread_time() - began < SECONDS_MAX
    assert bool(found[0]) is bool(found[1])
    return found[0] or None


@pytest.mark.requirement("R-DEL-03")
@settings(max_examples=300, deadline=None)
@given(records(SHAPE))
def test_every_field_lies_where_the_walk_says_at_every_depth(payload: dict[str, Any]) -> None:
    """The bytes between two marks are that field, whatever record it is in."""
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, AVRO, payload, strict=True)
    assert buffer.getvalue() == Writer().record(SHAPE, payload)
    assert_lies(SHAPE, buffer.getvalue(), check_whole(WALK, buffer.getvalue()), payload)


def split(draw: Callable[[st.SearchStrategy[int]], int]) -> Callable[[Sequence[bytes]], bytes]:
    """Return a way to write lists in blocks of any length, with and without their size in bytes."""

    def blocks(items: Sequence[bytes]) -> bytes:
        out, rest = [], list(items)
        while rest:
            count = draw(st.integers(1, len(rest)))
            body = b"".join(rest[:count])
            sized = draw(st.integers(0, 1))
            out.append(varint(-count) + varint(len(body)) + body if sized else varint(count) + body)
            del rest[:count]
        return b"".join(out) + b"\0"

    return blocks


@pytest.mark.requirement("R-DEL-03")
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_lists_in_several_blocks_and_blocks_that_state_their_size_are_accepted(data: st.DataObject) -> None:
    """Avro allows both, in lists and maps, and the offsets hold."""
    payload = data.draw(records(SHAPE))
    written = Writer(blocks=split(data.draw)).record(SHAPE, payload)
    assert_lies(SHAPE, written, check_whole(WALK, written), payload)


@pytest.mark.requirement("R-DEL-03")
def test_a_record_that_ends_too_early_is_truncated_wherever_it_ends() -> None:
    """At every byte, and one byte too many is trailing."""
    for end in range(len(WHOLE)):
        assert code_of(WHOLE[:end]) == guard.TRUNCATED, end
    assert code_of(WHOLE) is None
    for tail in (b"\0", WHOLE):
        assert code_of(WHOLE + tail) == guard.TRAILING


NUMBERS = {
    "written longer than it is": (b"\x80\x00", guard.VARINT),
    "of eleven bytes": (b"\xff" * 10 + b"\x01", guard.VARINT),
    "without end": (b"\x80" * 5000, guard.VARINT),
    "of seventy bits": (b"\xff" * 9 + b"\x7f", guard.VARINT),
    "just above 64 bits": (b"\xff" * 9 + b"\x02", guard.VARINT),
}
CHUNKS = {
    **NUMBERS,
    "negative": (varint(-1), guard.LENGTH),
    "the most negative": (varint(-(2**63)), guard.LENGTH),
    "huge": (varint(2**40), guard.TRUNCATED),
    "the greatest": (varint(2**63 - 1), guard.TRUNCATED),
}
BLOCKS = {
    **NUMBERS,
    "of 2^40 items": (varint(2**40), guard.COUNT),
    "of -2^63 items": (varint(-(2**63)) + varint(1), guard.COUNT),
    "of one item too many": (varint(7), guard.COUNT),
    "of a negative size": (varint(-1) + varint(-1), guard.LENGTH),
}
WIDE = {"above 32 bits": (varint(2**31), guard.NUMBER), "below": (varint(-(2**31) - 1), guard.NUMBER)}
SYMBOLS = {"one too many": (varint(3), guard.INDEX), "-1": (varint(-1), guard.INDEX), **NUMBERS}
FRAGMENTS: Mapping[str, Mapping[str, tuple[bytes, str]]] = {
    "string": {
        **CHUNKS,
        "not UTF-8": (varint(2) + b"\xff\xfe", guard.UTF8),
        "half": (b"\x02\xc3", guard.UTF8),
    },
    "surrogate": {"a surrogate": (varint(3) + b"\xed\xa0\x80", guard.UTF8)},
    "bytes": CHUNKS,
    "int": {**NUMBERS, **WIDE, "of 2^40": (varint(2**40), guard.NUMBER)},
    "date": {**NUMBERS, **WIDE},
    "long": NUMBERS,
    "instant": NUMBERS,
    "double": {
        "not a number": (struct.pack("<d", float("nan")), guard.NUMBER),
        "infinite": (struct.pack("<d", float("inf")), guard.NUMBER),
        "infinite below zero": (struct.pack("<d", float("-inf")), guard.NUMBER),
    },
    "boolean": {"2": (b"\x02", guard.INDEX), "255": (b"\xff", guard.INDEX)},
    "choice": SYMBOLS,
    "list": BLOCKS,
}


def kinds() -> list[tuple[str, str, str]]:
    """Return path, kind and name of every hostile fragment for every field of the record."""
    found = []
    for path, field, _ in leaves(SHAPE):
        match field.shape:
            case Scalar(kind):
                found.append((path, str(kind)))
            case Choice():
                found.append((path, "choice"))
            case _:
                found.append((path, "list"))
        match field.shape:
            case ListOf(Scalar(kind)):
                found.append((f"{path}[]", str(kind)))
            case ListOf(Choice()):
                found.append((f"{path}[]", "choice"))
    found += [("items", "list"), ("rows", "list"), ("items[].parts", "list"), ("text", "surrogate")]
    return [(path, kind, name) for path, kind in found for name in FRAGMENTS[kind]]


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(("path", "kind", "name"), kinds())
def test_hostile_bytes_are_refused_in_every_field_with_their_code(path: str, kind: str, name: str) -> None:
    """Lengths, counts, numbers, symbols and text, in fields of the first level and inside records."""
    fragment, code = FRAGMENTS[kind][name]
    data = Writer(instead={path: fragment}).record(SHAPE, FULL)
    assert code_of(data) == code


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize("lie", [-1, 1, 1000, 2**40, 2**62])
@pytest.mark.parametrize("path", ["tags", "notes", "days", "rows", "items", "items[].marks", "items[].parts"])
def test_a_block_that_lies_about_its_size_is_refused(path: str, lie: int) -> None:
    """Whoever skips blocks by their size would read another record than whoever reads the items."""
    *way, name = path.split("[].")
    record, payload = SHAPE, FULL
    for step in way:
        inside = record.field(step)
        assert inside is not None
        assert isinstance(inside.shape, ListOf)
        assert isinstance(inside.shape.item, Record)
        record, payload = inside.shape.item, payload[step][0]  # type: ignore[index]
    field = record.field(name)
    assert field is not None
    plain = Writer().record(Record(name="R", doc="", fields=(field,), own=None), payload)
    body = plain[1 + field.nullable : -1]
    honest, lying = (varint(-1) + varint(len(body) + more) + body + b"\0" for more in (0, lie))
    assert code_of(Writer(instead={path: honest}).record(SHAPE, FULL)) is None
    assert code_of(Writer(instead={path: lying}).record(SHAPE, FULL)) == guard.LENGTH


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize("branch", [1, 3, 4, 14, 127, 128, 255])
def test_a_union_branch_there_is_not_is_refused(branch: int) -> None:
    """Also in a record inside a list, and written longer than it is."""
    at = WHOLE.index(b"\x02" + text("canary-items.title"))
    for place in (at, WHOLE.index(b"\x02" + text("canary-text"))):
        broken = WHOLE[:place] + bytes([branch]) + WHOLE[place + 1 :]
        assert code_of(broken) == guard.INDEX


@pytest.mark.requirement("R-DEL-03")
def test_a_count_that_is_allowed_but_not_there_is_truncated() -> None:
    """Items are counted against the bytes that are left before any is read; blocks add up."""
    record = read_record(a_record("R", a_field("many", a_list("string"), maxItems=1_000_000)))
    walk = compile_walk(record)
    for data in (varint(900_000), varint(-900_000) + varint(1)):
        with pytest.raises(NotReadable) as refused:
            check_whole(walk, data + b"\0" * 10)
        assert refused.value.code == guard.TRUNCATED
    blocks = varint(600_000) + b"\0" * 600_000
    with pytest.raises(NotReadable) as refused:
        check_whole(walk, blocks + blocks + b"\0")
    assert refused.value.code == guard.COUNT


def mutant(chance: random.Random, data: bytes) -> bytes:
    """Return bytes changed in up to four places: replaced, taken out, put in, doubled, cut off."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(found) or 1)
        nasty = chance.choice([b"\0", b"\x01", b"\x7f", b"\x80", b"\xff", varint(2**40), varint(-1)])
        match chance.randrange(6):
            case 0:
                found[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                found[at : at + 1] = nasty
            case 2:
                del found[at : at + chance.randint(1, 9)]
            case 3:
                found[at:at] = nasty
            case 4:
                found[at:at] = found[at : at + chance.randint(1, 40)]
            case _:
                found[at : at + 1] = bytes([(found[at] if found else 0) ^ (1 << chance.randrange(8))])
    return bytes(found)


@pytest.mark.requirement("R-DEL-03")
def test_of_twenty_thousand_mutants_each_is_refused_with_a_code_or_decodes_and_encodes() -> None:
    """What the walk lets through, the decoder reads without a fault, and what it read can be written."""
    chance = random.Random(20_261_126)  # noqa: S311 - seeded, so that a failure can be run again
    payload = {**FULL, "text": "a" * 130, "raw": b"b" * 100, "items": [FULL["items"][0]] * 2}  # type: ignore[index]
    data = Writer().record(SHAPE, payload)
    assert 550 < len(data) < 900
    taken, codes = 0, set()
    for _ in range(MUTANTS):
        changed = mutant(chance, data)
        code = code_of(changed)
        if code is not None:
            codes.add(code)
            continue
        taken += 1
        stream = BytesIO(changed)
        read = fastavro.schemaless_reader(stream, AVRO, None)
        assert not stream.read()
        again = BytesIO()
        fastavro.schemaless_writer(again, AVRO, read, strict=True)
        assert fastavro.schemaless_reader(BytesIO(again.getvalue()), AVRO, None) == read
    assert codes <= {*guard.CODES}
    assert len(codes) >= 7
    assert 500 < taken < MUTANTS


def test_no_name_of_a_schema_gets_into_the_walk_that_is_compiled() -> None:
    """Names that would be code are only what a refusal says."""
    names = ('quo"te', "a'); raise SystemExit(1) #", "new\nline", "{p}", "back\\slash")
    fields = tuple(
        Field(name=name, shape=Scalar("string"), nullable=False, has_default=False, properties={})
        for name in names
    )
    record = Record(name="R\"'", doc="", fields=fields, own=None)
    walk = compile_walk(record)
    data = b"".join(text(name) for name in names)
    (marks, inner) = check_whole(walk, data)
    assert [data[a + 1 : b].decode() for a, b in pairwise(marks)] == list(names)
    assert inner == ()
    before = 0
    for name in names:
        with pytest.raises(NotReadable) as refused:
            check_whole(walk, data[:before] + varint(-1))
        assert str(refused.value).startswith(f"{name}: ")
        before += len(text(name))


def test_a_refusal_names_the_field_and_nothing_it_holds() -> None:
    """In a list's record its path is written as contracts write it."""
    data = Writer(instead={"items[].title": varint(9) + b"\xffZanzibar"}).record(SHAPE, FULL)
    with pytest.raises(NotReadable) as refused:
        check_whole(WALK, data)
    assert str(refused.value).startswith("items[].title:")
    assert "Zanzibar" not in f"{refused.value} {refused.value.fix}"


@pytest.mark.parametrize("items", [a_list("string"), a_list(a_record("Inner", a_field("x", "string")))])
def test_a_list_of_lists_is_no_shape_the_hub_walks(items: dict[str, object]) -> None:
    """Neither the paths of fields nor the offsets have a place for it: it is refused when it is loaded."""
    with pytest.raises(NotConfigured, match="lists"):
        read_record(a_record("R", a_field("lists", a_list(items), maxItems=3)))


def test_a_choice_of_one_symbol_and_the_last_symbol_are_taken() -> None:
    """The bound is the number of symbols, not one less."""
    one = compile_walk(read_record(a_record("R", a_field("kind", a_choice("K", "ONLY")))))
    assert check_whole(one, b"\0")[0] == (0, 1)
    with pytest.raises(NotReadable):
        check_whole(one, varint(1))
