"""The gateway's statements to PostgreSQL: credentials, idempotency, message states.

Every look-up names the organisation in its WHERE clause and is one statement, the same for what is
there, what is another's and what never was; so neither the answer nor its time tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

from psycopg import OperationalError
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from hub.adapters.database.people import case_of
from hub.adapters.database.standstill import Standstill, standstills
from hub.cases.refusals import TELLABLE
from hub.routing.terms import PARKED

if TYPE_CHECKING:
    from datetime import datetime

    from hub.adapters.database.pool import Pool
    from hub.messages.identifiers import CaseRef

Values = tuple[object, ...] | Mapping[str, object]
Row = TypeVar("Row")

DATABASE_GONE = (OperationalError, PoolTimeout, PoolClosed, TooManyRequests)
"""What is raised where the database cannot be reached or does not answer in time."""
ATTEMPT_FAILED = 503
"""Status of an idempotency row whose attempt ended without the message being confirmed as stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRow:
    """A credential in force and the organisation as the control records last projected describe it."""

    key_hash: bytes
    organisation: str
    body: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """What is known of an idempotency key; `status` None: an attempt is under way."""

    digest: str
    status: int | None
    response: dict[str, Any] | None
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """How far a message has come, as its sender may know."""

    state: str
    message: str | None
    contract: str | None
    decided_at: datetime | None
    refusal: str | None = None
    """The reason code, where it is one the sender is told."""
    refusal_detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedRow:
    """Deliveries of one message that were kept back."""

    message: str
    count: int
    last: datetime


