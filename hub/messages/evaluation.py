"""The evaluation message as the model sees it; schemas/evaluation says what each field means."""

from dataclasses import dataclass

from hub.messages.identifiers import OrganisationId
from hub.messages.vocabulary import Achievement


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveOutcome:
    """What came of one objective."""

    objective: str
    organisation: OrganisationId | None = None
    achieved: Achievement | None = None
    feedback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationMessage:
    """An evaluation at the end of a case (R-MSG-10)."""

    evaluation: str
    outcomes: tuple[ObjectiveOutcome, ...] = ()
    summary: str | None = None
