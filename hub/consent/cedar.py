"""The rules in Cedar, a language of its own for policies: to be read, analysed and tried with its tools.

A resource is one kind of field in one message; a principal is a recipient in its part in the case. The
actions say how much of a field goes: `disclose`, `generalise`, `redact`. A permit lets through its outcome
and all that tell less; what holds back forbids all that tell more. So the outcome is the first of the three
that is allowed, and `withhold` where none is. A fact that is not known is an attribute that is absent: a
permit asks for it with `has`, and what holds back also holds back where it is absent (Kleene).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.consent.compile import Policy, RuleKey
from hub.consent.decision import Outcome, Scope
from hub.consent.prove import named_fields
from hub.consent.rules import Clause, Effect, Rule, names_field
from hub.consent.vocabulary import BASIS, BY_CLASS, FACTS, Fact, Value, values_of
from hub.messages.envelope import InformationClass

ACTIONS: Mapping[Outcome, str] = {
    outcome: outcome.name.lower() for outcome in (Outcome.DISCLOSE, Outcome.GENERALISE, Outcome.REDACT)
}
"""Most to least told."""
OF_RESOURCE = frozenset({*BY_CLASS, "scope"})
"""Facts that differ from field to field, and so are attributes of the resource."""
_NAMES = tuple(FACTS)
_HEAD = """\
// The need-to-know rules {name}, exported from the policy files; those are what is in force, not this.
// The outcome for a field is the first allowed of disclose, generalise, redact; where none is, withhold.
// A fact that is not known is an attribute that is absent.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindOfField:
    """What a resource stands for: a field's message, class, subject, sensitivity and path, and a scope."""

    key: RuleKey
    scope: Scope


def policies(policy: Policy) -> str:
    """Return the rules as Cedar policies, one per arm of a permit, each annotated with its rule and basis."""
    classes: dict[str, tuple[Rule, list[InformationClass]]] = {}
    for name, rules in policy.rules.items():
        for rule in rules:
            classes.setdefault(rule.rule, (rule, []))[1].append(name)
    said = [_gate(rule) for rule in policy.gates]
    said += [each for rule, names in classes.values() for each in _policies(rule, names)]
    return "\n".join((_HEAD.format(name=policy.name), *said))


def schema() -> str:
    """Return the Cedar schema: every fact of the vocabulary as an optional attribute."""
    whole = _attributes(fact for fact in FACTS.values() if fact.name not in OF_RESOURCE)
    own = _attributes(fact for fact in FACTS.values() if fact.name in OF_RESOURCE)
    applies = "appliesTo { principal: [Recipient], resource: [Kind] }"
    return (
        "// Who may be told: one role of one organisation, in its part in one case.\n"
        f"entity Recipient = {{\n{whole}}};\n\n"
        "// An information class.\nentity Class;\n\n"
        "// A kind of field in one message; `named` are the entries of rules that name it.\n"
        "entity Kind in [Class] = {\n"
        '  "message": String,\n  "named": Set<String>,\n  "sensitive": Bool,\n  "subject": String,\n'
        f"{own}}};\n\n"
        f"action {', '.join(ACTIONS.values())} {applies};\n"
    )


def recipient(name: str, facts: Mapping[str, Value | None]) -> dict[str, object]:
    """Return a recipient as a Cedar entity; facts that are not known are left out."""
    known = {fact: _plain(value) for fact, value in facts.items() if value is not None and fact in FACTS}
    attributes = {fact: value for fact, value in known.items() if fact not in OF_RESOURCE}
    return {"uid": {"type": "Recipient", "id": name}, "attrs": attributes, "parents": []}


def kind(
    policy: Policy, name: str, field: KindOfField, facts: Mapping[str, Value | None]
) -> dict[str, object]:
    """Return a kind of field as a Cedar entity, with what is known of its class."""
    message, information_class, subject, sensitive, path = field.key
    entries = named_fields(policy.rules[information_class])
    attributes = {fact: _plain(value) for fact, value in facts.items() if value is not None}
    attributes |= {
        "message": str(message),
        "named": [entry for entry in entries if names_field(entry, path)],
        "sensitive": sensitive,
        "subject": str(subject),
        "scope": str(field.scope),
    }
    parent = {"type": "Class", "id": str(information_class)}
    return {"uid": {"type": "Kind", "id": name}, "attrs": attributes, "parents": [parent]}


def _attributes(facts: Iterable[Fact]) -> str:
    """Write facts as optional attributes, each with what it says."""
    return "".join(f"  // {fact.says}\n  {json.dumps(fact.name)}?: {_type(fact)},\n" for fact in facts)


