"""One organisation's feed: from hub.in.<organisation> to the one log, at least once and in order.

FastStream owns consumer and acknowledgement; the feed asks it for one record after another instead of
giving it a handler, for what a handler raises FastStream swallows, and the record with it. Headers are
kept from its parser: it decodes their bytes and would send an answer to a topic named `reply_to`.
Nothing it logs is kept, it may show a record whole (research: kafka.md 2).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    CorruptRecordException,
    IllegalStateError,
    KafkaError,
    UnsupportedCodecError,
)
from faststream.middlewares import AckPolicy

from hub.adapters.feeds.reading import Reader, Record, reason, record_id, taken_from
from hub.errors import Refused, Unreachable
from hub.topics.evidence import SetAside
from hub.topics.keys import case_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from faststream.kafka import KafkaBroker, KafkaMessage
    from faststream.kafka.subscriber.usecase import DefaultSubscriber

    from hub.adapters.feeds.limits import FeedLimits
    from hub.adapters.feeds.reading import Taken
    from hub.adapters.feeds.set_aside import QuarantineLog
    from hub.consent.parties import Organisation
    from hub.messages.envelope import Submission
    from hub.messages.identifiers import CaseRef, Instant, OrganisationId

_BROKEN: Mapping[type[Exception], tuple[str, str]] = {
    UnicodeDecodeError: ("HEADER-UNREADABLE", "a header name is not UTF-8"),
    CorruptRecordException: ("RECORD-CORRUPT", "the record's bytes are not what its checksum says"),
    UnsupportedCodecError: ("CODEC-UNSUPPORTED", "send uncompressed or with gzip"),
}
"""What the Kafka client raises for a record it cannot take apart, and returns none behind it."""
_UNREADABLE = tuple(_BROKEN)
_LOG = structlog.get_logger()


class IntakeLog(Protocol):
    """hub.intake, as a feed needs it."""

    async def publish(self, submission: Submission) -> object:
        """Append the message and return when every in-sync replica has it; Unreachable otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """Where a feed's records go, and what it reads them with."""

    reader: Reader
    intake: IntakeLog
    quarantine: QuarantineLog
    sender: Callable[[OrganisationId], Awaitable[Organisation | None]]
    """The organisation as the control records in force describe it."""
    case_of: Callable[[bytes], Awaitable[CaseRef | None]]
    """The case of the person with this prison number, by its digest (hub.topics.person_index)."""
    now: Callable[[], Instant]


