"""What each rule weighs: whether it ever holds, whether anything is decided otherwise without it.

Decided otherwise means another outcome, or the same outcome on other legal bases. Rules are weighed
without the guards: a guard doubles other rules, so beside it none of them would seem to weigh anything. A
guard is weighed against all rules that are none: over those it must change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import accumulate
from operator import or_

from hub.consent.decided import LET_THROUGH, asked, choices, domains, narrowing
from hub.consent.decision import Outcome
from hub.consent.prove import STATES_MAX, FieldKind, field_kinds
from hub.consent.rules import Clause, Effect, Rule
from hub.consent.states import Choice, Space, space_of
from hub.consent.vocabulary import FACTS, Value

State = Mapping[str, tuple[Value, ...]]
Arms = Mapping[str, int]
"""By the code of a basis, the states in which it carries a permit."""
_NAMES = tuple(FACTS)
NEVER: tuple[tuple[Choice, Choice], ...] = (
    (("on_team", frozenset({True})), ("engaged", frozenset({False}))),
)
"""What the facts never are together: whoever is on the team is engaged."""


@dataclass(slots=True)
class Uses:
    """Which rules hold in some state, which weigh something, which of their conditions do not."""

    fires: set[str] = field(default_factory=set)
    matters: dict[str, State] = field(default_factory=dict)
    """By rule, a state in which something is decided otherwise for its being there."""
    idle: dict[str, frozenset[str]] = field(default_factory=dict)
    """By rule, the facts it asks about although nothing would be decided otherwise if it did not."""

    def add(self, other: Uses) -> None:
        """Take in what was found elsewhere: a rule weighs something if it does anywhere."""
        self.fires |= other.fires
        self.matters = {**other.matters, **self.matters}
        for rule, facts in other.idle.items():
            self.idle[rule] = self.idle.get(rule, facts) & facts


def uses(rules: Sequence[Rule]) -> Uses:
    """Weigh the rules of one class over every kind of field."""
    found = Uses()
    for kind in field_kinds(rules, ()):
        found.add(_of_kind(kind))
    return found


def gate_uses(gates: Sequence[Rule]) -> Uses:
    """Weigh the gates: one matters where it alone closes."""
    conditions = [choice for rule in gates for choice in _of_gate(rule)]
    space = space_of(domains(conditions, ()), conditions)
    closing = [space.where(_of_gate(rule)) for rule in gates]
    found = Uses()
    for rule, own, others in zip(gates, closing, _others(closing), strict=True):
        if own:
            found.fires.add(rule.rule)
        if own & ~others:
            found.matters[rule.rule] = space.first(own & ~others)
    return found


def _of_gate(rule: Rule) -> list[Choice]:
    """Return everything a gate asks."""
    return [*choices(rule.clauses), *narrowing(rule, ())]


def decided_otherwise(old: Sequence[Rule], new: Sequence[Rule]) -> State | None:
    """Return a state in which two sets of rules for one class decide otherwise; None if there is none at all.

    Every kind of field that either tells apart, and every state of every fact that either asks about, is
    looked at. Where those are too many the first is returned: what cannot be shown is not claimed.
    """
    every = (*old, *(rule for rule in new if rule not in old))
    for kind in field_kinds(every, ()):
        conditions = asked(kind.rules)
        space = space_of(domains(conditions, ()), conditions)
        if space.size > STATES_MAX:
            return kind.stands_for
        before, after = (
            _core(_all_held(space, [rule for rule in kind.rules if rule in those])).said()
            for those in (old, new)
        )
        found = 0
        for what in {*before, *after}:
            found |= before.get(what, 0) ^ after.get(what, 0)
        if found:
            return {**kind.stands_for, **space.first(found)}
    return None


def possible(space: Space) -> int:
    """Return the states there can be."""
    found = space.everything
    for both in NEVER:
        if all(name in space.dimensions for name, _ in both):
            found &= ~space.where(both)
    return found


def _others(sets: Sequence[int]) -> list[int]:
    """Return, for each set of states, the union of all the others."""
    before = [0, *accumulate(sets, or_)]
    after = [0, *accumulate(reversed(sets), or_)][::-1]
    return [before[n] | after[n + 1] for n in range(len(sets))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A rule of one kind of field, with the states in which it holds, and each of its conditions does."""

    rule: Rule
    clauses: tuple[int, ...]
    arms: Arms
    """For a permit, where each basis carries it; for what holds back, one entry without a name."""

    def without(self, number: int, everything: int) -> Arms:
        """Return where it would hold besides if one of its conditions were not there."""
        rest = reduce(int.__and__, (each for n, each in enumerate(self.clauses) if n != number), everything)
        return {code: rest & gateway & ~self.clauses[number] for code, gateway in self.gateways.items()}

    gateways: Arms
    """By basis, where its gateway is open."""


