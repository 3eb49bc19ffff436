"""`hub demo`: a day in an invented world, played on a real hub, told and checked."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path
    from typing import TypeVar

    from rich.console import Console

    from hub.app import Hub
    from hub.demo.perform import Performed
    from hub.settings import Settings

    Result = TypeVar("Result")

INSTANCE = "demo"
"""The demonstration keeps its data apart from those of `hub serve`."""
EXIT_DOES_NOT_HOLD = 1
EXIT_STOPPED = 143
"""As the shell has it for a program ended by SIGTERM."""
_BEGAN = time.monotonic()


def command(
    seed: Annotated[int, typer.Option(help="Another seed, other people and values.")] = 1,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Check the story and leave: 0 if every line holds, else 1.")
    ] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Begin with empty Kafka and PostgreSQL; --once always does.")
    ] = False,
) -> None:
    """Watch a day of messages between two prisons, a probation region and four partners.

    Starts Kafka, PostgreSQL and the hub, plays the day, shows who received what, which fields were
    held back and why, and checks all of it from what recipients really received. All people are invented.
    """
    from hub.settings import load

    settings = load(
        instance=os.environ.get("HUB_INSTANCE", INSTANCE),
        # The story is what is to be seen; logs come when they are asked for.
        log_level=os.environ.get("HUB_LOG_LEVEL", "error"),
    )
    if reset and not once:
        _clear(settings)
    try:
        holds = asyncio.run(_demonstrate(settings, seed=seed, once=once))
    except asyncio.CancelledError:
        print("Stopped.")
        raise typer.Exit(EXIT_STOPPED) from None
    if once and not holds:
        raise typer.Exit(EXIT_DOES_NOT_HOLD)


async def _demonstrate(settings: Settings, *, seed: int, once: bool) -> bool:
    """Run the demonstration; returns whether every line of the story holds."""
    from hub.app import running
    from hub.consent.looking import words_for
    from hub.demo.perform import perform
    from hub.demo.tell import make_console
    from hub.topics.policy_files import folder_policy

    me = asyncio.current_task()
    if me is not None:
        # Ctrl-C already cancels this task; whoever sends SIGTERM means the same.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    console = make_console()
    console.print("Starting Kafka, PostgreSQL and the hub …", style="dim")
    async with running(settings, ephemeral=once) as hub:
        console.print(f"Hub ready after {_seconds():.1f} s.  Kafka {hub.bootstrap}  HTTP {hub.http_url}")
        for notice in hub.notices:
            console.print(notice, style="dim")
        console.print()
        # An instance kept since an earlier version may still have that version's rules in force.
        await hub.release_policy()
        words = partial(words_for, folder_policy())
        performed = await _unless_it_fails(hub, perform(hub, console, seed=seed, words=words))
        _conclude(console, hub, performed, once=once)
        if not once:
            await hub.failed()
    return performed.checked.holds


async def _unless_it_fails(hub: Hub, work: Coroutine[object, object, Result]) -> Result:
    """Return what the work comes to; if a role of the hub ends first, raise its fault instead."""
    doing = asyncio.ensure_future(work)
    failing = asyncio.ensure_future(hub.failed())
    try:
        await asyncio.wait({doing, failing}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            failing.result()
        return await doing
    finally:
        for task in (doing, failing):
            task.cancel()
        await asyncio.gather(doing, failing, return_exceptions=True)


def _conclude(console: Console, hub: Hub, performed: Performed, *, once: bool) -> None:
    from hub.demo.tell import summarise

    summarise(console, performed.checked, seconds=_seconds())
    if once:
        console.print("\nTo look around in it: python3 -m hub demo", style="dim")
        return
    console.print("\nThe hub stays up; Ctrl-C stops it. To go on, in another terminal:\n")
    for what, line in _next(hub, performed):
        console.print(f"  # {what}", style="dim")
        console.print(f"  {line}", soft_wrap=True)


def _next(hub: Hub, performed: Performed) -> list[tuple[str, str]]:
    """Return four commands that work as typed."""
    from hub.demo.organisations import HOUSING, RECOVERY
    from hub.demo.perform import visitor_body

    def curl(organisation: str, rest: str) -> str:
        return f"curl -s -H 'Authorization: Bearer {performed.keys[organisation]}' {rest}"

    body = shlex.quote(visitor_body(performed))
    headers = "-H 'Content-Type: application/json' -H 'Idempotency-Key: mine-1'"
    return [
        (
            "What waits for the council's housing service",
            curl(HOUSING, f"{hub.http_url}/v1/mailbox/messages"),
        ),
        (
            "Post progress as the drug service; once more, and it is known already",
            curl(RECOVERY, f"{headers} -d {body} {hub.http_url}/v1/progress"),
        ),
        ("What was not taken, and why", f"python3 -m hub --instance {hub.settings.instance} quarantine list"),
        ("Every address, body and answer", f"curl -s {hub.http_url}/openapi.json"),
    ]


def _seconds() -> float:
    """Return the seconds since the command was typed, or since this process began where nobody noted it."""
    try:
        return time.time() - float(os.environ.get("HUB_STARTED_AT", ""))
    except ValueError:
        return time.monotonic() - _BEGAN


def _clear(settings: Settings) -> None:
    """Remove what earlier demonstrations left; refused where it is in use or is not the demo's own."""
    from hub.adapters.processes.claim import is_claimed
    from hub.errors import AlreadyRunning, WrongArgument

    if settings.kafka or settings.database.get_secret_value():
        message = "it only clears what the demonstration started itself"
        fix = "leave HUB_KAFKA and HUB_DATABASE unset, or leave out --reset"
        raise WrongArgument("--reset", message, fix=fix)
    folder: Path = settings.instance_folder
    if any(is_claimed(lock.parent) for lock in folder.glob("*/lock")):
        message = f"the instance {settings.instance!r} is running"
        raise AlreadyRunning(message, fix="stop it with Ctrl-C first")
    shutil.rmtree(folder, ignore_errors=True)
