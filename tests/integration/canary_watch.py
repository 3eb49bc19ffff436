"""Plays the canary's story and the demonstration on a hub as it is started, then reads every sink."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from aiokafka import AIOKafkaProducer
from rich.console import Console

from hub.adapters import broker
from hub.adapters.database import server
from hub.adapters.gateway import events, recovery
from hub.adapters.gateway.routes import POSTED, route_of
from hub.app import attached
from hub.app.pushing import egress, endpoints_of
from hub.consent.looking import words_for
from hub.demo.perform import Performed, perform
from hub.demo.submissions import NO_SUCH_CASE
from hub.messages.envelope import Role
from hub.messages.identifiers import MessageId, OrganisationId
from hub.settings import load
from hub.topics.policy_files import folder_policy
from tests.integration.canary_story import PUSHED, REGION, Says, Story, canary_parties, said_at
from tests.integration.mesh.tokens import mesh_token
from tests.integration.receiver import receiving
from tests.integration.sinks import AFTER_IT_STOPPED, IN, RECORD, ROOT, WHILE_IT_RUNS, Delivered, Found, Site

if TYPE_CHECKING:
    from hub.settings import Settings
    from tests.integration.receiver import Receiver

READY_S, DECIDED_S, QUIET_S = 60, 15, 20
NOBODY = "nobody"
"""Whoever calls without a key."""


@dataclass(kw_only=True)
class Watched:
    """All that is left of it."""

    story: Story
    never: Story
    """What was refused, whatever it was: nobody is ever told of it."""
    sent: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    """By name in the story: the hub's own id of the message, and its payload with what it cites."""
    states: dict[str, str] = field(default_factory=dict)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    delivered: list[Delivered] = field(default_factory=list)
    on_topics: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    pushed: list[Delivered] = field(default_factory=list)
    """Every delivery that a webhook brought."""
    sinks: Found = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    """Where the instance keeps its files."""
    demo: Performed | None = None


