"""Records what attempts came to: of the push, of its delivery, of the endpoint's health, and the event.

All in one transaction for many attempts; of an attempt whose claim has lapsed nothing is recorded, for
somebody else has it by now. The endpoint's health stands in its row, so that all deliverers go by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

import structlog
from psycopg.rows import class_row

from hub.adapters import telemetry
from hub.adapters.database.handing_over import Channel, Happened, not_coming, note_each
from hub.adapters.webhooks.answers import CONTRACT_TRIES_MAX, Kind, Verdict
from hub.adapters.webhooks.health import HealthRow, after
from hub.adapters.webhooks.pushes import hold_briefly
from hub.adapters.webhooks.schedule import SoFar, jitter_of, next_due, schedule_of
from hub.messages.envelope import MessageName
from hub.routing.outcome import Urgency

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from psycopg import AsyncConnection

    from hub.adapters.database.pool import Pool
    from hub.adapters.webhooks.pushes import Ready

_OURS: LiteralString = """
SELECT p.delivery_id, p.tries, p.charged, p.refusals, p.first_charged_at, d.verdict, d.finished,
       e.state = 'removed' AS removed,
       now() AS now
  FROM unnest(%s::text[], %s::text[]) AS ours (delivery_id, claim)
  JOIN push p ON p.delivery_id = ours.delivery_id AND p.leased_by = ours.claim AND p.state = 'in_flight'
  JOIN delivery d ON d.delivery_id = p.delivery_id
  JOIN endpoint e ON e.endpoint_id = p.endpoint_id
 ORDER BY d.delivery_id FOR UPDATE OF d, p
"""
_STEPS: LiteralString = """
UPDATE push p
   SET state = step.state, reason = step.reason, due_at = coalesce(step.due_at, p.due_at),
       charged = step.charged, refusals = step.refusals, first_charged_at = step.first_charged_at,
       may_have_arrived = p.may_have_arrived OR step.has_left, leased_by = NULL, leased_until = NULL
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::integer[], %s::integer[],
              %s::timestamptz[], %s::boolean[])
       AS step (delivery_id, state, reason, due_at, charged, refusals, first_charged_at, has_left)
 WHERE p.delivery_id = step.delivery_id
"""
_TRANSPORTED: LiteralString = """
UPDATE delivery SET state = 'transported'
 WHERE delivery_id = ANY(%s) AND state IN ('available', 'expired')
"""
"""It may have expired if its deliverer stood still for longer than its lease, and nobody claimed it since."""
_TOLD: LiteralString = "UPDATE push SET untold = false WHERE delivery_id = ANY(%s)"
_HEALTH: LiteralString = """
SELECT endpoint_id, state, reason, not_before, failing_since, last_failed_at, failures_in_a_row, window_since,
       window_attempts, window_failures, misconfigured_since, misconfigured
  FROM endpoint WHERE endpoint_id = ANY(%s) ORDER BY endpoint_id
"""
_SET_HEALTH: LiteralString = """
UPDATE endpoint
   SET state = %(state)s, reason = %(reason)s, not_before = %(not_before)s, failing_since = %(failing_since)s,
       last_failed_at = %(last_failed_at)s, failures_in_a_row = %(failures_in_a_row)s,
       window_since = %(window_since)s, window_attempts = %(window_attempts)s,
       window_failures = %(window_failures)s, misconfigured_since = %(misconfigured_since)s,
       misconfigured = %(misconfigured)s,
       changed_at = CASE WHEN state = %(state)s THEN changed_at ELSE now() END
 WHERE endpoint_id = %(endpoint_id)s
"""
_HAPPENED = {
    "delivered": Happened.TRANSPORTED,
    "waiting_retry": Happened.ATTEMPTED,
    "parked": Happened.PARKED,
    "cancelled": Happened.CANCELLED,
    "exhausted": Happened.EXHAUSTED,
}
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One attempt that ended."""

    ready: Ready
    verdict: Verdict
    has_left: bool = False
    """Some of it was sent: whatever was answered, the recipient may have read it, and its number."""
    notice: bool = False
    """Only a notice was sent: the delivery itself is still in the mailbox."""
    erased: bool = False
    """The person's key has been erased: there is nothing to send any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRow:
    """A push whose attempt was ours to the end."""

    delivery_id: str
    tries: int
    charged: int
    refusals: int
    first_charged_at: datetime | None
    verdict: str | None
    finished: bool
    removed: bool
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What becomes of a push."""

    state: str
    reason: str | None
    due_at: datetime | None
    charged: int
    refusals: int
    first_charged_at: datetime | None


