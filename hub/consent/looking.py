"""The rules of one decision looked at again, every clause with the fact it asked about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hub.consent.compile import Policy
from hub.consent.decision import Decision, FieldSpec, Outcome, Scope
from hub.consent.evaluate import Verdict, evaluate
from hub.consent.rules import Clause, Effect, Rule, truth
from hub.consent.vocabulary import BASIS, BY_CLASS, FACTS, Value, bit, values_of
from hub.messages.envelope import InformationClass, MessageName

_NAMES = tuple(FACTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseSeen:
    """One clause: the fact, what it was, what the rule wanted, and whether that held (None: not known)."""

    fact: str
    """As the ledger names it, with its class where it has one: `consent.health`."""
    says: str
    value: Value | None
    wanted: tuple[Value, ...]
    holds: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisSeen:
    """One legal basis of a permit, and whether its gateway was open."""

    code: str
    says: str
    holds: bool | None
    clauses: tuple[ClauseSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSeen:
    """One rule as it was looked at."""

    rule: str
    effect: Effect
    outcome: Outcome
    information_class: InformationClass | None
    reason: str
    says: str
    guard: bool
    fired: bool
    """A permit fires when it holds and a basis is open; what holds back, also when it only might hold."""
    holds: bool | None
    clauses: tuple[ClauseSeen, ...]
    bases: tuple[BasisSeen, ...]


@dataclass(slots=True)
class Looking:
    """The facts of one decision, and what has been looked at by them already."""

    policy: Policy
    message: MessageName
    facts: Mapping[str, object]
    verdicts: dict[tuple[InformationClass, int, Scope], Verdict] = field(default_factory=dict)
    seen: dict[tuple[InformationClass | None, int, Scope], tuple[RuleSeen, ...]] = field(default_factory=dict)

    def vector(self, information_class: InformationClass | None, scope: Scope) -> list[int]:
        """Return the facts as bits, those of a class and the scope filled in."""
        return [bit(name, self._value(name, information_class, scope)) for name in FACTS]

    def gate(self) -> Rule | None:
        """Return the first gate that was closed, or might have been."""
        vector = self.vector(None, Scope.ALL)
        for rule in self.gates():
            if truth(rule.clauses, vector) is not False:
                return rule
        return None

    def gates(self) -> Iterator[Rule]:
        """Yield the gates of this message."""
        for rule in self.policy.gates:
            if rule.messages is None or self.message in rule.messages:
                yield rule

    def verdict(
        self, classes: Sequence[tuple[InformationClass, tuple[Rule, ...]]], spec: FieldSpec, scope: Scope
    ) -> Verdict:
        """Return what the rules say: of several classes, the one that holds back most."""
        first, *others = classes
        worst = self._of_class(*first, scope)
        for each in others:
            found = self._of_class(*each, scope)
            if found.outcome > worst.outcome:
                worst = found
        if worst.outcome is Outcome.GENERALISE and not (spec.general and spec.generaliser):
            return replace(
                worst, outcome=Outcome.WITHHOLD, reason="OBL-UNSUPPORTED", basis=None, alternates=()
            )
        return worst

    def rules(
        self, rules: Sequence[Rule], information_class: InformationClass | None, scope: Scope
    ) -> tuple[RuleSeen, ...]:
        """Return every rule with what became of its clauses."""
        key = (information_class, id(rules), scope)
        found = self.seen.get(key)
        if found is None:
            vector = self.vector(information_class, scope)
            found = tuple(self._rule(rule, information_class, scope, vector) for rule in rules)
            self.seen[key] = found
        return found

    def _of_class(self, name: InformationClass, rules: tuple[Rule, ...], scope: Scope) -> Verdict:
        key = (name, id(rules), scope)
        found = self.verdicts.get(key)
        if found is None:
            found = self.verdicts[key] = evaluate(rules, self.vector(name, scope))
        return found

    def _rule(
        self, rule: Rule, information_class: InformationClass | None, scope: Scope, vector: list[int]
    ) -> RuleSeen:
        holds = truth(rule.clauses, vector)
        bases = tuple(
            BasisSeen(
                code=arm.basis,
                says=BASIS[arm.basis].says,
                holds=truth(arm.clauses, vector),
                clauses=tuple(self._clauses(arm.clauses, information_class, scope)),
            )
            for arm in rule.arms
        )
        permits = rule.effect is Effect.PERMIT
        clauses = dict.fromkeys(self._clauses(rule.clauses, information_class, scope))
        return RuleSeen(
            rule=rule.rule,
            effect=rule.effect,
            outcome=rule.outcome,
            information_class=information_class,
            reason=rule.reason,
            says=rule.says,
            guard=rule.guard,
            fired=holds is True and any(each.holds for each in bases) if permits else holds is not False,
            holds=holds,
            clauses=tuple(clauses),
            bases=bases,
        )

    def _clauses(
        self, clauses: Sequence[Clause], information_class: InformationClass | None, scope: Scope
    ) -> Iterator[ClauseSeen]:
        for slot, mask in clauses:
            name = _NAMES[slot]
            value = self._value(name, information_class, scope)
            yield ClauseSeen(
                fact=fact_key(name, information_class),
                says=FACTS[name].says,
                value=value,
                wanted=values_of(name, mask),
                holds=None if value is None else bool(bit(name, value) & mask),
            )

    def _value(self, name: str, information_class: InformationClass | None, scope: Scope) -> Value | None:
        if name == "scope":
            return scope
        value = self.facts.get(fact_key(name, information_class))
        return value if isinstance(value, str | int) else None


def fact_key(name: str, information_class: InformationClass | None) -> str:
    """Return the name under which the ledger has a fact."""
    return f"{name}.{information_class}" if name in BY_CLASS and information_class else name


def words_for(policy: Policy, reason: str, rules: Iterable[str]) -> str:
    """Say a reason in the words of the rule that gave it, of those that decided; else in the code's own.

    Several rules share a code, and each has its own words for it.
    """
    deciding = [*rules]
    every = (*policy.gates, *(rule for own in policy.rules.values() for rule in own))
    said = (rule.says for rule in every if rule.reason == reason and rule.rule in deciding)
    return next(said, policy.reasons.get(reason, ("", ""))[0])


def looking_at(policy: Policy, decision: Decision) -> Looking:
    """Return a decision's rules and facts, to be looked at; raises ValueError where they are not its own."""
    if decision.message_name is None:
        message = "the decision does not say of which message type it is"
        raise ValueError(message)
    if decision.policy != policy.name:
        message = f"the decision was made by the rules {decision.policy}, not by {policy.name}"
        raise ValueError(message)
    return Looking(policy=policy, message=decision.message_name, facts=decision.facts)
