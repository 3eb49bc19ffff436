"""The deliverer: brings deliveries from their rows to the partners' servers; as many run as wished.

A round claims what is due, waits until the projection has come to where the router was, looks at each
delivery once more, and lets go what may leave. Attempts run side by side; what they came to is recorded by
one hand, many at once. Who hangs takes up no place of the others. What is known stands in the rows: one that
is killed loses nothing, and what it had under way is pushed again, under the same id.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
import structlog
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from hub.adapters.webhooks.delivering_limits import DelivererLimits
from hub.errors import NotCaughtUp, Unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hub.adapters.database.freshness import Freshness
    from hub.adapters.webhooks.pushes import Pushes, Ready
    from hub.adapters.webhooks.recording import Ended, Recorder
    from hub.adapters.webhooks.sending import Sender

_TRANSIENT = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    # This process stood still with a transaction open, and the database has ended it.
    psycopg.errors.IdleInTransactionSessionTimeout,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
)
_log = structlog.get_logger()


class Deliverer:
    """Pushes what is due, until told to stop."""

    def __init__(
        self,
        *,
        pushes: Pushes,
        recorder: Recorder,
        sender: Sender,
        freshness: Freshness,
        limits: DelivererLimits | None = None,
    ) -> None:
        """Claim and look here, record there; send so; leave nothing that is not fresh."""
        self._pushes = pushes
        self._recorder = recorder
        self._sender = sender
        self._freshness = freshness
        self._limits = limits or DelivererLimits()
        self._under_way: dict[str, tuple[str, float]] = {}
        """By delivery, the claim it is under and when its attempt began; until its end is recorded."""
        self._attempts: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Queue[Ended] = asyncio.Queue()
        self._freed = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Push until told to stop, then let end what is under way.

        Raises:
            Unreachable: The database did not answer for too long.
        """
        over = asyncio.Event()
        others = [asyncio.create_task(each(over)) for each in (self._record, self._beat)]
        rounds = asyncio.create_task(self._rounds(stop))
        try:
            await asyncio.wait({rounds, *others}, return_when=asyncio.FIRST_COMPLETED)
            await self._finish()
        finally:
            over.set()
            for task in (rounds, *self._attempts):
                task.cancel()
            results = await asyncio.gather(rounds, *others, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _rounds(self, stop: asyncio.Event) -> None:
        failures, waits = 0, 0
        while not stop.is_set():
            try:
                pause_s = 0.0 if await self.round() else self._limits.idle_s
                failures, waits = 0, 0
            except NotCaughtUp:
                # No fault, however long it takes: a projection may be made again from the beginning.
                failures, waits = 0, waits + 1
                pause_s = self._pause_s(waits)
                _log.warning("deliverer.waits_for_projection", rounds=waits, delay_s=pause_s)
            except _TRANSIENT as error:
                failures += 1
                pause_s = self._pause_after(error, failures)
            if pause_s:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause_s)

    async def round(self) -> int:
        """Claim what is due, and begin an attempt on what of it may leave; returns how many were claimed.

        Raises:
            NotCaughtUp: The projection lags behind; what was claimed has been given back.
        """
        most = self._room()
        if most == 0:
            self._freed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._freed.wait(), self._limits.idle_s)
            return 0
        claim = uuid.uuid4().hex
        claimed = await self._pushes.claim(claim, most=most)
        if not claimed:
            return 0
        try:
            await self._freshness.wait()
        except (NotCaughtUp, *_TRANSIENT):
            with suppress(*_TRANSIENT):
                await self._pushes.give_back(claim, claimed, untaken=False)
            raise
        looked_at_s = time.monotonic()
        try:
            found = await self._pushes.look(claim, claimed)
        except _TRANSIENT:
            with suppress(*_TRANSIENT):
                await self._pushes.give_back(claim, claimed, untaken=True)
            raise
        for ready in found:
            self._begin(ready, before_s=looked_at_s + self._limits.sent_within_s)
        return len(claimed)

    def _room(self) -> int:
        """Return how many more may be under way: slow ones take no place, until there are very many."""
        limits, now_s = self._limits, time.monotonic()
        quick = sum(1 for _, began_s in self._under_way.values() if now_s - began_s < limits.slow_after_s)
        room = min(limits.under_way_max - quick, limits.slow_max - len(self._under_way))
        return max(0, min(room, limits.claim_max))

    def _begin(self, ready: Ready, *, before_s: float) -> None:
        self._under_way[ready.row.delivery_id] = (ready.claim, time.monotonic())
        attempt = asyncio.create_task(self._attempt(ready, before_s=before_s))
        self._attempts.add(attempt)
        attempt.add_done_callback(lambda done: self._over(done, ready.row.delivery_id))

    def _over(self, attempt: asyncio.Task[None], delivery: str) -> None:
        """Let go of an attempt that failed by a fault of ours: its claim lapses, and it is pushed again."""
        self._attempts.discard(attempt)
        fault = None if attempt.cancelled() else attempt.exception()
        if fault is not None:
            _log.error("push.failed", delivery_id=delivery, error=type(fault).__name__)
            self._free(delivery)

    async def _attempt(self, ready: Ready, *, before_s: float) -> None:
        ended = await self._sender.send(ready, before_s=before_s)
        if ended is not None:
            self._ended.put_nowait(ended)
            return
        delivery = ready.row.delivery_id
        _log.info("push.looked_at_again", delivery_id=delivery)
        try:
            # If this fails, its claim lapses.
            with suppress(*_TRANSIENT):
                await self._pushes.give_back(ready.claim, [delivery], untaken=True)
        finally:
            self._free(delivery)

    async def _record(self, over: asyncio.Event) -> None:
        """Record what has ended, as much at once as there is."""
        while not (over.is_set() and self._ended.empty()):
            try:
                batch = [await asyncio.wait_for(self._ended.get(), self._limits.idle_s)]
            except TimeoutError:
                continue
            while len(batch) < self._limits.recorded_max and not self._ended.empty():
                batch.append(self._ended.get_nowait())
            await self._insist(lambda: self._recorder.record(batch), over)  # noqa: B023 - awaited in this turn
            for each in batch:
                self._free(each.ready.row.delivery_id)

    async def _insist(self, work: Callable[[], Awaitable[object]], over: asyncio.Event) -> None:
        """Do it, again and again where the database does not answer; once it is over, no more than once."""
        failures = 0
        while True:
            try:
                await work()
            except _TRANSIENT as error:
                failures += 1
                pause_s = self._pause_after(error, failures)
                if over.is_set():
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), pause_s)
            else:
                return

    async def _beat(self, over: asyncio.Event) -> None:
        """Say again and again that what is under way is still worked on."""
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self._limits.beat_s)
            claims = {claim for claim, _ in self._under_way.values()}
            if claims:
                with suppress(*_TRANSIENT):
                    await self._pushes.beat(claims)

    async def _finish(self) -> None:
        """Let what is under way end, and be recorded."""
        deadline_s = time.monotonic() + self._limits.stop_timeout_s
        while self._under_way and time.monotonic() < deadline_s:
            self._freed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._freed.wait(), self._limits.idle_s)

    def _free(self, delivery: str) -> None:
        self._under_way.pop(delivery, None)
        self._freed.set()

    def _pause_after(self, error: Exception, failures: int) -> float:
        limits = self._limits
        if failures >= limits.faults_max:
            message = f"the deliverer gave up after {failures} attempts"
            fix = "check that PostgreSQL answers, then start it again"
            raise Unreachable(message, fix=fix) from error
        pause_s = self._pause_s(failures)
        _log.warning("deliverer.retries", error=type(error).__name__, failures=failures, delay_s=pause_s)
        return pause_s

    def _pause_s(self, times: int) -> float:
        limits = self._limits
        return float(min(limits.retry_delay_s * 2 ** min(times - 1, 16), limits.retry_delay_s_max))
