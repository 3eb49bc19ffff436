"""What the contract commands say of use: read from a real database, or why nothing is known."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from typer.testing import CliRunner

from hub.adapters.database.schema import upgrade
from hub.cli.contracts import app
from hub.topics.contract_files import CONTRACTS

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

RUN = CliRunner()
RECOVERY = "recovery-example"
_SENT = """
INSERT INTO delivery (delivery_id, message_id, case_ref, organisation, role, message, contract, urgency, box,
                      key_id, nonce, digest, size, by_kafka, available_at)
VALUES (%(id)s, 'm', 'c', %(organisation)s, 'key_worker', %(message)s, %(version)s, 'routine', '', 'k',
        '', '', 0, false, %(at)s)
"""
_POSTED = """
INSERT INTO submission (message_id, organisation, message, contract, state, decided_at)
VALUES (%(id)s, %(organisation)s, %(message)s, %(version)s, %(state)s, %(at)s)
"""
_DECIDED = """
INSERT INTO ledger (decision_id, message_id, case_ref, organisation, role, concern, message, purpose,
                    delivers, by_kafka, gate, fields, caveats, policy, case_version, facts_key, facts_nonce,
                    facts_box, facts_digest, decided_at, partition, "offset")
VALUES (%(id)s, 'm', 'c', %(organisation)s, 'key_worker', 'team', %(message)s, 'sentence_plan', false, false,
        %(gate)s, '{}', '{}', 'p', 1, 'k', '', '', 'd', %(at)s, 0, 0)
"""


def hub(*arguments: object) -> Result:
    """Run a command."""
    return RUN.invoke(app, [str(each) for each in arguments])


def told(*arguments: object) -> dict[str, dict[str, Any]]:
    """Run a command with `--json`; returns what it says of each contract."""
    found = hub(*arguments, "--json")
    assert found.exit_code == 0, found.output
    assert found.stderr == ""
    return {row["contract"]: row for row in json.loads(found.stdout)["contracts"]}


@pytest.fixture
def projected(fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A hub's database, named by the settings, in which some things were sent, posted and parked."""
    upgrade(fresh_database)
    plans = {"organisation": RECOVERY, "message": "plan"}
    progress = {"organisation": RECOVERY, "message": "progress"}
    sent: list[dict[str, object]] = [
        {**plans, "version": "1.0", "at": "2026-03-01T09:00:00Z"},
        {**plans, "version": "1.0", "at": "2026-03-02T09:00:00Z"},
        # By a contract there was before, or will be: versions that this one does not cover.
        {**plans, "version": "2.0", "at": "2026-04-01T09:00:00Z"},
        {**progress, "version": "1.0", "at": "2026-05-01T09:00:00Z"},
    ]
    posted: list[dict[str, object]] = [
        {**progress, "version": "1.0", "state": "routed", "at": "2026-03-05T09:00:00Z"},
        {**progress, "version": None, "state": "refused", "at": "2026-03-06T09:00:00Z"},
    ]
    gates = ("CONTRACT-SUNSET", "CONTRACT-NO-VERSION", "CONTRACT-VIEW-UNFIT", "NOT-CONCERNED")
    parked: list[dict[str, object]] = [
        {**plans, "gate": gate, "at": "2026-04-02T09:00:00Z"} for gate in gates
    ]
    with psycopg.connect(fresh_database) as connection:
        for number, row in enumerate(sent):
            connection.execute(_SENT, {**row, "id": str(number)})
        for number, post in enumerate(posted):
            connection.execute(_POSTED, {**post, "id": str(number)})
        for number, each in enumerate(parked):
            connection.execute(_DECIDED, {**each, "id": str(number)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_DATABASE", fresh_database)
    return fresh_database


@pytest.mark.usefixtures("projected")
def test_what_was_sent_counts_in_the_versions_that_a_contract_covers() -> None:
    """A later delivery in another version is not by this contract; all that are parked count."""
    rows = told("who-uses", "plan.version")
    row = rows[f"{RECOVERY}/plan.v1"]
    assert (row["last"], row["last_posted"], row["parked"]) == (
        "2026-03-02 in 1.0, 2 in its versions",
        None,
        3,
    )
    assert rows["debt-advice-example/plan.v1"]["last"] == "never"


@pytest.mark.usefixtures("projected")
def test_of_a_contract_to_send_it_is_told_what_was_posted() -> None:
    """And nothing of what was sent to the same organisation; nothing at all where nothing was posted."""
    rows = told("can-i-release", "progress", "1.0")
    row = rows[f"{RECOVERY}/progress.v1"]
    assert (row["last"], row["last_posted"], row["parked"]) == (
        None,
        "2026-03-05 in 1.0, 1 in its versions",
        None,
    )
    assert rows["housing-example/progress.v1"]["last_posted"] is None
    said = hub("can-i-release", "progress", "1.0").output
    assert "last posted: 2026-03-05 in 1.0, 1 in its versions\n" in said
    (housing,) = [line for line in said.splitlines() if "housing-example" in line]
    assert "last" not in housing


@pytest.mark.usefixtures("projected")
def test_sunset_report_is_one_json_object_where_a_hub_is_there(tmp_path: Path) -> None:
    """With days, use and what is parked; in words, too."""
    contracts = shutil.copytree(CONTRACTS, tmp_path / "contracts")
    file = contracts / RECOVERY / "plan.v1.yaml"
    end = "deprecated: 2026-01-02\nsunset: 2099-01-01\nalternative: plan.v2\n"
    file.write_text(file.read_text(encoding="utf-8") + end, encoding="utf-8")
    (row,) = told("sunset-report", "--contracts", contracts).values()
    assert (row["last"], row["parked"]) == ("2026-03-02 in 1.0, 2 in its versions", 3)
    said = hub("sunset-report", "--contracts", contracts).output
    assert "last sent: 2026-03-02 in 1.0, 2 in its versions; parked: 3\n" in said


def test_hub_that_is_named_and_does_not_answer_is_said_to_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not that none runs here; and none of the driver's own lines stand on standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_DATABASE", "postgresql://nobody@127.0.0.1:9/nothing")
    rows = told("who-uses", "plan.version")
    assert {row["last"] for row in rows.values()} == {"not known, the hub named does not answer"}
    assert capfd.readouterr().err == ""


def test_database_that_is_none_of_a_hub_is_said_to_be_none(
    fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so is a connection string that is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_DATABASE", fresh_database)
    rows = told("who-uses", "plan.version")
    assert {row["last"] for row in rows.values()} == {"not known, the database is none of a hub"}
    monkeypatch.setenv("HUB_DATABASE", "nonsense")
    rows = told("who-uses", "plan.version")
    assert {row["last"] for row in rows.values()} == {"not known, the hub named does not answer"}
    monkeypatch.setenv("HUB_DATABASE", "")
    monkeypatch.setenv("HUB_INSTANCE", "none-of-that-name")
    monkeypatch.setenv("HUB_KAFKA", "127.0.0.1:9")
    rows = told("who-uses", "plan.version")
    assert {row["last"] for row in rows.values()} == {
        "not known, the settings name the Kafka of a hub and not its database"
    }