@dataclass(frozen=True, slots=True)
class GatewayStore:
    """Each method is one statement, in a transaction of its own, waiting no longer than it may."""

    pool: Pool
    wait_s_max: float

    async def credential(self, key_hash: bytes) -> CredentialRow | None:
        """Return the unrevoked credential with this hash, and its organisation's record."""
        return await self._one(
            CredentialRow,
            """
            SELECT c.key_hash, c.organisation, o.body
              FROM credential c LEFT JOIN control o ON o.kind = 'organisation' AND o.name = c.organisation
             WHERE c.key_hash = %s AND c.revoked_at IS NULL
            """,
            (key_hash,),
        )

    async def organisation(self, organisation: str) -> dict[str, Any] | None:
        """Return an organisation's record, as the control records last projected describe it."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(
                "SELECT body FROM control WHERE kind = 'organisation' AND name = %s", (organisation,)
            )
            row = await cursor.fetchone()
            return None if row is None else dict(row[0])

    async def contracts(self, organisation: str) -> list[dict[str, Any]]:
        """Return the contracts of an organisation, as the control records last projected describe them."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(
                "SELECT body FROM control WHERE kind = 'contract' AND body->>'partner' = %s ORDER BY name",
                (organisation,),
            )
            return [row[0] for row in await cursor.fetchall()]

    async def parked(self, organisation: str) -> list[ParkedRow]:
        """Return how many deliveries to an organisation its contracts kept back, by message."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = connection.cursor(row_factory=class_row(ParkedRow))
            await cursor.execute(
                """
                SELECT message, count(*) AS count, max(decided_at) AS last FROM ledger
                 WHERE organisation = %s AND gate = ANY(%s) GROUP BY message
                """,
                (organisation, list(PARKED)),
            )
            return await cursor.fetchall()

    async def open_attempt(self, *, organisation: str, route: str, message_id: str, digest: str) -> bool:
        """Insert the row of a first attempt; False when the key is known already."""
        return await self._changed(
            """
            INSERT INTO idempotency (organisation, route, key, digest, message_id)
            VALUES (%(organisation)s, %(route)s, %(message_id)s, %(digest)s, %(message_id)s)
            ON CONFLICT DO NOTHING RETURNING message_id
            """,
            {"organisation": organisation, "route": route, "message_id": message_id, "digest": digest},
        )

    async def take_over(
        self, *, organisation: str, route: str, message_id: str, digest: str, after_s: float
    ) -> bool:
        """Make a dead or failed attempt ours; of several that try at once, one gets True."""
        return await self._changed(
            """
            UPDATE idempotency SET status = NULL, created_at = now()
             WHERE organisation = %(organisation)s AND route = %(route)s AND key = %(message_id)s
               AND digest = %(digest)s
               AND (status = %(failed)s
                    OR status IS NULL AND created_at < now() - make_interval(secs => %(after_s)s))
            RETURNING message_id
            """,
            {
                "organisation": organisation,
                "route": route,
                "message_id": message_id,
                "digest": digest,
                "failed": ATTEMPT_FAILED,
                "after_s": after_s,
            },
        )

    async def count_message(self, *, organisation: str, most: int) -> float | None:
        """Count one message of today's; where there are more than that, return the seconds to tomorrow."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(
                """
                INSERT INTO messages_of_day AS m (organisation, day, taken)
                VALUES (%(organisation)s, (now() AT TIME ZONE 'UTC')::date, 1)
                ON CONFLICT (organisation) DO UPDATE
                   SET taken = CASE WHEN m.day < excluded.day THEN 1 ELSE least(m.taken, %(most)s) + 1 END,
                       day = excluded.day
                RETURNING CASE WHEN taken > %(most)s THEN extract(epoch FROM
                    ((m.day + 1)::timestamp AT TIME ZONE 'UTC') - now())::float8 END
                """,
                {"organisation": organisation, "most": most},
            )
            row = await cursor.fetchone()
            return None if row is None else row[0]

    async def attempt(self, *, organisation: str, route: str, message_id: str) -> AttemptRow | None:
        """Return what is known of this key."""
        return await self._one(
            AttemptRow,
            """
            SELECT digest, status, response, extract(epoch FROM now() - created_at)::float8 AS age_s
              FROM idempotency WHERE organisation = %s AND route = %s AND key = %s
            """,
            (organisation, route, message_id),
        )

    async def close_attempt(
        self,
        *,
        organisation: str,
        route: str,
        message_id: str,
        status: int,
        response: dict[str, object] | None,
    ) -> None:
        """Keep the answer for every later request with the same key; an answer once given stands."""
        await self._changed(
            """
            UPDATE idempotency SET status = %(status)s, response = %(response)s
             WHERE organisation = %(organisation)s AND route = %(route)s AND key = %(message_id)s
               AND (status IS NULL OR status = %(failed)s)
            RETURNING message_id
            """,
            {
                "organisation": organisation,
                "route": route,
                "message_id": message_id,
                "status": status,
                "response": None if response is None else Jsonb(response),
                "failed": ATTEMPT_FAILED,
            },
        )

    async def forget_attempts(self, *, days: int, limit: int) -> int:
        """Delete attempts older than this, at most so many; several gateways at once share them out."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(
                """
                DELETE FROM idempotency WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM idempotency WHERE created_at < now() - make_interval(days => %s)
                     ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED))
                """,
                (days, limit),
            )
            return cursor.rowcount

    async def message_state(self, *, organisation: str, message_id: str) -> StateRow | None:
        """Return how far a message has come: as decided, else accepted if it was, else None."""
        return await self._one(
            StateRow,
            """
            SELECT coalesce(s.state, 'accepted') AS state,
                   coalesce(i.response->>'type', s.message) AS message,
                   coalesce(i.response->>'contract', s.contract) AS contract,
                   s.decided_at,
                   q.code AS refusal,
                   q.detail AS refusal_detail
              FROM (SELECT * FROM submission
                     WHERE message_id = %(message_id)s AND organisation = %(organisation)s) AS s
              FULL JOIN (SELECT * FROM idempotency
                          WHERE message_id = %(message_id)s AND organisation = %(organisation)s
                            AND status = 202) AS i USING (message_id)
              LEFT JOIN (SELECT * FROM quarantine
                          WHERE message_id = %(message_id)s AND organisation = %(organisation)s
                            AND code = ANY(%(tellable)s)) AS q
                     ON s.state = 'refused' AND q.set_aside_at = s.decided_at
             LIMIT 1
            """,
            {"message_id": message_id, "organisation": organisation, "tellable": sorted(TELLABLE)},
        )

    async def case_of(self, digest: bytes) -> CaseRef | None:
        """Return the case of the person with this prison number, by its digest."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            return await case_of(connection, digest)

    async def standstills(self) -> list[Standstill]:
        """Return what the projector cannot go on with; an answer is also the database's sign of life."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            return await standstills(connection)

    async def _one(self, kind: type[Row], statement: LiteralString, values: Values) -> Row | None:
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = connection.cursor(row_factory=class_row(kind))
            await cursor.execute(statement, values)
            return await cursor.fetchone()

    async def _changed(self, statement: LiteralString, values: Values) -> bool:
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(statement, values)
            return await cursor.fetchone() is not None
