"""Finds the case of a person by the digest of their prison number."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from hub.messages.identifiers import CaseRef

if TYPE_CHECKING:
    from psycopg import AsyncConnection

MERGERS_MAX = 20
"""Mergers followed one after another."""
_FOUND: LiteralString = """
WITH RECURSIVE chain (first, opened_at, path) AS (
    SELECT case_ref, opened_at, ARRAY[case_ref] FROM prison_number WHERE digest = %s
    UNION ALL
    SELECT c.first, c.opened_at, c.path || m.into_ref
      FROM chain c JOIN merged_case m ON m.case_ref = c.path[cardinality(c.path)]
     WHERE cardinality(c.path) <= %s AND m.into_ref <> ALL(c.path)
)
SELECT path[cardinality(path)] FROM chain
 ORDER BY opened_at DESC, first, cardinality(path) DESC LIMIT 1
"""


async def case_of(connection: AsyncConnection, digest: bytes) -> CaseRef | None:
    """Return the open case of the person with this number, or None.

    A case merged into another is found as that one, and so on to the end of the chain. Of several cases the
    one opened last is.
    """
    row = await (await connection.execute(_FOUND, (digest, MERGERS_MAX))).fetchone()
    return None if row is None else CaseRef(row[0])
