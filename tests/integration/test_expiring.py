"""What nobody fetches expires after working days, and somebody is told, on a whole hub."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from psycopg.errors import DeadlockDetected

from hub.adapters.database.recovering import Meant, remedy
from hub.adapters.database.remedied import By, Remedy
from hub.adapters.ledger import ProjectorLimits
from hub.adapters.ledger.expiring import Expirer, Waits, working_days_before
from hub.adapters.ledger.requesting import Requests
from hub.consent.parties import Standing
from hub.errors import Unreachable
from hub.messages.envelope import MessageName
from tests.integration.living_world import CALM_S, HEALTH, living
from tests.integration.projected_world import rows, until
from tests.unit.worlds import ADMINISTRATOR, HOUSING, MANAGER, RECOVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.adapters.ledger.requesting import Append
    from hub.settings import Settings
    from hub.topics.codec import Encoded
    from tests.integration.living_world import Living

pytestmark = pytest.mark.timeout(120)
PROBATION = MANAGER.organisation
WAITS = Waits(working_days=5, safety_hours=24, unpushed_s=1_800)


@pytest.fixture
async def hub(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Living]:
    """A whole hub with one case, at which only what a test sends is uncollected."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as made:
        await quiet(made)
        yield made


async def quiet(hub: Living) -> None:
    """Have everything acknowledged, once the asker leaves it alone."""

    async def is_done() -> bool:
        try:
            await rows(hub.pool, "UPDATE delivery SET state = 'acknowledged' RETURNING 1")
        except DeadlockDetected:
            return False
        return True

    await asyncio.sleep(CALM_S)
    await until(is_done)


def expirer(hub: Living, *, days: float, append: Append | None = None, **most: int) -> Expirer:
    """One who lets expire, so many days from now."""
    limits = ProjectorLimits(**most)
    return Expirer(
        pool=hub.pool,
        requests=Requests(codec=hub.codec, append=append or hub.publisher.append, limits=limits),
        waits=WAITS,
        now=lambda: datetime.now(UTC) + timedelta(days=days),
        limits=limits,
    )


async def reports(hub: Living, *codes: str) -> list[str]:
    """The codes of the exception reports that wait for the Offender Manager, in order."""
    found = []
    for each in await hub.waiting(PROBATION):
        if each["type"] == "exception":
            read = (await hub.fetch(each["delivery"], PROBATION)).json()
            own = read["envelope"]["hub-role"] == "offender_manager"
            found += [read["data"]["code"]] if own and read["data"]["code"] in codes else []
    return found


async def collected(hub: Living) -> None:
    """Have all but the drug service acknowledge what waits."""
    await rows(
        hub.pool,
        "UPDATE delivery SET state = 'acknowledged' WHERE organisation <> %s AND NOT finished RETURNING 1",
        RECOVERY,
    )


@pytest.mark.requirement("R-DEL-02", "R-MSG-11")
async def test_what_nobody_fetches_expires_and_who_manages_the_case_is_told(hub: Living) -> None:
    """Out of the listing, an event, a report; its recipient reads why, everybody else finds nothing."""
    delivery = await hub.health_told()
    await rows(hub.pool, "UPDATE delivery SET by_kafka = false RETURNING 1")
    await collected(hub)
    assert await expirer(hub, days=3).expire() == 0
    assert await hub.lists(delivery)
    assert await expirer(hub, days=8).expire() == 1
    assert await expirer(hub, days=8).expire() == 0
    assert not await hub.lists(delivery)
    gone = await hub.fetch(delivery)
    assert (gone.status_code, gone.json()["code"]) == (410, "delivery-expired")
    assert (await hub.fetch(delivery, HOUSING)).status_code == 404
    assert await rows(
        hub.pool, "SELECT kind, channel FROM delivery_event WHERE delivery_id = %s", delivery
    ) == [("expired", "hub")]

    async def told() -> bool:
        return await reports(hub, "DELIVERY-EXPIRED") == ["DELIVERY-EXPIRED"]

    await until(told)


@pytest.mark.requirement("R-DEL-02")
async def test_what_a_topic_carried_is_held_or_waits_for_the_suspended_does_not_expire(hub: Living) -> None:
    """Nobody could have collected it, or somebody has."""
    delivery = await hub.health_told()
    await collected(hub)
    await rows(hub.pool, "UPDATE delivery SET by_kafka = true RETURNING 1")
    assert await expirer(hub, days=30).expire() == 0
    await rows(hub.pool, "UPDATE delivery SET by_kafka = false RETURNING 1")
    await hub.suspend(RECOVERY)
    await hub.stands(delivery, held=False, verdict="stop")
    assert await expirer(hub, days=30).expire() == 0
    await hub.suspend(RECOVERY, Standing.ACTIVE)
    assert (await hub.row(delivery))[2] == "available"


