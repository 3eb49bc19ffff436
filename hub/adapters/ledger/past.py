"""Past decisions with what they looked at, and the world as the projection has it now, for staff who ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.rows import dict_row

from hub.messages.envelope import Control
from hub.messages.identifiers import CaseRef, Instant, MessageId
from hub.topics.codec import SEALED
from hub.topics.evidence import Evidence
from hub.topics.tables import RouterView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg import AsyncConnection

    from hub.topics.codec import Codec
    from hub.topics.evidence import Entered

REFERENCE_LENGTH_MIN = 8
_NAMED: tuple[LiteralString, ...] = (
    "SELECT * FROM ledger WHERE decision_id = %(reference)s",
    """
    SELECT l.* FROM delivery d JOIN ledger l USING (message_id, organisation, role)
     WHERE d.delivery_id = %(reference)s AND l.delivery_id = d.delivery_id
     ORDER BY l.decided_at, l.partition, l."offset", l.decision_id
    """,
    """
    SELECT * FROM ledger WHERE message_id = %(reference)s
     ORDER BY decided_at, partition, "offset", organisation, role, decision_id LIMIT %(limit)s
    """,
    """
    SELECT * FROM ledger
     WHERE length(%(reference)s) >= %(least)s AND starts_with(decision_id, %(reference)s)
     ORDER BY decided_at, partition, "offset", decision_id LIMIT %(limit)s
    """,
)
"""How a reference is looked for, in this order: each is quick but for the last."""
_OF_RECORD: LiteralString = """
SELECT * FROM ledger WHERE partition = %(partition)s AND "offset" = %(offset)s ORDER BY decision_id
"""
_PLACE: LiteralString = """
SELECT partition, "offset", case_ref FROM ledger WHERE message_id = %(message)s
 ORDER BY decided_at, "offset" LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caused:
    """Which record of hub.intake a message's decisions came from, and on which case."""

    partition: int
    offset: int
    case: CaseRef


async def decisions_named(
    connection: AsyncConnection, reference: str, *, codec: Codec, limit: int = 100
) -> list[Entered]:
    """Return the decisions of this id: their own, its beginning, that of the delivery or of the message."""
    values = {"reference": reference, "least": REFERENCE_LENGTH_MIN, "limit": limit}
    for statement in _NAMED:
        found = await _entered(connection, statement, values, codec)
        if found:
            return found
    return []


async def decisions_of(
    connection: AsyncConnection, *, partition: int, offset: int, codec: Codec
) -> list[Entered]:
    """Return every decision that came from one record of hub.intake."""
    return await _entered(connection, _OF_RECORD, {"partition": partition, "offset": offset}, codec)


async def record_of(connection: AsyncConnection, message: str) -> Caused | None:
    """Return the record a message was first decided by, or None if it never was."""
    cursor = await connection.execute(_PLACE, {"message": message})
    row = await cursor.fetchone()
    return None if row is None else Caused(partition=row[0], offset=row[1], case=CaseRef(row[2]))


async def world_now(
    connection: AsyncConnection, *, codec: Codec, cases: Iterable[CaseRef], messages: Iterable[str] = ()
) -> RouterView:
    """Return the world as a router would see it now, with these cases and the senders of these messages."""
    view = RouterView(codec=codec, contracts=codec.library)
    cursor = await connection.execute("SELECT kind, name, body, control_id FROM control")
    for kind, name, body, control_id in await cursor.fetchall():
        control = Control(
            control_id=MessageId(control_id), kind=kind, name=name, effective_at=Instant(0), body=body
        )
        view.control.restore(f"{kind}/{name}".encode(), codec.control_bytes(control))
    cursor = await connection.execute(
        "SELECT case_ref, key_id, nonce, box FROM case_state WHERE case_ref = ANY(%s)", ([*cases],)
    )
    for case_ref, key_id, nonce, box in await cursor.fetchall():
        sealed = codec.framed(SEALED, {"key_id": key_id, "nonce": nonce, "box": box})
        view.cases.restore(case_ref.encode(), sealed)
    cursor = await connection.execute(
        "SELECT message_id, organisation, message, contract FROM submission"
        " WHERE state = 'routed' AND organisation IS NOT NULL AND message_id = ANY(%s)",
        ([*messages],),
    )
    for message_id, *sent in await cursor.fetchall():
        # The digest is not projected; nobody asks for it of a message that is only named.
        view.seen_table.restore(message_id.encode(), " ".join(("-", *map(str, sent))).encode())
    return view


async def releases(connection: AsyncConnection) -> list[dict[str, Any]]:
    """Return the policy releases the projection holds: the one in force, and whichever are kept."""
    cursor = await connection.execute("SELECT body FROM control WHERE kind = 'policy' ORDER BY name")
    return [row[0] for row in await cursor.fetchall()]


async def parties(connection: AsyncConnection) -> list[str]:
    """Return the organisations in force, by name; each knows cases and messages by names of its own."""
    cursor = await connection.execute("SELECT name FROM control WHERE kind = 'organisation' ORDER BY name")
    return [str(row[0]) for row in await cursor.fetchall()]


async def _entered(
    connection: AsyncConnection, statement: LiteralString, values: dict[str, object], codec: Codec
) -> list[Entered]:
    evidence = Evidence(codec)
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(statement, values)
    return [
        evidence.entered(row | {"decided_at": _instant(row["decided_at"])}) for row in await cursor.fetchall()
    ]


def _instant(moment: datetime) -> Instant:
    return Instant(round(moment.timestamp() * 1000))
