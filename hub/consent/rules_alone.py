"""What is shown of each rule alone: not knowing never lets it disclose, and its basis covers whom it permits.

The first makes it enough to look at states in which all is known: outcomes there bound all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product

from hub.consent.decided import choices, domains
from hub.consent.gateways import GATEWAYS
from hub.consent.rules import Arm, Clause, Effect, Rule, truth
from hub.consent.states import Choice, space_of
from hub.consent.vocabulary import FACTS, Value, values_of

State = Mapping[str, tuple[Value, ...]]
_NAMES = tuple(FACTS)


def widens_unknown(rule: Rule) -> tuple[int, State | None]:
    """Look for a state of a rule's own facts in which not knowing one lets it disclose more.

    Returns how many states were looked at, and the first such state.
    """
    arms = [(*rule.clauses, *arm.clauses) for arm in rule.arms] or [rule.clauses]
    states = 0
    for clauses in arms:
        checked, digits = _of_clauses(clauses, permits=rule.effect is Effect.PERMIT)
        states += checked
        if digits is not None:
            return states, {
                _NAMES[slot]: values_of(_NAMES[slot], digit)
                for slot, digit in zip(_slots(clauses), digits, strict=True)
            }
    return states, None


def _slots(clauses: Sequence[Clause]) -> list[int]:
    """Return the facts that clauses ask about."""
    return sorted({slot for slot, _ in clauses})


@lru_cache(maxsize=1 << 14)
def _of_clauses(clauses: tuple[Clause, ...], *, permits: bool) -> tuple[int, tuple[int, ...] | None]:
    """Look at every state of some clauses, once however many rules have them."""
    slots = _slots(clauses)
    ranges = [(0, *(1 << index for index in range(len(FACTS[_NAMES[slot]].domain)))) for slot in slots]
    states = 0
    for digits in product(*_told_apart(slots, ranges, clauses)):
        states += 1
        vector = [0] * len(FACTS)
        for slot, digit in zip(slots, digits, strict=True):
            vector[slot] = digit
        if 0 in digits and _widens(clauses, vector, slots, permits=permits):
            return states, digits
    return states, None


def _told_apart(
    slots: Sequence[int], ranges: Sequence[Sequence[int]], clauses: Sequence[Clause]
) -> Iterator[list[int]]:
    """Keep, of each domain, the unknown and one value of each group the clauses tell apart."""
    for slot, domain in zip(slots, ranges, strict=True):
        masks = [mask for each, mask in clauses if each == slot]
        groups = {tuple(bool(value & mask) for mask in masks): value for value in domain if value}
        yield [0, *groups.values()]


def _widens(clauses: Sequence[Clause], vector: list[int], slots: Sequence[int], *, permits: bool) -> bool:
    """Tell whether knowing one more fact could make a rule disclose less than not knowing it does."""
    if not _discloses(permits, holds=truth(clauses, vector)):
        return False
    for slot in (slot for slot in slots if not vector[slot]):
        for index in range(len(FACTS[_NAMES[slot]].domain)):
            vector[slot] = 1 << index
            if not _discloses(permits, holds=truth(clauses, vector)):
                vector[slot] = 0
                return True
        vector[slot] = 0
    return False


def _discloses(permits: bool, *, holds: bool | None) -> bool:  # noqa: FBT001 - the sort of rule it is
    """Tell whether a rule is on the side of disclosing: a permit that fires, or a forbid that does not."""
    return holds is True if permits else holds is False


def not_covered(rule: Rule) -> tuple[int, str, State | None]:
    """Look for a state in which a permit fires on a basis the law does not open to such a recipient.

    Returns how many states were looked at, and, with the first such state, the code of the basis.
    """
    states = 0
    for arm in rule.arms:
        conditions = [*choices(rule.clauses), *choices(arm.clauses)]
        allowed = _allowed(arm)
        space = space_of(domains([*conditions, *allowed], ()), [*conditions, *allowed])
        states += space.size
        outside = space.where(conditions) & ~space.where(allowed)
        if outside:
            return states, arm.basis, space.first(outside)
    return states, "", None


def _allowed(arm: Arm) -> list[Choice]:
    """Return what the law asks before a basis may be used; one it does not know may never be."""
    gateway = GATEWAYS.get(arm.basis)
    if gateway is None:
        return [("legal_status", frozenset())]
    return [("legal_status", frozenset(gateway.statuses)), *gateway.needs.items()]
