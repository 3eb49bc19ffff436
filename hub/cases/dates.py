"""Days since 1970-01-01, as contracts count them, in ISO 8601; and moments."""

from __future__ import annotations

from datetime import date

from hub.cases.profile import DAY_MS
from hub.messages.identifiers import Instant

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_DAY_MS = 24 * 60 * 60 * 1000


def iso_date(days: int) -> str:
    """Return the date so many days after 1970-01-01, e.g. 2026-03-01."""
    return date.fromordinal(_EPOCH_ORDINAL + days).isoformat()


def day_number(day: str) -> int:
    """Return how many days after 1970-01-01 a date is."""
    return date.fromisoformat(day).toordinal() - _EPOCH_ORDINAL


def first_moment(day: str) -> Instant:
    """Return the moment a date begins, in UTC."""
    return Instant(day_number(day) * DAY_MS)
