"""A hub in operation with a probation region, two prisons, their service's system and a drug service.

Everything goes in by the doors organisations have, and is read where they read it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from hub.app import running
from hub.messages.identifiers import OrganisationId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from hub.app import Hub
    from hub.settings import Settings

REGION, SERVICE, RECOVERY = "north-region", "prison-service", "river-recovery"
PRISONS = {"hmp-mock-moorland": "MDI", "hmp-mock-leeds": "LEI"}
MOORLAND, LEEDS = PRISONS
WAIT_S = 30
AT_ONCE, HELD_BACK = "prisoner-offender-search.prisoner", "prison-offender-events.prisoner"
OM = ("offender_manager", "om-fern")
UNIT = ("offender_management_unit", "omu-1")
WORKER = ("key_worker", "kw-reed")
PURPOSES = ["case_administration", "assessment", "referral", "sentence_plan", "progress", "risk_alert"]


def organisation(name: str, kind: str, **facts: object) -> dict[str, object]:
    """An organisation's description."""
    return {
        "organisation": name,
        "name": f"{name} (invented)",
        "kind": kind,
        "rung": 1,
        "legal_status": "in_house",
        "status_evidence": "Example order",
        "standing": "active",
        "purposes": [*PURPOSES, "transfer_release", "enforcement", "rights"],
        "sends": [
            "case",
            "team-change",
            "referral",
            "prison-event",
            "progress",
            "review",
            "risk-change",
            "correction",
        ],
        "access": "all_cases",
        "policy_document": True,
        **facts,
    }


ORGANISATIONS = (
    organisation(REGION, "probation", region="N54"),
    organisation(MOORLAND, "prison", prison="MDI"),
    organisation(LEEDS, "prison", prison="LEI", kafka=["prison-event"]),
    organisation(SERVICE, "prison", prison="every", sends=["case", "prison-event"]),
    organisation(RECOVERY, "partner", rung=2, legal_status="under_arrangements"),
)


@dataclass(kw_only=True)
class Delivered:
    """One delivery as its recipient has it."""

    delivery: str
    envelope: Mapping[str, str]
    data: Mapping[str, Any]


