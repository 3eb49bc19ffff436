"""What happens when a deadline of a case has passed (R-REF-03, R-MSG-07, R-CON-03, R-ADM-01)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import (
    acknowledgements,
    assessing,
    custody,
    deadlines,
    enforcing,
    expecting,
    following,
    icm,
    reports,
    reviews,
    standing,
    upkeep,
)
from hub.cases.applied import Applied, Ended, Raised
from hub.cases.case import Case, ConsentState, Member, ReferralState
from hub.cases.grants import Grant, GrantKind, is_over
from hub.cases.membership import current_team
from hub.cases.turning import turned
from hub.messages.identifiers import Instant
from hub.messages.records import altered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hub.cases.applied import Directory


def fall_due(case: Case, due: Ended, now: Instant, directory: Directory) -> Applied:
    """Return the case after a deadline has passed; one that is no longer awaited changes nothing."""
    applied = PASSES[due.kind](case, due, now, directory) if due.kind in PASSES else Applied(case=case)
    applied = upkeep.kept_up(case, applied, now=now, directory=directory)
    cleared = (due, *applied.timers_cleared)
    if applied.case == case and not applied.exceptions and not applied.joiners:
        return altered(applied, timers_cleared=cleared)
    return altered(
        applied,
        case=altered(applied.case, version=case.version + 1, turn=turned(case, applied.case)),
        timers_cleared=cleared,
    )


def _no_answer(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    for referral in case.referrals:
        if deadlines.answer(referral) != due or referral.state is not ReferralState.OFFERED:
            continue
        if referral.answer_due is not None and referral.answer_due <= now:
            raised = Raised(
                code=reports.REFERRAL_NO_ANSWER, subject=referral.referral, due_at=referral.answer_due
            )
            return Applied(case=case, exceptions=(raised,))
    return Applied(case=case)


def _consent_over(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    over = [
        held
        for held in case.consents
        if deadlines.consent_expiry(held.consent) == due
        and held.state is ConsentState.GIVEN
        and held.until is not None
        and held.until <= now
    ]
    if not over:
        return Applied(case=case)
    consents = tuple(
        replace(held, state=ConsentState.EXPIRED, ended_at=held.until) if held in over else held
        for held in case.consents
    )
    raised = Raised(code=reports.CONSENT_EXPIRED, subject=over[0].consent, due_at=over[0].until)
    return Applied(case=replace(case, consents=consents), exceptions=(raised,))


def _restriction_over(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    for held in case.restrictions:
        if deadlines.restriction_expiry(held.restriction) != due or held.until is None or held.until > now:
            continue
        others = tuple(other for other in case.restrictions if other is not held)
        raised = Raised(code=reports.RESTRICTION_EXPIRED, subject=held.restriction, due_at=held.until)
        return Applied(case=replace(case, restrictions=others), exceptions=(raised,))
    return Applied(case=case)


def _grant_over(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    for grant in case.grants:
        if deadlines.grant_end(grant.grant) != due or not is_over(grant, now):
            continue
        code = reports.GRANT_EXPIRED
        if grant.kind is GrantKind.BREAK_GLASS and grant.agreed is None:
            code = reports.BREAK_GLASS_NOT_REVIEWED
        elif grant.since is None:
            code = reports.OVERRIDE_LAPSED
        raised = Raised(code=code, subject=grant.grant, due_at=grant.until)
        return Applied(case=_without(case, grant), exceptions=(raised,))
    return Applied(case=case)


def _without(case: Case, grant: Grant) -> Case:
    """Note on the case that a grant which was in force has ended with its date."""
    if grant.since is None or grant.ended_at is not None:
        return case
    over = replace(grant, ended_at=grant.until)
    return replace(case, grants=tuple(over if each is grant else each for each in case.grants))


def _handover_over(case: Case, _due: Ended, now: Instant, _directory: Directory) -> Applied:
    if case.handover is None or case.handover.until > now:
        return Applied(case=case)
    return Applied(case=replace(case, handover=None))


def _meeting_over(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    return following.meeting_missed(case, now) if due == deadlines.handover_meeting() else Applied(case=case)


def _conference_over(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    named = due == deadlines.transfer_conference()
    return following.conference_missed(case, now) if named else Applied(case=case)


def _plan_taken_in(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    named = due == deadlines.plan_taken_in()
    return Applied(case=case, exceptions=following.plan_unheld(case, now) if named else ())


def _member_begins(case: Case, due: Ended, now: Instant, directory: Directory) -> Applied:
    team = current_team(case, now)
    come = tuple(member for member in _members(case, due) if member in team)
    exceptions = standing.newly(case, case, was=_just_before(come, now), now=now, directory=directory)
    return Applied(case=case, joiners=come, exceptions=exceptions)


def _member_ends(case: Case, due: Ended, now: Instant, directory: Directory) -> Applied:
    gone = tuple(m for m in _members(case, due) if m.until is not None and m.until <= now)
    if not gone:
        return Applied(case=case)
    before = Instant(min(m.until for m in gone if m.until is not None) - 1)
    exceptions = standing.newly(case, case, was=before, now=now, directory=directory)
    return Applied(case=case, leavers=gone, exceptions=exceptions)


def _members(case: Case, due: Ended) -> tuple[Member, ...]:
    return tuple(member for member in case.team if deadlines.membership(due.kind, member) == due)


def _just_before(members: tuple[Member, ...], now: Instant) -> Instant:
    return Instant(min((member.since for member in members), default=now) - 1)


PASSES: Mapping[str, Callable[[Case, Ended, Instant, Directory], Applied]] = {
    deadlines.REFERRAL_ANSWER: _no_answer,
    deadlines.CONSENT_EXPIRY: _consent_over,
    deadlines.RESTRICTION_EXPIRY: _restriction_over,
    deadlines.GRANT_END: _grant_over,
    deadlines.HANDOVER_END: _handover_over,
    deadlines.MEMBERSHIP_START: _member_begins,
    deadlines.MEMBERSHIP_END: _member_ends,
    deadlines.ACKNOWLEDGEMENT: acknowledgements.overdue,
    deadlines.CORE_SCREEN: icm.fallen_due,
    deadlines.CONFERENCE: icm.fallen_due,
    deadlines.CONFERENCE_LATE: icm.fallen_due,
    deadlines.EXPECTED: expecting.passed,
    deadlines.REVIEW_AHEAD: reviews.announced,
    deadlines.REVIEW_DUE: reviews.overdue,
    deadlines.ASSESSMENT_DUE: assessing.missing,
    deadlines.ENFORCEMENT_DECISION: enforcing.undecided,
    deadlines.MOVEMENT_CONFIRMATION: custody.overdue,
    deadlines.HANDOVER_MEETING: _meeting_over,
    deadlines.TRANSFER_CONFERENCE: _conference_over,
    deadlines.PLAN_TAKEN_IN: _plan_taken_in,
}
"""What follows from each kind of deadline."""
