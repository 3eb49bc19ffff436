"""An organisation that floods the gateway is told to wait; the others are answered meanwhile (R-DEL-02)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import pytest

from hub.messages.envelope import MessageName
from tests.integration.door import HARBOUR, QUAY, body, idempotent, open_door

if TYPE_CHECKING:
    from pathlib import Path

    from hub.settings import Settings

FLOOD, CALM = 400, 30


@pytest.mark.requirement("R-DEL-02")
async def test_a_flood_of_one_organisation_is_told_to_wait_and_loses_nothing_of_the_others(
    fresh_database: str, settings: Settings, tmp_path: Path
) -> None:
    """What was refused can be sent again as it is; the calm one never hears of a limit."""
    bounded = settings.model_copy(
        update={"organisation_requests_per_s_max": 50, "organisation_requests_in_flight_max": 8}
    )
    async with open_door(dsn=fresh_database, settings=bounded, folder=tmp_path) as door:
        noisy, quiet = await door.client(HARBOUR), await door.client(QUAY)
        async with noisy, quiet:
            flooding = [asyncio.create_task(noisy.get("/v1/mailbox/count")) for _ in range(FLOOD)]
            slowest_s = 0.0
            for _ in range(CALM):
                began_s = time.monotonic()
                assert (await quiet.get("/v1/mailbox/count")).status_code == httpx.codes.OK
                slowest_s = max(slowest_s, time.monotonic() - began_s)
            answered = await asyncio.gather(*flooding)
            told = Counter(each.status_code for each in answered)
            assert told[httpx.codes.TOO_MANY_REQUESTS] > FLOOD / 2
            refused = next(each for each in answered if each.status_code == httpx.codes.TOO_MANY_REQUESTS)
            assert refused.json()["code"] == "rate-limited"
            await asyncio.sleep(int(refused.headers["retry-after"]))
            assert (await noisy.get("/v1/mailbox/count")).status_code == httpx.codes.OK
    print(f"slowest of the calm one's answers during the flood: {slowest_s * 1000:.0f} ms; the flood: {told}")


@pytest.mark.requirement("R-DEL-02")
async def test_beyond_a_days_messages_only_what_protects_somebody_is_taken(
    kafka: str, fresh_database: str, topic_prefix: str, settings: Settings, tmp_path: Path
) -> None:
    """A repeat counts once and is answered; what was refused is taken, under its key, on another day."""
    bounded = settings.model_copy(update={"organisation_messages_per_day_max": 2})
    async with open_door(
        dsn=fresh_database, settings=bounded, folder=tmp_path, kafka=kafka, prefix=topic_prefix
    ) as door:
        async with await door.client() as client:
            opened = await client.post("/v1/cases", json=body(MessageName.CASE), headers=idempotent())
            case = opened.json()["case"]
            kept, late = idempotent(), idempotent()
            first = await client.post("/v1/progress", json=body(case=case), headers=kept)
            again = await client.post("/v1/progress", json=body(case=case), headers=kept)
            over = await client.post("/v1/progress", json=body(case=case), headers=late)
            alert = body(MessageName.RISK_CHANGE, case=case, causation=...)
            urgent = await client.post("/v1/risk-changes", json=alert, headers=idempotent())
            assert [each.status_code for each in (opened, first, again, over, urgent)] == [
                202, 202, 202, 429, 202,
            ]  # fmt: skip
            assert over.json()["code"] == "quota-exceeded"
            assert 0 < int(over.headers["retry-after"]) <= 24 * 3600
            await door.rows("UPDATE messages_of_day SET day = day - 1")
            on_another_day = await client.post("/v1/progress", json=body(case=case), headers=late)
            assert on_another_day.status_code == httpx.codes.ACCEPTED
            assert "idempotent-replayed" not in on_another_day.headers
        assert len(await door.appended()) == 4
