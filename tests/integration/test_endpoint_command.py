"""`hub endpoint`, as staff type it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

import hub.cli
from hub.errors import HubError, WrongArgument
from tests.integration.projected_world import running
from tests.integration.push_world import PARTNER, push_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.push_world import PushWorld


async def typed(world: PushWorld, *words: str) -> str:
    """What a command prints; raises what it ends with."""
    environment = {
        "HUB_HOME": str(world.folder),
        "HUB_KAFKA": "127.0.0.1:9",
        "HUB_DATABASE": world.dsn,
        "HUB_INSTANCE": "default",
    }
    done = await asyncio.to_thread(
        lambda: CliRunner().invoke(hub.cli.app, ["endpoint", *words], env=environment)
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.requirement("R-DEL-01")
async def test_staff_add_verify_watch_and_remove_an_endpoint(
    fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the address approved to its last delivery; the secret is seen once."""
    monkeypatch.chdir(tmp_path)
    async with push_world(fresh_database, tmp_path) as world:
        await world.do(
            """INSERT INTO control (kind, name, body, control_id) VALUES ('organisation', %s,
               '{"organisation": "harbour-trust", "standing": "active", "kafka": ["plan"]}', 'c')""",
            PARTNER,
        )
        to = ("--url", world.receiver.url(), "--on-loopback")
        with pytest.raises(HubError, match="takes plan on its own topic"):
            await typed(world, "add", PARTNER, *to, "--message", "plan")
        with pytest.raises(WrongArgument, match="--url: the address is not one of https"):
            await typed(world, "add", PARTNER, "--url", "http://10.0.0.1/", "--message", "progress")
        added = await typed(world, "add", PARTNER, *to, "--message", "progress")
        endpoint = re.search(r"ep_[0-9a-f]{16}", added)
        secret = re.search(r"whsec_\S+", added)
        assert endpoint is not None
        assert secret is not None
        name = endpoint[0]
        assert f"{name} of {PARTNER} is active; 0 wait." in await typed(world, "verify", name)
        world.receiver.statuses["/hooks"] = [422, 422, 200]
        poison, after = await world.deliver(), await world.deliver()
        async with running(world.deliverer().run):
            await world.settled()
        shown = json.loads(await typed(world, "show", name, "--json"))
        assert [(each["delivery"], each["state"]) for each in shown["not_pushed"]] == [(poison, "parked")]
        assert poison in await typed(world, "show", name)
        assert [each.id for each in world.receiver.stored()] == [after]
        assert "is paused (operator)" in await typed(world, "pause", name)
        assert "is active" in await typed(world, "resume", name)
        assert "whsec_" in await typed(world, "rotate-secret", name)
        (listed,) = json.loads(await typed(world, "list", "--json"))
        assert (listed["organisation"], listed["parked"], listed["messages"]) == (PARTNER, 1, ["progress"])
        everything = await typed(world, "list") + json.dumps(shown) + json.dumps(listed)
        assert secret[0] not in everything
        with pytest.raises(WrongArgument, match="nobody can be asked") as unasked:
            await typed(world, "remove", name)
        assert f"endpoint show {name}" in unasked.value.fix
        assert len(json.loads(await typed(world, "list", "--json"))) == 1
        assert "1 deliveries that waited for it are in the mailbox" in await typed(
            world, "remove", name, "--yes"
        )
        assert json.loads(await typed(world, "list", "--json")) == []
        for verb in ("show", "verify", "remove"):
            with pytest.raises(WrongArgument, match="ENDPOINT: there is no such endpoint") as unknown:
                await typed(world, verb, name)
            assert unknown.value.code == "wrong-argument"
