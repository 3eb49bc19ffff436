"""An override by the hub's own doors: asked for, agreed to, used, ended; a break-glass reported."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from hub.app import running
from hub.cli.partner import amended
from hub.consent.parties import Access
from tests.integration.projected_world import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.app import Hub
    from hub.settings import Settings

REGION, HOUSING = "example-region", "example-housing"
WAIT_S = 30
GLASS_S = 4
PURPOSES = ["case_administration", "referral", "progress", "risk_alert"]


def organisation(name: str, **changes: object) -> dict[str, object]:
    """An organisation's description, a probation region unless changed."""
    return {
        "organisation": name,
        "name": name.replace("-", " ").title(),
        "kind": "probation",
        "rung": 1,
        "legal_status": "in_house",
        "status_evidence": "Example order",
        "standing": "active",
        "purposes": [*PURPOSES, "rights"],
        "sends": ["case", "team-change", "referral", "consent"],
        "access": "all_cases",
        "policy_document": True,
        **changes,
    }


class Party:
    """One organisation at the hub's HTTP door."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """Post and fetch with this client, which carries the organisation's key."""
        self.http = http
        self.case: str | None = None
        self.posted = 0

    async def post(
        self, route: str, data: dict[str, object], *, author: str = "om-fern", role: str = "offender_manager"
    ) -> httpx.Response:
        """Post a message on the case as somebody."""
        self.posted += 1
        body = {
            "contract": "1.0",
            "occurred_at": "2026-03-02T09:15:00Z",
            "author": author,
            "author_role": role,
            "statement": "fact",
            "data": data,
            **({} if self.case is None else {"case": self.case}),
        }
        return await self.http.post(
            f"/v1/{route}", json=body, headers={"Idempotency-Key": f"key-{self.posted}"}
        )

    async def taken(self, route: str, data: dict[str, object], **by: str) -> dict[str, Any]:
        """Post a message that must be taken."""
        answer = await self.post(route, data, **by)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return dict(answer.json())

    async def routed(self, url: str) -> None:
        """Wait until a message posted has been decided on."""
        async with asyncio.timeout(WAIT_S):
            while True:
                if (await self.http.get(url)).json()["state"] == "routed":
                    return
                await asyncio.sleep(0.1)

    async def delivered(self, message: str, **holding: object) -> dict[str, Any]:
        """Wait for a delivery of this type whose fields are these; return it."""
        async with asyncio.timeout(WAIT_S):
            while True:
                listed = (await self.http.get("/v1/mailbox/messages")).json()
                for each in listed["messages"]:
                    # What is being decided anew is not handed over; it comes with the next look.
                    shown = (await self.http.get(f"/v1/mailbox/messages/{each['delivery']}")).json()
                    data = shown.get("data", {})
                    if data and each["type"] == message and all(data.get(k) == v for k, v in holding.items()):
                        return dict(shown)
                await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def party(hub: Hub, key: str) -> AsyncIterator[Party]:
    """Stand at the door with a key."""
    async with httpx.AsyncClient(
        base_url=hub.http_url, timeout=10, headers={"Authorization": f"Bearer {key}"}
    ) as http:
        yield Party(http)


async def open_case(region: Party) -> None:
    """Open a case, appoint its Offender Manager, refer the person to the housing provider."""
    opened = await region.taken(
        "cases", {"action": "OPENED", "forename": "First", "jurisdiction": "ENGLAND_AND_WALES", "tier": 2}
    )
    region.case = str(opened["case"])
    om: dict[str, object] = {
        "action": "APPOINT",
        "role": "offender_manager",
        "organisation": REGION,
        "person": "om-fern",
    }
    await region.taken("team-changes", om)
    referral: dict[str, object] = {
        "referral": "RF-1",
        "action": "OFFER",
        "provider": HOUSING,
        "rung": 3,
        "typology": "BARRIER_FACTORS",
        "nature": "REHABILITATIVE",
        "category": "ACCOMMODATION",
        "forename": "Testperson",
    }
    await region.taken("referrals", referral)


async def sentence_told(region: Party, housing: Party, *, forename: str) -> object:
    """Say something of the sentence, and return what the housing provider is told of it."""
    change: dict[str, object] = {
        "action": "CHANGED",
        "forename": forename,
        "sentence_type": "COMMUNITY_ORDER",
    }
    await region.taken("cases", change)
    delivery = await housing.delivered("case", forename=forename)
    return delivery["data"].get("sentence_type")