@dataclass(frozen=True, slots=True)
class _Core:
    """What the rules that are no guards decide, in every state of one kind of field."""

    permitted: Mapping[Outcome, int]
    held: Mapping[Outcome, int]
    at: Mapping[tuple[Outcome, str], int]
    """Where a basis carries a permit of an outcome."""
    by: Mapping[str, int]
    """Where a basis carries any permit."""

    def changed_by_permit(self, outcome: Outcome, arms: Arms) -> int:
        """Return where something is decided otherwise when a permit of an outcome is added."""
        fires = reduce(or_, arms.values(), 0)
        found = 0
        more = 0
        for each in LET_THROUGH:
            if each >= outcome:
                found |= fires & ~self.permitted[each] & ~self.held[each]
            if each is outcome:
                level = self.permitted[each] & ~more & ~self.held[each]
                for code, states in arms.items():
                    found |= states & level & ~self.at.get((each, code), 0)
            more = self.permitted[each]
        partly = self.permitted[Outcome.DISCLOSE] & self.held[Outcome.DISCLOSE]
        partly &= ~self.held[Outcome.GENERALISE]
        for code, states in arms.items():
            found |= states & partly & ~self.by.get(code, 0)
        return found

    def changed_by_holding(self, outcome: Outcome, states: int) -> int:
        """Return where less goes when something that holds back to an outcome is added."""
        found = 0
        for each in LET_THROUGH:
            if each < outcome:
                found |= states & self.permitted[each] & ~self.held[each]
        return found

    def said(self) -> Mapping[str, int]:
        """Return where each outcome is reached, and where each basis is among those a decision names."""
        found: dict[str, int] = {}
        more = 0
        for each in LET_THROUGH:
            found[each.name] = self.permitted[each] & ~self.held[each]
            level = found[each.name] & ~more
            for code in self.by:
                found[code] = found.get(code, 0) | (level & self.at.get((each, code), 0))
            more = self.permitted[each]
        partly = self.permitted[Outcome.DISCLOSE] & self.held[Outcome.DISCLOSE]
        for code, states in self.by.items():
            found[code] |= states & partly & ~self.held[Outcome.GENERALISE]
        return found

    def changed(self, rule: Rule, arms: Arms) -> int:
        """Return where something is decided otherwise when a rule holds in these states as well."""
        if rule.effect is Effect.PERMIT:
            return self.changed_by_permit(rule.outcome, arms)
        return self.changed_by_holding(rule.outcome, reduce(or_, arms.values(), 0))


def _of_kind(kind: FieldKind) -> Uses:
    """Weigh the rules that speak of one kind of field."""
    conditions = asked(kind.rules)
    space = space_of(domains(conditions, ()), conditions)
    if space.size > STATES_MAX:
        return Uses()
    held = _all_held(space, kind.rules)
    core = [each for each in held if not each.rule.guard]
    whole = _core(core)
    found = Uses(fires={each.rule.rule for each in held if any(each.arms.values())})
    for number, each in enumerate(core):
        rest = _core([*core[:number], *core[number + 1 :]])
        _note(found, each.rule, rest.changed(each.rule, each.arms), space, kind)
        found.idle[each.rule.rule] = frozenset(
            _NAMES[slot]
            for n, (slot, _) in enumerate(each.rule.clauses)
            if not whole.changed(each.rule, each.without(n, possible(space)))
        )
    for each in held:
        if each.rule.guard:
            _note(found, each.rule, whole.changed(each.rule, each.arms), space, kind)
    return found


def _note(found: Uses, rule: Rule, states: int, space: Space, kind: FieldKind) -> None:
    """Note that a rule matters, with the first state in which it does."""
    if states:
        found.matters[rule.rule] = {**kind.stands_for, **space.first(states)}


def _all_held(space: Space, rules: Sequence[Rule]) -> list[_Held]:
    """Return where each rule holds."""
    known: dict[Clause, int] = {}
    can_be = possible(space)

    def where(clauses: Iterable[Clause]) -> int:
        states = can_be
        for each in clauses:
            if each not in known:
                known[each] = space.where(choices([each]))
            states &= known[each]
        return states

    held = []
    for rule in rules:
        own = where(rule.clauses)
        gateways = {arm.basis: where(arm.clauses) for arm in rule.arms} or {"": can_be}
        held.append(
            _Held(
                rule=rule,
                clauses=tuple(known[each] for each in rule.clauses),
                arms={code: own & gateway for code, gateway in gateways.items()},
                gateways=gateways,
            )
        )
    return held


def _core(rules: Sequence[_Held]) -> _Core:
    """Join what some rules permit and hold back."""
    permitted = dict.fromkeys(LET_THROUGH, 0)
    held = dict.fromkeys(LET_THROUGH, 0)
    at: dict[tuple[Outcome, str], int] = {}
    by: dict[str, int] = {}
    for each in rules:
        states = reduce(or_, each.arms.values(), 0)
        if each.rule.effect is Effect.PERMIT:
            for code, there in each.arms.items():
                at[each.rule.outcome, code] = at.get((each.rule.outcome, code), 0) | there
                by[code] = by.get(code, 0) | there
        for outcome in LET_THROUGH:
            if each.rule.effect is Effect.PERMIT:
                permitted[outcome] |= states if each.rule.outcome <= outcome else 0
            else:
                held[outcome] |= states if outcome < each.rule.outcome else 0
    return _Core(permitted, held, at, by)
