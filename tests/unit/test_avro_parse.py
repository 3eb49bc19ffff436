"""Schemas read, refused and bounded; tests/contract/test_avro_java.py shows that Avro Java agrees."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.parse import DEPTH_MAX, TYPES_MAX, parse, parse_text
from hub.topics.avro.schema import Array, Enum, Field, Fixed, Map, Primitive, Record, Union
from hub.topics.avro.text import LEVELS_MAX, TEXT_CHARS_MAX
from tests.unit.avro_sources import field, record

SCHEMAS = sorted((Path(__file__).parents[2] / "schemas").rglob("*.avsc"))


def fields_of(source: dict[str, Any]) -> tuple[Field, ...]:
    found = parse(source)
    assert isinstance(found, Record)
    return found.fields


def read_in(source: object, seconds_max: float) -> None:
    """Read a schema, whether it is one or not, within a time."""
    begin = time.process_time()
    with contextlib.suppress(SchemaRefused):
        parse(source)
    assert time.process_time() - begin < seconds_max


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_every_schema_of_the_hub_is_read(file: Path) -> None:
    assert isinstance(parse_text(file.read_text(encoding="utf-8")), Record)


def test_every_kind_of_type_is_read() -> None:
    found = parse(
        [
            "null",
            {"type": "array", "items": "int"},
            {"type": "map", "values": "long"},
            {"type": "fixed", "name": "F", "size": 4},
            {"type": "enum", "name": "E", "symbols": ["A"], "default": "A"},
            record(),
        ]
    )
    assert isinstance(found, Union)
    assert [type(branch) for branch in found.branches] == [Primitive, Array, Map, Fixed, Enum, Record]


def test_what_is_not_avros_is_kept_on_types_and_fields() -> None:
    source = record(
        field("d", {"type": "int", "logicalType": "date", "x": 1}, infoClass="identity", doc="When."),
        field("l", {"type": "array", "items": "int", "itemsMax": 9}),
        owner="probation",
        doc="A record.",
    )
    found = parse(source)
    assert isinstance(found, Record)
    dated, listed = found.fields
    assert found.properties == {"owner": "probation", "doc": "A record."}
    assert dated.properties == {"infoClass": "identity", "doc": "When."}
    assert isinstance(dated.type, Primitive)
    assert dated.type.properties == {"logicalType": "date", "x": 1}
    assert isinstance(listed.type, Array)
    assert listed.type.properties == {"itemsMax": 9}


def test_a_default_null_is_a_default() -> None:
    with_null, without = fields_of(record(field("a", ["null", "int"], default=None), field("b", "int")))
    assert (with_null.has_default, with_null.default) == (True, None)
    assert not without.has_default


def test_a_record_that_contains_itself_is_a_circle() -> None:
    found = parse(record(field("next", ["null", "R"])))
    assert isinstance(found, Record)
    assert isinstance(found.fields[0].type, Union)
    assert found.fields[0].type.branches[1] is found


def test_a_name_may_be_used_before_it_is_defined() -> None:
    first, second = fields_of(record(field("a", "Later"), field("b", record(name="Later"))))
    assert first.type is second.type


def test_a_namespace_holds_for_what_stands_within_and_can_be_left() -> None:
    inner, out, back = fields_of(
        record(
            field("a", {"type": "fixed", "name": "In", "size": 1}),
            field("b", {"type": "fixed", "name": "Out", "namespace": "", "size": 1}),
            field("c", ["In", "Out"]),
        )
    )
    assert isinstance(inner.type, Fixed)
    assert isinstance(out.type, Fixed)
    assert isinstance(back.type, Union)
    assert (inner.type.name, out.type.name) == ("p.In", "Out")
    assert back.type.branches == (inner.type, out.type)


def test_aliases_of_types_are_full_names_and_those_of_fields_are_not() -> None:
    found = parse(record(field("a", "int", aliases=["b"]), aliases=["Old", "q.Older", ".Oldest", "Old"]))
    assert isinstance(found, Record)
    assert found.aliases == ("p.Old", "q.Older", "Oldest")
    assert found.fields[0].aliases == ("b",)


@pytest.mark.parametrize(
    ("source", "path", "says"),
    [
        (record(field("a", "Nowhere")), "a", "no type is named p.Nowhere"),
        (record(field("a", {"type": "array", "items": ["int", "int"]})), "a[]", "a union with int twice"),
        (record(field("a", {"type": "map", "values": {"type": "record"}})), "a{}", "without a `name`"),
        (record(field("a", record(field("b", "int", default="x"), name="B"))), "a.b", "no value of its type"),
        (record(field("a", ["null", "R"], default={})), "a", "needs the fields of its own record"),
        (record(field("a", {"type": "enum", "name": "E", "symbols": ["A", "A"]})), "a", "stands twice"),
        (record(field("a", {"type": "enum", "name": "E", "symbols": ["A"], "default": "B"})), "a", "default"),
        (record(field("a", record(name="B")), field("b", record(field("c", "int"), name="B"))), "b", "twice"),
        (record(field("a", "int"), field("a", "int")), "a", "a field named twice"),
        (record(field("a", {"type": "fixed", "name": "F", "size": -1})), "a", "`size`"),
        (record(field("a", ["null", ["int"]])), "a", "a union directly in a union"),
        (record(field("a", "int", aliases="b")), "a", "`aliases`"),
        (record(field("a", "int", order="up")), "a", "`order`"),
        (record(field("a", {"type": ["int"]})), "a", "no kind of type"),
        (record(field("a", {"type": "array", "items": "int", "x": 2**64})), "a", "beyond 64 bits"),
        (record(field("a b", "int")), "", "a field whose name is none"),
        ({"type": "record", "name": "int", "fields": []}, "", "a type named int"),
        ({"type": "record", "name": "R", "fields": {}}, "", "`fields`"),
        ({"type": "array"}, "", "`items`"),
        ({"type": "map"}, "", "`values`"),
        (3, "", "not a type"),
    ],
)
def test_a_refusal_names_the_path_and_what_would_be_right(source: object, path: str, says: str) -> None:
    with pytest.raises(SchemaRefused) as refused:
        parse(source)
    assert refused.value.path == path
    assert says in str(refused.value)
    assert str(refused.value).startswith(f"{path or 'the schema'}: ")
    assert refused.value.fix


def test_a_refusal_repeats_no_default() -> None:
    with pytest.raises(SchemaRefused) as refused:
        parse(record(field("a", "int", default="Jo Bloggs")))
    assert "Bloggs" not in f"{refused.value} {refused.value.fix}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ('{"type": "int"', "not JSON (line 1)"),
        ('{"type": "int", "x": NaN}', "not JSON"),
        ('{"type": "int", "x": 1e999}', "beyond what a double holds"),
        ('{"type": "int", "x": ' + "1" * 5000 + "}", "not JSON"),
        ('"int" "int"', "something follows"),
        ('"int" // the end', "something follows"),
    ],
)
def test_a_text_that_is_not_one_json_value_is_refused(text: str, says: str) -> None:
    with pytest.raises(SchemaRefused, match="the schema: ") as refused:
        parse_text(text)
    assert says in str(refused.value)


def test_comments_may_stand_before_and_within_but_not_in_a_string() -> None:
    found = parse_text('/* a */ {"type": // b\n "int", "x": "/* c */"}')
    assert isinstance(found, Primitive)
    assert found.properties == {"x": "/* c */"}


def nested(levels: int) -> object:
    kind: object = "int"
    for _ in range(levels):
        kind = {"type": "array", "items": kind}
    return kind


def test_types_in_one_another_have_a_limit() -> None:
    assert parse(nested(DEPTH_MAX)).kind == "array"
    with pytest.raises(SchemaRefused, match=f"more than {DEPTH_MAX} types in one another"):
        parse(nested(DEPTH_MAX + 1))


def test_types_altogether_have_a_limit() -> None:
    parse(record(*(field(f"f{number}", "int") for number in range(TYPES_MAX - 1))))
    with pytest.raises(SchemaRefused, match=f"more than {TYPES_MAX} types"):
        parse(record(*(field(f"f{number}", "int") for number in range(TYPES_MAX))))


def test_a_text_has_a_limit() -> None:
    with pytest.raises(SchemaRefused, match="longer than"):
        parse_text('"int"' + " " * TEXT_CHARS_MAX)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"type":"array","items":', "/*", '"', "//\n"])
def test_a_text_of_the_greatest_length_is_refused_quickly(opening: str) -> None:
    text = opening * (TEXT_CHARS_MAX // len(opening))
    begin = time.process_time()
    with pytest.raises(SchemaRefused):
        parse_text(text)
    assert time.process_time() - begin < 2


def test_properties_may_not_be_deep_without_end() -> None:
    deep: Any = 1
    for _ in range(LEVELS_MAX):
        deep = [deep]
    with pytest.raises(SchemaRefused, match="too many levels"):
        parse({"type": "int", "x": deep})


def test_a_value_that_contains_itself_is_refused() -> None:
    circle: dict[str, Any] = {"type": "array"}
    circle["items"] = circle
    with pytest.raises(SchemaRefused, match="too many levels"):
        parse(circle)


def test_values_that_are_used_again_and_again_are_counted_each_time() -> None:
    doubled: Any = ["int"]
    for _ in range(60):
        doubled = [doubled, doubled]
    with pytest.raises(SchemaRefused, match="values"):
        parse(doubled)


@pytest.mark.parametrize("value", [b"int", ("int",), {1: 2}, {"type": "int", "x": object()}, float("nan")])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(SchemaRefused):
        parse(value)


def test_a_long_chain_of_names_used_before_they_are_defined_is_read() -> None:
    length = 3000
    chain = [record(field("next", f"p.C{number + 1}"), name=f"p.C{number}") for number in range(length)]
    found = parse([*chain, record(name=f"p.C{length}")])
    assert isinstance(found, Union)
    assert len(found.branches) == length + 1


def test_defaults_that_grow_with_every_record_are_read_quickly() -> None:
    last: list[Any] = [record(name="p.D0")]
    for number in range(1, 60):
        twice = [field(name, f"p.D{number - 1}", default={}) for name in "ab"]
        last.append(record(*twice, name=f"p.D{number}"))
    read_in(last, 1)


def test_a_default_that_fits_no_branch_of_many_is_found_out_quickly() -> None:
    names = [f"p.B{number}" for number in range(8)]
    value: Any = 1
    for _ in range(60):
        value = {"a": value}
    branches = [record(field("a", names), name=name) for name in names]
    read_in([*branches, record(field("x", names, default=value), name="p.Last")], 1)


def test_a_name_defined_again_and_again_is_read_quickly() -> None:
    again = record(*(field(f"f{number}", "int") for number in range(20)), name="p.Again")
    read_in(json.loads(json.dumps(record(*(field(f"g{number}", again) for number in range(400))))), 1)
