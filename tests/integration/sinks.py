"""Every place where the hub puts bytes, each with what reads it: where canaries are looked for.

A sink that comes later adds itself: to `WHILE_IT_RUNS` or `AFTER_IT_STOPPED` with a function that returns
all it holds, by name. Topics and tables are found, not listed, so a new one is read from its first day;
routes and commands are listed with what becomes of their output, and a test fails for one that is not.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from psycopg import sql
from psycopg.rows import dict_row
from typer.testing import CliRunner

import hub.cli
from hub.messages.identifiers import OrganisationId
from tests.integration.mesh.tokens import mesh_token

if TYPE_CHECKING:
    from hub.app.hub import Hub
    from hub.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE, CONNECTIONS_MAX, MESH_READ = 100, 8, 5
TO, IN, RECORD = "hub.to.", "hub.in.", "record/"
Found = dict[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """One delivery as its recipient has it."""

    organisation: str
    headers: Mapping[str, str]
    data: Mapping[str, Any]


@dataclass(kw_only=True)
class Site:
    """A hub in operation with its organisations' keys, and what they have been answered."""

    hub: Hub
    settings: Settings
    environment: Mapping[str, str]
    keys: dict[str, str] = field(default_factory=dict)
    answers: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    """By organisation, every answer whole: status, headers, body."""
    delivered: list[Delivered] = field(default_factory=list)
    on_topics: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Topic and headers of every delivery that went by Kafka, also of those no longer in a mailbox."""

    async def ask(
        self,
        http: httpx.AsyncClient,
        organisation: str,
        method: str,
        path: str,
        **more: Any,  # noqa: ANN401 - passed on as it is
    ) -> httpx.Response:
        """Call the gateway as an organisation, and keep what it answers."""
        own = {"Authorization": f"Bearer {self.keys[organisation]}"} if organisation in self.keys else {}
        headers = own | more.pop("headers", {})
        answer = await http.request(method, path, headers=headers, **more)
        said = [f"{answer.status_code}".encode(), *(b": ".join(each) for each in answer.headers.raw)]
        self.answers[organisation].append(b"\n".join([*said, answer.content]))
        return answer


async def mailboxes(site: Site) -> Found:
    """What every organisation finds: its listing, every delivery as JSON and as Avro, its counts."""
    found: dict[str, bytes] = {}
    limits = httpx.Limits(max_connections=CONNECTIONS_MAX)
    async with httpx.AsyncClient(base_url=site.hub.http_url, timeout=30, limits=limits) as http:
        for organisation in site.keys:
            before = len(site.answers[organisation])
            for path in (
                "/v1/mailbox/count",
                "/v1/contracts",
                "/v1/endpoints",
                "/v1/webhook-keys",
                "/v1/deliveries/undelivered",
            ):
                await site.ask(http, organisation, "GET", path)
            listed = await _listed(site, http, organisation)
            await asyncio.gather(*(_fetched(site, http, organisation, delivery) for delivery in listed))
            await _followed(site, http, organisation, len(listed))
            await _by_mesh(site, http, organisation)
            # Last: what it gives out, the next listing does not show.
            await site.ask(http, organisation, "POST", "/v1/mailbox/lease", params={"seconds": "1"})
            read = site.answers[organisation][before:]
            del site.answers[organisation][before:]
            found[f"mailbox/{organisation}"] = b"\n".join(read)
    return found


async def _fetched(site: Site, http: httpx.AsyncClient, organisation: str, delivery: str) -> None:
    """Fetch one delivery, as its Avro bytes and as JSON."""
    path = f"/v1/mailbox/messages/{delivery}"
    await site.ask(http, organisation, "GET", path, headers={"Accept": "application/avro"})
    body = (await site.ask(http, organisation, "GET", path)).json()
    site.delivered.append(Delivered(organisation=organisation, headers=body["envelope"], data=body["data"]))


async def _followed(site: Site, http: httpx.AsyncClient, organisation: str, number: int) -> None:
    """Follow a mailbox until all that waits has been told of."""
    headers, said = {"Authorization": f"Bearer {site.keys[organisation]}"}, b""
    async with http.stream("GET", "/v1/mailbox/events", headers=headers) as answer, asyncio.timeout(60):
        async for piece in answer.aiter_raw():
            said += piece
            if said.count(b"event: delivery") >= number and b"\n:\n" in said:
                break
    site.answers[organisation].append(said)


async def _by_mesh(site: Site, http: httpx.AsyncClient, organisation: str) -> None:
    """Read what MESH shows of the same mailbox: the listing, the count, some deliveries whole."""
    secret = await site.hub.new_mesh_secret(OrganisationId(organisation))
    mailbox = organisation.upper()

    async def ask(method: str, path: str) -> httpx.Response:
        token = mesh_token(mailbox, secret.password, secret.shared_key)
        address = f"/messageexchange/{mailbox}{path}"
        return await site.ask(http, organisation, method, address, headers={"Authorization": token})

    for path in ("", "/count"):
        await ask("GET", path)
    waiting = (await ask("GET", "/inbox")).json()["messages"]
    for delivery in waiting[:MESH_READ]:
        await ask("HEAD", f"/inbox/{delivery}")
        await ask("GET", f"/inbox/{delivery}")
        await ask("GET", f"/inbox/{delivery}/2")


async def _listed(site: Site, http: httpx.AsyncClient, organisation: str) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        parameters = {"limit": str(PAGE)} | ({} if cursor is None else {"cursor": cursor})
        page = (await site.ask(http, organisation, "GET", "/v1/mailbox/messages", params=parameters)).json()
        found += [entry["delivery"] for entry in page["messages"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def topics(site: Site) -> Found:
    """Every topic there is: keys, values and headers as they lie there; the broker's own are on its disk."""
    consumer = AIOKafkaConsumer(bootstrap_servers=site.hub.bootstrap, enable_auto_commit=False)
    await consumer.start()
    pieces: dict[str, list[bytes]] = {topic: [] for topic in await _topics(site)}
    try:
        parts = [
            TopicPartition(topic, number)
            for topic, numbers in (await _topics(site)).items()
            for number in numbers
        ]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        while any([await consumer.position(each) < ends[each] for each in parts]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for each in records:
                    headers = [part for name, value in each.headers for part in (name.encode(), value)]
                    if each.topic.startswith(TO) and each.value is not None:
                        said = {name: value.decode() for name, value in each.headers}
                        site.on_topics.append((each.topic, said))
                    pieces[each.topic] += [each.key or b"", each.value or b"", *headers]
    finally:
        await consumer.stop()
    return {f"topic/{topic}": b"\n".join(said) for topic, said in pieces.items()}


async def _topics(site: Site) -> dict[str, list[int]]:
    """Return the topics there are with their partitions, but those of the broker itself."""
    admin = AIOKafkaAdminClient(bootstrap_servers=site.hub.bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(await admin.list_topics())
    finally:
        await admin.close()
    return {
        each["topic"]: sorted(part["partition"] for part in each["partitions"])
        for each in sorted(described, key=lambda each: str(each["topic"]))
        if not each["is_internal"]
    }


async def tables(site: Site) -> Found:
    """Every column of every table, as an export would have it; bytes as bytes."""
    found: dict[str, bytes] = {}
    async with await psycopg.AsyncConnection.connect(site.hub.dsn, row_factory=dict_row) as connection:
        cursor = await connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        for name in sorted(row["table_name"] for row in await cursor.fetchall()):
            everything = sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))
            rows = await (await connection.execute(everything)).fetchall()
            pieces = [_as_bytes(value) for row in rows for value in row.values()]
            found[f"table/{name}"] = b"\n".join(pieces)
    return found


