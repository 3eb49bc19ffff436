"""A policy release in the log: checked again, in force from its effective time on, in each partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiokafka import ConsumerRecord

from hub.adapters.kafka.consequences import Consequences
from hub.consent.release import COMING, CURRENT
from hub.consent.releases import State, listed
from hub.messages.envelope import Control, Tick
from hub.messages.identifiers import Instant, MessageId, derived_id
from hub.routing.route import route
from hub.topics.catalogue import Catalogue
from hub.topics.codec import Codec
from hub.topics.keys import FileKeyStore
from hub.topics.policy_files import name_from_control, policy_from_control, read_policy
from hub.topics.tables import RouterView
from tests.unit import released as made
from tests.unit.worlds import DAY, MANAGER, START, World, appoint, library, open_case, refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hub.messages.envelope import Entry
    from hub.routing.outcome import Result

pytestmark = pytest.mark.requirement("R-DIS-08")
OLD = made.body(read_policy(), "1.0.0")
TOMORROW = Instant(START + DAY)
NEXT_WEEK = Instant(START + 7 * DAY)


def control(body: Mapping[str, object], number: int = 1) -> Control:
    """Return the record that releases these rules."""
    at = MessageId(f"{number:032x}")
    return Control(control_id=at, kind="policy", name="n", effective_at=Instant(0), body=body)


def new(version: str = "1.1.0", *, effective_at: Instant | None = TOMORROW) -> dict[str, object]:
    """Return the release of the rules without one of them."""
    return made.body(made.without("identity.line-manager"), version, effective_at=effective_at)


def ruled(result: Result) -> set[str]:
    """Return the names of the policies that decided."""
    assert result.decisions
    return {decision.policy for decision in result.decisions}


def state(world: World) -> dict[str, State]:
    """Return how each version stands in a world now."""
    facts = {key.removeprefix("policy/"): body for key, body in world.released.items()}
    return {each.version: each.state for each in listed(facts, world.now)}


@pytest.fixture
def world() -> World:
    """A world whose rules were released at its start."""
    found = World()
    found.take(control(OLD))
    open_case(found)
    return found


@pytest.fixture
def partition(tmp_path: Path) -> Partition:
    """One partition as a router has it."""
    return Partition(tmp_path)


class Partition:
    """The tables of one partition of the log, and records to append to it."""

    def __init__(self, folder: Path) -> None:
        """Begin with empty tables."""
        codec = Codec(library=library(), keys=FileKeyStore(folder))
        self.view = RouterView(codec=codec, contracts=codec.library)
        self.codec, self.offset = codec, 0
        self._consequences = Consequences(
            catalogue=Catalogue(), codec=codec, route=route, record_bytes_max=1_000_000
        )

    def take(self, entry: Entry, at: int) -> list[str]:
        """Let a record be read that the broker took at a moment; returns the topics written to."""
        assert isinstance(entry, Control | Tick)
        encoded = self.codec.control(entry) if isinstance(entry, Control) else self.codec.tick(entry)
        record: ConsumerRecord[bytes | None, bytes | None] = ConsumerRecord(
            "hub.intake", 0, self.offset, at, 0, encoded.key, encoded.value, None, 0, 0, headers=()
        )
        self.offset += 1
        found = [each.topic for each in self._consequences.of(record, self.view)]
        self.view.merge()
        return found

    def tick(self, at: int) -> None:
        """Let any record be read at a moment."""
        self.take(Tick(tick_id=MessageId(derived_id("tick", str(at))), due_at=Instant(at)), at)

    @property
    def version(self) -> str | None:
        """The version in force."""
        policy = self.view.policy()
        return None if policy is None else policy.version


def test_a_release_holds_at_once_and_the_one_before_is_kept_under_its_name(world: World) -> None:
    """So that the rules of a past decision are found by the name it bears."""
    before = appoint(world, MANAGER)
    world.take(control(new(effective_at=None)))
    after = appoint(world, MANAGER, grade="PO")
    assert ruled(before) == {name_from_control(OLD)}
    assert ruled(after) == {name_from_control(new())}
    kept = world.release(*ruled(before))
    assert kept is not None
    assert policy_from_control(kept).name in ruled(before)
    assert state(world) == {"1.0.0": State.PAST, "1.1.0": State.IN_FORCE}


def test_a_release_to_come_decides_nothing_before_its_effective_time_and_everything_from_then(
    world: World,
) -> None:
    """The record that reaches that very moment is the first."""
    world.take(control(new()))
    assert state(world) == {"1.0.0": State.IN_FORCE, "1.1.0": State.COMING}
    world.now = Instant(TOMORROW - 1 - 60_000)
    assert ruled(appoint(world, MANAGER)) == {name_from_control(OLD)}
    world.now = Instant(TOMORROW - 60_000)
    assert ruled(appoint(world, MANAGER, grade="PO")) == {name_from_control(new())}
    assert state(world) == {"1.0.0": State.PAST, "1.1.0": State.IN_FORCE}
    assert world.release(COMING) is None


def test_each_partition_goes_by_its_own_clock(partition: Partition, tmp_path: Path) -> None:
    """One that has seen no record of that time yet has the old rules; a late record does not go back."""
    other = Partition(tmp_path / "other")
    for each in (partition, other):
        each.take(control(OLD), START)
        each.take(control(new(), 2), START + 1)
    partition.tick(TOMORROW)
    assert (partition.version, other.version) == ("1.1.0", "1.0.0")
    partition.tick(TOMORROW - 5)
    assert partition.version == "1.1.0"
    other.tick(TOMORROW + 5)
    assert other.version == "1.1.0"
    assert partition.view.control.get(b"policy/coming") is other.view.control.get(b"policy/coming") is None


def test_a_restored_partition_ends_where_the_first_run_did(partition: Partition) -> None:
    """Its tables are all that is needed; what is to come is compiled before a record waits for it."""
    partition.take(control(OLD), START)
    partition.take(control(new(), 2), START + 1)
    restored = RouterView(codec=partition.codec, contracts=library())
    for mine, theirs in zip(restored.tables, partition.view.tables, strict=True):
        for key, value in theirs.items():
            mine.restore(key, value)
    restored.compile_policies()
    policy = restored.policy()
    restored.advance(TOMORROW)
    later = restored.policy()
    assert policy is not None
    assert later is not None
    assert (policy.version, later.version) == ("1.0.0", "1.1.0")


def test_a_later_release_takes_the_place_of_one_to_come(world: World) -> None:
    """What never held is listed as such, and can still be read under its name."""
    world.take(control(new()))
    world.take(control(new("1.2.0", effective_at=NEXT_WEEK)))
    assert state(world) == {"1.0.0": State.IN_FORCE, "1.1.0": State.REPLACED, "1.2.0": State.COMING}
    world.take(control(new("1.3.0", effective_at=None)))
    assert world.release(COMING) is None
    assert state(world) == {
        "1.0.0": State.PAST,
        "1.1.0": State.REPLACED,
        "1.2.0": State.REPLACED,
        "1.3.0": State.IN_FORCE,
    }
    world.now = NEXT_WEEK
    assert ruled(appoint(world, MANAGER)) == {name_from_control(new("1.3.0"))}


def times(world: World) -> list[tuple[str, State, int | None, int | None]]:
    """Return how the world's releases stand now, and when each held or was to."""
    facts = {key.removeprefix("policy/"): body for key, body in world.released.items()}
    return [(each.version, each.state, each.effective, each.until) for each in listed(facts, world.now)]


