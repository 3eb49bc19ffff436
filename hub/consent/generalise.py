"""Makes the general form of an exact value: month, year, band, area. Pure; what it cannot do is None."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

_EPOCH = date(1970, 1, 1)
_DAYS_MAX = 200_000
"""Above this an integer is an instant in milliseconds, below it a date in days since 1970-01-01."""
_BANDS: tuple[tuple[float, str], ...] = ((25, "LOW"), (50, "MEDIUM"), (75, "HIGH"))
_POSTCODE = re.compile(r"\s*([A-Z]{1,2}[0-9][A-Z0-9]?)\s*[0-9][A-Z]{2}\s*", re.IGNORECASE)


def generalised(generaliser: str | None, value: object) -> str | int | None:
    """Return the general form of a value; None where there is none."""
    make = GENERALISERS.get(generaliser or "")
    return None if make is None or value is None else make(value)


def _date(value: object) -> date | None:
    """Read a date: days since 1970-01-01, milliseconds since then, or ISO 8601."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            if abs(value) <= _DAYS_MAX:
                return _EPOCH + timedelta(days=value)
            return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)).date()
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _month(value: object) -> str | None:
    """Give the month of a date, as YYYY-MM."""
    found = _date(value)
    return None if found is None else f"{found.year:04d}-{found.month:02d}"


def _year(value: object) -> int | None:
    """Give the year of a date."""
    found = _date(value)
    return None if found is None else found.year


def _band(value: object) -> str | None:
    """Give the band of a likelihood in per cent: LOW below 25, MEDIUM below 50, HIGH below 75, VERY_HIGH."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return next((name for limit, name in _BANDS if value < limit), "VERY_HIGH")


def _area(value: object) -> str | None:
    """Give the postcode district of a postcode: LS1 4AP is in LS1."""
    found = _POSTCODE.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else found[1].upper()


GENERALISERS: Mapping[str, Callable[[object], str | int | None]] = {
    "month": _month,
    "year": _year,
    "band": _band,
    "area": _area,
}
