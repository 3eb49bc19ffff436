"""When a decision stops being right by time alone: when something next begins or ends (R-DIS-05).

Facts are looked at as intervals [from, to). Until the next bound of any of them nothing can change without
a record of the log; from it on a decision has to be made again.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, get_args, get_type_hints

from hub.cases.case import Case
from hub.cases.turning import TOLD
from hub.consent.parties import Organisation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hub.consent.partner_contracts import PartnerContract
    from hub.messages.identifiers import Instant

_BOUNDS = ("since", "until")
"""By these names a model says from when, inclusive, and to when, exclusive, something holds."""
_KEPT_MAX = 4_096
_kept: dict[int, tuple[object, list[Instant]]] = {}
"""The bounds of parts of cases and organisations asked about lately: most outlive the case they are in."""
_last: list[tuple[Case, Instant, Instant | None]] = []
"""The case asked about last, when, and its next bound: a message is decided for several, on one case."""


def next_moment(
    case: Case,
    organisation: Organisation,
    agreed: Iterable[PartnerContract],
    now: Instant,
    *,
    also: Iterable[Instant] = (),
) -> Instant | None:
    """Return the earliest moment after `now` at which something of these begins or ends, or None.

    `also` are moments known otherwise, such as when a policy to come takes force.

    It takes every interval there is, also such as no rule asks for: to decide once too often is harmless.
    """
    last = _last[0] if _last else None
    if last is None or last[0] is not case or last[1] != now:
        last = (case, now, _after(case, _OF_CASE, now))
        _last[:] = [last]
    first = last[2]
    upcoming = _after(organisation, _OF_ORGANISATION, now)
    if first is None or (upcoming is not None and upcoming < first):
        first = upcoming
    moments = [*also]
    for each in agreed:
        moments += (at for at in (each.effective, each.sunset) if at is not None)
    for at in moments:
        if at > now and (first is None or at < first):
            first = at
    return first


def _after(held: object, names: Sequence[str], now: Instant) -> Instant | None:
    """Return the next bound of something after a moment, if there is one."""
    first: Instant | None = None
    for name in names:
        part = getattr(held, name)
        if not part:
            continue
        bounds = _bounds(part)
        place = bisect_right(bounds, now)
        if place < len(bounds) and (first is None or bounds[place] < first):
            first = bounds[place]
    return first


def _bounds(part: object) -> Sequence[Instant]:
    """Return the bounds of a part of something, or of those in a list, in their order."""
    known = _kept.get(id(part))
    if known is None or known[0] is not part:
        several = part if isinstance(part, tuple) else (part,)
        found = sorted([at for each in several for name in _BOUNDS if (at := getattr(each, name, None))])
        if len(_kept) >= _KEPT_MAX:
            _kept.clear()
        known = _kept[id(part)] = (part, found)
    return known[1]


def _with_bounds(model: type, names: Iterable[str]) -> tuple[str, ...]:
    """Return the parts of a model that can hold an interval, by the types they are declared with."""
    hints = get_type_hints(model)
    return tuple(name for name in names if _has_bounds(hints[name]))


def _has_bounds(hint: object) -> bool:
    if isinstance(hint, type) and is_dataclass(hint):
        return any(each.name in _BOUNDS for each in fields(hint))
    return any(map(_has_bounds, get_args(hint)))


_OF_CASE = _with_bounds(Case, (each.name for each in fields(Case) if each.name not in TOLD))
_OF_ORGANISATION = _with_bounds(Organisation, (each.name for each in fields(Organisation)))
