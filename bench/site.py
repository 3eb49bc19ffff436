"""Where the router's bench takes place: topics, keys, organisations and cases, and processes on them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.load import Load, controls
from hub.adapters.kafka import admin
from hub.adapters.kafka.control import publish_control
from hub.demo.organisations import parties
from hub.topics.catalogue import Catalogue
from hub.topics.codec import Codec
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hub.messages.envelope import Submission

CASES = 60
ROOT = Path(__file__).resolve().parents[1]
ORGANISATIONS = tuple(party.organisation for party in parties())


class Site:
    """Topics of one number of partitions, with keys, and a router process on them."""

    def __init__(self, bootstrap: str, folder: Path, partitions: int) -> None:
        """Nothing is made until `prepare`."""
        self.bootstrap = bootstrap
        self.catalogue = Catalogue(intake_partitions=partitions, prefix=f"bench-{uuid.uuid4().hex[:6]}.")
        self.keys = folder / self.catalogue.prefix
        self.codec = Codec(library=SchemaLibrary.load(), keys=FileKeyStore(self.keys))
        self.load = Load(self.codec.library, cases=CASES)

    async def prepare(self) -> None:
        """Make the topics, put organisations and policy in force, and have every case opened."""
        await admin.apply(self.catalogue.topics(ORGANISATIONS), bootstrap=self.bootstrap)
        for control in controls():
            await publish_control(
                control, bootstrap=self.bootstrap, codec=self.codec, catalogue=self.catalogue
            )
        await self.send(self.load.opening)
        async with self.router(), asyncio.timeout(120):
            await self.until_routed()

    async def send(self, messages: Sequence[Submission]) -> None:
        """Append messages as fast as they go, in order."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, enable_idempotence=True, max_batch_size=500_000
        )
        await producer.start()
        for message in messages:
            encoded = self.codec.submission(message)
            await producer.send(
                self.catalogue.intake, encoded.value, key=encoded.key, headers=list(encoded.headers)
            )
        await producer.stop()

    @contextlib.asynccontextmanager
    async def router(self) -> AsyncIterator[int]:
        """A router in a process of its own."""
        async with worker("router", self) as pid:
            yield pid

    async def until_routed(self) -> None:
        """Wait until the group has committed the end of every partition."""
        lanes = [
            TopicPartition(self.catalogue.intake, index) for index in range(self.catalogue.intake_partitions)
        ]
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=f"{self.catalogue.prefix}hub-router",
            enable_auto_commit=False, isolation_level="read_committed",
        )  # fmt: skip
        consumer.assign(lanes)
        await consumer.start()
        try:
            while True:
                ends = await consumer.end_offsets(lanes)
                done = {lane: await consumer.committed(lane) or 0 for lane in lanes}
                # The marker of a control record's transaction counts as one offset nobody commits.
                if all(ends[lane] - done[lane] <= 1 for lane in lanes):
                    return
                await asyncio.sleep(0.2)
        finally:
            await consumer.stop()

    async def remove(self) -> None:
        """Delete the topics."""
        names = [topic.name for topic in self.catalogue.topics(ORGANISATIONS)]
        await admin.remove(names, bootstrap=self.bootstrap)


@contextlib.asynccontextmanager
async def worker(kind: str, site: Site, **orders: object) -> AsyncIterator[int]:
    """One of this file's own processes."""
    given = {
        "kind": kind, "bootstrap": site.bootstrap, "prefix": site.catalogue.prefix,
        "partitions": site.catalogue.intake_partitions, "keys": str(site.keys),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.processes",
        json.dumps(given | orders),
        stdout=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        yield process.pid
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def read_all(bootstrap: str, topic: str, *, skip: dict[int, int] | None = None) -> list[Any]:
    """All committed records of a topic, from given offsets on."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", fetch_max_wait_ms=20
    )
    await consumer.start()
    try:
        lanes = [TopicPartition(topic, index) for index in await consumer._client._wait_on_metadata(topic)]  # noqa: SLF001
        consumer.assign(lanes)
        for lane in lanes:
            consumer.seek(lane, (skip or {}).get(lane.partition, 0))
        ends = await consumer.end_offsets(lanes)
        found: list[Any] = []
        while any([await consumer.position(lane) < ends[lane] for lane in lanes]):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def ends_of(bootstrap: str, topic: str) -> dict[int, int]:
    """The end of every partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    await consumer.start()
    try:
        lanes = [TopicPartition(topic, index) for index in await consumer._client._wait_on_metadata(topic)]  # noqa: SLF001
        return {lane.partition: end for lane, end in (await consumer.end_offsets(lanes)).items()}
    finally:
        await consumer.stop()
