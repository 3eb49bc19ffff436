"""What whoever joins is given at once: the facts of the case, what is known of risk, the plan."""

from __future__ import annotations

import pytest

from hub.cases.state import to_json
from hub.messages.envelope import InformationClass, MessageName, Role
from hub.messages.identifiers import Instant
from hub.routing.outcome import Delivery, Result, Urgency
from hub.routing.route import route
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    HOUSING,
    HOUSING_OFFICER,
    LEEDS,
    LINE_MANAGER,
    MANAGER,
    MOORLAND,
    NEXT_MANAGER,
    PROBATION,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    Staff,
    World,
    appoint,
    distribute,
    engage,
    move,
    offer,
    open_case,
    refused,
    staffed,
    to,
)

FACTOR = {"kind": "FACTOR", "factor": "Invented grievance", "factor_change": "NEW"}
MAPPA = {"kind": "MAPPA", "mappa_category": 2, "mappa_level": 2, "staff_safety": "Invented advice"}


def risk(world: World, by: Staff, **fields: object) -> Result:
    """Report a change in risk."""
    result = world.send(by, MessageName.RISK_CHANGE, fields)
    assert refused(result) is None
    return result


def given(result: Result, staff: Staff) -> list[Delivery]:
    """Return what somebody got beside the message that made them join."""
    assert result.seen is not None
    told = to(result, staff.organisation, staff.role)
    return [d for d in told if d.message_id != result.seen[0] and d.message is not MessageName.EXCEPTION]


def known(result: Result, staff: Staff = SUPERVISOR) -> list[tuple[object, object]]:
    """Return kind and factor of every risk a joiner was told of."""
    told = (d.payload for d in given(result, staff) if d.message is MessageName.RISK_CHANGE)
    return [(payload["kind"], payload["factor"]) for payload in told]


def authors(world: World) -> list[object]:
    """Return whose word on risk the case holds."""
    return [held.author_organisation for held in world.state.risks]


def received(world: World, code: str = "MDI") -> Result:
    """Let the prison receive the person."""
    event = {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": code}
    return world.send(UNIT, MessageName.PRISON_EVENT, event)


@pytest.mark.requirement("R-CASE-06")
@pytest.mark.requirement("R-RTE-06")
def test_a_member_appointed_is_given_facts_risk_and_plan_in_that_order() -> None:
    """Each a message of its own, of the day it was said, caused by the one it gives again."""
    world = staffed(forename="Nemo", surname="Nobody")
    said = risk(world, MANAGER, **MAPPA)
    distribute(world)
    told = given(appoint(world, SUPERVISOR), SUPERVISOR)
    assert [d.message for d in told] == [MessageName.CASE, MessageName.RISK_CHANGE, MessageName.PLAN]
    assert [d.urgency for d in told] == [Urgency.CASE, Urgency.SAFETY, Urgency.CASE]
    facts, mappa, _ = told
    assert (facts.payload["action"], facts.payload["surname"]) == ("OPENED", "Nobody")
    assert said.seen is not None
    assert mappa.message_id != said.seen[0]
    assert mappa.causation in {said.seen[0], None}
    assert (mappa.payload["mappa_level"], mappa.author) == (2, MANAGER.person)
    assert mappa.occurred_at < world.now


@pytest.mark.requirement("R-CASE-06")
def test_the_first_offender_manager_and_the_administrator_are_given_the_facts_of_the_case() -> None:
    """Nobody is on the team when the case is opened, and nobody has to ask."""
    world = World()
    open_case(world, surname="Nobody")
    for joiner in (MANAGER, ADMINISTRATOR):
        (facts,) = given(appoint(world, joiner), joiner)
        assert facts.payload["surname"] == "Nobody"


@pytest.mark.requirement("R-CASE-06")
def test_facts_are_given_as_they_stand_now_with_the_classes_their_authors_declared() -> None:
    """One message: the latest, with what earlier ones state beside it; a fact stated anew is stated once."""
    world = staffed(forename="Nemo", surname="Nobody", phone="01632 960001", diversity_needs="Invented need")
    change = {"action": "CHANGED", "surname": "Madeup", "offence_summary": "Invented offence"}
    declared = {"offence_summary": InformationClass.INTELLIGENCE}
    world.take(world.submission(MANAGER, MessageName.CASE, change, declared=declared))
    world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "phone": "01632 960002"})
    told = given(received(world), UNIT)
    (facts,) = (d for d in told if d.message is MessageName.CASE)
    names = ("action", "forename", "surname", "phone")
    assert [facts.payload[name] for name in names] == ["CHANGED", "Nemo", "Madeup", "01632 960002"]
    assert facts.source.envelope.declared == declared
    declared_anew = {"offence_summary": InformationClass.OFFENCE}
    again = {"action": "CHANGED", "offence_summary": "Stated anew"}
    world.take(world.submission(MANAGER, MessageName.CASE, again, declared=declared_anew))
    joined = appoint(world, SUPERVISOR)
    (facts,) = (d for d in given(joined, SUPERVISOR) if d.message is MessageName.CASE)
    assert facts.source.envelope.declared == declared_anew


