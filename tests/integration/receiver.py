"""A partner's server as tests run it: real HTTP on loopback, each answer chosen by the test, all kept."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HANGS = 0
"""Answered in the place of a status: nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    answered: int

    @property
    def id(self) -> str:
        """The webhook's id."""
        return self.headers["webhook-id"]

    @property
    def document(self) -> dict[str, Any]:
        """The body as JSON."""
        return dict(json.loads(self.body))


Answering = "Callable[[str, dict[str, str], bytes], Awaitable[tuple[int, dict[str, str], bytes]]]"


@dataclass(slots=True)
class Receiver:
    """Answers 200 unless told otherwise; handshakes are echoed."""

    port: int = 0
    statuses: dict[str, list[int]] = field(default_factory=dict)
    """By path, what to answer next; the last goes on for ever. HANGS: no answer."""
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    under_way: dict[str, int] = field(default_factory=dict)
    most_under_way: dict[str, int] = field(default_factory=dict)
    """By lane, how many requests were answered at once at most."""
    delay_s: float = 0.0
    echoes: bool = True

    def url(self, path: str = "/hooks") -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def stored(self, path: str | None = None) -> list[Received]:
        """What was answered 2xx, but handshakes."""
        return [each for each in self.got(path) if 200 <= each.answered < 300]

    def got(self, path: str | None = None) -> list[Received]:
        """What came, but handshakes."""
        return [
            each for each in self.received if not each.id.startswith("verify_") and path in {None, each.path}
        ]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer request after request of one connection."""
        try:
            while line := await reader.readline():
                path = line.split()[1].decode()
                headers: dict[str, str] = {}
                while (entry := await reader.readline()) not in {b"\r\n", b""}:
                    name, _, value = entry.decode().partition(":")
                    headers[name.strip().lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                await self._answer(path, headers, body, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, path: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        document = json.loads(body)
        if headers["webhook-id"].startswith("verify_"):
            echo = document["data"]["challenge"].encode() if self.echoes else b"hello"
            self._keep(path, headers, body, 200)
            await _write(writer, 200, echo, {})
            return
        lane = document["hub"]["lane"]
        self.under_way[lane] = self.under_way.get(lane, 0) + 1
        self.most_under_way[lane] = max(self.most_under_way.get(lane, 0), self.under_way[lane])
        try:
            told = self.statuses.get(path, [200])
            status = told.pop(0) if len(told) > 1 else told[0]
            if status == HANGS:
                self._keep(path, headers, body, HANGS)
                await asyncio.sleep(60)
                return
            await asyncio.sleep(self.delay_s)
            self._keep(path, headers, body, status)
            await _write(writer, status, b"", self.headers)
        finally:
            self.under_way[lane] -= 1

    def _keep(self, path: str, headers: dict[str, str], body: bytes, status: int) -> None:
        kept = Received(path=path, headers=headers, body=body, at=time.monotonic(), answered=status)
        self.received.append(kept)


async def _write(writer: asyncio.StreamWriter, status: int, body: bytes, headers: dict[str, str]) -> None:
    said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{said}\r\n".encode() + body)
    await writer.drain()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    made = Receiver()
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            connections.add(task)
            task.add_done_callback(connections.discard)
        # A cancelled handler would be reported as a fault of the server's.
        with suppress(asyncio.CancelledError):
            await made.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
