"""The schemas keep their rules, agree with model and bodies, and the checks themselves would notice."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import fastavro
import pytest
from typer.testing import CliRunner

from hub.cli.contracts import app
from hub.errors import NotReadable
from hub.messages.envelope import MessageName
from hub.messages.read import BODIES
from hub.topics import parity
from hub.topics.conformity import check_schemas
from hub.topics.library import SCHEMAS, SchemaLibrary
from hub.topics.parity import check_parity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hub.topics.library import Contract

LIBRARY = SchemaLibrary.load()
RUN = CliRunner()


@pytest.mark.requirement("R-MSG-12")
def test_schemas_keep_every_rule() -> None:
    """Every field classed, documented, bounded; every digest as in the manifest."""
    assert check_schemas(SCHEMAS) == ()


@pytest.mark.requirement("R-MSG-12")
def test_contract_dataclass_and_body_say_the_same_both_ways() -> None:
    """Names, types, symbols and what is required are equal in all three."""
    assert check_parity(LIBRARY) == ()


def test_schemas_cover_every_message_requirement() -> None:
    """Each of R-MSG-01 to R-MSG-16 is cited by the schema that meets it."""
    docs = " ".join(contract.shape.doc for contract in LIBRARY.all())
    assert set(re.findall(r"R-MSG-\d\d", docs)) == {f"R-MSG-{number:02}" for number in range(1, 17)}


@pytest.mark.requirement("R-MSG-12")
def test_every_leaf_of_every_message_is_classed_by_its_schema() -> None:
    """What disclosure decides on is what the .avsc says, field by field."""
    for name in MessageName:
        contract = LIBRARY.contract(name, "1.0")
        stated = {path: said["infoClass"] for path, said in _leaves(contract.schema, "")}
        assert {spec.path: spec.information_class.value for spec in contract.specs} == stated


@pytest.mark.parametrize("contract", LIBRARY.all(), ids=lambda contract: contract.name)
def test_schema_as_written_is_whole_avro(contract: Contract) -> None:
    """The file partners get, with its logical types, is a schema of Avro and parses whole."""
    parsed = fastavro.parse_schema(json.loads(json.dumps(contract.schema)))
    assert isinstance(parsed, dict), "a record, not a named type or a union"
    assert [each["name"] for each in parsed["fields"]] == [field.name for field in contract.shape.fields]


def test_envelope_and_framing_are_released_first() -> None:
    """What every message travels in is fixed; the messages may still change."""
    active = {contract.name for contract in LIBRARY.all() if contract.status == "active"}
    assert active == {"envelope", "submission", "sealed"}


@pytest.mark.requirement("R-MSG-12")
def test_envelope_schema_has_every_field_of_the_envelope() -> None:
    """The record of hub.intake is the model's envelope and its payload."""
    from dataclasses import fields

    from hub.messages.envelope import Envelope

    names = [field.name for field in LIBRARY.contract("envelope", "1.0").shape.fields]
    assert names == [*(field.name for field in fields(Envelope)), "payload"]


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a field of a schema to spoil."""
    found: dict[str, Any] = next(each for each in schema["fields"] if each["name"] == name)
    return found


def drop(name: str, /, *properties: str) -> Callable[[dict[str, Any]], None]:
    """Spoil a schema by taking properties from a field."""

    def spoil(schema: dict[str, Any]) -> None:
        for each in properties:
            del field(schema, name)[each]

    return spoil


def give(name: str, /, **properties: object) -> Callable[[dict[str, Any]], None]:
    """Spoil a schema by giving a field properties."""

    def spoil(schema: dict[str, Any]) -> None:
        field(schema, name).update(properties)

    return spoil


ENUM = {"type": "enum", "name": "Level", "symbols": ["HIGH", "LOW"], "default": "LOW"}
SPOILS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "no doc": (drop("note", "doc"), "DOC"),
    "no class": (drop("note", "infoClass"), "CLASS"),
    "a class there is not": (give("note", infoClass="gossip"), "CLASS"),
    "no subject": (drop("note", "subject"), "SUBJECT"),
    "sensitive not said": (drop("note", "sensitive"), "SENSITIVE"),
    "health not sensitive": (give("health_note", sensitive=False), "SENSITIVE"),
    "a victim about the person": (give("note", infoClass="victim"), "SUBJECT"),
    "neither fact nor assessment": (drop("note", "statement"), "STATEMENT"),
    "text without end": (drop("note", "maxLength"), "BOUND"),
    "a list without end": (drop("affects", "maxItems"), "BOUND"),
    "an instant without bounds": (drop("session_at", "minimum"), "BOUND"),
    "a pattern that is not anchored": (give("milestone", pattern="[a-z]+"), "PATTERN"),
    "a field that cannot be withheld": (give("note", type="string"), "NULLABLE"),
    "no default": (drop("note", "default"), "NULLABLE"),
    "a key that may be null": (give("referral", type=["null", "string"]), "KEY"),
    "type before null": (give("note", type=["string", "null"]), "NOT-READABLE"),
    "a default that is not the most cautious": (give("engagement", type=["null", ENUM]), "DEFAULT"),
    "a symbol with a space": (
        give("engagement", type=["null", {"type": "enum", "name": "E", "symbols": ["VERY GOOD"]}]),
        "SYMBOLS",
    ),
    "a choice in lower case": (
        give("engagement", type=["null", {"type": "enum", "name": "e", "symbols": ["GOOD"]}]),
        "NAME",
    ),
    "a field in capitals": (give("note", name="Note"), "NAME"),
    "a property nobody knows": (give("note", infoclass="health"), "PROPERTY"),
    "a reference of no kind": (give("note", pairwise="person"), "PAIRWISE"),
    "a reference that is no text": (give("session_at", pairwise="case"), "PAIRWISE"),
    "a general form there is not": (
        give("session_at", general="session_month", generaliser="month"),
        "GENERAL",
    ),
    "a general form of nothing": (give("milestone", isGeneral=True), "GENERAL"),
    "a general form without a way to make it": (give("note", general="milestone"), "GENERAL"),
    "owned by a field there is not": (lambda schema: schema.update(own="nobody"), "OWN"),
    "another namespace": (lambda schema: schema.update(namespace="hub.other.v1"), "NAMESPACE"),
    "a record in lower case": (lambda schema: schema.update(name="progress"), "NAME"),
    "a record without doc": (lambda schema: schema.pop("doc"), "DOC"),
    "recursion": (give("milestone", type=["null", "ProgressMessage"]), "NOT-READABLE"),
}


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A copy of schemas/ that a test may spoil."""
    return shutil.copytree(SCHEMAS, tmp_path / "schemas")


