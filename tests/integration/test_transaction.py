"""The transaction wrapper on the real broker: all or nothing, and what a fault leaves behind."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiokafka import client, conn
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import RequestTimedOutError
from aiokafka.producer import sender

from hub.adapters.kafka import admin, transaction
from hub.adapters.kafka.limits import Limits
from hub.adapters.kafka.transaction import Outgoing, TransactionRefused, Transactions
from hub.errors import TaskCorrupted, TaskMigrated
from hub.topics.catalogue import Topic
from tests.faults import reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

LIMITS = Limits(request_timeout_ms=2_000)
END_TXN = 26


@pytest.fixture
async def topic(kafka: str, topic_prefix: str) -> AsyncIterator[str]:
    """A topic that takes small batches only."""
    made = Topic(
        name=f"{topic_prefix}t", key="any", partitions=2, config={"max.message.bytes": "2000"}, purpose="test"
    )
    await admin.apply([made], bootstrap=kafka)
    yield made.name
    await admin.remove([made.name], bootstrap=kafka)


def record(topic: str, value: bytes, partition: int = 0) -> Outgoing:
    """A record for this topic."""
    return Outgoing(topic=topic, partition=partition, key=b"k", value=value, origin=partition)


async def values(kafka: str, topic: str) -> list[bytes]:
    """What a read_committed reader sees."""
    return [reading.value_of(found) for found in await reading.read(kafka, topic)]


def test_the_constant_that_makes_transactions_quick_is_still_there_and_set() -> None:
    """Aiokafka's 20 ms back-off has no option: this fails when a new version has moved it."""
    assert sender.BACKOFF_OVERRIDE == transaction.BACKOFF_S == 0.001
    assert sender.EndTxnHandler is transaction._EndOnce
    assert "BACKOFF_OVERRIDE" in sender.AddPartitionsToTxnHandler.handle_response.__code__.co_names
    assert "EndTxnHandler" in sender.Sender._do_txn_commit.__code__.co_names


@pytest.mark.requirement("R-DEL-02")
async def test_reader_sees_all_records_in_order_when_batches_roll_over(kafka: str, topic: str) -> None:
    """More than one batch holds is rolled into several, in order."""
    transactions = Transactions(bootstrap=kafka, transactional_id=topic, limits=Limits(batch_bytes_max=1_000))
    await transactions.fence()
    sent = [f"{number}".encode() * 20 for number in range(200)]
    await transactions.commit([record(topic, value) for value in sent])
    await transactions.close()
    assert await values(kafka, topic) == sent


@pytest.mark.requirement("R-DEL-02")
async def test_nothing_is_written_when_one_record_is_refused(kafka: str, topic: str) -> None:
    """Aiokafka alone would commit the other record; here nothing stands, and the next begins at once."""
    transactions = Transactions(bootstrap=kafka, transactional_id=topic, limits=LIMITS)
    await transactions.fence()
    with pytest.raises(TransactionRefused) as refused:
        await transactions.commit([record(topic, b"small"), record(topic, b"x" * 5_000, 1)])
    assert refused.value.origins == {1}
    await transactions.fence()
    await transactions.commit([record(topic, b"next")])
    await transactions.close()
    assert await values(kafka, topic) == [b"next"]


async def test_record_is_refused_before_anything_is_sent_when_it_is_over_the_limit(
    kafka: str, topic: str
) -> None:
    """The limit in settings names the record without asking the broker; the producer stays good."""
    transactions = Transactions(bootstrap=kafka, transactional_id=topic, limits=Limits(record_bytes_max=500))
    await transactions.fence()
    with pytest.raises(TransactionRefused):
        await transactions.commit([record(topic, b"x" * 600)])
    await transactions.commit([record(topic, b"small")])
    await transactions.close()
    assert await values(kafka, topic) == [b"small"]


@pytest.mark.requirement("R-DEL-02")
async def test_former_owner_is_told_so_when_another_has_fenced_it(kafka: str, topic: str) -> None:
    """The same id initialised elsewhere ends the first owner's transactions."""
    first = Transactions(bootstrap=kafka, transactional_id=topic, limits=LIMITS)
    second = Transactions(bootstrap=kafka, transactional_id=topic, limits=LIMITS)
    await first.fence()
    await first.commit([record(topic, b"first")])
    await second.fence()
    with pytest.raises(TaskMigrated):
        await first.commit([record(topic, b"late")])
    with pytest.raises(TaskCorrupted):
        await first.commit([record(topic, b"later")])
    await second.commit([record(topic, b"second")])
    for each in (first, second):
        await each.close()
    assert await values(kafka, topic) == [b"first", b"second"]


