"""Posting on the real PostgreSQL and the real Kafka: taken once, durably, and told to its sender alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hub.adapters.gateway import GatewayLimits
from hub.adapters.kafka.intake import IntakePublisher
from hub.messages.envelope import MessageName, Statement
from hub.topics.catalogue import Catalogue
from hub.topics.keys import case_key
from tests.integration.door import HARBOUR, QUAY, body, client_of, idempotent, open_door

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.messages.envelope import Submission
    from hub.settings import Settings
    from tests.integration.door import Door


@pytest.fixture
async def door(
    kafka: str, fresh_database: str, topic_prefix: str, settings: Settings, tmp_path: Path
) -> AsyncIterator[Door]:
    """An open gateway whose intake is on Kafka."""
    async with open_door(
        dsn=fresh_database, settings=settings, folder=tmp_path, kafka=kafka, prefix=topic_prefix
    ) as opened:
        yield opened


class Fickle:
    """A log that is the real one, but out of reach for the first calls, before or after it has written."""

    def __init__(
        self, real: IntakePublisher, unreachable: IntakePublisher, *, failures: int, writes: bool
    ) -> None:
        """Fail so many times; whether the message was written all the same is `writes`."""
        self._real, self._unreachable = real, unreachable
        self._failures, self._writes = failures, writes

    async def publish(self, submission: Submission) -> object:
        """Append, or raise what an unreachable Kafka raises."""
        if self._failures:
            self._failures -= 1
            if self._writes:
                await self._real.publish(submission)
            await self._unreachable.publish(submission)
        return await self._real.publish(submission)


@pytest.mark.requirement("R-MSG-12")
async def test_sender_gets_202_when_the_log_has_the_message(door: Door) -> None:
    """A post is answered with its id, and the log holds what was said, by whom, about which case."""
    async with await door.client() as client:
        opened = await client.post("/v1/cases", json=body(MessageName.CASE), headers=idempotent())
        posted = body(case=opened.json()["case"])
        answer = await client.post("/v1/progress", json=posted, headers=idempotent())
    assert (opened.status_code, answer.status_code) == (202, 202)
    assert answer.headers["location"] == answer.json()["status_url"]
    case, progress = sorted(await door.appended(), key=lambda each: each.envelope.recorded_at)
    assert progress.envelope.case == case.envelope.case
    assert progress.envelope.organisation == HARBOUR
    assert progress.envelope.statement is Statement.FACT
    assert progress.payload["referral"] == body()["data"]["referral"]
    assert door.codec.pairwise.message(HARBOUR, progress.envelope.message_id) == answer.json()["message"]


@pytest.mark.requirement("R-DEL-02")
async def test_sender_gets_the_first_answer_when_a_post_is_repeated(door: Door) -> None:
    """The same key and body, spaces and order aside, are one message with one answer."""
    headers = idempotent()
    posted = body()
    turned = dict(reversed(posted.items()))
    async with await door.client() as client:
        first = await client.post("/v1/progress", json=posted, headers=headers)
        again = await client.post("/v1/progress", json=turned, headers=headers)
    assert first.status_code == again.status_code == 202
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert again.content == first.content
    assert len(await door.appended()) == 1


@pytest.mark.requirement("R-DEL-02")
async def test_sender_is_refused_when_a_key_comes_with_another_body(door: Door) -> None:
    """A key belongs to one body; with another nothing is taken."""
    headers = idempotent()
    async with await door.client() as client:
        await client.post("/v1/progress", json=body(), headers=headers)
        other = await client.post("/v1/progress", json=body(author="staff-0099"), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-mismatch")
    assert len(await door.appended()) == 1


@pytest.mark.requirement("R-DEL-02")
async def test_message_is_taken_once_when_many_posts_of_it_come_at_once(door: Door) -> None:
    """Of twenty posts at the same time one appends; the others are replayed or told to wait."""
    headers = idempotent()
    async with await door.client() as client:
        posts = [client.post("/v1/progress", json=body(), headers=headers) for _ in range(20)]
        answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} <= {202, 409}
    taken = [answer for answer in answers if answer.status_code == 202]
    assert sum("idempotent-replayed" not in answer.headers for answer in taken) == 1
    assert len({answer.text for answer in taken}) == 1
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 409)
    assert len(await door.appended()) == 1


@pytest.mark.parametrize("writes", [False, True], ids=["not written", "written, answer lost"])
@pytest.mark.requirement("R-DEL-02")
async def test_sender_may_retry_at_once_when_kafka_did_not_confirm(
    kafka: str, fresh_database: str, topic_prefix: str, settings: Settings, tmp_path: Path, *, writes: bool
) -> None:
    """Never 202 without the log: 503 with Retry-After, and the retry is the same message to the router."""
    async with open_door(
        dsn=fresh_database, settings=settings, folder=tmp_path, kafka=kafka, prefix=topic_prefix
    ) as door:
        real = IntakePublisher(kafka, codec=door.codec, catalogue=door.catalogue)
        never_started = IntakePublisher(kafka, codec=door.codec, catalogue=Catalogue())
        await real.start()
        log = Fickle(real, never_started, failures=1, writes=writes)
        async with open_door(dsn=fresh_database, settings=settings, folder=tmp_path, intake=log) as fickle:
            headers = idempotent()
            async with await fickle.client() as client:
                refused = await client.post("/v1/progress", json=body(), headers=headers)
                taken = await client.post("/v1/progress", json=body(), headers=headers)
        await real.stop()
        appended = await door.appended()
    assert (refused.status_code, refused.json()["code"]) == (503, "log-unavailable")
    assert refused.headers["retry-after"] == "5"
    assert (taken.status_code, "idempotent-replayed" in taken.headers) == (202, False)
    assert len(appended) == (2 if writes else 1)
    assert (
        len({(each.envelope.message_id, each.envelope.digest, each.envelope.case) for each in appended}) == 1
    )


@pytest.mark.requirement("R-DEL-02")
async def test_retry_waits_while_the_first_attempt_may_live_and_takes_over_when_it_cannot(
    fresh_database: str, settings: Settings, tmp_path: Path, kafka: str, topic_prefix: str
) -> None:
    """A row left open by a process that died is taken over after its time, and not before."""
    limits = GatewayLimits(append_timeout_s=0.5, database_wait_s_max=1, takeover_after_s=2)
    async with open_door(
        dsn=fresh_database,
        settings=settings,
        folder=tmp_path,
        kafka=kafka,
        prefix=topic_prefix,
        limits=limits,
    ) as door:
        headers = idempotent()
        async with await door.client() as client:
            first = await client.post("/v1/progress", json=body(), headers=headers)
            await door.rows("UPDATE idempotency SET status = NULL, response = NULL, created_at = now()")
            early = await client.post("/v1/progress", json=body(), headers=headers)
            await asyncio.sleep(float(early.headers["retry-after"]) + 0.1)
            late = await client.post("/v1/progress", json=body(), headers=headers)
    assert (early.status_code, early.json()["code"]) == (409, "idempotency-outstanding")
    assert late.status_code == 202
    assert late.json() == first.json()


@pytest.mark.requirement("R-DIS-01")
async def test_unknown_case_is_answered_like_a_known_one(door: Door) -> None:
    """A reference never given to the sender gets the same 202, and makes no key of a person."""
    async with await door.client() as client, await door.client(QUAY) as other:
        opened = (await client.post("/v1/cases", json=body(MessageName.CASE), headers=idempotent())).json()
        known = await client.post("/v1/progress", json=body(case=opened["case"]), headers=idempotent())
        unknown = await client.post("/v1/progress", json=body(), headers=idempotent())
        foreign = await other.post("/v1/progress", json=body(case=opened["case"]), headers=idempotent())
    assert known.status_code == unknown.status_code == foreign.status_code == 202
    assert known.json().keys() == unknown.json().keys() == foreign.json().keys()
    assert dict(known.headers).keys() == dict(unknown.headers).keys() == dict(foreign.headers).keys()
    cases = {each.envelope.case for each in await door.appended()}
    assert len(cases) == 3


@pytest.mark.requirement("R-MSG-13")
async def test_opened_case_has_a_key_and_a_reference_of_its_senders_own(door: Door) -> None:
    """Opening a case makes its person's key and names the case to its sender, the same on a retry."""
    headers = idempotent()
    async with await door.client() as client:
        first = await client.post("/v1/cases", json=body(MessageName.CASE), headers=headers)
        again = await client.post("/v1/cases", json=body(MessageName.CASE), headers=headers)
    (opened,) = await door.appended()
    assert door.codec.keys.get(case_key(opened.envelope.case)) is not None
    assert (
        first.json()["case"]
        == again.json()["case"]
        == door.codec.pairwise.case(HARBOUR, opened.envelope.case)
    )


