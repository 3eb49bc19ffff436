"""The review message as the model sees it; schemas/review says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.identifiers import Instant, OrganisationId


class ReviewAction(StrEnum):
    """Which step it is."""

    DUE = "DUE"
    CONVENED = "CONVENED"
    HELD = "HELD"


class ReviewKind(StrEnum):
    """What sort of review."""

    PLAN_REVIEW = "PLAN_REVIEW"
    CASE_CONFERENCE = "CASE_CONFERENCE"
    PRE_RELEASE = "PRE_RELEASE"
    TRANSFER_REVIEW = "TRANSFER_REVIEW"
    TERMINATION = "TERMINATION"
    MAPPA_MEETING = "MAPPA_MEETING"


class ReviewOutcome(StrEnum):
    """What was decided on the plan."""

    PLAN_CHANGED = "PLAN_CHANGED"
    PLAN_CONTINUES = "PLAN_CONTINUES"
    PLAN_COMPLETED = "PLAN_COMPLETED"
    ADJOURNED = "ADJOURNED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """Somebody invited or present."""

    role: str | None = None
    organisation: OrganisationId | None = None
    person: str | None = None
    third_party_name: str | None = None
    attended: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewMessage:
    """A review of the plan, or a case conference (R-MSG-09, R-ADM-02, R-SCO-03)."""

    review: str
    action: ReviewAction
    kind: ReviewKind | None = None
    at: Instant | None = None
    place: str | None = None
    attendees: tuple[Attendee, ...] = ()
    outcome: ReviewOutcome | None = None
    note: str | None = None
