"""A decision's fields by place: looked up while a message is cut, not searched for.

The same fields come from many decisions, so that what they come to is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hub.consent.decision import Decision, FieldDecision, Outcome, Scope
from hub.consent.owing import UNSUPPORTED
from hub.consent.partner_contracts import NOT_IN_VIEW

if TYPE_CHECKING:
    from hub.consent.forms import Form, Treatment

Place = tuple[str, Scope]
Decided = Mapping[Place, FieldDecision]
_KEPT_MAX = 1_024


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What fields were decided to be, by path and scope."""

    fields: Sequence[FieldDecision]
    decided: Decided
    codes: Mapping[Place, object]
    """The outcome of each, or that only a contract's view leaves it out: what cutting asks of it."""
    unsupported: frozenset[Place]
    """Those withheld because what comes with them cannot be performed."""
    envelope: frozenset[str]
    """Those of the envelope's that go as they are."""
    treatments: dict[Form, Treatment] = field(default_factory=dict)
    """What they come to for payloads of each form asked about (hub.consent.forms)."""


_kept: dict[int, Read] = {}
NOTHING = Read((), {}, {}, frozenset(), frozenset())


def read_fields(fields: Sequence[FieldDecision]) -> Read:
    """Return decided fields by place."""
    known = _kept.get(id(fields))
    if known is not None and known.fields is fields:
        return known
    if len(_kept) >= _KEPT_MAX:
        _kept.clear()
    places = [((each.path, each.scope), each) for each in fields]
    found = Read(
        fields=fields,
        decided=dict(places),
        codes={place: NOT_IN_VIEW if each.reason == NOT_IN_VIEW else each.outcome for place, each in places},
        unsupported=frozenset([place for place, each in places if each.reason == UNSUPPORTED]),
        envelope=frozenset(
            [each.path for each in fields if each.path.startswith("@") and each.outcome is Outcome.DISCLOSE]
        ),
    )
    _kept[id(fields)] = found
    return found


def what_goes(decision: Decision) -> Read:
    """Return a decision's fields by place; nothing where nothing is delivered."""
    return read_fields(decision.fields) if decision.delivers else NOTHING