@pytest.mark.requirement("R-DEL-02")
async def test_the_time_before_a_delivery_was_released_does_not_count(hub: Living) -> None:
    """Whoever could not see it for days has days left to fetch it."""
    delivery = await hub.health_told()
    await collected(hub)
    await rows(
        hub.pool,
        "UPDATE delivery SET by_kafka = false, available_at = now() - interval '20 days' RETURNING 1",
    )
    await rows(hub.pool, "UPDATE delivery SET released_at = now() RETURNING 1")
    assert await expirer(hub, days=0).expire() == 0
    assert await hub.lists(delivery)
    await hub.tell(ADMINISTRATOR, MessageName.CONSENT, {**HEALTH, "action": "GIVEN"})
    await rows(hub.pool, "UPDATE delivery SET released_at = NULL RETURNING 1")
    await asyncio.sleep(CALM_S)
    ((released,),) = await rows(
        hub.pool, "SELECT released_at IS NOT NULL FROM delivery WHERE delivery_id = %s", delivery
    )
    assert released or await expirer(hub, days=0).expire() == 1


@pytest.mark.requirement("R-DEL-02")
async def test_what_is_offered_again_has_all_its_time_anew(hub: Living) -> None:
    """However old it is, and though it expired, or was reported as late, before."""
    delivery = await hub.health_told()
    await collected(hub)
    await rows(
        hub.pool,
        "UPDATE delivery SET by_kafka = false, available_at = now() - interval '20 days' RETURNING 1",
    )
    await rows(
        hub.pool,
        "UPDATE delivery SET urgency = 'safety', late_told_at = now() WHERE delivery_id = %s RETURNING 1",
        delivery,
    )
    assert await expirer(hub, days=0).expire() == 1
    assert (await hub.row(delivery))[2] == "expired"
    async with hub.pool.connection() as connection:
        await connection.set_autocommit(True)
        by = By(who="tbirch", name="Tomasz Birch", why="they could not fetch it")
        assert await remedy(connection, Remedy.REDELIVERED, Meant(deliveries=(delivery,)), by=by) == 1
        await connection.set_autocommit(False)
    assert await expirer(hub, days=0).expire() == 0
    assert await hub.lists(delivery)
    assert [await expirer(hub, days=1.1).expire() for _ in range(2)] == [1, 0]
    await expirer(hub, days=8).expire()
    assert (await hub.row(delivery))[2] == "expired"


@pytest.mark.requirement("R-DEL-02")
async def test_a_safety_message_is_reported_after_hours_and_waits_on(hub: Living) -> None:
    """Told once, still there; and when the working days are over it goes like any other."""
    delivery = await hub.health_told()
    await collected(hub)
    await rows(hub.pool, "UPDATE delivery SET by_kafka = false RETURNING 1")
    await rows(
        hub.pool, "UPDATE delivery SET urgency = 'safety' WHERE delivery_id = %s RETURNING 1", delivery
    )
    assert [await expirer(hub, days=1.1).expire() for _ in range(2)] == [1, 0]
    assert await hub.lists(delivery)

    async def told() -> bool:
        found = await reports(hub, "SAFETY-DELIVERY-NOT-COLLECTED")
        return found == ["SAFETY-DELIVERY-NOT-COLLECTED"]

    await until(told)
    await collected(hub)
    assert await expirer(hub, days=8).expire() == 1
    assert (await hub.row(delivery))[2] == "expired"


@pytest.mark.requirement("R-DEL-02")
async def test_nothing_expires_whose_report_the_log_has_not(hub: Living) -> None:
    """Killed before or after the log has it: it waits, is asked again, and is told of once."""
    delivery = await hub.health_told()
    await collected(hub)
    await rows(hub.pool, "UPDATE delivery SET by_kafka = false RETURNING 1")

    async def lost(_encoded: Encoded) -> None:
        message = "for the test"
        raise Unreachable(message)

    async def killed(encoded: Encoded) -> None:
        await hub.publisher.append(encoded)
        raise asyncio.CancelledError

    with pytest.raises(Unreachable):
        await expirer(hub, days=8, append=lost).expire()
    with pytest.raises(asyncio.CancelledError):
        await expirer(hub, days=8, append=killed).expire()
    assert (await hub.row(delivery))[2] == "available"
    assert await expirer(hub, days=8).expire() >= 1
    await asyncio.sleep(CALM_S)
    assert await reports(hub, "DELIVERY-EXPIRED") == ["DELIVERY-EXPIRED"]


