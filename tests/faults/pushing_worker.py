"""One deliverer as a process of its own, which kills or freezes itself at the edge it is told.

claiming: it holds the lock of whoever claims. claimed: the rows are its own, nothing has been looked at.
taken: they may leave, nothing has been sent. sent: the partner has answered, nothing is recorded. recorded:
all is. The product has no switch for any of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from hub.adapters.database.pool import open_pool
from hub.adapters.webhooks.egress import Egress
from hub.adapters.webhooks.pushes import Pushes
from hub.adapters.webhooks.recording import Recorder
from hub.app.pushing import deliverer_of
from hub.topics.codec import Codec
from hub.topics.keys import FileKeyStore
from tests.integration.push_world import LIBRARY, QUICK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

ORDERS = json.loads(sys.argv[1]) if __name__ == "__main__" else {}
EDGES: dict[str, tuple[type, str]] = {
    "claiming": (psycopg.AsyncConnection, "execute"),
    "claimed": (Pushes, "claim"),
    "taken": (Pushes, "look"),
    "sent": (Egress, "post"),
    "recorded": (Recorder, "record"),
}


def _stops_at(edge: str) -> None:
    """End, or freeze, the process once the step of this edge has done something."""
    owner, name = EDGES[edge]
    step: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def watched(*values: Any, **named: Any) -> Any:  # noqa: ANN401 - passed through
        done = await step(*values, **named)
        told = edge != "claiming" or "pg_advisory_xact_lock" in str(values[1])
        if done and told and not Path(ORDERS["stopped"]).exists():
            Path(ORDERS["stopped"]).touch()
            os.kill(os.getpid(), signal.SIGSTOP if ORDERS["freezes"] else signal.SIGKILL)
        return done

    setattr(owner, name, watched)


async def main() -> None:
    """Push until SIGTERM, or until the edge."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    _stops_at(ORDERS["edge"])
    codec = Codec(library=LIBRARY, keys=FileKeyStore(Path(ORDERS["keys"])))
    out = Egress()
    async with open_pool(ORDERS["dsn"]) as pool:
        await deliverer_of(pool, codec, out, ends=None, limits=QUICK).run(stop)
    await out.close()


if __name__ == "__main__":
    asyncio.run(main())
