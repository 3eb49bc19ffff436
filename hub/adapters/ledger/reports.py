"""What staff ask the projection: what was set aside and why, who got what and why (R-DIS-09)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

from psycopg.rows import class_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import AsyncConnection

Row = TypeVar("Row")

_QUARANTINE: LiteralString = """
SELECT q.record_id, q.message_id, q.organisation, q.message, q.code, q.detail, q.key_id,
       length(q.box) AS sealed_bytes, q.set_aside_at, q.partition, q."offset",
       (SELECT o.record_id FROM quarantine o
         WHERE o.message_id = q.message_id AND (o.set_aside_at, o.record_id) < (q.set_aside_at, q.record_id)
         ORDER BY o.set_aside_at, o.record_id LIMIT 1) AS first_record,
       (SELECT o.record_id FROM quarantine o
         WHERE o.message_id = q.message_id AND (o.set_aside_at, o.record_id) > (q.set_aside_at, q.record_id)
         ORDER BY o.set_aside_at DESC, o.record_id DESC LIMIT 1) AS set_aside_again_as,
       EXISTS (SELECT 1 FROM submission s
                WHERE s.message_id = q.message_id AND s.state = 'routed') AS taken_since
  FROM quarantine q
"""
_LEDGER: LiteralString = """
SELECT l.decision_id, l.message_id, l.case_ref, l.organisation, l.role, l.concern, l.message, l.contract,
       l.contract_digest, l.purpose, l.delivers, l.by_kafka, l.gate, l.fields, l.caveats, l.policy,
       l.case_version, l.facts_digest, l.decided_at, l.partition, l."offset", l.delivery_id,
       l.again, l.verdict, d.state, d.held, d.verdict AS settled, d.fetched_at, d.acknowledged_at
  FROM ledger l
  LEFT JOIN delivery d ON d.delivery_id = l.delivery_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One record set aside, without its content."""

    record_id: str
    message_id: str | None
    organisation: str
    message: str | None
    code: str
    detail: str
    key_id: str
    sealed_bytes: int
    set_aside_at: datetime
    partition: int
    offset: int
    first_record: str | None
    """The record as which the same message was set aside first, where this is not it."""
    set_aside_again_as: str | None
    """The latest record as which the same message was set aside since: it was replayed in vain."""
    taken_since: bool
    """Whether the message has been taken since, by a replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One disclosure decision, and what became of its delivery."""

    decision_id: str
    message_id: str
    case_ref: str
    organisation: str
    role: str
    concern: str
    message: str | None
    contract: str | None
    contract_digest: str | None
    purpose: str
    delivers: bool
    by_kafka: bool
    gate: str | None
    fields: list[dict[str, Any]]
    caveats: list[str]
    policy: str
    case_version: int
    facts_digest: str
    decided_at: datetime
    partition: int
    offset: int
    delivery_id: str | None
    again: str | None
    """The delivery that was decided again, where this was."""
    verdict: str | None
    """What became of that delivery: stop, replace or release."""
    state: str | None
    held: bool | None
    """Whether it waits for being decided again."""
    settled: str | None
    """The verdict, made since, by which it goes no further: stop or replace."""
    fetched_at: datetime | None
    acknowledged_at: datetime | None

    def paths(self, outcome: str) -> tuple[str, ...]:
        """The fields with this outcome, in the payload's order, each once."""
        return tuple(dict.fromkeys(field["path"] for field in self.fields if field["outcome"] == outcome))

    def reasons(self, *outcomes: str) -> tuple[str, ...]:
        """Why fields had one of these outcomes, each reason once."""
        return tuple(dict.fromkeys(field["reason"] for field in self.fields if field["outcome"] in outcomes))


async def quarantined(
    connection: AsyncConnection, *, limit: int, organisation: str | None = None, code: str | None = None
) -> list[Quarantined]:
    """Return what was set aside, newest first."""
    condition: LiteralString = """
     WHERE (%(organisation)s::text IS NULL OR q.organisation = %(organisation)s)
       AND (%(code)s::text IS NULL OR q.code = %(code)s)
     ORDER BY q.set_aside_at DESC, q.record_id LIMIT %(limit)s
    """
    values = {"organisation": organisation, "code": code, "limit": limit}
    return await _rows(connection, Quarantined, _QUARANTINE + condition, values)


async def quarantined_records(
    connection: AsyncConnection, beginning: str, *, limit: int
) -> list[Quarantined]:
    """Return the records whose id begins so."""
    condition: LiteralString = (
        " WHERE starts_with(q.record_id, %(beginning)s) ORDER BY q.record_id LIMIT %(limit)s"
    )
    return await _rows(
        connection, Quarantined, _QUARANTINE + condition, {"beginning": beginning, "limit": limit}
    )


async def decisions(
    connection: AsyncConnection,
    *,
    limit: int,
    message_id: str | None = None,
    case_ref: str | None = None,
    organisation: str | None = None,
) -> list[Decided]:
    """Return disclosure decisions, newest first, those of one message together."""
    condition: LiteralString = """
     WHERE (%(message_id)s::text IS NULL OR l.message_id = %(message_id)s)
       AND (%(case_ref)s::text IS NULL OR l.case_ref = %(case_ref)s)
       AND (%(organisation)s::text IS NULL OR l.organisation = %(organisation)s)
     ORDER BY l.decided_at DESC, l.partition, l."offset" DESC, l.organisation, l.role, l.decision_id
     LIMIT %(limit)s
    """
    values = {"message_id": message_id, "case_ref": case_ref, "organisation": organisation, "limit": limit}
    return await _rows(connection, Decided, _LEDGER + condition, values)


async def _rows(
    connection: AsyncConnection, kind: type[Row], statement: LiteralString, values: Mapping[str, object]
) -> list[Row]:
    cursor = connection.cursor(row_factory=class_row(kind))
    await cursor.execute(statement, values)
    return await cursor.fetchall()
