"""Proves the invariants of a policy by looking at every state its rules can meet (R-DIS-06).

Three steps. Each rule alone is shown to be monotone: a fact that is not known never lets it disclose
more than any value of that fact would. So it is enough to look at states in which all is known: outcomes
there bound all others. Then, class by class, every combination of the facts its rules ask about is
enumerated and each invariant is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hub.consent.claims import broken, told_apart
from hub.consent.decided import OTHER_FIELD, asked, choices, decide_all, domains, narrowing
from hub.consent.decision import Outcome
from hub.consent.invariants import CLOSED, INVARIANTS, Invariant
from hub.consent.rules import Rule
from hub.consent.rules_alone import not_covered, widens_unknown
from hub.consent.states import space_of
from hub.consent.vocabulary import BASIS, Value
from hub.messages.envelope import InformationClass

__all__ = [
    "COVERED",
    "OTHER_FIELD",
    "PROVED",
    "UNKNOWN",
    "FieldKind",
    "Proof",
    "Violation",
    "field_kinds",
    "in_words",
    "lets_more_go",
    "most_that_goes",
    "named_fields",
    "prove_rules",
]

STATES_MAX = 1 << 24
_STATIC = frozenset({"message", "subject", "sensitive", "field"})
"""What tells fields apart, as against the facts of a decision."""
UNKNOWN = "unknown-never-widens"
COVERED = "basis-covers-recipient"
PROVED: Mapping[str, str] = {
    UNKNOWN: "a fact not known would let more go",
    COVERED: "a basis would be used that the law does not open to such a recipient",
    **{name: breaks for name, _, breaks in CLOSED},
    **{each.name: each.breaks for each in INVARIANTS},
}
"""Everything that is proved of a policy, by name, with what would happen otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """An invariant that does not hold, with a state in which it does not."""

    invariant: str
    information_class: InformationClass | None
    state: Mapping[str, tuple[Value, ...]]
    rules: tuple[str, ...]
    sentence: str
    """The counterexample in the words of the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was shown: how many rules, how many states, which invariants, and what does not hold."""

    rules: int
    states: int
    invariants: tuple[str, ...]
    violations: tuple[Violation, ...]


def prove_rules(
    gates: Sequence[Rule],
    rules: Mapping[InformationClass, Sequence[Rule]],
    *,
    names: Iterable[str] = tuple(PROVED),
) -> Proof:
    """Prove the invariants of these names for these rules; what fails is in the result, not raised."""
    wanted = tuple(name for name in PROVED if name in set(names))
    every = {rule.rule: rule for own in (gates, *rules.values()) for rule in own}
    states, violations = _each_alone(every.values(), wanted)
    checked, found = _gates_close(gates, wanted)
    states += checked
    violations.extend(found)
    for information_class, own in rules.items():
        meant = [each for each in INVARIANTS if information_class in each.classes and each.name in wanted]
        checked, found = _class_holds(information_class, own, meant)
        states += checked
        violations.extend(found)
    return Proof(rules=len(every), states=states, invariants=wanted, violations=tuple(violations))


def _each_alone(rules: Iterable[Rule], wanted: Sequence[str]) -> tuple[int, list[Violation]]:
    """Show what can be shown of each rule without the others."""
    states = 0
    violations: list[Violation] = []
    for rule in rules:
        if UNKNOWN in wanted:
            checked, state = widens_unknown(rule)
            states += checked
            if state is not None:
                violations.append(_violation(UNKNOWN, None, PROVED[UNKNOWN], state, (rule.rule,)))
        if COVERED in wanted:
            checked, basis, state = not_covered(rule)
            states += checked
            if state is not None:
                breaks = f"{PROVED[COVERED]}: {basis}, {BASIS[basis].says}"
                found = _violation(COVERED, rule.information_class, breaks, state, (rule.rule,))
                violations.append(found)
    return states, violations


def _gates_close(gates: Sequence[Rule], wanted: Sequence[str]) -> tuple[int, list[Violation]]:
    """Show that a gate is closed in every state in which one must be."""
    regions = [each for each in CLOSED if each[0] in wanted]
    conditions = [choice for rule in gates for choice in (*choices(rule.clauses), *narrowing(rule, ()))]
    conditions += [choice for _, region, _ in regions for choice in region.items()]
    space = space_of(domains(conditions, ()), conditions)
    closed = 0
    for rule in gates:
        closed |= space.where((*choices(rule.clauses), *narrowing(rule, ())))
    violations = []
    for name, region, breaks in regions:
        open_states = space.where(region.items()) & ~closed
        if open_states:
            violations.append(_violation(name, None, breaks, space.first(open_states), ()))
    return space.size if regions else 0, violations


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldKind:
    """Fields no rule and no invariant tells apart: one that stands for them, and what speaks of them."""

    stands_for: Mapping[str, tuple[Value, ...]]
    rules: tuple[Rule, ...]
    invariants: tuple[Invariant, ...]


def _class_holds(
    information_class: InformationClass, rules: Sequence[Rule], wanted: Sequence[Invariant]
) -> tuple[int, list[Violation]]:
    """Check the invariants of one class, for every kind of field in every state of what its rules ask."""
    states = 0
    found: dict[str, Violation] = {}
    for kind in field_kinds(rules, wanted) if wanted else ():
        space, violations = _kind_holds(information_class, kind)
        states += space
        for violation in violations:
            found.setdefault(violation.invariant, violation)
    return states, list(found.values())


