"""What goes wrong around a projector: nothing is lost, doubled or skipped silently."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import psycopg
import pytest
from aiokafka import TopicPartition

from hub.adapters.ledger import drop_projection
from hub.errors import Drift
from tests.integration.projected_world import (
    NORTH,
    are,
    case,
    count,
    ground,
    projector,
    rows,
    running,
    stands_still,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.requirement("R-DEL-02")
async def test_projector_whose_position_was_moved_by_another_changes_nothing_and_goes_on_from_there(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """The loser of a race for a partition rolls back, reads the position again and continues."""
    async with ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool):
        one = projector(world, pool)
        async with running(one.run):
            world.routed(0)
            await world.commit()
            await until(lambda: are(pool, "delivery", 1))
            async with pool.connection() as connection:
                await connection.execute(
                    "UPDATE position SET next = next - 2 WHERE topic = %s AND partition = 0",
                    (world.catalogue.outbox,),
                )
            world.routed(3)
            await world.commit()
            await until(lambda: are(pool, "delivery", 2))
        assert not one.stopped


@pytest.mark.requirement("R-AUD-04")
async def test_projector_passes_over_deliveries_whose_person_was_erased(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Erased content makes no rows and stops nothing; a case's tombstone takes its row away."""
    async with ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool):
        world.routed(0)
        world.routed(3)
        world.codec.keys.erase(f"case-{case(0)}")  # type: ignore[attr-defined]
        await world.commit()
        async with running(projector(world, pool).run):
            await until(lambda: are(pool, "delivery", 1))
            await until(lambda: are(pool, "case_state", 1))
            world.put(world.catalogue.cases, 0, case(3).encode(), None)
            await world.commit()
            await until(lambda: are(pool, "case_state", 0))


@pytest.mark.requirement("R-DEL-02")
async def test_projector_stops_one_partition_at_a_record_it_cannot_read_and_names_it(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """What the hub wrote itself is never skipped: its partition stands still, the others go on."""
    async with ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool):
        world.routed(0)
        world.put(world.catalogue.outbox, 0, case(0).encode(), b"\x00\x00\x00\x00\x03damaged")
        world.routed(3)
        world.routed(1)
        await world.commit()
        one = projector(world, pool)
        async with running(one.run):
            await until(lambda: are(pool, "submission", 3))
            await until(lambda: are(pool, "delivery", 2))
            await until(lambda: stands_still(one))
            assert [(tp.topic, tp.partition) for tp in one.stopped] == [(world.catalogue.outbox, 0)]
            await until(lambda: are(pool, "projector_stopped", 1))
            assert await rows(pool, "SELECT topic, partition, code FROM projector_stopped") == [
                (world.catalogue.outbox, 0, one.stopped[TopicPartition(world.catalogue.outbox, 0)].code)
            ]
            assert await rows(
                pool, "SELECT next FROM position WHERE topic = %s AND partition = 0", world.catalogue.outbox
            ) == [(1,)]


@pytest.mark.requirement("R-DEL-02")
async def test_partition_that_stood_still_is_struck_out_when_it_moves_again(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """A key that is back lets a new projector go on, and nobody is told any longer that it cannot."""
    async with ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool):
        world.routed(0)
        await world.commit()
        key = tmp_path / f"case-{case(0)}"
        key.rename(tmp_path / "elsewhere")
        world.codec.keys._known.clear()  # type: ignore[attr-defined]
        async with running(projector(world, pool).run):
            await until(lambda: are(pool, "projector_stopped", 2))
            codes = {row[0] for row in await rows(pool, "SELECT code FROM projector_stopped")}
            assert codes == {"KEY-UNKNOWN"}
            assert await count(pool, "delivery") == 0
        (tmp_path / "elsewhere").rename(key)
        async with running(projector(world, pool).run):
            await until(lambda: are(pool, "delivery", 1))
            await until(lambda: are(pool, "projector_stopped", 0))


@pytest.mark.requirement("R-DEL-02")
async def test_projector_refuses_a_database_that_belongs_to_another_log(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """A position behind the end of the log is never guessed away."""
    async with ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool):
        async with pool.connection() as connection:
            await connection.execute("INSERT INTO position VALUES (%s, 1, 77)", (world.catalogue.outbox,))
        with pytest.raises(Drift, match="goes on at 77"):
            await asyncio.wait_for(projector(world, pool).run(asyncio.Event()), 20)


@pytest.mark.requirement("R-DEL-02")
async def test_projector_whose_connections_are_cut_goes_on_and_misses_nothing(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """A database that drops its connections delays rows, it does not lose or double them."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool, batch_records_max=3).run),
    ):
        for number in range(30):
            world.routed(number)
            if number % 6 == 5:
                await world.commit()
                await _cut_connections(fresh_database)
        for table in ("delivery", "submission", "ledger"):
            await until(partial(are, pool, table, 30))


async def _cut_connections(database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.requirement("R-DEL-02")
async def test_projector_stops_only_the_partition_whose_row_the_database_refuses(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Text PostgreSQL cannot hold stops its own partition, named, and no other."""
    async with ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool):
        world.control("organisation", NORTH, {"name": "a\x00b"})
        for number in range(6):
            world.routed(number)
        await world.commit()
        one = projector(world, pool)
        async with running(one.run):
            await until(lambda: are(pool, "delivery", 6))
            await until(lambda: are(pool, "control_applied", 2))
            await until(lambda: stands_still(one))
        assert [(tp.topic, tp.partition, error.code) for tp, error in one.stopped.items()] == [
            (world.catalogue.control, 0, "ROW-REFUSED")
        ]


async def test_projection_dropped_under_a_running_projector_is_made_again(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Rebuilding needs no restart, nor that anything new comes."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        for number in range(9):
            world.routed(number)
        await world.commit()
        await until(lambda: are(pool, "delivery", 9))
        await until(lambda: are(pool, "submission", 9))
        await drop_projection(pool)
        await until(lambda: are(pool, "delivery", 9))
        await until(lambda: are(pool, "submission", 9))
        await drop_projection(pool)
        world.routed(9)
        await world.commit()
        for number in range(10, 13):
            world.routed(number)
        await world.commit()
        await until(lambda: are(pool, "delivery", 13))
        await until(lambda: are(pool, "submission", 13))
