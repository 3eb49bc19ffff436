"""The policy releases as the projection has them: in force, to come, and all that were before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import AsyncConnection

POLICY = "policy"


async def policy_facts(connection: AsyncConnection) -> dict[str, dict[str, Any]]:
    """Return the body of every policy fact by its name: `current`, `coming`, and each release's own."""
    cursor = await connection.execute("SELECT name, body FROM control WHERE kind = %s", (POLICY,))
    return {row[0]: row[1] for row in await cursor.fetchall()}
