"""Following a mailbox on the real PostgreSQL and over real connections: nothing missed, nothing stale."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from structlog.testing import capture_logs

from hub.adapters.database.standstill import moves_again, stands_still
from hub.adapters.gateway import GatewayLimits
from hub.adapters.gateway.limits import StreamLimits
from hub.adapters.gateway.stream_store import Place, StreamIds, StreamStore
from tests.integration.door import HARBOUR, QUAY, open_door
from tests.integration.event_reading import EVENTS, delivery_of, following, line_to, serving, told
from tests.integration.mailbox_world import acknowledge, deliver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from httpx_sse import ServerSentEvent

    from hub.settings import Settings
    from tests.integration.door import Door

COMING = 150
PAUSES_S = (0.05, 0.3, 0.12, 0.2, 0.08)
LIMITS = StreamLimits(heartbeat_s=0.2, poll_s=0.02, notices_max=5, reconnect_s=0.05)


@pytest.fixture
async def door(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Door]:
    """An open gateway whose streams are looked after often."""
    async with open_door(
        dsn=fresh_database, settings=settings, folder=tmp_path, stream_limits=LIMITS
    ) as opened:
        yield opened


async def hold(door: Door, delivery: str, *, held: bool) -> None:
    """Hold a delivery, or release it, as the projector does."""
    await door.rows("UPDATE delivery SET held = %s WHERE delivery_id = %s", held, delivery)


@pytest.mark.requirement("R-DEL-01")
async def test_a_follower_is_told_of_what_waits_and_of_what_comes(door: Door, settings: Settings) -> None:
    """A notice says that there is something and where; what it says is fetched."""
    first, _ = await deliver(door)
    await deliver(door, QUAY)
    key = await door.join(HARBOUR)
    async with serving(door.app, settings) as (url, _), following(url, key) as events:
        seen = [await anext(events)]
        began = time.monotonic()
        second, _ = await deliver(door)
        seen.append(await anext(events))
        print(f"from commit to notice: {(time.monotonic() - began) * 1000:.0f} ms")
        async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as http:
            fetched = await http.get(json.loads(seen[1].data)["url"])
    assert [each.event for each in seen] == ["delivery", "delivery"]
    assert [delivery_of(each) for each in seen] == [first, second]
    assert json.loads(seen[0].data) == {
        "delivery": first,
        "type": "progress",
        "contract": "1.0",
        "urgency": "case",
        "url": f"/v1/mailbox/messages/{first}",
    }
    assert fetched.json()["envelope"]["ce_id"] == second


@pytest.mark.requirement("R-DEL-01")
@pytest.mark.requirement("R-DEL-02")
async def test_nothing_is_missed_over_twenty_broken_connections(door: Door, settings: Settings) -> None:
    """Deliveries come all the time, some are held and released behind the reader's place; all are told of."""
    key = await door.join(HARBOUR)
    sent: list[str] = []
    seen: list[str] = []
    async with serving(door.app, settings) as (url, _), line_to(url) as line:
        writing = asyncio.create_task(_send(door, sent))
        reading = asyncio.create_task(_follow(line.url, key, seen))
        while not writing.done():
            await asyncio.sleep(PAUSES_S[line.cuts % len(PAUSES_S)])
            line.cut()
        await writing
        await asyncio.wait_for(reading, 20)
    assert line.cuts >= 20
    assert set(seen) == set(sent)
    print(f"{line.cuts} cuts, {len(sent)} deliveries, {len(seen) - len(sent)} told again")


async def _send(door: Door, sent: list[str]) -> None:
    """Deliver all the time; every fifth is held, and released when the next four have gone past it."""
    for number in range(COMING):
        delivery, _ = await deliver(door)
        sent.append(delivery)
        if number % 5 == 0:
            await hold(door, delivery, held=True)
        if number % 5 == 4:
            await hold(door, sent[-5], held=False)
        await asyncio.sleep(0.025)


