"""What a replay found: counts of all that was looked at, and every difference with examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.consent.decision import FieldDecision, Outcome, Scope
from hub.messages.envelope import MessageName

EXAMPLES_MAX = 3
"""Decisions named for each difference; all of them are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One decision as the ledger has it, its facts opened."""

    decision_id: str
    organisation: str
    role: str
    message: MessageName
    contract: str
    policy: str
    delivers: bool
    gate: str | None
    fields: tuple[FieldDecision, ...]
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field that a recipient would get otherwise than it got."""

    path: str
    scope: Scope
    then: Outcome
    now: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A field whose outcome stays, for another reason or on another basis."""

    path: str
    scope: Scope
    then: str
    now: str


@dataclass(slots=True)
class Tally:
    """How often something was found, and the first decisions in which it was."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, decision_id: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(decision_id)


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """Where something differs: recipient, message, field (none: the delivery as a whole), then and now."""

    organisation: str
    role: str
    message: str
    path: str
    scope: str
    then: str
    now: str


@dataclass(slots=True)
class Report:
    """Everything a replay found so far."""

    decisions: int = 0
    """Decided again."""
    anew: int = 0
    """Decisions left out: made anew on what was undelivered, so that each message counts once."""
    fields: int = 0
    """Fields of them that were recorded."""
    erased: int = 0
    """Decisions whose facts cannot be read any more, because the person's key was erased."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Decisions that cannot be made again, by why."""
    rules_unknown: int = 0
    """Decided again though the rules of their time are not known any more."""
    kept: dict[str, int] = field(default_factory=dict)
    """Fields held back at least as they were, by what besides the rules had made them so."""
    uncertain: int = 0
    """Decisions counted as delivered now, which hangs on what was in the message."""
    deliveries: dict[Row, Tally] = field(default_factory=dict)
    differences: dict[Row, Tally] = field(default_factory=dict)
    grounds: dict[Row, Tally] = field(default_factory=dict)
    wider: int = 0
    """Fields of which more would have gone."""
    narrower: int = 0
    """Fields of which less would have gone."""

    @property
    def differs(self) -> bool:
        """True where anything at all would have been otherwise."""
        return bool(self.deliveries or self.differences or self.grounds)

    def not_redone(self, why: str) -> None:
        """Count a decision that cannot be made again."""
        self.skipped[why] = self.skipped.get(why, 0) + 1

    def note_delivery(self, past: Past, then: str, now: str) -> None:
        """Count a delivery that would have been made, or not, or not for another reason."""
        row = Row(past.organisation, past.role, past.message.value, "", "", then, now)
        self.deliveries.setdefault(row, Tally()).add(past.decision_id)

    def note(self, past: Past, found: Difference | Ground) -> None:
        """Count a field that differs."""
        if isinstance(found, Difference):
            table, then, now = self.differences, found.then.name.lower(), found.now.name.lower()
            if found.now < found.then:
                self.wider += 1
            else:
                self.narrower += 1
        else:
            table, then, now = self.grounds, found.then, found.now
        row = Row(past.organisation, past.role, past.message.value, found.path, found.scope, then, now)
        table.setdefault(row, Tally()).add(past.decision_id)
