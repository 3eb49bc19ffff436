"""Refusals of the Offender Management Model, made alike: a code, what is wrong, what to do."""

from __future__ import annotations

from hub.errors import DomainRefusal


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