@pytest.mark.requirement("R-RTE-06")
def test_a_key_worker_is_given_what_is_known_of_risk_and_no_case_message() -> None:
    """Named on acceptance, or nobody named: the service learns what its staff need to be safe."""
    world = staffed(surname="Nobody")
    risk(world, MANAGER, **MAPPA)
    (told,) = given(engage(world, COUNSELLOR), COUNSELLOR)
    assert told.message is MessageName.RISK_CHANGE
    assert told.payload["staff_safety"] == "Invented advice"
    offer(world, HOUSING)
    accepted = move(world, Staff(HOUSING, Role.SERVICE_MANAGER, "sm-1"), "ACCEPT")
    assert [d.message for d in given(accepted, HOUSING_OFFICER)] == [MessageName.RISK_CHANGE]


@pytest.mark.requirement("R-RTE-06")
def test_a_provider_that_has_only_been_asked_is_given_nothing_yet() -> None:
    """It joins by taking the referral on."""
    world = staffed()
    risk(world, MANAGER, **MAPPA)
    assert not given(offer(world, RECOVERY), COUNSELLOR)


@pytest.mark.requirement("R-RTE-06")
def test_the_prison_that_receives_the_person_is_given_facts_and_risk() -> None:
    """On reception and on transfer; public protection is not kept apart from those who must act (004)."""
    world = staffed()
    risk(world, MANAGER, **MAPPA)
    kinds = [MessageName.CASE, MessageName.RISK_CHANGE]
    assert [d.message for d in given(received(world), UNIT)] == kinds
    unit = Staff(LEEDS, Role.OFFENDER_MANAGEMENT_UNIT, "")
    event = {"action": "TRANSFER", "status": "CONFIRMED", "prison_from": "MDI", "prison_to": "LEI"}
    moved = world.send(UNIT, MessageName.PRISON_EVENT, event)
    assert [d.message for d in given(moved, unit)] == kinds
    assert not given(moved, UNIT)


@pytest.mark.requirement("R-CON-03")
def test_the_incoming_offender_manager_is_given_everything() -> None:
    """Also one of the same organisation, whose mailbox has it already."""
    world = staffed()
    risk(world, MANAGER, **FACTOR)
    distribute(world)
    transfer = {
        "action": "TRANSFER_OM",
        "organisation": PROBATION,
        "person": NEXT_MANAGER.person,
        "reason": "COLLUSION",
        "authorised_by": LINE_MANAGER.person,
        "authorised_role": "line_manager",
    }
    told = given(world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, transfer), NEXT_MANAGER)
    assert [d.message for d in told] == [MessageName.CASE, MessageName.RISK_CHANGE, MessageName.PLAN]


@pytest.mark.requirement("R-CASE-06")
def test_the_latest_word_on_each_kind_and_factor_is_given_and_what_has_ended_is_not() -> None:
    """Oldest first, so that nobody reads an older state after a newer one (R-RTE-07)."""
    world = staffed()
    risk(world, MANAGER, kind="ROSH", rosh_level="HIGH")
    risk(world, MANAGER, **FACTOR)
    risk(world, MANAGER, kind="FACTOR", factor="Invented debt", factor_change="NEW")
    risk(world, MANAGER, kind="FACTOR", factor="Invented rage", factor_change="NEW")
    risk(world, MANAGER, kind="VULNERABILITY", factor_change="NEW", vulnerability_note="Invented")
    risk(world, MANAGER, kind="PPO", ppo=True)
    risk(world, MANAGER, kind="FACTOR", factor="invented  DEBT", factor_change="ENDED")
    risk(world, MANAGER, kind="FACTOR", factor="Invented rage", factor_change="REDUCED")
    risk(world, MANAGER, kind="ROSH", rosh_level="MEDIUM")
    risk(world, MANAGER, kind="VULNERABILITY", factor_change="ENDED")
    risk(world, MANAGER, kind="PPO", ppo=False)
    joined = appoint(world, SUPERVISOR)
    assert known(joined) == [("FACTOR", "Invented grievance"), ("ROSH", None)]
    assert given(joined, SUPERVISOR)[-1].payload["rosh_level"] == "MEDIUM"


