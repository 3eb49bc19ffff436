"""What the fields of a decision oblige to: what cannot be performed is withheld, the rest is owed.

Looks at the decisions on the fields alone, however they were reached.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from hub.consent.decision import FieldDecision, Outcome, Scope
from hub.consent.obligations import ACKNOWLEDGE, is_owed, kind_of, strictest

UNSUPPORTED = "OBL-UNSUPPORTED"
"""Reason of what comes with an obligation that cannot be performed."""
_TERMS_REMEMBERED = 1024
Place = tuple[str, Scope]
"""A field and the scope of its list items."""


def performable(fields: tuple[FieldDecision, ...]) -> tuple[FieldDecision, ...]:
    """Withhold what has to be acknowledged, for whoever cannot; the same fields where nothing is."""
    if not any(_to_be_acknowledged(item) for item in fields):
        return fields
    return tuple(withheld(item) if _to_be_acknowledged(item) else item for item in fields)


def withheld(item: FieldDecision) -> FieldDecision:
    """Withhold a field for want of a way to perform what comes with it."""
    return replace(item, outcome=Outcome.WITHHOLD, reason=UNSUPPORTED, basis=None, alternates=(), terms=())


def carried(fields: Sequence[FieldDecision]) -> tuple[str, ...]:
    """Return what the recipient takes on with what goes; of several periods the shortest."""
    return carried_by(tuple(dict.fromkeys(item.terms for item in fields if item.outcome < Outcome.REDACT)))


@lru_cache(maxsize=_TERMS_REMEMBERED)
def carried_by(terms: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Return what the recipient takes on, of the terms of all fields that go."""
    return strictest(term for own in terms for term in own if not is_owed(term))


def owes(terms: Iterable[tuple[str, ...]]) -> bool:
    """Tell whether some of these terms are for the hub to see to."""
    return any(map(_owed_among, terms))


def owed(fields: Sequence[FieldDecision], present: Callable[[], Collection[Place]] | None) -> tuple[str, ...]:
    """Return what the hub sees to, because of something that is really there and goes.

    Args:
        fields: The decisions on all fields.
        present: Gives the fields that have a value in the message; None where the message is not known.
    """
    owing = [item for item in fields if item.outcome < Outcome.REDACT and _owed_among(item.terms)]
    if not owing:
        return ()
    if present is not None:
        there = present()
        owing = [item for item in owing if (item.path, item.scope) in there]
    return strictest(
        term for terms in dict.fromkeys(item.terms for item in owing) for term in _owed_among(terms)
    )


def _to_be_acknowledged(item: FieldDecision) -> bool:
    return item.outcome < Outcome.REDACT and any(
        kind_of(term) == ACKNOWLEDGE for term in _owed_among(item.terms)
    )


@lru_cache(maxsize=_TERMS_REMEMBERED)
def _owed_among(terms: tuple[str, ...]) -> tuple[str, ...]:
    """Return those terms that the hub sees to; of the rules' own words there are few, so they are kept."""
    return tuple(term for term in terms if is_owed(term))
