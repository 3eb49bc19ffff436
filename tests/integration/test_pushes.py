"""Pushes on the real PostgreSQL with a real server behind them: lanes, tries, endpoints that fail."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from hub.adapters.webhooks.endpoints import EndpointRefused
from hub.messages.envelope import MessageName
from hub.topics.sealing import Sealed
from tests.integration.projected_world import running, until
from tests.integration.push_world import PARTNER, QUICK, push_world
from tests.integration.receiver import HANGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.adapters.webhooks.secrets import Secrets
    from tests.integration.push_world import PushWorld


@pytest.fixture
async def world(fresh_database: str, tmp_path: Path) -> AsyncIterator[PushWorld]:
    """Rows and a receiver."""
    async with push_world(fresh_database, tmp_path) as made:
        yield made


@pytest.mark.requirement("R-DEL-01")
async def test_each_lane_keeps_its_order_under_several_deliverers(world: PushWorld) -> None:
    """One of a lane is under way at a time, in order and numbered without a gap; lanes do not wait."""
    await world.partner()
    world.receiver.delay_s = 0.005
    sent = {lane: [await world.deliver(lane) for _ in range(8)] for lane in "abcdefgh"}
    async with AsyncExitStack() as stack:
        for _ in range(3):
            _ = await stack.enter_async_context(running(world.deliverer().run))
        await world.settled()
    for lane, deliveries in sent.items():
        came = [each for each in world.receiver.stored() if each.document["hub"]["lane"] == f"case_{lane}"]
        assert [each.id for each in came] == deliveries
        assert [each.document["hub"]["sequence"] for each in came] == [*range(1, 9)]
    assert set(world.receiver.most_under_way.values()) == {1}
    assert {each.id: each.document["hub"]["digest"] for each in world.receiver.stored()} == world.sent


@pytest.mark.requirement("R-DEL-01")
async def test_what_is_urgent_overtakes_what_waits_for_its_next_try_and_says_so(world: PushWorld) -> None:
    """A risk alert does not wait for a progress note; two urgent ones keep their order."""
    await world.partner()
    world.receiver.statuses["/hooks"] = [500, 200]
    note, behind = await world.deliver(), await world.deliver()
    async with running(world.deliverer().run):
        await world.comes_to(note, "waiting_retry")
        await world.do("UPDATE endpoint SET failures_in_a_row = 0")
        alert = await world.deliver(urgency="safety", message=MessageName.RISK_CHANGE)
        await world.comes_to(alert, "delivered")
        assert await world.one("state", behind) == "scheduled"
        await world.settled()
    assert [each.id for each in world.receiver.stored()] == [alert, note, behind]
    said = {each.id: each.document["hub"] for each in world.receiver.stored()}
    assert said[alert]["overtakes"] == [1]
    assert [said[each]["sequence"] for each in (note, alert, behind)] == [1, 2, 3]
    assert "overtakes" not in said[note]


@pytest.mark.requirement("R-DEL-02")
async def test_a_delivery_the_partners_software_cannot_take_is_parked_and_the_next_one_says_so(
    world: PushWorld,
) -> None:
    """Poison blocks its lane for two tries; nobody waits for a number that does not come."""
    await world.partner()
    world.receiver.statuses["/hooks"] = [422, 422, 200]
    poison, second, third = [await world.deliver() for _ in range(3)]
    async with running(world.deliverer().run):
        await world.settled()
    assert await world.one("(state, reason, tries)::text", poison) == "(parked,HTTP-422,2)"
    assert await world.events(poison) == ["attempted", "parked"]
    said = {each.id: each.document["hub"] for each in world.receiver.stored()}
    assert said[second]["will_not_come"] == [1]
    assert not {"will_not_come", "overtakes"} & said[third].keys()
    assert "overtakes" not in said[second]
    assert [said[each]["sequence"] for each in (second, third)] == [2, 3]
    assert (await world.rows("SELECT state FROM delivery WHERE delivery_id = %s", poison)) == [("available",)]


@pytest.mark.requirement("R-DEL-01")
@pytest.mark.parametrize(
    ("status", "tries", "reason"), [(410, 1, "gone"), (401, 3, "misconfigured: HTTP-401")]
)
async def test_an_endpoint_that_wants_nothing_is_paused_and_nothing_is_lost(
    world: PushWorld, status: int, tries: int, reason: str
) -> None:
    """Gone at once, wrongly set up after three answers; no try is charged, and resuming brings it all."""
    endpoint = await world.partner()
    world.receiver.statuses["/hooks"] = [status]
    sent = [await world.deliver() for _ in range(3)]

    async def is_paused() -> bool:
        await world.due_now()
        return (await world.endpoints.one(endpoint)).state == "paused"

    async with running(world.deliverer().run):
        await until(is_paused)
        await asyncio.sleep(0.2)
        found = await world.endpoints.one(endpoint)
        assert (found.reason, found.waiting, len(world.receiver.got())) == (reason, 3, tries)
        assert await world.rows("SELECT sum(charged) FROM push") == [(0,)]
        world.receiver.statuses["/hooks"] = [200]
        await world.endpoints.resume(endpoint)
        await world.settled()
    assert [each.id for each in world.receiver.stored()] == sent


@pytest.mark.requirement("R-DEL-01")
async def test_a_server_that_asks_for_time_gets_it_for_all_it_takes(world: PushWorld) -> None:
    """Retry-After holds for the whole endpoint, and other endpoints go on."""
    busy = await world.partner()
    await world.partner("quay-service", path="/quay")
    world.receiver.statuses["/hooks"], world.receiver.headers = [503], {"Retry-After": "100"}
    first = await world.deliver("1")
    async with running(world.deliverer().run):
        await until(lambda: _slowed(world, busy))
        other = await world.deliver("2")
        quay = await world.deliver("1", to="quay-service")
        await world.comes_to(quay, "delivered")
        await asyncio.sleep(0.2)
    slowed = "SELECT not_before > now() + interval '80 s' FROM endpoint WHERE endpoint_id = %s"
    assert await world.rows(slowed, busy) == [(True,)]
    assert len(world.receiver.got("/hooks")) == 1
    assert [await world.one("state", each) for each in (first, other)] == ["waiting_retry", "scheduled"]


async def _slowed(world: PushWorld, endpoint: str) -> bool:
    found = await world.rows("SELECT not_before FROM endpoint WHERE endpoint_id = %s", endpoint)
    return found != [(None,)]


@pytest.mark.requirement("R-DEL-01")
async def test_endpoints_that_hang_take_no_place_from_the_others(world: PushWorld) -> None:
    """Of sixty, twenty never answer: the rest get everything while those are still waited for."""
    names = [f"partner-{number}" for number in range(60)]
    for number, name in enumerate(names):
        await world.partner(name, path=f"/{name}")
        world.receiver.statuses[f"/{name}"] = [HANGS if number % 3 == 0 else 200]
    sound = {name for number, name in enumerate(names) if number % 3}
    sent = {name: [await world.deliver(str(lane), to=name) for lane in range(5)] for name in names}
    limits = replace(QUICK, under_way_max=32, claim_max=16, slow_after_s=0.1)
    async with running(world.deliverer(limits).run):
        asked = "SELECT count(*) FROM push WHERE organisation = ANY(%s) AND state <> 'delivered'"

        async def have_all() -> bool:
            return bool(await world.rows(asked, sorted(sound)) == [(0,)])

        await until(have_all, timeout_s=10)
    assert {each.id for each in world.receiver.stored()} == {one for name in sound for one in sent[name]}
    hanging = "SELECT count(*) FROM endpoint WHERE failures_in_a_row > 0"
    assert (await world.rows(hanging))[0][0] <= 20


@pytest.mark.requirement("R-DIS-05")
async def test_what_is_held_does_not_leave_and_goes_when_it_is_released(world: PushWorld) -> None:
    """It waits in its lane, is looked at seldom, and keeps back what came after it, for a while."""
    await world.partner()
    held, after = await world.deliver(), await world.deliver()
    await world.do("UPDATE delivery SET held = true WHERE delivery_id = %s", held)
    async with running(world.deliverer().run):
        await until(lambda: _is_held(world, held))
        await asyncio.sleep(0.5)
        assert world.receiver.got() == []
        await world.do("UPDATE push SET held_since = now() - interval '31 s' WHERE delivery_id = %s", held)
        await world.comes_to(after, "delivered")
        await world.do("UPDATE delivery SET held = false WHERE delivery_id = %s", held)
        await world.comes_to(held, "delivered")
    assert [each.document["hub"]["sequence"] for each in world.receiver.stored()] == [1, 2]


async def _is_held(world: PushWorld, delivery: str) -> bool:
    return await world.one("held_since", delivery) is not None


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize("over", ["stopped", "expired"])
@pytest.mark.parametrize("last", [True, False])
async def test_a_number_nobody_has_is_given_back_or_named(
    world: PushWorld,
    last: bool,  # noqa: FBT001
    over: str,
) -> None:
    """Stopped, or expired, after a try of which nothing left: there is no gap that is not explained."""
    await world.partner()
    (url,) = (await world.rows("SELECT url FROM endpoint"))[0]
    await world.do("UPDATE endpoint SET url = %s", "http://127.0.0.1:1/hooks")
    stopped = await world.deliver()
    async with running(world.deliverer().run):
        await world.comes_to(stopped, "waiting_retry")
        await world.do("UPDATE endpoint SET url = %s, failures_in_a_row = 0", url)
        if not last:
            await world.do("UPDATE endpoint SET failures_in_a_row = 0")
            alert = await world.deliver(urgency="safety")
            await world.comes_to(alert, "delivered")
        if over == "stopped":
            await world.stop(stopped)
        else:
            await world.do("UPDATE delivery SET state = 'expired' WHERE delivery_id = %s", stopped)
            await world.due_now()
            await world.comes_to(stopped, "cancelled")
        following = await world.deliver()
        await world.comes_to(following, "delivered")
    said = {each.id: each.document["hub"] for each in world.receiver.stored()}[following]
    assert (said["sequence"], said.get("will_not_come")) == ((1, None) if last else (3, [1]))
    assert await world.events(stopped) == ["attempted", "cancelled"]
    asked = "SELECT state, sequence FROM delivery_event WHERE delivery_id = %s ORDER BY event DESC LIMIT 1"
    state = "available" if over == "stopped" else over
    assert await world.rows(asked, stopped) == [(state, None if last else 1)]


@pytest.mark.requirement("R-DEL-01")
@pytest.mark.parametrize("status", [500, 302])
async def test_a_number_that_was_sent_is_nobody_elses_whatever_was_answered(
    world: PushWorld, status: int
) -> None:
    """Its recipient has read it: another delivery under that number would pass for it, or be passed over."""
    await world.partner()
    world.receiver.statuses["/hooks"] = [status, 200]
    stopped = await world.deliver()
    async with running(world.deliverer().run):
        await world.comes_to(stopped, "waiting_retry")
        await world.stop(stopped)
        following = await world.deliver()
        await world.comes_to(following, "delivered")
    said = {each.id: each.document["hub"] for each in world.receiver.got()}
    assert said[stopped]["sequence"] == 1
    assert (said[following]["sequence"], said[following].get("will_not_come")) == (2, [1])


@pytest.mark.requirement("R-DIS-05")
async def test_what_was_parked_and_then_stopped_never_leaves(world: PushWorld) -> None:
    """Parking does not outlive the decision."""
    await world.partner()
    world.receiver.statuses["/hooks"] = [422, 422, 200]
    poison = await world.deliver()
    async with running(world.deliverer().run):
        await world.settled()
        await world.stop(poison)
        await world.do("UPDATE push SET due_at = now() WHERE delivery_id = %s", poison)
        await asyncio.sleep(0.3)
    assert await world.one("state", poison) == "cancelled"
    assert (await world.events(poison))[-1] == "cancelled"
    assert world.receiver.stored() == []


@pytest.mark.requirement("R-DEL-01")
async def test_what_was_tried_as_often_as_may_be_stays_in_the_mailbox(world: PushWorld) -> None:
    """Exhausted is an end of the push, not of the delivery; its endpoint shows it."""
    endpoint = await world.partner()
    world.receiver.statuses["/hooks"] = [500]
    tired = await world.deliver(urgency="routine")
    await world.do("UPDATE push SET charged = 7, tries = 7, first_at = now(), first_charged_at = now()")
    async with running(world.deliverer().run):
        await world.comes_to(tired, "exhausted")
    assert await world.rows("SELECT state FROM delivery") == [("available",)]
    assert await world.events(tired) == ["exhausted"]
    assert [each.delivery_id for each in await world.endpoints.troubled(endpoint)] == [tired]
    assert (await world.endpoints.one(endpoint)).exhausted == 1
    await world.do("UPDATE delivery SET state = 'acknowledged'")
    assert await world.endpoints.troubled(endpoint) == []
    assert (await world.endpoints.one(endpoint)).exhausted == 0


@pytest.mark.requirement("R-DEL-01")
async def test_for_a_day_the_secret_before_signs_too(world: PushWorld) -> None:
    """A partner's own library verifies with either secret, and with no other."""
    endpoint = await world.partner()
    before = (await _secrets(world, endpoint)).current
    after = await world.endpoints.rotate_secret(endpoint)
    delivery = await world.deliver()
    async with running(world.deliverer().run):
        await world.comes_to(delivery, "delivered")
    (came,) = world.receiver.stored()
    for secret in (before, after):
        assert Webhook(secret).verify(came.body.decode(), came.headers) == came.document
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(came.body.decode(), came.headers)