@pytest.mark.requirement("R-CASE-06")
@pytest.mark.requirement("R-RTE-03")
def test_a_key_workers_report_is_given_beside_what_those_who_assess_say_and_never_ends_it() -> None:
    """It is ended by its own organisation, or by whoever assesses."""
    world = staffed()
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    risk(world, MANAGER, **FACTOR)
    risk(world, COUNSELLOR, **{**FACTOR, "factor_change": "ENDED"})
    assert authors(world) == [PROBATION]
    risk(world, COUNSELLOR, **{**FACTOR, "factor_change": "INCREASED"})
    risk(world, HOUSING_OFFICER, **{**FACTOR, "factor_change": "INCREASED"})
    assert authors(world) == [PROBATION, RECOVERY, HOUSING]
    risk(world, COUNSELLOR, **{**FACTOR, "factor_change": "REDUCED"})
    assert authors(world) == [PROBATION, HOUSING]
    assert len(known(appoint(world, SUPERVISOR))) == 2
    risk(world, MANAGER, **{**FACTOR, "factor_change": "ENDED"})
    assert authors(world) == []


@pytest.mark.requirement("R-CASE-06")
def test_a_flood_of_reports_does_not_crowd_out_what_those_who_assess_have_said() -> None:
    """The case holds a bounded part of it, the assessed first, then the latest."""
    world = staffed()
    risk(world, MANAGER, **MAPPA)
    risk(world, MANAGER, **FACTOR)
    engage(world, COUNSELLOR)
    for number in range(60):
        risk(world, COUNSELLOR, kind="FACTOR", factor=f"Report {number}", summary="Invented. " * 380)
    held = world.state.risks
    assert [each.kind for each in held[:2]] == ["MAPPA", "FACTOR"]
    assert len(held) == 40
    assert [each.offset for each in held] == sorted(each.offset or 0 for each in held)
    assert known(appoint(world, SUPERVISOR))[-1] == ("FACTOR", "Report 59")
    for number in range(30):
        risk(world, COUNSELLOR, kind="FACTOR", factor=f"More {number}", summary="✓" * 4000)
    assert world.state.risks[0].kind == "MAPPA"
    assert len(to_json(world.state)) < 30_000


@pytest.mark.requirement("R-DIS-01")
def test_a_joiner_who_is_excluded_is_given_nothing_and_the_decisions_say_so() -> None:
    """It is decided anew on the day of joining."""
    world = staffed()
    risk(world, MANAGER, **MAPPA)
    exclusion = {"consent": "x-1", "action": "EXCLUSION", "organisations": [MOORLAND], "classes": []}
    world.send(MANAGER, MessageName.CONSENT, exclusion)
    joined = appoint(world, SUPERVISOR)
    assert not to(joined, MOORLAND)
    again = [d for d in joined.decisions if d.candidate.organisation == MOORLAND]
    assert [d.gate for d in again] == ["HOLD-EXCLUDED"] * 3


@pytest.mark.requirement("R-DEL-02")
def test_a_replay_gives_a_joiner_the_same_and_another_joiner_other_ids() -> None:
    """The ids follow from what is given again and from what made somebody join."""
    world = staffed()
    risk(world, MANAGER, **MAPPA)
    distribute(world)
    entry = world.submission(
        MANAGER,
        MessageName.TEAM_CHANGE,
        {"action": "APPOINT", "role": "offender_supervisor", "organisation": MOORLAND, "person": "os-1"},
    )
    assert route(entry, world, world.now) == route(entry, world, world.now)
    first = given(world.take(entry), SUPERVISOR)
    second = given(appoint(world, Staff(MOORLAND, Role.OFFENDER_SUPERVISOR, "os-2")), SUPERVISOR)
    assert len(first) == len(second) == 3
    assert not {d.delivery_id for d in first} & {d.delivery_id for d in second}


