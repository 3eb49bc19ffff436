"""The one module that touches a transactional producer; its rules come from measured faults.

aiokafka's commit succeeds although a record in the transaction was refused, its abort after an error
sends nothing, and a retried EndTxn can commit the transaction after next (KAFKA-17754). So every
acknowledgement is awaited before the offsets, nothing is ever aborted by asking, and after any error,
any EndTxn not answered at once and any fence the producer is thrown away; initialising the next one
under the same id settles what the last one left open.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerFenced, RecordListTooLargeError
from aiokafka.producer import sender as aiokafka_sender

from hub.errors import HubError, TaskCorrupted, TaskMigrated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from aiokafka.producer.message_accumulator import BatchBuilder

    from hub.adapters.kafka.limits import Limits

BACKOFF_S = 0.001
"""Wait before partitions are added while the last commit's markers are still being written."""
RETRY_BACKOFF_MS = 5
_RECORD_OVERHEAD_BYTES = 100
_DISCARD_TIMEOUT_S = 2.0

assert hasattr(aiokafka_sender, "BACKOFF_OVERRIDE"), (  # noqa: S101 - a pinned client's private name
    "aiokafka no longer has the constant that makes a transaction four times as fast"
)
aiokafka_sender.BACKOFF_OVERRIDE = BACKOFF_S


class _EndOnce(aiokafka_sender.EndTxnHandler):
    """Ends a transaction, and never asks a second time."""

    async def do(self, node_id: int) -> bool:
        """Send EndTxn; an answer that does not come, or is not a plain yes, leaves the outcome unknown."""
        if await super().do(node_id):  # type: ignore[no-untyped-call]
            return True
        message = "the end of the transaction was not answered at once"
        raise KafkaError(message)


aiokafka_sender.EndTxnHandler = _EndOnce  # type: ignore[misc]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One record to be written. `origin` is the offset of the record of hub.intake that caused it."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    origin: int = -1

    @property
    def size(self) -> int:
        """Its size in bytes, as an upper bound."""
        headers = sum(len(name) + len(value) + 10 for name, value in self.headers)
        return len(self.key) + len(self.value or b"") + headers + _RECORD_OVERHEAD_BYTES


class TransactionRefused(HubError):
    """A record is too large to be written; nothing of the transaction is. `records` may be the cause."""

    code = "transaction-refused"

    def __init__(self, records: Sequence[Outgoing]) -> None:
        """Name the records of the refused batch; exactly one where the cause is certain."""
        first = records[0]
        super().__init__(f"{first.topic} takes no record of this size (caused at offset {first.origin})")
        self.records = tuple(records)

    @property
    def origins(self) -> frozenset[int]:
        """Offsets of the records of hub.intake that may have caused it."""
        return frozenset(record.origin for record in self.records)


