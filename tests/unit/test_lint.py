"""What Avro takes in one schema and the hub does not, each found by its rule."""

from __future__ import annotations

import json
import shutil
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from hub.topics.avro.parse import parse
from hub.topics.conformity import check_schemas
from hub.topics.gates.lint import lint
from hub.topics.library import SCHEMAS, SchemaLibrary
from hub.topics.shapes import DEPTH_MAX

if TYPE_CHECKING:
    from pathlib import Path

    from hub.topics.library import Contract
    from tests.unit.contract_mutations import Json


def message(kind: object, **more: object) -> Json:
    """A message with one field of that type."""
    return {"type": "record", "name": "Message", "fields": [{"name": "one", "type": kind, **more}]}


def nested(levels: int) -> Json:
    """Records in one another."""
    inner: Json = message("string")
    for level in range(levels - 1):
        inner = {"type": "record", "name": f"R{level}", "fields": [{"name": "one", "type": inner}]}
    return inner


CHOICE = {"type": "enum", "name": "Level", "symbols": ["HIGH", "LOW"]}
BROKEN: dict[str, tuple[Json, str, str]] = {
    "four records in one another": (nested(4), "DEPTH", "one.one.one"),
    "four in lists and maps": (
        message({"type": "array", "items": {"type": "map", "values": nested(3)}}) | {"name": "Outer"},
        "DEPTH",
        "one[]{}.one.one",
    ),
    "a record in itself": (message(["null", "Message"]), "RECURSION", "one"),
    "a record in a list in itself": (message({"type": "array", "items": "Message"}), "RECURSION", "one[]"),
    "a union of two records": (
        message([{"type": "record", "name": name, "fields": []} for name in ("A", "B")]),
        "UNION-RECORDS",
        "one",
    ),
    "a decimal without scale": (
        message({"type": "bytes", "logicalType": "decimal", "precision": 4}),
        "DECIMAL",
        "one",
    ),
    "a decimal without precision": (
        message({"type": "fixed", "name": "F", "size": 4, "logicalType": "decimal", "scale": 2}),
        "DECIMAL",
        "one",
    ),
    "a letter that looks like another": (message({**CHOICE, "name": "Lеvel"}), "ASCII", "one"),  # noqa: RUF001
    "a symbol beyond ASCII": (message({**CHOICE, "symbols": ["HÖHER"]}), "ASCII", "one"),
    "a field beyond ASCII": (
        {"type": "record", "name": "Message", "fields": [{"name": "größe", "type": "int"}]},
        "ASCII",
        "Message",
    ),
    "a default that is no symbol": (message(CHOICE, default="MEDIUM"), "DEFAULT-SYMBOL", "one"),
    "one in a list": (message({"type": "array", "items": CHOICE}, default=["NO"]), "DEFAULT-SYMBOL", "one"),
    "one in a map": (
        message({"type": "map", "values": CHOICE}, default={"a": "NO"}),
        "DEFAULT-SYMBOL",
        "one",
    ),
    "one in a record": (
        message(message(CHOICE) | {"name": "R"}, default={"one": "NO"}),
        "DEFAULT-SYMBOL",
        "one",
    ),
    "one behind null": (message(["null", CHOICE], default="NO"), "DEFAULT-SYMBOL", "one"),
    "a default of another branch": (message(["null", "string"], default="x"), "UNION-DEFAULT", "one"),
}


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize("name", BROKEN)
def test_lint_finds_what_breaks_a_rule_and_where(name: str) -> None:
    """One rule each, with what would be right."""
    schema, rule, where = BROKEN[name]
    found = {each.rule: each for each in lint(parse(schema))}

    assert rule in found
    assert found[rule].where == where
    assert found[rule].fix


@pytest.mark.parametrize(
    "schema",
    [
        nested(DEPTH_MAX),
        message(["null", {"type": "record", "name": "A", "fields": []}]),
        message({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 0}),
        message(CHOICE, default="LOW"),
        message(["null", "string"], default=None),
        message(["string", CHOICE], default="anything"),
    ],
)
def test_lint_leaves_alone_what_keeps_the_rules(schema: Json) -> None:
    """The other side of each rule."""
    assert list(lint(parse(schema))) == []


@pytest.mark.parametrize("contract", SchemaLibrary.load().all(), ids=lambda contract: contract.name)
def test_every_contract_of_the_hub_keeps_the_rules(contract: Contract) -> None:
    """Framing, too."""
    assert list(lint(parse(contract.schema))) == []


def test_circle_through_many_records_ends_and_is_found() -> None:
    """Thirty-one records in a ring, each in two lists of the one before."""
    last: object = "R0"
    for number in range(30, -1, -1):
        fields = [
            {"name": "a", "type": {"type": "array", "items": last}},
            {"name": "b", "type": {"type": "array", "items": "R0" if number == 30 else f"R{number + 1}"}},
        ]
        last = {"type": "record", "name": f"R{number}", "fields": fields}
    began = perf_counter()
    rules = {each.rule for each in lint(parse(last))}
    assert {"RECURSION", "DEPTH"} <= rules
    assert perf_counter() - began < 1


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A copy of schemas/ that a test may spoil."""
    return shutil.copytree(SCHEMAS, tmp_path / "schemas")


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize("name", ["a record in itself", "a decimal without scale", "a union of two records"])
def test_check_of_the_contracts_names_the_rule_even_where_the_hub_cannot_read_the_schema(
    schemas: Path, name: str
) -> None:
    """Not only that it is not readable, but why."""
    kind = BROKEN[name][0]["fields"][0]["type"]
    text = json.dumps(kind).replace('"Message"', '"ProgressMessage"')
    file = schemas / "progress" / "v1.0.avsc"
    schema = json.loads(file.read_text())
    next(each for each in schema["fields"] if each["name"] == "note").update(type=json.loads(text))
    del next(each for each in schema["fields"] if each["name"] == "note")["default"]
    file.write_text(json.dumps(schema))

    assert {BROKEN[name][1], "NOT-READABLE"} <= {each.rule for each in check_schemas(schemas)}


def test_check_of_the_contracts_says_where_a_file_is_no_avro(schemas: Path) -> None:
    """By the path in the schema."""
    file = schemas / "progress" / "v1.0.avsc"
    schema = json.loads(file.read_text())
    schema["fields"][0]["type"] = "text"
    file.write_text(json.dumps(schema))
    (found,) = (each for each in check_schemas(schemas) if each.rule == "NOT-READABLE")

    assert found.schema == "progress 1.0"
    assert found.what.startswith("referral:")
