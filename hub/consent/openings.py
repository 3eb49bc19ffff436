"""States in which some rules let more go than others, those among them in which a fact is not known.

What is not known makes no permit fire and every forbid and ceiling (R-DIS-01). Each rule is proved to
disclose no more for not knowing; two sets of rules may all the same agree in every state in which all is
known and differ where something is not, and people's facts often are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hub.consent.decision import Outcome
from hub.consent.rules import Clause, Effect, Rule
from hub.consent.states import Choice, Space, space_of
from hub.consent.vocabulary import FACTS, Value, values_of

NOT_KNOWN = "not known"
_NAMES = tuple(FACTS)
_STATES_MAX = 1 << 24
_UNKNOWN: frozenset[Value] = frozenset({NOT_KNOWN})


def opening(old: Sequence[Rule], new: Sequence[Rule]) -> Mapping[str, tuple[Value, ...]] | None:
    """Return a state in which new rules let more go than old ones, all known if there is such a one.

    None: there is none at all. Where the states are too many to be looked at, the first is returned: what
    cannot be shown is not claimed.
    """
    conditions = [choice for rule in (*old, *new) for choice in _choices(rule)]
    space = space_of({name: _domain(name) for name, _ in conditions}, conditions)
    if space.size > _STATES_MAX:
        return space.first(1)
    before, after = _reached(space, old), _reached(space, new)
    opened = 0
    for outcome, states in after.items():
        opened |= states & ~before[outcome]
    if not opened:
        return None
    known = opened
    for name, dimension in space.dimensions.items():
        for index, group in enumerate(dimension.groups):
            if group == (NOT_KNOWN,):
                known &= ~space.literals[name, index]
    return space.first(known or opened)


def _reached(space: Space, rules: Iterable[Rule]) -> Mapping[Outcome, int]:
    """Return, for each outcome, the states in which rules let so much go, or more."""
    reached = dict.fromkeys((Outcome.DISCLOSE, Outcome.GENERALISE, Outcome.REDACT), 0)
    held = dict(reached)
    for rule in rules:
        states = space.where(_of(rule, rule.clauses))
        if rule.effect is not Effect.PERMIT:
            for outcome in held:
                held[outcome] |= states if outcome < rule.outcome else 0
            continue
        fires = 0
        for arm in rule.arms:
            fires |= states & space.where(_of(rule, arm.clauses))
        for outcome in reached:
            reached[outcome] |= fires if rule.outcome <= outcome else 0
    return {outcome: states & ~held[outcome] for outcome, states in reached.items()}


def _choices(rule: Rule) -> Iterator[Choice]:
    for clauses in (rule.clauses, *(arm.clauses for arm in rule.arms)):
        yield from _of(rule, clauses)


def _of(rule: Rule, clauses: Iterable[Clause]) -> Iterator[Choice]:
    """Yield the conditions of a rule; what holds back also does so where they may hold."""
    for slot, mask in clauses:
        values = frozenset(values_of(_NAMES[slot], mask))
        yield _NAMES[slot], values if rule.effect is Effect.PERMIT else values | _UNKNOWN


def _domain(name: str) -> tuple[Value, ...]:
    fact = FACTS[name]
    return (*fact.domain, NOT_KNOWN) if fact.may_be_unknown else fact.domain