async def _secrets(world: PushWorld, endpoint: str) -> Secrets:
    found = await world.endpoints.one(endpoint)
    sealed = Sealed(key_id=found.key_id, nonce=bytes(found.nonce), box=bytes(found.box))
    return world.endpoints.secrets.open(sealed, endpoint_id=endpoint)


@pytest.mark.requirement("R-DEL-01")
async def test_what_is_too_large_is_announced_and_stays_in_the_mailbox(world: PushWorld) -> None:
    """The notice has nothing of its content, and does not pass for it."""
    await world.partner()
    large = await world.deliver(referral="R-0002")
    async with running(world.deliverer(replace(QUICK, body_bytes_max=300)).run):
        await world.comes_to(large, "delivered")
    (came,) = world.receiver.stored()
    assert came.document["type"] == "hub.progress.notice"
    assert came.document["data"]["url"] == f"/v1/mailbox/messages/{large}"
    assert came.document["hub"]["recipient"] == PARTNER
    assert b"R-0002" not in came.body
    assert await world.rows("SELECT state FROM delivery") == [("available",)]


@pytest.mark.requirement("R-DIS-05")
async def test_what_was_looked_at_too_long_ago_is_looked_at_again(world: PushWorld) -> None:
    """A deliverer that stood still between the look and the sending sends nothing on the old look."""
    await world.partner()
    delivery = await world.deliver()
    late = replace(QUICK, sent_within_s=-1.0)
    async with running(world.deliverer(late).run):
        await asyncio.sleep(0.3)
    assert world.receiver.got() == []
    assert await world.one("tries", delivery) == 0
    async with running(world.deliverer().run):
        await world.comes_to(delivery, "delivered")


