"""Who joins and leaves the Offender Management Team, and how the Offender Manager changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.cases.case import Member, RestrictionKind
from hub.cases.membership import current_team
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.routing.outcome import Result
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    HOUSING,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    NEXT_MANAGER,
    OTHER_PROBATION,
    PROBATION,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    Staff,
    World,
    appoint,
    codes,
    distribute,
    engage,
    offer,
    open_case,
    refused,
    staffed,
    to,
)


def test_who_is_current_is_asked_of_each_team_and_each_moment() -> None:
    """One after the other; the moment a membership ends is outside it."""
    member = Member(role=Role.KEY_WORKER, organisation=RECOVERY, person="kw-1", since=Instant(10))
    ending = replace(member, until=Instant(20))
    case = staffed().state
    one, other = replace(case, team=(member,)), replace(case, team=(ending,))
    asked = [(one, 20), (other, 20), (other, 19), (one, 9), (one, 20), (other, 20)]
    found = [current_team(each, Instant(now)) for each, now in asked]
    assert found == [(member,), (), (ending,), (), (member,), ()]


def transfer(world: World, *, by: Staff = LINE_MANAGER, **fields: object) -> Result:
    """Transfer the case to the next Offender Manager, authorised, with a handover of 28 days."""
    payload = {
        "action": "TRANSFER_OM",
        "organisation": NEXT_MANAGER.organisation,
        "person": NEXT_MANAGER.person,
        "grade": "PO",
        "reason": "LOSS_OF_MOMENTUM",
        "authorised_by": LINE_MANAGER.person,
        "authorised_role": "line_manager",
        "handover_until": world.now + 28 * DAY,
        **fields,
    }
    return world.send(by, MessageName.TEAM_CHANGE, payload)


def leave(world: World, who: Staff, *, by: Staff = MANAGER, **fields: object) -> Result:
    """End a membership."""
    payload = {
        "action": "END",
        "role": who.role.value,
        "organisation": who.organisation,
        "person": who.person,
        **fields,
    }
    return world.send(by, MessageName.TEAM_CHANGE, payload)


@pytest.mark.requirement("R-CASE-02")
def test_a_second_offender_manager_is_refused_while_there_is_one() -> None:
    """A case has one OM at a time; another comes by transfer."""
    world = staffed()
    assert refused(appoint(world, NEXT_MANAGER)) == "OM-ALREADY-HELD"


@pytest.mark.requirement("R-CASE-03")
def test_one_person_may_hold_several_roles() -> None:
    """The OM may be OS as well, and an appointment told twice is one membership."""
    world = staffed()
    both = Staff(PROBATION, Role.OFFENDER_SUPERVISOR, MANAGER.person)
    appoint(world, both)
    appoint(world, both)
    assert [m.role for m in world.state.team if m.person == MANAGER.person] == [
        Role.OFFENDER_MANAGER,
        Role.OFFENDER_SUPERVISOR,
    ]


@pytest.mark.requirement("R-CASE-03")
def test_nobody_is_appointed_to_a_role_that_is_not_on_the_team() -> None:
    """A prison's unit is no member; a change without a person is incomplete."""
    world = staffed()
    assert refused(appoint(world, UNIT)) == "ROLE-NOT-ON-TEAM"
    assert refused(appoint(world, ADMINISTRATOR, person=None)) == "TEAM-CHANGE-INCOMPLETE"


@pytest.mark.requirement("R-CASE-03")
def test_a_line_manager_is_named_on_the_case_without_being_on_its_team() -> None:
    """Neither what goes to the team nor what a joiner is given reaches them, today or on their day."""
    world = staffed()
    distribute(world)
    named = appoint(world, LINE_MANAGER)
    assert refused(named) is None
    assert not to(named, PROBATION, Role.LINE_MANAGER)
    later = Staff(PROBATION, Role.LINE_MANAGER, "lm-2")
    appoint(world, later, effective_at=world.now + DAY)
    assert not world.pass_time(2 * DAY).decisions
    assert not to(distribute(world, 2), PROBATION, Role.LINE_MANAGER)


