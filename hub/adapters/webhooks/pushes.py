"""The pushes' statements to PostgreSQL: claimed, looked at, recorded; each for many at once.

Deliverers take turns at claiming, so that what a claim sees of lanes and endpoints is so. From then on a
push is its claimer's until the lease ends: what an attempt came to is recorded only under the very claim it
was made by, and the look that lets it leave is made after the projection has come to where the router was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

from hub.adapters.database.handing_over import Channel, Happened, not_coming, note_each
from hub.adapters.webhooks.claiming import claim_due
from hub.consent.partner_contracts import PartnerContract, readable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from psycopg import AsyncConnection

    from hub.adapters.database.pool import Pool
    from hub.adapters.webhooks.delivering_limits import DelivererLimits

_BRIEFLY: LiteralString = "SET LOCAL idle_in_transaction_session_timeout = '2s'"
_LOOK: LiteralString = """
SELECT p.delivery_id, p.endpoint_id, p.organisation, p.case_ref, p.place, p.urgency, p.tries, p.charged,
       p.refusals, coalesce(extract(epoch FROM now() - p.first_at), 0)::float8 AS since_first_s,
       d.message, d.contract, d.box, d.key_id, d.nonce, d.sequence, d.available_at, d.verdict, d.finished,
       e.state = 'active' AS awake, e.state = 'removed' AS removed,
       delivery_is_open(d) AND NOT delivery_is_out_of_date(d) AND EXISTS (
           SELECT 1 FROM control c WHERE c.kind = 'organisation' AND c.name = d.organisation
                                     AND c.body->>'standing' = 'active') AS may_leave
  FROM push p JOIN delivery d USING (delivery_id) JOIN endpoint e USING (endpoint_id)
 WHERE p.leased_by = %(claim)s AND p.state = 'in_flight'
 ORDER BY d.delivery_id FOR UPDATE OF p, d SKIP LOCKED
"""
"""What another transaction is changing at this moment is left for the next round."""
_GO: LiteralString = """
UPDATE push p SET tries = tries + 1, first_at = coalesce(first_at, now()), attempted_at = now(),
                  may_have_arrived = may_have_arrived OR tries = 0 AND d.sequence IS NOT NULL,
                  held_since = NULL, leased_until = now() + make_interval(secs => %(lease_s)s)
  FROM delivery d WHERE d.delivery_id = p.delivery_id AND p.delivery_id = ANY(%(deliveries)s)
"""
"""A number it has before its first try is known to somebody: another channel, or a database since lost."""
_NUMBER: LiteralString = "SELECT one, give_sequence(one) FROM unnest(%s::text[]) AS one"
_HELD: LiteralString = """
UPDATE push SET state = CASE WHEN tries > 0 THEN 'waiting_retry' ELSE 'scheduled' END,
                held_since = coalesce(held_since, now()), leased_by = NULL, leased_until = NULL,
                reason = nullif(reason, 'absent'),
                due_at = now() + make_interval(secs => least(%(most_s)s, greatest(%(least_s)s,
                             extract(epoch FROM now() - coalesce(held_since, now())))))
 WHERE delivery_id = ANY(%(deliveries)s)
"""
_ABSENT: LiteralString = """
WITH absent AS (
    SELECT p.delivery_id, p.reason = 'absent'
                          AND p.held_since < now() - make_interval(secs => %(absent_s)s)
                          AND NOT EXISTS (SELECT 1 FROM projector_stopped) AS gone
      FROM push p
     WHERE p.leased_by = %(claim)s AND p.state = 'in_flight' AND p.delivery_id = ANY(%(deliveries)s)
       AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.delivery_id = p.delivery_id)
)
UPDATE push p SET state = CASE WHEN absent.gone THEN 'cancelled'
                               WHEN p.tries > 0 THEN 'waiting_retry' ELSE 'scheduled' END,
                  reason = 'absent', leased_by = NULL, leased_until = NULL,
                  held_since = coalesce(CASE WHEN p.reason = 'absent' THEN p.held_since END, now()),
                  due_at = now() + make_interval(secs => least(%(most_s)s, greatest(%(least_s)s,
                               CASE WHEN p.reason = 'absent'
                                    THEN extract(epoch FROM now() - p.held_since) END)))
  FROM absent WHERE p.delivery_id = absent.delivery_id
"""
"""A rebuild has not brought the delivery back, and will not, if it was older than its topic keeps it.

It keeps back its lane no longer than one that is held.
"""
_BACK: LiteralString = """
UPDATE push SET state = CASE WHEN tries > 0 THEN 'waiting_retry' ELSE 'scheduled' END,
                leased_by = NULL, leased_until = NULL,
                due_at = greatest(due_at, now() + make_interval(secs => %(after_s)s))
 WHERE leased_by = %(claim)s AND state = 'in_flight' AND delivery_id = ANY(%(deliveries)s)
