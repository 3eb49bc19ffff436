"""The enforcement message as the model sees it; schemas/enforcement says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.identifiers import Instant


class EnforcementAction(StrEnum):
    """Which step it is."""

    REPORTED = "REPORTED"
    DECISION = "DECISION"
    PROCEEDINGS = "PROCEEDINGS"
    OUTCOME = "OUTCOME"


class EnforcementDecision(StrEnum):
    """What the Offender Manager decided."""

    NO_ACTION = "NO_ACTION"
    WARNING = "WARNING"
    FINAL_WARNING = "FINAL_WARNING"
    BREACH = "BREACH"
    RECALL = "RECALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementMessage:
    """Enforcement of a requirement (R-MSG-08, R-ADM-05)."""

    enforcement: str
    action: EnforcementAction
    decision: EnforcementDecision | None = None
    referral: str | None = None
    breach_of: str | None = None
    happened_at: Instant | None = None
    court: str | None = None
    hearing_at: Instant | None = None
    outcome: str | None = None
    note: str | None = None