async def _follow(url: str, key: str, seen: list[str]) -> None:
    """Read until all has been told of, coming again after the last event whenever the line breaks."""
    last: str | None = None
    while len(set(seen)) < COMING:
        try:
            async with following(url, key, last=last) as events:
                async for each in events:
                    seen.append(delivery_of(each))
                    last = each.id
                    if len(set(seen)) == COMING:
                        break
        except (httpx.TransportError, httpx.StreamError):
            continue


@pytest.mark.requirement("R-DIS-05")
async def test_what_was_held_is_told_of_when_it_is_released_behind_the_readers_place(
    door: Door, settings: Settings
) -> None:
    """Its cursor is older than what has been read; its turn comes all the same."""
    held, _ = await deliver(door)
    await hold(door, held, held=True)
    later, _ = await deliver(door)
    key = await door.join(HARBOUR)
    async with serving(door.app, settings) as (url, _):
        (first,) = await told(url, key, 1)
        await hold(door, held, held=False)
        (second,) = await told(url, key, 1, last=first.id)
        again = await told(url, key, 2)
    assert (delivery_of(first), delivery_of(second)) == (later, held)
    assert [delivery_of(each) for each in again] == [later, held]


@pytest.mark.requirement("R-DIS-05")
async def test_what_stood_still_is_told_of_when_it_moves_again(door: Door, settings: Settings) -> None:
    """Of a partition that stands still nothing is open, and a reader's place passes it."""
    still, _ = await deliver(door)
    await door.rows("UPDATE delivery SET partition = 3")
    later, _ = await deliver(door)
    async with door.pool.connection() as connection:
        await stands_still(connection, topic="hub.state.cases", partition=3, code="KEY-UNKNOWN")
    key = await door.join(HARBOUR)
    async with serving(door.app, settings) as (url, _), following(url, key) as events:
        first = delivery_of(await anext(events))
        async with door.pool.connection() as connection:
            await moves_again(connection, [("hub.state.cases", 3)])
        assert (first, delivery_of(await anext(events))) == (later, still)


@pytest.mark.requirement("R-DEL-01")
async def test_what_is_committed_later_than_what_began_after_it_is_not_passed_over(
    door: Door, settings: Settings
) -> None:
    """Two projectors at once: the one that began first ends last, and its delivery is told of too."""
    early, _ = await deliver(door, QUAY)
    key = await door.join(HARBOUR)
    async with serving(door.app, settings) as (url, _), following(url, key) as events:
        async with door.pool.connection() as slow:
            await slow.execute(
                "UPDATE delivery SET organisation = %s, announced = DEFAULT WHERE delivery_id = %s",
                (HARBOUR, early),
            )
            late, _ = await deliver(door)
            await asyncio.sleep(0.4)
        seen = [delivery_of(await anext(events)), delivery_of(await anext(events))]
    assert seen == [early, late]


async def test_a_transaction_that_keeps_all_streams_silent_is_logged_until_it_has_ended(
    fresh_database: str, settings: Settings, tmp_path: Path
) -> None:
    """Whoever follows sees signs of life and no more; a database at which nothing happens is no such case."""
    limits = StreamLimits(heartbeat_s=0.2, poll_s=0.02, standstill_s=0.3)
    async with open_door(
        dsn=fresh_database, settings=settings, folder=tmp_path, stream_limits=limits
    ) as door:
        key = await door.join(HARBOUR)
        with capture_logs() as logs:
            async with serving(door.app, settings) as (url, _), following(url, key) as events:
                await asyncio.sleep(0.7)
                assert _stands_still(logs) == []
                async with door.pool.connection() as slow:
                    (row,) = await (
                        await slow.execute("SELECT pg_current_xact_id()::text::bigint")
                    ).fetchall()
                    await deliver(door)
                    await asyncio.sleep(0.8)
                found = _stands_still(logs)
                await anext(events)
                await asyncio.sleep(0.7)
        assert found[0] == row[0]
        assert 1 <= len(found) <= 3
        assert _stands_still(logs) == found


