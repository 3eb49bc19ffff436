"""What applying a message to a case takes and gives: the occasion, the case after it, what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from hub.messages.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.cases.case import Case, Member
    from hub.cases.profile import Profile
    from hub.messages.envelope import Envelope, Role
    from hub.messages.identifiers import Instant, MessageId, OrganisationId
    from hub.messages.review import ReviewKind


class Directory(Protocol):
    """What a case needs to know of the world; routing answers from the control records in force."""

    def prison(self, code: str) -> OrganisationId | None:
        """Return the organisation that is the prison of this code, e.g. MDI, or None."""

    def rung(self, organisation: OrganisationId) -> int | None:
        """Return the brokerage rung of an organisation, or None if the hub does not know it."""

    def sender(self, message: MessageId) -> OrganisationId | None:
        """Return who sent the message taken under this id, or None if that is not known."""

    def is_correction(self, message: MessageId) -> bool:
        """Say whether the message taken under this id was itself a correction."""

    def profile(self, jurisdiction: str) -> Profile:
        """Return the rules of a jurisdiction in force at the moment of the record in work."""


@record
class Occasion:
    """The message being applied, seen from the case: who says it, when, and who is who."""

    envelope: Envelope
    payload: Mapping[str, object]
    now: Instant
    directory: Directory
    offset: int | None = None
    """Where in its partition of the log the message stands."""


class Deadline(NamedTuple):
    """Something of this case to be looked at when its time comes."""

    kind: str
    subject: str
    due_at: Instant


class Ended(NamedTuple):
    """A deadline that need not be looked at any more."""

    kind: str
    subject: str


@record
class Raised:
    """An exception report to be made: what did not happen, or should not have (R-ADM-01, R-MSG-11)."""

    code: str
    subject: str = ""
    """What in the case it is about, e.g. a referral; tells two of the same code apart."""
    due_at: Instant | None = None
    about: str = ""
    """A further sentence for whoever attends to it; nothing from a message."""
    role: Role | None = None
    """Who is to attend to it beside the Offender Manager, where it is escalated to somebody (R-ADM-03)."""
    also_to: tuple[tuple[OrganisationId, Role], ...] = ()
    """Who is told beside those who attend to the case: whoever brokers, for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A review that the hub triggers in good time (R-ADM-02)."""

    review: str
    kind: ReviewKind
    at: Instant
    """By when it has to be held."""


@record
class Applied:
    """The case after a message or a deadline, and everything that follows from the change."""

    case: Case
    timers_set: tuple[Deadline, ...] = ()
    timers_cleared: tuple[Ended, ...] = ()
    exceptions: tuple[Raised, ...] = ()
    joiners: tuple[Member, ...] = ()
    """Members who are on the team now and were not before (R-CASE-06)."""
    leavers: tuple[Member, ...] = ()
    """Members who were on the team before and are not now."""
    announced: tuple[Announced, ...] = ()
    """Reviews to be triggered now."""
    is_news: bool = True
    """False: everybody concerned has been told all of it before, and nobody is told again."""
    correlation: str = ""
    """Under which the message is told, where it is a further word on an earlier fact."""