@pytest.mark.requirement("R-DIS-05")
async def test_of_what_was_let_leave_and_did_not_nothing_is_said_once_it_is_stopped(world: PushWorld) -> None:
    """Its number would tell that there was something; the next one has it."""
    await world.partner()
    stopped = await world.deliver()
    async with running(world.deliverer(replace(QUICK, sent_within_s=-1.0)).run):
        await asyncio.sleep(0.3)
    assert await world.one("(state, tries, may_have_arrived)::text", stopped) == "(scheduled,0,f)"
    await world.stop(stopped)
    following = await world.deliver()
    async with running(world.deliverer().run):
        await world.comes_to(following, "delivered")
    (came,) = world.receiver.stored()
    assert (came.document["hub"]["sequence"], came.document["hub"].get("will_not_come")) == (1, None)


@pytest.mark.requirement("R-DEL-01")
async def test_a_number_that_came_by_another_way_is_not_given_back(world: PushWorld) -> None:
    """Numbered before its first push: whoever has had it goes by the number."""
    await world.partner()
    (url,) = (await world.rows("SELECT url FROM endpoint"))[0]
    known = await world.deliver()
    await world.do("SELECT give_sequence(%s)", known)
    await world.do("UPDATE endpoint SET url = %s", "http://127.0.0.1:1/hooks")
    async with running(world.deliverer().run):
        await world.comes_to(known, "waiting_retry")
        await world.do("UPDATE endpoint SET url = %s, failures_in_a_row = 0", url)
        await world.stop(known)
        following = await world.deliver()
        await world.comes_to(following, "delivered")
    (came,) = world.receiver.stored()
    assert (came.document["hub"]["sequence"], came.document["hub"].get("will_not_come")) == (2, [1])


