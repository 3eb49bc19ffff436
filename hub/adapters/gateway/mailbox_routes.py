"""The addresses of the mailbox."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from hub.adapters.gateway.agreements import ending_of
from hub.adapters.gateway.body import json_object
from hub.adapters.gateway.mailbox import digest_from, plausible
from hub.adapters.gateway.mailbox_store import Narrowed
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.reference import answers
from hub.adapters.gateway.routes import Caller, Services, accepted, services
from hub.adapters.gateway.signed_acknowledgements import Signed, signed_from
from hub.errors import Fault
from hub.messages.envelope import MessageName
from hub.routing.outcome import Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.adapters.gateway.mailbox import Fetched
    from hub.messages.identifiers import OrganisationId

AVRO = "application/avro"
JSON = "application/json"
LISTED_MAX = 5000
LEASE_S_MAX = 3600
_ANY = {"*/*", "application/*", JSON}
_ITEM = {"delivery", "digest"}
_SIGNATURE = {"at", "jws"}

Limit = Annotated[int | None, Query(ge=1, le=LISTED_MAX, description="Most deliveries on this page.")]
Cursor = Annotated[str | None, Query(max_length=64, description="next_cursor of the page before.")]
Type = Annotated[MessageName | None, Query(alias="message", description="This message type only.")]
Urgent = Annotated[Urgency | None, Query(alias="urgency", description="This urgency only.")]
State = Annotated[
    Literal["available", "fetched", "transported"] | None,
    Query(
        alias="state",
        description="This state only; what a webhook took is `transported` and shown only where asked for.",
    ),
]
Lease = Annotated[
    str | None,
    Query(pattern="^[0-9a-f]{32}$", description="What this lease holds; else what no lease holds."),
]
Most = Annotated[int, Query(alias="max", ge=1, le=LISTED_MAX, description="Most deliveries to lease.")]
Seconds = Annotated[int, Query(ge=1, le=LEASE_S_MAX, description="For how long, in seconds.")]

_OPEN_TO = ("unauthenticated", "organisation-suspended", "organisation-pending", "database-unavailable")
_ONE = (*_OPEN_TO, "not-found", "delivery-expired", "delivery-refused")
_SAID = ("json-invalid", "body-too-large", "content-type-unsupported", "payload-invalid", "request-timeout")
_RECEIPT = (
    *_ONE,
    *_SAID,
    "message-not-agreed",
    "contract-ended",
    "not-caught-up",
    "log-unavailable",
    "idempotency-outstanding",
)
_DELIVERY = "/v1/mailbox/messages/{delivery}"

router = APIRouter(tags=["mailbox"])


@router.get(
    "/v1/mailbox/messages",
    operation_id="list-mailbox",
    summary="What waits for you, oldest first, until you acknowledge it",
    responses=answers(*_OPEN_TO, "parameter-invalid", "not-caught-up"),
)
async def mailbox_page(  # noqa: PLR0913, PLR0917 - one for each parameter
    request: Request,
    organisation: Caller,
    limit: Limit = None,
    cursor: Cursor = None,
    message: Type = None,
    urgency: Urgent = None,
    state: State = None,
    lease: Lease = None,
) -> Response:
    """List one page of an organisation's mailbox."""
    narrowed = Narrowed(messages=_only(message), urgency=urgency, state=state, lease=lease)
    page = await services(request).mailbox.page(
        organisation.organisation, narrowed, limit=limit, cursor=cursor
    )
    return JSONResponse(page)


@router.post(
    "/v1/mailbox/lease",
    operation_id="lease-deliveries",
    summary="Take the oldest deliveries for one of several readers",
    responses=answers(*_OPEN_TO, "parameter-invalid", "not-caught-up"),
)
async def mailbox_lease(
    request: Request,
    organisation: Caller,
    most: Most = 10,
    seconds: Seconds = 60,
    message: Type = None,
    urgency: Urgent = None,
) -> Response:
    """Lease deliveries: until the time is up, or they are acknowledged, no other listing shows them."""
    leased = await services(request).mailbox.lease(
        organisation.organisation,
        Narrowed(messages=_only(message), urgency=urgency),
        limit=most,
        seconds=seconds,
    )
    return JSONResponse(leased)


@router.get(
    "/v1/mailbox/count",
    operation_id="count-mailbox",
    summary="How many deliveries wait for you",
    responses=answers(*_OPEN_TO, "not-caught-up"),
)
async def mailbox_count(request: Request, organisation: Caller) -> Response:
    """Count what waits in an organisation's mailbox."""
    return JSONResponse({"count": await services(request).mailbox.count(organisation.organisation)})


