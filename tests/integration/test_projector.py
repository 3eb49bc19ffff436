"""The projector on a real Kafka and PostgreSQL: every committed record once, whoever applies it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from hub.adapters.ledger import drop_projection, wait_control
from hub.errors import NotReadable, Unreachable
from hub.messages.identifiers import DeliveryId
from hub.topics.delivery_box import open_delivery
from hub.topics.sealing import Sealed
from tests.integration.projected_world import (
    NORTH,
    PARTITIONS,
    PRISON,
    are,
    count,
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
    from tests.integration.projected_world import World

TABLES = {
    "delivery": "SELECT delivery_id, message_id, case_ref, organisation, digest, size, available_at",
    "ledger": "SELECT *",
    "quarantine": 'SELECT record_id, message_id, organisation, code, detail, partition, "offset"',
    "submission": "SELECT *",
    "case_state": "SELECT case_ref, key_id, box, version",
    "control": "SELECT *",
    "control_applied": "SELECT *",
}


async def snapshot(pool: Pool) -> dict[str, list[str]]:
    """All that was projected, in an order of its own."""
    return {
        table: sorted(map(repr, await rows(pool, f"{select} FROM {table}")))
        for table, select in TABLES.items()
    }


@pytest.mark.requirement("R-DEL-02")
async def test_projector_makes_all_rows_of_what_a_router_committed(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Deliveries, decisions, cases and message states stand in the database, the view sealed."""
    async with ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool):
        for number in range(12):
            world.routed(number, to=(NORTH, PRISON) if number % 2 else ())
        world.set_aside(40, "CASE-UNKNOWN")
        await world.commit()
        async with running(projector(world, pool).run):
            await until(lambda: are(pool, "submission", 13))
            await until(lambda: are(pool, "delivery", 12))
            await until(lambda: are(pool, "case_state", 12))
            await until(lambda: are(pool, "ledger", 18))
        states: dict[str, int] = dict(
            await rows(pool, "SELECT state, count(*) FROM submission GROUP BY state")
        )
        assert states == {"routed": 12, "refused": 1}
        assert (message(0), "routed", "hmp-fellgate", "progress", "1.0") in await rows(
            pool, "SELECT message_id, state, organisation, message, contract FROM submission"
        )
        row = (
            await rows(pool, "SELECT delivery_id, key_id, nonce, box, digest, case_ref FROM delivery LIMIT 1")
        )[0]
        sealed = Sealed(key_id=str(row[1]), nonce=bytes(row[2]), box=bytes(row[3]))
        headers, view = open_delivery(world.codec.sealer, sealed, delivery_id=DeliveryId(str(row[0])))
        assert headers["ce_id"] == row[0]
        assert view[0] == 0
        assert row[1] == f"case-{row[5]}"


