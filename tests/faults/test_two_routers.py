"""Two routers as processes of their own under load: killed, frozen inside a transaction, rebalanced.

Each time every delivery stands once, in order per case, and the ledger equals the deliveries. Killing
alone does not find the fault that matters; freezing past the session timeout does. The same check has
to find the duplicates of two deliberately unsound routers, or it would prove nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hub.adapters.kafka import admin
from hub.adapters.kafka.intake import IntakePublisher
from hub.topics.catalogue import Catalogue
from tests.faults import reading, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from hub.messages.envelope import Submission

PARTITIONS = 12
MESSAGES = 1_200
RATE = 150
SEED = 7
SESSION_S = 6
LIMITS = {"session_timeout_ms": SESSION_S * 1000, "heartbeat_ms": 500, "batch_records_max": 50}
LONG_TRANSACTION = {"transaction_timeout_ms": 40_000}
"""So that the broker itself does not settle the frozen transaction before its owner wakes."""
WAIT_S_MAX = 60


@dataclass(slots=True)
class Scene:
    """Topics, a load, and routers in processes of their own."""

    bootstrap: str
    folder: Path
    prefix: str
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    sent: list[Submission] = field(default_factory=list)

    @property
    def catalogue(self) -> Catalogue:
        """The topics."""
        return Catalogue(intake_partitions=PARTITIONS, prefix=self.prefix)

    @property
    def frozen(self) -> Path:
        """Where a frozen router leaves the number of the partition it froze in."""
        return self.folder / "frozen"

    @property
    def positions(self) -> Path:
        """Where an unsound router marks the partitions it has taken a position in."""
        return self.folder / "positions"

    async def start(
        self, way: str = "sound", *, limits: Mapping[str, int] | None = None, **orders: object
    ) -> asyncio.subprocess.Process:
        """Start a router."""
        self.positions.mkdir(exist_ok=True)
        common = {
            "bootstrap": self.bootstrap,
            "keys": str(self.folder / "keys"),
            "partitions": PARTITIONS,
            "prefix": self.prefix,
            "limits": {**LIMITS, **(limits or {})},
            "way": way,
            "frozen": str(self.frozen),
            "positions": str(self.positions),
        }
        log = (self.folder / f"router-{len(self.processes)}.log").open("wb")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.worker",
            json.dumps(common | orders),
            cwd=Path(__file__).parents[2],
            stdout=log,
            stderr=log,
        )
        log.close()
        self.processes.append(process)
        return process

    async def load(self, *, rate: int = RATE, messages: int = MESSAGES) -> None:
        """Send the seeded load at this rate."""
        publisher = IntakePublisher(
            self.bootstrap, codec=world.codec_in(self.folder / "keys"), catalogue=self.catalogue
        )
        await publisher.start()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, submission in enumerate(world.load(seed=SEED, messages=messages, cases=60)):
            await publisher.publish(submission)
            self.sent.append(submission)
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
        await publisher.stop()

    async def delivered(self) -> int:
        """How many records the first recipient has."""
        return len(await reading.read(self.bootstrap, f"{self.prefix}hub.to.{world.BY_KAFKA[0]}"))

    async def until_delivered(self, count: int) -> None:
        """Wait for so many deliveries."""
        async with asyncio.timeout(WAIT_S_MAX):
            while await self.delivered() < count:
                assert any(process.returncode is None for process in self.processes), "every router has ended"
                await asyncio.sleep(0.3)

    async def findings(self) -> reading.Findings:
        """What is wrong with what recipients got, after a moment in which more could have come."""
        await asyncio.sleep(1)
        codec = world.codec_in(self.folder / "keys")
        return await reading.check(self.bootstrap, catalogue=self.catalogue, codec=codec, sent=self.sent)

    async def end(self) -> None:
        """End every process that still runs."""
        for process in self.processes:
            if process.returncode is None:
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                async with asyncio.timeout(15):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not holds():  # noqa: ASYNC110 - what another process does has no event here
            await asyncio.sleep(0.05)


@pytest.fixture
async def scene(kafka: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """Topics of their own; whatever was started is ended."""
    made = Scene(bootstrap=kafka, folder=tmp_path, prefix=topic_prefix)
    topics = made.catalogue.topics(world.BY_KAFKA)
    await admin.apply(topics, bootstrap=kafka)
    yield made
    await made.end()
    await admin.remove([topic.name for topic in topics], bootstrap=kafka)


def told(findings: reading.Findings) -> None:
    """Show what was found, for who reads the run's output."""
    print(f"\n{findings}")