def field_kinds(rules: Sequence[Rule], wanted: Sequence[Invariant]) -> Iterable[FieldKind]:
    """Sort every message, field, subject and sensitivity by the rules and invariants that speak of it.

    Without invariants, all that some rule speaks of.
    """
    regions = [each.region.get("field", frozenset()) for each in wanted]
    fields = (*named_fields(rules), *(str(name) for region in regions for name in sorted(map(str, region))))
    narrowed = [dict(narrowing(rule, fields)) for rule in rules]
    conditions = [choice for each in narrowed for choice in each.items()]
    conditions += [choice for each in wanted for choice in each.region.items() if choice[0] in _STATIC]
    space = space_of(domains(conditions, tuple(dict.fromkeys(fields))), conditions)
    kinds: dict[tuple[tuple[int, ...], tuple[int, ...]], FieldKind] = {}
    for state in space.states():
        speaking = tuple(n for n, choices in enumerate(narrowed) if _matches(choices, state))
        meant = tuple(n for n, each in enumerate(wanted) if _matches(each.region, state))
        if speaking and (meant or not wanted) and (speaking, meant) not in kinds:
            kinds[speaking, meant] = FieldKind(
                stands_for=state,
                rules=tuple(rules[n] for n in speaking),
                invariants=tuple(wanted[n] for n in meant),
            )
    return kinds.values()


def _matches(region: Mapping[str, frozenset[Value]], state: Mapping[str, tuple[Value, ...]]) -> bool:
    """Tell whether a kind of field lies in a region, as far as the region speaks of fields."""
    return all(values[0] in region[name] for name, values in state.items() if name in region)


def _kind_holds(information_class: InformationClass, kind: FieldKind) -> tuple[int, list[Violation]]:
    """Check the invariants of one kind of field in every state of the facts its rules ask about."""
    regions = [
        {name: values for name, values in each.region.items() if name not in _STATIC}
        for each in kind.invariants
    ]
    conditions = asked(kind.rules)
    conditions += [choice for region in regions for choice in region.items()]
    conditions += [choice for each in kind.invariants for choice in told_apart(each, tuple(conditions))]
    space = space_of(domains(conditions, ()), conditions)
    if space.size > STATES_MAX:
        breaks = "the rules of one kind of field ask about too many facts at once to be proved"
        return 0, [_violation("provable", information_class, breaks, kind.stands_for, ())]
    decided = decide_all(space, kind.rules)
    violations = []
    for each, region in zip(kind.invariants, regions, strict=True):
        failing = space.where(region.items()) & broken(each, decided)
        if failing:
            first = failing & -failing
            firing = tuple(name for name, states in decided.firing if states & first)
            state = {**kind.stands_for, **space.first(failing)}
            violations.append(_violation(each.name, information_class, each.breaks, state, firing))
    return space.size, violations


def most_that_goes(rules: Sequence[Rule], fixed: Mapping[str, frozenset[Value]]) -> Outcome:
    """Return the outcome that discloses most in any state in which these facts have one of these values."""
    conditions = [*asked(rules), *fixed.items()]
    space = space_of(domains(conditions, ()), conditions)
    here = space.where(fixed.items())
    reaches = decide_all(space, rules).reaches
    return next((outcome for outcome, states in reaches.items() if states & here), Outcome.WITHHOLD)


def lets_more_go(old: Sequence[Rule], new: Sequence[Rule]) -> Mapping[str, tuple[Value, ...]] | None:
    """Return a state in which new rules let more go than old ones, or None if there is none at all.

    Every state of every fact that either asks about is looked at. Where those are too many, the first is
    returned: what cannot be shown is not claimed.
    """
    conditions = asked((*old, *new))
    space = space_of(domains(conditions, ()), conditions)
    if space.size > STATES_MAX:
        return space.first(1)
    before, after = decide_all(space, old).reaches, decide_all(space, new).reaches
    opened = 0
    for outcome, states in after.items():
        opened |= states & ~before[outcome]
    return space.first(opened) if opened else None


def named_fields(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return the fields that rules name, each once."""
    return tuple(dict.fromkeys(entry for rule in rules for entry in rule.fields or ()))


def _violation(
    name: str,
    information_class: InformationClass | None,
    breaks: str,
    state: Mapping[str, tuple[Value, ...]],
    rules: tuple[str, ...],
) -> Violation:
    """Word a counterexample."""
    where = f"{information_class}: " if information_class is not None else ""
    by = f" Permitted by {', '.join(rules)}." if rules else ""
    return Violation(
        invariant=name,
        information_class=information_class,
        state=state,
        rules=rules,
        sentence=f"{where}{breaks} [{name}]. For example with {in_words(state)}.{by}",
    )


def in_words(state: Mapping[str, tuple[Value, ...]]) -> str:
    """Return a state as a list of facts and values."""
    return "; ".join(f"{fact} {_said(values)}" for fact, values in state.items())


def _said(values: Sequence[Value]) -> str:
    """Say a group of values no rule tells apart."""
    shown = [
        ("yes" if value else "no") if isinstance(value, bool) else str(value).replace("_", " ")
        for value in values[:2]
    ]
    return " or ".join(shown) + (" or others" if len(values) > len(shown) else "")
