"""The one decision per message and recipient: which fields go, why, on which legal basis (R-DIS-01).

Gates first: if one closes, nothing leaves. Then every field of the contract and of the envelope, by all
rules of its class; a stricter class declared by the author, and the class of whoever's data it is, join
in. A key that is held back holds back the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from hub.cases.case import Case
from hub.consent.compile import Line, Policy
from hub.consent.decision import Candidate, Decision, FieldSpec, Outcome, Scope, make_decision
from hub.consent.evaluate import evaluate
from hub.consent.facts import Facts, FlatFacts, facts_of
from hub.consent.grounds import grounds_of
from hub.consent.obligations import can_acknowledge
from hub.consent.owing import owed
from hub.consent.parties import Organisation
from hub.consent.partner_contracts import PartnerContract, within
from hub.consent.paths import plain_path
from hub.consent.plan import Answer, Plan, answer_of, classes_of, compiled_for
from hub.consent.purposes import purpose_of
from hub.consent.question import Question, common_of, make_question
from hub.consent.reading import Reading
from hub.consent.screen import without_gaps
from hub.consent.weighing import Weighed, weigh
from hub.errors import EngineDisagrees
from hub.messages.envelope import Envelope, InformationClass, MessageName, Subject
from hub.messages.identifiers import Instant, framed_together, id_from

CHECKED_BELOW = f"{2**32 // 10_000:08x}"
"""Decisions whose id comes before this are made again by the reference, to stop the line if the two differ.

Ids are evenly spread, so it is one in 10,000, the same ones in every replay: often enough to see a fault on
the first busy day, and too seldom to be felt.
"""
VIEWS_MAX = 64
"""Contracts whose view of an answer is kept."""
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
    question = make_question(
        envelope=envelope, case=case, organisation=organisation, candidate=candidate, now=now, about=about
    )
    plan = _plan(policy, envelope, specs)
    if envelope.declared:
        lines = tuple(lines_of(policy, envelope.message, specs, envelope.declared))
        facts = facts_of(question, classes_of(lines))
        answer = _by_lines(policy, envelope.message, lines, facts)
    else:
        lines = plan.lines
        facts = facts_of(question, plan.classes)
        answer = plan.answer(facts)
    decision_id = _decision_id(policy, question)
    if decision_id < CHECKED_BELOW:
        _check(answer, weigh(policy, envelope.message, lines, facts, evaluate))
    reading = None if payload is None else plan.reading(payload, specs)
    if answer.gate is None:
        if answer.owing and not can_acknowledge(organisation):
            answer = answer.without_acknowledging(plan.keys)
        if reading is not None or facts.items_held:
            answer = _screened(answer, reading, question, plan.keys, items_held=facts.items_held)
        if contract is not None and contract.view is not None:
            # Last: what a contract leaves out may be known, so a text that names it need not be held back.
            answer = _viewed(answer, contract.view, plan.keys, specs, rule=f"contract.{contract.name}")
    reason = nothing_left(policy, envelope.message, answer, reading, candidate)
    return make_decision(
        decision_id,
        envelope.message_id,
        case.ref,
        candidate,
        purpose=purpose_of(envelope.message),
        delivers=reason is None,
        gate=reason,
        fields=answer.fields,
        policy=policy.name,
        case_version=case.version,
        facts=FlatFacts(facts, grounds_of(question, facts)),
        decided_at=now,
        caveats=answer.caveats if reason is None else (),
        obligations=_owed(answer, reading, candidate) if answer.owing and reason is None else (),
        items_held=facts.items_held,
        message_name=envelope.message,
        contract=envelope.contract,
    )


def _owed(answer: Answer, reading: Reading | None, candidate: Candidate) -> tuple[str, ...]:
    """Return what the hub has to see to, by what is really there."""
    return owed(answer.fields, None if reading is None else partial(reading.there, candidate))


def may_know(decision: Decision, path: str) -> bool:
    """Tell whether the candidate gets this field as it is, for every scope; for `@author` and the like."""
    found = [item for item in decision.fields if item.path == path]
    return decision.delivers and bool(found) and all(item.outcome is Outcome.DISCLOSE for item in found)


def _decision_id(policy: Policy, question: Question) -> str:
    """Name the decision so that a replay names it alike.

    By `decision`, the message, organisation and role, the policy, the case's version and the moment, as
    `derived_id` would; what is the same for all recipients is at hand.
    """
    common, candidate = common_of(question), question.candidate
    middle = framed_together(candidate.organisation, candidate.role, policy.name)
    return id_from(common.id_begins + middle + common.id_ends)


def _plan(policy: Policy, envelope: Envelope, specs: tuple[FieldSpec, ...]) -> Plan:
    """Return how messages of a type are decided, worked out once per contract."""
    key = (envelope.message, id(specs))
    kept = policy.plans.get(key)
    if kept is not None and kept[0] is specs and isinstance(kept[1], Plan):
        return kept[1]
    plan = Plan(policy, envelope.message, tuple(lines_of(policy, envelope.message, specs, {})))
    policy.plans[key] = (specs, plan)
    return plan


def _by_lines(policy: Policy, message: MessageName, lines: Sequence[Line], facts: Facts) -> Answer:
    """Decide a message whose author declared stricter classes: field by field, nothing kept."""
    weighed = weigh(policy, message, lines, facts, lambda rules, v: compiled_for(policy, rules).verdict(v))
    keys = frozenset(spec.path for spec, _, _ in lines if spec.key)
    return answer_of(weighed, keys)


def _check(answer: Answer, reference: Weighed) -> None:
    """Refuse to go on with an answer the reference does not give."""
    found = Weighed(gate=answer.gate, fields=answer.fields, caveats=answer.caveats)
    if found != reference:
        message = "the compiled rules and the reference decide this message differently"
        raise EngineDisagrees(message, fix="keep the record; compare both with bench/differential.py")


def _screened(
    answer: Answer,
    reading: Reading | None,
    question: Question,
    keys: frozenset[str],
    *,
    items_held: tuple[str, ...],
) -> Answer:
    """Withhold what would tell of something held back: numbers with a gap, texts that name it."""
    fields = without_gaps(answer.fields, items_held) if items_held else answer.fields
    author = question.envelope.author
    if reading is not None and (items_held or reading.could_name(fields, author)):
        fields = reading.screened(fields, question.candidate, author=author, items_held=items_held)
    return answer if fields is answer.fields else answer.with_fields(fields, keys)


def _viewed(
    answer: Answer,
    view: frozenset[str],
    keys: frozenset[str],
    specs: tuple[FieldSpec, ...],
    *,
    rule: str,
) -> Answer:
    """Withhold what a contract's view lacks."""
    found = answer.viewed.get((rule, view))
    if found is None:
        if len(answer.viewed) >= VIEWS_MAX:
            answer.viewed.clear()
        fields = within(view, answer.fields, specs, rule=rule)
        found = answer.viewed[rule, view] = answer.with_fields(fields, keys)
    return found


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


def nothing_left(
    policy: Policy, message: MessageName, answer: Answer, reading: Reading | None, candidate: Candidate
) -> str | None:
    """Say why nothing is delivered: a gate is closed, its key is held back, or only keys are left.

    The reason of the key is the reason for all: without it there is no record to give.
    """
    if answer.key_reason is not None:
        return answer.key_reason
    if message in policy.keys_inform:
        return None
    left = reading.has_any(answer.informing, candidate) if reading is not None else answer.informing
    return None if left else "NEED-NOTHING-LEFT"