def test_every_time_that_rules_held_or_were_to_hold_is_kept(world: World) -> None:
    """Going back and forth hides no time before; what was replaced says when, also dated anew."""
    began = world.now
    world.now = Instant(began + 10)
    world.take(control(new(effective_at=None)))
    world.now = Instant(began + 20)
    world.take(control(OLD))
    for number, effective in enumerate((TOMORROW, NEXT_WEEK)):
        world.now = Instant(began + 30 + number)
        world.take(control(new("1.2.0", effective_at=Instant(effective))))
    world.now = Instant(began + 40)
    world.take(control(new(effective_at=None)))
    assert times(world) == [
        ("1.0.0", State.PAST, START, began + 10),
        ("1.1.0", State.PAST, began + 10, began + 20),
        ("1.0.0", State.PAST, began + 20, began + 40),
        ("1.1.0", State.IN_FORCE, began + 40, None),
        ("1.2.0", State.REPLACED, TOMORROW, began + 31),
        ("1.2.0", State.REPLACED, NEXT_WEEK, began + 40),
    ]


def test_a_release_that_arrives_after_another_became_due_follows_it(world: World) -> None:
    """Both are kept: what was due held until then."""
    world.take(control(new()))
    world.now = Instant(TOMORROW + 1)
    world.take(control(new("1.2.0", effective_at=NEXT_WEEK)))
    assert state(world) == {"1.0.0": State.PAST, "1.1.0": State.IN_FORCE, "1.2.0": State.COMING}
    world.now = Instant(NEXT_WEEK + 1)
    world.take(control(new("1.3.0", effective_at=Instant(NEXT_WEEK))))
    assert state(world)["1.2.0"] is State.PAST
    assert state(world)["1.3.0"] is State.IN_FORCE


