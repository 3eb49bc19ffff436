"""Explains a decision that was made: which rule of which field, clause by clause, on which facts (R-DIS-08).

The rules are looked at again, all of them, with the facts as they were. Where they alone do not give what
was recorded, the step that decided after them is named: a text that names what is held back, the contract's
view, a class the author declared. What none of these gives is called a difference, never passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.consent.compile import Line, Policy
from hub.consent.decide import lines_of
from hub.consent.decision import Decision, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.evaluate import Verdict
from hub.consent.looking import Looking, RuleSeen, fact_key, looking_at, words_for
from hub.consent.narrowing import HELD_BACK_BEFORE
from hub.consent.paths import general_of
from hub.consent.rules import Rule
from hub.consent.vocabulary import BASIS
from hub.messages.envelope import InformationClass

_CONTRACT = "contract."
_UNSUPPORTED = "OBL-UNSUPPORTED"


SCREENS: Mapping[str, frozenset[Outcome]] = {
    "GUARD-NAMED-IN-TEXT": frozenset({Outcome.DISCLOSE}),
    "GUARD-GAP": frozenset(Outcome),
}
"""Reasons of what looks at a message after the rules, and the outcomes of theirs that it may hold back."""


class Step(StrEnum):
    """What decided on a field in the end."""

    RULES = "rules"
    GATE = "gate"
    OBLIGATION = "obligation"
    GENERAL_FORM = "general form"
    SCREEN = "screen"
    CONTRACT = "contract"
    DECLARED = "declared class"
    BEFORE = "decided before"
    DIFFERS = "differs"


_NOTES: Mapping[Step, str] = {
    Step.RULES: "",
    Step.GATE: "A gate closed the message to this recipient before any field was looked at.",
    Step.OBLIGATION: "The rules would let it go in a form or on terms that cannot be kept here.",
    Step.GENERAL_FORM: "It is the general form of {exact}, and goes where that one is generalised.",
    Step.SCREEN: "The rules give {outcome}; the screen after them held it back.",
    Step.CONTRACT: "The rules give {outcome}; the contract with the recipient decides on less ({contract}).",
    Step.DECLARED: "The author declared the stricter class {declared}; its rules decided.",
    Step.BEFORE: "The rules give {outcome}; it was held back when this was decided before, and stays so.",
    Step.DIFFERS: "The rules, with these facts, give {outcome} ({reason}), and that is not recorded.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldExplained:
    """Why one field had its outcome."""

    path: str
    scope: Scope
    classes: tuple[InformationClass, ...]
    outcome: Outcome
    reason: str
    says: str
    basis: str | None
    basis_says: str
    alternates: tuple[str, ...]
    decided_by: tuple[str, ...]
    """Rules that made it so, as recorded; empty: no rule permitted it."""
    step: Step
    note: str
    by_rules: Outcome
    """What the rules alone give with these facts."""
    rules: tuple[RuleSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Why a message was told, or not told, to one recipient as it was."""

    decision: Decision
    closed_by: str
    """Why nothing went, where nothing did; empty: something went."""
    gates: tuple[RuleSeen, ...]
    fields: tuple[FieldExplained, ...]

    @property
    def is_consistent(self) -> bool:
        """Whether every field is explained by the rules and the steps after them."""
        return all(each.step is not Step.DIFFERS for each in self.fields)


def explain(
    policy: Policy,
    decision: Decision,
    specs: tuple[FieldSpec, ...],
    *,
    declared: Mapping[str, InformationClass] | None = None,
) -> Explained:
    """Explain every field of a decision.

    Args:
        policy: The rules the decision was made by; those of its name.
        decision: As the ledger has it, with its facts.
        specs: The leaf fields of the contract decided on.
        declared: Stricter classes the author declared, where the message is at hand.

    Raises:
        ValueError: The policy is another than the decision names, or the contract another.
    """
    looking = looking_at(policy, decision)
    gate = looking.gate()
    lines = {line[0].path: line for line in lines_of(policy, looking.message, specs, declared or {})}
    exact = {general_of(spec): spec.path for spec in specs if spec.general}
    unknown = [each.path for each in decision.fields if exact.get(each.path, each.path) not in lines]
    if unknown:
        message = f"the contract {decision.contract} does not have {', '.join(unknown)}, which was decided on"
        raise ValueError(message)
    fields = tuple(
        _field(looking, each, gate, lines[exact.get(each.path, each.path)]) for each in decision.fields
    )
    return Explained(
        decision=decision,
        closed_by="" if decision.delivers else _closed_by(policy, decision, specs, gate),
        gates=looking.rules(tuple(looking.gates()), None, Scope.ALL),
        fields=fields,
    )


