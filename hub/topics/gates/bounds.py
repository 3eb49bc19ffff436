"""Bounds of a field: what is narrower refuses what is stored and what old senders send, so it is refused.

What is wider is a warning: receivers built for the old bounds may not be ready for it. Of the items of a
list it is refused, for the guard counts them: what is cast to the older version would not get through.
Whether one pattern takes all that another takes cannot be told by looking, so another pattern counts as
narrower.
"""

from __future__ import annotations

from collections.abc import Iterator

from hub.topics.findings import Weight
from hub.topics.gates.pairs import Kept
from hub.topics.gates.said import Change, same_value, shown

_UPPER = ("maxLength", "maximum", "maxItems")
_LOWER = ("minLength", "minimum")
_FORMS = ("pattern", "format")


def bounds(both: Kept) -> Iterator[Change]:
    """Yield every bound of a field that is narrower or wider than it was."""
    for name in (*_UPPER, *_LOWER, *_FORMS, "lines"):
        was, becomes = both.old.properties.get(name), both.new.properties.get(name)
        if same_value(was, becomes):
            continue
        yield (
            _narrowed(both.path, name, was, becomes)
            if _narrows(name, was, becomes)
            else _widened(both.path, name, was, becomes)
        )


def _narrows(name: str, was: object, becomes: object) -> bool:
    """Tell whether a bound lets less through than it did."""
    if name == "lines":
        return was is True
    if was is None or becomes is None:
        return was is None
    if name in _FORMS or not isinstance(was, int | float) or not isinstance(becomes, int | float):
        return True
    return becomes < was if name in _UPPER else becomes > was


def _narrowed(path: str, name: str, was: object, becomes: object) -> Change:
    """Refuse a narrower bound."""
    return Change(
        "BOUND-NARROWED",
        path,
        f"the bound {name} lets less through: what is stored, and what older senders send, would be refused",
        old=shown(was),
        new=shown(becomes),
        fix=f"keep {name} {shown(was)}" if was is not None else f"leave {name} away",
    )


def _widened(path: str, name: str, was: object, becomes: object) -> Change:
    """Warn of a wider bound; of items, refuse it."""
    if name == "maxItems":
        return Change(
            "BOUND-WIDENED",
            path,
            "more items are let through: a record with that many, cast to the older version for a partner "
            "that has it, would be refused there and not arrive",
            old=shown(was),
            new=shown(becomes),
            fix=f"keep maxItems {shown(was)}, or put what is more into a field of its own",
        )
    return Change(
        "BOUND-WIDENED",
        path,
        f"the bound {name} lets more through: receivers built for the older version may not be ready for it",
        old=shown(was),
        new=shown(becomes),
        fix="tell receivers before it is released",
        weight=Weight.WARNING,
    )