@pytest.mark.requirement("R-CASE-05")
def test_a_key_worker_is_appointed_for_a_referral_of_the_own_organisation_only() -> None:
    """The Key Worker is the link to one intervention."""
    world = staffed()
    offer(world, RECOVERY)
    assert refused(appoint(world, COUNSELLOR, referral="ref-recovery")) is None
    assert refused(appoint(world, HOUSING_OFFICER, referral="ref-recovery")) == "REFERRAL-UNKNOWN"
    assert refused(appoint(world, HOUSING_OFFICER)) == "REFERRAL-UNKNOWN"


@pytest.mark.requirement("R-CON-01")
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"authorised_by": None}, "OM-TRANSFER-UNAUTHORISED"),
        ({"authorised_role": "offender_manager"}, "OM-TRANSFER-UNAUTHORISED"),
        ({"authorised_by": NEXT_MANAGER.person}, "OM-TRANSFER-UNAUTHORISED"),
        ({"authorised_by": MANAGER.person}, "OM-TRANSFER-UNAUTHORISED"),
        ({"reason": None}, "OM-TRANSFER-NO-REASON"),
        ({"reason": "OTHER"}, "OM-TRANSFER-NO-REASON"),
        ({"outgoing_person": "somebody-else"}, "OM-TRANSFER-OUTGOING"),
        ({"person": MANAGER.person}, "TEAM-CHANGE-INCOMPLETE"),
    ],
)
def test_an_om_transfer_is_refused_when_it_is_not_authorised_for_a_sound_reason(
    fields: dict[str, Any], code: str
) -> None:
    """A line manager authorises and records it, for one of the reasons of PC03/2009."""
    world = staffed()
    assert refused(transfer(world, **fields)) == code
    assert world.manager is not None
    assert world.manager.person == MANAGER.person


@pytest.mark.requirement("R-CON-01")
def test_the_end_of_an_offender_manager_needs_the_same_authority_as_a_transfer() -> None:
    """Nobody gets round the line manager by ending one OM and appointing the next."""
    world = staffed()
    assert refused(leave(world, MANAGER)) == "OM-TRANSFER-NO-REASON"
    assert refused(leave(world, MANAGER, reason="BEYOND_CONTROL")) == "OM-TRANSFER-UNAUTHORISED"
    ended = leave(
        world,
        MANAGER,
        by=LINE_MANAGER,
        reason="BEYOND_CONTROL",
        authorised_by="lm-1",
        authorised_role="line_manager",
    )
    assert codes(ended) == ["CASE-WITHOUT-OM"]
    appoint(world, NEXT_MANAGER, grade="PO")
    assert world.state.om_transfers == 1


@pytest.mark.requirement("R-CON-03")
def test_both_offender_managers_are_recipients_until_the_handover_ends() -> None:
    """They also hear from each other; after it only the new one is told."""
    world = staffed()
    transfer(world, organisation=OTHER_PROBATION)
    note = {"review": "r-1", "action": "DUE"}
    author = Staff(OTHER_PROBATION, Role.OFFENDER_MANAGER, NEXT_MANAGER.person)
    during = world.send(author, MessageName.REVIEW, note)
    assert to(during, PROBATION, Role.OFFENDER_MANAGER)
    assert to(during, OTHER_PROBATION, Role.OFFENDER_MANAGER)
    world.pass_time(29 * DAY)
    assert world.state.handover is None
    after = world.send(ADMINISTRATOR, MessageName.REVIEW, note)
    assert not to(after, PROBATION, Role.OFFENDER_MANAGER)
    assert to(after, OTHER_PROBATION, Role.OFFENDER_MANAGER)


