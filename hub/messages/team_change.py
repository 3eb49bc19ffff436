"""The team-change message as the model sees it; schemas/team-change says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.envelope import Role
from hub.messages.identifiers import Instant, OrganisationId


class TeamChangeAction(StrEnum):
    """What happens."""

    APPOINT = "APPOINT"
    END = "END"
    TRANSFER_OM = "TRANSFER_OM"
    HANDOVER = "HANDOVER"


class TeamChangeReason(StrEnum):
    """Why the team changes; a transfer of the Offender Manager needs one of the first five (R-CON-01)."""

    INCOMPATIBILITY = "INCOMPATIBILITY"
    THREATENED = "THREATENED"
    COLLUSION = "COLLUSION"
    LOSS_OF_MOMENTUM = "LOSS_OF_MOMENTUM"
    BEYOND_CONTROL = "BEYOND_CONTROL"
    DISTANT_CUSTODY = "DISTANT_CUSTODY"
    INTENSIVE_PROGRAMME = "INTENSIVE_PROGRAMME"
    ACUTE_CAPACITY = "ACUTE_CAPACITY"
    RELEASED = "RELEASED"
    TRANSFERRED = "TRANSFERRED"
    INTERVENTION_ENDED = "INTERVENTION_ENDED"
    ALLOCATION = "ALLOCATION"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamChangeMessage:
    """A change of the Offender Management Team (R-MSG-06, R-CON-01, R-CON-03)."""

    action: TeamChangeAction
    role: Role | None = None
    organisation: OrganisationId | None = None
    person: str | None = None
    person_name: str | None = None
    person_phone: str | None = None
    person_email: str | None = None
    grade: str | None = None
    referral: str | None = None
    effective_at: Instant | None = None
    reason: TeamChangeReason | None = None
    authorised_by: str | None = None
    authorised_role: Role | None = None
    handover_until: Instant | None = None
    handover_meeting_at: Instant | None = None
    conference_at: Instant | None = None
    outgoing_person: str | None = None
    note: str | None = None
