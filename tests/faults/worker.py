"""One router as an operating-system process of its own, sound or deliberately unsound, for the fault tests.

The unsound ways exist in this file only: a random transactional id per owner, and taking the position
before fencing. The product has no switch for them.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import uuid
from pathlib import Path

from aiokafka.consumer.group_coordinator import GroupCoordinator

from hub.adapters.kafka.limits import Limits
from hub.adapters.kafka.router import Router
from hub.adapters.kafka.task import PartitionTask
from hub.adapters.kafka.transaction import Transactions
from hub.routing.route import route
from hub.topics.catalogue import Catalogue
from tests.faults import world

ORDERS = json.loads(sys.argv[1]) if __name__ == "__main__" else {}


class Freezing(Transactions):
    """Stops its own process inside an open transaction, once everything in it is sent."""

    async def _before_end(self) -> None:
        """Freeze at the chosen transaction, with nothing but EndTxn left to do."""
        if time.monotonic() < STARTED + ORDERS.get("freeze_after_s", 0) or Path(ORDERS["frozen"]).exists():
            return
        partition = self.transactional_id.rpartition("router-")[2].partition("-")[0]
        Path(ORDERS["frozen"]).write_text(partition)
        if ORDERS.get("thaw_alone"):
            GroupCoordinator._do_rejoin_group = _never  # type: ignore[method-assign]
        os.kill(os.getpid(), signal.SIGSTOP)


async def _never(*_: object) -> None:
    """All that is left of the group to a process of which only the end of a transaction gets through."""
    await asyncio.Event().wait()


class Task(PartitionTask):
    """A sound task that tells the test when it has opened."""

    transactions_class = Freezing if ORDERS.get("freeze") else Transactions


class FenceFirst(Task):
    """Sound, and slow: the same moment's delay as below, after the fence."""

    async def _establish(self) -> int:
        """The product's own order, then the delay."""
        position = await super()._establish()
        Path(ORDERS["positions"], str(self.partition)).touch()
        await asyncio.sleep(ORDERS.get("pause_s", 0))
        return position


class RandomId(Task):
    """Unsound: every owner has an id of its own, so the previous owner is never fenced."""

    def transactional_id(self) -> str:
        """A new id each time."""
        return f"{super().transactional_id()}-{uuid.uuid4().hex[:8]}"


class SeekFirst(Task):
    """Unsound: takes the position first, and fences when the previous owner may already have committed."""

    async def _establish(self) -> int:
        """Position, tables, a moment's delay such as any machine may have, and only then the fence."""
        position = await self._committed()
        await self._restore()
        Path(ORDERS["positions"], str(self.partition)).touch()
        await asyncio.sleep(ORDERS.get("pause_s", 0))
        await self._transactions.fence()
        return position


WAYS = {"sound": Task, "fence-first": FenceFirst, "random-id": RandomId, "seek-first": SeekFirst}


async def main() -> None:
    """Route until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    router = Router(
        ORDERS["bootstrap"],
        codec=world.codec_in(Path(ORDERS["keys"])),
        catalogue=Catalogue(intake_partitions=ORDERS["partitions"], prefix=ORDERS["prefix"]),
        route=route if ORDERS.get("domain") else world.route,
        limits=Limits(**ORDERS["limits"]),
    )
    router.task_class = WAYS[ORDERS["way"]]
    await router.run(stop)


if __name__ == "__main__":
    STARTED = time.monotonic()
    asyncio.run(main())
