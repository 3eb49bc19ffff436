"""When a decision stops being right by time alone: when something next begins or ends (R-DIS-05).

Facts are looked at as intervals [from, to). Until the next bound of any of them nothing can change without
a record of the log; from it on a decision has to be made again.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import fields
from typing import TYPE_CHECKING

from hub.cases.case import Case
from hub.cases.turning import TOLD
from hub.consent.parties import Organisation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hub.consent.partner_contracts import PartnerContract
    from hub.messages.identifiers import Instant

_OF_CASE = tuple(each.name for each in fields(Case) if each.name not in TOLD)
_OF_ORGANISATION = tuple(each.name for each in fields(Organisation))
_BOUNDS = ("since", "until")
"""By these names a model says from when, inclusive, and to when, exclusive, something holds."""
_KEPT_MAX = 1_024
_kept: dict[int, tuple[object, list[Instant]]] = {}
"""The bounds of cases and organisations asked about lately: a message is decided for several, on one case."""


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
    moments = [
        *_after(case, _OF_CASE, now),
        *_after(organisation, _OF_ORGANISATION, now),
        *(at for at in also if at > now),
        *(at for each in agreed for at in (each.effective, each.sunset) if at is not None and at > now),
    ]
    return min(moments, default=None)


def _after(held: object, names: Sequence[str], now: Instant) -> Sequence[Instant]:
    """Return the next bound of something after a moment, if there is one; all of its bounds are kept."""
    known = _kept.get(id(held))
    if known is None or known[0] is not held:
        if len(_kept) >= _KEPT_MAX:
            _kept.clear()
        known = _kept[id(held)] = (held, sorted(set(_bounds(held, names))))
    place = bisect_right(known[1], now)
    return known[1][place : place + 1]


def _bounds(held: object, names: Iterable[str]) -> Iterator[Instant]:
    """Yield the bounds of every interval among these parts of something, alone or in a list."""
    for name in names:
        part = getattr(held, name)
        if part is None:
            continue
        for each in part if isinstance(part, tuple) else (part,):
            for bound in _BOUNDS:
                at = getattr(each, bound, None)
                if at is not None:
                    yield at
