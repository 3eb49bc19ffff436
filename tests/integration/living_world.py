"""A whole hub for tests of what becomes of undelivered messages: every part of it is real."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import httpx

from hub.adapters.database.pool import open_pool
from hub.adapters.database.schema import upgrade
from hub.adapters.gateway import create_gateway
from hub.adapters.gateway.identity import key_hash, new_key
from hub.adapters.kafka.admin import apply, remove
from hub.adapters.kafka.clock import Clock
from hub.adapters.kafka.control import publish_control
from hub.adapters.kafka.ends import Ends
from hub.adapters.kafka.intake import IntakePublisher
from hub.adapters.kafka.limits import Limits
from hub.adapters.kafka.router import Router
from hub.adapters.ledger import Asker, Projector, ProjectorLimits
from hub.adapters.ledger.control import wait_control
from hub.consent.parties import Organisation, Standing
from hub.messages.envelope import Control, MessageName
from hub.messages.identifiers import Instant, MessageId, OrganisationId, derived_id
from hub.routing.route import route
from hub.topics.catalogue import Catalogue
from hub.topics.codec import Codec
from hub.topics.keys import FileKeyStore
from hub.topics.plain import to_plain
from hub.topics.policy_files import read_policy
from tests.integration.projected_world import rows, running, until
from tests.unit import released, worlds
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    HOUSING,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    RECOVERY,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from hub.adapters.database.pool import Pool
    from hub.settings import Settings
    from tests.unit.worlds import Staff

CALM_S = 0.6
"""Long enough for the router, the projector and the asker to have done what they will."""
HEALTH = {"consent": "c-1", "organisations": [RECOVERY], "classes": ["health"]}
SAID = {
    "referral": f"ref-{HOUSING}",
    "kind": "SESSION",
    "attendance": "ATTENDED",
    "affects": ["DEPENDENCY_RECOVERY"],
}


@dataclass(kw_only=True)
class Living:
    """One case on a running hub, and the hands that change it."""

    bootstrap: str
    catalogue: Catalogue
    codec: Codec
    pool: Pool
    publisher: IntakePublisher
    clients: dict[str, httpx.AsyncClient]
    app: Any = None
    """Its gateway, for tests that put it on a port."""
    ahead_ms: int = 0
    """How far the hub's clock is ahead of this machine's: for tests of what takes weeks."""
    database: str = ""
    home: Path | None = None
    """Where `hub` commands find what this hub has projected, and its keys."""
    _paper: worlds.World = field(default_factory=worlds.World)

    async def send(self, by: Staff, message: MessageName, payload: Mapping[str, object]) -> MessageId:
        """Append a message to the log; returns its id."""
        written = self._paper.submission(by, message, payload)
        await self.publisher.publish(written)
        return written.envelope.message_id

    async def taken(self, message: MessageId) -> None:
        """Wait until a message has been routed and projected, and what follows of it."""

        async def is_taken() -> bool:
            found = await rows(self.pool, "SELECT state FROM submission WHERE message_id = %s", message)
            assert found in ([], [("routed",)]), await rows(self.pool, "SELECT code, detail FROM quarantine")
            return bool(found)

        await until(is_taken)

    async def tell(self, by: Staff, message: MessageName, payload: Mapping[str, object]) -> MessageId:
        """Send a message and wait until it has been taken."""
        sent = await self.send(by, message, payload)
        await self.taken(sent)
        return sent

    async def put(self, kind: str, name: str, body: Mapping[str, object]) -> None:
        """Put a control record in force in every partition."""
        control_id = MessageId(derived_id("living", kind, name, str(self._paper.sent)))
        self._paper.sent += 1
        control = Control(control_id=control_id, kind=kind, name=name, effective_at=Instant(0), body=body)
        await publish_control(control, bootstrap=self.bootstrap, codec=self.codec, catalogue=self.catalogue)
        await wait_control(self.pool, control_id, self.catalogue.intake_partitions, 20)

    async def put_organisation(self, organisation: Organisation) -> None:
        """Put an organisation in force."""
        await self.put("organisation", organisation.organisation, organisation_body(organisation))

    async def suspend(self, name: OrganisationId, standing: Standing = Standing.SUSPENDED) -> None:
        """Suspend an organisation, or put it in force again."""
        await self.put_organisation(replace(self._paper.known[name], standing=standing))

    async def waiting(self, organisation: OrganisationId = RECOVERY) -> list[dict[str, Any]]:
        """What its mailbox lists."""
        answer = await self.clients[organisation].get("/v1/mailbox/messages?limit=100")
        return list(answer.raise_for_status().json()["messages"])

    async def fetch(self, delivery: str, organisation: OrganisationId = RECOVERY) -> httpx.Response:
        """Fetch one delivery."""
        return await self.clients[organisation].get(f"/v1/mailbox/messages/{delivery}")

    async def acknowledge(self, delivery: str, digest: str, organisation: OrganisationId = RECOVERY) -> int:
        """Acknowledge one delivery; returns the status of the answer."""
        path = f"/v1/mailbox/messages/{delivery}/status/acknowledged"
        return (await self.clients[organisation].put(path, json={"digest": digest})).status_code

    async def clear(self, organisation: OrganisationId = RECOVERY) -> None:
        """Fetch and acknowledge all that waits."""
        for each in await self.waiting(organisation):
            await self.fetch(each["delivery"], organisation)
            assert (
                await self.acknowledge(each["delivery"], each["digest"], organisation)
                == httpx.codes.NO_CONTENT
            )

    async def health_told(self) -> str:
        """Tell of health what the drug service may know; returns the delivery that waits for it."""
        sent = await self.tell(
            HOUSING_OFFICER, MessageName.PROGRESS, {**SAID, "health_note": "An invented illness"}
        )
        await until(lambda: self.has(sent))
        (row,) = await rows(
            self.pool,
            "SELECT delivery_id FROM delivery WHERE message_id = %s AND organisation = %s",
            sent,
            RECOVERY,
        )
        return str(row[0])

    def now(self) -> int:
        """The present moment."""
        return time.time_ns() // 1_000_000

    async def lists(self, delivery: str) -> bool:
        """Whether a delivery is listed."""
        return delivery in [each["delivery"] for each in await self.waiting()]

    async def has(self, message: MessageId) -> bool:
        """Whether something of a message has been put on its way to the drug service."""
        return bool(
            await rows(
                self.pool,
                "SELECT 1 FROM delivery WHERE message_id = %s AND organisation = %s",
                message,
                RECOVERY,
            )
        )

    async def row(self, delivery: str) -> tuple[bool, str | None, str]:
        """How one delivery stands: whether held, the verdict that settled it, its state."""
        (found,) = await rows(
            self.pool, "SELECT held, verdict, state FROM delivery WHERE delivery_id = %s", delivery
        )
        return bool(found[0]), found[1], str(found[2])

    async def stands(self, delivery: str, *, held: bool, verdict: str | None) -> None:
        """Wait until a delivery stands so."""

        async def does() -> bool:
            return (await self.row(delivery))[:2] == (held, verdict)

        await until(does)

    async def replacement(self, delivery: str) -> str:
        """Wait for the narrower delivery that takes the place of one; returns its id."""
        await self.stands(delivery, held=False, verdict="replace")
        (row,) = await rows(self.pool, "SELECT delivery_id FROM delivery WHERE replaces = %s", delivery)
        return str(row[0])

    def projector(self, **limits: int) -> Projector:
        """A projector of this hub."""
        return Projector(
            bootstrap=self.bootstrap,
            pool=self.pool,
            codec=self.codec,
            catalogue=self.catalogue,
            limits=ProjectorLimits(**limits),
        )

    def asker(self, **limits: float) -> Asker:
        """One who asks about what is held."""
        return Asker(
            pool=self.pool,
            codec=self.codec,
            append=self.publisher.append,
            limits=ProjectorLimits(ask_interval_ms=50, **limits),  # type: ignore[arg-type]
        )

    def router(self) -> Router:
        """A router of this hub."""
        limits = Limits(session_timeout_ms=6_000, heartbeat_ms=500, tick_interval_ms=100)
        return Router(
            self.bootstrap,
            codec=self.codec,
            catalogue=self.catalogue,
            route=route,
            limits=limits,
            clock=_Ahead(self),
        )


class _Ahead(Clock):
    """The time of a hub whose clock runs ahead of the broker's, or behind it."""

    def __init__(self, living_: Living) -> None:
        self._living = living_

    def at(self, stamp_ms: int) -> Instant:
        """Return the moment of a record, moved by as much as the hub's clock is ahead now."""
        return Instant(stamp_ms + self._living.ahead_ms)


