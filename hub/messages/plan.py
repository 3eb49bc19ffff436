"""The plan message as the model sees it; schemas/plan says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.envelope import Role
from hub.messages.identifiers import OrganisationId
from hub.messages.vocabulary import Need


class SentencingPurpose(StrEnum):
    """Which of the five purposes of sentencing it serves."""

    PUNISHMENT = "PUNISHMENT"
    CRIME_REDUCTION = "CRIME_REDUCTION"
    REFORM = "REFORM"
    PUBLIC_PROTECTION = "PUBLIC_PROTECTION"
    REPARATION = "REPARATION"


class ObjectiveStatus(StrEnum):
    """How far it is."""

    PLANNED = "PLANNED"
    IN_PROGRESS = "IN_PROGRESS"
    ACHIEVED = "ACHIEVED"
    NOT_ACHIEVED = "NOT_ACHIEVED"
    DROPPED = "DROPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanObjective:
    """One objective, and who is responsible for it."""

    objective: str
    title: str | None = None
    purpose: SentencingPurpose | None = None
    need: Need | None = None
    organisation: OrganisationId | None = None
    role: Role | None = None
    responsible: str | None = None
    intervention: str | None = None
    referral: str | None = None
    by: int | None = None
    sequence: int | None = None
    yours: bool | None = None
    """The hub's own mark for a recipient (R-RTE-04)."""
    status: ObjectiveStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMessage:
    """A version of the Sentence Plan (R-MSG-04, R-PLAN-01)."""

    version: int
    previous_version: int | None = None
    change_summary: str | None = None
    change_reason: str | None = None
    objectives: tuple[PlanObjective, ...] = ()
    risk_management: str | None = None
    victim_safety: str | None = None
    sentence_summary: str | None = None
    contingency: str | None = None
