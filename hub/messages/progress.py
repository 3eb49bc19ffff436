"""The progress message as the model sees it; schemas/progress says what each field means."""

from enum import StrEnum

from hub.messages.identifiers import Instant
from hub.messages.records import record
from hub.messages.vocabulary import Achievement, ServiceCategory


class ProgressKind(StrEnum):
    """What sort of development it is."""

    SESSION = "SESSION"
    ENGAGEMENT = "ENGAGEMENT"
    MILESTONE = "MILESTONE"
    CONCERN = "CONCERN"
    OUTCOME = "OUTCOME"
    NON_COMPLIANCE = "NON_COMPLIANCE"


class Attendance(StrEnum):
    """Whether the person came, and if not, whether the absence is acceptable."""

    UNACCEPTABLE_ABSENCE = "UNACCEPTABLE_ABSENCE"
    ACCEPTABLE_ABSENCE = "ACCEPTABLE_ABSENCE"
    ATTENDED = "ATTENDED"


class Engagement(StrEnum):
    """How far the person took part."""

    REFUSED = "REFUSED"
    POOR = "POOR"
    FAIR = "FAIR"
    GOOD = "GOOD"


@record
class ProgressMessage:
    """What a Key Worker reports on a referral (R-MSG-02)."""

    referral: str
    kind: ProgressKind
    session_at: Instant | None = None
    attendance: Attendance | None = None
    attendance_reason: str | None = None
    engagement: Engagement | None = None
    milestone: str | None = None
    outcome: Achievement | None = None
    note: str | None = None
    concern: str | None = None
    concern_about_harm: bool | None = None
    health_note: str | None = None
    third_party_note: str | None = None
    next_session_at: Instant | None = None
    affects: tuple[ServiceCategory, ...] = ()
    at_odds: bool | None = None
