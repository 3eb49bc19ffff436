"""The tables on a real PostgreSQL: made once, whoever starts first, and found by what reads them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from hub.adapters.database.pool import PoolLimits, open_pool
from hub.adapters.database.schema import upgrade
from hub.errors import Unreachable

TABLES = {
    "credential",
    "idempotency",
    "position",
    "projector_stopped",
    "submission",
    "delivery",
    "ledger",
    "quarantine",
    "case_state",
    "control",
    "control_applied",
    "control_change",
    "original",
    "prison_number",
    "merged_case",
}
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def test_roles_starting_together_make_the_tables_once(fresh_database: str) -> None:
    """Whoever comes second waits for the first and finds the work done."""
    with ThreadPoolExecutor(4) as starting:
        revisions = list(starting.map(upgrade, [fresh_database] * 4))
    assert len(set(revisions)) == 1
    with psycopg.connect(fresh_database) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        locks = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
    assert {row[0] for row in rows} >= TABLES
    assert locks == (0,)


def test_upgrade_of_tables_that_are_there_changes_nothing(fresh_database: str) -> None:
    """A second start keeps what the first one stored."""
    upgrade(fresh_database)
    with psycopg.connect(fresh_database) as connection:
        connection.execute("INSERT INTO position VALUES ('hub.outbox', 0, 7)")
    upgrade(fresh_database)
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute("SELECT next FROM position").fetchone() == (7,)


def test_tables_hold_no_state_a_delivery_cannot_have(fresh_database: str) -> None:
    """The database itself refuses a state that nobody defined."""
    upgrade(fresh_database)
    with psycopg.connect(fresh_database) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "INSERT INTO submission (message_id, state, decided_at) VALUES ('x', 'perhaps', now())"
        )


def test_upgrade_says_that_the_database_does_not_answer() -> None:
    """A wrong address is one sentence, without the address."""
    with pytest.raises(Unreachable, match="does not answer") as caught:
        upgrade(NOWHERE)
    assert "nobody" not in str(caught.value)


async def test_pool_bounds_every_wait(fresh_database: str) -> None:
    """A statement that takes too long ends, a database that is not there is told in time."""
    async with open_pool(fresh_database, limits=PoolLimits(statement_timeout_ms=100)) as pool:
        with pytest.raises(psycopg.errors.QueryCanceled):
            async with pool.connection() as connection:
                await connection.execute("SELECT pg_sleep(5)")
    with pytest.raises(Unreachable):
        async with asyncio.timeout(10), open_pool(NOWHERE, limits=PoolLimits(connect_timeout_s=1)):
            pytest.fail("there is no such database")