def _stands_still(logs: Sequence[Mapping[str, Any]]) -> list[int]:
    """Which transactions were logged to keep streams silent."""
    return [each["transaction"] for each in logs if each["event"] == "gateway.streams_stand_still"]


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.requirement("R-DIS-10")
async def test_what_is_withdrawn_while_the_client_does_not_read_is_not_told_of(door: Door) -> None:
    """A page is looked up once the client has taken the one before: nothing waits in a buffer of ours."""
    sent = [(await deliver(door))[0] for _ in range(12)]
    key = await door.join(HARBOUR)
    said, takes, open_ = bytearray(), asyncio.Event(), asyncio.Event()
    takes.set()

    async def send(message: dict[str, Any]) -> None:
        await takes.wait()
        said.extend(message.get("body", b""))
        if said.count(b"event: delivery") == 10:
            # As a connection whose buffer is full: what is written next waits.
            takes.clear()
            open_.set()

    stream = asyncio.create_task(_by_hand(door, key, send))
    await asyncio.wait_for(open_.wait(), 5)
    await asyncio.sleep(0.3)
    await hold(door, sent[11], held=True)
    takes.set()
    while said.count(b"event: delivery") < 11:
        await asyncio.sleep(0.02)
        takes.set()
    await asyncio.sleep(0.3)
    door.app.state.services.streams.end()
    await asyncio.wait_for(stream, 5)
    assert [each for each in sent if each.encode() not in said] == [sent[11]]


async def test_one_who_does_not_read_is_cut_off(
    fresh_database: str, settings: Settings, tmp_path: Path
) -> None:
    """After a while; what it was not told of is in the mailbox, and its place is another's."""
    limits = StreamLimits(write_timeout_s=0.3, poll_s=0.02, streams_max=1)
    async with open_door(
        dsn=fresh_database, settings=settings, folder=tmp_path, stream_limits=limits
    ) as door:
        await deliver(door)
        key = await door.join(HARBOUR)
        said: list[bytes] = []

        async def send(message: dict[str, Any]) -> None:
            said.append(message.get("body", b""))
            if b"event: delivery" in said[-1]:
                await asyncio.get_running_loop().create_future()

        for _ in range(2):
            await asyncio.wait_for(_by_hand(door, key, send), 5)
        assert sum(b"event: delivery" in each for each in said) == 2


async def _by_hand(door: Door, key: str, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Follow a mailbox as a server would have it that is slow to write."""

    async def receive() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    scope = {
        "type": "http",
        "method": "GET",
        "path": EVENTS,
        "raw_path": EVENTS.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {key}".encode())],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("hub.example", 80),
        "client": ("127.0.0.1", 1),
    }
    await door.app(scope, receive, send)  # type: ignore[arg-type]


@pytest.mark.requirement("R-DIS-10")
async def test_an_id_that_this_mailbox_did_not_give_leads_to_a_new_beginning(
    door: Door, settings: Settings
) -> None:
    """Another's, a made up one and one of a lost database: all alike, and nothing is told by them."""
    mine, _ = await deliver(door)
    theirs, _ = await deliver(door, QUAY)
    key, other = await door.join(HARBOUR), await door.join(QUAY)
    ids, database = StreamIds(door.codec.keys), await StreamStore(door.pool, 5.0).database()
    lost = ids.event_id(HARBOUR, Place(2**40, 1), database=database)
    elsewhere = ids.event_id(HARBOUR, Place(1, 1), database="7000000000000000000/1")
    async with serving(door.app, settings) as (url, _):
        (foreign,) = await told(url, other, 1)
        assert delivery_of(foreign) == theirs
        for last in (foreign.id, "zebra", "A" * 43, "0" * 400, "%C3%A9", lost, elsewhere):
            resync, notice = await told(url, key, 2, last=last)
            assert (resync.event, json.loads(resync.data)) == ("resync", {"url": "/v1/mailbox/messages"})
            assert delivery_of(notice) == mine


async def test_nothing_is_told_of_what_has_been_acknowledged(door: Door, settings: Settings) -> None:
    """Who comes back late is told of what still waits."""
    first, framed = await deliver(door)
    second, _ = await deliver(door)
    async with await door.client() as client:
        await client.get(f"/v1/mailbox/messages/{first}")
        assert (await acknowledge(client, first, framed)).status_code == 204
        key = client.headers["authorization"].removeprefix("Bearer ")
    async with serving(door.app, settings) as (url, _):
        (only,) = await told(url, key, 1)
    assert delivery_of(only) == second


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credential SET revoked_at = now()",
        "UPDATE control SET body = jsonb_set(body, '{standing}', '\"suspended\"')",
    ],
)
async def test_a_stream_ends_when_its_key_is_revoked_or_its_organisation_suspended(
    door: Door, settings: Settings, statement: str
) -> None:
    """At the next sign of life at the latest, and nothing that comes meanwhile is told."""
    key = await door.join(HARBOUR)
    await deliver(door)
    async with serving(door.app, settings) as (url, _), following(url, key) as events:
        await anext(events)
        await door.rows(statement)
        await deliver(door)
        async with asyncio.timeout(3):
            assert [each async for each in events] == []


