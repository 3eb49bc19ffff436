"""The public keys by which organisations sign acknowledgements, as they stand in PostgreSQL.

A key that was removed verifies nothing new; it is kept, for what it signed before is verified by it for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.adapters.database.pool import Pool

KEYS_MAX = 10
"""Keys of one organisation in force at once: enough to change them one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One public key."""

    kid: str
    jwk: dict[str, str]
    created_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AcknowledgementKeys:
    """Each method is one transaction, waiting no longer than it may."""

    pool: Pool
    wait_s_max: float

    async def of(self, organisation: str) -> dict[str, dict[str, str]]:
        """Return an organisation's keys in force, by thumbprint."""
        return {row.kid: row.jwk for row in await self.all(organisation) if row.removed_at is None}

    async def all(self, organisation: str) -> list[KeyRow]:
        """Return an organisation's keys, also those that were removed, oldest first."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = connection.cursor(row_factory=class_row(KeyRow))
            await cursor.execute(
                """
                SELECT kid, jwk, created_at, removed_at FROM acknowledgement_key
                 WHERE organisation = %s ORDER BY created_at, kid
                """,
                (organisation,),
            )
            return await cursor.fetchall()

    async def add(self, organisation: str, kid: str, jwk: Mapping[str, str]) -> bool:
        """Keep a key, in force from now on; False if there are as many as may be, or it was removed."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (organisation,))
            cursor = await connection.execute(
                """
                INSERT INTO acknowledgement_key (organisation, kid, jwk)
                SELECT %(organisation)s, %(kid)s, %(jwk)s
                 WHERE (SELECT count(*) FROM acknowledgement_key
                         WHERE organisation = %(organisation)s AND removed_at IS NULL
                           AND kid <> %(kid)s) < %(most)s
                ON CONFLICT (organisation, kid) DO UPDATE SET jwk = excluded.jwk
                 WHERE acknowledgement_key.removed_at IS NULL
                RETURNING kid
                """,
                {"organisation": organisation, "kid": kid, "jwk": Jsonb(dict(jwk)), "most": KEYS_MAX},
            )
            return await cursor.fetchone() is not None

    async def remove(self, organisation: str, kid: str) -> bool:
        """Let a key verify nothing any more; False if there is none of this name in force."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(
                """
                UPDATE acknowledgement_key SET removed_at = now()
                 WHERE organisation = %s AND kid = %s AND removed_at IS NULL RETURNING kid
                """,
                (organisation, kid),
            )
            return await cursor.fetchone() is not None
