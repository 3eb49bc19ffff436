"""Drops the projection, so that the projector makes it again from Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.adapters.database.pool import Pool

_TRUNCATE = """
TRUNCATE position, submission, delivery, original, ledger, quarantine, case_state, control, control_applied,
         control_change, prison_number, merged_case
RESTART IDENTITY
"""


async def drop_projection(pool: Pool) -> None:
    """Empty every table that is made from Kafka; credentials and idempotency rows stay.

    What happened to deliveries (fetched, acknowledged) is not in the topics projected here and is
    lost with the rows; so are deliveries older than hub.outbox is kept. A running projector starts
    over by itself, but for partitions that stand still: `projector_stopped` goes on naming those until
    what stops them is mended and the projector is started again.
    """
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(_TRUNCATE)