class _Interrupted(Transactions):
    """A transaction that ends in an error of ours with everything sent."""

    async def _before_end(self) -> None:
        message = "power cut"
        raise OSError(message)


async def test_others_are_read_at_once_when_a_transaction_was_given_up(kafka: str, topic: str) -> None:
    """Asking aiokafka to abort would leave others' records hidden for the transaction timeout."""
    broken = _Interrupted(bootstrap=kafka, transactional_id=f"{topic}-a", limits=LIMITS)
    await broken.fence()
    with pytest.raises(TaskCorrupted):
        await broken.commit([record(topic, b"never")])
    other = Transactions(bootstrap=kafka, transactional_id=f"{topic}-b", limits=LIMITS)
    await other.fence()
    await other.commit([record(topic, b"other")])
    await broken.fence()
    async with asyncio.timeout(2):
        assert await values(kafka, topic) == [b"other"]
    for each in (broken, other):
        await each.close()


@pytest.mark.requirement("R-DEL-02")
async def test_outcome_is_unknown_and_the_producer_new_when_the_end_is_not_answered_at_once(
    kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A withheld EndTxn answer (KAFKA-17754): no second EndTxn goes out, the next owner settles it."""
    ends: list[int] = []
    send: Callable[..., Awaitable[object]] = AIOKafkaClient.send

    async def unanswered(sending: AIOKafkaClient, node_id: int, request: object, **options: object) -> object:
        answer = await send(sending, node_id, request, **options)
        if type(request).__name__.startswith("EndTxn"):
            ends.append(node_id)
            raise RequestTimedOutError
        return answer

    transactions = Transactions(bootstrap=kafka, transactional_id=topic, limits=LIMITS)
    await transactions.fence()
    with monkeypatch.context() as patch:
        patch.setattr(AIOKafkaClient, "send", unanswered)
        with pytest.raises(TaskCorrupted):
            await transactions.commit([record(topic, b"one")])
    assert len(ends) == 1
    await transactions.fence()
    await transactions.commit([record(topic, b"two")])
    await transactions.close()
    assert await values(kafka, topic) == [b"one", b"two"]


class _Holder:
    """A proxy in front of the broker that holds back the first EndTxn for a while."""

    def __init__(self, port: int, hold_s: float) -> None:
        self.port = port
        self.hold_s = hold_s
        self.held = 0
        self.released = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass frames on; the first end of a transaction is sent late, on its old connection."""
        upstream, downstream = await asyncio.open_connection("127.0.0.1", self.port)
        back = asyncio.create_task(self._copy(upstream, writer))
        try:
            while True:
                size = await reader.readexactly(4)
                body = await reader.readexactly(struct.unpack(">i", size)[0])
                if struct.unpack(">h", body[:2])[0] == END_TXN and not self.held:
                    self.held += 1
                    await asyncio.sleep(self.hold_s)
                    downstream.write(size + body)
                    await downstream.drain()
                    self.released.set()
                    continue
                downstream.write(size + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            back.cancel()
            writer.close()
            downstream.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)


@asynccontextmanager
async def held_end(kafka: str, monkeypatch: pytest.MonkeyPatch, hold_s: float) -> AsyncIterator[_Holder]:
    """Lead every connection to the broker through a proxy that holds the first EndTxn."""
    holder = _Holder(int(kafka.rpartition(":")[2]), hold_s)
    server = await asyncio.start_server(holder.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connect: Callable[..., Awaitable[object]] = conn.create_conn

    async def through_proxy(host: str, _port: int, **options: object) -> object:
        return await connect(host, port, **options)

    with monkeypatch.context() as patch:
        patch.setattr(client, "create_conn", through_proxy)
        yield holder
    server.close()


@pytest.mark.requirement("R-DEL-02")
async def test_late_end_commits_nothing_of_the_next_transaction(
    kafka: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KAFKA-17754: an EndTxn that arrives late must not commit half of the transaction after it."""
    async with held_end(kafka, monkeypatch, 4) as holder:
        transactions = _PausedSecond(bootstrap=kafka, transactional_id=topic, limits=LIMITS)
        await transactions.fence()
        with pytest.raises(TaskCorrupted):
            await transactions.commit([record(topic, b"first")])
        await transactions.fence()
        with pytest.raises(TaskCorrupted):
            await transactions.commit([record(topic, b"second, never committed")])
        assert holder.held == 1
        await transactions.fence()
        await transactions.close()
    assert await values(kafka, topic) == []


class _PausedSecond(Transactions):
    """Gives up its second transaction, after a pause in which the late end arrives."""

    count = 0

    async def _before_end(self) -> None:
        self.count += 1
        if self.count == 2:
            await asyncio.sleep(4)
            message = "given up"
            raise OSError(message)
