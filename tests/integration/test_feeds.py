"""The feeds on a real Kafka: good records reach the log, bad ones the quarantine, none is skipped."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from psycopg.types.json import Jsonb
from structlog.testing import capture_logs

from hub.adapters.database.pool import open_pool
from hub.adapters.database.schema import upgrade
from hub.adapters.feeds import FeedLimits, Feeds, ProjectedOrganisations
from hub.adapters.kafka.intake import IntakePublisher
from hub.consent.parties import Kind, LegalStatus, Organisation, Standing
from hub.errors import Unreachable
from hub.messages.envelope import MessageName, Submission
from hub.messages.identifiers import MessageId
from hub.topics.codec import SUBMISSION
from hub.topics.evidence import Evidence
from hub.topics.library import frame
from hub.topics.pairwise import message_id
from hub.topics.person_index import number_digest
from tests.integration.door import record_of
from tests.integration.projected_world import NOON, NORTH, PRISON, World, case, make_world, running, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from aiokafka.structs import ConsumerRecord

    from hub.adapters.database.pool import Pool
    from hub.messages.identifiers import CaseRef, OrganisationId
    from hub.topics.evidence import SetAside

LIMITS = FeedLimits(
    restart_delay_s=0.1,
    restart_delay_s_max=0.3,
    record_bytes_max=20_000,
    organisations_every_s=0.2,
    retry_delay_s=0.05,
    retry_delay_s_max=0.2,
    stop_timeout_s=1.0,
)
Header = tuple[str, bytes]


def organisation(name: OrganisationId, standing: Standing = Standing.ACTIVE) -> Organisation:
    """An invented organisation that may send progress."""
    return Organisation(
        organisation=name,
        name="Northmoor Trust",
        kind=Kind.PARTNER,
        rung=2,
        legal_status=LegalStatus.UNDER_ARRANGEMENTS,
        status_evidence="contract of the test",
        standing=standing,
        purposes=frozenset(),
        sends=frozenset({MessageName.PROGRESS}),
    )


@dataclass(kw_only=True)
class Place:
    """One feed's surroundings: what is sent in, and what came out."""

    world: World
    intake: IntakePublisher
    producer: AIOKafkaProducer
    known: dict[OrganisationId, Organisation] = field(default_factory=lambda: {NORTH: organisation(NORTH)})
    people: dict[bytes, CaseRef] = field(default_factory=dict)
    """Cases by the digest of a prison number."""

    def feeds(self, intake: object | None = None) -> Feeds:
        """All feeds of this place."""
        return Feeds(
            bootstrap=self.world.bootstrap,
            codec=self.world.codec,
            catalogue=self.world.catalogue,
            intake=intake or self.intake,  # type: ignore[arg-type]
            organisations=self._organisations,
            case_of=self._case_of,
            limits=LIMITS,
        )

    async def _case_of(self, digest: bytes) -> CaseRef | None:
        return self.people.get(digest)

    async def _organisations(self) -> Mapping[OrganisationId, Organisation]:
        return dict(self.known)

    def value(self, number: int = 1, **changed: object) -> bytes:
        """A submission as an organisation writes it; `payload` changes fields of the payload."""
        library = self.world.codec.library
        progress = library.contract("progress", "1.0")
        payload = {"referral": f"referral-{number}", "kind": "SESSION", "note": "Came on time."}
        payload |= dict(changed.pop("payload", {}))  # type: ignore[call-overload]
        said = {
            "message": "progress",
            "contract": "1.0",
            "case": self.world.codec.pairwise.case(NORTH, case(number)),
            "occurred_at": NOON,
            "author": "kw-7",
            "author_role": "key_worker",
            "statement": "fact",
            "correlation": None,
            "causation": None,
            "classes": {},
            "payload": library.encode(progress, payload),
        }
        return frame(SUBMISSION, library.encode(library.by_id(SUBMISSION), said | changed))

    async def send(
        self, value: bytes | None, *headers: Header, to: OrganisationId = NORTH, partition: int = 0
    ) -> None:
        """Write to an organisation's own topic."""
        topic = self.world.catalogue.inbox_name(to)
        await self.producer.send_and_wait(
            topic, value, key=b"any", partition=partition, headers=list(headers)
        )

    async def send_broken_header_name(self) -> None:
        """Write a record whose header name is not UTF-8, which the Kafka client itself cannot take apart."""
        batch = self.producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, -1, 100_000)
        batch.append(key=None, value=self.value(50), timestamp=None, headers=[(_NotUtf8("x"), b"1")])
        topic = self.world.catalogue.inbox_name(NORTH)
        await (await self.producer.send_batch(batch, topic, partition=0))

    async def taken(self) -> list[Submission]:
        """Everything on hub.intake."""
        found = []
        for record in await self._all(self.world.catalogue.intake):
            entry = self.world.codec.entry(
                record.value, key=record.key, record_id=MessageId("0" * 32), headers=dict(record.headers)
            )
            assert isinstance(entry, Submission)
            found.append(entry)
        return found

    async def quarantined(self) -> list[SetAside]:
        """Everything on hub.quarantine."""
        evidence = Evidence(self.world.codec)
        found = []
        for record in await self._all(self.world.catalogue.quarantine):
            assert record.value is not None, "nothing is deleted from the quarantine"
            found.append(evidence.quarantine_from(record.value))
        return found

    async def seen(self) -> int:
        """How many records have been dealt with: taken, or set aside."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.world.bootstrap)
        await consumer.start()
        try:
            topics = {self.world.catalogue.intake, self.world.catalogue.quarantine}
            made = [topic for topic in self.world.catalogue.hub_topics() if topic.name in topics]
            partitions = [TopicPartition(t.name, number) for t in made for number in range(t.partitions)]
            return sum((await consumer.end_offsets(partitions)).values())
        finally:
            await consumer.stop()

    async def _all(self, topic: str) -> Sequence[ConsumerRecord[bytes, bytes]]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.world.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            made = {topic.name: topic.partitions for topic in self.world.catalogue.hub_topics()}
            partitions = [TopicPartition(topic, number) for number in range(made[topic])]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            found: list[ConsumerRecord[bytes, bytes]] = []
            while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
            return found
        finally:
            await consumer.stop()


class _NotUtf8(str):
    """A header name whose bytes are no text."""

    __slots__ = ()

    def encode(self, *_: object, **__: object) -> bytes:
        return b"\xff\xfe"


@asynccontextmanager
async def place(kafka: str, prefix: str, keys: Path) -> AsyncIterator[Place]:
    """Topics, an intake and a sender's producer for one test."""
    async with make_world(kafka, prefix, keys) as world:
        intake = IntakePublisher(kafka, codec=world.codec, catalogue=world.catalogue)
        producer = AIOKafkaProducer(bootstrap_servers=kafka)
        await intake.start()
        await producer.start()
        try:
            yield Place(world=world, intake=intake, producer=producer)
        finally:
            await producer.stop()
            await intake.stop()


