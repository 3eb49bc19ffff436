"""What the projector holds, from records written by hand: whichever topic is read first, the same is held."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from math import ceil, log2
from typing import TYPE_CHECKING

import pytest

from hub.adapters.ledger import Asker, ProjectorLimits
from hub.cases.case import Case
from hub.consent.decision import Candidate, Concern
from hub.messages.envelope import Control, MessageName, Role
from hub.messages.identifiers import DeliveryId, Instant, MessageId, derived_id
from hub.routing.outcome import Grounds, Verdict
from hub.topics.dispatch import Dispatch, Outbox, Verdicted
from hub.topics.evidence import Evidence
from tests.integration.projected_world import (
    NOON,
    NORTH,
    PRISON,
    _decision,
    _delivery,
    are,
    case,
    ground,
    message,
    projector,
    rows,
    running,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from hub.adapters.database.pool import Pool
    from hub.topics.codec import Encoded
    from tests.integration.projected_world import World

NUMBER, PARTITION = 1, 1
LAG_S = 4
"""How long a router whose clock runs behind is asked in vain."""
DELIVERY = DeliveryId(derived_id("delivery", message(NUMBER), NORTH))


def delivered(world: World, *, turn: int, offset: int, until_: Instant | None = None) -> None:
    """Queue an outbox record with one delivery, decided at a turn of the case and a place in the log."""
    made = _delivery(NUMBER, NORTH)
    candidate = Candidate(
        organisation=NORTH, role=Role.KEY_WORKER, persons=frozenset(), concern=Concern.REFERRED
    )
    grounds = Grounds(
        decision_id="d" * 32, candidate=candidate, about=None, items_held=(), turn=turn, until=until_
    )
    view = Dispatch(world.codec).view(replace(made, grounds=grounds))
    original = world.codec.envelope_bytes(made.source)
    _outbox(world, replace(_record(offset), views=(view,), original=original))


def settled(world: World, verdict: Verdict, *, turn: int, offset: int, until_: Instant | None = None) -> None:
    """Queue an outbox record with a verdict on that delivery."""
    one = Verdicted(delivery_id=DELIVERY, verdict=verdict, decision_id="e" * 32, turn=turn, until=until_)
    _outbox(world, replace(_record(offset), settled=(one,)))


def retracted(world: World, *, offset: int) -> None:
    """Queue the outbox record of the correction by which that delivery's message is retracted."""
    source, correction = _delivery(NUMBER, NORTH).source, MessageName.CORRECTION
    envelope = replace(source.envelope, message_id=message(NUMBER + 1), message=correction)
    said = replace(source, envelope=envelope, payload={"corrects": message(NUMBER), "action": "RETRACT"})
    record = replace(_record(offset), message_id=message(NUMBER + 1), message=correction)
    _outbox(world, replace(record, original=world.codec.envelope_bytes(said)))


def turned(world: World, turn: int) -> None:
    """Queue the case at a turn."""
    state = Case(
        ref=case(NUMBER), jurisdiction="ENGLAND_AND_WALES", opened_at=NOON, opened_by=PRISON, turn=turn
    )
    encoded = world.codec.case(state)
    world.put(world.catalogue.cases, PARTITION, encoded.key, encoded.value)


def changed(world: World, kind: str, name: str, *, offset: int) -> None:
    """Queue a control record as the router of the partition writes it to its changelog."""
    control = Control(
        control_id=MessageId(derived_id(kind, name, str(offset))),
        kind=kind,
        name=name,
        effective_at=NOON,
        body={"name": name},
        offset=offset,
    )
    value = world.codec.control_bytes(control)
    world.put(world.catalogue.control, PARTITION, f"{kind}/{name}".encode(), value)


def _record(offset: int) -> Outbox:
    return Outbox(
        message_id=message(NUMBER),
        case=case(NUMBER),
        message=MessageName.PROGRESS,
        decided_at=NOON,
        partition=PARTITION,
        offset=offset,
        views=(),
    )


