"""Claims what is due, fairly between endpoints, and sees to what was left lying before.

Who claims does so alone, so that what a claim sees of lanes and endpoints is so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from hub.adapters.database.handing_over import Channel, Happened, not_coming, note, note_each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import AsyncConnection

CLAIM_LOCK = 0x5055_5348
"""Advisory lock of whoever claims."""
AT_ONCE_MAX = 500
"""Most that are seen to in one claim of what was left lying."""

_LAPSED: LiteralString = """
SELECT d.delivery_id FROM push p JOIN delivery d USING (delivery_id)
 WHERE p.state = 'in_flight' AND p.leased_until < now()
 ORDER BY d.delivery_id LIMIT %(at_once)s FOR UPDATE OF d SKIP LOCKED
"""
"""Their deliveries' rows are locked: an event says how its delivery stands."""
_DUE_AGAIN: LiteralString = """
UPDATE push p
   SET state = CASE WHEN tries > 0 THEN 'waiting_retry' ELSE 'scheduled' END, due_at = now(),
       may_have_arrived = may_have_arrived OR attempted_at IS NOT NULL, leased_by = NULL, leased_until = NULL
 WHERE state = 'in_flight' AND leased_until < now()
   AND (delivery_id = ANY(%s) OR NOT EXISTS (SELECT 1 FROM delivery d WHERE d.delivery_id = p.delivery_id))
RETURNING delivery_id, endpoint_id, tries, attempted_at IS NOT NULL
"""
_ORPHANED: LiteralString = """
SELECT d.delivery_id
  FROM endpoint e
  JOIN push p ON p.endpoint_id = e.endpoint_id AND p.state IN ('scheduled', 'waiting_retry')
  JOIN delivery d USING (delivery_id)
 WHERE e.state = 'removed' ORDER BY d.delivery_id LIMIT %(at_once)s FOR UPDATE OF d, p SKIP LOCKED
"""
"""What was entered, or had just failed, or whose deliverer was killed, while its endpoint was removed."""
_CALLED_OFF: LiteralString = """
UPDATE push SET state = 'cancelled', reason = 'removed'
 WHERE delivery_id = ANY(%s) AND state IN ('scheduled', 'waiting_retry') RETURNING delivery_id
"""
_KEEPS_BACK: LiteralString = """
                o.organisation = p.organisation AND o.case_ref = p.case_ref AND NOT o.finished
            AND o.endpoint_id = p.endpoint_id AND o.state <> 'parked'
            AND (o.held_since IS NULL OR o.held_since > now() - make_interval(secs => %(grace_s)s))
"""
"""One push of a lane keeps back those after it, but for what is parked, or held for long."""
_DUE: LiteralString = """
        SELECT p.delivery_id, p.endpoint_id, p.organisation, p.case_ref, p.urgency, p.place FROM push p
"""
_IS_DUE: LiteralString = """
         WHERE p.endpoint_id = able.endpoint_id AND p.state IN ('scheduled', 'waiting_retry')
           AND p.due_at <= now()
           AND (p.organisation, p.case_ref) NOT IN (
               SELECT organisation, case_ref FROM push WHERE state = 'in_flight')
"""
"""One push of a lane is under way at a time."""
_BY_HAND: LiteralString = """
           (p.state = 'waiting_retry' AND p.first_at IS NULL AND NOT EXISTS (
               SELECT 1 FROM push n
                WHERE n.organisation = p.organisation AND n.case_ref = p.case_ref AND NOT n.finished
                  AND n.endpoint_id = p.endpoint_id AND n.state = 'scheduled' AND n.place > p.place))
"""
"""What was set on its way again, unless something new of its lane waits behind it."""


def _next(which: LiteralString) -> LiteralString:
    """Return what goes next of these in the order of the lane: its head is looked up once."""
    return (
        """
    SELECT one.* FROM able CROSS JOIN LATERAL ("""  # noqa: S608 - of constants only
        + _DUE
        + """
          LEFT JOIN LATERAL (
              SELECT o.place FROM push o WHERE"""
        + _KEEPS_BACK
        + """
               ORDER BY o.place LIMIT 1) AS head ON true"""
        + _IS_DUE
        + """
           AND (head.place >= p.place) IS NOT FALSE AND """
        + which
        + """
         ORDER BY p.place LIMIT able.room FOR UPDATE OF p SKIP LOCKED) AS one
"""
    )