def _closed_by(policy: Policy, decision: Decision, specs: Sequence[FieldSpec], gate: Rule | None) -> str:
    """Say why nothing went at all."""
    if gate is not None and gate.reason == decision.gate:
        return f"The gate {gate.rule} is closed. {gate.says}"
    keys = {spec.path for spec in specs if spec.key and "[]" not in spec.path}
    for each in decision.fields:
        if each.path in keys and each.outcome >= Outcome.REDACT and each.reason == decision.gate:
            says = words_for(policy, each.reason, each.rules)
            return f"Its key {each.path} is held back, and without it there is no record to give. {says}"
    return words_for(policy, decision.gate or "", ()) or "It is not a rule that decided; see the reason code."


def _field(looking: Looking, recorded: FieldDecision, gate: Rule | None, line: Line) -> FieldExplained:
    """Explain one field: what the rules give, what was recorded, and what stands between the two."""
    spec, classes, _ = line
    verdict = looking.verdict(classes, spec, recorded.scope)
    step, said = _step(looking, recorded, gate, line, verdict)
    note = _NOTES[step].format(
        exact=spec.path,
        outcome=verdict.outcome.name.lower(),
        reason=verdict.reason,
        contract=recorded.rules[-1].removeprefix(_CONTRACT) if recorded.rules else "",
        declared=said or "",
    )
    joined = dict(classes)
    if said is not None:
        joined[said] = _rules_of(looking, said, spec)
    return FieldExplained(
        path=recorded.path,
        scope=recorded.scope,
        classes=tuple(joined),
        outcome=recorded.outcome,
        reason=recorded.reason,
        says=words_for(looking.policy, recorded.reason, recorded.rules),
        basis=recorded.basis,
        basis_says=BASIS[recorded.basis].says
        if recorded.basis is not None and recorded.basis in BASIS
        else "",
        alternates=recorded.alternates,
        decided_by=recorded.rules,
        step=step,
        note=note,
        by_rules=verdict.outcome,
        rules=tuple(
            seen for name, rules in joined.items() for seen in looking.rules(rules, name, recorded.scope)
        ),
    )


def _step(
    looking: Looking, recorded: FieldDecision, gate: Rule | None, line: Line, verdict: Verdict
) -> tuple[Step, InformationClass | None]:
    """Say what decided, and by which declared class where it was one."""
    spec, classes, _ = line
    general = recorded.path != spec.path
    if gate is not None:
        closed = Verdict(outcome=Outcome.WITHHOLD, reason=gate.reason, basis=None, rules=(gate.rule,))
        found = _follows(recorded, closed, general=False)
        return (Step.GATE if found is Step.RULES else found or Step.DIFFERS), None
    found = _follows(recorded, verdict, general=general)
    if found is not None:
        return found, None
    for name in InformationClass:
        if name in dict(classes) or fact_key("consent", name) not in looking.facts:
            continue
        stricter = looking.verdict((*classes, (name, _rules_of(looking, name, spec))), spec, recorded.scope)
        if _follows(recorded, stricter, general=general) is not None:
            return Step.DECLARED, name
    return Step.DIFFERS, None


def _rules_of(looking: Looking, name: InformationClass, spec: FieldSpec) -> tuple[Rule, ...]:
    """Return the rules of a class for this field."""
    return looking.policy.rules_for((looking.message, name, spec.subject, spec.sensitive, spec.path))


def _follows(recorded: FieldDecision, verdict: Verdict, *, general: bool) -> Step | None:
    """Name the step by which what was recorded follows from what the rules give; None: it does not."""
    by_contract = bool(recorded.rules) and recorded.rules[-1].startswith(_CONTRACT)
    if recorded.rules != (*verdict.rules, *recorded.rules[-1:] * by_contract):
        return None
    if recorded.reason == HELD_BACK_BEFORE:
        return Step.BEFORE if general or recorded.outcome > verdict.outcome else None
    if general and verdict.outcome is not Outcome.GENERALISE and not by_contract:
        return None
    outcome = Outcome.DISCLOSE if general else verdict.outcome
    if by_contract:
        return Step.CONTRACT if recorded.outcome >= outcome else None
    given = (outcome, verdict.reason, verdict.basis, verdict.alternates)
    if given == (recorded.outcome, recorded.reason, recorded.basis, recorded.alternates):
        unsupported = verdict.reason == _UNSUPPORTED
        return Step.GENERAL_FORM if general else (Step.OBLIGATION if unsupported else Step.RULES)
    return _held_after(recorded, outcome)


def _held_after(recorded: FieldDecision, outcome: Outcome) -> Step | None:
    """Name the step that held back what the rules gave, with their ids left where they were."""
    if recorded.outcome is not Outcome.WITHHOLD or recorded.basis is not None:
        return None
    if recorded.reason == _UNSUPPORTED and outcome < Outcome.REDACT:
        return Step.OBLIGATION
    return Step.SCREEN if outcome in SCREENS.get(recorded.reason, ()) else None
