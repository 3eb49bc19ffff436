"""Who read which case record: recorded in the transaction in which it is read (R-CASE-09; DPA 2018 s.62).

Whoever has the table alone learns of no person: who read is sealed under the key of their organisation. What
was read stands by message and field; no value of anybody's record does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from hub.errors import NotReadable
from hub.topics.keys import organisation_key
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import AsyncConnection

    from hub.topics.sealing import Sealer

PLACE = "case_reading"
_RECORD: LiteralString = """
INSERT INTO case_reading (organisation, role, key_id, nonce, box, case_ref, case_version, told)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_RECORDED: LiteralString = """
SELECT number, read_at, organisation, role, key_id, nonce, box, case_ref, case_version, told FROM case_reading
 WHERE %(case_ref)s::text IS NULL OR case_ref = %(case_ref)s
 ORDER BY number DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of a case record."""

    number: int
    read_at: datetime
    organisation: str
    role: str
    key_id: str
    nonce: bytes
    box: bytes
    case_ref: str
    case_version: int
    told: list[dict[str, Any]]
    """Message type and fields of each entry shown."""

    def person(self, sealer: Sealer) -> str:
        """Return who read, by staff reference; empty where the organisation's key is erased."""
        sealed = Sealed(key_id=self.key_id, nonce=bytes(self.nonce), box=bytes(self.box))
        try:
            return sealer.open(sealed, place=PLACE, record=self.case_ref).decode()
        except NotReadable:
            return ""


async def record(
    connection: AsyncConnection,
    sealer: Sealer,
    *,
    who: tuple[str, str, str],
    case_ref: str,
    case_version: int,
    told: Sequence[Mapping[str, object]],
) -> None:
    """Record that a person of an organisation read a case in a role, in the connection's transaction."""
    organisation, role, person = who
    sealed = sealer.seal(person.encode(), key_id=organisation_key(organisation), place=PLACE, record=case_ref)
    shown = Jsonb([dict(each) for each in told])
    values = (
        *(organisation, role, sealed.key_id, sealed.nonce, sealed.box),
        *(case_ref, case_version, shown),
    )
    await connection.execute(_RECORD, values)


async def recorded(connection: AsyncConnection, *, limit: int, case_ref: str | None = None) -> list[Reading]:
    """Return who read what, newest first."""
    cursor = connection.cursor(row_factory=class_row(Reading))
    await cursor.execute(_RECORDED, {"case_ref": case_ref, "limit": limit})
    return await cursor.fetchall()
