"""What happened to deliveries: published in order, and given back to a projection that is made again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, LiteralString

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from hub.adapters.database.handing_over import Channel, Happened, note, note_each, sequence_of
from hub.adapters.ledger import ProjectorLimits, Relay, drop_projection
from hub.messages.envelope import MessageName
from hub.topics.dispatch import Dispatch, Outbox
from hub.topics.happenings import Happening, Happenings
from tests.integration.projected_world import (
    NOON,
    NORTH,
    PARTITIONS,
    PRISON,
    _delivery,
    are,
    case,
    count,
    ground,
    message,
    projector,
    rows,
    running,
    until,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from aiokafka import AIOKafkaProducer

    from hub.adapters.database.pool import Pool
    from tests.integration.projected_world import World

STANDS: LiteralString = """
SELECT delivery_id, state, sequence, fetched_at, acknowledged_at FROM delivery ORDER BY delivery_id
"""
OFFERED: LiteralString = (
    "SELECT delivery_id FROM delivery WHERE state <> 'acknowledged' AND delivery_id = ANY(%s)"
)
LANES: LiteralString = """
SELECT organisation, case_ref, max(sequence) FROM delivery WHERE sequence IS NOT NULL GROUP BY 1, 2
"""
_FETCH: LiteralString = """
UPDATE delivery SET state = 'fetched', fetched_at = coalesce(fetched_at, clock_timestamp())
 WHERE delivery_id = %s
"""
_ACKNOWLEDGE: LiteralString = """
UPDATE delivery SET state = 'acknowledged', acknowledged_at = clock_timestamp() WHERE delivery_id = %s
"""
_ENDPOINT: LiteralString = """
INSERT INTO endpoint (endpoint_id, organisation, url, messages, state, key_id, nonce, box, in_flight_max,
                      created_at)
VALUES ('ep-1', %s, 'https://example.org', '{progress}', 'active', 'k', '', '', 4, '2026-01-01')
"""


def relay(world: World, pool: Pool, *, days: int = 30, **limits: int) -> Relay:
    """A relay of this world."""
    return Relay(
        bootstrap=world.bootstrap,
        pool=pool,
        codec=world.codec,
        catalogue=world.catalogue,
        days=days,
        limits=replace(ProjectorLimits(), **limits),
    )


async def fetch(pool: Pool, delivery: str) -> None:
    """Hand a delivery out, as the mailbox does."""
    async with pool.connection() as connection, connection.transaction():
        await sequence_of(connection, delivery)
        await connection.execute(_FETCH, (delivery,))
        await note(connection, [delivery], Happened.FETCHED, Channel.MAILBOX)


async def acknowledge(pool: Pool, delivery: str) -> None:
    """Take an acknowledgement, as the mailbox does."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute(_ACKNOWLEDGE, (delivery,))
        await note(connection, [delivery], Happened.ACKNOWLEDGED, Channel.MAILBOX, {"by": "digest"})