@pytest.mark.requirement("R-CASE-06")
def test_whoever_begins_on_a_later_day_is_given_what_holds_on_that_day() -> None:
    """What was said and has ended in between is not among it."""
    world = staffed()
    risk(world, MANAGER, **FACTOR)
    appoint(world, SUPERVISOR, effective_at=world.now + 3 * DAY)
    risk(world, MANAGER, **MAPPA)
    risk(world, MANAGER, **{**FACTOR, "factor_change": "ENDED"})
    joined = world.pass_time(4 * DAY)
    assert [d.message for d in to(joined, MOORLAND)] == [MessageName.CASE, MessageName.RISK_CHANGE]
    assert to(joined, MOORLAND)[1].payload["kind"] == "MAPPA"


def correct(
    world: World, said: Result, *, by: Staff = MANAGER, code: str | None = None, **fields: object
) -> Result:
    """Correct something said before; with a code, be refused by it."""
    assert said.seen is not None
    payload = {"corrects": said.seen[0], "action": "RETRACT", **fields}
    result = world.send(by, MessageName.CORRECTION, payload)
    assert refused(result) == code
    return result


@pytest.mark.requirement("R-MSG-16")
def test_what_was_retracted_is_not_given_and_a_field_corrected_is_blank() -> None:
    """Facts and risks alike; a key corrected away leaves nothing to give."""
    world = World()
    opened = open_case(world, forename="Nemo", surname="Nobody")
    appoint(world, MANAGER)
    gone, cut = risk(world, MANAGER, **FACTOR), risk(world, MANAGER, **MAPPA)
    unnamed = risk(world, MANAGER, kind="ROSH", rosh_level="LOW")
    correct(world, gone)
    correct(world, cut, action="CORRECT", fields=["staff_safety"])
    correct(world, unnamed, action="CORRECT", fields=["kind"])
    correct(world, opened, action="ERASE", fields=["surname"])
    facts, mappa = given(appoint(world, SUPERVISOR), SUPERVISOR)
    assert (facts.payload["forename"], facts.payload["surname"]) == ("Nemo", None)
    assert (mappa.payload["mappa_level"], mappa.payload["staff_safety"]) == (2, None)
    correct(world, opened, action="ERASE")
    assert not world.state.facts


@pytest.mark.requirement("R-MSG-16")
def test_a_correction_that_names_fields_of_another_sort_of_message_takes_all_of_this_one_back() -> None:
    """A referral has both of the fields named, a change of risk only one: what was meant is not known."""
    world = staffed()
    said = risk(world, MANAGER, **MAPPA)
    correct(world, said, action="CORRECT", fields=["staff_safety", "provider"])
    assert not world.state.risks


@pytest.mark.requirement("R-MSG-16")
def test_a_plan_retracted_is_not_given_and_the_next_version_still_follows_it() -> None:
    """The version counts; what it said does not."""
    world = staffed()
    said = distribute(world)
    correct(world, said, action="RESTRICT")
    assert MessageName.PLAN not in [d.message for d in given(appoint(world, SUPERVISOR), SUPERVISOR)]
    assert refused(distribute(world, 2)) is None
    last = given(received(world), UNIT)[-1]
    assert (last.message, last.payload["version"]) == (MessageName.PLAN, 2)


@pytest.mark.requirement("R-MSG-16")
def test_a_correction_by_somebody_else_than_author_or_manager_takes_nothing_away() -> None:
    """A partner cannot make the case forget what the Offender Manager said."""
    world = staffed()
    engage(world, COUNSELLOR)
    said, own = risk(world, MANAGER, **FACTOR), risk(world, COUNSELLOR, kind="FACTOR", factor="Invented debt")
    correct(world, said, by=COUNSELLOR, code="CORRECTION-NOT-YOURS")
    assert authors(world) == [PROBATION, RECOVERY]
    correct(world, own, by=COUNSELLOR)
    assert authors(world) == [PROBATION]


def test_moments_of_what_is_given_again_are_those_of_the_original() -> None:
    """When it happened and when it was recorded; not when somebody joined."""
    world = staffed()
    happened = Instant(world.now - DAY)
    world.take(world.submission(MANAGER, MessageName.RISK_CHANGE, MAPPA, occurred_at=happened))
    recorded = world.now
    (told,) = (d for d in given(received(world), UNIT) if d.message is MessageName.RISK_CHANGE)
    assert (told.occurred_at, told.recorded_at) == (happened, recorded)
