"""What tests of event streams stand on: a gateway on a port, a line to it that can be cut, a client."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from httpx_sse import aconnect_sse

from hub.app.roles import listen, serve_http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI
    from httpx_sse import ServerSentEvent

    from hub.settings import Settings

EVENTS = "/v1/mailbox/events"


@asynccontextmanager
async def serving(app: FastAPI, settings: Settings) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The gateway on a port of its own; its address, and what stops it."""
    listening, stop = listen(settings), asyncio.Event()
    task = asyncio.create_task(serve_http(app, listening, stop, grace_s=5))
    host, port = listening.getsockname()[:2]
    try:
        yield f"http://{host}:{port}", stop
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task
        listening.close()


@dataclass
class Line:
    """A TCP line to the gateway."""

    to: int
    port: int = 0
    cuts: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where a client calls."""
        return f"http://127.0.0.1:{self.port}"

    async def carries(self) -> bool:
        """Whether somebody is connected."""
        return bool(self._writers)

    def cut(self) -> None:
        """Break off every connection, as a failing network does: nobody says goodbye."""
        open_, self._writers = self._writers, set()
        self.cuts += bool(open_)
        for each in open_:
            each.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(4096):
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
            self._writers.discard(writer)


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A line to this address."""
    line = Line(to=httpx.URL(url).port or 80)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        line.cut()


@asynccontextmanager
async def following(
    url: str, key: str, *, last: str | None = None
) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
    """A stream as httpx-sse reads it."""
    headers = {"Authorization": f"Bearer {key}"} | ({"Last-Event-ID": last} if last else {})
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as http,
        aconnect_sse(http, "GET", EVENTS) as source,
    ):
        source.response.raise_for_status()
        yield source.aiter_sse()


async def told(url: str, key: str, number: int, *, last: str | None = None) -> list[ServerSentEvent]:
    """The first so many events of a stream."""
    found = []
    async with following(url, key, last=last) as events, asyncio.timeout(15):
        async for each in events:
            found.append(each)
            if len(found) == number:
                break
    return found


def delivery_of(event: ServerSentEvent) -> str:
    """The delivery that a notice is about."""
    said: dict[str, Any] = json.loads(event.data)
    return str(said["delivery"])
