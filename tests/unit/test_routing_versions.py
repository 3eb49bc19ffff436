"""The schemas move on while cases and contracts are there: nothing is lost, nothing retracted comes back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from hub.consent.decision import Outcome
from hub.consent.partner_contracts import contract_in_effect, readable
from hub.errors import NotReadable
from hub.messages.envelope import MessageName
from hub.messages.identifiers import Instant
from hub.routing.agreeing import serves_not
from hub.routing.outcome import Verdict
from hub.topics.bodies import check_submission
from hub.topics.library import SchemaLibrary
from tests.unit.agreements import (
    add_version,
    agreed,
    append,
    contract_body,
    declare_steps,
    drop,
    field_of,
    schemas_in,
    set_status,
)
from tests.unit.avro_values import optional
from tests.unit.undelivered import request, waiting
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    HOUSING,
    HOUSING_OFFICER,
    MANAGER,
    MOORLAND,
    RECOVERY,
    START,
    SUPERVISOR,
    World,
    appoint,
    asked,
    codes,
    distribute,
    engage,
    staffed,
    to,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hub.messages.envelope import Submission
    from hub.routing.outcome import Result
    from tests.unit.undelivered import Waiting

HIDDEN = "Zanzibar"


def renamed(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    """Return a change that gives a field another name."""

    def change(schema: dict[str, Any]) -> None:
        field_of(schema, old)["name"] = new

    return change


def library_with(folder: Path, name: str, *names: str) -> SchemaLibrary:
    """Return the contracts with a further version of a message for each further name of a field."""
    schemas, steps = schemas_in(folder), list[dict[str, object]]()
    for minor, (old, new) in enumerate(pairwise(names)):
        before, after = f"1.{minor}", f"1.{minor + 1}"
        add_version(schemas, name, after, renamed(old, new), after=before)
        steps.append({"from": before, "to": after, "moves": {old: new}})
        steps.append({"from": after, "to": before, "moves": {new: old}})
    declare_steps(schemas, name, *steps)
    return SchemaLibrary.load(schemas)


def joined(world: World) -> str:
    """Have a supervisor join, and return all that the prison is told of what was said before."""
    return str([each.payload for each in to(appoint(world, SUPERVISOR), MOORLAND)])


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-CASE-06")
@pytest.mark.parametrize("named", ["change_reason", "because", "gossip", "provider", None])
def test_what_was_retracted_stays_away_under_whichever_name_it_was_kept_or_named(
    tmp_path: Path, named: str | None
) -> None:
    """A plan kept before its field was renamed; a field no plan ever had takes it all away."""
    world = staffed()
    said = distribute(world, change_reason=f"It was {HIDDEN}.")
    assert said.seen is not None
    world.contracts = library_with(tmp_path, "plan", "change_reason", "because")
    if named is not None:
        correction = {"corrects": said.seen[0], "action": "RETRACT", "fields": [named]}
        assert world.send(MANAGER, MessageName.CORRECTION, correction).rejection is None
    # Without a correction the joiner is given it, under its name of today.
    assert (f"'because': 'It was {HIDDEN}.'" in joined(world)) is (named is None)


@pytest.mark.requirement("R-CASE-06")
def test_facts_said_under_an_older_name_are_joined_with_those_said_since(tmp_path: Path) -> None:
    """The surname of before and the forename of after reach the prison that joins, both."""
    world = staffed(surname=HIDDEN)
    world.contracts = library_with(tmp_path, "case", "surname", "family_name")
    amended = world.submission(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "forename": "Nemo"})
    payload = {"family_name" if name == "surname" else name: value for name, value in amended.payload.items()}
    envelope = replace(amended.envelope, contract="1.1")
    assert world.take(replace(amended, envelope=envelope, payload=payload)).rejection is None
    told = joined(world)
    assert f"'family_name': '{HIDDEN}'" in told
    assert "'forename': 'Nemo'" in told


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize("withdrawn", [False, True])
def test_what_waits_is_compared_with_what_was_decided_under_the_names_of_that_day(
    tmp_path: Path, *, withdrawn: bool
) -> None:
    """Those of the version it was decided in, not of the one it was sent in: the field has had three names.

    Under the sender's name it would not be found, count as held back before, and so go as it is after all.
    """
    world = staffed()
    for worker in (COUNSELLOR, HOUSING_OFFICER):
        engage(world, worker)
    agreed_to = {"consent": "c-1", "organisations": [RECOVERY], "classes": ["health"]}
    world.send(MANAGER, MessageName.CONSENT, {**agreed_to, "action": "GIVEN"})
    world.contracts = library_with(tmp_path / "then", "progress", "health_note", "illness")
    one = brought_up(world)
    if withdrawn:
        world.send(MANAGER, MessageName.CONSENT, {**agreed_to, "action": "WITHDRAWN"})
    world.contracts = library_with(tmp_path / "now", "progress", "health_note", "illness", "condition")
    said = under_another_name(one.delivery.source, "illness", "condition", version="1.2")
    (settled,) = world.take(replace(request(one), submission=said)).settled
    (found,) = (each for each in settled.decision.fields if each.path == "condition")
    assert (settled.verdict, found.outcome) == (
        (Verdict.REPLACE, Outcome.WITHHOLD) if withdrawn else (Verdict.RELEASE, Outcome.DISCLOSE)
    )


def brought_up(world: World) -> Waiting:
    """Report in the first version what is decided on in the second; return it as it waits."""
    told = {"referral": f"ref-{HOUSING}", "kind": "SESSION", "affects": ["DEPENDENCY_RECOVERY"]}
    sent = world.submission(HOUSING_OFFICER, MessageName.PROGRESS, {**told, "health_note": HIDDEN})
    taken = world.take(under_another_name(sent, "health_note", "illness", version="1.1"))
    (one,) = waiting(taken, RECOVERY)
    assert one.delivery.payload["illness"] == HIDDEN
    return one


def under_another_name(sent: Submission, old: str, new: str, *, version: str) -> Submission:
    """Return a message sent in the first version as a later one has it."""
    payload = {new if name == old else name: value for name, value in sent.payload.items()}
    return replace(sent, envelope=replace(sent.envelope, contract=version), payload=payload, sent_in="1.0")


def at_odds(folder: Path) -> World:
    """Return a world whose schemas have dropped a field that the recovery service's contract names."""
    world = staffed()
    for worker in (COUNSELLOR, HOUSING_OFFICER):
        engage(world, worker)
    schemas = schemas_in(folder)
    add_version(schemas, "plan", "1.1", drop("contingency"))
    world.contracts = SchemaLibrary.load(schemas)
    world.agreed = (agreed(view=["version", "change_summary", "contingency"], effective=1),)
    return world


