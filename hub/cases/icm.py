"""Integrated Case Management, where a jurisdiction has it: Scotland (R-SCO-01…03; 001).

A Core Screen soon after reception; then the standard or the enhanced route; a case conference every year,
the last about three months before release. Taking part is voluntary, and family or friends come in only
with the person's consent. How long anything may take is the profile's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines, reports
from hub.cases.applied import Applied, Deadline, Ended, Raised
from hub.cases.case import Case, ConsentState
from hub.cases.dates import first_moment
from hub.cases.integrated import Integrated
from hub.cases.membership import offender_manager
from hub.cases.profile import DAY_MS
from hub.errors import DomainRefusal
from hub.messages.assessment import AssessmentKind, AssessmentMessage
from hub.messages.case import CaseMessage, IcmRoute
from hub.messages.envelope import InformationClass
from hub.messages.identifiers import Instant
from hub.messages.review import ReviewAction, ReviewKind, ReviewMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.cases.applied import Directory, Occasion
    from hub.cases.profile import IntegratedCaseManagement, Profile
    from hub.messages.read import Body


def followed(before: Case | None, applied: Applied, body: Body, at: Occasion) -> Applied:
    """Return what a message leads to in Integrated Case Management; elsewhere, nothing.

    Raises:
        DomainRefusal: It says something of the kind that cannot be so.
    """
    case = applied.case
    profile = at.directory.profile(case.jurisdiction)
    if profile.integrated is None:
        _check_elsewhere(body)
        return applied if before is None or before.integrated is None else _left(before, applied, at)
    if isinstance(body, ReviewMessage):
        _check_family(case, body, profile.integrated, at.now)
    after = replace(case, integrated=_after(before, case, body, at))
    _check_route(after, profile.integrated)
    raised = _raised(before, after, at)
    was = {} if before is None else expected(before, at.directory.profile(before.jurisdiction))
    set_, cleared = _differences(was, expected(after, profile))
    return replace(
        applied,
        case=after,
        exceptions=(*applied.exceptions, *raised),
        timers_set=(*applied.timers_set, *set_),
        timers_cleared=(*applied.timers_cleared, *cleared),
    )


def expected(case: Case, profile: Profile) -> Mapping[Ended, Instant]:
    """Return what is waited for, and until when: the Core Screen, then the next case conference."""
    rules, icm = profile.integrated, case.integrated
    if rules is None or icm is None or icm.since is None or case.closed_at is not None:
        return {}
    if icm.participates is False:
        return {}
    if icm.screened_at is None:
        return {deadlines.core_screen(): Instant(icm.since + rules.core_screen_days * DAY_MS)}
    due_at = conference_due(case, rules)
    if due_at is None:
        return {}
    return {
        deadlines.conference(): Instant(due_at - rules.conference_lead_days * DAY_MS),
        deadlines.conference_late(): due_at,
    }


def conference_due(case: Case, rules: IntegratedCaseManagement) -> Instant | None:
    """Return when the next case conference is due; None: the last one before release has been held.

    It is a year after the Core Screen or the last conference, or sooner where release is near: the last is
    held about three months before, and counts as that from the day on it could have been convened for it.
    """
    icm = case.integrated
    if icm is None or icm.screened_at is None:
        return None
    yearly = Instant((icm.conference_at or icm.screened_at) + rules.conference_every_days * DAY_MS)
    release = None if case.custody is None else case.custody.release_date
    if release is None:
        return yearly
    last = Instant(first_moment(release) - rules.last_conference_before_release_days * DAY_MS)
    convened = last - rules.conference_lead_days * DAY_MS
    if icm.conference_at is not None and icm.conference_at >= convened:
        return None
    return min(yearly, last)


def fallen_due(case: Case, due: Ended, now: Instant, directory: Directory) -> Applied:
    """Report what should have happened by now, or has to be convened.

    Where another profile has come into force since and gives longer, it is waited for until then.
    """
    profile = directory.profile(case.jurisdiction)
    by = expected(case, profile).get(due)
    if by is None or profile.integrated is None:
        return Applied(case=case)
    if by > now:
        return Applied(case=case, timers_set=(deadlines.on(due, by),))
    due_at, about = by, ""
    if due.kind != deadlines.CORE_SCREEN:
        due_at = conference_due(case, profile.integrated) or by
        about = f"Asked to come: {'; '.join(profile.integrated.conference_people)}."
    raised = Raised(code=CODES[due.kind], subject=due.subject, due_at=due_at, about=about)
    return Applied(case=case, exceptions=(raised,))


def family_agreed(case: Case, now: Instant) -> bool:
    """Say whether the person agrees that family or a friend is involved (R-SCO-02).

    That is a consent to share what is about third parties that names no organisation: family is none.
    """
    return any(
        held.state is ConsentState.GIVEN
        and held.organisation is None
        and InformationClass.THIRD_PARTY in held.classes
        and held.since <= now
        and (held.until is None or now < held.until)
        for held in case.consents
    )


CODES = {
    deadlines.CORE_SCREEN: reports.CORE_SCREEN_OVERDUE,
    deadlines.CONFERENCE: reports.CONFERENCE_DUE,
    deadlines.CONFERENCE_LATE: reports.CONFERENCE_OVERDUE,
}


def _after(before: Case | None, case: Case, body: Body, at: Occasion) -> Integrated:
    icm = _held(before, case, case.integrated or Integrated(), at)
    if isinstance(body, CaseMessage):
        said = body.icm_participates
        icm = replace(icm, participates=icm.participates if said is None else said)
        icm = replace(icm, route=body.icm_route or icm.route)
    elif isinstance(body, AssessmentMessage) and body.kind is AssessmentKind.CORE_SCREEN:
        icm = replace(icm, screened_at=at.envelope.occurred_at)
    elif isinstance(body, ReviewMessage) and _is_held(body):
        when = at.envelope.occurred_at if body.at is None else body.at
        icm = replace(icm, conference_at=max(when, icm.conference_at or when))
    rules = at.directory.profile(case.jurisdiction).integrated
    if icm.route is None and rules is not None and _needs_enhanced(case, rules):
        icm = replace(icm, route=IcmRoute.ENHANCED)
    return icm


def _held(before: Case | None, case: Case, icm: Integrated, at: Occasion) -> Integrated:
    """Begin anew with each period of custody; a case that comes from elsewhere begins when it comes."""
    is_held = case.custody is not None and case.custody.prison is not None
    comes = before is None or before.jurisdiction != case.jurisdiction
    if not is_held or comes:
        icm = replace(icm, since=None, screened_at=None, conference_at=None)
    if not is_held or case.custody is None or icm.since is not None:
        return icm
    return replace(icm, since=at.now if comes else case.custody.since or at.now)


def _is_held(body: ReviewMessage) -> bool:
    return body.action is ReviewAction.HELD and body.kind is ReviewKind.CASE_CONFERENCE


def _needs_enhanced(case: Case, rules: IntegratedCaseManagement) -> bool:
    said = case.allocation
    is_long = said.days is not None and said.days > rules.enhanced_over_days
    return is_long or said.sentence in rules.enhanced_sentences


def _check_route(case: Case, rules: IntegratedCaseManagement) -> None:
    icm = case.integrated
    if icm is not None and icm.route is IcmRoute.STANDARD and _needs_enhanced(case, rules):
        code = "ICM-ROUTE-NOT-ENHANCED"
        message = (
            "/data/icm_route: over four years or with statutory supervision, the route is enhanced (001)"
        )
        raise DomainRefusal(code, message, fix="state ENHANCED, or correct the sentence first")


def _check_family(case: Case, body: ReviewMessage, rules: IntegratedCaseManagement, now: Instant) -> None:
    """Refuse family or a friend at a conference the person has not agreed to (R-SCO-02)."""
    places = [
        f"/data/attendees/{place}"
        for place, each in enumerate(body.attendees)
        if each.role in rules.family_roles or each.third_party_name is not None
    ]
    if places and not family_agreed(case, now):
        code = "ICM-FAMILY-WITHOUT-CONSENT"
        message = f"{', '.join(places)}: family or a friend comes only with the person's consent (001)"
        fix = "record a consent for third_party that names no organisation, or leave them out"
        raise DomainRefusal(code, message, fix=fix)


def _check_elsewhere(body: Body) -> None:
    if isinstance(body, CaseMessage) and (body.icm_route is not None or body.icm_participates is not None):
        code = "ICM-NOT-HERE"
        message = "/data/icm_route: the case's jurisdiction has no Integrated Case Management (001)"
        raise DomainRefusal(code, message, fix="leave icm_route and icm_participates out, or move the case")


def _left(before: Case, applied: Applied, at: Occasion) -> Applied:
    """Wait for nothing more where the case has left for a jurisdiction without it; what was stays known."""
    awaited = expected(before, at.directory.profile(before.jurisdiction))
    return replace(applied, timers_cleared=(*applied.timers_cleared, *awaited))


def _raised(before: Case | None, after: Case, at: Occasion) -> tuple[Raised, ...]:
    was = frozenset[str]() if before is None else _open(before, at)
    return tuple(Raised(code=code) for code in sorted(_open(after, at) - was))


def _open(case: Case, at: Occasion) -> frozenset[str]:
    """Return what somebody has to attend to as the case stands; each is reported once, as it comes about."""
    icm = case.integrated
    if icm is None or icm.participates is False or case.closed_at is not None:
        return frozenset()
    if at.directory.profile(case.jurisdiction).integrated is None:
        return frozenset()
    found: set[str] = set()
    if icm.screened_at is not None and icm.route is None:
        found.add(reports.ICM_ROUTE_OPEN)
    if icm.route is IcmRoute.ENHANCED and offender_manager(case, at.now) is not None:
        agreed = family_agreed(case, at.now)
        found.add(reports.ICM_FAMILY_TO_CONTACT if agreed else reports.ICM_FAMILY_CONSENT_TO_ASK)
    return frozenset(found)


def _differences(
    was: Mapping[Ended, Instant], now: Mapping[Ended, Instant]
) -> tuple[tuple[Deadline, ...], tuple[Ended, ...]]:
    """Return the deadlines to be set anew and those nobody waits for any more."""
    set_ = tuple(deadlines.on(what, due_at) for what, due_at in now.items() if was.get(what) != due_at)
    return set_, tuple(what for what in was if what not in now)
