"""The alerts organisations have asked for, and what staff have said to that; what is in force is elsewhere.

A subscription is in force by the description of its organisation, which the router reads; here stands only
that it was asked for, by whom it was settled, and that its end is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import AsyncConnection

SUBSCRIPTIONS_MAX = 20
"""Most an organisation has, asked for or in force."""
PENDING, APPROVED, REFUSED, END_ASKED, ENDED = "pending", "approved", "refused", "end_asked", "ended"

_COLUMNS: LiteralString = """
SELECT subscription_id, organisation, asked, state, asked_at, settled_at, settled_by, why FROM subscription
"""
_ASK: LiteralString = """
INSERT INTO subscription (subscription_id, organisation, asked)
SELECT %(id)s, %(organisation)s, %(asked)s
 WHERE (SELECT count(*) FROM subscription
         WHERE organisation = %(organisation)s AND state IN ('pending', 'approved', 'end_asked')) < %(most)s
ON CONFLICT (subscription_id) DO UPDATE
   SET state = CASE subscription.state WHEN 'end_asked' THEN 'approved' ELSE 'pending' END, asked_at = now(),
       settled_at = NULL, settled_by = NULL, why = NULL
 WHERE subscription.state IN ('refused', 'ended', 'end_asked')
"""
_END: LiteralString = """
UPDATE subscription SET state = CASE state WHEN 'approved' THEN 'end_asked' ELSE 'ended' END,
                        settled_at = now()
 WHERE subscription_id = %s AND organisation = %s AND state IN ('pending', 'approved')
"""
_SETTLE: LiteralString = """
UPDATE subscription SET state = %(state)s, settled_at = now(), settled_by = %(by)s, why = %(why)s
 WHERE subscription_id = %(id)s AND state = ANY(%(before)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """One subscription an organisation has asked for."""

    subscription_id: str
    organisation: str
    asked: dict[str, Any]
    state: str
    asked_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    why: str | None


async def ask(
    connection: AsyncConnection, subscription_id: str, organisation: str, asked: Mapping[str, object]
) -> AskedFor | None:
    """Ask for a subscription, once however often; None: the organisation has as many as it may."""
    values = {
        "id": subscription_id,
        "organisation": organisation,
        "asked": Jsonb(dict(asked)),
        "most": SUBSCRIPTIONS_MAX,
    }
    await connection.execute(_ASK, values)
    return await one(connection, subscription_id, organisation=organisation)


async def ask_end(connection: AsyncConnection, subscription_id: str, organisation: str) -> AskedFor | None:
    """Ask for the end of one in force, or take back one that is not settled; None: it has no such one."""
    await connection.execute(_END, (subscription_id, organisation))
    return await one(connection, subscription_id, organisation=organisation)


async def one(
    connection: AsyncConnection, subscription_id: str, *, organisation: str | None = None
) -> AskedFor | None:
    """Return a subscription, of this organisation if one is given."""
    cursor = connection.cursor(row_factory=class_row(AskedFor))
    where: LiteralString = (
        " WHERE subscription_id = %(id)s AND (%(of)s::text IS NULL OR organisation = %(of)s)"
    )
    await cursor.execute(_COLUMNS + where, {"id": subscription_id, "of": organisation})
    return await cursor.fetchone()


async def listed(connection: AsyncConnection, *, organisation: str | None, limit: int) -> Sequence[AskedFor]:
    """Return what was asked for, newest first."""
    cursor = connection.cursor(row_factory=class_row(AskedFor))
    where: LiteralString = """
     WHERE (%(of)s::text IS NULL OR organisation = %(of)s) ORDER BY asked_at DESC, subscription_id
     LIMIT %(limit)s
    """
    await cursor.execute(_COLUMNS + where, {"of": organisation, "limit": limit})
    return await cursor.fetchall()


async def settle(
    connection: AsyncConnection,
    subscription_id: str,
    *,
    state: str,
    before: Sequence[str],
    by: str,
    why: str,
) -> bool:
    """Settle one that stands so; False: it does not."""
    values = {"id": subscription_id, "state": state, "before": list(before), "by": by, "why": why}
    return (await connection.execute(_SETTLE, values)).rowcount > 0
