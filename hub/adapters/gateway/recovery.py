"""What has not arrived, seen and set on its way again by its recipient itself: its own deliveries only.

Unknown, malformed, another's, held, stopped and never disclosed are one and the same, found by one statement.
What is offered again is what was decided; whether it may still go is looked at when it goes.
"""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from hub.adapters.database.alone import LOOK_LOCK
from hub.adapters.database.recovering import (
    GONE,
    OVER,
    READY,
    SPENT,
    WAITS,
    Meant,
    foreseen,
    remedy_each,
    standing,
)
from hub.adapters.database.remedied import By
from hub.adapters.database.undelivered import own_undelivered
from hub.adapters.gateway.body import json_object
from hub.adapters.gateway.mailbox_routes import Limit
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.recovery_asked import (
    AT_ONCE_MAX,
    KINDS,
    REASONS,
    WINDOW_DAYS_MAX,
    Asked,
    asked_from,
)
from hub.adapters.gateway.reference import answers
from hub.adapters.gateway.routes import Caller, services

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from psycopg import AsyncConnection

    from hub.adapters.database.recovering import Foreseen
    from hub.adapters.gateway.routes import Services
    from hub.consent.parties import Organisation

LISTED_USUALLY = 100
ROUTE = "/v1/recoveries"
DONE, NOT_FOUND, PUSH_OVER, CHANGED = "done", "not-found", "push-over", "changed-meanwhile"
FORGOTTEN, TOO_OFTEN = "forgotten", "too-often"
OUTCOMES: Mapping[str, str] = {
    READY: "ready",
    WAITS[0]: "waits-in-mailbox",
    WAITS[1]: "on-its-way",
    WAITS[2]: "being-pushed",
    GONE: FORGOTTEN,
    SPENT: TOO_OFTEN,
    "it went by Kafka": "by-kafka",
    "it is not pushed": "not-pushed",
    "no endpoint takes it": "no-endpoint",
    "it does not stand so": "nothing-to-do",
    "a safety message goes on": "safety",
    "acknowledged": "acknowledged",
    "refused": "refused",
    "expired": "expired",
}
"""What a recipient is told of how its delivery stands; whatever else there may be is not there for it."""
_ALONE: LiteralString = "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))"
_LOOK_RETRY_S = 2
_REFUSED = {TOO_OFTEN: "redelivered-too-often", FORGOTTEN: "delivery-forgotten"}
_AS_ASKED = frozenset({DONE, CHANGED, *(OUTCOMES[each] for each in WAITS)})

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
        "delivery-forgotten",
        "database-unavailable",
        "not-caught-up",
    ),
)
async def redeliver(request: Request, organisation: Caller, delivery: str) -> Response:
    """Let a recipient have a delivery again, also one it has acknowledged: its system may have lost it."""
    gateway = services(request)
    await gateway.mailbox.freshness.wait()
    asked = Asked(do="redeliver", dry_run=False, deliveries=(delivery,))
    async with _at_once(gateway) as connection:
        found = await _done(connection, asked, organisation, days=gateway.redelivery_days)
    ((_, outcome),) = found.outcomes
    if outcome not in _AS_ASKED:
        raise ProblemError(_REFUSED.get(outcome, "not-found"))
    return Response(status_code=204)


