"""The jurisdiction profiles released, as the projection has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases.profile_reader import profile_from
from hub.topics.profile_files import KIND

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from hub.cases.profile import Profile


async def released_profiles(connection: AsyncConnection) -> tuple[Profile, ...]:
    """Return every profile released, by name."""
    cursor = await connection.execute("SELECT body FROM control WHERE kind = %s ORDER BY name", (KIND,))
    return tuple(profile_from(row[0]) for row in await cursor.fetchall())
