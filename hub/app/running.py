"""Bringing a hub up and down: what it stands on first, then its roles, and all of it down again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from hub.adapters import broker, telemetry
from hub.adapters.database import server as database
from hub.adapters.database.pool import open_pool
from hub.adapters.database.schema import upgrade
from hub.adapters.feeds import Feeds, ProjectedOrganisations, ProjectedPeople
from hub.adapters.gateway import forget_old_attempts
from hub.adapters.kafka import admin
from hub.adapters.kafka.clock import Clock
from hub.app import roles as parts
from hub.app.first_release import release_first
from hub.app.hub import Hub
from hub.app.logs import set_up_logs
from hub.app.pushing import delivering, egress, endpoints_of
from hub.app.records import Records
from hub.app.roles import ALL_ROLES, Role
from hub.consent.partner_contracts import Direction, contract_in_effect
from hub.errors import Drift, HubError, NotConfigured
from hub.messages.envelope import MessageName
from hub.messages.identifiers import HUB, Instant
from hub.routing.agreeing import serves_not
from hub.topics.catalogue import Catalogue
from hub.topics.codec import Codec
from hub.topics.gates.casts import check_casts
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary
from hub.topics.pairwise import message_id
from hub.topics.policy_files import folder_policy

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Collection, Coroutine, Iterator

    from fastapi import FastAPI

    from hub.adapters.broker import Broker
    from hub.adapters.database.pool import Pool
    from hub.adapters.database.server import Database
    from hub.adapters.kafka.intake import IntakePublisher
    from hub.settings import Settings

_GATEWAY_STATE = "gateway.json"
_log = structlog.get_logger(__name__)


class Work(Protocol):
    """What a role does until it is told to stop."""

    def __call__(self, *, stop: asyncio.Event) -> Coroutine[None, None, None]:
        """Begin."""


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    *,
    roles: Collection[Role] = ALL_ROLES,
    ephemeral: bool = False,
    attach: bool = False,
    clock: Clock | None = None,
) -> AsyncIterator[Hub]:
    """A hub with these roles, for as long as the block lasts.

    Args:
        settings: Where Kafka and PostgreSQL are, or how to start them; every limit.
        roles: What this process does.
        ephemeral: Keep the data of what is started here, and the keys, only until the end.
        attach: Stand on what another process has up for this instance, where there is one.
        clock: Whose time it is; this machine's where none is given.

    Raises:
        AlreadyRunning: Another process runs this instance, and `attach` was not asked.
        Drift: A topic differs from the catalogue, or the database was sealed under other keys.
        Unreachable, NotConfigured: Something it stands on is missing; the message names it.
    """
    library = SchemaLibrary.load(settings.schemas)
    _check_casts(library)
    set_up_logs(settings)
    telemetry.set_up(role=parts.names(roles).replace(", ", "+"))
    async with contextlib.AsyncExitStack() as stack:
        listening = parts.listen(settings) if Role.GATEWAY in roles else None
        if listening is not None:
            stack.callback(listening.close)
        kafka, postgres = await _foundations(settings, stack, ephemeral=ephemeral, attach=attach)
        folder = settings.instance_folder
        # What others keep outlives this process, and so must the keys it is sealed under.
        if ephemeral and not (settings.kafka or settings.database.get_secret_value()):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="partner-hub-")))
        codec = Codec(library=library, keys=FileKeyStore(folder / "keys"))
        catalogue = Catalogue(intake_partitions=settings.intake_partitions)
        await asyncio.gather(
            asyncio.to_thread(upgrade, postgres.dsn),
            admin.apply(catalogue.hub_topics(), bootstrap=kafka.address),
        )
        pool = await stack.enter_async_context(open_pool(postgres.dsn))
        await _check_keys(pool, codec)
        hub = Hub(
            settings=settings,
            bootstrap=kafka.address,
            dsn=postgres.dsn,
            http_url=_url(listening),
            notices=tuple(notice for notice in (kafka.notice,) if notice),
            pool=pool,
            codec=codec,
            catalogue=catalogue,
            roles=asyncio.get_running_loop().create_future(),
        )
        await stack.enter_async_context(_at_work(hub, roles, listening, clock or Clock()))
        by_hand = await release_first(hub, roles)
        if listening is not None and not ephemeral:
            stack.enter_context(_announced(folder / _GATEWAY_STATE, hub.http_url))
        yield replace(hub, notices=(*hub.notices, *by_hand, *await _unserved(hub)))


@contextlib.asynccontextmanager
async def attached(settings: Settings) -> AsyncIterator[Hub]:
    """The hub another process runs, for administration.

    Raises:
        NotConfigured: None runs for this instance, and none is named by HUB_KAFKA and HUB_DATABASE.
    """
    bootstrap = settings.kafka or broker.find_running(settings)
    dsn = settings.database.get_secret_value() or database.find_running(settings)
    if bootstrap is None or dsn is None:
        message = f"no hub is running for the instance {settings.instance!r}"
        raise NotConfigured(
            message,
            fix="start one with `python3 -m hub serve`, or name another by HUB_KAFKA and HUB_DATABASE",
        )
    async with open_pool(dsn) as pool:
        yield Hub(
            settings=settings,
            bootstrap=bootstrap,
            dsn=dsn,
            http_url=_known_url(settings.instance_folder / _GATEWAY_STATE),
            notices=(),
            pool=pool,
            codec=Codec(
                library=SchemaLibrary.load(settings.schemas),
                keys=FileKeyStore(settings.instance_folder / "keys"),
            ),
            catalogue=Catalogue(intake_partitions=settings.intake_partitions),
            roles=asyncio.get_running_loop().create_future(),
        )


def _check_casts(library: SchemaLibrary) -> None:
    """Refuse to start with versions between which something would be less protected, or not fit.

    Raises:
        NotConfigured: Names the step, the fields, and who would get to know what.
    """
    if not any(library.chain(name).all_steps() for name in MessageName):
        return
    found = check_casts(library, folder_policy())
    if found:
        message = "; ".join(f"{each.schema}: {each.what}" for each in found)
        raise NotConfigured(message, fix=found[0].fix)


async def _unserved(hub: Hub) -> list[str]:
    """Say which contracts in effect serve nothing, so that whoever starts the hub knows."""
    now = Instant(time.time_ns() // 1_000_000)
    contracts = await hub.contracts()
    found = []
    for each in contracts:
        own = [one for one in contracts if one.line == each.line]
        why = serves_not(each, hub.codec.library, now) if each.direction is Direction.RECEIVES else None
        if why is not None and contract_in_effect(own, now) == each:
            found.append(f"Deliveries to {each.partner} by {each.name} are parked: {why}.")
    return found


async def _check_keys(pool: Pool, codec: Codec) -> None:
    """Refuse a database whose content was sealed under other keys: nothing in it could be read, or added to.

    Raises:
        Drift: The keys in the home folder are not those of this database.
    """
    fingerprint = message_id(codec.keys, organisation=HUB, route="key-store", idempotency_key="fingerprint")
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO key_store (fingerprint) VALUES (%s) ON CONFLICT DO NOTHING", (fingerprint,)
        )
        cursor = await connection.execute("SELECT fingerprint FROM key_store")
        row = await cursor.fetchone()
    if row is None or row[0] != fingerprint:
        message = "this database belongs to a hub with other keys"
        raise Drift(message, fix="use that hub's HUB_HOME and HUB_INSTANCE, or another database")


async def _foundations(
    settings: Settings, stack: contextlib.AsyncExitStack, *, ephemeral: bool, attach: bool
) -> tuple[Broker, Database]:
    """Kafka and PostgreSQL, found or started side by side; each is stopped with the stack."""
    kafka = await stack.enter_async_context(contextlib.AsyncExitStack())
    postgres = await stack.enter_async_context(contextlib.AsyncExitStack())
    try:
        async with asyncio.TaskGroup() as starting:
            broker_up = starting.create_task(
                kafka.enter_async_context(broker.find_or_start(settings, ephemeral=ephemeral, attach=attach))
            )
            database_up = starting.create_task(
                postgres.enter_async_context(
                    database.find_or_start(settings, ephemeral=ephemeral, attach=attach)
                )
            )
    except* HubError as several:
        raise _first(several) from None
    return broker_up.result(), database_up.result()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first fault of a group: one sentence helps more than all of them at once."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


@contextlib.asynccontextmanager
async def _at_work(
    hub: Hub, roles: Collection[Role], listening: socket.socket | None, clock: Clock
) -> AsyncIterator[None]:
    """The roles at work; on leaving they are told to stop and given time to finish."""
    stop = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        tasks = await _start(hub, roles, listening, stop=stop, stack=stack, clock=clock)
        watch = asyncio.create_task(_watch(tasks, hub.roles))
        try:
            yield
        finally:
            stop.set()
            watch.cancel()
            _, late = await asyncio.wait(tasks, timeout=hub.settings.stop_timeout_s)
            for task in late:
                _log.warning("a role did not stop in time", role=task.get_name())
                task.cancel()
            await asyncio.gather(*tasks, watch, return_exceptions=True)
            if not hub.roles.done():
                hub.roles.set_result(None)
            hub.roles.exception()


async def _start(
    hub: Hub,
    roles: Collection[Role],
    listening: socket.socket | None,
    *,
    stop: asyncio.Event,
    stack: contextlib.AsyncExitStack,
    clock: Clock,
) -> list[asyncio.Task[None]]:
    running: dict[str, Work] = {}
    if Role.ROUTER in roles:
        running[Role.ROUTER] = parts.router_of(
            hub.settings, bootstrap=hub.bootstrap, codec=hub.codec, catalogue=hub.catalogue, clock=clock
        ).run
    if Role.DELIVERER in roles:
        deliverer = await stack.enter_async_context(delivering(hub))
        running[Role.DELIVERER] = deliverer.run
    if listening is not None or {Role.FEEDS, Role.PROJECTOR} & set(roles):
        publisher = await stack.enter_async_context(
            parts.intake_publisher(
                hub.settings, bootstrap=hub.bootstrap, codec=hub.codec, catalogue=hub.catalogue
            )
        )
        if Role.PROJECTOR in roles:
            running |= _projecting(hub, publisher)
        if listening is not None:
            app = await _gateway(hub, publisher, stack=stack, clock=clock)
            running[Role.GATEWAY] = partial(
                parts.serve_http, app, listening, grace_s=hub.settings.stop_timeout_s
            )
            running[f"{Role.GATEWAY}: old attempts"] = partial(
                forget_old_attempts, hub.pool, days=hub.settings.idempotency_days
            )
        if Role.FEEDS in roles:
            running[Role.FEEDS] = _feeds(hub, publisher).run
    return [asyncio.create_task(work(stop=stop), name=name) for name, work in running.items()]


def _projecting(hub: Hub, publisher: IntakePublisher) -> dict[str, Work]:
    """Return what a projector does: tables, what is held, what expires, what happened."""
    settings, pool, codec = hub.settings, hub.pool, hub.codec
    bootstrap, catalogue = hub.bootstrap, hub.catalogue
    projector = parts.projector_of(settings, bootstrap=bootstrap, pool=pool, codec=codec, catalogue=catalogue)
    relay = parts.relay_of(settings, bootstrap=bootstrap, pool=pool, codec=codec, catalogue=catalogue)
    asker = parts.asker_of(settings, pool=pool, codec=codec, publisher=publisher)
    expirer = parts.expirer_of(settings, pool=pool, codec=codec, publisher=publisher)
    return {
        Role.PROJECTOR: projector.run,
        f"{Role.PROJECTOR}: what happened": relay.run,
        f"{Role.PROJECTOR}: what is held": asker.run,
        f"{Role.PROJECTOR}: what expires": expirer.run,
    }


async def _gateway(
    hub: Hub, publisher: IntakePublisher, *, stack: contextlib.AsyncExitStack, clock: Clock
) -> FastAPI:
    ends = await stack.enter_async_context(
        parts.topic_ends(hub.settings, bootstrap=hub.bootstrap, catalogue=hub.catalogue)
    )
    out = await stack.enter_async_context(egress())
    records = Records(
        pool=hub.pool,
        codec=hub.codec,
        bootstrap=hub.bootstrap,
        catalogue=hub.catalogue,
        clock=clock,
        limits=parts.limits_from(hub.settings),
    )
    return parts.gateway_of(
        hub.settings,
        pool=hub.pool,
        publisher=publisher,
        ends=ends,
        records=records,
        clock=clock,
        endpoints=endpoints_of(hub.pool, hub.codec, out),
    )


def _feeds(hub: Hub, publisher: IntakePublisher) -> Feeds:
    return Feeds(
        bootstrap=hub.bootstrap,
        codec=hub.codec,
        catalogue=hub.catalogue,
        intake=publisher,
        organisations=ProjectedOrganisations(hub.pool),
        case_of=ProjectedPeople(hub.pool),
        limits=parts.feed_limits_from(hub.settings),
    )


async def _watch(tasks: list[asyncio.Task[None]], roles: asyncio.Future[None]) -> None:
    """Tell whoever waits on the hub when a role ends of itself, and by which fault."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        fault = task.exception()
        if not roles.done():
            message = f"the role {task.get_name()} ended"
            roles.set_exception(fault if fault is not None else HubError(message))


def _url(listening: socket.socket | None) -> str:
    if listening is None:
        return ""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _announced(file: Path, url: str) -> Iterator[None]:
    """Leave the gateway's address where the other commands of this instance find it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"http_url": url}), encoding="utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _known_url(file: Path) -> str:
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["http_url"])
    except (FileNotFoundError, ValueError, KeyError):
        return ""
