"""Finds the case of a person by the digest of their prison number."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from hub.messages.identifiers import CaseRef

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_FOUND: LiteralString = """
SELECT coalesce(m.into_ref, n.case_ref)
  FROM prison_number n LEFT JOIN merged_case m USING (case_ref)
 WHERE n.digest = %s
 ORDER BY n.opened_at DESC, n.case_ref LIMIT 1
"""


async def case_of(connection: AsyncConnection, digest: bytes) -> CaseRef | None:
    """Return the open case of the person with this number, or None.

    A case that was merged into another is found as that one; of several, the one opened last.
    """
    row = await (await connection.execute(_FOUND, (digest,))).fetchone()
    return None if row is None else CaseRef(row[0])
