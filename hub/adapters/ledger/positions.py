"""How far each partition has been applied: the truth is in PostgreSQL, moved with the rows themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.adapters.database.standstill import moves_again
from hub.errors import Drift, TaskMigrated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiokafka import AIOKafkaConsumer, TopicPartition
    from psycopg import AsyncConnection

    from hub.adapters.database.pool import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One partition's move from the offset that was next when it was read to the one that is next now."""

    partition: TopicPartition
    read: int
    next: int


async def load(
    pool: Pool, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return where each partition goes on; one never applied starts at the oldest record there is.

    Raises:
        Drift: The log begins after a position or ends before it: this database belongs to another
            log, or was away for longer than the log is kept.
    """
    oldest = await consumer.beginning_offsets(list(partitions))
    ends = await consumer.end_offsets(list(partitions))
    found: dict[TopicPartition, int] = {}
    async with pool.connection() as connection:
        for partition in partitions:
            found[partition] = await _next(connection, partition, oldest[partition])
    for partition, position in found.items():
        if not oldest[partition] <= position <= ends[partition]:
            message = (
                f"{partition.topic}/{partition.partition} holds {oldest[partition]} to {ends[partition]},"
                f" the database goes on at {position}"
            )
            raise Drift(
                message,
                fix="use the database that belongs to this Kafka, or make its tables again:"
                " python3 -m hub projection rebuild",
            )
    return found


async def never_applied(pool: Pool, partitions: Sequence[TopicPartition]) -> set[TopicPartition]:
    """Return those of these partitions of which this database has nothing yet."""
    if not partitions:
        return set()
    numbers = [each.partition for each in partitions]
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT partition FROM position WHERE topic = %s AND partition = ANY(%s)",
            (partitions[0].topic, numbers),
        )
        applied = {row[0] for row in await cursor.fetchall()}
    return {each for each in partitions if each.partition not in applied}


async def moved(pool: Pool, known: Mapping[TopicPartition, int]) -> set[TopicPartition]:
    """Return those of these partitions that stand elsewhere than is known: dropped, or moved by others."""
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT topic, partition, next FROM position")
        stand = {(topic, partition): following for topic, partition, following in await cursor.fetchall()}
    return {each for each, following in known.items() if stand.get((each.topic, each.partition)) != following}


async def _next(connection: AsyncConnection, partition: TopicPartition, oldest: int) -> int:
    key = (partition.topic, partition.partition)
    await connection.execute(
        "INSERT INTO position (topic, partition, next) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (*key, oldest),
    )
    cursor = await connection.execute("SELECT next FROM position WHERE topic = %s AND partition = %s", key)
    row = await cursor.fetchone()
    return oldest if row is None else int(row[0])


async def move(connection: AsyncConnection, steps: Sequence[Step]) -> None:
    """Move the positions inside the caller's transaction.

    Partitions are taken in one order everywhere, so that two projectors wait for each other but
    never in a circle.

    Raises:
        TaskMigrated: A position is not where it was read: somebody else applied these records.
    """
    for step in sorted(steps, key=lambda step: step.partition):
        cursor = await connection.execute(
            "UPDATE position SET next = %s WHERE topic = %s AND partition = %s AND next = %s",
            (step.next, step.partition.topic, step.partition.partition, step.read),
        )
        if cursor.rowcount != 1:
            message = f"{step.partition.topic}/{step.partition.partition} is being applied by somebody else"
            raise TaskMigrated(message)
    await moves_again(connection, [(step.partition.topic, step.partition.partition) for step in steps])


async def positions(pool: Pool, topic: str) -> Mapping[int, int]:
    """Return the next offset of each partition of a topic, as applied so far."""
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT partition, next FROM position WHERE topic = %s", (topic,))
        return {int(partition): int(following) for partition, following in await cursor.fetchall()}
