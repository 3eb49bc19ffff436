"""The mailbox's statements to PostgreSQL: what waits, fetched, leased, acknowledged, refused.

What is held or out of date is not open (hub.adapters.ledger.holding) and looks like what never was. Every
look-up names the organisation in its WHERE clause, and what is there, what is another's and what never was
take the same statements; so neither the answer nor its time tells them apart. Each change of state and its
event are one transaction (hub.adapters.database.handing_over).
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

from hub.adapters.database.handing_over import (
    Channel,
    Happened,
    Said,
    note_each,
    note_fetched,
    note_said,
    sequence_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime

    from psycopg import AsyncConnection

    from hub.adapters.database.pool import Pool

_LISTED: LiteralString = """
SELECT cursor, delivery_id, message, contract, urgency, state, size, digest, available_at FROM delivery
 WHERE organisation = %(organisation)s AND cursor > %(after)s
   AND state IN ('available', 'fetched') AND (%(state)s::text IS NULL OR state = %(state)s)
   AND (%(messages)s::text[] IS NULL OR message = ANY(%(messages)s))
   AND (%(urgency)s::text IS NULL OR urgency = %(urgency)s)
   AND CASE WHEN %(lease)s::text IS NULL THEN leased_until IS NULL OR leased_until <= now()
            ELSE leased_by = %(lease)s AND leased_until > now() END
   AND delivery_is_open(delivery)
 ORDER BY cursor LIMIT %(limit)s