def distribute_in(world: World, version: str, *without: str, **more: object) -> Result:
    """Distribute a plan in a version that lacks some fields and has others."""
    world.now = Instant(world.now + 60_000)
    plan = world.submission(MANAGER, MessageName.PLAN, {"version": 1, "change_summary": "First"})
    payload = {name: value for name, value in plan.payload.items() if name not in without} | more
    return world.take(replace(plan, envelope=replace(plan.envelope, contract=version), payload=payload))


@pytest.mark.requirement("R-RTE-01")
@pytest.mark.requirement("R-MSG-12")
def test_a_contract_the_schemas_have_left_behind_parks_its_own_deliveries_and_no_others(
    tmp_path: Path,
) -> None:
    """One partner's view that no longer fits must not cost everybody the message."""
    world = at_odds(tmp_path)
    result = distribute_in(world, "1.1", "contingency")
    assert result.rejection is None
    assert asked(result)[RECOVERY, "key_worker"].gate == "CONTRACT-VIEW-UNFIT"
    assert [each.message for each in to(result, HOUSING)] == [MessageName.PLAN]
    assert "DELIVERY-PARKED" in codes(result)
    assert "YOUR-DELIVERY-PARKED" in codes(result)


@pytest.mark.requirement("R-DIS-01")
def test_a_partner_on_an_older_version_is_told_of_nothing_that_version_lacks(tmp_path: Path) -> None:
    """Where all a message says is new since, the ledger does not say it was disclosed, and nothing goes."""
    world = staffed()
    engage(world, COUNSELLOR)
    schemas = schemas_in(tmp_path)
    note = optional("alert_note", "string", infoClass="plan_objective", statement="fact", maxLength=90)
    add_version(schemas, "plan", "1.1", append(note))
    world.contracts = SchemaLibrary.load(schemas)
    world.agreed = (agreed(newest="1.0", effective=1),)
    world.now = Instant(world.now + 60_000)
    plan = world.submission(MANAGER, MessageName.PLAN, {"version": 1})
    payload = {**plan.payload, "alert_note": HIDDEN, "previous_version": None}
    envelope = replace(plan.envelope, contract="1.1")
    result = world.take(replace(plan, envelope=envelope, payload=payload))
    decision = asked(result)[RECOVERY, "key_worker"]
    outcomes = {each.path: each.outcome.name for each in decision.fields}
    assert outcomes["alert_note"] == "WITHHOLD"
    assert HIDDEN not in str([each.payload for each in to(result, RECOVERY)])


