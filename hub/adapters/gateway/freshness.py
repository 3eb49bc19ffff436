"""Nothing is handed over before the projection has come to where the router was when it was asked for.

Else a withdrawal that the router has committed, and nobody has projected yet, would come too late by as much
as the projector lags. Whoever asks while others wait shares the next look with all who have come by then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from hub.adapters.gateway.problems import ProblemError
from hub.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.adapters.gateway.limits import GatewayLimits
    from hub.adapters.gateway.store import GatewayStore

POLL_S = 0.01
POLL_S_MAX = 0.1


class Ends(Protocol):
    """Says where the topics end from which the projection is made, by topic and partition."""

    async def __call__(self) -> Mapping[tuple[str, int], int]:
        """Return the end of each; raises Unreachable if nobody says."""


class Freshness:
    """Waits until the projection has caught up; without `ends`, it is taken as it is."""

    def __init__(self, store: GatewayStore, limits: GatewayLimits, ends: Ends | None) -> None:
        """Look in this store, and wait no longer than these limits say."""
        self._store = store
        self._limits = limits
        self._ends = ends
        self._look_alone = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when all that was committed before the call has been projected.

        Partitions that stand still are not waited for: what is of them is not open.

        Raises:
            ProblemError: It was not in time.
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
                async with asyncio.timeout(self._limits.caught_up_timeout_s):
                    wanted, delay_s = await ends(), POLL_S
                    while await self._store.is_behind(wanted):
                        await asyncio.sleep(delay_s)
                        delay_s = min(2 * delay_s, POLL_S_MAX)
            except (TimeoutError, Unreachable) as error:
                code = "not-caught-up"
                raise ProblemError(code, retry_after_s=self._limits.retry_after_s) from error
