"""Refusals of the Offender Management Model, made alike: a code, what is wrong, what to do."""

from __future__ import annotations

from hub.errors import DomainRefusal

TELLABLE = frozenset(
    {
        "CASE-ALREADY-MERGED",
        "CASE-ALREADY-OPEN",
        "CASE-CLOSED",
        "CASE-FULL",
        "CASE-INCOMPLETE",
        "CASE-NOT-MERGED",
        "ENFORCEMENT-NOT-BY-OM",
        "HANDOVER-NONE",
        "ICM-FAMILY-WITHOUT-CONSENT",
        "ICM-NOT-HERE",
        "ICM-ROUTE-NOT-ENHANCED",
        "MEMBER-UNKNOWN",
        "MOVEMENT-AHEAD",
        "MOVEMENT-HAPPENED",
        "MOVEMENT-UNKNOWN",
        "OM-ALREADY-HELD",
        "OM-TRANSFER-NO-OM",
        "OM-TRANSFER-NO-REASON",
        "OM-TRANSFER-OUTGOING",
        "OM-TRANSFER-UNAUTHORISED",
        "PERSON-NOT-HELD",
        "PLAN-NOT-BY-OM",
        "PLAN-VERSION-ORDER",
        "PROVIDER-UNKNOWN",
        "REFERRAL-ILLEGAL-MOVE",
        "REFERRAL-INCOMPLETE",
        "REFERRAL-RUNG-NEEDS-OM",
        "REFERRAL-UNKNOWN",
        "RESTRICTION-INCOMPLETE",
        "RESTRICTION-UNKNOWN",
        "ROLE-NOT-ON-TEAM",
        "TEAM-CHANGE-INCOMPLETE",
        "TIER-FACTOR-UNKNOWN",
    }
)
"""Reasons the sender itself is told: the model refuses so only whoever may send this on this case.

That is whoever holds the role they claim there, or speaks for a prison it concerns; everybody else is refused
before, and not told why. Only OPENED may come from any probation organisation: that a case is open already is
told to all of them. Otherwise they tell nobody that a case exists. That there is none, and that somebody has
no part in it, stays with staff: both look alike from outside. So do reasons that name overrides and grants,
that tell where somebody is held or that they died, and how far enforcement has come.
"""


def incomplete(what: str, *fields: str) -> DomainRefusal:
    """Return the refusal of a message that lacks fields its action needs."""
    return DomainRefusal(
        f"{what}-INCOMPLETE",
        "the message lacks what its action needs",
        fix=f"give {', '.join(fields)}",
    )


def referral_unknown() -> DomainRefusal:
    """Return the refusal of a referral the sender has no part in; it does not tell which it is."""
    return DomainRefusal(
        "REFERRAL-UNKNOWN",
        "the case has no such referral with this organisation",
        fix="name a referral of this case that your organisation provides",
    )


def full(what: str, most: int) -> DomainRefusal:
    """Return the refusal of one more of something a case can only hold so many of."""
    return DomainRefusal("CASE-FULL", f"the case holds {most} {what} already", fix=f"end {what} first")


def case_unknown() -> DomainRefusal:
    """Return the refusal of a message on a case the hub does not have."""
    return DomainRefusal(
        "CASE-UNKNOWN", "the hub has no such case", fix="open the case, or correct its reference"
    )


def case_closed() -> DomainRefusal:
    """Return the refusal of what comes after a case was closed."""
    return DomainRefusal(
        "CASE-CLOSED",
        "the case is closed: it is one period of engagement (002 2.2.2)",
        fix="open a new case for a new period of engagement",
    )


def movement_unknown() -> DomainRefusal:
    """Return the refusal of a retraction of something that was never told."""
    return DomainRefusal(
        "MOVEMENT-UNKNOWN",
        "nothing told about this person is taken back by this",
        fix="give the correlation of the event that was wrong, or its action and prisons",
    )


def movement_happened() -> DomainRefusal:
    """Return the refusal of an expectation of what has happened already: nobody is shown an older state."""
    return DomainRefusal(
        "MOVEMENT-HAPPENED",
        "the movement has been confirmed already and cannot be expected again",
        fix="send it as CONFIRMED, with what is new about it",
    )


def movement_ahead() -> DomainRefusal:
    """Return the refusal of what is said to have happened and is to come: it would move somebody now."""
    return DomainRefusal(
        "MOVEMENT-AHEAD",
        "what is confirmed has happened, and this would happen more than a day from now",
        fix="give the time it happened, or send it as PROVISIONAL until it has",
    )


def person_dead() -> DomainRefusal:
    """Return the refusal of a movement of somebody whose death is on record."""
    return DomainRefusal(
        "PERSON-DIED",
        "the death of the person has been confirmed, and nobody moves after it",
        fix="if that was wrong, send it again as RETRACTED first",
    )


def person_not_held() -> DomainRefusal:
    """Return the refusal of a movement out of a prison that did not hold the person then (002 3.24a)."""
    return DomainRefusal(
        "PERSON-NOT-HELD",
        "the person was not held in that prison at that time; the prison that holds them reports (002 3.24a)",
        fix="give the time it happened, or report first how the person came to that prison",
    )


def held_elsewhere() -> DomainRefusal:
    """Return the refusal of one prison's word against where others have said that the person is."""
    return DomainRefusal(
        "PERSON-HELD-ELSEWHERE",
        "others have said it too, and another prison holds the person by it",
        fix="have the prison that holds the person, the prison service or the Offender Manager say so",
    )


def another_person() -> DomainRefusal:
    """Return the refusal of an event that bears another person's number."""
    return DomainRefusal(
        "PERSON-MISMATCH",
        "the prison number is not the one of the person of this case",
        fix="name the right case; if records were merged, state the number in a case message first",
    )
