"""What came of the day: answers and deliveries as seen from outside, quarantine and ledger as staff do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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


ByStep = Mapping[str, Mapping[str, list[Received]]]
"""Deliveries by the step they are of, then by recipient."""


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
class Why:
    """Why something was held back from a recipient, in the ledger's words for staff."""

    code: str
    says: str

    def __str__(self) -> str:
        """The code for those who look it up, the words for those who read."""
        return f"{self.code}: {self.says}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One field that went, exactly or in general: of which class, on which legal basis."""

    path: str
    """As the contract writes it: `objectives[].title`."""
    information_class: str
    basis: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the ledger holds on one candidate recipient of one message."""

    message: str
    """The hub's own id of the message, for putting judgements of one message together."""
    delivery: str | None
    """None: nothing was delivered to this candidate."""
    recipient: str
    gate: Why | None
    fields: Mapping[str, Why]
    """By path, why each field is as it is."""
    general: frozenset[str]
    """Paths that went in their general form only."""
    delivers: bool
    grounds: tuple[Ground, ...]
    """One per field and scope that went; empty where nothing was delivered."""
    place: int | None
    """Place of the delivery in the order in which the hub handed them over."""


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
    sent: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """By step name, the payload as it was really sent, where it names what the hub gave out."""
    judgements: tuple[Judgement, ...] = ()
    """The disclosure ledger, as staff read it."""
