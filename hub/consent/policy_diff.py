"""What a change of policy changes: cell by cell of the matrix, and in any state there can be.

The matrix shows how things usually are, and with consent, a protocol or public protection; it leaves
combinations out. So each class is also compared in every state of the facts its rules ask about, known or
not: a state in which the new rules let more go than the old, and one in which they let less go.
What a class lets go may still be held back by another that joins it (a victim's name in a risk field), so
that a statement may say more than happens, and never less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import product

from hub.consent.compile import Policy
from hub.consent.decision import Outcome
from hub.consent.looseness import USUAL
from hub.consent.matrix import CHANGES, Cell, cells
from hub.consent.openings import opening
from hub.consent.overriding import Authority, authority_over
from hub.consent.parties import RUNGS, Kind, Purpose
from hub.consent.prove import OTHER_FIELD, in_words, named_fields
from hub.consent.rules import Arm, Effect, Rule
from hub.messages.envelope import InformationClass, MessageName, Role, Subject

GATES = "gates"
"""Where a statement is about no class but about messages as a whole."""
OVERRIDES = "overrides"
"""Where a statement is about what may be opened beyond the rules, by whom and for how long."""
_BOUNDS = ("classes", "asked_by", "agreed_by", "days_max", "break_glass_by", "break_glass_hours_max")
"""Of an authority: the more of each, the more may be opened."""
_OPEN = Rule(
    rule="open",
    effect=Effect.PERMIT,
    outcome=Outcome.DISCLOSE,
    information_class=None,
    clauses=(),
    reason="NEED-OPEN",
    says="",
    tells="",
    owner="",
    review_by="",
    arms=(Arm(basis="DPA35T", clauses=()),),
)
"""Lets everything through, so that gates can be compared like the rules of a class."""
_SAYS = {"clauses": "when", "arms": "basis"}
"""Parts of a compiled rule that its file has under another name."""


class Direction(StrEnum):
    """Which way a change goes."""

    MORE = "more"
    LESS = "less"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellDifference:
    """One cell of the matrix that changes: outcome before and after, by situation."""

    information_class: InformationClass
    field: str
    role: Role
    rung: int
    purpose: Purpose
    situations: Mapping[str, tuple[Outcome, Outcome]]
    """As things usually are, with consent, a protocol or public protection; those that differ only."""

    @property
    def widens(self) -> bool:
        """True where more goes in some situation."""
        return any(after < before for before, after in self.situations.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What was shown of a class, or of the gates: in some state more, or less, goes than before."""

    where: str
    """The class, `gates` or `overrides`."""
    direction: Direction
    of: str
    """For which fields of which message, as an example."""
    state: str
    """In which state, in words."""
    kinds: int
    """Of how many kinds of field it is so; those no rule tells apart are one kind."""

    @property
    def sentence(self) -> str:
        """The statement for people."""
        return f"{self.where}: {self.direction} goes than before, for example of {self.of} with {self.state}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """A rule that is new, is gone, or says something else."""

    rule: str
    changed: tuple[str, ...]
    """Which parts of it; empty where it is new or gone."""
    kind: str
    """`new`, `gone` or `changed`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDiff:
    """Everything that differs between two policies."""

    old: str
    new: str
    cells: tuple[CellDifference, ...]
    statements: tuple[Statement, ...]
    rules: tuple[RuleChange, ...]

    @property
    def widens(self) -> bool:
        """True where more goes in some cell, or in some state at all."""
        shown = any(each.direction is Direction.MORE for each in self.statements)
        return shown or any(each.widens for each in self.cells)


@dataclass(slots=True)
class _Kind:
    """Fields of which the same rules spoke and the same will speak: an example of them in words."""

    words: str
    before: Sequence[Rule]
    after: Sequence[Rule]
    differs: bool


def diff(old: Policy, new: Policy) -> PolicyDiff:
    """Compare two policies; what neither cells nor states show, such as a reason, is among the rules."""
    found: list[CellDifference] = []
    statements = [*_gate_statements(old, new), *_override_statements(old, new)]
    for name in InformationClass:
        if old.rules.get(name) != new.rules.get(name):
            kinds, differing = _kinds(old, new, name)
            statements += _shown(str(name), ((each.words, each.before, each.after) for each in kinds))
            found += _cells(old, new, name, differing)
    return PolicyDiff(
        old=old.name,
        new=new.name,
        cells=tuple(found),
        statements=tuple(statements),
        rules=tuple(_rule_changes(old, new)),
    )


def _kinds(old: Policy, new: Policy, name: InformationClass) -> tuple[tuple[_Kind, ...], tuple[str, ...]]:
    """Sort a class into kinds of field; return those of which other rules will speak, and their fields."""
    kinds: dict[tuple[int, int], _Kind] = {}
    differing: dict[str, None] = {}
    for field, message, subject, sensitive in product(
        _fields(old, new, name), MessageName, Subject, (False, True)
    ):
        key = (message, name, subject, sensitive, field)
        before, after = old.rules_for(key), new.rules_for(key)
        kind = kinds.get((id(before), id(after)))
        if kind is None:
            words = f"{field} (of a {subject}) in {message} messages" + (", sensitive" if sensitive else "")
            kind = _Kind(words=words, before=before, after=after, differs=before != after)
            kinds[id(before), id(after)] = kind
        if kind.differs:
            differing[field] = None
    return tuple(kind for kind in kinds.values() if kind.differs), tuple(differing)


