"""The router on the real broker: what goes in comes out once, and what is wrong is set aside."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.adapters.kafka import admin
from hub.adapters.kafka.intake import IntakePublisher
from hub.adapters.kafka.limits import Limits
from hub.adapters.kafka.router import Router
from hub.messages.identifiers import CaseRef, derived_id
from hub.topics.catalogue import Catalogue
from tests.faults import reading, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from hub.messages.envelope import Submission
    from hub.topics.codec import Codec

LIMITS = Limits(session_timeout_ms=6_000, heartbeat_ms=500, tick_interval_ms=100)
CASE = CaseRef(derived_id("case", "one"))


class Ground:
    """A hub's topics on the broker, with keys and a codec, for one test."""

    def __init__(self, bootstrap: str, prefix: str, folder: Path, partitions: int) -> None:
        """Nothing is made until `topics`."""
        self.bootstrap = bootstrap
        self.catalogue = Catalogue(intake_partitions=partitions, prefix=prefix)
        self.codec: Codec = world.codec_in(folder)

    async def topics(self) -> None:
        """Make the hub's topics."""
        await admin.apply(self.catalogue.topics(world.BY_KAFKA), bootstrap=self.bootstrap)

    async def send(self, *messages: Submission) -> None:
        """Append messages to the log."""
        publisher = IntakePublisher(self.bootstrap, codec=self.codec, catalogue=self.catalogue)
        await publisher.start()
        for message in messages:
            await publisher.publish(message)
        await publisher.stop()

    @asynccontextmanager
    async def router(self, limits: Limits = LIMITS) -> AsyncIterator[Router]:
        """A router at work."""
        stop = asyncio.Event()
        router = Router(
            self.bootstrap, codec=self.codec, catalogue=self.catalogue, route=world.route, limits=limits
        )
        running = asyncio.create_task(router.run(stop))
        try:
            yield router
        finally:
            stop.set()
            await running

    async def notes(self, *, at_least: int, organisation: str = world.BY_KAFKA[0]) -> list[str]:
        """What this organisation got, once there are so many."""
        topic = f"{self.catalogue.prefix}hub.to.{organisation}"
        async with asyncio.timeout(30):
            while True:
                records = await reading.read(self.bootstrap, topic)
                if len(records) >= at_least:
                    return [reading.note_of(self.codec, reading.value_of(record)) for record in records]
                await asyncio.sleep(0.1)

    async def findings(self, sent: Sequence[Submission]) -> reading.Findings:
        """What is wrong with what recipients got."""
        return await reading.check(self.bootstrap, catalogue=self.catalogue, codec=self.codec, sent=sent)


@pytest.fixture
async def ground(kafka: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Ground]:
    """Topics with one intake partition."""
    made = Ground(kafka, topic_prefix, tmp_path / "keys", 1)
    await made.topics()
    yield made
    await admin.remove([topic.name for topic in made.catalogue.topics(world.BY_KAFKA)], bootstrap=kafka)


@pytest.mark.requirement("R-DEL-02")
async def test_recipients_get_every_message_once_and_in_order_when_a_load_is_routed(ground: Ground) -> None:
    """A seeded load passes through; recipients, outbox and ledger agree."""
    sent = list(world.load(seed=1, messages=120, cases=10))
    await ground.send(*sent)
    async with ground.router():
        await ground.notes(at_least=120)
    findings = await ground.findings(sent)
    assert findings.clean, findings
    assert findings.seen["ledger"] == 120 * 4


@pytest.mark.requirement("R-DEL-02")
async def test_router_takes_a_message_once_when_it_is_sent_again_after_a_restart(ground: Ground) -> None:
    """A router that restores its tables knows what it has seen and where each case stood."""
    one, two = world.message(CASE, 1), world.message(CASE, 2)
    await ground.send(one)
    async with ground.router():
        await ground.notes(at_least=1)
    await ground.send(one, two)
    async with ground.router():
        assert await ground.notes(at_least=2) == ["1/1", "2/2"]
    assert (await ground.findings([one, two])).clean


@pytest.mark.requirement("R-DEL-02")
async def test_router_sets_a_record_aside_and_goes_on_when_it_cannot_be_read(ground: Ground) -> None:
    """Bytes nobody can read and a fault of ours cost their own record only."""
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=ground.bootstrap)
    await producer.start()
    await producer.send_and_wait(ground.catalogue.intake, b"not a record", key=b"x")
    await producer.stop()
    poison = world.message(CaseRef(derived_id("case", "poison")), 1, note="poison")
    sound = world.message(CASE, 1)
    await ground.send(poison, sound)
    async with ground.router():
        assert await ground.notes(at_least=1) == ["1/1"]
    aside = await reading.set_aside(ground.bootstrap, ground.catalogue, ground.codec)
    assert {found.code for found in aside} == {"NOT-AVRO", "INTERNAL"}
    assert {found.message_id for found in aside} == {None, poison.envelope.message_id}


@pytest.mark.requirement("R-DEL-02")
async def test_router_sets_a_record_aside_when_what_follows_is_too_large(ground: Ground) -> None:
    """A record whose consequences no topic takes goes to quarantine alone; its neighbours are delivered."""
    large = world.message(CaseRef(derived_id("case", "large")), 1, note="9" * 3_000)
    sent = [world.message(CASE, number) for number in (1, 2)]
    await ground.send(sent[0], large, sent[1])
    async with ground.router(replace(LIMITS, record_bytes_max=4_000)):
        assert await ground.notes(at_least=2) == ["1/1", "2/2"]
    (aside,) = await reading.set_aside(ground.bootstrap, ground.catalogue, ground.codec)
    assert (aside.code, aside.message_id) == ("TOO-LARGE", large.envelope.message_id)
    assert (await ground.findings(sent)).clean


@pytest.mark.requirement("R-DEL-02")
async def test_router_finds_the_record_to_set_aside_when_only_the_broker_refuses_it(ground: Ground) -> None:
    """The broker's own limit is found by halving the batch; nothing is lost or doubled on the way."""
    topic = replace(
        ground.catalogue.delivery_topic(world.BY_KAFKA[1]),
        config={"max.message.bytes": "1500"},
    )
    await admin.remove([topic.name], bootstrap=ground.bootstrap)
    await asyncio.sleep(0.5)
    await admin.apply([topic], bootstrap=ground.bootstrap)
    large = world.message(CaseRef(derived_id("case", "large")), 1, note="9" * 3_000)
    sent = [world.message(CASE, number) for number in range(1, 6)]
    await ground.send(*sent[:3], large, *sent[3:])
    async with ground.router():
        assert await ground.notes(at_least=5) == [f"{number}/{number}" for number in range(1, 6)]
    (aside,) = await reading.set_aside(ground.bootstrap, ground.catalogue, ground.codec)
    assert (aside.code, aside.message_id) == ("TOO-LARGE", large.envelope.message_id)
    assert (await ground.findings(sent)).clean


async def test_timer_fires_once_when_the_router_restarts_before_it_is_due(ground: Ground) -> None:
    """A deadline stands in a changelog; its tick fires once, whoever owns the partition then."""
    await ground.send(world.message(CASE, 1, note="ring:1500"))
    async with ground.router():
        await ground.notes(at_least=1)
    async with ground.router():
        notes = await ground.notes(at_least=2)
        await asyncio.sleep(0.5)
    async with ground.router():
        await asyncio.sleep(0.5)
        assert await ground.notes(at_least=2) == notes
    assert [note.partition(":")[0] for note in notes] == ["ring", "rang"]
