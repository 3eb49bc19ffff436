"""The facts of a decision as one number per kind of field: no more of each fact than its rules tell apart.

Values no condition tells apart have the same code; what is not known has its own. The codes of all facts of
one kind of field stand side by side as its pattern, and the patterns of all kinds side by side in one whole
number, so that a few look-ups make all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import getitem
from typing import Generic, TypeVar

from hub.consent.common import Column
from hub.consent.decision import Scope
from hub.consent.rules import Rule, Vector
from hub.consent.vocabulary import BY_CLASS, FACTS, SLOT, Value, bit
from hub.messages.envelope import InformationClass

PATTERNS_MAX = 8192
"""Patterns kept per kind of field. Cases as they are know some dozens; what is new is worked out again."""
COLUMNS_MAX = 4096
"""Columns kept per fact of classes."""
_JOINT_MAX = 4096
"""So many combinations of values at most are looked up together."""
_NAMES: tuple[str, ...] = tuple(FACTS)
_SCOPE = SLOT["scope"]
_WORDED_BY_PART = frozenset({SLOT["own_referral"], SLOT["engaged"], SLOT["on_team"]})
"""If one of these stood in a permit's way, the reason also says whether the recipient is engaged."""
Made = TypeVar("Made")
Codes = Mapping[int, int]
"""By the bit of a value (0: not known), what it adds to the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One fact as the rules of one kind of field see it."""

    slot: int
    codes: Codes
    stands_for: tuple[int, ...]
    """By code, the bit of one value that has it."""
    offset: int
    """Where in the pattern its code stands."""

    @property
    def mask(self) -> int:
        """The bits of a code, unshifted."""
        return (1 << (len(self.stands_for) - 1).bit_length()) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One kind of field in a message: a class, its rules and a scope, or the gates."""

    information_class: InformationClass | None
    scope: Scope | None
    asked: tuple[Asked, ...]
    offset: int
    """Where in the number its pattern stands."""

    @property
    def width(self) -> int:
        """How many bits its pattern has."""
        return sum(each.mask.bit_length() for each in self.asked)

    def vector(self, pattern: int) -> Vector:
        """Return one vector of facts that has this pattern: the rules cannot tell it from the others."""
        vector = [0] * len(FACTS)
        if self.scope is not None:
            vector[_SCOPE] = bit("scope", self.scope)
        for each in self.asked:
            vector[each.slot] = each.stands_for[pattern >> each.offset & each.mask]
        return vector


class ByPattern(dict[int, Made], Generic[Made]):
    """What the rules of a cell come to, by pattern; worked out where it is new."""

    def __init__(self, cell: Cell, work_out: Callable[[Vector], Made]) -> None:
        """Keep what `work_out` returns for a vector of the pattern."""
        super().__init__()
        self._cell = cell
        self._work_out = work_out

    def __missing__(self, pattern: int) -> Made:
        """Work it out."""
        if len(self) >= PATTERNS_MAX:
            self.clear()
        found = self[pattern] = self._work_out(self._cell.vector(pattern))
        return found


class ByValues(dict[tuple[Value | None, ...], int]):
    """What some facts of the message as a whole add to the number, by their values taken together."""

    def __init__(self, names: Sequence[str], tables: Mapping[str, Codes]) -> None:
        """Look these facts up in these tables."""
        super().__init__()
        self.names = tuple(names)
        self._values = tuple(ByValue(name, tables[name]) for name in names)

    def __missing__(self, values: tuple[Value | None, ...]) -> int:
        """Put the codes together; combinations of the facts' domains are kept, so they are bounded."""
        number = sum(map(getitem, self._values, values))
        if all(value in known for known, value in zip(self._values, values, strict=True)):
            self[values] = number
        return number


class ByValue(dict[Value | None, int]):
    """What one fact adds to the number, by its value; a value outside the domain is not known."""

    def __init__(self, name: str, codes: Codes) -> None:
        """Name the values of these codes."""
        super().__init__({value: codes[bit(name, value)] for value in (None, *FACTS[name].domain)})
        self._unknown = codes[0]

    def __missing__(self, value: Value | None) -> int:
        """Take it as not known."""
        return self._unknown