def named(key: str) -> Header:
    """The header every record must have."""
    return ("message-id", key.encode())


async def send_hostile(here: Place) -> Counter[str]:
    """Send one record of every bad kind; return the codes that are due."""
    good, due = here.value(90), Counter[str]()

    async def bad(code: str, value: bytes | None, *headers: Header) -> None:
        due[code] += 1
        await here.send(value, *headers)

    await bad("NOT-AVRO", b'{"message": "progress"}', named("h1"))
    await bad("NOT-AVRO", None, named("h2"))
    await bad("AVRO-TRUNCATED", good[:-5], named("h3"))
    await bad("AVRO-TRAILING", good + b"\x00", named("h4"))
    await bad("CONTRACT-UNKNOWN", frame(9999, good[5:]), named("h5"))
    await bad("NOT-A-SUBMISSION", frame(3, good[5:]), named("h6"))
    await bad("CONTRACT-UNKNOWN", here.value(contract="9.9"), named("h7"))
    await bad("OVERSIZE", good + bytes(30_000), named("h8"))
    await bad("PAYLOAD-INVALID", here.value(author="not a reference!"), named("h9"))
    await bad("PAYLOAD-INVALID", here.value(payload={"referral": ""}), named("h10"))
    await bad("PAYLOAD-INVALID", here.value(case=None), named("h11"))
    await bad("PAYLOAD-INVALID", here.value(causation="msg_" + "a" * 40), named("h12"))
    await bad("AVRO-TRUNCATED", rewritten(here, payload=b"\x02"), named("h13"))
    await bad("MESSAGE-ID-MISSING", good)
    await bad("MESSAGE-ID-INVALID", good, ("message-id", b"\xff\xfe"))
    await bad("MESSAGE-ID-INVALID", good, named("a"), named("b"))
    await bad("MESSAGE-ID-INVALID", good, named("x" * 500))
    await bad("MESSAGE-NOT-AGREED", plan(here), named("h14"))
    await here.send_broken_header_name()
    due["HEADER-UNREADABLE"] += 1
    return due


def rewritten(here: Place, **changed: object) -> bytes:
    """A good submission with fields changed to what no careful sender would write."""
    library = here.world.codec.library
    contract = library.by_id(SUBMISSION)
    return frame(SUBMISSION, library.encode(contract, library.decode(contract, here.value(90)[5:]) | changed))