def _outbox(world: World, outbox: Outbox) -> None:
    encoded = Dispatch(world.codec).outbox(outbox)
    world.put(world.catalogue.outbox, PARTITION, encoded.key, encoded.value)


async def stands(pool: Pool, *, held: bool, verdict: str | None = None) -> bool:
    """Whether the delivery stands so."""
    found = await rows(pool, "SELECT held, verdict FROM delivery WHERE delivery_id = %s", DELIVERY)
    return found == [(held, verdict)]


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize("first", ["outbox", "case"])
async def test_a_delivery_is_held_when_its_case_has_turned_whichever_is_read_first(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, first: str
) -> None:
    """A verdict of the turn before opens nothing; one of the present turn does."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        steps = {
            "delivery": partial(delivered, world, turn=1, offset=5),
            "case_state": partial(turned, world, 2),
        }
        for table in sorted(steps, reverse=first == "outbox"):
            steps[table]()
            await world.commit()
            await until(partial(are, pool, table, 1))
        await until(partial(stands, pool, held=True))
        turned(world, 3)
        await world.commit()
        await until(lambda: _turn(pool, 3))
        settled(world, Verdict.RELEASE, turn=2, offset=9)
        await world.commit()
        await until(lambda: _offset(pool, 9))
        assert await stands(pool, held=True)
        settled(world, Verdict.RELEASE, turn=3, offset=12)
        await world.commit()
        await until(partial(stands, pool, held=False))


@pytest.mark.requirement("R-DIS-05")
async def test_a_verdict_that_is_read_before_the_turn_it_knows_of_opens_the_delivery_once_it_is_decided_on(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Decided at turn 2, read while the case still stands at 1: it stays open when turn 2 is read, not 3."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        turned(world, 1)
        delivered(world, turn=1, offset=5)
        settled(world, Verdict.RELEASE, turn=2, offset=9)
        await world.commit()
        await until(partial(stands, pool, held=False))
        turned(world, 2)
        await world.commit()
        await until(lambda: _turn(pool, 2))
        assert await stands(pool, held=False)
        turned(world, 3)
        await world.commit()
        await until(partial(stands, pool, held=True))


@pytest.mark.requirement("R-DIS-10", "R-DEL-01")
async def test_the_answer_to_an_older_request_leaves_held_what_has_been_taken_back_since(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Asked about again, it is released by what is answered then: no take-back from a topic is lost."""
    asked: list[Encoded] = []

    async def append(encoded: Encoded) -> None:
        asked.append(encoded)

    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        delivered(world, turn=0, offset=5)
        for decision in ("d" * 32, "e" * 32):
            ledgered(world, decision)
        await world.commit()
        await until(partial(are, pool, "delivery", 1))
        retracted(world, offset=7)
        settled(world, Verdict.RELEASE, turn=0, offset=9)
        await world.commit()
        await until(lambda: _offset(pool, 9))
        assert await stands(pool, held=True)
        assert await Asker(pool=pool, codec=world.codec, append=append).ask() == 1
        settled(world, Verdict.RELEASE, turn=0, offset=12)
        await world.commit()
        await until(partial(stands, pool, held=False))
        assert len(asked) == 1


