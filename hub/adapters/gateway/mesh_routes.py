"""The addresses of the MESH face; described in docs/reference/mesh.md, for the API is not the hub's own."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from hub.adapters.gateway.body import bounded
from hub.adapters.gateway.identity import admitted
from hub.adapters.gateway.mesh import HUB_MAILBOX, Mesh, filtered, unpacked, workflow_of
from hub.adapters.gateway.mesh_answers import PREFIX, MeshJson
from hub.adapters.gateway.mesh_identity import mailbox_of
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.routes import services
from hub.adapters.gateway.store import DATABASE_GONE
from hub.consent.parties import Organisation
from hub.errors import NotCaughtUp
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.adapters.gateway.mailbox import Fetched
    from hub.adapters.gateway.mailbox_store import SeenRow
    from hub.adapters.gateway.mesh import Part

_HUBS_FAULT, _TOO_MANY = 500, 429
_RANGE = re.compile(r" *([1-9][0-9]{0,3}) *: *([1-9][0-9]{0,3}) *")
_ACCEPTED = 202

Most = Annotated[int, Query(alias="max_results", ge=10, le=5000)]
From = Annotated[str | None, Query(alias="continue_from", max_length=64)]
Filter = Annotated[str | None, Query(alias="workflow_filter", min_length=2, max_length=255)]
Types = Annotated[list[MessageName] | None, Query(alias="type", max_length=len(MessageName))]
Number = Annotated[int, Path(ge=1, le=9999)]
Tracked = Annotated[str, Query(alias="messageID", min_length=1, max_length=200)]

public_router = APIRouter(prefix=PREFIX, include_in_schema=False)
router = APIRouter(prefix=f"{PREFIX}/{{mailbox}}", include_in_schema=False)


def _mesh(request: Request) -> Mesh:
    return services(request).mesh


async def mesh_caller(request: Request, mailbox: str) -> AsyncIterator[Organisation]:
    """Yield the organisation whose token came with the request, and count the request until it ends.

    A token is good once. A request that is to be sent again as it is, because the hub could not serve it or
    there were too many, may bring it again.
    """
    mesh = _mesh(request)
    found = await mesh.identity.identify(request.headers.get("authorization", ""), mailbox)
    try:
        organisation = admitted(None if found is None else found.party)
        with services(request).rates.admitted(organisation.organisation):
            yield organisation
    except (NotCaughtUp, ProblemError, *DATABASE_GONE) as error:
        status = error.problem.status if isinstance(error, ProblemError) else _HUBS_FAULT
        again = status >= _HUBS_FAULT or status == _TOO_MANY
        if found is not None and again:
            with contextlib.suppress(*DATABASE_GONE):
                await mesh.store.free_nonce(found.nonce)
        raise


Caller = Annotated[Organisation, Depends(mesh_caller)]


@public_router.get("/_ping")
async def ping() -> Response:
    """Say that somebody is there."""
    return MeshJson({"status": "up"})


@router.get("")
@router.post("")
async def handshake(organisation: Caller) -> Response:
    """Say that the token is good."""
    return MeshJson({"mailboxId": mailbox_of(organisation.organisation)})


@router.get("/count")
async def count(request: Request, organisation: Caller) -> Response:
    """Count what waits."""
    return MeshJson({"count": await _mesh(request).mailbox.count(organisation.organisation)})


@router.get("/inbox")
async def inbox(
    request: Request,
    organisation: Caller,
    most: Most = 500,
    continue_from: From = None,
    workflow_filter: Filter = None,
    types: Types = None,
) -> Response:
    """List what waits, oldest first. Links name the types a filter lets through, never its own words."""
    mesh, own = _mesh(request), organisation.organisation
    messages = filtered(workflow_filter) if types is None else tuple(sorted(each.value for each in types))
    found, more = await mesh.inbox(own, most=most, continue_from=continue_from, messages=messages)
    asked = [("max_results", str(most)), *(("type", each) for each in messages or ())]
    address = f"{PREFIX}/{mailbox_of(own)}/inbox?"
    links = {"self": address + urlencode(asked)}
    if more is not None:
        links["next"] = address + urlencode([*asked, ("continue_from", more)])
    return MeshJson({"messages": found, "links": links, "approx_inbox_count": await mesh.mailbox.count(own)})


@router.head("/inbox/{delivery}")
async def look(request: Request, organisation: Caller, delivery: str) -> Response:
    """Say that a delivery is there, without handing it out."""
    mesh, own = _mesh(request), organisation.organisation
    return Response(headers=_headers(own, await mesh.mailbox.seen(own, delivery.lower())))


@router.get("/inbox/{delivery}")
async def download(request: Request, organisation: Caller, delivery: str) -> Response:
    """Hand out a delivery, or the first part of it."""
    own = organisation.organisation
    return _part(own, await _mesh(request).download(own, delivery, 1))


@router.get("/inbox/{delivery}/{chunk}")
async def download_chunk(request: Request, organisation: Caller, delivery: str, chunk: Number) -> Response:
    """Hand out one part of a delivery."""
    own = organisation.organisation
    return _part(own, await _mesh(request).download(own, delivery, chunk))


@router.put("/inbox/{delivery}/status/acknowledged")
async def acknowledge(request: Request, organisation: Caller, delivery: str) -> Response:
    """Take an acknowledgement; a second one is answered like the first."""
    await _mesh(request).acknowledge(organisation.organisation, delivery)
    return Response()


@router.post("/outbox")
async def send(request: Request, organisation: Caller) -> Response:
    """Take a message in, or the first part of one."""
    mesh, said = _mesh(request), request.headers
    chunk, chunks = _range(request, 1, first=True)
    sending = mesh.sending(
        organisation,
        to=said.get("mex-to"),
        workflow=said.get("mex-workflowid"),
        local_id=said.get("mex-localid"),
    )
    raw = await _body(request)
    if chunks == 1:
        reference = await mesh.send(sending, raw)
    else:
        await mesh.keep(sending, raw, chunk=chunk, chunks=chunks)
        reference = sending.message_id
    return MeshJson({"message_id": reference}, _ACCEPTED)


@router.get("/outbox/tracking")
async def tracking(request: Request, organisation: Caller, message: Tracked) -> Response:
    """Tell a sender how far a message has come; who got it is not said."""
    mesh, own = _mesh(request), organisation.organisation
    if await mesh.store.kept(own, message):
        return MeshJson({"message_id": message, "status": "uploading", "recipient": HUB_MAILBOX})
    state = await mesh.states.state(own, message)
    refusal = state["refusal"]
    body: dict[str, object] = {
        "message_id": message,
        "workflow_id": workflow_of(str(state["type"])),
        "recipient": HUB_MAILBOX,
        "status": "error" if state["state"] == "refused" else state["state"],
        "status_success": state["state"] != "refused",
    }
    if state["decided_at"] is not None:
        body["status_timestamp"] = state["decided_at"]
    if isinstance(refusal, dict):
        body |= {"status_code": refusal["code"], "status_description": refusal["detail"]}
    return MeshJson(body)


@router.post("/outbox/{message}/{chunk}")
async def send_chunk(request: Request, organisation: Caller, message: str, chunk: Number) -> Response:
    """Take a further part of a message."""
    _, chunks = _range(request, chunk, first=False)
    raw = await _body(request)
    await _mesh(request).go_on(organisation, message, raw, chunk=chunk, chunks=chunks)
    return MeshJson({"message_id": message, "block_id": chunk}, _ACCEPTED)


async def _body(request: Request) -> bytes:
    gateway = services(request)
    raw = await bounded(
        request, bytes_max=gateway.body_bytes_max, timeout_s=gateway.limits.body_read_timeout_s
    )
    coding = request.headers.get("content-encoding", "").strip().lower()
    return unpacked(raw, coding, bytes_max=gateway.body_bytes_max)


def _range(request: Request, chunk: int, *, first: bool) -> tuple[int, int]:
    """Return which part of how many comes; the header must say of the same part as the address."""
    said = request.headers.get("mex-chunk-range", "")
    if first and not said.strip():
        return 1, 1
    read = _RANGE.fullmatch(said)
    chunks_max = services(request).limits.mesh_chunks_max
    if read is None or int(read[1]) != chunk or not chunk <= int(read[2]) <= chunks_max:
        code = "mesh-chunk-invalid"
        raise ProblemError(code)
    return chunk, int(read[2])


def _headers(organisation: str, delivery: SeenRow | Fetched) -> dict[str, str]:
    name = delivery.delivery_id.upper()
    return {
        "Mex-From": HUB_MAILBOX,
        "Mex-To": mailbox_of(organisation),
        "Mex-WorkflowID": workflow_of(delivery.message),
        "Mex-MessageID": name,
        "Mex-MessageType": "DATA",
        "Mex-FileName": f"{name}.json",
    }


def _part(organisation: str, part: Part) -> Response:
    headers = _headers(organisation, part.fetched) | {
        "Mex-Chunk-Range": f"{part.chunk}:{part.chunks}",
        "Mex-Total-Chunks": str(part.chunks),
        "Hub-Digest": part.fetched.digest,
        "Hub-Sequence": str(part.fetched.sequence),
    }
    status = 200 if part.chunk == part.chunks else 206
    return Response(part.content, status, headers=headers, media_type="application/json")
