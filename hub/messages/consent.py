"""The consent message as the model sees it; schemas/consent says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.envelope import InformationClass, Role
from hub.messages.identifiers import Instant, OrganisationId


class ConsentAction(StrEnum):
    """What happens; LIFTED ends what holds back, GRANT_ENDED a court's order, an override or the request."""

    GIVEN = "GIVEN"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    EXCLUSION = "EXCLUSION"
    RESTRICTION = "RESTRICTION"
    CONFIDENTIALITY = "CONFIDENTIALITY"
    OM_THREATENED = "OM_THREATENED"
    LIFTED = "LIFTED"
    COURT_ORDER = "COURT_ORDER"
    OVERRIDE_REQUESTED = "OVERRIDE_REQUESTED"
    OVERRIDE_APPROVED = "OVERRIDE_APPROVED"
    BREAK_GLASS = "BREAK_GLASS"
    BREAK_GLASS_REVIEWED = "BREAK_GLASS_REVIEWED"
    GRANT_ENDED = "GRANT_ENDED"


class RecordedHow(StrEnum):
    """How it was taken down."""

    SIGNED_FORM = "SIGNED_FORM"
    IN_PERSON = "IN_PERSON"
    TELEPHONE = "TELEPHONE"
    ELECTRONIC = "ELECTRONIC"
    THROUGH_REPRESENTATIVE = "THROUGH_REPRESENTATIVE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentMessage:
    """Consent, and what is held back (R-MSG-07, R-DIS-03, R-DIS-05)."""

    consent: str
    action: ConsentAction
    organisations: tuple[OrganisationId, ...] = ()
    roles: tuple[Role, ...] = ()
    classes: tuple[InformationClass, ...] = ()
    purposes: tuple[str, ...] = ()
    objective: str | None = None
    from_: Instant | None = None
    until: Instant | None = None
    recorded_how: RecordedHow | None = None
    reason: str | None = None
    statement_by: str | None = None
    evidence: str | None = None
