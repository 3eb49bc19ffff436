"""Pushes while something of the hub's own is out of order, or goes on at the same time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from psycopg_pool import PoolTimeout

from hub.adapters.database.freshness import Freshness
from hub.adapters.ledger.pushes import enter_pushes, settle_pushes
from hub.adapters.webhooks.pushes import Pushes
from hub.app.pushing import deliverer_of
from hub.messages.envelope import MessageName
from tests.integration.projected_world import running, until
from tests.integration.push_world import PARTNER, QUICK, push_world
from tests.integration.receiver import HANGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping
    from pathlib import Path

    from hub.adapters.webhooks.deliverer import Deliverer
    from hub.adapters.webhooks.pushes import Ready
    from tests.integration.push_world import PushWorld


@pytest.fixture
async def world(fresh_database: str, tmp_path: Path) -> AsyncIterator[PushWorld]:
    """Rows and a receiver."""
    async with push_world(fresh_database, tmp_path) as made:
        yield made


class Projecting:
    """A projection that lags behind, or whose database is silent, as a test says."""

    def __init__(self) -> None:
        """Begin in good order."""
        self.lags = self.is_silent = False
        self.asked = 0

    async def is_behind(self, wanted: Mapping[tuple[str, int], int]) -> bool:
        """Tell, or fail."""
        del wanted
        self.asked += 1
        if self.is_silent:
            message = "no connection"
            raise PoolTimeout(message)
        return self.lags

    async def ends(self) -> Mapping[tuple[str, int], int]:
        """Say where the log ends."""
        return {("hub.outbox", 0): 1}


def waiting(world: PushWorld, projecting: Projecting) -> Deliverer:
    """A deliverer that waits for this projection, and would give up after three faults."""
    limits = replace(QUICK, faults_max=3, retry_delay_s=0.01, retry_delay_s_max=0.02, lease_s=30.0)
    made = deliverer_of(world.pool, world.codec, world.egress, ends=None, limits=limits)
    made._freshness = Freshness(projecting.is_behind, projecting.ends, timeout_s=0.05)
    return made


@pytest.mark.requirement("R-DEL-01")
async def test_a_deliverer_waits_for_a_projection_however_long_it_takes(world: PushWorld) -> None:
    """A rebuild of hours ends no deliverer; once it is over, what waited is pushed."""
    await world.partner()
    projecting = Projecting()
    projecting.lags = True
    delivery = await world.deliver()
    async with running(waiting(world, projecting).run):

        async def has_asked() -> bool:
            return projecting.asked > 40

        await until(has_asked)
        assert world.receiver.got() == []
        projecting.lags = False
        await world.comes_to(delivery, "delivered")


@pytest.mark.requirement("R-DEL-01")
async def test_what_was_claimed_is_given_back_where_nobody_says_how_far_the_projection_is(
    world: PushWorld,
) -> None:
    """Else it would stand still until its lease ends, and its person's lane with it."""
    await world.partner()
    projecting = Projecting()
    delivery = await world.deliver()
    projecting.is_silent = True
    deliverer = waiting(world, projecting)
    with pytest.raises(PoolTimeout):
        await deliverer.round()
    assert await world.one("(state, leased_by)::text", delivery) == "(scheduled,)"
    projecting.is_silent = False
    async with running(deliverer.run):
        await world.comes_to(delivery, "delivered", timeout_s=5)


@pytest.mark.requirement("R-DEL-01")
async def test_a_push_whose_delivery_a_rebuild_did_not_bring_back_is_seldom_looked_for_and_then_cancelled(
    world: PushWorld,
) -> None:
    """It neither keeps a deliverer busy nor its person's lane back; if it comes after all, it is pushed."""
    await world.partner()
    gone, after = await world.deliver(), await world.deliver()
    await world.do("CREATE TABLE kept AS SELECT * FROM delivery WHERE delivery_id = %s", gone)
    await world.do("ALTER TABLE kept DROP COLUMN finished")
    await world.do("DELETE FROM delivery WHERE delivery_id = %s", gone)
    deliverer = world.deliverer(replace(QUICK, look_again_s=1.0, look_again_s_max=2.0, held_grace_s=1.5))
    looks, look = 0, Pushes.look

    async def counted(self: Pushes, claim: str, claimed: Collection[str]) -> list[Ready]:
        nonlocal looks
        looks += 1
        return await look(self, claim, claimed)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Pushes, "look", counted)
        async with running(deliverer.run):
            await world.comes_to(after, "delivered", timeout_s=8)
        assert looks < 8
        assert await world.one("(state, reason)::text", gone) == "(scheduled,absent)"
        await world.do("INSERT INTO projector_stopped VALUES ('hub.outbox', 0, 'X')")
        await world.do(
            "UPDATE push SET held_since = now() - interval '1 h', due_at = now() WHERE NOT finished"
        )
        async with running(deliverer.run):
            await until(lambda: _is_looked_for_later(world, gone))
            assert await world.one("state", gone) == "scheduled"
            await world.do("DELETE FROM projector_stopped")
            await world.due_now()
            await world.comes_to(gone, "cancelled")
            columns = ", ".join(f'"{row[0]}"' for row in await world.rows(_KEPT_COLUMNS))
            await world.do(f"INSERT INTO delivery ({columns}) OVERRIDING SYSTEM VALUE SELECT * FROM kept")  # noqa: S608
            async with world.pool.connection() as connection:
                await enter_pushes(connection, [gone])
            await world.comes_to(gone, "delivered")


