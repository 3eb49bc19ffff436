"""Cases told through the gateway to a running hub, and what each recipient then finds in its mailbox."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

from hub.adapters.gateway.routes import route_of
from hub.messages.envelope import MessageName
from hub.messages.identifiers import CaseRef, OrganisationId
from hub.settings import load
from tests.integration.living_world import living
from tests.integration.projected_world import until
from tests.unit import worlds
from tests.unit.worlds import ADMINISTRATOR, LINE_MANAGER, MANAGER, PROBATION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.living_world import Living
    from tests.unit.worlds import Staff

DECIDED_S = 20.0
MOMENTS = frozenset({"at", "session_at"})
"""Fields that are moments, here in milliseconds and for the gateway in ISO 8601."""


@dataclass(frozen=True, kw_only=True)
class Got:
    """One delivery as its recipient has it."""

    delivery: str
    message: str
    role: str
    data: dict[str, Any]
    priority: str


@dataclass(kw_only=True)
class Told:
    """One case, told by those who work on it."""

    hub: Living
    ref: CaseRef | None = None
    seen: dict[str, set[str]] = field(default_factory=dict)

    async def post(self, by: Staff, message: MessageName, **data: object) -> str:
        """Post a message through the gateway and wait for what becomes of it; returns its state."""
        body = {
            "contract": "1.0",
            "occurred_at": _written(self.hub.now()),
            "author": by.person,
            "author_role": by.role.value,
            "statement": "fact",
            "data": {name: _written(held) if name in MOMENTS else held for name, held in data.items()},
        }
        if self.ref is not None:
            body["case"] = self.hub.codec.pairwise.case(by.organisation, self.ref)
        client = self.hub.clients[by.organisation]
        key = {"Idempotency-Key": uuid.uuid4().hex}
        answer = await client.post(route_of(message), json=body, headers=key)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        said = answer.json()
        if self.ref is None:
            self.ref = self.hub.codec.pairwise.case_from(by.organisation, said["case"])
        return await self._decided(client, said["message"])

    async def _decided(self, client: httpx.AsyncClient, message: str) -> str:
        async with asyncio.timeout(DECIDED_S):
            while (state := (await client.get(f"/v1/messages/{message}")).json()["state"]) == "accepted":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return str(state)

    async def pass_time(self, milliseconds: int) -> None:
        """Let the hub's clock go on, and let a message wake it: it sleeps by the machine's clock."""
        self.hub.ahead_ms += milliseconds
        await self.post(ADMINISTRATOR, MessageName.CASE, action="CHANGED")

    async def mailbox(self, organisation: OrganisationId) -> list[Got]:
        """Everything of this case that an organisation has been given, in order."""
        client = self.hub.clients[organisation]
        assert self.ref is not None
        own = self.hub.codec.pairwise.case(organisation, self.ref)
        found: list[Got] = []
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            page = (await client.get("/v1/mailbox/messages", params={"limit": "100", **more})).json()
            for entry in page["messages"]:
                body = (await client.get(f"/v1/mailbox/messages/{entry['delivery']}")).json()
                if own in str(body["envelope"]):
                    found.append(_got(entry, body))
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def gets(self, by: Staff, message: MessageName, count: int = 1, **data: object) -> list[Got]:
        """Wait until somebody has been given so many messages that say this; returns them all."""
        found: list[Got] = []

        async def has() -> bool:
            found[:] = [
                each for each in await self.mailbox(by.organisation) if _says(each, by, message, data)
            ]
            return len(found) >= count

        try:
            await until(has)
        except TimeoutError:
            said = [(each.message, each.role, each.data) for each in await self.mailbox(by.organisation)]
            raise AssertionError(said) from None
        return found

    async def reported(self, code: str, by: Staff = MANAGER, count: int = 1) -> list[Got]:
        """Wait until somebody has so many exception reports of a code; returns them all."""
        return await self.gets(by, MessageName.EXCEPTION, count, code=code)

    async def told(self, by: Staff, message: MessageName, **data: object) -> list[Got]:
        """Return what somebody has been given that says this, without waiting for more."""
        return [each for each in await self.mailbox(by.organisation) if _says(each, by, message, data)]


def _says(got: Got, by: Staff, message: MessageName, data: dict[str, object]) -> bool:
    same = (got.message, got.role) == (message.value, by.role.value)
    return same and all(got.data.get(name) == value for name, value in data.items())


def _got(entry: dict[str, Any], body: dict[str, Any]) -> Got:
    headers = {name.lower(): value for name, value in body["envelope"].items()}
    return Got(
        delivery=entry["delivery"],
        message=entry["type"],
        role=headers["hub-role"],
        data=body["data"],
        priority=headers.get("hub-urgency", ""),
    )


def _written(moment: object) -> str:
    return datetime.fromtimestamp(int(str(moment)) / 1000, tz=UTC).isoformat(timespec="milliseconds")


async def begun(hub: Living, *, tier: int = 2, **fields: object) -> Told:
    """Open a case with an Offender Manager, an administrator and a line manager."""
    told = Told(hub=hub)
    opened = {"action": "OPENED", "jurisdiction": "ENGLAND_AND_WALES", "tier": tier, "in_scope": True}
    assert await told.post(ADMINISTRATOR, MessageName.CASE, **{**opened, **fields}) == "routed"
    for whom in (MANAGER, ADMINISTRATOR, LINE_MANAGER):
        await appoint(told, whom)
    return told


async def appoint(told: Told, whom: Staff) -> None:
    """Appoint somebody to the team."""
    person = {"role": whom.role.value, "organisation": whom.organisation, "person": whom.person}
    state = await told.post(LINE_MANAGER, MessageName.TEAM_CHANGE, action="APPOINT", grade="PO", **person)
    assert state == "routed"


async def engage(told: Told, worker: Staff) -> str:
    """Refer the person to a Key Worker's organisation, which accepts; returns the referral."""
    provider = worker.organisation
    referral = f"ref-{provider}"
    offer = {
        "provider": provider,
        "rung": worlds.RUNGS[provider],
        "typology": "BARRIER_FACTORS",
        "nature": "REHABILITATIVE",
        "category": worlds.CATEGORIES[provider],
        "intervention": "An invented intervention",
    }
    assert (
        await told.post(MANAGER, MessageName.REFERRAL, referral=referral, action="OFFER", **offer) == "routed"
    )
    accept = {"referral": referral, "action": "ACCEPT", "key_worker": worker.person}
    assert await told.post(worker, MessageName.REFERRAL, **accept) == "routed"
    return referral


async def assess(told: Told, by: Staff = MANAGER, **fields: object) -> str:
    """Send an assessment that finds two needs."""
    needs = [{"need": need, "severity": "SIGNIFICANT"} for need in worlds.NEEDS]
    return await told.post(
        by, MessageName.ASSESSMENT, assessment=uuid.uuid4().hex, kind="OASYS", needs=needs, **fields
    )


@asynccontextmanager
async def working_hub(kafka: str, database: str, folder: Path) -> AsyncIterator[Living]:
    """A whole hub on a database of its own, for all tests of a module."""
    name = f"t{uuid.uuid4().hex[:10]}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        dsn = urlunsplit(urlsplit(database)._replace(path=f"/{name}"))
        try:
            settings = load(instance=name)
            async with living(kafka, dsn, prefix=f"{name}.", folder=folder, settings=settings) as made:
                yield made
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


__all__ = ["PROBATION", "Got", "Told", "appoint", "assess", "begun", "engage", "working_hub"]
