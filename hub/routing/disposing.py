"""Tells an organisation that has no part in a case any more what it must now dispose of (R-CASE-06).

What was sent while it had a part is known by who was given anything (hub.cases.held); the notice says nothing
of what was said. It goes to what the organisation still was, as every message does that ends somebody's part.
When a case closes, everybody's part ends but theirs who manage it: they keep the record, and read it on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases.applied import Raised
from hub.cases.held import without
from hub.cases.team_reports import DISPOSE
from hub.cases.turning import FOR_GOOD
from hub.consent.decision import Candidate, Concern
from hub.consent.parties import Kind
from hub.messages.envelope import Role
from hub.messages.identifiers import Instant
from hub.messages.records import altered
from hub.routing.concern import Concerned, attending, having_part, organisations_in
from hub.routing.disclosing import NOTHING_TOLD
from hub.routing.reporting import report_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.cases.applied import Applied
    from hub.cases.case import Case
    from hub.messages.identifiers import OrganisationId
    from hub.routing.disclosing import Told
    from hub.routing.outcome import View
    from hub.routing.reporting import Cause


def dispose(
    before: Case | None, applied: Applied, *, was: Instant, cause: Cause, view: View, now: Instant
) -> tuple[Applied, Told]:
    """Tell whoever has lost their last part in the case since `was`; the case forgets what they hold."""
    if before is None:
        return applied, NOTHING_TOLD
    lost: Mapping[OrganisationId, Candidate]
    if before.closed_at is None and applied.case.closed_at is not None:
        # What closes the case may have been the first word of it that somebody was given.
        holding, lost = applied.case.held.given, _over(before, applied.case, was=was, view=view, now=now)
    elif before.held.given:
        holding, lost = before.held.given, _lost(before, applied.case, was=was, view=view, now=now)
    else:
        return applied, NOTHING_TOLD
    told = NOTHING_TOLD
    for organisation, candidate in lost.items():
        if organisation not in holding:
            continue
        raised = Raised(code=DISPOSE, subject=organisation, about=_about(before, organisation))
        seen = _as_it_was(before, organisation, was=was, now=now)
        to = Concerned(candidate=altered(candidate, concern=Concern.EXCEPTION), case=seen, after=applied.case)
        told += report_to(raised, (to,), applied.case, cause=cause, view=view, now=now)
    if not lost:
        return applied, told
    return altered(applied, case=altered(applied.case, held=without(applied.case.held, lost.keys()))), told


def _lost(
    before: Case, after: Case, *, was: Instant, view: View, now: Instant
) -> dict[OrganisationId, Candidate]:
    """Return the organisations that had a part and have none, each with the first of the parts it had."""
    if _parts_are_the_same(before, after, was=was, now=now):
        return {}
    staying = organisations_in(after, view, now)
    if staying.issuperset(organisations_in(before, view, was)):
        return {}
    return _first_parts(before, staying, view=view, was=was)


def _over(
    before: Case, after: Case, *, was: Instant, view: View, now: Instant
) -> dict[OrganisationId, Candidate]:
    """Return whose part ends with the case, and the prisons that were told of it and never had one."""
    keeping = {each.organisation for each in attending(after, view, now)}
    over = _first_parts(before, keeping, view=view, was=was)
    for organisation in sorted(after.held.given - keeping - over.keys()):
        known = view.organisation(organisation)
        if known is not None and known.kind is Kind.PRISON:
            over[organisation] = Candidate(
                organisation=organisation,
                role=Role.OFFENDER_MANAGEMENT_UNIT,
                persons=frozenset(),
                concern=Concern.EXCEPTION,
            )
    return over


def _first_parts(
    case: Case, but: set[OrganisationId], *, view: View, was: Instant
) -> dict[OrganisationId, Candidate]:
    """Return every organisation with a part in the case, but these, each with the first of its parts."""
    found: dict[OrganisationId, Candidate] = {}
    for candidate in having_part(case, view, was):
        if candidate.organisation not in but:
            found.setdefault(candidate.organisation, candidate)
    return found


def _parts_are_the_same(before: Case, after: Case, *, was: Instant, now: Instant) -> bool:
    """Tell, at little cost, that nothing of what gives a part has changed, nor ended by time."""
    if (
        before.team is not after.team
        or before.referrals is not after.referrals
        or before.custody is not after.custody
        or before.handover is not after.handover
    ):
        return False
    ends = [each.until for each in before.team if each.until is not None]
    if before.handover is not None:
        ends.append(before.handover.until)
    return not [end for end in ends if was < end <= now]


def _about(case: Case, organisation: OrganisationId) -> str:
    """Name the version of the plan it holds; what was stopped on its way it must not learn."""
    versions = [
        version
        for each in case.held.plan
        for version in (each.sent, each.acknowledged)
        if each.organisation == organisation and version is not None
    ]
    return f"The Sentence Plan is version {max(versions)}." if versions else ""


def _as_it_was(case: Case, organisation: OrganisationId, *, was: Instant, now: Instant) -> Case:
    """Return the case with the part the organisation had, where time alone has ended it."""
    team = tuple(
        replace(each, until=None)
        if each.organisation == organisation and each.until is not None and was < each.until <= now
        else each
        for each in case.team
    )
    handover = case.handover
    if handover is not None and was < handover.until <= now:
        handover = replace(handover, until=FOR_GOOD)
    return altered(case, team=team, handover=handover)
