"""The router: a member of the group over hub.intake, with one task per partition it holds.

Exactly once as far as hub.outbox and hub.to.*: each batch's deliveries, decisions, table changes,
records set aside and offset are one transaction. Any number of routers share the partitions.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from hub.adapters.kafka.assignment import Assignment
from hub.adapters.kafka.clock import Clock
from hub.adapters.kafka.consequences import Consequences, Route
from hub.adapters.kafka.limits import Limits
from hub.adapters.kafka.task import PartitionTask, Workshop
from hub.errors import Unreachable

if TYPE_CHECKING:
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec

GROUP = "hub-router"
_SATURATED_POLL_MS = 20
_log = structlog.get_logger(__name__)


class Router:
    """Runs until told to stop; a failure of the broker is waited out, not passed on."""

    task_class = PartitionTask

    def __init__(
        self,
        bootstrap: str,
        *,
        codec: Codec,
        catalogue: Catalogue,
        route: Route,
        limits: Limits | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Take everything it needs; nothing is connected until `run`."""
        clock = clock or Clock()
        self._limits = limits or Limits()
        self._bootstrap = bootstrap
        self._catalogue = catalogue
        self._workshop = Workshop(
            bootstrap=bootstrap,
            group=catalogue.prefix + GROUP,
            transactional_prefix=catalogue.prefix + GROUP,
            catalogue=catalogue,
            codec=codec,
            consequences=Consequences(
                catalogue=catalogue,
                codec=codec,
                route=route,
                record_bytes_max=self._limits.record_bytes_max,
                moment=clock.at,
            ),
            limits=self._limits,
            clock=clock.now,
            restores=asyncio.Semaphore(self._limits.restores_at_once_max),
        )
        self._assignment: Assignment | None = None

    @property
    def partitions_open(self) -> frozenset[int]:
        """The partitions this router holds and reads."""
        tasks = {} if self._assignment is None else self._assignment.tasks
        return frozenset(lane.partition for lane, task in tasks.items() if task.is_open)

    async def run(self, stop: asyncio.Event) -> None:
        """Route until `stop` is set, then finish the open batches and leave the group."""
        delay_s = self._limits.retry_delay_s
        while not stop.is_set():
            try:
                await self._member(stop)
                delay_s = self._limits.retry_delay_s
            except (KafkaError, Unreachable, OSError, TimeoutError) as error:
                _log.warning("router starts over", cause=type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(delay_s):
                        await stop.wait()
                delay_s = min(2 * delay_s, self._limits.retry_delay_s_max)

    async def _member(self, stop: asyncio.Event) -> None:
        """Be a member of the group until told to stop or until the membership is beyond repair."""
        consumer = self._new_consumer()
        assignment = Assignment(
            consumer=consumer,
            task_for=lambda partition: self.task_class(
                partition=partition, consumer=consumer, workshop=self._workshop
            ),
            close_timeout_s=min(self._limits.stop_timeout_s, self._limits.session_timeout_ms / 2000),
        )
        try:
            await consumer.start()
            consumer.subscribe([self._catalogue.intake], listener=assignment)
            self._assignment = assignment
            await self._poll(consumer, assignment, stop)
        finally:
            self._assignment = None
            await assignment.close()
            with contextlib.suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(self._limits.stop_timeout_s):
                    await consumer.stop()

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._workshop.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=self._limits.session_timeout_ms,
            heartbeat_interval_ms=self._limits.heartbeat_ms,
            request_timeout_ms=max(self._limits.request_timeout_ms, self._limits.session_timeout_ms + 5_000),
            max_partition_fetch_bytes=self._limits.fetch_bytes_max,
            fetch_max_wait_ms=self._limits.fetch_wait_ms,
            retry_backoff_ms=50,
        )

    async def _poll(self, consumer: AIOKafkaConsumer, assignment: Assignment, stop: asyncio.Event) -> None:
        """Hand fetched records to their tasks, with nothing awaited between fetching and handing over.

        A rebalance or rewind in between would hand a stale batch to a task that begins elsewhere.
        """
        while not stop.is_set():
            tasks = assignment.tasks
            free = [lane for lane, task in tasks.items() if task.backlog < self._limits.backlog_records_max]
            if len(free) == len(tasks):
                fetched = await consumer.getmany(timeout_ms=self._limits.poll_ms)
            elif free:
                fetched = await consumer.getmany(*free, timeout_ms=_SATURATED_POLL_MS)
            else:
                await asyncio.sleep(_SATURATED_POLL_MS / 1000)
                continue
            tasks = assignment.tasks
            for lane, records in fetched.items():
                if (task := tasks.get(lane)) is not None:
                    task.take(records)
            self._check(consumer, assignment)
            await asyncio.sleep(0)

    def _check(self, consumer: AIOKafkaConsumer, assignment: Assignment) -> None:
        """Notice the silent deaths: a task that ended by a fault, a group membership nobody keeps up."""
        if (fault := assignment.failed()) is not None:
            _log.error("a partition's task ended", fault=type(fault).__name__)
            message = "a partition's task ended"
            raise Unreachable(message) from fault
        coordinator = consumer._coordinator  # noqa: SLF001 - nothing public says that it has died
        if coordinator is not None and coordinator._coordination_task.done():  # noqa: SLF001
            message = "the group membership ended"
            raise Unreachable(message)
