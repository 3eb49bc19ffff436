"""What stands on a recipient's Kafka topic is taken back from there: a tombstone for each, or all of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from hub.adapters.kafka.admin import empty
from hub.adapters.ledger.confirming import confirmations
from hub.cli import ledger
from hub.messages.envelope import MessageName
from tests.integration.living_world import living
from tests.integration.projected_world import rows, until
from tests.unit.worlds import COUNSELLOR, HOUSING_OFFICER, MANAGER, RECOVERY

if TYPE_CHECKING:
    from pathlib import Path

    from hub.adapters.ledger.confirming import Notice
    from hub.settings import Settings
    from tests.integration.living_world import Living

ILLNESS = b"An invented illness"
SHORT = {
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "500",
    "segment.ms": "500",
    "min.cleanable.dirty.ratio": "0.001",
}


async def shortened(hub: Living) -> str:
    """Have the drug service take progress by Kafka, on a topic that is compacted at once."""
    topic = hub.catalogue.delivery_name(RECOVERY)
    admin = AIOKafkaAdminClient(bootstrap_servers=hub.bootstrap)
    await admin.start()
    try:
        # All of its configuration is set anew, as it is but for that.
        as_it_is = hub.catalogue.delivery_topic(RECOVERY).config
        short = ConfigResource(ConfigResourceType.TOPIC, topic, {**as_it_is, **SHORT})
        await admin.alter_configs([short])
    finally:
        await admin.close()
    known = hub._paper.known[RECOVERY]
    await hub.put_organisation(replace(known, kafka=frozenset({MessageName.PROGRESS})))
    return topic


async def stands(hub: Living, topic: str) -> dict[str, list[bytes | None]]:
    """What a reader who was never here finds from the beginning on, by delivery."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=hub.bootstrap,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        numbers = hub.catalogue.delivery_topic(RECOVERY).partitions
        parts = [TopicPartition(topic, number) for number in range(numbers)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        found: dict[str, list[bytes | None]] = {}
        while any([await consumer.position(each) < ends[each] for each in parts]):
            for records in (await consumer.getmany(timeout_ms=300)).values():
                for each in records:
                    found.setdefault((each.key or b"").decode(), []).append(each.value)
    finally:
        await consumer.stop()
    return found


async def rolled(hub: Living, topic: str) -> None:
    """Write something to every partition, so that what stood there before can be compacted."""
    producer = AIOKafkaProducer(bootstrap_servers=hub.bootstrap)
    await producer.start()
    try:
        for number in range(hub.catalogue.delivery_topic(RECOVERY).partitions):
            await producer.send_and_wait(topic, b"later", key=b"later", partition=number)
    finally:
        await producer.stop()


@pytest.mark.requirement("R-DIS-05", "R-DEL-01")
@pytest.mark.timeout(240)
async def test_what_consent_was_withdrawn_for_is_gone_from_the_topic(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> None:
    """Also where it was acknowledged: a reader who comes later does not find it."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as hub:
        topic = await shortened(hub)
        delivery = await hub.health_told()
        assert any(ILLNESS in (each or b"") for each in (await stands(hub, topic))[delivery])
        await until(lambda: hub.lists(delivery))
        await hub.clear()
        await hub.tell(MANAGER, MessageName.CONSENT, {"consent": "c-1", "action": "WITHDRAWN"})

        async def taken_back() -> bool:
            return (await stands(hub, topic))[delivery][-1] is None

        await until(taken_back)

        async with asyncio.timeout(120):
            while any(ILLNESS in (each or b"") for of in (await stands(hub, topic)).values() for each in of):
                await rolled(hub, topic)
                await asyncio.sleep(1)
        # Whoever has acknowledged more is not sent less as if it were news.
        assert not await rows(hub.pool, "SELECT 1 FROM delivery WHERE replaces = %s", delivery)
        assert await hub.row(delivery) == (False, "stop", "acknowledged")


async def _notice(hub: Living, message: str) -> Notice:
    """Return what the drug service was told of a correction of a message it had."""
    async with hub.pool.connection() as connection:
        had = await confirmations(connection, hub.codec, message)
    (mine,) = [each for each in had if each.organisation == RECOVERY]
    (notice,) = mine.notices
    return notice


@pytest.mark.requirement("R-DIS-10", "R-MSG-16")
@pytest.mark.timeout(120)
async def test_what_its_author_takes_back_is_taken_back_from_whoever_had_it(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> None:
    """The notice goes as well; what only corrects a field they were not given takes nothing back."""
    async with living(kafka, fresh_database, prefix=topic_prefix, folder=tmp_path, settings=settings) as hub:
        topic = await shortened(hub)
        retracted, corrected, other = [await hub.health_told() for _ in range(3)]
        sent: dict[str, str] = dict(
            await rows(
                hub.pool, "SELECT delivery_id, message_id FROM delivery WHERE organisation = %s", RECOVERY
            )
        )
        for delivery, said in (
            (retracted, {"action": "RETRACT"}),
            (corrected, {"action": "CORRECT", "fields": ["health_note"]}),
            (other, {"action": "CORRECT", "fields": ["note"]}),
        ):
            await hub.tell(HOUSING_OFFICER, MessageName.CORRECTION, {"corrects": sent[delivery], **said})

        async def taken_back() -> bool:
            found = await stands(hub, topic)
            return found[retracted][-1] is None and found[corrected][-1] is None

        await until(taken_back)
        await hub.stands(other, held=False, verdict=None)
        assert None not in (await stands(hub, topic))[other]
        gates = await rows(hub.pool, "SELECT gate, again FROM ledger WHERE gate = 'TAKEN-BACK'")
        assert {*gates} == {("TAKEN-BACK", retracted), ("TAKEN-BACK", corrected)}
        told = [each["type"] for each in await hub.waiting()]
        assert told.count("correction") == 3

        notices = {each: await _notice(hub, sent[each]) for each in (retracted, corrected, other)}
        assert {each: (found.action, found.standing) for each, found in notices.items()} == {
            retracted: ("RETRACT", "unconfirmed"),
            corrected: ("CORRECT", "unconfirmed"),
            other: ("CORRECT", "unconfirmed"),
        }
        assert {each.terms for each in notices.values()} == {("action", "corrects")}
        assert all(found.since is not None for found in notices.values())
        receipt = {"delivery": notices[retracted].delivery_id, "level": "READ", "by_role": "key_worker"}
        await hub.tell(COUNSELLOR, MessageName.RECEIPT, receipt)
        await hub.clear()

        async def confirmed() -> bool:
            standings = [(await _notice(hub, sent[each])).standing for each in (retracted, corrected)]
            return standings == ["confirmed", "confirmed"]

        await until(confirmed)

        environment = {"HUB_HOME": str(hub.home), "HUB_DATABASE": hub.database}
        arguments = ["taken-back", "--message", sent[retracted]]
        shown = await asyncio.to_thread(CliRunner().invoke, ledger.app, arguments, env=environment)
        assert "taken back from its Kafka topic" in shown.output, shown.exception
        assert "told" in shown.output
        assert "confirmed 20" in shown.output

        assert await empty(topic, bootstrap=kafka)
        assert await stands(hub, topic) == {}
        assert not await empty(f"{topic}-none", bootstrap=kafka)
