"""Lets expire what nobody collects, and asks the router to report it, so that a silence is always heard.

What a topic of the recipient's own has carried, what a webhook took and what was fetched is collected; what
is being pushed at this moment may be. What is held, or waits for a suspended organisation, cannot be
collected and does not expire; time before it was last released does not count. A safety message that nobody
has acknowledged is reported after hours, one that a webhook does not bring after minutes; it waits on as long
as any other. One process does this at a time. The request stands in the log before the row says so: a crash
in between makes it ask twice, which makes the same reports. What cannot be reported is neither marked nor
does it expire: it is tried again in the next round, after all others have had their turn.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

import psycopg
import structlog
from psycopg.rows import class_row
from psycopg_pool import PoolTimeout

from hub.adapters.database.handing_over import Channel, Happened, note
from hub.adapters.ledger.limits import ProjectorLimits
from hub.adapters.ledger.requesting import HeldRow, Requests
from hub.errors import HubError
from hub.messages.envelope import Uncollected

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import AsyncConnection

    from hub.adapters.database.pool import Pool

EXPIRE_LOCK = 0x4558_5052
"""Advisory lock of whoever lets expire."""
_FRIDAY = 4
_LOG = structlog.get_logger()

_UNCOLLECTED: LiteralString = """
SELECT available_at, delivery_id FROM delivery
 WHERE state = 'available' AND NOT by_kafka AND available_at < %(before)s
   AND (%(after)s::timestamptz IS NULL OR (available_at, delivery_id) > (%(after)s, %(after_id)s))
   AND coalesce(released_at, available_at) < %(before)s
   AND delivery_is_open(delivery) AND NOT delivery_is_out_of_date(delivery)
   AND EXISTS (SELECT 1 FROM control o WHERE o.kind = 'organisation' AND o.name = delivery.organisation
                  AND o.body->>'standing' = 'active')
   AND NOT EXISTS (SELECT 1 FROM delivery_event e
                    WHERE e.delivery_id = delivery.delivery_id
                      AND (e.kind IN ('confirmed', 'read', 'actioned')
                           OR e.kind = 'fetched' AND e.channel = 'receipt'))
 ORDER BY available_at, delivery_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
"""What its recipient says by a receipt that it has is collected, by whichever way it came to it."""
_UNDER_WAY: LiteralString = """
SELECT delivery_id FROM push
 WHERE delivery_id = ANY(%s) AND state = 'in_flight' AND leased_until >= now()
"""
"""Asked once the deliveries are locked: who claims a push from then on finds its delivery locked, or over."""
_LATE: LiteralString = """
SELECT available_at, delivery_id FROM delivery
 WHERE urgency = 'safety' AND message <> 'exception' AND late_told_at IS NULL
   AND NOT finished AND NOT by_kafka AND verdict IS NULL
   AND available_at < greatest(%(before)s, %(unpushed)s)
   AND (%(after)s::timestamptz IS NULL OR (available_at, delivery_id) > (%(after)s, %(after_id)s))
   AND (coalesce(released_at, available_at) < %(before)s
        OR state = 'available' AND coalesce(released_at, available_at) < %(unpushed)s
           AND EXISTS (SELECT 1 FROM push p WHERE p.delivery_id = delivery.delivery_id
                          AND p.state NOT IN ('delivered', 'cancelled', 'skipped')))
   AND NOT EXISTS (SELECT 1 FROM delivery_event e
                    WHERE e.delivery_id = delivery.delivery_id
                      AND e.kind IN ('confirmed', 'read', 'actioned'))
   AND delivery_is_open(delivery) AND NOT delivery_is_out_of_date(delivery)
   AND EXISTS (SELECT 1 FROM control o WHERE o.kind = 'organisation' AND o.name = delivery.organisation
                  AND o.body->>'standing' = 'active')
 ORDER BY available_at, delivery_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
"""Safety messages nobody has acknowledged in hours, and those a push has not brought in minutes.

It does not matter why: tried in vain, parked, its endpoint paused, no deliverer at work. 2xx and a fetch are
no answer from a person: a proxy says 200 to anything. A receipt is one, with or without a digest. A report is
not reported on: that would have no end.
"""
_ON_WHAT: LiteralString = """
SELECT d.delivery_id, d.message_id, d.organisation, d.role, d.holds, d.key_id, d.grounds_nonce, d.grounds_box,
       o.key_id AS original_key, o.nonce AS original_nonce, o.box AS original_box,
       l.fields, l.caveats, l.contract, d.by_kafka, d.taken_back, d.finished
  FROM delivery d JOIN original o USING (message_id) JOIN ledger l ON l.decision_id = d.decision_id
 WHERE d.delivery_id = ANY(%s) AND d.grounds_box IS NOT NULL ORDER BY d.cursor