@asynccontextmanager
async def living(  # noqa: PLR0913 - each is something of its own
    kafka: str,
    database: str,
    *,
    prefix: str,
    folder: Path,
    settings: Settings,
    asking: bool = True,
    elsewhere: str = "",
    before: Callable[[Living], Awaitable[None]] | None = None,
) -> AsyncIterator[Living]:
    """A hub at work with one case: its team, a drug service with consent to health, a housing provider.

    The role `elsewhere` is not run in this process: `before` starts it, before there is a case.
    """
    upgrade(database)
    codec = Codec(library=worlds.library(), keys=FileKeyStore(folder / "instances" / "default" / "keys"))
    catalogue = Catalogue(intake_partitions=2, prefix=prefix)
    names = tuple(each.organisation for each in worlds.usual_organisations())
    await apply(catalogue.topics(names), bootstrap=kafka)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(database))
        publisher = IntakePublisher(kafka, codec=codec, catalogue=catalogue)
        await publisher.start()
        stack.push_async_callback(publisher.stop)
        ends = Ends(kafka, catalogue=catalogue)
        await ends.start()
        stack.push_async_callback(ends.stop)
        app = create_gateway(
            pool=pool,
            intake=publisher,
            library=codec.library,
            pairwise=codec.pairwise,
            keys=codec.keys,
            settings=settings,
            ends=ends,
        )
        made = Living(
            bootstrap=kafka,
            catalogue=catalogue,
            codec=codec,
            pool=pool,
            publisher=publisher,
            clients={},
            app=app,
            database=database,
            home=folder,
        )
        for name in names:
            made.clients[name] = await stack.enter_async_context(await _client(app, pool, name))
        roles = {"router": made.router().run, "projector": made.projector().run}
        roles |= {"asker": made.asker().run} if asking else {}
        for role in (run for name, run in roles.items() if name != elsewhere):
            _ = await stack.enter_async_context(running(role))
        if before is not None:
            await before(made)
        await _begin(made)
        yield made
    await remove([topic.name for topic in catalogue.topics(names)], bootstrap=kafka)


