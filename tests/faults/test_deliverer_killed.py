"""A deliverer that dies, or stands still, at any moment: nothing is lost, nothing goes on an old decision."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import defaultdict
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.projected_world import running, until
from tests.integration.push_world import KEYS, push_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.push_world import PushWorld

ROOT = Path(__file__).resolve().parents[2]
WORKER = ROOT / "tests" / "faults" / "pushing_worker.py"
LANES, EACH = 6, 5


@pytest.fixture
async def world(fresh_database: str, tmp_path: Path) -> AsyncIterator[PushWorld]:
    """Rows and a receiver."""
    async with push_world(fresh_database, tmp_path) as made:
        yield made


@asynccontextmanager
async def stopping(
    world: PushWorld, edge: str, *, freezes: bool
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A deliverer of its own process, handed out once it has come to the edge."""
    stopped = world.folder / "stopped"
    orders = {
        "dsn": world.dsn,
        "keys": str(world.folder / KEYS),
        "edge": edge,
        "stopped": str(stopped),
        "freezes": freezes,
    }
    worker = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKER), json.dumps(orders), cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    )
    try:
        await until(lambda: _exists(stopped), timeout_s=30)
        yield worker
    finally:
        if worker.returncode is None:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
        await worker.wait()


async def _exists(path: Path) -> bool:
    return path.exists()


async def conserved(world: PushWorld) -> None:
    """Every push has come to one end; the partner has what the rows say, in order by its first copies."""
    states = await world.rows("SELECT state, count(*) FROM push GROUP BY state")
    assert states == [("delivered", len(world.sent))]
    assert {each.id: each.document["hub"]["digest"] for each in world.receiver.stored()} == world.sent
    told = await world.rows("SELECT delivery_id FROM delivery_event WHERE kind = 'transported'")
    assert sorted(row[0] for row in told) == sorted(world.sent)
    lanes: dict[str, list[int]] = defaultdict(list)
    for each in world.receiver.stored():
        said = each.document["hub"]
        if said["sequence"] not in lanes[said["lane"]]:
            lanes[said["lane"]].append(said["sequence"])
    assert lanes == {f"case_{lane}": [*range(1, EACH + 1)] for lane in range(LANES)}
    again: dict[str, set[bytes]] = defaultdict(set)
    for each in world.receiver.got():
        again[each.id].add(each.body)
    assert {len(bodies) for bodies in again.values()} == {1}


@pytest.mark.requirement("R-DEL-02")
@pytest.mark.parametrize("edge", ["claimed", "taken", "sent", "recorded"])
async def test_nothing_is_lost_when_a_deliverer_is_killed(world: PushWorld, edge: str) -> None:
    """Another takes over once the lease is over: the same id, the same body, the lane's order."""
    await world.partner()
    for lane in range(LANES):
        for _ in range(EACH):
            await world.deliver(str(lane))
    async with stopping(world, edge, freezes=False) as worker:
        await worker.wait()
        async with running(world.deliverer().run):
            await world.settled()
    await conserved(world)


@pytest.mark.requirement("R-DIS-05")
async def test_a_deliverer_that_wakes_up_sends_nothing_that_was_stopped_meanwhile(world: PushWorld) -> None:
    """Frozen between the look and the sending, for longer than its lease: the verdict came meanwhile."""
    await world.partner()
    stopped = await world.deliver()
    async with stopping(world, "taken", freezes=True) as worker:
        await asyncio.sleep(5.5)
        async with running(world.deliverer().run):
            await world.stop(stopped)
            worker.send_signal(signal.SIGCONT)
            after = await world.deliver("other")
            await world.comes_to(after, "delivered")
            await world.comes_to(stopped, "cancelled")
            await asyncio.sleep(0.5)
    assert {each.id for each in world.receiver.got()} == {after}


@pytest.mark.requirement("R-DEL-02")
async def test_what_a_frozen_deliverer_says_late_counts_no_more(world: PushWorld) -> None:
    """Frozen after the partner's answer: another pushes again, and only that one's record stands."""
    await world.partner()
    delivery = await world.deliver()
    async with stopping(world, "sent", freezes=True) as worker:
        async with running(world.deliverer().run):
            await world.comes_to(delivery, "delivered")
        worker.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.5)
    assert await world.events(delivery) == ["attempted", "transported"]
    assert [each.id for each in world.receiver.stored()] == [delivery, delivery]
    assert await world.one("may_have_arrived", delivery) is True


@pytest.mark.requirement("R-DEL-02")
async def test_a_deliverer_frozen_while_it_claims_does_not_keep_the_others_from_it(world: PushWorld) -> None:
    """The database ends its transaction after two seconds; woken up, it goes on."""
    await world.partner()
    first = await world.deliver()
    async with stopping(world, "claiming", freezes=True) as worker:
        async with running(world.deliverer().run):
            await world.comes_to(first, "delivered", timeout_s=8)
        worker.send_signal(signal.SIGCONT)
        second = await world.deliver()
        await world.comes_to(second, "delivered")
        assert worker.returncode is None
