"""What was disclosed before two cases were found to be one person's, or not to be: the list to review.

A merger brings two teams together that knew of one case each, with what was held back on only one of them.
So everything that has gone out on either is listed, and decided again with the case that is carried on: what
its recipient would not be given now is named (R-MSG-13, R-DIS-10). When a merger is undone, what went out in
between may have been about the other person. Nothing is changed by looking.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

from hub.adapters.ledger.given import given
from hub.adapters.ledger.overtaken import GoneRow, less_now
from hub.adapters.ledger.projected_view import projected_view
from hub.consent.decision import Outcome
from hub.errors import WrongArgument
from hub.messages.identifiers import CaseRef
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from hub.adapters.ledger.overtaken import Overtaken
    from hub.cases.case import Case
    from hub.cases.identity import Merge
    from hub.messages.identifiers import Instant
    from hub.topics.codec import Codec

TOLD = tuple(each.name.lower() for each in (Outcome.DISCLOSE, Outcome.GENERALISE))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CASE: LiteralString = "SELECT key_id, nonce, box FROM case_state WHERE case_ref = %s"
_GONE: LiteralString = """
SELECT d.delivery_id, d.message_id, c.case_ref, d.organisation, d.role, d.message, d.key_id, d.nonce, d.box,
       d.grounds_nonce, d.grounds_box, d.by_kafka, d.available_at, d.fetched_at, d.acknowledged_at,
       l.fields, l.caveats, l.contract, c.key_id AS case_key, c.nonce AS case_nonce, c.box AS case_box
  FROM delivery d JOIN ledger l ON l.decision_id = d.decision_id
  JOIN case_state c ON c.case_ref = %(carried_on)s
 WHERE d.case_ref = %(told_on)s AND d.grounds_box IS NOT NULL
   AND (d.by_kafka OR d.fetched_at IS NOT NULL OR d.acknowledged_at IS NOT NULL)
   AND d.available_at >= %(since)s AND (%(until)s::timestamptz IS NULL OR d.available_at < %(until)s)
 ORDER BY d.cursor LIMIT %(limit)s
"""


class Why(StrEnum):
    """Why a disclosure is to be looked at."""

    OTHER_CASE = "on the case merged into this one"
    BEFORE = "on this case, before the merger"
    BETWEEN = "on this case, while the two were merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One delivery that has gone out and is to be looked at."""

    merged: str
    """The other case of the merger."""
    why: Why
    delivery_id: str
    message_id: str
    organisation: str
    role: str
    message: str
    at: datetime
    told: tuple[str, ...]
    """The fields that stood in it, exactly or in general."""
    read: bool
    """Whether it could be read; else `told` is what it might tell, whether or not its message had it."""
    less: tuple[tuple[str, str], ...]
    """Of these, what it would not tell now on the case as it is carried on, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """Deliveries on one case, from … to."""

    told_on: str
    why: Why
    since: datetime
    until: datetime | None


async def merge_review(
    connection: AsyncConnection, codec: Codec, case_ref: str, *, limit: int, now: Instant
) -> list[Reviewed]:
    """Return what has gone out and has to be looked at for the mergers of a case, oldest first.

    Raises:
        WrongArgument: There is no such case.
    """
    view = await projected_view(connection, codec.library, now)
    case = await _case(connection, codec, case_ref)
    found: list[Reviewed] = []
    for merge in case.identity.merges:
        for span in _spans(case, merge):
            rows = await _gone(connection, case_ref, span, limit=limit - len(found))
            wanted = {row.delivery_id: row.contract for row in rows if row.contract is not None}
            stood = await given(connection, codec, wanted)
            for row in rows:
                less = less_now(row, codec, view, now)
                found.append(_reviewed(row, merge, span, stood=stood.get(row.delivery_id), less=less))
    return found


def _spans(case: Case, merge: Merge) -> tuple[_Span, ...]:
    """Return which deliveries a merger puts in question: both cases' before it, or, undone, those since."""
    joined = _moment(merge.at)
    if merge.undone_at is not None:
        return (_Span(told_on=case.ref, why=Why.BETWEEN, since=joined, until=_moment(merge.undone_at)),)
    return (
        _Span(told_on=merge.case, why=Why.OTHER_CASE, since=_EPOCH, until=None),
        _Span(told_on=case.ref, why=Why.BEFORE, since=_EPOCH, until=joined),
    )


async def _case(connection: AsyncConnection, codec: Codec, case_ref: str) -> Case:
    row = await (await connection.execute(_CASE, (case_ref,))).fetchone()
    if row is None:
        message = "the projection has no such case"
        raise WrongArgument(
            "--case", message, fix="give the case that is carried on, not the one merged into it"
        )
    key_id, nonce, box = row
    return codec.case_opened(CaseRef(case_ref), Sealed(key_id=key_id, nonce=bytes(nonce), box=bytes(box)))


async def _gone(connection: AsyncConnection, carried_on: str, span: _Span, *, limit: int) -> list[GoneRow]:
    cursor = connection.cursor(row_factory=class_row(GoneRow))
    values = {
        "carried_on": carried_on,
        "told_on": span.told_on,
        "since": span.since,
        "until": span.until,
        "limit": max(0, limit),
    }
    await cursor.execute(_GONE, values)
    return await cursor.fetchall()


def _reviewed(
    row: GoneRow, merge: Merge, span: _Span, *, stood: frozenset[str] | None, less: Overtaken | None
) -> Reviewed:
    """Say of a delivery what stood in it: a decision speaks of fields its message did not have, too."""
    told = dict.fromkeys(each["path"] for each in row.fields if each["outcome"] in TOLD)
    return Reviewed(
        merged=merge.case,
        why=span.why,
        delivery_id=row.delivery_id,
        message_id=row.message_id,
        organisation=row.organisation,
        role=row.role,
        message=row.message,
        at=row.acknowledged_at or row.fetched_at or row.available_at,
        told=tuple(path for path in told if stood is None or path in stood),
        read=stood is not None,
        less=() if less is None else less.fields,
    )


def _moment(instant: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=instant)
