"""Keeps what is tracked in step with the case, whatever changed it: a message, or time.

One place for all: a referral that ends takes its sessions with it, a tier that rises draws the reviews
nearer, a case that closes is waited on no more (R-ADM-01, R-ADM-02, R-ADM-07).
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from hub.cases import acknowledgements, assessing, deadlines, evaluating, expecting, reviews
from hub.cases.work import Work

if TYPE_CHECKING:
    from hub.cases.applied import Applied, Directory
    from hub.cases.case import Case
    from hub.messages.identifiers import Instant

_bearing = attrgetter("referrals", "work", "plan", "custody", "tier", "in_scope", "jurisdiction", "closed_at")


def kept_up(before: Case | None, applied: Applied, *, now: Instant, directory: Directory) -> Applied:
    """Return what a change comes to once the work tracked follows from it."""
    case = applied.case
    if before is not None and all(
        was is is_ for was, is_ in zip(_bearing(before), _bearing(case), strict=True)
    ):
        return applied
    if case.closed_at is not None:
        return _over(before, applied)
    profile = directory.profile(case.jurisdiction)
    if before is not None and before.tier != case.tier:
        applied = acknowledgements.drawn_in(applied, profile.tier(case.tier).acknowledge_ms)
    applied = expecting.without_ended(applied)
    applied = assessing.awaited(applied, profile, now)
    return reviews.rescheduled(before, applied, profile, now)


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
