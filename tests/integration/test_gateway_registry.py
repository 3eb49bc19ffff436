"""The registry at the door: what its clients ask, who may see what, and that nothing is written."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from hub.consent.partner_contracts import contract_from
from hub.topics.avro.canonical import digest
from hub.topics.contract_files import control_body
from hub.topics.published import message_schemas, view_schemas
from hub.topics.views import derived_id
from tests.integration.door import HARBOUR, LIBRARY, QUAY, client_of, open_door

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from hub.consent.partner_contracts import PartnerContract
    from hub.messages.identifiers import OrganisationId
    from hub.settings import Settings
    from hub.topics.published import PublishedSchema
    from tests.integration.door import Door

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
CONFLUENT = {"Content-Type": MEDIA_TYPE}


def agreed(partner: OrganisationId, number: int, *fields: str, **changes: object) -> PartnerContract:
    """A contract on referrals by which an organisation receives these fields."""
    body: dict[str, object] = {
        "partner": partner,
        "message": "referral",
        "number": number,
        "direction": "receives",
        "oldest": "1.0",
        "newest": "1.0",
        "purposes": ["referral"],
        "view": ["referral", "action", *fields],
        "effective": 0,
    }
    return contract_from(body | changes)


AGREED = {
    HARBOUR: (agreed(HARBOUR, 1, "note"), agreed(HARBOUR, 2, "note", "answer_by", ids={"1.0": 7_000_001})),
    QUAY: (agreed(QUAY, 1, "intervention"),),
}
HARBOURS = view_schemas(LIBRARY, AGREED[HARBOUR])
QUAYS = view_schemas(LIBRARY, AGREED[QUAY])
LATEST = HARBOURS[1]
MESSAGES = message_schemas(LIBRARY)


@pytest.fixture
async def door(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Door]:
    """An open gateway that has agreed something else with each of two organisations."""
    async with open_door(dsn=fresh_database, settings=settings, folder=tmp_path) as opened:
        async with opened.pool.connection() as connection:
            for each in [*AGREED[HARBOUR], *AGREED[QUAY]]:
                await connection.execute(
                    "INSERT INTO control (kind, name, body, control_id) VALUES ('contract', %s, %s, %s)",
                    (f"{each.partner}/{each.name}", Jsonb(control_body(each)), uuid.uuid4().hex),
                )
        yield opened


def stored(schema: PublishedSchema) -> dict[str, object]:
    """A version as the API shows it."""
    return {
        "subject": schema.subject,
        "version": schema.version,
        "id": schema.id,
        "schema": schema.schema,
    }


SUBJECTS = sorted({each.subject for each in (*MESSAGES, *HARBOURS)})
GOOD: dict[str, object] = {
    "": {},
    "/": {},
    "/schemas/types": ["AVRO"],
    f"/schemas/ids/{HARBOURS[0].id}": {"schema": HARBOURS[0].schema},
    f"/schemas/ids/{HARBOURS[0].id}?subject=hub.to.harbour-trust-value&fetchMaxId=false": {
        "schema": HARBOURS[0].schema
    },
    f"/schemas/ids/{HARBOURS[0].id}/schema": json.loads(HARBOURS[0].schema),
    f"/schemas/ids/{HARBOURS[0].id}/subjects": [HARBOURS[0].subject],
    f"/schemas/ids/{LATEST.id}/versions": [{"subject": LATEST.subject, "version": 2}],
    "/subjects": SUBJECTS,
    "/subjects?subjectPrefix=:*:": SUBJECTS,
    "/subjects?subjectPrefix=hub.to.": [LATEST.subject],
    "/subjects?subjectPrefix=hub.to.q": [],
    "/subjects?offset=1&limit=2": SUBJECTS[1:3],
    "/subjects?offset=900": [],
    f"/subjects/{LATEST.subject}/versions": [1, 2],
    f"/subjects/{LATEST.subject}/versions/1": stored(HARBOURS[0]),
    f"/subjects/{LATEST.subject}/versions/latest": stored(LATEST),
    f"/subjects/{LATEST.subject}/versions/-1": stored(LATEST),
    f"/subjects/{LATEST.subject}/versions/latest/schema": json.loads(LATEST.schema),
    f"/subjects/{LATEST.subject.replace('.', '%2E')}/versions": [1, 2],
    "/config": {"compatibilityLevel": "FULL_TRANSITIVE"},
    f"/config/{LATEST.subject}": {"compatibilityLevel": "FULL_TRANSITIVE"},
    "/config/another?defaultToGlobal=true": {"compatibilityLevel": "FULL_TRANSITIVE"},
    "/mode": {"mode": "READONLY"},
    f"/mode/{LATEST.subject}": {"mode": "READONLY"},
    "/contexts?offset=0&limit=-1": ["."],
}
FIXED = {"ids", "versions", "subjects", "schema", "resources", "-"}
REFUSED = {
    f"/schemas/ids/{QUAYS[0].id}": 40403,
    "/schemas/ids/424242": 40403,
    "/schemas/ids/x": 40403,
    "/schemas/ids/99999999999999999999": 40403,
    "/schemas/ids/٣": 40403,
    f"/schemas/ids/{QUAYS[0].id}/versions": 40403,
    f"/schemas/ids/{QUAYS[0].id}/subjects": 40403,
    f"/schemas/ids/{QUAYS[0].id}/schema": 40403,
    f"/subjects/{QUAYS[0].subject}/versions": 40401,
    f"/subjects/{QUAYS[0].subject}/versions/1": 40401,
    "/subjects/none/versions/latest": 40401,
    f"/subjects/{LATEST.subject}/versions/3": 40402,
    f"/subjects/{LATEST.subject}/versions/0": 42202,
    f"/subjects/{LATEST.subject}/versions/2147483648": 42202,
    f"/subjects/{LATEST.subject}/versions/newest": 42202,
    f"/config/{QUAYS[0].subject}": 40408,
    f"/mode/{QUAYS[0].subject}": 40409,
    "/associations/resources/-/hub.to.harbour-trust?resourceType=topic": 404,
    "/subjects?offset=-1": 400,
}


async def test_what_clients_ask_is_answered_in_their_form(door: Door) -> None:
    """Each address of the read part, with the content type of the API."""
    async with await door.client() as client:
        answers = {path: await client.get(f"/registry{path}") for path in GOOD}
    assert {path: answer.json() for path, answer in answers.items()} == GOOD
    assert {answer.status_code for answer in answers.values()} == {200}
    assert {answer.headers["content-type"] for answer in answers.values()} == {MEDIA_TYPE}


async def test_what_there_is_not_has_confluents_code_and_repeats_nothing(door: Door) -> None:
    """Errors have Confluent's form; what was asked is not in them."""
    async with await door.client() as client:
        answers = {path: await client.get(f"/registry{path}") for path in REFUSED}
    assert {path: answer.json()["error_code"] for path, answer in answers.items()} == REFUSED
    for path, answer in answers.items():
        code = REFUSED[path]
        assert answer.status_code == (code if code < 1000 else code // 100)
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert answer.json().keys() == {"error_code", "message"}
        asked = set(path.partition("?")[0].split("/")[2:]) - FIXED
        assert not [each for each in asked if each in answer.json()["message"]]


@pytest.mark.requirement("R-DIS-01")
async def test_another_partners_schema_is_like_one_that_does_not_exist(door: Door) -> None:
    """Byte for byte the same answer, whichever way it is asked for."""
    ways = [f"/schemas/ids/{{id}}{rest}" for rest in ("", "/versions", "/schema", "/subjects")]
    ways += ["/subjects/{subject}/versions", "/subjects/{subject}/versions/1", "/config/{subject}"]
    foreign = {"id": QUAYS[0].id, "subject": QUAYS[0].subject}
    unknown = {"id": 100_004, "subject": "hub.to.nobody-x"}
    async with await door.client(HARBOUR) as harbour, await door.client(QUAY) as quay:
        for way in ways:
            theirs = await harbour.get(f"/registry{way}".format(**foreign))
            none = await harbour.get(f"/registry{way}".format(**unknown))
            assert (theirs.status_code, theirs.content, theirs.headers) == (404, none.content, none.headers)
        own = [await quay.get(f"/registry{way}".format(**foreign)) for way in ways]
    assert {each.status_code for each in own} == {200}


async def test_a_schema_is_found_however_it_is_spelt_and_under_its_own_subject_only(door: Door) -> None:
    """A look-up compares what is said, not how; a change of any field is another schema."""
    spelt = json.dumps(json.loads(LATEST.schema), indent=3, sort_keys=True)
    changed = LATEST.schema.replace("answer_by", "answer_at")
    async with await door.client() as client:

        async def find(subject: str, body: object) -> httpx.Response:
            address = f"/registry/subjects/{subject}?normalize=False&deleted=True"
            return await client.post(address, content=json.dumps(body), headers=CONFLUENT)

        assert (await find(LATEST.subject, {"schema": spelt})).json() == stored(LATEST)
        assert (await find(LATEST.subject, {"schema": spelt, "schemaType": "AVRO"})).status_code == 200
        assert (await find(LATEST.subject, {"schema": changed})).json()["error_code"] == 40403
        assert (await find(QUAYS[0].subject, {"schema": QUAYS[0].schema})).json()["error_code"] == 40401


HOSTILE: dict[str, tuple[bytes, dict[str, str], int]] = {
    "no json": (b"{", CONFLUENT, 400),
    "no schema": (b"{}", CONFLUENT, 42201),
    "schema is no text": (b'{"schema": {}}', CONFLUENT, 42201),
    "schema is no json": (b'{"schema": "{"}', CONFLUENT, 42201),
    "schema is protobuf": (b'{"schema": "{}", "schemaType": "PROTOBUF"}', CONFLUENT, 42201),
    "schema is deep": (json.dumps({"schema": '{"type":' * 5000}).encode(), CONFLUENT, 42201),
    "300 KB": (b'{"schema": "' + b"x" * 300_000 + b'"}', CONFLUENT, 413),
    "text": (b"{}", {"Content-Type": "text/plain"}, 415),
    "gzip": (b"{}", CONFLUENT | {"Content-Encoding": "gzip"}, 415),
}


@pytest.mark.requirement("R-DEL-03")
async def test_a_hostile_look_up_is_refused_in_confluents_form(door: Door) -> None:
    """Bounded like every other body."""
    address = f"/registry/subjects/{LATEST.subject}"
    async with await door.client() as client:
        answers = {
            sort: await client.post(address, content=content, headers=headers)
            for sort, (content, headers, _) in HOSTILE.items()
        }
    assert {sort: answer.json()["error_code"] for sort, answer in answers.items()} == {
        sort: code for sort, (_, _, code) in HOSTILE.items()
    }
    assert {answer.headers["content-type"] for answer in answers.values()} == {MEDIA_TYPE}


WRITES = (
    ("POST", f"/subjects/{LATEST.subject}/versions"),
    ("DELETE", f"/subjects/{LATEST.subject}"),
    ("DELETE", f"/subjects/{LATEST.subject}/versions/1"),
    ("PUT", "/config"),
    ("PUT", f"/config/{LATEST.subject}"),
    ("DELETE", f"/config/{LATEST.subject}"),
    ("PUT", "/mode"),
    ("PUT", f"/mode/{LATEST.subject}"),
)


async def test_nothing_is_written_and_the_way_that_is_open_is_named(door: Door) -> None:
    """405 with Confluent's body: schemas come from git."""
    async with await door.client() as client:
        for method, path in WRITES:
            answer = await client.request(method, f"/registry{path}", json={"schema": LATEST.schema})
            assert (answer.status_code, answer.json()["error_code"]) == (405, 405)
            assert "hub contracts register" in answer.json()["message"]
            assert answer.headers["allow"]


def basic(user: str, key: str) -> dict[str, str]:
    """Basic credentials."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()}


async def test_basic_credentials_are_taken_under_registry_and_nowhere_else(door: Door) -> None:
    """The organisation's name and its key; registry clients speak no Bearer."""
    key, other = await door.join(HARBOUR), await door.join(QUAY)
    refused = [
        basic(HARBOUR, other),
        basic(QUAY, key),
        basic("", key),
        basic(HARBOUR, ""),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"Authorization": f"Bearer {key}x"},
        {},
    ]
    async with client_of(door.app, None) as client:
        good = await client.get("/registry/subjects", headers=basic(HARBOUR, key))
        elsewhere = await client.get("/v1/mailbox/count", headers=basic(HARBOUR, key))
        answers = [await client.get("/registry/subjects", headers=each) for each in refused]
    assert good.json() == SUBJECTS
    assert (elsewhere.status_code, elsewhere.headers["www-authenticate"]) == (401, 'Bearer realm="hub"')
    assert {each.status_code for each in answers} == {401}
    assert {each.headers["www-authenticate"].split()[0] for each in answers} == {"Basic"}
    assert {each.json()["error_code"] for each in answers} == {401}


