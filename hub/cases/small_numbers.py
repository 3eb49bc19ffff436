"""Which counts of people may be shown to somebody who knows no case (R-ADM-06).

One rule for every count of people; reports and alerts are not counted, as one person may cause many. A count
of few is not shown, nor one that leaves few of those it is taken from, as that says of nearly each of them
what is counted; what is shown is rounded, so that a total and a part do not give the number left out. That a
count was rounded up today and down yesterday can still be seen: how many came in between, it does not say.
"""

from __future__ import annotations

SMALL = 5
"""Fewer people than this are not shown, nor the difference of so few from all of a place; ours."""


def total(count: int) -> int | None:
    """Return how many people there are, rounded; None: fewer than may be shown."""
    return _rounded(count) if count >= SMALL else None


def part(count: int, of: int) -> int | None:
    """Return how many of these people, rounded; None: too few, or too nearly all, to be shown."""
    return _rounded(count) if SMALL <= count <= of - SMALL else None


def _rounded(count: int) -> int:
    """Round to a multiple of the smallest number shown, so that one person more or less does not show."""
    return SMALL * ((count + SMALL // 2) // SMALL)