@pytest.mark.requirement("R-DEL-02", "R-MSG-11")
async def test_what_cannot_be_reported_does_not_expire_and_keeps_nothing_else_back(hub: Living) -> None:
    """A report that cannot be written yet is tried again; only what is erased goes without one."""
    deliveries = [await hub.health_told() for _ in range(3)]
    await collected(hub)
    await rows(hub.pool, "UPDATE delivery SET by_kafka = false RETURNING 1")
    first = deliveries[0]
    kept = await rows(
        hub.pool,
        "DELETE FROM original WHERE message_id IN (SELECT message_id FROM delivery WHERE delivery_id = %s)"
        " RETURNING message_id, case_ref, key_id, nonce, box",
        first,
    )
    small = expirer(hub, days=8, expire_deliveries_max=1, request_bytes_max=10)
    assert [await small.expire() for _ in range(4)] == [1, 1, 1, 0]
    assert [(await hub.row(each))[2] for each in deliveries] == ["available"] * 3
    one_by_one = expirer(hub, days=8, expire_deliveries_max=1)
    assert [await one_by_one.expire() for _ in range(3)] == [1, 1, 1]
    assert [(await hub.row(each))[2] for each in deliveries] == ["available", "expired", "expired"]
    await rows(
        hub.pool,
        "INSERT INTO original (message_id, case_ref, key_id, nonce, box)"
        " VALUES (%s, %s, %s, %s, %s) RETURNING 1",
        *kept[0],
    )
    hub.codec.keys.erase(kept[0][2])  # type: ignore[attr-defined]
    assert await expirer(hub, days=8).expire() >= 1
    assert (await hub.row(first))[2] == "expired"


@pytest.mark.requirement("R-DEL-02")
async def test_a_safety_message_is_told_late_only_once_the_report_is_in_the_log(hub: Living) -> None:
    """What could not be written is not marked as told."""
    delivery = await hub.health_told()
    await collected(hub)
    await rows(hub.pool, "UPDATE delivery SET by_kafka = false, urgency = 'safety' RETURNING 1")
    told = "SELECT late_told_at IS NOT NULL FROM delivery WHERE delivery_id = %s"
    assert await expirer(hub, days=1.1, request_bytes_max=10).expire() == 1
    assert await rows(hub.pool, told, delivery) == [(False,)]
    assert await expirer(hub, days=1.1).expire() == 1
    assert await rows(hub.pool, told, delivery) == [(True,)]


_IN_FLIGHT = """
WITH there AS (
    INSERT INTO endpoint (endpoint_id, organisation, url, messages, state, key_id, nonce, box, in_flight_max)
    SELECT 'e-1', organisation, '', '{}', 'active', '', '', '', 1
      FROM delivery WHERE delivery_id = %(delivery)s
    RETURNING endpoint_id
)
INSERT INTO push (delivery_id, place, endpoint_id, organisation, case_ref, urgency, state, tries,
                  leased_until)
SELECT delivery_id, cursor, endpoint_id, organisation, case_ref, urgency, 'in_flight', 1,
       now() + interval '1 hour'
  FROM delivery, there WHERE delivery_id = %(delivery)s
"""


@pytest.mark.requirement("R-DEL-02")
async def test_what_is_being_pushed_does_not_expire_and_who_got_it_may_say_so_afterwards(hub: Living) -> None:
    """A lease that ran out counts for nothing; a digest proves that the expired delivery had arrived."""
    delivery = await hub.health_told()
    (digest,) = [each["digest"] for each in await hub.waiting() if each["delivery"] == delivery]
    await collected(hub)
    await rows(hub.pool, "UPDATE delivery SET by_kafka = false RETURNING 1")
    async with hub.pool.connection() as connection:
        await connection.execute(_IN_FLIGHT, {"delivery": delivery})
    await expirer(hub, days=8).expire()
    assert (await hub.row(delivery))[2] == "available"
    await rows(hub.pool, "UPDATE push SET leased_until = now() - interval '1 s' RETURNING 1")
    await expirer(hub, days=8).expire()
    assert (await hub.row(delivery))[2] == "expired"
    assert await hub.acknowledge(delivery, digest) == 410
    await rows(hub.pool, "SELECT give_sequence(%s)", delivery)
    assert [await hub.acknowledge(delivery, each) for each in ("0" * 64, digest, digest)] == [410, 204, 204]
    assert (await hub.row(delivery))[2] == "acknowledged"
    happened = "SELECT kind FROM delivery_event WHERE delivery_id = %s ORDER BY event"
    assert await rows(hub.pool, happened, delivery) == [("expired",), ("acknowledged",)]


MONDAY = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "days", "before"),
    [
        (MONDAY, 1, datetime(2026, 11, 20, 10, 30, tzinfo=UTC)),
        (MONDAY + timedelta(days=4), 5, datetime(2026, 11, 20, 10, 30, tzinfo=UTC)),
        (MONDAY, 5, MONDAY - timedelta(days=7)),
        (MONDAY - timedelta(days=1), 5, datetime(2026, 11, 13, 23, 59, 59, 999_999, tzinfo=UTC)),
        (MONDAY - timedelta(days=2), 5, datetime(2026, 11, 13, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_saturday_and_sunday_are_no_working_days(now: datetime, days: int, before: datetime) -> None:
    """Nothing expires sooner because a weekend lies in between, and nothing on one that did not before it."""
    assert working_days_before(now, days) == before