@pytest.mark.requirement("R-CON-03")
def test_a_handover_can_be_extended_and_ended_early() -> None:
    """HANDOVER moves its end; without one in progress it is refused."""
    world = staffed()
    until = world.now + 60 * DAY
    extended = {"action": "HANDOVER", "handover_until": until}
    assert refused(world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, extended)) == "HANDOVER-NONE"
    transfer(world)
    world.send(NEXT_MANAGER, MessageName.TEAM_CHANGE, extended)
    in_progress = world.state.handover
    assert in_progress is not None
    assert {timer.due_at for timer in world.timers.values()} == {until}
    early = world.send(NEXT_MANAGER, MessageName.TEAM_CHANGE, {"action": "HANDOVER"})
    assert set(codes(early)) == {"HANDOVER-MEETING-NOT-HELD", "TRANSFER-CONFERENCE-NOT-HELD"}
    assert world.state.handover is None
    assert not world.timers


@pytest.mark.requirement("R-CON-03")
def test_a_transfer_without_a_handover_is_reported() -> None:
    """A managed transfer has a handover; the outgoing OM's organisation is told of the end."""
    world = staffed()
    result = transfer(world, organisation=OTHER_PROBATION, handover_until=None)
    assert set(codes(result)) == {"OM-TRANSFER-WITHOUT-HANDOVER"}
    assert to(result, PROBATION, Role.OFFENDER_MANAGER)
    assert to(result, OTHER_PROBATION, Role.OFFENDER_MANAGER)


@pytest.mark.requirement("R-CON-04")
def test_a_second_transfer_in_the_same_engagement_is_reported() -> None:
    """Continuity has priority for whoever has been through one already."""
    world = staffed()
    assert "OM-SECOND-TRANSFER" not in codes(transfer(world))
    again = transfer(world, by=LINE_MANAGER, person="om-3")
    assert "OM-SECOND-TRANSFER" in codes(again)
    assert world.state.om_transfers == 2
    third = transfer(world, person="om-4", handover_until=None)
    assert set(codes(third)) == {"OM-SECOND-TRANSFER", "OM-TRANSFER-WITHOUT-HANDOVER"}
    assert not world.timers


@pytest.mark.requirement("R-CON-02")
def test_the_new_om_is_held_back_from_partners_when_the_last_was_threatened() -> None:
    """A partner learns that there is another OM, and not who or how to reach them."""
    world = staffed()
    engage(world, COUNSELLOR)
    result = transfer(world, reason="THREATENED", person_phone="01632 960123", person_name="Nova Nobody")
    assert RestrictionKind.OM_THREATENED in {held.kind for held in world.state.restrictions}
    told = to(result, RECOVERY)
    assert not any({"Nova Nobody", "01632 960123"} & set(map(str, d.payload.values())) for d in told)


@pytest.mark.requirement("R-CASE-06")
def test_an_appointment_in_the_future_counts_from_its_day() -> None:
    """Until then nothing arrives; on the day the joiner gets the current plan."""
    world = staffed()
    distribute(world)
    appoint(world, SUPERVISOR, effective_at=world.now + 3 * DAY)
    review = {"review": "r-1", "action": "DUE"}
    assert not to(world.send(MANAGER, MessageName.REVIEW, review), SUPERVISOR.organisation)
    joined = world.pass_time(4 * DAY)
    assert [d.message for d in to(joined, SUPERVISOR.organisation)] == [MessageName.CASE, MessageName.PLAN]
    assert to(world.send(MANAGER, MessageName.REVIEW, review), SUPERVISOR.organisation)


@pytest.mark.requirement("R-CASE-06")
def test_an_appointment_that_is_taken_back_before_its_day_never_counts() -> None:
    """Nothing is left of it, and nobody waits for its day."""
    world = staffed()
    appoint(world, SUPERVISOR, effective_at=world.now + 3 * DAY)
    leave(world, SUPERVISOR)
    assert not world.timers
    assert Role.OFFENDER_SUPERVISOR not in {member.role for member in world.state.team}


