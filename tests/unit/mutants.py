"""Every slip of the pen a policy could have: a rule, a condition or a basis gone or wider."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hub.consent.compile import Policy
from hub.consent.decision import Outcome
from hub.consent.rules import Arm, Effect, Rule
from hub.consent.vocabulary import FACTS

_NAMES = tuple(FACTS)
_YES_NO = 2
"""Facts with so many values are not widened: taking the condition away is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A policy with one slip: which rule is what instead; None: it is gone."""

    name: str
    changed: Mapping[str, Rule | None]
    widens: bool = False
    """True where one more value satisfies a condition, or a gateway is open: that may make no difference, as
    where another rule lets the same through. Of what is gone it must make one."""

    def applied(self, rules: Sequence[Rule]) -> tuple[Rule, ...]:
        """Return some rules with the slip."""
        found = (self.changed.get(rule.rule, rule) for rule in rules)
        return tuple(rule for rule in found if rule is not None)

    def besides(self, guards: Sequence[str]) -> Mutant:
        """Return the same slip where these guards are gone as well."""
        return Mutant(
            name=f"{self.name}, and {', '.join(guards)} gone",
            changed={**self.changed, **dict.fromkeys(guards)},
        )


def every_rule(policy: Policy) -> dict[str, Rule]:
    """Return each rule of a policy once."""
    return {rule.rule: rule for own in (policy.gates, *policy.rules.values()) for rule in own}


def mutants(policy: Policy) -> Iterator[Mutant]:
    """Yield every slip of every rule. A guard that is gone changes nothing by itself: see `besides`."""
    for rule in every_rule(policy).values():
        if not rule.guard:
            yield Mutant(name=f"{rule.rule} gone", changed={rule.rule: None})
        for what, instead, widens in _slips(rule):
            yield Mutant(name=f"{rule.rule} {what}", changed={rule.rule: instead}, widens=widens)


def _slips(rule: Rule) -> Iterator[tuple[str, Rule, bool]]:
    """Yield a rule with each of its conditions, narrowings and bases changed in turn; whether it is wider."""
    for number, (slot, mask) in enumerate(rule.clauses):
        before, after = rule.clauses[:number], rule.clauses[number + 1 :]
        yield f"without its condition on {_NAMES[slot]}", replace(rule, clauses=(*before, *after)), False
        for word, other in _other_masks(rule, slot, mask):
            yield word, replace(rule, clauses=(*before, (slot, other), *after)), bool(other & ~mask)
    yield from ((f"not narrowed by {name}", wider, False) for name, wider in _not_narrowed(rule))
    for arm in rule.arms:
        others = tuple(each for each in rule.arms if each is not arm)
        if others:
            yield f"without {arm.basis}", replace(rule, arms=others), False
        if arm.clauses:
            opened = Arm(basis=arm.basis, clauses=())
            yield f"with {arm.basis} open to all", replace(rule, arms=(*others, opened)), True
    yield from _outcomes(rule)


def _not_narrowed(rule: Rule) -> Iterator[tuple[str, Rule]]:
    """Yield a rule with each thing it is narrowed by taken away."""
    if rule.messages is not None:
        yield "messages", replace(rule, messages=None)
    if rule.subjects is not None:
        yield "subjects", replace(rule, subjects=None)
    if rule.sensitive is not None:
        yield "sensitive", replace(rule, sensitive=None)
    if rule.fields is not None:
        yield "fields", replace(rule, fields=None)


def _other_masks(rule: Rule, slot: int, mask: int) -> Iterator[tuple[str, int]]:
    """Yield the values of a condition with one more, and for what holds back with one less.

    A guard that holds back less changes nothing by itself, as one that is gone.
    """
    name = _NAMES[slot]
    every = (1 << len(FACTS[name].domain)) - 1
    if len(FACTS[name].domain) == _YES_NO:
        return
    for index, value in enumerate(FACTS[name].domain):
        bit = 1 << index
        if not mask & bit and mask | bit != every:
            yield f"with {name} {value} too", mask | bit
        if mask & bit and mask != bit and rule.effect is not Effect.PERMIT and not rule.guard:
            yield f"not with {name} {value}", mask & ~bit


def _outcomes(rule: Rule) -> Iterator[tuple[str, Rule, bool]]:
    """Yield a rule that lets one step more through."""
    if rule.effect is not Effect.FORBID and rule.outcome is not Outcome.DISCLOSE:
        more = Outcome(rule.outcome - 1)
        yield f"with {more.name} as its outcome", replace(rule, outcome=more), False
