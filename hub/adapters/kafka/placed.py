"""Where a record of the log stands: what everything that follows from it is written with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.adapters.kafka.transaction import Outgoing
from hub.messages.envelope import Entry, MessageName, Submission

if TYPE_CHECKING:
    from hub.messages.identifiers import Instant, MessageId
    from hub.topics.codec import Encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One record of hub.intake: what it is, where it stands, when it is taken to happen."""

    entry: Entry
    original: bytes
    record_id: MessageId
    partition: int
    offset: int
    now: Instant

    @property
    def receipt(self) -> Submission | None:
        """The receipt this record is, if it is one."""
        if isinstance(self.entry, Submission) and self.entry.envelope.message is MessageName.RECEIPT:
            return self.entry
        return None

    def outgoing(self, topic: str, partition: int, encoded: Encoded) -> Outgoing:
        """Return a record that follows from this one."""
        return Outgoing(
            topic=topic,
            partition=partition,
            key=encoded.key,
            value=encoded.value,
            headers=encoded.headers,
            origin=self.offset,
        )
