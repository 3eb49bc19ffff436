"""Deliveries that did not arrive are set on their way again, passed over, or tried at once, by hand.

Nothing is decided here and nothing leaves: rows are made due, and whoever hands a delivery over looks first
whether it may go. So only what is open and up to date is touched, in the statement that touches it; what is
held is decided again by itself, and comes then. What is set on its way is spread out, one lane after the
other, so that what is new does not wait for what is old; and what is urgent may go past it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.rows import class_row

from hub.adapters.database import remedied
from hub.adapters.database.alone import FORGET_LOCK, HOLD_LOCK
from hub.adapters.database.handing_over import Channel, Happened, not_coming, note
from hub.adapters.database.remedied import Remedy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

    from hub.adapters.database.remedied import By

READY = "ready"
OVER = "its push is over: "
"""And how."""
WAITS = (
    "it waits in the mailbox already",
    "it is on its way already",
    "being pushed at this moment",
)
"""What is asked for is so."""
DOUBTFUL = (
    "held: may be decided otherwise today",
    "stopped: today's decision is that nothing goes",
    "replaced by a narrower one",
)
"""It was decided otherwise since, or may be."""
GONE = "its content is gone"
SPENT = "done too often"
ITSELF_MAX = 20
"""How often a recipient may have the same done to one delivery: each time is recorded for good."""
LANE_EVERY_S = 0.2
"""Between two lanes of one endpoint that are set on their way again."""
ROWS_A_TRANSACTION_MAX = 500

_LEFT_OUT: LiteralString = """
       CASE WHEN d.verdict = 'stop' THEN 'stopped: today''s decision is that nothing goes'
            WHEN d.verdict = 'replace' THEN 'replaced by a narrower one'
            WHEN NOT (delivery_is_open(d) AND NOT delivery_is_out_of_date(d))
                THEN 'held: may be decided otherwise today'
            WHEN c.body->>'standing' IS DISTINCT FROM 'active' THEN 'the organisation is suspended'
            WHEN p.state = 'in_flight' THEN 'being pushed at this moment'
