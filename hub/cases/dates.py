"""Days since 1970-01-01, as contracts count them, in ISO 8601."""

from __future__ import annotations

from datetime import date

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def iso_date(days: int) -> str:
    """Return the date so many days after 1970-01-01, e.g. 2026-03-01."""
    return date.fromordinal(_EPOCH_ORDINAL + days).isoformat()