@router.get(
    _DELIVERY,
    operation_id="fetch-delivery",
    summary="One delivery whole, as JSON or as the very Avro bytes",
    responses=answers(*_ONE, "not-acceptable", "content-erased", "not-caught-up"),
)
async def mailbox_fetch(request: Request, organisation: Caller, delivery: str) -> Response:
    """Hand out one delivery; it stays in the mailbox until it is acknowledged."""
    as_avro = _wants_avro(request.headers.get("accept", "*/*"))
    fetched = await services(request).mailbox.fetch(organisation.organisation, delivery)
    return _avro(fetched) if as_avro else _json(fetched)


@router.head(
    _DELIVERY,
    operation_id="look-at-delivery",
    summary="Whether a delivery may be fetched, and its digest; this does not fetch it",
    responses=answers(*_ONE, "not-caught-up"),
)
async def mailbox_head(request: Request, organisation: Caller, delivery: str) -> Response:
    """Say that a delivery is there, without handing it out."""
    seen = await services(request).mailbox.seen(organisation.organisation, delivery)
    numbered = {} if seen.sequence is None else {"Hub-Sequence": str(seen.sequence)}
    return Response(headers={"Hub-Digest": bytes(seen.digest).hex()} | numbered)


@router.put(
    f"{_DELIVERY}/status/acknowledged",
    operation_id="acknowledge-delivery",
    summary="Say that you have a delivery, by the SHA-256 of its framed bytes",
    status_code=204,
    response_class=Response,
    responses=answers(*_ONE, *_SAID, "ack-digest-mismatch", "ack-key-unknown", "ack-signature-invalid"),
)
async def mailbox_acknowledge(request: Request, organisation: Caller, delivery: str) -> Response:
    """Take an acknowledgement; a second one is answered like the first."""
    gateway = services(request)
    document = await _document(request, bytes_max=gateway.limits.acknowledgement_bytes_max)
    if "digest" not in document or document.keys() - {"digest", *_SIGNATURE}:
        fault = Fault(pointer="", rule="required", fix="send digest, where it is signed at and jws, no more")
        code = "payload-invalid"
        raise ProblemError(code, faults=(fault,))
    digest, signature = digest_from(document["digest"]), signed_from(document)
    signed = {} if signature is None else {delivery: signature}
    for problem in (
        await _acknowledged(gateway, organisation.organisation, {delivery: digest}, signed)
    ).values():
        if problem is not None:
            raise problem
    return Response(status_code=204)


@router.post(
    "/v1/mailbox/acknowledge",
    operation_id="acknowledge-deliveries",
    summary="Say that you have several deliveries; each is answered for itself",
    responses=answers(*_OPEN_TO, *_SAID),
)
async def mailbox_acknowledge_several(request: Request, organisation: Caller) -> Response:
    """Take several acknowledgements; what is wrong with one does not touch the others."""
    gateway = services(request)
    document = await _document(request, bytes_max=gateway.limits.acknowledgements_bytes_max)
    digests, signed = _several(document, most=gateway.limits.acknowledgements_max)
    problems = await _acknowledged(gateway, organisation.organisation, digests, signed)
    results = [
        {
            "delivery": delivery,
            "acknowledged": problem is None,
            "code": None if problem is None else problem.code,
        }
        for delivery, problem in problems.items()
    ]
    return JSONResponse({"results": results})


@router.put(
    f"{_DELIVERY}/status/read",
    operation_id="read-delivery",
    summary="Say which role has read a delivery; this goes to the case as a receipt",
    status_code=202,
    responses=answers(*_RECEIPT),
)
async def mailbox_read(request: Request, organisation: Caller, delivery: str) -> Response:
    """Take that somebody has read a delivery; a second time is answered like the first."""
    gateway = services(request)
    document = await _document(request, bytes_max=gateway.limits.receipt_bytes_max)
    return accepted(*await gateway.receipts.read(organisation, delivery, document))


@router.put(
    f"{_DELIVERY}/status/refused",
    operation_id="refuse-delivery",
    summary="Say that you will not have a delivery, and why; this goes to the case as a receipt",
    status_code=202,
    responses=answers(*_RECEIPT, "delivery-taken"),
)
async def mailbox_refuse(request: Request, organisation: Caller, delivery: str) -> Response:
    """Take a refusal; a second time is answered like the first."""
    gateway = services(request)
    document = await _document(request, bytes_max=gateway.limits.receipt_bytes_max)
    return accepted(*await gateway.receipts.refused(organisation, delivery, document))


