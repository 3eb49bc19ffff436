"""What a case waits for: kinds of deadline, and how one is named without saying anything of a person."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from hub.cases import movements
from hub.cases.applied import Deadline, Ended
from hub.cases.case import Case, ConsentGiven, ConsentState, Member, Referral, ReferralState, Restriction
from hub.cases.grants import GrantKind
from hub.messages.identifiers import Instant, derived_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cases.work import Expected, Work
    from hub.messages.review import ReviewKind

REFERRAL_ANSWER = "referral-answer"
CONSENT_EXPIRY = "consent-expiry"
RESTRICTION_EXPIRY = "restriction-expiry"
GRANT_END = "grant-end"
HANDOVER_END = "handover-end"
MEMBERSHIP_START = "membership-start"
MEMBERSHIP_END = "membership-end"
ACKNOWLEDGEMENT = "acknowledgement"
CORE_SCREEN = "core-screen"
CONFERENCE = "case-conference"
CONFERENCE_LATE = "case-conference-late"
EXPECTED = "expected"
REVIEW_AHEAD = "review-ahead"
REVIEW_DUE = "review-due"
ASSESSMENT_DUE = "assessment-due"
ENFORCEMENT_DECISION = "enforcement-decision"
MOVEMENT_CONFIRMATION = "movement-confirmation"
HANDOVER_MEETING = "handover-meeting"
TRANSFER_CONFERENCE = "transfer-conference"
PLAN_TAKEN_IN = "plan-taken-in"


@lru_cache(maxsize=4096)
def named(*parts: str) -> str:
    """Return the subject of a deadline: it always follows from the parts and shows none of them.

    A deadline's subject stands in the key of a Kafka record, where nothing personal may be.
    """
    return derived_id("deadline", *parts)


def answer(referral: Referral) -> Ended:
    """Name the deadline by which a provider has to answer (R-REF-03)."""
    return Ended(REFERRAL_ANSWER, named(referral.referral))


def consent_expiry(consent: str) -> Ended:
    """Name the deadline at which a consent ends."""
    return Ended(CONSENT_EXPIRY, named(consent))


def restriction_expiry(restriction: str) -> Ended:
    """Name the deadline at which a restriction ends."""
    return Ended(RESTRICTION_EXPIRY, named(restriction))


def grant_end(grant: str) -> Ended:
    """Name the deadline at which an order of a court or an override ends."""
    return Ended(GRANT_END, named(grant))


def acknowledgement(delivery: str) -> Ended:
    """Name the deadline by which a delivery has to be acknowledged (R-ADM-03)."""
    return Ended(ACKNOWLEDGEMENT, named(delivery))


def expected(held: Expected) -> Ended:
    """Name the deadline by which somebody has to have said whether something happened (R-ADM-01)."""
    return Ended(EXPECTED, named(held.kind, held.name, str(held.at)))


def review(when: str, kind: ReviewKind) -> Ended:
    """Name the deadline at which a review is triggered, or has to be held (R-ADM-02)."""
    return Ended(when, kind.lower())


def assessment() -> Ended:
    """Name the deadline by which the case has to be assessed (R-ADM-07)."""
    return Ended(ASSESSMENT_DUE, "case")


def enforcement_decision(enforcement: str) -> Ended:
    """Name the deadline by which the Offender Manager has to decide (R-ADM-05)."""
    return Ended(ENFORCEMENT_DECISION, named(enforcement))


def handover_end() -> Ended:
    """Name the deadline at which a handover ends; there is one at a time."""
    return Ended(HANDOVER_END, "om")


def core_screen() -> Ended:
    """Name the deadline by which the Core Screen is held (R-SCO-01)."""
    return Ended(CORE_SCREEN, "icm")


def conference() -> Ended:
    """Name the deadline at which a case conference has to be convened (R-SCO-03)."""
    return Ended(CONFERENCE, "icm")


def conference_late() -> Ended:
    """Name the deadline by which a case conference is held."""
    return Ended(CONFERENCE_LATE, "icm")


def confirmation(movement: movements.Movement) -> Ended:
    """Name the deadline by which a movement that is expected should have been confirmed."""
    # Its time is in the name: under one correlation two transfers may be expected, there and back.
    return Ended(MOVEMENT_CONFIRMATION, named(movement.fact, movement.sort, str(movement.at)))


def former_confirmation(movement: movements.Movement) -> Ended:
    """Name that deadline as it was before its time was in the name: one set then still comes."""
    return Ended(MOVEMENT_CONFIRMATION, named(movement.fact, movement.sort))


def handover_meeting() -> Ended:
    """Name the deadline by which a handover meeting is to be held; there is one at a time."""
    return Ended(HANDOVER_MEETING, "om")


def transfer_conference() -> Ended:
    """Name the deadline by which a review case conference is to follow a transfer; there is one at a time."""
    return Ended(TRANSFER_CONFERENCE, "om")


def plan_taken_in() -> Ended:
    """Name the deadline by which the team is to have acknowledged the plan; a new version sets it anew."""
    return Ended(PLAN_TAKEN_IN, "plan")


def membership(kind: str, member: Member) -> Ended:
    """Name the deadline at which a membership begins or ends."""
    name = named(member.role, member.organisation, member.person, member.referral or "")
    return Ended(kind, name)


def on(what: Ended, due_at: Instant) -> Deadline:
    """Set a named deadline to a time."""
    return Deadline(what.kind, what.subject, due_at)


def of_membership(member: Member, now: Instant) -> tuple[Deadline, ...]:
    """Return the deadlines of a membership that begins or ends later than now."""
    set_: list[Deadline] = []
    if member.since > now:
        set_.append(on(membership(MEMBERSHIP_START, member), member.since))
    if member.until is not None and member.until > now:
        set_.append(on(membership(MEMBERSHIP_END, member), member.until))
    return tuple(set_)


def awaited(case: Case, now: Instant) -> tuple[Ended, ...]:
    """Return everything the case still waits for, so that its end ends the waiting."""
    return tuple(dict.fromkeys(_awaited(case, now)))


def _awaited(case: Case, now: Instant) -> Iterator[Ended]:
    for referral in case.referrals:
        if referral.state is ReferralState.OFFERED and referral.answer_due is not None:
            yield answer(referral)
    yield from (consent_expiry(consent.consent) for consent in case.consents if _ends(consent))
    yield from (restriction_expiry(held.restriction) for held in case.restrictions if _ends(held))
    for grant in case.grants:
        # Somebody has to look at a break-glass, however the case goes on.
        if grant.until is not None and (grant.kind is not GrantKind.BREAK_GLASS or grant.agreed is not None):
            yield grant_end(grant.grant)
    yield from (acknowledgement(held.delivery) for held in case.awaiting)
    yield from map(confirmation, movements.expected(case.movements))
    yield from _of_continuity(case)
    if case.integrated is not None and case.integrated.since is not None:
        yield from (core_screen(), conference(), conference_late())
    if case.plan is not None and case.plan.version > case.plan_past:
        yield plan_taken_in()
    for member in case.team:
        yield from (Ended(due.kind, due.subject) for due in of_membership(member, now))
    yield from of_work(case.work)


def _of_continuity(case: Case) -> Iterator[Ended]:
    if case.handover is not None:
        yield handover_end()
    if case.continuity.arranged.meeting_by is not None:
        yield handover_meeting()
    if case.continuity.arranged.conference_by is not None:
        yield transfer_conference()


def of_work(work: Work) -> Iterator[Ended]:
    """Yield what is waited for because it should be happening."""
    yield from map(expected, work.expected)
    for held in work.reviews:
        yield from (review(when, held.kind) for when in (REVIEW_AHEAD, REVIEW_DUE))
    if work.assess_by is not None:
        yield assessment()
    yield from (enforcement_decision(e.enforcement) for e in work.enforcements if e.decide_by is not None)


def _ends(held: ConsentGiven | Restriction) -> bool:
    if isinstance(held, ConsentGiven) and held.state is not ConsentState.GIVEN:
        return False
    return held.until is not None
