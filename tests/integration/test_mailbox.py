"""The mailbox on the real PostgreSQL: listed, fetched, acknowledged, by its owner and nobody else."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from hub.topics.keys import FileKeyStore
from tests.integration.door import HARBOUR, QUAY, open_door
from tests.integration.mailbox_world import MESSAGES, acknowledge, deliver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.settings import Settings
    from tests.integration.door import Door


@pytest.fixture
async def door(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Door]:
    """An open gateway; what waits in the mailboxes is put there by each test, as the projector does."""
    async with open_door(dsn=fresh_database, settings=settings, folder=tmp_path) as opened:
        yield opened


@pytest.mark.requirement("R-DEL-01")
async def test_recipient_lists_fetches_and_acknowledges(door: Door) -> None:
    """A delivery is listed until it is acknowledged, and fetching it takes nothing away."""
    delivery_id, framed = await deliver(door)
    async with await door.client() as client:
        (listed,) = (await client.get(MESSAGES)).json()["messages"]
        fetched = await client.get(listed["url"])
        counted = (await client.get("/v1/mailbox/count")).json()
        first = await acknowledge(client, delivery_id, framed)
        second = await acknowledge(client, delivery_id, framed)
        after = (await client.get(MESSAGES)).json(), (await client.get("/v1/mailbox/count")).json()
        again = await client.get(listed["url"])
    assert listed["delivery"] == delivery_id
    assert listed["digest"] == hashlib.sha256(framed).hexdigest() == fetched.json()["digest"]
    assert fetched.json()["data"]["session_at"] == "2026-03-02T09:15:00Z"
    assert fetched.json()["envelope"]["hub-role"] == "offender_manager"
    assert counted == {"count": 1}
    assert (first.status_code, first.content, second.status_code) == (204, b"", 204)
    assert after == ({"messages": [], "next_cursor": None, "notices": []}, {"count": 0})
    assert again.json() == fetched.json()


@pytest.mark.requirement("R-DEL-01")
async def test_recipient_gets_the_very_bytes_when_it_asks_for_avro(door: Door) -> None:
    """As Avro the body is what Kafka would have carried, with its digest and its envelope in headers."""
    delivery_id, framed = await deliver(door)
    async with await door.client() as client:
        answer = await client.get(f"{MESSAGES}/{delivery_id}", headers={"Accept": "application/avro"})
        neither = await client.get(f"{MESSAGES}/{delivery_id}", headers={"Accept": "text/html"})
    digest = hashlib.sha256(framed).digest()
    assert answer.content == framed
    assert answer.headers["content-type"] == "application/avro"
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert answer.headers["hub-digest"] == digest.hex()
    assert answer.headers["ce-type"] == "hub.progress"
    assert (neither.status_code, neither.json()["code"]) == (406, "not-acceptable")


@pytest.mark.requirement("R-DIS-01")
async def test_unknown_foreign_and_malformed_deliveries_look_the_same(door: Door) -> None:
    """One 404, byte for byte, whatever is asked for and however; and nothing is noted on the other's row."""
    foreign, framed = await deliver(door, QUAY)
    async with await door.client() as client:
        fetched = [
            await client.get(f"{MESSAGES}/{each}") for each in (foreign, "f" * 32, "zebra", "%00", "é")
        ]
        avro = await client.get(f"{MESSAGES}/{foreign}", headers={"Accept": "application/avro"})
        acknowledged = [await acknowledge(client, each, framed) for each in (foreign, "f" * 32, "zebra")]
    answers = [*fetched, avro, *acknowledged]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    assert await door.rows("SELECT state, fetched_at FROM delivery") == [("available", None)]


@pytest.mark.requirement("R-DEL-02")
async def test_acknowledgement_with_another_digest_is_refused(door: Door) -> None:
    """Who names other bytes has not got these: the delivery stays."""
    delivery_id, _ = await deliver(door)
    async with await door.client() as client:
        wrong = await acknowledge(client, delivery_id, b"other")
        bodies = [{}, {"digest": 1}, {"digest": "ZZ"}, {"digest": "0" * 64, "more": 1}]
        malformed = [
            await client.put(f"{MESSAGES}/{delivery_id}/status/acknowledged", json=each) for each in bodies
        ]
        count = (await client.get("/v1/mailbox/count")).json()
    assert (wrong.status_code, wrong.json()["code"]) == (422, "ack-digest-mismatch")
    assert {answer.json()["code"] for answer in malformed} == {"payload-invalid"}
    assert count == {"count": 1}


