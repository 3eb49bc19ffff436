"""When a webhook is tried again, when it ends; and when its endpoint is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.adapters.webhooks.breaker import (
    Breaker,
    Health,
    Passage,
    breaker,
    is_to_pause,
    slowed_until,
)
from hub.adapters.webhooks.schedule import (
    CASE,
    ROUTINE,
    SAFETY,
    Schedule,
    SoFar,
    jitter_of,
    next_due,
    schedule_of,
)
from hub.messages.envelope import MessageName
from hub.routing.outcome import Urgency

pytestmark = pytest.mark.requirement("R-DEL-02")

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
MINUTE, HOUR = 60.0, 3_600.0
SCHEDULES = st.sampled_from([SAFETY, CASE, ROUTINE])


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def run(schedule: Schedule, *, charge: int = 1, asked_s: float | None = None) -> list[float]:
    """Return the waits of a push whose every try fails at once."""
    at = NOW
    waits: list[float] = []
    for tries in range(1, 200):
        so_far = SoFar(tries=tries, charged=tries * charge, first_charged_at=NOW)
        due = next_due(schedule, so_far, charged=True, failed_at=at, asked_s=asked_s, jitter=0.0)
        if due is None:
            return waits
        waits.append((due - at).total_seconds())
        at = due
    message = "it never ends"
    raise AssertionError(message)


@pytest.mark.parametrize(
    ("schedule", "waits", "whole_s"),
    [
        (SAFETY, [5, 15, 30, 60, 120, *[300] * 6, *[600] * 6, *[1_800] * 44], 24 * HOUR),
        (CASE, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, *[86_400] * 3], 123.6 * HOUR),
        (ROUTINE, [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000], 27.6 * HOUR),
    ],
    ids=lambda value: value.name if isinstance(value, Schedule) else "",
)
def test_each_class_waits_as_its_table_says_and_ends(
    schedule: Schedule, waits: list[float], whole_s: float
) -> None:
    found = run(schedule)
    # A safety message has its last try on the horizon itself.
    assert found[: len(waits)] == waits
    assert len(found) <= len(waits) + 1
    assert sum(found) == pytest.approx(whole_s, abs=3 * MINUTE)
    assert sum(found) <= schedule.horizon_s


def test_a_safety_message_is_tried_thirteen_times_in_its_first_half_hour_and_a_bit() -> None:
    waits = run(SAFETY)
    assert sum(waits[:11]) < 34 * MINUTE
    assert max(waits) <= 30 * MINUTE


def test_a_failure_that_trying_again_hardly_mends_uses_up_two_tries() -> None:
    assert len(run(CASE, charge=2)) == 5
    assert len(run(ROUTINE, charge=2)) == 3


@pytest.mark.parametrize(
    ("asked_s", "wanted_s"), [(None, 5.0), (0.0, 5.0), (3.0, 5.0), (60.0, 60.0), (7_200.0, 1_800.0)]
)
def test_a_partner_may_ask_for_a_longer_wait_but_not_for_longer_than_the_longest(
    asked_s: float | None, wanted_s: float
) -> None:
    so_far = SoFar(tries=1, charged=1, first_charged_at=NOW)
    due = next_due(SAFETY, so_far, charged=True, failed_at=NOW, asked_s=asked_s, jitter=0.0)
    assert due == after(wanted_s)


def test_a_partner_cannot_ask_its_way_past_the_horizon() -> None:
    assert sum(run(SAFETY, asked_s=86_400)) <= SAFETY.horizon_s
    assert sum(run(ROUTINE, asked_s=86_400)) <= ROUTINE.horizon_s
    so_far = SoFar(tries=9, charged=9, first_charged_at=NOW)
    for late_s, wanted in ((23.95 * HOUR, after(24 * HOUR)), (24 * HOUR, None), (30 * HOUR, None)):
        due = next_due(SAFETY, so_far, charged=True, failed_at=after(late_s), asked_s=None, jitter=0.0)
        assert due == wanted


def test_a_failure_of_our_own_never_ends_a_push_and_is_tried_again_soon() -> None:
    for schedule, longest_s in ((SAFETY, 60.0), (CASE, 1_800.0), (ROUTINE, 1_800.0)):
        for tries in (1, 3, 50, 5_000):
            so_far = SoFar(tries=tries, charged=0, first_charged_at=None)
            due = next_due(schedule, so_far, charged=False, failed_at=NOW, asked_s=None, jitter=0.0)
            assert due is not None
            assert after(5) <= due <= after(longest_s)
    # Nor after the horizon, of which it may have used up all.
    so_far = SoFar(tries=500, charged=3, first_charged_at=NOW)
    late = after(60 * HOUR)
    assert next_due(ROUTINE, so_far, charged=False, failed_at=late, asked_s=None, jitter=0.0)


@given(
    schedule=SCHEDULES,
    charged=st.integers(1, 80),
    elapsed_s=st.floats(0, 130 * HOUR),
    asked_s=st.none() | st.floats(0, 86_400),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_no_try_is_early_and_none_is_much_later_than_due(
    schedule: Schedule, charged: int, elapsed_s: float, asked_s: float | None, jitter: float
) -> None:
    so_far = SoFar(tries=charged, charged=charged, first_charged_at=NOW)
    failed_at = after(elapsed_s)

    def due(share: float) -> datetime | None:
        return next_due(schedule, so_far, charged=True, failed_at=failed_at, asked_s=asked_s, jitter=share)

    exact, found = due(0.0), due(jitter)
    assert (exact is None) == (found is None)
    if exact is not None and found is not None:
        assert failed_at <= exact <= found <= exact + timedelta(seconds=300)
        assert exact <= after(schedule.horizon_s)


def test_jitter_is_the_same_whoever_asks_and_spread_over_deliveries_and_tries() -> None:
    assert jitter_of("d1", 1) == jitter_of("d1", 1)
    spread = [jitter_of(f"d{number}", number % 7) for number in range(2_000)]
    assert 0 <= min(spread) < 0.01
    assert 0.99 < max(spread) < 1
    assert sum(spread) / len(spread) == pytest.approx(0.5, abs=0.03)


def test_urgency_says_the_class_but_a_correction_goes_as_a_safety_message() -> None:
    assert schedule_of(Urgency.SAFETY, MessageName.RISK_CHANGE) is SAFETY
    assert schedule_of(Urgency.SAFETY, MessageName.PROGRESS) is SAFETY
    assert schedule_of(Urgency.CASE, MessageName.REFERRAL) is CASE
    assert schedule_of(Urgency.ROUTINE, MessageName.PROGRESS) is ROUTINE
    assert schedule_of(Urgency.ROUTINE, MessageName.CORRECTION) is SAFETY


# --- the endpoint


def health(row: int = 0, *, ago_s: float = 0.0, tries: int = 0, failures: int = 0) -> Health:
    """Return the health of an endpoint that last failed so long ago."""
    return Health(
        failures_in_a_row=row,
        last_failed_at=after(-ago_s) if row or failures else None,
        failing_since=after(-ago_s) if row else None,
        recent_tries=tries,
        recent_failures=failures,
    )


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        (health(), Breaker(Passage.CLOSED)),
        (health(4), Breaker(Passage.CLOSED)),
        (health(5), Breaker(Passage.OPEN, after(15))),
        (health(5, ago_s=14.9), Breaker(Passage.OPEN, after(0.1))),
        (health(5, ago_s=15), Breaker(Passage.HALF_OPEN)),
        (health(6), Breaker(Passage.OPEN, after(30))),
        (health(7), Breaker(Passage.OPEN, after(60))),
        (health(10), Breaker(Passage.OPEN, after(300))),
        (health(5_000), Breaker(Passage.OPEN, after(300))),
        (health(5_000, ago_s=300), Breaker(Passage.HALF_OPEN)),
        (health(1, tries=10, failures=7), Breaker(Passage.OPEN, after(15))),
        (health(1, tries=10, failures=6), Breaker(Passage.CLOSED)),
        (health(1, tries=9, failures=9), Breaker(Passage.CLOSED)),
        # A success closes it, whatever came before.
        (health(0, tries=10, failures=9), Breaker(Passage.CLOSED)),
    ],
)
def test_the_breaker_opens_and_lets_one_try_through_after_a_while(case: Health, wanted: Breaker) -> None:
    assert breaker(case, now=NOW) == wanted


@pytest.mark.parametrize(
    ("row", "asked_s", "wanted_s"),
    [
        (0, None, 5),
        (1, None, 5),
        (2, None, 10),
        (1, 60.0, 60),
        (9, None, 300),
        (1, 86_400.0, 300),
        (9_999, None, 300),
    ],
)
def test_a_slowed_endpoint_waits_as_asked_within_bounds(
    row: int, asked_s: float | None, wanted_s: float
) -> None:
    assert slowed_until(row, asked_s, now=NOW) == after(wanted_s)


def test_an_endpoint_is_paused_after_five_days_of_failures_only() -> None:
    assert not is_to_pause(health(900, ago_s=120 * HOUR - 1), misconfigured_recently=0, now=NOW)
    assert is_to_pause(health(900, ago_s=120 * HOUR), misconfigured_recently=0, now=NOW)
    assert not is_to_pause(health(), misconfigured_recently=0, now=NOW)


def test_an_endpoint_that_says_three_times_that_it_is_set_up_wrongly_is_paused() -> None:
    assert not is_to_pause(health(), misconfigured_recently=2, now=NOW)
    assert is_to_pause(health(), misconfigured_recently=3, now=NOW)
