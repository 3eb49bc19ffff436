"""Publishes what happened to deliveries to hub.deliveries, in the order of each lane (R-DEL-02).

One process relays at a time. An event is marked as published once all replicas have it, so that a crash in
between publishes it twice, under one id; whoever reads the topic takes the first. Events of one delivery have
the order in which they were committed, for each is written by who holds the delivery's row.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from psycopg.rows import dict_row
from psycopg_pool import PoolTimeout

from hub.adapters.ledger.happened import microseconds
from hub.adapters.ledger.limits import ProjectorLimits
from hub.adapters.ledger.pushes import forget_pushes
from hub.errors import HubError, Unreachable
from hub.messages.identifiers import CaseRef, OrganisationId
from hub.topics.catalogue import lane_partition
from hub.topics.happenings import Happening, Happenings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from hub.adapters.database.pool import Pool
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec, Encoded

RELAY_LOCK = 0x5245_4C41
"""Advisory lock of whoever relays."""
_LOG = structlog.get_logger()

_UNPUBLISHED: LiteralString = """
SELECT event, event_id, delivery_id, organisation, case_ref, kind, channel, said, state, sequence, at
  FROM delivery_event WHERE published_at IS NULL ORDER BY event LIMIT %s
"""
_PUBLISHED: LiteralString = "UPDATE delivery_event SET published_at = now() WHERE event = ANY(%s)"
_FORGET: LiteralString = """
DELETE FROM delivery_event WHERE event = ANY (ARRAY(
    SELECT e.event FROM delivery_event e LEFT JOIN delivery d USING (delivery_id)
     WHERE e.published_at < now() - make_interval(days => %(days)s) AND NOT e.said ? 'jws'
       AND (d.finished OR d.verdict IS NOT NULL
            OR d.delivery_id IS NULL AND e.at < now() - make_interval(days => %(gone_days)s))
     LIMIT %(limit)s))
"""
"""What a recipient has signed stays: it is proof for as long as somebody may ask."""
_GONE_DAYS = 60
"""Age at which a delivery that has no row will never have one again: hub.outbox keeps it half as long."""


class Relay:
    """Runs beside the projector."""

    def __init__(
        self,
        *,
        bootstrap: str,
        pool: Pool,
        codec: Codec,
        catalogue: Catalogue,
        days: int,
        limits: ProjectorLimits | None = None,
    ) -> None:
        """Read from this pool, publish to this Kafka; events and pushes stay in the database for so long."""
        self._bootstrap = bootstrap
        self._pool = pool
        self._happenings = Happenings(codec)
        self._catalogue = catalogue
        self._days = days
        self._limits = limits or ProjectorLimits()
        self._forget_after_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until told to stop; what fails is tried again, with growing pauses.

        Raises:
            Unreachable: Kafka does not answer at the start.
        """
        limits, failures = self._limits, 0
        async with self._started() as producer:
            while not stop.is_set():
                pause_s = limits.relay_interval_ms / 1000
                try:
                    if await self.relay(producer) == limits.relay_events_max:
                        pause_s = 0.0
                    await self._forget()
                except (psycopg.Error, PoolTimeout, KafkaError, TimeoutError, HubError, ValueError) as error:
                    failures += 1
                    pause_s = min(limits.retry_delay_s * 2 ** min(failures, 16), limits.retry_delay_s_max)
                    _LOG.warning("relay.retries", error=type(error).__name__, failures=failures)
                else:
                    failures = 0
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause_s)

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[AIOKafkaProducer]:
        limits = self._limits
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=f"{self._catalogue.prefix}hub-relay",
            enable_idempotence=True,
            acks="all",
            max_batch_size=limits.relay_bytes_max,
            request_timeout_ms=limits.request_timeout_ms,
        )
        try:
            try:
                async with asyncio.timeout(limits.start_timeout_s):
                    await producer.start()
            except (KafkaError, TimeoutError) as error:
                message = "Kafka does not answer the relay"
                raise Unreachable(message, fix="check HUB_KAFKA and that the broker runs") from error
            yield producer
        finally:
            await producer.stop()

    async def relay(self, producer: AIOKafkaProducer) -> int:
        """Publish what is not published yet; returns of how many events, none if somebody else is at it.

        Raises:
            KafkaError, TimeoutError: The broker did not take what is of some partition: all of that is
                published again, what went before is marked.
        """
        async with self._pool.connection() as connection, connection.transaction():
            locked = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (RELAY_LOCK,))
            if not ((await locked.fetchone()) or (False,))[0]:
                return 0
            cursor = connection.cursor(row_factory=dict_row)
            found = await (await cursor.execute(_UNPUBLISHED, (self._limits.relay_events_max,))).fetchall()
            if not found:
                return 0
            sent, failure = await self._publish(producer, found)
            if sent:
                await connection.execute(_PUBLISHED, (sent,))
        if failure is not None:
            raise failure
        return len(found)

    async def _publish(
        self, producer: AIOKafkaProducer, found: Iterable[Mapping[str, Any]]
    ) -> tuple[list[int], Exception | None]:
        """Send one batch to each partition; returns the events the broker has, and what went wrong if any.

        A batch is taken whole or not at all, so no event can come to stand before an earlier one of its lane.
        """
        by_partition: dict[int, list[tuple[int, Encoded]]] = defaultdict(list)
        for row in found:
            encoded = self._happenings.encoded(_happening(row))
            partition = lane_partition(encoded.key.decode(), self._catalogue.intake_partitions)
            by_partition[partition].append((row["event"], encoded))
        outcomes = await asyncio.gather(
            *(self._send(producer, partition, events) for partition, events in by_partition.items()),
            return_exceptions=True,
        )
        failures = [each for each in outcomes if isinstance(each, BaseException)]
        for each in failures:
            if not isinstance(each, KafkaError | TimeoutError):
                raise each
        sent = [event for events in outcomes if isinstance(events, list) for event in events]
        return sent, next((each for each in failures if isinstance(each, Exception)), None)

    async def _send(
        self, producer: AIOKafkaProducer, partition: int, events: Iterable[tuple[int, Encoded]]
    ) -> list[int]:
        """Send as many of these as one batch takes; returns which."""
        batch, sent = producer.create_batch(), []
        for event, encoded in events:
            if batch.append(key=encoded.key, value=encoded.value, timestamp=None) is None:
                break
            sent.append(event)
        batch.close()
        async with asyncio.timeout(self._limits.relay_timeout_s):
            done = await producer.send_batch(batch, self._catalogue.deliveries, partition=partition)
            await done
        return sent

    async def _forget(self) -> None:
        """Forget pushes and published events of deliveries that are finished: the topic keeps the events."""
        if time.monotonic() < self._forget_after_s:
            return
        self._forget_after_s = time.monotonic() + self._limits.forget_interval_s
        async with self._pool.connection() as connection:
            values = {
                "days": self._days,
                "gone_days": _GONE_DAYS,
                "limit": self._limits.forget_events_max,
            }
            await connection.execute(_FORGET, values)
            await forget_pushes(connection, days=self._days, limit=self._limits.forget_pushes_max)


def _happening(row: Mapping[str, Any]) -> Happening:
    return Happening(
        event_id=row["event_id"],
        delivery_id=row["delivery_id"],
        organisation=OrganisationId(row["organisation"]),
        case=CaseRef(row["case_ref"]),
        kind=row["kind"],
        channel=row["channel"],
        said=row["said"],
        state=row["state"],
        sequence=row["sequence"],
        at_us=microseconds(row["at"]),
    )