def _as_bytes(value: object) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return (json.dumps(value) if isinstance(value, dict | list) else str(value)).encode()


COMMANDS: Mapping[str, Sequence[str]] = {
    "ledger list": ("--limit", "10000"),
    "quarantine list": ("--limit", "10000"),
    "quarantine show": (),
    "quarantine replay": ("--dry-run",),
    "partner list": (),
    "contracts list": (),
    "contracts who-uses": ("progress.note",),
    "contracts sunset-report": (),
    "topics verify": (),
    "ledger overtaken": ("--json",),
    "report exceptions": ("--json",),
    "report alerts": ("--json",),
    "report bases": ("--json",),
    "report caseload": ("--json",),
    "report needs": ("--json",),
    "ledger review-merge": (),
    "ledger taken-back": (),
    "subscription list": (),
    "delivery undelivered": ("--limit", "10000"),
    "ledger held": ("--limit", "10000"),
    "ledger tally": ("--json",),
    "ledger consultations": ("--limit", "10000"),
    "endpoint list": (),
    "policy list": (),
    "profile list": (),
    "policy replay": ("--days", "2", "--json"),
    "policy explain": (),
    "policy whatif": (),
    "policy who-may-see": (),
}
"""Commands that show something of a running hub, and how they are asked for all of it."""
ABOUT_ONE = {
    *("quarantine show", "quarantine replay", "policy explain", "policy whatif", "policy who-may-see"),
    *("ledger review-merge", "ledger taken-back"),
}
"""Those of them that are asked about one record, decision, message or case."""
SHOWS_ITS_SUBJECT = {"policy own-copy", "ledger readings"}
"""The person's own copy of their plan, who of the staff read a record: what they show is their point."""
SHOW_NOTHING_OF_A_HUB = {
    *("demo", "serve", "simulate", "test", "doctor", "journey list", "journey play", "requirements"),
    *("partner add", "partner amend", "partner key", "partner mesh-key", "partner suspend", "partner resume"),
    *("partner ack-keys", "delivery proof"),
    *("policy check", "policy prove", "policy show", "policy matrix", "policy record", "policy cedar"),
    *("profile show", "profile check", "profile release"),
    *("policy diff", "policy propose", "policy approve", "policy release"),
    *("contracts show", "contracts diff", "contracts compat", "contracts lint", "contracts check"),
    *("contracts can-i-release", "contracts stamp", "contracts verify", "contracts views"),
    *("contracts release", "contracts register"),
    *("topics plan", "topics apply", "projection rebuild"),
    *("endpoint add", "endpoint verify", "endpoint pause", "endpoint resume", "endpoint remove"),
    *("endpoint rotate-secret", "endpoint show"),
    *("delivery redeliver", "delivery recover", "delivery replay-missing"),
    *("delivery seek", "delivery skip", "delivery force"),
    *("subscription approve", "subscription refuse", "subscription end"),
}
"""Commands that start, change or read files: they have no message to show."""