"""
_UNTAKEN: LiteralString = """
UPDATE push SET tries = tries - 1, attempted_at = NULL,
                first_at = CASE WHEN tries = 1 THEN NULL ELSE first_at END
 WHERE leased_by = %(claim)s AND state = 'in_flight' AND delivery_id = ANY(%(deliveries)s)
   AND attempted_at IS NOT NULL
"""
_LOCK: LiteralString = "SELECT 1 FROM delivery WHERE delivery_id = ANY(%s) ORDER BY delivery_id FOR UPDATE"
_UNNUMBER: LiteralString = """
SELECT take_back_sequence(delivery_id)
  FROM (SELECT delivery_id FROM push
         WHERE leased_by = %(claim)s AND state = 'in_flight' AND delivery_id = ANY(%(deliveries)s)
           AND tries = 0 AND NOT may_have_arrived
         ORDER BY place DESC OFFSET 0) AS last_first
"""
"""What has never left has no number: else, stopped now, it would be said not to come."""
_CANCEL: LiteralString = """
UPDATE push p SET state = 'cancelled', leased_by = NULL, leased_until = NULL,
                  reason = coalesce(d.verdict, CASE WHEN d.finished THEN d.state ELSE 'removed' END)
  FROM delivery d WHERE d.delivery_id = p.delivery_id AND p.delivery_id = ANY(%s)
"""
_EARLIER: LiteralString = """
SELECT p.delivery_id AS pushed, o.delivery_id, d.sequence, o.untold
  FROM push p JOIN push o ON (o.organisation, o.case_ref) = (p.organisation, p.case_ref)
                         AND o.delivery_id <> p.delivery_id
                         AND (o.untold OR o.state = 'waiting_retry' AND o.tries > 0)
  JOIN delivery d ON d.delivery_id = o.delivery_id
 WHERE p.delivery_id = ANY(%s) AND d.sequence IS NOT NULL AND (o.untold OR o.place < p.place)
 ORDER BY d.sequence
"""
_ENDPOINTS: LiteralString = """
SELECT endpoint_id, organisation, url, on_loopback, key_id, nonce, box FROM endpoint
 WHERE endpoint_id = ANY(%s)
"""
_AGREED: LiteralString = """
SELECT body->>'partner', body FROM control
 WHERE kind = 'contract' AND body->>'partner' = ANY(%s) ORDER BY name
