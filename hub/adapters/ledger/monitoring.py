"""What management and the inspectorates ask of the projection (R-ADM-04, R-ADM-06; 002 App. B, CA; 004).

Exceptions by prison, how long alerts take to be acknowledged, disclosures by legal basis, the caseload, and
assessed needs. What a person's record says is opened to be counted and is shown to nobody, and what is
counted is shown by the rule for small numbers; a case whose key was erased counts nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

from hub.adapters.ledger.projected_view import projected_view
from hub.cases import figures as counting
from hub.cases.acknowledgements import TAKEN_IN
from hub.cases.figures import Alert, Figures, prison_of
from hub.cases.small_numbers import total
from hub.errors import NotReadable
from hub.messages.envelope import MessageName
from hub.messages.identifiers import CaseRef, DeliveryId, Instant
from hub.topics.delivery_box import open_delivery
from hub.topics.library import unframe
from hub.topics.sealing import Sealed
from hub.topics.views import schema_on_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from psycopg import AsyncConnection

    from hub.adapters.ledger.projected_view import ProjectedView
    from hub.cases.case import Case
    from hub.cases.figures import AlertTimes, ExceptionCount
    from hub.topics.codec import Codec

_ROWS_AT_ONCE = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CASES: LiteralString = "SELECT case_ref, key_id, nonce, box FROM case_state"
_GIVEN: LiteralString = """
SELECT DISTINCT ON (message_id) delivery_id, case_ref, organisation, message, key_id, nonce, box, available_at
  FROM delivery
 WHERE message = %(message)s AND (%(since)s::timestamptz IS NULL OR available_at >= %(since)s)
 ORDER BY message_id, organisation, role
"""
_ALERTS: LiteralString = """
SELECT delivery_id, case_ref, role, available_at, acknowledged_at
  FROM delivery
 WHERE urgency = 'safety' AND message IN ('risk-change', 'progress') AND verdict IS NULL
   AND (%(since)s::timestamptz IS NULL OR available_at >= %(since)s)
"""
_BASES: LiteralString = """
SELECT l.purpose, f ->> 'basis' AS basis, count(DISTINCT l.case_ref)
  FROM ledger l CROSS JOIN LATERAL jsonb_array_elements(l.fields) AS f
 WHERE l.delivers AND f ->> 'outcome' IN ('disclose', 'generalise') AND f ->> 'basis' IS NOT NULL
   AND (%(since)s::timestamptz IS NULL OR l.decided_at >= %(since)s)
 GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisCount:
    """Of how many people something was disclosed for one purpose on one legal basis.

    Disclosures are not counted: of one person there may be many, and one more would show.
    """

    purpose: str
    basis: str
    people: int
    """Rounded."""


async def figures(connection: AsyncConnection, codec: Codec, *, now: Instant) -> Figures:
    """Return the figures of all cases."""
    found = Figures(now)
    async for case in _cases(connection, codec):
        found.add(case)
    return found


async def exceptions(
    connection: AsyncConnection, codec: Codec, *, since: datetime | None, now: Instant
) -> tuple[ExceptionCount, ...]:
    """Return by prison and code on how many people there were exception reports, whoever got them."""
    prisons = {case.ref: prison_of(case) async for case in _cases(connection, codec)}
    given = _given(connection, codec, MessageName.EXCEPTION, since=since, now=now)
    reports = {(CaseRef(row["case_ref"]), str(said["code"])) async for row, said in given}
    return counting.exceptions(prisons, reports)


async def alert_times(
    connection: AsyncConnection, codec: Codec, *, since: datetime | None, now: Instant
) -> tuple[AlertTimes, ...]:
    """Return how long alerts took to be acknowledged, by the role they were for."""
    receipts = await _receipts(connection, codec, since=since, now=now)
    cursor = await connection.execute(_ALERTS, {"since": since})
    alerts = []
    for delivery, case, role, available_at, acknowledged_at in await cursor.fetchall():
        moments = [each for each in (receipts.get(delivery), acknowledged_at) if each is not None]
        minutes = max(0.0, (min(moments) - available_at).total_seconds() / 60) if moments else None
        alerts.append(Alert(role=role, case=CaseRef(case), minutes=minutes))
    return counting.alert_times(alerts)


async def bases(connection: AsyncConnection, *, since: datetime | None) -> list[BasisCount]:
    """Return people by purpose and legal basis of what was disclosed, without rows that may not be shown."""
    cursor = await connection.execute(_BASES, {"since": since})
    return [
        BasisCount(purpose=purpose, basis=basis, people=shown)
        for purpose, basis, people in await cursor.fetchall()
        if (shown := total(people)) is not None
    ]


async def _receipts(
    connection: AsyncConnection, codec: Codec, *, since: datetime | None, now: Instant
) -> dict[str, datetime]:
    """Return when each delivery was first acknowledged by a receipt, as whoever manages the case was told."""
    first: dict[str, datetime] = {}
    async for row, said in _given(connection, codec, MessageName.RECEIPT, since=since, now=now):
        if said["level"] in TAKEN_IN:
            at = row["available_at"]
            if said.get("at") is not None:
                at = min(at, _EPOCH + timedelta(milliseconds=said["at"]))
            delivery = str(said["delivery"])
            first[delivery] = min(at, first.get(delivery, at))
    return first


async def _cases(connection: AsyncConnection, codec: Codec) -> AsyncIterator[Case]:
    """Yield every case that can be read, a few hundred rows at a time."""
    async with connection.cursor(name="cases") as cursor:
        await cursor.execute(_CASES)
        while rows := await cursor.fetchmany(_ROWS_AT_ONCE):
            for ref, key_id, nonce, box in rows:
                sealed = Sealed(key_id=key_id, nonce=bytes(nonce), box=bytes(box))
                try:
                    yield codec.case_opened(CaseRef(ref), sealed)
                except NotReadable as error:
                    if error.code != "KEY-ERASED":
                        raise


async def _given(
    connection: AsyncConnection,
    codec: Codec,
    message: MessageName,
    *,
    since: datetime | None,
    now: Instant,
) -> AsyncIterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield one delivery of every message of a type, with what it says to whoever got it."""
    view = await projected_view(connection, codec.library, now)
    async with connection.cursor(name="given") as cursor:
        await cursor.execute(_GIVEN, {"message": message.value, "since": since})
        names = [column.name for column in cursor.description or ()]
        while rows := await cursor.fetchmany(_ROWS_AT_ONCE):
            for values in rows:
                row = dict(zip(names, values, strict=True))
                try:
                    yield row, _said(row, codec, view)
                except NotReadable as error:
                    if error.code != "KEY-ERASED":
                        raise


def _said(row: dict[str, Any], codec: Codec, view: ProjectedView) -> dict[str, Any]:
    sealed = Sealed(key_id=row["key_id"], nonce=bytes(row["nonce"]), box=bytes(row["box"]))
    _, framed = open_delivery(codec.sealer, sealed, delivery_id=DeliveryId(row["delivery_id"]))
    number, body = unframe(framed)
    agreed = [each for each in view.agreed if each.partner == row["organisation"]]
    return dict(codec.library.decode(schema_on_wire(codec.library, agreed, number), body))