class ByColumn(dict[Column, int]):
    """What one fact of the classes adds to the number, by its values for all of them."""

    def __init__(self, name: str, tables: Sequence[Codes]) -> None:
        """Look it up in one table per class."""
        super().__init__()
        self._values = tuple(ByValue(name, each) for each in tables)

    def __missing__(self, column: Column) -> int:
        """Put the codes together: no two classes share a bit, so adding is joining."""
        if len(self) >= COLUMNS_MAX:
            self.clear()
        number = self[column] = sum(map(getitem, self._values, column))
        return number


def asked_by(rules: Iterable[Rule]) -> tuple[Asked, ...]:
    """Return every fact some rules ask about but the scope, with what they tell apart of it."""
    masks: dict[int, list[int]] = {}
    for rule in rules:
        arms = [(*rule.clauses, *arm.clauses) for arm in rule.arms] or [rule.clauses]
        for slot, mask in (clause for arm in arms for clause in arm):
            masks.setdefault(slot, []).append(mask)
    if SLOT["consent"] in masks:
        # The reason says which state the consent is in.
        masks[SLOT["consent"]] += [1 << index for index in range(len(FACTS["consent"].domain))]
    if not _WORDED_BY_PART.isdisjoint(masks):
        masks.setdefault(SLOT["engaged"], []).append(bit("engaged", value=True))
    masks.pop(_SCOPE, None)
    return tuple(_placed(masks))


def _placed(masks: Mapping[int, Sequence[int]]) -> Iterator[Asked]:
    """Give each fact its codes and its place in the pattern."""
    offset = 0
    for slot, told in sorted(masks.items()):
        groups: dict[tuple[bool, ...] | None, int] = {None: 0}
        codes, stands_for = {0: 0}, [0]
        for index in range(len(FACTS[_NAMES[slot]].domain)):
            one = 1 << index
            signature = tuple(bool(one & mask) for mask in told)
            if signature not in groups:
                groups[signature] = len(stands_for)
                stands_for.append(one)
            codes[one] = groups[signature]
        found = Asked(slot=slot, codes=codes, stands_for=tuple(stands_for), offset=offset)
        yield found
        offset += found.mask.bit_length()


def tables_of(cells: Iterable[Cell], slot: int, information_class: InformationClass | None) -> dict[int, int]:
    """Return what each value of a fact, of a class where it is one, adds to the number over all cells."""
    domain = FACTS[_NAMES[slot]].domain
    table = dict.fromkeys((0, *(1 << index for index in range(len(domain)))), 0)
    for cell in cells:
        for each in cell.asked:
            if each.slot == slot and (information_class in {None, cell.information_class}):
                for one in table:
                    table[one] |= each.codes[one] << cell.offset + each.offset
    return table


def by_values(cells: Sequence[Cell]) -> tuple[ByValues, ...]:
    """Group the facts of the message as a whole that some cell asks about, each group looked up at once."""
    names = dict.fromkeys(_NAMES[each.slot] for cell in cells for each in cell.asked)
    groups: list[list[str]] = []
    size = _JOINT_MAX + 1
    for name in names:
        if name in BY_CLASS:
            continue
        values = len(FACTS[name].domain) + 1
        size *= values
        if size > _JOINT_MAX:
            groups.append([])
            size = values
        groups[-1].append(name)
    return tuple(
        ByValues(group, {name: tables_of(cells, SLOT[name], None) for name in group}) for group in groups
    )


def by_columns(cells: Sequence[Cell], classes: Sequence[InformationClass]) -> Mapping[int, ByColumn]:
    """Return, by place among BY_CLASS, the facts of classes that some cell asks about."""
    slots = {each.slot for cell in cells for each in cell.asked}
    return {
        index: ByColumn(name, [tables_of(cells, SLOT[name], each) for each in classes])
        for index, name in enumerate(BY_CLASS)
        if SLOT[name] in slots
    }