def _cells(
    old: Policy, new: Policy, name: InformationClass, named: Sequence[str]
) -> Iterator[CellDifference]:
    """Yield the cells of these fields that differ; one that only one policy names is asked of both."""
    if not named:
        return
    both = zip(
        cells(old, classes=(name,), fields=named), cells(new, classes=(name,), fields=named), strict=True
    )
    for before, after in both:
        situations = {
            situation: (was, becomes)
            for situation in (USUAL, *CHANGES)
            if (was := _outcome(before, situation)) is not (becomes := _outcome(after, situation))
        }
        if situations:
            yield CellDifference(
                information_class=name,
                field=before.field,
                role=before.role,
                rung=before.rung,
                purpose=before.purpose,
                situations=situations,
            )


def _outcome(cell: Cell, situation: str) -> Outcome:
    return cell.changes.get(situation, cell.outcome)


def _fields(old: Policy, new: Policy, name: InformationClass) -> tuple[str, ...]:
    named = dict.fromkeys((*named_fields(old.rules[name]), *named_fields(new.rules[name])))
    return (*named, OTHER_FIELD)


def _gate_statements(old: Policy, new: Policy) -> Iterator[Statement]:
    """Compare what the gates leave open, message by message, and which messages' keys alone may go."""
    pairs: dict[tuple[tuple[Rule, ...], tuple[Rule, ...]], tuple[str, Sequence[Rule], Sequence[Rule]]] = {}
    for message in MessageName:
        before, after = _gates(old, message), _gates(new, message)
        if before != after:
            pairs.setdefault((before, after), (f"any {message}", before, after))
    yield from _shown(GATES, pairs.values())
    for direction, names in (
        (Direction.MORE, new.keys_inform - old.keys_inform),
        (Direction.LESS, old.keys_inform - new.keys_inform),
    ):
        if names:
            yield Statement(
                where=GATES,
                direction=direction,
                of=f"the keys of {', '.join(sorted(names))}",
                state="nothing else left that may go",
                kinds=len(names),
            )


def _gates(policy: Policy, message: MessageName) -> tuple[Rule, ...]:
    own = (rule for rule in policy.gates if rule.messages is None or message in rule.messages)
    return (_OPEN, *own)


def _override_statements(old: Policy, new: Policy) -> Iterator[Statement]:
    """Compare what may be opened to whom beyond the rules."""
    for direction, one, other in ((Direction.MORE, old, new), (Direction.LESS, new, old)):
        found: list[tuple[str, str]] = []
        for kind, rung in product(Kind, RUNGS):
            least, most = (authority_over(each.authorities, kind, rung) for each in (one, other))
            if beyond := _beyond(least, most):
                found.append((f"what may be opened to a {kind} on rung {rung}", ", ".join(beyond)))
        if found:
            of, bounds = found[0]
            state = f"another bound of {bounds}"
            yield Statement(where=OVERRIDES, direction=direction, of=of, state=state, kinds=len(found))


def _beyond(least: Authority | None, most: Authority | None) -> tuple[str, ...]:
    """Return in what the second authority allows what the first does not."""
    if most is None:
        return ()
    return tuple(name for name in _BOUNDS if least is None or not getattr(most, name) <= getattr(least, name))


def _shown(where: str, pairs: Iterable[tuple[str, Sequence[Rule], Sequence[Rule]]]) -> Iterator[Statement]:
    """Yield one statement for each direction in which some pair of rules differs."""
    found: dict[Direction, list[tuple[str, str]]] = {Direction.MORE: [], Direction.LESS: []}
    for words, before, after in pairs:
        for direction, one, other in (
            (Direction.MORE, before, after),
            (Direction.LESS, after, before),
        ):
            state = opening(one, other)
            if state is not None:
                found[direction].append((words, in_words(state) or "any facts whatever"))
    for direction, examples in found.items():
        if examples:
            of, state_words = examples[0]
            yield Statement(where=where, direction=direction, of=of, state=state_words, kinds=len(examples))


def _rule_changes(old: Policy, new: Policy) -> Iterator[RuleChange]:
    before, after = _every(old), _every(new)
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            yield RuleChange(rule=name, changed=(), kind="new" if one is None else "gone")
        elif one != other:
            parts = tuple(
                _SAYS.get(each.name, each.name)
                for each in fields(Rule)
                if getattr(one, each.name) != getattr(other, each.name)
            )
            yield RuleChange(rule=name, changed=parts, kind="changed")


def _every(policy: Policy) -> dict[str, Rule]:
    return {rule.rule: rule for own in (policy.gates, *policy.rules.values()) for rule in own}
