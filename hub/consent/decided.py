"""The rules of one kind of field decided for all states at once: what goes, and on what it rests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.consent.decision import Outcome
from hub.consent.gateways import STATUTORY
from hub.consent.rules import Clause, Effect, Rule, names_field
from hub.consent.states import Choice, Space
from hub.consent.vocabulary import BASIS_ORDER, FACTS, MESSAGES, SUBJECTS, Value, values_of

OTHER_FIELD = "any other field"
LET_THROUGH = (Outcome.DISCLOSE, Outcome.GENERALISE, Outcome.REDACT)
"""What a permit may let through, most first."""
CONSENT = "CONSENT"
_NAMES = tuple(FACTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The rules of a class decided for all states at once; each set of states is a whole number."""

    space: Space
    reaches: Mapping[Outcome, int]
    """States in which the outcome is this one or discloses more."""
    on_consent: int
    """States in which some permit rests on consent and something goes."""
    otherwise: int
    """States in which some permit rests on another basis."""
    names_consent: int
    """States in which the decision names consent as its basis."""
    wrongly_consent: int
    """Of those, the states in which a statute carries the same."""
    firing: tuple[tuple[str, int], ...]
    """Each permit, and the states in which it fires."""


@dataclass(slots=True)
class _Arms:
    """States in which the permits of one outcome fire, by what they rest on."""

    any: int = 0
    consent: int = 0
    narrower: int = 0
    """On a basis that is picked before consent."""
    statute: int = 0

    def add(self, basis: str, states: int) -> None:
        """Add an arm that fires in these states."""
        self.any |= states
        if basis == CONSENT:
            self.consent |= states
        elif BASIS_ORDER[basis] < BASIS_ORDER[CONSENT]:
            self.narrower |= states
        if basis in STATUTORY:
            self.statute |= states


def decide_all(space: Space, rules: Sequence[Rule]) -> Decided:
    """Decide every state: the best permit, then everything that holds back."""
    held = dict.fromkeys(LET_THROUGH, 0)
    arms = {outcome: _Arms() for outcome in LET_THROUGH}
    every = _Arms()
    otherwise = 0
    firing: list[tuple[str, int]] = []
    for rule in rules:
        states = space.where(choices(rule.clauses))
        if rule.effect is not Effect.PERMIT:
            for outcome in held:
                held[outcome] |= states if outcome < rule.outcome else 0
            continue
        fires = 0
        for arm in rule.arms:
            there = states & space.where(choices(arm.clauses))
            fires |= there
            arms[rule.outcome].add(arm.basis, there)
            every.add(arm.basis, there)
            otherwise |= 0 if arm.basis == CONSENT else there
        firing.append((rule.rule, fires))
    permitted = _cumulated(arms)
    names_consent, wrongly = _named(arms, every, permitted, held)
    return Decided(
        space=space,
        reaches={outcome: states & ~held[outcome] for outcome, states in permitted.items()},
        on_consent=every.consent & ~held[Outcome.REDACT],
        otherwise=otherwise,
        names_consent=names_consent,
        wrongly_consent=wrongly,
        firing=tuple(firing),
    )


def _cumulated(arms: Mapping[Outcome, _Arms]) -> dict[Outcome, int]:
    """Return the states in which some permit lets this outcome through, or more."""
    found: dict[Outcome, int] = {}
    states = 0
    for outcome in LET_THROUGH:
        states |= arms[outcome].any
        found[outcome] = states
    return found


def _named(
    arms: Mapping[Outcome, _Arms],
    every: _Arms,
    permitted: Mapping[Outcome, int],
    held: Mapping[Outcome, int],
) -> tuple[int, int]:
    """Return where a decision names consent, and where it does although a statute carries the same.

    As `hub.consent.evaluate` picks: among the permits of the outcome that goes; where a ceiling lets only
    part of it through, among all.
    """
    named = wrongly = more = 0
    for outcome in LET_THROUGH:
        own = arms[outcome]
        here = own.consent & ~own.narrower & ~more & ~held[outcome]
        named |= here
        wrongly |= here & own.statute
        more = permitted[outcome]
    partly = permitted[Outcome.DISCLOSE] & held[Outcome.DISCLOSE] & ~held[Outcome.GENERALISE]
    partly &= every.consent & ~every.narrower
    return named | partly, wrongly | (partly & every.statute)


def asked(rules: Iterable[Rule]) -> list[Choice]:
    """Return every condition on a fact that some rule has."""
    return [
        choice
        for rule in rules
        for clauses in [rule.clauses, *(arm.clauses for arm in rule.arms)]
        for choice in choices(clauses)
    ]


def choices(clauses: Iterable[Clause]) -> Iterator[Choice]:
    """Yield clauses as choices of a space."""
    for slot, mask in clauses:
        yield _NAMES[slot], frozenset(values_of(_NAMES[slot], mask))


def narrowing(rule: Rule, fields: Sequence[str]) -> Iterator[Choice]:
    """Yield what a rule is narrowed to: messages, subjects, sensitive, fields."""
    if rule.messages is not None:
        yield "message", frozenset(rule.messages)
    if rule.subjects is not None:
        yield "subject", frozenset(rule.subjects)
    if rule.sensitive is not None:
        yield "sensitive", frozenset({rule.sensitive})
    if rule.fields is not None:
        entries = rule.fields
        named = (path for path in fields if any(names_field(entry, path) for entry in entries))
        yield "field", frozenset(named)


def domains(conditions: Iterable[Choice], fields: Sequence[str]) -> Mapping[str, Sequence[Value]]:
    """Return the domain of every dimension the conditions ask about."""
    listed: dict[str, Sequence[Value]] = {
        "message": MESSAGES,
        "subject": SUBJECTS,
        "sensitive": (True, False),
        "field": (*fields, OTHER_FIELD),
    }
    names = dict.fromkeys(name for name, _ in conditions)
    return {name: listed[name] if name in listed else FACTS[name].domain for name in names}