async def _client(app: Any, pool: Pool, name: str) -> httpx.AsyncClient:  # noqa: ANN401 - an ASGI application
    key = new_key()
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO credential (key_hash, organisation) VALUES (%s, %s)", (key_hash(key), name)
        )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://hub.example",
        headers={"Authorization": f"Bearer {key}"},
    )


async def _begin(made: Living) -> None:
    for each in worlds.usual_organisations():
        await made.put_organisation(each)
    await made.put("policy", "current", released.body(read_policy(), "usual"))
    opening = {"action": "OPENED", "jurisdiction": "ENGLAND_AND_WALES", "tier": 2, "in_scope": True}
    await made.send(ADMINISTRATOR, MessageName.CASE, opening)
    for whom in (MANAGER, ADMINISTRATOR):
        role = {"role": whom.role.value, "organisation": whom.organisation, "person": whom.person}
        await made.tell(LINE_MANAGER, MessageName.TEAM_CHANGE, {"action": "APPOINT", "grade": "PO", **role})
    for worker in (COUNSELLOR, HOUSING_OFFICER):
        provider = worker.organisation
        offer = {
            "referral": f"ref-{provider}",
            "action": "OFFER",
            "provider": provider,
            "rung": worlds.RUNGS[provider],
            "typology": "BARRIER_FACTORS",
            "nature": "REHABILITATIVE",
            "category": worlds.CATEGORIES[provider],
            "intervention": "An invented intervention",
        }
        await made.tell(MANAGER, MessageName.REFERRAL, offer)
        accept = {"referral": f"ref-{provider}", "action": "ACCEPT", "key_worker": worker.person}
        await made.tell(worker, MessageName.REFERRAL, accept)
    await made.tell(MANAGER, MessageName.CONSENT, {**HEALTH, "action": "GIVEN"})


def organisation_body(organisation: Organisation) -> dict[str, object]:
    """What a control record says of an organisation."""
    plain = {each.name: _plain(getattr(organisation, each.name)) for each in fields(organisation)}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, frozenset | tuple):
        return [_plain(each) for each in sorted(value, key=str)]
    if hasattr(value, "__dataclass_fields__"):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}  # type: ignore[arg-type]
    return to_plain(value)
