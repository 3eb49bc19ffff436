"""A partner's AsyncAPI document says what the hub does: its headers, its schemas, its examples, its dates."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import fastavro
import pytest
from jsonschema import Draft7Validator, FormatChecker

from hub.adapters.feeds import reading
from hub.adapters.feeds.limits import FeedLimits
from hub.consent.allowance import Allowance
from hub.consent.parties import Purpose
from hub.consent.partner_contracts import Phase
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import CaseRef, MessageId, OrganisationId
from hub.routing.terms import Terms
from hub.topics.asyncapi_messages import MESSAGE_ID, MESSAGE_ID_HEADER
from hub.topics.avro.canonical import digest
from hub.topics.avro.parse import parse
from hub.topics.bodies import check_native_submission
from hub.topics.catalogue import Catalogue
from hub.topics.codec import SUBMISSION
from hub.topics.contract_files import ContractFolder
from hub.topics.delivery_headers import ALWAYS, SOMETIMES
from hub.topics.dispatch import Dispatch
from hub.topics.library import unframe
from tests.contract.partner_documents import (
    ENDING,
    LIBRARY,
    PARTNER,
    agree,
    described,
    every_document,
    resolved,
    with_newer_receipt,
)
from tests.faults import world

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hub.routing.outcome import Delivery

CASE = CaseRef("c" * 32)
DOCUMENTS = every_document()
MESSAGES = [
    pytest.param(partner, name, id=f"{partner}/{name}")
    for partner, found in DOCUMENTS.items()
    for name in found["components"]["messages"]
]


def message(partner: str, name: str) -> dict[str, Any]:
    """One message of one partner's document."""
    return dict(DOCUMENTS[partner]["components"]["messages"][name])


def payload_schema(partner: str, name: str) -> dict[str, Any]:
    """The Avro schema of a message's payload."""
    found = resolved(DOCUMENTS[partner], message(partner, name)["payload"])
    assert found["schemaFormat"] == "application/vnd.apache.avro;version=1.12.0"
    return dict(found["schema"])


def header_faults(
    document: Mapping[str, Any], schema: Mapping[str, Any], headers: Mapping[str, str]
) -> list[str]:
    """What a message's header schema has against these headers."""
    whole = {**schema, "components": document["components"]}
    validator = Draft7Validator(whole, format_checker=FormatChecker())
    return [fault.message for fault in validator.iter_errors(headers)]


def deliveries(folder: ContractFolder) -> Iterator[Delivery]:
    """A progress message for the partner: nothing optional; by its contract; everything there is."""
    submission = world.message(CASE, 1)
    bare = replace(
        world._delivery(submission, PARTNER, "1"),
        payload={"referral": "R1", "kind": "SESSION"},
        author_role=None,
        author_organisation=None,
    )
    yield bare
    (file,) = folder.of(PARTNER)
    agreed = replace(
        bare, terms=Terms(version="1.0", contract=file.terms, decided=file.terms.view, phase=Phase.IN_FORCE)
    )
    yield agreed
    yield replace(
        agreed,
        terms=replace(agreed.terms, phase=Phase.DEPRECATED),
        causation=MessageId("a" * 32),
        author="staff-1",
        author_role=Role.KEY_WORKER,
        author_organisation=OrganisationId("quay-service"),
        redacted=("note", "milestone"),
        allowed=Allowance(redacted=frozenset({"note", "milestone"})),
        caveats=("NO-ONWARD-DISCLOSURE",),
    )


@pytest.mark.requirement("R-MSG-12")
def test_headers_described_are_the_headers_written(tmp_path: Path) -> None:
    """Those required are on every delivery, all others on some, and none besides; each as described."""
    agree(tmp_path, "progress", **ENDING | {"alternative": "progress.v2"})
    folder = ContractFolder.load(tmp_path)
    document = described(folder)
    dispatch = Dispatch(world.codec_in(tmp_path / "keys"))
    bare, agreed, full = (dispatch.view(each).headers for each in deliveries(folder))
    common = document["components"]["schemas"]["delivery-headers"]
    assert bare.keys() == set(common["required"]) == ALWAYS.keys()
    assert full.keys() == common["properties"].keys() == ALWAYS.keys() | SOMETIMES.keys()
    own = document["components"]["messages"]["progress.v1-1.0"]["headers"]
    assert [header_faults(document, common, each) for each in (bare, agreed, full)] == [[], [], []]
    assert [header_faults(document, own, each) for each in (agreed, full)] == [[], []]
    assert header_faults(document, own, bare)
    assert header_faults(document, own, {**full, "ce_sunset": "2027-06-02T00:00:00Z"})
    assert header_faults(document, own, {**full, "hub-role": "neighbour"})


