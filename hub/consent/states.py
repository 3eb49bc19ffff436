"""All states of some facts at once: one bit per state in a whole number, so that every state is looked at.

A condition is the set of states in which it holds. Values that no condition tells apart stand for each
other, so a field with a dozen facts has some hundred thousand states, and a rule is decided for all of them
in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hub.consent.vocabulary import Value

Choice = tuple[str, frozenset[Value]]
"""A condition on one dimension: its name, and the values that satisfy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One fact of a space: the groups of values no condition tells apart, and where its digit stands."""

    name: str
    groups: tuple[tuple[Value, ...], ...]
    stride: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Every combination of the dimensions' groups, numbered; a set of states is a whole number."""

    dimensions: Mapping[str, Dimension]
    size: int
    everything: int
    """The set of all states."""
    literals: Mapping[tuple[str, int], int]
    """For each dimension and group, the states that have it."""
    known: dict[Choice, int] = field(default_factory=dict, compare=False, repr=False)
    """Conditions already looked up: many rules share them."""

    def where(self, choices: Iterable[Choice]) -> int:
        """Return the states in which all these conditions hold."""
        found = self.everything
        for choice in choices:
            either = self.known.get(choice)
            if either is None:
                either = self.known[choice] = self._either(*choice)
            found &= either
        return found

    def _either(self, name: str, allowed: frozenset[Value]) -> int:
        """Return the states in which a dimension has one of these values."""
        either = 0
        for index, group in enumerate(self.dimensions[name].groups):
            if group[0] in allowed:
                either |= self.literals[name, index]
        return either

    def having(self, name: str, value: Value) -> int:
        """Return the states in which one dimension has this value, or one no condition tells from it."""
        return self.literals[name, self._group(name, value)]

    def changed(self, states: int, name: str, *, to: Value, was: Value) -> int:
        """Return, of these states, those in which a dimension had one value, with another in its place."""
        by = (self._group(name, to) - self._group(name, was)) * self.dimensions[name].stride
        found = states & self.having(name, was)
        return found << by if by >= 0 else found >> -by

    def _group(self, name: str, value: Value) -> int:
        """Return which group of a dimension a value is in."""
        groups = self.dimensions[name].groups
        return next(index for index, group in enumerate(groups) if value in group)

    def states(self) -> Iterator[Mapping[str, tuple[Value, ...]]]:
        """Yield every state, for spaces small enough to be gone through one by one."""
        for number in range(self.size):
            yield self._state(number)

    def first(self, states: int) -> Mapping[str, tuple[Value, ...]]:
        """Return the first of these states, each dimension with the values it stands for."""
        return self._state((states & -states).bit_length() - 1)

    def _state(self, number: int) -> Mapping[str, tuple[Value, ...]]:
        """Return a state by its number."""
        return {
            name: dimension.groups[number // dimension.stride % len(dimension.groups)]
            for name, dimension in self.dimensions.items()
        }


def space_of(domains: Mapping[str, Sequence[Value]], conditions: Iterable[Choice]) -> Space:
    """Number every combination of the values of these domains that some condition tells apart."""
    told: dict[str, list[frozenset[Value]]] = {name: [] for name in domains}
    for name, allowed in conditions:
        told[name].append(allowed)
    dimensions: dict[str, Dimension] = {}
    size = 1
    for name, domain in domains.items():
        groups: dict[tuple[bool, ...], list[Value]] = {}
        for value in domain:
            groups.setdefault(tuple(value in allowed for allowed in told[name]), []).append(value)
        dimensions[name] = Dimension(
            name=name, groups=tuple(tuple(group) for group in groups.values()), stride=size
        )
        size *= len(groups)
    everything = (1 << size) - 1
    literals: dict[tuple[str, int], int] = {}
    for name, dimension in dimensions.items():
        left = everything
        for index in range(len(dimension.groups) - 1):
            literals[name, index] = _literal(dimension, index, size)
            left ^= literals[name, index]
        literals[name, len(dimension.groups) - 1] = left
    return Space(dimensions=dimensions, size=size, everything=everything, literals=literals)


def _literal(dimension: Dimension, index: int, size: int) -> int:
    """Return the states whose digit in a dimension is this one: a run of ones, repeated."""
    run = ((1 << dimension.stride) - 1) << index * dimension.stride
    length = dimension.stride * len(dimension.groups)
    while length < size:
        run |= run << length
        length *= 2
    return run & ((1 << size) - 1)
