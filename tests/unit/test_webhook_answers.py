"""What an answer means: for the message, for the endpoint, and against whom it counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.adapters.webhooks.answers import RETRY_AFTER_S_MAX, Kind, classify, retry_after_s
from hub.adapters.webhooks.outcomes import Answered, Code, NotAnswered

pytestmark = pytest.mark.requirement("R-DEL-02")

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)


def answered(status: int, retry_after: str | None = None) -> Answered:
    return Answered(status=status, retry_after=retry_after, body=b"words", body_is_whole=True, elapsed_s=0.1)


@pytest.mark.parametrize(
    ("status", "kind", "charge"),
    [
        (101, Kind.RETRY, 2),
        (200, Kind.DELIVERED, 0),
        (201, Kind.DELIVERED, 0),
        (202, Kind.DELIVERED, 0),
        (204, Kind.DELIVERED, 0),
        (299, Kind.DELIVERED, 0),
        (400, Kind.RETRY, 2),
        (401, Kind.MISCONFIGURED, 0),
        (403, Kind.MISCONFIGURED, 0),
        (404, Kind.MISCONFIGURED, 0),
        (405, Kind.RETRY, 2),
        (408, Kind.SLOW_DOWN, 1),
        (409, Kind.RETRY, 2),
        (410, Kind.GONE, 0),
        (413, Kind.REFUSED_CONTRACT, 1),
        (415, Kind.REFUSED_CONTRACT, 1),
        (422, Kind.REFUSED_CONTRACT, 1),
        (425, Kind.RETRY, 1),
        (429, Kind.SLOW_DOWN, 1),
        (451, Kind.RETRY, 2),
        (500, Kind.RETRY, 1),
        (501, Kind.RETRY, 1),
        (502, Kind.SLOW_DOWN, 1),
        (503, Kind.SLOW_DOWN, 1),
        (504, Kind.SLOW_DOWN, 1),
        (599, Kind.RETRY, 1),
        (999, Kind.RETRY, 2),
    ],
)
def test_each_status_has_its_kind_and_its_charge(status: int, kind: Kind, charge: int) -> None:
    verdict = classify(answered(status), now=NOW)
    assert (verdict.kind, verdict.charge, verdict.reason) == (kind, charge, f"HTTP-{status}")


@pytest.mark.parametrize(
    ("code", "kind", "charge"),
    [
        (Code.DNS, Kind.NOT_LOOKED_UP, 0),
        (Code.NO_ADDRESS, Kind.RETRY, 1),
        (Code.CONNECTION, Kind.RETRY, 1),
        (Code.TLS, Kind.MISCONFIGURED, 0),
        (Code.TIMEOUT, Kind.SLOW_DOWN, 1),
        (Code.REDIRECT, Kind.MISCONFIGURED, 0),
        (Code.FORBIDDEN_ADDRESS, Kind.MISCONFIGURED, 0),
        (Code.TARGET, Kind.MISCONFIGURED, 0),
        (Code.RESPONSE_TOO_LARGE, Kind.RETRY, 1),
    ],
)
def test_each_code_has_its_kind_and_its_charge(code: Code, kind: Kind, charge: int) -> None:
    verdict = classify(NotAnswered(code=code, ambiguous=True, elapsed_s=0.1), now=NOW)
    assert (verdict.kind, verdict.charge, verdict.reason) == (kind, charge, code.value)


def test_every_code_is_classified() -> None:
    for code in Code:
        assert classify(NotAnswered(code=code, ambiguous=False, elapsed_s=0.0), now=NOW).reason == code


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, None),
        ("0", 0),
        (" 120 ", 120),
        ("86401", RETRY_AFTER_S_MAX),
        ("999999999", RETRY_AFTER_S_MAX),
        ("9999999999", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Fri, 27 Nov 2026 09:02:00 GMT", 120),
        ("Fri, 27 Nov 2026 08:00:00 GMT", 0),
        ("Friday, 27-Nov-26 09:02:00 GMT", 120),
        ("Fri Nov 27 09:02:00 2026", 120),
        ("Fri, 27 Nov 2026 10:02:00 +0100", 120),
        ("Sat, 27 Nov 2027 09:00:00 GMT", RETRY_AFTER_S_MAX),
        ("Fri, 99 Nov 2026 09:02:00 GMT", None),
    ],
)
def test_a_wait_is_read_as_seconds_or_as_a_date_and_bounded(header: str | None, wanted: float | None) -> None:
    assert retry_after_s(header, now=NOW) == wanted
    assert retry_after_s(header, now=NOW.astimezone(timezone(timedelta(hours=5)))) == wanted


@given(st.text(max_size=60))
def test_no_text_of_a_partner_breaks_the_reading(header: str) -> None:
    found = retry_after_s(header, now=NOW)
    assert found is None or 0 <= found <= RETRY_AFTER_S_MAX


def test_only_an_answer_that_asks_for_less_can_ask_for_a_wait() -> None:
    assert classify(answered(429, "30"), now=NOW).retry_after_s == 30
    assert classify(answered(503, "30"), now=NOW).retry_after_s == 30
    for status in (200, 400, 410, 422, 500):
        assert classify(answered(status, "30"), now=NOW).retry_after_s is None


def test_nothing_the_partner_wrote_is_in_a_verdict() -> None:
    verdict = classify(answered(500, "words"), now=NOW)
    assert "words" not in repr(verdict)
