"""Whether everything stands somewhere, once: found in moments, and every kind of fault named."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

import hub.cli
from hub.adapters.database.schema import upgrade

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

MANY = 100_000
FILLED: LiteralString = """
INSERT INTO delivery (delivery_id, message_id, case_ref, organisation, role, message, contract, urgency, box,
                      key_id, nonce, digest, size, by_kafka, state, sequence, available_at)
SELECT 'd-' || n, 'm-' || n / 2, 'c-' || n % 1000, 'o-' || n % 2, 'key_worker', 'progress', '1.0', 'routine',
       '', 'k', '', '', 0, false,
       CASE n % 3 WHEN 0 THEN 'available' WHEN 1 THEN 'fetched' ELSE 'acknowledged' END,
       CASE WHEN n % 3 > 0 THEN n END, now() - interval '1 day'
  FROM generate_series(1, %(many)s) AS n;
INSERT INTO ledger (decision_id, message_id, case_ref, organisation, role, concern, message, purpose,
                    delivers, by_kafka, fields, caveats, policy, case_version, facts_key, facts_nonce,
                    facts_box, facts_digest, decided_at, partition, "offset", delivery_id)
SELECT 'e-' || delivery_id, message_id, case_ref, organisation, role, 'referred', message, 'progress', true,
       false, '[]', '{}', '1:abc', 1, 'k', '', '', '', available_at, 1, 5, delivery_id FROM delivery;
INSERT INTO delivery_event (delivery_id, organisation, case_ref, kind, channel, state, sequence)
SELECT delivery_id, organisation, case_ref, kind, 'mailbox', kind, sequence
  FROM delivery, LATERAL (VALUES ('fetched'), ('acknowledged')) AS happened (kind)
 WHERE sequence IS NOT NULL AND (kind = 'fetched' OR state = 'acknowledged') ORDER BY delivery_id, kind DESC;
INSERT INTO lane SELECT organisation, case_ref, max(sequence) FROM delivery
 WHERE sequence IS NOT NULL GROUP BY 1, 2;
ANALYZE;
"""
OWN: LiteralString = """
SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
 WHERE table_name = %s AND is_generated = 'NEVER'
"""
FAULTS: dict[str, LiteralString] = {
    "missing": "DELETE FROM delivery WHERE delivery_id = 'd-3'",
    "unrecorded": "DELETE FROM ledger WHERE delivery_id = 'd-3'",
    "two-states": "UPDATE delivery SET verdict = 'stop' WHERE delivery_id = 'd-5'",
    "twice": "UPDATE delivery SET message_id = 'm-4', organisation = 'o-1'"
    " WHERE delivery_id IN ('d-3', 'd-12')",
    "not-as-happened": "UPDATE delivery SET state = 'available' WHERE delivery_id = 'd-2'",
    "number-twice": "UPDATE delivery SET sequence = 1003, organisation = 'o-1', case_ref = 'c-3'"
    " WHERE delivery_id IN ('d-3', 'd-6')",
    "number-not-given": "UPDATE lane SET given = 3 WHERE organisation = 'o-0' AND case_ref = 'c-4'",
}


@pytest.fixture
def filled(fresh_database: str) -> str:
    """Deliveries of which all that is said of them agrees."""
    upgrade(fresh_database)
    with psycopg.connect(fresh_database) as connection:
        for statement in FILLED.replace("%(many)s", str(MANY)).split(";\n"):
            connection.execute(statement)
    return fresh_database


def tally(dsn: str, tmp_path: Path, *arguments: str) -> Result:
    """Run the command on this database."""
    environment = {"HUB_DATABASE": dsn, "HUB_HOME": str(tmp_path)}
    return CliRunner().invoke(hub.cli.app, ["ledger", "tally", *arguments], env=environment)


@pytest.mark.requirement("R-DEL-02")
def test_a_hundred_thousand_deliveries_are_looked_at_in_moments_and_every_fault_is_named(
    filled: str, tmp_path: Path
) -> None:
    """First all fits; then one thing at a time is put wrong, and put right again."""
    began = time.monotonic()
    whole = tally(filled, tmp_path)
    took_s = time.monotonic() - began
    print(f"{MANY} deliveries in {took_s:.1f} s")
    assert (whole.exit_code, "Each stands in one place." in whole.output) == (0, True), whole.output
    assert (
        f"{MANY} delivery(ies) by the ledger: 33333 acknowledged, 33333 available, 33334 fetched."
        in whole.output
    )
    assert took_s < 15
    with psycopg.connect(filled) as connection:
        connection.execute("DELETE FROM delivery WHERE substr(delivery_id, 3)::integer > 30")
        connection.execute("DELETE FROM ledger WHERE substr(delivery_id, 3)::integer > 30")
        connection.execute("CREATE TABLE delivery_before AS SELECT * FROM delivery")
        connection.execute("CREATE TABLE ledger_before AS SELECT * FROM ledger")
        connection.execute("CREATE TABLE lane_before AS SELECT * FROM lane")
    for fault, statement in FAULTS.items():
        with psycopg.connect(filled) as connection:
            connection.execute(statement)
        wrong = tally(filled, tmp_path, "--json")
        found = {each["fault"] for each in json.loads(wrong.output)["wrong"]}
        assert (wrong.exit_code, fault in found) == (4, True), (fault, wrong.output)
        with psycopg.connect(filled) as connection:
            _restore(connection)


def _restore(connection: psycopg.Connection) -> None:
    for table in ("delivery", "ledger", "lane"):
        row = connection.execute(OWN, (table,)).fetchone()
        columns = sql.SQL(str(row[0]) if row else "")
        names = {
            "table": sql.Identifier(table),
            "columns": columns,
            "kept": sql.Identifier(f"{table}_before"),
        }
        connection.execute(sql.SQL("TRUNCATE {table}").format(**names))
        copy = sql.SQL("INSERT INTO {table} ({columns}) SELECT {columns} FROM {kept}")
        connection.execute(copy.format(**names))
