"""What came of the day, as seen from outside: answers, deliveries, and the staff's quarantine list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """Where a delivery was read back from."""

    MAILBOX = "mailbox"
    KAFKA = "kafka"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One delivery as one recipient has it: headers, payload as JSON, and the bytes it came in."""

    organisation: str
    channel: Channel
    headers: Mapping[str, str]
    payload: Mapping[str, object]
    raw: bytes

    @property
    def delivery(self) -> str:
        """Delivery id, the same on every channel."""
        return self.headers["ce_id"]

    @property
    def message(self) -> str:
        """Message name, without the prefix."""
        return self.headers["ce_type"].removeprefix("hub.")

    @property
    def recipient(self) -> str:
        """Organisation and role, as the expectations write it."""
        return f"{self.organisation}/{self.headers['hub-role']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the sender of one step was told, at the door and when it asked again."""

    status: int | None
    """HTTP status; None where the step went in by Kafka."""
    body: Mapping[str, object]
    state: str | None
    """What the sender reads when it follows its message; None where there is nothing to follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """One line of the quarantine, for staff."""

    organisation: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All of it together."""

    answers: Mapping[str, Answered]
    """By step name."""
    received: tuple[Received, ...]
    """In the order each channel gave them."""
    quarantine: tuple[SetAside, ...]
    cases: Mapping[str, frozenset[str]]
    """Person key to the pairwise references under which organisations know the case."""
