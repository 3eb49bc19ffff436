"""Nothing is lost and nothing is done twice while processes are killed: every message is followed to its end.

First messages are posted while the projector and a gateway are killed, over and over; readers compete for
what comes of them all the while. Then all is counted: what was taken in, decided, fetched and acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner

import hub.cli
from hub.adapters.broker.process import free_ports
from hub.adapters.ledger import drop_projection
from hub.app import Role, running
from hub.topics.profile_files import read_profiles
from tests.integration.projected_world import rows, until
from tests.node.test_three_clients import REGION, SAID, SERVICE, organisation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.app import Hub
    from hub.settings import Settings

pytestmark = pytest.mark.timeout(400)
ROOT = Path(__file__).resolve().parents[2]
CASES, OFFERS, READERS, SEED = 5, 8, 3, 11
POST_S, READY_S, PAUSE_S = 60.0, 60.0, 0.1
MAILBOX = "/v1/mailbox/messages"
STANDS = "SELECT delivery_id, state, held, verdict FROM delivery ORDER BY 1"


@dataclass(kw_only=True)
class Process:
    """A role of the hub in a process of its own, killed and started as a test likes."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    log: Path
    running: asyncio.subprocess.Process | None = None
    kills: int = 0

    async def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        with self.log.open("wb") as log:
            self.running = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "hub", "serve", *self.arguments),
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        await until(self._is_ready, timeout_s=READY_S)

    async def _is_ready(self) -> bool:
        assert self.running is not None
        assert self.running.returncode is None, self.log.read_text()[-2000:]
        return "Ready. Ctrl-C" in self.log.read_text()

    async def kill(self) -> None:
        """End it without a word."""
        if self.running is not None and self.running.returncode is None:
            self.running.kill()
            await self.running.wait()
            self.kills += 1


