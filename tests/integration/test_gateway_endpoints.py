"""An organisation and its own endpoints, over HTTP."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub.adapters.database.freshness import Freshness
from hub.adapters.webhooks.egress import Egress
from hub.app.pushing import endpoints_of
from hub.messages.envelope import MessageName
from tests.integration.door import HARBOUR, QUAY, Door, open_door
from tests.integration.receiver import receiving
from tests.integration.test_gateway_described import faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.adapters.webhooks.endpoints import Endpoints
    from hub.settings import Settings
    from tests.integration.receiver import Receiver


@dataclass(kw_only=True)
class Ground:
    """A gateway with one endpoint of the harbour's, and who may call."""

    endpoints: Endpoints
    endpoint: str
    receiver: Receiver
    harbour: httpx.AsyncClient
    quay: httpx.AsyncClient
    door: Door


@pytest.fixture
async def ground(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Ground]:
    """A gateway that knows of endpoints."""
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(
            open_door(dsn=fresh_database, settings=settings, folder=tmp_path)
        )
        receiver = await stack.enter_async_context(receiving())
        out = Egress()
        stack.push_async_callback(out.close)
        endpoints = endpoints_of(door.pool, door.codec, out)
        door.app.state.services = replace(door.app.state.services, endpoints=endpoints)
        endpoint, _ = await endpoints.add(
            HARBOUR, url=receiver.url(), messages=[MessageName.PROGRESS], on_loopback=True
        )
        yield Ground(
            door=door,
            endpoints=endpoints,
            endpoint=endpoint,
            receiver=receiver,
            harbour=await stack.enter_async_context(await door.client(HARBOUR)),
            quay=await stack.enter_async_context(await door.client(QUAY)),
        )


@pytest.mark.requirement("R-DEL-01")
async def test_an_organisation_proves_pauses_and_resumes_its_own_endpoint(ground: Ground) -> None:
    """Each answer is the endpoint as it stands, and as it is described."""
    own = f"/v1/endpoints/{ground.endpoint}"
    (listed,) = (await ground.harbour.get("/v1/endpoints")).json()["endpoints"]
    too_early = await ground.harbour.post(f"{own}/resume")
    answers = {verb: await ground.harbour.post(f"{own}/{verb}") for verb in ("verify", "pause", "resume")}
    assert (listed["endpoint"], listed["state"], listed["waiting"]) == (ground.endpoint, "unverified", 0)
    assert (too_early.status_code, too_early.json()["code"]) == (409, "endpoint-state")
    assert {verb: each.json()["state"] for verb, each in answers.items()} == {
        "verify": "active",
        "pause": "paused",
        "resume": "active",
    }
    for verb, answer in answers.items():
        assert faults(f"/v1/endpoints/{{endpoint}}/{verb}", "post", answer) == []
    assert faults("/v1/endpoints", "get", await ground.harbour.get("/v1/endpoints")) == []


@pytest.mark.requirement("R-DEL-01")
async def test_what_an_operator_paused_its_organisation_does_not_resume(ground: Ground) -> None:
    """Nor does pausing it again make it its own to resume."""
    own = f"/v1/endpoints/{ground.endpoint}"
    await ground.harbour.post(f"{own}/verify")
    await ground.endpoints.pause(ground.endpoint)
    answers = [await ground.harbour.post(f"{own}/{verb}") for verb in ("resume", "pause", "resume")]
    assert [each.json().get("code") for each in answers] == ["endpoint-state"] * 3
    assert (await ground.endpoints.one(ground.endpoint)).reason == "operator"
    assert (await ground.endpoints.resume(ground.endpoint)).state == "active"


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("verb", ["verify", "pause", "resume", "rotate-secret"])
async def test_anothers_endpoint_and_none_look_the_same(ground: Ground, verb: str) -> None:
    """One 404, byte for byte, and nothing happens to the other's."""
    answers = [
        await ground.quay.post(f"/v1/endpoints/{each}/{verb}")
        for each in (ground.endpoint, "ep_0000000000000000", "zebra", "%00")
    ]
    assert {each.status_code for each in answers} == {404}
    assert len({each.content for each in answers}) == 1
    assert (await ground.quay.get("/v1/endpoints")).json() == {"endpoints": []}
    assert ground.receiver.received == []


_ROW = """
INSERT INTO delivery (delivery_id, message_id, case_ref, organisation, role, message, contract, urgency, box,
                      key_id, nonce, digest, size, by_kafka, held, available_at)
SELECT one, 'm-' || one, 'c-' || one, %(organisation)s, 'key_worker', 'progress', '1.0', 'case', '', 'k', '',
       '', 0, false, false, '2026-03-02T09:15:00Z'
  FROM unnest(%(deliveries)s::text[]) AS one
"""
_TURNED = """
INSERT INTO case_state (case_ref, key_id, nonce, box, version, turn)
SELECT case_ref, 'k', '', '', 1, 9 FROM delivery
"""
_PUSHED = """
INSERT INTO push (delivery_id, place, endpoint_id, organisation, case_ref, urgency, state)
SELECT d.delivery_id, d.cursor, %(endpoint)s, d.organisation, d.case_ref, d.urgency,
       CASE d.delivery_id WHEN 'b' THEN 'parked' WHEN 'c' THEN 'exhausted' ELSE 'scheduled' END
  FROM delivery d
"""


