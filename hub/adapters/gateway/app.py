"""Puts the gateway together: intake and mailbox over HTTP, for organisations known by their credential.

    app = create_gateway(pool=…, intake=…, library=…, pairwise=…, keys=…, settings=…)

It holds no state between requests, so it may run as often as wished.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

import hub
from hub.adapters.gateway.assembly import Assembly
from hub.adapters.gateway.cases import router as cases_router
from hub.adapters.gateway.edge import Edge
from hub.adapters.gateway.endpoints import router as endpoints_router
from hub.adapters.gateway.events import router as events_router
from hub.adapters.gateway.limits import GatewayLimits, StreamLimits
from hub.adapters.gateway.mailbox_routes import router as mailbox_router
from hub.adapters.gateway.mesh_routes import public_router as mesh_public_router
from hub.adapters.gateway.mesh_routes import router as mesh_router
from hub.adapters.gateway.parameters import faults_in
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.recovery import router as recovery_router
from hub.adapters.gateway.reference import openapi_document
from hub.adapters.gateway.refusing import refusal
from hub.adapters.gateway.registry import router as registry_router
from hub.adapters.gateway.registry_answers import RegistryError
from hub.adapters.gateway.routes import router
from hub.adapters.gateway.stream_routes import router as stream_router
from hub.adapters.gateway.subscriptions import router as subscriptions_router
from hub.errors import NotCaughtUp
from hub.messages.identifiers import Instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from hub.adapters.database.freshness import Ends
    from hub.adapters.database.pool import Pool
    from hub.adapters.gateway.case_records import CaseRecords
    from hub.adapters.gateway.identity import Identity
    from hub.adapters.gateway.intake import IntakeLog
    from hub.adapters.webhooks.endpoints import Endpoints
    from hub.settings import Settings
    from hub.topics.library import SchemaLibrary
    from hub.topics.pairwise import Pairwise
    from hub.topics.sealing import Keys

_NS_PER_MS = 1_000_000
NOT_CAUGHT_UP_RETRY_S = 5
_NOT_FOUND, _METHOD_NOT_ALLOWED = 404, 405
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI's own records whole addresses and the text of exceptions; the gateway's spans come from `Edge`."""


def create_gateway(  # noqa: PLR0913 - the composition root hands over one thing each
    *,
    pool: Pool,
    intake: IntakeLog,
    library: SchemaLibrary,
    pairwise: Pairwise,
    keys: Keys,
    settings: Settings,
    identity: Identity | None = None,
    limits: GatewayLimits | None = None,
    stream_limits: StreamLimits | None = None,
    ends: Ends | None = None,
    now: Callable[[], Instant] | None = None,
    records: CaseRecords | None = None,
    endpoints: Endpoints | None = None,
) -> FastAPI:
    """Return the gateway as an ASGI application; without an identity given, bearer keys prove it.

    `ends` says where the router's topics end: mailboxes wait for the projection to come so far. `now` is
    the hub's time, by which contracts begin and end; without it this machine's. `records` reads the single
    case record, `endpoints` knows where to organisations have deliveries pushed.
    """
    bounds = limits or GatewayLimits()
    app = FastAPI(
        title="Partner Integration Message Hub",
        version=hub.__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.state.services = Assembly(
        pool=pool,
        intake=intake,
        library=library,
        pairwise=pairwise,
        keys=keys,
        settings=settings,
        limits=bounds,
        stream_limits=stream_limits or StreamLimits(),
        ends=ends,
        now=now or _now,
    ).services(identity=identity, records=records, endpoints=endpoints)
    app.include_router(router)
    app.include_router(stream_router)
    app.include_router(mailbox_router)
    app.include_router(mesh_public_router)
    app.include_router(mesh_router)
    app.include_router(events_router)
    app.include_router(cases_router)
    app.include_router(endpoints_router)
    app.include_router(recovery_router)
    app.include_router(subscriptions_router)
    app.include_router(registry_router)
    app.add_middleware(Edge, limits=bounds)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(NotCaughtUp, _not_caught_up)
    app.add_exception_handler(RegistryError, _registry_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _wrong_parameter)
    app.openapi = lambda: openapi_document(app, library)  # type: ignore[method-assign]
    return app


def _now() -> Instant:
    return Instant(time.time_ns() // _NS_PER_MS)


async def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return refusal(request.scope["path"], error)


async def _not_caught_up(request: Request, _: Exception) -> Response:
    return refusal(request.scope["path"], ProblemError("not-caught-up", retry_after_s=NOT_CAUGHT_UP_RETRY_S))


async def _registry_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, RegistryError):
        raise error
    return error.response()


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer what the router itself refuses: an address or a method there is not."""
    if not isinstance(error, HTTPException):
        raise error
    code = {_NOT_FOUND: "not-found", _METHOD_NOT_ALLOWED: "method-not-allowed"}.get(
        error.status_code, "internal"
    )
    return refusal(request.scope["path"], ProblemError(code, headers=error.headers))


async def _wrong_parameter(request: Request, error: Exception) -> Response:
    """Name the query parameters at fault, never what they held."""
    if not isinstance(error, RequestValidationError):
        raise error
    faults = faults_in(error.errors())
    return refusal(request.scope["path"], ProblemError("parameter-invalid", faults=faults))