async def test_a_suspended_organisation_finds_the_registry_shut(door: Door) -> None:
    """As it finds its mailbox."""
    async with await door.client(HARBOUR, standing="suspended") as client:
        answer = await client.get("/registry/subjects")
    assert (answer.status_code, answer.json()["error_code"]) == (403, 403)


async def test_a_schema_by_its_id_may_be_kept_for_good_and_nothing_else_may(door: Door) -> None:
    """What an id stands for never changes; what is latest does."""
    async with await door.client() as client:
        kept = await client.get(f"/registry/schemas/ids/{LATEST.id}")
        latest = await client.get(f"/registry/subjects/{LATEST.subject}/versions/latest")
        missing = await client.get("/registry/schemas/ids/100009")
    assert kept.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert kept.headers["vary"] == "Authorization"
    assert latest.headers["cache-control"] == missing.headers["cache-control"] == "no-store"


async def test_a_database_that_is_gone_is_told_in_confluents_form(door: Door) -> None:
    """The edge, too, answers as these clients read it."""
    await door.join(HARBOUR)
    await door.pool.close()
    async with client_of(door.app, "hub_" + "x" * 43) as client:
        answer = await client.get("/registry/subjects")
        elsewhere = await client.get("/v1/mailbox/count")
    assert (answer.status_code, answer.json()["error_code"]) == (503, 503)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert elsewhere.headers["content-type"] == "application/problem+json"