"""
_BEAT: LiteralString = """
UPDATE push SET leased_until = now() + make_interval(secs => %(lease_s)s)
 WHERE state = 'in_flight' AND leased_by = ANY(%(claims)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRow:
    """One push that was claimed, with the delivery it brings, still sealed."""

    delivery_id: str
    endpoint_id: str
    organisation: str
    case_ref: str
    place: int
    urgency: str
    tries: int
    """How often it was tried before."""
    charged: int
    refusals: int
    since_first_s: float
    message: str
    contract: str
    box: bytes
    key_id: str
    nonce: bytes
    sequence: int | None
    available_at: datetime
    verdict: str | None
    finished: bool
    awake: bool
    removed: bool
    may_leave: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """Where to, and the secrets, sealed."""

    endpoint_id: str
    organisation: str
    url: str
    on_loopback: bool
    key_id: str
    nonce: bytes
    box: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """One push that may leave now."""

    claim: str
    row: PushRow
    sequence: int
    endpoint: EndpointRow
    agreed: tuple[PartnerContract, ...]
    overtaken: tuple[int, ...]
    """Numbers of its lane that come later than this one."""
    missing: tuple[tuple[str, int], ...]
    """Deliveries of its lane, and their numbers, that will not come, and nobody has said so yet."""


@dataclass(frozen=True, slots=True)
class Pushes:
    """Claims pushes and looks whether they may leave; what came of them, `Outcomes` records."""

    pool: Pool
    limits: DelivererLimits

    async def claim(self, claim: str, *, most: int) -> list[str]:
        """Claim pushes that are due, fairly between endpoints; what lapsed is due again."""
        values = {
            "claim": claim,
            "most": most,
            "lease_s": self.limits.lease_s,
            "grace_s": self.limits.held_grace_s,
        }
        async with self._connection() as connection, connection.transaction():
            await hold_briefly(connection)
            return await claim_due(connection, values)

    async def look(self, claim: str, claimed: Collection[str]) -> list[Ready]:
        """Return what of a claim may leave now, numbered; the projection must have caught up since.

        What is held goes back for a while, what is settled is cancelled.
        """
        async with self._connection() as connection, connection.transaction():
            await hold_briefly(connection)
            cursor = connection.cursor(row_factory=class_row(PushRow))
            rows = await (await cursor.execute(_LOOK, {"claim": claim})).fetchall()
            going = [row for row in rows if row.may_leave and row.awake and not row.finished]
            over = [row for row in rows if row.finished or row.removed or row.verdict is not None]
            held = [
                row.delivery_id
                for row in rows
                if not row.may_leave and row.awake and row.verdict is None and not row.finished
            ]
            settled = {each.delivery_id for each in (*going, *over)} | {*held}
            await self._put_back(connection, claim, held=held, back=set(claimed) - settled)
            await cancel(connection, over)
            return await self._numbered(connection, claim, going)

    async def give_back(self, claim: str, deliveries: Collection[str], *, untaken: bool) -> None:
        """Let go of what was claimed; `untaken`: it was let leave, and did not."""
        values = {"claim": claim, "deliveries": list(deliveries), "after_s": 0.0}
        async with self._connection() as connection, connection.transaction():
            if untaken:
                await connection.execute(_LOCK, (values["deliveries"],))
                await connection.execute(_UNTAKEN, values)
                await connection.execute(_UNNUMBER, values)
            await connection.execute(_BACK, values)

    async def beat(self, claims: Collection[str]) -> None:
        """Say that these claims are still worked on."""
        async with self._connection() as connection:
            await connection.execute(_BEAT, {"lease_s": self.limits.lease_s, "claims": list(claims)})

    async def _put_back(
        self, connection: AsyncConnection, claim: str, *, held: list[str], back: Collection[str]
    ) -> None:
        again = {"least_s": self.limits.look_again_s, "most_s": self.limits.look_again_s_max}
        if held:
            await connection.execute(_HELD, {"deliveries": held, **again})
        if back:
            values = {"claim": claim, "deliveries": list(back), "after_s": self.limits.idle_s}
            await connection.execute(_ABSENT, {**values, **again, "absent_s": self.limits.absent_s_max})
            await connection.execute(_BACK, values)

    async def _numbered(
        self, connection: AsyncConnection, claim: str, going: Sequence[PushRow]
    ) -> list[Ready]:
        if not going:
            return []
        deliveries = [row.delivery_id for row in going]
        await connection.execute(_GO, {"deliveries": deliveries, "lease_s": self.limits.lease_s})
        numbers = {row.delivery_id: row.sequence for row in going}
        fresh = [delivery for delivery, number in numbers.items() if number is None]
        if fresh:
            numbers |= {
                row[0]: row[1] for row in await (await connection.execute(_NUMBER, (fresh,))).fetchall()
            }
        earlier = await (await connection.execute(_EARLIER, (deliveries,))).fetchall()
        endpoints = await self._endpoints(connection, {row.endpoint_id for row in going})
        agreed = await _agreed(connection, {row.organisation for row in going})
        return [
            Ready(
                claim=claim,
                row=row,
                sequence=int(numbers[row.delivery_id] or 0),
                endpoint=endpoints[row.endpoint_id],
                agreed=agreed.get(row.organisation, ()),
                overtaken=tuple(each[2] for each in earlier if each[0] == row.delivery_id and not each[3]),
                missing=tuple(
                    (each[1], each[2]) for each in earlier if each[0] == row.delivery_id and each[3]
                ),
            )
            for row in going
        ]

    async def _endpoints(
        self, connection: AsyncConnection, endpoints: Collection[str]
    ) -> dict[str, EndpointRow]:
        cursor = connection.cursor(row_factory=class_row(EndpointRow))
        await cursor.execute(_ENDPOINTS, (list(endpoints),))
        return {row.endpoint_id: row for row in await cursor.fetchall()}

    def _connection(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self.pool.connection(timeout=self.limits.database_wait_s_max)


async def hold_briefly(connection: AsyncConnection) -> None:
    """Let the database end this transaction soon if its process stands still: others wait for its locks."""
    await connection.execute(_BRIEFLY)


async def cancel(connection: AsyncConnection, over: Sequence[PushRow]) -> None:
    """Push these no more: they were stopped, or their recipient has settled them elsewhere."""
    if not over:
        return
    deliveries = [row.delivery_id for row in over]
    await connection.execute(_CANCEL, (deliveries,))
    events = [(row.delivery_id, Happened.CANCELLED, {"reason": _why(row)}) for row in over]
    await not_coming(connection, deliveries, for_good=True)
    await note_each(connection, events, Channel.WEBHOOK)


def _why(row: PushRow) -> str:
    return "verdict" if row.verdict else "settled" if row.finished else "removed"


async def _agreed(
    connection: AsyncConnection, organisations: Collection[str]
) -> dict[str, tuple[PartnerContract, ...]]:
    cursor = await connection.execute(_AGREED, (list(organisations),))
    found: dict[str, list[dict[str, object]]] = {}
    for partner, body in await cursor.fetchall():
        found.setdefault(partner, []).append(body)
    return {partner: tuple(readable(bodies)) for partner, bodies in found.items()}
