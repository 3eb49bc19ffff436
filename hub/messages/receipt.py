"""The receipt message as the model sees it; schemas/receipt says what each field means."""

from dataclasses import dataclass
from enum import StrEnum

from hub.messages.envelope import Role
from hub.messages.identifiers import DeliveryId, Instant


class ReceiptLevel(StrEnum):
    """How far it got."""

    FETCHED = "FETCHED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    READ = "READ"
    ACTIONED = "ACTIONED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptMessage:
    """What became of a delivery (R-MSG-11)."""

    delivery: DeliveryId
    level: ReceiptLevel
    by_role: Role | None = None
    by_person: str | None = None
    at: Instant | None = None
    digest: str | None = None
    reason: str | None = None
