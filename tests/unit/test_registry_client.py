"""The client of outside registries against servers that misbehave: every wait and answer has its bound."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from pydantic import SecretStr

from hub.adapters.registry import Basic, Bearer, HttpRegistry, RegistryLimits, open_registry, publish
from hub.errors import Drift, NotConfigured, Unreachable
from hub.topics.avro.canonical import digest
from hub.topics.published import PublishedSchema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hub.adapters.registry import Publication

SHORT = RegistryLimits(
    connect_timeout_s=0.3,
    read_timeout_s=0.2,
    call_timeout_s=1.0,
    attempts_max=3,
    first_pause_s=0.01,
    answer_bytes_max=2000,
    versions_max=3,
    reason_chars_max=40,
)
SECRET = "sesame-9731"  # noqa: S105 - what must be seen nowhere
SCHEMA = {"schema": '"string"'}


def answer(status: int, body: object, *headers: str) -> bytes:
    """One HTTP answer as it goes over the wire."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Asked(list[str]):
    """The heads of the requests a server got."""


@asynccontextmanager
async def server(answers: Sequence[bytes | None], *, path: str = "") -> AsyncIterator[tuple[str, Asked]]:
    """A server that gives these answers in turn, the last for ever; None: it says nothing at all."""
    asked = Asked()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        asked.append(head)
        said = answers[min(len(asked), len(answers)) - 1]
        if said is None:
            await asyncio.sleep(5)
        else:
            writer.write(said)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}{path}", asked
    finally:
        listening.close()


async def test_a_registry_that_is_down_is_told_within_the_limit() -> None:
    """Nothing listens: every attempt fails at once, and the call ends."""
    async with server([]) as (url, _):
        pass
    started = time.monotonic()
    async with open_registry(url, limits=SHORT) as registry:
        with pytest.raises(Unreachable, match="ConnectError") as told:
            await registry.schema(1)
    assert time.monotonic() - started < 2 * SHORT.call_timeout_s
    assert told.value.fix


async def test_a_registry_that_says_nothing_is_given_up_within_the_limit() -> None:
    """The attempts together may take as long as one call may, no longer."""
    limits = RegistryLimits(read_timeout_s=10, call_timeout_s=0.4)
    started = time.monotonic()
    async with server([None]) as (url, asked), open_registry(url, limits=limits) as registry:
        with pytest.raises(Unreachable, match="did not answer in time"):
            await registry.latest("s")
    assert time.monotonic() - started < 2
    assert len(asked) == 1


async def test_a_passing_failure_is_tried_again_and_a_lasting_one_ends_after_so_many_attempts() -> None:
    """5xx and 429 pass; the reason of the last is told."""
    broken = answer(503, {"error_code": 50301, "message": "starting"})
    async with (
        server([broken, answer(429, {}), answer(200, SCHEMA)]) as (url, asked),
        open_registry(url, limits=SHORT) as registry,
    ):
        assert await registry.schema(1) == '"string"'
    assert len(asked) == 3
    async with server([broken]) as (url, asked), open_registry(url, limits=SHORT) as registry:
        with pytest.raises(Unreachable, match="503: starting"):
            await registry.schema(1)
    assert len(asked) == SHORT.attempts_max


@pytest.mark.parametrize(("code", "error"), [(404, 40401), (404, 40402), (404, 40403)])
async def test_what_a_registry_does_not_have_is_none_and_not_an_error(code: int, error: int) -> None:
    """Confluent's three codes for it; any other 404 is an address where there is no registry."""
    missing = answer(code, {"error_code": error, "message": "no"})
    async with server([missing]) as (url, _), open_registry(url, limits=SHORT) as registry:
        assert await registry.schema(1) is None
        assert await registry.latest("s") is None
        assert await registry.lookup("s", "{}") is None
        assert await registry.versions("s") == ()
        assert await registry.set_compatibility("s", "FULL") is False


WRONG = {
    "a page": answer(200, b"<html>"),
    "no document": answer(200, b""),
    "another document": answer(200, {"answer": 42}),
    "a list": answer(200, [1]),
    "text as id": answer(200, {"subject": "s", "version": True, "id": "1", "schema": "{}"}),
    "deep": answer(200, b"[" * 1900),
    "a bare 404": answer(404, b""),
    "elsewhere": answer(302, b"", "Location: http://127.0.0.1:9/elsewhere"),
    "too much": answer(200, b" " * 2001),
}


@pytest.mark.parametrize("sort", WRONG)
async def test_an_answer_no_registry_gives_names_the_address_as_the_fault(sort: str) -> None:
    """Redirections are not followed either: credentials go where they were meant to."""
    async with server([WRONG[sort]]) as (url, asked), open_registry(url, limits=SHORT) as registry:
        with pytest.raises(NotConfigured) as told:
            await registry.latest("s")
    assert "address" in told.value.fix
    assert len(asked) == 1


@pytest.mark.parametrize("status", [409, 422])
async def test_the_reason_of_a_refusal_is_shown_printable_and_bounded(status: int) -> None:
    """A registry's text may hold anything; a terminal gets letters."""
    said = "n at /fields/1 \x1b[31m" + "x" * 100
    refused = answer(status, {"error_code": status, "message": said})
    async with server([refused]) as (url, asked), open_registry(url, limits=SHORT) as registry:
        with pytest.raises(Drift) as told:
            await registry.register("s", "{}")
    assert f"({status}): n at /fields/1  [31mx" in str(told.value)
    assert "\x1b" not in str(told.value)
    assert "x" * SHORT.reason_chars_max not in str(told.value)
    assert len(asked) == 1