def _only(message: MessageName | None) -> tuple[str, ...] | None:
    return None if message is None else (message.value,)


async def _document(request: Request, *, bytes_max: int) -> dict[str, object]:
    limits = services(request).limits
    return await json_object(
        request,
        bytes_max=bytes_max,
        depth_max=limits.json_depth_max,
        timeout_s=limits.body_read_timeout_s,
    )


async def _acknowledged(
    gateway: Services,
    organisation: OrganisationId,
    digests: Mapping[str, bytes | None],
    signed: Mapping[str, Signed],
) -> dict[str, ProblemError | None]:
    """Acknowledge what is not signed, or signed well; returns for each delivery what is wrong with it."""
    # What is no id is not verified: the answer would tell it again.
    meant = {delivery: each for delivery, each in signed.items() if plausible(delivery) == delivery}
    proofs, wrong = await gateway.signed.verified(organisation, meant)
    taken = {delivery: digest for delivery, digest in digests.items() if delivery not in wrong}
    codes = await gateway.mailbox.acknowledge(organisation, taken, proofs=proofs) if taken else {}
    refused = {delivery: None if code is None else ProblemError(code) for delivery, code in codes.items()}
    return {delivery: wrong.get(delivery) or refused[delivery] for delivery in digests}


def _several(document: dict[str, object], *, most: int) -> tuple[dict[str, bytes | None], dict[str, Signed]]:
    """Return the digests named and what is signed, by delivery; ProblemError names every wrong item."""
    items = document.get("deliveries")
    if document.keys() != {"deliveries"} or not isinstance(items, list) or not 0 < len(items) <= most:
        fix = f"send deliveries, a list of 1 to {most} of delivery and digest, and nothing else"
        code = "payload-invalid"
        raise ProblemError(code, faults=(Fault(pointer="/deliveries", rule="required", fix=fix),))
    digests: dict[str, bytes | None] = {}
    signed: dict[str, Signed] = {}
    faults = []
    for place, item in enumerate(items):
        try:
            delivery, digest, signature = _named(item)
        except ProblemError:
            fix = (
                "give delivery and digest, the SHA-256 as 64 lower-case hexadecimal digits; at and jws, "
                "if it is signed"
            )
            faults.append(Fault(pointer=f"/deliveries/{place}", rule="pattern", fix=fix))
            continue
        if delivery in digests:
            fix = "name each delivery once"
            faults.append(Fault(pointer=f"/deliveries/{place}", rule="unique", fix=fix))
        digests[delivery] = digest
        if signature is not None:
            signed[delivery] = signature
    if faults:
        code = "payload-invalid"
        raise ProblemError(code, faults=tuple(faults))
    return digests, signed


def _named(item: object) -> tuple[str, bytes, Signed | None]:
    if isinstance(item, dict) and item.keys() - _SIGNATURE == _ITEM and isinstance(item["delivery"], str):
        return item["delivery"], digest_from(item["digest"]), signed_from(item)
    code = "payload-invalid"
    raise ProblemError(code)


def _wants_avro(accept: str) -> bool:
    """Choose the representation before looking whether there is anything to represent."""
    wanted = {kind.partition(";")[0].strip().lower() for kind in accept.split(",")}
    if AVRO in wanted:
        return True
    if wanted & _ANY:
        return False
    code = "not-acceptable"
    raise ProblemError(code)


def _json(fetched: Fetched) -> Response:
    body = fetched.document() | {"sequence": fetched.sequence}
    headers = {"Hub-Digest": fetched.digest, "Hub-Sequence": str(fetched.sequence), "Vary": "Accept"}
    return JSONResponse(body, headers=headers | ending_of(fetched.headers))


def _avro(fetched: Fetched) -> Response:
    """Answer the framed bytes with the envelope in headers, named as CloudEvents names them over HTTP."""
    envelope = {
        name.replace("ce_", "ce-", 1): value
        for name, value in fetched.headers.items()
        if name != "content-type"
    }
    digest = base64.b64encode(hashlib.sha256(fetched.framed).digest()).decode()
    headers = (
        ending_of(fetched.headers)
        | envelope
        | {
            "Hub-Digest": fetched.digest,
            "Hub-Sequence": str(fetched.sequence),
            "Repr-Digest": f"sha-256=:{digest}:",
            "Vary": "Accept",
        }
    )
    return Response(fetched.framed, media_type=AVRO, headers=headers)
