"""Topics on the real broker against the catalogue, and control records in every partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.adapters.kafka import admin
from hub.adapters.kafka.control import publish_control
from hub.errors import Drift
from hub.messages.envelope import Control
from hub.messages.identifiers import Instant, MessageId
from hub.topics.catalogue import Catalogue
from tests.faults import reading, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def catalogue(kafka: str, topic_prefix: str) -> AsyncIterator[Catalogue]:
    """A catalogue whose topics are removed afterwards."""
    made = Catalogue(intake_partitions=3, prefix=topic_prefix)
    yield made
    await admin.remove([topic.name for topic in made.topics(world.BY_KAFKA)], bootstrap=kafka)


async def test_operator_gets_the_catalogues_topics_when_they_are_applied(
    kafka: str, catalogue: Catalogue
) -> None:
    """What is planned is made, and then verified; applying again makes nothing."""
    topics = catalogue.topics(world.BY_KAFKA)
    assert len((await admin.plan(topics, bootstrap=kafka)).missing) == len(topics)
    with pytest.raises(Drift, match="missing"):
        await admin.verify(topics, bootstrap=kafka)
    await admin.apply(topics, bootstrap=kafka)
    assert len((await admin.verify(topics, bootstrap=kafka)).present) == len(topics)
    assert (await admin.apply(topics, bootstrap=kafka)).missing == ()
    assert await admin.organisations(catalogue, bootstrap=kafka) == frozenset(world.BY_KAFKA)


async def test_operator_is_refused_when_a_topic_has_drifted(kafka: str, catalogue: Catalogue) -> None:
    """Another number of partitions is named with what is wanted and what is there; nothing is made."""
    await admin.apply(catalogue.hub_topics()[:1], bootstrap=kafka)
    other = Catalogue(intake_partitions=4, prefix=catalogue.prefix)
    with pytest.raises(Drift, match=r"hub\.intake: partitions is 3, the catalogue says 4"):
        await admin.apply(other.hub_topics(), bootstrap=kafka)
    assert len((await admin.plan(catalogue.hub_topics(), bootstrap=kafka)).present) == 1


async def test_control_record_stands_in_every_partition_when_it_is_published(
    kafka: str, catalogue: Catalogue, tmp_path: Path
) -> None:
    """One transaction reaches all partitions, in the same order as any other control record."""
    codec = world.codec_in(tmp_path)
    await admin.apply(catalogue.hub_topics(), bootstrap=kafka)
    control = Control(
        control_id=MessageId("1" * 32),
        kind="policy",
        name="current",
        effective_at=Instant(1),
        body={"version": "1"},
    )
    await publish_control(control, bootstrap=kafka, codec=codec, catalogue=catalogue)
    found = await reading.read(kafka, catalogue.intake)
    assert sorted(record.partition for record in found) == [0, 1, 2]
    assert {codec.control_from(reading.value_of(record)).control_id for record in found} == {
        control.control_id
    }