@dataclass(kw_only=True)
class Party:
    """One organisation at the hub's doors."""

    name: str
    http: httpx.AsyncClient
    seen: set[str] = field(default_factory=set)

    async def post(
        self, message: str, case: str | None, data: Mapping[str, object], by: tuple[str, str]
    ) -> str:
        """Post a message in a role; returns the address at which its state is asked."""
        body = {
            "contract": "1.0",
            "occurred_at": "2026-03-02T09:15:00Z",
            "author": by[1],
            "author_role": by[0],
            "statement": "fact",
            "data": data,
            **({} if case is None else {"case": case}),
        }
        answer = await self.http.post(
            f"/v1/{message}", json=body, headers={"Idempotency-Key": uuid.uuid4().hex}
        )
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return str(answer.json().get("case") or answer.json()["status_url"])

    async def state(self, url: str) -> str:
        """Wait until a message is decided; returns its state."""
        async with asyncio.timeout(WAIT_S):
            while True:
                state = str((await self.http.get(url)).json()["state"])
                if state != "accepted":
                    return state
                await asyncio.sleep(0.05)

    async def say(
        self, message: str, case: str, data: Mapping[str, object], by: tuple[str, str] = OM
    ) -> None:
        """Post a message that is to be taken, and wait until it is."""
        assert await self.state(await self.post(message, case, data, by)) == "routed", (message, data)

    async def event(self, document: Mapping[str, object]) -> httpx.Response:
        """Hand on an event of the prison system, as it is."""
        return await self.http.post("/v1/hmpps-events", json=document)

    async def event_taken(self, document: Mapping[str, object]) -> None:
        """Hand on an event until its person's case is known: the index follows the log."""
        async with asyncio.timeout(WAIT_S):
            while True:
                answer = (await self.event(document)).json()
                if await self.state(answer["status_url"]) == "routed":
                    return
                await asyncio.sleep(0.2)

    async def mailbox(self) -> list[str]:
        """The ids of everything that waits in the mailbox."""
        listed = (await self.http.get("/v1/mailbox/messages?limit=500")).json()
        return [each["delivery"] for each in listed["messages"]]

    async def waiting(self, message: str) -> list[Delivered]:
        """What of one type waits in the mailbox, oldest first, each with what it says."""
        listed = (await self.http.get(f"/v1/mailbox/messages?message={message}&limit=500")).json()
        found = []
        for each in listed["messages"]:
            shown = (await self.http.get(f"/v1/mailbox/messages/{each['delivery']}")).json()
            if "data" in shown:
                found.append(
                    Delivered(delivery=each["delivery"], envelope=shown["envelope"], data=shown["data"])
                )
        return found

    async def of_case(self, message: str, case: str) -> list[Delivered]:
        """What of one type waits on one case."""
        return [each for each in await self.waiting(message) if each.envelope["ce_subject"] == case]

    async def told(self, message: str, case: str, **holding: object) -> Delivered:
        """Wait for a delivery on a case that says this and was not returned before."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for each in await self.of_case(message, case):
                    is_new = each.delivery not in self.seen
                    if is_new and all(each.data.get(name) == value for name, value in holding.items()):
                        self.seen.add(each.delivery)
                        return each
                await asyncio.sleep(0.1)


@dataclass(kw_only=True)
class CustodyWorld:
    """The hub, and everybody at its doors."""

    hub: Hub
    region: Party
    moorland: Party
    leeds: Party
    service: Party
    recovery: Party

    async def opened(self, number: str) -> str:
        """Open a case of somebody with this prison number, with an OM; returns the region's reference."""
        opening = {"action": "OPENED", "jurisdiction": "ENGLAND_AND_WALES", "tier": 2, "noms_number": number}
        case = await self.region.post(
            "cases", None, opening | {"in_scope": True}, ("case_administrator", "ca-1")
        )
        duty = {
            "action": "APPOINT",
            "role": OM[0],
            "organisation": REGION,
            "person": OM[1],
            "grade": "PO",
        }
        await self.region.say("team-changes", case, duty, OM)
        return case

    async def referred(self, case: str) -> str:
        """Refer the person to the drug service, which accepts; returns the service's reference."""
        offer = {
            "referral": "RF-1",
            "action": "OFFER",
            "provider": RECOVERY,
            "rung": 2,
            "typology": "BARRIER_FACTORS",
            "nature": "REHABILITATIVE",
            "category": "DEPENDENCY_RECOVERY",
            "intervention": f"Invented work {uuid.uuid4().hex}",
        }
        await self.region.say("referrals", case, offer)
        theirs = await self._case_of_offer(offer["intervention"])
        accept = {"referral": "RF-1", "action": "ACCEPT", "key_worker": WORKER[1]}
        await self.recovery.say("referrals", theirs, accept, WORKER)
        return theirs

    async def _case_of_offer(self, intervention: object) -> str:
        async with asyncio.timeout(WAIT_S):
            while True:
                for each in await self.recovery.waiting("referral"):
                    if each.data["intervention"] == intervention:
                        return each.envelope["ce_subject"]
                await asyncio.sleep(0.1)

    async def by_kafka(self, *documents: Mapping[str, object]) -> None:
        """Write events to the prison service's own topic, as they are."""
        producer = AIOKafkaProducer(bootstrap_servers=self.hub.bootstrap)
        await producer.start()
        try:
            for each in documents:
                await producer.send_and_wait(f"hub.in.{SERVICE}", json.dumps(each).encode(), key=b"one")
        finally:
            await producer.stop()

    async def on_topic(self, organisation: str) -> list[Mapping[str, str]]:
        """Headers of every record on an organisation's own topic."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.hub.bootstrap, isolation_level="read_committed")
        await consumer.start()
        try:
            made = self.hub.catalogue.organisation_topics(OrganisationId(organisation))
            (topic,) = (each for each in made if each.name.startswith("hub.to."))
            parts = [TopicPartition(topic.name, each) for each in range(topic.partitions)]
            consumer.assign(parts)
            await consumer.seek_to_beginning(*parts)
            ends = await consumer.end_offsets(parts)
            found: list[Mapping[str, str]] = []
            while any([await consumer.position(part) < ends[part] for part in parts]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [{name: value.decode() for name, value in each.headers} for each in records]
            return found
        finally:
            await consumer.stop()

    async def refusals(self) -> list[str]:
        """The codes of everything set aside, oldest first, as staff see them."""
        async with await psycopg.AsyncConnection.connect(self.hub.dsn) as connection:
            rows = await connection.execute("SELECT code FROM quarantine ORDER BY set_aside_at")
            return [row[0] for row in await rows.fetchall()]


def event(kind: str, number: str, reason: str, code: str | None = None, **more: object) -> dict[str, Any]:
    """An event as the prison system publishes it; `prison` and `at` say where and when."""
    information = {
        "nomsNumber": number,
        "reason": reason,
        "prisonId": more.pop("prison", "MDI"),
        "details": "Invented free text",
        **({} if code is None else {"nomisMovementReasonCode": code}),
    }
    return {
        "eventType": kind,
        "version": 1,
        "occurredAt": more.pop("at", "2026-03-02T09:15:00Z"),
        "publishedAt": "2026-03-02T10:00:04Z",
        "additionalInformation": information | more,
        "personReference": {"identifiers": [{"type": "NOMS", "value": number}]},
    }


@contextlib.asynccontextmanager
async def custody_world(settings: Settings) -> AsyncIterator[CustodyWorld]:
    """A hub with all its roles, and its organisations in force."""
    async with contextlib.AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running(settings))
        parties = []
        for body in ORGANISATIONS:
            key = await hub.add_organisation(body)
            http = httpx.AsyncClient(
                base_url=hub.http_url, timeout=20, headers={"Authorization": f"Bearer {key}"}
            )
            parties.append(Party(name=str(body["organisation"]), http=await stack.enter_async_context(http)))
        region, moorland, leeds, service, recovery = parties
        yield CustodyWorld(
            hub=hub, region=region, moorland=moorland, leeds=leeds, service=service, recovery=recovery
        )
