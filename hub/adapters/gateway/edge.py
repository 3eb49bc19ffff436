"""The outermost layer: bounds on time and number, headers on every answer, one line of log, no leak.

Nothing a request says reaches the log: a line names the method, the route's template, the status, the
time taken and the trace the gateway began for the request, whose id a 5xx answer quotes. What goes
wrong inside is logged by the name of its class and the place it came from, because the text of an
error may quote a message.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import MutableHeaders

from hub.adapters import telemetry
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.refusing import refusal as answer_to
from hub.adapters.gateway.store import DATABASE_GONE
from hub.adapters.gateway.stream import MEDIA_TYPE as EVENT_STREAM
from hub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from hub.adapters.gateway.limits import GatewayLimits

_LOG = structlog.get_logger("hub.gateway")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FRAMES_SHOWN = 3


@dataclass(slots=True)
class _Exchange:
    """One request on its way out."""

    scope: Scope
    send: Send
    leave: Callable[[], None]
    """Gives up the request's place among those that are handled."""
    deadline: asyncio.Timeout | None = None
    streams: bool = False
    """True once it is an event stream: it may last for hours, and has bounds of its own."""
    status: int = 0
    started_at: float = field(default_factory=time.perf_counter)

    async def answer(self, message: Message) -> None:
        """Pass the answer on with the headers every answer has; once begun, it may take its time."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.deadline is not None:
                self.deadline.reschedule(None)
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith(EVENT_STREAM):
                self.streams = True
                self.leave()
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self.send(message)

    @property
    def route(self) -> str:
        """The route's template, which holds no identifier."""
        return str(getattr(self.scope.get("route"), "path", "unmatched"))


class Edge:
    """Wraps the gateway's application."""

    def __init__(self, app: ASGIApp, *, limits: GatewayLimits) -> None:
        """Guard this application by these limits."""
        self._app = app
        self._limits = limits
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self._leave)
        self._in_flight += 1
        with telemetry.span("http", http_request_method=_method(scope)) as current:
            try:
                await self._handle(exchange, receive, current)
            finally:
                if not exchange.streams:
                    self._leave()
                telemetry.say(current, http_route=exchange.route, http_response_status_code=exchange.status)
                self._log(exchange)

    async def _handle(self, exchange: _Exchange, receive: Receive, current: Span) -> None:
        if self._in_flight > self._limits.requests_in_flight_max:
            await self._refuse(exchange, receive, ProblemError("overloaded", retry_after_s=1))
            return
        try:
            async with asyncio.timeout(self._limits.request_timeout_s) as exchange.deadline:
                await self._app(exchange.scope, receive, exchange.answer)
        except Exception as error:  # noqa: BLE001 - the outermost loop: whatever it is, the sender is told
            telemetry.fail(current, error)
            await self._refuse(exchange, receive, self._told(error))

    def _leave(self) -> None:
        self._in_flight -= 1

    def _told(self, error: Exception) -> ProblemError:
        """Return what the sender is told of an error, having told the operator more."""
        if isinstance(error, TimeoutError):
            return ProblemError("timed-out", retry_after_s=self._limits.retry_after_s)
        name, trace_id = type(error).__name__, telemetry.trace_id()
        if isinstance(error, DATABASE_GONE):
            _LOG.warning("gateway.database_unavailable", error=name, trace_id=trace_id)
            return ProblemError("database-unavailable", retry_after_s=self._limits.retry_after_s)
        code = error.code if isinstance(error, HubError) else None
        _LOG.error("gateway.failed", error=name, code=code, at=_places(error), trace_id=trace_id)
        return ProblemError("internal")

    async def _refuse(self, exchange: _Exchange, receive: Receive, refusal: ProblemError) -> None:
        """Answer with a problem, unless an answer has begun: then the connection is simply broken off."""
        if exchange.status == 0:
            exchange.deadline = None
            await answer_to(exchange.scope["path"], refusal)(exchange.scope, receive, exchange.answer)

    def _log(self, exchange: _Exchange) -> None:
        seconds = time.perf_counter() - exchange.started_at
        if not exchange.streams:
            telemetry.measure(
                "hub.gateway.request",
                seconds,
                unit="s",
                http_route=exchange.route,
                http_response_status_code=exchange.status,
            )
        _LOG.info(
            "gateway.request",
            method=_method(exchange.scope),
            route=exchange.route,
            status=exchange.status,
            milliseconds=round(seconds * 1000, 1),
            trace_id=telemetry.trace_id(),
        )


def _method(scope: Scope) -> str:
    """Return the method, or OTHER for one that is not HTTP's own: that too is text from outside."""
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return scope["method"] if scope["method"] in known else "OTHER"


def _places(error: BaseException) -> list[str]:
    """Return where an error came from, innermost last, without its text."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_SHOWN:]
    return [f"{frame.name}:{frame.lineno}" for frame in frames]
