"""What should be happening in a case, and how far it is: what the hub tracks for the Case Administrator.

002 App. B, Case Administrator: "Track what should be happening at any one time with offender; monitor that
it has, record, exception-report to Offender Manager." Names, codes and moments only, never a text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.enforcement import EnforcementAction, EnforcementDecision
from hub.messages.identifiers import Instant, OrganisationId
from hub.messages.review import ReviewKind


class ExpectedKind(StrEnum):
    """What sort of thing is to happen, and by what it shows that it has."""

    APPOINTMENT = "appointment"
    """Arranged on a referral; progress with an attendance says whether it was kept."""
    SESSION = "session"
    """The next one a Key Worker named; progress with an attendance says the same."""
    REVIEW = "review"
    """Convened; the word that it was held says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Something that is to happen at a moment, and the moment by which somebody has to have said so."""

    kind: ExpectedKind
    name: str
    """The appointment or review, by its author's reference; for a session, its referral."""
    at: Instant
    due_at: Instant
    referral: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A review the hub keeps an eye on: from when it counts, until when it has to be held (R-ADM-02)."""

    kind: ReviewKind
    since: Instant
    """When it was last held, or what calls for it came about."""
    due_at: Instant
    announced: bool = False
    """Whether it has been triggered, and has not been held since."""
    held: bool = False
    """Whether it has been held and is not wanted again, as the one before a release."""
    missed: bool = False
    """Whether it has been reported as not held, and has not been held since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """The assessment the case is managed on: its needs, and whether it is the Offender Manager's own."""

    assessment: str
    at: Instant
    by_manager: bool
    needs: frozenset[str] = frozenset()
    """Needs related to offending that were found, whatever their severity but none."""
    full: bool = True
    """False: supplementary findings alone, no assessment of the case yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforced:
    """How far one matter of enforcement is (R-MSG-08)."""

    enforcement: str
    step: EnforcementAction
    decision: EnforcementDecision | None = None
    referral: str | None = None
    decide_by: Instant | None = None
    """Until when the Offender Manager is to have decided; None: there is a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything the hub tracks of the work in one case."""

    expected: tuple[Expected, ...] = ()
    reviews: tuple[Scheduled, ...] = ()
    """One of a kind."""
    assessed: Assessed | None = None
    assess_by: Instant | None = None
    """Until when the case is, or was, to be assessed, where it has not been."""
    enforcements: tuple[Enforced, ...] = ()
    evaluated: frozenset[OrganisationId] = frozenset()
    """Providers on whose work there is feedback (R-MSG-10)."""


NO_WORK = Work()
"""Nothing is tracked yet."""
