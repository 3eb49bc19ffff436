"""One decision made field by field, by whatever judges the rules of one kind of field.

With `hub.consent.evaluate` this is the naive reference the compiled form is held against; with compiled
rules it decides messages whose author declared stricter classes, for which no plan is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from hub.consent.compile import Line, Policy
from hub.consent.decision import FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.evaluate import Verdict
from hub.consent.facts import Facts
from hub.consent.generalise import can_generalise
from hub.consent.obligations import terms_with
from hub.consent.owing import carried, withheld
from hub.consent.paths import general_of
from hub.consent.rules import Rule, Vector, truth
from hub.consent.vocabulary import BY_CLASS, SLOT, bit
from hub.messages.envelope import InformationClass, MessageName

Judge = Callable[[tuple[Rule, ...], Vector], Verdict]
"""What the rules of one kind of field say for one vector of facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What the rules say of a message: the gate that is closed, if one is, and every field."""

    gate: Rule | None
    fields: tuple[FieldDecision, ...]
    caveats: tuple[str, ...]


@dataclass(slots=True)
class _Weighing:
    """One decision while it is made: the facts as bits, and the verdicts already reached."""

    facts: Facts
    judge: Judge
    vector: list[int]
    reached: dict[tuple[InformationClass, int, Scope], Verdict] = field(default_factory=dict)

    def verdict(self, rules: Sequence[tuple[InformationClass, tuple[Rule, ...]]], scope: Scope) -> Verdict:
        """Join the classes of a field: the one that holds back most decides."""
        first, *others = rules
        worst = self._of_class(*first, scope)
        for each in others:
            found = self._of_class(*each, scope)
            if found.outcome > worst.outcome:
                worst = found
        return worst

    def _of_class(
        self, information_class: InformationClass, rules: tuple[Rule, ...], scope: Scope
    ) -> Verdict:
        """Judge the rules of one class once per decision and scope."""
        key = (information_class, id(rules), scope)
        found = self.reached.get(key)
        if found is None:
            index = self.facts.classes.index(information_class)
            for name, column in zip(BY_CLASS, self.facts.columns, strict=True):
                self.vector[SLOT[name]] = bit(name, column[index])
            self.vector[SLOT["scope"]] = bit("scope", scope)
            found = self.reached[key] = self.judge(rules, self.vector)
        return found


def weigh(policy: Policy, message: MessageName, lines: Sequence[Line], facts: Facts, judge: Judge) -> Weighed:
    """Decide every field of a message, or withhold all of them where a gate is closed."""
    weighing = _Weighing(facts=facts, judge=judge, vector=facts.vector())
    gate = _gate(policy, message, weighing)
    if gate is not None:
        return Weighed(gate=gate, fields=closed(lines, gate), caveats=())
    fields: list[FieldDecision] = []
    for spec, rules, scopes in lines:
        for scope in scopes:
            fields += decided(spec, scope, weighing.verdict(rules, scope))
    return Weighed(gate=None, fields=tuple(fields), caveats=carried(fields))


def decided(spec: FieldSpec, scope: Scope, verdict: Verdict) -> tuple[FieldDecision, ...]:
    """Return what a verdict comes to for one field; what should be generalised and cannot be is withheld."""
    exact = FieldDecision(
        path=spec.path,
        scope=scope,
        outcome=verdict.outcome,
        reason=verdict.reason,
        basis=verdict.basis,
        rules=verdict.rules,
        alternates=verdict.alternates,
        terms=terms_with(verdict.caveats, verdict.basis) if verdict.outcome < Outcome.REDACT else (),
    )
    if verdict.outcome is not Outcome.GENERALISE:
        return (exact,)
    if spec.general and can_generalise(spec.generaliser):
        return exact, replace(exact, path=general_of(spec), outcome=Outcome.DISCLOSE)
    return (withheld(exact),)


def closed(lines: Sequence[Line], gate: Rule) -> tuple[FieldDecision, ...]:
    """Withhold every field because of a gate."""
    return tuple(
        FieldDecision(
            path=spec.path,
            scope=scope,
            outcome=Outcome.WITHHOLD,
            reason=gate.reason,
            basis=None,
            rules=(gate.rule,),
        )
        for spec, _, scopes in lines
        for scope in scopes
    )


def gates_of(policy: Policy, message: MessageName) -> tuple[Rule, ...]:
    """Return the gates of a message, in their order."""
    return tuple(rule for rule in policy.gates if rule.messages is None or message in rule.messages)


def _gate(policy: Policy, message: MessageName, weighing: _Weighing) -> Rule | None:
    """Return the first gate that is closed, or may be."""
    for rule in gates_of(policy, message):
        if truth(rule.clauses, weighing.vector) is not False:
            return rule
    return None
