"""What catches a slip in the policy: a golden case, a proof, or a finding that was not there before.

Golden cases are not asked anew for each slip: what they looked at is kept, and only the fields of which the
changed rule speaks are decided again.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from hub.consent.compile import Policy, RuleKey, speaks_of
from hub.consent.decide import lines_of
from hub.consent.decision import FieldSpec, Outcome
from hub.consent.evaluate import Verdict, evaluate
from hub.consent.facts import facts_of
from hub.consent.findings import find
from hub.consent.parties import RUNGS, Kind
from hub.consent.prove import COVERED, PROVED, UNKNOWN, prove_rules
from hub.consent.question import Question
from hub.consent.reader import read_documents
from hub.consent.rules import Clause, Effect, Rule, clause
from hub.consent.rules_alone import not_covered, widens_unknown
from hub.consent.vocabulary import BY_CLASS, SLOT, bit
from hub.consent.weight import decided_otherwise
from hub.messages.envelope import InformationClass, MessageName, Role
from hub.routing.own_copy import THE_PERSON
from tests.unit.golden import Expected, Golden, asked, differences, golden_cases
from tests.unit.mutants import Mutant, every_rule

TODAY = "2000-01-01"
"""A day on which no review is overdue: dates are no part of this."""
Vector = tuple[int, ...]
_NOT_PLAN = frozenset(MessageName) - {MessageName.PLAN}
_BODIES = tuple(kind for kind in Kind if kind is not Kind.PERSON)
_STAFF = tuple(role for role in Role if role is not Role.PERSON)


def _never(number: int, *clauses: Clause, messages: frozenset[MessageName] | None = None) -> Rule:
    """Return what holds everything back in states that do not come about, so that they make no difference."""
    return Rule(
        rule=f"never.{number}",
        effect=Effect.FORBID,
        outcome=Outcome.WITHHOLD,
        information_class=None,
        clauses=clauses,
        reason="NEVER",
        says="",
        tells="",
        owner="",
        review_by="",
        messages=messages,
    )


_YES = True
_PERSON = clause("kind", Kind.PERSON)
NEVER = (
    _never(1, clause("role", Role.PERSON), clause("kind", *_BODIES)),
    _never(2, _PERSON, clause("role", *_STAFF)),
    _never(3, _PERSON, clause("rung", *(rung for rung in RUNGS if rung != THE_PERSON.rung))),
    _never(4, _PERSON, clause("from_other_provider", _YES)),
    _never(5, _PERSON, messages=_NOT_PLAN),
    _never(6, _PERSON, clause("court_order", _YES)),
    _never(7, _PERSON, clause("override", _YES)),
)
"""The person is no body (`hub.consent.parties.organisation_from` takes none of that kind, so no grant names
one), is told by `hub.routing.own_copy` alone, and that of plans, which only an Offender Manager writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One field of a golden case as the rules looked at it: by class the key and the facts."""

    golden: Golden
    spec: FieldSpec
    classes: tuple[tuple[RuleKey, Vector], ...]
    expected: Expected


@dataclass(slots=True)
class Catcher:
    """A policy, what its golden cases looked at, and what is odd about it already."""

    policy: Policy
    looked: dict[InformationClass, list[Looked]] = field(default_factory=dict)
    by_rule: dict[str, list[Looked]] = field(default_factory=dict)
    """By rule, the fields it speaks of; one stands for all that are looked at and expected alike."""
    known: frozenset[str] = frozenset()
    verdicts: dict[tuple[tuple[str, ...], Vector], Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look at every field of every golden case once."""
        self.known = frozenset(each.name for each in find(self.policy, today=TODAY))
        alike: set[tuple[object, ...]] = set()
        for golden in golden_cases():
            for each in self._fields(golden):
                names = [tuple(rule.rule for rule in self.policy.rules_for(key)) for key, _ in each.classes]
                for (_, information_class, *_), _ in each.classes:
                    self.looked.setdefault(information_class, []).append(each)
                vectors = tuple(vector for _, vector in each.classes)
                mark = (tuple(names), vectors, each.expected, bool(each.spec.general))
                if mark not in alike:
                    alike.add(mark)
                    for name in {name for own in names for name in own}:
                        self.by_rule.setdefault(name, []).append(each)

    def _fields(self, golden: Golden) -> Iterator[Looked]:
        """Yield the fields of a case that are decided, unless a gate is closed."""
        where = golden.situation
        question = Question(
            envelope=where.envelope,
            case=where.case,
            organisation=where.organisation,
            candidate=where.candidate,
            now=where.now,
            about=where.about,
        )
        facts = facts_of(question)
        if golden.gate is not None:
            return
        for spec, classes, scopes in lines_of(self.policy, golden.message, golden.specs, {}):
            for scope in scopes if (spec.path, scopes[0]) in golden.expected else ():
                vector = facts.vector()
                vector[SLOT["scope"]] = bit("scope", scope)
                keys = []
                for name, _ in classes:
                    own = list(vector)
                    for each in BY_CLASS:
                        own[SLOT[each]] = bit(each, facts.by_class[name][each])
                    key = (golden.message, name, spec.subject, spec.sensitive, spec.path)
                    keys.append((key, tuple(own)))
                yield Looked(
                    golden=golden,
                    spec=spec,
                    classes=tuple(keys),
                    expected=golden.expected[spec.path, scope],
                )

    def by_golden_case(self, mutant: Mutant) -> str | None:
        """Return the golden case that does not hold with a slip, if one does not."""
        if any(rule.rule in mutant.changed for rule in self.policy.gates):
            return self._by_whole_case(mutant)
        rules = {
            name: mutant.applied(own)
            for name, own in self.policy.rules.items()
            if any(rule.rule in mutant.changed for rule in own)
        }
        chosen: dict[RuleKey, tuple[Rule, ...]] = {}
        for each in self._concerned(mutant):
            if _differs(each, self._joined(each, rules, chosen)):
                return each.golden.name
        return None

    def _concerned(self, mutant: Mutant) -> Iterator[Looked]:
        """Yield the fields a changed rule speaks of: of those it spoke of before, one for all alike."""
        for name, instead in mutant.changed.items():
            before = every_rule(self.policy)[name]
            yield from self.by_rule.get(name, ())
            if instead is not None and _narrowings(before) != _narrowings(instead):
                for information_class, looked in self.looked.items():
                    if before.information_class in {None, information_class}:
                        yield from (each for each in looked if _newly(before, instead, each))

    def _joined(
        self,
        looked: Looked,
        changed: Mapping[InformationClass, tuple[Rule, ...]],
        chosen: dict[RuleKey, tuple[Rule, ...]],
    ) -> Verdict:
        """Decide one field again: of its classes the one that holds back most."""
        found: list[Verdict] = []
        for key, vector in looked.classes:
            own = changed.get(key[1])
            if own is None:
                found.append(self._verdict(self.policy.rules_for(key), vector))
                continue
            if key not in chosen:
                chosen[key] = tuple(rule for rule in own if speaks_of(rule, key))
            found.append(evaluate(chosen[key], vector))
        verdict = max(found, key=lambda each: each.outcome)
        if verdict.outcome is Outcome.GENERALISE and not looked.spec.general:
            return replace(verdict, outcome=Outcome.WITHHOLD, basis=None, alternates=())
        return verdict

    def _verdict(self, rules: tuple[Rule, ...], vector: Vector) -> Verdict:
        """Evaluate unchanged rules once."""
        key = (tuple(rule.rule for rule in rules), vector)
        if key not in self.verdicts:
            self.verdicts[key] = evaluate(rules, vector)
        return self.verdicts[key]

    def with_slip(self, mutant: Mutant) -> Policy:
        """Return the policy with a slip, not proved."""
        return replace(
            self.policy,
            gates=mutant.applied(self.policy.gates),
            rules={name: mutant.applied(own) for name, own in self.policy.rules.items()},
            plans={},
            selected={},
            interned={},
            compared={},
            evaluated={},
        )

    def _by_whole_case(self, mutant: Mutant) -> str | None:
        """Ask every golden case anew."""
        policy = self.with_slip(mutant)
        for golden in golden_cases():
            if differences(golden, asked(golden, policy)):
                return golden.name
        return None

    def by_proof(self, mutant: Mutant) -> str | None:
        """Return the invariant a slip breaks, if it breaks one."""
        for name, rule in mutant.changed.items():
            if (
                rule is not None
                and rule.sensitive is None
                and every_rule(self.policy)[name].sensitive is False
            ):
                return self._by_reader(name)
            if rule is not None and not_covered(rule)[2] is not None:
                return COVERED
            if rule is not None and widens_unknown(rule)[1] is not None:
                return UNKNOWN
        return self._by_invariant(mutant)

    def _by_reader(self, name: str) -> str | None:
        """Return the fault found where a permit is said to be for sensitive data and names no condition."""
        documents = copy.deepcopy(self.policy.documents)
        for body in documents.values():
            assert isinstance(body, dict)
            for entry in (*body.get("rules", ()), *body.get("everywhere", ())):
                if entry["id"] == name:
                    entry["sensitive"] = "any"
        faults = read_documents(documents).faults
        return faults[0] if faults else None

    def _by_invariant(self, mutant: Mutant) -> str | None:
        """Return the invariant that does not hold in some state with a slip."""
        policy = self.with_slip(mutant)
        touched = {
            name: own
            for name, own in policy.rules.items()
            if any(rule.rule in mutant.changed for rule in self.policy.rules[name])
        }
        names = [name for name in PROVED if name not in {COVERED, UNKNOWN}]
        violations = prove_rules(policy.gates, touched, names=names).violations
        return violations[0].invariant if violations else None

    def without_difference(self, mutant: Mutant) -> bool:
        """Tell whether a slip makes no difference, in every state there can be, for every kind of field."""
        return not any(rule.rule in mutant.changed for rule in self.policy.gates) and all(
            decided_otherwise((*NEVER, *own), (*NEVER, *mutant.applied(own))) is None
            for own in self.policy.rules.values()
            if any(rule.rule in mutant.changed for rule in own)
        )

    def by_finding(self, mutant: Mutant) -> tuple[str, ...]:
        """Return what is odd about the policy with a slip and was not before."""
        found = (each.name for each in find(self.with_slip(mutant), today=TODAY))
        return tuple(name for name in found if name not in self.known)


def _narrowings(rule: Rule) -> tuple[object, ...]:
    """Return what a rule is narrowed by."""
    return rule.messages, rule.subjects, rule.sensitive, rule.fields


def _newly(before: Rule, instead: Rule, looked: Looked) -> bool:
    """Tell whether a rule speaks of a field with the slip and did not before."""
    return any(speaks_of(instead, key) and not speaks_of(before, key) for key, _ in looked.classes)


def _differs(looked: Looked, verdict: Verdict) -> bool:
    """Tell whether a verdict is not what the case expects."""
    want = looked.expected
    bases = (verdict.basis, *verdict.alternates) if verdict.basis else ()
    return (
        verdict.outcome is not want.outcome
        or not want.rests_on(bases)
        or (want.reason is not None and want.reason != verdict.reason)
    )
