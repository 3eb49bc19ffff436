"""Who is concerned, on which grounds, and whether it bears on their work."""

from __future__ import annotations

import pytest

from hub.cases.applied import Applied
from hub.consent.decision import Concern
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import MessageId
from hub.messages.read import read
from hub.routing.concern import attending, candidates
from hub.routing.outcome import Result, Urgency
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    DEBT,
    HOUSING,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    MOORLAND,
    NEXT_MANAGER,
    OTHER_PROBATION,
    PROBATION,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    Staff,
    World,
    appoint,
    asked,
    distribute,
    engage,
    move,
    offer,
    staffed,
    to,
)


def peopled() -> World:
    """Return a world with a team, an offered referral, and a prison that holds the person."""
    world = staffed()
    appoint(world, SUPERVISOR)
    engage(world, COUNSELLOR)
    offer(world, DEBT)
    world.send(
        UNIT, MessageName.PRISON_EVENT, {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
    )
    return world


@pytest.mark.requirement("R-RTE-01")
def test_everybody_with_a_part_in_the_case_is_a_candidate_the_offender_manager_first() -> None:
    """Team, prison unit, provider with an offer: each on its grounds, asked in advance as well."""
    world = peopled()
    message = world.submission(ADMINISTRATOR, MessageName.REVIEW, {"review": "r-1", "action": "DUE"})
    case = world.state
    found = candidates(
        message.envelope,
        read(message),
        before=case,
        applied=Applied(case=case),
        view=world,
        now=world.now,
    )
    assert [(c.organisation, c.role, c.concern) for c in found] == [
        (PROBATION, Role.OFFENDER_MANAGER, Concern.TEAM),
        (MOORLAND, Role.OFFENDER_SUPERVISOR, Concern.TEAM),
        (MOORLAND, Role.OFFENDER_MANAGEMENT_UNIT, Concern.HELD_THERE),
        (DEBT, Role.KEY_WORKER, Concern.REFERRED),
        (RECOVERY, Role.KEY_WORKER, Concern.TEAM),
    ]


@pytest.mark.requirement("R-RTE-01")
def test_nobody_is_told_what_they_wrote_in_the_same_role() -> None:
    """Another role of the same organisation is told."""
    world = peopled()
    decisions = asked(distribute(world))
    assert (PROBATION, "offender_manager") not in decisions
    assert (PROBATION, "case_administrator") in decisions


@pytest.mark.requirement("R-RTE-02")
@pytest.mark.parametrize(
    ("message", "payload", "relevant"),
    [
        (MessageName.CASE, {"action": "CHANGED", "tier": 2}, None),
        (MessageName.CASE, {"action": "CLOSED"}, True),
        (MessageName.ASSESSMENT, {"assessment": "a"}, None),
        (MessageName.PLAN, {"version": 1}, True),
        (MessageName.RISK_CHANGE, {"kind": "FACTOR"}, True),
        (MessageName.REVIEW, {"review": "r", "action": "DUE"}, True),
        (MessageName.ENFORCEMENT, {"enforcement": "e", "action": "REPORTED"}, False),
        (
            MessageName.ENFORCEMENT,
            {"enforcement": "e", "action": "REPORTED", "referral": "ref-recovery"},
            True,
        ),
        (MessageName.APPOINTMENT, {"appointment": "a", "action": "MOVED"}, False),
        (MessageName.CONSENT, {"consent": "c", "action": "GIVEN", "organisations": [HOUSING]}, False),
        (MessageName.CONSENT, {"consent": "c", "action": "GIVEN"}, True),
        (MessageName.CONSENT, {"consent": "c", "action": "CONFIDENTIALITY", "objective": "o"}, False),
        (MessageName.CORRECTION, {"corrects": "a" * 32, "action": "CORRECT"}, None),
    ],
    ids=str,
)
def test_whether_a_message_bears_on_a_providers_work(
    *, message: MessageName, payload: dict[str, object], relevant: bool | None
) -> None:
    """True and False are known; what is not known stays open and never widens."""
    world = peopled()
    world.senders[MessageId("a" * 32)] = PROBATION
    decisions = asked(world.send(MANAGER, message, payload))
    assert decisions[RECOVERY, "key_worker"].candidate.relevant is relevant
    assert decisions[PROBATION, "case_administrator"].candidate.relevant is True


@pytest.mark.requirement("R-RTE-05")
def test_a_move_does_not_bear_on_the_work_of_a_provider_that_has_not_accepted() -> None:
    """Active providers are affected; one with an offer only is not."""
    world = peopled()
    moved = world.send(
        UNIT, MessageName.PRISON_EVENT, {"action": "RELEASE", "status": "CONFIRMED", "prison_from": "MDI"}
    )
    decisions = asked(moved)
    assert decisions[RECOVERY, "key_worker"].candidate.relevant is True
    assert decisions[DEBT, "key_worker"].candidate.relevant is False
    (told,) = to(moved, MOORLAND, Role.OFFENDER_SUPERVISOR)
    assert told.payload["action"] == "RELEASE"


@pytest.mark.requirement("R-RTE-02")
def test_a_review_or_plan_is_for_all_but_progress_is_not_for_the_prison() -> None:
    """The unit is asked about progress and it does not bear on its work."""
    world = peopled()
    progress = {"referral": "ref-recovery", "kind": "SESSION", "note": "Invented"}
    decisions = asked(world.send(COUNSELLOR, MessageName.PROGRESS, progress))
    assert decisions[MOORLAND, "offender_management_unit"].candidate.relevant is False
    assert decisions[MOORLAND, "offender_supervisor"].candidate.relevant is True


@pytest.mark.requirement("R-CASE-06")
def test_a_provider_that_accepts_without_naming_a_key_worker_gets_the_plan_too() -> None:
    """It has the intervention to deliver, whoever will; naming nobody is allowed (002 App. B)."""
    world = staffed()
    distribute(world)
    offer(world, HOUSING)
    manager = Staff(HOUSING, Role.SERVICE_MANAGER, "sm-1")
    accepted = move(world, manager, "ACCEPT")
    assert [d.message for d in to(accepted, HOUSING)] == [MessageName.REFERRAL, MessageName.PLAN]
    assert not [m for m in world.state.team if m.role is Role.KEY_WORKER]
    started = move(world, HOUSING_OFFICER, "START", key_worker=HOUSING_OFFICER.person)
    assert [d.message for d in to(started, HOUSING)] == [MessageName.PLAN]


@pytest.mark.requirement("R-MSG-11")
def test_exceptions_go_to_whoever_opened_the_case_while_nobody_manages_it() -> None:
    """And to nobody where that organisation is gone."""
    world = World()
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "OPENED"})
    assert [c.organisation for c in attending(world.state, world, world.now)] == [PROBATION]
    del world.known[PROBATION]
    assert attending(world.state, world, world.now) == ()