async def commands(site: Site) -> Found:
    """What staff see on the command line: lists and single records, as text and as JSON."""
    shown = await asyncio.to_thread(_run, site, "quarantine", "list", "--limit", "10000", "--json")
    records = [row["record_id"] for row in json.loads(shown)]
    found = {"command/quarantine list --json": shown}
    asked = {command: arguments for command, arguments in COMMANDS.items() if command not in ABOUT_ONE}
    for command, arguments in asked.items():
        found[f"command/{command}"] = await asyncio.to_thread(_run, site, *command.split(), *arguments)
    every = ("ledger", "list", "--json", "--limit", "10000")
    found["command/ledger list --json"] = await asyncio.to_thread(_run, site, *every)
    for command, arguments in _about_one(json.loads(found["command/ledger list --json"])):
        found[f"command/{' '.join((command, *arguments))}"] = await asyncio.to_thread(
            _run, site, *command.split(), *arguments
        )
    single = [await asyncio.to_thread(_run, site, "quarantine", "show", each) for each in records[::25]]
    found["command/quarantine show"] = b"\n".join(single)
    again = ("quarantine", "replay", *COMMANDS["quarantine replay"], "--record")
    looked = [await asyncio.to_thread(_run, site, *again, each) for each in records[::25]]
    found["command/quarantine replay"] = b"\n".join(looked)
    return found


