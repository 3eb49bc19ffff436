"""The gateway's addresses and what stands behind each; every one but the first few needs a credential."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from hub.adapters import telemetry
from hub.adapters.gateway.agreements import ending
from hub.adapters.gateway.body import json_object
from hub.adapters.gateway.idempotency import ACCEPTED, idempotency_key
from hub.adapters.gateway.identity import Identity, admitted
from hub.adapters.gateway.intake import Intake, Post
from hub.adapters.gateway.parameters import check_known
from hub.adapters.gateway.problems import PROBLEMS, ProblemError
from hub.adapters.gateway.reference import answers
from hub.consent.parties import Organisation
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hub.adapters.gateway.agreements import Agreements
    from hub.adapters.gateway.case_records import CaseRecords
    from hub.adapters.gateway.idempotency import Answer
    from hub.adapters.gateway.limits import GatewayLimits
    from hub.adapters.gateway.mailbox import Mailbox
    from hub.adapters.gateway.mesh import Mesh
    from hub.adapters.gateway.rates import Rates
    from hub.adapters.gateway.receipts import Receipts
    from hub.adapters.gateway.signed_acknowledgements import SignedAcknowledgements
    from hub.adapters.gateway.status import MessageStates
    from hub.adapters.gateway.store import GatewayStore
    from hub.adapters.gateway.stream import Streams
    from hub.adapters.webhooks.endpoints import Endpoints

_NOT_PLURAL = MessageName.PROGRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the addresses call upon."""

    identity: Identity
    intake: Intake
    mailbox: Mailbox
    receipts: Receipts
    signed: SignedAcknowledgements
    mesh: Mesh
    streams: Streams
    states: MessageStates
    agreements: Agreements
    store: GatewayStore
    rates: Rates
    limits: GatewayLimits
    body_bytes_max: int
    redelivery_days: int
    records: CaseRecords | None = None
    """Who reads case records; a gateway put together without one finds none."""
    endpoints: Endpoints | None = None
    """Where to deliveries are pushed; a gateway put together without has none."""


def route_of(message: MessageName) -> str:
    """Return the address a message type is posted to: its name in the plural, but progress."""
    return f"/v1/{message}" if message is _NOT_PLURAL else f"/v1/{message}s"


POSTED = tuple(message for message in MessageName if message is not MessageName.EXCEPTION)
"""What an organisation may be allowed to send; exceptions are reported by the hub alone (R-MSG-11)."""


def services(request: Request) -> Services:
    """Return what this application was put together from."""
    found = request.app.state.services
    if not isinstance(found, Services):
        message = "create_gateway sets the services"
        raise TypeError(message)
    return found


async def caller(request: Request) -> AsyncIterator[Organisation]:
    """Say which organisation calls, known by its credential alone, and count its request until it ends."""
    gateway = services(request)
    organisation = admitted(await gateway.identity.identify(request.headers))
    with gateway.rates.admitted(organisation.organisation):
        check_known(request)
        yield organisation


Caller = Annotated[Organisation, Depends(caller)]
DryRun = Annotated[bool, Query(description="Answer what a real post would answer; store and send nothing.")]

router = APIRouter()


def _taking(message: MessageName) -> Callable[[Request, Organisation, bool], Awaitable[Response]]:
    route = route_of(message)

    async def take(request: Request, organisation: Caller, dry_run: DryRun = False) -> Response:  # noqa: FBT002
        gateway = services(request)
        key = idempotency_key(
            request.headers.get("idempotency-key"), chars_max=gateway.limits.idempotency_key_chars_max
        )
        document = await json_object(
            request,
            bytes_max=gateway.body_bytes_max,
            depth_max=gateway.limits.json_depth_max,
            timeout_s=gateway.limits.body_read_timeout_s,
        )
        post = Post(
            organisation=organisation,
            message=message,
            route=route,
            idempotency_key=key,
            document=document,
            dry_run=dry_run,
            contract=await gateway.agreements.sending(organisation.organisation, message),
        )
        with telemetry.span(
            "take in", hub_message=message, hub_organisation=organisation.organisation, hub_dry_run=dry_run
        ):
            if message is MessageName.RECEIPT:
                await gateway.receipts.check_digest(organisation, document)
            answer = await gateway.intake.take(post)
        return accepted(post, answer)

    return take


