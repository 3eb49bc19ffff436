"""Partitions the projector cannot go on with: it writes them down, whoever looks after the hub reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

_STOPPED: LiteralString = """
INSERT INTO projector_stopped (topic, partition, code) VALUES (%(topic)s, %(partition)s, %(code)s)
ON CONFLICT (topic, partition) DO UPDATE SET code = excluded.code
"""
_MOVING: LiteralString = """
DELETE FROM projector_stopped AS stopped USING unnest(%s::text[], %s::integer[]) AS moving (topic, partition)
 WHERE stopped.topic = moving.topic AND stopped.partition = moving.partition
RETURNING stopped.partition
"""
_OPEN_AGAIN: LiteralString = """
UPDATE delivery SET announced = pg_current_xact_id()::text::bigint
 WHERE partition = ANY(%s) AND state IN ('available', 'fetched') AND verdict IS NULL AND NOT held
"""
"""While it stood still nothing of it was open, and whoever follows a mailbox has passed it over."""

_RESTORED: LiteralString = """
UPDATE delivery SET announced = pg_current_xact_id()::text::bigint
 WHERE state IN ('available', 'fetched') AND announced > pg_current_xact_id()::text::bigint
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """A partition that stands still: nothing written to it since has reached the database."""

    topic: str
    partition: int
    code: str
    """Why its next record could not be applied, e.g. KEY-UNKNOWN."""
    since: datetime


async def standstills(connection: AsyncConnection) -> list[Standstill]:
    """Return the partitions that stand still, longest first."""
    cursor = connection.cursor(row_factory=class_row(Standstill))
    await cursor.execute(
        "SELECT topic, partition, code, since FROM projector_stopped ORDER BY since, topic, partition"
    )
    return await cursor.fetchall()


async def stands_still(connection: AsyncConnection, *, topic: str, partition: int, code: str) -> None:
    """Write down that a partition stands still; since when, the first to say so said."""
    await connection.execute(_STOPPED, {"topic": topic, "partition": partition, "code": code})


async def moves_again(connection: AsyncConnection, partitions: Sequence[tuple[str, int]]) -> None:
    """Strike out partitions that have moved; what is open of them again is announced again."""
    cursor = await connection.execute(
        _MOVING, ([topic for topic, _ in partitions], [number for _, number in partitions])
    )
    moved = [row[0] for row in await cursor.fetchall()]
    if moved:
        await connection.execute(_OPEN_AGAIN, (moved,))


async def announce_restored(connection: AsyncConnection) -> None:
    """Announce again what was announced in a database that counted further than this one has come.

    It was restored from a backup into another server: whoever follows a mailbox would else not be told of it
    before this one has counted as far.
    """
    await connection.execute(_RESTORED)
