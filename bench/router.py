"""How fast the router is, beside a bare transactional pass-through of the same bytes in the same run.

Prints two tables and asserts nothing:

1. routed messages a second, sealed, decided and recorded, against an aiokafka program that reads the
   same records and writes the same output bytes in transactions, with the same settings;
2. end-to-end latency and CPU at a steady rate for several numbers of intake partitions.

    python bench/router.py [--kafka HOST:PORT] [--broker-pid PID]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.site import ORGANISATIONS, Site, ends_of, read_all, worker
from hub.adapters.broker import find_or_start
from hub.adapters.kafka.intake import IntakePublisher
from hub.settings import load
from hub.topics.catalogue import INTAKE_PARTITIONS_DEFAULT
from hub.topics.dispatch import Dispatch

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


async def throughput(bootstrap: str, folder: Path, *, messages: int, rounds: int) -> None:
    """Table 1: the router and the bare program, in turn, on the same records."""
    print(f"\nThroughput, one process, {messages} messages a round, {INTAKE_PARTITIONS_DEFAULT} partitions")
    print(f"{'round':>5}  {'routed/s':>9}  {'bare/s':>9}  {'ratio':>6}  {'output records/message':>23}")
    site = Site(bootstrap, folder, INTAKE_PARTITIONS_DEFAULT)
    await site.prepare()
    outputs = [*site.catalogue.changelogs, site.catalogue.outbox, site.catalogue.ledger]
    outputs += [site.catalogue.delivery_name(name) for name in ORGANISATIONS]
    ratios = []
    for turn in range(rounds):
        before = {topic: await ends_of(bootstrap, topic) for topic in [*outputs, site.catalogue.intake]}
        await site.send(list(site.load.progress(messages, first=turn * messages)))
        routed = await routing_rate(site, before[site.catalogue.outbox], messages)
        written = {topic: await read_all(bootstrap, topic, skip=before[topic]) for topic in outputs}
        count = sum(map(len, written.values()))
        bare = await bare_rate(site, before, messages)
        ratios.append(routed / bare)
        print(
            f"{turn + 1:>5}  {routed:>9.0f}  {bare:>9.0f}  {routed / bare:>6.2f}  {count / messages:>23.1f}"
        )
    print(f"median ratio {statistics.median(ratios):.2f}")
    await site.remove()


async def routing_rate(site: Site, before: dict[int, int], messages: int) -> float:
    """Messages a second between the first and the last batch a reader of the outbox sees."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=site.bootstrap, isolation_level="read_committed", fetch_max_wait_ms=20
    )
    await consumer.start()
    lanes = [TopicPartition(site.catalogue.outbox, partition) for partition in before]
    consumer.assign(lanes)
    for lane in lanes:
        consumer.seek(lane, before[lane.partition])
    seen = first_seen = 0
    first = last = 0.0
    async with site.router(), asyncio.timeout(180):
        while seen < messages:
            got = sum(map(len, (await consumer.getmany(timeout_ms=200)).values()))
            if got:
                last = time.perf_counter()
                seen += got
                if not first:
                    first, first_seen = last, got
    await consumer.stop()
    return (seen - first_seen) / max(last - first, 1e-9)


async def bare_rate(site: Site, before: dict[str, dict[int, int]], messages: int) -> float:
    """Messages a second of the bare program, as it measures itself."""
    report = site.keys / f"bare-{uuid.uuid4().hex[:6]}"
    async with worker("bare", site, before=before, report=str(report), messages=messages):
        async with asyncio.timeout(180):
            while not report.exists():  # noqa: ASYNC110 - another process has no event here
                await asyncio.sleep(0.2)
    return float(report.read_text())


async def steady(bootstrap: str, folder: Path, *, partitions: int, asked: argparse.Namespace) -> None:
    """One line of table 2."""
    site = Site(bootstrap, folder, partitions)
    await site.prepare()
    async with site.router() as pid, asyncio.timeout(60 + 2 * asked.seconds):
        began = time.perf_counter()
        await paced(site, rate=20, seconds=2, first=0)
        ready_s = time.perf_counter() - began - 2
        idle = await cpu_over(pid, asked.broker_pid, asyncio.sleep(4))
        latencies: list[float] = []

        async def measured() -> None:
            latencies.extend(await paced(site, rate=asked.rate, seconds=asked.seconds, first=10_000))

        busy = await cpu_over(pid, asked.broker_pid, measured())
    latencies.sort()
    p50, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99))
    print(
        f"{partitions:>10}  {len(latencies):>6}  {p50:>7.1f}  {p99:>7.1f}  {latencies[-1] * 1000:>7.1f}"
        f"  {busy[0]:>9.0f}  {idle[0]:>9.0f}  {busy[1]:>9.0f}  {idle[1]:>9.0f}  {ready_s:>7.1f}",
        flush=True,
    )
    await site.remove()