@pytest.mark.requirement("R-MSG-12")
def test_a_contract_of_a_newer_hub_that_cannot_be_read_serves_nothing_and_the_others_hold() -> None:
    """What was agreed is not known then, and what is not known must not widen."""
    library = SchemaLibrary.load()
    bodies: list[dict[str, object]] = [
        contract_body(),
        contract_body(number=2, retention_days=7),
        contract_body(partner="housing"),
        {"partner": "housing"},
    ]
    first, second, other = readable(bodies)
    assert (first.partner, second.number, other.partner) == ("recovery", 2, "housing")
    now = Instant(START + 10**12)
    assert contract_in_effect((first, second), now) == second
    assert serves_not(second, library, now) == "CONTRACT-NO-VERSION"
    later = readable([contract_body(), contract_body(number=2, retention_days=7, effective=now + 1)])
    assert contract_in_effect(later, now) == first
    assert serves_not(other, library, now) is None


@pytest.mark.requirement("R-MSG-12")
def test_what_was_written_is_read_when_no_version_is_in_use_any_more_and_nobody_sends_it(
    tmp_path: Path,
) -> None:
    """Retired: decoded, never taken at the door. A draft beside a released version is no contract yet."""
    schemas = schemas_in(tmp_path)
    set_status(schemas, "evaluation", "1.0", "retired")
    add_version(schemas, "plan", "1.1", drop("contingency"))
    set_status(schemas, "plan", "1.0", "active")
    library = SchemaLibrary.load(schemas)
    assert library.versions("evaluation") == ()
    assert library.current("evaluation").version == "1.0"
    assert library.versions("plan") == ("1.0",)
    with pytest.raises(NotReadable, match="in use"):
        check_submission(library, "plan", {"contract": "1.1", "data": {}})


@pytest.mark.requirement("R-CASE-06")
def test_a_case_goes_on_when_no_version_of_what_it_keeps_is_in_use_any_more(tmp_path: Path) -> None:
    """Plans are retired: nobody sends one; whoever joins is still given the one in force."""
    world = staffed()
    distribute(world, change_reason=f"It was {HIDDEN}.")
    schemas = schemas_in(tmp_path)
    set_status(schemas, "plan", "1.0", "retired")
    world.contracts = SchemaLibrary.load(schemas)
    assert f"'change_reason': 'It was {HIDDEN}.'" in joined(world)
