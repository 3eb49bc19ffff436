"""What goes of a field, worked out rule by rule by other means than the comparison under test."""

from __future__ import annotations

from hub.consent.compile import compile_policy
from hub.consent.decide import JOINS
from hub.consent.decision import Outcome, Scope
from hub.consent.evaluate import evaluate
from hub.consent.looseness import USUAL, Label
from hub.consent.matrix import CHANGES, columns, usual_facts
from hub.consent.vocabulary import FACTS, bit
from hub.messages.envelope import MessageName, Role
from hub.topics.policy_files import read_policy

POLICY = compile_policy(read_policy(), version="1.0.0")


def outcomes(
    label: Label, message: MessageName, scope: Scope = Scope.ALL
) -> dict[tuple[Role, int, str], Outcome]:
    """Return the outcome for every role, rung and situation."""
    found = {}
    classes = {label.information_class, JOINS.get(label.subject, label.information_class)}
    rules = [
        POLICY.rules_for((message, each, label.subject, label.sensitive, label.field)) for each in classes
    ]
    for role, rung in columns():
        for situation, change in {USUAL: {}, **CHANGES}.items():
            facts = {**usual_facts(role, rung, scope), **change}
            vector = [bit(name, facts[name]) for name in FACTS]
            worst = max(evaluate(own, vector).outcome for own in rules)
            unsupported = worst is Outcome.GENERALISE and not label.general
            found[role, rung, situation] = Outcome.WITHHOLD if unsupported else worst
    return found
