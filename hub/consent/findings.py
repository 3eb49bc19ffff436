"""What is odd about a policy that breaks no invariant: reported to its owner, never refused.

A rule that decides nothing, a condition that tells nothing apart, a guard that has become the only thing
in the way, a cell in which less trust gets more, a rule past its review date. Shown by looking at every
state, as a proof is. An owner who wants it so says why, under `accepts` in the policy file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from hub.consent.claims import newly, widening
from hub.consent.compile import Policy
from hub.consent.decided import asked, decide_all, domains
from hub.consent.parties import RUNGS, LegalStatus
from hub.consent.prove import STATES_MAX, FieldKind, field_kinds, in_words
from hub.consent.rules import Rule
from hub.consent.states import space_of
from hub.consent.vocabulary import FACTS, Value
from hub.consent.weight import Uses, gate_uses, uses
from hub.messages.envelope import InformationClass

TRUST: Mapping[str, tuple[Value, ...]] = {
    "rung": RUNGS,
    "tier": (4, 3, 2, 1),
    "legal_status": tuple(LegalStatus),
}
"""Facts that rank recipients or cases by trust, most trusted first."""


class Oddity(StrEnum):
    """What is odd."""

    NEVER_FIRES = "never-fires"
    CHANGES_NOTHING = "changes-nothing"
    CONDITION_CHANGES_NOTHING = "condition-changes-nothing"
    GUARD_NEEDED = "guard-needed"
    LESS_TRUST_MORE = "less-trust-more"
    PAST_REVIEW = "past-review"
    ACCEPTS_NOTHING = "accepts-nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One oddity of a policy: what it is, of which rule, in words, and why it is wanted, if it is."""

    oddity: Oddity
    about: str
    """The rule, with what else tells the finding from others of its kind."""
    sentence: str
    accepted: str = ""
    """The owner's reason for wanting it so; empty: not accepted."""

    @property
    def name(self) -> str:
        """What an `accepts` entry calls it."""
        return f"{self.oddity} {self.about}"


def find(policy: Policy, *, today: str) -> tuple[Finding, ...]:
    """Return everything odd about a policy, what its owners accept marked so.

    Args:
        policy: the rules, proved.
        today: the day on which review dates are looked at, year-month-day.
    """
    every = {rule.rule: rule for own in (policy.gates, *policy.rules.values()) for rule in own}
    found = [*_of_rules(policy, every.values()), *_of_trust(policy), *_of_dates(every.values(), today)]
    named = {each.name for each in found}
    stale = [
        Finding(
            oddity=Oddity.ACCEPTS_NOTHING,
            about=name,
            sentence=f"the policy accepts {name!r}, and there is no such finding any more",
        )
        for name in policy.accepts
        if name not in named
    ]
    return tuple(replace(each, accepted=policy.accepts.get(each.name, "")) for each in (*found, *stale))


def _of_rules(policy: Policy, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Yield rules and conditions that decide nothing, and guards that decide something."""
    found = gate_uses(policy.gates)
    for own in policy.rules.values():
        found.add(uses(own))
    for rule in rules:
        yield from _of_rule(rule, found)


def _of_rule(rule: Rule, found: Uses) -> Iterator[Finding]:
    """Yield what is odd about one rule."""
    if rule.rule not in found.fires:
        yield Finding(
            oddity=Oddity.NEVER_FIRES,
            about=rule.rule,
            sentence=f"{rule.rule} never holds, for any field in any state",
        )
    elif rule.guard and rule.rule in found.matters:
        yield Finding(
            oddity=Oddity.GUARD_NEEDED,
            about=rule.rule,
            sentence=(
                f"{rule.rule} is marked as a guard, and without it more would go, with"
                f" {in_words(found.matters[rule.rule])}: what it doubled has changed, or it never was a guard"
            ),
        )
    elif not rule.guard and rule.rule not in found.matters:
        yield Finding(
            oddity=Oddity.CHANGES_NOTHING,
            about=rule.rule,
            sentence=(
                f"without {rule.rule} nothing would be decided otherwise; mark it as a guard, or delete it"
            ),
        )
    elif not rule.guard:
        for name in sorted(found.idle.get(rule.rule, ())):
            yield Finding(
                oddity=Oddity.CONDITION_CHANGES_NOTHING,
                about=f"{rule.rule} {name}",
                sentence=f"{rule.rule} would decide the same without its condition on {name}",
            )


def _of_trust(policy: Policy) -> Iterator[Finding]:
    """Yield the cells in which less trust gets more."""
    seen: set[str] = set()
    for information_class, own in policy.rules.items():
        for kind in field_kinds(own, ()):
            for found in _of_kind(information_class, kind):
                if found.about not in seen:
                    seen.add(found.about)
                    yield found


def _of_kind(information_class: InformationClass, kind: FieldKind) -> Iterator[Finding]:
    """Yield the cells of one kind of field in which less trust gets more, by the permit that gives it."""
    conditions = asked(kind.rules)
    facts = [fact for fact in TRUST if fact in {name for name, _ in conditions}]
    conditions += [(fact, frozenset({value})) for fact in facts for value in TRUST[fact]]
    space = space_of(domains(conditions, ()), conditions)
    if space.size > STATES_MAX:
        return
    decided = decide_all(space, kind.rules)
    for fact in facts:
        more = widening(decided, fact, TRUST[fact])
        for rule, fires in decided.firing:
            gives = more & fires & newly(space, fires, fact, TRUST[fact])
            if gives:
                state = space.first(gives)
                yield Finding(
                    oddity=Oddity.LESS_TRUST_MORE,
                    about=f"{rule} {fact}",
                    sentence=(
                        f"{information_class}: more goes than with more trust ({FACTS[fact].says}), by"
                        f" {rule}, with {in_words({**kind.stands_for, **state})}"
                    ),
                )


def _of_dates(rules: Iterable[Rule], today: str) -> Iterator[Finding]:
    """Yield the rules whose review is overdue."""
    for rule in rules:
        if rule.review_by < today:
            yield Finding(
                oddity=Oddity.PAST_REVIEW,
                about=rule.rule,
                sentence=f"{rule.rule} was to be reviewed by {rule.review_by}; its owner is {rule.owner}",
            )