"""
_TRANSPORTED: LiteralString = _LISTED.replace("IN ('available', 'fetched')", "= 'transported'")
_LEASED: LiteralString = """
UPDATE delivery SET leased_by = %(lease)s, leased_until = now() + make_interval(secs => %(seconds)s)
 WHERE delivery_id = ANY(ARRAY(
    SELECT delivery_id FROM delivery
     WHERE organisation = %(organisation)s AND state IN ('available', 'fetched')
       AND (%(messages)s::text[] IS NULL OR message = ANY(%(messages)s))
       AND (%(urgency)s::text IS NULL OR urgency = %(urgency)s)
       AND (leased_until IS NULL OR leased_until <= now())
       AND delivery_is_open(delivery) AND NOT delivery_is_out_of_date(delivery)
     ORDER BY cursor LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING cursor, delivery_id, message, contract, urgency, state, size, digest, available_at, leased_until
"""
_FETCHED: LiteralString = """
UPDATE delivery
   SET state = CASE WHEN state IN ('available', 'transported') THEN 'fetched' ELSE state END,
       fetched_at = coalesce(fetched_at, now())
 WHERE delivery_id = %(delivery)s AND organisation = %(organisation)s
   AND state IN ('available', 'transported', 'fetched', 'acknowledged')
   AND delivery_is_open(delivery) AND NOT delivery_is_out_of_date(delivery)
RETURNING delivery_id, message, contract, box, key_id, nonce, state
"""
_SEEN: LiteralString = """
SELECT delivery_id, message, contract, role, case_ref, state, digest, size, sequence,
       state = 'acknowledged' OR EXISTS (
           SELECT 1 FROM delivery_event e
            WHERE e.delivery_id = d.delivery_id AND e.kind IN ('read', 'actioned')) AS taken
  FROM delivery d
 WHERE delivery_id = %(delivery)s AND organisation = %(organisation)s
   AND (state = 'refused'
        OR state IN ('available', 'transported', 'fetched', 'acknowledged')
           AND delivery_is_open(d) AND NOT delivery_is_out_of_date(d))
"""
_LOCKED: LiteralString = """
SELECT delivery_id, state, digest FROM delivery
 WHERE delivery_id = ANY(%(deliveries)s) AND organisation = %(organisation)s
   AND (state = 'acknowledged' OR state = 'expired' AND sequence IS NOT NULL
        OR state IN ('available', 'transported', 'fetched')
           AND delivery_is_open(delivery) AND NOT delivery_is_out_of_date(delivery))
 ORDER BY cursor FOR UPDATE
"""
_ACKNOWLEDGED: LiteralString = """
UPDATE delivery SET state = 'acknowledged', acknowledged_at = now(), leased_by = NULL, leased_until = NULL
 WHERE delivery_id = ANY(%s)
"""
_SIGNED: LiteralString = """
SELECT delivery_id FROM delivery_event
 WHERE delivery_id = ANY(%s) AND kind = 'acknowledged' AND said ? 'jws'
"""
_REFUSED: LiteralString = """
UPDATE delivery SET state = 'refused', leased_by = NULL, leased_until = NULL
 WHERE delivery_id = %(delivery)s AND organisation = %(organisation)s AND NOT finished
RETURNING delivery_id
"""
_HELD_ROW: LiteralString = """
SELECT delivery_id FROM delivery
 WHERE delivery_id = %(delivery)s AND organisation = %(organisation)s FOR UPDATE
"""
_GONE: LiteralString = """
SELECT state FROM delivery
 WHERE delivery_id = %(delivery)s AND organisation = %(organisation)s AND state IN ('expired', 'refused')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What a listing is narrowed to."""

    messages: tuple[str, ...] | None = None
    """These types only; None: all."""
    urgency: str | None = None
    state: str | None = None
    """`available`, `fetched` or `transported`; None: the former two."""
    lease: str | None = None
    """Only what this lease holds; None: only what none holds."""

    def values(self, organisation: str) -> dict[str, object]:
        """Return what the statements name."""
        return {
            "organisation": organisation,
            "messages": None if self.messages is None else list(self.messages),
            "urgency": self.urgency,
            "state": self.state,
            "lease": self.lease,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """One delivery in a listing."""

    cursor: int
    delivery_id: str
    message: str
    contract: str
    urgency: str
    state: str
    size: int
    digest: bytes
    available_at: datetime
    leased_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One delivery whole, headers and view still sealed."""

    delivery_id: str
    message: str
    contract: str
    box: bytes
    key_id: str
    nonce: bytes
    state: str
    sequence: int = 0
    """Its number in its lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRow:
    """What is known of a delivery besides its content."""

    delivery_id: str
    message: str
    contract: str
    role: str
    case_ref: str
    state: str
    digest: bytes
    size: int
    sequence: int | None
    taken: bool
    """Whether its recipient has acknowledged it, or said that somebody has read it or acted on it."""


@dataclass(frozen=True, slots=True)
class MailboxStore:
    """Each method is one transaction, waiting no longer than it may."""

    pool: Pool
    wait_s_max: float

    async def waiting(
        self, *, organisation: str, after: int, narrowed: Narrowed, limit: int
    ) -> list[WaitingRow]:
        """Return what waits in a mailbox, oldest first: not yet acknowledged, beyond the cursor."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = connection.cursor(row_factory=class_row(WaitingRow))
            values = narrowed.values(organisation) | {"after": after, "limit": limit}
            await cursor.execute(_TRANSPORTED if narrowed.state == "transported" else _LISTED, values)
            return await cursor.fetchall()

    async def count_waiting(self, organisation: str) -> int:
        """Return how many deliveries wait in a mailbox, also those under a lease."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(
                """
                SELECT count(*) FROM delivery
                 WHERE organisation = %s AND state IN ('available', 'fetched') AND delivery_is_open(delivery)
                """,
                (organisation,),
            )
            row = await cursor.fetchone()
            return 0 if row is None else int(row[0])

    async def lease(
        self, *, organisation: str, narrowed: Narrowed, lease: str, limit: int, seconds: int
    ) -> list[WaitingRow]:
        """Give the oldest deliveries nobody else leases or is taking to this lease, for so long."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = connection.cursor(row_factory=class_row(WaitingRow))
            values = narrowed.values(organisation) | {"lease": lease, "limit": limit, "seconds": seconds}
            await cursor.execute(_LEASED, values)
            return sorted(await cursor.fetchall(), key=lambda row: row.cursor)

    @asynccontextmanager
    async def fetching(
        self, *, organisation: str, delivery: str, channel: Channel, said: Mapping[str, object] | None = None
    ) -> AsyncIterator[DeliveryRow | None]:
        """Hand out one delivery with its number and note that it was, unless the caller fails to open it."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = connection.cursor(row_factory=class_row(DeliveryRow))
            await cursor.execute(_FETCHED, {"delivery": delivery, "organisation": organisation})
            row = await cursor.fetchone()
            if row is not None:
                row = replace(row, sequence=await sequence_of(connection, delivery))
                await note_fetched(connection, delivery, channel, said or {})
            yield row

    async def seen(self, *, organisation: str, delivery: str) -> SeenRow | None:
        """Return what is known of a delivery that may be read, or was refused; this hands nothing out."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = connection.cursor(row_factory=class_row(SeenRow))
            await cursor.execute(_SEEN, {"delivery": delivery, "organisation": organisation})
            return await cursor.fetchone()

    async def gone(self, *, organisation: str, delivery: str) -> str | None:
        """Return `expired` or `refused` where that is why this recipient finds a delivery no more."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(_GONE, {"delivery": delivery, "organisation": organisation})
            row = await cursor.fetchone()
            return None if row is None else str(row[0])

    async def acknowledge(
        self,
        *,
        organisation: str,
        digests: Mapping[str, bytes | None],
        channel: Channel,
        proofs: Mapping[str, Mapping[str, object]] | None = None,
    ) -> dict[str, bool]:
        """Mark deliveries as acknowledged; False: the digest is another's; missing: no such delivery here.

        Without a digest, only what was handed out before counts as there. What has expired is missing, unless
        it was once let leave, and its digest shows that it arrived: by a push whose answer was lost.
        `proofs` are signatures that hold; one that comes after the acknowledgement is kept too.
        """
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            values = {"deliveries": list(digests), "organisation": organisation}
            rows = await (await connection.execute(_LOCKED, values)).fetchall()
            found = {name: _proved(digests[name], bytes(digest), state) for name, state, digest in rows}
            found = {name: found[name] for name, state, _ in rows if found[name] or state != "expired"}
            rows = [row for row in rows if row[0] in found]
            new = [name for name, state, _ in rows if found[name] and state != "acknowledged"]
            signed = {name: proof for name, proof in (proofs or {}).items() if found.get(name)}
            await _acknowledged(connection, new, channel, signed)
            return found

    async def refuse(self, *, organisation: str, said: Said, channel: Channel) -> None:
        """Mark a delivery as refused for good; what is finished already stays as it is."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            values = {"delivery": said.delivery, "organisation": organisation}
            cursor = await connection.execute(_REFUSED, values)
            if await cursor.fetchone() is not None:
                await note_said(connection, [said], channel)

    async def read(self, *, organisation: str, said: Said, channel: Channel) -> None:
        """Note that a role has read a delivery, once for each role."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            values = {"delivery": said.delivery, "organisation": organisation}
            if await (await connection.execute(_HELD_ROW, values)).fetchone() is not None:
                await note_said(connection, [said], channel)


def _proved(named: bytes | None, digest: bytes, state: str) -> bool:
    """Tell whether the recipient has shown that it has these bytes."""
    return state not in {"available", "expired"} if named is None else named == digest


async def _acknowledged(
    connection: AsyncConnection,
    new: Sequence[str],
    channel: Channel,
    signed: Mapping[str, Mapping[str, object]],
) -> None:
    if new:
        await connection.execute(_ACKNOWLEDGED, (list(new),))
    known: set[str] = set()
    if signed:
        cursor = await connection.execute(_SIGNED, (list(signed),))
        known = {str(row[0]) for row in await cursor.fetchall()}
    late = [name for name in signed if name not in {*new, *known}]
    events = [(name, Happened.ACKNOWLEDGED, signed.get(name, {})) for name in (*new, *late)]
    if events:
        await note_each(connection, events, channel)