@pytest.mark.parametrize("name", SPOILS)
def test_check_notices_a_spoilt_schema(schemas: Path, name: str) -> None:
    """Every rule finds what breaks it, and so does the digest."""
    spoil, rule = SPOILS[name]
    file = schemas / "progress" / "v1.0.avsc"
    schema = json.loads(file.read_text())
    spoil(schema)
    file.write_text(json.dumps(schema))
    found = {finding.rule for finding in check_schemas(schemas)}
    assert rule in found
    assert rule == "NOT-READABLE" or "DIGEST" in found


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"generaliser": "month"}, "GENERAL"),
        ({"general": "surname"}, "GENERAL"),
        ({"infoClass": "contact"}, "GENERAL"),
    ],
)
def test_check_notices_a_general_form_that_does_not_fit(
    schemas: Path, change: dict[str, str], rule: str
) -> None:
    """The generaliser makes the sibling's type, and the sibling has the same class."""
    file = schemas / "case" / "v1.0.avsc"
    schema = json.loads(file.read_text())
    field(schema, "date_of_birth").update(change)
    file.write_text(json.dumps(schema))
    assert rule in {finding.rule for finding in check_schemas(schemas)}


def test_check_notices_a_manifest_that_lacks_a_message_or_names_one_twice(schemas: Path) -> None:
    """Every message has a contract, every id is one contract's."""
    manifest = schemas / "manifest.yaml"
    manifest.write_text(
        manifest.read_text().replace("name: receipt", "name: voucher").replace("id: 251", "id: 241")
    )
    assert {"MESSAGE-MISSING", "NOT-UNIQUE"} <= {finding.rule for finding in check_schemas(schemas)}


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda schema: schema["fields"].pop(), "at_odds"),
        (give("note", name="notes"), "notes"),
        (give("note", type="string"), "note"),
        (give("note", type=["null", "int"]), "note"),
        (give("engagement", type=["null", ENUM]), "engagement"),
        (give("affects", type=["null", "string"]), "affects"),
        (give("note", type=["null", {"type": "array", "items": "string"}]), "note"),
    ],
)
def test_parity_notices_a_contract_that_went_its_own_way(
    schemas: Path, spoil: Callable[[dict[str, Any]], None], where: str
) -> None:
    """A field added, renamed, removed or of another type in the contract alone is found."""
    file = schemas / "progress" / "v1.0.avsc"
    schema = json.loads(file.read_text())
    spoil(schema)
    file.write_text(json.dumps(schema))
    found = {finding.where for finding in check_parity(SchemaLibrary.load(schemas))}
    assert where in found


