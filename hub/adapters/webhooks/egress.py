"""The one way out: a request to an approved endpoint, and what came of it.

Each attempt looks at its address anew: the text, then every address its host name leads to, then a connection
to one of exactly these. No redirect is followed, no proxy of the environment asked, no more of an answer
taken than bounds allow. It is made on httpcore and not on httpx, which can do more than may be done here.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpcore

from hub.adapters.webhooks.addresses import is_forbidden
from hub.adapters.webhooks.limits import EgressLimits
from hub.adapters.webhooks.outcomes import Answered, Code, NotAnswered
from hub.adapters.webhooks.pinned import HeadTooLarge, Pin, Resolver, SystemResolver, TooLate
from hub.adapters.webhooks.target import Target, TargetRefused, Url
from hub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub.adapters.webhooks.addresses import Address

USER_AGENT = "partner-integration-message-hub"
_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_REDIRECTS = range(300, 400)


class ForbiddenAddress(HubError):
    """A host name leads where nothing may be sent."""

    code = "E_FORBIDDEN_ADDRESS"


class NotLookedUp(HubError):
    """Nobody said in time where a host name leads."""

    code = "E_DNS"


def tls_context() -> ssl.SSLContext:
    """Return what TLS is spoken with: certificates of the usual authorities, version 1.2 at least."""
    context = httpcore.default_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@dataclass(slots=True)
class _Attempt:
    """What is known of an attempt so far."""

    began_s: float
    before_s: float
    pin: Pin | None = None
    status: int | None = None
    retry_after: str | None = None

    def elapsed_s(self) -> float:
        return time.monotonic() - self.began_s

    def answered(self, body: bytes, *, whole: bool) -> Answered | NotAnswered:
        """Say what the answer's head said; a body that does not come changes nothing of it."""
        assert self.status is not None  # noqa: S101 - only called once the head is read
        if self.status in _REDIRECTS:
            return NotAnswered(
                code=Code.REDIRECT, ambiguous=True, elapsed_s=self.elapsed_s(), status=self.status
            )
        return Answered(
            status=self.status,
            retry_after=self.retry_after,
            body=body,
            body_is_whole=whole,
            elapsed_s=self.elapsed_s(),
        )

    def not_answered(self, error: Exception) -> Answered | NotAnswered:
        """Say why there was no answer, or what the head said where that had been read."""
        if self.status is not None:
            return self.answered(b"", whole=False)
        has_sent = self.pin is not None and self.pin.has_sent
        return NotAnswered(code=_code_of(error), ambiguous=has_sent, elapsed_s=self.elapsed_s())


@dataclass(frozen=True, slots=True)
class _Line:
    """A connection, and where it goes."""

    connection: httpcore.AsyncHTTPConnection
    pin: Pin


