"""An organisation asks to hear of alerts, and asks for the end of that; staff approve (R-RTE-08).

Its own only: unknown, malformed and another's are one and the same 404.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from hub.adapters.database import asked_for
from hub.adapters.gateway.body import json_object
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.reference import answers
from hub.adapters.gateway.routes import Caller, services
from hub.consent.subscriptions import subscription_from
from hub.errors import Fault
from hub.messages.identifiers import derived_id

if TYPE_CHECKING:
    from hub.adapters.database.asked_for import AskedFor

ROUTE = "/v1/subscriptions"
_ID = re.compile(r"[0-9a-f]{32}")
_OPEN_TO = ("unauthenticated", "organisation-suspended", "database-unavailable")

router = APIRouter()


@router.post(
    ROUTE,
    operation_id="ask-for-subscription",
    summary="Ask to be considered for alerts by type, level, region and caseload; staff approve, once",
    tags=["subscriptions"],
    responses=answers(
        *_OPEN_TO,
        "json-invalid",
        "body-too-large",
        "content-type-unsupported",
        "request-timeout",
        "payload-invalid",
    ),
)
async def ask(request: Request, organisation: Caller) -> Response:
    """Take what an organisation asks for; the same asked again is the one there is."""
    gateway = services(request)
    document = await json_object(
        request,
        bytes_max=gateway.limits.acknowledgement_bytes_max,
        depth_max=gateway.limits.json_depth_max,
        timeout_s=gateway.limits.body_read_timeout_s,
    )
    if "name" in document:
        raise _invalid("subscriptions.name: the hub gives it")
    try:
        wanted = subscription_from(document)
    except ValueError as error:
        raise _invalid(str(error)) from None
    if wanted.managed_by is not None and await gateway.store.organisation(wanted.managed_by) is None:
        raise _invalid("subscriptions.managed_by: the short name of an organisation the hub knows")
    asked = {
        name: sorted(map(str, value)) if isinstance(value, list) else value
        for name, value in document.items()
        if value not in (None, [])
    }
    own = organisation.organisation
    named = derived_id("subscription", own, json.dumps(asked, sort_keys=True))
    async with gateway.store.pool.connection(timeout=gateway.store.wait_s_max) as connection:
        found = await asked_for.ask(connection, named, own, asked)
    if found is None:
        raise _invalid(f"subscriptions: at most {asked_for.SUBSCRIPTIONS_MAX}; end one first")
    return JSONResponse(_shown(found))


@router.get(
    ROUTE,
    operation_id="list-subscriptions",
    summary="What you have asked for, and what was said to it",
    tags=["subscriptions"],
    responses=answers(*_OPEN_TO),
)
async def listed(request: Request, organisation: Caller) -> Response:
    """List an organisation's own subscriptions, newest first."""
    store = services(request).store
    async with store.pool.connection(timeout=store.wait_s_max) as connection:
        found = await asked_for.listed(
            connection, organisation=organisation.organisation, limit=10 * asked_for.SUBSCRIPTIONS_MAX
        )
    return JSONResponse({"subscriptions": [_shown(each) for each in found]})


@router.delete(
    ROUTE + "/{subscription}",
    operation_id="end-subscription",
    summary="Take back what is not settled, or ask for the end of what is in force",
    tags=["subscriptions"],
    responses=answers(*_OPEN_TO, "not-found"),
)
async def end(request: Request, organisation: Caller, subscription: str) -> Response:
    """Note that an organisation wants no more of it."""
    store = services(request).store
    async with store.pool.connection(timeout=store.wait_s_max) as connection:
        named = subscription if _ID.fullmatch(subscription) else ""
        found = await asked_for.ask_end(connection, named, organisation.organisation)
    if found is None:
        code = "not-found"
        raise ProblemError(code)
    return JSONResponse(_shown(found))


def _invalid(said: str) -> ProblemError:
    field, _, rule = said.removeprefix("subscriptions").lstrip(".").partition(":")
    fault = Fault(pointer=f"/{field}" if field else "", rule="subscription", fix=f"send {rule.strip()}")
    code = "payload-invalid"
    return ProblemError(code, faults=(fault,))


def _shown(each: AskedFor) -> dict[str, object]:
    return {
        "subscription": each.subscription_id,
        "asked": each.asked,
        "state": each.state,
        "asked_at": each.asked_at.isoformat(),
        "settled_at": None if each.settled_at is None else each.settled_at.isoformat(),
    }
