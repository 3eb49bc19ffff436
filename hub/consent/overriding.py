"""Who may open what beyond the rules, and for how long: the authorities of the policy (R-DIS-07; 002 3.19).

They stand in gates.yaml under `overrides`, one entry for each kind of recipient and its rungs. Higher up
the ladder an entry may never allow more than one below it: that is checked when the policy is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hub.consent.parties import RUNGS, Kind, nearest
from hub.consent.rules import Rule
from hub.messages.envelope import InformationClass, Role

ENTRY = frozenset(
    {
        "id",
        "kinds",
        "rungs",
        "classes",
        "asked_by",
        "agreed_by",
        "days_max",
        "break_glass_by",
        "break_glass_hours_max",
        "says",
        "owner",
        "review_by",
    }
)
"""The fields of an entry."""
OVERRIDE = "OVERRIDE"
"""The legal basis of what goes by override."""
Classes = Iterable[InformationClass]
DAYS_MOST, HOURS_MOST = 92, 72
"""No policy allows an override longer than a quarter, a break-glass longer than a long weekend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Who may have what opened to recipients of some kind and rung."""

    authority: str
    kinds: frozenset[Kind]
    rungs: frozenset[int]
    classes: frozenset[InformationClass]
    """What may be opened at all."""
    asked_by: frozenset[Role]
    agreed_by: frozenset[Role]
    """Who may agree to it, and who may review a break-glass: always another person than asked."""
    days_max: int
    break_glass_by: frozenset[Role]
    break_glass_hours_max: int
    says: str
    owner: str
    review_by: str


class Entry(Protocol):
    """One entry while it is read: its fields, and where to note what is wrong."""

    @property
    def body(self) -> Mapping[str, object]:
        """Return the entry as it stands in the file."""

    def fault(self, name: str, text: str) -> None:
        """Note a fault of one field."""

    def text(self, name: str, *, needed: bool = True) -> str:
        """Read a text."""

    def words(self, name: str, allowed: Iterable[str]) -> tuple[str, ...] | None:
        """Read one word or several of a closed list."""


def read_authority(entry: Entry) -> Authority:
    """Read one entry; its faults are noted there, and it comes back as far as it could be read."""
    for name in entry.body:
        if name not in ENTRY:
            entry.fault(name, f"not a field here{nearest(name, ENTRY)}")
    return Authority(
        authority=entry.text("id"),
        kinds=frozenset(map(Kind, _words(entry, "kinds", Kind))),
        rungs=_rungs(entry),
        classes=frozenset(map(InformationClass, _words(entry, "classes", InformationClass))),
        asked_by=frozenset(map(Role, _words(entry, "asked_by", Role))),
        agreed_by=frozenset(map(Role, _words(entry, "agreed_by", Role))),
        days_max=_number(entry, "days_max", DAYS_MOST),
        break_glass_by=frozenset(map(Role, _words(entry, "break_glass_by", Role))),
        break_glass_hours_max=_number(entry, "break_glass_hours_max", HOURS_MOST),
        says=entry.text("says"),
        owner=entry.text("owner"),
        review_by=entry.text("review_by"),
    )


def authority_over(authorities: Iterable[Authority], kind: Kind, rung: int) -> Authority | None:
    """Return the entry for a recipient, or None: then nothing may be opened to it."""
    return next((each for each in authorities if kind in each.kinds and rung in each.rungs), None)


def at_odds(authorities: Sequence[Authority]) -> list[str]:
    """Say where two entries speak of one recipient, or a higher rung is allowed more than a lower one."""
    found = []
    for number, one in enumerate(authorities):
        for other in authorities[number + 1 :]:
            if one.kinds & other.kinds and one.rungs & other.rungs:
                found.append(f"overrides {one.authority} and {other.authority}: both speak of one recipient")
            elif one.kinds & other.kinds and one.rungs and other.rungs:
                low, high = sorted((one, other), key=lambda each: min(each.rungs))
                found += _laxer(low, high)
    return found


def never_opened(authorities: Iterable[Authority], rules: Iterable[tuple[Rule, Classes]]) -> list[str]:
    """Say which classes an entry offers to open though no rule lets anything of them go by override."""
    opened = {name for rule, classes in rules if _on_override(rule) for name in classes}
    return [
        f"overrides {each.authority}, classes: no rule of {name} has the basis {OVERRIDE}"
        for each in authorities
        for name in sorted(each.classes - opened)
    ]


def _on_override(rule: Rule) -> bool:
    return any(arm.basis == OVERRIDE for arm in rule.arms)


def _laxer(low: Authority, high: Authority) -> list[str]:
    """Say in what an entry for higher rungs allows more than one for lower rungs (R-DIS-02)."""
    within = {
        name: getattr(high, name) <= getattr(low, name)
        for name in (
            "classes",
            "asked_by",
            "agreed_by",
            "days_max",
            "break_glass_by",
            "break_glass_hours_max",
        )
    }
    return [
        f"overrides {high.authority}, {name}: allows more than {low.authority}, which is lower on the ladder"
        for name, holds in within.items()
        if not holds
    ]


def _words(entry: Entry, name: str, allowed: Iterable[str]) -> tuple[str, ...]:
    known = tuple(str(word) for word in allowed)
    found = entry.words(name, known)
    if found is None:
        entry.fault(name, "must name at least one")
    return tuple(word for word in found or () if word in known)


def _rungs(entry: Entry) -> frozenset[int]:
    stated = entry.body.get("rungs")
    rungs = tuple(stated) if isinstance(stated, list | tuple) else (stated,)
    if not rungs or any(isinstance(rung, bool) or rung not in RUNGS for rung in rungs):
        entry.fault("rungs", "must be some of 1, 2, 3 and 4")
    return frozenset(rung for rung in rungs if isinstance(rung, int) and rung in RUNGS)


def _number(entry: Entry, name: str, most: int) -> int:
    stated = entry.body.get(name)
    if isinstance(stated, int) and not isinstance(stated, bool) and 0 < stated <= most:
        return stated
    entry.fault(name, f"must be a whole number from 1 to {most}")
    return 0