def test_parity_notices_a_dataclass_that_went_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message read into another's dataclass differs in almost every field."""
    wrong = dict(BODIES) | {MessageName.PROGRESS: BODIES[MessageName.PLAN]}
    monkeypatch.setattr(parity, "BODIES", wrong)
    assert {"referral", "objectives"} <= {finding.where for finding in check_parity(LIBRARY)}


def test_contracts_are_listed_with_id_status_and_digest() -> None:
    """One line a contract; the same as JSON."""
    shown = RUN.invoke(app, ["list"]).output
    assert all(f" {contract.name} " in shown for contract in LIBRARY.all())
    rows = json.loads(RUN.invoke(app, ["list", "--json"]).output)
    assert [row["digest"] for row in rows] == [contract.digest for contract in LIBRARY.all()]


@pytest.mark.parametrize("name", [each.name for each in LIBRARY.all()])
def test_contract_is_shown_field_by_field(name: str) -> None:
    """Every field, whatever its shape, and for a message the example."""
    shown = RUN.invoke(app, ["show", name])
    assert shown.exit_code == 0
    contract = LIBRARY.contract(name, "1.0")
    assert all(field.name in shown.output for field in contract.shape.fields)
    assert ('"author_role"' in shown.output) == (contract.kind == "message")


def test_contract_is_shown_as_the_schema_itself() -> None:
    """`--json` prints the .avsc."""
    shown = RUN.invoke(app, ["show", "plan", "--version", "1.0", "--json"]).output
    assert json.loads(shown) == LIBRARY.contract("plan", "1.0").schema


def test_unknown_contract_is_a_named_error() -> None:
    """The command line shows it with its remedy."""
    assert isinstance(RUN.invoke(app, ["show", "gossip"]).exception, NotReadable)


def test_contracts_are_checked_by_one_command() -> None:
    """Exit code 0 and one line."""
    checked = RUN.invoke(app, ["check"])
    assert (checked.exit_code, checked.output) == (0, "26 schemas and 13 contracts keep every rule.\n")


def test_check_leaves_with_4_and_stamp_mends_the_digest_of_a_draft(schemas: Path) -> None:
    """A changed draft is found by its digest until it is stamped; a released one stays found."""
    for name in ("progress", "envelope"):
        file = schemas / name / "v1.0.avsc"
        schema = json.loads(file.read_text())
        schema["doc"] += " Changed."
        file.write_text(json.dumps(schema))
    before = RUN.invoke(app, ["check", "--schemas", str(schemas)])
    assert before.exit_code == 4
    assert "progress 1.0" in before.output
    assert RUN.invoke(app, ["stamp", "--schemas", str(schemas)]).output == "stamped: progress 1.0\n"
    after = RUN.invoke(app, ["check", "--schemas", str(schemas)])
    assert after.exit_code == 4
    assert "progress 1.0" not in after.output
    assert "envelope 1.0" in after.output


def _leaves(record: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    """Return path and properties of each leaf, read from the raw schema by other means than the library's."""
    found = []
    for each in record["fields"]:
        kind = each["type"][1] if isinstance(each["type"], list) else each["type"]
        items = kind.get("items") if isinstance(kind, dict) else None
        if isinstance(items, dict) and items["type"] == "record":
            found += _leaves(items, f"{prefix}{each['name']}[].")
        else:
            found.append((f"{prefix}{each['name']}", each))
    return found
