"""Topics on the broker against the catalogue: what is missing is made, what differs is refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from hub.errors import Drift, Unreachable
from hub.messages.identifiers import OrganisationId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.topics.catalogue import Catalogue, Topic

PARTITIONS = "partitions"
REPLICAS_MAX = 3
_REQUEST_TIMEOUT_MS = 15_000
_VISIBLE_TIMEOUT_S = 15.0
_TO_THE_END = -1
"""Where a partition ends, whatever its offset is."""
_VISIBLE_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is otherwise than the catalogue says."""

    topic: str
    config: str
    """Name of the configuration, or `partitions`."""
    want: str
    have: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.topic}: {self.config} is {self.have}, the catalogue says {self.want}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `apply` would do, and what stands in its way."""

    missing: tuple[Topic, ...]
    present: tuple[Topic, ...]
    differences: tuple[Difference, ...]


async def plan(topics: Iterable[Topic], *, bootstrap: str) -> Plan:
    """Compare the broker's topics with these."""
    async with _admin(bootstrap) as admin:
        return await _compare(admin, tuple(topics))


async def apply(topics: Iterable[Topic], *, bootstrap: str) -> Plan:
    """Make the missing topics, on three brokers where there are as many; existing ones are never changed.

    Raises:
        Drift: An existing topic differs; nothing was made.
    """
    async with _admin(bootstrap) as admin:
        found = await _compare(admin, tuple(topics))
        _refuse(found.differences)
        if found.missing:
            await _create(admin, found.missing)
        return found


async def make_missing(topics: Iterable[Topic], *, bootstrap: str) -> None:
    """Make those topics that do not exist, whatever the others look like: what a running router needs."""
    async with _admin(bootstrap) as admin:
        there = set(await admin.list_topics())
        if missing := tuple(topic for topic in topics if topic.name not in there):
            await _create(admin, missing)


async def verify(topics: Iterable[Topic], *, bootstrap: str) -> Plan:
    """Check that every topic exists as it has to be.

    Raises:
        Drift: One is missing or differs.
    """
    found = await plan(topics, bootstrap=bootstrap)
    missing = tuple(
        Difference(topic=topic.name, config=PARTITIONS, want=str(topic.partitions), have="missing")
        for topic in found.missing
    )
    _refuse(missing + found.differences)
    return found


async def organisations(catalogue: Catalogue, *, bootstrap: str) -> frozenset[OrganisationId]:
    """The organisations that have topics on the broker."""
    beginnings = (catalogue.inbox_name(OrganisationId("")), catalogue.delivery_name(OrganisationId("")))
    async with _admin(bootstrap) as admin:
        names = await admin.list_topics()
    return frozenset(
        OrganisationId(name.removeprefix(beginning))
        for name in names
        for beginning in beginnings
        if name.startswith(beginning)
    )


async def remove(names: Iterable[str], *, bootstrap: str) -> None:
    """Delete topics by name, e.g. those of a test."""
    async with _admin(bootstrap) as admin:
        await admin.delete_topics(list(names))


async def empty(topic: str, *, bootstrap: str) -> bool:
    """Delete every record of a topic, which stays; False where there is no such topic.

    Raises:
        Unreachable: The broker did not do it: call it again.
    """
    async with _admin(bootstrap) as admin:
        if topic not in await admin.list_topics():
            return False
        (described,) = await admin.describe_topics([topic])
        everything = RecordsToDelete(before_offset=_TO_THE_END)
        partitions = [TopicPartition(topic, each["partition"]) for each in described["partitions"]]
        try:
            await admin.delete_records(dict.fromkeys(partitions, everything))
        except KafkaError as error:
            message = f"what stands on {topic} was not deleted: {type(error).__name__}"
            raise Unreachable(message, fix="call the command again") from error
    return True


def _refuse(differences: tuple[Difference, ...]) -> None:
    if differences:
        message = "; ".join(map(str, differences))
        raise Drift(
            message, fix="change the topic by hand, or the catalogue by a decision; nothing was changed"
        )


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_REQUEST_TIMEOUT_MS)
    try:
        try:
            await admin.start()
        except (KafkaError, OSError) as error:
            message = f"no broker answers at {bootstrap}"
            raise Unreachable(message, fix="start Kafka, or set HUB_KAFKA") from error
        yield admin
    finally:
        await admin.close()


async def _compare(admin: AIOKafkaAdminClient, topics: tuple[Topic, ...]) -> Plan:
    there = set(await admin.list_topics())
    present = tuple(topic for topic in topics if topic.name in there)
    return Plan(
        missing=tuple(topic for topic in topics if topic.name not in there),
        present=present,
        differences=await _differences(admin, present) if present else (),
    )


async def _differences(admin: AIOKafkaAdminClient, topics: tuple[Topic, ...]) -> tuple[Difference, ...]:
    described = await admin.describe_topics([topic.name for topic in topics])
    partitions = {found["topic"]: len(found["partitions"]) for found in described}
    configs = await _configs(admin, topics)
    found: list[Difference] = []
    for topic in topics:
        want = {PARTITIONS: str(topic.partitions), **topic.config}
        have = {PARTITIONS: str(partitions.get(topic.name, 0)), **configs.get(topic.name, {})}
        found += [
            Difference(topic=topic.name, config=name, want=value, have=have.get(name, "not set"))
            for name, value in want.items()
            if have.get(name) != value
        ]
    return tuple(found)


async def _configs(admin: AIOKafkaAdminClient, topics: tuple[Topic, ...]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    configs: dict[str, dict[str, str]] = {}
    for answer in await admin.describe_configs(resources):
        for resource in answer.to_object()["resources"]:
            entries: list[dict[str, Any]] = resource["config_entries"]
            configs[resource["resource_name"]] = {
                entry["config_names"]: _normal(entry["config_value"]) for entry in entries
            }
    return configs


def _normal(value: str | None) -> str:
    """Policies come back in any order: compact,delete is delete,compact."""
    return ",".join(sorted((value or "").split(",")))


async def _create(admin: AIOKafkaAdminClient, topics: tuple[Topic, ...]) -> None:
    brokers = len((await admin.describe_cluster())["brokers"])
    replication = REPLICAS_MAX if brokers >= REPLICAS_MAX else 1
    # Acknowledged by all must mean by more than one, where there are others to lose it with.
    shared = {"min.insync.replicas": str(REPLICAS_MAX - 1)} if replication == REPLICAS_MAX else {}
    wanted = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs={**topic.config, **shared})
        for topic in topics
    ]
    answer: Any = await admin.create_topics(wanted)
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            message = f"topic {name} could not be made: {error.__name__}"
            raise Unreachable(message, fix="see the broker's log")
    await _wait_visible(admin, topics)


async def _wait_visible(admin: AIOKafkaAdminClient, topics: tuple[Topic, ...]) -> None:
    """Return when the broker tells of every partition and its leader.

    A consumer that subscribes before that gets an assignment without the topic, and keeps it for minutes.
    """
    waiting = {topic.name: topic.partitions for topic in topics}
    deadline = time.monotonic() + _VISIBLE_TIMEOUT_S
    while time.monotonic() < deadline:
        for found in await admin.describe_topics(list(waiting)):
            led = [partition for partition in found["partitions"] if partition["leader"] >= 0]
            if not found["error_code"] and len(led) == waiting[found["topic"]]:
                del waiting[found["topic"]]
        if not waiting:
            return
        await asyncio.sleep(_VISIBLE_POLL_S)
    message = f"the broker made {len(waiting)} topics but does not lead them"
    raise Unreachable(message, fix="see the broker's log")
