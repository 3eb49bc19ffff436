"""What a correction does to referrals and custody, and what of an author's stricter classes stays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.cases.case import ReferralState
from hub.messages.envelope import InformationClass, MessageName, Role, Submission
from tests.unit.moves import event, held, prison
from tests.unit.test_case_record import of, reads
from tests.unit.test_cases_corrections import correct, shown
from tests.unit.worlds import (
    COUNSELLOR,
    DAY,
    LEEDS_UNIT,
    MANAGER,
    MOORLAND,
    RECOVERY,
    UNIT,
    World,
    codes,
    distribute,
    move,
    offer,
    refused,
    staffed,
    to,
)

if TYPE_CHECKING:
    from hub.cases.case import Member, Referral

RECEIVED = {"prison_to": "MDI"}


def referral(world: World) -> Referral:
    """Return the only referral there is."""
    (only,) = world.state.referrals
    return only


def key_workers(world: World) -> list[Member]:
    """Return the Key Workers there are now."""
    return [each for each in world.state.team if each.role is Role.KEY_WORKER and each.until is None]


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize("names", [(), ("provider",), ("action", "rung"), ("objectives",)])
def test_a_referral_to_the_wrong_provider_is_withdrawn(names: tuple[str, ...]) -> None:
    """The Key Worker leaves, the provider hears of it and of nothing after it, the record is silent on it."""
    world = staffed()
    offered = offer(world, RECOVERY)
    move(world, COUNSELLOR, "ACCEPT", key_worker=COUNSELLOR.person)
    told = correct(world, offered, *names)
    assert referral(world).state is ReferralState.WITHDRAWN
    assert not key_workers(world)
    assert set(codes(told)) == {"REFERRAL-CORRECTED", "DISPOSE"}
    assert MessageName.CORRECTION in {each.message for each in to(told, RECOVERY)}
    assert not shown(world, MessageName.REFERRAL)
    assert not to(distribute(world), RECOVERY)
    assert refused(move(world, COUNSELLOR, "START")) is not None


@pytest.mark.requirement("R-MSG-16")
def test_nobody_is_asked_for_an_answer_to_an_offer_that_was_a_mistake() -> None:
    """Neither by the deadline of the offer, nor by any other."""
    world = staffed()
    correct(world, offer(world, RECOVERY, answer_by=world.now + DAY))
    assert "REFERRAL-NO-ANSWER" not in codes(world.pass_time(2 * DAY))


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-DIS-02")
def test_a_wrong_rung_becomes_the_strictest() -> None:
    """The referral itself goes on, and so does who delivers it."""
    world = staffed()
    offered = offer(world, RECOVERY)
    move(world, COUNSELLOR, "ACCEPT", key_worker=COUNSELLOR.person)
    told = correct(world, offered, "rung")
    assert (referral(world).rung, referral(world).state) == (4, ReferralState.ACCEPTED)
    assert key_workers(world)
    assert set(codes(told)) == {"REFERRAL-CORRECTED"}
    correct(world, offered, "intervention", "category")
    assert (referral(world).intervention, referral(world).category) == ("", None)


@pytest.mark.requirement("R-MSG-16")
def test_a_word_of_an_offer_that_the_case_does_not_act_on_changes_nothing_of_it() -> None:
    """What was said of health is corrected where it was given; the referral stands as it is."""
    world = staffed()
    offered = offer(world, RECOVERY, note="An invented note")
    before = referral(world)
    assert codes(correct(world, offered, "note", action="ERASE")) == []
    assert referral(world) == before


@pytest.mark.requirement("R-MSG-16")
def test_an_acceptance_that_was_a_mistake_waits_for_the_answer_again() -> None:
    """The Key Worker it named leaves, and the time for the answer runs."""
    world = staffed()
    offer(world, RECOVERY, answer_by=world.now + DAY)
    accepted = move(world, COUNSELLOR, "ACCEPT", key_worker=COUNSELLOR.person)
    told = correct(world, accepted)
    assert referral(world).state is ReferralState.OFFERED
    assert not key_workers(world)
    assert set(codes(told)) == {"REFERRAL-CORRECTED"}
    assert "REFERRAL-NO-ANSWER" in codes(world.pass_time(2 * DAY))


@pytest.mark.requirement("R-MSG-16")
def test_a_wrong_key_worker_leaves_and_the_referral_goes_on() -> None:
    """Even where another move has followed the one that named them."""
    world = staffed()
    offer(world, RECOVERY)
    accepted = move(world, COUNSELLOR, "ACCEPT", key_worker=COUNSELLOR.person)
    move(world, COUNSELLOR, "START")
    correct(world, accepted, "key_worker")
    assert referral(world).state is ReferralState.STARTED
    assert (referral(world).key_worker, key_workers(world)) == (None, [])


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.parametrize("last", ["WITHDRAW", "DECLINE"])
def test_a_referral_that_was_closed_never_opens_again_by_a_correction(last: str) -> None:
    """Who had stopped being told is not told again; it is offered anew where it is needed."""
    world = staffed()
    offer(world, RECOVERY)
    if last == "WITHDRAW":
        closed = move(world, MANAGER, last, referral=f"ref-{RECOVERY}", withdrawal_code="MIS")
    else:
        closed = move(world, COUNSELLOR, last, reason="Invented")
    state = referral(world).state
    correct(world, closed)
    assert referral(world).state is state
    assert not to(distribute(world), RECOVERY)


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-RTE-05")
def test_a_movement_told_wrongly_is_taken_back() -> None:
    """The prison hears of nothing from then on, unless another message told the same."""
    world = staffed()
    first = event(world, UNIT, "RECEPTION", fact="f-1", **RECEIVED)
    second = event(world, UNIT, "RECEPTION", fact="f-1", movement_reason="N", **RECEIVED)
    assert refused(second) is None
    correct(world, first)
    assert prison(world) == MOORLAND
    told = correct(world, second, "prison_to")
    assert prison(world) is None
    assert "MOVEMENT-TAKEN-BACK" in codes(told)
    assert not to(world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "tier": 3}), MOORLAND)
    assert not shown(world, MessageName.PRISON_EVENT)


@pytest.mark.requirement("R-MSG-16")
def test_a_word_beside_the_movement_moves_nobody_back() -> None:
    """A reason that was wrong is corrected where it was given."""
    world = held()
    transfer = event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI", movement_reason="TRN")
    correct(world, transfer, "movement_reason")
    assert prison(world) == LEEDS_UNIT.organisation
    correct(world, transfer)
    assert prison(world) == MOORLAND


def release_date(world: World) -> str | None:
    """Return when the person is to be released."""
    assert world.state.custody is not None
    return world.state.custody.release_date


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.parametrize("by", [MANAGER, UNIT], ids=lambda each: each.role.value)
def test_a_release_date_that_was_wrong_is_forgotten(by: object) -> None:
    """Whoever stated it; the place where the person is held is not touched."""
    world = held()
    if by is MANAGER:
        said = world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "release_date": 20_100})
    else:
        said = event(world, UNIT, "RELEASE_DATE", release_date=20_100)
    assert release_date(world) is not None
    correct(world, said, "release_date")
    assert release_date(world) is None
    assert prison(world) == MOORLAND


@pytest.mark.requirement("R-CASE-09")
@pytest.mark.requirement("R-DIS-03")
@pytest.mark.parametrize("stricter", [{}, {"answer_by": InformationClass.VICTIM}])
def test_what_an_author_declared_stricter_stays_so_in_the_case_record(
    stricter: dict[str, InformationClass],
) -> None:
    """A provider reads when it was to answer, unless the author said that this tells of a victim."""
    world = staffed()
    paper = World(sent=100)
    offer(paper, RECOVERY)
    offered = paper.log[-1]
    assert isinstance(offered, Submission)
    world.take(replace(offered, envelope=replace(offered.envelope, declared=stricter)))
    move(world, COUNSELLOR, "ACCEPT", key_worker=COUNSELLOR.person)
    (read,) = of(reads(world, COUNSELLOR), MessageName.REFERRAL)
    assert (read.payload["answer_by"] is None) is bool(stricter)
    assert read.payload["provider"] == RECOVERY
