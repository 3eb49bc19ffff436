"""Messages in an earlier schema version: read as the current one has them, delivered as contracts say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hub.consent.partner_contracts import PartnerContract
from hub.errors import NotReadable
from hub.messages.envelope import InformationClass, MessageName, Submission
from hub.messages.identifiers import Instant, MessageId
from hub.routing.agreeing import terms_for
from hub.topics.codec import Codec
from hub.topics.dispatch import Dispatch
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary, unframe
from hub.topics.views import schema_on_wire, view_in
from tests.unit.agreements import (
    BEGIN,
    add_version,
    agreed,
    append,
    declare_steps,
    drop,
    field_of,
    schemas_in,
)
from tests.unit.avro_values import optional
from tests.unit.worlds import (
    CASE,
    COUNSELLOR,
    MANAGER,
    RECOVERY,
    World,
    distribute,
    engage,
    objective_fields,
    staffed,
    to,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hub.routing.outcome import Delivery

RENAMED = {"change_reason": "because"}
VIEW = ["version", "change_summary", "change_reason", "objectives[].objective", "objectives[].title"]
NOW = Instant(BEGIN + 1)
FIRST = {
    "version": 1,
    "change_summary": "First",
    "change_reason": "New",
    "objectives": [{"objective": "o1", "title": "Aim"}],
}


def newer(schema: dict[str, Any]) -> None:
    """Make the next major version of a plan: one field renamed, one gone, one new."""
    drop("contingency")(schema)
    field_of(schema, "change_reason")["name"] = RENAMED["change_reason"]
    append(optional("mood", "string", statement="fact", maxLength=40))(schema)


@pytest.fixture
def library(tmp_path: Path) -> SchemaLibrary:
    """Plans in 1.0 and 2.0."""
    folder = schemas_in(tmp_path)
    add_version(folder, "plan", "2.0", newer)
    back = {end: begin for begin, end in RENAMED.items()}
    declare_steps(
        folder,
        "plan",
        {"from": "1.0", "to": "2.0", "moves": RENAMED},
        {"from": "2.0", "to": "1.0", "moves": back},
    )
    return SchemaLibrary.load(folder)


@pytest.fixture
def codec(library: SchemaLibrary, tmp_path: Path) -> Codec:
    """A codec of these schemas with keys of its own."""
    return Codec(library=library, keys=FileKeyStore(tmp_path / "keys"))


def sent(payload: dict[str, object], **envelope: object) -> Submission:
    """Return a plan as the Offender Manager sends it."""
    written = World().submission(MANAGER, MessageName.PLAN, {"version": 1})
    return Submission(
        envelope=replace(written.envelope, **envelope),  # type: ignore[arg-type]
        payload=payload,
    )


def read(codec: Codec, submission: Submission) -> Submission:
    """Write a message for the log and read it back."""
    value = codec.submission(submission).value
    found = codec.entry(value, key=CASE.encode(), record_id=MessageId("f" * 32))
    assert isinstance(found, Submission)
    return found


@pytest.mark.requirement("R-MSG-12")
def test_a_message_in_an_earlier_version_is_read_as_the_current_one_has_it(codec: Codec) -> None:
    """It says in which version it was sent; a class its author declared goes with the field."""
    declared = {
        "change_reason": InformationClass.HEALTH,
        "contingency": InformationClass.INTELLIGENCE,
        "objectives[].title": InformationClass.OFFENCE,
    }
    found = read(codec, sent({**FIRST, "contingency": "Call"}, contract="1.0", declared=declared))
    assert (found.envelope.contract, found.sent_in, found.written) == ("2.0", "1.0", None)
    assert (found.payload["because"], found.payload["mood"]) == ("New", None)
    assert "contingency" not in found.payload
    assert found.envelope.declared == {
        "because": InformationClass.HEALTH,
        "objectives[].title": InformationClass.OFFENCE,
    }


@pytest.mark.requirement("R-MSG-12")
def test_a_message_in_the_current_version_keeps_its_bytes(codec: Codec, library: SchemaLibrary) -> None:
    """What recipients get is cut from them."""
    payload = {"version": 1, "because": "New", "mood": "calm"}
    found = read(codec, sent(payload, contract="2.0"))
    current = library.current("plan")
    assert (found.envelope.contract, found.sent_in) == ("2.0", None)
    assert found.written is not None
    assert found.written == library.encode(current, payload)
    assert library.decode(current, found.written) == found.payload


def delivered(library: SchemaLibrary, codec: Codec, contract: PartnerContract, **said: object) -> Delivery:
    """Return what a recovery service with this contract is delivered of a plan in the current version."""
    world = staffed()
    engage(world, COUNSELLOR)
    own = {"objective": "o1", "title": "Aim", "purpose": "REPARATION", "organisation": RECOVERY}
    plan = distribute(world, objectives=[{**dict.fromkeys(objective_fields()), **own}])
    (delivery,) = to(plan, RECOVERY)
    world.contracts, world.agreed = library, (contract,)
    terms = terms_for(world, RECOVERY, MessageName.PLAN, current="2.0", now=NOW)
    source = read(codec, sent({**FIRST, **said}, contract="1.0"))
    return replace(delivery, contract="2.0", payload=source.payload, source=source, terms=terms)


@pytest.mark.requirement("R-MSG-12")
def test_a_partner_on_an_earlier_version_gets_that_version_under_its_view(
    library: SchemaLibrary, codec: Codec
) -> None:
    """The schema is the one that is published for its contract; names are the old ones."""
    contract = agreed(oldest="1.0", newest="1.0", view=VIEW)
    view = view_in(library, contract, "1.0")
    framed = Dispatch(codec).view(delivered(library, codec, contract))
    number, body = unframe(framed.value)
    assert (number, framed.contract) == (view.id, "1.0")
    assert schema_on_wire(library, (contract,), number) is view
    assert framed.headers["ce_dataschema"] == f"urn:hub:plan:1.0:{view.digest[:8]}"
    found = library.decode(view, body)
    assert (found["change_reason"], found["change_summary"]) == ("New", "First")
    assert found["objectives"] == [{"objective": "o1", "title": "Aim"}]


@pytest.mark.requirement("R-DIS-01")
def test_what_no_decision_held_back_still_cannot_be_written_outside_the_view(
    library: SchemaLibrary, codec: Codec
) -> None:
    """A fault in the decision is met by the schema: nothing is delivered."""
    contract = agreed(oldest="1.0", newest="1.0", view=VIEW)
    items = [{"objective": "o1", "need": "FINANCE"}]
    for leaking in ({"risk_management": "Zanzibar"}, {"objectives": items}):
        delivery = delivered(library, codec, contract, **leaking)
        with pytest.raises(NotReadable) as refused:
            Dispatch(codec).view(delivery)
        assert "Zanzibar" not in str(refused.value)


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize("wire_id", [None, 70_001])
def test_a_field_the_current_version_dropped_stays_in_the_schema_of_an_earlier_one(
    library: SchemaLibrary, codec: Codec, wire_id: int | None
) -> None:
    """It is null; left out of the schema, the bytes would not be those of the id on the wire."""
    ids = None if wire_id is None else {"1.0": wire_id}
    contract = agreed(oldest="1.0", newest="1.0", view=[*VIEW, "contingency"], ids=ids)
    view = view_in(library, contract, "1.0")
    framed = Dispatch(codec).view(delivered(library, codec, contract))
    number, body = unframe(framed.value)
    assert number == view.id == (wire_id or number)
    assert library.decode(view, body)["contingency"] is None


@pytest.mark.requirement("R-MSG-12")
def test_a_partner_on_the_current_version_gets_it_cut_from_the_bytes(
    library: SchemaLibrary, codec: Codec
) -> None:
    """Sent in the current version: the same record as written anew under the view."""
    contract = agreed(oldest="1.0", newest="2.9", view=["version", "because", "mood"])
    view = view_in(library, contract, "2.0")
    source = read(codec, sent({"version": 4, "because": "New", "mood": "calm"}, contract="2.0"))
    delivery = replace(delivered(library, codec, contract), source=source, payload=source.payload)
    masked = replace(delivery, payload={**source.payload, "mood": None})
    for each, mood in ((delivery, "calm"), (masked, None)):
        number, body = unframe(Dispatch(codec).view(each).value)
        assert number == view.id
        assert body == library.encode(view, {"version": 4, "because": "New", "mood": mood})


@pytest.mark.requirement("R-MSG-12")
def test_headers_say_the_contract_its_phase_and_its_end(library: SchemaLibrary, codec: Codec) -> None:
    """As soon as its end is announced; without a contract, only the schema."""
    later = Instant(BEGIN + 86_400_000)
    contract = agreed(
        oldest="1.0", newest="1.0", deprecated=BEGIN, sunset=later, removal=later, alternative="plan.v2"
    )
    delivery = delivered(library, codec, contract)
    headers = Dispatch(codec).view(delivery).headers
    assert (headers["hub-contract"], headers["hub-contract-status"]) == ("plan.v1", "deprecated")
    assert headers["ce_deprecation"] == "2027-01-15T08:00:00Z"
    assert headers["ce_sunset"] == "2027-01-16T08:00:00Z"
    assert headers["ce_successor"] == "plan.v2"
    bare = Dispatch(codec).view(replace(delivery, terms=replace(delivery.terms, contract=None))).headers
    assert not {name for name in bare if name.startswith(("hub-contract", "ce_sun", "ce_dep", "ce_succ"))}
    assert bare["ce_dataschema"].startswith("urn:hub:plan:1.0:")
