"""What people do with a delivery, said to the mailbox, goes into the log as a receipt on its case."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from hub.errors import Unreachable
from hub.messages.identifiers import CaseRef
from tests.integration.door import HARBOUR, QUAY, open_door
from tests.integration.mailbox_world import MESSAGES, acknowledge, deliver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.messages.envelope import Submission
    from hub.settings import Settings
    from tests.integration.door import Door

CASE = "1" * 32


@dataclass(kw_only=True)
class Log:
    """A log that keeps what it took, and can be out of reach."""

    taken: list[Submission] = field(default_factory=list)
    gone: bool = False

    async def publish(self, submission: Submission) -> object:
        """Keep it, or not."""
        if self.gone:
            message = "no broker"
            raise Unreachable(message, fix="wait")
        self.taken.append(submission)
        return None


@asynccontextmanager
async def opened(dsn: str, settings: Settings, folder: Path) -> AsyncIterator[tuple[Door, Log]]:
    """An open gateway and its log."""
    log = Log()
    async with open_door(dsn=dsn, settings=settings, folder=folder, intake=log) as door:
        yield door, log


@pytest.fixture
async def world(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[tuple[Door, Log]]:
    """An open gateway and its log."""
    async with opened(fresh_database, settings, tmp_path) as both:
        yield both


@pytest.mark.requirement("R-DEL-02", "R-MSG-11")
async def test_a_named_role_has_read_it_and_the_case_is_told_once(world: tuple[Door, Log]) -> None:
    """The receipt names case, delivery, role and person; repeating it says nothing twice."""
    door, log = world
    client = await door.client()
    delivery, framed = await deliver(door)
    said = {"role": "key_worker", "person": "kw-rowan"}
    path = f"{MESSAGES}/{delivery}/status/read"
    first, again = await client.put(path, json=said), await client.put(path, json=said)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.json()["type"] == "receipt"
    assert again.headers["idempotent-replayed"] == "true"
    (receipt,) = log.taken
    assert receipt.envelope.case == CASE
    assert receipt.envelope.organisation == HARBOUR
    assert (receipt.envelope.author, receipt.envelope.author_role) == ("kw-rowan", "key_worker")
    assert receipt.payload["delivery"] == delivery
    assert (receipt.payload["level"], receipt.payload["by_role"]) == ("READ", "key_worker")
    assert receipt.payload["by_person"] == "kw-rowan"
    assert (await acknowledge(client, delivery, framed)).status_code == 204
    assert (await client.put(path, json={"role": "line_manager"})).status_code == 202
    assert len(log.taken) == 2
    found = await door.rows("SELECT kind, said FROM delivery_event ORDER BY event")
    assert found == [
        ("read", {"role": "key_worker"}),
        ("acknowledged", {}),
        ("read", {"role": "line_manager"}),
    ]


@pytest.mark.requirement("R-DEL-02")
async def test_who_refuses_a_delivery_finds_it_no_more_and_the_case_is_told_why(
    world: tuple[Door, Log],
) -> None:
    """A refusal is for good: neither listed nor handed out nor acknowledged after it."""
    door, log = world
    client = await door.client()
    delivery, framed = await deliver(door)
    path, said = f"{MESSAGES}/{delivery}/status/refused", {"reason": "This person is not with us."}
    first, again = await client.put(path, json=said), await client.put(path, json=said)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.status_code == 202
    (receipt,) = log.taken
    assert (receipt.payload["level"], receipt.payload["reason"]) == ("REFUSED", said["reason"])
    assert receipt.envelope.author == HARBOUR
    assert receipt.envelope.author_role == "offender_manager"
    assert (await client.get(MESSAGES)).json()["messages"] == []
    over = [
        await client.get(f"{MESSAGES}/{delivery}"),
        await acknowledge(client, delivery, framed),
        await client.put(f"{MESSAGES}/{delivery}/status/read", json={"role": "key_worker"}),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in over} == {(410, "delivery-refused")}
    assert await door.rows("SELECT kind, channel FROM delivery_event") == [("refused", "mailbox")]
    assert await door.rows("SELECT said ? 'reason' FROM delivery_event") == [(False,)]


@pytest.mark.requirement("R-DEL-02")
async def test_what_was_acknowledged_or_read_is_refused_no_more(world: tuple[Door, Log]) -> None:
    """It says so and tells the case nothing; what was merely fetched may still be refused."""
    door, log = world
    client = await door.client()
    has_it, framed = await deliver(door)
    read, _ = await deliver(door)
    fetched, _ = await deliver(door)
    assert (await acknowledge(client, has_it, framed)).status_code == 204
    said = {"role": "key_worker"}
    assert (await client.put(f"{MESSAGES}/{read}/status/read", json=said)).status_code == 202
    assert (await client.get(f"{MESSAGES}/{fetched}")).status_code == 200
    told = len(log.taken)
    for delivery in (has_it, read):
        answer = await client.put(f"{MESSAGES}/{delivery}/status/refused", json={"reason": "Not ours."})
        assert (answer.status_code, answer.json()["code"]) == (409, "delivery-taken")
    assert len(log.taken) == told
    states = dict(await door.rows("SELECT delivery_id, state FROM delivery"))
    assert states == {has_it: "acknowledged", read: "available", fetched: "fetched"}
    late = await client.put(f"{MESSAGES}/{fetched}/status/refused", json={"reason": "Not ours."})
    assert late.status_code == 202


@pytest.mark.requirement("R-DEL-03")
async def test_who_may_not_send_receipts_is_told_so_whatever_they_ask_about(
    world: tuple[Door, Log],
) -> None:
    """One clear error, the same for a delivery that is there and for one that is not."""
    door, log = world
    client = await door.client(sends=["progress"])
    delivery, _ = await deliver(door)
    answers = [
        await client.put(f"{MESSAGES}/{each}/status/{verb}", json=said)
        for each in (delivery, "f" * 32)
        for verb, said in (("read", {"role": "key_worker"}), ("refused", {"reason": "No."}))
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {
        (403, "message-not-agreed")
    }
    assert len({answer.content for answer in answers}) == 1
    assert log.taken == []
    assert await door.rows("SELECT state FROM delivery") == [("available",)]


@pytest.mark.requirement("R-DEL-03")
async def test_faults_are_told_of_what_was_sent(world: tuple[Door, Log]) -> None:
    """By the names the caller used; nothing is taken, nothing changes."""
    door, log = world
    client = await door.client()
    delivery, _ = await deliver(door)
    tries = [
        ("read", {}, "/role"),
        ("read", {"role": "Not A Role"}, "/role"),
        ("read", {"role": 7}, "/role"),
        ("read", {"role": "key_worker", "person": "kw rowan"}, "/person"),
        ("read", {"role": "key_worker", "zebra": 1}, ""),
        ("refused", {"reason": ""}, "/reason"),
        ("refused", {"reason": "x" * 1001}, "/reason"),
        ("refused", {}, "/reason"),
    ]
    for verb, said, pointer in tries:
        answer = await client.put(f"{MESSAGES}/{delivery}/status/{verb}", json=said)
        assert answer.status_code == 422, said
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
        assert "zebra" not in answer.text
    assert log.taken == []
    assert await door.rows("SELECT state FROM delivery") == [("available",)]
    assert await door.rows("SELECT 1 FROM delivery_event") == []


@pytest.mark.requirement("R-DEL-02")
async def test_a_refusal_the_log_did_not_take_has_not_happened(world: tuple[Door, Log]) -> None:
    """Until the case can be told the delivery stays; the same request then goes through once."""
    door, log = world
    client = await door.client()
    delivery, _ = await deliver(door)
    log.gone = True
    path, said = f"{MESSAGES}/{delivery}/status/refused", {"reason": "Not ours."}
    failed = await client.put(path, json=said)
    assert (failed.status_code, failed.json()["code"]) == (503, "log-unavailable")
    assert await door.rows("SELECT state FROM delivery") == [("available",)]
    log.gone = False
    assert (await client.put(path, json=said)).status_code == 202
    assert await door.rows("SELECT state FROM delivery") == [("refused",)]
    assert len(log.taken) == 1


@pytest.mark.requirement("R-MSG-11")
async def test_it_is_what_a_posted_receipt_would_have_been(world: tuple[Door, Log]) -> None:
    """Word for word the payload, and the same envelope but for its own id and times."""
    door, log = world
    client = await door.client()
    delivery, _ = await deliver(door)
    await client.put(f"{MESSAGES}/{delivery}/status/read", json={"role": "key_worker", "person": "kw-1"})
    case = door.codec.pairwise.case(HARBOUR, CaseRef(CASE))
    when = log.taken[0].payload["at"]
    body = {
        "contract": "1.0",
        "case": case,
        "occurred_at": "2026-03-20T10:12:00Z",
        "author": "kw-1",
        "author_role": "key_worker",
        "statement": "fact",
        "data": {"delivery": delivery, "level": "READ", "by_role": "key_worker", "by_person": "kw-1"},
    }
    posted = await client.post("/v1/receipts", json=body, headers={"Idempotency-Key": "k-1"})
    assert posted.status_code == 202
    by_mailbox, by_post = log.taken
    assert by_mailbox.payload == {**by_post.payload, "at": when}
    for name in ("message", "contract", "case", "organisation", "author", "author_role", "statement"):
        assert getattr(by_mailbox.envelope, name) == getattr(by_post.envelope, name)
    assert by_mailbox.envelope.message_id != by_post.envelope.message_id
    other = await door.client(QUAY)
    assert (
        await other.put(f"{MESSAGES}/{delivery}/status/read", json={"role": "key_worker"})
    ).status_code == 404
