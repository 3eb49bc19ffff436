"""The projector: applies what the router committed to PostgreSQL, each record once, in order.

The group hands out partitions; the truth about how far each is applied is the `position` row, moved
in the transaction that applies the records (architecture.md 5.5). So it matters neither who applies
them nor how often a projector starts again: a second one whose reading is stale changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, LiteralString

import psycopg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from psycopg_pool import PoolTimeout

from hub.adapters.database.freshness import Projection
from hub.adapters.database.standstill import announce_restored, stands_still
from hub.adapters.ledger import positions
from hub.adapters.ledger.happened import HAPPENED, bring_back
from hub.adapters.ledger.holding import Control, cases_turning, hold, lock_partitions
from hub.adapters.ledger.limits import ProjectorLimits
from hub.adapters.ledger.positions import Step
from hub.adapters.ledger.pushes import end_pushes, enter_pushes, settle_pushes
from hub.adapters.ledger.receipts import SAID, take_receipts
from hub.adapters.ledger.rows import (
    CASE,
    CONTROL_CHANGE,
    ENTERING,
    LAST,
    RELEASED,
    REPLACED,
    VERDICTS,
    Change,
    Record,
    Rows,
)
from hub.errors import NotReadable, TaskMigrated, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

    from hub.adapters.database.pool import Pool
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec

GROUP = "hub-projector"
MAILBOX_LOCK = 0x4D41_494C
"""First half of the advisory lock of an organisation's mailbox; the second is the organisation."""

_REFUSED = (psycopg.DataError, psycopg.IntegrityError, psycopg.NotSupportedError)
"""The database will never take these rows."""
_TRANSIENT = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
_LOG = structlog.get_logger()