"""
_READY: LiteralString = """
            WHEN %(itself)s::text IS NOT NULL AND %(itself_most)s <= (
                SELECT count(*) FROM remedy r
                 WHERE r.subject = d.delivery_id AND r.kind = %(kind)s AND r.who = %(itself)s)
                THEN 'done too often'
            ELSE 'ready' END AS standing"""
_ARE: dict[Remedy, LiteralString] = {
    Remedy.RECOVERED: """
       p.state IN ('parked', 'exhausted')
       OR p.state = 'waiting_retry' AND p.due_at > now() AND p.charged > 0""",
    Remedy.PUSHED: """
       (p.delivery_id IS NULL OR p.state = 'cancelled' AND p.reason = 'removed')
       AND d.state IN ('available', 'fetched', 'expired') AND d.verdict IS NULL AND NOT d.by_kafka
       AND t.state = 'active'""",
    Remedy.SKIPPED: "p.state IN ('scheduled', 'waiting_retry', 'parked')",
}
"""Which deliveries a remedy of many is about; of those that are named, it is these."""


def _goes_again(kind: Remedy) -> LiteralString:
    taken: LiteralString = """
            WHEN d.finished THEN d.state
            WHEN t.endpoint_id IS NULL THEN 'no endpoint takes it'
            WHEN ("""
    return _LEFT_OUT + taken + _ARE[kind] + ") IS NOT TRUE THEN 'it does not stand so'" + _READY


_STANDING: dict[Remedy, LiteralString] = {
    Remedy.RECOVERED: _goes_again(Remedy.RECOVERED),
    Remedy.PUSHED: _goes_again(Remedy.PUSHED),
    Remedy.REDELIVERED: _LEFT_OUT  # noqa: S608 - of constants only
    + """
            WHEN length(d.box) = 0 OR d.finished AND (
                (%(itself)s::text IS NOT NULL AND d.finished_at < now() - make_interval(days => %(days)s))
                OR NOT EXISTS (SELECT 1 FROM original o WHERE o.message_id = d.message_id))
                THEN 'its content is gone'
            WHEN d.by_kafka THEN 'it went by Kafka'
            WHEN t.endpoint_id IS NULL AND d.state = 'available' THEN 'it waits in the mailbox already'
            WHEN d.state = 'available' AND p.state IN ('scheduled', 'waiting_retry') AND p.due_at <= now()
                THEN 'it is on its way already'"""
    + _READY,
    Remedy.SKIPPED: """
       CASE WHEN p.delivery_id IS NULL THEN 'it is not pushed'
            WHEN p.finished THEN 'its push is over: ' || p.state
            WHEN p.state = 'in_flight' THEN 'being pushed at this moment'
            WHEN %(itself)s::text IS NOT NULL AND d.urgency = 'safety' THEN 'a safety message goes on'"""
    + _READY,
    Remedy.FORCED: _LEFT_OUT
    + """
            WHEN p.delivery_id IS NULL THEN 'it is not pushed'
            WHEN p.finished THEN 'its push is over: ' || p.state
            WHEN d.finished THEN d.state"""
    + _READY,
}
"""How long a recipient may have what it is done with again is counted by that alone, not by others of the
message: else it could tell whether there are any.
"""
_FROM: LiteralString = """
  FROM delivery d
  LEFT JOIN push p USING (delivery_id)
  LEFT JOIN control c ON c.kind = 'organisation' AND c.name = d.organisation
  LEFT JOIN LATERAL (
      SELECT e.endpoint_id, e.state FROM endpoint e
       WHERE e.organisation = d.organisation AND d.message = ANY(e.messages) AND e.state <> 'removed'
       ORDER BY e.state = 'active' DESC, (e.endpoint_id = p.endpoint_id) IS TRUE DESC, e.created_at
       LIMIT 1) t ON true
 WHERE (%(organisation)s::text IS NULL OR d.organisation = %(organisation)s)
   AND (%(deliveries)s::text[] IS NULL OR d.delivery_id = ANY(%(deliveries)s))
   AND (%(itself)s::text IS NULL OR d.organisation = %(itself)s
        AND delivery_is_open(d) AND NOT delivery_is_out_of_date(d))
   AND (%(since)s::timestamptz IS NULL OR d.available_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR d.available_at < %(until)s)
"""
_EACH: LiteralString = "SELECT d.organisation, d.message,"
_COUNTED: LiteralString = "SELECT organisation, message, standing, count(*) AS count FROM ("
_GROUPED: LiteralString = (
    ") s GROUP BY organisation, message, standing ORDER BY organisation, message, standing"
)
_CHUNK: LiteralString = """
 AND d.cursor > %(after)s ORDER BY d.cursor LIMIT %(limit)s FOR UPDATE OF d
"""
_PARTITIONS: LiteralString = """
SELECT pg_advisory_xact_lock(%s, partition) FROM (
    SELECT DISTINCT partition FROM delivery WHERE delivery_id = ANY(%s) AND partition IS NOT NULL
     ORDER BY partition) held
"""
_OFFERED: LiteralString = """
UPDATE delivery SET state = 'available', released_at = now(), late_told_at = NULL,
                    leased_by = CASE WHEN state = 'available' THEN leased_by END,
                    leased_until = CASE WHEN state = 'available' THEN leased_until END
 WHERE delivery_id = ANY(%s)
"""
"""It has all its time anew before it expires, or is reported as late."""
_HAD: LiteralString = """
UPDATE push p SET may_have_arrived = true FROM delivery d
 WHERE p.delivery_id = ANY(%s) AND d.delivery_id = p.delivery_id AND d.sequence IS NOT NULL
   AND (d.state <> 'available' OR p.state = 'delivered')
"""
"""Its recipient has the number, by whichever way or by a notice: it is never given to another delivery."""
_IN_TURN: LiteralString = """
SELECT endpoint_id, count(DISTINCT case_ref) FROM push
 WHERE endpoint_id = ANY(%s) AND state = 'waiting_retry' AND charged = 0 AND due_at > now()
 GROUP BY endpoint_id
"""
_ON_ITS_WAY: LiteralString = """
INSERT INTO push AS p (delivery_id, place, endpoint_id, organisation, case_ref, urgency, state, due_at,
                       may_have_arrived)
SELECT d.delivery_id, d.cursor, again.endpoint_id, d.organisation, d.case_ref, d.urgency, 'waiting_retry',
       now() + make_interval(secs => again.after_s), d.sequence IS NOT NULL
  FROM unnest(%(deliveries)s::text[], %(endpoints)s::text[], %(after_s)s::float8[])
       AS again (delivery_id, endpoint_id, after_s)
  JOIN delivery d USING (delivery_id)
ON CONFLICT (delivery_id) DO UPDATE
   SET state = excluded.state, reason = NULL, endpoint_id = excluded.endpoint_id, due_at = excluded.due_at,
       first_at = NULL, charged = 0, first_charged_at = NULL, refusals = 0, held_since = NULL, untold = false
 WHERE p.state <> 'in_flight'
RETURNING p.delivery_id
"""
_NOW: LiteralString = """
UPDATE push SET state = 'waiting_retry', due_at = now(), held_since = NULL, refusals = 0, untold = false
 WHERE delivery_id = ANY(%s) AND state IN ('scheduled', 'waiting_retry', 'parked') RETURNING delivery_id
"""
_OVER: LiteralString = """
UPDATE push SET state = 'skipped', reason = 'skipped'
 WHERE delivery_id = ANY(%s) AND state IN ('scheduled', 'waiting_retry', 'parked') RETURNING delivery_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Which deliveries a remedy is for."""

    organisation: str | None = None
    deliveries: tuple[str, ...] | None = None
    """These by name; None: those it is about."""
    since: datetime | None = None
    """From when on they were decided."""
    until: datetime | None = None
    """Until when."""
    itself: str | None = None
    """The recipient, where it is who asks: then only its own, and of these what it may have."""
    days: int | None = None
    """How long it may have again what it is done with."""

    def values(self, kind: Remedy) -> dict[str, object]:
        """Return what the statements name."""
        return {
            "kind": kind.value,
            "organisation": self.organisation,
            "deliveries": None if self.deliveries is None else list(self.deliveries),
            "since": self.since,
            "until": self.until,
            "itself": self.itself,
            "itself_most": ITSELF_MAX,
            "days": self.days,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """How many deliveries of one type to one recipient a remedy finds so."""

    organisation: str
    message: str
    standing: str
    """`ready`, or why it is left out."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    cursor: int
    delivery_id: str
    organisation: str
    case_ref: str
    endpoint_id: str | None
    standing: str


@dataclass(slots=True)
class _Spread:
    """When each lane comes to its turn: one after the other, at each endpoint, after those on their way."""

    before: dict[str, int] = field(default_factory=dict)
    lanes: dict[str, dict[str, int]] = field(default_factory=dict)

    async def begin(self, connection: AsyncConnection, rows: Sequence[_Row]) -> None:
        """See how many lanes wait for their turn already at endpoints that are new here."""
        new = sorted({str(row.endpoint_id) for row in rows} - self.before.keys())
        if new:
            self.before |= dict.fromkeys(new, 0)
            cursor = await connection.execute(_IN_TURN, (new,))
            self.before |= dict(await cursor.fetchall())

    def after_s(self, row: _Row) -> float:
        at_endpoint = self.lanes.setdefault(str(row.endpoint_id), {})
        turn = at_endpoint.setdefault(row.case_ref, len(at_endpoint))
        return (self.before[str(row.endpoint_id)] + turn) * LANE_EVERY_S


async def foreseen(connection: AsyncConnection, kind: Remedy, meant: Meant) -> list[Foreseen]:
    """Return what a remedy would find, by recipient, type and standing; nothing is changed."""
    cursor = connection.cursor(row_factory=class_row(Foreseen))
    await cursor.execute(_COUNTED + _EACH + _statement(kind, meant) + _GROUPED, meant.values(kind))
    return await cursor.fetchall()


async def standing(
    connection: AsyncConnection, kind: Remedy, meant: Meant, *standings: str, limit: int
) -> list[str]:
    """Return the deliveries a remedy finds so, oldest first."""
    each: LiteralString = "SELECT delivery_id FROM (SELECT d.delivery_id, d.cursor,"
    first: LiteralString = ") s WHERE standing = ANY(%(standings)s) ORDER BY cursor LIMIT %(limit)s"
    values = meant.values(kind) | {"standings": list(standings), "limit": limit}
    cursor = await connection.execute(each + _statement(kind, meant) + first, values)
    return [str(row[0]) for row in await cursor.fetchall()]


async def remedy(connection: AsyncConnection, kind: Remedy, meant: Meant, *, by: By) -> int:
    """Do it; return of how many."""
    return len(await remedy_each(connection, kind, meant, by=by))


async def remedy_each(connection: AsyncConnection, kind: Remedy, meant: Meant, *, by: By) -> list[str]:
    """Do it, some hundred at a time, each recorded in its own transaction; return which.

    The connection must not be in a transaction.
    """
    after, spread = 0, _Spread()
    done: list[str] = []
    while True:
        async with connection.transaction():
            rows = await _next(connection, kind, meant, after=after)
            changed = await _change(connection, kind, [row for row in rows if row.standing == READY], spread)
            if changed:
                of = {row.delivery_id: row.organisation for row in rows}
                await remedied.record(connection, kind, [(each, of[each]) for each in changed], by=by)
        done += changed
        if len(rows) < ROWS_A_TRANSACTION_MAX:
            return done
        after = rows[-1].cursor


def _statement(kind: Remedy, meant: Meant) -> LiteralString:
    if meant.deliveries is not None:
        return _STANDING[kind] + _FROM
    return _STANDING[kind] + _FROM + " AND (" + _ARE[kind] + ")"


async def _next(connection: AsyncConnection, kind: Remedy, meant: Meant, *, after: int) -> list[_Row]:
    """Lock the next deliveries, oldest first, and say how they stand."""
    if kind is Remedy.REDELIVERED:
        # What is taken out of the finished may be held from now on: nobody may be about to hold it unseen, or
        # to forget the message without which it cannot be decided again.
        await connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (FORGET_LOCK,))
        await connection.execute(_PARTITIONS, (HOLD_LOCK, list(meant.deliveries or ())))
    each: LiteralString = "SELECT d.cursor, d.delivery_id, d.organisation, d.case_ref, t.endpoint_id,"
    values: dict[str, Any] = meant.values(kind) | {"after": after, "limit": ROWS_A_TRANSACTION_MAX}
    cursor = connection.cursor(row_factory=class_row(_Row))
    await cursor.execute(each + _statement(kind, meant) + _CHUNK, values)
    return await cursor.fetchall()


