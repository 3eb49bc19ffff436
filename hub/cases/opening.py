"""A case is opened, changed, merged, unmerged, closed (R-CASE-01, R-MSG-13)."""

from __future__ import annotations

from dataclasses import replace

from hub.cases import deadlines, identity, keeping, reports
from hub.cases.applied import Applied, Occasion, Raised
from hub.cases.case import Case, Custody
from hub.cases.dates import iso_date
from hub.cases.refusals import full, incomplete
from hub.errors import DomainRefusal
from hub.messages.case import CaseAction, CaseMessage
from hub.messages.identifiers import CaseRef

MERGED_MAX = 50


def opened(body: CaseMessage, at: Occasion) -> Applied:
    """Open the case; it is the only message a case can begin with."""
    case = Case(
        ref=at.envelope.case,
        jurisdiction=body.jurisdiction or "ENGLAND_AND_WALES",
        opened_at=at.now,
        opened_by=at.envelope.organisation,
    )
    return changed(case, body, at)


def changed(case: Case, body: CaseMessage, at: Occasion) -> Applied:
    """Take over what the message states; what it leaves out stays as it was."""
    known = identity.renumbered(case.identity, body.noms_number)
    is_another = case.identity.noms not in {None, known.noms}
    return Applied(
        case=replace(_described(case, body), facts=keeping.facts_with(case.facts, at), identity=known),
        exceptions=(Raised(code=reports.NUMBER_CHANGED),) if is_another else (),
    )


def merged(case: Case, body: CaseMessage, at: Occasion) -> Applied:
    """Record that another case turned out to be of the same person, and is carried on as this one."""
    other = _other(case, body)
    if other in case.merged:
        code = "CASE-ALREADY-MERGED"
        raise DomainRefusal(code, "that case is merged into this one already", fix="nothing to do")
    if len(case.merged) >= MERGED_MAX:
        what = "merged cases"
        raise full(what, MERGED_MAX)
    known = identity.joined(case.identity, other, at.now)
    return Applied(
        case=replace(case, merged=case.merged | {other}, identity=known),
        exceptions=(Raised(code=reports.CASES_MERGED, subject=at.envelope.message_id),),
    )


def unmerged(case: Case, body: CaseMessage, at: Occasion) -> Applied:
    """Undo a merge that was wrong."""
    other = _other(case, body)
    if other not in case.merged:
        code = "CASE-NOT-MERGED"
        raise DomainRefusal(code, "that case is not merged into this one", fix="name a merged case")
    known = identity.parted(case.identity, other, at.now)
    return Applied(
        case=replace(case, merged=case.merged - {other}, identity=known),
        exceptions=(Raised(code=reports.CASES_UNMERGED, subject=at.envelope.message_id),),
    )


def closed(case: Case, body: CaseMessage, at: Occasion) -> Applied:
    """Close the period of engagement; nothing is awaited any more."""
    return Applied(
        case=replace(_described(case, body), closed_at=at.now, handover=None, awaiting=()),
        timers_cleared=deadlines.awaited(case, at.now),
    )


CHANGES = {
    CaseAction.CHANGED: changed,
    CaseAction.MERGED: merged,
    CaseAction.UNMERGED: unmerged,
    CaseAction.CLOSED: closed,
}


def case_changed(case: Case, body: CaseMessage, at: Occasion) -> Applied:
    """Apply a case message to a case that is open."""
    if body.action is CaseAction.OPENED:
        code = "CASE-ALREADY-OPEN"
        raise DomainRefusal(code, "the case is open already", fix="send CHANGED, or open a new case")
    return CHANGES[body.action](case, body, at)


def _other(case: Case, body: CaseMessage) -> CaseRef:
    if body.merged_case is None or body.merged_case == case.ref:
        what = "CASE"
        raise incomplete(what, "merged_case, another case than this one")
    return CaseRef(body.merged_case)


def _described(case: Case, body: CaseMessage) -> Case:
    return replace(
        case,
        jurisdiction=body.jurisdiction or case.jurisdiction,
        region=case.region if body.region is None else body.region,
        in_scope=case.in_scope if body.in_scope is None else body.in_scope,
        tier=case.tier if body.tier is None else body.tier,
        custody=case.custody if body.release_date is None else _with_release(case, body.release_date),
    )


def _with_release(case: Case, day: int) -> Custody:
    custody = case.custody or Custody(prison=None, since=None)
    return replace(custody, release_date=iso_date(day))
