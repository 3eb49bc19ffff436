"""The assessment message as the model sees it; schemas/assessment says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.envelope import Role
from hub.messages.vocabulary import LikelihoodBand, Need, RoshLevel


class AssessmentKind(StrEnum):
    """Full OASys, a supplementary one, or the Core Screen after reception in Scotland."""

    OASYS = "OASYS"
    SUPPLEMENTARY = "SUPPLEMENTARY"
    CORE_SCREEN = "CORE_SCREEN"


class Severity(StrEnum):
    """How grave it is."""

    SEVERE = "SEVERE"
    SIGNIFICANT = "SIGNIFICANT"
    SOME = "SOME"
    NONE = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessedNeed:
    """One need related to offending."""

    need: Need
    severity: Severity | None = None
    linked_to_harm: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentMessage:
    """What an assessment found (R-MSG-14)."""

    assessment: str
    kind: AssessmentKind | None = None
    as_at: int | None = None
    made_by_role: Role | None = None
    needs: tuple[AssessedNeed, ...] = ()
    rosh_level: RoshLevel | None = None
    rosh_summary: str | None = None
    likelihood_band: LikelihoodBand | None = None
    likelihood_score: float | None = None
    likelihood_score_band: str | None = None
    vulnerability: str | None = None
    offence_analysis: str | None = None
    victim_impact: str | None = None
    strengths: str | None = None
    source_note: str | None = None
