"""What a case waits for: kinds of deadline, and how one is named without saying anything of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases.applied import Deadline, Ended
from hub.cases.case import Case, ConsentGiven, ConsentState, Member, Referral, ReferralState, Restriction
from hub.cases.grants import GrantKind
from hub.messages.identifiers import Instant, derived_id

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERRAL_ANSWER = "referral-answer"
CONSENT_EXPIRY = "consent-expiry"
RESTRICTION_EXPIRY = "restriction-expiry"
GRANT_END = "grant-end"
HANDOVER_END = "handover-end"
MEMBERSHIP_START = "membership-start"
MEMBERSHIP_END = "membership-end"
ACKNOWLEDGEMENT = "acknowledgement"
HANDOVER_MEETING = "handover-meeting"
TRANSFER_CONFERENCE = "transfer-conference"
PLAN_TAKEN_IN = "plan-taken-in"


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


def handover_end() -> Ended:
    """Name the deadline at which a handover ends; there is one at a time."""
    return Ended(HANDOVER_END, "om")


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
    if case.handover is not None:
        yield handover_end()
    if case.continuity.arranged.meeting_by is not None:
        yield handover_meeting()
    if case.continuity.arranged.conference_by is not None:
        yield transfer_conference()
    if case.plan is not None and case.plan.version > case.plan_past:
        yield plan_taken_in()
    for member in case.team:
        yield from (Ended(due.kind, due.subject) for due in of_membership(member, now))


def _ends(held: ConsentGiven | Restriction) -> bool:
    if isinstance(held, ConsentGiven) and held.state is not ConsentState.GIVEN:
        return False
    return held.until is not None
