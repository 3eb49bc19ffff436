"""The appointment message as the model sees it; schemas/appointment says what each field means."""

from enum import StrEnum

from hub.messages.identifiers import Instant, OrganisationId
from hub.messages.records import record


class AppointmentAction(StrEnum):
    """What happens to it."""

    ARRANGED = "ARRANGED"
    MOVED = "MOVED"
    CANCELLED = "CANCELLED"


class AppointmentKind(StrEnum):
    """What sort of appointment."""

    OFFICE_VISIT = "OFFICE_VISIT"
    HOME_VISIT = "HOME_VISIT"
    SUPPLIER_ASSESSMENT = "SUPPLIER_ASSESSMENT"
    SERVICE_DELIVERY = "SERVICE_DELIVERY"
    UNPAID_WORK = "UNPAID_WORK"
    PROGRAMME = "PROGRAMME"
    TESTING = "TESTING"
    CASE_CONFERENCE = "CASE_CONFERENCE"
    TELEPHONE = "TELEPHONE"
    VIDEO = "VIDEO"
    OTHER = "OTHER"


@record
class AppointmentMessage:
    """An appointment or session (R-MSG-15)."""

    appointment: str
    action: AppointmentAction
    referral: str | None = None
    kind: AppointmentKind | None = None
    at: Instant | None = None
    place: str | None = None
    with_organisation: OrganisationId | None = None
    with_person: str | None = None
    non_discretionary: bool | None = None
    reason: str | None = None