@contextmanager
def serving(environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """`hub serve`, everything it says in one file."""
    command = [sys.executable, "-m", "hub", "serve"]
    with (
        log.open("w+") as output,
        subprocess.Popen(
            command, env=dict(environment), cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        ) as hub,
    ):
        try:
            deadline = time.monotonic() + READY_S
            while "Ready. Ctrl-C" not in log.read_text() and time.monotonic() < deadline:
                assert hub.poll() is None, log.read_text()[-4000:]
                time.sleep(0.1)
            yield
        finally:
            hub.send_signal(signal.SIGTERM)
            hub.wait(timeout=60)


def watch(folder: Path) -> Watched:
    """Play everything on a hub of its own and read every sink."""
    settings = load(instance=f"canary-{uuid.uuid4().hex[:10]}")
    environment = {
        **os.environ,
        "HUB_ENVIRONMENT": "current",
        "HUB_INSTANCE": settings.instance,
        "HUB_LOG_LEVEL": "debug",
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "console",
        "PYTHONPATH": str(ROOT),
    }
    log = folder / "serve.log"
    found = Watched(story=Story(1), never=Story(2))
    try:
        with serving(environment, log):
            asyncio.run(_played(found, settings, environment))
        for read in AFTER_IT_STOPPED.values():
            found.sinks |= read(found.folders, log)
        return found
    finally:
        broker.erase(settings)
        server.erase(settings)
        shutil.rmtree(settings.instance_folder, ignore_errors=True)


async def _played(found: Watched, settings: Settings, environment: Mapping[str, str]) -> None:
    async with attached(settings) as hub, receiving() as receiver, egress() as out:
        site = Site(hub=hub, settings=settings, environment=environment)
        parties = [*canary_parties()]
        keys = await asyncio.gather(*(hub.add_organisation(each.body(since=0)) for each in parties))
        site.keys |= dict(zip((each.organisation for each in parties), keys, strict=True))
        endpoints = endpoints_of(hub.pool, hub.codec, out)
        for name in site.keys:
            url = receiver.url(f"/{name}")
            made, _ = await endpoints.add(name, url=url, messages=sorted(PUSHED), on_loopback=True)
            await endpoints.verify(made)
        async with httpx.AsyncClient(base_url=hub.http_url, timeout=10) as http:
            stage = _Stage(found, site, http)
            await stage.told()
            await stage.read()
            await stage.refused()
            await stage.malformed()
            await stage.asked()
            await stage.by_mesh()
            await stage.by_kafka()
        console = Console(file=io.StringIO(), width=100)
        found.demo = await perform(hub, console, seed=1, words=partial(words_for, folder_policy()))
        await _quiet(site)
        for read in WHILE_IT_RUNS.values():
            found.sinks |= await read(site)
        found.sinks |= _pushed(found, receiver)
        found.delivered = site.delivered
        found.on_topics = site.on_topics
        async with hub.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT message_id, case_ref, organisation, role, delivery_id, fields FROM ledger"
            )
            names = [column.name for column in cursor.description or ()]
            found.ledger = [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
            where = await (await connection.execute("SHOW data_directory")).fetchone()
        assert where is not None
        found.folders = [settings.instance_folder, Path(where[0])]


def _pushed(found: Watched, receiver: Receiver) -> Found:
    """Return every webhook as it came to whose it was: its address, its headers, its body."""
    pieces: dict[str, list[bytes]] = defaultdict(list)
    for each in receiver.received:
        organisation = each.path.removeprefix("/")
        pieces[f"webhook/{organisation}"] += [each.path.encode(), str(each.headers).encode(), each.body]
        if "envelope" in each.document.get("hub", {}):
            headers, data = each.document["hub"]["envelope"], each.document["data"]
            found.pushed.append(Delivered(organisation=organisation, headers=headers, data=data))
    return {name: b"\n".join(said) for name, said in pieces.items()}


async def _quiet(site: Site) -> None:
    """Wait until nothing more is projected, and nothing that waits is still to be decided again."""
    before, same = "", 0
    deadline = time.monotonic() + QUIET_S
    while same < 4 and time.monotonic() < deadline:
        await asyncio.sleep(0.25)
        async with site.hub.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT (SELECT count(*) FROM ledger), (SELECT count(*) FROM delivery),"
                " (SELECT count(*) FROM quarantine), (SELECT sum(next) FROM position)"
            )
            now = str(await cursor.fetchone())
            cursor = await connection.execute(
                "SELECT 1 FROM delivery WHERE held AND verdict IS NULL AND state <> 'acknowledged'"
                " UNION SELECT 1 FROM push WHERE NOT finished LIMIT 1"
            )
            undecided = await cursor.fetchone() is not None
        same, before = (same + 1, before) if now == before and not undecided else (0, now)


