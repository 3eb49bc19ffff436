"""What is held and why it has not been decided again, for whoever looks after the hub."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

if TYPE_CHECKING:
    from psycopg import AsyncConnection

ASKED_IN_VAIN = 2
"""Questions without an answer after which something is wrong: the first is answered within moments."""

_HELD: LiteralString = """
SELECT d.delivery_id, d.message_id, d.case_ref, d.organisation, d.role, d.message, d.available_at, d.asked_at,
       d.asks, d.grounds_box IS NOT NULL AND o.message_id IS NOT NULL AND l.decision_id IS NOT NULL AS can_be
  FROM delivery d LEFT JOIN original o USING (message_id) LEFT JOIN ledger l ON l.decision_id = d.decision_id
 WHERE d.held AND d.verdict IS NULL AND NOT d.finished
   AND (%(case_ref)s::text IS NULL OR d.case_ref = %(case_ref)s)
   AND (%(organisation)s::text IS NULL OR d.organisation = %(organisation)s)
 ORDER BY d.cursor DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One delivery that is held: to its recipient it looks like no message at all."""

    delivery_id: str
    message_id: str
    case_ref: str
    organisation: str
    role: str
    message: str
    available_at: datetime
    asked_at: datetime | None
    asks: int
    """How often the router was asked since it was held."""
    can_be: bool
    """Whether what it takes to decide it again was kept."""

    @property
    def reason(self) -> str:
        """Why it is still held."""
        if not self.can_be:
            return "decided before the hub kept what it takes to decide again: it is held for good"
        if self.asked_at is None:
            return "something it was decided on has changed; the router is about to be asked"
        when = f"{self.asked_at.astimezone():%Y-%m-%d %H:%M:%S}"
        if self.asks < ASKED_IN_VAIN:
            return f"the router was asked at {when}"
        return f"the router was asked {self.asks} times, at {when} last, and has not answered"

    @property
    def way_out(self) -> str | None:
        """What somebody can do about it; None: nothing need be done."""
        if not self.can_be:
            return "have its sender send it again under a new key: it is decided on anew; this one never goes"
        if self.asks < ASKED_IN_VAIN:
            return None
        return (
            "see `hub quarantine list --organisation hub` for a request that was set aside, the log for"
            " asking.left_out, and that a router runs; else have it sent again"
        )


async def held(
    connection: AsyncConnection,
    *,
    limit: int,
    case_ref: str | None = None,
    organisation: str | None = None,
) -> list[Held]:
    """Return what is held, newest first."""
    cursor = connection.cursor(row_factory=class_row(Held))
    await cursor.execute(_HELD, {"case_ref": case_ref, "organisation": organisation, "limit": limit})
    return await cursor.fetchall()
