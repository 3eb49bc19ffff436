"""When a webhook that failed is sent again, and how often: tables and pure functions.

A try that failed by the partner's doing is charged to the push (`Verdict.charge`); one that failed by ours is
not, and never ends it: else a weekend without our own DNS would end them all. Such a push ends when its
delivery does. Time runs from the first failure that was charged. Who is told of a safety message that does
not arrive meanwhile: hub.adapters.ledger.expiring.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.messages.envelope import MessageName
from hub.routing.outcome import Urgency

JITTER_SHARE_MAX, JITTER_S_MAX = 0.1, 300.0
"""How much later than due a try may be set, so that not all come at once. Never earlier."""
_M, _H = 60.0, 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How one class of messages is retried."""

    name: str
    delays_s: tuple[float, ...]
    """The wait after each charged failure."""
    goes_on: bool
    """The last wait repeats until the horizon; else the tries end with the waits."""
    horizon_s: float
    """How long after the first charged failure the last try may be."""
    uncharged_s_max: float
    """Longest wait after a failure of the hub's own."""

    @property
    def longest_s(self) -> float:
        """The longest wait there is; a partner cannot make it longer."""
        return max(self.delays_s)


SAFETY = Schedule(
    name="safety",
    delays_s=(5, 15, 30, _M, 2 * _M, *[5 * _M] * 6, *[10 * _M] * 6, 30 * _M),
    goes_on=True,
    horizon_s=24 * _H,
    uncharged_s_max=_M,
)
CASE = Schedule(
    name="case",
    delays_s=(5, 5 * _M, 30 * _M, 2 * _H, 5 * _H, 10 * _H, 14 * _H, 20 * _H, 24 * _H, 24 * _H, 24 * _H),
    goes_on=False,
    # A weekend of four days; the waits come to 123 h 35 min.
    horizon_s=126 * _H,
    uncharged_s_max=30 * _M,
)
ROUTINE = Schedule(
    name="routine",
    delays_s=(5, 5 * _M, 30 * _M, 2 * _H, 5 * _H, 10 * _H, 10 * _H),
    goes_on=False,
    # The waits come to 27 h 35 min.
    horizon_s=29 * _H,
    uncharged_s_max=30 * _M,
)
_BY_URGENCY = {Urgency.SAFETY: SAFETY, Urgency.CASE: CASE, Urgency.ROUTINE: ROUTINE}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoFar:
    """What a push has been through, the failure that has just been included."""

    tries: int
    charged: int
    """The sum of what its failures were charged."""
    first_charged_at: datetime | None
    """When the first of those that were charged failed."""


def schedule_of(urgency: Urgency, message: MessageName) -> Schedule:
    """Return how a message is retried; a correction as a safety message, since it says what was wrong."""
    return SAFETY if message is MessageName.CORRECTION else _BY_URGENCY[urgency]


def next_due(
    schedule: Schedule,
    so_far: SoFar,
    *,
    charged: bool,
    failed_at: datetime,
    asked_s: float | None,
    jitter: float,
) -> datetime | None:
    """Return when to try again, or None where the tries are used up.

    `charged` says whether the last failure was; `asked_s` is a Retry-After; `jitter` is from 0 up to 1.
    """
    wait_s = _wait_s(schedule, so_far, charged=charged)
    if wait_s is None:
        return None
    wait_s = min(max(wait_s, asked_s or 0.0), schedule.longest_s)
    if charged:
        left_s = schedule.horizon_s
        if so_far.first_charged_at is not None:
            left_s -= (failed_at - so_far.first_charged_at).total_seconds()
        if left_s <= 0:
            return None
        wait_s = min(wait_s, left_s)
    return failed_at + timedelta(seconds=wait_s + jitter * min(JITTER_SHARE_MAX * wait_s, JITTER_S_MAX))


def jitter_of(delivery_id: str, tries: int) -> float:
    """Return a number from 0 up to 1 that is the same whoever asks again, and another for each try."""
    digest = hashlib.sha256(f"{delivery_id}.{tries}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _wait_s(schedule: Schedule, so_far: SoFar, *, charged: bool) -> float | None:
    """Return the step of the table, None where there is no more."""
    steps = len(schedule.delays_s)
    if not charged:
        return min(schedule.delays_s[min(max(so_far.tries, 1), steps) - 1], schedule.uncharged_s_max)
    if so_far.charged > steps and not schedule.goes_on:
        return None
    return schedule.delays_s[min(max(so_far.charged, 1), steps) - 1]
