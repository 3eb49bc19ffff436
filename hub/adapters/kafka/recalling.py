"""Reads back single records of hub.intake for a decision that needs them: what a joiner is given again.

The case says where they stand (hub.cases.keeping); the log keeps them for ever. One connection, made when
first needed; what was fetched goes into the view, and the decision is made anew.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from hub.adapters.kafka.replay import entry_of
from hub.errors import HubError, ReadBackNeeded, Unreachable
from hub.messages.envelope import Unreadable
from hub.messages.identifiers import HUB, MessageId, derived_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import TypeVar

    from aiokafka import ConsumerRecord

    from hub.messages.envelope import Entry
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec
    from hub.topics.tables import RouterView

    Answer = TypeVar("Answer")
    Fetched = ConsumerRecord[bytes, bytes]

MISSING = "RECORD-MISSING"
"""Code of a record that is not in the log where its case says."""
ROUNDS_MAX = 5
"""How often one decision may ask for more; it names all it needs at once, so that twice is much."""
FETCH_BYTES_MAX = 65_536
"""Most bytes fetched at once: a record or a few, not all that comes after."""
_partition_of = DefaultPartitioner()


class Recall:
    """Fetches records of hub.intake by the place their cases name."""

    def __init__(
        self,
        bootstrap: str,
        *,
        catalogue: Catalogue,
        codec: Codec,
        timeout_s: float,
        request_timeout_ms: int,
    ) -> None:
        """Nothing is connected until something is asked for; `timeout_s` bounds each time."""
        self._bootstrap = bootstrap
        self._catalogue = catalogue
        self._partitions = list(range(catalogue.intake_partitions))
        self._codec = codec
        self._timeout_s = timeout_s
        self._request_timeout_ms = request_timeout_ms
        self._consumer: AIOKafkaConsumer | None = None

    async def into(self, view: RouterView, records: Iterable[tuple[str, int]]) -> None:
        """Read records back, each named by its case and offset, and give them to the view.

        Raises:
            Unreachable: The broker did not give them in time.
        """
        by_case: dict[str, list[int]] = defaultdict(list)
        for case, offset in sorted(records):
            by_case[case].append(offset)
        try:
            async with asyncio.timeout(self._timeout_s):
                consumer = await self._connected()
                for case, offsets in by_case.items():
                    for offset, entry in (await self._of_case(consumer, case, offsets)).items():
                        view.remember(case, offset, entry)
        except (KafkaError, TimeoutError, OSError) as error:
            await self.close()
            message = f"the log was not read back in {self._timeout_s:g} s: {type(error).__name__}"
            raise Unreachable(message, fix="see whether the broker answers; it is tried again") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect; the next time connects anew."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                request_timeout_ms=self._request_timeout_ms,
                max_partition_fetch_bytes=FETCH_BYTES_MAX,
                fetch_max_wait_ms=50,
            )
            await self._consumer.start()
        return self._consumer

    async def _of_case(
        self, consumer: AIOKafkaConsumer, case: str, offsets: Collection[int]
    ) -> dict[int, Entry]:
        partition = _partition_of(case.encode(), self._partitions, self._partitions)
        lane = TopicPartition(self._catalogue.intake, partition)
        if consumer.assignment() != {lane}:
            consumer.assign([lane])
        found: dict[int, Fetched] = {}
        end = (await consumer.end_offsets([lane]))[lane]
        for offset in offsets:
            if offset not in found and offset < end:
                await _fetch(consumer, lane, offset, found)
        entries: dict[int, Entry] = {}
        for offset in offsets:
            record = found.get(offset)
            own = record is not None and record.key == case.encode()
            entries[offset] = entry_of(self._codec, record) if own and record else _missing(lane, offset)
        # What is not asked for is not fetched either.
        consumer.pause(lane)
        return entries


async def answered(ask: Callable[[], Answer], view: RouterView, recall: Recall) -> Answer:
    """Return what is asked of the core with this view; what it needs of the log is read back for it.

    Raises:
        Unreachable: The log was not read in time.
        HubError: It asks for more each time, which no decision does.
    """
    for _ in range(ROUNDS_MAX):
        try:
            return ask()
        except ReadBackNeeded as needed:
            await recall.into(view, needed.records)
    message = "a decision asks for ever more of the log"
    raise HubError(message)


async def _fetch(
    consumer: AIOKafkaConsumer, lane: TopicPartition, offset: int, found: dict[int, Fetched]
) -> None:
    """Fetch the record at an offset; those that come with it are kept, too."""
    consumer.seek(lane, offset)
    consumer.resume(lane)
    while await consumer.position(lane) <= offset:
        for record in (await consumer.getmany(lane, timeout_ms=250)).get(lane, []):
            found[record.offset] = record


def _missing(lane: TopicPartition, offset: int) -> Unreadable:
    record_id = MessageId(derived_id("intake", str(lane.partition), str(offset)))
    return Unreadable(record_id=record_id, organisation=HUB, code=MISSING)
