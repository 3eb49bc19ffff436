"""Proves the invariants of a policy by looking at every state its rules can meet (R-DIS-06).

Three steps. Each rule alone is shown to be monotone: a fact that is not known never lets it disclose
more than any value of that fact would. So it is enough to look at states in which all is known: outcomes
there bound all others. Then, class by class, every combination of the facts its rules ask about is
enumerated and each invariant is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from hub.consent.decision import Outcome
from hub.consent.invariants import CLOSED, INVARIANTS, Claim, Invariant
from hub.consent.parties import RUNGS
from hub.consent.rules import Clause, Effect, Rule, names_field, truth
from hub.consent.states import Choice, Space, space_of
from hub.consent.vocabulary import FACTS, MESSAGES, SUBJECTS, Value, values_of
from hub.messages.envelope import InformationClass

OTHER_FIELD = "any other field"
_NAMES = tuple(FACTS)
_STATES_MAX = 1 << 24
_STATIC = frozenset({"message", "subject", "sensitive", "field"})
"""What tells fields apart, as against the facts of a decision."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """The rules of a class decided for all states at once."""

    space: Space
    reaches: Mapping[Outcome, int]
    """States in which the outcome is this one or discloses more."""
    on_consent: int
    """States in which some permit rests on consent."""
    otherwise: int
    """States in which some permit rests on another basis."""
    firing: tuple[tuple[str, int], ...]


def prove_rules(gates: Sequence[Rule], rules: Mapping[InformationClass, Sequence[Rule]]) -> Proof:
    """Prove every invariant for these rules; what fails is in the result, not raised."""
    violations: list[Violation] = []
    every = {rule.rule: rule for own in (gates, *rules.values()) for rule in own}
    states = 0
    for rule in every.values():
        checked, found = _monotone(rule)
        states += checked
        violations.extend(found)
    checked, found = _gates_close(gates)
    states += checked
    violations.extend(found)
    for information_class, own in rules.items():
        wanted = [each for each in INVARIANTS if information_class in each.classes]
        checked, found = _class_holds(information_class, own, wanted)
        states += checked
        violations.extend(found)
    names = ("unknown-never-widens", *(name for name, _, _ in CLOSED), *(each.name for each in INVARIANTS))
    return Proof(rules=len(every), states=states, invariants=names, violations=tuple(violations))


def _monotone(rule: Rule) -> tuple[int, list[Violation]]:
    """Show that an unknown fact never lets a rule disclose more, in every state of its own facts."""
    arms = [(*rule.clauses, *arm.clauses) for arm in rule.arms] or [rule.clauses]
    states = 0
    for clauses in arms:
        slots = sorted({slot for slot, _ in clauses})
        domains = [(0, *(1 << index for index in range(len(FACTS[_NAMES[slot]].domain)))) for slot in slots]
        for digits in product(*_told_apart(slots, domains, clauses)):
            states += 1
            vector = [0] * len(FACTS)
            for slot, digit in zip(slots, digits, strict=True):
                vector[slot] = digit
            if 0 in digits and _widens(rule, clauses, vector, slots):
                return states, [_violation_unknown(rule, slots, digits)]
    return states, []


def _told_apart(
    slots: Sequence[int], domains: Sequence[Sequence[int]], clauses: Sequence[Clause]
) -> Iterator[list[int]]:
    """Keep, of each domain, the unknown and one value of each group the clauses tell apart."""
    for slot, domain in zip(slots, domains, strict=True):
        masks = [mask for each, mask in clauses if each == slot]
        groups = {tuple(bool(value & mask) for mask in masks): value for value in domain if value}
        yield [0, *groups.values()]


def _widens(rule: Rule, clauses: Sequence[Clause], vector: list[int], slots: Sequence[int]) -> bool:
    """Tell whether knowing one more fact could make a rule disclose less than not knowing it does."""
    fires = _discloses(rule, holds=truth(clauses, vector))
    for slot in (slot for slot in slots if not vector[slot]):
        for index in range(len(FACTS[_NAMES[slot]].domain)):
            vector[slot] = 1 << index
            if fires and not _discloses(rule, holds=truth(clauses, vector)):
                vector[slot] = 0
                return True
        vector[slot] = 0
    return False


def _discloses(rule: Rule, *, holds: bool | None) -> bool:
    """Tell whether a rule is on the side of disclosing: a permit that fires, or a forbid that does not."""
    return holds is True if rule.effect is Effect.PERMIT else holds is False


def _violation_unknown(rule: Rule, slots: Sequence[int], digits: Sequence[int]) -> Violation:
    """Word a rule that would disclose more for not knowing."""
    state = {_NAMES[slot]: values_of(_NAMES[slot], digit) for slot, digit in zip(slots, digits, strict=True)}
    return _violation("unknown-never-widens", None, "a fact not known would let more go", state, (rule.rule,))


def _gates_close(gates: Sequence[Rule]) -> tuple[int, list[Violation]]:
    """Show that a gate is closed in every state in which one must be."""
    conditions = [choice for rule in gates for choice in (*_choices(rule.clauses), *_narrowing(rule, ()))]
    conditions += [choice for _, region, _ in CLOSED for choice in region.items()]
    space = space_of(_domains(conditions, ()), conditions)
    closed = 0
    for rule in gates:
        closed |= space.where((*_choices(rule.clauses), *_narrowing(rule, ())))
    violations = []
    for name, region, breaks in CLOSED:
        open_states = space.where(region.items()) & ~closed
        if open_states:
            violations.append(_violation(name, None, breaks, space.first(open_states), ()))
    return space.size, violations


@dataclass(frozen=True, slots=True, kw_only=True)
class _FieldKind:
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
    for kind in _field_kinds(rules, wanted):
        space, violations = _kind_holds(information_class, kind)
        states += space
        for violation in violations:
            found.setdefault(violation.invariant, violation)
    return states, list(found.values())


def _field_kinds(rules: Sequence[Rule], wanted: Sequence[Invariant]) -> Iterable[_FieldKind]:
    """Sort every message, field, subject and sensitivity by the rules and invariants that speak of it."""
    regions = [each.region.get("field", frozenset()) for each in wanted]
    fields = (*named_fields(rules), *(str(name) for region in regions for name in sorted(map(str, region))))
    narrowed = [dict(_narrowing(rule, fields)) for rule in rules]
    conditions = [choice for each in narrowed for choice in each.items()]
    conditions += [choice for each in wanted for choice in each.region.items() if choice[0] in _STATIC]
    space = space_of(_domains(conditions, tuple(dict.fromkeys(fields))), conditions)
    kinds: dict[tuple[tuple[int, ...], tuple[int, ...]], _FieldKind] = {}
    for state in space.states():
        speaking = tuple(n for n, choices in enumerate(narrowed) if _matches(choices, state))
        meant = tuple(n for n, each in enumerate(wanted) if _matches(each.region, state))
        if speaking and meant and (speaking, meant) not in kinds:
            kinds[speaking, meant] = _FieldKind(
                stands_for=state,
                rules=tuple(rules[n] for n in speaking),
                invariants=tuple(wanted[n] for n in meant),
            )
    return kinds.values()


def _matches(region: Mapping[str, frozenset[Value]], state: Mapping[str, tuple[Value, ...]]) -> bool:
    """Tell whether a kind of field lies in a region, as far as the region speaks of fields."""
    return all(values[0] in region[name] for name, values in state.items() if name in region)


def _kind_holds(information_class: InformationClass, kind: _FieldKind) -> tuple[int, list[Violation]]:
    """Check the invariants of one kind of field in every state of the facts its rules ask about."""
    regions = [
        {name: values for name, values in each.region.items() if name not in _STATIC}
        for each in kind.invariants
    ]
    conditions = _asked(kind.rules)
    conditions += [choice for region in regions for choice in region.items()]
    if any(each.claim is Claim.NARROWS for each in kind.invariants):
        conditions += [("rung", frozenset({rung})) for rung in RUNGS]
    space = space_of(_domains(conditions, ()), conditions)
    if space.size > _STATES_MAX:
        breaks = "the rules of one kind of field ask about too many facts at once to be proved"
        return 0, [_violation("provable", information_class, breaks, kind.stands_for, ())]
    decided = _decide_all(space, kind.rules)
    violations = []
    for each, region in zip(kind.invariants, regions, strict=True):
        broken = space.where(region.items()) & _broken(each, decided)
        if broken:
            first = broken & -broken
            firing = tuple(name for name, states in decided.firing if states & first)
            state = {**kind.stands_for, **space.first(broken)}
            violations.append(_violation(each.name, information_class, each.breaks, state, firing))
    return space.size, violations


def most_that_goes(rules: Sequence[Rule], fixed: Mapping[str, frozenset[Value]]) -> Outcome:
    """Return the outcome that discloses most in any state in which these facts have one of these values."""
    conditions = [*_asked(rules), *fixed.items()]
    space = space_of(_domains(conditions, ()), conditions)
    here = space.where(fixed.items())
    reaches = _decide_all(space, rules).reaches
    return next((outcome for outcome, states in reaches.items() if states & here), Outcome.WITHHOLD)


def lets_more_go(old: Sequence[Rule], new: Sequence[Rule]) -> Mapping[str, tuple[Value, ...]] | None:
    """Return a state in which new rules let more go than old ones, or None if there is none at all.

    Every state of every fact that either asks about is looked at. Where those are too many, the first is
    returned: what cannot be shown is not claimed.
    """
    conditions = _asked((*old, *new))
    space = space_of(_domains(conditions, ()), conditions)
    if space.size > _STATES_MAX:
        return space.first(1)
    before, after = _decide_all(space, old).reaches, _decide_all(space, new).reaches
    opened = 0
    for outcome, states in after.items():
        opened |= states & ~before[outcome]
    return space.first(opened) if opened else None


def _asked(rules: Iterable[Rule]) -> list[Choice]:
    """Return every condition on a fact that some rule has."""
    return [
        choice
        for rule in rules
        for clauses in [rule.clauses, *(arm.clauses for arm in rule.arms)]
        for choice in _choices(clauses)
    ]


def _decide_all(space: Space, rules: Sequence[Rule]) -> _Decided:
    """Decide every state: the best permit, then everything that holds back."""
    reaches = dict.fromkeys((Outcome.DISCLOSE, Outcome.GENERALISE, Outcome.REDACT), 0)
    on_consent = otherwise = 0
    held = dict(reaches)
    firing: list[tuple[str, int]] = []
    for rule in rules:
        states = space.where(_choices(rule.clauses))
        if rule.effect is not Effect.PERMIT:
            for outcome in held:
                held[outcome] |= states if outcome < rule.outcome else 0
            continue
        fires = 0
        for arm in rule.arms:
            there = states & space.where(_choices(arm.clauses))
            fires |= there
            if arm.basis == "CONSENT":
                on_consent |= there
            else:
                otherwise |= there
        firing.append((rule.rule, fires))
        for outcome in reaches:
            reaches[outcome] |= fires if rule.outcome <= outcome else 0
    return _Decided(
        space=space,
        reaches={outcome: states & ~held[outcome] for outcome, states in reaches.items()},
        on_consent=on_consent & ~held[Outcome.REDACT],
        otherwise=otherwise,
        firing=tuple(firing),
    )


def _broken(invariant: Invariant, decided: _Decided) -> int:
    """Return the states in which a claim does not hold."""
    if invariant.claim is Claim.WITHHELD:
        return decided.reaches[Outcome.REDACT]
    if invariant.claim is Claim.NOT_ON_CONSENT:
        return decided.on_consent
    if invariant.claim is Claim.NOT_ON_CONSENT_ALONE:
        return decided.reaches[Outcome.REDACT] & ~decided.otherwise
    return _widening(decided)


def _widening(decided: _Decided) -> int:
    """Return the states that disclose more than the same state one rung lower down."""
    space = decided.space
    above = space.everything & ~space.literals["rung", 0]
    found = 0
    for states in decided.reaches.values():
        found |= states & above & ~space.moved(states, "rung", by=1)
    return found


def named_fields(rules: Iterable[Rule]) -> tuple[str, ...]:
    """Return the fields that rules name, each once."""
    return tuple(dict.fromkeys(entry for rule in rules for entry in rule.fields or ()))


def _choices(clauses: Iterable[Clause]) -> Iterator[Choice]:
    """Yield clauses as choices of a space."""
    for slot, mask in clauses:
        yield _NAMES[slot], frozenset(values_of(_NAMES[slot], mask))


def _narrowing(rule: Rule, fields: Sequence[str]) -> Iterator[Choice]:
    """Yield what a rule is narrowed to: messages, subjects, sensitive, fields."""
    if rule.messages is not None:
        yield "message", frozenset(rule.messages)
    if rule.subjects is not None:
        yield "subject", frozenset(rule.subjects)
    if rule.sensitive is not None:
        yield "sensitive", frozenset({rule.sensitive})
    if rule.fields is not None:
        entries = rule.fields
        named = (path for path in fields if any(names_field(entry, path) for entry in entries))
        yield "field", frozenset(named)


def _domains(conditions: Iterable[Choice], fields: Sequence[str]) -> Mapping[str, Sequence[Value]]:
    """Return the domain of every dimension the conditions ask about."""
    listed: dict[str, Sequence[Value]] = {
        "message": MESSAGES,
        "subject": SUBJECTS,
        "sensitive": (True, False),
        "field": (*fields, OTHER_FIELD),
    }
    names = dict.fromkeys(name for name, _ in conditions)
    return {name: listed[name] if name in listed else FACTS[name].domain for name in names}


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
