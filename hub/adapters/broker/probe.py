"""Asks a Kafka whether it serves requests yet, in a few bytes and without a client library.

The client library takes longer to import than the broker takes to answer, and starting is on the
clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_API_VERSIONS = 18
_FIND_COORDINATOR = 10
_GROUP, _TRANSACTION = 0, 1
_POLL_S = 0.03
_ONE_ANSWER_S = 2.0


async def wait_until_answers(address: str, timeout_s: float, check: Callable[[], None] | None = None) -> bool:
    """Whether the broker serves requests within the time; `check` may raise when waiting is in vain."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if check is not None:
            check()
        answer = await _ask(address, _API_VERSIONS, 0, b"")
        if answer is not None and answer[:2] == b"\0\0":
            return True
        await asyncio.sleep(_POLL_S)
    return False


async def warm_up(address: str) -> None:
    """Make a fresh broker create its two internal topics now, so that the first transaction need not wait."""
    for kind in (_GROUP, _TRANSACTION):
        await _ask(address, _FIND_COORDINATOR, 1, _string("hub-warm-up") + bytes([kind]))


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">h", len(data)) + data


async def _ask(address: str, api: int, version: int, body: bytes) -> bytes | None:
    """One request on its own connection; the answer's body, or nothing if it can't be had."""
    host, _, port = address.rpartition(":")
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(_ONE_ANSWER_S):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            request = struct.pack(">hhi", api, version, 1) + _string("hub-probe") + body
            writer.write(struct.pack(">i", len(request)) + request)
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            return (await reader.readexactly(size))[4:]
    except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
        return None
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
