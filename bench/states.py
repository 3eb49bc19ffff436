"""Random states for the disclosure engine, biased so that rules fire, and fail by a hair.

A rule is chosen, then a kind of field it speaks of. Mostly the facts are made such that the rule fires and
nothing else holds back; else one of its conditions fails or is not known. All other facts are random, some of
them not known. Left to chance alone nearly everything would be withheld, and most rules would never be tried.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.consent.compile import Policy, RuleKey
from hub.consent.decide import lines_of
from hub.consent.decision import FieldSpec, Scope
from hub.consent.facts import WHOLE, Facts
from hub.consent.plan import classes_of
from hub.consent.rules import Clause, Effect, Rule, truth
from hub.consent.vocabulary import BY_CLASS, FACTS, SLOT, Value, values_of
from hub.consent.weighing import gates_of
from hub.messages.envelope import MessageName
from hub.topics.library import SchemaLibrary

UNKNOWN = 0.06
"""Share of facts that are not known, where chance decides."""
FIRES = 0.75
"""Share of states made for a rule to fire."""
CLEARED = 0.85
"""Share of those in which other rules are kept from holding back."""
_NAMES = tuple(FACTS)
_SCOPE = SLOT["scope"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of field of one message in one scope, with its rules; with no rules of its own, the gates."""

    key: RuleKey
    rules: tuple[Rule, ...]
    gates: tuple[Rule, ...]
    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A kind of field, and one bit per fact: which value it has; 0 where it is not known."""

    kind: Kind
    vector: tuple[int, ...]

    @property
    def facts(self) -> dict[str, Value | None]:
        """The facts by name."""
        return {name: value_of(name, self.vector[slot]) for slot, name in enumerate(_NAMES)}


def value_of(name: str, one: int) -> Value | None:
    """Return the value a bit stands for."""
    return next(iter(values_of(name, one)), None)


def kinds_of(policy: Policy, specs: Mapping[MessageName, Sequence[FieldSpec]]) -> tuple[Kind, ...]:
    """Return every kind of field there is: each selection of rules, class and scope once per message."""
    found: dict[tuple[object, ...], Kind] = {}
    for message, own in specs.items():
        gates = gates_of(policy, message)
        for spec, classes, scopes in lines_of(policy, message, tuple(own), {}):
            for name, rules in classes:
                for scope in scopes:
                    key = (message, name, spec.subject, spec.sensitive, spec.path)
                    found.setdefault(
                        (message, name, id(rules), scope),
                        Kind(key=key, rules=rules, gates=gates, scope=scope),
                    )
    return tuple(found.values())


def all_specs() -> Mapping[MessageName, tuple[FieldSpec, ...]]:
    """Return the fields of every message in its newest version."""
    library = SchemaLibrary.load()
    return {message: library.fields(message, library.newest(message)) for message in MessageName}


class States:
    """Draws states for the rules of a policy."""

    def __init__(self, policy: Policy, specs: Mapping[MessageName, Sequence[FieldSpec]], seed: int) -> None:
        """Draw for these messages, from this seed: the same seed, the same states."""
        self._chance = random.Random(seed)  # noqa: S311 - a seed, so that a difference can be found again
        self.kinds = kinds_of(policy, specs)
        self._policy = policy
        self._specs = specs
        self._speaking: dict[str, tuple[Rule, list[Kind]]] = {}
        for kind in self.kinds:
            for rule in (*kind.gates, *kind.rules):
                self._speaking.setdefault(rule.rule, (rule, []))[1].append(kind)
        self._rules = tuple(self._speaking.values())
        self._domains = tuple(
            tuple(1 << index for index in range(len(fact.domain))) for fact in FACTS.values()
        )

    @property
    def rules(self) -> frozenset[str]:
        """Every rule that speaks of some field, and the gates."""
        return frozenset(self._speaking)

    @property
    def unconditional(self) -> frozenset[str]:
        """Rules that ask about no fact."""
        return frozenset(
            name
            for name, (rule, _) in self._speaking.items()
            if not rule.clauses
            and (rule.effect is not Effect.PERMIT or any(not a.clauses for a in rule.arms))
        )

    def draw(self) -> State:
        """Return one state."""
        chance = self._chance
        rule, kinds = chance.choice(self._rules)
        kind = chance.choice(kinds)
        vector = [0 if chance.random() < UNKNOWN else chance.choice(domain) for domain in self._domains]
        clauses = (*rule.clauses, *(chance.choice(rule.arms).clauses if rule.arms else ()))
        pinned = self._satisfied(vector, clauses)
        if chance.random() >= FIRES and clauses:
            self._spoil(vector, chance.choice(clauses))
        elif chance.random() < CLEARED:
            for each in (*kind.gates, *kind.rules):
                if each is not rule and each.effect is not Effect.PERMIT:
                    self._keep_out(vector, each, pinned)
        vector[_SCOPE] = 1 << tuple(Scope).index(kind.scope)
        return State(kind=kind, vector=tuple(vector))

    def message(self) -> tuple[MessageName, tuple[FieldSpec, ...], Facts]:
        """Return a message and facts for it: one kind of field as drawn, the other classes by chance."""
        state = self.draw()
        message, information_class, *_ = state.kind.key
        specs = tuple(self._specs[message])
        classes = classes_of(tuple(lines_of(self._policy, message, specs, {})))
        facts = state.facts
        columns = tuple(
            tuple(facts[name] if each == information_class else self._by_chance(name) for each in classes)
            for name in BY_CLASS
        )
        values = tuple(facts[name] for name in WHOLE)
        return message, specs, Facts(values=values, classes=classes, columns=columns, items_held=())

    def _by_chance(self, name: str) -> Value | None:
        if self._chance.random() < UNKNOWN:
            return None
        return value_of(name, self._chance.choice(self._domains[SLOT[name]]))

    def _satisfied(self, vector: list[int], clauses: Sequence[Clause]) -> frozenset[int]:
        """Make these conditions hold; returns the facts they are about."""
        masks: dict[int, int] = {}
        for slot, mask in clauses:
            masks[slot] = masks.get(slot, mask) & mask
        for slot, mask in masks.items():
            allowed = [one for one in self._domains[slot] if one & mask]
            if allowed:
                vector[slot] = self._chance.choice(allowed)
        return frozenset(masks)

    def _spoil(self, vector: list[int], clause: Clause) -> None:
        """Make one condition fail, or leave open whether it holds."""
        slot, mask = clause
        vector[slot] = self._chance.choice([0, *(one for one in self._domains[slot] if not one & mask)])

    def _keep_out(self, vector: list[int], rule: Rule, pinned: frozenset[int]) -> None:
        """Keep a rule from holding back, if the facts not spoken for allow it."""
        if truth(rule.clauses, vector) is False:
            return
        for slot, mask in rule.clauses:
            others = [one for one in self._domains[slot] if not one & mask]
            if slot not in pinned and slot != _SCOPE and others:
                vector[slot] = self._chance.choice(others)
                return
