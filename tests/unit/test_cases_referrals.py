"""The life of a referral: who may broker it, which moves are legal, who joins with it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from hub.cases.case import ReferralState
from hub.cases.referrals import MOVES
from hub.messages.envelope import MessageName, Role
from hub.messages.referral import ReferralAction
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    DEBT,
    HOUSING,
    HOUSING_OFFICER,
    MANAGER,
    MOORLAND,
    PROBATION,
    PROGRAMMES,
    RECOVERY,
    SUPERVISOR,
    Staff,
    World,
    appoint,
    asked,
    codes,
    distribute,
    engage,
    move,
    offer,
    refused,
    staffed,
    to,
)

PATHS = {
    ReferralState.OFFERED: (),
    ReferralState.ACCEPTED: ("ACCEPT",),
    ReferralState.DECLINED: ("DECLINE",),
    ReferralState.WAITING: ("WAIT",),
    ReferralState.STARTED: ("ACCEPT", "START"),
    ReferralState.COMPLETED: ("ACCEPT", "START", "COMPLETE"),
    ReferralState.WITHDRAWN: ("WITHDRAW",),
    ReferralState.ENDED: ("ACCEPT", "END"),
}
"""How to bring a referral into each state."""


def sender_of(action: str) -> Staff:
    """Return who makes such a move: the broker withdraws, the provider does the rest."""
    return MANAGER if action in {"OFFER", "WITHDRAW"} else COUNSELLOR


def in_state(state: ReferralState) -> World:
    """Return a world whose referral to the recovery service is in that state."""
    world = staffed()
    offer(world, RECOVERY)
    for action in PATHS[state]:
        assert refused(move(world, sender_of(action), action, referral="ref-recovery")) is None
    assert world.state.referrals[0].state is state
    return world


@pytest.mark.requirement("R-MSG-01")
@pytest.mark.requirement("R-REF-03")
@pytest.mark.parametrize(
    ("state", "action"), list(itertools.product(ReferralState, ReferralAction)), ids=lambda each: each.value
)
def test_a_referral_makes_legal_moves_only(state: ReferralState, action: ReferralAction) -> None:
    """Every state with every action: the table says what follows, all else is refused."""
    world = in_state(state)
    if action is ReferralAction.OFFER:
        result = offer(world, RECOVERY)
    else:
        result = move(world, sender_of(action), action.value, referral="ref-recovery")
    expected = MOVES.get((state, action))
    assert refused(result) == ("REFERRAL-ILLEGAL-MOVE" if expected is None else None)
    assert world.state.referrals[0].state is (state if expected is None else expected)


@pytest.mark.requirement("R-REF-02")
@pytest.mark.parametrize("by", [MANAGER, ADMINISTRATOR, SUPERVISOR], ids=lambda each: each.role.value)
@pytest.mark.parametrize("provider", [PROGRAMMES, RECOVERY, HOUSING, DEBT])
def test_the_higher_rungs_are_brokered_by_the_offender_manager_in_person(by: Staff, provider: str) -> None:
    """In-house and purchased work may be brokered by OS and CA too (002 3.19)."""
    world = staffed()
    appoint(world, SUPERVISOR)
    result = offer(world, provider, by=by)  # type: ignore[arg-type]
    high = provider in {HOUSING, DEBT} and by is not MANAGER
    assert refused(result) == ("REFERRAL-RUNG-NEEDS-OM" if high else None)


@pytest.mark.requirement("R-REF-02")
def test_a_broker_cannot_lower_the_rung_by_saying_so() -> None:
    """The rung of the organisation counts where the message states a lower one."""
    world = staffed()
    assert refused(offer(world, DEBT, by=ADMINISTRATOR, rung=1)) == "REFERRAL-RUNG-NEEDS-OM"
    offer(world, DEBT, rung=1)
    assert world.state.referrals[0].rung == 4


@pytest.mark.requirement("R-REF-01")
@pytest.mark.parametrize("missing", ["provider", "rung", "typology", "nature"])
def test_an_offer_names_provider_rung_typology_and_nature(missing: str) -> None:
    """An offer that leaves one out is refused, and so is a provider the hub does not know."""
    left_out: dict[str, Any] = {missing: None}
    assert refused(offer(staffed(), RECOVERY, **left_out)) == "REFERRAL-INCOMPLETE"
    assert refused(offer(staffed(), RECOVERY, provider="nobody")) == "PROVIDER-UNKNOWN"


@pytest.mark.requirement("R-CASE-05")
def test_acceptance_makes_the_named_key_worker_a_member() -> None:
    """With the referral whose intervention they deliver; completion ends it."""
    world = staffed()
    engage(world, COUNSELLOR)
    (member,) = (m for m in world.state.team if m.role is Role.KEY_WORKER)
    assert (member.organisation, member.person, member.referral) == (RECOVERY, "kw-recovery", "ref-recovery")
    move(world, COUNSELLOR, "START")
    move(world, COUNSELLOR, "COMPLETE")
    (member,) = (m for m in world.state.team if m.role is Role.KEY_WORKER)
    assert member.until == world.now
    assert not to(distribute(world), RECOVERY)


@pytest.mark.requirement("R-CASE-06")
def test_another_key_worker_takes_the_place_of_the_first() -> None:
    """A provider that names somebody else on starting replaces its Key Worker."""
    world = staffed()
    engage(world, COUNSELLOR)
    move(world, COUNSELLOR, "START", key_worker="kw-2")
    serving = [m.person for m in world.state.team if m.role is Role.KEY_WORKER and m.until is None]
    assert serving == ["kw-2"]


@pytest.mark.requirement("R-PLAN-02")
def test_a_provider_gets_the_current_plan_on_accepting() -> None:
    """Late joiners get it on joining, with the rest of what they may see cut from it."""
    world = staffed()
    distribute(world)
    accepted = engage(world, HOUSING_OFFICER)
    (plan,) = to(accepted, HOUSING)
    assert plan.message is MessageName.PLAN
    assert plan.payload["version"] == 1
    assert plan.message_id != world.state.plan.message  # type: ignore[union-attr]


@pytest.mark.requirement("R-REF-03")
def test_a_provider_that_does_not_answer_becomes_an_exception() -> None:
    """The deadline is the one stated; the OM and the CA are told."""
    world = staffed()
    offer(world, RECOVERY, answer_by=world.now + 2 * DAY)
    late = world.pass_time(3 * DAY)
    assert set(codes(late)) == {"REFERRAL-NO-ANSWER"}
    assert {d.role for d in late.deliveries} == {Role.OFFENDER_MANAGER, Role.CASE_ADMINISTRATOR}
    assert codes(world.pass_time(DAY)) == []


@pytest.mark.requirement("R-REF-03")
@pytest.mark.parametrize("answer", ["ACCEPT", "DECLINE", "WAIT"])
def test_an_answer_clears_the_deadline(answer: str) -> None:
    """Whatever the answer is, nobody waits for it any more."""
    world = staffed()
    offer(world, RECOVERY)
    assert len(world.timers) == 1
    move(world, COUNSELLOR, answer)
    assert not world.timers


@pytest.mark.requirement("R-RTE-01")
def test_a_provider_whose_referral_is_withdrawn_is_told_so_and_then_nothing() -> None:
    """Its part in the case is seen as it was when the withdrawal came."""
    world = staffed()
    engage(world, COUNSELLOR)
    withdrawn = move(world, MANAGER, "WITHDRAW", referral="ref-recovery", end_reason="Needs met otherwise")
    word, dispose = to(withdrawn, RECOVERY)
    assert word.payload["action"] == "WITHDRAW"
    assert dispose.payload["code"] == "DISPOSE"
    assert not to(distribute(world), RECOVERY)


@pytest.mark.requirement("R-REF-03")
def test_only_its_own_provider_answers_a_referral() -> None:
    """Another provider is not entitled, and one that names a foreign provider is told nothing."""
    world = staffed()
    offer(world, RECOVERY)
    offer(world, HOUSING)
    assert refused(move(world, HOUSING_OFFICER, "ACCEPT", referral="ref-recovery")) == "NOT-ENTITLED"
    assert refused(move(world, COUNSELLOR, "ACCEPT", provider=HOUSING)) == "REFERRAL-UNKNOWN"
    assert refused(move(world, MANAGER, "ACCEPT", referral="ref-recovery")) == "NOT-ENTITLED"
    assert refused(move(world, MANAGER, "WITHDRAW", referral="ref-none")) == "REFERRAL-UNKNOWN"


@pytest.mark.requirement("R-DIS-02")
def test_other_providers_learn_nothing_of_a_referral() -> None:
    """They are candidates, the decision says no, and it is on record."""
    world = staffed()
    engage(world, COUNSELLOR)
    decisions = asked(offer(world, HOUSING))
    assert not decisions[RECOVERY, "key_worker"].delivers
    assert decisions[HOUSING, "key_worker"].delivers
    assert MOORLAND not in {organisation for organisation, _ in decisions}


@pytest.mark.requirement("R-REF-03", "R-ADM-01")
def test_an_offer_its_provider_may_not_be_told_of_is_reported_at_once() -> None:
    """Nobody waits for weeks for an answer from somebody who knows of nothing."""
    world = staffed()
    offered = offer(world, DEBT)
    assert refused(offered) is None
    assert not to(offered, DEBT)
    (report,) = (
        each for each in to(offered, PROBATION, Role.OFFENDER_MANAGER) if each.message == "exception"
    )
    assert report.payload["code"] == "REFERRAL-NOT-TOLD"
    assert "debt-advice; the reason is CONS-NONE" in str(report.payload["detail"])
    assert codes(offer(staffed(), RECOVERY)) == []
