"""Reading hub.intake back by partition and offset, bounded in time."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer

from hub.adapters.kafka.admin import apply, remove
from hub.adapters.kafka.read_back import Place, ReadBackLimits, read_one, read_until
from hub.errors import NotConfigured, Unreachable
from hub.topics.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LAST = 4


@asynccontextmanager
async def log(kafka: str, prefix: str) -> AsyncIterator[str]:
    """An intake of one partition with five records; the second is in a transaction that was given up."""
    catalogue = Catalogue(intake_partitions=1, prefix=prefix)
    await apply(catalogue.hub_topics(), bootstrap=kafka)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"{prefix}hand")
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send_and_wait(catalogue.intake, b"first", key=b"case", partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(catalogue.intake, b"given up", key=b"case", partition=0)
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(catalogue.intake, b"last", key=b"case", partition=0)
        yield catalogue.intake
    finally:
        await producer.stop()
        await remove([topic.name for topic in catalogue.hub_topics()], bootstrap=kafka)


@pytest.mark.requirement("R-DIS-08")
async def test_a_record_is_read_back_by_its_place_and_the_log_up_to_it(kafka: str, topic_prefix: str) -> None:
    """Only what was committed; up to the record asked for, and not past it."""
    async with log(kafka, topic_prefix) as topic:
        first, last = Place(partition=0, offset=0), Place(partition=0, offset=LAST)
        assert (await read_one(kafka, topic, first)).value == b"first"
        assert (await read_one(kafka, topic, last)).value == b"last"
        async with aclosing(read_until(kafka, topic, last)) as records:
            assert [record.value async for record in records] == [b"first", b"last"]


@pytest.mark.requirement("R-DIS-08")
async def test_a_place_without_a_record_is_told_and_not_taken_for_its_neighbour(
    kafka: str, topic_prefix: str
) -> None:
    """What was given up, and what is not there yet."""
    async with log(kafka, topic_prefix) as topic:
        for offset in (2, 99):
            with pytest.raises(NotConfigured, match=f"no record {offset} in partition 0"):
                await read_one(kafka, topic, Place(partition=0, offset=offset))


@pytest.mark.requirement("R-DIS-08")
async def test_a_log_that_does_not_answer_is_not_waited_for_without_end() -> None:
    """The limit is in the sentence, and what to do instead in the remedy."""
    limits = ReadBackLimits(timeout_s=0.5, request_timeout_ms=200)
    with pytest.raises(Unreachable, match=r"0\.5 s") as refused:
        await read_one("127.0.0.1:9", "nothing", Place(partition=0, offset=0), limits=limits)
    assert "--within" in refused.value.fix
