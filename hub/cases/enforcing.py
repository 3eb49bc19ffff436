"""Enforcement: anyone reports, the Offender Manager decides in time, the steps that follow are reported back.

R-ADM-05, R-MSG-08; 002 App. B: "Make enforcement decision in the event of breach" (Offender Manager),
"Implement local enforcement procedures after enforcement decision made by Offender Manager; report progress
to Offender Manager" (Case Administrator).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines, reports
from hub.cases.applied import Applied, Raised
from hub.cases.delivery import check_referral
from hub.cases.refusals import full, incomplete
from hub.cases.work import Enforced
from hub.errors import DomainRefusal
from hub.messages.enforcement import EnforcementAction, EnforcementDecision
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.messages.needs import NEEDS

if TYPE_CHECKING:
    from hub.cases.applied import Directory, Ended, Occasion
    from hub.cases.case import Case
    from hub.messages.enforcement import EnforcementMessage

DECIDED_WITHIN_MS = 10 * 24 * 60 * 60 * 1000
"""How long the Offender Manager has to decide on what was reported; ours: no source gives the days."""
ENFORCEMENTS_MAX = 30
"""Matters of enforcement a case keeps; those settled go first."""
PURSUED = frozenset({EnforcementDecision.BREACH, EnforcementDecision.RECALL})
"""Decisions after which there are proceedings."""


def enforced(case: Case, body: EnforcementMessage, at: Occasion) -> Applied:
    """Take a step of enforcement, in its order."""
    if body.referral is not None:
        check_referral(case, body.referral, at)
    known = next((held for held in case.work.enforcements if held.enforcement == body.enforcement), None)
    _check_decides(body, at)
    _check_order(known, body)
    after = _after(known, body, at.now)
    others = tuple(held for held in case.work.enforcements if held is not known)
    kept = (*_with_room(others), after)
    named = deadlines.enforcement_decision(after.enforcement)
    by = after.decide_by
    return Applied(
        case=replace(case, work=replace(case.work, enforcements=kept)),
        timers_set=() if by is None or known is not None else (deadlines.on(named, by),),
        timers_cleared=(named,) if by is None else (),
    )


def undecided(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    """Report non-compliance on which the Offender Manager has not decided in time, once."""
    late = [
        held
        for held in case.work.enforcements
        if deadlines.enforcement_decision(held.enforcement) == due
        and held.decide_by is not None
        and held.decide_by <= now
    ]
    kept = tuple(replace(held, decide_by=None) if held in late else held for held in case.work.enforcements)
    return Applied(
        case=replace(case, work=replace(case.work, enforcements=kept)),
        exceptions=tuple(
            Raised(code=reports.ENFORCEMENT_UNDECIDED, subject=held.enforcement, due_at=held.decide_by)
            for held in late
        ),
    )


def _check_decides(body: EnforcementMessage, at: Occasion) -> None:
    if body.action is EnforcementAction.DECISION and body.decision is None:
        what = "ENFORCEMENT"
        raise incomplete(what, *NEEDS[MessageName.ENFORCEMENT]["DECISION"])
    decides = body.action is EnforcementAction.DECISION or body.decision is not None
    if decides and at.envelope.author_role is not Role.OFFENDER_MANAGER:
        code = "ENFORCEMENT-NOT-BY-OM"
        message = "only the Offender Manager decides on enforcement (002 App. B)"
        raise DomainRefusal(code, message, fix="report the non-compliance; the OM decides what follows")


def _check_order(known: Enforced | None, body: EnforcementMessage) -> None:
    """Refuse proceedings and outcomes nobody decided on, and whatever comes after the outcome."""
    if body.action in {EnforcementAction.PROCEEDINGS, EnforcementAction.OUTCOME}:
        decision = None if known is None else known.decision
        if decision not in PURSUED:
            code = "ENFORCEMENT-NOT-DECIDED"
            message = "proceedings follow the Offender Manager's decision of breach or recall (002 App. B)"
            raise DomainRefusal(code, message, fix="let the Offender Manager send the decision first")
    if known is not None and known.step is EnforcementAction.OUTCOME:
        code = "ENFORCEMENT-SETTLED"
        message = "that matter of enforcement has its outcome (002 App. B)"
        raise DomainRefusal(code, message, fix="report what is new under a reference of its own")


def _after(known: Enforced | None, body: EnforcementMessage, now: Instant) -> Enforced:
    if known is None:
        by = Instant(now + DECIDED_WITHIN_MS) if body.action is EnforcementAction.REPORTED else None
        known = Enforced(enforcement=body.enforcement, step=body.action, referral=body.referral, decide_by=by)
    if body.action is EnforcementAction.REPORTED:
        # Reported again it is no further back than it was, and no longer to be decided on.
        return known
    return replace(known, step=body.action, decision=body.decision or known.decision, decide_by=None)


def _with_room(held: tuple[Enforced, ...]) -> tuple[Enforced, ...]:
    """Make room for one more: what is settled goes, what is not stays."""
    if len(held) < ENFORCEMENTS_MAX:
        return held
    settled = next((each for each in held if _is_settled(each)), None)
    if settled is None:
        what = "matters of enforcement"
        raise full(what, ENFORCEMENTS_MAX)
    return tuple(each for each in held if each is not settled)


def _is_settled(held: Enforced) -> bool:
    decided = held.decision is not None and held.decision not in PURSUED
    return decided or held.step is EnforcementAction.OUTCOME