@router.post(
    ROUTE,
    operation_id="recover-deliveries",
    summary="Set your deliveries on their way again, or pass them over; a dry run unless you say otherwise",
    tags=["mailbox"],
    responses=answers(
        "json-invalid",
        "payload-invalid",
        "body-too-large",
        "content-type-unsupported",
        "request-timeout",
        "unauthenticated",
        "organisation-suspended",
        "database-unavailable",
        "not-caught-up",
    ),
)
async def recover(request: Request, organisation: Caller) -> Response:
    """Show what would be done, or do it with the deliveries that are named."""
    gateway = services(request)
    document = await json_object(
        request,
        bytes_max=gateway.limits.acknowledgements_bytes_max,
        depth_max=gateway.limits.json_depth_max,
        timeout_s=gateway.limits.body_read_timeout_s,
    )
    asked = asked_from(document)
    await gateway.mailbox.freshness.wait()
    work = _looked if asked.dry_run else _done
    async with _at_once(gateway) as connection:
        found = await work(connection, asked, organisation, days=gateway.redelivery_days)
    counts = [
        {"type": message, "outcome": outcome, "count": count}
        for (message, outcome), count in found.outcomes.items()
    ]
    return JSONResponse(
        {
            "do": asked.do,
            "dry_run": asked.dry_run,
            "deliveries": found.deliveries,
            "counts": counts,
            "more": found.more,
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    deliveries: list[str]
    """What it would be done with, or was; oldest first where it was looked for."""
    outcomes: Mapping[tuple[str | None, str], int]
    """How many of each type came out how; what is not there for this organisation has no type."""
    more: bool = False


async def _looked(
    connection: AsyncConnection, asked: Asked, organisation: Organisation, *, days: int
) -> _Found:
    """Say what would be done; both looks are at one moment.

    A look through two weeks may take seconds: one of an organisation at a time, so that many asked for at
    once do not take the database from everybody else.
    """
    kind, meant = KINDS[asked.do], asked.meant(organisation.organisation, days=days)
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        locked = await connection.execute(_ALONE, (LOOK_LOCK, organisation.organisation))
        if not ((await locked.fetchone()) or (False,))[0]:
            code = "rate-limited"
            raise ProblemError(code, retry_after_s=_LOOK_RETRY_S)
        outcomes = _counted(await foreseen(connection, kind, meant))
        first = await standing(connection, kind, meant, READY, limit=AT_ONCE_MAX + 1)
    if asked.deliveries is not None:
        outcomes[None, NOT_FOUND] += len(asked.deliveries) - outcomes.total()
    return _Found(deliveries=first[:AT_ONCE_MAX], outcomes=+outcomes, more=len(first) > AT_ONCE_MAX)


async def _done(
    connection: AsyncConnection, asked: Asked, organisation: Organisation, *, days: int
) -> _Found:
    """Do it with what is named and stands so, and say of the rest why not."""
    kind, own = KINDS[asked.do], organisation.organisation
    meant = asked.meant(own, days=days)
    why = "asked for by its recipient" + (f": {REASONS[asked.reason]}" if asked.reason else "")
    done = await remedy_each(connection, kind, meant, by=By(who=own, name=organisation.name, why=why))
    outcomes: Counter[tuple[str | None, str]] = Counter()
    for each in await foreseen(connection, kind, Meant(organisation=own, deliveries=tuple(done))):
        outcomes[each.message, DONE] += each.count
    rest = replace(meant, deliveries=tuple({*(meant.deliveries or ())} - {*done}))
    for (message, outcome), count in _counted(await foreseen(connection, kind, rest)).items():
        outcomes[message, CHANGED if outcome == OUTCOMES[READY] else outcome] += count
    outcomes[None, NOT_FOUND] += len(asked.deliveries or ()) - outcomes.total()
    return _Found(deliveries=done, outcomes=+outcomes)


def _counted(found: Iterable[Foreseen]) -> Counter[tuple[str | None, str]]:
    outcomes: Counter[tuple[str | None, str]] = Counter()
    for each in found:
        outcome = PUSH_OVER if each.standing.startswith(OVER) else OUTCOMES.get(each.standing)
        if outcome is not None:
            outcomes[each.message, outcome] += each.count
    return outcomes


@asynccontextmanager
async def _at_once(gateway: Services) -> AsyncIterator[AsyncConnection]:
    """A connection that is in no transaction: what is done is committed piece by piece."""
    async with gateway.store.pool.connection(timeout=gateway.store.wait_s_max) as connection:
        await connection.set_autocommit(True)
        try:
            yield connection
        finally:
            await connection.set_autocommit(False)