def handing_over() -> World:
    """Return a world whose case goes from one Offender Manager to another of the same organisation."""
    world = staffed()
    transfer = {
        "action": "TRANSFER_OM",
        "organisation": PROBATION,
        "person": NEXT_MANAGER.person,
        "reason": "COLLUSION",
        "authorised_by": LINE_MANAGER.person,
        "authorised_role": "line_manager",
        "handover_until": world.now + 9 * DAY,
    }
    world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, transfer)
    return world


@pytest.mark.requirement("R-CON-03")
def test_both_offender_managers_of_one_organisation_stand_in_its_one_candidate() -> None:
    """In the handover both are recipients, of messages and of exception reports; after it, the new one."""
    world, both = handing_over(), {MANAGER.person, NEXT_MANAGER.person}
    review = {"review": "r-1", "action": "DUE"}
    decided = asked(world.send(ADMINISTRATOR, MessageName.REVIEW, review))
    assert decided[PROBATION, "offender_manager"].candidate.persons == both
    assert attending(world.state, world, world.now)[0].persons == both
    world.pass_time(10 * DAY)
    decided = asked(world.send(ADMINISTRATOR, MessageName.REVIEW, review))
    assert decided[PROBATION, "offender_manager"].candidate.persons == {NEXT_MANAGER.person}


def reported(result: Result) -> list[tuple[str, Role]]:
    """Return which exception reports went to which role."""
    told = [d for d in result.deliveries if d.message is MessageName.EXCEPTION]
    return [(str(d.payload["code"]), d.role) for d in told]


@pytest.mark.requirement("R-CON-05")
@pytest.mark.requirement("R-CASE-02")
def test_who_should_hold_the_case_concerns_a_line_manager_named_on_it() -> None:
    """A crossing into high, and a case without an OM; nothing else, and nobody where none is named."""
    unnamed, world = staffed(), staffed()
    high = {"kind": "ROSH", "rosh_level": "HIGH"}
    usual = [
        ("ROSH-INTO-HIGH", Role.OFFENDER_MANAGER),
        ("ROSH-INTO-HIGH", Role.CASE_ADMINISTRATOR),
    ]
    assert reported(unnamed.send(MANAGER, MessageName.RISK_CHANGE, high)) == usual
    appoint(world, LINE_MANAGER)
    found = reported(world.send(MANAGER, MessageName.RISK_CHANGE, high))
    assert found == [*usual, ("ROSH-INTO-HIGH", Role.LINE_MANAGER)]
    engage(world, COUNSELLOR)
    missed = {"referral": "ref-recovery", "kind": "SESSION", "attendance": "UNACCEPTABLE_ABSENCE"}
    assert (
        Role.LINE_MANAGER not in dict(reported(world.send(COUNSELLOR, MessageName.PROGRESS, missed))).values()
    )
    end = {"action": "END", "role": "offender_manager", "organisation": PROBATION, "person": MANAGER.person}
    authorised = {"authorised_by": "lm-1", "authorised_role": "line_manager", "reason": "COLLUSION"}
    ended = world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, {**end, **authorised})
    assert ("CASE-WITHOUT-OM", Role.LINE_MANAGER) in reported(ended)


@pytest.mark.requirement("R-CON-05")
def test_a_line_manager_hears_no_more_when_another_organisation_holds_the_case() -> None:
    """The one named is of the organisation that managed it before the transfer."""
    world = staffed()
    appoint(world, LINE_MANAGER)
    assert len(attending(world.state, world, world.now, code="ROSH-INTO-HIGH")) == 3
    elsewhere = {
        "action": "TRANSFER_OM",
        "organisation": OTHER_PROBATION,
        "person": "om-9",
        "reason": "BEYOND_CONTROL",
        "authorised_by": LINE_MANAGER.person,
        "authorised_role": "line_manager",
    }
    world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, elsewhere)
    roles = [c.role for c in attending(world.state, world, world.now, code="ROSH-INTO-HIGH")]
    assert roles == [Role.OFFENDER_MANAGER, Role.CASE_ADMINISTRATOR]


@pytest.mark.requirement("R-MSG-08")
def test_a_recall_is_a_matter_of_safety() -> None:
    """Other enforcement is routine."""
    world = peopled()
    step = {"enforcement": "e-1", "action": "DECISION"}
    recall = world.send(MANAGER, MessageName.ENFORCEMENT, {**step, "decision": "RECALL"})
    warning = world.send(MANAGER, MessageName.ENFORCEMENT, {**step, "decision": "WARNING"})
    assert {d.urgency for d in recall.deliveries} == {Urgency.SAFETY}
    assert {d.urgency for d in warning.deliveries} == {Urgency.ROUTINE}
