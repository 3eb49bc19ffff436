"""Enters the pushes of new deliveries, in the transaction that enters these; cancels those of stopped ones.

Where to a delivery is pushed is settled when it is entered: an endpoint that is added later gets nothing of
what was there before, also where the tables are made again from Kafka. One push at most for each delivery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from hub.adapters.database.handing_over import Channel, Happened, not_coming, note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

CLOCKS_APART_S_MAX = 5.0
"""How far the clocks of broker and database may be apart: an endpoint misses nothing because of it."""

_ENTER: LiteralString = """
INSERT INTO push AS p (delivery_id, place, endpoint_id, organisation, case_ref, urgency, may_have_arrived)
SELECT d.delivery_id, d.cursor, e.endpoint_id, d.organisation, d.case_ref, d.urgency, d.sequence IS NOT NULL
  FROM delivery d JOIN endpoint e
    ON e.organisation = d.organisation AND d.message = ANY(e.messages) AND e.state <> 'removed'
   AND e.created_at <= d.available_at + make_interval(secs => %(clocks_apart_s)s)
 WHERE d.delivery_id = ANY(%(deliveries)s) AND NOT d.by_kafka AND d.verdict IS NULL AND NOT d.finished
   AND (d.state = 'available' OR EXISTS (SELECT 1 FROM push o WHERE o.delivery_id = d.delivery_id))
ON CONFLICT (delivery_id) DO UPDATE
   SET place = excluded.place,
       state = CASE WHEN p.reason = 'absent' AND p.state = 'cancelled' THEN 'waiting_retry' ELSE p.state END,
       due_at = CASE WHEN p.reason = 'absent' THEN now() ELSE p.due_at END,
       held_since = CASE WHEN p.reason = 'absent' THEN NULL ELSE p.held_since END
"""
"""What its recipient has is not pushed again because the database that knew of its push is lost; one that had
missed its delivery since the tables were emptied has it again.
"""
_HAD: LiteralString = """
UPDATE push p SET state = 'delivered', reason = NULL, leased_by = NULL, leased_until = NULL
  FROM delivery d
 WHERE d.delivery_id = ANY(%s) AND d.delivery_id = p.delivery_id AND d.state = 'transported'
   AND p.state IN ('scheduled', 'in_flight', 'waiting_retry', 'parked')
"""
"""Pushed since the backup this database was restored from."""
_SETTLED: LiteralString = """
UPDATE push p SET state = 'cancelled', reason = d.verdict
  FROM delivery d
 WHERE d.delivery_id = ANY(%s) AND d.delivery_id = p.delivery_id AND d.verdict IS NOT NULL
   AND p.state IN ('scheduled', 'waiting_retry', 'parked')
RETURNING p.delivery_id
"""
_RELEASED: LiteralString = """
UPDATE push p SET due_at = now(), held_since = NULL
  FROM delivery d
 WHERE d.delivery_id = ANY(%s) AND d.delivery_id = p.delivery_id AND d.verdict IS NULL AND NOT d.held
   AND p.held_since IS NOT NULL AND p.state IN ('scheduled', 'waiting_retry')
"""

_FORGET: LiteralString = """
DELETE FROM push p
 WHERE p.finished AND NOT p.untold AND p.delivery_id = ANY (ARRAY(
    SELECT o.delivery_id FROM push o JOIN delivery d USING (delivery_id)
     WHERE o.finished AND NOT o.untold AND d.finished
       AND o.due_at < now() - make_interval(days => %(days)s)
     LIMIT %(limit)s))
"""
"""A redelivery meanwhile makes its push anew or unfinished: what is unfinished stays."""


async def enter_pushes(connection: AsyncConnection, deliveries: Sequence[str]) -> None:
    """Enter a push for each of these new deliveries that an endpoint takes; they stand as they did."""
    if not deliveries:
        return
    values = {"deliveries": list(deliveries), "clocks_apart_s": CLOCKS_APART_S_MAX}
    await connection.execute(_ENTER, values)


async def end_pushes(connection: AsyncConnection, deliveries: Sequence[str]) -> None:
    """End the pushes of those of these deliveries that are known to have been pushed."""
    if not deliveries:
        return
    await connection.execute(_HAD, (list(deliveries),))


async def settle_pushes(connection: AsyncConnection, deliveries: Sequence[str]) -> None:
    """Cancel the pushes of those of these deliveries that were stopped or replaced, wake what was released.

    One that is under way is left: its deliverer finds the verdict when the attempt has ended.
    """
    if not deliveries:
        return
    cursor = await connection.execute(_SETTLED, (list(deliveries),))
    cancelled = [str(row[0]) for row in await cursor.fetchall()]
    if cancelled:
        await not_coming(connection, cancelled, for_good=True)
        await note(connection, cancelled, Happened.CANCELLED, Channel.WEBHOOK, {"reason": "verdict"})
    await connection.execute(_RELEASED, (list(deliveries),))


async def forget_pushes(connection: AsyncConnection, *, days: int, limit: int) -> None:
    """Forget pushes that have been over for so long, of deliveries that are finished."""
    await connection.execute(_FORGET, {"days": days, "limit": limit})
