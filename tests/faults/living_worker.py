"""One role of a living hub as a process of its own, which freezes at the worst moment it can be told to.

It stops itself (SIGSTOP) once the file it was given is there: the router with a transaction that wants
nothing but its end, the projector with a transaction of the database not yet committed, whoever asks between
taking the lock and appending the request. Only the test knows when to thaw it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.adapters.database.pool import PoolLimits, open_pool
from hub.adapters.kafka.intake import IntakePublisher
from hub.adapters.kafka.limits import Limits
from hub.adapters.kafka.router import Router
from hub.adapters.kafka.task import PartitionTask
from hub.adapters.kafka.transaction import Transactions
from hub.adapters.ledger import Asker, Projector, ProjectorLimits, projector
from hub.routing.route import route
from hub.topics.catalogue import Catalogue
from hub.topics.codec import Codec
from hub.topics.keys import FileKeyStore
from tests.unit import worlds

if TYPE_CHECKING:
    from hub.adapters.database.pool import Pool
    from hub.topics.codec import Encoded

ORDERS: dict[str, Any] = json.loads(sys.argv[1]) if __name__ == "__main__" else {}


def freeze_if_told() -> None:
    """Freeze once, at the first such moment after the test has said so."""
    told, frozen = Path(ORDERS["freeze"]), Path(ORDERS["frozen"])
    if told.exists() and not frozen.exists():
        frozen.touch()
        os.kill(os.getpid(), signal.SIGSTOP)


class Freezing(Transactions):
    """Freezes inside an open transaction, once everything in it is sent."""

    async def _before_end(self) -> None:
        """Nothing but EndTxn is left to do."""
        freeze_if_told()


class Task(PartitionTask):
    """The product's own, with such transactions."""

    transactions_class = Freezing


async def route_until(stop: asyncio.Event, codec: Codec, catalogue: Catalogue) -> None:
    """Route; the broker itself does not settle the frozen transaction before its owner wakes."""
    limits = Limits(
        session_timeout_ms=ORDERS["session_ms"],
        heartbeat_ms=500,
        tick_interval_ms=100,
        transaction_timeout_ms=40_000,
    )
    router = Router(ORDERS["bootstrap"], codec=codec, catalogue=catalogue, route=route, limits=limits)
    router.task_class = Task
    await router.run(stop)


async def project_until(stop: asyncio.Event, codec: Codec, catalogue: Catalogue, pool: Pool) -> None:
    """Project; every row of a batch is written when it freezes, and nothing committed."""
    enter = projector._enter

    async def entered(*given: Any, **named: Any) -> None:  # noqa: ANN401 - handed on as it is
        await enter(*given, **named)
        freeze_if_told()

    projector._enter = entered
    await Projector(
        bootstrap=ORDERS["bootstrap"],
        pool=pool,
        codec=codec,
        catalogue=catalogue,
        limits=ProjectorLimits(session_timeout_ms=ORDERS["session_ms"]),
    ).run(stop)


async def ask_until(stop: asyncio.Event, codec: Codec, catalogue: Catalogue, pool: Pool) -> None:
    """Ask; it has the lock and knows what is held when it freezes."""
    publisher = IntakePublisher(ORDERS["bootstrap"], codec=codec, catalogue=catalogue)
    await publisher.start()

    async def append(encoded: Encoded) -> object:
        freeze_if_told()
        return await publisher.append(encoded)

    limits = ProjectorLimits(ask_interval_ms=50)
    try:
        await Asker(pool=pool, codec=codec, append=append, limits=limits).run(stop)
    finally:
        await publisher.stop()


async def main() -> None:
    """Work until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    codec = Codec(library=worlds.library(), keys=FileKeyStore(Path(ORDERS["keys"])))
    catalogue = Catalogue(intake_partitions=ORDERS["partitions"], prefix=ORDERS["prefix"])
    if ORDERS["role"] == "router":
        await route_until(stop, codec, catalogue)
        return
    # The database ends the transaction of a process that is frozen, as it does in the product, only sooner.
    async with open_pool(ORDERS["database"], limits=PoolLimits(idle_in_transaction_timeout_ms=4_000)) as pool:
        work = project_until if ORDERS["role"] == "projector" else ask_until
        await work(stop, codec, catalogue, pool)


if __name__ == "__main__":
    asyncio.run(main())