async def published(world: World) -> list[tuple[str, Happening]]:
    """Every record of hub.deliveries: its lane and its event, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=world.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        parts = [TopicPartition(world.catalogue.deliveries, number) for number in range(PARTITIONS)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        ends, found = await consumer.end_offsets(parts), []
        while any([await consumer.position(each) < ends[each] for each in parts]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for each in records:
                    read = Happenings(world.codec).happening(each.value or b"")
                    found.append(((each.key or b"").decode(), read))
    finally:
        await consumer.stop()
    return found


@asynccontextmanager
async def delivered(
    kafka: str, database: str, prefix: str, keys: Path, *, cases: int
) -> AsyncIterator[tuple[World, Pool, list[str]]]:
    """Two deliveries on each of so many cases, projected; nothing runs."""
    async with ground(kafka, database, prefix, keys) as (world, pool):
        for number in range(cases):
            world.routed(number, to=(NORTH, PRISON))
        await world.commit()
        async with running(projector(world, pool).run):
            await until(lambda: are(pool, "delivery", 2 * cases))
        found = await rows(pool, "SELECT delivery_id FROM delivery ORDER BY cursor")
        yield world, pool, [str(row[0]) for row in found]


async def _nothing_unpublished(pool: Pool) -> bool:
    return await rows(pool, "SELECT 1 FROM delivery_event WHERE published_at IS NULL LIMIT 1") == []


@pytest.mark.requirement("R-DEL-02")
@pytest.mark.requirement("R-RTE-07")
async def test_everything_that_happens_is_published_once_in_the_order_of_its_lane(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Two relays, many events at once: each stands on the topic once, each lane in its own order."""
    async with delivered(kafka, fresh_database, topic_prefix, tmp_path, cases=12) as (world, pool, ids):
        async with running(relay(world, pool).run), running(relay(world, pool).run):
            await asyncio.gather(*(fetch(pool, each) for each in ids))
            await asyncio.gather(*(acknowledge(pool, each) for each in ids[:10]))
            await until(lambda: _nothing_unpublished(pool))
        events = await rows(
            pool, "SELECT event_id, organisation, case_ref FROM delivery_event ORDER BY event"
        )
        found = await published(world)
        assert len(events) == len(found) == len(ids) + 10
        wanted: dict[str, list[Any]] = {}
        for event_id, organisation, case_ref in events:
            wanted.setdefault(f"{organisation}/{case_ref}", []).append(event_id)
        got: dict[str, list[Any]] = {}
        for _, each in found:
            got.setdefault(f"{each.organisation}/{each.case}", []).append(each.event_id)
        assert got == wanted
        assert {lane for lane, _ in found} == {
            Happenings(world.codec).lane(each.organisation, each.case) for _, each in found
        }


class _Lost:
    """A producer whose broker takes everything, and whose process does not live to see it."""

    def __init__(self, real: AIOKafkaProducer) -> None:
        self._real = real
        self.create_batch = real.create_batch

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:  # noqa: ANN401
        await (await self._real.send_batch(batch, topic, partition=partition))
        raise asyncio.CancelledError


