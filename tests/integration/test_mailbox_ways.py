"""The mailbox's further verbs on the real PostgreSQL: narrowed, numbered, leased, taken by the batch."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.adapters.database.freshness import Freshness, Projection
from tests.integration.door import QUAY, open_door
from tests.integration.mailbox_world import MESSAGES, acknowledge, deliver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    import httpx

    from hub.settings import Settings
    from tests.integration.door import Door

LEASE = "/v1/mailbox/lease"
SEVERAL = "/v1/mailbox/acknowledge"


@pytest.fixture
async def door(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Door]:
    """An open gateway; what waits in the mailboxes is put there by each test, as the projector does."""
    async with open_door(dsn=fresh_database, settings=settings, folder=tmp_path) as opened:
        yield opened


async def listed(client: httpx.AsyncClient, **parameters: str) -> list[str]:
    """The deliveries of one page."""
    return [each["delivery"] for each in (await client.get(MESSAGES, params=parameters)).json()["messages"]]


async def events(door: Door, delivery: str) -> list[tuple[str, str]]:
    """What happened to a delivery, in order."""
    return [
        tuple(row)
        for row in await door.rows(
            "SELECT kind, channel FROM delivery_event WHERE delivery_id = %s ORDER BY event", delivery
        )
    ]


@pytest.mark.requirement("R-DEL-01")
async def test_listing_is_narrowed_to_an_urgency_and_to_what_a_webhook_took(door: Door) -> None:
    """What a webhook took waits no longer, and is found by who asks for it; it can still be fetched."""
    client = await door.client()
    pressing, ordinary, pushed = [
        (await deliver(door, urgency=urgency))[0] for urgency in ("safety", "routine", "case")
    ]
    await door.rows("UPDATE delivery SET state = 'transported' WHERE delivery_id = %s", pushed)
    assert await listed(client) == [pressing, ordinary]
    assert await listed(client, urgency="safety") == [pressing]
    assert await listed(client, urgency="routine", message="progress") == [ordinary]
    assert await listed(client, state="transported") == [pushed]
    assert await listed(client, state="fetched") == []
    assert (await client.get("/v1/mailbox/count")).json() == {"count": 2}
    assert (await client.get(f"{MESSAGES}/{pushed}")).is_success
    assert await listed(client, state="fetched") == [pushed]
    wrong = await client.get(MESSAGES, params={"state": "acknowledged"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "parameter-invalid")


@pytest.mark.requirement("R-DEL-02")
async def test_fetches_and_the_one_acknowledgement_are_written_down(door: Door) -> None:
    """That it was handed out is an event, later once more; what was refused, or only repeated, is none."""
    client = await door.client()
    delivery, framed = await deliver(door)
    for _ in range(2):
        await client.get(f"{MESSAGES}/{delivery}")
        await door.rows("UPDATE delivery_event SET at = at - interval '61 s'")
    await client.head(f"{MESSAGES}/{delivery}")
    await acknowledge(client, delivery, b"other")
    for _ in range(2):
        assert (await acknowledge(client, delivery, framed)).status_code == 204
    assert await events(door, delivery) == [
        ("fetched", "mailbox"),
        ("fetched", "mailbox"),
        ("acknowledged", "mailbox"),
    ]


@pytest.mark.requirement("R-DIS-01", "R-DEL-02")
async def test_numbers_of_a_lane_have_no_gap_and_tell_nothing_of_what_was_stopped(door: Door) -> None:
    """What was stopped or held before it was handed over had no number; every lane counts for itself."""
    client, other = await door.client(), await door.client(QUAY)
    lane = [(await deliver(door))[0] for _ in range(5)]
    second_case = (await deliver(door, case="3" * 32))[0]
    foreign = (await deliver(door, QUAY))[0]
    await door.rows("UPDATE delivery SET verdict = 'stop' WHERE delivery_id = %s", lane[1])
    await door.rows("UPDATE delivery SET held = true WHERE delivery_id = %s", lane[3])

    async def number(delivery: str, who: httpx.AsyncClient = client, kind: str = "application/json") -> int:
        answer = await who.get(f"{MESSAGES}/{delivery}", headers={"Accept": kind})
        assert answer.is_success
        if kind == "application/json":
            assert answer.json()["sequence"] == int(answer.headers["hub-sequence"])
        return int(answer.headers["hub-sequence"])

    for stopped in (lane[1], lane[3]):
        assert (await client.get(f"{MESSAGES}/{stopped}")).status_code == 404
    assert [await number(each) for each in (lane[0], lane[2], lane[4])] == [1, 2, 3]
    await door.rows("UPDATE delivery SET held = false")
    assert await number(lane[3], kind="application/avro") == 4
    assert [await number(each) for each in (lane[0], lane[4])] == [1, 3]
    assert await number(second_case) == 1
    assert await number(foreign, other) == 1


@pytest.mark.requirement("R-DEL-02")
async def test_several_are_acknowledged_at_once_each_for_itself(door: Door) -> None:
    """One wrong digest, one that is another's and one that never was do not keep the others back."""
    client = await door.client()
    mine = [await deliver(door) for _ in range(3)]
    foreign, framed = await deliver(door, QUAY)
    digests = [hashlib.sha256(each).hexdigest() for _, each in mine]
    asked = [
        {"delivery": mine[0][0], "digest": digests[0]},
        {"delivery": mine[1][0], "digest": "0" * 64},
        {"delivery": foreign, "digest": hashlib.sha256(framed).hexdigest()},
        {"delivery": "zebra", "digest": digests[0]},
        {"delivery": mine[2][0], "digest": digests[2]},
    ]
    first = await client.post(SEVERAL, json={"deliveries": asked})
    again = await client.post(SEVERAL, json={"deliveries": asked})
    assert first.json() == again.json()
    assert [(each["delivery"], each["acknowledged"], each["code"]) for each in first.json()["results"]] == [
        (mine[0][0], True, None),
        (mine[1][0], False, "ack-digest-mismatch"),
        (foreign, False, "not-found"),
        ("zebra", False, "not-found"),
        (mine[2][0], True, None),
    ]
    assert await listed(client) == [mine[1][0]]
    assert await events(door, mine[0][0]) == [("acknowledged", "mailbox")]


