"""A safety message that reaches nobody is told of, whatever its channel says of it, on a whole hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.living_world import living
from tests.integration.projected_world import rows, until
from tests.integration.test_expiring import expirer, quiet, reports
from tests.unit.worlds import RECOVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.settings import Settings
    from tests.integration.living_world import Living

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("R-DEL-02", "R-MSG-11")]
LATE = "SAFETY-DELIVERY-NOT-COLLECTED"
MINUTES = 1 / 24 / 60
ENDPOINT = """
INSERT INTO endpoint (endpoint_id, organisation, url, messages, state, key_id, nonce, box, in_flight_max)
VALUES ('e', %s, 'https://hooks.invalid', '{progress}', 'active', 'k', '', '', 1) RETURNING 1
"""
PUSH = """
INSERT INTO push (delivery_id, place, endpoint_id, organisation, case_ref, urgency)
SELECT delivery_id, cursor, 'e', organisation, case_ref, 'safety' FROM delivery WHERE delivery_id = %s
RETURNING 1
"""


@pytest.fixture
async def hub(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Living]:
    """A whole hub with one case, at which nothing is unacknowledged but what a test sends."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as made:
        await quiet(made)
        yield made


async def told(hub: Living) -> str:
    """Tell the drug service what safety hangs on; returns the only delivery that is not acknowledged."""
    delivery = await hub.health_told()
    await rows(
        hub.pool,
        """
        UPDATE delivery SET by_kafka = false, urgency = 'safety',
                            state = CASE delivery_id WHEN %s THEN state ELSE 'acknowledged' END RETURNING 1
        """,
        delivery,
    )
    return delivery


async def pushed(hub: Living, delivery: str) -> None:
    """Let it be for a webhook to bring."""
    await rows(hub.pool, ENDPOINT, RECOVERY)
    await rows(hub.pool, PUSH, delivery)


async def stand(hub: Living, delivery: str, state: str) -> None:
    """Let a delivery have come so far."""
    await rows(hub.pool, "UPDATE delivery SET state = %s WHERE delivery_id = %s RETURNING 1", state, delivery)


async def late(hub: Living, *, days: float) -> bool:
    """Whether the one message is reported so many days from now; as if it had not been before."""
    await rows(hub.pool, "UPDATE delivery SET late_told_at = NULL RETURNING 1")
    return await expirer(hub, days=days).expire() == 1


async def test_what_a_channel_took_and_nobody_acknowledged_is_reported(hub: Living) -> None:
    """A proxy's 200, or a program that fetched it, is nobody who knows; told once, and it waits on."""
    delivery = await told(hub)
    for state in ("transported", "fetched"):
        await stand(hub, delivery, state)
        assert not await late(hub, days=0.9)
        assert await late(hub, days=1.1)
        assert (await hub.row(delivery))[2] == state
    ((marked,),) = await rows(
        hub.pool, "SELECT late_told_at IS NOT NULL FROM delivery WHERE delivery_id = %s", delivery
    )
    assert marked

    async def is_told() -> bool:
        return await reports(hub, LATE) == [LATE]

    await until(is_told)


async def test_what_somebody_has_acknowledged_or_read_is_not_reported(hub: Living) -> None:
    """That a role has read it says more than that its program has it."""
    delivery = await told(hub)
    await stand(hub, delivery, "acknowledged")
    assert not await late(hub, days=1.1)
    await stand(hub, delivery, "fetched")
    await rows(
        hub.pool,
        """
        INSERT INTO delivery_event (delivery_id, organisation, case_ref, kind, channel, state)
        SELECT delivery_id, organisation, case_ref, 'read', 'mailbox', state FROM delivery
         WHERE delivery_id = %s RETURNING 1
        """,
        delivery,
    )
    assert not await late(hub, days=1.1)


async def test_what_a_webhook_does_not_bring_is_reported_in_half_an_hour(hub: Living) -> None:
    """Why it does not, nobody has to find out first: the last is that no deliverer is at work."""
    delivery = await told(hub)
    assert not await late(hub, days=35 * MINUTES)
    await pushed(hub, delivery)
    for push, endpoint in (
        ("exhausted", "active"),
        ("parked", "active"),
        ("waiting_retry", "active"),
        ("scheduled", "paused"),
        ("scheduled", "active"),
    ):
        await rows(hub.pool, "UPDATE push SET state = %s RETURNING 1", push)
        await rows(hub.pool, "UPDATE endpoint SET state = %s RETURNING 1", endpoint)
        assert not await late(hub, days=25 * MINUTES)
        assert await late(hub, days=35 * MINUTES), (push, endpoint)

    async def is_told() -> bool:
        return await reports(hub, LATE) == [LATE]

    await until(is_told)


async def test_what_arrived_was_called_off_or_may_not_go_is_not_reported_so_soon(hub: Living) -> None:
    """What the mailbox handed over meanwhile has arrived; what was stopped is for nobody to be told of."""
    delivery = await told(hub)
    await pushed(hub, delivery)
    for push in ("delivered", "cancelled", "skipped"):
        await rows(hub.pool, "UPDATE push SET state = %s RETURNING 1", push)
        assert not await late(hub, days=35 * MINUTES)
    await rows(hub.pool, "UPDATE push SET state = 'exhausted' RETURNING 1")
    await stand(hub, delivery, "fetched")
    assert not await late(hub, days=35 * MINUTES)
    await rows(
        hub.pool,
        "UPDATE delivery SET state = 'available', verdict = 'stop' WHERE delivery_id = %s RETURNING 1",
        delivery,
    )
    assert not await late(hub, days=1.1)
