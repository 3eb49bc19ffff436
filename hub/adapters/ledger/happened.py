"""Gives deliveries back how they stood, from what is recorded to have happened to them (R-DEL-02).

A delivery that is entered anew takes state, number and moments from its events. An event that is not known
here yet was published before this database was lost: it is remembered, and what it says of its delivery and
its lane holds again. So does what was published of a receipt that a restored database has read once more.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

from psycopg.types.json import Jsonb

from hub.adapters.database.handing_over import BEARS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import AsyncConnection

    from hub.topics.happenings import Happening

HAPPENED: LiteralString = """
INSERT INTO delivery_event (event_id, delivery_id, organisation, case_ref, kind, channel, said, state,
                            sequence, at, published_at)
SELECT n.event_id, n.delivery_id, n.organisation, n.case_ref, n.kind, n.channel, n.said, n.state,
       n.sequence, n.at, n.published_at
  FROM unnest(%(event_id)s::text[], %(delivery_id)s::text[], %(organisation)s::text[], %(case_ref)s::text[],
              %(kind)s::text[], %(channel)s::text[], %(said)s::jsonb[], %(state)s::text[],
              %(sequence)s::bigint[], %(at)s::timestamptz[], %(published_at)s::timestamptz[])
       WITH ORDINALITY AS n (event_id, delivery_id, organisation, case_ref, kind, channel, said, state,
                             sequence, at, published_at, place)
 WHERE NOT EXISTS (SELECT 1 FROM delivery_event e WHERE e.event_id = n.event_id)
 ORDER BY n.place
ON CONFLICT (event_id) DO NOTHING
RETURNING delivery_id
"""
"""All events of a batch at once, the first of one that is there twice; what was written here is known."""
_AS_PUBLISHED: LiteralString = """
UPDATE delivery_event AS e
   SET channel = n.channel, said = n.said, state = n.state, sequence = n.sequence, at = n.at,
       published_at = n.published_at
  FROM (SELECT DISTINCT ON (event_id) *
          FROM unnest(%(event_id)s::text[], %(channel)s::text[], %(said)s::jsonb[], %(state)s::text[],
                      %(sequence)s::bigint[], %(at)s::timestamptz[], %(published_at)s::timestamptz[])
               AS n (event_id, channel, said, state, sequence, at, published_at)
         ORDER BY event_id, at) AS n
 WHERE e.event_id = n.event_id AND e.channel = 'receipt' AND e.at > n.at
RETURNING e.delivery_id
"""
"""A receipt that was noted again, before it was known here how it had been: what was published holds."""
_COLUMNS = (
    *("event_id", "delivery_id", "organisation", "case_ref", "kind", "channel", "said", "state"),
    *("sequence", "at", "published_at"),
)
_LOCK: LiteralString = (
    "SELECT 1 FROM delivery WHERE delivery_id = ANY(%s) ORDER BY delivery_id FOR NO KEY UPDATE"
)
_LANES: LiteralString = """
INSERT INTO lane AS l (organisation, case_ref, given)
SELECT organisation, case_ref, max(sequence) FROM delivery_event
 WHERE delivery_id = ANY(%s) AND sequence IS NOT NULL
 GROUP BY organisation, case_ref ORDER BY organisation, case_ref
ON CONFLICT (organisation, case_ref) DO UPDATE SET given = greatest(l.given, excluded.given)
"""
"""No number is given twice; one that was given back last of all is passed over instead."""
_STAND: LiteralString = (
    """
UPDATE delivery AS d
   SET state = stood.state, sequence = stood.sequence,
       fetched_at = stood.fetched_at, acknowledged_at = stood.acknowledged_at,
       finished_at = CASE WHEN stood.state IN ('acknowledged', 'refused', 'expired') THEN stood.ended_at END,
       released_at = greatest(d.released_at, stood.offered_at),
       late_told_at = CASE WHEN (stood.offered_at > stood.told_at) IS NOT TRUE THEN stood.told_at END
  FROM (SELECT delivery_id, (array_agg(state ORDER BY at DESC, event DESC))[1] AS state,
               (array_agg(sequence ORDER BY at DESC, event DESC))[1] AS sequence,
               min(at) FILTER (WHERE kind = 'fetched') AS fetched_at,
               min(at) FILTER (WHERE kind = 'acknowledged') AS acknowledged_at,
               coalesce(max(at) FILTER (WHERE kind IN ('acknowledged', 'refused', 'expired')), max(at))
                   AS ended_at,
               max(at) FILTER (WHERE kind = 'told_late') AS told_at,
               max(at) FILTER (WHERE kind = 'redelivered' AND said->>'how' = 'redelivered') AS offered_at
          FROM delivery_event WHERE delivery_id = ANY(%(deliveries)s) AND """  # noqa: S608 - put together of literals
    + BEARS
    + """ GROUP BY delivery_id) AS stood
 WHERE d.delivery_id = stood.delivery_id
   AND (d.delivery_id = ANY(%(remembered)s) OR d.xmin = pg_current_xact_id()::xid)
"""
)
"""Rows this transaction has made, or locked: no channel changes them at the same time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def event_values(happening: Happening, *, published_at: datetime) -> dict[str, object]:
    """Return the columns of one event."""
    return {
        "event_id": happening.event_id,
        "delivery_id": happening.delivery_id,
        "organisation": happening.organisation,
        "case_ref": happening.case,
        "kind": happening.kind,
        "channel": happening.channel,
        "said": Jsonb(happening.said),
        "state": happening.state,
        "sequence": happening.sequence,
        "at": _EPOCH + timedelta(microseconds=happening.at_us),
        "published_at": published_at,
    }


def microseconds(at: datetime) -> int:
    """Return a moment as an event has it on its topic."""
    return (at - _EPOCH) // timedelta(microseconds=1)


async def bring_back(
    connection: AsyncConnection, *, entered: Sequence[str], happened: Sequence[Mapping[str, object]]
) -> list[str]:
    """Remember events not known here, and let these deliveries and those of the events stand as they did.

    Returns all of them.
    """
    remembered: list[str] = []
    if happened:
        columns = {name: [values[name] for values in happened] for name in _COLUMNS}
        cursor = await connection.execute(HAPPENED, columns)
        again = await connection.execute(_AS_PUBLISHED, columns)
        remembered = sorted({row[0] for row in (*await cursor.fetchall(), *await again.fetchall())})
    if remembered:
        await connection.execute(_LOCK, (remembered,))
        await connection.execute(_LANES, (remembered,))
    both = [*entered, *remembered]
    if both:
        await connection.execute(_STAND, {"deliveries": both, "remembered": remembered})
    return both
