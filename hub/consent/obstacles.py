"""What stands in the way where no change people can make would let a field go: which rule, by which fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hub.consent.changeable import CHANGEABLE
from hub.consent.decision import Outcome, Scope
from hub.consent.looking import Looking, fact_key
from hub.consent.rules import Clause, Effect, Rule
from hub.consent.sentences import class_in_words, fact_in_words, listed, value_in_words
from hub.consent.vocabulary import FACTS, Value, bit, values_of
from hub.messages.envelope import InformationClass

NOT_PERMITTED = "NEED-NOT-PERMITTED"
_NAMES = tuple(FACTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Something no changeable fact can move."""

    rule: str | None
    """The rule in the way: one that holds back, or one that would permit and cannot; None: it is none."""
    reason: str
    says: str


@dataclass(frozen=True, slots=True)
class _Lacking:
    """A fact that keeps a rule from permitting, and that people do not change so that a message may go."""

    name: str
    wanted: tuple[Value, ...]
    value: Value | None

    @property
    def says(self) -> str:
        """What the rule asks for, and what was so instead."""
        was = "not known"
        if isinstance(self.value, bool):
            was = "it was not so"
        elif self.value is not None:
            was = f"it was {value_in_words(self.name, self.value)}"
        return f"{fact_in_words(self.name, self.wanted)} ({was})"


def not_permitted(
    looking: Looking, rules: Sequence[Rule], name: InformationClass, *, scope: Scope, limit: Outcome
) -> Iterator[Obstacle]:
    """Yield every rule that permits as much of the class, with why it cannot here; the nearest first."""
    of = class_in_words(name)
    permits = [rule for rule in rules if rule.effect is Effect.PERMIT and rule.outcome <= limit]
    if not permits:
        says = f"No rule permits this of the class {of} to anybody, in messages of this type."
        yield Obstacle(rule=None, reason=NOT_PERMITTED, says=says)
    found = [(rule, _why_not(looking, rule, name, scope)) for rule in permits]
    for rule, (_, says) in sorted(found, key=lambda each: each[1][0]):
        text = f"It permits this only where {says}."
        yield Obstacle(rule=rule.rule, reason=NOT_PERMITTED, says=text)


def _why_not(looking: Looking, rule: Rule, name: InformationClass, scope: Scope) -> tuple[int, str]:
    """Say what a permit lacks that nobody can change, and of how much."""
    lacking = tuple(_lacking(looking, rule.clauses, name, scope))
    arms = [tuple(_lacking(looking, arm.clauses, name, scope)) for arm in rule.arms]
    closed = arms if all(arms) else []
    words = [each.says for each in lacking]
    if closed:
        ways = dict.fromkeys(listed([each.says for each in arm], "and") for arm in closed)
        words.append(listed([*ways], "or"))
    if not words:
        return len(FACTS), "facts are so that cannot be so together"
    return len(lacking) + min(map(len, closed), default=0), listed(words, "and")


def _lacking(
    looking: Looking, clauses: Iterable[Clause], name: InformationClass, scope: Scope
) -> Iterator[_Lacking]:
    for slot, mask in clauses:
        fact = _NAMES[slot]
        value = scope if fact == "scope" else looking.facts.get(fact_key(fact, name))
        known = value if isinstance(value, str | int) else None
        if fact not in CHANGEABLE and not bit(fact, known) & mask:
            yield _Lacking(fact, values_of(fact, mask), known)
