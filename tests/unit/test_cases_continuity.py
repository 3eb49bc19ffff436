"""Continuity of the Offender Manager, and what a transfer is to be followed by (003)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.messages.envelope import MessageName
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    NEXT_MANAGER,
    PROBATION,
    SUPERVISOR,
    UNIT,
    World,
    appoint,
    codes,
    engage,
    refused,
    staffed,
)

if TYPE_CHECKING:
    from hub.routing.outcome import Result

MEETING, CONFERENCE = "HANDOVER-MEETING-NOT-HELD", "TRANSFER-CONFERENCE-NOT-HELD"
CUSTODY, REQUIREMENT = "DISCONTINUITY-CUSTODY", "DISCONTINUITY-REQUIREMENT"
STATUS = "OM-CHANGED-WITH-STATUS"


def transfer(world: World, **fields: object) -> Result:
    """Transfer the case to the next Offender Manager, beyond the provider's control unless said otherwise."""
    payload = {
        "action": "TRANSFER_OM",
        "organisation": PROBATION,
        "person": NEXT_MANAGER.person,
        "grade": "PO",
        "reason": "BEYOND_CONTROL",
        "authorised_by": LINE_MANAGER.person,
        "authorised_role": "line_manager",
        "handover_until": world.now + 28 * DAY,
        "handover_meeting_at": world.now + 7 * DAY,
        "conference_at": world.now + 14 * DAY,
        **fields,
    }
    result = world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, payload)
    assert refused(result) is None
    return result


def custody(world: World, action: str, **fields: object) -> None:
    """Let the prison say that the person came or went."""
    event = {"action": action, "status": "CONFIRMED", **fields}
    assert refused(world.send(UNIT, MessageName.PRISON_EVENT, event)) is None


@pytest.mark.requirement("R-CON-03")
def test_a_handover_meeting_of_which_nobody_says_that_it_was_held_is_reported() -> None:
    """To both Offender Managers; and the conference after it."""
    world = staffed()
    transfer(world)
    missed = world.pass_time(8 * DAY)
    assert set(codes(missed)) == {MEETING}
    assert set(codes(world.pass_time(7 * DAY))) == {CONFERENCE}
    assert codes(world.pass_time(DAY)) == []


@pytest.mark.requirement("R-CON-03")
def test_a_meeting_and_a_conference_that_were_held_are_not_asked_for() -> None:
    """A HANDOVER with the meeting's time says so, a case conference held does."""
    world = staffed()
    transfer(world)
    held = {"action": "HANDOVER", "handover_until": world.now + 28 * DAY, "handover_meeting_at": world.now}
    assert refused(world.send(NEXT_MANAGER, MessageName.TEAM_CHANGE, held)) is None
    review = {"review": "r-1", "action": "CONVENED", "kind": "CASE_CONFERENCE"}
    world.send(NEXT_MANAGER, MessageName.REVIEW, review)
    assert "transfer-conference" in {timer.kind for timer in world.timers.values()}
    world.send(NEXT_MANAGER, MessageName.REVIEW, {**review, "action": "HELD"})
    assert {timer.kind for timer in world.timers.values()} == {"handover-end"}
    assert codes(world.pass_time(15 * DAY)) == []


@pytest.mark.requirement("R-CON-03")
def test_a_meeting_without_a_date_is_due_by_the_end_of_the_handover() -> None:
    """It moves with that end."""
    world = staffed()
    transfer(world, handover_meeting_at=None, conference_at=None)
    later = {"action": "HANDOVER", "handover_until": world.now + 40 * DAY}
    world.send(NEXT_MANAGER, MessageName.TEAM_CHANGE, later)
    assert codes(world.pass_time(30 * DAY)) == []
    assert set(codes(world.pass_time(11 * DAY))) == {MEETING, CONFERENCE}


@pytest.mark.requirement("R-CON-03")
def test_who_says_when_the_meeting_was_ends_no_handover_by_it() -> None:
    """Both Offender Managers go on to be recipients until its end, and the conference stays awaited."""
    world = staffed()
    transfer(world)
    said = world.send(
        NEXT_MANAGER, MessageName.TEAM_CHANGE, {"action": "HANDOVER", "handover_meeting_at": world.now}
    )
    assert (refused(said), codes(said)) == (None, [])
    assert world.state.handover is not None
    assert {timer.kind for timer in world.timers.values()} == {"handover-end", "transfer-conference"}


@pytest.mark.requirement("R-CON-03")
@pytest.mark.parametrize("until", [None, 28 * DAY])
def test_a_meeting_after_the_handover_or_without_one_is_said_and_awaited(until: int | None) -> None:
    """What the report of it asks for can be done, whenever it is read."""
    world = staffed()
    ends = None if until is None else world.now + until
    transfer(world, handover_until=ends, handover_meeting_at=None, conference_at=None)
    world.pass_time(29 * DAY)
    arranged = {"action": "HANDOVER", "handover_meeting_at": world.now + DAY}
    assert refused(world.send(NEXT_MANAGER, MessageName.TEAM_CHANGE, arranged)) is None
    assert codes(world.pass_time(2 * DAY)) == [MEETING, MEETING]
    held = {"action": "HANDOVER", "handover_meeting_at": world.now}
    assert refused(world.send(NEXT_MANAGER, MessageName.TEAM_CHANGE, held)) is None
    assert not world.timers


