"""A case is opened, changed, merged, unmerged, closed (R-CASE-01, R-MSG-13)."""

from __future__ import annotations

from dataclasses import replace

from hub.cases import deadlines, identity, keeping, reports
from hub.cases.allocation import MOVES_MAX, Allocation, Moved
from hub.cases.applied import Applied, Occasion, Raised
from hub.cases.case import Case, Custody
from hub.cases.dates import iso_date
from hub.cases.pre_sentence import is_exempt
from hub.cases.refusals import full, incomplete
from hub.cases.tiering import tier_of
from hub.errors import DomainRefusal
from hub.messages.case import CaseAction, CaseMessage, Jurisdiction, SentenceType
from hub.messages.identifiers import CaseRef

MERGED_MAX = 50


def opened(body: CaseMessage, at: Occasion) -> Applied:
    """Open the case; it is the only message a case can begin with."""
    case = Case(
        ref=at.envelope.case,
        jurisdiction=str(body.jurisdiction or Jurisdiction.ENGLAND_AND_WALES),
        opened_at=at.now,
        opened_by=at.envelope.organisation,
    )
    return changed(case, body, at)


def changed(case: Case, body: CaseMessage, at: Occasion) -> Applied:
    """Take over what the message states; what it leaves out stays as it was."""
    described = _described(case, body, at)
    known = identity.renumbered(
        case.identity, body.noms_number, case=case.ref, message=at.envelope.message_id
    )
    is_another = case.identity.noms not in {None, known.noms}
    renumbered = (Raised(code=reports.NUMBER_CHANGED),) if is_another else ()
    return replace(
        described,
        case=replace(described.case, facts=keeping.facts_with(case.facts, at), identity=known),
        exceptions=(*described.exceptions, *renumbered),
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
    described = _described(case, body, at)
    return Applied(
        case=replace(described.case, closed_at=at.now, handover=None, awaiting=()),
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


def _described(case: Case, body: CaseMessage, at: Occasion) -> Applied:
    """Take over what is stated of the case; a tier not stated follows from its factors (R-CASE-08)."""
    jurisdiction = str(body.jurisdiction or case.jurisdiction)
    profile = at.directory.profile(jurisdiction)
    tier, raised = tier_of(body, profile)
    allocation = _allocated(case, body, at)
    if body.tier_factors:
        allocation = replace(allocation, tier_rules=body.tier_rules or profile.tiering.rules)
    if body.in_scope is not None:
        allocation = replace(allocation, scope_rule=None)
    if jurisdiction != case.jurisdiction:
        allocation = _moved(case, allocation, at)
        about = f"It is under the profile {profile.title}."
        raised = (*raised, Raised(code=reports.JURISDICTION_MOVED, about=about))
    described = replace(
        case,
        jurisdiction=jurisdiction,
        region=case.region if body.region is None else body.region,
        in_scope=case.in_scope if body.in_scope is None else body.in_scope,
        tier=case.tier if tier is None else tier,
        custody=case.custody if body.release_date is None else _with_release(case, body.release_date, at),
        allocation=allocation,
    )
    return Applied(case=described, exceptions=raised)


def _allocated(case: Case, body: CaseMessage, at: Occasion) -> Allocation:
    """Take over what scope and continuity rest on; continuity begins where an exempt report ends."""
    before, message = case.allocation, at.envelope.message_id
    stated = (body.sentence_type, body.sentence_days, body.sentence_expiry, body.court_report)
    allocation = replace(
        before,
        sentence=body.sentence_type or before.sentence,
        days=_latest(body.sentence_days, before.days),
        expiry=_latest(body.sentence_expiry, before.expiry),
        report=body.court_report or before.report,
        said_in=before.said_in if stated == (None,) * len(stated) else message,
        born=_latest(body.date_of_birth, before.born),
        born_in=before.born_in if body.date_of_birth is None else message,
    )
    if is_exempt(case) and allocation.sentence is not SentenceType.PRE_SENTENCE:
        return replace(allocation, continuity_from=at.now)
    return allocation


def _moved(case: Case, allocation: Allocation, at: Occasion) -> Allocation:
    """Remember where the case was until now, and by which version of its profile it was managed."""
    version = at.directory.profile(case.jurisdiction).version
    left = Moved(jurisdiction=case.jurisdiction, profile=version, until=at.now)
    return replace(allocation, moves=(*allocation.moves, left)[-MOVES_MAX:])


def _latest(stated: int | None, held: int | None) -> int | None:
    return held if stated is None else stated


def _with_release(case: Case, day: int, at: Occasion) -> Custody:
    custody = case.custody or Custody(prison=None, since=None)
    return replace(custody, release_date=iso_date(day), dated_in=at.envelope.message_id)
