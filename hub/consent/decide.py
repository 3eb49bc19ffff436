"""The one decision per message and recipient: which fields go, why, on which legal basis (R-DIS-01).

Gates first: if one closes, nothing leaves. Then every field of the contract and of the envelope, by all
rules of its class; a stricter class declared by the author, and the class of whoever's data it is, join
in. A key that is held back holds back the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hub.cases.case import Case
from hub.consent.compile import Line, Policy
from hub.consent.decision import Candidate, Decision, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.evaluate import Verdict, evaluate
from hub.consent.facts import Facts, Question, facts_of
from hub.consent.parties import Organisation
from hub.consent.partner_contracts import PartnerContract, within
from hub.consent.paths import general_of, plain_path, walk
from hub.consent.purposes import purpose_of
from hub.consent.rules import Rule, truth
from hub.consent.screen import named_in_text, without_gaps
from hub.consent.vocabulary import BY_CLASS, SLOT, bit
from hub.messages.envelope import Envelope, InformationClass, MessageName, Subject
from hub.messages.identifiers import Instant, derived_id

ENVELOPE_SPECS: tuple[FieldSpec, ...] = (
    FieldSpec(
        path="@author",
        information_class=InformationClass.CONTACT,
        subject=Subject.STAFF,
        sensitive=False,
    ),
    FieldSpec(
        path="@author_organisation",
        information_class=InformationClass.CONTACT,
        subject=Subject.STAFF,
        sensitive=False,
    ),
    FieldSpec(
        path="@causation",
        information_class=InformationClass.PROGRESS,
        subject=Subject.PERSON,
        sensitive=False,
    ),
)
"""Envelope fields a recipient may know only if the rules say so."""

JOINS: Mapping[Subject, InformationClass] = {
    Subject.VICTIM: InformationClass.VICTIM,
    Subject.WITNESS: InformationClass.THIRD_PARTY,
    Subject.FAMILY: InformationClass.THIRD_PARTY,
}
"""Data about these people is also held to the rules of their class, whatever class the field has."""


@dataclass(slots=True)
class _Weighing:
    """One decision while it is made: the facts as bits, and the verdicts already reached."""

    facts: Facts
    vector: list[int]
    reached: dict[tuple[InformationClass, int, Scope], Verdict] = field(default_factory=dict)
    bits: dict[InformationClass, list[tuple[int, int]]] = field(default_factory=dict)

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
        """Evaluate the rules of one class once per decision and scope."""
        key = (information_class, id(rules), scope)
        found = self.reached.get(key)
        if found is None:
            for slot, value in self._bits_of(information_class):
                self.vector[slot] = value
            self.vector[SLOT["scope"]] = bit("scope", scope)
            found = self.reached[key] = evaluate(rules, self.vector)
        return found

    def _bits_of(self, information_class: InformationClass) -> list[tuple[int, int]]:
        """Return the facts a class has for itself, as bits with their places."""
        found = self.bits.get(information_class)
        if found is None:
            own = self.facts.by_class[information_class]
            found = self.bits[information_class] = [(SLOT[name], bit(name, own[name])) for name in BY_CLASS]
        return found


def decide(  # noqa: PLR0913 - each is a different thing a decision depends on
    policy: Policy,
    *,
    envelope: Envelope,
    specs: tuple[FieldSpec, ...],
    case: Case,
    organisation: Organisation,
    candidate: Candidate,
    now: Instant,
    about: str | None = None,
    payload: Mapping[str, object] | None = None,
    contract: PartnerContract | None = None,
) -> Decision:
    """Decide what this candidate may know of this message, now.

    Args:
        policy: the rules in force.
        envelope: what the message says about itself.
        specs: the leaf fields of its contract.
        case: the case as it stands with the message applied.
        organisation: the candidate's organisation as the control records in force describe it.
        candidate: whom the message concerns, and why.
        now: the moment of decision, from the log.
        about: the referral the message is about, if it is about one.
        payload: the message itself; with it, what is left is judged by what is really there, and a text
            that names something held back is held back too.
        contract: what was agreed with the organisation on this message; what its view lacks is withheld.
    """
    question = Question(
        envelope=envelope, case=case, organisation=organisation, candidate=candidate, now=now, about=about
    )
    facts = facts_of(question)
    weighing = _Weighing(facts=facts, vector=facts.vector())
    lines = _plan(policy, envelope, specs)
    gate = _gate(policy, envelope.message, weighing)
    fields, caveats = _fields(lines, weighing) if gate is None else (_closed(lines, gate), ())
    fields = without_gaps(fields, facts.items_held)
    if payload is not None:
        fields = named_in_text(
            payload, specs, fields, candidate, author=envelope.author, items_held=facts.items_held
        )
    if contract is not None and contract.view is not None:
        # Last: what a contract leaves out may be known, so a text that names it need not be held back.
        fields = within(contract.view, fields, specs, rule=f"contract.{contract.name}")
    reason = gate.reason if gate is not None else _nothing_left(policy, question, specs, fields, payload)
    classes = {name for _, rules, _ in lines for name, _ in rules}
    return Decision(
        decision_id=_decision_id(policy, question),
        message=envelope.message_id,
        case=case.ref,
        candidate=candidate,
        purpose=purpose_of(envelope.message),
        delivers=reason is None,
        gate=reason,
        fields=fields,
        policy=policy.name,
        case_version=case.version,
        facts=facts.flat(classes),
        decided_at=now,
        caveats=caveats if reason is None else (),
        items_held=facts.items_held,
        message_name=envelope.message,
        contract=envelope.contract,
    )


def may_know(decision: Decision, path: str) -> bool:
    """Tell whether the candidate gets this field as it is, for every scope; for `@author` and the like."""
    found = [item for item in decision.fields if item.path == path]
    return decision.delivers and bool(found) and all(item.outcome is Outcome.DISCLOSE for item in found)


def _decision_id(policy: Policy, question: Question) -> str:
    """Name the decision so that a replay names it alike."""
    return derived_id(
        "decision",
        question.envelope.message_id,
        question.candidate.organisation,
        question.candidate.role,
        policy.name,
        str(question.case.version),
        str(question.now),
    )


def _plan(policy: Policy, envelope: Envelope, specs: tuple[FieldSpec, ...]) -> tuple[Line, ...]:
    """Select the rules of every field; kept per contract unless the author declared stricter classes."""
    if envelope.declared:
        return tuple(lines_of(policy, envelope.message, specs, envelope.declared))
    key = (envelope.message, id(specs))
    kept = policy.plans.get(key)
    if kept is not None and kept[0] is specs:
        return kept[1]
    lines = tuple(lines_of(policy, envelope.message, specs, {}))
    policy.plans[key] = (specs, lines)
    return lines


def lines_of(
    policy: Policy,
    message: MessageName,
    specs: tuple[FieldSpec, ...],
    declared: Mapping[str, InformationClass],
) -> Iterator[Line]:
    """Pair each field with the rules of its classes and the scopes it is decided for."""
    stricter = {plain_path(path): name for path, name in declared.items()}
    for spec in (*ENVELOPE_SPECS, *specs):
        if spec.is_general:
            continue
        classes = dict.fromkeys((spec.information_class, *_joined(spec, stricter)))
        rules = tuple(
            (name, policy.rules_for((message, name, spec.subject, spec.sensitive, spec.path)))
            for name in classes
        )
        yield spec, rules, (Scope.THEIRS, Scope.OTHERS) if spec.own else (Scope.ALL,)


def _joined(spec: FieldSpec, stricter: Mapping[str, InformationClass]) -> Iterator[InformationClass]:
    """Yield the classes that also hold a field: its subject's, and any the author declared."""
    if spec.subject in JOINS:
        yield JOINS[spec.subject]
    for path, name in stricter.items():
        if spec.path == path or spec.path.startswith((f"{path}.", f"{path}[]")):
            yield name