def step_of(row: OwnRow, ended: Ended) -> Step:
    """Say what becomes of a push after this attempt; what was stopped meanwhile is tried no more."""
    verdict = ended.verdict
    charged = row.charged + verdict.charge
    refused = verdict.kind is Kind.REFUSED_CONTRACT
    first = row.first_charged_at or (row.now if verdict.charge else None)
    step = Step(
        state="waiting_retry",
        reason=verdict.reason,
        due_at=row.now,
        charged=charged,
        refusals=row.refusals + refused,
        first_charged_at=first,
    )
    if verdict.kind is Kind.DELIVERED:
        return replace(step, state="delivered", reason="notice" if ended.notice else None)
    stopped = row.verdict or ("settled" if row.finished else None) or ("removed" if row.removed else None)
    if stopped or ended.erased:
        return replace(step, state="cancelled", reason=stopped or "erased")
    if refused and step.refusals >= CONTRACT_TRIES_MAX:
        return replace(step, state="parked")
    if verdict.kind is Kind.GONE:
        return step
    delivery = ended.ready.row
    due = next_due(
        schedule_of(Urgency(delivery.urgency), MessageName(delivery.message)),
        SoFar(tries=row.tries, charged=charged, first_charged_at=row.first_charged_at),
        charged=verdict.charge > 0,
        failed_at=row.now,
        asked_s=verdict.retry_after_s,
        jitter=jitter_of(row.delivery_id, row.tries),
    )
    return replace(step, due_at=due) if due is not None else replace(step, state="exhausted")


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records the ends of attempts."""

    pool: Pool
    wait_s_max: float

    async def record(self, ended: Sequence[Ended]) -> int:
        """Record what these attempts came to; returns of how many that was still ours to say."""
        by_delivery = {each.ready.row.delivery_id: each for each in ended}
        asked = (list(by_delivery), [each.ready.claim for each in by_delivery.values()])
        async with self.pool.connection(timeout=self.wait_s_max) as connection, connection.transaction():
            await hold_briefly(connection)
            cursor = connection.cursor(row_factory=class_row(OwnRow))
            rows = await (await cursor.execute(_OURS, asked)).fetchall()
            if not rows:
                return 0
            own = [(row, by_delivery[row.delivery_id]) for row in rows]
            steps = [(row, each, step_of(row, each)) for row, each in own]
            await _apply(connection, steps)
            await self._health(connection, [each for _, each in own], now=rows[0].now)
        _say(steps)
        return len(rows)

    async def _health(self, connection: AsyncConnection, ended: Sequence[Ended], *, now: datetime) -> None:
        """Fold these ends into the health of their endpoints; one in good health is not written to."""
        by_endpoint: dict[str, list[Verdict]] = {}
        for each in ended:
            by_endpoint.setdefault(each.ready.row.endpoint_id, []).append(each.verdict)
        found = await _healths(connection, list(by_endpoint), locked=False)
        touched = [
            row.endpoint_id for row in found if after(row, by_endpoint[row.endpoint_id], now=now) != row
        ]
        if not touched:
            return
        for row in await _healths(connection, touched, locked=True):
            changed = after(row, by_endpoint[row.endpoint_id], now=now)
            await connection.execute(_SET_HEALTH, changed.values())
            if changed.state != row.state:
                _log.warning("endpoint.paused", endpoint=row.endpoint_id, reason=changed.reason)


async def _healths(connection: AsyncConnection, endpoints: list[str], *, locked: bool) -> list[HealthRow]:
    cursor = connection.cursor(row_factory=class_row(HealthRow))
    await cursor.execute(_HEALTH + (" FOR UPDATE" if locked else ""), (endpoints,))
    return await cursor.fetchall()


async def _apply(connection: AsyncConnection, steps: Sequence[tuple[OwnRow, Ended, Step]]) -> None:
    await connection.execute(
        _STEPS,
        (
            [row.delivery_id for row, _, _ in steps],
            [step.state for _, _, step in steps],
            [step.reason for _, _, step in steps],
            [step.due_at for _, _, step in steps],
            [step.charged for _, _, step in steps],
            [step.refusals for _, _, step in steps],
            [step.first_charged_at for _, _, step in steps],
            [each.has_left for _, each, _ in steps],
        ),
    )
    await connection.execute(
        _TRANSPORTED,
        ([row.delivery_id for row, each, step in steps if step.state == "delivered" and not each.notice],),
    )
    told = [one for _, each, step in steps if step.state == "delivered" for one, _ in each.ready.missing]
    if told:
        await connection.execute(_TOLD, (told,))
    parked = [row.delivery_id for row, _, step in steps if step.state in {"parked", "exhausted"}]
    if parked:
        await not_coming(connection, parked, for_good=False)
    cancelled = [row.delivery_id for row, _, step in steps if step.state == "cancelled"]
    if cancelled:
        await not_coming(connection, cancelled, for_good=True)
    # Last: an event says how its delivery stands now, its number too.
    await note_each(connection, list(_events(steps)), Channel.WEBHOOK)


def _events(
    steps: Iterable[tuple[OwnRow, Ended, Step]],
) -> Iterable[tuple[str, Happened, dict[str, object]]]:
    """Yield what happened: a notice is an attempt, since what it speaks of has not been handed over."""
    for row, each, step in steps:
        said: dict[str, object] = {
            "endpoint": each.ready.row.endpoint_id,
            "try": row.tries,
            "outcome": each.verdict.reason,
            "sequence": each.ready.sequence,
        }
        if step.state == "waiting_retry" and step.due_at is not None:
            said["again_in_s"] = round((step.due_at - row.now) / timedelta(seconds=1))
        if step.state == "cancelled":
            said["reason"] = "verdict" if row.verdict else step.reason
        yield row.delivery_id, Happened.ATTEMPTED if each.notice else _HAPPENED[step.state], said


def _say(steps: Iterable[tuple[OwnRow, Ended, Step]]) -> None:
    """Count what came of attempts, and log what somebody has to look at; nothing of a person stands in it."""
    for row, each, step in steps:
        telemetry.count("hub.deliverer.attempts", hub_outcome=step.state, hub_code=each.verdict.reason)
        if step.state in {"parked", "exhausted"}:
            _log.error(
                f"push.{step.state}",
                delivery_id=row.delivery_id,
                endpoint=each.ready.row.endpoint_id,
                reason=step.reason,
                tries=row.tries,
                fix="see `hub endpoint show`; the delivery waits in the mailbox",
            )
