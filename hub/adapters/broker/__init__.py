"""Kafka, found or started: the one given, a container where Docker answers, or the broker from its jars.

Always a real Apache Kafka, never a stand-in. One the hub starts listens on loopback only, because
nothing yet keeps one organisation from another's topics there; whoever starts it says so.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hub.adapters.broker import container, probe, process
from hub.adapters.processes import claim, joined, running_state
from hub.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.settings import Settings

__all__ = ["LOOPBACK_NOTICE", "Broker", "erase", "find_or_start", "find_running"]

LOOPBACK_NOTICE = "Kafka listens on this machine only (127.0.0.1) until access control is built."
_FOLDER = "broker"
_ANSWER_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A Kafka that answers: its bootstrap address, where it came from, and its log if it is ours."""

    address: str
    origin: Literal["given", "running", "container", "process"]
    log: Path | None = None
    pid: int | None = None
    passed_over: str = ""

    @property
    def notice(self) -> str:
        """What people must be told about it; empty for one that was given."""
        return "" if self.origin == "given" else f"{LOOPBACK_NOTICE} {self.passed_over}".strip()


def find_running(settings: Settings) -> str | None:
    """The address of the Kafka another hub process has up for this instance."""
    state = running_state(settings.instance_folder / _FOLDER)
    return state.address if state else None


@contextlib.asynccontextmanager
async def find_or_start(
    settings: Settings, *, ephemeral: bool = False, attach: bool = False
) -> AsyncIterator[Broker]:
    """A Kafka for as long as the block lasts; what was started here is stopped after it.

    Args:
        settings: `kafka` names one to use; `broker`, `instance` and the time limits shape one we start.
        ephemeral: Keep its data in a temporary folder and throw it away.
        attach: Use the one another hub process has up for this instance, where there is one.

    Raises:
        AlreadyRunning: Another hub runs this instance, and `attach` was not asked.
        NotConfigured: Java is missing or too old.
        Unreachable: It does not answer in time.
    """
    if settings.kafka:
        await _answers(settings.kafka)
        yield Broker(address=settings.kafka, origin="given")
        return
    if attach:
        folder, wait_s = settings.instance_folder / _FOLDER, settings.broker_start_timeout_s
        running = await joined(folder, wait_s=wait_s)
        if running is not None:
            yield Broker(address=running.address, origin="running")
            return
    async with contextlib.AsyncExitStack() as stack:
        parent = settings.instance_folder
        if ephemeral:
            temporary = tempfile.TemporaryDirectory(prefix="partner-hub-", ignore_cleanup_errors=True)
            parent = Path(stack.enter_context(temporary))
        held = stack.enter_context(claim(parent / _FOLDER, "broker"))
        passed_over = ""
        if settings.broker == "container" or (
            settings.broker == "auto" and container.engine_answers(settings)
        ):
            try:
                address = await stack.enter_async_context(container.started(settings, held))
            except Unreachable as error:
                if settings.broker == "container":
                    raise
                passed_over = f"Docker was passed over: {error}."
            else:
                yield Broker(address=address, origin="container")
                return
        kept = await stack.enter_async_context(process.started(settings, held))
        yield Broker(
            address=kept.address, origin="process", log=kept.log, pid=kept.pid, passed_over=passed_over
        )


def erase(settings: Settings) -> None:
    """Throw this instance's topics and records away.

    Raises:
        AlreadyRunning: A hub is using them.
    """
    with claim(settings.instance_folder / _FOLDER, "broker") as held:
        shutil.rmtree(held.folder)


async def _answers(addresses: str) -> None:
    """Fail at the start, by name, rather than later inside some task."""
    for address in addresses.split(","):
        if await probe.wait_until_answers(address.strip(), _ANSWER_TIMEOUT_S):
            return
    message = f"no Kafka answers at {addresses} (HUB_KAFKA)"
    raise Unreachable(
        message,
        fix="check the address, and that this machine may reach it; `python3 -m hub doctor` tells more",
    )
