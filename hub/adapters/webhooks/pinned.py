"""Connections that go to an address looked at before, and nowhere else, whatever the name says by then.

TLS still verifies the host name: httpcore asks for that of the origin, and only the connection below it is
ours. The stream counts what comes before an answer's status, and notes when the request begins to leave.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol

import httpcore

from hub.errors import HubError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Sequence

    from hub.adapters.webhooks.addresses import Address
    from hub.adapters.webhooks.limits import EgressLimits

READ_BYTES_MAX = 16_384


class HeadTooLarge(HubError):
    """More came before the answer's body than is taken."""

    code = "E_RESPONSE_TOO_LARGE"


class TooLate(HubError):
    """Connecting took so long that what is to be sent would have to be looked at again."""

    code = "E_TIMEOUT"


class Resolver(Protocol):
    """Says to which addresses a name leads now."""

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Return all of them; raises socket.gaierror where there are none."""


class SystemResolver:
    """Asks as this machine asks, in threads of its own, and about each name in one thread at a time.

    A question goes on after whoever asked has given up, for as long as the name's servers like. Who asks the
    same meanwhile waits for its answer: else one name would take all threads.
    """

    def __init__(self, threads_max: int) -> None:
        """Start no thread before the first question."""
        self._threads = ThreadPoolExecutor(threads_max, thread_name_prefix="webhook-lookup")
        self._asked: dict[str, asyncio.Future[list[Address]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Look the name up; an address is its own answer."""
        with contextlib.suppress(ValueError):
            return [ip_address(host)]
        # With a dot at its end the name is whole: no search domain of this machine is put behind it.
        name = f"{host}." if "." in host else host
        asked = self._asked.get(name)
        if asked is None:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, _addresses, name, port)
            self._asked[name] = asked
            asked.add_done_callback(lambda done: self._answered(name, done))
        return await asyncio.shield(asked)

    def _answered(self, name: str, asked: asyncio.Future[list[Address]]) -> None:
        """Ask anew the next time. An error that nobody waits for any more is none."""
        del self._asked[name]
        if not asked.cancelled():
            asked.exception()

    def close(self) -> None:
        """Let the threads go; one that hangs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(name: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(place[0]) for *_, place in found))


class Stream(httpcore.AsyncNetworkStream):
    """One connection, as httpcore uses it."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, pin: Pin) -> None:
        """Wrap a connection made to the pinned address."""
        self._inner = inner
        self._pin = pin

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Read no more than may still come before the body."""
        left = self._pin.head_bytes_left
        if left == 0:
            message = "the head of the answer is too large"
            raise HeadTooLarge(message)
        wanted = min(max_bytes, READ_BYTES_MAX, READ_BYTES_MAX if left is None else left)
        data = await self._inner.read(wanted, timeout)
        if left is not None:
            self._pin.head_bytes_left = left - len(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Send, if it is not too late to begin; from here on the request may have arrived."""
        if not self._pin.has_sent and time.monotonic() > self._pin.before_s:
            message = "the connection was made too late"
            raise TooLate(message)
        self._pin.has_sent = True
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore.AsyncNetworkStream:
        """Shake hands, in what is left of the time to connect."""
        del timeout
        try:
            over_tls = await self._inner.start_tls(ssl_context, server_hostname, self._pin.left_s())
        except BaseException:
            # A handshake that is cancelled would leave the connection open.
            with contextlib.suppress(Exception):
                await self._inner.aclose()
            raise
        return Stream(over_tls, self._pin)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's
        """Tell what the connection tells."""
        return self._inner.get_extra_info(info)


class Pin(httpcore.AsyncNetworkBackend):
    """Makes one connection to one of the addresses it was given, and keeps account of its exchanges."""

    def __init__(self, addresses: Sequence[Address], limits: EgressLimits) -> None:
        """Take addresses that have been looked at, the first to be tried first."""
        self.address: Address | None = None
        self.has_sent = False
        self.before_s = math.inf
        self.head_bytes_left: int | None = None
        self._addresses = addresses[: limits.addresses_tried_max]
        self._limits = limits
        self._inner = httpcore.AnyIOBackend()
        self._connect_until_s = 0.0

    def begin(self, before_s: float) -> None:
        """Count anew: a request is to be sent, its first byte before that moment of the monotonic clock."""
        self.has_sent, self.before_s = False, before_s
        self.head_bytes_left = self._limits.head_bytes_max

    def head_is_read(self) -> None:
        """Count no longer: what follows is the body."""
        self.head_bytes_left = None

    def left_s(self) -> float:
        """How much is left of the time to connect."""
        return max(self._connect_until_s - time.monotonic(), 0.001)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the addresses in turn, each in its share of the time; the host's name is not asked."""
        del host, timeout
        self._connect_until_s = time.monotonic() + self._limits.connect_timeout_s
        failed: Exception | None = None
        for tried, address in enumerate(self._addresses):
            share_s = self.left_s() / (len(self._addresses) - tried)
            try:
                stream = await self._inner.connect_tcp(
                    str(address), port, share_s, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                self.address = address
                return Stream(stream, self)
        raise failed or httpcore.ConnectError("no address")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
