"""What the tests of projector and feeds stand on: topics of their own, a codec, and a router's hand."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer

from hub.adapters.database.pool import open_pool
from hub.adapters.database.schema import upgrade
from hub.adapters.kafka.admin import apply, remove
from hub.adapters.ledger import Projector, ProjectorLimits
from hub.cases.case import Case
from hub.consent.allowance import Allowance
from hub.consent.decision import Candidate, Concern, Decision, FieldDecision, Outcome, Scope
from hub.messages.envelope import Control, Envelope, MessageName, Role, Statement, Submission
from hub.messages.identifiers import CaseRef, DeliveryId, Instant, MessageId, OrganisationId, derived_id
from hub.routing.outcome import Delivery, Urgency
from hub.routing.terms import Terms
from hub.topics.catalogue import Catalogue
from hub.topics.codec import Codec
from hub.topics.dispatch import Dispatch, Outbox
from hub.topics.evidence import Evidence, SetAside
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from psycopg.rows import TupleRow

    from hub.adapters.database.pool import Pool

PARTITIONS = 3
NORTH = OrganisationId("northmoor-trust")
PRISON = OrganisationId("hmp-fellgate")
NOON = Instant(1_795_000_000_000)


def message(number: int) -> MessageId:
    """The id of an invented message."""
    return MessageId(derived_id("test-message", str(number)))


def case(number: int) -> CaseRef:
    """The reference of an invented case."""
    return CaseRef(derived_id("test-case", str(number)))


@dataclass(kw_only=True)
class World:
    """Topics with a prefix of their own, and a hand that writes what a router would."""

    bootstrap: str
    catalogue: Catalogue
    codec: Codec
    offset: int = 0
    sent: list[tuple[str, int, bytes | None, bytes | None]] = field(default_factory=list)

    def routed(
        self, number: int, *, to: tuple[OrganisationId, ...] = (NORTH,), partition: int | None = None
    ) -> None:
        """Queue what the router writes for a message it took: seen, ledger, case and, if any, deliveries."""
        part = number % PARTITIONS if partition is None else partition
        ref, made = case(number), message(number)
        views = [Dispatch(self.codec).view(_delivery(number, organisation)) for organisation in to]
        if views:
            outbox = Outbox(
                message_id=made,
                case=ref,
                message=MessageName.PROGRESS,
                decided_at=NOON,
                partition=part,
                offset=number,
                views=tuple(views),
            )
            record = Dispatch(self.codec).outbox(outbox)
            self.put(self.catalogue.outbox, part, record.key, record.value)
        for organisation in to or (NORTH,):
            entered = Evidence(self.codec).ledger(
                _decision(number, ref, organisation, delivers=bool(to)),
                delivery_id=DeliveryId(derived_id("delivery", made, organisation)) if to else None,
                by_kafka=bool(to),
                partition=part,
                offset=number,
            )
            self.put(self.catalogue.ledger, part, entered.key, entered.value)
        state = self.codec.case(
            Case(ref=ref, jurisdiction="ENGLAND_AND_WALES", opened_at=NOON, opened_by=PRISON, version=number)
        )
        self.put(self.catalogue.cases, part, state.key, state.value)
        self.seen(number, partition=part)

    def seen(self, number: int, *, partition: int | None = None) -> None:
        """Queue the record of the table of message ids taken."""
        part = number % PARTITIONS if partition is None else partition
        self.put(
            self.catalogue.seen, part, message(number).encode(), f"{'0' * 64} {PRISON} progress 1.0".encode()
        )

    def set_aside(self, number: int, code: str, *, record: int | None = None) -> None:
        """Queue a quarantine record about a message."""
        named = MessageId(derived_id("record", str(number if record is None else record), code))
        evidence = Evidence(self.codec)
        aside = SetAside(
            record_id=named,
            message_id=message(number),
            organisation=PRISON,
            message="progress",
            code=code,
            detail="for the test",
            original=evidence.seal_original(b"what was sent", organisation=PRISON, record_id=named),
            set_aside_at=NOON,
            partition=number % PARTITIONS,
            offset=number,
        )
        record_ = evidence.quarantine(aside)
        self.put(self.catalogue.quarantine, number % PARTITIONS, record_.key, record_.value)

    def control(
        self, kind: str, name: str, body: dict[str, object], *, partitions: range = range(PARTITIONS)
    ) -> MessageId:
        """Queue a control fact as every partition's router writes it to its changelog."""
        control_id = MessageId(derived_id("control", kind, name, repr(sorted(body.items()))))
        value = self.codec.control_bytes(
            Control(control_id=control_id, kind=kind, name=name, effective_at=NOON, body=body)
        )
        for partition in partitions:
            self.put(self.catalogue.control, partition, f"{kind}/{name}".encode(), value)
        return control_id

    def put(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        """Queue one record."""
        self.sent.append((topic, partition, key, value))

    async def commit(self) -> None:
        """Write what is queued in one transaction."""
        async with self.transaction() as producer:
            await self.write(producer)

    async def write(self, producer: AIOKafkaProducer) -> None:
        """Send what is queued, and wait until the broker has it."""
        futures = [
            await producer.send(topic, value, key=key, partition=partition)
            for topic, partition, key, value in self.sent
        ]
        await asyncio.gather(*futures)
        self.sent.clear()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AIOKafkaProducer]:
        """An open transaction; commits at the end."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            transactional_id=f"{self.catalogue.prefix}hand",
            retry_backoff_ms=5,
        )
        await producer.start()
        try:
            async with producer.transaction():
                yield producer
        finally:
            await producer.stop()


@asynccontextmanager
async def make_world(bootstrap: str, prefix: str, keys: Path) -> AsyncIterator[World]:
    """Make the topics, hand out the world, delete the topics."""
    catalogue = Catalogue(intake_partitions=PARTITIONS, prefix=prefix)
    codec = Codec(library=SchemaLibrary.load(), keys=FileKeyStore(keys))
    topics = catalogue.topics((NORTH, PRISON))
    await apply(topics, bootstrap=bootstrap)
    try:
        yield World(bootstrap=bootstrap, catalogue=catalogue, codec=codec)
    finally:
        await remove([topic.name for topic in topics], bootstrap=bootstrap)


async def until(holds: Callable[[], Awaitable[bool]], *, timeout_s: float = 15.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(timeout_s):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens elsewhere
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(role: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[asyncio.Task[None]]:
    """Run a role beside the test and stop it properly; what it raised is raised here."""
    stop = asyncio.Event()
    task = asyncio.ensure_future(role(stop))
    try:
        yield task
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task


def _delivery(number: int, organisation: OrganisationId) -> Delivery:
    source = Submission(
        envelope=Envelope(
            message_id=message(number),
            message=MessageName.PROGRESS,
            contract="1.0",
            case=case(number),
            organisation=organisation,
            author="kw-1",
            author_role=Role.KEY_WORKER,
            statement=Statement.FACT,
            occurred_at=NOON,
            recorded_at=NOON,
            correlation=message(number),
            causation=None,
            digest="0" * 64,
        ),
        payload={"referral": f"referral-{number}", "kind": "SESSION"},
    )
    return Delivery(
        delivery_id=DeliveryId(derived_id("delivery", message(number), organisation)),
        message_id=message(number),
        case=case(number),
        organisation=organisation,
        role=Role.KEY_WORKER,
        message=MessageName.PROGRESS,
        contract="1.0",
        urgency=Urgency.CASE,
        payload=source.payload,
        redacted=(),
        author=None,
        author_role=None,
        author_organisation=None,
        statement=Statement.FACT,
        occurred_at=NOON,
        recorded_at=NOON,
        correlation=message(number),
        causation=None,
        caveats=(),
        by_kafka=True,
        terms=Terms(version="1.0"),
        source=source,
        allowed=Allowance(),
    )


def _decision(number: int, ref: CaseRef, organisation: OrganisationId, *, delivers: bool) -> Decision:
    return Decision(
        decision_id=derived_id("decision", message(number), organisation),
        message=message(number),
        case=ref,
        candidate=Candidate(
            organisation=organisation, role=Role.KEY_WORKER, persons=frozenset(), concern=Concern.REFERRED
        ),
        purpose="progress",
        delivers=delivers,
        gate=None if delivers else "NO-NEED",
        fields=(
            FieldDecision(
                path="note",
                scope=Scope.ALL,
                outcome=Outcome.WITHHOLD,
                reason="DEFAULT",
                basis=None,
                rules=("r1",),
            ),
        ),
        policy="1:" + hashlib.sha256(b"policy").hexdigest()[:12],
        case_version=1,
        facts={"role": "key_worker"},
        decided_at=NOON,
        caveats=("NO-ONWARD-DISCLOSURE",) if delivers else (),
        message_name=MessageName.PROGRESS,
        contract="1.0",
    )


@asynccontextmanager
async def ground(kafka: str, database: str, prefix: str, keys: Path) -> AsyncIterator[tuple[World, Pool]]:
    """Topics, tables and a pool for one test."""
    upgrade(database)
    async with make_world(kafka, prefix, keys) as world, open_pool(database) as pool:
        yield world, pool


def projector(world: World, pool: Pool, **limits: int) -> Projector:
    """A projector of this world."""
    return Projector(
        bootstrap=world.bootstrap,
        pool=pool,
        codec=world.codec,
        catalogue=world.catalogue,
        limits=ProjectorLimits(**limits),
    )


async def rows(pool: Pool, statement: str, *values: object) -> list[TupleRow]:
    """The rows of a query."""
    async with pool.connection() as connection:
        cursor = await connection.execute(statement, values)
        return await cursor.fetchall()


async def count(pool: Pool, table: str) -> int:
    """How many rows a table has."""
    return int(str((await rows(pool, f"SELECT count(*) FROM {table}"))[0][0]))  # noqa: S608


async def are(pool: Pool, table: str, wanted: int) -> bool:
    """Whether a table has so many rows."""
    return await count(pool, table) == wanted


async def stands_still(one: Projector) -> bool:
    """Whether a partition stands still."""
    return bool(one.stopped)
