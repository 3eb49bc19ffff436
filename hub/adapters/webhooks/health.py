"""An endpoint's health as its row keeps it, and what attempts make of it. A pure function over the row."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hub.adapters.webhooks.answers import Kind, Verdict
from hub.adapters.webhooks.breaker import (
    MISCONFIGURED_WINDOW_S,
    NOT_LOOKED_UP_S,
    WINDOW_S,
    Health,
    breaker,
    is_to_pause,
    slowed_until,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_FAILED = {Kind.RETRY, Kind.SLOW_DOWN}
GONE, MISCONFIGURED, FAILING = "gone", "misconfigured", "failing"
"""Why the hub itself paused an endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRow:
    """What an endpoint's row says of its health."""

    endpoint_id: str
    state: str
    reason: str | None
    not_before: datetime | None
    failing_since: datetime | None
    last_failed_at: datetime | None
    failures_in_a_row: int
    window_since: datetime | None
    window_attempts: int
    window_failures: int
    misconfigured_since: datetime | None
    misconfigured: int

    def values(self) -> dict[str, object]:
        """Return it as the statement takes it."""
        return asdict(self)


def after(row: HealthRow, verdicts: Iterable[Verdict], *, now: datetime) -> HealthRow:
    """Return an endpoint's health after these attempts; the hub's own failures say nothing of it."""
    for verdict in verdicts:
        if verdict.kind is Kind.DELIVERED or verdict.kind is Kind.REFUSED_CONTRACT:
            row = _answered(row, now=now)
        elif verdict.kind in _FAILED:
            row = _failed(row, verdict, now=now)
        elif verdict.kind is Kind.MISCONFIGURED:
            row = _misconfigured(row, verdict, now=now)
        elif verdict.kind is Kind.NOT_LOOKED_UP:
            until = now + timedelta(seconds=NOT_LOOKED_UP_S)
            row = replace(row, not_before=max(row.not_before or until, until))
        elif verdict.kind is Kind.GONE:
            row = _paused(row, GONE)
    return row


def _answered(row: HealthRow, *, now: datetime) -> HealthRow:
    """Something there takes webhooks. Tries are counted only where there were failures lately."""
    row = replace(
        row,
        failures_in_a_row=0,
        failing_since=None,
        last_failed_at=None,
        not_before=None,
        misconfigured=0,
        misconfigured_since=None,
    )
    if row.window_since is None:
        return row
    if _is_past(row.window_since, WINDOW_S, now):
        return replace(row, window_since=None, window_attempts=0, window_failures=0)
    return replace(row, window_attempts=row.window_attempts + 1)


def _failed(row: HealthRow, verdict: Verdict, *, now: datetime) -> HealthRow:
    fresh = row.window_since is None or _is_past(row.window_since, WINDOW_S, now)
    row = replace(
        row,
        failures_in_a_row=row.failures_in_a_row + 1,
        failing_since=row.failing_since or now,
        last_failed_at=now,
        window_since=now if fresh else row.window_since,
        window_attempts=1 if fresh else row.window_attempts + 1,
        window_failures=1 if fresh else row.window_failures + 1,
    )
    health = _health(row)
    if is_to_pause(health, misconfigured_recently=0, now=now):
        return _paused(row, FAILING)
    waits = [row.not_before, breaker(health, now=now).until]
    if verdict.kind is Kind.SLOW_DOWN:
        waits.append(slowed_until(row.failures_in_a_row, verdict.retry_after_s, now=now))
    return replace(row, not_before=max((each for each in waits if each is not None), default=None))


def _misconfigured(row: HealthRow, verdict: Verdict, *, now: datetime) -> HealthRow:
    fresh = row.misconfigured_since is None or _is_past(row.misconfigured_since, MISCONFIGURED_WINDOW_S, now)
    row = replace(
        row,
        misconfigured=1 if fresh else row.misconfigured + 1,
        misconfigured_since=now if fresh else row.misconfigured_since,
    )
    if is_to_pause(_health(row), misconfigured_recently=row.misconfigured, now=now):
        return _paused(row, f"{MISCONFIGURED}: {verdict.reason}")
    return row


def _paused(row: HealthRow, reason: str) -> HealthRow:
    """Pause it, unless somebody has removed it, or has paused it for a reason of their own."""
    return replace(row, state="paused", reason=reason) if row.state == "active" else row


def _health(row: HealthRow) -> Health:
    return Health(
        failures_in_a_row=row.failures_in_a_row,
        last_failed_at=row.last_failed_at,
        failing_since=row.failing_since,
        recent_tries=row.window_attempts,
        recent_failures=row.window_failures,
    )


def _is_past(since: datetime, window_s: float, now: datetime) -> bool:
    return (now - since).total_seconds() >= window_s
