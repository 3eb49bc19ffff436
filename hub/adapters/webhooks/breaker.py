"""When an endpoint is left alone: for a while after failures; after five days of them, until somebody looks.

Only the partner's failures count here, as with the tries; whoever asks keeps the counts. Pure functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ROW_MAX = 5
"""Failures in a row that open the breaker."""
WINDOW_S = 300.0
"""How far back the counts of recent tries go."""
WINDOW_TRIES_MIN, WINDOW_FAILED_SHARE = 10, 0.7
"""So many tries in the window with such a share of failures open it too, where the last one failed."""
OPEN_S, OPEN_S_MAX = 15.0, 300.0
"""How long it stays open, doubled with each failure after, at most so long: a safety message may wait."""
SLOW_S, SLOW_S_MAX = 5.0, 300.0
"""How long a slowed endpoint waits where it did not say, doubled with each failure; and at most."""
NOT_LOOKED_UP_S = 30.0
"""How long an endpoint waits whose host name nobody looked up. Never longer: it may be our own fault."""
PAUSED_AFTER_S = 120 * 3_600.0
"""After so long of failures only, the endpoint is paused until somebody resumes it."""
MISCONFIGURED_MAX, MISCONFIGURED_WINDOW_S = 3, 600.0
"""So many answers in the window that say somebody must change something pause it."""
_DOUBLINGS_MAX = 10


class Passage(StrEnum):
    """Whether something may be sent now."""

    CLOSED = "closed"
    """As the breaker's name has it: nothing stands in the way."""
    HALF_OPEN = "half_open"
    """One try, to see; the rest waits for what comes of it."""
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What an endpoint's tries came to; failures that were not the partner's are left out."""

    failures_in_a_row: int
    last_failed_at: datetime | None
    failing_since: datetime | None
    """When the first failed since the last success."""
    recent_tries: int
    """In the last `WINDOW_S`."""
    recent_failures: int


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether to send, and until when not."""

    passage: Passage
    until: datetime | None = None


def breaker(health: Health, *, now: datetime) -> Breaker:
    """Say whether something may be sent to an endpoint now."""
    failed_at = health.last_failed_at
    if failed_at is None or not _trips(health):
        return Breaker(Passage.CLOSED)
    more = max(health.failures_in_a_row - ROW_MAX, 0)
    until = failed_at + timedelta(seconds=_doubled(OPEN_S, more, OPEN_S_MAX))
    return Breaker(Passage.OPEN, until) if now < until else Breaker(Passage.HALF_OPEN)


def slowed_until(failures_in_a_row: int, asked_s: float | None, *, now: datetime) -> datetime:
    """Say until when a whole endpoint waits after an answer that asked for it, or that took too long."""
    usual_s = _doubled(SLOW_S, max(failures_in_a_row - 1, 0), SLOW_S_MAX)
    return now + timedelta(seconds=min(max(usual_s, asked_s or 0.0), SLOW_S_MAX))


def is_to_pause(health: Health, *, misconfigured_recently: int, now: datetime) -> bool:
    """Whether an endpoint is paused until somebody resumes it.

    `misconfigured_recently` counts such answers in the last `MISCONFIGURED_WINDOW_S`.
    """
    if misconfigured_recently >= MISCONFIGURED_MAX:
        return True
    since = health.failing_since
    return since is not None and (now - since).total_seconds() >= PAUSED_AFTER_S


def _trips(health: Health) -> bool:
    if health.failures_in_a_row >= ROW_MAX:
        return True
    enough = health.recent_tries >= WINDOW_TRIES_MIN and health.failures_in_a_row > 0
    return enough and health.recent_failures >= WINDOW_FAILED_SHARE * health.recent_tries


def _doubled(first_s: float, times: int, max_s: float) -> float:
    return float(min(first_s * 2 ** min(times, _DOUBLINGS_MAX), max_s))
