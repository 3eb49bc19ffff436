"""A policy on its way on a real hub: tried on the day's decisions, released for later, in force from then."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from hub.app import running
from hub.cli.policy import app
from hub.consent.looking import words_for
from hub.demo.organisations import RECOVERY
from hub.demo.perform import perform, visitor_body
from hub.topics.keys import FileKeyStore
from hub.topics.policy_files import POLICY, folder_policy, read_policy, write_release
from tests.unit import released as made

if TYPE_CHECKING:
    from pathlib import Path

    from hub.app import Hub
    from hub.demo.perform import Performed
    from hub.settings import Settings

pytestmark = [pytest.mark.timeout(240), pytest.mark.requirement("R-DIS-08")]
AHEAD_S = 6
"""How far ahead the release is dated: long enough that a message is decided before."""
NEXT = "9.1.0"
TAKEN_AWAY = {"GUARD-GAP", "GUARD-NAMED-IN-TEXT", "CONTRACT-VIEW", "OBL-UNSUPPORTED"}


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """The hub's own rules in a folder, one of them gone: what of progress bears on somebody's own work."""
    folder = shutil.copytree(POLICY, tmp_path / "policy")
    document = made.without("progress.affects-service")["progress"]
    (folder / "progress.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    write_release(made.approved(read_policy(folder), NEXT), folder)
    return folder


async def said(*arguments: object) -> str:
    """Run a policy command as an administrator would, beside the hub; returns what it printed."""
    result = await asyncio.to_thread(
        CliRunner().invoke, app, [str(each) for each in arguments], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


async def plain(*arguments: object) -> Any:  # noqa: ANN401 - whatever the command says
    """Run a policy command with `--json`."""
    return json.loads(await said(*arguments, "--json"))


async def post(hub: Hub, performed: Performed, number: int) -> set[str]:
    """Post progress as the drug service; returns the policies that decided it."""
    before = await decided(hub)
    async with httpx.AsyncClient(base_url=hub.http_url) as client:
        body = json.loads(visitor_body(performed))
        body["data"]["milestone"] = f"Milestone {number}"
        headers = {
            "Authorization": f"Bearer {performed.keys[RECOVERY]}",
            "Idempotency-Key": f"release-{number}",
        }
        answer = await client.post("/v1/progress", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
    async with asyncio.timeout(30):
        while True:
            if new := await decided(hub) - before:
                return {policy for _, policy in new}
            await asyncio.sleep(0.05)


async def decided(hub: Hub) -> set[tuple[str, str]]:
    """Return every decision of the ledger with the policy that made it."""
    async with hub.pool.connection() as connection:
        cursor = await connection.execute("SELECT decision_id, policy FROM ledger")
        return {(str(row[0]), str(row[1])) for row in await cursor.fetchall()}


async def first_decisions(hub: Hub) -> int:
    """Return how many decisions there are, each message counted once: those made anew are left out."""
    async with hub.pool.connection() as connection:
        cursor = await connection.execute("SELECT count(*) FROM ledger WHERE verdict IS NULL")
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def states() -> dict[str, str]:
    """Return how each version stands, as the command lists it."""
    return {each["version"]: each["state"] for each in await plain("list")}


async def test_a_release_is_tried_dated_and_takes_force_when_its_time_comes(
    settings: Settings, stricter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules in force change nothing of their own day; others decide from their time on, not before."""
    monkeypatch.setenv("HUB_INSTANCE", settings.instance)
    shipped = folder_policy().version
    old, new = folder_policy().name, folder_policy(stricter).name
    quiet = settings.model_copy(update={"log_level": "error"})
    async with running(quiet) as hub:
        performed = await perform(
            hub, Console(file=io.StringIO()), seed=1, words=partial(words_for, folder_policy())
        )
        await the_day_is_replayed(hub, stricter)

        assert await hub.policy_in_force() == old
        effective = datetime.fromtimestamp(time.time() + AHEAD_S, UTC)
        released = await said("release", "--policy", stricter, "--effective", effective.isoformat())
        assert f"to come: {new}" in released
        assert await states() == {shipped: "in force", NEXT: "to come"}
        assert await post(hub, performed, 1) == {old}
        assert datetime.now(UTC) < effective, "the machine was too slow for this test to say anything"

        await asyncio.sleep((effective - datetime.now(UTC)).total_seconds() + 0.5)
        assert await hub.policy_in_force() == new
        assert await post(hub, performed, 2) == {new}
        assert await states() == {shipped: "past", NEXT: "in force"}
        assert "Nothing differs." in await said("diff", "in-force", stricter)
        assert (await hub.rules()).name == new
        again = await said("release", "--policy", stricter)
        assert again.strip() == f"in force already: {new}"
        await what_was_in_force_is_found_by_its_name(hub, old, new)
        await erased_facts_are_counted(hub)


async def the_day_is_replayed(hub: Hub, stricter: Path) -> None:
    """The rules in force make the same of every decision; the stricter ones show what they would take."""
    ledger = await decided(hub)
    same = await plain("replay", "--days", 1, "--policy", "in-force")
    assert same["decisions"] == await first_decisions(hub) > 0
    assert same["fields"] > same["decisions"]
    assert (same["deliveries"], same["differences"], same["grounds"]) == ([], [], [])
    assert set(same["kept"]) <= TAKEN_AWAY
    assert (same["facts erased"], same["not decided again"], same["rules not known"]) == (0, {}, 0)

    other = await plain("replay", "--days", 1, "--policy", stricter)
    assert other["narrower"] > 0
    assert other["wider"] == 0
    assert {row["now"] for row in other["differences"]} <= {"withhold", "redact", "generalise"}
    ids = {decision_id for decision_id, _ in ledger}
    assert all(set(row["examples"]) <= ids for row in other["differences"])
    text = await said("replay", "--days", 1, "--policy", stricter)
    assert "fields of which less would go" in text
    left_out = other["made anew, left out"]
    assert left_out == len(ledger) - other["decisions"] > 0
    beside = next(line for line in text.splitlines() if line.strip().startswith("decided again"))
    assert f"{other['decisions']} ({left_out} made anew on what was undelivered left out" in beside


async def what_was_in_force_is_found_by_its_name(hub: Hub, *names: str) -> None:
    """Every policy that a decision names stands among the control facts under that name."""
    async with hub.pool.connection() as connection:
        cursor = await connection.execute("SELECT name FROM control WHERE kind = 'policy'")
        # What was to come may still stand there: partition 0 need not have had a record since.
        assert {row[0] for row in await cursor.fetchall()} - {"coming"} == {"current", *names}


async def erased_facts_are_counted(hub: Hub) -> None:
    """A person's decisions cannot be made again once their key is gone; how many is said."""
    async with hub.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT facts_key, count(*) FROM ledger WHERE verdict IS NULL"
            " GROUP BY facts_key ORDER BY 2 DESC LIMIT 1"
        )
        row = await cursor.fetchone()
    assert row is not None
    FileKeyStore(hub.settings.instance_folder / "keys").erase(row[0])
    found = await plain("replay", "--days", 1)
    assert found["facts erased"] == row[1] > 0
    assert found["decisions"] + row[1] == await first_decisions(hub)
