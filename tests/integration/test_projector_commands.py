"""`hub quarantine` and `hub ledger` on what a projector really projected."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from hub.adapters.database.pool import open_pool
from hub.adapters.database.schema import upgrade
from hub.adapters.ledger import Projector
from hub.adapters.ledger.remedies import OTHERWISE, remedy
from hub.cli import doctor, ledger, quarantine
from hub.errors import NotConfigured
from tests.integration.projected_world import NORTH, PRISON, case, make_world, message, running, until

if TYPE_CHECKING:
    from pathlib import Path


async def project(kafka: str, database: str, prefix: str, home: Path) -> None:
    """Have a routed message, one nobody was told of, and two refused ones projected."""
    upgrade(database)
    async with (
        make_world(kafka, prefix, home / "instances" / "default" / "keys") as world,
        open_pool(database) as pool,
    ):
        world.routed(1, to=(NORTH,))
        world.routed(2, to=())
        world.set_aside(3, "CASE-UNKNOWN")
        world.set_aside(4, "KEY-REUSED")
        world.control("organisation", NORTH, {"name": "Northmoor Trust"})
        await world.commit()

        async def complete() -> bool:
            async with pool.connection() as connection:
                cursor = await connection.execute(
                    "SELECT (SELECT count(*) FROM ledger), (SELECT count(*) FROM quarantine),"
                    " (SELECT count(*) FROM delivery), (SELECT count(*) FROM control)"
                )
                return await cursor.fetchone() == (2, 2, 1, 1)

        projector = Projector(bootstrap=kafka, pool=pool, codec=world.codec, catalogue=world.catalogue)
        async with running(projector.run):
            await until(complete)
        (home / "case").write_text(world.codec.pairwise.case(NORTH, case(1)))


@pytest.fixture
def projected(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A home folder whose hub has projected something."""
    asyncio.run(project(kafka, fresh_database, topic_prefix, tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    monkeypatch.setenv("HUB_DATABASE", fresh_database)
    return tmp_path


@pytest.mark.requirement("R-DEL-02")
def test_staff_list_and_look_at_what_was_set_aside_without_its_content(projected: Path) -> None:
    """The list can be narrowed; one record shows its reason and what mends it, and never what it said."""
    run = CliRunner()
    listed = run.invoke(quarantine.app, ["list"])
    assert listed.exit_code == 0, listed.output
    assert "CASE-UNKNOWN" in listed.output
    assert "KEY-REUSED" in listed.output
    narrowed = run.invoke(
        quarantine.app, ["list", "--code", "case-unknown", "--organisation", PRISON, "--json"]
    )
    (record,) = json.loads(narrowed.output)
    assert record["message_id"] == message(3)
    shown = run.invoke(quarantine.app, ["show", record["record_id"][:10]])
    assert remedy("CASE-UNKNOWN") in shown.output
    assert f"sealed under organisation-{PRISON}" in shown.output
    assert "what was sent" not in listed.output + narrowed.output + shown.output
    assert isinstance(run.invoke(quarantine.app, ["show", "nothing"]).exception, NotConfigured)
    assert projected.exists()


@pytest.mark.requirement("R-DIS-09")
def test_staff_see_who_was_told_what_and_why_not_the_rest(projected: Path) -> None:
    """Also who was told nothing; a case can be named as a party knows it."""
    run = CliRunner()
    listed = run.invoke(ledger.app, ["list"])
    assert listed.exit_code == 0, listed.output
    assert f"{NORTH} as key_worker (referred): received, by Kafka at commit; in the mailbox" in listed.output
    assert "on terms    NO-ONWARD-DISCLOSURE" in listed.output
    assert "contract 1.0" in listed.output
    assert "withheld    note  [DEFAULT]" in listed.output
    assert "nothing went" in listed.output
    assert "NO-NEED" in listed.output
    reference = (projected / "case").read_text()
    of_case = run.invoke(ledger.app, ["list", "--case", reference, "--json"])
    assert [
        (each["message_id"], each["caveats"], each["by_kafka"]) for each in json.loads(of_case.output)
    ] == [(message(1), ["NO-ONWARD-DISCLOSURE"], True)]
    of_message = run.invoke(ledger.app, ["list", "--message", message(2), "--json"])
    assert [each["delivers"] for each in json.loads(of_message.output)] == [False]
    for mistyped, said in (
        (("--organisation", PRISON), "there is no organisation hmp-fellgate"),
        (("--case", "nonsense"), "the ledger has nothing on a case nonsense"),
    ):
        for command in ("list", "overtaken"):
            refused = run.invoke(ledger.app, [command, *mistyped]).exception
            assert isinstance(refused, NotConfigured)
            assert said in str(refused)


@pytest.mark.requirement("R-DIS-05")
def test_staff_see_why_something_is_still_held_and_what_to_do(projected: Path, fresh_database: str) -> None:
    """What was decided before its grounds were kept is told apart from what was asked about in vain."""
    assert projected.exists()
    run = CliRunner()
    assert "Nothing is held." in run.invoke(ledger.app, ["held"]).output
    with psycopg.connect(fresh_database) as connection:
        connection.execute("UPDATE delivery SET held = true")
    for_good = run.invoke(ledger.app, ["held", "--organisation", NORTH])
    assert for_good.exit_code == 0, for_good.output
    assert "why         decided before the hub kept what it takes to decide again" in for_good.output
    assert "to do       have its sender send it again under a new key" in for_good.output
    with psycopg.connect(fresh_database) as connection:
        connection.execute(
            "UPDATE delivery SET grounds_box = '', asks = 3, asked_at = now(), decision_id ="
            " (SELECT decision_id FROM ledger WHERE delivery_id = delivery.delivery_id)"
        )
        connection.execute(
            "INSERT INTO original (message_id, case_ref, key_id, nonce, box)"
            " SELECT message_id, case_ref, key_id, nonce, box FROM delivery"
        )
    (in_vain,) = json.loads(run.invoke(ledger.app, ["held", "--json"]).output)
    assert in_vain["reason"].startswith("the router was asked 3 times")
    assert "hub quarantine list" in in_vain["way_out"]


@pytest.mark.requirement("R-DEL-02")
def test_doctor_names_the_partitions_that_stand_still_until_they_move(
    projected: Path, kafka: str, fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is not well while the projector cannot go on with a partition."""
    monkeypatch.setenv("HUB_KAFKA", kafka)
    app = typer.Typer()
    app.command()(doctor.command)
    well = CliRunner().invoke(app, [])
    assert "partitions that stand still  0" in well.output
    assert "All is well" in well.output
    with psycopg.connect(fresh_database) as connection:
        connection.execute(
            "INSERT INTO projector_stopped (topic, partition, code) VALUES ('hub.outbox', 4, 'KEY-UNKNOWN')"
        )
    ill = CliRunner().invoke(app, [])
    assert "hub.outbox/4" in ill.output
    assert "KEY-UNKNOWN since" in ill.output
    assert "All is well" not in ill.output
    assert isinstance(ill.exception, NotConfigured)
    assert projected.exists()


def test_staff_are_told_what_to_do_about_a_code_without_a_remedy_of_its_own() -> None:
    """A rule of the domain explains itself in the detail."""
    assert remedy("PLAN-NOT-BY-OM") == OTHERWISE