async def test_streams_end_at_once_when_the_gateway_stops(door: Door, settings: Settings) -> None:
    """The answer is complete, so that the client knows it may come again elsewhere."""
    key = await door.join(HARBOUR)
    await deliver(door)
    async with serving(door.app, settings) as (url, stop), following(url, key) as events:
        await anext(events)
        began = time.monotonic()
        stop.set()
        assert [each async for each in events] == []
        assert time.monotonic() - began < 2


async def test_streams_are_bounded_and_hold_no_other_request_up(
    fresh_database: str, settings: Settings, tmp_path: Path
) -> None:
    """So many for each organisation, so many in all; a place is free again once a stream is closed."""
    limits = StreamLimits(streams_max=3, streams_per_organisation_max=2, heartbeat_s=0.2, poll_s=0.02)
    async with (
        open_door(
            dsn=fresh_database,
            settings=settings,
            folder=tmp_path,
            limits=GatewayLimits(requests_in_flight_max=1),
            stream_limits=limits,
        ) as door,
        serving(door.app, settings) as (url, _),
    ):
        keys = [await door.join(each) for each in (HARBOUR, QUAY)]
        async with AsyncExitStack() as stack:
            for key in (keys[0], keys[0], keys[1]):
                await stack.enter_async_context(following(url, key))
            assert [await _status(url, key, EVENTS) for key in keys] == [
                (429, "too-many-streams", "15"),
                (503, "overloaded", "15"),
            ]
            assert (await _status(url, keys[1], "/v1/mailbox/count"))[0] == 200
        async with asyncio.timeout(5):
            while not await _opens(url, keys[0]):
                pass


async def _status(url: str, key: str, path: str) -> tuple[int, str | None, str | None]:
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) as http:
        answer = await http.get(path)
    return answer.status_code, answer.json().get("code"), answer.headers.get("retry-after")


async def _opens(url: str, key: str) -> bool:
    """Whether a stream can be opened."""
    try:
        async with following(url, key):
            return True
    except httpx.HTTPStatusError:
        return False


async def test_two_hundred_idle_followers_cost_little(
    fresh_database: str, settings: Settings, tmp_path: Path
) -> None:
    """One watcher looks for all of them; the figure is printed."""
    limits = StreamLimits(streams_per_organisation_max=20)
    async with (
        open_door(dsn=fresh_database, settings=settings, folder=tmp_path, stream_limits=limits) as door,
        serving(door.app, settings) as (url, _),
        AsyncExitStack() as stack,
    ):
        keys = [await door.join(f"service-{number}") for number in range(20)]
        streams = [await stack.enter_async_context(following(url, keys[n % 20])) for n in range(200)]
        await asyncio.sleep(1)
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(4)
        share = (time.process_time() - cpu) / (time.monotonic() - began)
        waits = [asyncio.ensure_future(_first(each)) for each in streams]
        sent = [(await deliver(door, f"service-{number}"))[0] for number in range(20)]
        began = time.monotonic()
        seen = await asyncio.gather(*waits)
        print(f"200 idle: {share * 100:.1f} % of one core; all told in {time.monotonic() - began:.2f} s")
        assert seen == [sent[n % 20] for n in range(200)]
        assert share < 0.25


async def _first(events: AsyncIterator[ServerSentEvent]) -> str:
    return delivery_of(await anext(events))