class Feed:
    """Takes what one organisation sends by Kafka."""

    def __init__(
        self,
        broker: KafkaBroker,
        *,
        organisation: OrganisationId,
        topic: str,
        group: str,
        outlet: Outlet,
        limits: FeedLimits,
    ) -> None:
        """Subscribe to the organisation's topic, in a group of its own: no other feed waits for it."""
        self._organisation = organisation
        self._topic = topic
        self._outlet = outlet
        self._limits = limits
        self._subscriber: DefaultSubscriber = broker.subscriber(
            topic,
            group_id=group,
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=limits.fetch_wait_ms,
            max_partition_fetch_bytes=limits.fetch_bytes_max,
            session_timeout_ms=limits.session_timeout_ms,
            heartbeat_interval_ms=limits.heartbeat_ms,
            parser=_without_headers,
            persistent=False,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Take records until told to stop; Unreachable if Kafka does not take them for too long."""
        failures = 0
        try:
            async with asyncio.timeout(self._limits.step_timeout_s):
                await self._subscriber.start()
            while not stop.is_set():
                began_s = time.monotonic()
                try:
                    taken = await self._round()
                    await self._pace(taken, began_s, stop)
                except (KafkaError, Unreachable) as error:
                    failures += 1
                    await self._after_failure(error, failures, stop)
                else:
                    failures = 0
        except (KafkaError, TimeoutError) as error:
            message = "Kafka does not answer a feed"
            raise Unreachable(message, fix="check HUB_KAFKA and that the broker runs") from error
        finally:
            await self._subscriber.stop()

    async def _pace(self, taken: int, began_s: float, stop: asyncio.Event) -> None:
        """Wait until as many seconds have passed as so many records may take: the rest waits on its topic."""
        early_s = taken / self._limits.records_per_s_max - (time.monotonic() - began_s)
        if early_s > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), early_s)

    async def _round(self) -> int:
        """Take what there is, hand all of it on, and only then acknowledge it; returns how many."""
        taken, blocked = await self._take()
        if taken:
            try:
                await self._hand_on([cast("Record", message.raw_message) for message in taken])
            except BaseException:
                await _rewind(taken)
                raise
            await _acknowledge(taken[-1])
        if blocked:
            await self._pass_unreadable()
        return len(taken)

    async def _take(self) -> tuple[list[KafkaMessage], bool]:
        """Wait for a record, then take those already there; True: the client stopped at a broken one."""
        taken: list[KafkaMessage] = []
        wait_s = self._limits.poll_ms / 1000
        try:
            while len(taken) < self._limits.batch_records_max:
                message = await self._subscriber.get_one(timeout=wait_s)
                if message is None:
                    break
                taken.append(message)
                wait_s = 0.0
        except _UNREADABLE:
            return taken, True
        return taken, False

    async def _hand_on(self, records: Sequence[Record]) -> None:
        """Append every record or set it aside; messages of one case keep their order."""
        sender = await self._outlet.sender(self._organisation)
        lanes: dict[CaseRef, list[tuple[Record, Taken]]] = {}
        for record in records:
            try:
                taken = await self._read(record, sender)
            except Refused as error:
                await self._set_aside(record, error.code, reason(error))
                continue
            if taken is not None:
                lanes.setdefault(taken.submission.envelope.case, []).append((record, taken))
        # All lanes are seen through before a failure is told: one still under way would race the rewind.
        ended = await asyncio.gather(*map(self._append_lane, lanes.values()), return_exceptions=True)
        for outcome in ended:
            if outcome is not None:
                raise outcome

    async def _read(self, record: Record, sender: Organisation | None) -> Taken | None:
        return await taken_from(
            self._outlet.reader,
            record,
            topic_of=self._organisation,
            sender=sender,
            case_of=self._outlet.case_of,
        )

    async def _append_lane(self, lane: Sequence[tuple[Record, Taken]]) -> None:
        for record, taken in lane:
            try:
                await self._append(taken)
            except Refused as error:
                await self._set_aside(record, error.code, reason(error))

    async def _append(self, taken: Taken) -> None:
        if taken.opens:
            key_id = case_key(taken.submission.envelope.case)
            await asyncio.to_thread(self._outlet.reader.codec.keys.get_or_create, key_id)
        await self._outlet.intake.publish(taken.submission)

    async def _set_aside(self, record: Record, code: str, detail: str) -> None:
        value = record.value or b""
        if len(value) > self._limits.record_bytes_max:
            value = b""  # It stays on its topic; a copy would only be as large again.
        await self._quarantine(
            TopicPartition(record.topic, record.partition), record.offset, (code, detail), value
        )

    async def _quarantine(
        self, partition: TopicPartition, offset: int, why: tuple[str, str], value: bytes = b""
    ) -> None:
        """Write the record set aside.

        It names no message id: a record that merely bears the id of a message taken before must not
        make that message look refused.
        """
        named = record_id(partition.topic, partition.partition, offset)
        evidence = self._outlet.quarantine.evidence
        aside = SetAside(
            record_id=named,
            message_id=None,
            organisation=self._organisation,
            message=None,
            code=why[0],
            detail=f"hub.in.{self._organisation}: {why[1]}",
            original=evidence.seal_original(value, organisation=self._organisation, record_id=named),
            set_aside_at=self._outlet.now(),
            partition=partition.partition,
            offset=offset,
        )
        await self._outlet.quarantine.append(aside)
        _LOG.warning(
            "feed.set_aside",
            organisation=self._organisation,
            code=why[0],
            record=named,
            partition=partition.partition,
            offset=offset,
        )

    async def _pass_unreadable(self) -> None:
        """Find the record the client cannot take apart, set its place aside and go on behind it.

        Each partition is asked for one record, from its own position; whoever answers is put back.
        """
        consumer = self._subscriber.consumer
        if consumer is None:
            return
        for partition in sorted(consumer.assignment()):
            offset = await consumer.position(partition)
            consumer.seek(partition, offset)
            try:
                await consumer.getmany(partition, timeout_ms=self._limits.poll_ms, max_records=1)
            except _UNREADABLE as error:
                why = next(told for kind, told in _BROKEN.items() if isinstance(error, kind))
                await self._quarantine(partition, offset, why)
                offset += 1
                await consumer.commit({partition: offset})
            consumer.seek(partition, offset)

    async def _after_failure(self, error: Exception, failures: int, stop: asyncio.Event) -> None:
        limits = self._limits
        if failures >= limits.attempts_max:
            message = f"a feed gave up after {failures} attempts"
            raise Unreachable(message, fix="check that Kafka answers, then start the feeds again") from error
        delay_s = min(limits.retry_delay_s * 2 ** min(failures - 1, 16), limits.retry_delay_s_max)
        _LOG.warning(
            "feed.retries",
            organisation=self._organisation,
            error=type(error).__name__,
            failures=failures,
            delay_s=delay_s,
        )
        try:
            await asyncio.wait_for(stop.wait(), delay_s)
        except TimeoutError:
            return


async def _without_headers(
    record: Record, parse: Callable[[Record], Awaitable[KafkaMessage]]
) -> KafkaMessage:
    """Let FastStream see the record without headers; the feed reads those of the record itself."""
    message = await parse(replace(record, headers=()))
    message.raw_message = record
    return message


async def _acknowledge(last: KafkaMessage) -> None:
    """Commit everything taken so far; if the partition has moved, its new owner takes it again."""
    try:
        await last.ack()
    except (CommitFailedError, IllegalStateError):
        return


async def _rewind(taken: Sequence[KafkaMessage]) -> None:
    """Go back to the first record of each partition; what is no longer ours its new owner takes."""
    for message in reversed(taken):
        try:
            await message.nack()
        except IllegalStateError:
            continue