async def paced(site: Site, *, rate: int, seconds: float, first: int) -> list[float]:
    """Send at this rate; return the time from sending each to reading its deliveries from the outbox."""
    sent: dict[str, float] = {}
    latencies: list[float] = []
    count = int(rate * seconds)
    publisher = IntakePublisher(site.bootstrap, codec=site.codec, catalogue=site.catalogue)
    await publisher.start()
    skip = await ends_of(site.bootstrap, site.catalogue.outbox)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=site.bootstrap, isolation_level="read_committed", fetch_max_wait_ms=20
    )
    await consumer.start()
    lanes = [TopicPartition(site.catalogue.outbox, partition) for partition in skip]
    consumer.assign(lanes)
    for lane in lanes:
        consumer.seek(lane, skip[lane.partition])

    async def collect() -> None:
        dispatch = Dispatch(site.codec)
        while len(latencies) < count:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                now = time.perf_counter()
                for record in records:
                    assert record.key is not None
                    assert record.value is not None
                    outbox = dispatch.outbox_from(record.value, key=record.key)
                    if outbox.message_id in sent:
                        latencies.append(now - sent.pop(outbox.message_id))

    reading = asyncio.create_task(collect())
    began = time.perf_counter()
    sending: set[asyncio.Task[Any]] = set()
    for index, message in enumerate(site.load.progress(count, first=first)):
        await asyncio.sleep(max(0.0, began + index / rate - time.perf_counter()))
        sent[message.envelope.message_id] = time.perf_counter()
        sending.add(asyncio.create_task(publisher.publish(message)))
    await asyncio.gather(*sending)
    await reading
    await consumer.stop()
    await publisher.stop()
    return latencies


async def cpu_over(pid: int, broker_pid: int, work: Any) -> tuple[float, float]:  # noqa: ANN401 - any awaitable
    """Share of one core, in percent, that the router and the broker used while something ran."""
    began, first, broker = time.perf_counter(), cpu_s(pid), cpu_s(broker_pid)
    await work
    lasted = time.perf_counter() - began
    return (cpu_s(pid) - first) / lasted * 100, (cpu_s(broker_pid) - broker) / lasted * 100


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used; 0 for no process."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


async def main(asked: argparse.Namespace) -> None:
    """Run both parts on the Kafka given, or on one of this run's own."""
    async with contextlib.AsyncExitStack() as stack:
        bootstrap = asked.kafka
        if not bootstrap:
            broker = await stack.enter_async_context(find_or_start(load(), ephemeral=True))
            bootstrap, asked.broker_pid = broker.address, broker.pid or 0
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if asked.rounds:
            await throughput(bootstrap, folder, messages=asked.messages, rounds=asked.rounds)
        print(f"\nLatency and CPU at {asked.rate} messages/s for {asked.seconds:.0f} s, one router process")
        print(
            f"{'partitions':>10}  {'n':>6}  {'p50 ms':>7}  {'p99 ms':>7}  {'max ms':>7}  {'router %':>9}"
            f"  {'idle %':>9}  {'broker %':>9}  {'idle %':>9}  {'ready s':>7}"
        )
        for _ in range(asked.repeats):
            for partitions in asked.partitions:
                await steady(bootstrap, folder, partitions=partitions, asked=asked)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kafka", default="", help="bootstrap address; else one is started")
    parser.add_argument(
        "--broker-pid", type=int, default=0, help="process of the Kafka given, to show its CPU"
    )
    parser.add_argument(
        "--messages", type=int, default=4_000, help="messages in each round of the first table"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the first table")
    parser.add_argument("--rate", type=int, default=200, help="messages a second in the second table")
    parser.add_argument("--seconds", type=float, default=15, help="how long")
    parser.add_argument("--repeats", type=int, default=1, help="repetitions of the second table")
    parser.add_argument("--partitions", type=int, nargs="+", default=[6, 12, 24], help="numbers to compare")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(arguments()))
