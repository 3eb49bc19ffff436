"""What is set aside for staff to see: a record nothing of which is applied, or a delivery left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.messages.envelope import Control, Redecide, Submission, Tick, Unreadable
from hub.messages.identifiers import HUB
from hub.topics.catalogue import QUARANTINE_PARTITIONS, lane_partition
from hub.topics.evidence import SetAside
from hub.topics.leaving import LEFT_IN

if TYPE_CHECKING:
    from hub.adapters.kafka.placed import Placed
    from hub.adapters.kafka.transaction import Outgoing
    from hub.messages.identifiers import DeliveryId, MessageId, OrganisationId
    from hub.routing.outcome import Rejection
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec
    from hub.topics.evidence import Evidence

    Withheld = dict[DeliveryId, tuple[OrganisationId, str]]
    """For whom a delivery was not written, and why."""

WRITE_FAILED = "GUARD-WRITE-FAILED"
"""Gate of a decision whose delivery could not be written by its recipient's contract."""
_MARGIN_BYTES = 10_000


class Quarantine:
    """Writes records of hub.quarantine."""

    def __init__(
        self, *, catalogue: Catalogue, codec: Codec, evidence: Evidence, record_bytes_max: int
    ) -> None:
        """Write into this catalogue's topic, originals no larger than a record may be."""
        self._topic = catalogue.quarantine
        self._codec = codec
        self._evidence = evidence
        self._record_bytes_max = record_bytes_max

    def aside(self, place: Placed, code: str, detail: str) -> Outgoing:
        """Set the record aside without anything it might have caused."""
        match place.entry:
            case Submission(envelope=envelope):
                return self._record(place, (code, detail), envelope.message_id, envelope.organisation)
            case Unreadable(organisation=organisation):
                return self._record(place, (code, detail), None, organisation)
            case Control(control_id=control_id):
                return self._record(place, (code, detail), control_id, HUB)
            case Tick(tick_id=tick_id):
                return self._record(place, (code, detail), tick_id, HUB)
            case Redecide(request_id=request_id):
                return self._record(place, (code, detail), request_id, HUB, replayable=False)

    def rejected(self, place: Placed, rejection: Rejection) -> Outgoing:
        """Set aside what routing refused."""
        message_id, organisation = rejection.message_id, rejection.organisation
        return self._record(place, (rejection.code, rejection.detail), message_id, organisation)

    def not_written(self, place: Placed, withheld: Withheld) -> Outgoing:
        """Let staff see for whom something was not written; the message itself was taken, and stays so."""
        reason = (worst(withheld), f"not written for {names(withheld)}")
        return self._record(place, reason, None, HUB, replayable=False)

    def _record(
        self,
        place: Placed,
        reason: tuple[str, str],
        message_id: MessageId | None,
        organisation: OrganisationId,
        *,
        replayable: bool = True,
    ) -> Outgoing:
        plain = self._codec.as_sent(place.original, place.entry) if replayable else b""
        if len(plain) > self._record_bytes_max - _MARGIN_BYTES:
            plain = b""
        aside = SetAside(
            record_id=place.record_id,
            message_id=message_id,
            organisation=organisation,
            message=place.entry.envelope.message.value if isinstance(place.entry, Submission) else None,
            code=reason[0],
            detail=reason[1],
            original=self._evidence.seal_original(
                plain, organisation=organisation, record_id=place.record_id
            ),
            set_aside_at=place.now,
            partition=place.partition,
            offset=place.offset,
        )
        partition = lane_partition(place.record_id, QUARANTINE_PARTITIONS)
        return place.outgoing(self._topic, partition, self._evidence.quarantine(aside))


def worst(withheld: Withheld) -> str:
    """Return the reason staff must look at first: that something held back nearly left."""
    return LEFT_IN if any(code == LEFT_IN for _, code in withheld.values()) else WRITE_FAILED


def names(withheld: Withheld) -> str:
    """Name those for whom something was not written, each once."""
    return ", ".join(dict.fromkeys(organisation for organisation, _ in withheld.values()))
