"""What one organisation may ask for and keep by MESH is bounded, however it asks."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from hub.adapters.gateway.mesh_identity import issue
from hub.adapters.gateway.mesh_store import PART_BYTES_MIN, UPLOAD_LOCK, ChunkRow, MeshStore
from hub.messages.envelope import MessageName
from tests.integration.door import HARBOUR, QUAY, body, client_of, open_door
from tests.integration.mailbox_world import deliver
from tests.integration.mesh.tokens import mesh_token
from tests.integration.test_mailbox_receipts import Log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from hub.settings import Settings
    from tests.integration.door import Door

TO_HUB = {"Mex_To": "HUB", "Mex_WorkflowID": "HUB_PROGRESS", "Mex_LocalID": "one"}


@pytest.fixture
def log() -> Log:
    """What was taken in."""
    return Log()


@pytest.fixture
async def door(fresh_database: str, settings: Settings, tmp_path: Path, log: Log) -> AsyncIterator[Door]:
    """A gateway that lets one organisation make two requests at once, eight in two seconds."""
    few = settings.model_copy(
        update={"organisation_requests_in_flight_max": 2, "organisation_requests_per_s_max": 4}
    )
    async with open_door(dsn=fresh_database, settings=few, folder=tmp_path, intake=log) as made:
        await made.join(HARBOUR)
        yield made


class Caller:
    """Calls by MESH, with a token of its own for every request."""

    def __init__(self, door: Door, password: str, shared_key: str) -> None:
        """Call as the organisation that has these."""
        self._http, self._secrets = client_of(door.app, None), (password, shared_key)

    def token(self) -> str:
        """A token not used yet."""
        return mesh_token(HARBOUR.upper(), *self._secrets)

    async def ask(
        self, method: str, path: str, *, token: str | None = None, content: bytes = b"", **headers: str
    ) -> httpx.Response:
        """Ask for something of the mailbox."""
        own = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._http.request(
            method,
            f"/messageexchange/{HARBOUR.upper()}{path}",
            headers={"Authorization": token or self.token(), **own},
            content=content,
        )


async def caller(door: Door) -> Caller:
    """A client with secrets that were issued now."""
    secret = await issue(MeshStore(door.pool, 5.0), door.codec.sealer, HARBOUR)
    return Caller(door, secret.password, secret.shared_key)


def part(chunk: int, chunks: int, size: int) -> ChunkRow:
    """One part of a message."""
    return ChunkRow(
        chunk=chunk, chunks=chunks, workflow="HUB_PROGRESS", size=size, key_id="k", nonce=b"n", box=b"b"
    )


@pytest.mark.requirement("R-DEL-03")
async def test_by_mesh_too_an_organisation_is_told_to_wait(door: Door) -> None:
    """Its rate is counted as at every other address; what was not served may come again with its token."""
    client = await caller(door)
    token, asked = client.token(), 1
    while (limited := await client.ask("GET", "/count", token=token)).status_code == 200 and asked < 200:
        token, asked = client.token(), asked + 1
    assert (limited.status_code, limited.json()["detail"][0]["code"]) == (429, "rate-limited")
    await asyncio.sleep(int(limited.headers["retry-after"]))
    assert (await client.ask("GET", "/count", token=token)).status_code == 200
    assert (await client.ask("GET", "/count", token=token)).status_code == 403


@pytest.mark.requirement("R-DEL-03")
async def test_what_an_organisation_has_in_hand_is_bounded_also_of_empty_parts(door: Door) -> None:
    """An empty part takes a row, so it counts; what another organisation has does not."""
    store, most = MeshStore(door.pool, 5.0), 4 * PART_BYTES_MIN
    kept = [await store.keep(HARBOUR, f"m-{number}", part(1, 2, 0), bytes_max=most) for number in range(6)]
    assert kept == [True] * 4 + [False] * 2
    assert await store.keep(QUAY, "m-0", part(1, 2, most), bytes_max=most)
    assert not await store.keep(QUAY, "m-0", part(2, 2, 0), bytes_max=most)
    assert await store.keep(QUAY, "m-0", part(1, 2, 0), bytes_max=most)


@pytest.mark.requirement("R-DEL-03")
async def test_parts_that_come_together_do_not_pass_the_bound_together(door: Door) -> None:
    """Who is about to keep a part is waited for by the next of the same organisation, and by nobody else."""
    store, most = MeshStore(door.pool, 5.0), 4 * PART_BYTES_MIN
    async with door.pool.connection() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (UPLOAD_LOCK, HARBOUR))
        second = asyncio.create_task(store.keep(HARBOUR, "m-2", part(1, 2, 1), bytes_max=most))
        assert await store.keep(QUAY, "m-3", part(1, 2, 1), bytes_max=most)
        await asyncio.sleep(0.2)
        await connection.execute(
            "INSERT INTO mesh_upload (organisation, message_id, chunk, chunks, workflow, size, key_id, nonce,"
            " box) VALUES (%s, 'm-1', 1, 2, 'HUB_PROGRESS', %s, 'k', '', '')",
            (HARBOUR, most),
        )
    assert not await second
    assert await door.rows("SELECT message_id FROM mesh_upload ORDER BY 1") == [("m-1",), ("m-3",)]


@pytest.mark.requirement("R-DEL-02")
async def test_a_message_sent_anew_in_another_number_of_parts_takes_the_place_of_the_first(
    door: Door, log: Log
) -> None:
    """A client that cuts its message otherwise after a restart is not refused for a day."""
    client = await caller(door)
    said = json.dumps(body(MessageName.PROGRESS)).encode()

    async def begin(content: bytes, chunks: int) -> str:
        headers = TO_HUB | {"Mex_Chunk_Range": f"1:{chunks}"}
        begun = await client.ask("POST", "/outbox", content=content, **headers)
        return str(begun.raise_for_status().json()["message_id"])

    async def go_on(message: str, content: bytes, which: str) -> int:
        path = f"/outbox/{message}/{which[0]}"
        return (await client.ask("POST", path, content=content, Mex_Chunk_Range=which)).status_code

    message = await begin(said[:100], 3)
    assert await go_on(message, said[100:200], "2:3") == 202
    assert await begin(said[:300], 2) == message
    assert await go_on(message, said[200:], "3:3") == 417
    assert await go_on(message, said[300:], "2:2") == 202
    assert await door.rows("SELECT 1 FROM mesh_upload") == []
    assert [each.payload["referral"] for each in log.taken] == [
        body(MessageName.PROGRESS)["data"]["referral"]
    ]


@pytest.mark.requirement("R-DEL-02")
async def test_a_part_there_is_not_was_not_downloaded(door: Door) -> None:
    """Nothing was handed out: the delivery is as it was, has no number, and cannot be acknowledged so."""
    client = await caller(door)
    delivery, _ = await deliver(door)
    none = await client.ask("GET", f"/inbox/{delivery}/9999")
    acknowledged = await client.ask("PUT", f"/inbox/{delivery}/status/acknowledged")
    assert (none.status_code, none.json()["detail"][0]["code"]) == (404, "not-found")
    assert acknowledged.json()["detail"][0]["code"] == "mesh-not-downloaded"
    assert await door.rows("SELECT state, sequence, fetched_at FROM delivery") == [("available", None, None)]
    assert await door.rows("SELECT 1 FROM delivery_event") == []