@pytest.mark.requirement("R-CON-06")
@pytest.mark.parametrize("action", ["RECEPTION", "RELEASE"])
def test_a_change_of_om_with_a_release_or_reception_is_reported_as_structural(action: str) -> None:
    """Teams before and after release break up the management of a sentence (003 ¶3)."""
    world = staffed()
    custody(world, "RECEPTION", prison_to="MDI")
    if action == "RELEASE":
        world.pass_time(100 * DAY)
        custody(world, "RELEASE", prison_from="MDI")
    assert CUSTODY in codes(transfer(world))


@pytest.mark.requirement("R-CON-06")
def test_a_change_of_om_shortly_before_the_expected_release_is_reported() -> None:
    """The team for after release must not take the case over at the gate."""
    world = staffed()
    day = world.now // DAY + 60
    custody(world, "RECEPTION", prison_to="MDI", release_date=day)
    world.pass_time(35 * DAY)
    assert CUSTODY in codes(transfer(world))


@pytest.mark.requirement("R-CON-06")
def test_a_change_of_om_for_a_personal_reason_or_far_from_any_event_is_not_structural() -> None:
    """Nothing in the principle of continuity stands against sound reasons (003 ¶4)."""
    world = staffed()
    custody(world, "RECEPTION", prison_to="MDI")
    assert CUSTODY not in codes(transfer(world, reason="INCOMPATIBILITY"))
    world = staffed()
    custody(world, "RECEPTION", prison_to="MDI")
    world.pass_time(40 * DAY)
    assert CUSTODY not in codes(transfer(world))


@pytest.mark.requirement("R-CON-06")
def test_one_requirements_team_that_takes_the_case_over_is_reported() -> None:
    """A Key Worker of one intervention of several becomes the Offender Manager."""
    world = staffed()
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    taken = transfer(world, organisation=COUNSELLOR.organisation, person=COUNSELLOR.person)
    assert REQUIREMENT in codes(taken)


@pytest.mark.requirement("R-CON-06")
def test_a_change_of_om_with_a_requirement_is_reported() -> None:
    """The requirement ends or comes, the Offender Manager stays (003 ¶3, note 2)."""
    world = staffed()
    changed = {"action": "CHANGED", "requirements": ["UNPAID_WORK"]}
    world.send(ADMINISTRATOR, MessageName.CASE, changed)
    assert REQUIREMENT in codes(transfer(world))


@pytest.mark.requirement("R-CON-07")
def test_a_new_sentence_in_the_same_engagement_keeps_the_offender_manager() -> None:
    """The new sentence changes nobody's role; a change of OM that comes with it is questioned."""
    world = staffed()
    new = {"action": "CHANGED", "sentence_type": "COMMUNITY_ORDER", "sentence_date": 20000}
    told = world.send(ADMINISTRATOR, MessageName.CASE, new)
    assert refused(told) is None
    assert codes(told) == []
    assert world.manager is not None
    assert world.manager.person == MANAGER.person
    assert STATUS in codes(transfer(world))


@pytest.mark.requirement("R-CON-05", "R-CON-07")
def test_a_psos_case_that_becomes_high_risk_is_reported_with_what_the_circular_proposes() -> None:
    """The PSO may keep day-to-day work under a PO; nobody's role has ended."""
    world = staffed()
    appoint(world, MANAGER, grade="PSO")
    world.send(MANAGER, MessageName.RISK_CHANGE, {"kind": "ROSH", "rosh_level": "MEDIUM"})
    raised = world.send(MANAGER, MessageName.RISK_CHANGE, {"kind": "ROSH", "rosh_level": "HIGH"})
    said = {str(d.payload["detail"]) for d in raised.deliveries if d.payload.get("code") == "ROSH-INTO-HIGH"}
    assert len(said) == 1
    assert "as Offender Supervisor under a Probation Officer (003 ¶7)" in said.pop()
    assert world.manager is not None


@pytest.mark.requirement("R-CASE-04")
@pytest.mark.parametrize("reason", ["DISTANT_CUSTODY", "INTENSIVE_PROGRAMME", "ACUTE_CAPACITY"])
def test_a_split_for_one_of_the_three_reasons_is_no_exception(reason: str) -> None:
    """002 3.24: distant custody, intensive programmes, acute capacity; a fourth reason is none."""
    assert codes(appoint(staffed(tier=2), SUPERVISOR, reason=reason)) == []
    assert set(codes(appoint(staffed(tier=2), SUPERVISOR, reason="ALLOCATION"))) == {"SPLIT-UNEXPLAINED"}
