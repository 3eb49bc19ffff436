"""The catalogue of topics."""

from __future__ import annotations

import pytest

from hub.messages.identifiers import OrganisationId
from hub.topics.catalogue import Catalogue, lane_partition

NORTH = OrganisationId("north-prison")


@pytest.mark.parametrize("partitions", [6, 12, 24])
def test_state_outbox_and_ledger_have_the_partitions_of_the_intake(partitions: int) -> None:
    catalogue = Catalogue(intake_partitions=partitions)
    topics = {topic.name: topic.partitions for topic in catalogue.hub_topics()}
    quarantine = topics.pop("hub.quarantine")
    assert set(topics.values()) == {partitions}
    assert quarantine == 6


def test_every_topic_is_stamped_by_the_brokers_clock() -> None:
    topics = Catalogue().topics([NORTH])
    assert {topic.config["message.timestamp.type"] for topic in topics} == {"LogAppendTime"}
    assert len({topic.name for topic in topics}) == len(topics) == 11


def test_the_log_and_the_ledger_are_kept_for_ever_and_state_is_compacted() -> None:
    topics = {topic.name: topic.config for topic in Catalogue().hub_topics()}
    assert topics["hub.intake"]["retention.ms"] == topics["hub.ledger"]["retention.ms"] == "-1"
    assert topics["hub.deliveries"] == topics["hub.ledger"]
    assert {
        topics[f"hub.state.{name}"]["cleanup.policy"] for name in ("cases", "seen", "timers", "control")
    } == {"compact"}


def test_names_carry_the_prefix_when_there_is_one() -> None:
    catalogue = Catalogue(prefix="t1.")
    assert all(topic.name.startswith("t1.hub.") for topic in catalogue.topics([NORTH]))
    assert (catalogue.inbox_name(NORTH), catalogue.delivery_name(NORTH)) == (
        "t1.hub.in.north-prison",
        "t1.hub.to.north-prison",
    )
    assert catalogue.changelogs[0] == "t1.hub.state.cases"


@pytest.mark.requirement("R-RTE-07")
def test_lane_keeps_one_partition_and_lanes_spread() -> None:
    chosen = [lane_partition(f"case-{number}", 6) for number in range(600)]
    assert chosen == [lane_partition(f"case-{number}", 6) for number in range(600)]
    assert min(chosen.count(partition) for partition in range(6)) > 60
