"""What attempts make of a push and of its endpoint: tables without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from hub.adapters.webhooks.answers import Kind, Verdict
from hub.adapters.webhooks.health import HealthRow, after
from hub.adapters.webhooks.pushes import Ready
from hub.adapters.webhooks.recording import Ended, OwnRow, step_of

if TYPE_CHECKING:
    from typing import Any

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
SOUND = HealthRow(
    endpoint_id="ep_1",
    state="active",
    reason=None,
    not_before=None,
    failing_since=None,
    last_failed_at=None,
    failures_in_a_row=0,
    window_since=None,
    window_attempts=0,
    window_failures=0,
    misconfigured_since=None,
    misconfigured=0,
)
OK = Verdict(kind=Kind.DELIVERED, reason="HTTP-200", charge=0)
FAILED = Verdict(kind=Kind.RETRY, reason="HTTP-500", charge=1)
SLOW = Verdict(kind=Kind.SLOW_DOWN, reason="E_TIMEOUT", charge=1)
WRONG = Verdict(kind=Kind.MISCONFIGURED, reason="HTTP-401", charge=0)
GONE = Verdict(kind=Kind.GONE, reason="HTTP-410", charge=0)
REFUSED = Verdict(kind=Kind.REFUSED_CONTRACT, reason="HTTP-422", charge=1)
UNNAMED = Verdict(kind=Kind.NOT_LOOKED_UP, reason="E_DNS", charge=0)
OURS = Verdict(kind=Kind.OURS, reason="RECORD-UNREADABLE", charge=0)
OWN = OwnRow(
    delivery_id="1" * 32,
    tries=1,
    charged=0,
    refusals=0,
    first_charged_at=None,
    verdict=None,
    finished=False,
    removed=False,
    now=NOW,
)


class _Row:
    """What a step asks of the claimed row."""

    urgency, message, endpoint_id, delivery_id = "case", "progress", "ep_1", "1" * 32


class _Ready:
    """A push as a step sees it."""

    row = _Row()
    sequence = 1


def ended(verdict: Verdict, **more: Any) -> Ended:  # noqa: ANN401 - fields of an end
    """An attempt that came to this."""
    return Ended(ready=cast("Ready", _Ready()), verdict=verdict, **more)


@pytest.mark.requirement("R-DEL-01")
@pytest.mark.parametrize(
    ("verdict", "row", "state", "reason"),
    [
        (OK, OWN, "delivered", None),
        (FAILED, OWN, "waiting_retry", "HTTP-500"),
        (REFUSED, OWN, "waiting_retry", "HTTP-422"),
        (REFUSED, replace(OWN, refusals=1, tries=2), "parked", "HTTP-422"),
        (GONE, OWN, "waiting_retry", "HTTP-410"),
        (WRONG, OWN, "waiting_retry", "HTTP-401"),
        (OURS, replace(OWN, charged=99, tries=99), "waiting_retry", "RECORD-UNREADABLE"),
        (UNNAMED, replace(OWN, charged=99, tries=99), "waiting_retry", "E_DNS"),
        (FAILED, replace(OWN, charged=11, tries=12, first_charged_at=NOW), "exhausted", "HTTP-500"),
        (FAILED, replace(OWN, verdict="stop"), "cancelled", "stop"),
        (FAILED, replace(OWN, finished=True), "cancelled", "settled"),
        (FAILED, replace(OWN, removed=True), "cancelled", "removed"),
        (OK, replace(OWN, verdict="stop"), "delivered", None),
        (REFUSED, replace(OWN, verdict="replace", refusals=1), "cancelled", "replace"),
    ],
)
def test_an_attempt_makes_of_its_push(verdict: Verdict, row: OwnRow, state: str, reason: str | None) -> None:
    """What was stopped is tried no more, whatever came back; but what arrived has arrived."""
    step = step_of(row, ended(verdict))
    assert (step.state, step.reason) == (state, reason)


@pytest.mark.requirement("R-DEL-01")
def test_only_what_the_partner_did_is_charged_and_begins_the_time() -> None:
    """Our own fault moves neither the count nor the horizon."""
    ours, theirs = step_of(OWN, ended(OURS)), step_of(OWN, ended(FAILED))
    assert (ours.charged, ours.first_charged_at) == (0, None)
    assert (theirs.charged, theirs.first_charged_at) == (1, NOW)
    assert theirs.due_at is not None
    assert timedelta(seconds=5) <= theirs.due_at - NOW < timedelta(seconds=6)


def test_content_of_an_erased_person_is_not_tried_again() -> None:
    """There is nothing left to send."""
    assert step_of(OWN, ended(OURS, erased=True)).reason == "erased"


@pytest.mark.requirement("R-DEL-01")
def test_five_failures_in_a_row_leave_an_endpoint_alone_and_one_answer_brings_it_back() -> None:
    """Its place is kept until then; longer with each further failure."""
    four, five = after(SOUND, [FAILED] * 4, now=NOW), after(SOUND, [FAILED] * 5, now=NOW)
    six = after(five, [FAILED], now=NOW)
    assert four.not_before is None
    assert five.not_before is not None
    assert six.not_before is not None
    assert NOW < five.not_before < six.not_before
    back = after(six, [OK], now=NOW)
    assert (back.not_before, back.failures_in_a_row, back.failing_since) == (None, 0, None)


@pytest.mark.requirement("R-DEL-01")
@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [([GONE], "gone"), ([WRONG] * 3, "misconfigured: HTTP-401"), ([WRONG, WRONG, OK, WRONG], None)],
)
def test_an_endpoint_is_paused_when_somebody_has_to_do_something(
    verdicts: list[Verdict], reason: str | None
) -> None:
    """At once where it is gone, after three where it is set up wrongly; an answer between begins anew."""
    row = after(SOUND, verdicts, now=NOW)
    assert (row.state, row.reason) == (("paused", reason) if reason else ("active", None))


@pytest.mark.requirement("R-DEL-01")
def test_an_endpoint_whose_name_nobody_looks_up_is_left_alone_for_a_moment_and_no_longer() -> None:
    """However often: with our own name servers down for a week, all endpoints would be paused otherwise."""
    row = after(SOUND, [UNNAMED] * 900, now=NOW)
    assert row == replace(SOUND, not_before=NOW + timedelta(seconds=30))
    asked = replace(SOUND, not_before=NOW + timedelta(seconds=90))
    assert after(asked, [UNNAMED], now=NOW) == asked
    assert after(SOUND, [OURS], now=NOW) == SOUND
    assert after(row, [OK], now=NOW).not_before is None


def test_misconfigured_long_ago_does_not_count() -> None:
    """Three within ten minutes, not three in all."""
    two = after(SOUND, [WRONG, WRONG], now=NOW)
    assert after(two, [WRONG], now=NOW + timedelta(minutes=11)).state == "active"


@pytest.mark.requirement("R-DEL-01")
def test_five_days_of_failures_only_pause_an_endpoint() -> None:
    """Until somebody has looked."""
    row = after(SOUND, [FAILED], now=NOW)
    assert after(row, [FAILED], now=NOW + timedelta(hours=119)).state == "active"
    assert after(row, [FAILED], now=NOW + timedelta(hours=121)).reason == "failing"


def test_a_slow_endpoint_is_given_the_time_it_asks_for() -> None:
    """And never waits less for a later failure than it does already."""
    row = after(SOUND, [replace(SLOW, retry_after_s=100.0)], now=NOW)
    assert row.not_before == NOW + timedelta(seconds=100)
    assert after(row, [SLOW], now=NOW).not_before == row.not_before


@pytest.mark.parametrize("verdict", [OK, OURS], ids=["answered", "our own fault"])
def test_an_endpoint_in_good_health_is_not_written_to(verdict: Verdict) -> None:
    """So that many deliverers do not queue for its row."""
    assert after(SOUND, [verdict], now=NOW) == SOUND


def test_what_somebody_paused_keeps_its_reason() -> None:
    """A late answer does not take the place of it."""
    paused = replace(SOUND, state="paused", reason="operator")
    assert after(paused, [GONE], now=NOW) == paused


def test_a_refused_message_says_nothing_of_the_endpoint() -> None:
    """Its software answers: it is the message."""
    failing = after(SOUND, [FAILED], now=NOW)
    assert after(failing, [REFUSED], now=NOW).failures_in_a_row == 0