@pytest.mark.requirement("R-CON-01")
def test_a_transfer_of_a_case_without_an_offender_manager_is_refused() -> None:
    """There is nobody to hand it over; appoint one."""
    world = World()
    open_case(world)
    assert refused(transfer(world)) == "OM-TRANSFER-NO-OM"


@pytest.mark.requirement("R-CASE-05")
def test_a_key_worker_named_again_stays_as_they_are() -> None:
    """Starting with the same Key Worker changes nothing on the team."""
    world = staffed()
    engage(world, COUNSELLOR)
    team = world.state.team
    started = {"referral": "ref-recovery", "action": "START", "key_worker": COUNSELLOR.person}
    world.send(COUNSELLOR, MessageName.REFERRAL, started)
    assert world.state.team == team


@pytest.mark.requirement("R-CASE-06")
def test_a_leaver_is_told_of_the_end_and_then_nothing() -> None:
    """Access ends with the membership, from that moment."""
    world = staffed()
    appoint(world, SUPERVISOR)
    ended = leave(world, SUPERVISOR)
    word, dispose = to(ended, SUPERVISOR.organisation)
    assert word.payload["action"] == "END"
    assert dispose.payload["code"] == "DISPOSE"
    distributed = distribute(world)
    assert not to(distributed, SUPERVISOR.organisation)
    assert SUPERVISOR.organisation not in {d.candidate.organisation for d in distributed.decisions}


@pytest.mark.requirement("R-CASE-06")
def test_a_membership_with_an_end_stops_on_its_day() -> None:
    """An end in the future is kept as a deadline, and a missing OM is reported when it passes."""
    world = staffed()
    later = leave(
        world,
        MANAGER,
        by=LINE_MANAGER,
        reason="BEYOND_CONTROL",
        authorised_by="lm-1",
        authorised_role="line_manager",
        effective_at=world.now + DAY,
    )
    assert codes(later) == []
    assert set(codes(world.pass_time(2 * DAY))) == {"CASE-WITHOUT-OM"}
    assert refused(leave(world, MANAGER, by=ADMINISTRATOR)) == "MEMBER-UNKNOWN"


@pytest.mark.requirement("R-CASE-04")
def test_a_split_of_om_and_os_is_reported_in_tier_4_and_where_nobody_says_why() -> None:
    """Vital to reduce risks of fragmentation in tier 4 (002 App. B)."""
    world = staffed(tier=4)
    assert "TIER-4-SPLIT" in codes(appoint(world, SUPERVISOR))
    assert set(codes(appoint(staffed(tier=3), SUPERVISOR))) == {"SPLIT-UNEXPLAINED"}
    assert codes(appoint(staffed(tier=3), SUPERVISOR, reason="ACUTE_CAPACITY")) == []
    one = Staff(PROBATION, Role.OFFENDER_SUPERVISOR, MANAGER.person)
    assert codes(appoint(staffed(tier=4), one)) == []


@pytest.mark.requirement("R-ADM-07")
def test_an_offender_manager_below_the_grade_of_the_tier_is_reported() -> None:
    """Tier 3 and 4 ask for a Probation Officer; an unknown grade is not guessed."""
    world = World()
    open_case(world, tier=3)
    assert codes(appoint(world, MANAGER, grade="PSO")) == ["OM-GRADE-BELOW-TIER"]
    world = World()
    open_case(world, tier=3)
    assert codes(appoint(world, MANAGER)) == []


@pytest.mark.requirement("R-CASE-02")
def test_a_team_holds_only_so_many() -> None:
    """A flood of appointments is refused, not kept."""
    world = staffed()
    results = [
        appoint(world, Staff(PROBATION, Role.OFFENDER_SUPERVISOR, f"os-{number}")) for number in range(200)
    ]
    assert refused(results[-1]) == "CASE-FULL"
    assert HOUSING not in {member.organisation for member in world.state.team}
