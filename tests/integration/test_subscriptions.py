"""An organisation asks to be alerted, staff approve it, and what comes of it is decided for each case."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from hub.app import running
from hub.cli import app
from tests.integration.projected_world import until
from tests.integration.test_overrides import HOUSING, PURPOSES, REGION, organisation, party

if TYPE_CHECKING:
    from hub.app import Hub
    from hub.settings import Settings
    from tests.integration.test_overrides import Party

OTHER = "other-region"
ASKED = {"messages": ["risk-change"], "levels": ["IMMEDIATE", "SAME_DAY"], "managed_by": REGION}
OM = {"action": "APPOINT", "role": "offender_manager", "organisation": REGION, "person": "om-fern"}
BY = ("--by", "Tomasz Birch", "--why", "duty desk")


async def command(hub: Hub, *arguments: str) -> str:
    """What a command says."""
    environment = {"HUB_INSTANCE": hub.settings.instance, "HUB_KAFKA": hub.bootstrap, "HUB_DATABASE": hub.dsn}
    done = await asyncio.to_thread(CliRunner().invoke, app, ["subscription", *arguments], env=environment)
    assert done.exception is None, done.exception
    return str(done.output)


async def settled(hub: Hub) -> str:
    """What the list says on how the newest was settled, but for when and by which login."""
    (_, _, said, _) = (await command(hub, "list", "--limit", "1")).splitlines()
    return re.sub(r"\(\S+\)", "(me)", re.sub(r"20\d\d-\d\d-\d\d \d\d:\d\d", "T", said.strip()))


async def check_unknown_caseload_is_refused(asks: Party) -> None:
    """Check that an organisation there is not is refused at the door, by field, and is not repeated."""
    answer = await asks.http.post("/v1/subscriptions", json=ASKED | {"managed_by": "no-region"})
    assert (answer.status_code, answer.json()["code"]) == (422, "payload-invalid")
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/managed_by"]
    assert "no-region" not in answer.text


async def check_taken_back(hub: Hub, asks: Party) -> None:
    """Check that staff see of one its organisation took back that nobody of theirs settled it."""
    made = (await asks.http.post("/v1/subscriptions", json=ASKED)).json()["subscription"]
    await asks.http.delete(f"/v1/subscriptions/{made}")
    assert await settled(hub) == "taken back by its organisation T"


async def considered(hub: Hub, name: str) -> list[tuple[Any, ...]]:
    """The decisions on risk changes for an organisation."""
    async with await psycopg.AsyncConnection.connect(hub.dsn) as connection:
        found = await connection.execute(
            "SELECT role, concern, delivers FROM ledger WHERE organisation = %s AND message = 'risk-change'",
            (name,),
        )
        return list(await found.fetchall())


async def alert(region: Party) -> None:
    """Post an urgent change of risk, and wait until it is decided on."""
    taken = await region.taken("risk-changes", {"kind": "ROSH", "urgency": "SAME_DAY", "rosh_level": "HIGH"})
    await region.routed(str(taken["status_url"]))


@pytest.mark.requirement("R-RTE-08")
@pytest.mark.public_door
@pytest.mark.timeout(180)
async def test_a_subscription_is_asked_for_approved_decided_per_case_and_ended(settings: Settings) -> None:
    """Before approval and after its end nobody is considered; a subscription alone tells nothing."""
    async with running(settings) as hub:
        sends = ["case", "team-change", "risk-change"]
        region_key = await hub.add_organisation(organisation(REGION, sends=sends))
        other_key = await hub.add_organisation(organisation(OTHER, sends=[]))
        housing = organisation(
            HOUSING, kind="partner", rung=3, legal_status="listed", purposes=PURPOSES, sends=[]
        )
        housing_key = await hub.add_organisation(housing)
        async with (
            party(hub, region_key) as region,
            party(hub, other_key) as other,
            party(hub, housing_key) as stranger,
        ):
            opened = await region.taken(
                "cases",
                {"action": "OPENED", "forename": "First", "jurisdiction": "ENGLAND_AND_WALES", "tier": 2},
            )
            region.case = str(opened["case"])
            om = {
                "action": "APPOINT",
                "role": "offender_manager",
                "organisation": REGION,
                "person": "om-fern",
            }
            await region.taken("team-changes", dict(om))

            asked = await other.http.post("/v1/subscriptions", json=ASKED)
            again = await other.http.post("/v1/subscriptions", json=ASKED)
            assert asked.status_code == httpx.codes.OK, asked.text
            assert (asked.json(), asked.json()["state"]) == (again.json(), "pending")
            named = asked.json()["subscription"]
            refused = await other.http.post("/v1/subscriptions", json={"messages": ["plan"]})
            assert [each["pointer"] for each in refused.json()["errors"]] == ["/messages"]
            await check_unknown_caseload_is_refused(other)
            foreign = await stranger.http.delete(f"/v1/subscriptions/{named}")
            unknown = await stranger.http.delete("/v1/subscriptions/none")
            assert (foreign.status_code, foreign.content) == (httpx.codes.NOT_FOUND, unknown.content)
            assert (await stranger.http.get("/v1/subscriptions")).json() == {"subscriptions": []}
            await alert(region)
            assert await considered(hub, OTHER) == []

            assert f"{named} of {OTHER} is approved" in await command(hub, "approve", named, *BY)
            assert await settled(hub) == "approved T by Tomasz Birch (me): duty desk"
            await alert(region)
            await until(lambda: _is(hub, [("subscriber", "subscribed", False)]))
            assert (await other.http.get("/v1/mailbox/messages")).json()["messages"] == []
            assert await considered(hub, HOUSING) == []

            asked = await other.http.delete(f"/v1/subscriptions/{named}")
            assert asked.json()["state"] == "end_asked"
            assert await settled(hub) == "end asked for T; approved by Tomasz Birch (me): duty desk"
            assert f"{named} of {OTHER} is ended" in await command(hub, "end", named, *BY)
            assert await settled(hub) == "ended T by Tomasz Birch (me): duty desk"
            await alert(region)
            assert len(await considered(hub, OTHER)) == 1
            await check_taken_back(hub, stranger)


async def _is(hub: Hub, wanted: list[tuple[Any, ...]]) -> bool:
    return await considered(hub, OTHER) == wanted