@pytest.mark.requirement("R-DIS-05", "R-DEL-01")
async def test_the_answer_to_an_older_request_opens_nothing_that_was_acknowledged_and_stands_on_a_topic(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """The case has turned since: what stands on the topic may have to be taken back from there."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        delivered(world, turn=1, offset=5)
        await world.commit()
        await until(partial(are, pool, "delivery", 1))
        await rows(pool, "UPDATE delivery SET state = 'acknowledged' RETURNING 1")
        for turn in (2, 3):
            turned(world, turn)
            await world.commit()
            await until(partial(_turn, pool, turn))
        settled(world, Verdict.RELEASE, turn=2, offset=9)
        await world.commit()
        await until(lambda: _offset(pool, 9))
        assert await stands(pool, held=True)
        settled(world, Verdict.RELEASE, turn=3, offset=12)
        await world.commit()
        await until(partial(stands, pool, held=False))


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize(
    ("kind", "name", "holds"),
    [
        ("organisation", NORTH, True),
        ("organisation", PRISON, False),
        ("policy", "current", True),
        ("policy", "7:abcdefabcdef", False),
        ("contract", f"{NORTH}/receives/progress.v1", True),
        ("contract", f"{NORTH}/receives/referral.v1", False),
        ("contract", f"{NORTH}/sends/progress.v1", False),
    ],
)
async def test_a_control_record_holds_what_it_concerns_and_was_decided_before_it(  # noqa: PLR0913 - each case
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, *, kind: str, name: str, holds: bool
) -> None:
    """Of that organisation, or of all; of that message, or of all; nothing decided after it."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        changed(world, kind, name, offset=4)
        delivered(world, turn=0, offset=5)
        await world.commit()
        await until(partial(stands, pool, held=False))
        changed(world, kind, name, offset=8)
        await world.commit()
        await until(lambda: _change(pool, 8))
        assert await stands(pool, held=holds)
        settled(world, Verdict.STOP, turn=0, offset=9)
        await world.commit()
        await until(partial(stands, pool, held=False, verdict="stop"))


@pytest.mark.requirement("R-DIS-05")
async def test_a_router_whose_clock_runs_behind_is_asked_ever_more_seldom_until_it_agrees(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Its answer "not yet" opens nothing and starts no loop: the delivery is closed until it answers anew."""
    asked: list[float] = []
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        moment = Instant(time.time_ns() // 1_000_000 + 500)
        delivered(world, turn=0, offset=5, until_=moment)
        for decision in ("d" * 32, "e" * 32):
            ledgered(world, decision)
        await world.commit()
        await until(partial(are, pool, "delivery", 1))

        async def not_yet(_encoded: Encoded) -> None:
            """Answer as a router does by whose clock the moment has not come."""
            asked.append(time.monotonic())
            settled(world, Verdict.RELEASE, turn=0, offset=6 + len(asked), until_=moment)
            await world.commit()

        limits = ProjectorLimits(ask_interval_ms=20)
        async with running(Asker(pool=pool, codec=world.codec, append=not_yet, limits=limits).run):
            await until(lambda: _asked(asked, 3))
            began = time.monotonic()
            while time.monotonic() < began + LAG_S:
                assert not await is_open(pool)
                await asyncio.sleep(0.05)
        assert len(asked) <= 3 + ceil(log2(LAG_S / 0.02))


def ledgered(world: World, decision_id: str) -> None:
    """Queue the decision of that id on the delivery."""
    decided = replace(_decision(NUMBER, case(NUMBER), NORTH, delivers=True), decision_id=decision_id)
    encoded = Evidence(world.codec).ledger(decided, delivery_id=DELIVERY, partition=PARTITION, offset=5)
    world.put(world.catalogue.ledger, PARTITION, encoded.key, encoded.value)


async def is_open(pool: Pool) -> bool:
    """Whether the delivery's mailbox would give it out."""
    (row,) = await rows(pool, "SELECT delivery_is_open(d) AND NOT delivery_is_out_of_date(d) FROM delivery d")
    return bool(row[0])


async def _asked(asked: list[float], times: int) -> bool:
    return len(asked) >= times


async def _turn(pool: Pool, turn: int) -> bool:
    return await rows(pool, "SELECT turn FROM case_state") == [(turn,)]


async def _offset(pool: Pool, offset: int) -> bool:
    return await rows(pool, 'SELECT "offset" FROM delivery') == [(offset,)]


async def _change(pool: Pool, offset: int) -> bool:
    return await rows(pool, 'SELECT "offset" FROM control_change') == [(offset,)]
