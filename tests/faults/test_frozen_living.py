"""A process that freezes while what waits is decided again: nothing held for good, nothing let out.

Router, projector and whoever asks are each frozen (SIGSTOP) in the middle of it, past the session timeout,
until another has taken over, and then thawed: what they still had in hand must not count any more.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import pytest

from hub.messages.envelope import MessageName
from hub.topics.dispatch import Dispatch
from tests.faults import reading
from tests.integration.living_world import CALM_S, HEALTH, living
from tests.integration.projected_world import rows, running, until
from tests.unit.worlds import ADMINISTRATOR, MANAGER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from hub.settings import Settings
    from tests.integration.living_world import Living

SESSION_S = 6
TAKEN_OVER_S_MAX = 40
"""Longest until somebody else has taken over what a frozen process left, and done it."""


@dataclass(kw_only=True)
class Victim:
    """A role of the hub in a process of its own, to be frozen."""

    role: str
    database: str
    folder: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self, hub: Living) -> None:
        """Start it in place of the one in this process."""
        orders = {
            "role": self.role,
            "bootstrap": hub.bootstrap,
            "database": self.database,
            "keys": str(self.folder / "instances" / "default" / "keys"),
            "partitions": hub.catalogue.intake_partitions,
            "prefix": hub.catalogue.prefix,
            "session_ms": SESSION_S * 1000,
            "freeze": str(self.folder / "freeze"),
            "frozen": str(self.folder / "frozen"),
        }
        with (self.folder / "victim.log").open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.faults.living_worker",
                json.dumps(orders),
                cwd=Path(__file__).parents[2],
                stdout=log,
                stderr=log,
            )

    def freeze_next(self) -> None:
        """Have it freeze at the next moment that is bad enough."""
        (self.folder / "freeze").touch()

    async def is_frozen(self) -> bool:
        """Whether it has."""
        return (self.folder / "frozen").exists()

    def thaw(self) -> None:
        """Let it go on where it stopped."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        """End it, however it is."""
        if self.process is not None and self.process.returncode is None:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def with_a_victim(
    role: str, kafka: str, database: str, *, prefix: str, folder: Path, settings: Settings
) -> AsyncIterator[tuple[Living, Victim]]:
    """A hub one role of which is a process of its own; where it is not the asker, nobody asks yet."""
    victim = Victim(role=role, database=database, folder=folder)
    try:
        async with living(
            kafka,
            database,
            prefix=prefix,
            folder=folder,
            settings=settings,
            asking=role == "projector",
            elsewhere=role,
            before=victim.start,
        ) as hub:
            yield hub, victim
    finally:
        await victim.end()


async def freeze(hub: Living, victim: Victim, delivery: str) -> None:
    """Withdraw consent, and have the victim freeze in what follows of it."""
    withdrawn = {**HEALTH, "action": "WITHDRAWN"}
    if victim.role == "router":
        await hub.tell(ADMINISTRATOR, MessageName.CONSENT, withdrawn)
        await hub.stands(delivery, held=True, verdict=None)
        victim.freeze_next()
        await hub.asker().ask()
    else:
        victim.freeze_next()
        await hub.send(ADMINISTRATOR, MessageName.CONSENT, withdrawn)
    await until(victim.is_frozen)


async def settled_in_the_log(hub: Living, delivery: str) -> list[str]:
    """Return the verdicts on a delivery in hub.outbox, as its readers see them."""
    return [
        each.verdict.value
        for record in await reading.read(hub.bootstrap, hub.catalogue.outbox)
        for each in Dispatch(hub.codec)
        .outbox_from(reading.value_of(record), key=reading.key_of(record))
        .settled
        if each.delivery_id == delivery
    ]


@pytest.mark.timeout(180)
@pytest.mark.requirement("R-DIS-05")
@pytest.mark.requirement("R-DEL-02")
@pytest.mark.parametrize("role", ["router", "projector", "asker"])
async def test_what_waits_is_settled_once_though_a_process_freezes_in_the_middle_and_wakes_late(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings, *, role: str
) -> None:
    """The wider delivery never comes out again, the narrower one does once, and nothing is left held."""
    async with with_a_victim(
        role, kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings
    ) as (hub, victim):
        delivery = await hub.health_told()
        assert (await hub.fetch(delivery)).status_code == 200
        await freeze(hub, victim, delivery)
        async with running(another(hub, role)):
            frozen_at = asyncio.get_running_loop().time()

            async def is_replaced() -> bool:
                assert (await hub.fetch(delivery)).status_code != 200
                return (await hub.row(delivery))[:2] == (False, "replace")

            await until(is_replaced, timeout_s=TAKEN_OVER_S_MAX)
            await asyncio.sleep(max(0, frozen_at + SESSION_S + 1 - asyncio.get_running_loop().time()))
            victim.thaw()
            narrower = await hub.replacement(delivery)
            await asyncio.sleep(SESSION_S)
            assert (await hub.fetch(delivery)).status_code == 404
            assert (await hub.fetch(narrower)).json()["data"]["health_note"] is None
            replaced = await rows(hub.pool, "SELECT delivery_id FROM delivery WHERE replaces = %s", delivery)
            assert replaced == [(narrower,)]
            # Whoever asked wakes and asks once more: answered alike, and only the first answer counts.
            asked = 2 if role == "asker" else 1
            assert await settled_in_the_log(hub, delivery) == ["replace"] * asked
            # Both together go on as if nothing had been.
            await hub.tell(MANAGER, MessageName.CONSENT, {**HEALTH, "action": "GIVEN"})
            following = await hub.health_told()
            async with running(hub.asker().run):
                await hub.stands(following, held=False, verdict=None)
                await asyncio.sleep(CALM_S)
                left = "SELECT delivery_id FROM delivery WHERE held AND verdict IS NULL"
                await until(lambda: _none(hub, left), timeout_s=TAKEN_OVER_S_MAX)
            assert (await hub.fetch(following)).json()["data"]["health_note"] == "An invented illness"


def another(hub: Living, role: str) -> Callable[[asyncio.Event], Awaitable[None]]:
    """Return the same role, to be run in this process."""
    if role == "router":
        return hub.router().run
    return hub.projector().run if role == "projector" else hub.asker().run


async def _none(hub: Living, statement: LiteralString) -> bool:
    return not await rows(hub.pool, statement)