@pytest.mark.requirement("R-DEL-01")
async def test_cursor_leads_through_every_page_once(door: Door) -> None:
    """Pages follow each other without gap or repeat, and the last names no next."""
    sent = [(await deliver(door))[0] for _ in range(7)]
    await deliver(door, QUAY)
    seen: list[str] = []
    cursor: str | None = None
    async with await door.client() as client:
        for _ in range(4):
            params = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
            page = (await client.get(MESSAGES, params=params)).json()
            seen += [each["delivery"] for each in page["messages"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    assert seen == sent


@pytest.mark.requirement("R-DIS-01")
async def test_cursor_serves_its_own_mailbox_and_listing_only(door: Door) -> None:
    """A cursor tells nothing, and is no use to another organisation or in another listing."""
    for organisation in (HARBOUR, HARBOUR, QUAY, QUAY):
        await deliver(door, organisation)
    async with await door.client() as client, await door.client(QUAY) as other:
        cursor = (await client.get(MESSAGES, params={"limit": "1"})).json()["next_cursor"]
        tries = [
            await other.get(MESSAGES, params={"cursor": cursor}),
            await client.get(MESSAGES, params={"cursor": cursor, "message": "progress"}),
            await client.get(MESSAGES, params={"cursor": cursor[:-2] + "aa"}),
            await client.get(MESSAGES, params={"cursor": "é"}),
            await client.get(MESSAGES, params={"cursor": ""}),
            await client.get(MESSAGES, params={"limit": "0"}),
        ]
    assert {answer.status_code for answer in tries} == {400}
    assert {answer.json()["code"] for answer in tries} == {"parameter-invalid"}


async def test_listing_can_be_narrowed_to_a_message_type(door: Door) -> None:
    """A system that handles one type asks for that."""
    await deliver(door)
    async with await door.client() as client:
        progress = (await client.get(MESSAGES, params={"message": "progress"})).json()["messages"]
        plans = (await client.get(MESSAGES, params={"message": "plan"})).json()["messages"]
        unknown = await client.get(MESSAGES, params={"message": "zebra"})
    assert (len(progress), plans, unknown.status_code) == (1, [], 400)


@pytest.mark.requirement("R-AUD-04")
async def test_erased_content_is_gone_for_its_recipient_too(door: Door) -> None:
    """When the person's key is erased the delivery says so, and does not count as fetched."""
    delivery_id, _ = await deliver(door, key_id="case-" + "3" * 32)
    keys = door.codec.keys
    assert isinstance(keys, FileKeyStore)
    keys.erase("case-" + "3" * 32)
    async with await door.client() as client:
        answer = await client.get(f"{MESSAGES}/{delivery_id}")
    assert (answer.status_code, answer.json()["code"]) == (410, "content-erased")
    assert await door.rows("SELECT state FROM delivery") == [("available",)]


@pytest.mark.requirement("R-DIS-01")
async def test_suspended_organisation_gets_nothing_of_its_mailbox(door: Door) -> None:
    """Standing is looked at on every request: from suspension on the mailbox is shut."""
    delivery_id, _ = await deliver(door)
    async with await door.client() as client:
        before = await client.get(f"{MESSAGES}/{delivery_id}")
        await door.rows("UPDATE control SET body = jsonb_set(body, '{standing}', '\"suspended\"')")
        after = [
            await client.get(path) for path in (f"{MESSAGES}/{delivery_id}", MESSAGES, "/v1/mailbox/count")
        ]
    assert before.status_code == 200
    assert {(answer.status_code, answer.json()["code"]) for answer in after} == {
        (403, "organisation-suspended")
    }


HELD = {
    "held": "held = true",
    "stopped": "verdict = 'stop'",
    "replaced": "verdict = 'replace'",
    "past the moment until which it was right": "right_until = now()",
    "behind its case": "turn = 1, case_ref = repeat('7', 32)",
    "behind its organisation": 'partition = 5, "offset" = 7',
    "behind the rules": 'partition = 6, "offset" = 7',
    "of a partition that stands still": 'partition = 4, "offset" = 9',
}
LISTED = frozenset({"behind its case", "behind its organisation", "behind the rules"})
"""Nobody has held these yet, as if a hold had been missed: they are listed, and not handed over."""
BEHIND = """
INSERT INTO case_state (case_ref, key_id, nonce, box, version, turn)
VALUES (repeat('7', 32), '', '', '', 9, 2);
INSERT INTO control_change VALUES (5, 'organisation', 'harbour-trust', 'harbour-trust', NULL, 8);
INSERT INTO control_change VALUES (6, 'policy', 'current', NULL, NULL, 8);
INSERT INTO projector_stopped (topic, partition, code) VALUES ('hub.state.cases', 4, 'KEY-UNKNOWN')
"""


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize("why", HELD)
async def test_what_may_be_out_of_date_looks_like_what_never_was(door: Door, why: str) -> None:
    """Neither fetched nor acknowledged, by the same answer as an id nobody ever gave out; not counted."""
    harbour = await door.client(HARBOUR)
    delivery, framed = await deliver(door)
    assert (await harbour.get(f"{MESSAGES}/{delivery}")).is_success
    for statement in BEHIND.split(";"):
        await door.rows(statement)
    await door.rows(f"UPDATE delivery SET {HELD[why]} WHERE delivery_id = %s", delivery)  # noqa: S608
    gone, never = [await harbour.get(f"{MESSAGES}/{name}") for name in (delivery, "0" * 32)]
    assert (gone.status_code, gone.json()) == (404, never.json())
    assert (await acknowledge(harbour, delivery, framed)).status_code == 404
    waiting = int(why in LISTED)
    assert len((await harbour.get(MESSAGES)).json()["messages"]) == waiting
    assert (await harbour.get("/v1/mailbox/count")).json() == {"count": waiting}


@pytest.mark.requirement("R-DEL-02")
async def test_what_was_acknowledged_may_be_acknowledged_again_though_it_is_out_of_date(door: Door) -> None:
    """That tells nothing; fetching it again would."""
    harbour = await door.client(HARBOUR)
    delivery, framed = await deliver(door)
    assert (await acknowledge(harbour, delivery, framed)).status_code == 204
    await door.rows("UPDATE delivery SET right_until = now() WHERE delivery_id = %s", delivery)
    assert (await acknowledge(harbour, delivery, framed)).status_code == 204
    assert (await harbour.get(f"{MESSAGES}/{delivery}")).status_code == 404
