"""What a recipient says of its delivery by a receipt: noted as what happened to it (R-MSG-11, R-DEL-02).

A receipt comes by HTTP or Kafka and is taken by the router like any message; here it meets the delivery it
names. Only the organisation the delivery is for can say anything of it, on its case. The right digest
acknowledges (L3), also where it says that it was read or acted on; without it nothing leaves the mailbox, but
somebody has answered, and the delivery is not reported as late. A refusal takes it out of the mailbox as one
said there does. Read again, a receipt changes nothing: its events have ids that follow from its own.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, LiteralString

import structlog
from psycopg.rows import dict_row

from hub.adapters.database.handing_over import Channel, Happened, Said, event_of, note_said
from hub.cases.acknowledgements import TAKEN_IN
from hub.messages.read import read
from hub.messages.receipt import ReceiptLevel, ReceiptMessage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from psycopg import AsyncConnection

    from hub.topics.codec import Codec
    from hub.topics.dispatch import Outbox

SAID: LiteralString = """
SELECT said.place, d.delivery_id, encode(d.digest, 'hex') AS digest
  FROM unnest(%(delivery)s::text[], %(organisation)s::text[], %(case_ref)s::text[], %(event_id)s::text[],
              %(proof_id)s::text[])
       WITH ORDINALITY AS said (delivery_id, organisation, case_ref, event_id, proof_id, place)
  JOIN delivery d USING (delivery_id, organisation)
 WHERE (d.case_ref = said.case_ref
        OR said.case_ref IN (
            WITH RECURSIVE carried_on (case_ref) AS (
                SELECT into_ref FROM merged_case WHERE case_ref = d.case_ref
                UNION SELECT m.into_ref FROM merged_case m JOIN carried_on c USING (case_ref))
            SELECT case_ref FROM carried_on))
   AND NOT EXISTS (SELECT 1 FROM delivery_event e WHERE e.event_id IN (said.event_id, said.proof_id))
 ORDER BY d.cursor FOR NO KEY UPDATE OF d
"""
"""The deliveries that receipts not noted yet speak of, locked: on their case, or where it is carried on."""
_ACKNOWLEDGED: LiteralString = """
UPDATE delivery SET state = 'acknowledged', acknowledged_at = now(), leased_by = NULL, leased_until = NULL
 WHERE delivery_id = ANY(%s)
   AND (state = 'expired' AND sequence IS NOT NULL AND verdict IS NULL
        OR NOT finished AND delivery_is_open(delivery) AND NOT delivery_is_out_of_date(delivery))
RETURNING delivery_id
"""
"""As the mailbox takes it: what is held is decided first, and what has expired must once have left."""
_REFUSED: LiteralString = """
UPDATE delivery SET state = 'refused', leased_by = NULL, leased_until = NULL
 WHERE delivery_id = ANY(%s)
   AND NOT finished AND delivery_is_open(delivery) AND NOT delivery_is_out_of_date(delivery)
   AND NOT EXISTS (SELECT 1 FROM delivery_event e
                    WHERE e.delivery_id = delivery.delivery_id AND e.kind IN ('read', 'actioned'))
"""
"""Whoever has read it, or acted on it, cannot take that back."""
_SAYS = {
    ReceiptLevel.FETCHED: Happened.FETCHED,
    ReceiptLevel.ACKNOWLEDGED: Happened.CONFIRMED,
    ReceiptLevel.READ: Happened.READ,
    ReceiptLevel.ACTIONED: Happened.ACTIONED,
    ReceiptLevel.REFUSED: Happened.REFUSED,
}
_COLUMNS = ("delivery", "organisation", "case_ref", "event_id", "proof_id")
_LOG = structlog.get_logger()


def said_by(codec: Codec, outbox: Outbox, original: bytes) -> dict[str, object]:
    """Return what a receipt says of which delivery, as the outbox has it; its people are not among it."""
    submission = codec.submission_from(original)
    receipt = read(submission)
    if not isinstance(receipt, ReceiptMessage):
        message = "this is not a receipt"
        raise TypeError(message)
    role = receipt.by_role or submission.envelope.author_role
    return {
        "receipt": outbox.message_id,
        "delivery": receipt.delivery,
        "organisation": submission.envelope.organisation,
        "case_ref": outbox.case,
        "level": receipt.level,
        "role": role.value,
        "digest": receipt.digest,
        "event_id": event_of(outbox.message_id, _SAYS[receipt.level]),
        "proof_id": event_of(outbox.message_id, Happened.ACKNOWLEDGED),
    }


async def take_receipts(connection: AsyncConnection, receipts: Sequence[Mapping[str, Any]]) -> None:
    """Note what these receipts say, in the order of the log, the same in however many batches they come."""
    for some in _one_of_each(receipts):
        await _take(connection, some)


def _one_of_each(receipts: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Return the first receipt of every delivery, then the second: what one says counts for the next."""
    rounds: list[list[Mapping[str, Any]]] = []
    taken: Counter[str] = Counter()
    for each in receipts:
        if taken[each["delivery"]] == len(rounds):
            rounds.append([])
        rounds[taken[each["delivery"]]].append(each)
        taken[each["delivery"]] += 1
    return rounds


async def _take(connection: AsyncConnection, receipts: Sequence[Mapping[str, Any]]) -> None:
    columns = {name: [each[name] for each in receipts] for name in _COLUMNS}
    cursor = connection.cursor(row_factory=dict_row)
    found = {row["place"]: row for row in await (await cursor.execute(SAID, columns)).fetchall()}
    counted = list(_counted([(receipts[place - 1], row["digest"]) for place, row in sorted(found.items())]))
    proved = [each["delivery"] for each in counted if each["digest"] and each["level"] in TAKEN_IN]
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(_ACKNOWLEDGED, (proved,))
    acknowledged = {row["delivery_id"] for row in await cursor.fetchall()}
    refused = [each["delivery"] for each in counted if each["level"] is ReceiptLevel.REFUSED]
    await connection.execute(_REFUSED, (refused,))
    said = [one for each in counted for one in _said(each, acknowledged)]
    await note_said(connection, said, Channel.RECEIPT)


def _counted(found: Sequence[tuple[Mapping[str, Any], str]]) -> Iterator[Mapping[str, Any]]:
    """Yield what counts: who names another digest speaks of something the hub did not send."""
    for receipt, digest in found:
        if receipt["digest"] in {None, digest}:
            yield receipt
        else:
            _LOG.warning("receipts.other_digest", delivery_id=receipt["delivery"], receipt=receipt["receipt"])


def _said(receipt: Mapping[str, Any], acknowledged: Collection[str]) -> Iterator[Said]:
    """Yield what happened by a receipt: what it proves, and what it says beyond that."""
    proved = bool(receipt["digest"]) and receipt["level"] in TAKEN_IN and receipt["delivery"] in acknowledged
    happened = [Happened.ACKNOWLEDGED] if proved else []
    if not proved or receipt["level"] is not ReceiptLevel.ACKNOWLEDGED:
        happened.append(_SAYS[receipt["level"]])
    for each in happened:
        yield Said(
            receipt=receipt["receipt"], delivery=receipt["delivery"], happened=each, role=receipt["role"]
        )
