"""What has not arrived, seen and asked for again by its recipient itself: its own deliveries only.

Unknown, malformed, another's, held, stopped and never disclosed are one and the same 404, found by one
statement. What is offered again is what was decided; whether it may still go is looked at when it goes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from hub.adapters.database.recovering import READY, SPENT, WAITS, Meant, foreseen, remedy
from hub.adapters.database.remedied import By, Remedy
from hub.adapters.database.undelivered import own_undelivered
from hub.adapters.gateway.mailbox_routes import Limit
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.reference import answers
from hub.adapters.gateway.routes import Caller, services

LISTED_USUALLY = 100
_ID = re.compile(r"[0-9a-f]{32}")
WINDOW_DAYS_MAX = 14
"""How far back what has not arrived is listed."""

router = APIRouter()


@router.get(
    "/v1/deliveries/undelivered",
    operation_id="list-undelivered",
    summary="What of the last 14 days you have not acknowledged, and where it is stuck",
    tags=["mailbox"],
    responses=answers(
        "parameter-invalid",
        "unauthenticated",
        "organisation-suspended",
        "database-unavailable",
        "not-caught-up",
    ),
)
async def undelivered(request: Request, organisation: Caller, limit: Limit = None) -> Response:
    """List what an organisation has not acknowledged, newest first."""
    gateway = services(request)
    await gateway.mailbox.freshness.wait()
    most = limit or LISTED_USUALLY
    async with gateway.store.pool.connection(timeout=gateway.store.wait_s_max) as connection:
        found = await own_undelivered(
            connection,
            organisation=organisation.organisation,
            since=datetime.now(UTC) - timedelta(days=WINDOW_DAYS_MAX),
            limit=most + 1,
        )
    deliveries = [
        {
            "delivery": each.delivery_id,
            "type": each.message,
            "urgency": each.urgency,
            "available_at": each.available_at.isoformat(),
            "reason": each.reason,
            "detail": each.detail,
            "due_at": None if each.due_at is None else each.due_at.isoformat(),
            "url": f"/v1/mailbox/messages/{each.delivery_id}",
        }
        for each in found[:most]
    ]
    return JSONResponse({"deliveries": deliveries, "more": len(found) > most})


@router.post(
    "/v1/deliveries/{delivery}/redeliver",
    operation_id="redeliver-delivery",
    summary="Have one of your deliveries offered to you again, under its own id",
    tags=["mailbox"],
    status_code=204,
    response_class=Response,
    responses=answers(
        "unauthenticated",
        "organisation-suspended",
        "not-found",
        "redelivered-too-often",
        "database-unavailable",
        "not-caught-up",
    ),
)
async def redeliver(request: Request, organisation: Caller, delivery: str) -> Response:
    """Let a recipient have a delivery again, also one it has acknowledged: its system may have lost it."""
    gateway = services(request)
    await gateway.mailbox.freshness.wait()
    own = organisation.organisation
    meant = Meant(organisation=own, delivery=delivery if _ID.fullmatch(delivery) else "", itself=own)
    async with gateway.store.pool.connection(timeout=gateway.store.wait_s_max) as connection:
        await connection.set_autocommit(True)
        try:
            found = await foreseen(connection, Remedy.REDELIVERED, meant)
            standing = found[0].standing if found else ""
            if standing == SPENT:
                code = "redelivered-too-often"
                raise ProblemError(code)
            if standing not in {READY, *WAITS}:
                code = "not-found"
                raise ProblemError(code)
            if standing == READY:
                by = By(who=own, name=organisation.name, why="asked for by its recipient")
                await remedy(connection, Remedy.REDELIVERED, meant, by=by)
        finally:
            await connection.set_autocommit(False)
    return Response(status_code=204)