def accepted(post: Post, answer: Answer) -> Response:
    """Answer that a message was taken, or would be."""
    # In one order, for jsonb keeps none: a repeat is answered byte for byte like the first.
    said = dict(sorted(answer.body.items()))
    headers = ending(post.contract) | ({"Idempotent-Replayed": "true"} if answer.replayed else {})
    if post.dry_run:
        return JSONResponse(said | {"dry_run": True}, ACCEPTED, headers=headers | {"Hub-Dry-Run": "true"})
    return JSONResponse(said, ACCEPTED, headers=headers | {"Location": str(said["status_url"])})


for _message in POSTED:
    router.add_api_route(
        route_of(_message),
        _taking(_message),
        methods=["POST"],
        status_code=ACCEPTED,
        operation_id=f"post-{_message}",
        summary=f"Post a {_message} message",
        tags=["messages"],
        responses=answers(
            "json-invalid",
            "parameter-invalid",
            "idempotency-missing",
            "idempotency-invalid",
            "unauthenticated",
            "quota-exceeded",
            "organisation-suspended",
            "message-not-agreed",
            "version-not-agreed",
            "contract-ended",
            "request-timeout",
            "idempotency-outstanding",
            "body-too-large",
            "content-type-unsupported",
            "payload-invalid",
            "contract-unknown",
            "idempotency-mismatch",
            "log-unavailable",
            "database-unavailable",
            "organisation-pending",
            *(("ack-digest-mismatch",) if _message is MessageName.RECEIPT else ()),
        ),
    )


@router.get(
    "/v1/messages/{message}",
    operation_id="get-message-state",
    summary="How far one of your messages has come: accepted, routed or refused",
    tags=["messages"],
    responses=answers(
        "unauthenticated", "organisation-suspended", "not-found", "database-unavailable", "not-caught-up"
    ),
)
async def message_state(request: Request, organisation: Caller, message: str) -> Response:
    """Tell a sender, and nobody else, how far a message has come."""
    return JSONResponse(await services(request).states.state(organisation.organisation, message))


@router.get(
    "/v1/contracts",
    operation_id="list-contracts",
    summary="What is agreed with you on each message, until when, and what is kept back",
    tags=["contracts"],
    responses=answers("unauthenticated", "organisation-suspended", "database-unavailable"),
)
async def contracts(request: Request, organisation: Caller) -> Response:
    """Show an organisation its own contracts."""
    return JSONResponse(await services(request).agreements.listing(organisation.organisation))


@router.get(
    "/problems/{code}", operation_id="get-problem", summary="What a problem means", tags=["reference"]
)
async def problem(code: str) -> Response:
    """Show a problem's entry; its address is the problem's type."""
    found = PROBLEMS.get(code)
    if found is None:
        missing = "not-found"
        raise ProblemError(missing)
    lines = (
        f"{found.code}: {found.status} {found.title}",
        found.meaning,
        f"Fix: {found.fix}",
        f"Retryable: {'yes' if found.retryable else 'no'}",
    )
    return PlainTextResponse("\n\n".join(lines) + "\n")


@router.get(
    "/healthz", operation_id="get-health", summary="Whether this process is alive", tags=["reference"]
)
async def health() -> Response:
    """Say that the process answers; what it needs is asked at /readyz."""
    return JSONResponse({"status": "alive"})


@router.get(
    "/readyz",
    operation_id="get-readiness",
    summary="Whether the gateway can do its work",
    tags=["reference"],
    responses=answers("database-unavailable"),
)
async def ready(request: Request) -> Response:
    """Say whether the database answers, and which partitions the projector cannot go on with.

    Those do not make the gateway unready: what is posted is taken, only mailboxes fall behind.
    """
    stopped = await services(request).store.standstills()
    told = [
        {
            "topic": each.topic,
            "partition": each.partition,
            "code": each.code,
            "since": each.since.isoformat(),
        }
        for each in stopped
    ]
    return JSONResponse({"status": "ready", "projector_stopped": told})