@pytest.mark.requirement("R-MSG-12")
async def test_every_id_a_record_may_carry_is_answered_digest_for_digest(door: Door) -> None:
    """The message contracts as the manifest has them, and each view as it was agreed."""
    known = {each.id: each.digest for each in (*MESSAGES, *HARBOURS)}
    # Records from before an outside registry gave that view its id are still there.
    known[derived_id(LATEST.digest)] = LATEST.digest
    async with await door.client() as client:
        found = {number: (await client.get(f"/registry/schemas/ids/{number}")).json() for number in known}
    assert {number: digest(json.loads(body["schema"])) for number, body in found.items()} == known
    assert known[7_000_001] == LATEST.digest


async def test_the_reference_describes_the_registry_with_both_kinds_of_credential(door: Door) -> None:
    """Every address of it, its errors in Confluent's form, and Basic nowhere else."""
    async with client_of(door.app, None) as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
    basics = {
        path
        for path, address in document["paths"].items()
        for operation in address.values()
        if {"organisationBasic": []} in operation.get("security", [])
    }
    assert basics == {path for path in document["paths"] if path.startswith("/registry")}
    assert "/registry/schemas/ids/{number}" in basics
    found = document["paths"]["/registry/subjects/{subject}"]["post"]
    assert MEDIA_TYPE in found["requestBody"]["content"]
    assert found["responses"]["404"]["content"][MEDIA_TYPE]["schema"]["$ref"].endswith("/RegistryError")
    assert "42201" in found["responses"]["422"]["description"]
