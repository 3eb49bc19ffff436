"""`hub doctor`: whether everything the hub stands on is there and answers, and how long it took."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import shutil
import time
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hub.cli.console import show_pairs
from hub.errors import NotConfigured

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from hub.adapters.broker import Broker
    from hub.adapters.database.server import Database
    from hub.settings import Settings

_Found = TypeVar("_Found")
_GIB = 1024**3
_DISK_GIB_MIN = 2


def command(
    *,
    fresh: Annotated[
        bool, typer.Option(help="Start both anew in temporary folders, and throw them away.")
    ] = False,
) -> None:
    """Find or start Kafka and PostgreSQL, and show versions, addresses, disk and timings."""
    from hub.settings import load

    settings = load()
    _show_machine(settings)
    asyncio.run(_check(settings, fresh=fresh))


def _show_machine(settings: Settings) -> None:
    from hub import __version__
    from hub.installation import home, jars, tools

    print("This machine")
    free = shutil.disk_usage(_existing(settings)).free / _GIB
    rows: list[tuple[str, object]] = [
        ("hub", __version__),
        ("Python", platform.python_version()),
        ("home", f"{settings.home} ({free:.0f} GiB free)"),
    ]
    folder = home.jars_folder(settings.home)
    if home.is_complete(folder):
        java = tools.java()
        wrong = jars.verify(folder)
        rows.append(("Java", f"{tools.java_version(java)} ({java})"))
        rows.append(
            ("Kafka jars", f"{len(jars.listed())} verified" if not wrong else f"differ: {', '.join(wrong)}")
        )
        if wrong:
            show_pairs(rows)
            message = f"{len(wrong)} of the Kafka broker's jars differ from our list"
            raise NotConfigured(message, fix=f"remove {folder} and type the command again")
    show_pairs(rows)
    if free < _DISK_GIB_MIN:
        message = f"only {free:.1f} GiB are free under {settings.home}"
        raise NotConfigured(message, fix="make space, or set HUB_HOME to a folder on another disk")


def _existing(settings: Settings) -> str:
    """The nearest folder above the home folder that is there already."""
    return str(next(path for path in (settings.home, *settings.home.parents) if path.exists()))


async def _check(settings: Settings, *, fresh: bool) -> None:
    from hub.adapters import broker
    from hub.adapters.database import server

    started = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        # Side by side: each waits mostly for a process of its own.
        kafka, database = await asyncio.gather(
            _timed(stack.enter_async_context(broker.find_or_start(settings, ephemeral=fresh, attach=True))),
            _timed(stack.enter_async_context(server.find_or_start(settings, ephemeral=fresh, attach=True))),
        )
        await _show_kafka(*kafka)
        await asyncio.to_thread(_show_database, *database)
        stopped = 0 if fresh else await _show_projector(settings)
        both = time.monotonic() - started
        stopping = time.monotonic()
    if stopped:
        message = f"the projector cannot go on with {stopped} partition(s): mailboxes and reports fall behind"
        fix = "restore the keys or schemas its log names (projector.stopped), then start it again"
        raise NotConfigured(message, fix=fix)
    print(f"All is well. Up in {both:.1f} s, stopped in {time.monotonic() - stopping:.1f} s.")


async def _timed(work: Awaitable[_Found]) -> tuple[_Found, float]:
    began = time.monotonic()
    return await work, time.monotonic() - began


async def _show_kafka(kafka: Broker, seconds: float) -> None:
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    try:
        cluster = await admin.describe_cluster()
        topics = await admin.list_topics()
    finally:
        await admin.close()
    print("Kafka")
    show_pairs(
        [
            ("address", kafka.address),
            ("origin", kafka.origin + (f", process {kafka.pid}" if kafka.pid else "")),
            ("brokers", len(cluster["brokers"])),
            ("topics", sum(not name.startswith("__") for name in topics)),
            ("answered after", f"{seconds:.2f} s"),
            *([("log", kafka.log)] if kafka.log else []),
            *([("notice", kafka.notice)] if kafka.notice else []),
        ]
    )


async def _show_projector(settings: Settings) -> int:
    """Show which partitions the projector of a running hub cannot go on with; return how many."""
    import psycopg

    from hub.adapters.database.standstill import standstills
    from hub.app import attached

    try:
        async with attached(settings) as hub, hub.pool.connection() as connection:
            found = await standstills(connection)
    except (NotConfigured, psycopg.errors.UndefinedTable):
        return 0  # No hub runs, or none has ever run on this database.
    print("Projector")
    rows = [
        (f"{each.topic}/{each.partition}", f"{each.code} since {each.since.astimezone():%Y-%m-%d %H:%M:%S}")
        for each in found
    ]
    show_pairs([("partitions that stand still", len(found)), *rows])
    return len(found)


def _show_database(database: Database, seconds: float) -> None:
    import psycopg

    with psycopg.connect(database.dsn) as connection:
        row = connection.execute("select current_setting('server_version'), current_database()").fetchone()
    version, name = row or ("unknown", "unknown")
    print("PostgreSQL")
    show_pairs(
        [
            ("version", version),
            ("database", name),
            ("origin", database.origin + (f", process {database.pid}" if database.pid else "")),
            *([("runs as", f"{database.account}, for PostgreSQL refuses root")] if database.account else []),
            ("answered after", f"{seconds:.2f} s"),
            *([("log", database.log)] if database.log else []),
        ]
    )