@pytest.mark.requirement("R-MSG-12")
def test_schema_and_id_described_are_those_on_the_wire(tmp_path: Path) -> None:
    """The record decodes with the schema in the document, found by the id in its frame."""
    agree(tmp_path, "progress", view=["referral", "kind", "attendance"])
    folder = ContractFolder.load(tmp_path)
    said = described(folder)["components"]["messages"]["progress.v1-1.0"]
    dispatch = Dispatch(world.codec_in(tmp_path / "keys"))
    _, agreed, _ = (dispatch.view(each) for each in deliveries(folder))
    number, body = unframe(agreed.value)
    assert number == said["x-hub-schema-id"]
    assert digest(said["payload"]["schema"]) == said["x-hub-digest"]
    stream = BytesIO(body)
    found = fastavro.schemaless_reader(stream, fastavro.parse_schema(said["payload"]["schema"]), None)
    assert (found, stream.read()) == ({"referral": "R1", "kind": "SESSION", "attendance": None}, b"")


@pytest.mark.parametrize(("partner", "name"), MESSAGES)
def test_every_avro_payload_is_a_schema_for_both_readers(partner: str, name: str) -> None:
    """Whole and on its own: nothing refers to what stands elsewhere in the document."""
    schema = payload_schema(partner, name)
    fastavro.parse_schema(json.loads(json.dumps(schema)))
    parse(schema)
    inner = message(partner, name).get("x-hub-payload")
    if inner is not None:
        payload = resolved(DOCUMENTS[partner], inner)["schema"]
        version = message(partner, name)["x-hub-schema-version"]
        assert payload == LIBRARY.contract(name.partition(".")[0], version).schema
        fastavro.parse_schema(json.loads(json.dumps(payload)))
        parse(payload)


@pytest.mark.parametrize(("partner", "name"), MESSAGES)
@pytest.mark.requirement("R-DIS-01")
def test_every_example_is_a_record_of_its_schema(partner: str, name: str) -> None:
    """It is encoded with that schema and decoded to itself; headers keep to theirs."""
    said = message(partner, name)
    (example,) = said["examples"]
    assert header_faults(DOCUMENTS[partner], said["headers"], example["headers"]) == []
    folder = ContractFolder.load()
    (file,) = [each for each in folder.of(partner) if name.startswith(f"{each.terms.name}-")]
    (schema,) = [each for each in file.views(LIBRARY) if each.version == said["x-hub-schema-version"]]
    if "x-hub-payload" in said:
        inner = base64.b64decode(example["payload"]["payload"], validate=True)
        assert LIBRARY.to_json(schema, LIBRARY.decode(schema, inner)) == said["x-hub-payload-example"]
        schema = LIBRARY.by_id(SUBMISSION)
    encoded = LIBRARY.encode(schema, LIBRARY.from_json(schema, example["payload"]))
    assert LIBRARY.to_json(schema, LIBRARY.decode(schema, encoded)) == example["payload"]
    assert any(value is not None for value in example["payload"].values())


def test_example_shows_the_general_form_where_the_view_has_no_other(tmp_path: Path) -> None:
    """A year of birth where the date is not in the view; where it is, the hub gives the date alone."""
    agree(tmp_path, "referral", view=["referral", "action", "birth_year"])
    agree(tmp_path, "referral", contract=2, view=["referral", "action", "birth_year", "date_of_birth"])
    found = described(ContractFolder.load(tmp_path))["components"]["messages"]
    general, exact = (found[f"referral.v{number}-1.0"]["examples"][0]["payload"] for number in (1, 2))
    assert exact["birth_year"] is None
    assert str(general["birth_year"]) == exact["date_of_birth"][:4]


@pytest.mark.requirement("R-DIS-01")
def test_a_document_names_no_field_outside_its_views(tmp_path: Path) -> None:
    """What a partner is not sent it does not read of either."""
    agree(tmp_path, "referral", view=["referral", "action", "note"])
    document = described(ContractFolder.load(tmp_path))
    (said,) = document["components"]["messages"].values()
    kept = ["referral", "action", "note"]
    assert [each["name"] for each in said["payload"]["schema"]["fields"]] == kept
    assert list(said["examples"][0]["payload"]) == kept
    fields = {each.name: each.doc for each in LIBRARY.contract("referral", "1.0").shape.fields}
    text = json.dumps(document, ensure_ascii=False)
    told = [name for name, doc in fields.items() if json.dumps(doc, ensure_ascii=False) in text]
    assert told == kept


