"""The processes of the router's bench: the router itself, and the bare pass-through beside it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.site import ends_of, read_all
from hub.adapters.kafka import transaction
from hub.adapters.kafka.limits import Limits
from hub.adapters.kafka.router import Router
from hub.routing.route import route
from hub.topics.catalogue import Catalogue
from hub.topics.codec import Codec
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary


async def route_until_told(orders: dict[str, Any]) -> None:
    """The router process."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    codec = Codec(library=SchemaLibrary.load(), keys=FileKeyStore(Path(orders["keys"])))
    catalogue = Catalogue(intake_partitions=orders["partitions"], prefix=orders["prefix"])
    await Router(orders["bootstrap"], codec=codec, catalogue=catalogue, route=route).run(stop)


async def pass_through(orders: dict[str, Any]) -> None:
    """The bare process: read the same records, write the same bytes in transactions, and nothing else."""
    bootstrap, before, messages = orders["bootstrap"], orders["before"], orders["messages"]
    catalogue = Catalogue(intake_partitions=orders["partitions"], prefix=orders["prefix"])
    shares = await output_shares(bootstrap, before, catalogue)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", fetch_max_wait_ms=25
    )
    lanes = [TopicPartition(catalogue.intake, index) for index in range(catalogue.intake_partitions)]
    consumer.assign(lanes)
    await consumer.start()
    for lane in lanes:
        consumer.seek(lane, before[catalogue.intake][str(lane.partition)])
    totals = {lane.partition: 0 for lane in lanes}
    limits = Limits()
    producer = transaction.Transactions(
        bootstrap=bootstrap, transactional_id=f"{catalogue.prefix}bare", limits=limits
    )
    await producer.fence()
    bare, done, began = producer._producer, 0, 0.0  # noqa: SLF001 - the same settings, none of the wrapper
    assert bare is not None
    ends = {int(index): end for index, end in (await ends_of(bootstrap, catalogue.intake)).items()}
    sizes = {
        lane.partition: ends[lane.partition] - before[catalogue.intake][str(lane.partition)] for lane in lanes
    }
    while done < messages:
        fetched = await consumer.getmany(timeout_ms=200, max_records=limits.batch_records_max * len(lanes))
        if not fetched:
            continue
        began = began or time.perf_counter()
        await bare.begin_transaction()
        sent = []
        for lane, records in fetched.items():
            done += len(records)
            old, totals[lane.partition] = totals[lane.partition], totals[lane.partition] + len(records)
            for (topic, partition), outputs in shares[lane.partition].items():
                first, last = (
                    len(outputs) * at // sizes[lane.partition] for at in (old, totals[lane.partition])
                )
                sent += await send_all(bare, topic, partition, outputs[first:last])
        await asyncio.gather(*sent)
        offsets = {lane: records[-1].offset + 1 for lane, records in fetched.items()}
        await bare.send_offsets_to_transaction(offsets, f"{catalogue.prefix}bare")
        await bare.commit_transaction()
    rate = messages / (time.perf_counter() - began)
    spare = Path(orders["report"] + ".spare")
    spare.write_text(str(rate))  # noqa: ASYNC240 - the measuring is over
    spare.rename(orders["report"])  # noqa: ASYNC240 - as above
    await producer.close()
    await consumer.stop()


async def output_shares(
    bootstrap: str, before: dict[str, dict[str, int]], catalogue: Catalogue
) -> dict[int, dict[tuple[str, int], list[Any]]]:
    """What the router wrote in this round, by the intake partition it belongs to."""
    shares: dict[int, dict[tuple[str, int], list[Any]]] = defaultdict(lambda: defaultdict(list))
    same = {*catalogue.changelogs, catalogue.outbox, catalogue.ledger}
    for topic, offsets in before.items():
        if topic == catalogue.intake:
            continue
        skip = {int(partition): offset for partition, offset in offsets.items()}
        for index, record in enumerate(await read_all(bootstrap, topic, skip=skip)):
            owner = record.partition if topic in same else index % catalogue.intake_partitions
            shares[owner][topic, record.partition].append(record)
    return shares


async def send_all(producer: AIOKafkaProducer, topic: str, partition: int, records: list[Any]) -> list[Any]:
    """Send records with the batch API, rolling full batches."""
    sent, batch = [], None
    for record in records:
        given = {"timestamp": None, "key": record.key, "value": record.value, "headers": list(record.headers)}
        if batch is None or batch.append(**given) is None:
            if batch is not None:
                sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(**given)
    if batch is not None:
        sent.append(await producer.send_batch(batch, topic, partition=partition))
    return sent


if __name__ == "__main__":
    ORDERS = json.loads(sys.argv[1])
    asyncio.run(route_until_told(ORDERS) if ORDERS["kind"] == "router" else pass_through(ORDERS))