@pytest.mark.requirement("R-DEL-03")
async def test_dry_run_answers_like_the_post_and_leaves_nothing(door: Door) -> None:
    """What a dry run says comes true when the post is made, and until then nothing is there."""
    headers = idempotent()
    async with await door.client() as client:
        dry = await client.post("/v1/progress?dry_run=true", json=body(), headers=headers)
        left = await door.rows("SELECT count(*) FROM idempotency"), await door.appended()
        real = await client.post("/v1/progress", json=body(), headers=headers)
        replay = await client.post("/v1/progress?dry_run=true", json=body(), headers=headers)
        mismatch = await client.post("/v1/progress?dry_run=true", json=body(author="x"), headers=headers)
    assert left == ([(0,)], [])
    assert dry.json() == real.json() | {"dry_run": True}
    assert dry.status_code == real.status_code == 202
    assert replay.json() == dry.json()
    assert replay.headers["idempotent-replayed"] == "true"
    assert mismatch.json()["code"] == "idempotency-mismatch"


@pytest.mark.requirement("R-DIS-01")
async def test_only_the_sender_learns_a_messages_state(door: Door) -> None:
    """Accepted, then what the router decided; to anybody else it is as unknown as what never was."""
    async with await door.client() as client, await door.client(QUAY) as other:
        posted = (await client.post("/v1/progress", json=body(), headers=idempotent())).json()
        accepted = await client.get(posted["status_url"])
        (submission,) = await door.appended()
        await door.rows(
            "INSERT INTO submission VALUES (%s, %s, 'progress', NULL, 'refused', now())",
            submission.envelope.message_id,
            HARBOUR,
        )
        refused = await client.get(posted["status_url"])
        others = [
            await other.get(path)
            for path in (posted["status_url"], "/v1/messages/msg_aaaa", "/v1/messages/%00")
        ]
    assert accepted.json()["state"] == "accepted"
    assert refused.json()["state"] == "refused"
    same = {"message", "type", "contract"}
    assert {name: refused.json()[name] for name in same} == {name: accepted.json()[name] for name in same}
    assert {answer.status_code for answer in others} == {404}
    assert len({answer.text for answer in others}) == 1


