"""The assessment a case is managed on: by the Offender Manager, in time, and what the plan follows from.

R-ADM-07, R-MSG-14. 004 found offender supervisors made to assess in the Offender Manager's place, and
sentence planning "driven more by the availability of activities than by the assessment"; 002 App. B makes
the Offender Manager the Assessor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines, plan, reports
from hub.cases.applied import Applied, Raised
from hub.cases.case import Rosh
from hub.cases.membership import offender_manager
from hub.cases.work import Assessed
from hub.messages.assessment import AssessmentKind, Severity
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.messages.plan import ObjectiveStatus, SentencingPurpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cases.applied import Directory, Ended, Occasion
    from hub.cases.case import Case
    from hub.cases.profile import Profile
    from hub.messages.assessment import AssessmentMessage
    from hub.messages.plan import PlanMessage, PlanObjective

DAY_MS = 24 * 60 * 60 * 1000
BY_OTHERS = frozenset({AssessmentKind.SUPPLEMENTARY, AssessmentKind.CORE_SCREEN})
"""Others than the Offender Manager make these as a matter of course; they are no assessment of the case."""
FROM_NEEDS = frozenset({None, SentencingPurpose.REFORM, SentencingPurpose.CRIME_REDUCTION})
"""Purposes whose objectives answer a need; punishment, protection and reparation follow from the sentence."""
MANAGING = frozenset({MessageName.REFERRAL, MessageName.REVIEW})
"""What an Offender Supervisor does for an Offender Manager, where there is one."""
CLOSED_OBJECTIVES = frozenset(
    {ObjectiveStatus.ACHIEVED, ObjectiveStatus.NOT_ACHIEVED, ObjectiveStatus.DROPPED}
)


def assessed(case: Case, body: AssessmentMessage, at: Occasion) -> Applied:
    """Register the assessed level and needs; an assessment by somebody else than the OM is reported."""
    found = _found(case.work.assessed, body, at)
    known = replace(case.work, assessed=found)
    after = replace(case, work=known, rosh=case.rosh if body.rosh_level is None else Rosh(body.rosh_level))
    other = body.kind in BY_OTHERS or case.in_scope is False
    raised = () if other else _by_whom(body, case.work.assessed, at)
    return Applied(case=after, exceptions=tuple(raised))


def planned(case: Case, body: PlanMessage, at: Occasion) -> Applied:
    """Take a version of the plan; one without an assessment, or for a need nobody assessed, is reported."""
    applied = plan.plan_distributed(case, body, at)
    if case.in_scope is False:
        return applied
    return replace(applied, exceptions=(*applied.exceptions, *_without_need(case, body)))


def awaited(applied: Applied, profile: Profile, now: Instant) -> Applied:
    """Wait for the first assessment of a case that has none, for as long as its jurisdiction allows."""
    case = applied.case
    has_one = case.work.assessed is not None and case.work.assessed.full
    wanted = case.closed_at is None and case.in_scope is not False and not has_one
    held = case.work.assess_by
    if wanted and held is None:
        by = Instant(max(now, case.opened_at + profile.assessment_days * DAY_MS))
        timers = (*applied.timers_set, deadlines.on(deadlines.assessment(), by))
        return replace(applied, case=_waiting(case, by), timers_set=timers)
    if not wanted and held is not None:
        cleared = (*applied.timers_cleared, deadlines.assessment())
        return replace(applied, case=_waiting(case, None), timers_cleared=cleared)
    return applied


def missing(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    """Report a case that nobody has assessed in its time, once."""
    by = case.work.assess_by
    if due != deadlines.assessment() or by is None or by > now:
        return Applied(case=case)
    return Applied(case=case, exceptions=(Raised(code=reports.ASSESSMENT_MISSING, due_at=by),))


def unmanaged(case: Case, at: Occasion) -> tuple[Raised, ...]:
    """Report an Offender Supervisor who does a manager's part where there is no Offender Manager (004)."""
    if at.envelope.author_role is not Role.OFFENDER_SUPERVISOR or at.envelope.message not in MANAGING:
        return ()
    alone = case.in_scope is not False and offender_manager(case, at.now) is None
    about = f"They sent a {at.envelope.message} message; the case has no Offender Manager."
    return (Raised(code=reports.SUPERVISOR_AS_MANAGER, about=about),) if alone else ()


def _found(before: Assessed | None, body: AssessmentMessage, at: Occasion) -> Assessed:
    """Return what the case is managed on: a full assessment stands for earlier ones, another adds to it."""
    needs = frozenset(str(each.need) for each in body.needs if each.severity is not Severity.NONE)
    if body.kind not in BY_OTHERS:
        by_manager = _author(body, at) is Role.OFFENDER_MANAGER
        return Assessed(assessment=body.assessment, at=at.now, by_manager=by_manager, needs=needs)
    if before is None:
        return Assessed(assessment=body.assessment, at=at.now, by_manager=False, needs=needs, full=False)
    return replace(before, needs=before.needs | needs)


def _author(body: AssessmentMessage, at: Occasion) -> Role:
    """Return who made it: whoever sends an assessment may pass on another's, never make it their own."""
    sender = at.envelope.author_role
    return sender if body.made_by_role is None or sender is not Role.OFFENDER_MANAGER else body.made_by_role


def _by_whom(body: AssessmentMessage, before: Assessed | None, at: Occasion) -> Iterator[Raised]:
    """Yield what is wrong with who made it; a supervisor's, where no manager's came before, is two faults."""
    author = _author(body, at)
    if author is Role.OFFENDER_MANAGER:
        return
    yield Raised(code=reports.ASSESSMENT_NOT_BY_OM)
    if author is Role.OFFENDER_SUPERVISOR and not (before is not None and before.by_manager):
        yield Raised(
            code=reports.SUPERVISOR_AS_MANAGER,
            about="They made the assessment; there is none by the Offender Manager.",
        )


def _without_need(case: Case, body: PlanMessage) -> tuple[Raised, ...]:
    """Return what is wrong with a plan's grounds; each sort is said once for a version."""
    known = case.work.assessed
    if known is None or not known.full:
        return (Raised(code=reports.PLAN_WITHOUT_ASSESSMENT, subject=str(body.version)),)
    if all(_is_grounded(each, known) for each in body.objectives):
        return ()
    return (Raised(code=reports.OBJECTIVE_WITHOUT_NEED, subject=str(body.version)),)


def _is_grounded(objective: PlanObjective, known: Assessed) -> bool:
    if objective.purpose not in FROM_NEEDS or objective.status in CLOSED_OBJECTIVES:
        return True
    return objective.need is not None and str(objective.need) in known.needs


def _waiting(case: Case, by: Instant | None) -> Case:
    return replace(case, work=replace(case.work, assess_by=by))