def test_rules_that_come_back_are_listed_since_they_first_held(world: World) -> None:
    """Going back to the rules before is a release like any other, also one to come that is replaced."""
    world.take(control(new(effective_at=None)))
    world.take(control({**OLD, "effective_at": TOMORROW}))
    world.take(control(new("1.2.0", effective_at=None)))
    assert {each[1] for each in times(world) if each[0] == "1.0.0"} == {State.PAST, State.REPLACED}
    world.take(control(OLD))
    last = [each for each in times(world) if each[0] == "1.0.0" and each[1] is not State.REPLACED][-1]
    assert last[1] is State.IN_FORCE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"author": ...}, "policy.author"),
        ({"approvers": [made.FIRST]}, "policy.approvers: 1 of 2"),
        ({"approvers": [made.FIRST, made.AUTHOR]}, "policy.approvers[1]"),
        ({"effective_at": "soon"}, "policy.effective_at"),
        ({"documents": made.without("everywhere.confidential")}, "confidential-withheld"),
    ],
)
def test_a_release_that_does_not_hold_is_set_aside_and_the_old_rules_stay(
    world: World, changes: dict[str, object], words: str
) -> None:
    """With the field at fault, or the counterexample; no fact changes."""
    before = dict(world.released)
    result = world.take(control(made.changed(new(), changes)))
    assert refused(result) == "CONTROL-INVALID"
    assert result.rejection is not None
    assert words in result.rejection.detail
    assert world.released == before
    assert ruled(appoint(world, MANAGER)) == {name_from_control(OLD)}


def test_a_record_that_is_set_aside_still_begins_what_was_due(partition: Partition) -> None:
    """The moment counts, not what the record is."""
    partition.take(control(OLD), START)
    partition.take(control(new(), 2), START + 1)
    assert partition.take(control({"version": "9"}, 3), TOMORROW) == ["hub.quarantine"]
    body = partition.view.release(CURRENT)
    assert body is not None
    assert (body["version"], body["since"]) == ("1.1.0", TOMORROW)


def test_rules_released_before_author_and_approvers_were_asked_for_hold_until_the_next_release(
    world: World,
) -> None:
    """They stand in the tables of running hubs; what follows them keeps them under their name."""
    legacy = {name: OLD[name] for name in ("version", "documents")}
    world.released = {"policy/current": legacy}
    assert ruled(appoint(world, MANAGER)) == {name_from_control(OLD)}
    world.take(control(new(effective_at=None)))
    assert world.release(name_from_control(legacy)) == legacy
    assert state(world) == {"1.0.0": State.PAST, "1.1.0": State.IN_FORCE}
