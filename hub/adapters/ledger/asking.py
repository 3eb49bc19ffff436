"""Asks the router to decide again on what is held: the projector knows that, and decides nothing itself.

One process asks at a time. It marks a request only once the log has it, so that a crash in between makes it
ask twice, which harms nothing: a verdict on what is settled already changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, LiteralString

import psycopg
import structlog
from psycopg.rows import class_row
from psycopg_pool import PoolTimeout

from hub.adapters.database.alone import FORGET_LOCK
from hub.adapters.ledger.holding import hold_past
from hub.adapters.ledger.limits import ProjectorLimits
from hub.adapters.ledger.requesting import HeldRow, Requests
from hub.errors import HubError

if TYPE_CHECKING:
    from hub.adapters.database.pool import Pool
    from hub.adapters.ledger.requesting import Append
    from hub.topics.codec import Codec

ASK_LOCK = 0x4153_4B21
"""Advisory lock of whoever asks."""
_DOUBLINGS_MAX = 10
_LOG = structlog.get_logger()

_TO_ASK: LiteralString = """
SELECT d.delivery_id, d.message_id, d.organisation, d.role, d.holds, d.key_id, d.grounds_nonce, d.grounds_box,
       o.key_id AS original_key, o.nonce AS original_nonce, o.box AS original_box,
       l.fields, l.caveats, l.contract, d.by_kafka, d.taken_back, d.finished
  FROM delivery d JOIN original o USING (message_id) JOIN ledger l ON l.decision_id = d.decision_id
 WHERE d.held AND d.verdict IS NULL AND (NOT d.finished OR d.by_kafka) AND d.grounds_box IS NOT NULL
   AND (d.asked_at IS NULL OR d.asked_at < now() - make_interval(
            secs => %(again_s)s * power(2, least(d.asks, %(doublings)s))))
 ORDER BY d.asked_at NULLS FIRST, d.cursor LIMIT %(limit)s
"""
_ASKED: LiteralString = """
UPDATE delivery AS d SET asked_at = now(), asks = d.asks + 1
  FROM unnest(%s::text[], %s::integer[]) AS asked (delivery_id, holds)
 WHERE d.delivery_id = asked.delivery_id AND d.holds = asked.holds
"""
_FORGET: LiteralString = """
WITH looked AS (
    SELECT message_id FROM original WHERE look_at <= now() ORDER BY look_at LIMIT %(limit)s
), needed AS (
    SELECT message_id,
           max(greatest(CASE WHEN d.finished THEN coalesce(d.finished_at, d.available_at) ELSE now() END
                        + make_interval(days => %(days)s),
                        CASE WHEN d.by_kafka THEN d.available_at + interval '8 days' END)) AS until
      FROM looked JOIN delivery d USING (message_id) WHERE d.verdict IS NULL GROUP BY message_id
), later AS (
    UPDATE original o SET look_at = needed.until FROM needed
     WHERE o.message_id = needed.message_id AND needed.until > now()
), forgotten AS (
    DELETE FROM original o USING looked
     WHERE o.message_id = looked.message_id
       AND NOT EXISTS (SELECT 1 FROM needed WHERE needed.message_id = looked.message_id AND until > now())
)
SELECT count(*) FROM looked
"""
"""What somebody is not done with yet is needed for all the days from now at the least."""


class Asker:
    """Runs beside the projector."""

    def __init__(
        self, *, pool: Pool, codec: Codec, append: Append, limits: ProjectorLimits | None = None
    ) -> None:
        """Read from this pool, ask through `append`."""
        self._pool = pool
        self._limits = limits or ProjectorLimits()
        self._requests = Requests(codec=codec, append=append, limits=self._limits)
        self._forget_after_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until told to stop; what fails is tried again, with growing pauses."""
        limits, failures = self._limits, 0
        while not stop.is_set():
            pause_s = limits.ask_interval_ms / 1000
            try:
                if await self.ask() == limits.ask_deliveries_max:
                    pause_s = 0.0
                await self._forget()
            except (psycopg.Error, PoolTimeout, HubError) as error:
                failures += 1
                pause_s = min(limits.retry_delay_s * 2 ** min(failures, 16), limits.retry_delay_s_max)
                _LOG.warning("asking.retries", error=type(error).__name__, failures=failures)
            else:
                failures = 0
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)

    async def ask(self) -> int:
        """Hold what time has made doubtful, and ask about what is held; returns of how many deliveries.

        Raises:
            Unreachable: The log did not take a request; nothing is marked, all is asked again.
        """
        limits = self._limits
        async with self._pool.connection() as connection, connection.transaction():
            locked = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (ASK_LOCK,))
            if not ((await locked.fetchone()) or (False,))[0]:
                return 0
            await hold_past(connection, interval_s=limits.ask_interval_ms / 1000)
            cursor = connection.cursor(row_factory=class_row(HeldRow))
            values = {
                "again_s": limits.ask_again_s,
                "doublings": _DOUBLINGS_MAX,
                "limit": limits.ask_deliveries_max,
            }
            rows = await (await cursor.execute(_TO_ASK, values)).fetchall()
            if rows:
                await self._requests.post(rows)
                marks = ([row.delivery_id for row in rows], [row.holds for row in rows])
                await connection.execute(_ASKED, marks)
            return len(rows)

    async def _forget(self) -> None:
        """Forget whole messages all are done with for days: they were kept to be decided on again."""
        if time.monotonic() < self._forget_after_s:
            return
        values = {"limit": self._limits.forget_originals_max, "days": self._limits.redelivery_days}
        looked = 0
        async with self._pool.connection() as connection, connection.transaction():
            locked = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (FORGET_LOCK,))
            if ((await locked.fetchone()) or (False,))[0]:
                found = await (await connection.execute(_FORGET, values)).fetchone()
                looked = 0 if found is None else int(found[0])
        if looked < self._limits.forget_originals_max:
            self._forget_after_s = time.monotonic() + self._limits.forget_interval_s