def _gate(policy: Policy, message: MessageName, weighing: _Weighing) -> Rule | None:
    """Return the first gate that is closed, or may be."""
    for rule in policy.gates:
        if rule.messages is not None and message not in rule.messages:
            continue
        if truth(rule.clauses, weighing.vector) is not False:
            return rule
    return None


def _closed(lines: Sequence[Line], gate: Rule) -> tuple[FieldDecision, ...]:
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


def _fields(lines: Sequence[Line], weighing: _Weighing) -> tuple[tuple[FieldDecision, ...], tuple[str, ...]]:
    """Decide every field; what should be generalised and cannot be is withheld."""
    fields: list[FieldDecision] = []
    caveats: dict[str, None] = {}
    for spec, rules, scopes in lines:
        for scope in scopes:
            verdict = weighing.verdict(rules, scope)
            if verdict.outcome is Outcome.GENERALISE and not (spec.general and spec.generaliser):
                verdict = replace(
                    verdict, outcome=Outcome.WITHHOLD, reason="OBL-UNSUPPORTED", basis=None, alternates=()
                )
            if verdict.outcome < Outcome.REDACT:
                caveats.update(dict.fromkeys(verdict.caveats))
            fields.append(
                FieldDecision(
                    path=spec.path,
                    scope=scope,
                    outcome=verdict.outcome,
                    reason=verdict.reason,
                    basis=verdict.basis,
                    rules=verdict.rules,
                    alternates=verdict.alternates,
                )
            )
            if verdict.outcome is Outcome.GENERALISE and spec.general:
                fields.append(replace(fields[-1], path=general_of(spec), outcome=Outcome.DISCLOSE))
    return tuple(fields), tuple(caveats)


def _nothing_left(
    policy: Policy,
    question: Question,
    specs: Sequence[FieldSpec],
    fields: Sequence[FieldDecision],
    payload: Mapping[str, object] | None,
) -> str | None:
    """Say why nothing is delivered though no gate is closed: its key is held back, or only keys are left.

    The reason of the key is the reason for all: without it there is no record to give.
    """
    goes = {(item.path, item.scope) for item in fields if item.outcome < Outcome.REDACT}
    keys = {spec.path for spec in specs if spec.key}
    for item in fields:
        if item.path in keys and "[]" not in item.path and item.outcome >= Outcome.REDACT:
            return item.reason
    if question.envelope.message in policy.keys_inform:
        return None
    if payload is not None:
        goes &= {(leaf.path, leaf.scope) for leaf in walk(payload, specs, question.candidate)}
    left = any(path not in keys and not path.startswith("@") for path, _ in goes)
    return None if left else "NEED-NOTHING-LEFT"