def _type(fact: Fact) -> str:
    """Return the Cedar type of a fact."""
    value = fact.domain[0]
    if isinstance(value, bool):
        return "Bool"
    return "Long" if isinstance(value, int) else "String"


def _plain(value: Value) -> object:
    """Return a value as JSON has it."""
    return str(value) if isinstance(value, str) else value


def _gate(rule: Rule) -> str:
    """Write a message gate: closed, it forbids everything."""
    return _policy(
        rule, effect="forbid", head=("principal", "action", "resource"), when=[*_for(rule), *_possible(rule)]
    )


def _policies(rule: Rule, classes: Sequence[InformationClass]) -> Iterator[str]:
    """Write one rule of one or several classes."""
    resource, also = "resource", []
    if len(classes) == 1:
        resource = f"resource in {_class(classes[0])}"
    elif len(classes) < len(InformationClass):
        also = [f"resource in [{', '.join(map(_class, classes))}]"]
    conditions = [*also, *_for(rule)]
    if rule.effect is Effect.PERMIT:
        head = ("principal", _actions(rule.outcome, Outcome.REDACT), resource)
        for arm in rule.arms:
            known = [_known(each) for each in dict.fromkeys((*rule.clauses, *arm.clauses))]
            yield _policy(rule, effect="permit", head=head, when=[*conditions, *known], basis=arm.basis)
    elif rule.outcome > Outcome.DISCLOSE:
        head = ("principal", _actions(Outcome.DISCLOSE, Outcome(rule.outcome - 1)), resource)
        yield _policy(rule, effect="forbid", head=head, when=[*conditions, *_possible(rule)])


def _policy(
    rule: Rule, *, effect: str, head: tuple[str, str, str], when: Sequence[str], basis: str = ""
) -> str:
    """Put one policy together."""
    notes = {"rule": rule.rule, "reason": rule.reason, "says": rule.says}
    if basis:
        notes |= {"basis": basis, "basis_says": BASIS[basis].says}
    annotations = "".join(f"@{name}({_quoted(text)})\n" for name, text in notes.items())
    body = " &&\n  ".join(when)
    return f"{annotations}{effect} ({', '.join(head)})" + (f" when {{\n  {body}\n}};\n" if body else ";\n")


def _for(rule: Rule) -> Iterator[str]:
    """Write what a rule is narrowed to: messages, subjects, sensitive, fields."""
    if rule.messages is not None:
        yield f"{_list(sorted(rule.messages))}.contains(resource.message)"
    if rule.subjects is not None:
        yield f"{_list(sorted(rule.subjects))}.contains(resource.subject)"
    if rule.sensitive is not None:
        yield "resource.sensitive" if rule.sensitive else "!resource.sensitive"
    if rule.fields is not None:
        yield f"resource.named.containsAny({_list(rule.fields)})"


def _known(clause: Clause) -> str:
    """Write a condition that holds only where the fact is known."""
    name, owner = _NAMES[clause[0]], _owner(clause)
    return f"{owner} has {name} && {_holds(clause)}"


def _possible(rule: Rule) -> Iterator[str]:
    """Write conditions that also hold where a fact is not known."""
    for each in dict.fromkeys(rule.clauses):
        yield f"(if {_owner(each)} has {_NAMES[each[0]]} then {_holds(each)} else true)"


def _owner(clause: Clause) -> str:
    """Return whose attribute a fact is."""
    return "resource" if _NAMES[clause[0]] in OF_RESOURCE else "principal"


def _holds(clause: Clause) -> str:
    """Write that a known fact has one of some values."""
    name = _NAMES[clause[0]]
    attribute = f"{_owner(clause)}.{name}"
    values = values_of(name, clause[1])
    if not values:
        return "false"
    if isinstance(values[0], bool):
        if len(values) == len(FACTS[name].domain):
            return f"({attribute} || !{attribute})"
        return attribute if values[0] else f"!{attribute}"
    if len(values) == 1:
        return f"{attribute} == {_literal(values[0])}"
    return f"{_list(values)}.contains({attribute})"


def _actions(first: Outcome, last: Outcome) -> str:
    """Write the actions from one outcome to another."""
    names = [f'Action::"{name}"' for outcome, name in ACTIONS.items() if first <= outcome <= last]
    return f"action in [{', '.join(names)}]" if len(names) > 1 else f"action == {names[0]}"


def _class(name: InformationClass) -> str:
    return f'Class::"{name}"'


def _list(values: Iterable[Value]) -> str:
    return f"[{', '.join(map(_literal, values))}]"


def _literal(value: Value) -> str:
    return _quoted(value) if isinstance(value, str) else str(value).lower()


def _quoted(text: str) -> str:
    """Write a text in quotation marks; JSON's escapes of these are Cedar's, too."""
    return json.dumps(str(text), ensure_ascii=False)