def test_dates_of_a_contract_stand_in_its_document(tmp_path: Path) -> None:
    """What is announced, in words machines find; `deprecated` where AsyncAPI has it, on a schema."""
    agree(tmp_path, "referral", **ENDING)
    agree(tmp_path, "progress", direction="sends", **ENDING | {"alternative": "progress.v2"})
    agree(tmp_path, "plan", purposes=["sentence_plan"])
    found = described(ContractFolder.load(tmp_path))["components"]["messages"]
    expected = {
        "x-hub-effective": "2026-01-01T00:00:00Z",
        "x-hub-deprecated": "2027-01-01T00:00:00Z",
        "x-hub-sunset": "2027-06-01T00:00:00Z",
        "x-hub-removal": "2028-01-01T00:00:00Z",
    }
    for name, after in (("referral.v1-1.0", "referral.v2"), ("progress.v1-1.0", "progress.v2")):
        assert found[name] | expected | {"x-hub-alternative": after} == found[name]
        assert found[name]["headers"]["deprecated"] is True
        assert found[name]["x-hub-contract"] == name.partition("-")[0]
    assert (
        not {"x-hub-deprecated", "x-hub-sunset", "x-hub-removal", "x-hub-alternative"}
        & found["plan.v1-1.0"].keys()
    )
    assert "deprecated" not in found["plan.v1-1.0"]["headers"]
    assert not any("deprecated" in each for each in found.values())


def test_every_version_of_the_range_has_a_message_and_the_newest_is_in_use(tmp_path: Path) -> None:
    """Each with its own schema, and the example as that version has it."""
    versions = {"oldest": "1.0", "newest": "1.99"}
    agree(tmp_path / "contracts", "receipt", versions=versions, purposes=["case_administration"])
    folder = ContractFolder.load(tmp_path / "contracts")
    found = described(folder, library=with_newer_receipt(tmp_path))["components"]["messages"]
    assert {name: each["x-hub-in-use"] for name, each in found.items()} == {
        "receipt.v1-1.0": False,
        "receipt.v1-1.99": True,
    }
    fields = [[field["name"] for field in each["payload"]["schema"]["fields"]] for each in found.values()]
    assert fields[1] == [*fields[0], "remark"]
    assert [list(each["examples"][0]["payload"]) for each in found.values()] == fields


def test_channels_are_the_topics_of_the_catalogue(tmp_path: Path) -> None:
    """Name, partitions and retention; a partner receives from one and sends to the other."""
    agree(tmp_path, "referral")
    only_receives = described(ContractFolder.load(tmp_path))
    agree(tmp_path, "progress", direction="sends")
    document = described(ContractFolder.load(tmp_path))
    assert list(only_receives["channels"]) == ["deliveries"]
    topics = Catalogue().organisation_topics(PARTNER)
    for topic, channel in zip(reversed(topics), document["channels"].values(), strict=True):
        binding = channel["bindings"]["kafka"]
        assert (channel["address"], binding["topic"]) == (topic.name, topic.name)
        assert binding["partitions"] == topic.partitions
        for name, value in binding["topicConfiguration"].items():
            shown = ",".join(value) if isinstance(value, list) else str(value)
            assert shown == topic.config[name]
    actions = {
        each["action"]: resolved(document, each["channel"]) for each in document["operations"].values()
    }
    assert actions["receive"]["address"] == f"hub.to.{PARTNER}"
    assert actions["send"]["address"] == f"hub.in.{PARTNER}"
    assert list(actions["send"]["messages"]) == ["progress.v1-1.0"]


def test_message_id_is_described_as_the_feed_reads_it() -> None:
    """Its name, its longest and what it may hold."""
    assert MESSAGE_ID_HEADER == reading.MESSAGE_ID_HEADER
    assert MESSAGE_ID["maxLength"] == FeedLimits().message_id_chars_max
    assert MESSAGE_ID["pattern"] == f"^{reading._KEY.pattern}$"


def test_an_example_of_what_is_sent_is_taken_by_the_hubs_own_checks(tmp_path: Path) -> None:
    """Record for record, for every message a partner may send."""
    submission = LIBRARY.by_id(SUBMISSION)
    sends = [name for name in MessageName if name is not MessageName.EXCEPTION]
    for name in sends:
        agree(tmp_path, name, direction="sends", purposes=[each.value for each in Purpose])
    found = described(ContractFolder.load(tmp_path))["components"]["messages"]
    assert len(found) == len(sends)
    for each in found.values():
        payload = each["examples"][0]["payload"]
        record = LIBRARY.decode(
            submission, LIBRARY.encode(submission, LIBRARY.from_json(submission, payload))
        )
        checked = check_native_submission(LIBRARY, record)
        assert checked.contract.version == each["x-hub-schema-version"]
