"""Makes the general form of an exact value: month, year, band, area, mask, pseudonym.

Pure; what it cannot do is None, and nothing is passed through as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from hub.messages.identifiers import CaseRef, OrganisationId, derived_id

_EPOCH = date(1970, 1, 1)
_DAYS_MAX = 200_000
"""Above this an integer is an instant in milliseconds, below it a date in days since 1970-01-01."""
_BANDS: tuple[tuple[float, str], ...] = ((25, "LOW"), (50, "MEDIUM"), (75, "HIGH"))
_POSTCODE = re.compile(r"\s*([A-Z]{1,2}[0-9][A-Z0-9]?)\s*[0-9][A-Z]{2}\s*", re.IGNORECASE)


_SHOWN = 3
"""How many letters or digits a mask leaves."""
_MASKED_MIN = 7
"""Shorter values are not masked: what is left of them would be too much of the whole."""
_MASK = "***"


class Between(NamedTuple):
    """Whom a pseudonym is between: it is another for another case and for another recipient."""

    case: CaseRef
    recipient: OrganisationId


def generalised(generaliser: str | None, value: object, between: Between | None = None) -> str | int | None:
    """Return the general form of a value; None where there is none.

    Args:
        generaliser: How it is made.
        value: The exact value.
        between: Whose it is and who gets it; without it there is no pseudonym.
    """
    if value is None:
        return None
    if generaliser == PSEUDONYM:
        return _pseudonym(value, between)
    make = GENERALISERS.get(generaliser or "")
    return None if make is None else make(value)


def can_generalise(generaliser: str | None) -> bool:
    """Tell whether there is a way of that name to make a general form."""
    return generaliser == PSEUDONYM or generaliser in GENERALISERS


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


def _mask(value: object) -> str | None:
    """Give the last three letters and digits of an identifier or telephone number: A1234BC is ***4BC.

    The same form for every length, so that it does not tell how long the value is. One of fewer than seven
    letters and digits has no mask.
    """
    if not isinstance(value, str):
        return None
    left = "".join(letter for letter in value if letter.isalnum())
    return None if len(left) < _MASKED_MIN else _MASK + left[-_SHOWN:].upper()


def _pseudonym(value: object, between: Between | None) -> str | None:
    """Give a token: the same for the same value, case and recipient, another for any other of the three.

    It follows from the case's own reference, 128 secret bits that never leave the hub, so that nobody can
    try out values until one fits, and two recipients cannot compare theirs.
    """
    if between is None or not isinstance(value, str):
        return None
    return derived_id("pseudonym", between.case, between.recipient, value)


PSEUDONYM = "pseudonym"
"""The one way that looks at more than the value."""
GENERALISERS: Mapping[str, Callable[[object], str | int | None]] = {
    "month": _month,
    "year": _year,
    "band": _band,
    "area": _area,
    "mask": _mask,
}
"""Ways that look at the value alone."""
