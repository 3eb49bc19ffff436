"""Nothing is handed over before the projection has come to where the router was when it was asked for.

Else a withdrawal that the router has committed, and nobody has projected yet, would come too late by as much
as the projector lags. Whoever asks while others wait shares the next look with all who have come by then.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString, Protocol

from hub.errors import NotCaughtUp, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.adapters.database.pool import Pool

_BEHIND: LiteralString = """
SELECT EXISTS (
    SELECT 1 FROM unnest(%s::text[], %s::integer[], %s::bigint[]) AS wanted (topic, partition, next)
      LEFT JOIN position p USING (topic, partition)
     WHERE coalesce(p.next, 0) < wanted.next
       AND NOT EXISTS (SELECT 1 FROM projector_stopped s
                        WHERE (s.topic, s.partition) = (wanted.topic, wanted.partition)))
"""
POLL_S = 0.01
POLL_S_MAX = 0.1


class Ends(Protocol):
    """Says where the topics end from which the projection is made, by topic and partition."""

    async def __call__(self) -> Mapping[tuple[str, int], int]:
        """Return the end of each; raises Unreachable if nobody says."""


class Behind(Protocol):
    """Says whether some partition has not been projected as far as wanted."""

    async def __call__(self, wanted: Mapping[tuple[str, int], int], /) -> bool:
        """Tell; partitions that stand still do not count."""


@dataclass(frozen=True, slots=True)
class Projection:
    """How far the tables made from Kafka have come; `Behind` for the hub's own database."""

    pool: Pool
    wait_s_max: float

    async def __call__(self, wanted: Mapping[tuple[str, int], int], /) -> bool:
        """Tell whether some partition has not been applied so far, but for those that stand still."""
        topics, partitions = zip(*wanted, strict=True)
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(
                _BEHIND, (list(topics), list(partitions), list(wanted.values()))
            )
            row = await cursor.fetchone()
            return row is None or bool(row[0])


class Freshness:
    """Waits until the projection has caught up; without `ends`, it is taken as it is."""

    def __init__(self, is_behind: Behind, ends: Ends | None, *, timeout_s: float) -> None:
        """Look there, and wait no longer than that."""
        self._is_behind = is_behind
        self._timeout_s = timeout_s
        self._ends = ends
        self._look_alone = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when all that was committed before the call has been projected.

        Partitions that stand still are not waited for: what is of them is not open.

        Raises:
            NotCaughtUp: It was not in time.
        """
        if self._ends is None:
            return
        if self._next is None:
            self._next = asyncio.create_task(self._look(self._ends))
            # Those who waited may all have gone: then nobody asks how it ended.
            self._next.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(self._next)

    async def _look(self, ends: Ends) -> None:
        async with self._look_alone:
            # Who comes from now on may ask about what is committed from now on.
            self._next = None
            try:
                async with asyncio.timeout(self._timeout_s):
                    wanted, delay_s = await ends(), POLL_S
                    while await self._is_behind(wanted):
                        await asyncio.sleep(delay_s)
                        delay_s = min(2 * delay_s, POLL_S_MAX)
            except (TimeoutError, Unreachable) as error:
                message = "the projection has not come to where the router is"
                raise NotCaughtUp(message, fix="try again in some seconds") from error
