"""What was acknowledged can be had again for days, as long as nothing has changed since."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.messages.envelope import MessageName
from tests.integration.living_world import HEALTH, living
from tests.integration.projected_world import rows, until
from tests.unit.worlds import ADMINISTRATOR, RECOVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.settings import Settings
    from tests.integration.living_world import Living

pytestmark = [pytest.mark.public_door, pytest.mark.timeout(180)]
_AGO = "UPDATE delivery SET finished_at = now() - make_interval(hours => %s) WHERE finished RETURNING 1"
_LOOK = "UPDATE original SET look_at = now() RETURNING 1"
_KEPT = "SELECT o.look_at FROM original o JOIN delivery d USING (message_id) WHERE d.delivery_id = %s"


@pytest.fixture
async def hub(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Living]:
    """A hub at work with one case."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as made:
        yield made


async def _later(hub: Living, hours: int) -> None:
    """Let so much time pass since anything was finished, and forget what is to be forgotten by then."""
    await rows(hub.pool, _AGO, hours)
    await rows(hub.pool, _LOOK)
    await hub.asker(forget_interval_s=0.0)._forget()


async def _again(hub: Living, delivery: str) -> httpx.Response:
    return await hub.clients[RECOVERY].post(f"/v1/deliveries/{delivery}/redeliver")


@pytest.mark.requirement("R-DEL-02", "R-AUD-04")
async def test_what_was_acknowledged_arrives_again_an_hour_later_and_not_after_its_days(hub: Living) -> None:
    """Counted by what its recipient is done with: that others are not done does not make it longer."""
    delivery = await hub.health_told()
    await hub.clear()
    await _later(hub, 1)
    assert (await _again(hub, delivery)).status_code == httpx.codes.NO_CONTENT
    assert await hub.lists(delivery)
    assert (await hub.fetch(delivery)).json()["data"]["health_note"] == "An invented illness"

    await hub.clear()
    await rows(hub.pool, "UPDATE delivery SET state = 'acknowledged' RETURNING 1")
    await _later(hub, 14 * 24 - 1)
    ((look_at,),) = await rows(hub.pool, _KEPT, delivery)
    assert await rows(hub.pool, "SELECT 1 WHERE %s BETWEEN now() AND now() + interval '61 minutes'", look_at)
    await rows(hub.pool, _AGO, 14 * 24 + 1)
    over = await _again(hub, delivery)
    assert (over.status_code, over.json()["code"]) == (410, "delivery-forgotten")
    await _later(hub, 14 * 24 + 1)
    assert await rows(hub.pool, _KEPT, delivery) == []


@pytest.mark.requirement("R-AUD-04")
async def test_what_was_erased_does_not_arrive_again(hub: Living) -> None:
    """The one key that is erased closes what is kept as well."""
    delivery = await hub.health_told()
    await hub.clear()
    ((case,),) = await rows(hub.pool, "SELECT case_ref FROM delivery WHERE delivery_id = %s", delivery)
    hub.codec.keys.erase(f"case-{case}")  # type: ignore[attr-defined]
    await _again(hub, delivery)
    fetched = await hub.fetch(delivery)
    assert (fetched.status_code, fetched.json()["code"]) == (410, "content-erased")


@pytest.mark.requirement("R-DEL-02", "R-DIS-08")
async def test_staff_see_before_they_act_which_field_would_not_be_told_today(
    hub: Living, tmp_path: Path, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its recipient does not: that anything has changed is not its to know."""
    delivery = await hub.health_told()
    await hub.clear()
    await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "WITHDRAWN"})
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    monkeypatch.setenv("HUB_DATABASE", fresh_database)

    async def differs() -> bool:
        words = ["delivery", "redeliver", delivery, "--dry-run"]
        shown = await asyncio.to_thread(lambda: CliRunner().invoke(app, words))
        assert shown.exit_code == 0, shown.output
        return (
            "Decided today, 1 of those held, stopped or replaced would tell less:" in shown.output
            and f"1  {RECOVERY}  progress  not now: health_note (CONS-NOT-IN-FORCE)" in shown.output
        )

    await until(differs)
    body = {"do": "redeliver", "deliveries": [delivery]}
    own = (await hub.clients[RECOVERY].post("/v1/recoveries", json=body)).json()
    assert own["counts"] == [{"type": None, "outcome": "not-found", "count": 1}]
