"""Reading hub.intake back: one record by its place in the log, or a partition from its beginning up to it.

The ledger names the partition and offset of the record each decision came from; the log keeps it for ever.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from hub.errors import NotConfigured, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from aiokafka import ConsumerRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBackLimits:
    """How long reading back may take, and how much is fetched at once."""

    timeout_s: float = 30.0
    """Longest for all that is read for one question."""
    fetch_bytes_max: int = 4_194_304
    """Most bytes fetched at once."""
    request_timeout_ms: int = 5_000
    """Longest wait for one answer of the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a record stands in hub.intake."""

    partition: int
    offset: int


async def read_one(
    bootstrap: str, topic: str, place: Place, *, limits: ReadBackLimits | None = None
) -> ConsumerRecord[bytes, bytes]:
    """Return the record of this partition and offset.

    Raises:
        Unreachable: The broker did not give it in time.
        NotConfigured: There is no such record.
    """
    found = read_until(bootstrap, topic, place, beginning=place.offset, limits=limits)
    async with aclosing(found) as records:
        async for record in records:
            return record
    raise _not_there(topic, place)


async def read_until(
    bootstrap: str,
    topic: str,
    place: Place,
    *,
    beginning: int | None = None,
    limits: ReadBackLimits | None = None,
) -> AsyncGenerator[ConsumerRecord[bytes, bytes], None]:
    """Yield the records of a partition up to and with this one, from its beginning or a later offset.

    Raises:
        Unreachable: The broker did not give them in time.
        NotConfigured: There is no such record, so that the last one yielded is another.
    """
    limit = limits or ReadBackLimits()
    lane = TopicPartition(topic, place.partition)
    last = -1
    try:
        async with asyncio.timeout(limit.timeout_s), _consumer(bootstrap, limit) as consumer:
            consumer.assign([lane])
            end = (await consumer.end_offsets([lane]))[lane]
            if place.offset >= end:
                raise _not_there(topic, place)
            if beginning is None:
                await consumer.seek_to_beginning(lane)
            else:
                consumer.seek(lane, beginning)
            while await consumer.position(lane) <= place.offset:
                for record in (await consumer.getmany(lane, timeout_ms=250)).get(lane, []):
                    if record.offset <= place.offset:
                        last = record.offset
                        yield record
    except (KafkaError, TimeoutError, OSError) as error:
        message = f"the log was not read back in {limit.timeout_s:g} s: {type(error).__name__}"
        fix = "give it longer with --within, or ask about the case as it stands now with --today"
        raise Unreachable(message, fix=fix) from error
    if last != place.offset:
        raise _not_there(topic, place)


@asynccontextmanager
async def _consumer(bootstrap: str, limits: ReadBackLimits) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        request_timeout_ms=limits.request_timeout_ms,
        max_partition_fetch_bytes=limits.fetch_bytes_max,
        fetch_max_wait_ms=50,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


def _not_there(topic: str, place: Place) -> NotConfigured:
    message = f"{topic} has no record {place.offset} in partition {place.partition}"
    return NotConfigured(message, fix="check that the ledger and the log are of the same hub")
