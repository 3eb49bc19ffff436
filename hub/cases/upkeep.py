"""Keeps what is tracked in step with the case, whatever changed it: a message, or time.

One place for all: a referral that ends takes its sessions with it, a tier that rises draws the reviews
nearer, a case that closes is waited on no more (R-ADM-01, R-ADM-02, R-ADM-07).
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter, is_
from typing import TYPE_CHECKING

from hub.cases import acknowledgements, assessing, deadlines, evaluating, expecting, reviews
from hub.cases.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.cases.applied import Applied, Directory
    from hub.cases.case import Case
    from hub.messages.identifiers import Instant

_CLOSING = attrgetter("closed_at", "work")
_ENDING = attrgetter("referrals", "closed_at")
_PLANNING = attrgetter("plan", "custody", "tier", "in_scope", "jurisdiction")
_SCOPING = attrgetter("in_scope", "jurisdiction")


def kept_up(before: Case | None, applied: Applied, *, now: Instant, directory: Directory) -> Applied:
    """Return what a change comes to once the work tracked follows from it."""
    case = applied.case
    if case is before:
        return applied
    if case.closed_at is not None:
        return _over(before, applied) if before is None or _differ(before, case, _CLOSING) else applied
    if before is None or _differ(before, case, _ENDING):
        applied = expecting.without_ended(applied, now)
    if before is None or _differ(before, case, _PLANNING) or before.work.reviews is not case.work.reviews:
        profile = directory.profile(case.jurisdiction)
        if before is not None and before.tier != case.tier:
            applied = acknowledgements.drawn_in(applied, profile.tier(case.tier))
        applied = reviews.rescheduled(before, applied, profile, now)
    if before is None or _differ(before, case, _SCOPING) or before.work.assessed is not case.work.assessed:
        applied = assessing.awaited(applied, directory.profile(case.jurisdiction), now)
    return applied


def _differ(before: Case, after: Case, facts: Callable[[Case], tuple[object, ...]]) -> bool:
    """Say whether two states of a case differ in some facts; a value that was not touched is the same one."""
    return not all(map(is_, facts(before), facts(after)))


def _over(before: Case | None, applied: Applied) -> Applied:
    """Wait for nothing more; say once on whose work there is no feedback yet."""
    case = applied.case
    closes = before is None or before.closed_at is None
    work = case.work
    return replace(
        applied,
        case=replace(case, work=Work(assessed=work.assessed, evaluated=work.evaluated)),
        timers_cleared=(*applied.timers_cleared, *deadlines.of_work(work)),
        exceptions=(*applied.exceptions, *(evaluating.lacking(case) if closes else ())),
    )