class _Stage:
    """Says things to the hub."""

    def __init__(self, found: Watched, site: Site, http: httpx.AsyncClient) -> None:
        """Begin with nothing said."""
        self.found, self.site, self.http = found, site, http
        self.pairwise = site.hub.codec.pairwise
        self.case: Any = None
        self.references: dict[str, str] = {}

    def body(self, says: Says, data: Mapping[str, Any], *, case: str | None) -> dict[str, Any]:
        """Return what is posted."""
        return {
            "contract": "1.0",
            "occurred_at": said_at(says.name),
            "author": says.author,
            "author_role": says.role.value,
            "statement": "opinion",
            "correlation": says.correlation,
            "data": data,
            **({} if case is None else {"case": case}),
        }

    async def post(
        self, says: Says, body: str | Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Post as whoever says it."""
        said = {"Idempotency-Key": says.key, "Content-Type": "application/json", **(headers or {})}
        content = body if isinstance(body, str) else json.dumps(body)
        return await self.site.ask(
            self.http, says.by, "POST", route_of(says.message), headers=said, content=content
        )

    async def told(self) -> None:
        """Tell the story: each step once the one before is decided."""
        for says in self.found.story.says:
            data = {**says.data, **{name: self.references[cited] for name, cited in says.cites.items()}}
            case = None if self.case is None else self.pairwise.case(says.by, self.case)
            answer = (await self.post(says, self.body(says, data, case=case))).json()
            assert "message" in answer, (says.name, answer)
            if self.case is None:
                self.case = self.pairwise.case_from(REGION, answer["case"])
            self.references[says.name] = answer["message"]
            self.found.sent[says.name] = (self.pairwise.message_from(says.by, answer["message"]), data)
            self.found.states[says.name] = await self.decided(says.by, answer["message"])

    async def read(self) -> None:
        """Let everybody of the story read the case record, in every role anybody has on a case."""
        assert self.case is not None
        for by in {(says.by, says.author) for says in self.found.story.says}:
            organisation, person = by
            case = self.pairwise.case(organisation, self.case)
            for role in Role:
                path = f"/v1/cases/{case}?role={role.value}"
                await self.site.ask(self.http, organisation, "GET", path, headers={"Hub-Reader": person})
                # What a member reads is a member's own, like a mailbox: no answer to whoever asks.
                read = self.site.answers[organisation].pop()
                name = f"{RECORD}{organisation}"
                self.found.sinks[name] = self.found.sinks.get(name, b"") + b"\n" + read

    async def decided(self, organisation: str, message: str) -> str:
        """Wait until a message is decided, as its sender is told."""
        deadline = time.monotonic() + DECIDED_S
        state = "accepted"
        while state == "accepted" and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
            answer = await self.site.ask(self.http, organisation, "GET", f"/v1/messages/{message}")
            state = str(answer.json()["state"])
        return state

    async def refused(self) -> None:
        """Say all of another story on a case that does not exist: it is taken, and set aside."""
        first, _ = self.found.sent["00-case"]
        waiting = []
        for says in self.found.never.says:
            cited = {name: self.pairwise.message(says.by, MessageId(first)) for name in says.cites}
            data = {**says.data, **cited}
            if data.get("action") == "OPENED":
                data["action"] = "CHANGED"
            answer = (await self.post(says, self.body(says, data, case=NO_SUCH_CASE))).json()
            assert "message" in answer, (says.name, answer)
            waiting.append((says.by, answer["message"]))
        for organisation, message in waiting:
            assert await self.decided(organisation, message) == "refused"

    async def malformed(self) -> None:
        """Say it again in every wrong way: each field of another type, beside others, cut, twice."""
        case = self.pairwise.case(REGION, self.case)
        for says in self.found.never.says:
            key = {"Idempotency-Key": f"{says.key}-wrong"}
            wrong = {name: {"said": value} for name, value in says.data.items()}
            beside = {**says.data, says.correlation: says.correlation}
            for data in (wrong, beside):
                answer = await self.post(says, self.body(says, data, case=case), headers=key)
                assert answer.is_client_error, (says.name, answer.text)
            text = json.dumps(self.body(says, says.data, case=case))
            for body in (text[:-9], text.replace("1.0", says.correlation, 1), f"[{text}]"):
                assert (await self.post(says, body, headers=key)).is_client_error
            assert (await self.post(says, self.body(says, says.data, case=case))).is_client_error

    async def asked(self) -> None:
        """Ask for what there is not, with canaries wherever something can be said."""
        word = self.found.never.mint.token
        ask = self.site.ask
        paths = [
            *(f"/v1/messages/{word()}", f"/v1/mailbox/messages/{word()}", f"/problems/{word()}"),
            *(f"/v1/cases/{word()}?role=key_worker", f"/v1/cases/{word()}?role={word()}"),
            *(f"/v1/mailbox/messages?cursor={word()}", f"/v1/mailbox/messages?message={word()}"),
            *(f"/schemas/ids/{word()}", f"/subjects/{word()}/versions", f"/{word()}", "/healthz", "/readyz"),
        ]
        trace = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01", "baggage": f"said={word()}"}
        for path in paths:
            for who in (REGION, NOBODY):
                await ask(
                    self.http, who, "GET", path, headers={"X-Said": word(), "Hub-Reader": word(), **trace}
                )
        for route in map(route_of, POSTED):
            said = {"Authorization": f"Bearer {word()}", "Idempotency-Key": word()}
            await ask(self.http, NOBODY, "POST", route, headers=said, json={"said": word()})
            await ask(
                self.http, REGION, "POST", route, headers={"Idempotency-Key": f"é {word()}".encode()}, json={}
            )
        for who in (REGION, NOBODY):
            await ask(self.http, who, "POST", events.ROUTE, json=self.event(word()))
        status = f"/v1/mailbox/messages/{'0' * 32}/status"
        await ask(self.http, REGION, "PUT", f"{status}/acknowledged", json={"digest": word()})
        await ask(self.http, REGION, "PUT", f"{status}/read", json={"role": word(), "person": word()})
        await ask(self.http, REGION, "PUT", f"{status}/refused", json={"reason": word(), word(): word()})
        several = {"deliveries": [{"delivery": word(), "digest": word()}, {"delivery": word()}]}
        await ask(self.http, REGION, "POST", "/v1/mailbox/acknowledge", json=several)
        await ask(self.http, REGION, "POST", f"/v1/mailbox/lease?max={word()}")
        for verb in ("verify", "pause", "resume", "rotate-secret"):
            await ask(self.http, REGION, "POST", f"/v1/endpoints/{word()}/{verb}")
        await ask(self.http, REGION, "POST", f"/v1/deliveries/{word()}/redeliver")
        said = {"do": word(), "since": word(), "reason": word(), word(): word()}
        await ask(self.http, REGION, "POST", recovery.ROUTE, json=said)
        named = {"do": "recover", "dry_run": False, "deliveries": [word()], "reason": "mended"}
        await ask(self.http, REGION, "POST", recovery.ROUTE, json=named)
        await ask(self.http, REGION, "POST", "/v1/subscriptions", json={"messages": [word()]})
        await ask(self.http, REGION, "DELETE", f"/v1/subscriptions/{word()}")

    async def by_mesh(self) -> None:
        """Hand MESH what is none of its: canaries in tokens, headers, addresses and bodies."""
        word, ask = self.found.never.mint.token, self.site.ask
        secret = await self.site.hub.new_mesh_secret(OrganisationId(REGION))
        own = f"/messageexchange/{REGION.upper()}"
        first = {"Mex-To": "HUB", "Mex-WorkflowID": "HUB_RECEIPT", "Mex-Chunk-Range": "1:2"}
        tries = [
            ("GET", "/messageexchange/_ping", {}, b""),
            ("POST", f"{own}/outbox", first | {"Mex-LocalID": word()}, word().encode()),
            ("GET", f"{own}/inbox?workflow_filter={word()}", {}, b""),
            ("GET", f"{own}/inbox?continue_from={word()}", {}, b""),
            ("GET", f"{own}/inbox/{word()}", {}, b""),
            ("PUT", f"{own}/inbox/{word()}/status/acknowledged", {}, b""),
            ("POST", f"{own}/outbox", {"Mex-To": word(), "Mex-WorkflowID": word()}, word().encode()),
            ("POST", f"{own}/outbox", {"Mex-To": "HUB", "Mex-WorkflowID": "HUB_PROGRESS"}, word().encode()),
            ("POST", f"{own}/outbox/{word()}/2", {"Mex-Chunk-Range": "2:2"}, word().encode()),
            ("GET", f"{own}/outbox/tracking?messageID={word()}", {}, b""),
        ]
        for method, path, headers, content in tries:
            token = mesh_token(REGION.upper(), secret.password, secret.shared_key)
            for authority in (token, f"NHSMESH {word()}:{word()}:0:202611271200:{'0' * 64}"):
                said = {"Authorization": authority, **headers}
                await ask(self.http, REGION, method, path, headers=said, content=content)

    def event(self, said: str) -> dict[str, object]:
        """An event of the prison system about somebody the hub does not know, with a canary in every text."""
        inside = {"nomsNumber": "A9999ZQ", "reason": "RELEASED", "prisonId": "MDI", "details": said}
        return {
            "eventType": "prison-offender-events.prisoner.released",
            "version": 1,
            "occurredAt": "2026-02-03T04:05:06Z",
            "description": said,
            "additionalInformation": {**inside, "nomisMovementReasonCode": said},
        }

    async def by_kafka(self) -> None:
        """Write to an organisation's own topic what cannot be read, and what names no message."""
        word = self.found.never.mint.token
        producer = AIOKafkaProducer(bootstrap_servers=self.site.hub.bootstrap)
        await producer.start()
        try:
            for organisation in self.site.keys:
                for headers in ([], [("message-id", word().encode())], [(word(), word().encode())]):
                    await producer.send_and_wait(
                        f"{IN}{organisation}", f"said {word()}".encode(), key=word().encode(), headers=headers
                    )
                event = json.dumps(self.event(word())).encode()
                await producer.send_and_wait(f"{IN}{organisation}", event)
        finally:
            await producer.stop()
