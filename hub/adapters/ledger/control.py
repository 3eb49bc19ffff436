"""Waiting until a control record is in force: applied in every partition of the intake."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from hub.errors import Unreachable

if TYPE_CHECKING:
    from hub.adapters.database.pool import Pool
    from hub.messages.identifiers import MessageId

POLL_S = 0.05
POLL_S_MAX = 0.5


async def wait_control(pool: Pool, control_id: MessageId, partitions: int, timeout_s: float) -> None:
    """Return when all partitions have passed this control record.

    Raises:
        Unreachable: Some have not in time; the message says how many have.
    """
    deadline, delay_s = time.monotonic() + timeout_s, POLL_S
    while (passed := await _passed(pool, control_id)) < partitions:
        if time.monotonic() >= deadline:
            message = f"{passed} of {partitions} partitions have the change in force after {timeout_s:g} s"
            raise Unreachable(
                message, fix="see that a router and a projector run: the change itself is in the log"
            )
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, POLL_S_MAX)


async def _passed(pool: Pool, control_id: MessageId) -> int:
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT count(*) FROM control_applied WHERE control_id = %s", (control_id,)
        )
        row = await cursor.fetchone()
        return 0 if row is None else int(row[0])
