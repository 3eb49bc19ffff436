"""Every topic of the hub in one table: its key, its partitions, how long it keeps what.

The broker's clock stamps every record (LogAppendTime): it is the hub's one clock, and a hub whose
own clock is wrong is never refused for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hub.messages.identifiers import OrganisationId

INTAKE = "hub.intake"
CASES = "hub.state.cases"
SEEN = "hub.state.seen"
TIMERS = "hub.state.timers"
CONTROL = "hub.state.control"
OUTBOX = "hub.outbox"
LEDGER = "hub.ledger"
DELIVERIES = "hub.deliveries"
QUARANTINE = "hub.quarantine"
"""Changelogs of the router's tables; partition n belongs to partition n of hub.intake."""

INTAKE_PARTITIONS_DEFAULT = 6
"""Fixed by measurement, see docs/decisions/0003; it can not change once the topic exists."""
QUARANTINE_PARTITIONS = 6
DELIVERY_PARTITIONS = 6
INBOX_PARTITIONS = 3
RECORD_BYTES_MAX = 1_048_576
"""Largest record batch a topic takes, framing included."""

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_STAMPED = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(RECORD_BYTES_MAX)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic as it has to be."""

    name: str
    key: str
    """What its records are keyed by."""
    partitions: int
    config: Mapping[str, str]
    purpose: str


def _kept(days: int) -> dict[str, str]:
    return _STAMPED | {
        "cleanup.policy": "delete",
        "retention.ms": str(days * _DAY_MS),
        "retention.bytes": "-1",
    }


def _for_ever() -> dict[str, str]:
    return _STAMPED | {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


def _changelog() -> dict[str, str]:
    return _STAMPED | {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.2",
        "segment.bytes": "67108864",
    }


def _delivery() -> dict[str, str]:
    """Disclosed content goes soon: by age, or once a tombstone takes it back."""
    return _kept(7) | {
        "cleanup.policy": "compact,delete",
        "segment.ms": str(_HOUR_MS),
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": str(2 * _HOUR_MS),
        "delete.retention.ms": str(7 * _DAY_MS),
    }


class Catalogue:
    """The topics of one hub. A prefix keeps several hubs apart on one broker, as tests need."""

    def __init__(self, *, intake_partitions: int = INTAKE_PARTITIONS_DEFAULT, prefix: str = "") -> None:
        """Fix how many partitions the intake has, and with it all that goes by lanes or cases."""
        self.intake_partitions = intake_partitions
        self.prefix = prefix
        self.intake = prefix + INTAKE
        self.cases = prefix + CASES
        self.seen = prefix + SEEN
        self.timers = prefix + TIMERS
        self.control = prefix + CONTROL
        self.outbox = prefix + OUTBOX
        self.ledger = prefix + LEDGER
        self.deliveries = prefix + DELIVERIES
        self.quarantine = prefix + QUARANTINE

    @property
    def changelogs(self) -> tuple[str, str, str, str]:
        """Names of the four changelogs: cases, seen, timers, control."""
        return (self.cases, self.seen, self.timers, self.control)

    def inbox_name(self, organisation: OrganisationId) -> str:
        """Name of the one topic this organisation may write to."""
        return f"{self.prefix}hub.in.{organisation}"

    def delivery_name(self, organisation: OrganisationId) -> str:
        """Name of the topic on which this organisation is given what it chose to take by Kafka."""
        return f"{self.prefix}hub.to.{organisation}"

    def hub_topics(self) -> tuple[Topic, ...]:
        """The topics of the hub itself."""
        count = self.intake_partitions
        table: tuple[tuple[str, str, int, dict[str, str], str], ...] = (
            (
                self.intake,
                "case",
                count,
                _for_ever(),
                "the one log: every message, sealed, one order per case",
            ),
            (self.cases, "case", count, _changelog(), "changelog of the cases table, sealed"),
            (self.seen, "message id", count, _changelog(), "changelog of the message ids taken"),
            (self.timers, "timer", count, _changelog(), "changelog of the deadlines"),
            (self.control, "control", count, _changelog(), "changelog of organisations and policy in force"),
            (self.outbox, "case", count, _kept(30), "every delivery, sealed together per message"),
            (self.ledger, "case", count, _for_ever(), "every disclosure decision"),
            (
                self.deliveries,
                "lane",
                count,
                _for_ever(),
                "what happened to each delivery once it was decided, one order per recipient and person",
            ),
            (
                self.quarantine,
                "record id",
                QUARANTINE_PARTITIONS,
                _kept(14),
                "what was set aside, with its reason",
            ),
        )
        return tuple(_topic(row) for row in table)

    def inbox_topic(self, organisation: OrganisationId) -> Topic:
        """The topic this organisation writes to."""
        name = self.inbox_name(organisation)
        return _topic((name, "any", INBOX_PARTITIONS, _kept(7), "what this organisation sends by Kafka"))

    def delivery_topic(self, organisation: OrganisationId) -> Topic:
        """The topic this organisation reads."""
        name = self.delivery_name(organisation)
        return _topic(
            (name, "delivery id", DELIVERY_PARTITIONS, _delivery(), "what this organisation is given")
        )

    def organisation_topics(self, organisation: OrganisationId) -> tuple[Topic, Topic]:
        """Both topics of one organisation."""
        return (self.inbox_topic(organisation), self.delivery_topic(organisation))

    def topics(self, organisations: Iterable[str] = ()) -> tuple[Topic, ...]:
        """All topics: the hub's own and those of these organisations."""
        return self.hub_topics() + tuple(
            topic for name in organisations for topic in self.organisation_topics(OrganisationId(name))
        )


def lane_partition(lane: str, partitions: int) -> int:
    """Choose the partition that keeps a lane (recipient and person) in order."""
    return int.from_bytes(hashlib.blake2b(lane.encode(), digest_size=8).digest(), "big") % partitions


def _topic(row: tuple[str, str, int, dict[str, str], str]) -> Topic:
    name, key, partitions, config, purpose = row
    return Topic(name=name, key=key, partitions=partitions, config=config, purpose=purpose)