_KEPT_COLUMNS = """
SELECT column_name FROM information_schema.columns WHERE table_name = 'kept' ORDER BY ordinal_position
"""


async def _is_looked_for_later(world: PushWorld, delivery: str) -> bool:
    return bool(await world.one("due_at > now()", delivery))


@pytest.mark.requirement("R-DEL-01")
async def test_what_is_entered_while_its_endpoint_is_removed_is_called_off(world: PushWorld) -> None:
    """The removal does not see what has not been committed, and nobody pushes to what is removed."""
    endpoint = await world.partner()
    delivery = await world.deliver(before_commit=lambda: world.endpoints.remove(endpoint))
    assert await world.one("state", delivery) == "scheduled"
    async with running(world.deliverer().run):
        await world.comes_to(delivery, "cancelled", timeout_s=5)
    assert await world.events(delivery) == ["cancelled"]
    assert world.receiver.got() == []


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize("whole", [True, False])
async def test_a_number_that_was_under_way_to_a_removed_endpoint_is_explained(
    world: PushWorld,
    whole: bool,  # noqa: FBT001
) -> None:
    """The partner's next endpoint is told that it will not come, whoever called the push off."""
    endpoint = await world.partner()
    world.receiver.statuses["/hooks"] = [HANGS]
    first = await world.deliver()
    async with running(world.deliverer().run):
        await world.comes_to(first, "waiting_retry")
        if whole:
            await world.endpoints.remove(endpoint)
        else:
            await world.do("UPDATE endpoint SET state = 'removed' WHERE endpoint_id = %s", endpoint)
        await world.comes_to(first, "cancelled")
        await world.endpoint(path="/new")
        second = await world.deliver()
        await world.comes_to(second, "delivered")
    said = {each.id: each.document["hub"] for each in world.receiver.stored()}[second]
    assert (said["sequence"], said.get("will_not_come")) == (2, [1])


@pytest.mark.requirement("R-DEL-02")
@pytest.mark.parametrize("how", ["lapses", "is removed"])
async def test_what_is_noted_of_a_push_says_how_its_delivery_stands_by_then(
    world: PushWorld, how: str
) -> None:
    """Who changes the delivery meanwhile is waited for, or left alone: a rebuild goes by the last event."""
    endpoint = await world.partner()
    delivery = await world.deliver()
    pushes = Pushes(world.pool, QUICK)
    if how == "lapses":
        await world.do(
            "UPDATE push SET state = 'in_flight', tries = 1, attempted_at = now(), leased_until = now()"
        )

    async def goes_on() -> object:
        if how == "lapses":
            return await pushes.claim("another", most=1)
        return await world.endpoints.remove(endpoint)

    async with world.pool.connection() as connection, connection.transaction():
        await connection.execute("UPDATE delivery SET state = 'acknowledged'")
        meanwhile = asyncio.create_task(goes_on())
        await asyncio.sleep(0.3)
        assert await world.events(delivery) == []
    await meanwhile
    if how == "lapses":
        await pushes.claim("a third", most=1)
    noted = await world.rows("SELECT kind, state FROM delivery_event")
    assert noted == [("attempted" if how == "lapses" else "cancelled", "acknowledged")]


@pytest.mark.requirement("R-DEL-01")
@pytest.mark.parametrize("urgency", ["safety", "case"])
async def test_an_alert_does_not_wait_long_for_one_that_does_not_arrive(
    world: PushWorld, urgency: str
) -> None:
    """A server that refuses one alert again and again gets the next; what is not urgent keeps its order."""
    await world.partner()
    world.receiver.statuses["/hooks"] = [409, 200]
    stuck = await world.deliver(urgency="safety", message=MessageName.RISK_CHANGE)
    async with running(world.deliverer().run):
        await world.comes_to(stuck, "waiting_retry")
        await world.do("UPDATE endpoint SET failures_in_a_row = 0, not_before = NULL")
        await world.do("UPDATE push SET due_at = now() + interval '1 h' WHERE delivery_id = %s", stuck)
        following = await world.deliver(urgency=urgency, message=MessageName.RISK_CHANGE)
        await asyncio.sleep(0.3)
        assert await world.one("state", following) == "scheduled"
        await world.do("UPDATE push SET first_at = now() - interval '31 s' WHERE delivery_id = %s", stuck)
        await asyncio.sleep(0.5)
        if urgency == "safety":
            await world.comes_to(following, "delivered")
        else:
            assert await world.one("state", following) == "scheduled"
        await world.settled()
    said = {each.id: each.document["hub"] for each in world.receiver.stored()}
    assert said[following].get("overtakes") == ([1] if urgency == "safety" else None)
    assert [said[each]["sequence"] for each in (stuck, following)] == [1, 2]