class Projector:
    """Reads the hub's own topics, committed records only, and keeps the tables made from them."""

    def __init__(
        self,
        *,
        bootstrap: str,
        pool: Pool,
        codec: Codec,
        catalogue: Catalogue,
        limits: ProjectorLimits | None = None,
    ) -> None:
        """Read from this Kafka, write through this pool."""
        self._bootstrap = bootstrap
        self._pool = pool
        self._rows = Rows(codec, catalogue)
        self._catalogue = catalogue
        self._group = catalogue.prefix + GROUP
        self._limits = limits or ProjectorLimits()
        self._next: dict[TopicPartition, int] = {}
        self._assigned: set[TopicPartition] = set()
        self._look_after_s = 0.0
        self.stopped: dict[TopicPartition, NotReadable] = {}
        """Partitions that stand still, each for a record of the hub's own that cannot be read."""
        self._untold: set[TopicPartition] = set()
        """Those of them not yet in the table where people see them."""

    async def run(self, stop: asyncio.Event) -> None:
        """Project until told to stop.

        Raises:
            Drift: Log and database do not belong together.
            Unreachable: Kafka or the database did not answer for too long.
        """
        async with self._consumer() as consumer:
            failures = 0
            while not stop.is_set():
                try:
                    await self._look_behind(consumer)
                    await self._take_up(consumer)
                    await self._round(consumer)
                    await self._tell()
                except (*_TRANSIENT, KafkaError) as error:
                    failures += 1
                    await self._after_failure(error, failures, stop)
                else:
                    failures = 0

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        limits = self._limits
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=self._group,
            group_id=self._group,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=limits.fetch_wait_ms,
            max_partition_fetch_bytes=limits.fetch_bytes_max,
            session_timeout_ms=limits.session_timeout_ms,
            heartbeat_interval_ms=limits.heartbeat_ms,
            request_timeout_ms=limits.request_timeout_ms,
        )
        consumer.subscribe(self._rows.topics, listener=_Handover(self, consumer))
        try:
            try:
                async with asyncio.timeout(limits.start_timeout_s):
                    await consumer.start()
            except (KafkaError, TimeoutError) as error:
                message = "Kafka does not answer the projector"
                raise Unreachable(message, fix="check HUB_KAFKA and that the broker runs") from error
            yield consumer
        finally:
            await consumer.stop()

    def assigned(self, consumer: AIOKafkaConsumer, partitions: set[TopicPartition]) -> None:
        """Take note of a new assignment; nothing is read of it until its positions are known."""
        consumer.pause(*partitions)
        self._assigned = set(partitions)
        self._next.clear()
        self.stopped.clear()
        self._untold.clear()

    async def _look_behind(self, consumer: AIOKafkaConsumer) -> None:
        """Notice now and then that the projection was dropped, also of partitions to which nothing comes."""
        if time.monotonic() < self._look_after_s:
            return
        self._look_after_s = time.monotonic() + self._limits.look_behind_s
        gone = await positions.moved(self._pool, self._next)
        if gone:
            _LOG.info("projector.starts_over", partitions=len(gone))
            self._forget(consumer, gone)

    async def _take_up(self, consumer: AIOKafkaConsumer) -> None:
        """Set partitions whose position is not known to where the database says, and let them run."""
        fresh = [tp for tp in sorted(self._assigned) if tp not in self._next and tp not in self.stopped]
        if fresh:
            fresh = await self._ready(consumer, fresh)
        if not fresh:
            return
        async with self._pool.connection() as connection:
            await announce_restored(connection)
        found = await positions.load(self._pool, consumer, fresh)
        try:
            for partition, position in found.items():
                consumer.seek(partition, position)
                consumer.resume(partition)
        except IllegalStateError:
            return  # The assignment changed meanwhile; the next round takes up the new one.
        self._next.update({tp: position for tp, position in found.items() if tp in self._assigned})

    async def _ready(self, consumer: AIOKafkaConsumer, fresh: list[TopicPartition]) -> list[TopicPartition]:
        """Leave out what would enter deliveries anew before it is known what has happened to them.

        Else one that was acknowledged would be offered again, and pushed again, until that is read.
        """
        outbox = [tp for tp in fresh if tp.topic == self._catalogue.outbox]
        new = await positions.never_applied(self._pool, outbox)
        if not new:
            return fresh
        lanes = range(self._catalogue.intake_partitions)
        ends = await consumer.end_offsets(
            [TopicPartition(self._catalogue.deliveries, lane) for lane in lanes]
        )
        behind = Projection(self._pool, self._limits.database_wait_s_max)
        if not await behind({(tp.topic, tp.partition): end for tp, end in ends.items()}):
            return fresh
        return [tp for tp in fresh if tp not in new]

    async def _round(self, consumer: AIOKafkaConsumer) -> None:
        fetched = await consumer.getmany(
            timeout_ms=self._limits.poll_ms, max_records=self._limits.batch_records_max
        )
        batches = {tp: records for tp, records in fetched.items() if tp in self._next}
        changes = self._read(consumer, batches)
        steps = await self._steps(consumer)
        if not steps:
            return
        try:
            await self._apply(consumer, steps, changes)
        except _REFUSED:
            for step in steps:
                await self._apply_alone(consumer, step, changes)

    def _read(
        self, consumer: AIOKafkaConsumer, batches: Mapping[TopicPartition, Sequence[Record]]
    ) -> dict[TopicPartition, list[Change]]:
        """Turn records into changes, up to the first that cannot be read: its partition stands still."""
        read: dict[TopicPartition, list[Change]] = {}
        for partition, records in batches.items():
            changes: list[Change] = []
            for record in records:
                try:
                    changes.extend(self._rows.changes(record))
                except NotReadable as error:
                    if record is records[0]:
                        self._stand_still(consumer, partition, record.offset, error)
                    elif partition in self._assigned:
                        consumer.seek(partition, record.offset)
                    break
            read[partition] = changes
        return read

    def _stand_still(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int, error: NotReadable
    ) -> None:
        _LOG.error(
            "projector.stopped",
            topic=partition.topic,
            partition=partition.partition,
            offset=offset,
            code=error.code,
            fix="the hub wrote this record itself: restore keys and schemas it needs, then start again",
        )
        self.stopped[partition] = error
        self._untold.add(partition)
        self._next.pop(partition, None)
        if partition in self._assigned:
            consumer.pause(partition)

    async def _tell(self) -> None:
        """Write down which partitions stand still; the row goes when a position moves again."""
        if not self._untold:
            return
        told = {partition: self.stopped[partition].code for partition in self._untold}
        async with self._pool.connection() as connection, connection.transaction():
            for partition, code in sorted(told.items()):
                await stands_still(
                    connection, topic=partition.topic, partition=partition.partition, code=code
                )
        self._untold -= told.keys()

    async def _steps(self, consumer: AIOKafkaConsumer) -> list[Step]:
        """Return how far each partition moves: past its records and the markers of transactions."""
        steps = []
        for partition, read in list(self._next.items()):
            try:
                following = await consumer.position(partition)
            except (IllegalStateError, KafkaError):
                continue
            if following > read and self._next.get(partition) == read:
                steps.append(Step(partition=partition, read=read, next=following))
        return steps

    async def _apply(
        self,
        consumer: AIOKafkaConsumer,
        steps: Sequence[Step],
        changes: Mapping[TopicPartition, Sequence[Change]],
    ) -> None:
        """Make the changes of these steps and move the positions, in one transaction or not at all."""
        latest = {change.row: change for step in steps for change in changes.get(step.partition, ())}
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await positions.move(connection, steps)
                partitions = {step.partition.partition for step in steps}
                await _enter(connection, latest.values(), partitions=partitions)
        except TaskMigrated as error:
            _LOG.info("projector.overtaken", reason=str(error))
            self._forget(consumer, [step.partition for step in steps])
        except _REFUSED:
            raise
        except BaseException:
            self._forget(consumer, [step.partition for step in steps])
            raise
        else:
            self._next.update({step.partition: step.next for step in steps if step.partition in self._next})

    async def _apply_alone(
        self, consumer: AIOKafkaConsumer, step: Step, changes: Mapping[TopicPartition, Sequence[Change]]
    ) -> None:
        """Apply one partition by itself: only the one whose rows the database refuses stands still."""
        try:
            await self._apply(consumer, [step], changes)
        except _REFUSED as error:
            refused = NotReadable(
                "ROW-REFUSED", f"{type(error).__name__} while entering the rows of a record"
            )
            self._stand_still(consumer, step.partition, step.read, refused)

    def _forget(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        """Drop what is known of these partitions: the next round asks the database again."""
        for partition in partitions:
            self._next.pop(partition, None)
            if partition in self._assigned:
                consumer.pause(partition)

    async def _after_failure(self, error: Exception, failures: int, stop: asyncio.Event) -> None:
        limits = self._limits
        if failures >= limits.attempts_max:
            message = f"the projector gave up after {failures} attempts"
            raise Unreachable(
                message, fix="check that Kafka and PostgreSQL answer, then start it again"
            ) from error
        delay_s = min(limits.retry_delay_s * 2 ** min(failures - 1, 16), limits.retry_delay_s_max)
        _LOG.warning("projector.retries", error=type(error).__name__, failures=failures, delay_s=delay_s)
        try:
            await asyncio.wait_for(stop.wait(), delay_s)
        except TimeoutError:
            return


class _Handover(ConsumerRebalanceListener):
    """Pauses what is assigned before its first record is handed out; the loop does the rest."""

    def __init__(self, projector: Projector, consumer: AIOKafkaConsumer) -> None:
        """Tell this projector."""
        self._projector = projector
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to give back: positions stand in the database."""

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Pause and hand over."""
        self._projector.assigned(self._consumer, assigned)


async def _enter(
    connection: psycopg.AsyncConnection, changes: Collection[Change], *, partitions: Iterable[int]
) -> None:
    """Make all changes, one statement for many rows at a time, and hold what they make out of date.

    Deliveries of one organisation are entered by one projector at a time: their cursors then become
    visible in rising order, and a reader who goes on from the last cursor seen misses none.
    """
    await lock_partitions(connection, partitions)
    mailboxes = {str(change.values["organisation"]) for change in changes if change.statement in ENTERING}
    for organisation in sorted(mailboxes):
        await connection.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (MAILBOX_LOCK, organisation)
        )
    turns = {
        str(change.values["case_ref"]): int(str(change.values["turn"]))
        for change in changes
        if change.statement is CASE
    }
    turning = await cases_turning(connection, turns) if turns else []
    by_statement: dict[LiteralString, list[Mapping[str, object]]] = {}
    verdicts = [change for change in changes if change.statement in LAST]
    happened = [change.values for change in changes if change.statement is HAPPENED]
    for change in changes:
        if change.statement not in LAST | {HAPPENED, SAID}:
            by_statement.setdefault(change.statement, []).append(change.values)
    async with connection.cursor() as cursor:
        for statement, values in by_statement.items():
            await cursor.executemany(statement, values)
        for change in verdicts:
            await cursor.execute(change.statement, change.values)
    entered = _deliveries(changes, ENTERING)
    brought_back = await bring_back(connection, entered=entered, happened=happened)
    await enter_pushes(connection, entered)
    await end_pushes(connection, brought_back)
    await hold(
        connection,
        cases=turning,
        controls=[
            Control(
                partition=int(str(change.values["partition"])),
                kind=str(change.values["kind"]),
                name=str(change.values["name"]),
            )
            for change in changes
            if change.statement is CONTROL_CHANGE
        ],
        deliveries=_deliveries(changes, ENTERING | {RELEASED}),
    )
    settled = [*_deliveries(verdicts, VERDICTS), *_deliveries(verdicts, {REPLACED}, named="replaces")]
    await settle_pushes(connection, settled)
    await take_receipts(connection, [change.values for change in changes if change.statement is SAID])


def _deliveries(
    changes: Collection[Change], statements: Collection[LiteralString], *, named: str = "delivery_id"
) -> list[str]:
    return [str(change.values[named]) for change in changes if change.statement in statements]