_URGENT: LiteralString = (
    """
    SELECT one.* FROM able CROSS JOIN LATERAL ("""  # noqa: S608 - of constants only
    + _DUE
    + _IS_DUE
    + """
           AND p.urgency = 'safety' AND (
               SELECT o.place FROM push o WHERE"""
    + _KEEPS_BACK
    + """
                  AND o.place < p.place
                  AND NOT (o.state = 'waiting_retry'
                           AND o.first_at < now() - make_interval(secs => %(grace_s)s))
                  AND NOT (o.urgency <> 'safety' AND EXISTS (
                      SELECT 1 FROM push w
                       WHERE w.organisation = p.organisation AND w.case_ref = p.case_ref AND NOT w.finished
                         AND w.endpoint_id = p.endpoint_id AND w.place < p.place
                         AND (w.state = 'waiting_retry' OR w.held_since IS NOT NULL)))
                ORDER BY o.place LIMIT 1) IS NULL
         ORDER BY p.place LIMIT able.room FOR UPDATE OF p SKIP LOCKED) AS one
"""
)
"""What is urgent does not wait for what is not, where that waits itself.

Nor long for what is urgent too and does not arrive.
"""
_CLAIM: LiteralString = (
    """
WITH able AS MATERIALIZED (
    SELECT e.endpoint_id, least(
               greatest(1, 2 * %(most)s / count(*) OVER ()),
               greatest(0, CASE WHEN e.failures_in_a_row > 0 THEN 1 ELSE e.in_flight_max END - (
                   SELECT count(*) FROM push b
                    WHERE b.endpoint_id = e.endpoint_id AND b.state = 'in_flight'))) AS room
      FROM endpoint e JOIN control c ON c.kind = 'organisation' AND c.name = e.organisation
     WHERE e.state = 'active' AND (e.not_before IS NULL OR e.not_before <= now())
       AND c.body->>'standing' = 'active'
       AND EXISTS (SELECT 1 FROM push d WHERE d.endpoint_id = e.endpoint_id AND d.due_at <= now()
                                          AND d.state IN ('scheduled', 'waiting_retry'))
), urgent AS ("""  # noqa: S608 - of constants only
    + _URGENT
    + """
), usual AS ("""
    + _next("NOT" + _BY_HAND)
    + """
), by_hand AS ("""
    + _next(_BY_HAND)
    + """
), one_a_lane AS (
    SELECT DISTINCT ON (organisation, case_ref) *
      FROM (SELECT *, false AS late FROM urgent UNION SELECT *, false FROM usual
            UNION SELECT *, true FROM by_hand) AS due
     ORDER BY organisation, case_ref, urgency <> 'safety', place, late
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY endpoint_id ORDER BY urgency <> 'safety', late, place) AS rank
      FROM one_a_lane
), chosen AS (
    SELECT r.delivery_id FROM ranked r JOIN able USING (endpoint_id) WHERE r.rank <= able.room
     ORDER BY r.rank, r.urgency <> 'safety', random() LIMIT %(most)s
)
UPDATE push p SET state = 'in_flight', leased_by = %(claim)s, attempted_at = NULL,
                  leased_until = now() + make_interval(secs => %(lease_s)s)
  FROM chosen WHERE p.delivery_id = chosen.delivery_id
RETURNING p.delivery_id
"""
)
"""Each endpoint's first in turn, then each one's second: none is served before another has been.

Of many that wait, few of each are looked at in one round. What was set on its way again has the room that
what is new leaves: at an endpoint that is slow, it would else keep all that back.
"""


async def claim_due(connection: AsyncConnection, values: Mapping[str, object]) -> list[str]:
    """Claim pushes that are due; what lapsed is due again, what its endpoint left behind is called off."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (CLAIM_LOCK,))
    await _free_lapsed(connection)
    await _call_off_orphaned(connection)
    cursor = await connection.execute(_CLAIM, values)
    return [row[0] for row in await cursor.fetchall()]


async def _free_lapsed(connection: AsyncConnection) -> None:
    locked = await _deliveries(connection, _LAPSED)
    lapsed = await (await connection.execute(_DUE_AGAIN, (locked,))).fetchall()
    events = [
        (row[0], Happened.ATTEMPTED, {"endpoint": row[1], "try": row[2], "outcome": "unknown"})
        for row in lapsed
        if row[3]
    ]
    if events:
        await note_each(connection, events, Channel.WEBHOOK)


async def _call_off_orphaned(connection: AsyncConnection) -> None:
    orphaned = await _deliveries(connection, _ORPHANED)
    if not orphaned:
        return
    cursor = await connection.execute(_CALLED_OFF, (orphaned,))
    cancelled = [str(row[0]) for row in await cursor.fetchall()]
    await not_coming(connection, cancelled, for_good=True)
    await note(connection, cancelled, Happened.CANCELLED, Channel.WEBHOOK, {"reason": "removed"})


async def _deliveries(connection: AsyncConnection, statement: LiteralString) -> list[str]:
    cursor = await connection.execute(statement, {"at_once": AT_ONCE_MAX})
    return [str(row[0]) for row in await cursor.fetchall()]