def plan(here: Place) -> bytes:
    """A message of a type the sender has not agreed to send."""
    library = here.world.codec.library
    return rewritten(
        here, message="plan", payload=library.encode(library.contract("plan", "1.0"), {"version": 1})
    )


@pytest.mark.requirement("R-DEL-02")
@pytest.mark.requirement("R-DEL-03")
async def test_organisation_sending_bad_records_among_good_ones_has_the_good_ones_taken(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Each bad record is set aside with its reason, once, sealed for its sender; the rest is unharmed."""
    async with place(kafka, topic_prefix, tmp_path) as here:
        await here.send(here.value(1), named("g1"))
        due = await send_hostile(here)
        await here.send(here.value(2), named("g2"), ("reply_to", here.world.catalogue.intake.encode()))
        await here.send(
            here.value(3), named("g3"), ("x-odd", b"\xff\xfe"), ("content-type", b"application/json")
        )
        async with running(here.feeds().run):
            await until(lambda: _quarantined(here, due.total()))
            await until(lambda: _taken(here, 3))
        submissions, aside = await here.taken(), await here.quarantined()
        assert Counter(record.code for record in aside) == due
        assert {record.organisation for record in aside} == {NORTH}
        assert {record.original.key_id for record in aside} == {f"organisation-{NORTH}"}
        assert not [
            record.detail
            for record in aside
            if "Came on time" in record.detail or "not a reference" in record.detail
        ]
        assert {taken.envelope.case for taken in submissions} == {case(1), case(2), case(3)}
        sent = {taken.envelope.message_id: taken for taken in submissions}
        first = sent[
            message_id(here.world.codec.keys, organisation=NORTH, route="kafka", idempotency_key="g1")
        ]
        assert first.envelope.organisation == NORTH
        assert first.envelope.digest == hashlib.sha256(here.value(1)).hexdigest()
        assert first.payload["note"] == "Came on time."
        truncated = next(record for record in aside if record.code == "AVRO-TRUNCATED")
        assert Evidence(here.world.codec).original(truncated)


async def _taken(here: Place, wanted: int) -> bool:
    return len(await here.taken()) >= wanted


async def _quarantined(here: Place, wanted: int) -> bool:
    return len(await here.quarantined()) >= wanted


@pytest.mark.requirement("R-DEL-02")
async def test_feed_that_is_stopped_and_started_again_loses_nothing(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """What comes before, while and after a feed is down is taken, in order per case."""
    async with place(kafka, topic_prefix, tmp_path) as here:
        for number in range(30):
            await here.send(here.value(number % 3), named(f"r{number}"), partition=number % 3)
        async with running(here.feeds().run):
            await until(lambda: _taken(here, 1))
        for number in range(30, 60):
            await here.send(here.value(number % 3), named(f"r{number}"), partition=number % 3)
        async with running(here.feeds().run):
            await until(lambda: _taken(here, 60))
        keys = here.world.codec.keys
        numbers = {
            message_id(keys, organisation=NORTH, route="kafka", idempotency_key=f"r{n}"): n for n in range(60)
        }
        taken = [numbers[each.envelope.message_id] for each in await here.taken()]
        assert set(taken) == set(range(60))
        for lane in range(3):
            firsts = list(dict.fromkeys(number for number in taken if number % 3 == lane))
            assert firsts == sorted(firsts)


class _DiesAfterAppending:
    """An intake behind which the process is killed, once it has the message."""

    def __init__(self, intake: IntakePublisher) -> None:
        self.appended = asyncio.Event()
        self._intake = intake

    async def publish(self, submission: Submission) -> object:
        await self._intake.publish(submission)
        self.appended.set()
        return await asyncio.Event().wait()


@pytest.mark.requirement("R-DEL-02")
async def test_feed_killed_between_append_and_acknowledgement_appends_the_same_message_again(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """The second record has the id and digest of the first, so the router takes the message once."""
    async with place(kafka, topic_prefix, tmp_path) as here:
        await here.send(here.value(1), named("once"))
        dies = _DiesAfterAppending(here.intake)
        killed = asyncio.ensure_future(here.feeds(dies).run(asyncio.Event()))
        await asyncio.wait_for(dies.appended.wait(), 20)
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
        async with running(here.feeds().run):
            await until(lambda: _taken(here, 2))
        assert len({(each.envelope.message_id, each.envelope.digest) for each in await here.taken()}) == 1
        assert await here.quarantined() == []


class _AwayAtFirst:
    """An intake that cannot be reached the first few times."""

    def __init__(self, intake: IntakePublisher, times: int) -> None:
        self._intake = intake
        self._times = times

    async def publish(self, submission: Submission) -> object:
        self._times -= 1
        if self._times >= 0:
            message = "away"
            raise Unreachable(message)
        return await self._intake.publish(submission)


@pytest.mark.requirement("R-DEL-02")
async def test_feed_waits_for_a_log_that_is_away_and_skips_nothing(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """A batch that could not be appended is taken again, bad records in it set aside once by name."""
    async with place(kafka, topic_prefix, tmp_path) as here:
        for number in range(6):
            await here.send(here.value(number), named(f"w{number}"), partition=number % 3)
        await here.send(b"not avro", named("bad"))
        async with running(here.feeds(_AwayAtFirst(here.intake, 5)).run):
            await until(lambda: _taken(here, 6))
        assert {taken.envelope.case for taken in await here.taken()} == {case(number) for number in range(6)}
        assert len({record.record_id for record in await here.quarantined()}) == 1


class _FailsFor:
    """An intake that has a fault of its own with what one organisation sends, until it is mended."""

    def __init__(self, intake: IntakePublisher, organisation: OrganisationId) -> None:
        self.failed = 0
        self.mended = False
        self._intake = intake
        self._organisation = organisation

    async def publish(self, submission: Submission) -> object:
        if submission.envelope.organisation == self._organisation and not self.mended:
            self.failed += 1
            message = "a fault nobody thought of, Came on time."
            raise LookupError(message)
        return await self._intake.publish(submission)


@pytest.mark.requirement("R-DEL-02")
async def test_one_organisations_fault_ends_no_other_feed_and_its_own_is_begun_anew(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """The failing feed is restarted after a wait and loudly logged, without what was in the record."""
    async with place(kafka, topic_prefix, tmp_path) as here:
        here.known[PRISON] = organisation(PRISON)
        reference = here.world.codec.pairwise.case(PRISON, case(5))
        await here.send(here.value(5, case=reference), named("p1"), to=PRISON)
        fails = _FailsFor(here.intake, PRISON)

        async def failed_twice() -> bool:
            return fails.failed >= 2

        with capture_logs() as logs:
            async with running(here.feeds(fails).run) as feeds:
                await until(failed_twice)
                await here.send(here.value(1), named("n1"))
                await until(lambda: _taken(here, 1))
                assert not feeds.done()
                fails.mended = True
                await until(lambda: _taken(here, 2))
        assert {taken.envelope.organisation for taken in await here.taken()} == {NORTH, PRISON}
        told = [each for each in logs if each["event"] == "feed.failed"]
        assert {(each["organisation"], each["error"], each["log_level"]) for each in told} == {
            (PRISON, "LookupError", "error")
        }
        assert told[1]["delay_s"] > told[0]["delay_s"]
        assert "Came on time" not in str(logs)


@pytest.mark.requirement("R-DEL-02")
@pytest.mark.requirement("R-AUD-04")
async def test_bad_record_of_an_organisation_whose_key_is_erased_is_set_aside_without_its_original(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Reason and place are kept, nothing of what was sent, and the feed goes on."""
    async with place(kafka, topic_prefix, tmp_path) as here:
        here.world.codec.keys.erase(f"organisation-{NORTH}")  # type: ignore[attr-defined]
        here.world.codec.keys.get_or_create(f"case-{case(1)}")
        await here.send(b"not avro", named("bad"))
        await here.send(here.value(1), named("good"))
        async with running(here.feeds().run):
            await until(lambda: _taken(here, 1))
            await until(lambda: _quarantined(here, 1))
        (aside,) = await here.quarantined()
        assert (aside.code, aside.organisation) == ("NOT-AVRO", NORTH)
        assert Evidence(here.world.codec).original(aside) == b""


@pytest.mark.requirement("R-DEL-02")
async def test_description_that_cannot_be_read_leaves_every_organisation_as_it_was(
    fresh_database: str,
) -> None:
    """A damaged row of one organisation ends neither its own feed nor another's."""
    upgrade(fresh_database)
    async with open_pool(fresh_database) as pool:
        look_up = ProjectedOrganisations(pool)
        await _describe(pool, NORTH, record_of(NORTH))
        await _describe(pool, PRISON, record_of(PRISON))
        before = await look_up()
        assert before.keys() == {NORTH, PRISON}
        await _describe(pool, PRISON, {"organisation": PRISON})
        with capture_logs() as logs:
            assert await look_up() == before
        assert [(each["organisation"], each["event"]) for each in logs] == [
            (PRISON, "feeds.organisation_unreadable")
        ]


async def _describe(pool: Pool, name: OrganisationId, body: Mapping[str, object]) -> None:
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO control (kind, name, body, control_id) VALUES ('organisation', %s, %s, 'c')"
            " ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body",
            (name, Jsonb(dict(body))),
        )


