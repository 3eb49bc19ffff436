"""Whose case it is that an event of the prison system speaks of, from the projection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg_pool import PoolTimeout

from hub.adapters.database.people import case_of
from hub.errors import Unreachable

if TYPE_CHECKING:
    from hub.adapters.database.pool import Pool
    from hub.messages.identifiers import CaseRef


class ProjectedPeople:
    """Finds cases by the digest of a prison number."""

    def __init__(self, pool: Pool) -> None:
        """Read through this pool."""
        self._pool = pool

    async def __call__(self, digest: bytes) -> CaseRef | None:
        """Return the open case of the person, or None; Unreachable if the database does not answer."""
        try:
            async with self._pool.connection() as connection:
                return await case_of(connection, digest)
        except (psycopg.OperationalError, PoolTimeout) as error:
            message = "the database does not say whose case it is"
            raise Unreachable(message, fix="check HUB_DATABASE") from error
