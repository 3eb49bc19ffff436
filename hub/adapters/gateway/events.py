"""Domain events of the prison system over HTTP, as they are (R-MSG-05, R-RTE-01).

The event says by prison number who it is about; the hub finds the case. Whether it has found one is not told
here, as with any message: an event about nobody the hub knows goes the same way, and the router refuses it.
A number anybody may know or guess, so what became of the event is told to nobody but the prison service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from hub.adapters import telemetry
from hub.adapters.gateway.body import json_object
from hub.adapters.gateway.event_described import NOT_NEEDED, TAKE_EVENT
from hub.adapters.gateway.idempotency import ACCEPTED, Answer, Attempt
from hub.adapters.gateway.identity import may_send
from hub.adapters.gateway.intake import Post
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.reference import answers
from hub.adapters.gateway.routes import Caller, DryRun, accepted, services
from hub.consent.parties import EVERY_PRISON
from hub.errors import InvalidBody
from hub.messages.envelope import MessageName
from hub.topics.hmpps import event_in, mapped
from hub.topics.pairwise import message_id
from hub.topics.person_index import nobodys_reference, number_digest
from hub.topics.strict_json import canonical_digest

if TYPE_CHECKING:
    from hub.adapters.gateway.routes import Services
    from hub.consent.parties import Organisation
    from hub.topics.hmpps import Mapped

ROUTE = "/v1/hmpps-events"
router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """An event, and the message it is to the hub."""

    document: dict[str, object]
    message: Mapped


@router.post(
    ROUTE,
    operation_id=TAKE_EVENT,
    status_code=ACCEPTED,
    summary="Hand on a domain event of the prison system, as it is",
    tags=["messages"],
    responses={
        200: dict(NOT_NEEDED),
        **answers(
            "json-invalid",
            "parameter-invalid",
            "unauthenticated",
            "organisation-suspended",
            "message-not-agreed",
            "version-not-agreed",
            "contract-ended",
            "request-timeout",
            "idempotency-outstanding",
            "body-too-large",
            "content-type-unsupported",
            "payload-invalid",
            "log-unavailable",
            "database-unavailable",
            "organisation-pending",
        ),
    },
)
async def take_event(request: Request, organisation: Caller, dry_run: DryRun = False) -> Response:  # noqa: FBT002
    """Take an event; it names itself by what it says, so that it needs no Idempotency-Key."""
    gateway = services(request)
    may_send(organisation, MessageName.PRISON_EVENT)
    document = await json_object(
        request,
        bytes_max=gateway.body_bytes_max,
        depth_max=gateway.limits.json_depth_max,
        timeout_s=gateway.limits.body_read_timeout_s,
    )
    event = _event(document, depth_max=gateway.limits.json_depth_max)
    if event is None:
        telemetry.count("hub.gateway.events_not_needed", hub_organisation=organisation.organisation)
        return JSONResponse({"state": "not-needed"})
    post = await _post(gateway, organisation, event, dry_run=dry_run)
    with telemetry.span(
        "take in", hub_message=post.message, hub_organisation=organisation.organisation, hub_dry_run=dry_run
    ):
        answer = await _taken(gateway, event, post)
    return accepted(post, answer)


def _event(document: dict[str, object], *, depth_max: int) -> _Event | None:
    try:
        inside = event_in(document, depth_max=depth_max)
        message = mapped(inside)
    except InvalidBody as error:
        code = "payload-invalid"
        raise ProblemError(code, faults=error.faults) from None
    return None if message is None else _Event(document=inside, message=message)


async def _taken(gateway: Services, event: _Event, post: Post) -> Answer:
    """Take the event; a sender that is not the prison service is answered by what it has sent alone.

    The message it becomes is named with its case, so its state and its repeats tell whether there is one.
    Such a sender gets a name of the event itself, under which no message is ever decided: it stays accepted.
    """
    intake, own = gateway.intake, post.organisation.organisation
    if post.organisation.prison == EVERY_PRISON:
        return await intake.take(post)
    digest = canonical_digest(event.document)
    named = message_id(intake.keys, organisation=own, route=ROUTE, idempotency_key=digest)
    attempt = Attempt(organisation=own, route=ROUTE, message_id=named, digest=digest, counts=False)
    try:
        taken = await intake.take(post)
    except ProblemError as error:
        # Whether this very message was taken before depends on the case; whether the event was does not.
        answered = None if error.problem.retryable else await intake.once_only.replay(attempt)
        if answered is None:
            raise
        return answered
    reference = intake.pairwise.message(own, named)
    answer = taken.body | {"message": reference, "status_url": f"/v1/messages/{reference}"}
    if post.dry_run:
        return await intake.once_only.foresee(attempt, answer=answer)
    return await intake.once_only.run(attempt, answer=answer, append=_taken_already)


async def _taken_already() -> None:
    """Append nothing: the log has the event."""


async def _post(gateway: Services, organisation: Organisation, event: _Event, *, dry_run: bool) -> Post:
    """Return the event as a post on the case of its person, or on none."""
    message, intake, own = event.message.message, gateway.intake, organisation.organisation
    found = await gateway.store.case_of(number_digest(intake.keys, event.message.person))
    unknown = nobodys_reference(intake.keys, event.message.person)
    case = unknown if found is None else intake.pairwise.case(own, found)
    return Post(
        organisation=organisation,
        message=message,
        route=ROUTE,
        # With the case: an event that came before the case was known may come again when it is.
        idempotency_key=f"{canonical_digest(event.document)}/{case}",
        document=event.message.document(contract=intake.library.newest(message), case=case),
        dry_run=dry_run,
        contract=await gateway.agreements.sending(own, message),
    )