async def _count(ground: Ground) -> tuple[object, ...]:
    (shown,) = (await ground.harbour.get("/v1/endpoints")).raise_for_status().json()["endpoints"]
    paused = (await ground.harbour.post(f"/v1/endpoints/{ground.endpoint}/pause")).raise_for_status().json()
    told = tuple(shown[name] for name in ("waiting", "oldest_at", "parked", "exhausted"))
    assert told == tuple(paused[name] for name in ("waiting", "oldest_at", "parked", "exhausted"))
    return told


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize(
    "because",
    [
        "UPDATE delivery SET held = true",
        "UPDATE delivery SET verdict = 'stop'",
        "UPDATE delivery SET right_until = now()",
        _TURNED,
    ],
)
async def test_what_is_held_from_an_organisation_does_not_count_among_what_waits_for_its_endpoint(
    ground: Ground, because: str
) -> None:
    """Else a count would give away that there is something it may not know of; staff see it."""
    await ground.harbour.post(f"/v1/endpoints/{ground.endpoint}/verify")
    values = {"organisation": HARBOUR, "deliveries": ["a", "b", "c"], "endpoint": ground.endpoint}
    async with ground.door.pool.connection() as connection:
        await connection.execute(_ROW, values)
        await connection.execute(_PUSHED, values)
    assert await _count(ground) == (1, "2026-03-02T09:15:00+00:00", 1, 1)
    await ground.door.rows(because)
    assert await _count(ground) == (0, None, 0, 0)
    (seen,) = await ground.endpoints.all(HARBOUR)
    assert (seen.waiting, seen.parked, seen.exhausted) == (1, 1, 1)


@pytest.mark.requirement("R-DIS-05")
async def test_nothing_is_counted_while_the_projection_is_behind_the_router(ground: Ground) -> None:
    """What the router has stopped, and nobody has projected yet, would count still."""

    async def is_behind(_: object) -> bool:
        return True

    async def ends() -> dict[tuple[str, int], int]:
        return {("hub.outbox", 0): 1}

    found = ground.door.app.state.services
    behind = replace(found.mailbox, freshness=Freshness(is_behind, ends, timeout_s=0.05))
    ground.door.app.state.services = replace(found, mailbox=behind)
    own = f"/v1/endpoints/{ground.endpoint}"
    asked = [await ground.harbour.get("/v1/endpoints"), await ground.harbour.post(f"{own}/verify")]
    assert [(each.status_code, each.json()["code"]) for each in asked] == [(503, "not-caught-up")] * 2
    assert (await ground.endpoints.one(ground.endpoint)).state == "active"


@pytest.mark.requirement("R-DEL-01")
async def test_a_handshake_that_is_not_answered_proves_nothing_and_is_not_tried_at_once(
    ground: Ground,
) -> None:
    """What the server answered is not repeated to whoever asked."""
    ground.receiver.echoes = False
    own = f"/v1/endpoints/{ground.endpoint}/verify"
    first, second = await ground.harbour.post(own), await ground.harbour.post(own)
    assert (first.status_code, first.json()["code"]) == (409, "endpoint-unproved")
    assert "hello" not in first.text
    assert (second.json()["code"], second.headers["retry-after"]) == ("endpoint-busy", "5")
    assert len(ground.receiver.received) == 1


@pytest.mark.requirement("R-DEL-01")
async def test_a_secret_is_shown_once_and_the_public_key_verifies_without_one(ground: Ground) -> None:
    """The key set has the key of the v1a signature; the secret is in no later answer."""
    import base64

    rotated = await ground.harbour.post(f"/v1/endpoints/{ground.endpoint}/rotate-secret")
    assert faults("/v1/endpoints/{endpoint}/rotate-secret", "post", rotated) == []
    secret = rotated.json()["secret"]
    listed = await ground.harbour.get("/v1/endpoints")
    keys = await ground.harbour.get("/v1/webhook-keys")
    await ground.harbour.post(f"/v1/endpoints/{ground.endpoint}/verify")
    (came,) = ground.receiver.received
    raw = base64.b64decode(keys.json()["public_key"].removeprefix("whpk_"))
    signatures = dict(each.split(",", 1) for each in came.headers["webhook-signature"].split())
    signed = f"{came.id}.{came.headers['webhook-timestamp']}.".encode() + came.body
    Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(signatures["v1a"]), signed)
    assert came.document["hub"] == {"recipient": "harbour-trust"}
    assert secret.startswith("whsec_")
    assert secret not in listed.text
    assert keys.json()["keys"][0]["x"] == base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