"""
_TOLD: LiteralString = "UPDATE delivery SET late_told_at = now() WHERE delivery_id = ANY(%s)"
_EXPIRED: LiteralString = """
UPDATE delivery SET state = 'expired', leased_by = NULL, leased_until = NULL WHERE delivery_id = ANY(%s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long a delivery may wait for somebody to fetch it."""

    working_days: int
    safety_hours: int
    """Until a safety message nobody has acknowledged is reported."""
    unpushed_s: int
    """Until one is that a webhook was to bring and that has not arrived."""


def working_days_before(now: datetime, days: int) -> datetime:
    """Return the moment so many working days earlier; Saturday and Sunday are none, nor do they count."""
    at = now
    while at.weekday() > _FRIDAY:
        # What is asked on a weekend is asked as on the Friday before, at its end.
        at = (at - timedelta(days=1)).replace(hour=23, minute=59, second=59, microsecond=999_999)
    for _ in range(days):
        at -= timedelta(days=1)
        while at.weekday() > _FRIDAY:
            at -= timedelta(days=1)
    return at


class Expirer:
    """Runs beside the projector."""

    def __init__(
        self,
        *,
        pool: Pool,
        requests: Requests,
        waits: Waits,
        now: Callable[[], datetime],
        limits: ProjectorLimits | None = None,
    ) -> None:
        """Read from this pool, report by these requests; `now` is the time deliveries are stamped by."""
        self._pool = pool
        self._requests = requests
        self._waits = waits
        self._now = now
        self._limits = limits or ProjectorLimits()
        self._after: dict[Uncollected, tuple[datetime, str]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until told to stop; what fails is tried again."""
        while not stop.is_set():
            pause_s = self._limits.expire_interval_s
            try:
                if await self.expire() >= self._limits.expire_deliveries_max:
                    pause_s = 0.0
            except (psycopg.Error, PoolTimeout, HubError) as error:
                _LOG.warning("expiring.retries", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)

    async def expire(self) -> int:
        """Report safety messages nobody has acknowledged, let expire what has waited too long.

        Returns of how many, or of the greater of the two numbers, what could not be reported included.

        Raises:
            Unreachable: The log did not take a request; nothing is marked, all is asked again.
        """
        now = self._now()
        late = await self._one(
            Uncollected.LATE,
            before=now - timedelta(hours=self._waits.safety_hours),
            unpushed=now - timedelta(seconds=self._waits.unpushed_s),
        )
        expired = await self._one(
            Uncollected.EXPIRED, before=working_days_before(now, self._waits.working_days)
        )
        return max(late, expired)

    async def _one(self, kind: Uncollected, *, before: datetime, unpushed: datetime | None = None) -> int:
        async with self._pool.connection() as connection, connection.transaction():
            locked = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (EXPIRE_LOCK,))
            if not ((await locked.fetchone()) or (False,))[0]:
                return 0
            after, after_id = self._after.get(kind, (None, ""))
            values = {
                "before": before,
                "after": after,
                "after_id": after_id,
                "unpushed": unpushed,
                "limit": self._limits.expire_deliveries_max,
            }
            late = unpushed is not None
            rows = await (await connection.execute(_LATE if late else _UNCOLLECTED, values)).fetchall()
            found = [str(row[1]) for row in rows]
            if found and not late:
                under_way = set(await (await connection.execute(_UNDER_WAY, (found,))).fetchall())
                found = [each for each in found if (each,) not in under_way]
            if found:
                await self._report(connection, found, kind)
        if len(rows) < self._limits.expire_deliveries_max:
            self._after.pop(kind, None)
        else:
            self._after[kind] = rows[-1]
        return len(rows)

    async def _report(self, connection: AsyncConnection, found: list[str], kind: Uncollected) -> None:
        cursor = connection.cursor(row_factory=class_row(HeldRow))
        rows = await (await cursor.execute(_ON_WHAT, (found,))).fetchall()
        told = await self._requests.post(rows, uncollected=kind)
        marked = [delivery for delivery in found if delivery in told]
        if len(marked) < len(found):
            _LOG.error("expiring.unreported", count=len(found) - len(marked))
        if not marked:
            return
        if kind is Uncollected.LATE:
            await connection.execute(_TOLD, (marked,))
            await note(connection, marked, Happened.TOLD_LATE, Channel.HUB)
            fix = "see `python3 -m hub delivery undelivered`: whoever manages the case has been told"
            _LOG.error("expiring.safety_late", count=len(marked), fix=fix)
            return
        await connection.execute(_EXPIRED, (marked,))
        await note(connection, marked, Happened.EXPIRED, Channel.HUB)
        _LOG.info("expiring.expired", count=len(marked))