@pytest.mark.requirement("R-DIS-01")
async def test_nothing_is_pushed_to_an_organisation_that_is_suspended(world: PushWorld) -> None:
    """As its mailbox is shut, so are its endpoints."""
    await world.partner()
    delivery = await world.deliver()
    await world.do(
        """UPDATE control SET body = body || '{"standing": "suspended"}' WHERE kind = 'organisation'"""
    )
    async with running(world.deliverer().run):
        await asyncio.sleep(0.3)
        assert world.receiver.got() == []
        await world.do("""UPDATE control SET body = body || '{"standing": "active"}'""")
        await world.comes_to(delivery, "delivered")


@pytest.mark.requirement("R-DEL-01")
async def test_an_endpoint_is_proved_before_it_gets_anything_and_removed_for_good(world: PushWorld) -> None:
    """No handshake, no push; a type goes to one endpoint; what waited for a removed one is in the mailbox."""
    await world.partner()
    with pytest.raises(EndpointRefused, match="progress to harbour-trust already goes to ep_"):
        await world.endpoints.add(
            PARTNER, url=world.receiver.url("/2"), messages=[MessageName.PROGRESS], on_loopback=True
        )
    plans, _ = await world.endpoints.add(
        PARTNER, url=world.receiver.url("/2"), messages=[MessageName.PLAN], on_loopback=True
    )
    waiting = await world.deliver(message=MessageName.PLAN)
    async with running(world.deliverer().run):
        await asyncio.sleep(0.2)
        assert world.receiver.got() == []
        world.receiver.echoes = False
        with pytest.raises(EndpointRefused, match="the challenge is not in its answer"):
            await world.endpoints.verify(plans)
        with pytest.raises(EndpointRefused, match="tried just now"):
            await world.endpoints.verify(plans)
        with pytest.raises(EndpointRefused, match="cannot become active"):
            await world.endpoints.resume(plans)
        assert await world.endpoints.remove(plans) == 1
        await asyncio.sleep(0.2)
    assert world.receiver.got() == []
    assert await world.one("state", waiting) == "cancelled"
    assert await world.rows("SELECT state FROM delivery") == [("available",)]
    with pytest.raises(EndpointRefused, match="no such endpoint"):
        await world.endpoints.one(plans)


@pytest.mark.requirement("R-DEL-02")
async def test_what_expired_while_it_was_being_pushed_is_transported_all_the_same(world: PushWorld) -> None:
    """A deliverer that stood still comes back with the partner's answer: the delivery is there."""
    await world.partner()
    world.receiver.delay_s = 0.5
    delivery = await world.deliver()
    async with running(world.deliverer().run):
        await world.comes_to(delivery, "in_flight")
        await until(lambda: _tried(world, delivery))
        await world.do("UPDATE delivery SET state = 'expired' WHERE delivery_id = %s", delivery)
        await world.comes_to(delivery, "delivered")
    asked = "SELECT state, sequence FROM delivery WHERE delivery_id = %s"
    assert await world.rows(asked, delivery) == [("transported", 1)]
    assert await world.events(delivery) == ["transported"]


async def _tried(world: PushWorld, delivery: str) -> bool:
    return bool(await world.one("tries > 0", delivery))