@pytest.mark.requirement("R-DEL-02")
async def test_same_key_with_another_body_travels_on_for_the_router_to_refuse(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """A feed keeps no memory of ids: both records reach the log, one id, two digests."""
    async with place(kafka, topic_prefix, tmp_path) as here:
        await here.send(here.value(1), named("same"))
        await here.send(here.value(1, payload={"note": "Did not come."}), named("same"))
        async with running(here.feeds().run):
            await until(lambda: _taken(here, 2))
        taken = await here.taken()
        assert len({each.envelope.message_id for each in taken}) == 1
        assert len({each.envelope.digest for each in taken}) == 2


@pytest.mark.requirement("R-DEL-01")
async def test_organisation_that_comes_into_force_is_read_without_a_restart_and_a_suspended_one_refused(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """New organisations get a feed at once; what a suspended one sends is set aside."""
    async with place(kafka, topic_prefix, tmp_path) as here, running(here.feeds().run):
        reference = here.world.codec.pairwise.case(PRISON, case(5))
        await here.send(here.value(1, case=reference), named("p1"), to=PRISON)
        await asyncio.sleep(0.5)
        assert await here.taken() == []
        here.known[PRISON] = organisation(PRISON)
        await until(lambda: _taken(here, 1))
        assert (await here.taken())[0].envelope.organisation == PRISON
        here.known[PRISON] = organisation(PRISON, Standing.SUSPENDED)
        await asyncio.sleep(0.5)
        await here.send(here.value(1, case=reference), named("p2"), to=PRISON)
        await until(lambda: _quarantined(here, 1))
        assert [(each.code, each.organisation) for each in await here.quarantined()] == [
            ("ORGANISATION-SUSPENDED", PRISON)
        ]


@pytest.mark.requirement("R-DIS-01")
async def test_case_reference_of_another_organisation_leads_to_no_case(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """It is appended like any other, about a case that does not exist."""
    async with place(kafka, topic_prefix, tmp_path) as here:
        foreign = here.world.codec.pairwise.case(PRISON, case(1))
        await here.send(here.value(1, case=foreign), named("f1"))
        async with running(here.feeds().run):
            await until(lambda: _taken(here, 1))
        assert (await here.taken())[0].envelope.case != case(1)


@pytest.mark.requirement("R-MSG-05")
async def test_event_of_the_prison_system_is_taken_as_it_is_and_named_by_what_it_says(
    kafka: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Its person's case is found by the number; what the hub has no use for is passed; the rest is told."""
    told: dict[str, object] = {
        "eventType": "prison-offender-events.prisoner.released",
        "version": 1,
        "occurredAt": "2026-03-02T09:15:00Z",
        "additionalInformation": {"nomsNumber": "A1234BC", "reason": "RELEASED", "prisonId": "MDI"},
    }
    wrapped = {"Type": "Notification", "MessageId": "m-1", "Message": json.dumps(told)}
    unknown = told | {"additionalInformation": told["additionalInformation"] | {"nomsNumber": "A4321CB"}}  # type: ignore[operator]
    async with place(kafka, topic_prefix, tmp_path) as here:
        sender = replace(organisation(NORTH), sends=frozenset({MessageName.PRISON_EVENT}))
        here.known[NORTH] = sender
        here.people[number_digest(here.world.codec.keys, "A1234BC")] = case(1)
        for each in (told, wrapped, unknown, told | {"eventType": "tier.calculation.complete"}):
            await here.send(json.dumps(each).encode())
        await here.send(json.dumps(told | {"occurredAt": "yesterday"}).encode())
        async with running(here.feeds().run):
            await until(lambda: _quarantined(here, 1))
            await until(lambda: _taken(here, 3))
        submissions, aside = await here.taken(), await here.quarantined()
    assert [(each.code, each.detail) for each in aside] == [
        ("PAYLOAD-INVALID", f"hub.in.{NORTH}: /occurredAt timestamp")
    ]
    released = [each for each in submissions if each.envelope.case == case(1)]
    assert len({(each.envelope.message_id, each.envelope.digest) for each in released}) == 1
    assert {each.payload["action"] for each in released} == {"RELEASE"}
    (nobodys,) = [each for each in submissions if each.envelope.case != case(1)]
    assert nobodys.payload["noms_number"] == "A4321CB"