async def test_more_versions_than_are_read_are_refused() -> None:
    """The number of questions a registry can make the hub ask is bounded."""
    async with server([answer(200, [1, 2, 3, 4])]) as (url, _), open_registry(url, limits=SHORT) as registry:
        with pytest.raises(Drift, match="4 versions"):
            await registry.versions("s")


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        (Basic("hub", SecretStr(SECRET)), "Basic " + base64.b64encode(f"hub:{SECRET}".encode()).decode()),
        (Bearer(SecretStr(SECRET)), f"Bearer {SECRET}"),
    ],
)
async def test_credentials_are_sent_and_shown_nowhere(login: Basic | Bearer, sent: str) -> None:
    """Not in the texts of objects, and not in the error that a refusal of them makes."""
    refused = answer(401, {"error_code": 401, "message": f"not you: {SECRET}"})
    async with (
        server([refused], path="/apis/ccompat/v7/") as (url, asked),
        open_registry(url, login=login, limits=SHORT) as registry,
    ):
        with pytest.raises(NotConfigured, match="refuses the hub's credentials") as told:
            await registry.latest("a.b-c/d é")
        shown = f"{registry!r} {login!r} {told.value} {told.value.fix}"
    assert SECRET not in shown
    head = asked[0]
    assert f"authorization: {sent}".lower() in head.lower()
    assert head.startswith("GET /apis/ccompat/v7/subjects/a.b-c%2Fd%20%C3%A9/versions/latest HTTP/1.1\r\n")


async def test_a_registry_that_cannot_be_written_to_says_so() -> None:
    """As the hub's own does."""
    closed = answer(405, {"error_code": 405, "message": "read only"})
    async with server([closed]) as (url, _), open_registry(url, limits=SHORT) as registry:
        with pytest.raises(NotConfigured, match="read only"):
            await registry.register("s", "{}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "registry.example",
        "ftp://registry.example",
        "http://",
        f"https://hub:{SECRET}@registry.example",
        "https://registry.example/?a=b",
        "https://registry.example/#a",
        "http://registry.example:port",
    ],
)
async def test_an_address_that_is_none_or_holds_a_secret_is_refused(url: str) -> None:
    """Before anything is sent, and without repeating it."""
    with pytest.raises(NotConfigured) as told:
        async with open_registry(url):
            pass
    assert SECRET not in f"{told.value} {told.value.fix}"


async def test_a_client_of_ones_own_may_be_given() -> None:
    """Any httpx client whose base address is that of the API."""
    async with (
        server([answer(200, SCHEMA)], path="/base") as (url, asked),
        httpx.AsyncClient(base_url=url) as http,
    ):
        assert await HttpRegistry(http, SHORT).schema(7) == '"string"'
    assert asked[0].startswith("GET /base/schemas/ids/7 ")


ENUM = {"type": "enum", "name": "E", "symbols": ["A"], "infoClass": "victim"}
OURS = PublishedSchema(id=7, subject="s", version=1, schema=json.dumps(ENUM), digest=digest(ENUM))
LOOSER = json.dumps(ENUM | {"infoClass": "progress"})
SET, GIVEN = answer(200, {"compatibility": "FULL_TRANSITIVE"}), answer(200, {"id": 7})
NO_SUBJECT = answer(404, {"error_code": 40401, "message": "no"})


def named(schema: str) -> bytes:
    """A registry's answer that this is version 1 of the subject."""
    return answer(200, {"subject": "s", "version": 1, "id": 5, "schema": schema})


async def published_to(*answers: bytes) -> tuple[Publication, list[str]]:
    """What publishing to a registry that answers so comes to, and what it was asked."""
    async with server(answers) as (url, asked), open_registry(url, limits=SHORT) as registry:
        found = await publish(registry, [OURS])
    return found, [" ".join(head.split(" ")[:2]) for head in asked]


async def test_a_look_up_that_finds_a_schema_with_looser_classes_does_not_count() -> None:
    """To a registry that compares as Avro does, both are one; the hub registers its own."""
    found, asked = await published_to(SET, named(LOOSER), GIVEN, answer(200, {"schema": OURS.schema}))
    assert [(each.id, each.new, each.same_id) for each in found.registered] == [(7, True, True)]
    assert asked == ["PUT /config/s", "POST /subjects/s", "POST /subjects/s/versions", "GET /schemas/ids/7"]


@pytest.mark.parametrize("back", [answer(200, {"schema": LOOSER}), answer(200, {"schema": "{"}), NO_SUBJECT])
async def test_what_is_read_back_under_an_id_must_be_what_was_registered(back: bytes) -> None:
    """A registry that drops what Avro ignores, or loses it, is no registry for the hub."""
    with pytest.raises(Drift, match="another schema under the id"):
        await published_to(SET, NO_SUBJECT, GIVEN, back)


async def test_a_registry_that_takes_a_level_only_for_a_subject_it_has_is_given_it_after_the_first() -> None:
    """Before the second version, in any case."""
    good = answer(200, {"schema": OURS.schema})
    found, asked = await published_to(NO_SUBJECT, NO_SUBJECT, GIVEN, good, SET)
    assert found.new == found.registered
    assert [asked[0], asked[-1]] == ["PUT /config/s"] * 2
    assert len(asked) == 5
