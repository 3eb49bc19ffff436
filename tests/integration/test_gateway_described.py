"""What a gateway answers is what its OpenAPI document says, and the document is the one that is published."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from psycopg.types.json import Jsonb

from hub.adapters.gateway.document import openapi
from hub.consent.partner_contracts import PartnerContract, contract_from
from hub.messages.envelope import MessageName
from hub.messages.identifiers import DeliveryId
from hub.topics.contract_files import control_body
from hub.topics.delivery_box import seal_delivery
from hub.topics.delivery_headers import ALWAYS, contract_headers
from hub.topics.library import frame
from hub.topics.values import instant_to_text
from hub.topics.views import view_in
from tests.integration.door import HARBOUR, LIBRARY, body, client_of, idempotent, open_door

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from hub.settings import Settings
    from tests.integration.door import Door

NOW_MS = time.time_ns() // 1_000_000
DAY_MS = 86_400_000
OPENAPI: dict[str, Any] = json.loads(json.dumps(openapi(LIBRARY)))


def agreed(message: str, purpose: str, direction: str, *, sunset: int, **changes: object) -> PartnerContract:
    """A contract that was deprecated yesterday and ends at this moment."""
    said: dict[str, object] = {
        "partner": HARBOUR,
        "message": message,
        "number": 1,
        "direction": direction,
        "oldest": "1.0",
        "newest": "1.0",
        "purposes": [purpose],
        "effective": 0,
        "deprecated": NOW_MS - DAY_MS,
        "sunset": sunset,
        "alternative": f"{message}.v2",
    }
    return contract_from(said | changes)


ENDING = agreed("case", "case_administration", "sends", sunset=NOW_MS + DAY_MS)
RECEIVED = agreed(
    "referral", "referral", "receives", sunset=NOW_MS + DAY_MS, view=["referral", "action", "note"]
)
ENDED = agreed("appointment", "progress", "sends", sunset=NOW_MS - 1, alternative=None)


@pytest.fixture
async def door(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Door]:
    """An open gateway that has agreed on three messages with an organisation."""
    async with open_door(dsn=fresh_database, settings=settings, folder=tmp_path) as opened:
        for each in (ENDING, RECEIVED, ENDED):
            await opened.rows(
                "INSERT INTO control (kind, name, body, control_id) VALUES ('contract', %s, %s, %s)",
                f"{each.partner}/{each.name}",
                Jsonb(control_body(each)),
                uuid.uuid4().hex,
            )
        yield opened


async def deliver(door: Door) -> str:
    """Put one referral into the mailbox, as router and projector do; returns its id."""
    delivery_id, view = uuid.uuid4().hex, view_in(LIBRARY, RECEIVED, "1.0")
    framed = frame(view.id, LIBRARY.encode(view, {"referral": "R1", "action": "OFFER", "note": None}))
    moment = instant_to_text(NOW_MS)
    values = {
        "ce_specversion": "1.0", "ce_id": delivery_id, "ce_source": "hub", "ce_subject": "case_mfrggzdf",
        "ce_time": moment, "content-type": "application/avro", "hub-message": "msg_mfrggzdf",
        "hub-correlation": "cor_mfrggzdf", "hub-role": "key_worker", "hub-statement": "fact",
        "hub-recorded": moment, "hub-urgency": "case", "hub-contract-status": "deprecated",
    }  # fmt: skip
    headers = values | contract_headers(RECEIVED, view)
    assert headers.keys() >= ALWAYS.keys()
    sealed = seal_delivery(
        door.codec.sealer,
        delivery_id=DeliveryId(delivery_id),
        key_id="case-" + "1" * 32,
        headers=headers,
        view=framed,
    )
    await door.rows(
        """
        INSERT INTO delivery (delivery_id, message_id, case_ref, organisation, role, message, contract,
                              urgency, box, key_id, nonce, digest, size, by_kafka)
        VALUES (%s, %s, %s, %s, 'key_worker', 'referral', '1.0', 'case', %s, %s, %s, %s, %s, false)
        """,
        *(delivery_id, "2" * 32, "1" * 32, HARBOUR, sealed.box, sealed.key_id, sealed.nonce),
        *(hashlib.sha256(framed).digest(), len(framed)),
    )
    return delivery_id


def faults(path: str, method: str, answer: httpx.Response) -> list[str]:
    """Where an answer is not as described: its status, its kind, its body, its headers."""
    described = OPENAPI["paths"][path][method]["responses"][str(answer.status_code)]
    kind = answer.headers["content-type"].partition(";")[0]
    found = []
    for name, header in described.get("headers", {}).items():
        if name in answer.headers:
            found += list(_validator(header["schema"]).iter_errors(answer.headers[name]))
    schema = described["content"][kind]["schema"]
    if kind.endswith("json"):
        found += list(_validator(schema).iter_errors(answer.json()))
    return [fault.message for fault in found]


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    whole = {**schema, "components": OPENAPI["components"]}
    return Draft202012Validator(whole, format_checker=FormatChecker())


def strict(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """A schema that also refuses what it does not name, so that nothing goes undescribed."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: strict(each) for name, each in schema.items()}
    closed = isinstance(inner.get("properties"), dict) and "type" in inner
    return inner | ({"additionalProperties": False} if closed else {})


