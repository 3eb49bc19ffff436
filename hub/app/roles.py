"""The roles of the hub; one process runs all of them, or some, as many times as wished."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import uvicorn

from hub.adapters.feeds import FeedLimits
from hub.adapters.gateway.app import create_gateway
from hub.adapters.kafka.ends import Ends
from hub.adapters.kafka.intake import IntakePublisher
from hub.adapters.kafka.limits import Limits
from hub.adapters.kafka.router import Router
from hub.adapters.ledger import Asker, Projector, Relay
from hub.adapters.ledger.expiring import Expirer, Waits
from hub.adapters.ledger.limits import ProjectorLimits
from hub.adapters.ledger.requesting import Requests
from hub.app.records import Records
from hub.errors import Unreachable
from hub.routing.route import route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from fastapi import FastAPI

    from hub.adapters.database.pool import Pool
    from hub.adapters.kafka.clock import Clock
    from hub.adapters.webhooks.endpoints import Endpoints
    from hub.settings import Settings
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec

_BACKLOG = 256


class Role(StrEnum):
    """What a process of the hub can do."""

    GATEWAY = "gateway"
    FEEDS = "feeds"
    ROUTER = "router"
    PROJECTOR = "projector"
    DELIVERER = "deliverer"


ALL_ROLES = frozenset(Role)


class _Server(uvicorn.Server):
    """A web server inside a process that minds its signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the command that runs the hub."""
        yield


def limits_from(settings: Settings) -> Limits:
    """The limits of what speaks to Kafka, as far as they are settings."""
    return Limits(
        batch_records_max=settings.batch_records_max,
        poll_ms=settings.poll_ms,
        transaction_timeout_ms=settings.transaction_timeout_ms,
        session_timeout_ms=settings.session_timeout_ms,
        # Kafka's advice: at least three signs of life within the timeout.
        heartbeat_ms=settings.session_timeout_ms // 5,
        backlog_records_max=2 * settings.batch_records_max,
    )


def feed_limits_from(settings: Settings) -> FeedLimits:
    """The limits of the feeds, as far as they are settings: both doors take bodies of one size."""
    return FeedLimits(
        record_bytes_max=settings.body_bytes_max,
        records_per_s_max=settings.organisation_records_per_s_max,
        session_timeout_ms=settings.session_timeout_ms,
    )


@contextlib.asynccontextmanager
async def intake_publisher(
    settings: Settings, *, bootstrap: str, codec: Codec, catalogue: Catalogue
) -> AsyncIterator[IntakePublisher]:
    """A publisher of hub.intake, for as long as the block lasts."""
    publisher = IntakePublisher(bootstrap, codec=codec, catalogue=catalogue, limits=limits_from(settings))
    await publisher.start()
    try:
        yield publisher
    finally:
        await publisher.stop()


@contextlib.asynccontextmanager
async def topic_ends(settings: Settings, *, bootstrap: str, catalogue: Catalogue) -> AsyncIterator[Ends]:
    """One who knows where the router's topics end, for as long as the block lasts."""
    ends = Ends(bootstrap, catalogue=catalogue, limits=limits_from(settings))
    await ends.start()
    try:
        yield ends
    finally:
        await ends.stop()


def gateway_of(  # noqa: PLR0913 - one thing each
    settings: Settings,
    *,
    pool: Pool,
    publisher: IntakePublisher,
    ends: Ends,
    records: Records,
    clock: Clock,
    endpoints: Endpoints,
) -> FastAPI:
    """The gateway, appending through this publisher."""
    return create_gateway(
        pool=pool,
        intake=publisher,
        library=records.codec.library,
        pairwise=records.codec.pairwise,
        keys=records.codec.keys,
        settings=settings,
        ends=ends,
        now=clock.now,
        records=records,
        endpoints=endpoints,
    )


def listen(settings: Settings) -> socket.socket:
    """Take the gateway's port before anything is started, so that a taken one is told at once."""
    try:
        listening = socket.create_server((settings.http_host, settings.http_port), backlog=_BACKLOG)
    except OSError as error:
        message = f"port {settings.http_port} of {settings.http_host} cannot be listened on: {error.strerror}"
        raise Unreachable(message, fix="choose another with HUB_HTTP_PORT, or 0 for a free one") from error
    # Accepted connections inherit it; without it each answer waits some 40 ms for a delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


async def serve_http(app: FastAPI, listening: socket.socket, stop: asyncio.Event, *, grace_s: int) -> None:
    """Answer requests until told to stop, then finish those under way."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=grace_s,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # Streams would go on for as long as their clients like.
        app.state.services.streams.end()
        server.should_exit = True
        stopping.cancel()
        await serving


def router_of(
    settings: Settings, *, bootstrap: str, codec: Codec, catalogue: Catalogue, clock: Clock
) -> Router:
    """The router, deciding with the pure core."""
    return Router(
        bootstrap,
        codec=codec,
        catalogue=catalogue,
        route=route,
        limits=limits_from(settings),
        clock=clock,
    )


def projector_of(
    settings: Settings, *, bootstrap: str, pool: Pool, codec: Codec, catalogue: Catalogue
) -> Projector:
    """The projector."""
    limits = ProjectorLimits(
        batch_records_max=settings.batch_records_max,
        poll_ms=settings.poll_ms,
        session_timeout_ms=settings.session_timeout_ms,
    )
    return Projector(bootstrap=bootstrap, pool=pool, codec=codec, catalogue=catalogue, limits=limits)


def relay_of(settings: Settings, *, bootstrap: str, pool: Pool, codec: Codec, catalogue: Catalogue) -> Relay:
    """The relay, which goes with the projector."""
    return Relay(
        bootstrap=bootstrap, pool=pool, codec=codec, catalogue=catalogue, days=settings.delivery_event_days
    )


def asker_of(settings: Settings, *, pool: Pool, codec: Codec, publisher: IntakePublisher) -> Asker:
    """Who has decided again what is held, and forgets the messages that nobody needs any more."""
    limits = ProjectorLimits(redelivery_days=settings.redelivery_days)
    return Asker(pool=pool, codec=codec, append=publisher.append, limits=limits)


def expirer_of(settings: Settings, *, pool: Pool, codec: Codec, publisher: IntakePublisher) -> Expirer:
    """Who lets expire what nobody collects, by the time of this machine, as deliveries are stamped by it."""
    limits = ProjectorLimits()
    return Expirer(
        pool=pool,
        requests=Requests(codec=codec, append=publisher.append, limits=limits),
        waits=Waits(
            working_days=settings.delivery_expiry_working_days,
            safety_hours=settings.safety_uncollected_hours,
            unpushed_s=settings.safety_unpushed_s,
        ),
        now=lambda: datetime.now(UTC),
        limits=limits,
    )


def names(roles: Iterable[Role]) -> str:
    """Roles in the order people expect them, for a sentence."""
    chosen = set(roles)
    return ", ".join(role.value for role in Role if role in chosen)
