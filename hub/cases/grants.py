"""What opens classes to one organisation by a decision on this case: a court's order, an override.

The person's consent is kept apart (`hub.cases.case.ConsentGiven`): it is theirs to take back. A grant is
somebody's decision, named with who asked, who agreed and where its evidence lies (R-DIS-07).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.envelope import InformationClass, Role
from hub.messages.identifiers import Instant, MessageId, OrganisationId


class GrantKind(StrEnum):
    """What a grant rests on."""

    COURT_ORDER = "COURT_ORDER"
    """An order of a court."""
    OVERRIDE = "OVERRIDE"
    """Asked for by one person, agreed to by another, for a time."""
    BREAK_GLASS = "BREAK_GLASS"
    """In force at once for a short time because somebody is in danger; looked at by another by its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who did something, for whom, when."""

    organisation: OrganisationId
    role: Role
    person: str
    """Staff reference, opaque to the hub."""
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Some classes opened to one organisation, from the moment it is in force until its end."""

    grant: str
    """Reference, as its author gave it."""
    kind: GrantKind
    organisation: OrganisationId
    """The recipient."""
    classes: frozenset[InformationClass]
    """It opens these and nothing else."""
    roles: frozenset[Role]
    """Empty: every role of the recipient."""
    purposes: frozenset[str]
    """Empty: every purpose the recipient is registered for."""
    evidence: str
    """Where the order, or the record of the decision, is kept."""
    asked: Act
    since: Instant | None
    """None: it is asked for and waits for somebody else to agree."""
    until: Instant | None
    """None only where a court's order names no end."""
    agreed: Act | None = None
    """Who agreed to an override before it began, or looked at a break-glass after it had."""
    ended_at: Instant | None = None
    """When one in force ended, by hand or with its date: a change by which what is undelivered is held."""
    said_in: tuple[MessageId, ...] = ()
    """The messages it rests on: what asked for it, and what agreed."""


def is_over(grant: Grant, now: Instant) -> bool:
    """Tell whether the end of a grant, or of the wait for somebody to agree to it, has come."""
    return grant.until is not None and grant.until <= now


def in_force(grant: Grant, now: Instant) -> bool:
    """Tell whether a grant opens anything now: it has begun, and its end has not come."""
    return grant.since is not None and grant.since <= now and not is_over(grant, now)
