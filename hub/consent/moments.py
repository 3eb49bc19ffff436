"""When a decision stops being right by time alone: when something next begins or ends (R-DIS-05).

Facts are looked at as intervals [from, to). Until the next bound of any of them nothing can change without
a record of the log; from it on a decision has to be made again.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from hub.cases.case import Case
from hub.cases.turning import TOLD
from hub.consent.parties import Organisation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hub.consent.partner_contracts import PartnerContract
    from hub.messages.identifiers import Instant

_OF_CASE = tuple(each.name for each in fields(Case) if each.name not in TOLD)
_OF_ORGANISATION = tuple(each.name for each in fields(Organisation))
_BOUNDS = ("since", "until")
"""By these names a model says from when, inclusive, and to when, exclusive, something holds."""


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
    found = (
        *_bounds(case, _OF_CASE),
        *_bounds(organisation, _OF_ORGANISATION),
        *also,
        *(at for each in agreed for at in (each.effective, each.sunset) if at is not None),
    )
    return min((at for at in found if at > now), default=None)


def _bounds(held: object, names: Iterable[str]) -> Iterator[Instant]:
    """Yield the bounds of every interval among these parts of something, alone or in a list."""
    for name in names:
        part = getattr(held, name)
        for each in part if isinstance(part, tuple) else (part,):
            for bound in _BOUNDS:
                at = getattr(each, bound, None)
                if at is not None:
                    yield at
