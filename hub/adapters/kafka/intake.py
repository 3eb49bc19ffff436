"""Appending messages to hub.intake: what the gateway and the feeds do before they say 202."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from hub.adapters import telemetry
from hub.adapters.kafka.limits import Limits
from hub.errors import Unreachable
from hub.messages.identifiers import Instant

if TYPE_CHECKING:
    from hub.messages.envelope import Submission
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec, Encoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """Where a message now stands in the log, and when the broker took it."""

    partition: int
    offset: int
    at: Instant


class IntakePublisher:
    """Appends sealed messages; a message is acknowledged by all replicas, or it is an error."""

    def __init__(
        self, bootstrap: str, *, codec: Codec, catalogue: Catalogue, limits: Limits | None = None
    ) -> None:
        """Nothing is connected until `start`."""
        self._bootstrap = bootstrap
        self._codec = codec
        self._catalogue = catalogue
        self._limits = limits or Limits()
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; Unreachable if no broker answers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=self._limits.batch_bytes_max,
            max_request_size=self._limits.record_bytes_max,
            request_timeout_ms=self._limits.request_timeout_ms,
        )
        try:
            async with asyncio.timeout(self._limits.step_timeout_s):
                await producer.start()
        except (KafkaError, TimeoutError, OSError) as error:
            await producer.stop()
            message = f"no broker answers at {self._bootstrap}"
            raise Unreachable(message, fix="start Kafka, or set HUB_KAFKA") from error
        self._producer = producer

    async def stop(self) -> None:
        """Disconnect, within the limits' stop timeout."""
        producer, self._producer = self._producer, None
        if producer is not None:
            async with asyncio.timeout(self._limits.stop_timeout_s):
                await producer.stop()

    async def publish(self, submission: Submission) -> Appended:
        """Append one message; it keeps the order of its case, and the router goes on with its trace.

        Raises:
            Unreachable: The broker did not acknowledge in time. The message may still be there: send
                it again under the same id, and the router takes it once.
        """
        with telemetry.span("append", hub_message=submission.envelope.message):
            return await self.append(self._codec.submission(submission))

    async def append(self, encoded: Encoded) -> Appended:
        """Append one record; raises what `publish` does."""
        if self._producer is None:
            message = "the publisher is not started"
            raise Unreachable(message)
        try:
            headers = list(encoded.headers)
            telemetry.inject(headers)
            async with asyncio.timeout(self._limits.step_timeout_s):
                done = await self._producer.send_and_wait(
                    self._catalogue.intake, encoded.value, key=encoded.key, headers=headers
                )
        except (KafkaError, TimeoutError, OSError) as error:
            message = f"the log did not take the message: {type(error).__name__}"
            raise Unreachable(message, fix="try again with the same idempotency key") from error
        return Appended(partition=done.partition, offset=done.offset, at=Instant(done.timestamp))
