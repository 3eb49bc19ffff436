"""The organisations as the control records in force describe them, from the projection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from hub.consent.parties import Organisation, organisation_from
from hub.errors import Unreachable
from hub.messages.identifiers import OrganisationId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.adapters.database.pool import Pool

_LOG = structlog.get_logger()


class ProjectedOrganisations:
    """Reads the organisations from the `control` table."""

    def __init__(self, pool: Pool) -> None:
        """Read through this pool."""
        self._pool = pool
        self._held: dict[OrganisationId, Organisation] = {}

    async def __call__(self) -> Mapping[OrganisationId, Organisation]:
        """Return every organisation by its id; Unreachable if the database does not answer.

        A description that cannot be read concerns its own organisation only: the one before it holds.
        """
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    "SELECT name, body FROM control WHERE kind = 'organisation'"
                )
                rows = await cursor.fetchall()
        except (psycopg.OperationalError, PoolTimeout) as error:
            message = "the database does not say which organisations there are"
            raise Unreachable(message, fix="check HUB_DATABASE") from error
        held, self._held = self._held, {}
        for name, body in rows:
            organisation = OrganisationId(name)
            try:
                self._held[organisation] = organisation_from(body)
            except (ValueError, TypeError, AttributeError) as error:
                _LOG.error(
                    "feeds.organisation_unreadable", organisation=organisation, error=type(error).__name__
                )
                if organisation in held:
                    self._held[organisation] = held[organisation]
        return dict(self._held)
