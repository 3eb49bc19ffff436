"""All feeds of a process: one per organisation, begun when the organisation comes into force."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from hub.adapters.feeds.feed import Feed, IntakeLog, Outlet
from hub.adapters.feeds.limits import FeedLimits
from hub.adapters.feeds.reading import Reader
from hub.adapters.feeds.set_aside import QuarantineLog
from hub.errors import Unreachable
from hub.messages.identifiers import Instant, OrganisationId

if TYPE_CHECKING:
    from hub.consent.parties import Organisation
    from hub.messages.identifiers import CaseRef
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec

Organisations = Callable[[], Awaitable[Mapping[OrganisationId, "Organisation"]]]
"""Gives the organisations in force, e.g. `ProjectedOrganisations`."""

CaseOf = Callable[[bytes], Awaitable["CaseRef | None"]]
"""Gives the case of the person with a prison number, by its digest, e.g. `ProjectedPeople`."""

GROUP = "hub-feeds"
"""Beginning of the consumer groups' names; each organisation's feed has a group of its own."""
_LOG = structlog.get_logger()


class Feeds:
    """Reads every organisation's own topic; as many processes as wished share their partitions."""

    def __init__(  # noqa: PLR0913 - the composition root hands over one thing each
        self,
        *,
        bootstrap: str,
        codec: Codec,
        catalogue: Catalogue,
        intake: IntakeLog,
        organisations: Organisations,
        case_of: CaseOf,
        limits: FeedLimits | None = None,
    ) -> None:
        """Read from this Kafka, hand on to this intake, for these organisations."""
        self._limits = limits or FeedLimits()
        self._catalogue = catalogue
        self._organisations = organisations
        self._known: Mapping[OrganisationId, Organisation] = {}
        self._quarantine = QuarantineLog(bootstrap, codec=codec, catalogue=catalogue, limits=self._limits)
        self._outlet = Outlet(
            reader=Reader(codec=codec, limits=self._limits, now=_now),
            intake=intake,
            quarantine=self._quarantine,
            sender=self._sender,
            case_of=case_of,
            now=_now,
        )
        self._broker = KafkaBroker(
            bootstrap,
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            request_timeout_ms=self._limits.request_timeout_ms,
            logger=_Reticent(),
            log_level=logging.DEBUG,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Take what comes until told to stop.

        Raises:
            Unreachable: Kafka did not answer at the start, or the database for too long.
        """
        await self._start()
        halt = asyncio.Event()
        running: dict[OrganisationId, asyncio.Task[None]] = {}
        try:
            while not stop.is_set():
                await self._look_up(stop)
                for organisation in self._known.keys() - running.keys():
                    running[organisation] = asyncio.create_task(self._keep_up(organisation, halt))
                await _wait(stop, self._limits.organisations_every_s)
        finally:
            halt.set()
            await self._stop(running.values())

    async def _keep_up(self, organisation: OrganisationId, halt: asyncio.Event) -> None:
        """Run one organisation's feed; one that fails is begun anew after a wait, and no other notices."""
        limits, failures = self._limits, 0
        while not halt.is_set():
            began = time.monotonic()
            try:
                await self._feed(organisation).run(halt)
            except Exception as error:  # noqa: BLE001 - one organisation's fault must not end the others' feeds
                mended = time.monotonic() - began > limits.restart_delay_s_max
                failures = 1 if mended else failures + 1
                delay_s = min(limits.restart_delay_s * 2 ** min(failures - 1, 16), limits.restart_delay_s_max)
                _LOG.error(
                    "feed.failed",
                    organisation=organisation,
                    error=type(error).__name__,
                    failures=failures,
                    delay_s=delay_s,
                )
                await _wait(halt, delay_s)

    def _feed(self, organisation: OrganisationId) -> Feed:
        _LOG.info("feed.begins", organisation=organisation)
        return Feed(
            self._broker,
            organisation=organisation,
            topic=self._catalogue.inbox_name(organisation),
            group=f"{self._catalogue.prefix}{GROUP}-{organisation}",
            outlet=self._outlet,
            limits=self._limits,
        )

    async def _start(self) -> None:
        await self._quarantine.start()
        try:
            async with asyncio.timeout(self._limits.step_timeout_s):
                await self._broker.start()
        except (KafkaError, TimeoutError) as error:
            await self._quarantine.stop()
            message = "Kafka does not answer the feeds"
            raise Unreachable(message, fix="check HUB_KAFKA and that the broker runs") from error

    async def _look_up(self, stop: asyncio.Event) -> None:
        """Renew what is known of the organisations; a database that is away is waited for, not died of."""
        for attempt in range(1, self._limits.attempts_max + 1):
            try:
                self._known = await self._organisations()
            except Unreachable as error:
                _LOG.warning("feeds.retries", error=type(error).__name__, failures=attempt)
                if attempt == self._limits.attempts_max:
                    raise
                if await _wait(
                    stop, min(self._limits.retry_delay_s * attempt, self._limits.retry_delay_s_max)
                ):
                    return
            else:
                return

    async def _sender(self, organisation: OrganisationId) -> Organisation | None:
        return self._known.get(organisation)

    async def _stop(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """Let each feed finish its batch, within the limit."""
        pending = [task for task in tasks if not task.done()]
        if pending:
            _, late = await asyncio.wait(pending, timeout=self._limits.stop_timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        await self._broker.stop()
        await self._quarantine.stop()


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)


async def _wait(stop: asyncio.Event, delay_s: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), delay_s)
    except TimeoutError:
        return False
    return True


class _Reticent:
    """FastStream's logger here: the kind of an error and nothing it says, for it may quote a record."""

    def log(
        self,
        level: int,
        _message: object,
        /,
        *,
        exc_info: object = None,
        extra: Mapping[str, object] | None = None,  # noqa: ARG002 - the library's signature
    ) -> None:
        """Keep what went wrong, by name of its exception."""
        if exc_info is not None:
            _LOG.warning("feeds.library", level=logging.getLevelName(level), error=type(exc_info).__name__)
