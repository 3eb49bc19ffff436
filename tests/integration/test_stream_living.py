"""Following a mailbox of a whole hub: what is told of when consent is withdrawn, and after a rebuild."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hub.adapters.ledger import drop_projection
from hub.messages.envelope import MessageName
from tests.integration.event_reading import delivery_of, following, serving, told
from tests.integration.living_world import CALM_S, HEALTH, living
from tests.unit.worlds import ADMINISTRATOR, RECOVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.settings import Settings
    from tests.integration.living_world import Living

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def hub(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Living]:
    """A whole hub with one case, of which nothing waits for the drug service."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as made:
        await asyncio.sleep(CALM_S)
        await made.clear()
        yield made


def key_of(hub: Living) -> str:
    """The drug service's key."""
    return hub.clients[RECOVERY].headers["authorization"].removeprefix("Bearer ")


@pytest.mark.public_door
@pytest.mark.requirement("R-DIS-05")
@pytest.mark.requirement("R-DEL-01")
async def test_who_comes_back_after_consent_is_withdrawn_is_told_of_the_narrower_one_only(
    hub: Living, settings: Settings
) -> None:
    """The wider one, told of before, is no more; a new beginning does not name it either."""
    async with serving(hub.app, settings) as (url, _):
        async with following(url, key_of(hub)) as events:
            wider = await hub.health_told()
            first = await anext(events)
        assert delivery_of(first) == wider
        await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "WITHDRAWN"})
        narrower = await hub.replacement(wider)
        listed = [each["delivery"] for each in await hub.waiting()]
        resumed = await told(url, key_of(hub), len(listed), last=first.id)
        anew = await told(url, key_of(hub), len(listed))
    assert narrower in listed
    assert wider not in listed
    assert sorted(map(delivery_of, resumed)) == sorted(listed) == sorted(map(delivery_of, anew))


@pytest.mark.public_door
@pytest.mark.requirement("R-DIS-05")
async def test_what_is_withdrawn_is_never_told_of_to_who_follows_meanwhile(
    hub: Living, settings: Settings
) -> None:
    """Told and withdrawn many times over: a notice is written only of what may be fetched at that moment."""
    seen: list[str] = []
    async with serving(hub.app, settings) as (url, _), following(url, key_of(hub)) as events:

        async def follow() -> None:
            async for each in events:
                answer = await hub.fetch(delivery_of(each))
                seen.append(answer.text if answer.is_success else str(answer.status_code))

        reading = asyncio.create_task(follow())
        for _ in range(4):
            await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "WITHDRAWN"})
            await hub.health_told()
            await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "GIVEN"})
        await asyncio.sleep(CALM_S)
        reading.cancel()
    assert seen
    assert not [each for each in seen if "An invented illness" in each]


@pytest.mark.public_door
@pytest.mark.requirement("R-DEL-02")
async def test_who_follows_goes_on_through_a_rebuild_of_the_projection(
    hub: Living, settings: Settings
) -> None:
    """What still waits is told of again, and what comes after it, on the same connection."""
    async with serving(hub.app, settings) as (url, _), following(url, key_of(hub)) as events:
        first = await hub.health_told()
        assert delivery_of(await anext(events)) == first
        await drop_projection(hub.pool)
        seen: list[str] = []
        async with asyncio.timeout(30):
            while first not in seen:
                seen.append(delivery_of(await anext(events)))
            second = await hub.health_told()
            while second not in seen:
                seen.append(delivery_of(await anext(events)))
