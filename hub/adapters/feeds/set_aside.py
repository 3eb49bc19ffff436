"""Sets aside what a feed cannot take: on hub.quarantine, with its reason, sealed for its sender."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from hub.adapters.feeds.limits import FeedLimits
from hub.errors import Unreachable
from hub.topics.catalogue import QUARANTINE_PARTITIONS, lane_partition
from hub.topics.evidence import Evidence

if TYPE_CHECKING:
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec
    from hub.topics.evidence import SetAside

_FIX = "check HUB_KAFKA and that the broker runs; the record waits on its topic"


class QuarantineLog:
    """Appends to hub.quarantine, acknowledged by every replica in sync; twice is as good as once."""

    def __init__(
        self, bootstrap: str, *, codec: Codec, catalogue: Catalogue, limits: FeedLimits | None = None
    ) -> None:
        """Nothing is connected until `start`."""
        self.evidence = Evidence(codec)
        self._catalogue = catalogue
        self._limits = limits or FeedLimits()
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; Unreachable if no broker answers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            request_timeout_ms=self._limits.request_timeout_ms,
        )
        try:
            async with asyncio.timeout(self._limits.step_timeout_s):
                await producer.start()
        except BaseException as error:
            await producer.stop()
            if not isinstance(error, KafkaError | TimeoutError | OSError):
                raise
            message = "Kafka does not answer the feeds"
            raise Unreachable(message, fix=_FIX) from error
        self._producer = producer

    async def stop(self) -> None:
        """Disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            async with asyncio.timeout(self._limits.stop_timeout_s):
                await producer.stop()

    async def append(self, aside: SetAside) -> None:
        """Write the record; Unreachable if the broker did not confirm it in time."""
        if self._producer is None:
            message = "the quarantine log is not started"
            raise Unreachable(message, fix=_FIX)
        encoded = self.evidence.quarantine(aside)
        try:
            async with asyncio.timeout(self._limits.step_timeout_s):
                await self._producer.send_and_wait(
                    self._catalogue.quarantine,
                    encoded.value,
                    key=encoded.key,
                    partition=lane_partition(aside.record_id, QUARANTINE_PARTITIONS),
                )
        except (KafkaError, TimeoutError, OSError) as error:
            message = f"hub.quarantine did not take a record: {type(error).__name__}"
            raise Unreachable(message, fix=_FIX) from error