@dataclass(kw_only=True)
class Scene:
    """A hub whose projector and gateways are processes of their own."""

    hub: Hub
    projector: Process
    gateways: list[Process]
    urls: list[str]
    keys: dict[str, str] = field(default_factory=dict)
    posted: list[str] = field(default_factory=list)
    """Messages that were taken: each sender's own id of it."""
    surprises: list[str] = field(default_factory=list)
    """Answers to readers that none of this explains."""
    fetched: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    """Deliveries, by how often the hub said that it has noted so."""

    def client(self, who: str, number: int) -> httpx.AsyncClient:
        """A client that calls one of the gateways."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        return httpx.AsyncClient(base_url=self.urls[number % len(self.urls)], headers=headers, timeout=10)

    async def post(self, path: str, name: str, **body: object) -> dict[str, Any]:
        """Post until it is taken, by whichever gateway lives, always under the same key."""
        headers = {"Idempotency-Key": name}
        async with asyncio.timeout(POST_S):
            for number in range(10_000):
                async with self.client(REGION, number) as http:
                    try:
                        answer = await http.post(path, json=SAID | body, headers=headers)
                    except httpx.TransportError:
                        await asyncio.sleep(PAUSE_S)
                        continue
                if answer.status_code == httpx.codes.ACCEPTED:
                    self.posted.append(answer.json()["message"])
                    return dict(answer.json())
                assert answer.status_code in {409, 503}, answer.text
                await asyncio.sleep(PAUSE_S)
        raise AssertionError(name)


@asynccontextmanager
async def scene(settings: Settings, folder: Path) -> AsyncIterator[Scene]:
    """The router in this process, all else in others, and two organisations."""
    async with running(settings, roles={Role.ROUTER}) as made, AsyncExitStack() as stack:
        environment = {
            **os.environ,
            "HUB_ENVIRONMENT": "current",
            "HUB_INSTANCE": settings.instance,
            "HUB_KAFKA": made.bootstrap,
            "HUB_DATABASE": made.dsn,
            "HUB_SESSION_TIMEOUT_MS": "6000",
            "PYTHONPATH": str(ROOT),
        }

        def process(*arguments: str) -> Process:
            log = folder / f"{'-'.join(arguments)}.log"
            one = Process(arguments=arguments, environment=environment, log=log)
            stack.push_async_callback(one.kill)
            return one

        ports = free_ports(2)
        found = Scene(
            hub=made,
            projector=process("projector"),
            gateways=[process("gateway", "--http-port", str(port)) for port in ports],
            urls=[f"http://127.0.0.1:{port}" for port in ports],
        )
        await asyncio.gather(*(each.start() for each in (found.projector, *found.gateways)))
        await made.release_policy()
        await made.release_profiles(read_profiles())
        service = organisation(
            SERVICE, kind="partner", rung=2, legal_status="under_arrangements", sends=["referral"]
        )
        found.keys = {
            REGION: await made.add_organisation(organisation(REGION)),
            SERVICE: await made.add_organisation(service | {"purposes": ["referral"]}),
        }
        yield found


async def write(one: Scene, case: int) -> None:
    """Open a case, appoint its Offender Manager, and make offers to the service."""
    opened = {
        "action": "OPENED",
        "forename": "Testperson",
        "surname": "Elderflower",
        "jurisdiction": "ENGLAND_AND_WALES",
        "region": "N55",
        "tier": 2,
    }
    ref = (await one.post("/v1/cases", f"open-{case}", data=opened))["case"]
    team = {"action": "APPOINT", "role": "offender_manager", "organisation": REGION, "person": "om-fern"}
    await one.post("/v1/team-changes", f"appoint-{case}", case=ref, data=team)
    for number in range(OFFERS):
        offer = {
            "referral": f"RF-{case}-{number}",
            "action": "OFFER",
            "provider": SERVICE,
            "rung": 2,
            "typology": "BARRIER_FACTORS",
            "nature": "REHABILITATIVE",
            "category": "DEPENDENCY_RECOVERY",
            "intervention": "Example recovery group",
            "forename": "Testperson",
            "needs": ["ACCOMMODATION"],
        }
        await one.post("/v1/referrals", f"offer-{case}-{number}", case=ref, data=offer)


async def read(one: Scene, done: asyncio.Event, chance: Random) -> None:
    """Take what waits, in competition with others: fetch each, acknowledge most, come back for the rest."""
    turn = 0
    while not done.is_set():
        turn += 1
        try:
            async with one.client(SERVICE, turn) as http:
                listed = (await http.get(MAILBOX)).raise_for_status().json()["messages"]
                chance.shuffle(listed)
                for each in listed:
                    answer = (await http.get(each["url"])).raise_for_status()
                    one.fetched[each["delivery"]] += 1
                    if chance.random() < 0.7:
                        said = {"digest": answer.json()["digest"]}
                        (await http.put(f"{each['url']}/status/acknowledged", json=said)).raise_for_status()
                        one.acknowledged[each["delivery"]] += 1
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            if isinstance(error, httpx.HTTPStatusError) and error.response.status_code not in {404, 503}:
                one.surprises.append(error.response.text)
        await asyncio.sleep(PAUSE_S)


async def break_things(one: Scene, written: asyncio.Event, chance: Random) -> None:
    """Kill the projector and a gateway, over and over, as long as messages are written, twice at least."""
    while not written.is_set() or one.projector.kills < 2 or one.gateways[1].kills < 2:
        await asyncio.sleep(chance.uniform(0.2, 1.0))
        for each in (one.projector, one.gateways[1]):
            await each.kill()
        await asyncio.sleep(chance.uniform(0.1, 0.5))
        await asyncio.gather(one.projector.start(), one.gateways[1].start())


async def _all_read(one: Scene) -> bool:
    found = await rows(one.hub.pool, "SELECT state FROM delivery WHERE organisation = %s", SERVICE)
    return len(found) >= CASES * OFFERS and {row[0] for row in found} == {"acknowledged"}


@pytest.mark.public_door
@pytest.mark.requirement("R-DEL-02")
@pytest.mark.requirement("R-DEL-01")
async def test_every_message_comes_to_its_end_once_while_processes_are_killed(
    settings: Settings, tmp_path: Path
) -> None:
    """Each offer is one delivery, acknowledged; the ledger, the mailbox and the readers agree on which."""
    chance = Random(SEED)  # noqa: S311 - what is broken when, not a secret
    began = time.monotonic()
    async with scene(settings, tmp_path) as one:
        written, done = asyncio.Event(), asyncio.Event()
        breaking = asyncio.create_task(break_things(one, written, chance))
        readers = [asyncio.create_task(read(one, done, Random(n))) for n in range(READERS)]  # noqa: S311
        await asyncio.gather(*(write(one, case) for case in range(CASES)))
        written.set()
        await breaking
        await until(lambda: _all_read(one), timeout_s=60)
        done.set()
        await asyncio.gather(*readers)
        print(
            f"{len(one.posted)} messages, {one.projector.kills + one.gateways[1].kills} kills, "
            f"{sum(one.fetched.values())} fetches of {len(one.fetched)} deliveries, "
            f"{time.monotonic() - began:.0f} s"
        )
        await _counted(one, settings)
        before = await rows(one.hub.pool, STANDS)
        await drop_projection(one.hub.pool)
        await until(lambda: _stands(one, before), timeout_s=60)
        await _counted(one, settings)


async def _counted(one: Scene, settings: Settings) -> None:
    """Follow every id: by the ledger, by its row and by what the readers were told."""
    recorded = await rows(
        one.hub.pool,
        "SELECT DISTINCT delivery_id FROM ledger WHERE organisation = %s AND message = %s AND delivers",
        SERVICE,
        "referral",
    )
    stand = await rows(
        one.hub.pool, "SELECT delivery_id, state FROM delivery WHERE organisation = %s", SERVICE
    )
    assert one.surprises == []
    assert len(recorded) == CASES * OFFERS
    assert {row[0] for row in recorded} <= set(one.acknowledged) == {row[0] for row in stand}
    assert {row[1] for row in stand} == {"acknowledged"}
    taken = await rows(one.hub.pool, "SELECT state, count(*) FROM submission GROUP BY state")
    assert taken == [("routed", CASES * (OFFERS + 2))]
    environment = {
        "HUB_INSTANCE": settings.instance,
        "HUB_KAFKA": one.hub.bootstrap,
        "HUB_DATABASE": one.hub.dsn,
    }
    tally = ["ledger", "tally", "--but-last", "0"]
    done = await asyncio.to_thread(CliRunner().invoke, hub.cli.app, tally, env=environment)
    assert done.exit_code == 0, done.output


async def _stands(one: Scene, wanted: list[Any]) -> bool:
    decided = await rows(one.hub.pool, "SELECT count(*) FROM submission")
    return decided == [(CASES * (OFFERS + 2),)] and await rows(one.hub.pool, STANDS) == wanted
