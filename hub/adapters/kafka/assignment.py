"""What a rebalance does: pause first, then hand each partition to a task outside the callback.

aiokafka hands out records while this callback still runs, swallows its exceptions and sends no
heartbeats during it (architecture.md 2, fact 3). It revokes everything every time, so every task is
closed and every partition rewound to its last commit.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from hub.adapters.kafka.task import PartitionTask

_log = structlog.get_logger(__name__)


class Assignment(ConsumerRebalanceListener):
    """The tasks of the partitions this process holds now."""

    def __init__(
        self, *, consumer: AIOKafkaConsumer, task_for: Callable[[int], PartitionTask], close_timeout_s: float
    ) -> None:
        """Make tasks with `task_for`; give them `close_timeout_s` to finish the batch in work."""
        self._consumer = consumer
        self._task_for = task_for
        self._close_timeout_s = close_timeout_s
        self._held: dict[TopicPartition, tuple[PartitionTask, asyncio.Task[None]]] = {}

    @property
    def tasks(self) -> dict[TopicPartition, PartitionTask]:
        """The task of each partition held."""
        return {lane: task for lane, (task, _) in self._held.items()}

    def failed(self) -> BaseException | None:
        """The fault that ended a task it should have survived, if any; the router starts over then."""
        for _, running in self._held.values():
            if running.done() and not running.cancelled() and running.exception() is not None:
                return running.exception()
        return None

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002 - all are
        """Let every task finish its batch, within a time that keeps this member in the group."""
        await self.close()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Pause before anything else, then open tasks; the callback does not wait for them."""
        self._consumer.pause(*assigned)
        await self.close()
        for lane in sorted(assigned):
            task = self._task_for(lane.partition)
            self._held[lane] = (task, asyncio.create_task(task.run(), name=f"partition-{lane.partition}"))

    async def close(self) -> None:
        """Close all tasks; those that do not end in time are cancelled, which discards their transaction."""
        held, self._held = self._held, {}
        if not held:
            return
        for task, _ in held.values():
            task.close()
        running = {run for _, run in held.values()}
        _, late = await asyncio.wait(running, timeout=self._close_timeout_s)
        for run in late:
            run.cancel()
        if late:
            await asyncio.wait(late, timeout=self._close_timeout_s)
            _log.warning("partitions closed in haste", count=len(late))