@pytest.mark.requirement("R-DEL-02")
async def test_a_crash_between_publishing_and_marking_publishes_again_under_the_same_id(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Twice on the topic, in the same order, and remembered once."""
    async with delivered(kafka, fresh_database, topic_prefix, tmp_path, cases=1) as (world, pool, ids):
        await fetch(pool, ids[0])
        await acknowledge(pool, ids[0])
        one = relay(world, pool)
        async with one._started() as producer:
            with pytest.raises(asyncio.CancelledError):
                await one.relay(_Lost(producer))  # type: ignore[arg-type]
            assert await one.relay(producer) == 2
            assert await one.relay(producer) == 0
        found = [each.event_id for _, each in await published(world)]
        assert found == found[:2] * 2
        async with running(projector(world, pool).run):
            await until(lambda: _read(pool, world, 4))
        assert await count(pool, "delivery_event") == 2


async def _read(pool: Pool, world: World, number: int) -> bool:
    """Whether the projector has read so many records of hub.deliveries."""
    found = await rows(pool, "SELECT sum(next) FROM position WHERE topic = %s", world.catalogue.deliveries)
    return found == [(number,)]


async def _happen(pool: Pool, ids: Sequence[str]) -> None:
    """Let every third delivery be fetched, and every third acknowledged."""
    for number, each in enumerate(ids):
        if number % 3:
            await fetch(pool, each)
        if number % 3 == 2:
            await acknowledge(pool, each)


async def _back(pool: Pool, number: int) -> bool:
    return await are(pool, "delivery", number) and await are(pool, "ledger", number)


@pytest.mark.requirement("R-DEL-02")
async def test_a_projection_made_again_has_every_delivery_as_it_stood(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """State, number and moments come back from what is kept, an open attempt's number with them."""
    async with delivered(kafka, fresh_database, topic_prefix, tmp_path, cases=6) as (world, pool, ids):
        await _happen(pool, ids)
        async with pool.connection() as connection:
            await sequence_of(connection, ids[0])
        before = await rows(pool, STANDS)
        lanes = await rows(pool, "SELECT * FROM lane ORDER BY 1, 2")
        assert {row[1] for row in before} == {"available", "fetched", "acknowledged"}
        await drop_projection(pool)
        async with running(projector(world, pool).run):
            await until(lambda: _back(pool, len(ids)))
        after = await rows(pool, STANDS)
        assert [row[:3] for row in after] == [row[:3] for row in before]
        assert all(_same_moment(old, new) for old, new in zip(before, after, strict=True))
        assert await rows(pool, "SELECT * FROM lane ORDER BY 1, 2") == lanes


@pytest.mark.requirement("R-DEL-02")
async def test_a_projection_made_again_knows_since_when_a_delivery_is_offered_again(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Else what is old would expire at once; a push that was tried again offers nothing anew."""
    async with delivered(kafka, fresh_database, topic_prefix, tmp_path, cases=1) as (world, pool, ids):
        async with pool.connection() as connection, connection.transaction():
            for delivery, how in zip(ids, ("redelivered", "recovered"), strict=True):
                await note(connection, [delivery], Happened.REDELIVERED, Channel.HUB, {"how": how})
        await drop_projection(pool)
        async with running(projector(world, pool).run):
            await until(lambda: _back(pool, len(ids)))
        asked = (
            "SELECT d.released_at = e.at FROM delivery d JOIN delivery_event e USING (delivery_id)"
            " ORDER BY e.said->>'how' DESC"
        )
        assert await rows(pool, asked) == [(True,), (None,)]


def _same_moment(old: Sequence[Any], new: Sequence[Any]) -> bool:
    """Whether fetched and acknowledged at the same moments: the event is written some milliseconds later."""
    return all(
        (one is None) == (other is None) and (one is None or abs((one - other).total_seconds()) < 1)
        for one, other in zip(old[3:], new[3:], strict=True)
    )


@pytest.mark.requirement("R-DEL-02")
async def test_where_the_database_is_lost_the_log_says_how_deliveries_stood(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Nothing acknowledged is offered again at any time in between, and no number is given twice."""
    async with delivered(kafka, fresh_database, topic_prefix, tmp_path, cases=6) as (world, pool, ids):
        await _happen(pool, ids)
        async with running(relay(world, pool).run):
            await until(lambda: _nothing_unpublished(pool))
        before = await rows(pool, STANDS)
        events = await rows(
            pool, "SELECT event_id, kind, said, state, sequence, at FROM delivery_event ORDER BY 1"
        )
        settled = [row[0] for row in before if row[1] == "acknowledged"]
        await drop_projection(pool)
        async with pool.connection() as connection:
            await connection.execute("TRUNCATE delivery_event, lane RESTART IDENTITY")
        seen: list[str] = []
        async with running(projector(world, pool, batch_records_max=1).run):
            async with asyncio.timeout(30):
                while not await _back(pool, len(ids)):
                    seen += [str(row[0]) for row in await rows(pool, OFFERED, settled)]
        assert seen == []
        after = await rows(pool, STANDS)
        assert [row[:3] for row in after] == [row[:3] for row in before]
        assert all(_same_moment(old, new) for old, new in zip(before, after, strict=True))
        assert events == await rows(
            pool, "SELECT event_id, kind, said, state, sequence, at FROM delivery_event ORDER BY 1"
        )
        assert sorted(await rows(pool, LANES)) == sorted(await rows(pool, "SELECT * FROM lane"))


async def _with_pushes(world: World, pool: Pool, count: int) -> list[str]:
    """Let so many deliveries be entered for an organisation that has an endpoint; their ids, in order."""
    async with pool.connection() as connection:
        await connection.execute(_ENDPOINT, (NORTH,))
    for number in range(count):
        pushed(world, number)
    await world.commit()
    async with running(projector(world, pool).run):
        await until(lambda: are(pool, "push", count))
    return [str(row[0]) for row in await rows(pool, "SELECT delivery_id FROM delivery ORDER BY cursor")]


@pytest.mark.requirement("R-DEL-02")
async def test_what_was_pushed_since_the_backup_is_not_pushed_again(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Its push was not there yet, or was still to come; what nobody has had is pushed."""
    async with ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool):
        fresh, later, never = await _with_pushes(world, pool, 3)
        async with pool.connection() as connection, connection.transaction():
            for each in (fresh, later):
                await sequence_of(connection, each)
            await connection.execute(
                "UPDATE delivery SET state = 'transported' WHERE delivery_id = ANY(%s)", ([fresh, later],)
            )
            await note(connection, [fresh, later], Happened.TRANSPORTED, Channel.WEBHOOK)
        async with running(relay(world, pool).run):
            await until(lambda: _nothing_unpublished(pool))
        await drop_projection(pool)
        async with pool.connection() as connection:
            await connection.execute("TRUNCATE delivery_event, lane RESTART IDENTITY")
            await connection.execute("DELETE FROM push WHERE delivery_id <> %s", (later,))
        async with running(projector(world, pool).run):
            await until(lambda: are(pool, "delivery", 3))
        found = await rows(
            pool, "SELECT delivery_id, p.state, place = cursor FROM push p JOIN delivery USING (delivery_id)"
        )
        assert {*found} == {(later, "delivered", True), (never, "scheduled", True)}


def pushed(world: World, number: int) -> None:
    """Queue the outbox record of a delivery that does not go by Kafka."""
    view = Dispatch(world.codec).view(replace(_delivery(number, NORTH), by_kafka=False))
    outbox = Outbox(
        message_id=message(number),
        case=case(number),
        message=MessageName.PROGRESS,
        decided_at=NOON,
        partition=0,
        offset=number,
        views=(view,),
    )
    encoded = Dispatch(world.codec).outbox(outbox)
    world.put(world.catalogue.outbox, 0, encoded.key, encoded.value)


@pytest.mark.requirement("R-DEL-02")
async def test_published_events_are_forgotten_once_their_delivery_is_finished_and_old_enough(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """What is unfinished, signed or not published stays whatever its age; the topic keeps all of it."""
    async with delivered(kafka, fresh_database, topic_prefix, tmp_path, cases=2) as (world, pool, ids):
        for each in ids[:3]:
            await fetch(pool, each)
        await acknowledge(pool, ids[0])
        await acknowledge(pool, ids[1])
        async with pool.connection() as connection:
            await note_each(connection, [(ids[0], Happened.ACKNOWLEDGED, {"jws": "a.b.c"})], Channel.MAILBOX)
            await connection.execute(
                "UPDATE delivery_event SET published_at = now() - interval '31 days' WHERE delivery_id <> %s",
                (ids[1],),
            )
        async with running(relay(world, pool).run):
            await until(lambda: _nothing_unpublished(pool))
            await until(lambda: are(pool, "delivery_event", 4))
        left = await rows(pool, "SELECT DISTINCT delivery_id, said ? 'jws' FROM delivery_event")
        assert {*left} == {(ids[0], True), (ids[1], False), (ids[2], False)}


@pytest.mark.requirement("R-DEL-02")
async def test_pushes_are_forgotten_once_they_are_over_for_long_and_their_delivery_is_finished(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """One whose number still has to be said to be missing stays, and so does what is young or waits."""
    async with ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool):
        over, too, young, untold, unfinished, waiting = await _with_pushes(world, pool, 6)
        async with pool.connection() as connection:
            await connection.execute(
                "UPDATE delivery SET state = 'acknowledged' WHERE delivery_id <> %s", (unfinished,)
            )
            await connection.execute(
                "UPDATE push SET due_at = now() - interval '31 days' WHERE delivery_id <> %s", (young,)
            )
            await connection.execute(
                "UPDATE push SET state = 'delivered', untold = delivery_id = %s WHERE delivery_id <> %s",
                (untold, waiting),
            )
        for left in (5, 4):
            await relay(world, pool, forget_pushes_max=1)._forget()
            assert await count(pool, "push") == left
        await relay(world, pool)._forget()
        found = {str(row[0]) for row in await rows(pool, "SELECT delivery_id FROM push")}
        assert found == {young, untold, unfinished, waiting}
        assert not found & {over, too}