@pytest.mark.requirement("R-DEL-03")
async def test_a_batch_that_is_none_is_refused_whole(door: Door) -> None:
    """Every item at fault is named by its place; nothing is acknowledged."""
    client = await door.client()
    delivery, framed = await deliver(door)
    good = {"delivery": delivery, "digest": hashlib.sha256(framed).hexdigest()}
    bodies: list[tuple[object, list[str]]] = [
        ({"deliveries": []}, ["/deliveries"]),
        ({"deliveries": [good] * 201}, ["/deliveries"]),
        ({"deliveries": [good], "more": 1}, ["/deliveries"]),
        ({"deliveries": [good, {"delivery": delivery}, 1]}, ["/deliveries/1", "/deliveries/2"]),
        ({"deliveries": [good, good]}, ["/deliveries/1"]),
    ]
    for body, pointers in bodies:
        answer = await client.post(SEVERAL, json=body)
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == pointers
    large = await client.post(SEVERAL, json={"deliveries": [good | {"delivery": "x" * 140_000}]})
    assert large.status_code == 413
    assert await listed(client) == [delivery]


@pytest.mark.requirement("R-DEL-01")
async def test_competing_readers_lease_each_delivery_once(door: Door) -> None:
    """Readers that ask at once get different ones; a lease hides them until it ends or they are taken."""
    client = await door.client()
    sent = [await deliver(door) for _ in range(20)]
    await deliver(door, QUAY)
    leases = await asyncio.gather(
        *(client.post(LEASE, params={"max": "6", "seconds": "60"}) for _ in range(4))
    )
    taken = [[each["delivery"] for each in answer.json()["messages"]] for answer in leases]
    assert sorted(each for part in taken for each in part) == sorted(delivery for delivery, _ in sent)
    assert max(map(len, taken)) <= 6
    assert await listed(client) == []
    whole = max(leases, key=lambda answer: len(answer.json()["messages"])).json()
    mine = [each["delivery"] for each in whole["messages"]]
    assert await listed(client, lease=whole["lease"]) == mine
    assert (await client.post(LEASE)).json()["messages"] == []

    framed = dict(sent)
    assert (await acknowledge(client, mine[0], framed[mine[0]])).status_code == 204
    assert await listed(client, lease=whole["lease"]) == mine[1:]
    await door.rows("UPDATE delivery SET leased_until = now() WHERE leased_by = %s", whole["lease"])
    assert await listed(client) == mine[1:]
    assert await listed(client, lease=whole["lease"]) == []
    again = (await client.post(LEASE, params={"max": "2"})).json()
    assert [each["delivery"] for each in again["messages"]] == mine[1:3]
    held = await door.rows("SELECT leased_by, leased_until FROM delivery WHERE delivery_id = %s", mine[0])
    assert held == [(None, None)]


@pytest.mark.requirement("R-DIS-05")
async def test_nothing_that_is_held_or_out_of_date_is_leased(door: Door) -> None:
    """A lease gives what a fetch would hand over, and no more."""
    client = await door.client()
    changes = (
        "held = true",
        "verdict = 'stop'",
        "right_until = now()",
        "turn = 1, case_ref = repeat('7', 32)",
    )
    await door.rows(
        "INSERT INTO case_state (case_ref, key_id, nonce, box, version, turn)"
        " VALUES (repeat('7', 32), '', '', '', 9, 2)"
    )
    for change in changes:
        delivery, _ = await deliver(door)
        await door.rows(f"UPDATE delivery SET {change} WHERE delivery_id = %s", delivery)  # noqa: S608
    open_one, _ = await deliver(door)
    leased = (await client.post(LEASE)).json()
    assert [each["delivery"] for each in leased["messages"]] == [open_one]
    assert leased["until"] is not None


