"""Random histories of a case, as a state machine: what the model forbids never comes about, whatever is sent.

One Offender Manager; no plan without one; nothing to who has no part; referrals in legal states only; every
deadline passes once; the same log read again gives the same.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hub.cases.case import ReferralState
from hub.cases.referrals import MOVES
from hub.messages.envelope import MessageName
from hub.messages.referral import ReferralAction
from tests.unit.test_routing_random import check, places_now
from tests.unit.worlds import (
    ADMINISTRATOR,
    ADVISER,
    COUNSELLOR,
    HOUR,
    HOUSING_OFFICER,
    LEEDS_UNIT,
    LINE_MANAGER,
    MANAGER,
    NEXT_MANAGER,
    PROBATION,
    SUPERVISOR,
    UNIT,
    Staff,
    appoint,
    distribute,
    move,
    offer,
    staffed,
)

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.messages.envelope import Entry
    from hub.messages.identifiers import Instant
    from hub.routing.outcome import Result

MANAGERS = st.sampled_from([MANAGER, NEXT_MANAGER])
ALL_WORKERS = (COUNSELLOR, HOUSING_OFFICER, ADVISER)
WORKERS = st.sampled_from(ALL_WORKERS)
MOSTLY_MANAGER = st.sampled_from([MANAGER, MANAGER, MANAGER, NEXT_MANAGER, ADMINISTRATOR, COUNSELLOR, UNIT])
MOVED = st.sampled_from(
    ["ACCEPT", "ACCEPT", "START", "DECLINE", "WAIT", "START", "COMPLETE", "WITHDRAW", "END"]
)
EVENTS = st.sampled_from(
    ["RECEPTION", "TRANSFER", "RELEASE", "TEMPORARY_RELEASE", "RETURN", "RECALL", "DEATH"]
)
STATUS = st.sampled_from(["CONFIRMED", "CONFIRMED", "PROVISIONAL", "RETRACTED"])
LEGAL = {(before, after) for (before, _), after in MOVES.items()}
OPEN = frozenset(
    {ReferralState.OFFERED, ReferralState.WAITING, ReferralState.ACCEPTED, ReferralState.STARTED}
)


class Histories(RuleBasedStateMachine):
    """A case, and everybody who may do something to it."""

    @initialize()
    def begin(self) -> None:
        """Open the case and appoint its first team."""
        self.world = staffed()
        self.moments: list[Instant] = []
        self.results: list[Result] = []
        self.fired: Counter[tuple[str, int]] = Counter()
        self.began = len(self.world.log)
        self.copy: Case = self.world.state

    @rule(whom=MANAGERS, grade=st.sampled_from(["PO", "PSO", None]))
    def appoint_manager(self, whom: Staff, grade: str | None) -> None:
        """Appoint an Offender Manager, whether there is one or not."""
        self.did(lambda: appoint(self.world, whom, grade=grade))

    @rule(authorised=st.booleans(), days=st.integers(0, 30))
    def transfer(self, *, authorised: bool, days: int) -> None:
        """Transfer the case to whoever does not hold it, with a line manager's authority or without."""
        held = self.world.manager
        to = MANAGER if held is not None and held.person == NEXT_MANAGER.person else NEXT_MANAGER
        said: dict[str, Any] = {
            "action": "TRANSFER_OM",
            "role": "offender_manager",
            "organisation": PROBATION,
            "person": to.person,
            "reason": "INCOMPATIBILITY",
            "outgoing_person": None if held is None else held.person,
            "handover_until": self.world.now + days * 24 * HOUR,
        }
        if authorised:
            said |= {"authorised_by": LINE_MANAGER.person, "authorised_role": "line_manager"}
        self.did(lambda: self.world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, said))

    @rule(whom=st.sampled_from([MANAGER, NEXT_MANAGER, SUPERVISOR, ADMINISTRATOR]), authorised=st.booleans())
    def end(self, whom: Staff, *, authorised: bool) -> None:
        """End somebody's part in the team."""
        said: dict[str, Any] = {
            "action": "END",
            "role": whom.role.value,
            "organisation": whom.organisation,
            "person": whom.person,
        }
        if authorised:
            said |= {
                "reason": "BEYOND_CONTROL",
                "authorised_by": LINE_MANAGER.person,
                "authorised_role": "line_manager",
            }
        self.did(lambda: self.world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, said))

    @rule(whom=st.sampled_from([SUPERVISOR, ADMINISTRATOR]))
    def appoint_other(self, whom: Staff) -> None:
        """Appoint somebody who supports the Offender Manager."""
        self.did(lambda: appoint(self.world, whom, reason="DISTANT_CUSTODY"))

    @rule(worker=WORKERS, by=MOSTLY_MANAGER)
    def offer(self, worker: Staff, by: Staff) -> None:
        """Offer a referral, whoever may."""
        self.did(lambda: offer(self.world, worker.organisation, by=by))

    @precondition(lambda self: bool(self.world.state.referrals))
    @rule(which=st.integers(0, 2), by=st.sampled_from([None, None, None, MANAGER, COUNSELLOR]), action=MOVED)
    def move(self, which: int, by: Staff | None, action: str) -> None:
        """Make a move on a referral, legal or not, mostly as its provider."""
        referrals = self.world.state.referrals
        named = referrals[which % len(referrals)]
        worker = next(each for each in ALL_WORKERS if each.organisation == named.provider)
        self.did(
            lambda: move(self.world, by or worker, action, referral=named.referral, key_worker=worker.person)
        )

    @rule(by=MOSTLY_MANAGER, ahead=st.sampled_from([1, 1, 1, 0, 2]))
    def plan(self, by: Staff, ahead: int) -> None:
        """Send a version of the plan, the next or another."""
        held = self.world.state.plan
        self.did(lambda: distribute(self.world, (0 if held is None else held.version) + ahead, by=by))

    @rule(unit=st.sampled_from([UNIT, LEEDS_UNIT]), action=EVENTS, status=STATUS)
    def prison(self, unit: Staff, action: str, status: str) -> None:
        """Say what happens in custody, whether it can be so or not."""
        place = "MDI" if unit is UNIT else "LEI"
        said = {"action": action, "status": status, "prison_to": place, "prison_from": place}
        self.did(lambda: self.world.send(unit, MessageName.PRISON_EVENT, said))

    @rule(worker=WORKERS, urgent=st.booleans())
    def worry(self, worker: Staff, *, urgent: bool) -> None:
        """Report a risk factor."""
        said = {
            "kind": "FACTOR",
            "factor": "Invented grievance",
            "factor_change": "NEW",
            "urgency": "IMMEDIATE" if urgent else "ROUTINE",
        }
        self.did(lambda: self.world.send(worker, MessageName.RISK_CHANGE, said))

    @rule(hours=st.integers(1, 24 * 40))
    def pass_time(self, hours: int) -> None:
        """Let time pass; every deadline that has passed takes effect now."""
        until = self.world.now + hours * HOUR
        due = {(key, timer.due_at) for key, timer in self.world.timers.items() if timer.due_at <= until}
        self.did(lambda: self.world.pass_time(hours * HOUR))
        gone = {each for each in due if self.world.timers.get(each[0]) is None or self._anew(each)}
        self.fired.update(gone)

    def _anew(self, passed: tuple[str, int]) -> bool:
        """Say whether a deadline that passed has been set to another time by what it led to."""
        return self.world.timers[passed[0]].due_at != passed[1]

    def did(self, do: Any) -> None:  # noqa: ANN401 - something that sends
        """Do something, and hold what it caused against what was before."""
        before, places, plan = self.copy, places_now(self.world), self.world.state.plan
        result = do()
        self.moments.append(self.world.now)
        self.results.append(result)
        check(self.world, result, places)
        after = self.world.state
        if after.plan != plan:
            assert self.world.manager is not None
        states = {each.referral: each.state for each in before.referrals}
        for each in after.referrals:
            was = states.get(each.referral)
            if was is None:
                assert each.state is ReferralState.OFFERED
            elif was is not each.state:
                ended_by_death = was in OPEN and each.state is ReferralState.ENDED
                brought_back = was is ReferralState.ENDED and each.state in OPEN
                assert (was, each.state) in LEGAL or ended_by_death or brought_back
        self.copy = after

    @invariant()
    def every_deadline_passes_once(self) -> None:
        """What has passed is not waited for any more, and does not pass again."""
        assert all(number == 1 for number in getattr(self, "fired", Counter()).values())

    @precondition(lambda self: bool(self.results))
    @invariant()
    def what_is_refused_changes_nothing(self) -> None:
        """A message set aside leaves the case, its deadlines and everybody's mailbox as they were."""
        last = self.results[-1]
        if last.rejection is not None:
            left = (*last.cases, *last.deliveries, *last.timers_set, *last.timers_cleared)
            assert left == ()

    def teardown(self) -> None:
        """Read the same log again: it gives the same, to the byte."""
        if not getattr(self, "results", None):
            return
        again = staffed()
        assert again.cases.keys() == self.world.cases.keys()
        entries: list[Entry] = self.world.log[self.began :]
        for entry, moment, result in zip(entries, self.moments, self.results, strict=True):
            again.now = moment
            assert again.take(entry) == result
        assert again.cases == self.world.cases
        assert again.timers == self.world.timers


def test_moves_and_actions_are_those_of_the_contract() -> None:
    """The machine makes every move there is but the offer, which begins a referral."""
    assert {each.value for each in ReferralAction} - {"OFFER"} == {action.value for _, action in MOVES}


@pytest.mark.timeout(240)
@pytest.mark.requirement("R-CASE-02", "R-CASE-06", "R-PLAN-01", "R-REF-03", "R-RTE-07")
def test_no_history_leads_where_the_model_forbids() -> None:
    """Many histories, each of many steps."""
    run_state_machine_as_test(
        Histories, settings=settings(max_examples=100, stateful_step_count=50, deadline=None)
    )