@pytest.mark.requirement("R-DEL-02")
async def test_projector_shows_nothing_of_a_transaction_that_is_open_or_aborted(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Only what was committed is projected."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        with pytest.raises(RuntimeError, match="changed its mind"):
            await _abandoned(world, pool)
        world.routed(2)
        await world.commit()
        await until(lambda: are(pool, "delivery", 1))
        assert [row[0] for row in await rows(pool, "SELECT message_id FROM submission")] == [message(2)]


async def _abandoned(world: World, pool: Pool) -> None:
    async with world.transaction() as producer:
        world.routed(1)
        await world.write(producer)
        await asyncio.sleep(0.5)
        assert await count(pool, "delivery") == 0
        reason = "changed its mind"
        raise RuntimeError(reason)


@pytest.mark.requirement("R-DEL-02")
async def test_projector_keeps_a_routed_message_routed_when_its_key_is_used_again(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """A record refused as KEY-REUSED bears the id of another message and leaves that one's state alone."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        world.set_aside(1, "KEY-REUSED", record=100)
        await world.commit()
        await until(lambda: are(pool, "quarantine", 1))
        world.routed(1)
        await world.commit()
        await until(lambda: are(pool, "submission", 1))
        world.set_aside(1, "KEY-REUSED", record=101)
        world.routed(2)
        await world.commit()
        await until(lambda: are(pool, "quarantine", 2))
        await until(lambda: are(pool, "submission", 2))
        assert await _states(pool) == {message(1): "routed", message(2): "routed"}


async def _states(pool: Pool) -> dict[str, str]:
    return dict(await rows(pool, "SELECT message_id, state FROM submission"))


@pytest.mark.requirement("R-DEL-02")
async def test_sender_whose_message_is_taken_on_a_second_try_sees_it_routed_in_whatever_order_rows_are_made(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Refused for a case not yet there, then sent again under its id: taken counts, before or after."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        world.set_aside(1, "CASE-UNKNOWN")
        world.set_aside(3, "CASE-UNKNOWN")
        world.set_aside(3, "NOT-ENTITLED")
        await world.commit()
        await until(lambda: are(pool, "quarantine", 3))
        assert await _states(pool) == {message(1): "refused", message(3): "refused"}
        world.seen(1)
        world.seen(2)
        await world.commit()
        await until(lambda: are(pool, "submission", 3))
        world.set_aside(2, "CASE-UNKNOWN")
        await world.commit()
        await until(lambda: are(pool, "quarantine", 4))
        await until(lambda: _is_routed(pool, 1))
        assert await _states(pool) == {message(1): "routed", message(2): "routed", message(3): "refused"}
        assert await rows(
            pool, "SELECT organisation, message, contract FROM submission WHERE message_id = %s", message(1)
        ) == [(PRISON, "progress", "1.0")]


async def _is_routed(pool: Pool, number: int) -> bool:
    return (await _states(pool)).get(message(number)) == "routed"


@pytest.mark.requirement("R-AUD-04")
async def test_delivery_says_nothing_of_who_and_when_once_the_key_of_its_person_is_erased(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Headers stand in the sealed box with the view, in no column beside it."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        world.routed(1)
        await world.commit()
        await until(lambda: are(pool, "delivery", 1))
        row = (await rows(pool, "SELECT delivery_id, key_id, nonce, box FROM delivery"))[0]
        sealed = Sealed(key_id=str(row[1]), nonce=bytes(row[2]), box=bytes(row[3]))
        told, _ = open_delivery(world.codec.sealer, sealed, delivery_id=DeliveryId(str(row[0])))
        stored = repr((await rows(pool, "SELECT * FROM delivery"))[0])
        assert told["ce_subject"] not in stored
        assert told["hub-correlation"] not in stored
        world.codec.keys.erase(sealed.key_id)  # type: ignore[attr-defined]
        with pytest.raises(NotReadable, match="erased"):
            open_delivery(world.codec.sealer, sealed, delivery_id=DeliveryId(str(row[0])))


@pytest.mark.requirement("R-DIS-09")
async def test_ledger_row_says_on_what_terms_by_what_contract_and_by_which_way_it_was_disclosed(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Caveats, the contract with its digest, whether by Kafka, and a keyed digest of the facts."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        world.routed(1)
        await world.commit()
        await until(lambda: are(pool, "ledger", 1))
        contract = world.codec.library.contract("progress", "1.0")
        row = await rows(
            pool, "SELECT caveats, by_kafka, message, contract, contract_digest, facts_digest FROM ledger"
        )
        assert row[0][:5] == (["NO-ONWARD-DISCLOSURE"], True, "progress", "1.0", contract.digest)
        assert len(str(row[0][5])) == 64


@pytest.mark.requirement("R-DEL-02")
async def test_two_projectors_and_restarts_leave_the_rows_one_would(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Killed in the middle, joined by a second, rebuilt from nothing: the same projection."""
    async with ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool):
        for number in range(90):
            world.routed(number, to=(NORTH, PRISON))
            if number % 30 == 29:
                await world.commit()
        world.control("organisation", NORTH, {"name": "Northmoor Trust"})
        world.set_aside(7, "KEY-REUSED")
        world.set_aside(91, "CASE-UNKNOWN")
        await world.commit()
        first = asyncio.ensure_future(projector(world, pool, batch_records_max=7).run(asyncio.Event()))
        async with running(projector(world, pool, batch_records_max=5).run):
            await until(lambda: _some(pool, "delivery"))
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await until(lambda: _complete(pool), timeout_s=30)
        once = await snapshot(pool)
        assert len(once["delivery"]) == 180
        await drop_projection(pool)
        async with running(projector(world, pool).run):
            await until(lambda: _complete(pool), timeout_s=30)
        assert await snapshot(pool) == once


async def _some(pool: Pool, table: str) -> bool:
    return await count(pool, table) > 0


async def _complete(pool: Pool) -> bool:
    wanted = {
        "delivery": 180,
        "ledger": 180,
        "submission": 91,
        "case_state": 90,
        "quarantine": 2,
        "control_applied": 3,
    }
    return {table: await count(pool, table) for table in wanted} == wanted


@pytest.mark.requirement("R-DIS-05")
async def test_command_waits_until_every_partition_has_passed_a_control_record(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """A change is in force when all partitions have it, and only then does the wait end."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        control_id = world.control(
            "organisation", NORTH, {"name": "Northmoor Trust"}, partitions=range(1, PARTITIONS)
        )
        await world.commit()
        with pytest.raises(Unreachable, match="2 of 3"):
            await wait_control(pool, control_id, PARTITIONS, 1.0)
        world.control("organisation", NORTH, {"name": "Northmoor Trust"}, partitions=range(1))
        await world.commit()
        await wait_control(pool, control_id, PARTITIONS, 10.0)
        assert await rows(pool, "SELECT kind, name, body FROM control") == [
            ("organisation", NORTH, {"name": "Northmoor Trust"})
        ]


async def test_recipient_sees_a_delivery_soon_after_the_router_committed_it(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path
) -> None:
    """From commit to mailbox in a fraction of a second."""
    async with (
        ground(kafka, fresh_database, topic_prefix, tmp_path) as (world, pool),
        running(projector(world, pool).run),
    ):
        world.routed(0)
        await world.commit()
        await until(lambda: are(pool, "delivery", 1))
        took: list[float] = []
        for number in range(1, 16):
            async with world.transaction() as producer:
                world.routed(number)
                await world.write(producer)
                await producer.commit_transaction()
                began = time.monotonic()
                await producer.begin_transaction()
                await until(lambda expected=number + 1: are(pool, "delivery", expected))  # type: ignore[misc]
                took.append(time.monotonic() - began)
        print(f"commit to mailbox: p50 {sorted(took)[7] * 1000:.0f} ms, worst {max(took) * 1000:.0f} ms")
        assert sorted(took)[7] < 0.25
