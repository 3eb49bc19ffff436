"""How fast webhooks are pushed, beside a bare httpx loop to the same receiver; and what failing ones cost.

Prints two tables and asserts nothing. The receiver is a process of its own on loopback.

1. pushes a second, from the row to the recorded answer, signed and sealed, against posts a second of the
   same bodies by httpx with the same number under way;
2. how long a push to a sound endpoint takes, from its due time to the answer's arrival in the rows, at a
   steady rate: with all 200 endpoints sound, and with 20 of them hanging or failing.

    python bench/delivery.py [--database DSN] [--pushes N]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx
import psycopg

from hub.adapters.database.server import find_or_start
from hub.adapters.webhooks.delivering_limits import DelivererLimits
from hub.settings import load
from tests.integration.push_world import push_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.push_world import PushWorld

ENDPOINTS, TROUBLED, UNDER_WAY = 200, 20, 64
RECEIVER = """
import asyncio
OK = b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n"
FAILS = b"HTTP/1.1 500 X\\r\\nContent-Length: 0\\r\\n\\r\\n"

class Receiver(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.held = transport, b""

    def data_received(self, data):
        self.held += data
        while b"\\r\\n\\r\\n" in self.held:
            head, _, rest = self.held.partition(b"\\r\\n\\r\\n")
            length = int(next((line.split(b":")[1] for line in head.split(b"\\r\\n")
                               if line.lower().startswith(b"content-length:")), 0))
            if len(rest) < length:
                return
            self.held = rest[length:]
            path = head.split(b" ", 2)[1]
            if path.startswith(b"/hangs"):
                continue
            self.transport.write(FAILS if path.startswith(b"/fails") else OK)

async def main():
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[int]:
    """Start the receiver; hands out its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RECEIVER, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def fill(world: PushWorld, pushes: int) -> None:
    """Enter deliveries, each endpoint's in turn, each in a lane of its own."""
    for number in range(pushes):
        await world.deliver(str(number), to=f"partner-{number % ENDPOINTS}")


async def prepare(world: PushWorld, port: int, *, hanging: int = 0, failing: int = 0) -> None:
    """Give every partner an endpoint at the bench's receiver."""
    world.receiver.port = port
    for number in range(ENDPOINTS):
        kind = "hangs" if number < hanging else "fails" if number < hanging + failing else "takes"
        await world.partner(f"partner-{number}", path=f"/{kind}/{number}")


async def pushing_rate(world: PushWorld, pushes: int) -> tuple[float, float]:
    """Pushes a second of one deliverer, to the last recorded; and milliseconds of CPU each."""
    stop = asyncio.Event()
    began, cpu_s = time.perf_counter(), time.process_time()
    limits = DelivererLimits(under_way_max=UNDER_WAY, idle_s=0.01)
    working = asyncio.create_task(world.deliverer(limits).run(stop))
    asked = "SELECT count(*) FROM push WHERE state = 'delivered'"
    while (await world.rows(asked))[0][0] < pushes:  # noqa: ASYNC110 - the database has no event here
        await asyncio.sleep(0.1)
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_s
    stop.set()
    await working
    return pushes / took_s, 1000 * cpu_s / pushes


async def bare_rate(world: PushWorld, body: bytes, pushes: int) -> tuple[float, float]:
    """Posts a second of the same body by httpx, as many under way; one client, as one would write it."""
    waiting = iter(range(pushes))
    limits = httpx.Limits(max_connections=UNDER_WAY, max_keepalive_connections=UNDER_WAY)
    headers = {"Content-Type": "application/json"}
    async with httpx.AsyncClient(limits=limits) as client:

        async def post() -> None:
            for number in waiting:
                url = world.receiver.url(f"/takes/{number % ENDPOINTS}")
                (await client.post(url, content=body, headers=headers)).raise_for_status()

        began, cpu_s = time.perf_counter(), time.process_time()
        await asyncio.gather(*(post() for _ in range(UNDER_WAY)))
        took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_s
    return pushes / took_s, 1000 * cpu_s / pushes


async def throughput(dsn: str, *, pushes: int, rounds: int) -> None:
    """Table 1."""
    print(
        f"\nThroughput, one deliverer, {ENDPOINTS} endpoints, {UNDER_WAY} under way, {pushes} pushes a round"
    )
    print(
        f"{'round':>5}  {'pushed/s':>9}  {'httpx/s':>9}  {'ratio':>6}  {'CPU ms, pushed':>14}  {'httpx':>6}"
    )
    ratios = []
    for turn in range(rounds):
        async with site(dsn) as world, receiving() as port:
            await prepare(world, port)
            await fill(world, pushes)
            pushed, pushed_ms = await pushing_rate(world, pushes)
            bare, bare_ms = await bare_rate(world, b"x" * 1200, pushes)
        ratios.append(pushed / bare)
        print(
            f"{turn + 1:>5}  {pushed:>9.0f}  {bare:>9.0f}  {pushed / bare:>6.2f}  {pushed_ms:>14.1f}"
            f"  {bare_ms:>6.1f}"
        )
    print(f"median ratio {statistics.median(ratios):.2f} (wanted: 0.4 or more)")


async def steady(world: PushWorld, *, rate: float, seconds: float, troubled: int) -> list[float]:
    """Enter deliveries at a steady rate; returns how long each to a sound endpoint took, in seconds."""
    stop = asyncio.Event()
    working = asyncio.create_task(world.deliverer(DelivererLimits(idle_s=0.01)).run(stop))
    began, number = time.perf_counter(), 0
    while (now := time.perf_counter()) - began < seconds:
        if number >= (now - began) * rate:
            await asyncio.sleep(0.002)
            continue
        await world.deliver(str(number), to=f"partner-{number % ENDPOINTS}")
        number += 1
    await asyncio.sleep(1.5)
    stop.set()
    sound = [f"partner-{each}" for each in range(troubled, ENDPOINTS)]
    asked = """
        SELECT extract(epoch FROM e.at - d.available_at)::float8 FROM delivery d
          JOIN delivery_event e ON e.delivery_id = d.delivery_id AND e.kind = 'transported'
         WHERE d.organisation = ANY(%s)"""
    took = [row[0] for row in await world.rows(asked, sound)]
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return took


async def trouble(dsn: str, *, rate: float, seconds: float) -> None:
    """Table 2."""
    print(
        f"\nFrom entered to recorded at {rate:.0f} pushes/s, sound endpoints of {ENDPOINTS}, in milliseconds"
    )
    print(f"{'':>12}  {'pushed':>6}  {'p50':>6}  {'p99':>6}  {'p99 ratio':>9}")
    usual = 0.0
    for label, hanging, failing in (("all sound", 0, 0), ("20 hang", TROUBLED, 0), ("20 fail", 0, TROUBLED)):
        async with site(dsn, total_timeout_s=15.0) as world, receiving() as port:
            await prepare(world, port, hanging=hanging, failing=failing)
            took = sorted(await steady(world, rate=rate, seconds=seconds, troubled=TROUBLED))
        p50, p99 = (1000 * took[int(len(took) * share)] for share in (0.5, 0.99))
        usual = usual or p99
        print(f"{label:>12}  {len(took):>6}  {p50:>6.0f}  {p99:>6.0f}  {p99 / usual:>9.2f}")
    print("wanted: a ratio of 1.5 or less")


@contextlib.asynccontextmanager
async def site(dsn: str, *, total_timeout_s: float = 15.0) -> AsyncIterator[PushWorld]:
    """Rows and endpoints in a database of their own."""
    name = f"bench{uuid.uuid4().hex[:10]}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            own = urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
            with tempfile.TemporaryDirectory() as folder:
                async with push_world(own, Path(folder), total_timeout_s=total_timeout_s) as world:
                    yield world
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def main() -> None:
    """Both tables."""
    asking = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asking.add_argument("--database", default="", help="PostgreSQL to use; left out: one is started")
    asking.add_argument("--pushes", type=int, default=2000, help="pushes of a round of table 1")
    asking.add_argument("--rounds", type=int, default=3, help="rounds of table 1")
    asking.add_argument("--rate", type=float, default=100, help="pushes a second of table 2")
    asking.add_argument("--seconds", type=float, default=20, help="how long each line of table 2 takes")
    asked = asking.parse_args()
    print(f"{os.cpu_count()} cores")
    settings = load(**({"database": asked.database} if asked.database else {}))
    async with find_or_start(settings, ephemeral=True) as database:
        await throughput(database.dsn, pushes=asked.pushes, rounds=asked.rounds)
        await trouble(database.dsn, rate=asked.rate, seconds=asked.seconds)


if __name__ == "__main__":
    asyncio.run(main())