def opening(action: str, reference: str, *, seconds: int) -> dict[str, object]:
    """An override of the offence for the housing provider, for some seconds."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return {
        "consent": reference,
        "action": action,
        "organisations": [HOUSING],
        "classes": ["offence"],
        "until": until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "reason": "An invented reason",
    }


async def refusals(hub: Hub, *, wanted: int) -> list[str]:
    """Wait for records set aside; return their codes."""
    async with asyncio.timeout(WAIT_S):
        while True:
            async with await psycopg.AsyncConnection.connect(hub.dsn) as connection:
                rows = await (await connection.execute("SELECT code FROM quarantine")).fetchall()
            if len(rows) >= wanted:
                return [row[0] for row in rows]
            await asyncio.sleep(0.1)


@pytest.mark.requirement("R-DIS-07", "R-MSG-11")
@pytest.mark.timeout(180)
async def test_an_override_opens_a_field_to_a_partner_from_the_agreement_to_its_end(
    settings: Settings,
) -> None:
    """Posted by HTTP, decided in the log, delivered to the mailbox, written in the ledger."""
    async with running(settings, ephemeral=True) as hub:
        region_key = await hub.add_organisation(organisation(REGION))
        mainstream = organisation(
            HOUSING, kind="partner", rung=3, legal_status="listed", sends=["referral"], purposes=PURPOSES
        )
        housing_key = await hub.add_organisation(mainstream)
        async with party(hub, region_key) as region, party(hub, housing_key) as housing:
            await open_case(region)
            assert await sentence_told(region, housing, forename="Before") is None

            incomplete = opening("OVERRIDE_REQUESTED", "OV-1", seconds=600) | {"reason": None, "until": None}
            answer = await region.post("consents", incomplete)
            assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
            assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/data/reason", "/data/until"}

            await region.taken("consents", opening("OVERRIDE_REQUESTED", "OV-1", seconds=600))
            assert (await region.delivered("consent", consent="OV-1"))["data"][
                "action"
            ] == "OVERRIDE_REQUESTED"
            agreement: dict[str, object] = {"consent": "OV-1", "action": "OVERRIDE_APPROVED"}
            await region.taken("consents", agreement, author="om-fern", role="line_manager")
            assert await refusals(hub, wanted=1) == ["OVERRIDE-NEEDS-ANOTHER"]
            assert await sentence_told(region, housing, forename="Asked") is None

            await region.taken("consents", agreement, author="lm-oak", role="line_manager")
            assert await sentence_told(region, housing, forename="Agreed") == "COMMUNITY_ORDER"

            await region.taken("consents", {"consent": "OV-1", "action": "GRANT_ENDED"})
            assert await sentence_told(region, housing, forename="Ended") is None
            # What was fetched and not acknowledged is replaced by what goes without the override.
            await housing.delivered("case", forename="Agreed", sentence_type=None)

            await region.taken("consents", opening("BREAK_GLASS", "BG-1", seconds=GLASS_S))
            assert await sentence_told(region, housing, forename="Broken") == "COMMUNITY_ORDER"
            used = await region.delivered("exception", code="BREAK-GLASS-USED")
            await region.delivered("exception", code="BREAK-GLASS-NOT-REVIEWED")
            assert await sentence_told(region, housing, forename="Over") is None

            async def both_kinds_wait() -> bool:
                told = (await housing.http.get("/v1/mailbox/messages")).json()["messages"]
                return {each["type"] for each in told} == {"case", "referral"}

            # What waits is held while it is decided again without what has ended; then it may go.
            await until(both_kinds_wait)
        async with await psycopg.AsyncConnection.connect(hub.dsn) as connection:
            found = await connection.execute(
                "SELECT count(DISTINCT message_id) FROM ledger, jsonb_array_elements(fields) AS field"
                " WHERE organisation = %s AND field->>'basis' = 'OVERRIDE'"
                " AND field->>'path' = 'sentence_type'"
                " AND field->'rules' ? 'everywhere.override'",
                (HOUSING,),
            )
            assert await found.fetchone() == (2,)
    assert used["data"]["detail"]


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.timeout(120)
async def test_an_organisation_whose_access_is_not_known_learns_nothing_until_it_is(
    settings: Settings,
) -> None:
    """Unknown is limited; said by the operator, it counts from the next message on."""
    async with running(settings, ephemeral=True) as hub:
        region_key = await hub.add_organisation(organisation(REGION))
        unknown = organisation(
            HOUSING, kind="partner", rung=3, legal_status="listed", purposes=PURPOSES, sends=[], access=None
        )
        housing_key = await hub.add_organisation(unknown)
        async with party(hub, region_key) as region, party(hub, housing_key) as housing:
            await open_case(region)
            said: dict[str, object] = {"action": "CHANGED", "forename": "Unseen"}
            answer = await region.taken("cases", said)
            await region.routed(str(answer["status_url"]))
            body = amended(await hub.organisation(HOUSING), {"access": Access.NAMED_CASES.value})
            await hub.put_organisation(body)
            await sentence_told(region, housing, forename="Seen")
            listed = (await housing.http.get("/v1/mailbox/messages")).json()["messages"]
            assert len(listed) == 1
