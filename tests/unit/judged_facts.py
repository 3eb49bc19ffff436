"""Decisions made straight from facts, without a case: for tests that draw facts at random.

A second, plain way to decide by the rules, beside `hub.consent.decide`: no cache, nothing shared.
"""

from __future__ import annotations

from random import Random

from hub.consent.compile import Policy
from hub.consent.decide import ENVELOPE_SPECS, JOINS
from hub.consent.decision import Candidate, Concern, Decision, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.evaluate import Verdict, evaluate
from hub.consent.parties import Kind
from hub.consent.paths import general_of
from hub.consent.purposes import purpose_of
from hub.consent.rules import Rule, truth
from hub.consent.vocabulary import BY_CLASS, FACTS, Value, bit
from hub.messages.envelope import InformationClass, MessageName, Role
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId

KEY_WORKERS = 0.5
UNKNOWN = 0.08
_LIKELY: dict[str, Value] = {
    "standing": "active",
    "purpose_registered": True,
    "engaged": True,
    "excluded": False,
    "limited": False,
    "confidential": False,
    "om_threatened": False,
}


Facts = dict[str, Value | None]
"""Facts as the ledger names them."""


def random_facts(rng: Random) -> Facts:
    """Draw every fact: mostly ordinary, at times unknown; a Key Worker of a partner half of the time."""
    facts: Facts = {}
    for name, fact in FACTS.items():
        if name == "scope":
            continue
        for key in [f"{name}.{each}" for each in InformationClass] if fact.by_class else [name]:
            facts[key] = rng.choice(fact.domain)
            if fact.may_be_unknown and rng.random() < UNKNOWN:
                facts[key] = None
            if name in _LIKELY and rng.random() < 1 - UNKNOWN:
                facts[key] = _LIKELY[name]
    if rng.random() < KEY_WORKERS:
        facts |= {"role": Role.KEY_WORKER, "kind": Kind.PARTNER}
    facts["engaged"] = True if facts["on_team"] else facts["engaged"]
    return facts


def vector(facts: Facts, of: InformationClass | None, scope: Scope) -> list[int]:
    """Return the facts as bits."""
    found = []
    for name in FACTS:
        key = f"{name}.{of}" if name in BY_CLASS else name
        found.append(bit(name, scope if name == "scope" else facts.get(key)))
    return found


def judged(policy: Policy, message: MessageName, specs: tuple[FieldSpec, ...], facts: Facts) -> Decision:
    """Decide a message by facts alone, as if every field had a value."""
    fields: list[FieldDecision] = []
    gate = closed(policy, message, facts)
    for spec in (*ENVELOPE_SPECS, *specs):
        for scope in (Scope.THEIRS, Scope.OTHERS) if spec.own else (Scope.ALL,):
            if spec.is_general:
                continue
            if gate is not None:
                fields.append(
                    _field(
                        spec.path,
                        scope,
                        Verdict(outcome=Outcome.WITHHOLD, reason=gate.reason, basis=None, rules=(gate.rule,)),
                    )
                )
                continue
            verdict = verdict_on(policy, message, spec, facts, scope)
            fields.append(_field(spec.path, scope, verdict))
            if verdict.outcome is Outcome.GENERALISE:
                fields.append(_field(general_of(spec), scope, verdict, Outcome.DISCLOSE))
    keys = {spec.path for spec in specs if spec.key and "[]" not in spec.path}
    held = next(
        (each.reason for each in fields if each.path in keys and each.outcome >= Outcome.REDACT), None
    )
    reason = held if gate is None else gate.reason
    return Decision(
        decision_id="d" * 32,
        message=MessageId("a" * 32),
        case=CaseRef("c" * 32),
        candidate=Candidate(
            organisation=OrganisationId("somebody"),
            role=Role(str(facts["role"])),
            persons=frozenset(),
            concern=Concern(str(facts["concern"])),
        ),
        purpose=purpose_of(message),
        delivers=reason is None,
        gate=reason,
        fields=tuple(fields),
        policy=policy.name,
        case_version=1,
        facts=dict(facts),
        decided_at=Instant(1_790_000_000_000),
        message_name=message,
        contract="1.0",
    )


def _field(path: str, scope: Scope, verdict: Verdict, outcome: Outcome | None = None) -> FieldDecision:
    return FieldDecision(
        path=path,
        scope=scope,
        outcome=verdict.outcome if outcome is None else outcome,
        reason=verdict.reason,
        basis=verdict.basis,
        rules=verdict.rules,
        alternates=verdict.alternates,
    )


def closed(policy: Policy, message: MessageName, facts: Facts) -> Rule | None:
    """Return the first gate that is closed, or may be."""
    whole = vector(facts, None, Scope.ALL)
    for rule in policy.gates:
        if (rule.messages is None or message in rule.messages) and truth(rule.clauses, whole) is not False:
            return rule
    return None


def verdict_on(policy: Policy, message: MessageName, spec: FieldSpec, facts: Facts, scope: Scope) -> Verdict:
    """Return what the rules say of one field."""
    classes = dict.fromkeys(
        [spec.information_class, *([JOINS[spec.subject]] if spec.subject in JOINS else [])]
    )
    found = [
        evaluate(
            policy.rules_for((message, name, spec.subject, spec.sensitive, spec.path)),
            vector(facts, name, scope),
        )
        for name in classes
    ]
    worst = max(found, key=lambda each: each.outcome)
    if worst.outcome is Outcome.GENERALISE and not (spec.general and spec.generaliser):
        return Verdict(outcome=Outcome.WITHHOLD, reason="OBL-UNSUPPORTED", basis=None, rules=worst.rules)
    return worst
