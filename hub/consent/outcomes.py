"""A decision's fields by place: looked up while a message is cut, not searched for.

The same fields come from many decisions, so that what they come to is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.consent.decision import Decision, FieldDecision, Outcome, Scope

Decided = Mapping[tuple[str, Scope], FieldDecision]
_KEPT_MAX = 2_048
_kept: dict[int, tuple[Sequence[FieldDecision], Decided]] = {}
NOTHING: Decided = {}


def by_place(decision: Decision) -> Decided:
    """Return what becomes of each field, by path and scope; nothing where nothing is delivered."""
    if not decision.delivers:
        return NOTHING
    fields = decision.fields
    known = _kept.get(id(fields))
    if known is not None and known[0] is fields:
        return known[1]
    if len(_kept) >= _KEPT_MAX:
        _kept.clear()
    found = {(each.path, each.scope): each for each in fields}
    _kept[id(fields)] = (fields, found)
    return found


def knows(decision: Decision, path: str) -> bool:
    """Tell whether the candidate gets a field of the envelope as it is."""
    found = by_place(decision).get((path, Scope.ALL))
    return found is not None and found.outcome is Outcome.DISCLOSE
