"""The risk-change message as the model sees it; schemas/risk-change says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.envelope import Role
from hub.messages.identifiers import Instant
from hub.messages.vocabulary import LikelihoodBand, RoshLevel


class RiskChangeKind(StrEnum):
    """What changed."""

    ROSH = "ROSH"
    REOFFENDING = "REOFFENDING"
    FACTOR = "FACTOR"
    VULNERABILITY = "VULNERABILITY"
    MAPPA = "MAPPA"
    PPO = "PPO"


class RiskUrgency(StrEnum):
    """How soon somebody must act."""

    IMMEDIATE = "IMMEDIATE"
    SAME_DAY = "SAME_DAY"
    ROUTINE = "ROUTINE"


class AtRisk(StrEnum):
    """Who is at risk."""

    CHILDREN = "CHILDREN"
    PUBLIC = "PUBLIC"
    KNOWN_ADULT = "KNOWN_ADULT"
    STAFF = "STAFF"
    PRISONERS = "PRISONERS"


class FactorChange(StrEnum):
    """How it changed."""

    NEW = "NEW"
    INCREASED = "INCREASED"
    REDUCED = "REDUCED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskChangeMessage:
    """A change in risk (R-MSG-03)."""

    kind: RiskChangeKind
    urgency: RiskUrgency | None = None
    observed_at: Instant | None = None
    observed_by_role: Role | None = None
    rosh_level: RoshLevel | None = None
    rosh_previous: RoshLevel | None = None
    at_risk: tuple[AtRisk, ...] = ()
    factor: str | None = None
    factor_change: FactorChange | None = None
    reoffending_band: LikelihoodBand | None = None
    reoffending_score: float | None = None
    reoffending_score_band: str | None = None
    mappa_category: int | None = None
    mappa_level: int | None = None
    ppo: bool | None = None
    summary: str | None = None
    staff_safety: str | None = None
    vulnerability_note: str | None = None
    victim_name: str | None = None
    victim_contact: str | None = None
    third_party_name: str | None = None
    intelligence: str | None = None
