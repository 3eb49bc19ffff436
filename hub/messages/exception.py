"""The exception message as the model sees it; schemas/exception says what each field means."""

from dataclasses import dataclass

from hub.messages.envelope import Role
from hub.messages.identifiers import Instant, MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionMessage:
    """An exception report (R-MSG-11, R-ADM-01)."""

    exception: str
    code: str
    about_message: MessageId | None = None
    due_at: Instant | None = None
    detail: str | None = None
    raised_for_role: Role | None = None
