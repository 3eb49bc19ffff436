"""Comparing schemas stays within bounds of time, and every schema reads what it writes itself."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.topics.avro.canonical import normalised
from hub.topics.avro.compatibility import check
from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.modes import Mode, compare
from hub.topics.avro.parse import parse
from hub.topics.avro.schema import Type
from tests.unit.avro_sources import field, record

NULLABLE = ["null", "string"]


def test_long_chains_of_records_are_compared_without_deep_calls() -> None:
    length = 3000

    def chain(*last: object) -> Type:
        links = [record(field("next", f"p.C{number + 1}"), name=f"p.C{number}") for number in range(length)]
        links.append(record(*last, name=f"p.C{length}"))
        return parse(record(*(field(f"f{number}", link) for number, link in enumerate(links))))

    (finding,) = check(chain(field("end", "int")), chain())
    assert finding.path == ".".join(["f0", *["next"] * length, "end"])


def test_two_unions_of_many_records_meet_a_limit_quickly() -> None:
    many = parse([record(field("a", "int"), name=f"p.U{number}") for number in range(2000)])
    begin = time.process_time()
    with pytest.raises(SchemaRefused, match="pairs of types"):
        check(many, many)
    assert time.process_time() - begin < 3


def test_records_that_branch_at_every_level_are_compared_once_each() -> None:
    def twins(last: object) -> Type:
        levels = [
            record(field("a", f"p.T{n - 1}"), field("b", f"p.T{n - 1}"), name=f"p.T{n}") for n in range(1, 60)
        ]
        return parse([record(*([last] if last else []), name="p.T0"), *levels])

    begin = time.process_time()
    assert len(check(twins(field("x", "int")), twins(None))) == 1
    assert time.process_time() - begin < 1


PRIMITIVES = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "bytes", "string"])


@st.composite
def schemas(draw: st.DrawFn) -> object:
    """Records of primitive types, enums, lists, maps, unions and one another, in random order."""
    number = draw(st.integers(1, 4))
    names = [f"p.N{place}" for place in range(number)]
    leaves = PRIMITIVES | st.sampled_from(names)
    kinds = st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(lambda kind: {"type": "array", "items": kind}),
            inner.map(lambda kind: {"type": "map", "values": kind}),
            st.lists(leaves, unique=True, max_size=4),
        ),
        max_leaves=4,
    )
    made = [
        record(
            *(
                field(f"f{place}", draw(kinds), aliases=draw(st.lists(st.just("g"), max_size=1)))
                for place in range(3)
            ),
            name=name,
        )
        for name in names
    ]
    symbols = draw(st.lists(st.sampled_from("ABCD"), unique=True))
    return [*made, {"type": "enum", "name": "p.E", "symbols": symbols}]


@given(schemas())
def test_every_schema_reads_what_it_writes(source: object) -> None:
    kind = parse(source)
    assert check(kind, kind) == ()
    assert check(kind, parse(source)) == ()
    assert check(parse(normalised(kind)), kind) == ()


def wide(version: int) -> dict[str, Any]:
    """A message as ours are: 25 fields, two nested records, a list of records, a map."""

    def part(name: str) -> dict[str, Any]:
        return record(*(field(letter, NULLABLE, default=None) for letter in "abcdef"), name=name)

    simple: list[object] = [
        "string",
        "int",
        "long",
        NULLABLE,
        ["null", {"type": "int", "logicalType": "date"}],
    ]
    plain = [field(f"f{number}", simple[number % 5]) for number in range(21)]
    added = [field(f"v{number}", NULLABLE, default=None) for number in range(version)]
    nested = [
        field("one", part("p.One")),
        field("two", ["null", part("p.Two")], default=None),
        field("list", {"type": "array", "items": part("p.Item")}),
        field("map", {"type": "map", "values": "string"}),
    ]
    return record(*plain, *nested, *added)


def test_fifty_versions_are_read_and_compared_each_with_each_well_within_a_second() -> None:
    sources = [wide(version) for version in range(50)]
    begin = time.process_time()
    versions = [(str(number), parse(source)) for number, source in enumerate(sources)]
    for number, (label, schema) in enumerate(versions):
        assert compare(schema, versions[:number], Mode.FULL_TRANSITIVE, label=label) == ()
    assert time.process_time() - begin < 1
