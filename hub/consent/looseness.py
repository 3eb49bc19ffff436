"""Whether one way of labelling a field lets more out than another: read off the matrix, never off a rank.

A label is all the rules look at in a field: class, subject, sensitive, name. Under two labels every cell
of the matrix (message, role, rung, whose list item) has two outcomes, as things usually are and with
consent, a protocol or public protection. If some cell is more open under the new label and none under
the old, the new is looser. If some are more open each way, the two cannot be compared, and somebody who
answers for the rules has to. One thing does not make up for another: that a notice of something held
back goes, or that consent would have opened a cell, weighs nothing against a value that goes now, as
things usually are, to somebody who does not get it. Such a label is looser, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from hub.consent.compile import Policy
from hub.consent.decide import JOINS
from hub.consent.decision import Outcome, Scope
from hub.consent.evaluate import evaluate
from hub.consent.matrix import CHANGES, KINDS, SENSITIVE, columns, usual_facts
from hub.consent.parties import Kind, Purpose
from hub.consent.prove import OTHER_FIELD, lets_more_go
from hub.consent.purposes import PURPOSES
from hub.consent.rules import Rule
from hub.consent.vocabulary import FACTS, Value, bit
from hub.messages.envelope import InformationClass, MessageName, Role, Subject

USUAL = "as things usually are"
"""The situation of a cell that nothing special is said of; the others are named as in CHANGES."""
_WITH = {
    USUAL: "",
    "consent": "with consent, ",
    "protocol": "with a protocol, ",
    "public protection": "for public protection, ",
}
_GETS = {
    Outcome.DISCLOSE: "get it disclosed",
    Outcome.GENERALISE: "get it generalised",
    Outcome.REDACT: "find it held back by name",
    Outcome.WITHHOLD: "have it withheld",
}
_IS = {
    Outcome.DISCLOSE: "disclosed",
    Outcome.GENERALISE: "generalised",
    Outcome.REDACT: "held back by name",
    Outcome.WITHHOLD: "withheld",
}
_BODIES = {
    1: "in house",
    2: "of a purchased provider",
    3: "of a mainstream service with a duty to reach out",
    4: "of a mainstream service without that duty",
}
_ITEMS = {Scope.ALL: "", Scope.THEIRS: " in items of its own", Scope.OTHERS: " in items of others"}
_Spot = tuple[Role, int, Scope, str]


class Relation(StrEnum):
    """How a new label stands to an old one."""

    EQUAL = "equal"
    """No cell differs."""
    STRICTER = "stricter"
    """Some cells are less open, none is more."""
    LOOSER = "looser"
    """Some cells are more open, none is less; or more values go as things usually are, and no fewer."""
    NOT_COMPARABLE = "not comparable"
    """Some cells are more open and some are less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the rules look at in a field; what is not given is as with most fields."""

    information_class: InformationClass
    subject: Subject = Subject.PERSON
    sensitive: bool = False
    field: str = OTHER_FIELD
    """Path of the field, for rules that name fields."""
    general: bool = False
    """Whether a general form stands beside it; without one, what should be generalised is withheld."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One cell that differs: who, for what, in which situation, and both outcomes."""

    role: Role
    rung: int
    message: MessageName
    scope: Scope
    situation: str
    before: Outcome
    after: Outcome

    @property
    def purpose(self) -> Purpose:
        """What the disclosure would be for."""
        return PURPOSES[self.message]

    @property
    def opens(self) -> bool:
        """True where more goes than before."""
        return self.after < self.before

    @property
    def counts_first(self) -> bool:
        """True where a value, not a notice, goes or no longer goes as things usually are."""
        return self.situation == USUAL and min(self.before, self.after) < Outcome.REDACT

    @property
    def sentence(self) -> str:
        """The cell in words a policy officer knows from `hub policy matrix`."""
        who = self.role.replace("_", " ").title()
        if KINDS[self.role] is Kind.PARTNER:
            who += f" {_BODIES[self.rung]} (rung {self.rung})"
        article = "an" if who[0] in "AEIOU" else "a"
        purpose = self.purpose.replace("_", " ")
        return (
            f"{_WITH[self.situation]}{article} {who} would {_GETS[self.after]}{_ITEMS[self.scope]}"
            f" for {purpose} where today it is {_IS[self.before]}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How two labels stand to each other, and every cell that differs as evidence."""

    relation: Relation
    differences: tuple[Difference, ...]

    @property
    def sentence(self) -> str:
        """The comparison in words: the cell that opens most, the one that closes most, how many more."""
        told = [
            max(found, key=_telling)
            for opens in (True, False)
            if (found := [each for each in self.differences if each.opens is opens])
        ]
        if not told:
            return "nobody would get more or less"
        further = len(self.differences) - len(told)
        more = f" (further cells of the matrix that differ: {further})" if further else ""
        return "; but ".join(each.sentence for each in told) + more


def compare(
    policy: Policy,
    old: Label,
    new: Label,
    *,
    message: MessageName | None = None,
    own: bool = False,
) -> Comparison:
    """Compare what goes under two labels by the rules in force.

    Args:
        policy: the rules in force.
        old: how the field is labelled now.
        new: how it would be labelled.
        message: the message the field stands in. What goes of that message decides; only where nothing
            there differs does it count what goes of the others, since a rule may come. None: all count.
        own: whether the field lies in a list whose items belong to organisations.
    """
    scopes = (Scope.THEIRS, Scope.OTHERS) if own else (Scope.ALL,)
    if message is not None:
        found = tuple(_differences(policy, old, new, message, scopes))
        if found:
            return _related(found)
    return _related(
        tuple(each for every in MessageName for each in _differences(policy, old, new, every, scopes))
    )


def opens_somewhere(
    policy: Policy, old: Label, new: Label, *, message: MessageName | None
) -> Mapping[str, tuple[Value, ...]] | None:
    """Return a state, usual or not, in which more goes under the new label; None if there is none.

    The matrix shows how things usually are. That a label is stricter has to hold always: after a consent is
    withdrawn, off the team, under another tier. `message` as in `compare`.
    """
    for each in MessageName if message is None else (message,):
        rules = [
            policy.rules_for((each, label.information_class, label.subject, label.sensitive, label.field))
            for label in (old, new)
        ]
        key = (tuple(rule.rule for rule in rules[0]), tuple(rule.rule for rule in rules[1]))
        if key not in policy.compared:
            policy.compared[key] = lets_more_go(*rules)
        if policy.compared[key] is not None:
            return policy.compared[key]
    return None


def compare_classes(policy: Policy, old: InformationClass, new: InformationClass) -> Comparison:
    """Compare two classes as the matrix shows them: any field, every message, sensitive as is usual."""
    return compare(policy, _usual(old), _usual(new))


def _usual(information_class: InformationClass) -> Label:
    return Label(information_class=information_class, sensitive=information_class in SENSITIVE)


def _related(found: tuple[Difference, ...]) -> Comparison:
    """Name the relation that some differences amount to."""
    ways = {each.opens for each in found}
    first = {each.opens for each in found if each.counts_first}
    if not ways:
        relation = Relation.EQUAL
    elif ways == {True} or first == {True}:
        relation = Relation.LOOSER
    else:
        relation = Relation.STRICTER if ways == {False} else Relation.NOT_COMPARABLE
    return Comparison(relation=relation, differences=found)


def _telling(difference: Difference) -> tuple[bool, int, int]:
    """Rank what to tell first: what is so usually, what moves furthest, who is furthest from the service."""
    moved = abs(difference.after - difference.before)
    return difference.situation == USUAL, moved, difference.rung


def _differences(
    policy: Policy, old: Label, new: Label, message: MessageName, scopes: tuple[Scope, ...]
) -> Iterator[Difference]:
    """Yield the cells of a message that differ."""
    before, after = _outcomes(policy, old, message, scopes), _outcomes(policy, new, message, scopes)
    if before == after:
        return
    for ((role, rung, scope, situation), _), was, becomes in zip(_spots(scopes), before, after, strict=True):
        if was is not becomes:
            yield Difference(
                role=role,
                rung=rung,
                message=message,
                scope=scope,
                situation=situation,
                before=was,
                after=becomes,
            )


@cache
def _spots(scopes: tuple[Scope, ...]) -> tuple[tuple[_Spot, tuple[int, ...]], ...]:
    """Return every role, rung, scope and situation with its vector of facts, in the order of outcomes."""
    situations: Mapping[str, Mapping[str, Value]] = {USUAL: {}, **CHANGES}
    return tuple(
        (
            (role, rung, scope, situation),
            _vector({**usual_facts(role, rung, scope), **change}),
        )
        for role, rung in columns()
        for scope in scopes
        for situation, change in situations.items()
    )


def _vector(facts: Mapping[str, Value]) -> tuple[int, ...]:
    """Return facts as the rules look at them."""
    return tuple(bit(name, facts[name]) for name in FACTS)


def _outcomes(
    policy: Policy, label: Label, message: MessageName, scopes: tuple[Scope, ...]
) -> tuple[Outcome, ...]:
    """Return the outcome in every spot of a message: of the field's class and whoever's data it is."""
    classes = dict.fromkeys((label.information_class, JOINS.get(label.subject, label.information_class)))
    found = [
        _of_rules(
            policy,
            policy.rules_for((message, each, label.subject, label.sensitive, label.field)),
            scopes,
        )
        for each in classes
    ]
    joined = found[0] if len(found) == 1 else tuple(map(max, *found))
    if label.general:
        return joined
    return tuple(Outcome.WITHHOLD if each is Outcome.GENERALISE else each for each in joined)


def _of_rules(policy: Policy, rules: tuple[Rule, ...], scopes: tuple[Scope, ...]) -> tuple[Outcome, ...]:
    """Evaluate the rules of one class in every spot, once per policy."""
    key = (tuple(rule.rule for rule in rules), scopes)
    found = policy.evaluated.get(key)
    if found is None:
        found = tuple(evaluate(rules, vector).outcome for _, vector in _spots(scopes))
        policy.evaluated[key] = found
    return found
