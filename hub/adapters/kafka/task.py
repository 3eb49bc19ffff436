"""One partition of hub.intake in work: fence, restore, seek; then one transaction per batch.

The order on opening is the whole point: the producer is fenced first, so that nothing the previous
owner left open can still commit; then the tables are restored to the stable end; only then is the
committed offset asked for (architecture.md 2, facts 1 to 3).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from hub.adapters.kafka import admin
from hub.adapters.kafka.recalling import Recall, answered
from hub.adapters.kafka.restore import restore
from hub.adapters.kafka.transaction import Outgoing, TransactionRefused, Transactions
from hub.errors import HubError, TaskCorrupted, TaskMigrated
from hub.messages.envelope import Tick
from hub.messages.identifiers import Instant, MessageId, OrganisationId, derived_id
from hub.topics.tables import RouterView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hub.adapters.kafka.consequences import Consequences, Fetched
    from hub.adapters.kafka.limits import Limits
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec

_RECORDS_A_TURN = 20
_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Workshop:
    """What all tasks of one router share."""

    bootstrap: str
    group: str
    transactional_prefix: str
    catalogue: Catalogue
    codec: Codec
    consequences: Consequences
    limits: Limits
    clock: Callable[[], Instant]
    restores: asyncio.Semaphore
    topics_known: set[str] = field(default_factory=set)

    async def ensure_topics(self, names: Iterable[str]) -> None:
        """Make a delivery topic that does not exist yet: an organisation may just have chosen Kafka."""
        prefix = self.catalogue.delivery_name(OrganisationId(""))
        for name in names:
            if name.startswith(prefix) and name not in self.topics_known:
                organisation = OrganisationId(name.removeprefix(prefix))
                await admin.make_missing(
                    [self.catalogue.delivery_topic(organisation)], bootstrap=self.bootstrap
                )
                self.topics_known.add(name)


class PartitionTask:
    """Owns one partition from its assignment until it is revoked."""

    transactions_class = Transactions

    def __init__(self, *, partition: int, consumer: AIOKafkaConsumer, workshop: Workshop) -> None:
        """Nothing happens until `run`."""
        self.partition = partition
        self.lane = TopicPartition(workshop.catalogue.intake, partition)
        self._consumer = consumer
        self._workshop = workshop
        self._limits = workshop.limits
        self._transactions = self.transactions_class(
            bootstrap=workshop.bootstrap, transactional_id=self.transactional_id(), limits=workshop.limits
        )
        self._recall = Recall(
            workshop.bootstrap,
            catalogue=workshop.catalogue,
            codec=workshop.codec,
            timeout_s=workshop.limits.step_timeout_s,
            request_timeout_ms=workshop.limits.request_timeout_ms,
        )
        self._view = self._new_view()
        self._fetched: deque[Fetched] = deque()
        self._wake = asyncio.Event()
        self._position: int | None = None
        self._closing = False
        self._tick_asked: Instant | None = None
        self._tick_after_s = 0.0

    def transactional_id(self) -> str:
        """The same for every owner of this partition, which is what fences the previous one."""
        return f"{self._workshop.transactional_prefix}-{self.partition}"

    @property
    def backlog(self) -> int:
        """Records fetched and not yet routed."""
        return len(self._fetched)

    @property
    def is_open(self) -> bool:
        """Whether it takes records."""
        return self._position is not None and not self._closing

    def take(self, records: Sequence[Fetched]) -> None:
        """Accept records just fetched; before the task is open, or below its position, they are stale."""
        if self._position is None or self._closing:
            return
        floor = self._fetched[-1].offset + 1 if self._fetched else self._position
        self._fetched.extend(record for record in records if record.offset >= floor)
        self._wake.set()

    def close(self) -> None:
        """Ask for an end after the batch in work; `run` returns then."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Work until closed. Whatever fails, the task is rebuilt from Kafka, with growing pauses."""
        delay_s = self._limits.retry_delay_s
        try:
            while not self._closing:
                started_s = time.monotonic()
                try:
                    await self._open()
                    await self._work()
                except (HubError, KafkaError, TimeoutError, OSError) as error:
                    if time.monotonic() - started_s > self._limits.retry_delay_s_max:
                        delay_s = self._limits.retry_delay_s
                    await self._rest(error, delay_s)
                    delay_s = min(2 * delay_s, self._limits.retry_delay_s_max)
        finally:
            self._position = None
            self._fetched.clear()
            await self._recall.close()
            await self._transactions.close()

    async def _open(self) -> None:
        """Take the partition over and begin to read where the last commit ended."""
        self._forget()
        position = await self._establish()
        self._position = position
        self._consumer.seek(self.lane, position)
        self._consumer.resume(self.lane)
        _log.info("partition open", partition=self.partition, position=position, cases=len(self._view.cases))

    async def _establish(self) -> int:
        """Fence, restore, and only then ask where to begin."""
        async with self._workshop.restores:
            await self._transactions.fence()
            await self._restore()
        return await self._committed()

    async def _restore(self) -> None:
        view = self._new_view()
        tables = dict(zip(self._workshop.catalogue.changelogs, view.tables, strict=True))
        await restore(
            tables, partition=self.partition, bootstrap=self._workshop.bootstrap, limits=self._limits
        )
        # Policies in force and to come are compiled and proved before it opens, beside the event loop.
        await asyncio.to_thread(view.compile_policies)
        self._view = view

    async def _committed(self) -> int:
        """The offset after the last commit; the partition's beginning if there was none."""
        async with asyncio.timeout(self._limits.step_timeout_s):
            committed: int | None = await self._consumer.committed(self.lane)
            if committed is not None:
                return committed
            beginnings: dict[TopicPartition, int] = await self._consumer.beginning_offsets([self.lane])
            return beginnings[self.lane]

    async def _work(self) -> None:
        while not self._closing:
            if self._fetched:
                count = min(len(self._fetched), self._limits.batch_records_max)
                await self._settle([self._fetched.popleft() for _ in range(count)], frozenset())
            await self._tick()
            if not self._fetched:
                await self._sleep()

    async def _settle(self, batch: Sequence[Fetched], too_large: frozenset[int]) -> None:
        """Commit a batch; a record whose consequences a topic refuses goes to quarantine alone.

        Bounded: every repetition sets one more record aside, or halves the batch.
        """
        records = await self._route(batch, too_large)
        try:
            await self._commit(records, batch[-1].offset + 1)
        except TransactionRefused as refused:
            self._view.discard()
            await self._fence_again()
            named = refused.origins
            if len(batch) == 1 or (len(named) == 1 and -1 not in named):
                worst = named if len(batch) > 1 else frozenset({batch[0].offset})
                if worst <= too_large:
                    message = f"{refused.records[0].topic} refuses even the record set aside"
                    raise TaskCorrupted(message) from refused
                await self._settle(batch, too_large | worst)
            else:
                middle = len(batch) // 2
                await self._settle(batch[:middle], too_large)
                await self._settle(batch[middle:], too_large)
            return
        if any(self._workshop.consequences.is_tick(record) for record in batch):
            self._tick_asked = None

    async def _route(self, batch: Sequence[Fetched], too_large: frozenset[int]) -> list[Outgoing]:
        """Collect what a batch causes, letting heartbeats and other partitions have their turn."""
        records: list[Outgoing] = []
        for index, record in enumerate(batch):
            records += await self._caused_by(record, too_large=record.offset in too_large)
            if index % _RECORDS_A_TURN == _RECORDS_A_TURN - 1:
                await asyncio.sleep(0)
        return records

    async def _caused_by(self, record: Fetched, *, too_large: bool) -> list[Outgoing]:
        """Return what a record causes; where earlier ones are needed for it, they are read back first."""
        view, consequences = self._view, self._workshop.consequences
        view.forget_read_back()
        return await answered(lambda: consequences.of(record, view, too_large=too_large), view, self._recall)

    async def _commit(self, records: Sequence[Outgoing], next_offset: int) -> None:
        changes = [
            Outgoing(topic=topic, partition=self.partition, key=key, value=value)
            for topic, table in zip(self._workshop.catalogue.changelogs, self._view.tables, strict=True)
            for key, value in table.pending_records()
        ]
        await self._workshop.ensure_topics({record.topic for record in records})
        await self._transactions.commit(
            [*records, *changes], offsets={self.lane: next_offset}, group=self._workshop.group
        )
        self._view.merge()
        self._position = next_offset

    async def _fence_again(self) -> None:
        """Begin anew after a refusal. Somebody may have taken over meanwhile: then the tables are stale."""
        await self._transactions.fence()
        if await self._committed() != self._position:
            message = f"partition {self.partition} was moved on by another owner"
            raise TaskMigrated(message)

    async def _tick(self) -> None:
        """Append a tick when the earliest deadline has passed; it fires when it is read."""
        due_at = self._view.first_deadline()
        if due_at is None or due_at > self._workshop.clock() or due_at == self._tick_asked:
            return
        if time.monotonic() < self._tick_after_s:
            return
        tick = Tick(tick_id=MessageId(derived_id("tick", str(self.partition), str(due_at))), due_at=due_at)
        encoded = self._workshop.codec.tick(tick)
        record = Outgoing(
            topic=self.lane.topic, partition=self.partition, key=encoded.key, value=encoded.value
        )
        self._tick_after_s = time.monotonic() + self._limits.tick_interval_ms / 1000
        await self._transactions.commit([record])
        self._tick_asked = due_at

    async def _sleep(self) -> None:
        """Wait for records, for the next deadline, or to be closed."""
        self._wake.clear()
        if self._fetched or self._closing:
            return
        due_at = self._view.first_deadline()
        timeout_s = None
        if due_at is not None and due_at != self._tick_asked:
            until_due_s = (due_at - self._workshop.clock()) / 1000
            timeout_s = max(until_due_s, self._tick_after_s - time.monotonic(), 0.001)
            # A machine's clock may be set while it sleeps: it is looked at again before long.
            timeout_s = min(timeout_s, self._limits.clock_look_s)
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _rest(self, error: Exception, delay_s: float) -> None:
        """Say what happened and wait. One who was fenced lets the group notice before coming back."""
        self._forget()
        migrated = isinstance(error, TaskMigrated)
        if migrated:
            delay_s = max(delay_s, 2 * self._limits.heartbeat_ms / 1000)
        _log.warning(
            "partition closed", partition=self.partition, cause=type(error).__name__, detail=str(error)
        )
        self._wake.clear()
        if self._closing:
            return
        try:
            async with asyncio.timeout(delay_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _forget(self) -> None:
        """Drop everything fetched and everything pending; nothing more is fetched until `_open`."""
        self._position = None
        self._fetched.clear()
        self._view.discard()
        self._tick_asked = None
        try:
            self._consumer.pause(self.lane)
        except IllegalStateError:
            return

    def _new_view(self) -> RouterView:
        return RouterView(
            codec=self._workshop.codec,
            contracts=self._workshop.codec.library,
            cases_remembered_max=self._limits.cases_remembered_max,
        )
