"""A correction reaches what a case acts on, from the door it comes in by to whoever was to be told."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from typing import TYPE_CHECKING

import httpx
import pytest

from hub.adapters import broker
from hub.adapters.database import server
from hub.demo.day import iso
from hub.settings import load
from tests.integration.custody_world import HELD_BACK, WAIT_S, custody_world, event
from tests.integration.living_world import CALM_S, HEALTH, SAID, living
from tests.unit.worlds import CASE, HOUSING_OFFICER, MANAGER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from hub.settings import Settings
    from tests.integration.custody_world import CustodyWorld
    from tests.integration.living_world import Living
    from tests.unit.worlds import Staff

pytestmark = [pytest.mark.timeout(180), pytest.mark.public_door]
ILLNESS = "An invented illness"


@pytest.fixture
async def hub(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Living]:
    """A whole hub with one case."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as made:
        await asyncio.sleep(CALM_S)
        yield made


@pytest.fixture
async def prisons() -> AsyncIterator[CustodyWorld]:
    """A hub in operation with prisons and their service."""
    made = load(instance=f"t{uuid.uuid4().hex[:10]}")
    try:
        async with custody_world(made) as world:
            yield world
    finally:
        await asyncio.to_thread(broker.erase, made)
        await asyncio.to_thread(server.erase, made)
        shutil.rmtree(made.instance_folder, ignore_errors=True)


async def post(hub: Living, by: Staff, message: str, data: Mapping[str, object]) -> str:
    """Post a message over HTTP and wait until it is taken; returns its sender's own reference to it."""
    body = {
        "contract": "1.0",
        "case": hub.codec.pairwise.case(by.organisation, CASE),
        "occurred_at": iso(hub.now()),
        "author": by.person,
        "author_role": by.role.value,
        "statement": "fact",
        "data": data,
    }
    answer = await hub.clients[by.organisation].post(
        f"/v1/{message}", json=body, headers={"Idempotency-Key": uuid.uuid4().hex}
    )
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    reference = str(answer.json()["message"])
    await hub.taken(hub.codec.pairwise.message_from(by.organisation, reference))
    return reference


async def progress_waits(hub: Living) -> str:
    """Wait for the newest report of progress in the drug service's mailbox; returns its delivery."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = [each["delivery"] for each in await hub.waiting() if each["type"] == "progress"]
            if found:
                return str(found[-1])
            await asyncio.sleep(0.1)


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-DIS-05")
async def test_what_waits_because_of_a_consent_recorded_by_mistake_is_decided_again_and_stopped(
    hub: Living,
) -> None:
    """The drug service had not fetched what it was to read of health: it never can, nor anything after it."""
    given = await post(hub, MANAGER, "consents", {**HEALTH, "action": "GIVEN"})
    await hub.clear()
    await post(hub, HOUSING_OFFICER, "progress", {**SAID, "health_note": ILLNESS})
    wide = await progress_waits(hub)
    await post(hub, MANAGER, "corrections", {"corrects": given, "action": "RETRACT"})
    narrow = await hub.replacement(wide)
    never, gone = await hub.fetch("0" * 32), await hub.fetch(wide)
    assert (gone.status_code, gone.json()) == (httpx.codes.NOT_FOUND, never.json())
    told = (await hub.fetch(narrow)).json()
    assert (told["data"]["health_note"], told["data"]["attendance"]) == (None, "ATTENDED")
    await hub.clear()
    await post(hub, HOUSING_OFFICER, "progress", {**SAID, "health_note": ILLNESS})
    after = (await hub.fetch(await progress_waits(hub))).json()
    assert (after["data"]["health_note"], after["data"]["attendance"]) == (None, "ATTENDED")
    listed = await hub.waiting()
    assert ILLNESS not in str([(await hub.fetch(each["delivery"])).json() for each in listed])


@pytest.mark.requirement("R-MSG-13")
@pytest.mark.requirement("R-MSG-16")
async def test_events_of_a_wrong_prison_number_that_was_corrected_reach_the_case_no_more(
    prisons: CustodyWorld,
) -> None:
    """They are another person's; the region is told that the number is gone, and of none of them."""
    wrong, right = "A1101AA", "A1102BB"
    case = await prisons.opened(right)
    url = await prisons.region.post(
        "cases", case, {"action": "CHANGED", "noms_number": wrong}, ("offender_manager", "om-fern")
    )
    assert await prisons.region.state(url) == "routed"
    await prisons.service.event_taken(
        event(f"{HELD_BACK}.received", wrong, "NEW_ADMISSION", "N", at="2026-03-01T08:00:00Z")
    )
    await prisons.region.told("prison-event", case, action="RECEPTION")

    correction = {"corrects": url.rstrip("/").split("/")[-1], "action": "ERASE", "fields": ["noms_number"]}
    await prisons.region.say("corrections", case, correction)
    await prisons.region.told("exception", case, code="NUMBER-TAKEN-BACK")
    await prisons.region.told("exception", case, code="MOVEMENT-TAKEN-BACK")
    # Until the index has followed, the case is still found, and refuses what is about somebody else.
    async with asyncio.timeout(WAIT_S):
        for second in range(60):
            released = event(f"{HELD_BACK}.released", wrong, "RELEASED", at=f"2026-03-02T09:00:{second:02d}Z")
            assert (
                await prisons.service.state((await prisons.service.event(released)).json()["status_url"])
                == "refused"
            )
            if (await prisons.refusals())[-1] != "PERSON-MISMATCH":
                break
            await asyncio.sleep(0.3)
    assert (await prisons.refusals())[-1] == "CASE-UNKNOWN"
    told = {each.data["action"] for each in await prisons.region.of_case("prison-event", case)}
    assert "RELEASE" not in told

    await prisons.region.say("cases", case, {"action": "CHANGED", "noms_number": right})
    await prisons.service.event_taken(
        event(f"{HELD_BACK}.released", right, "TEMPORARY_ABSENCE_RELEASE", at="2026-03-03T12:00:00Z")
    )
    await prisons.region.told("prison-event", case, action="TEMPORARY_RELEASE")