def _about_one(ledger: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield questions on single decisions, messages and cases: the first and last of each message type."""
    by_type = {row["message"]: row for row in ledger} | {f"{row['message']}/": row for row in ledger[::-1]}
    for row in by_type.values():
        yield "policy explain", (row["decision_id"], "--why-not")
    asked = next(row for row in ledger if row["message"] == "progress")
    yield "policy whatif", ("--message-id", asked["message_id"], "--tier", "4", "--json")
    yield "ledger review-merge", ("--case", asked["case_ref"], "--json")
    yield "ledger taken-back", ("--message", asked["message_id"], "--json")
    for information_class in ("plan_objective", "victim"):
        of = ("--message", "plan", "--class", information_class, "--all")
        yield "policy who-may-see", ("--case", asked["case_ref"], *of)


def _run(site: Site, *arguments: str) -> bytes:
    """Run a command in this process, as the command line does."""
    done = CliRunner().invoke(hub.cli.app, [*arguments], env={"HUB_INSTANCE": site.settings.instance})
    return done.output.encode()


async def answers(site: Site) -> Found:
    """Everything the gateway answered to whoever posted or asked, errors included."""
    return {f"answers/{name}": b"\n".join(said) for name, said in site.answers.items()}


WHILE_IT_RUNS: Mapping[str, Callable[[Site], Awaitable[Found]]] = {
    "mailboxes": mailboxes,
    "topics": topics,
    # A question is recorded before it is answered: the tables are read after the commands.
    "commands": commands,
    "tables": tables,
    "answers": answers,
}


def said_by_the_process(_folders: Sequence[Path], log: Path) -> Found:
    """Logs at their most talkative, and all spans and metrics: one process prints them all."""
    return {"process/logs, spans, metrics": log.read_bytes()}


def on_disk(folders: Sequence[Path], _log: Path) -> Found:
    """Every file the instance leaves: Kafka's segments and logs, PostgreSQL's tables and write-ahead log.

    What lies in a topic of one organisation is looked at with the topics. Index files hold offsets only,
    and are long and empty.
    """
    found: dict[str, list[bytes]] = defaultdict(list)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            of_one = any(part.startswith((TO, IN)) for part in inside.parts)
            if path.is_file() and not of_one and path.suffix not in {".index", ".timeindex", ".txnindex"}:
                found[f"disk/{inside.parts[0]}"].append(path.read_bytes())
    return {name: b"\n".join(pieces) for name, pieces in found.items()}


AFTER_IT_STOPPED: Mapping[str, Callable[[Sequence[Path], Path], Found]] = {
    "process": said_by_the_process,
    "disk": on_disk,
}

ROUTES = {
    "/v1/messages/{message}": "asked for every message that was posted",
    "/v1/hmpps-events": "asked with an event of a canary",
    "/v1/contracts": "read with the mailboxes",
    "/v1/cases/{case}": "read by everybody who could have a part in the case",
    "/v1/mailbox/messages": "read with the mailboxes",
    "/v1/mailbox/events": "followed for a moment with the mailboxes",
    "/v1/mailbox/count": "read with the mailboxes",
    "/v1/mailbox/messages/{delivery}": "read with the mailboxes",
    "/v1/mailbox/messages/{delivery}/status/acknowledged": "asked with a digest that is none",
    "/v1/endpoints": "read with the mailboxes",
    "/v1/webhook-keys": "read with the mailboxes",
    "/v1/endpoints/{endpoint}/verify": "asked with an endpoint that is none",
    "/v1/endpoints/{endpoint}/pause": "asked with an endpoint that is none",
    "/v1/endpoints/{endpoint}/resume": "asked with an endpoint that is none",
    "/v1/endpoints/{endpoint}/rotate-secret": "asked with an endpoint that is none",
    "/v1/deliveries/undelivered": "read with the mailboxes",
    "/v1/deliveries/{delivery}/redeliver": "asked with a delivery that is none",
    "/v1/recoveries": "asked with canaries for what is to be done, to which deliveries, and why",
    "/v1/mailbox/messages/{delivery}/status/read": "asked with a canary for a role",
    "/v1/mailbox/messages/{delivery}/status/refused": "asked with a canary for a reason",
    "/v1/mailbox/acknowledge": "asked with canaries for a delivery and its digest",
    "/v1/mailbox/lease": "read with the mailboxes",
    "/messageexchange/_ping": "asked with a canary for a token",
    "/messageexchange/{mailbox}": "read with the mailboxes, and asked with a canary for a token",
    "/messageexchange/{mailbox}/count": "read with the mailboxes",
    "/messageexchange/{mailbox}/inbox": "read with the mailboxes, and asked with a canary for a filter",
    "/messageexchange/{mailbox}/inbox/{delivery}": "read with the mailboxes, and asked with a canary",
    "/messageexchange/{mailbox}/inbox/{delivery}/{chunk}": "read with the mailboxes",
    "/messageexchange/{mailbox}/inbox/{delivery}/status/acknowledged": "asked with a canary",
    "/messageexchange/{mailbox}/outbox": "handed canaries in headers and body",
    "/messageexchange/{mailbox}/outbox/{message}/{chunk}": "handed canaries in address and body",
    "/messageexchange/{mailbox}/outbox/tracking": "asked with a canary",
    "/v1/subscriptions": "asked with a canary",
    "/v1/subscriptions/{subscription}": "asked with a canary",
    "/problems/{code}": "asked with a canary",
    "/healthz": "asked",
    "/readyz": "asked",
}
"""Routes but those messages are posted to and those of the schema registry, and how each is called."""
