"""Drops the projection, so that the projector makes it again from Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from hub.adapters.database.handing_over import BEARS

if TYPE_CHECKING:
    from hub.adapters.database.pool import Pool

_LOCK: LiteralString = "LOCK TABLE position, delivery IN ACCESS EXCLUSIVE MODE"
_STOOD: LiteralString = (
    """
INSERT INTO delivery_event (delivery_id, organisation, case_ref, kind, channel, state, sequence)
SELECT d.delivery_id, d.organisation, d.case_ref, 'stood', 'hub', d.state, d.sequence
  FROM delivery d LEFT JOIN LATERAL (
           SELECT state, sequence FROM delivery_event e
            WHERE e.delivery_id = d.delivery_id AND """  # noqa: S608 - put together of literals
    + BEARS
    + """ ORDER BY at DESC, event DESC LIMIT 1) AS last ON true
 WHERE (d.state, d.sequence) IS DISTINCT FROM (coalesce(last.state, 'available'), last.sequence)
"""
)
"""A number given for an attempt that has not ended yet stands in no event so far."""
_TRUNCATE: LiteralString = """
TRUNCATE position, submission, delivery, original, ledger, quarantine, case_state, control, control_applied,
         control_change, prison_number, merged_case
"""
"""Cursors go on rising: what is kept beside the projection compares them."""


async def drop_projection(pool: Pool) -> None:
    """Empty every table that is made from Kafka; credentials and idempotency rows stay.

    What happened to deliveries stays too, and they come back as they stood; those older than hub.outbox is
    kept do not come back. A running projector starts over by itself, but for partitions that stand still:
    `projector_stopped` goes on naming those until what stops them is mended and the projector is started
    again.
    """
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(_LOCK)
        await connection.execute(_STOOD)
        await connection.execute(_TRUNCATE)