ASKED = {
    "fetched": ("GET", "", None),
    "fetched as Avro": ("GET", "", None),
    "looked at": ("HEAD", "", None),
    "acknowledged": ("PUT", "/status/acknowledged", {"digest": "0" * 64}),
    "read": ("PUT", "/status/read", {"role": "key_worker"}),
    "refused": ("PUT", "/status/refused", {"reason": "Not ours."}),
    "posted to": ("POST", "/status/read", {"role": "key_worker"}),
}
NEVER = {
    "held": "held = true",
    "stopped": "verdict = 'stop'",
    "replaced": "verdict = 'replace'",
    "past its moment": "right_until = now()",
    "behind its case": "turn = 1, case_ref = repeat('7', 32)",
    "of a partition that stands still": 'partition = 4, "offset" = 9',
    "another's": "organisation = 'quay-service'",
}


@pytest.mark.requirement("R-DIS-01", "R-DEL-03")
@pytest.mark.parametrize("how", ASKED)
async def test_whatever_may_not_be_seen_is_answered_like_what_never_was(door: Door, how: str) -> None:
    """By every method one answer, byte for byte and header for header, whatever is behind it."""
    client = await door.client()
    await door.rows(
        "INSERT INTO case_state (case_ref, key_id, nonce, box, version, turn)"
        " VALUES (repeat('7', 32), '', '', '', 9, 2)"
    )
    await door.rows(
        "INSERT INTO projector_stopped (topic, partition, code) VALUES ('hub.state.cases', 4, 'KEY-UNKNOWN')"
    )
    names = ["f" * 32, "zebra", "%00"]
    for change in NEVER.values():
        delivery, _ = await deliver(door)
        await door.rows(f"UPDATE delivery SET {change} WHERE delivery_id = %s", delivery)  # noqa: S608
        names.append(delivery)
    method, path, body = ASKED[how]
    headers = {"Accept": "application/avro"} if how == "fetched as Avro" else {}
    answers = [
        await client.request(method, f"{MESSAGES}/{name}{path}", json=body, headers=headers) for name in names
    ]
    assert {answer.status_code for answer in answers} == ({405} if method == "POST" else {404})
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    assert await door.rows("SELECT count(*) FROM delivery_event") == [(0,)]
    assert await door.rows("SELECT count(*) FROM idempotency") == [(0,)]


@pytest.mark.requirement("R-DIS-01")
async def test_only_who_could_see_it_is_told_that_it_expired(door: Door) -> None:
    """To its recipient an expired delivery is gone, to everybody else it never was."""
    client, other = await door.client(), await door.client(QUAY)
    delivery, framed = await deliver(door)
    await door.rows("UPDATE delivery SET state = 'expired'")
    gone = [
        await client.get(f"{MESSAGES}/{delivery}"),
        await acknowledge(client, delivery, framed),
        await client.put(f"{MESSAGES}/{delivery}/status/read", json={"role": "key_worker"}),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in gone} == {(410, "delivery-expired")}
    assert (await other.get(f"{MESSAGES}/{delivery}")).status_code == 404
    assert await listed(client) == []


@pytest.mark.requirement("R-DIS-05")
async def test_nothing_is_counted_before_the_projection_has_come_to_where_the_router_is(door: Door) -> None:
    """What was withdrawn and is not projected yet would still be counted."""

    async def ends() -> Mapping[tuple[str, int], int]:
        await asyncio.sleep(0)
        return {("hub.outbox", 0): 1}

    client, known = await door.client(), door.app.state.services
    slow = replace(known.mailbox, freshness=Freshness(Projection(door.pool, 5.0), ends, timeout_s=0.2))
    door.app.state.services = replace(known, mailbox=slow)
    await deliver(door)
    behind = await client.get("/v1/mailbox/count")
    await door.rows("INSERT INTO position (topic, partition, next) VALUES ('hub.outbox', 0, 1)")
    caught_up = await client.get("/v1/mailbox/count")
    assert (behind.status_code, behind.json()["code"]) == (503, "not-caught-up")
    assert (caught_up.status_code, caught_up.json()) == (200, {"count": 1})


@pytest.mark.requirement("R-DEL-02")
async def test_who_fetches_without_end_fills_no_table(door: Door) -> None:
    """The same within a minute is noted once; later, or after something else has happened, it is again."""
    client = await door.client()
    delivery, framed = await deliver(door)

    async def fetched() -> int:
        answers = [await client.get(f"{MESSAGES}/{delivery}") for _ in range(3)]
        assert all(answer.is_success for answer in answers)
        return [kind for kind, _ in await events(door, delivery)].count("fetched")

    assert await fetched() == 1
    await door.rows("UPDATE delivery_event SET at = at - interval '61 s'")
    assert await fetched() == 2
    await door.rows("UPDATE delivery_event SET channel = 'mesh'")
    assert await fetched() == 3
    assert (await acknowledge(client, delivery, framed)).is_success
    assert await fetched() == 4
    last = await door.rows("SELECT state, sequence FROM delivery_event ORDER BY event DESC LIMIT 1")
    assert last == [("acknowledged", 1)]