@pytest.mark.timeout(150)
@pytest.mark.requirement("R-DEL-02")
@pytest.mark.requirement("R-RTE-07")
async def test_recipients_get_every_delivery_once_when_a_router_is_killed(scene: Scene) -> None:
    """Kill -9 of one of two routers under load."""
    victim = await scene.start()
    await scene.start()
    load = asyncio.create_task(scene.load())
    await scene.until_delivered(MESSAGES // 4)
    victim.kill()
    await load
    await scene.until_delivered(MESSAGES)
    findings = await scene.findings()
    told(findings)
    assert findings.clean


@pytest.mark.timeout(150)
@pytest.mark.requirement("R-DEL-02")
@pytest.mark.requirement("R-RTE-07")
async def test_recipients_get_every_delivery_once_when_a_router_freezes_inside_a_transaction(
    scene: Scene,
) -> None:
    """SIGSTOP past the session timeout with everything sent but the end of the transaction, then SIGCONT."""
    findings = await freeze_and_thaw(scene, "sound")
    assert findings.clean


@pytest.mark.timeout(150)
@pytest.mark.requirement("R-DEL-02")
@pytest.mark.requirement("R-RTE-07")
async def test_recipients_get_every_delivery_once_when_partitions_move_with_batches_in_hand(
    scene: Scene,
) -> None:
    """Routers come and go while there is a backlog, so that fetched batches are dropped at each rebalance."""
    await scene.load(rate=100_000)
    small = {"batch_records_max": 5}
    joined = await scene.start(limits=small)
    for share in (1, 2, 3):
        await scene.until_delivered(share * MESSAGES // 20)
        joined = await scene.start(limits=small)
        await asyncio.sleep(1.5)
    joined.terminate()
    await scene.until_delivered(MESSAGES)
    findings = await scene.findings()
    told(findings)
    assert findings.clean


@pytest.mark.timeout(150)
@pytest.mark.requirement("R-DEL-02")
@pytest.mark.requirement("R-RTE-07")
async def test_recipients_get_every_delivery_once_when_the_new_owner_is_slow(scene: Scene) -> None:
    """The old owner wakes between the new owner's position and its first batch: the fence was first."""
    findings = await freeze_and_thaw(scene, "fence-first", pause_s=3)
    assert findings.clean


@pytest.mark.timeout(150)
async def test_check_finds_duplicates_when_every_owner_has_an_id_of_its_own(scene: Scene) -> None:
    """Unsound: with a random transactional id the frozen owner's transaction commits after the move."""
    findings = await freeze_and_thaw(scene, "random-id")
    assert findings.doubled


@pytest.mark.timeout(150)
async def test_check_finds_duplicates_when_the_position_is_taken_before_fencing(scene: Scene) -> None:
    """Unsound: the old owner commits between the new owner's look at the position and its fence."""
    findings = await freeze_and_thaw(scene, "seek-first", pause_s=3)
    assert findings.doubled


async def freeze_and_thaw(scene: Scene, way: str, *, pause_s: float = 0) -> reading.Findings:
    """Freeze one of two routers inside a transaction until the other has its partitions, then thaw it."""
    late = {"freeze": True, "freeze_after_s": 4 + pause_s, "thaw_alone": pause_s > 0}
    victim = await scene.start(way, limits=LONG_TRANSACTION, **late)
    await scene.start(way, pause_s=pause_s, limits=LONG_TRANSACTION)
    await asyncio.sleep(2 + pause_s)
    load = asyncio.create_task(scene.load())
    await until(scene.frozen.exists)
    for mark in scene.positions.iterdir():
        mark.unlink()
    if pause_s:
        await until((scene.positions / scene.frozen.read_text()).exists)
    else:
        await asyncio.sleep(SESSION_S + 3)
    victim.send_signal(signal.SIGCONT)
    if pause_s:
        await asyncio.sleep(1)
        victim.kill()
    await load
    await scene.until_delivered(MESSAGES)
    await asyncio.sleep(SESSION_S)
    findings = await scene.findings()
    told(findings)
    return findings
