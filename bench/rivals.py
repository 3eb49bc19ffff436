"""The bench's policy in Rego through regorus, and in Cedar through cedarpy, asked what the hub is asked.

Both are given every advantage that keeps the question the same: policies parsed once, facts handed over in
the form each reads fastest, and less to answer than the hub does. Rego says which rules fire, and nothing is
joined or worded after it. Cedar says for each kind of field whether it is disclosed, in one batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import cedarpy
import regorus

from hub.consent import cedar
from hub.consent.decision import Outcome, Scope
from hub.consent.rules import Clause, Effect, Rule
from hub.consent.vocabulary import BY_CLASS, FACTS, Value, values_of

if TYPE_CHECKING:
    from bench.states import Kind
    from hub.consent.compile import Policy
    from hub.consent.facts import Facts
    from hub.messages.envelope import InformationClass

_NAMES = tuple(FACTS)


class Rego:
    """The gates and every kind of field of one message, in Rego."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        """Write the rules, and have regorus read them."""
        self.numbers: dict[tuple[int, str, str | None], int] = {}
        """By kind of field (-1: the gates), rule and basis, the number that says it fires."""
        self.text = "\n".join(("package hub", "", "import rego.v1", "", *self._rules(kinds), ""))
        self._engine = regorus.Engine()
        self._engine.add_policy("hub.rego", self.text)

    def fired(self, facts: str) -> frozenset[int]:
        """Return the numbers of what fires for facts as JSON."""
        self._engine.set_input_json(facts)
        return frozenset(self._engine.eval_rule("data.hub.fired"))

    def timed(self, facts: str) -> object:
        """Ask, and leave the answer as it comes."""
        self._engine.set_input_json(facts)
        return self._engine.eval_rule("data.hub.fired")

    def _rules(self, kinds: Sequence[Kind]) -> Iterator[str]:
        yield from self._of(-1, kinds[0].gates, None, Scope.ALL)
        for index, kind in enumerate(kinds):
            yield from self._of(index, kind.rules, kind.key[1], kind.scope)

    def _of(
        self, kind: int, rules: Sequence[Rule], information_class: InformationClass | None, scope: Scope
    ) -> Iterator[str]:
        for rule in rules:
            permits = rule.effect is Effect.PERMIT
            arms: list[tuple[str | None, tuple[Clause, ...]]] = [(a.basis, a.clauses) for a in rule.arms]
            for basis, clauses in arms if permits else [(None, ())]:
                number = self.numbers[kind, rule.rule, basis] = len(self.numbers)
                conditions = [
                    _condition(each, information_class, scope, permits=permits)
                    for each in dict.fromkeys((*rule.clauses, *clauses))
                ]
                body = "\n\t".join(conditions) or "true"
                yield f"fired contains {number} if {{\n\t{body}\n}}\n"


def _condition(
    clause: Clause, information_class: InformationClass | None, scope: Scope, *, permits: bool
) -> str:
    """Write one condition; what is not known is null, and may be anything to what holds back."""
    name = _NAMES[clause[0]]
    values: list[Value | None] = [*values_of(name, clause[1])]
    if name == "scope":
        return "true" if scope in values else "false"
    where = f"input.classes.{information_class}.{name}" if name in BY_CLASS else f"input.{name}"
    if not permits:
        values.append(None)
    said = [json.dumps(each) for each in values]
    return f"{where} == {said[0]}" if len(said) == 1 else f"{where} in {{{', '.join(said)}}}"


def facts_for_rego(facts: Facts) -> str:
    """Return facts as Rego's input."""
    return json.dumps({**facts.whole, "classes": facts.by_class})


class Cedar:
    """The rules as exported, and the kinds of field of one message."""

    def __init__(self, policy: Policy, kinds: Sequence[Kind]) -> None:
        """Have Cedar read the rules."""
        self._policy = policy
        self._kinds = [
            (f"k{index}", cedar.KindOfField(key=kind.key, scope=kind.scope))
            for index, kind in enumerate(kinds)
        ]
        self.policies = cedarpy.PolicySet.from_str(cedar.policies(policy))
        self.requests = [self._request(name, "disclose") for name, _ in self._kinds]

    def entities(self, facts: Facts) -> list[dict[str, Any]]:
        """Return facts as entities: the recipient, and each kind of field with what its class has."""
        by_class: Mapping[InformationClass, Mapping[str, Value | None]] = facts.by_class
        kinds = [cedar.kind(self._policy, name, field, by_class[field.key[1]]) for name, field in self._kinds]
        return [cedar.recipient("r", facts.whole), *kinds]

    def forms(self) -> Mapping[str, tuple[Callable[[Facts], Any], Callable[[Any], object]]]:
        """Return ways of asking: what makes the facts ready beforehand, and what then is timed."""
        return {
            "entities as a list": (self.entities, self._ask),
            "entities as JSON": (lambda facts: json.dumps(self.entities(facts)), self._ask),
            "an Entities handle": (lambda facts: json.dumps(self.entities(facts)), self._ask_by_handle),
        }

    def outcomes(self, facts: Facts) -> list[Outcome]:
        """Return the outcome for each kind of field: the first action that is allowed."""
        names = list(cedar.ACTIONS.values())
        requests = [self._request(kind, name) for kind, _ in self._kinds for name in names]
        answers = cedarpy.is_authorized_batch(requests, self.policies, self.entities(facts))
        allowed = [answer.allowed for answer in answers]
        every = [allowed[first : first + len(names)] for first in range(0, len(allowed), len(names))]
        return [
            next((outcome for outcome, yes in zip(cedar.ACTIONS, own, strict=True) if yes), Outcome.WITHHOLD)
            for own in every
        ]

    def _ask(self, entities: Any) -> object:  # noqa: ANN401 - a list or JSON
        return cedarpy.is_authorized_batch(self.requests, self.policies, entities)

    def _ask_by_handle(self, entities: str) -> object:
        handle = cedarpy.Entities.from_json_str(entities)
        return cedarpy.is_authorized_batch(self.requests, self.policies, handle)

    def _request(self, kind: str, action: str) -> dict[str, Any]:
        return {
            "principal": 'Recipient::"r"',
            "action": f'Action::"{action}"',
            "resource": f'Kind::"{kind}"',
            "context": {},
        }
