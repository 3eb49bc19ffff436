"""Who had a message that was corrected, who was told so, in which terms, and who has confirmed it (R-DIS-10).

What corrects which message, and which receipt speaks of which notice, stands in the deliveries alone: those
of the case are opened for whoever asks, and only names of fields are told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.rows import class_row

from hub.adapters.ledger.given import opened
from hub.cases.acknowledgements import TAKEN_IN
from hub.errors import NotReadable
from hub.messages.envelope import MessageName
from hub.messages.identifiers import CaseRef, OrganisationId
from hub.messages.receipt import ReceiptLevel
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from psycopg import AsyncConnection

    from hub.cases.case import Awaited
    from hub.topics.codec import Codec

    Payload = Mapping[str, Any]

_OF_CASE: LiteralString = """
SELECT d.delivery_id, d.message_id, d.organisation, d.role, d.message, d.state, d.verdict, d.by_kafka,
       d.taken_back IS NOT NULL AS taken_back, d.available_at, d.fetched_at, d.acknowledged_at
  FROM delivery d
 WHERE d.case_ref = (SELECT case_ref FROM ledger WHERE message_id = %(message)s LIMIT 1)
   AND (d.message_id = %(message)s OR d.message IN ('correction', 'receipt'))
 ORDER BY d.cursor DESC LIMIT %(limit)s
"""
_CASE: LiteralString = """
SELECT case_ref, key_id, nonce, box FROM case_state
 WHERE case_ref = (SELECT case_ref FROM ledger WHERE message_id = %s LIMIT 1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    delivery_id: str
    message_id: str
    organisation: str
    role: str
    message: str
    state: str
    verdict: str | None
    by_kafka: bool
    taken_back: bool
    available_at: datetime
    fetched_at: datetime | None
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One correction as one recipient was told of it."""

    delivery_id: str
    at: datetime
    action: str | None
    fields: tuple[str, ...]
    """What it was told is wrong; none: the whole message, or it may not know which."""
    terms: tuple[str, ...]
    """Which fields of the correction it was given."""
    standing: str
    """confirmed, refused, escalated, unconfirmed, or stopped."""
    since: datetime | None
    """When that was said; for what is awaited, until when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Had:
    """One recipient of the message that was corrected."""

    organisation: str
    role: str
    delivery_id: str
    at: datetime
    way: str
    """How far it had come."""
    taken_back: bool
    """Whether it was taken back from its Kafka topic."""
    notices: tuple[Notice, ...] = field(default=())


async def confirmations(
    connection: AsyncConnection, codec: Codec, message_id: str, *, limit: int = 5_000
) -> list[Had]:
    """Return everybody to whom the message had come, with the notices they were given of its corrections."""
    cursor = connection.cursor(row_factory=class_row(_Row))
    rows = await (await cursor.execute(_OF_CASE, {"message": message_id, "limit": limit})).fetchall()
    said = await opened(connection, codec, [row.delivery_id for row in rows if row.message_id != message_id])
    corrections = [row for row in rows if _corrects(row, said, codec) == message_id]
    confirmed = _confirmed(rows, said)
    awaited = await _awaited(connection, codec, message_id)
    told: dict[tuple[str, str], list[Notice]] = {}
    for row in corrections:
        notice = _notice(row, said[row.delivery_id], confirmed.get(row.delivery_id), awaited)
        told.setdefault((row.organisation, row.role), []).append(notice)
    had = (row for row in rows if row.message_id == message_id and (row.verdict is None or _had(row)))
    return [
        Had(
            organisation=row.organisation,
            role=row.role,
            delivery_id=row.delivery_id,
            at=row.acknowledged_at or row.fetched_at or row.available_at,
            way=_way(row),
            taken_back=row.by_kafka and row.verdict is not None,
            notices=tuple(told.get((row.organisation, row.role), ())),
        )
        for row in had
    ]


def _had(row: _Row) -> bool:
    return row.by_kafka or row.fetched_at is not None or row.acknowledged_at is not None


def _way(row: _Row) -> str:
    if row.acknowledged_at is not None:
        return "acknowledged"
    if row.fetched_at is not None:
        return "fetched"
    return "sent by Kafka" if row.by_kafka else "waits"


def _corrects(row: _Row, said: Mapping[str, Payload], codec: Codec) -> str | None:
    """Return which message a notice corrects, its reference read as its recipient has it."""
    found = said.get(row.delivery_id)
    if row.message != MessageName.CORRECTION.value or found is None:
        return None
    try:
        reference = str(found.get("corrects"))
        return codec.pairwise.message_from(OrganisationId(row.organisation), reference)
    except NotReadable:
        return None


def _confirmed(rows: Iterable[_Row], said: Mapping[str, Payload]) -> dict[str, tuple[str, datetime]]:
    """Return by delivery what its recipient's receipt says, as those who manage the case were told of it."""
    found: dict[str, tuple[str, datetime]] = {}
    for row in rows:
        receipt = said.get(row.delivery_id)
        if row.message != MessageName.RECEIPT.value or receipt is None:
            continue
        level = str(receipt.get("level"))
        if level == ReceiptLevel.REFUSED.value or level in {each.value for each in TAKEN_IN}:
            word = "refused" if level == ReceiptLevel.REFUSED.value else "confirmed"
            found[str(receipt.get("delivery"))] = (word, row.available_at)
    return found


async def _awaited(connection: AsyncConnection, codec: Codec, message_id: str) -> dict[str, Awaited]:
    row = await (await connection.execute(_CASE, (message_id,))).fetchone()
    if row is None:
        return {}
    ref, key_id, nonce, box = row
    sealed = Sealed(key_id=key_id, nonce=bytes(nonce), box=bytes(box))
    return {each.delivery: each for each in codec.case_opened(CaseRef(ref), sealed).awaiting}


def _notice(
    row: _Row, said: Payload, receipt: tuple[str, datetime] | None, awaited: Mapping[str, Awaited]
) -> Notice:
    standing, since = _standing(row, receipt, awaited.get(row.delivery_id))
    return Notice(
        delivery_id=row.delivery_id,
        at=row.available_at,
        action=said.get("action"),
        fields=tuple(said.get("fields") or ()),
        terms=tuple(sorted(name for name, value in said.items() if value is not None)),
        standing=standing,
        since=since,
    )


def _standing(
    row: _Row, receipt: tuple[str, datetime] | None, waits: Awaited | None
) -> tuple[str, datetime | None]:
    if receipt is not None:
        return receipt
    if row.acknowledged_at is not None:
        return "confirmed", row.acknowledged_at
    if row.state == "refused":
        return "refused", None
    if row.verdict is not None:
        return "stopped", None
    if waits is None:
        return "unconfirmed", None
    until = datetime.fromtimestamp(waits.due_at / 1000, UTC)
    return ("escalated" if waits.step else "unconfirmed"), until
