"""Whether everything that the ledger says goes to somebody stands somewhere, once (R-DEL-02).

The ledger, the deliveries, their events and the numbers of their lanes are written by different hands; each
says again what the others say. Where they differ, something was lost or done twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from psycopg import IsolationLevel
from psycopg.rows import class_row

from hub.adapters.database.handing_over import BEARS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import AsyncConnection

_KEPT_DAYS = 30
"""As long hub.outbox keeps a delivery: one older than that may be gone after the tables were made again."""


_RECORDED: LiteralString = """
WITH recorded AS (
    SELECT delivery_id, min(message_id) AS message_id, min(organisation) AS organisation,
           min(case_ref) AS case_ref, min(decided_at) AS decided_at
      FROM ledger WHERE delivers AND delivery_id IS NOT NULL GROUP BY delivery_id
)
"""
"""What was decided again and let go as it was is in the ledger twice."""
_COUNTS: LiteralString = (
    _RECORDED
    + """
SELECT CASE WHEN d.verdict = 'stop' THEN 'stopped' WHEN d.verdict = 'replace' THEN 'replaced'
            WHEN d.held AND NOT d.finished THEN 'held' WHEN d.delivery_id IS NOT NULL THEN d.state
            WHEN l.decided_at < now() - make_interval(days => %(kept_days)s) THEN 'past keeping'
            ELSE 'missing' END AS stands, count(*)
  FROM recorded l LEFT JOIN delivery d USING (delivery_id)
 WHERE l.decided_at < now() - make_interval(secs => %(young_s)s)
 GROUP BY stands ORDER BY stands
"""
)
_FAULTS: LiteralString = (
    _RECORDED  # noqa: S608 - put together of literals
    + """
SELECT 'missing' AS fault, l.delivery_id, l.message_id, l.organisation, l.case_ref
  FROM recorded l LEFT JOIN delivery d USING (delivery_id)
 WHERE d.delivery_id IS NULL
   AND l.decided_at < now() - make_interval(secs => %(young_s)s)
   AND l.decided_at >= now() - make_interval(days => %(kept_days)s)
UNION ALL
SELECT 'unrecorded', d.delivery_id, d.message_id, d.organisation, d.case_ref
  FROM delivery d LEFT JOIN recorded l USING (delivery_id)
 WHERE l.delivery_id IS NULL AND d.available_at < now() - make_interval(secs => %(young_s)s)
UNION ALL
SELECT 'two-states', delivery_id, message_id, organisation, case_ref
  FROM delivery WHERE finished AND verdict IS NOT NULL
UNION ALL
SELECT 'twice', delivery_id, message_id, organisation, case_ref
  FROM (SELECT *, count(*) OVER (PARTITION BY message_id, organisation, role) AS so_many
          FROM delivery WHERE verdict IS NULL) AS one
 WHERE so_many > 1
UNION ALL
SELECT 'not-as-happened', d.delivery_id, d.message_id, d.organisation, d.case_ref
  FROM delivery d LEFT JOIN (
           SELECT DISTINCT ON (delivery_id) delivery_id, state, sequence
             FROM delivery_event WHERE """
    + BEARS
    + """ ORDER BY delivery_id, at DESC, event DESC) AS last USING (delivery_id)
 WHERE CASE WHEN last.delivery_id IS NULL THEN d.state <> 'available' AND NOT d.finished
            ELSE d.state <> last.state
                 OR last.sequence IS NOT NULL AND d.sequence IS DISTINCT FROM last.sequence END
UNION ALL
SELECT 'number-twice', delivery_id, message_id, organisation, case_ref
  FROM (SELECT *, count(*) OVER (PARTITION BY organisation, case_ref, sequence) AS so_many
          FROM delivery WHERE sequence IS NOT NULL) AS one
 WHERE so_many > 1
UNION ALL
SELECT 'number-not-given', d.delivery_id, d.message_id, d.organisation, d.case_ref
  FROM delivery d LEFT JOIN lane l USING (organisation, case_ref)
 WHERE d.sequence > coalesce(l.given, 0)
 ORDER BY fault, delivery_id LIMIT %(limit)s
"""
)
"""A number may have been given for an attempt of which there is no event yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One delivery with which something is wrong."""

    fault: str
    """missing, unrecorded, two-states, twice, not-as-happened, number-twice or number-not-given."""
    delivery_id: str
    message_id: str
    organisation: str
    case_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was found."""

    stands: Mapping[str, int]
    """How many deliveries that the ledger records stand how."""
    wrong: tuple[Wrong, ...]


async def tally(connection: AsyncConnection, *, young_s: float, limit: int) -> Tally:
    """Look at every delivery, but those decided so lately that they may be on their way here."""
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    values = {"young_s": young_s, "kept_days": _KEPT_DAYS, "limit": limit}
    async with connection.transaction():
        counted = await (await connection.execute(_COUNTS, values)).fetchall()
        cursor = connection.cursor(row_factory=class_row(Wrong))
        wrong = await (await cursor.execute(_FAULTS, values)).fetchall()
    return Tally(stands={row[0]: int(row[1]) for row in counted}, wrong=tuple(wrong))