class Egress:
    """Sends to endpoints, and keeps some connections; whoever calls bounds how many it sends at once."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Resolver | None = None,
        limits: EgressLimits | None = None,
    ) -> None:
        """Take what to trust and whom to ask for addresses; both as this machine does unless given."""
        self._limits = limits or EgressLimits()
        self._tls = tls or tls_context()
        self._system = SystemResolver(self._limits.lookups_at_once_max)
        self._resolve: Resolver = resolve or self._system
        self._idle: OrderedDict[str, deque[_Line]] = OrderedDict()

    async def post(
        self,
        target: Target,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        before_s: float = math.inf,
    ) -> Answered | NotAnswered:
        """Send the body to the address, if that is the target's; what the other side does is no error.

        Nothing is sent that would begin to leave later than `before_s` of the monotonic clock.
        """
        attempt = _Attempt(time.monotonic(), before_s)
        try:
            async with asyncio.timeout(self._limits.total_timeout_s):
                place = target.take(url)
                addresses = await self._looked_up(place, target, before_s=before_s)
                line = await self._line(target, place, addresses)
                attempt.pin = line.pin
                return await self._exchange(attempt, line, target, _request(place, headers, body))
        except (
            TargetRefused,
            ForbiddenAddress,
            NotLookedUp,
            HeadTooLarge,
            TooLate,
            httpcore.TimeoutException,
            httpcore.NetworkError,
            httpcore.RemoteProtocolError,
            OSError,
        ) as error:
            return attempt.not_answered(error)

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            await _close(self._idle.popitem()[1])
        self._system.close()

    async def _looked_up(self, place: Url, target: Target, *, before_s: float) -> Sequence[Address]:
        """Return every address of the host, if something may be sent to each of them."""
        try:
            async with asyncio.timeout(self._limits.lookup_timeout_s):
                found = await self._resolve(place.host.strip("[]"), place.port)
        except TimeoutError as error:
            message = "the host name was not looked up in time"
            raise NotLookedUp(message) from error
        if time.monotonic() > before_s:
            message = "the host name was looked up too late"
            raise NotLookedUp(message)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        if any(not each.is_loopback if target.on_loopback else is_forbidden(each) for each in found):
            message = "the host name leads where nothing may be sent"
            raise ForbiddenAddress(message, fix="give a host whose every address is its own on the Internet")
        return found

    async def _line(self, target: Target, place: Url, addresses: Sequence[Address]) -> _Line:
        """Return a connection kept of this endpoint that goes to one of the addresses, or a new one."""
        await self._sweep()
        origin = httpcore.Origin(place.scheme.encode(), place.host.strip("[]").encode(), place.port)
        kept = self._idle.get(target.endpoint_id, deque())
        while kept:
            line = kept.pop()
            usable = line.pin.address in addresses and line.connection.can_handle_request(origin)
            if usable and line.connection.is_idle() and not line.connection.has_expired():
                return line
            await _close(deque([line]))
        pin = Pin(addresses, self._limits)
        return _Line(
            httpcore.AsyncHTTPConnection(
                origin, ssl_context=self._tls, keepalive_expiry=self._limits.idle_s, network_backend=pin
            ),
            pin,
        )

    async def _exchange(
        self, attempt: _Attempt, line: _Line, target: Target, request: httpcore.Request
    ) -> Answered | NotAnswered:
        line.pin.begin(attempt.before_s)
        response: httpcore.Response | None = None
        try:
            response = await line.connection.handle_async_request(request)
            line.pin.head_is_read()
            attempt.status, attempt.retry_after = response.status, _header(response, b"retry-after")
            body, whole = await self._read(response)
        finally:
            if response is not None:
                await response.aclose()
            await self._put_back(target, line)
        return attempt.answered(body, whole=whole)

    async def _read(self, response: httpcore.Response) -> tuple[bytes, bool]:
        body = bytearray()
        async for chunk in response.aiter_stream():
            body += chunk
            if len(body) > self._limits.body_bytes_max:
                return bytes(body[: self._limits.body_bytes_max]), False
        return bytes(body), True

    async def _put_back(self, target: Target, line: _Line) -> None:
        """Keep a connection that could take another request; close any other, and those kept longest."""
        if not line.connection.is_idle() or line.connection.is_closed():
            await _close(deque([line]))
            return
        kept = self._idle.setdefault(target.endpoint_id, deque())
        self._idle.move_to_end(target.endpoint_id)
        kept.append(line)
        if len(kept) > self._limits.idle_per_endpoint_max:
            await _close(deque([kept.popleft()]))
        if len(self._idle) > self._limits.endpoints_kept_max:
            await _close(self._idle.popitem(last=False)[1])

    async def _sweep(self) -> None:
        """Close what has waited too long of the endpoints least lately sent to."""
        while self._idle:
            endpoint_id, kept = next(iter(self._idle.items()))
            if not all(line.connection.has_expired() for line in kept):
                return
            del self._idle[endpoint_id]
            await _close(kept)


async def _close(lines: deque[_Line]) -> None:
    """Close these; taken out one by one, so that whoever looks there meanwhile finds none of them."""
    while lines:
        await lines.popleft().connection.aclose()


def _request(place: Url, headers: Mapping[str, str], body: bytes) -> httpcore.Request:
    sent = {
        "Host": place.host_header,
        "User-Agent": USER_AGENT,
        "Accept-Encoding": "identity",
        **headers,
        "Content-Length": str(len(body)),
    }
    url = httpcore.URL(
        scheme=place.scheme.encode(),
        host=place.host.strip("[]").encode(),
        port=place.port,
        target=place.target.encode(),
    )
    return httpcore.Request(
        b"POST", url, headers=[(name.encode(), value.encode()) for name, value in sent.items()], content=body
    )


def _header(response: httpcore.Response, wanted: bytes) -> str | None:
    """Return the first header of that name."""
    return next((value.decode("latin-1") for name, value in response.headers if name.lower() == wanted), None)


def _code_of(error: Exception) -> Code:
    """Name what went wrong."""
    if isinstance(error, HubError):
        return Code(error.code)
    if isinstance(error, socket.gaierror):
        return Code.NO_ADDRESS if error.errno in _NO_SUCH_NAME else Code.DNS
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return Code.TLS
    if isinstance(error, TimeoutError | httpcore.TimeoutException):
        return Code.TIMEOUT
    return Code.CONNECTION
