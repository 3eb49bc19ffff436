"""Where the router's own topics end now: how far whoever answers from the projection must have come.

What happened to deliveries is written by those who ask, so of that topic it is where it ended when they
started: a database restored from a backup offers nothing that was acknowledged since before it knows of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from hub.adapters.kafka.limits import Limits
from hub.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.topics.catalogue import Catalogue


class Ends:
    """Asks the broker; committed records only, as the projector reads."""

    def __init__(self, bootstrap: str, *, catalogue: Catalogue, limits: Limits | None = None) -> None:
        """Nothing is connected until `start`."""
        self._bootstrap = bootstrap
        self._limits = limits or Limits()
        self._lanes = [
            TopicPartition(topic, partition)
            for topic in (catalogue.cases, catalogue.control, catalogue.outbox)
            for partition in range(catalogue.intake_partitions)
        ]
        self._happened = [
            TopicPartition(catalogue.deliveries, partition)
            for partition in range(catalogue.intake_partitions)
        ]
        self._before: dict[TopicPartition, int] = {}
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect; Unreachable if no broker answers."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            request_timeout_ms=self._limits.request_timeout_ms,
        )
        try:
            async with asyncio.timeout(self._limits.step_timeout_s):
                await consumer.start()
                self._before = await consumer.end_offsets(self._happened)
        except (KafkaError, TimeoutError, OSError) as error:
            await consumer.stop()
            message = f"no broker answers at {self._bootstrap}"
            raise Unreachable(message, fix="start Kafka, or set HUB_KAFKA") from error
        self._consumer = consumer

    async def stop(self) -> None:
        """Disconnect, within the limits' stop timeout."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            async with asyncio.timeout(self._limits.stop_timeout_s):
                await consumer.stop()

    async def __call__(self) -> Mapping[tuple[str, int], int]:
        """Return the end of every partition of the cases', the control and the outbox topic.

        And where what happened to deliveries ended at the start.

        Raises:
            Unreachable: The broker does not say.
        """
        if self._consumer is None:
            message = "nothing asks for the ends: it is not started"
            raise Unreachable(message)
        try:
            async with asyncio.timeout(self._limits.step_timeout_s):
                found: dict[TopicPartition, int] = await self._consumer.end_offsets(self._lanes)
                found |= self._before
        except (KafkaError, TimeoutError, OSError) as error:
            message = f"the broker does not say where topics end: {type(error).__name__}"
            raise Unreachable(message, fix="check HUB_KAFKA and that the broker runs") from error
        return {(lane.topic, lane.partition): end for lane, end in found.items()}
