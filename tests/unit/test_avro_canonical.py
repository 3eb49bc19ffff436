"""What a schema's digest covers, and a schema written again with its names in full."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.topics.avro.canonical import canonical_json, digest, normalised
from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.parse import parse

SCHEMAS = Path(__file__).parents[2] / "schemas"
PLAIN = {"type": "record", "name": "p.R", "fields": [{"name": "a", "type": "string", "infoClass": "risk"}]}


def test_the_digest_of_every_released_schema_is_the_one_in_the_manifest() -> None:
    entries = yaml.safe_load((SCHEMAS / "manifest.yaml").read_text(encoding="utf-8"))["schemas"]
    released = [entry for entry in entries if entry["status"] != "draft"]
    assert released
    for entry in released:
        assert digest(json.loads((SCHEMAS / entry["file"]).read_text(encoding="utf-8"))) == entry["digest"]


def test_canonical_json_is_sorted_and_has_no_spaces() -> None:
    assert canonical_json({"b": [1, "ß"], "a": None}) == '{"a":null,"b":[1,"ß"]}'


def test_the_order_of_names_does_not_count_and_everything_else_does() -> None:
    turned = dict(reversed(PLAIN.items()))
    looser = {**PLAIN, "fields": [{"name": "a", "type": "string", "infoClass": "progress"}]}
    assert digest(turned) == digest(PLAIN)
    assert len({digest(PLAIN), digest(looser), digest({**PLAIN, "doc": ""}), digest({**PLAIN, "x": 1})}) == 4


def test_a_name_is_defined_in_full_where_it_is_first_used_and_named_after_that() -> None:
    source = {
        "type": "record",
        "name": "R",
        "namespace": "p",
        "aliases": ["Old", ".Older"],
        "fields": [
            {"name": "a", "type": {"type": "enum", "name": "E", "symbols": ["X"], "default": "X"}},
            {"name": "b", "type": ["null", "E", "R"], "default": None, "aliases": ["c"], "infoClass": "risk"},
            {"name": "d", "type": {"type": "array", "items": {"type": "int", "logicalType": "date"}, "n": 1}},
            {"name": "e", "type": {"type": "map", "values": {"type": "fixed", "name": "q.F", "size": 2}}},
        ],
        "doc": "A record.",
    }
    assert normalised(parse(source)) == {
        "type": "record",
        "name": "p.R",
        "aliases": ["p.Old", ".Older"],
        "fields": [
            {"name": "a", "type": {"type": "enum", "name": "p.E", "symbols": ["X"], "default": "X"}},
            {
                "name": "b",
                "type": ["null", "p.E", "p.R"],
                "default": None,
                "aliases": ["c"],
                "infoClass": "risk",
            },
            {"name": "d", "type": {"type": "array", "items": {"type": "int", "logicalType": "date"}, "n": 1}},
            {"name": "e", "type": {"type": "map", "values": {"type": "fixed", "name": "q.F", "size": 2}}},
        ],
        "doc": "A record.",
    }


def test_a_name_used_before_it_is_defined_is_defined_there() -> None:
    later = {"type": "fixed", "name": "p.Later", "size": 1}
    source = {
        "type": "record",
        "name": "p.R",
        "fields": [{"name": "a", "type": "Later"}, {"name": "b", "type": later}],
    }
    written: Any = normalised(parse(source))
    assert [field["type"] for field in written["fields"]] == [later, "p.Later"]


def test_a_type_without_a_namespace_says_so_where_it_stands_within_one() -> None:
    inner = {"type": "fixed", "name": "F", "namespace": "", "size": 1}
    source = {
        "type": "record",
        "name": "p.R",
        "fields": [{"name": "a", "type": inner}, {"name": "b", "type": "F"}],
    }
    assert normalised(parse(source)) == source


@pytest.mark.parametrize("file", sorted(SCHEMAS.rglob("*.avsc")), ids=lambda file: file.name)
def test_every_schema_of_the_hub_stays_the_same_when_written_twice(file: Path) -> None:
    once = normalised(parse(json.loads(file.read_text(encoding="utf-8"))))
    assert normalised(parse(once)) == once


def test_what_cannot_be_said_this_way_is_refused_and_not_said_wrongly() -> None:
    # Written from the first use on, F would be named within p, where Avro finds p.F or nothing.
    record = {"type": "record", "name": "p.R", "fields": [{"name": "f", "type": "F"}]}
    source = [{"type": "record", "name": "F", "fields": [{"name": "r", "type": "p.R"}]}, record]
    with pytest.raises(SchemaRefused, match="where it is first used") as refused:
        normalised(parse(source))
    assert "namespace" in refused.value.fix
