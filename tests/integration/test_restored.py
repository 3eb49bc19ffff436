"""A database restored from a backup: what happened since is known before anything is handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.adapters.database.freshness import Freshness, Projection
from hub.adapters.database.handing_over import Channel, Happened, note
from hub.adapters.database.standstill import announce_restored
from hub.adapters.gateway.stream_store import BEGINNING, StreamStore
from hub.adapters.kafka.ends import Ends
from hub.adapters.ledger import drop_projection
from hub.errors import NotCaughtUp
from tests.integration.projected_world import NORTH, projector, rows, running, until
from tests.integration.test_deliveries_log import (
    _back,
    _nothing_unpublished,
    acknowledge,
    delivered,
    relay,
)

if TYPE_CHECKING:
    from pathlib import Path

_AS_IN_THE_BACKUP = (
    "UPDATE delivery SET state = 'available', finished_at = NULL, acknowledged_at = NULL RETURNING 1",
    "DELETE FROM delivery_event RETURNING 1",
    "UPDATE position SET next = 0 WHERE topic = '{}' RETURNING 1",
)
_DONE = """
SELECT delivery_id, finished_at < now() - interval '8 days' FROM delivery ORDER BY finished_at NULLS LAST
"""
_TOLD = "SELECT late_told_at IS NOT NULL FROM delivery WHERE delivery_id = %s"


@pytest.mark.requirement("R-DEL-02")
async def test_nothing_is_handed_over_before_it_is_known_what_happened_since_the_backup(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """What was acknowledged since is not offered again, though nothing else has come to the log meanwhile."""
    async with delivered(kafka, fresh_database, topic_prefix, tmp_path, cases=2) as (world, pool, ids):
        async with running(relay(world, pool).run):
            await acknowledge(pool, ids[0])
            await until(lambda: _nothing_unpublished(pool))
        async with running(projector(world, pool).run):
            await until(lambda: _known(pool, world.catalogue.deliveries))
        for statement in _AS_IN_THE_BACKUP:
            await rows(pool, statement.format(world.catalogue.deliveries))
        ends = Ends(kafka, catalogue=world.catalogue)
        await ends.start()
        try:
            freshness = Freshness(Projection(pool, 5.0), ends, timeout_s=0.5)
            with pytest.raises(NotCaughtUp):
                await freshness.wait()
            async with running(projector(world, pool).run):
                await Freshness(Projection(pool, 5.0), ends, timeout_s=20.0).wait()
                found = await rows(pool, "SELECT state FROM delivery WHERE delivery_id = %s", ids[0])
                assert found == [("acknowledged",)]
            # What happens from then on is written by this hub itself: nobody waits for that.
            async with running(relay(world, pool).run):
                await acknowledge(pool, ids[1])
                await until(lambda: _nothing_unpublished(pool))
            await freshness.wait()
        finally:
            await ends.stop()


async def _known(pool: object, topic: str) -> bool:
    return bool(await rows(pool, "SELECT 1 FROM position WHERE topic = %s AND next > 0", topic))  # type: ignore[arg-type]


@pytest.mark.requirement("R-DEL-02")
async def test_who_was_told_that_a_safety_message_is_late_is_not_told_twice(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """A projection made again knows of it, unless the message was offered again since."""
    async with delivered(kafka, fresh_database, topic_prefix, tmp_path, cases=1) as (world, pool, ids):
        async with pool.connection() as connection, connection.transaction():
            await note(connection, ids, Happened.TOLD_LATE, Channel.HUB)
        async with pool.connection() as connection, connection.transaction():
            await note(connection, [ids[1]], Happened.REDELIVERED, Channel.HUB, {"how": "redelivered"})
        await drop_projection(pool)
        async with running(projector(world, pool).run):
            await until(lambda: _back(pool, len(ids)))
        assert [await rows(pool, _TOLD, each) for each in ids] == [[(True,)], [(False,)]]


@pytest.mark.requirement("R-DEL-02")
async def test_a_projection_made_again_knows_since_when_its_recipient_is_done_with_a_delivery(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Else it could be had again for as many days from then on; what is not finished has no such moment."""
    async with delivered(kafka, fresh_database, topic_prefix, tmp_path, cases=1) as (world, pool, ids):
        await acknowledge(pool, ids[0])
        await rows(pool, "UPDATE delivery_event SET at = at - interval '9 days' RETURNING 1")
        await drop_projection(pool)
        async with running(projector(world, pool).run):
            await until(lambda: _back(pool, len(ids)))
        assert await rows(pool, _DONE) == [(ids[0], True), (ids[1], None)]


@pytest.mark.requirement("R-DEL-01", "R-DEL-02")
async def test_a_follower_is_told_of_what_was_announced_by_a_server_that_had_counted_further(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Transactions are counted anew where a backup was restored into another server."""
    async with delivered(kafka, fresh_database, topic_prefix, tmp_path, cases=1) as (_, pool, ids):
        await rows(pool, "UPDATE delivery SET announced = announced + 1000000 RETURNING 1")
        store = StreamStore(pool, 5.0)
        assert (await store.notices(NORTH, after=BEGINNING, limit=5))[0] == []
        async with pool.connection() as connection:
            await announce_restored(connection)
        found, _ = await store.notices(NORTH, after=BEGINNING, limit=5)
        assert [each.delivery_id for each in found] == ids[:1]
