"""What was decided to go and has not arrived: to whom, since when, and where it is stuck.

A delivery by Kafka is disclosed at commit and waits for nobody; what was stopped or replaced goes no more.
Its own recipient is told of what it may fetch now and of nothing else: what is held looks like what never
was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_FROM: LiteralString = """
  FROM delivery d
  LEFT JOIN push p USING (delivery_id)
  LEFT JOIN endpoint e ON e.endpoint_id = p.endpoint_id
 WHERE d.verdict IS NULL AND d.state NOT IN ('acknowledged', 'refused') AND NOT d.by_kafka
   AND (%(organisation)s::text IS NULL OR d.organisation = %(organisation)s)
   AND d.available_at >= %(since)s
"""
_MAY_GO: LiteralString = "delivery_is_open(d) AND NOT delivery_is_out_of_date(d)"
_HELD: LiteralString = "CASE WHEN NOT (" + _MAY_GO + ") THEN 'held'"
_REASON: LiteralString = """
            WHEN d.state = 'expired' THEN 'expired'
            WHEN p.state = 'parked' THEN 'push-parked'
            WHEN p.state = 'exhausted' THEN 'push-exhausted'
            WHEN p.state IN ('scheduled', 'waiting_retry') AND e.state = 'paused' THEN 'endpoint-paused'
            WHEN p.state IN ('scheduled', 'waiting_retry') AND e.state = 'unverified'
                THEN 'endpoint-unverified'
            WHEN p.state IN ('scheduled', 'waiting_retry') AND p.urgency <> 'safety' AND EXISTS (
                SELECT 1 FROM push o JOIN delivery first USING (delivery_id)
                 WHERE o.organisation = p.organisation AND o.case_ref = p.case_ref AND NOT o.finished
                   AND o.endpoint_id = p.endpoint_id AND o.state <> 'parked' AND o.place < p.place
                   AND delivery_is_open(first) AND NOT delivery_is_out_of_date(first))
                THEN 'push-behind'
            WHEN p.state = 'waiting_retry' THEN 'push-waits'
            WHEN p.state IN ('scheduled', 'in_flight') THEN 'being-pushed'
            WHEN EXISTS (SELECT 1 FROM delivery_event v WHERE v.delivery_id = d.delivery_id
                            AND v.kind IN ('confirmed', 'read', 'actioned')) THEN 'answered'
            WHEN d.state = 'transported' THEN 'pushed'
            WHEN d.state = 'fetched' THEN 'fetched'
            WHEN p.delivery_id IS NULL AND EXISTS (
                SELECT 1 FROM endpoint t WHERE t.organisation = d.organisation AND t.state = 'active'
                                           AND d.message = ANY(t.messages))
                THEN 'not-pushed'
            ELSE 'uncollected' END AS reason,
       CASE WHEN p.state IN ('parked', 'exhausted', 'waiting_retry') THEN p.reason
            WHEN p.state = 'scheduled' AND e.state = 'paused' THEN e.reason END AS detail,
       CASE WHEN p.state = 'waiting_retry' AND e.state = 'active'
            THEN greatest(p.due_at, e.not_before) END AS due_at
"""
"""That one waits behind another tells its recipient of no other that is held from it."""
REASONS = {
    "held": "held, to be decided again",
    "expired": "expired",
    "push-parked": "its push is parked",
    "push-exhausted": "pushed in vain, as often as may be",
    "endpoint-paused": "its endpoint is paused",
    "endpoint-unverified": "its endpoint is not verified yet",
    "push-behind": "waits for another of the same person that goes first",
    "push-waits": "waits to be pushed again",
    "being-pushed": "is being pushed",
    "answered": "answered by a receipt, not acknowledged by its digest",
    "pushed": "pushed, not acknowledged",
    "fetched": "fetched, not acknowledged",
    "not-pushed": "never pushed, though an endpoint takes it now",
    "uncollected": "waits in the mailbox, uncollected",
}
"""Why something has not arrived, by its code; the first is for staff only."""
_COLUMNS: LiteralString = (
    "SELECT d.delivery_id, d.organisation, d.role, d.message, d.urgency, d.available_at, "
)
_EACH: LiteralString = _COLUMNS + _HELD + _REASON + _FROM
_NEWEST: LiteralString = " ORDER BY d.cursor DESC LIMIT %(limit)s"
_OF: LiteralString = (
    "SELECT organisation, message, reason, count(*) AS count, min(available_at) AS oldest FROM ("
)
_GROUPED: LiteralString = ") s GROUP BY organisation, message, reason ORDER BY organisation, message, reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered:
    """One delivery its recipient has not acknowledged."""

    delivery_id: str
    organisation: str
    role: str
    message: str
    urgency: str
    available_at: datetime
    reason: str
    """One of `REASONS`."""
    detail: str | None
    """Why a push did not arrive, or its endpoint is paused, as a code."""
    due_at: datetime | None
    """When it is pushed again, at the soonest: its endpoint may be left alone until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many deliveries of one type to one recipient have not arrived, for one reason."""

    organisation: str
    message: str
    reason: str
    count: int
    oldest: datetime


async def undelivered(
    connection: AsyncConnection, *, organisation: str | None, since: datetime, limit: int
) -> list[Undelivered]:
    """Return what has not arrived, newest first."""
    cursor = connection.cursor(row_factory=class_row(Undelivered))
    values = {"organisation": organisation, "since": since, "limit": limit}
    await cursor.execute(_EACH + _NEWEST, values)
    return await cursor.fetchall()


async def own_undelivered(
    connection: AsyncConnection, *, organisation: str, since: datetime, limit: int
) -> list[Undelivered]:
    """Return what has not arrived at one recipient, as it may know: only what may be handed over now."""
    cursor = connection.cursor(row_factory=class_row(Undelivered))
    values = {"organisation": organisation, "since": since, "limit": limit}
    await cursor.execute(_EACH + " AND " + _MAY_GO + _NEWEST, values)
    return await cursor.fetchall()


async def counted(connection: AsyncConnection, *, organisation: str | None, since: datetime) -> list[Counted]:
    """Return how much has not arrived, by recipient, type and reason."""
    cursor = connection.cursor(row_factory=class_row(Counted))
    await cursor.execute(_OF + _EACH + _GROUPED, {"organisation": organisation, "since": since})
    return await cursor.fetchall()
