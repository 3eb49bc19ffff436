"""Who set something right by hand, and why: recorded before it is done, or in its own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

TEXT_LENGTH_MAX = 500
"""Most characters of a reason, and of a name."""

_RECORD: LiteralString = """
INSERT INTO remedy (kind, subject, organisation, who, by_name, why)
SELECT %(kind)s, subject, organisation, %(who)s, %(by)s, %(why)s
  FROM unnest(%(subjects)s::text[], %(organisations)s::text[]) AS done (subject, organisation)
"""
_RECORDED: LiteralString = """
SELECT number, at, kind, subject, organisation, who, by_name, why FROM remedy
 WHERE subject = %s ORDER BY number DESC LIMIT %s
"""


class Remedy(StrEnum):
    """What was done."""

    REPLAYED = "replayed"
    """A record set aside was put to the intake again."""
    REDELIVERED = "redelivered"
    """A delivery was offered to its recipient once more."""
    RECOVERED = "recovered"
    """A push that had been given up is tried again."""
    PUSHED = "pushed"
    """A delivery that had no push, though an endpoint takes it, got one."""
    SKIPPED = "skipped"
    """A push is passed over, so that its lane goes on; the mailbox still has it."""
    FORCED = "forced"
    """A push that would have waited is tried now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who does it, and why."""

    who: str
    """As their machine knows them; for what an organisation asks itself, the organisation."""
    name: str
    """As they say who they are."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedied:
    """One remedy that was recorded."""

    number: int
    at: datetime
    kind: str
    subject: str
    """The record set aside, or the delivery."""
    organisation: str
    who: str
    by_name: str
    why: str


async def record(
    connection: AsyncConnection, kind: Remedy, done: Sequence[tuple[str, str]], *, by: By
) -> None:
    """Record a remedy of each of these: its subject and the organisation concerned."""
    values = {
        "kind": kind.value,
        "subjects": [subject for subject, _ in done],
        "organisations": [organisation for _, organisation in done],
        "who": by.who,
        "by": by.name[:TEXT_LENGTH_MAX],
        "why": by.why[:TEXT_LENGTH_MAX],
    }
    await connection.execute(_RECORD, values)


async def recorded(connection: AsyncConnection, subject: str, *, limit: int) -> list[Remedied]:
    """Return what was done about a record or a delivery, newest first."""
    cursor = connection.cursor(row_factory=class_row(Remedied))
    await cursor.execute(_RECORDED, (subject, limit))
    return await cursor.fetchall()