@pytest.mark.requirement("R-DEL-01")
@pytest.mark.parametrize(("apart_s", "is_pushed"), [(4, True), (30, False)])
async def test_a_broker_whose_clock_is_some_seconds_behind_costs_an_endpoint_nothing(
    world: PushWorld,
    apart_s: int,
    is_pushed: bool,  # noqa: FBT001
) -> None:
    """A delivery seems to be older than the endpoint it came after; one that was there long before is."""
    await world.partner()
    late = "UPDATE endpoint SET created_at = now() + make_interval(secs => %s)"
    await world.do(late, apart_s)
    delivery = await world.deliver()
    found = await world.rows("SELECT 1 FROM push WHERE delivery_id = %s", delivery)
    assert bool(found) is is_pushed


@pytest.mark.requirement("R-DIS-05")
async def test_what_failed_and_was_held_is_in_its_place_again_once_it_is_released(world: PushWorld) -> None:
    """What came after it does not go past it any more."""
    await world.partner()
    held = await world.deliver()
    await world.do(
        "UPDATE push SET state = 'waiting_retry', tries = 1, held_since = now() - interval '1 h',"
        " due_at = now() + interval '1 h'"
    )
    async with world.pool.connection() as connection:
        await settle_pushes(connection, [held])
    assert await world.one("(held_since IS NULL, due_at <= now())::text", held) == "(t,t)"


_BY_HAND = """
INSERT INTO push (delivery_id, place, endpoint_id, organisation, case_ref, urgency, state, tries, due_at)
SELECT 'd-' || i, i, %s, %s, 'c-' || i / 2, 'case',
       CASE WHEN i = 11 OR i > 19 THEN 'scheduled' ELSE 'waiting_retry' END, (i < 20 AND i <> 11)::integer,
       now() FROM generate_series(1, 20) AS i WHERE i % 2 = 0 OR i = 11
"""


@pytest.mark.requirement("R-DEL-02", "R-RTE-07")
async def test_what_is_set_on_its_way_again_does_not_go_before_what_is_new(world: PushWorld) -> None:
    """Though it is older: at an endpoint that takes one at a time it would keep all that is new waiting.

    But where something new waits behind it in its lane, it goes as if it were that.
    """
    endpoint = await world.partner()
    await world.do("UPDATE endpoint SET in_flight_max = 1")
    async with world.pool.connection() as connection:
        await connection.execute(_BY_HAND.replace("% 2", "%% 2"), (endpoint, PARTNER))
    pushes, went = Pushes(world.pool, QUICK), []
    for claim in range(5):
        (one,) = await pushes.claim(f"claim-{claim}", most=64)
        went.append(one)
        await world.do("UPDATE push SET state = 'delivered' WHERE state = 'in_flight'")
    assert went == ["d-10", "d-11", "d-20", "d-2", "d-4"]


_MANY = """
INSERT INTO push (delivery_id, place, endpoint_id, organisation, case_ref, urgency, state, tries, due_at)
SELECT 'd-' || i, i, %(endpoint)s, %(partner)s, 'c-' || i %% 5, 'case',
       CASE WHEN i < 5 THEN 'waiting_retry' ELSE 'scheduled' END, (i < 5)::integer,
       now() + CASE WHEN i < 5 THEN interval '1 h' ELSE interval '0 s' END
  FROM generate_series(0, 40000) AS i
"""


@pytest.mark.requirement("R-DEL-01")
async def test_what_waits_behind_the_heads_of_its_lanes_does_not_keep_the_others_waiting(
    world: PushWorld,
) -> None:
    """Who claims does so alone: a partner of whom much is blocked would slow all down."""
    endpoint = await world.partner()
    async with world.pool.connection() as connection:
        await connection.execute(_MANY, {"endpoint": endpoint, "partner": PARTNER})
        await connection.execute("ANALYZE push")
    pushes = Pushes(world.pool, QUICK)
    began_s = time.monotonic()
    assert await pushes.claim("one", most=64) == []
    assert time.monotonic() - began_s < 2.0
    await world.do("UPDATE push SET due_at = now() WHERE place < 3")
    assert sorted(await pushes.claim("another", most=64)) == ["d-0", "d-1", "d-2"]
