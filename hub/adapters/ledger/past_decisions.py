"""Past decisions read back from the ledger with the facts they looked at, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from hub.consent.replay_report import Past
from hub.errors import NotReadable
from hub.messages.envelope import MessageName
from hub.topics.evidence import field_from
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from psycopg import AsyncConnection

    from hub.topics.evidence import Evidence

BATCH_ROWS = 500
"""Decisions fetched at once."""
STATEMENT_TIMEOUT_MS = 600_000
"""Longest that PostgreSQL may take to count the decisions or to find the first of them."""
_SINCE: LiteralString = """
SELECT decision_id, organisation, role, message, contract, policy, delivers, gate, fields, facts_key,
       facts_nonce, facts_box
  FROM ledger
 WHERE decided_at >= %s AND verdict IS NULL
 ORDER BY decided_at, partition, "offset", decision_id
"""
_COUNT: LiteralString = """
SELECT count(*) FILTER (WHERE verdict IS NULL), count(*) FILTER (WHERE verdict IS NOT NULL)
  FROM ledger WHERE decided_at >= %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One decision of the ledger, or why it cannot be made again."""

    past: Past | None
    why: str = ""
    """KEY-ERASED where the key of the person was erased, and with it what the decision looked at."""


async def count_since(connection: AsyncConnection, since: datetime) -> tuple[int, int]:
    """Return how many decisions there are since a moment, and how many besides, made anew on what waited."""
    await connection.execute(
        "SELECT set_config('statement_timeout', %s, false)", (str(STATEMENT_TIMEOUT_MS),)
    )
    cursor = await connection.execute(_COUNT, (since,))
    row = await cursor.fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


async def decisions_since(
    connection: AsyncConnection, since: datetime, evidence: Evidence
) -> AsyncIterator[Opened]:
    """Yield every decision since a moment, the earliest first, all as at one moment."""
    async with connection.transaction(), connection.cursor(name="past_decisions") as cursor:
        cursor.itersize = BATCH_ROWS
        await cursor.execute(_SINCE, (since,))
        async for row in cursor:
            yield _opened(row, evidence)


def _opened(row: tuple[Any, ...], evidence: Evidence) -> Opened:
    """Open the facts of a decision; one on no message that the hub knows was made without any."""
    decision_id, organisation, role, message, contract, policy, delivers, gate, fields, *facts = row
    if message is None or contract is None:
        return Opened(past=None, why="no message")
    sealed = Sealed(key_id=facts[0], nonce=facts[1], box=facts[2])
    try:
        opened = evidence.facts(sealed, decision_id=decision_id)
    except NotReadable as error:
        return Opened(past=None, why=error.code)
    past = Past(
        decision_id=decision_id,
        organisation=organisation,
        role=role,
        message=MessageName(message),
        contract=contract,
        policy=policy,
        delivers=delivers,
        gate=gate,
        fields=tuple(field_from(each) for each in fields),
        facts=opened,
    )
    return Opened(past=past)
