"""What a recipient has had is offered to it again: its number stays its own, and it can be decided again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from hub.adapters.database.alone import FORGET_LOCK
from hub.adapters.database.pool import open_pool
from hub.adapters.database.recovering import ITSELF_MAX, SPENT, Meant, remedy
from hub.adapters.database.remedied import By, Remedy
from hub.adapters.ledger import Asker, ProjectorLimits
from hub.adapters.ledger.pushes import settle_pushes
from hub.topics.codec import Codec
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary
from tests.integration.projected_world import rows
from tests.integration.recovering_world import BY, HARBOUR, deliver, opened_hub, standings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from psycopg import AsyncConnection

    from hub.topics.codec import Encoded


@pytest.fixture
async def connection(fresh_database: str) -> AsyncIterator[AsyncConnection]:
    """An empty hub with two organisations, one of which has an endpoint for progress."""
    async with opened_hub(fresh_database) as opened:
        yield opened


@pytest.mark.requirement("R-DEL-02", "R-RTE-07")
@pytest.mark.parametrize(
    ("push", "state", "endpoint", "following"),
    [
        ("delivered", "transported", True, 2),
        ("delivered", "available", True, 2),
        ("exhausted", "fetched", True, 2),
        ("waiting_retry", "fetched", False, 2),
        (None, "fetched", True, 2),
        ("parked", "available", True, 1),
    ],
    ids=["transported", "announced", "fetched", "fetched, no endpoint", "fetched, no push", "never had"],
)
async def test_a_number_its_recipient_has_is_given_to_no_other_delivery(
    connection: AsyncConnection, push: str | None, state: str, *, endpoint: bool, following: int
) -> None:
    """Though it was offered again since and stopped then; what nobody had gives its number back."""
    await deliver(connection, "first", push, state=state, case="one-lane")
    await deliver(connection, "second", "scheduled", case="one-lane")
    await connection.execute("SELECT give_sequence('first')")
    if not endpoint:
        await connection.execute("UPDATE endpoint SET messages = '{}'")
    assert await remedy(connection, Remedy.REDELIVERED, Meant(deliveries=("first",)), by=BY) == 1
    await connection.execute("UPDATE push SET tries = 1")
    async with connection.transaction():
        await connection.execute("UPDATE delivery SET verdict = 'stop' WHERE delivery_id = 'first'")
        await settle_pushes(connection, ["first"])
    found_rows = await connection.execute("SELECT give_sequence('second')")
    assert await found_rows.fetchone() == (following,)


@pytest.mark.requirement("R-DEL-02", "R-DIS-05")
async def test_nothing_is_offered_again_that_could_not_be_decided_again(
    connection: AsyncConnection, fresh_database: str, tmp_path: Path
) -> None:
    """Held for whatever reason, it would be so for ever; also where the message is forgotten meanwhile."""
    meant = Meant(deliveries=("had",))
    await deliver(connection, "had", "delivered", state="acknowledged")
    async with await psycopg.AsyncConnection.connect(fresh_database) as other:
        await other.execute("SELECT pg_advisory_xact_lock(%s)", (FORGET_LOCK,))
        await other.execute("DELETE FROM original")
        async with asyncio.TaskGroup() as group:
            redelivery = group.create_task(remedy(connection, Remedy.REDELIVERED, meant, by=BY))
            await asyncio.sleep(0.3)
            assert not redelivery.done()
            await other.commit()
        assert redelivery.result() == 0
        assert await standings(connection, Remedy.REDELIVERED, meant) == {"its content is gone": 1}

        await deliver(connection, "again", "delivered", state="acknowledged", case="case-had")
        await connection.execute("UPDATE original SET look_at = now()")
        await connection.execute("UPDATE delivery SET finished_at = now() - interval '15 days'")
        codec = Codec(library=SchemaLibrary.load(), keys=FileKeyStore(tmp_path))
        async with open_pool(fresh_database) as pool:
            await other.execute("SELECT pg_advisory_xact_lock_shared(%s)", (FORGET_LOCK,))
            limits = ProjectorLimits(forget_interval_s=0.0)
            asker = Asker(pool=pool, codec=codec, append=_nothing, limits=limits)
            await asker._forget()
            assert await rows(pool, "SELECT message_id FROM original") == [("message",)]
            await other.commit()
            await asker._forget()
            assert await rows(pool, "SELECT message_id FROM original") == []


async def _nothing(_encoded: Encoded) -> None:
    raise AssertionError


@pytest.mark.requirement("R-DEL-02")
async def test_a_recipient_has_one_delivery_offered_again_a_bounded_number_of_times(
    connection: AsyncConnection,
) -> None:
    """Staff go on, and so does every other delivery."""
    own = By(who=HARBOUR, name="Harbour Trust", why="asked for by its recipient")
    meant = Meant(organisation=HARBOUR, deliveries=("had",), itself=HARBOUR, days=14)
    for name in ("had", "other"):
        await deliver(connection, name, "delivered", state="acknowledged")
    for _ in range(ITSELF_MAX):
        assert await remedy(connection, Remedy.REDELIVERED, meant, by=own) == 1
        await connection.execute("UPDATE delivery SET state = 'acknowledged' WHERE delivery_id = 'had'")
    assert await standings(connection, Remedy.REDELIVERED, meant) == {SPENT: 1}
    assert await remedy(connection, Remedy.REDELIVERED, meant, by=own) == 0
    assert await remedy(connection, Remedy.REDELIVERED, Meant(deliveries=("had",)), by=BY) == 1
    other = replace(meant, deliveries=("other",))
    assert await remedy(connection, Remedy.REDELIVERED, other, by=own) == 1
