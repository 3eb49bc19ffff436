"""What a case can hold, and deadlines that come when nobody waits for them any more."""

from __future__ import annotations

import dataclasses

import pytest

from hub.cases import deadlines
from hub.cases.applied import Ended
from hub.cases.case import Case, ConsentState, Handover, ReferralState
from hub.cases.due import fall_due
from hub.cases.membership import offender_manager
from hub.messages.envelope import MessageName
from hub.messages.identifiers import Instant
from hub.routing.directory import ViewDirectory
from tests.unit.worlds import (
    ADMINISTRATOR,
    DAY,
    HOUSING,
    LINE_MANAGER,
    MANAGER,
    RECOVERY,
    SUPERVISOR,
    World,
    appoint,
    distribute,
    offer,
    refused,
    staffed,
)


@pytest.mark.parametrize(
    ("message", "payload", "name", "room"),
    [
        (MessageName.CASE, {"action": "MERGED"}, "merged_case", 50),
        (MessageName.CONSENT, {"action": "GIVEN", "organisations": [RECOVERY]}, "consent", 300),
        (MessageName.CONSENT, {"action": "CONFIDENTIALITY", "objective": "o"}, "consent", 300),
    ],
    ids=["merges", "consents", "restrictions"],
)
def test_a_case_holds_only_so_many_of_anything(
    message: MessageName, payload: dict[str, object], name: str, room: int
) -> None:
    """A flood is refused with a reason, so that no case grows without end."""
    world = staffed()
    for number in range(room):
        assert refused(world.send(MANAGER, message, {**payload, name: f"{number:032x}"})) is None
    assert refused(world.send(MANAGER, message, {**payload, name: "f" * 32})) == "CASE-FULL"


def test_a_case_holds_only_so_many_referrals() -> None:
    """Also those that have ended count: they are its history."""
    world = staffed()
    for number in range(300):
        assert refused(offer(world, RECOVERY, referral=f"ref-{number}")) is None
    assert refused(offer(world, RECOVERY, referral="one-more")) == "CASE-FULL"


def waiting() -> World:
    """Return a world whose case waits for something of every kind."""
    world = staffed()
    offer(world, RECOVERY)
    distribute(world)
    consent = {"consent": "c-1", "action": "GIVEN", "organisations": [RECOVERY], "until": world.now + DAY}
    world.send(MANAGER, MessageName.CONSENT, consent)
    refusal = {"consent": "c-2", "action": "REFUSED", "organisations": [HOUSING]}
    world.send(MANAGER, MessageName.CONSENT, refusal)
    flag = {"consent": "f-1", "action": "CONFIDENTIALITY", "objective": "o-1", "until": world.now + DAY}
    world.send(MANAGER, MessageName.CONSENT, flag)
    transfer = {
        "action": "TRANSFER_OM",
        "organisation": MANAGER.organisation,
        "person": "om-2",
        "reason": "COLLUSION",
        "authorised_by": LINE_MANAGER.person,
        "authorised_role": "line_manager",
        "effective_at": world.now + DAY,
        "handover_until": world.now + 9 * DAY,
    }
    assert refused(world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, transfer)) is None
    appoint(world, SUPERVISOR, effective_at=world.now + DAY)
    return world


@pytest.mark.requirement("R-MSG-13")
def test_a_closed_case_leaves_no_deadline_of_any_kind() -> None:
    """Eleven kinds are waited for, and none after the closing."""
    world = waiting()
    assert {timer.kind for timer in world.timers.values()} == {
        deadlines.REFERRAL_ANSWER,
        deadlines.CONSENT_EXPIRY,
        deadlines.RESTRICTION_EXPIRY,
        deadlines.HANDOVER_END,
        deadlines.MEMBERSHIP_START,
        deadlines.MEMBERSHIP_END,
        deadlines.HANDOVER_MEETING,
        deadlines.TRANSFER_CONFERENCE,
        deadlines.PLAN_TAKEN_IN,
        deadlines.REVIEW_AHEAD,
        deadlines.REVIEW_DUE,
    }
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CLOSED"})
    assert not world.timers


@pytest.mark.requirement("R-CASE-02")
def test_a_future_transfer_hands_over_on_its_day_without_a_gap() -> None:
    """The outgoing OM holds the case until the moment the incoming one does."""
    world = waiting()
    assert world.manager is not None
    assert world.manager.person == MANAGER.person
    for _ in range(3):
        world.pass_time(DAY)
        assert world.manager is not None
        assert world.manager.person == "om-2"
    assert refused(world.send(MANAGER, MessageName.PLAN, {"version": 1})) == "PLAN-NOT-BY-OM"


@pytest.mark.requirement("R-ADM-01")
def test_a_deadline_before_its_time_or_of_an_unknown_kind_changes_nothing() -> None:
    """Whatever the table holds, only what is due and still awaited has an effect."""
    world = waiting()
    case = world.state
    for timer in world.timers.values():
        assert untouched(case, Ended(timer.kind, timer.subject), world.now)
    kinds = {timer.kind for timer in world.timers.values()} - {deadlines.HANDOVER_END}
    for kind in (*kinds, "no-such-kind"):
        assert untouched(case, Ended(kind, "no-such-subject"), Instant(world.now + 99 * DAY))


@pytest.mark.requirement("R-MSG-07")
def test_a_deadline_finds_nothing_to_do_when_its_reason_is_gone() -> None:
    """Answered, withdrawn, ended already: the report is not made."""
    world = waiting()
    case, late = world.state, Instant(world.now + 99 * DAY)
    answered = dataclasses.replace(case.referrals[0], state=ReferralState.ACCEPTED)
    withdrawn = dataclasses.replace(case.consents[0], state=ConsentState.WITHDRAWN)
    settled = dataclasses.replace(case, referrals=(answered,), consents=(withdrawn,), handover=None)
    for due in (deadlines.answer(answered), deadlines.consent_expiry("c-1"), deadlines.handover_end()):
        assert untouched(settled, due, late)
    manager = offender_manager(case, world.now)
    assert manager is not None
    longer = dataclasses.replace(case, handover=Handover(outgoing=manager, until=Instant(late + DAY)))
    assert untouched(longer, deadlines.handover_end(), late)


def untouched(case: Case, due: Ended, now: Instant) -> bool:
    """Say whether a deadline leaves the case alone and is cleared."""
    applied = fall_due(case, due, now, ViewDirectory(World()))
    return applied.case == case and not applied.exceptions and applied.timers_cleared == (due,)