async def _change(
    connection: AsyncConnection, kind: Remedy, found: Sequence[_Row], spread: _Spread
) -> list[str]:
    """Change these rows and write down what happened; returns those that were changed."""
    deliveries = [row.delivery_id for row in found]
    if not deliveries:
        return []
    if kind is Remedy.SKIPPED:
        changed = await _returned(connection, _OVER, deliveries)
        await note(connection, changed, Happened.SKIPPED, Channel.HUB)
        await not_coming(connection, changed, for_good=True)
        return changed
    if kind is Remedy.FORCED:
        changed = await _returned(connection, _NOW, deliveries)
        await note(connection, changed, Happened.RESUMED, Channel.HUB)
        return changed
    if kind is Remedy.REDELIVERED:
        await connection.execute(_HAD, (deliveries,))
    pushed = [row for row in found if row.endpoint_id is not None]
    await spread.begin(connection, pushed)
    values = {
        "deliveries": [row.delivery_id for row in pushed],
        "endpoints": [row.endpoint_id for row in pushed],
        "after_s": [spread.after_s(row) for row in pushed],
    }
    cursor = await connection.execute(_ON_ITS_WAY, values)
    changed = [str(row[0]) for row in await cursor.fetchall()]
    if kind is Remedy.REDELIVERED:
        changed = [row.delivery_id for row in found if row.endpoint_id is None or row.delivery_id in changed]
        await connection.execute(_OFFERED, (changed,))
    await note(connection, changed, Happened.REDELIVERED, Channel.HUB, {"how": kind.value})
    return changed


async def _returned(
    connection: AsyncConnection, statement: LiteralString, deliveries: list[str]
) -> list[str]:
    cursor = await connection.execute(statement, (deliveries,))
    return [str(row[0]) for row in await cursor.fetchall()]
