"""The tables on a real PostgreSQL: made once, whoever starts first, and found by what reads them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

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
    "consultation",
    "lane",
    "messages_of_day",
    "delivery_event",
    "endpoint",
    "push",
    "remedy",
    "subscription",
    "acknowledgement_key",
}
_OLD_DELIVERY: LiteralString = """
INSERT INTO delivery (delivery_id, message_id, case_ref, organisation, role, message, contract, urgency, box,
                      key_id, nonce, digest, size, by_kafka)
VALUES (%(number)s, 'message', 'case', %(organisation)s, 'key_worker', 'progress', '1.0', 'routine', '', 'k',
        '', '', 0, false)
"""
_OLD_DECISION: LiteralString = """
INSERT INTO ledger (decision_id, message_id, case_ref, organisation, role, concern, message, purpose,
                    delivers, by_kafka, fields, caveats, policy, case_version, facts_key, facts_nonce,
                    facts_box, facts_digest, decided_at, partition, "offset", delivery_id)
VALUES ('decision-' || %(number)s, 'message', 'case', %(organisation)s, 'key_worker', 'referred', 'progress',
        'progress', true, false, '[]', '{}', '1:abc', 1, 'k', '', '', '', now(), 1, 5, %(number)s)
"""
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


@pytest.mark.requirement("R-DIS-05")
def test_a_delivery_of_the_first_revision_is_held_by_what_changed_since_it_was_decided(
    fresh_database: str,
) -> None:
    """Its place in the log comes from the ledger: a control record holds it, not only a turn of its case."""
    bring_to(fresh_database, "0001")
    with psycopg.connect(fresh_database) as connection:
        for number, organisation in enumerate(("north", "south"), start=1):
            connection.execute(_OLD_DELIVERY, {"number": str(number), "organisation": organisation})
            connection.execute(_OLD_DECISION, {"number": str(number), "organisation": organisation})
    bring_to(fresh_database, "0002")
    with psycopg.connect(fresh_database) as connection:
        connection.execute("INSERT INTO control_change VALUES (1, 'organisation', 'north', 'north', NULL, 8)")
    upgrade(fresh_database)
    with psycopg.connect(fresh_database) as connection:
        found = connection.execute(
            'SELECT organisation, partition, "offset", decision_id, held FROM delivery ORDER BY 1'
        ).fetchall()
    assert found == [("north", 1, 5, "decision-1", True), ("south", 1, 5, "decision-2", False)]


@pytest.mark.requirement("R-DEL-02")
def test_a_delivery_fetched_before_there_were_events_gets_those_it_would_have(fresh_database: str) -> None:
    """So a projection made again after the upgrade has it as it stood."""
    bring_to(fresh_database, "0005")
    with psycopg.connect(fresh_database) as connection:
        for number in ("1", "2", "3"):
            connection.execute(_OLD_DELIVERY, {"number": number, "organisation": "north"})
        connection.execute(
            "UPDATE delivery SET state = 'fetched', fetched_at = now() WHERE delivery_id > '1'"
        )
        connection.execute(
            "UPDATE delivery SET state = 'acknowledged', acknowledged_at = now() WHERE delivery_id > '2'"
        )
    upgrade(fresh_database)
    with psycopg.connect(fresh_database) as connection:
        found = connection.execute(
            "SELECT delivery_id, kind, state, published_at FROM delivery_event ORDER BY event"
        ).fetchall()
    assert sorted(found) == [
        ("2", "fetched", "fetched", None),
        ("3", "acknowledged", "acknowledged", None),
        ("3", "fetched", "fetched", None),
    ]
    assert found.index(("3", "fetched", "fetched", None)) < found.index(
        ("3", "acknowledged", "acknowledged", None)
    )


@pytest.mark.requirement("R-DEL-02")
def test_what_was_finished_before_is_kept_for_its_days_from_when_that_is_known(fresh_database: str) -> None:
    """What was acknowledged, since then; what was refused, since the upgrade: sooner would be too soon."""
    bring_to(fresh_database, "0006")
    with psycopg.connect(fresh_database) as connection:
        for number in ("1", "2", "3"):
            connection.execute(_OLD_DELIVERY, {"number": number, "organisation": "north"})
        connection.execute(
            "UPDATE delivery SET state = 'acknowledged', acknowledged_at = now() - interval '3 days' "
            "WHERE delivery_id = '2'"
        )
        connection.execute("UPDATE delivery SET state = 'refused' WHERE delivery_id = '3'")
    upgrade(fresh_database)
    with psycopg.connect(fresh_database) as connection:
        found = connection.execute(
            "SELECT extract(days FROM now() - finished_at)::int FROM delivery ORDER BY delivery_id"
        ).fetchall()
    assert found == [(None,), (3,), (0,)]


@pytest.mark.requirement("R-DEL-02")
def test_a_database_whose_last_revision_made_the_keys_table_keeps_its_keys(fresh_database: str) -> None:
    """For some hours revision 0006 made it: such a database comes to the newest revision too."""
    bring_to(fresh_database, "0006")
    with psycopg.connect(fresh_database) as connection:
        connection.execute("CREATE TABLE acknowledgement_key (organisation text, kid text, jwk jsonb)")
        connection.execute("INSERT INTO acknowledgement_key VALUES ('north', 'kid', '{}')")
    upgrade(fresh_database)
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute("SELECT organisation FROM acknowledgement_key").fetchall() == [("north",)]


@pytest.mark.requirement("R-AUD-01")
@pytest.mark.parametrize(
    "statement", ["UPDATE consultation SET who = 'x'", "DELETE FROM consultation", "TRUNCATE consultation"]
)
def test_a_consultation_that_was_recorded_stays(fresh_database: str, statement: LiteralString) -> None:
    """The database itself refuses to change it or to take it out."""
    upgrade(fresh_database)
    with psycopg.connect(fresh_database) as connection:
        connection.execute("INSERT INTO consultation (who, asked, about) VALUES ('om-fern', 'explain', '{}')")
    with (
        psycopg.connect(fresh_database) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="neither changed nor taken out"),
    ):
        connection.execute(statement)


def bring_to(dsn: str, revision: str) -> None:
    """Bring an empty database to an earlier revision."""
    config = Config()
    config.set_main_option("script_location", "hub.adapters.database:migrations")
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


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