async def test_every_gateway_answers_the_published_document(door: Door) -> None:
    """Made without a gateway, it is the same to the last word."""
    async with client_of(door.app, None) as client:
        answer = await client.get("/openapi.json")
    assert answer.json() == OPENAPI


@pytest.mark.requirement("R-MSG-12")
async def test_answers_about_contracts_and_deliveries_are_as_described(door: Door) -> None:
    """Every member is named, and each is what its schema says."""
    async with await door.client() as client:
        delivery = await deliver(door)
        paths = {
            "/v1/contracts": "/v1/contracts",
            "/v1/mailbox/messages": "/v1/mailbox/messages",
            "/v1/mailbox/count": "/v1/mailbox/count",
            "/v1/mailbox/messages/{delivery}": f"/v1/mailbox/messages/{delivery}",
        }
        answers = {path: await client.get(address) for path, address in paths.items()}
        raw = await client.get(
            paths["/v1/mailbox/messages/{delivery}"], headers={"Accept": "application/avro"}
        )
    assert {path: faults(path, "get", answer) for path, answer in answers.items()} == {
        path: [] for path in paths
    }
    for path, answer in answers.items():
        described = OPENAPI["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        if path != "/v1/mailbox/messages/{delivery}":
            assert list(_validator(strict(described["schema"])).iter_errors(answer.json())) == []
    assert len(answers["/v1/contracts"].json()["contracts"]) == 3
    assert [each["code"] for each in answers["/v1/mailbox/messages"].json()["notices"]] == [
        "CONTRACT-DEPRECATED"
    ]
    assert faults("/v1/mailbox/messages/{delivery}", "get", raw) == []
    for fetched in (raw, answers["/v1/mailbox/messages/{delivery}"]):
        assert {"deprecation", "sunset", "link", "hub-digest"} <= fetched.headers.keys()
    described = OPENAPI["paths"]["/v1/mailbox/messages/{delivery}"]["get"]["responses"]["200"]["headers"]
    assert all(name in raw.headers for name in described)


async def test_answers_to_the_mailboxs_verbs_are_as_described(door: Door) -> None:
    """Leased, looked at, acknowledged by the batch and refused: every member is named."""
    async with await door.client(sends=[]) as client:
        delivery = await deliver(door)
        one = f"/v1/mailbox/messages/{delivery}"
        answers = {
            ("/v1/mailbox/lease", "post"): await client.post("/v1/mailbox/lease"),
            ("/v1/mailbox/acknowledge", "post"): await client.post(
                "/v1/mailbox/acknowledge",
                json={"deliveries": [{"delivery": delivery, "digest": "0" * 64}]},
            ),
            ("/v1/mailbox/messages/{delivery}/status/refused", "put"): await client.put(
                f"{one}/status/refused", json={"reason": "No."}
            ),
        }
        looked = await client.head(one)
    assert {place: faults(*place, answer) for place, answer in answers.items()} == {
        place: [] for place in answers
    }
    for (path, method), answer in answers.items():
        if answer.is_success:
            described = OPENAPI["paths"][path][method]["responses"]["200"]["content"]["application/json"]
            assert list(_validator(strict(described["schema"])).iter_errors(answer.json())) == []
    headers = OPENAPI["paths"]["/v1/mailbox/messages/{delivery}"]["head"]["responses"]["200"]["headers"]
    assert looked.is_success
    assert {name for name in headers if name in looked.headers} == {"Hub-Digest"}


@pytest.mark.requirement("R-MSG-12")
async def test_a_post_by_a_contract_that_ends_is_answered_as_described(door: Door) -> None:
    """202 with the headers that say when while it lasts, then 410 with the headers that say since when."""
    async with await door.client() as client:
        ended = await client.post(
            "/v1/appointments", json=body(MessageName.APPOINTMENT), headers=idempotent()
        )
        ending = await client.post(
            "/v1/cases?dry_run=true", json=body(MessageName.CASE), headers=idempotent()
        )
    assert (ending.status_code, ending.headers["link"]) == (
        202,
        '</v1/contracts#case.v2>; rel="successor-version"',
    )
    assert faults("/v1/cases", "post", ending) == []
    assert {"deprecation", "sunset"} <= ending.headers.keys()
    assert (ended.status_code, ended.json()["code"]) == (410, "contract-ended")
    assert faults("/v1/appointments", "post", ended) == []
    assert {"deprecation", "sunset"} <= ended.headers.keys()
