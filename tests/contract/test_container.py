"""What the hub asks of a Docker engine, seen by an engine that only takes notes.

No engine runs where these tests do. This one speaks enough of Docker's interface for testcontainers to
create, start and remove a container, and keeps every request.
"""

from __future__ import annotations

import http.server
import json
import re
import socketserver
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hub.adapters import broker
from hub.adapters.broker import container, probe
from hub.errors import Unreachable
from hub.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.settings import Settings

ID = "c0ffee" * 8
REFUSED = {"message": "no such image"}
ANSWERS: dict[str, Any] = {
    r"GET /_ping": "OK",
    r"GET /version": {"ApiVersion": "1.44", "Version": "28.0"},
    r"GET /info": {"OperatingSystem": "notes"},
    r"GET /images/.+/json": {"Id": "sha256:1", "RepoTags": [container.IMAGE]},
    r"POST /containers/create": {"Id": ID, "Warnings": []},
    r"GET /containers/.+/json": {
        "Id": ID,
        "Name": "/kafka",
        "Image": "sha256:1",
        "State": {"Status": "running", "Running": True},
        "Config": {"Labels": {}, "Image": container.IMAGE},
        "NetworkSettings": {"Ports": {}, "Networks": {}},
    },
}


class _Notes(socketserver.ThreadingUnixStreamServer):
    """An engine that takes notes."""

    daemon_threads = True

    def __init__(self, path: str) -> None:
        """Listen on a Unix socket."""
        self.requests: list[tuple[str, Any]] = []
        super().__init__(path, _Answer)

    def handle_error(self, *_: object) -> None:
        """A client that hangs up early, as a ping does, is no news."""


class _Answer(http.server.BaseHTTPRequestHandler):
    """One request to the engine."""

    server: _Notes
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = f"{self.command} {re.sub(r'^/v1[.][0-9]+', '', self.path)}"
        self.server.requests.append((asked, json.loads(body) if body else None))
        found = next((answer for pattern, answer in ANSWERS.items() if re.match(pattern, asked)), "")
        data = (found if isinstance(found, str) else json.dumps(found)).encode()
        self.send_response(500 if found == REFUSED else 200 if data else 204)
        self.send_header("Content-Type", "application/json")
        if data:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - the library's names

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's signature
        """Keep quiet."""

    def address_string(self) -> str:
        """A Unix socket has no address."""
        return "unix"


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Notes]:
    """A note-taking engine, where Docker's client will look for one."""
    path = tmp_path_factory.mktemp("e") / "s"
    notes = _Notes(str(path))
    thread = threading.Thread(target=notes.serve_forever)
    thread.start()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    monkeypatch.setattr("testcontainers.core.config.testcontainers_config.ryuk_disabled", True)
    yield notes
    notes.shutdown()
    thread.join()
    notes.server_close()


async def _at_once(*_: object) -> bool:
    return True


async def test_a_container_is_asked_for_on_loopback_and_removed_afterwards(
    engine: _Notes, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "wait_until_answers", _at_once)
    monkeypatch.setattr(probe, "warm_up", _at_once)
    async with broker.find_or_start(settings) as kafka:
        assert kafka.origin == "container"
        assert "this machine only" in kafka.notice
    made = next(body for asked, body in engine.requests if asked.startswith("POST /containers/create"))
    port = kafka.address.split(":")[1]
    assert made["Image"] == "apache/kafka:4.3.1"
    assert made["HostConfig"]["PortBindings"] == {"9092/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}
    assert f"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://{kafka.address}" in made["Env"]
    assert "KAFKA_PROCESS_ROLES=broker,controller" in made["Env"]
    asked = [each for each, _ in engine.requests]
    assert any(each.startswith(f"POST /containers/{ID}/start") for each in asked)
    assert any(each.startswith(f"DELETE /containers/{ID}") for each in asked)


async def test_a_container_that_never_answers_is_removed_and_told(engine: _Notes, settings: Settings) -> None:
    quick = settings.model_copy(update={"broker_start_timeout_s": 0.2, "broker": "container"})
    with pytest.raises(Unreachable, match="did not answer") as failure:
        async with broker.find_or_start(quick):
            pass
    assert "HUB_BROKER=process" in failure.value.fix
    assert any(each.startswith(f"DELETE /containers/{ID}") for each, _ in engine.requests)


async def test_an_engine_that_runs_nothing_is_passed_over_and_that_is_told(
    engine: _Notes, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    del engine
    monkeypatch.setitem(ANSWERS, r"POST /containers/create", REFUSED)
    async with broker.find_or_start(settings) as kafka:
        assert kafka.origin == "process"
        assert "Docker was passed over" in kafka.notice


def test_an_engine_is_asked_for_only_on_this_machine(
    engine: _Notes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert container.engine_answers(load())
    assert engine.requests[0][0] == "GET /_ping"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    assert not container.engine_answers(load())
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    assert not container.engine_answers(load())
