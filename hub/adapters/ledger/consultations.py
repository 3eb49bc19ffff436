"""Who asked the hub about whom: recorded before anything is answered, and kept (DPA 2018 s.62).

It is a record of its own, not a line of the log: no level of logging turns it off, and what cannot be
recorded is not answered. It holds the kind of question and names the hub itself gave: ids, message types,
fields, classes; nothing that somebody typed freely, and no value of anybody's record.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import AsyncConnection

_RECORD: LiteralString = "INSERT INTO consultation (who, asked, case_ref, about) VALUES (%s, %s, %s, %s)"
_RECORDED: LiteralString = """
SELECT number, asked_at, who, asked, case_ref, about FROM consultation
 WHERE (%(case_ref)s::text IS NULL OR case_ref = %(case_ref)s)
   AND (%(who)s::text IS NULL OR who = %(who)s)
 ORDER BY number DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consultation:
    """One question somebody asked."""

    number: int
    asked_at: datetime
    who: str
    """Whoever asked, as their machine knows them."""
    asked: str
    """The kind of question, e.g. explain."""
    case_ref: str | None
    """The case it was about; None: one there is not."""
    about: dict[str, Any]
    """What of it: the decision, the message, the field, the kinds of supposition."""


async def record(
    connection: AsyncConnection, *, who: str, asked: str, case_ref: str | None, about: Mapping[str, object]
) -> None:
    """Record a question, in the transaction of the connection."""
    await connection.execute(_RECORD, (who, asked, case_ref, Jsonb(dict(about))))


async def recorded(
    connection: AsyncConnection, *, limit: int, case_ref: str | None = None, who: str | None = None
) -> list[Consultation]:
    """Return what was asked, newest first."""
    cursor = connection.cursor(row_factory=class_row(Consultation))
    await cursor.execute(_RECORDED, {"case_ref": case_ref, "who": who, "limit": limit})
    return await cursor.fetchall()
