"""The correction message as the model sees it; schemas/correction says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.identifiers import MessageId


class CorrectionAction(StrEnum):
    """What is done with it."""

    CORRECT = "CORRECT"
    RETRACT = "RETRACT"
    RESTRICT = "RESTRICT"
    ERASE = "ERASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionMessage:
    """A correction of an earlier message (R-MSG-16, R-DIS-10)."""

    corrects: MessageId
    action: CorrectionAction
    fields: tuple[str, ...] = ()
    reason: str | None = None
    replacement: str | None = None