@pytest.mark.requirement("R-DIS-01")
async def test_caller_is_turned_away_by_what_it_is_and_not_by_what_it_says(door: Door) -> None:
    """No key, a wrong key, a suspended organisation, one not in force and one that may not send this."""
    suspended, limited = (
        await door.join("one", standing="suspended"),
        await door.join("two", sends=["receipt"]),
    )
    pending = await door.join("three")
    await door.rows("DELETE FROM control WHERE name = 'three'")
    expected = {
        None: (401, "unauthenticated"),
        "hub_" + "A" * 43: (401, "unauthenticated"),
        suspended: (403, "organisation-suspended"),
        pending: (503, "organisation-pending"),
        limited: (403, "message-not-agreed"),
    }
    for key, (status, code) in expected.items():
        async with client_of(door.app, key) as client:
            answer = await client.post("/v1/progress", json=body(), headers=idempotent())
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert ("www-authenticate" in answer.headers) == (status == 401)
    assert await door.appended() == []


@pytest.mark.requirement("R-DEL-02")
async def test_taken_message_stays_taken_when_the_agreement_changes(door: Door) -> None:
    """A retry after the organisation may no longer send the type still gets the first answer."""
    headers = idempotent()
    async with await door.client() as client:
        first = await client.post("/v1/progress", json=body(), headers=headers)
        await door.rows("""UPDATE control SET body = jsonb_set(body, '{sends}', '["receipt"]')""")
        again = await client.post("/v1/progress", json=body(), headers=headers)
        fresh = await client.post("/v1/progress", json=body(), headers=idempotent())
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert fresh.json()["agreed"] == ["receipt"]


@pytest.mark.requirement("R-MSG-12")
async def test_references_are_turned_back_and_unknown_ones_named(door: Door) -> None:
    """Causation, correlation and what a correction corrects are the sender's own; others are faults."""
    async with await door.client() as client:
        first = (await client.post("/v1/progress", json=body(), headers=idempotent())).json()
        data = {"corrects": first["message"], "action": "RETRACT"}
        good = body(MessageName.CORRECTION, data=data, causation=first["message"], correlation="own-7")
        taken = await client.post("/v1/corrections", json=good, headers=idempotent())
        bad = body(MessageName.CORRECTION, causation="msg_" + "c" * 40, correlation="cor_" + "d" * 40)
        refused = await client.post("/v1/corrections", json=bad, headers=idempotent())
    assert taken.status_code == 202
    progress, correction = sorted(await door.appended(), key=lambda each: each.envelope.recorded_at)
    assert correction.envelope.causation == progress.envelope.message_id
    assert correction.payload["corrects"] == progress.envelope.message_id
    assert correction.envelope.correlation != "own-7"
    pointers = {fault["pointer"] for fault in refused.json()["errors"]}
    assert pointers == {"/causation", "/correlation", "/data/corrects"}
