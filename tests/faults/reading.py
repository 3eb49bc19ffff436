"""Reading topics as a recipient does, at read_committed, and checking what exactly-once promises."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from hub.messages.identifiers import CaseRef, DeliveryId, OrganisationId
from hub.topics.dispatch import Dispatch
from hub.topics.evidence import Evidence, SetAside
from hub.topics.library import unframe
from tests.faults.world import BY_KAFKA, RECIPIENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hub.messages.envelope import Submission
    from hub.topics.catalogue import Catalogue
    from hub.topics.codec import Codec

Record = ConsumerRecord[bytes, bytes]
SETTLE_S = 30
"""Longest wait for open transactions; the broker ends those of the dead after ten seconds."""


async def read(bootstrap: str, topic: str) -> list[Record]:
    """All committed records of a topic, each partition in order."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=20,
    )
    await consumer.start()
    try:
        partitions = await consumer._client._wait_on_metadata(topic)
        lanes = [TopicPartition(topic, partition) for partition in partitions]
        consumer.assign(lanes)
        await consumer.seek_to_beginning(*lanes)
        ends = await _settled(bootstrap, consumer, lanes)
        records: list[Record] = []
        while any([await consumer.position(lane) < ends[lane] for lane in lanes]):
            for found in (await consumer.getmany(timeout_ms=100)).values():
                records += found
        return records
    finally:
        await consumer.stop()


async def _settled(
    bootstrap: str, consumer: AIOKafkaConsumer, lanes: list[TopicPartition]
) -> dict[TopicPartition, int]:
    """Where each partition ends once no transaction is open: commits are answered before their markers."""
    whole = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_uncommitted")
    await whole.start()
    try:
        async with asyncio.timeout(SETTLE_S):
            # The broker tells nobody when; so it is asked.
            while (stable := await consumer.end_offsets(lanes)) != await whole.end_offsets(lanes):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return dict(stable)
    finally:
        await whole.stop()


def value_of(record: Record) -> bytes:
    """The value of a record, which every topic read here has."""
    assert record.value is not None
    return record.value


def key_of(record: Record) -> bytes:
    """The key of a record, likewise."""
    assert record.key is not None
    return record.key


async def set_aside(bootstrap: str, catalogue: Catalogue, codec: Codec) -> list[SetAside]:
    """Everything in the quarantine."""
    return [
        Evidence(codec).quarantine_from(value_of(record))
        for record in await read(bootstrap, catalogue.quarantine)
    ]


def note_of(codec: Codec, framed: bytes) -> str:
    """The note of a framed view."""
    number, body = unframe(framed)
    return str(codec.library.decode(codec.library.by_id(number), body)["note"])


@dataclass(slots=True)
class Findings:
    """What is wrong with what recipients got; all empty when every promise holds."""

    missing: int = 0
    doubled: int = 0
    disordered: int = 0
    miscounted: int = 0
    ledger_doubled: int = 0
    ledger_differs: int = 0
    outbox_differs: int = 0
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not any(
            (
                self.missing,
                self.doubled,
                self.disordered,
                self.miscounted,
                self.ledger_doubled,
                self.ledger_differs,
                self.outbox_differs,
            )
        )


async def check(
    bootstrap: str,
    *,
    catalogue: Catalogue,
    codec: Codec,
    sent: Sequence[Submission],
    names: Iterable[str] = BY_KAFKA,
) -> Findings:
    """Compare what was sent with what every recipient, the outbox and the ledger hold."""
    findings = Findings()
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for submission in sent:
        numbers[submission.envelope.case].append(int(str(submission.payload["note"])))
    delivered: Counter[DeliveryId] = Counter()
    for name in names:
        records = await read(bootstrap, f"{catalogue.prefix}hub.to.{name}")
        delivered.update(DeliveryId(key_of(record).decode()) for record in records)
        _check_order(findings, codec, name, records, numbers)
    await _check_outbox(findings, bootstrap, catalogue, codec, len(sent), delivered)
    await _check_ledger(findings, bootstrap, catalogue, codec)
    return findings


def _check_order(
    findings: Findings, codec: Codec, name: str, records: Sequence[Record], sent: dict[str, list[int]]
) -> None:
    """Each case's messages once, in order, each counted right by the state it met."""
    got: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for record in records:
        subject = dict(record.headers)["ce_subject"].decode()
        number, _, count = note_of(codec, value_of(record)).partition("/")
        got[subject].append((int(number), int(count)))
    findings.seen[name] = len(records)
    for case, numbers in sent.items():
        found = got[codec.pairwise.case(OrganisationId(name), CaseRef(case))]
        given = [number for number, _ in found]
        findings.missing += len(set(numbers) - set(given))
        findings.doubled += len(given) - len(set(given))
        findings.disordered += sum(1 for one, two in pairwise(given) if two < one)
        findings.miscounted += sum(1 for number, count in found if number != count)


async def _check_outbox(
    findings: Findings,
    bootstrap: str,
    catalogue: Catalogue,
    codec: Codec,
    sent: int,
    delivered: Counter[DeliveryId],
) -> None:
    """The outbox holds every delivery once, and those by Kafka stand on the recipients' topics once."""
    views = [
        view
        for record in await read(bootstrap, catalogue.outbox)
        for view in Dispatch(codec).outbox_from(value_of(record), key=key_of(record)).views
    ]
    findings.seen["outbox"] = len(views)
    findings.outbox_differs += abs(len(views) - sent * len(RECIPIENTS))
    by_kafka = Counter(view.delivery_id for view in views if view.by_kafka)
    findings.outbox_differs += sum((by_kafka - delivered).values()) + sum((delivered - by_kafka).values())


async def _check_ledger(findings: Findings, bootstrap: str, catalogue: Catalogue, codec: Codec) -> None:
    """The ledger has each decision once, and one that delivers for every delivery of the outbox."""
    entered = [
        Evidence(codec).ledger_from(value_of(record)) for record in await read(bootstrap, catalogue.ledger)
    ]
    findings.seen["ledger"] = len(entered)
    findings.ledger_doubled += len(entered) - len({found.decision.decision_id for found in entered})
    delivering = sum(1 for found in entered if found.delivery_id is not None)
    findings.ledger_differs += abs(delivering - findings.seen["outbox"])
