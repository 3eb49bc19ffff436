"""The address at which an organisation follows its mailbox."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from hub.adapters.gateway.reference import answers
from hub.adapters.gateway.routes import Caller, services
from hub.adapters.gateway.stream import EventStream

LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", description="The id of the last event you had; go on after it.")
]

router = APIRouter()


@router.get(
    "/v1/mailbox/events",
    operation_id="follow-mailbox",
    summary="A notice of each delivery as soon as it waits for you, as server-sent events",
    tags=["mailbox"],
    response_class=Response,
    responses=answers(
        "unauthenticated",
        "organisation-suspended",
        "too-many-streams",
        "database-unavailable",
        "overloaded",
    ),
)
async def mailbox_events(
    request: Request, organisation: Caller, last_event_id: LastEventId = None
) -> Response:
    """Follow an organisation's mailbox; what a notice is about is fetched at its url."""
    return EventStream(services(request).streams, organisation.organisation, last_event_id)
