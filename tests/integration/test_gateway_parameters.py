"""A query parameter the gateway does not know, or cannot use, is refused and named, never passed over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from hub.adapters.gateway.document import openapi
from hub.adapters.gateway.registry_answers import PREFIX
from hub.messages.envelope import MessageName
from tests.integration.door import LIBRARY, body, client_of, idempotent, open_door
from tests.integration.mailbox_world import MESSAGES, deliver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from hub.settings import Settings
    from tests.integration.door import Door

OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (path, method, operation)
    for path, address in openapi(LIBRARY)["paths"].items()
    if path.startswith("/v1/")
    for method, operation in address.items()
]


@pytest.fixture
async def door(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Door]:
    """An open gateway."""
    async with open_door(dsn=fresh_database, settings=settings, folder=tmp_path) as opened:
        yield opened


def errors(answer: httpx.Response) -> list[tuple[str, str]]:
    """Which parameters are at fault, and what is said to each."""
    if answer.request.method != "HEAD":
        assert answer.json()["code"] == "parameter-invalid"
    return [(each["pointer"], each["fix"]) for each in answer.json()["errors"]]


@pytest.mark.requirement("R-DEL-03")
async def test_every_address_refuses_a_parameter_it_does_not_know(door: Door) -> None:
    """It says which are known: those that are described. Nothing is done meanwhile."""
    client = await door.client()
    assert len(OPERATIONS) > 30
    for path, method, operation in OPERATIONS:
        known = sorted(each["name"] for each in operation.get("parameters", ()) if each["in"] == "query")
        answer = await client.request(method, f"{re.sub('{.*?}', '1', path)}?urgensy=safety")
        assert answer.status_code == 400, (method, path)
        if method != "head":
            said = f"not known here; known: {', '.join(known)}" if known else "this address takes none"
            assert errors(answer) == [("?urgensy", said)], (method, path)
        assert str(answer.status_code) in operation["responses"], (method, path)


@pytest.mark.requirement("R-DEL-03")
async def test_a_mistyped_dry_run_sends_nothing(door: Door) -> None:
    """Whoever means only to try does not find that it was sent."""
    client = await door.client()
    answer = await client.post("/v1/cases?dryrun=true", json=body(MessageName.CASE), headers=idempotent())
    assert errors(answer) == [("?dryrun", "not known here; known: dry_run")]
    assert await door.rows("SELECT key FROM idempotency") == []


@pytest.mark.requirement("R-DEL-03")
async def test_a_value_that_cannot_be_used_is_answered_by_those_that_can(door: Door) -> None:
    """The words that are allowed, or the bounds; never what was sent."""
    client = await door.client()
    wrong = {"state": "zebra", "urgency": "zebra", "limit": "0", "cursor": "z" * 65, "lease": "zebra"}
    answer = await client.get(MESSAGES, params=wrong)
    assert errors(answer) == [
        ("?cursor", "give at most 64 characters"),
        ("?lease", "write it to match ^[0-9a-f]{32}$"),
        ("?limit", "give at least 1"),
        ("?state", "give 'available', 'fetched' or 'transported'"),
        ("?urgency", "give 'safety', 'case' or 'routine'"),
    ]
    assert "zebra" not in answer.text
    assert errors(await client.get(MESSAGES, params={"limit": "5001"})) == [("?limit", "give at most 5000")]
    assert errors(await client.get(MESSAGES, params={"limit": "few"})) == [("?limit", "give a whole number")]
    answer = await client.post("/v1/cases?dry_run=perhaps", json=body(MessageName.CASE), headers=idempotent())
    assert errors(answer) == [("?dry_run", "give true or false")]
    assert errors(await client.get("/v1/cases/1")) == [("?role", "give it"), ("Hub-Reader", "give it")]
    named = await client.get("/v1/cases/1?role=key_worker", headers={"Hub-Reader": "Rowan of the service"})
    assert errors(named) == [("Hub-Reader", "write it to match ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    assert "Rowan" not in named.text


@pytest.mark.requirement("R-DEL-03")
async def test_a_parameter_given_twice_is_refused(door: Door) -> None:
    """One of the two would be passed over."""
    client = await door.client()
    answer = await client.get(f"{MESSAGES}?urgency=safety&urgency=routine")
    assert errors(answer) == [("?urgency", "give it once")]


@pytest.mark.requirement("R-DEL-03")
async def test_what_is_no_name_is_not_repeated(door: Door) -> None:
    """A name is text from outside as well; and there may be many of them."""
    client = await door.client()
    answer = await client.get(MESSAGES, params={"Testperson Elderflower": "1", "z" * 33: "1"})
    assert [pointer for pointer, _ in errors(answer)] == ["?"]
    answer = await client.get(MESSAGES, params={f"p{n}": "1" for n in range(200)})
    assert len(errors(answer)) == 10


async def test_other_protocols_and_public_addresses_keep_their_ways(door: Door) -> None:
    """A registry client sends what only newer registries know; a prober adds what it likes."""
    client = await door.client()
    await deliver(door)
    assert (await client.get(f"{PREFIX}/subjects?deleted=false")).status_code == 200
    assert (await client.get("/healthz?probe=1")).status_code == 200
    async with client_of(door.app, None) as nobody:
        assert (await nobody.get(f"{MESSAGES}?urgensy=safety")).status_code == 401