class Transactions:
    """Transactions under one id. `fence` first: it settles and shuts out whoever held the id before."""

    def __init__(self, *, bootstrap: str, transactional_id: str, limits: Limits) -> None:
        """Nothing is sent until `fence`."""
        self.transactional_id = transactional_id
        self._bootstrap = bootstrap
        self._limits = limits
        self._producer: AIOKafkaProducer | None = None

    async def fence(self) -> None:
        """Initialise a producer anew; any open transaction under this id is over when this returns.

        Raises:
            TaskCorrupted: The broker did not answer in time; try again.
        """
        await self.discard()
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            transactional_id=self.transactional_id,
            transaction_timeout_ms=self._limits.transaction_timeout_ms,
            request_timeout_ms=self._limits.request_timeout_ms,
            retry_backoff_ms=RETRY_BACKOFF_MS,
            max_batch_size=self._limits.batch_bytes_max,
            max_request_size=self._limits.record_bytes_max + self._limits.batch_bytes_max,
            linger_ms=0,
            acks="all",
        )
        self._producer = producer
        try:
            await self._step(producer.start())
        except (KafkaError, TimeoutError, OSError) as error:
            await self.discard()
            message = f"{self.transactional_id} could not be initialised: {type(error).__name__}"
            raise TaskCorrupted(message) from error
        except BaseException:
            await self.discard()
            raise

    async def commit(
        self,
        records: Sequence[Outgoing],
        *,
        offsets: Mapping[TopicPartition, int] | None = None,
        group: str = "",
    ) -> None:
        """Write all records and the offsets, or nothing. After an exception, `fence` before the next.

        Raises:
            TransactionRefused: A record is too large; nothing was written.
            TaskMigrated: Another owner has this id; nothing was written.
            TaskCorrupted: The outcome is unknown.
        """
        self._refuse_oversize(records)
        producer = self._producer
        if producer is None:
            message = f"{self.transactional_id} is not initialised"
            raise TaskCorrupted(message)
        try:
            await self._commit(producer, records, offsets=offsets or {}, group=group)
        except ProducerFenced as error:
            await self.discard()
            message = f"{self.transactional_id} has another owner"
            raise TaskMigrated(message) from error
        except TransactionRefused:
            await self.discard()
            raise
        except (KafkaError, TimeoutError, OSError, AssertionError) as error:
            await self.discard()
            message = (
                f"the outcome of a transaction of {self.transactional_id} is unknown: {type(error).__name__}"
            )
            raise TaskCorrupted(message) from error
        except BaseException:
            await self.discard()
            raise

    async def discard(self) -> None:
        """Throw the producer away without asking anything more of it."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        producer._closed = True  # noqa: SLF001 - stop() would first wait for what can no longer be sent
        sender: Any = producer._sender  # noqa: SLF001
        with contextlib.suppress(Exception):
            await asyncio.wait_for(sender.close(), _DISCARD_TIMEOUT_S)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer.client.close(), _DISCARD_TIMEOUT_S)

    async def close(self) -> None:
        """End: the same as discarding, since no transaction is open between two commits."""
        await self.discard()

    def _refuse_oversize(self, records: Sequence[Outgoing]) -> None:
        for record in records:
            if record.size > self._limits.record_bytes_max:
                raise TransactionRefused((record,))

    async def _commit(
        self,
        producer: AIOKafkaProducer,
        records: Sequence[Outgoing],
        *,
        offsets: Mapping[TopicPartition, int],
        group: str,
    ) -> None:
        await self._step(producer.begin_transaction())
        await self._step(self._write(producer, records))
        if offsets:
            await self._step(producer.send_offsets_to_transaction(dict(offsets), group))
        await self._before_end()
        await self._step(producer.commit_transaction())

    async def _before_end(self) -> None:
        """Do nothing: the last point at which a transaction is open. Fault tests freeze a process here."""

    async def _step(self, step: Awaitable[Any]) -> None:
        async with asyncio.timeout(self._limits.step_timeout_s):
            await step

    async def _write(self, producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
        """Send one batch per output partition, and see every one acknowledged."""
        lanes: dict[TopicPartition, list[Outgoing]] = {}
        for record in records:
            lanes.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        sent: list[tuple[asyncio.Future[Any], list[Outgoing]]] = []
        for lane, queue in lanes.items():
            for batch, held in _batches(producer, queue):
                answer = await producer.send_batch(batch, lane.topic, partition=lane.partition)
                answer.add_done_callback(_looked_at)
                sent.append((answer, held))
        answers = await asyncio.gather(*(answer for answer, _ in sent), return_exceptions=True)
        for answer, (_, held) in zip(answers, sent, strict=True):
            if isinstance(answer, MessageSizeTooLargeError | RecordListTooLargeError):
                raise TransactionRefused(held)
            if isinstance(answer, BaseException):
                raise answer


def _looked_at(answer: asyncio.Future[Any]) -> None:
    """Keep asyncio from logging answers that came after the transaction was given up."""
    if not answer.cancelled():
        answer.exception()


def _batches(
    producer: AIOKafkaProducer, queue: Sequence[Outgoing]
) -> list[tuple[BatchBuilder, list[Outgoing]]]:
    """Fill batches in order; a new one begins where the last is full."""
    filled: list[tuple[BatchBuilder, list[Outgoing]]] = []
    for record in queue:
        if filled and _append(filled[-1][0], record):
            filled[-1][1].append(record)
            continue
        batch = producer.create_batch()
        _append(batch, record)
        filled.append((batch, [record]))
    for batch, _ in filled:
        batch.close()
    return filled


def _append(batch: BatchBuilder, record: Outgoing) -> bool:
    """Add a record; the broker stamps the time."""
    added = batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers))
    return added is not None
