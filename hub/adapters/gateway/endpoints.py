"""An organisation's own endpoints: how they stand, proved, paused, resumed, and their secret changed.

Adding one, and removing it, is for staff: they approve the address. Another's endpoint and none are one 404.
How much waits is told as the mailbox tells it: of what is held from an organisation, nothing counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.reference import answers
from hub.adapters.gateway.routes import Caller, services
from hub.adapters.webhooks.endpoints import UNKNOWN, EndpointRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hub.adapters.webhooks.endpoints import Endpoint, Endpoints
    from hub.consent.parties import Organisation

_BUSY_RETRY_S = 5
_USUAL = ("unauthenticated", "organisation-suspended", "database-unavailable")
_COUNTING = (*_USUAL, "not-caught-up")
_NO_STORE = {"Cache-Control": "no-store"}

router = APIRouter()


def _endpoints(request: Request) -> Endpoints:
    found = services(request).endpoints
    if found is None:
        code = "not-found"
        raise ProblemError(code)
    return found


async def _done(request: Request, organisation: Organisation, work: Awaitable[Endpoint]) -> Response:
    """Answer with the endpoint as it stands once this is done, or say why not."""
    try:
        done = await work
        await services(request).mailbox.freshness.wait()
        found = await _endpoints(request).one(done.endpoint_id, organisation=organisation.organisation)
    except EndpointRefused as refused:
        raise _problem(refused) from None
    return JSONResponse(found.document(), headers=_NO_STORE)


def _problem(refused: EndpointRefused) -> ProblemError:
    # That there is no such endpoint is told like all else that is not there.
    code = "not-found" if refused.code == UNKNOWN else refused.code
    return ProblemError(code, retry_after_s=_BUSY_RETRY_S if code == "endpoint-busy" else None)


@router.get(
    "/v1/endpoints",
    operation_id="list-endpoints",
    summary="Your endpoints: what they take, how they stand, how much waits for them",
    tags=["webhooks"],
    responses=answers(*_COUNTING),
)
async def listed(request: Request, organisation: Caller) -> Response:
    """Show an organisation its endpoints."""
    endpoints = _endpoints(request)
    await services(request).mailbox.freshness.wait()
    found = await endpoints.own(organisation.organisation)
    return JSONResponse({"endpoints": [each.document() for each in found]})


@router.get(
    "/v1/webhook-keys",
    operation_id="list-webhook-keys",
    summary="The public key by which every webhook's v1a signature is verified",
    tags=["webhooks"],
    responses=answers(*_USUAL),
)
async def keys(request: Request, organisation: Caller) -> Response:  # noqa: ARG001 - only a caller is told
    """Show the public half of the hub's signing key, raw and as a key set."""
    return JSONResponse(dict(_endpoints(request).secrets.published()))


_VERBS: dict[str, tuple[str, Callable[[Endpoints, str, str], Awaitable[Endpoint]], tuple[str, ...]]] = {
    "verify": (
        "Have your endpoint prove itself, or try it out: it is sent a signed handshake",
        lambda endpoints, one, own: endpoints.verify(one, organisation=own),
        ("endpoint-unproved", "endpoint-busy"),
    ),
    "pause": (
        "Have nothing pushed to your endpoint for now; it waits, and the mailbox has it",
        lambda endpoints, one, own: endpoints.pause(one, organisation=own),
        ("endpoint-state",),
    ),
    "resume": (
        "Have deliveries pushed to your endpoint again, oldest first",
        lambda endpoints, one, own: endpoints.resume(one, organisation=own),
        ("endpoint-state",),
    ),
}


def _doing(
    verb: Callable[[Endpoints, str, str], Awaitable[Endpoint]],
) -> Callable[[Request, Organisation, str], Awaitable[Response]]:
    async def do(request: Request, organisation: Caller, endpoint: str) -> Response:
        work = verb(_endpoints(request), endpoint, organisation.organisation)
        return await _done(request, organisation, work)

    return do


for _name, (_summary, _verb, _codes) in _VERBS.items():
    router.add_api_route(
        f"/v1/endpoints/{{endpoint}}/{_name}",
        _doing(_verb),
        methods=["POST"],
        operation_id=f"{_name}-endpoint",
        summary=_summary,
        tags=["webhooks"],
        responses=answers("not-found", *_codes, *_COUNTING),
    )


@router.post(
    "/v1/endpoints/{endpoint}/rotate-secret",
    operation_id="rotate-endpoint-secret",
    summary="Get a new secret, shown only now; the one before it goes on signing for 24 hours",
    tags=["webhooks"],
    responses=answers("not-found", "endpoint-busy", *_USUAL),
)
async def rotate(request: Request, organisation: Caller, endpoint: str) -> Response:
    """Make a new secret for an organisation's own endpoint."""
    try:
        secret = await _endpoints(request).rotate_secret(endpoint, organisation=organisation.organisation)
    except EndpointRefused as refused:
        raise _problem(refused) from None
    return JSONResponse({"endpoint": endpoint, "secret": secret}, headers=_NO_STORE)
