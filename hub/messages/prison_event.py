"""The prison-event message as the model sees it; schemas/prison-event says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.identifiers import Instant


class PrisonEventAction(StrEnum):
    """What happens."""

    RECEPTION = "RECEPTION"
    RELEASE = "RELEASE"
    TRANSFER = "TRANSFER"
    TEMPORARY_RELEASE = "TEMPORARY_RELEASE"
    RETURN = "RETURN"
    RECALL = "RECALL"
    DEATH = "DEATH"
    HDC = "HDC"
    RELEASE_DATE = "RELEASE_DATE"


class PrisonEventStatus(StrEnum):
    """Whether it is expected, has happened, or turned out wrong."""

    PROVISIONAL = "PROVISIONAL"
    CONFIRMED = "CONFIRMED"
    RETRACTED = "RETRACTED"


class ReleaseType(StrEnum):
    """On which ground the person is released."""

    AUTOMATIC_CONDITIONAL = "AUTOMATIC_CONDITIONAL"
    PAROLE = "PAROLE"
    HDC = "HDC"
    END_OF_SENTENCE = "END_OF_SENTENCE"
    EARLY = "EARLY"
    TEMPORARY = "TEMPORARY"
    TO_HOSPITAL = "TO_HOSPITAL"
    DEPORTATION = "DEPORTATION"
    BAIL = "BAIL"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrisonEventMessage:
    """What happens in custody (R-MSG-05)."""

    action: PrisonEventAction
    status: PrisonEventStatus | None = None
    at: Instant | None = None
    prison_from: str | None = None
    prison_to: str | None = None
    movement_reason: str | None = None
    release_date: int | None = None
    release_month: str | None = None
    release_type: ReleaseType | None = None
    distant: bool | None = None
    release_address: str | None = None
    release_postcode: str | None = None
    release_postcode_area: str | None = None
    licence_conditions: tuple[str, ...] = ()
    victim_conditions: str | None = None
    health_alert: str | None = None
    noms_number: str | None = None
    noms_number_end: str | None = None
    booking: str | None = None
    booking_token: str | None = None
