"""Bad input at the door: each fault named with its place and remedy, no value repeated, nothing half done."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from structlog.testing import capture_logs

from hub.adapters import telemetry
from hub.adapters.gateway import GatewayLimits
from hub.adapters.gateway.routes import POSTED, route_of
from hub.messages.envelope import MessageName
from tests.integration.door import LIBRARY, body, client_of, idempotent, open_door

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from hub.settings import Settings
    from hub.topics.shapes import Record
    from tests.integration.door import Door

CANARY = "Zanzibar Canary 7731"
JSON = {"Content-Type": "application/json"}
GOOD = json.dumps(body())


@pytest.fixture
async def door(fresh_database: str, settings: Settings, tmp_path: Path) -> AsyncIterator[Door]:
    """An open gateway whose log is out of reach: nothing here may get that far, nor wait for its turn."""
    unbounded = settings.model_copy(update={"organisation_requests_per_s_max": 10_000})
    async with open_door(dsn=fresh_database, settings=unbounded, folder=tmp_path) as opened:
        yield opened


HOSTILE: dict[str, tuple[bytes, dict[str, str], int, str, str | None]] = {
    "empty": (b"", JSON, 400, "json-invalid", ""),
    "not json": (b"{", JSON, 400, "json-invalid", ""),
    "an array": (b"[]", JSON, 400, "json-invalid", ""),
    "a number": (b"1", JSON, 400, "json-invalid", ""),
    "latin-1": (b'{"author": "\xe9"}', JSON, 400, "json-invalid", ""),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD.encode(), JSON, 400, "json-invalid", ""),
    "deep lists": (b'{"data":' + b"[" * 100_000, JSON, 400, "json-invalid", ""),
    "deep objects": (b'{"data":' * 20_000, JSON, 400, "json-invalid", ""),
    "a huge integer": (b'{"data": {"note": %s}}' % (b"9" * 5000), JSON, 400, "json-invalid", "/data/note"),
    "an integer of 65 bits": (b'{"data": {"n": 9223372036854775808}}', JSON, 400, "json-invalid", "/data/n"),
    "an infinite number": (b'{"data": {"n": 1e999}}', JSON, 400, "json-invalid", "/data/n"),
    "NaN": (b'{"data": {"n": NaN}}', JSON, 400, "json-invalid", "/data/n"),
    "a NUL": (b'{"data": {"note": "a\\u0000b"}}', JSON, 400, "json-invalid", "/data/note"),
    "half a surrogate pair": (b'{"data": {"note": "\\ud800"}}', JSON, 400, "json-invalid", "/data/note"),
    "a key twice": (b'{"case": "a", "case": "b"}', JSON, 400, "json-invalid", "/case"),
    "a key twice, deep": (b'{"data": {"a": [{"b": 1, "b": 2}]}}', JSON, 400, "json-invalid", "/data/a/0/b"),
    "300 KB": (b'{"data": {"note": "' + b"x" * 300_000 + b'"}}', JSON, 413, "body-too-large", None),
    "text": (GOOD.encode(), {"Content-Type": "text/plain"}, 415, "content-type-unsupported", None),
    "no type": (GOOD.encode(), {}, 415, "content-type-unsupported", None),
    "utf-16": (
        GOOD.encode(),
        {"Content-Type": "application/json; charset=utf-16"},
        415,
        "content-type-unsupported",
        None,
    ),
    "gzip": (
        gzip.compress(GOOD.encode()),
        JSON | {"Content-Encoding": "gzip"},
        415,
        "content-type-unsupported",
        None,
    ),
}


@pytest.mark.parametrize("sort", HOSTILE)
@pytest.mark.requirement("R-DEL-03")
async def test_hostile_body_is_refused_by_name(door: Door, sort: str) -> None:
    """Each hostile body gets its problem, with a pointer where there is a place to point at."""
    content, headers, status, code, pointer = HOSTILE[sort]
    async with await door.client() as client:
        answer = await client.post("/v1/progress", content=content, headers=headers | idempotent())
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{code}"
    assert [fault["pointer"] for fault in answer.json().get("errors", [])] == (
        [] if pointer is None else [pointer]
    )
    assert await door.rows("SELECT 1 FROM idempotency") == []


async def test_endless_body_is_given_up_at_the_first_byte_too_many(door: Door) -> None:
    """A body without a length is read no further than the limit."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        """Blanks without end."""
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    async with await door.client() as client:
        answer = await client.post("/v1/progress", content=endless(), headers=JSON | idempotent())
    assert answer.status_code == 413
    assert sent <= 262_144 + 2 * 65_536


KEYS = {
    "": "idempotency-invalid",
    "x" * 129: "idempotency-invalid",
    "a b": "idempotency-invalid",
    '"': "idempotency-invalid",
}


@pytest.mark.requirement("R-DEL-02")
async def test_post_without_a_usable_key_is_refused(door: Door) -> None:
    """A key is needed, and has a form."""
    async with await door.client() as client:
        missing = await client.post("/v1/progress", json=body())
        answers = {
            key: await client.post(
                "/v1/progress", json=body(), headers=idempotent() | {"Idempotency-Key": key}
            )
            for key in KEYS
        }
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency-missing")
    assert {key: answer.json()["code"] for key, answer in answers.items()} == KEYS


@pytest.mark.requirement("R-DEL-03")
async def test_all_faults_are_named_at_once(door: Door) -> None:
    """Everything wrong with a message is said in one answer."""
    wrong = body(
        case=...,
        occurred_at="yesterday",
        author_role="wizard",
        colour="red",
        classes={"note": "secret"},
        causation="msg_" + "c" * 40,
        data={"referral": "R-0001", "kind": "DANCE", "atendance": "ATTENDED", "session_at": "2026-03-02"},
    )
    async with await door.client() as client:
        answer = await client.post("/v1/progress", json=wrong, headers=idempotent())
    assert (answer.status_code, answer.json()["code"]) == (422, "payload-invalid")
    assert answer.json()["retryable"] is False
    pointers = {fault["pointer"] for fault in answer.json()["errors"]}
    assert pointers >= {
        "/case",
        "/occurred_at",
        "/author_role",
        "/colour",
        "/classes/note",
        "/causation",
        "/data/kind",
        "/data/atendance",
        "/data/session_at",
    }
    assert all(fault["fix"] and fault["rule"] for fault in answer.json()["errors"])


@pytest.mark.requirement("R-MSG-12")
async def test_unknown_contract_is_answered_with_the_versions_there_are(door: Door) -> None:
    """A version the hub does not know is named as such."""
    async with await door.client() as client:
        answer = await client.post("/v1/progress", json=body(contract="9.9"), headers=idempotent())
    assert (answer.status_code, answer.json()["code"]) == (422, "contract-unknown")
    assert answer.json()["versions"] == list(LIBRARY.versions("progress"))


def planted() -> Iterator[tuple[MessageName, str, dict[str, Any]]]:
    """Bodies with the canary in one place each: every envelope and payload field, as value and as key."""
    for message in POSTED:
        good = body(message)
        for name in [*good, "correlation", "causation", "classes", "colour"]:
            yield message, name, good | {name: CANARY}
        for named in _fields(LIBRARY.contract(message, "1.0").shape):
            yield message, f"data.{named}", good | {"data": {**good["data"], named: [{CANARY: CANARY}]}}
            yield message, f"data.{named}", good | {"data": {**good["data"], named: CANARY + "\x07"}}
        yield message, "data key", good | {"data": {CANARY: 1}}
        yield message, "key", good | {CANARY: 1}
        yield message, "class", good | {"classes": {CANARY: CANARY}}
        yield message, "role", good | {"author_role": CANARY, "statement": CANARY}


def _fields(record: Record) -> list[str]:
    return [field.name for field in record.fields]


@pytest.mark.timeout(180)
@pytest.mark.requirement("R-DEL-03")
async def test_no_value_comes_back_or_is_logged_wherever_it_is_planted(
    door: Door, capfd: pytest.CaptureFixture[str]
) -> None:
    """A canary in any field of any message is in no answer, no header and no line of log."""
    structlog.reset_defaults()
    seen = 0
    async with await door.client() as client:
        with capture_logs() as logs:
            for message, where, posted in planted():
                answer = await client.post(
                    route_of(message), json=posted, headers=idempotent() | {"X-Other": CANARY}
                )
                said = answer.text + str(answer.headers)
                assert CANARY not in said, (message, where)
                assert "Zanzibar" not in said, (message, where)
                assert answer.status_code in {400, 422, 503}, (message, where, answer.status_code)
                seen += 1
            strange = await client.get(f"/v1/messages/{CANARY}")
            unknown = await client.get(f"/v1/messages/{CANARY}", params={CANARY: CANARY})
            odd = await client.get(
                "/v1/mailbox/messages", params={"limit": CANARY, "cursor": CANARY, "message": CANARY}
            )
    assert seen > 500
    assert (strange.status_code, unknown.status_code) == (404, 400)
    assert [fault["pointer"] for fault in odd.json()["errors"]] == ["?limit", "?message"]
    written = "".join(capfd.readouterr()) + str(logs) + strange.text + unknown.text + odd.text
    assert logs
    assert "Zanzibar" not in written
    assert not any("7731" in str(row) for row in await door.rows("SELECT * FROM idempotency"))


async def test_answers_carry_headers_that_keep_them_private(door: Door) -> None:
    """Nothing caches, frames, sniffs or names the server."""
    async with client_of(door.app, None) as client:
        answers = [
            await client.get(path) for path in ("/healthz", "/readyz", "/v1/mailbox/count", "/nowhere")
        ]
        wrong = await client.delete("/v1/progress")
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    assert [answer.status_code for answer in answers] == [200, 200, 401, 404]
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


async def test_failure_inside_is_told_without_its_text(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in the hub is a problem to the sender, a class name to the log, one trace to both."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", TracerProvider(sampler=ALWAYS_OFF))
    await door.rows("ALTER TABLE idempotency RENAME TO elsewhere")
    async with await door.client() as client:
        with capture_logs() as logs:
            answer = await client.post("/v1/progress", json=body(), headers=idempotent())
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert {"error": "UndefinedTable"}.items() <= logs[0].items()
    assert [line["event"] for line in logs] == ["gateway.failed", "gateway.request"]
    assert {line["trace_id"] for line in logs} == {answer.json()["trace_id"]}
    assert "elsewhere" not in answer.text
    assert "idempotency" not in str(logs)


async def test_lost_database_is_told_as_such(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its database the gateway says when to come back, and what the log has it under."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", TracerProvider(sampler=ALWAYS_OFF))
    key = await door.join("one")
    await door.pool.close()
    async with client_of(door.app, key) as client:
        with capture_logs() as logs:
            post = await client.post("/v1/progress", json=body(), headers=idempotent())
        ready = await client.get("/readyz")
        alive = await client.get("/healthz")
    assert (post.status_code, post.json()["code"]) == (503, "database-unavailable")
    assert "retry-after" in post.headers
    assert {line["trace_id"] for line in logs} == {post.json()["trace_id"]}
    assert (ready.status_code, alive.status_code) == (503, 200)


@pytest.mark.requirement("R-DEL-03")
async def test_problem_types_lead_to_their_text(door: Door) -> None:
    """The type of a problem is an address that explains it."""
    async with client_of(door.app, None) as client:
        refused = await client.get("/v1/mailbox/count")
        text = await client.get(refused.json()["type"])
        unknown = await client.get("/problems/zebra")
    assert text.status_code == 200
    assert "unauthenticated" in text.text
    assert unknown.status_code == 404


async def test_gateway_turns_requests_away_at_its_bound(
    fresh_database: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More requests than the bound are refused at once, not queued without end; the log names each."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", TracerProvider(sampler=ALWAYS_OFF))
    limits = GatewayLimits(requests_in_flight_max=0)
    opened = open_door(dsn=fresh_database, settings=settings, folder=tmp_path, limits=limits)
    async with opened as door, client_of(door.app, None) as client:
        with capture_logs() as logs:
            answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"
    assert [line["trace_id"] for line in logs] == [answer.json()["trace_id"]]


async def test_slow_body_is_not_waited_for(fresh_database: str, settings: Settings, tmp_path: Path) -> None:
    """A body that trickles in is given up after its time."""

    async def trickle() -> AsyncIterator[bytes]:
        """A body whose end takes its time."""
        yield b"{"
        await asyncio.sleep(5)
        yield b"}"

    limits = GatewayLimits(body_read_timeout_s=0.2)
    opened = open_door(dsn=fresh_database, settings=settings, folder=tmp_path, limits=limits)
    async with opened as door:
        content = trickle()
        # The transport of the tests hands the body over piece by piece, as a server does.
        answered = await raw_post(door, content)
    assert answered == 408


async def raw_post(door: Door, content: AsyncIterator[bytes]) -> int:
    """Post a body piece by piece and return the status."""
    key = await door.join("one")
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        """Hand over the next piece."""
        piece = await anext(content, b"")
        return {"type": "http.request", "body": piece, "more_body": piece != b""}

    async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's own type
        """Note the status."""
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "idempotency-key": "one"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/progress",
        "raw_path": b"/v1/progress",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await door.app(scope, receive, send)
    return statuses[0]


@pytest.mark.requirement("R-DEL-03")
async def test_spans_say_what_was_done_and_nothing_about_whom(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tracing on, a span has listed attributes only, though address, body and headers hold a canary."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    traced = {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "tracestate": f"x={CANARY[:8]}"}
    async with await door.client() as client:
        await client.get(f"/v1/messages/{CANARY}?x={CANARY}", headers=traced)
        await client.post("/v1/progress", json=body(author=CANARY), headers=idempotent() | traced)
    spans = exporter.get_finished_spans()
    assert {span.name for span in spans} == {"http", "take in"}
    for span in spans:
        assert set(span.attributes or {}) <= telemetry.ALLOWED_ATTRIBUTES
        assert span.context is not None
        assert trace.format_trace_id(span.context.trace_id) != "a" * 32, "an id of the sender's choosing"
        assert "Zanzibar" not in span.to_json()
        assert not span.events
