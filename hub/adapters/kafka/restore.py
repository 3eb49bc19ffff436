"""Restoring a partition's tables from their changelogs, to the stable end.

Under read_committed the end a broker names is the last stable offset, and a consumer's position
passes the markers of transactions: position, not the last record's offset, says when all is read.
The previous owner must have been fenced before the end is asked for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from hub.errors import TaskCorrupted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.adapters.kafka.limits import Limits
    from hub.topics.tables import Table


async def restore(
    tables: Mapping[str, Table], *, partition: int, bootstrap: str, limits: Limits
) -> dict[str, int]:
    """Fill each table from the partition of the changelog it is named for.

    Returns:
        How many records of each changelog were read.

    Raises:
        TaskCorrupted: A changelog could not be read to its end in time.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        request_timeout_ms=limits.request_timeout_ms,
        max_partition_fetch_bytes=4 * limits.fetch_bytes_max,
        fetch_max_wait_ms=limits.fetch_wait_ms,
    )
    lanes = {TopicPartition(topic, partition): table for topic, table in tables.items()}
    try:
        async with asyncio.timeout(limits.restore_timeout_s):
            await consumer.start()
            return await _read(consumer, lanes)
    except (KafkaError, TimeoutError, OSError) as error:
        message = f"the tables of partition {partition} could not be restored: {type(error).__name__}"
        raise TaskCorrupted(message) from error
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, lanes: Mapping[TopicPartition, Table]) -> dict[str, int]:
    consumer.assign(list(lanes))
    await consumer.seek_to_beginning(*lanes)
    ends = await consumer.end_offsets(list(lanes))
    read = {lane.topic: 0 for lane in lanes}
    open_lanes = set(lanes)
    while True:
        for lane in tuple(open_lanes):
            if await consumer.position(lane) >= ends[lane]:
                consumer.pause(lane)
                open_lanes.discard(lane)
        if not open_lanes:
            return read
        for lane, records in (await consumer.getmany(timeout_ms=100)).items():
            table = lanes[lane]
            read[lane.topic] += len(records)
            for record in records:
                table.restore(record.key or b"", record.value)
