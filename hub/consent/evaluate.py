"""Evaluates the rules of one field: every rule is looked at, the outcomes join on the lattice.

The best permit sets what could go; every ceiling and forbid that holds, or might, takes from it; no
permit, nothing (R-DIS-01). Pure in the rules and the vector, so that another interpreter can be held
against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.consent.decision import Outcome
from hub.consent.rules import Clause, Effect, Rule, Vector, truth
from hub.consent.vocabulary import BASIS_ORDER, FACTS, SLOT, bit

_NAMES: tuple[str, ...] = tuple(FACTS)
_CONSENT_DOMAIN = FACTS["consent"].domain
NEAR_MISS: tuple[tuple[str, str], ...] = (
    ("consent", "CONS"),
    ("protocol", "LAW-NO-PROTOCOL"),
    ("legal_status", "LAW-NO-GATEWAY"),
    ("mappa_level", "LAW-NO-GATEWAY"),
    ("rosh", "LAW-NO-GATEWAY"),
    ("relevant", "NEED-NOT-CONCERNED"),
    ("scope", "NEED-NOT-THEIRS"),
    ("own_referral", "NEED-OTHERS-REFERRAL"),
    ("engaged", "NEED-NOT-ON-TEAM"),
    ("on_team", "NEED-NOT-ON-TEAM"),
    ("responsible", "NEED-NOT-HELD-THERE"),
    ("rung", "BROK-RUNG"),
    ("role", "NEED-ROLE"),
)
"""If one fact alone stood in a permit's way, the reason it gives; the first found counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rules say of one field: outcome, primary reason, basis, and which rules made it so."""

    outcome: Outcome
    reason: str
    basis: str | None
    rules: tuple[str, ...]
    alternates: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()


def evaluate(rules: Sequence[Rule], vector: Vector) -> Verdict:
    """Join all rules of a field for one vector of facts."""
    firing: list[tuple[Rule, tuple[str, ...]]] = []
    held: list[Rule] = []
    best = Outcome.WITHHOLD
    floor = Outcome.DISCLOSE
    for rule in rules:
        holds = truth(rule.clauses, vector)
        if rule.effect is not Effect.PERMIT:
            if holds is not False:
                held.append(rule)
                floor = max(floor, rule.outcome)
        elif holds:
            bases = tuple(arm.basis for arm in rule.arms if truth(arm.clauses, vector))
            if bases:
                firing.append((rule, bases))
                best = min(best, rule.outcome)
    outcome = max(best, floor)
    if firing and best >= floor:
        return _permitted(outcome, firing)
    if not firing and floor is Outcome.DISCLOSE:
        return Verdict(outcome=outcome, reason=_near_miss(rules, vector), basis=None, rules=())
    return _held(outcome, floor, held, firing)


def _permitted(outcome: Outcome, firing: Sequence[tuple[Rule, tuple[str, ...]]]) -> Verdict:
    """Say on which narrowest basis it goes; other bases that would do are kept as alternates."""
    found = [(rule, bases) for rule, bases in firing if rule.outcome is outcome]
    codes = sorted({code for _, bases in found for code in bases}, key=BASIS_ORDER.__getitem__)
    primary = next(rule for rule, bases in found if codes[0] in bases)
    return Verdict(
        outcome=outcome,
        reason=primary.reason,
        basis=codes[0],
        rules=tuple(rule.rule for rule, _ in found),
        alternates=tuple(codes[1:]),
        caveats=primary.caveats,
    )


def _held(
    outcome: Outcome,
    floor: Outcome,
    held: Sequence[Rule],
    firing: Sequence[tuple[Rule, tuple[str, ...]]],
) -> Verdict:
    """Say which rules hold back; what is still let through keeps the basis of its permit."""
    deciding = [rule for rule in held if rule.outcome is floor]
    partly = outcome < Outcome.REDACT and bool(firing)
    codes = sorted({code for _, bases in firing for code in bases}, key=BASIS_ORDER.__getitem__)
    return Verdict(
        outcome=outcome,
        reason=deciding[0].reason,
        basis=codes[0] if partly else None,
        rules=tuple(rule.rule for rule in deciding),
        alternates=tuple(codes[1:]) if partly else (),
        caveats=firing[0][0].caveats if partly else (),
    )


def _near_miss(rules: Sequence[Rule], vector: Vector) -> str:
    """Say what a permit lacked: a fact not known, or the one fact that stood in its way."""
    lacking: set[str] = set()
    for rule in rules:
        for arm in rule.arms:
            missed = misses((*rule.clauses, *arm.clauses), vector)
            if not missed:
                return "FACT-MISSING"
            if len(missed) == 1:
                lacking |= missed
    for name, reason in NEAR_MISS:
        if name in lacking:
            return worded(reason, vector)
    return "NEED-NOT-PERMITTED"


def misses(clauses: Sequence[Clause], vector: Vector) -> set[str]:
    """Return the facts that are known and stand in the way of these clauses."""
    return {_NAMES[slot] for slot, mask in clauses if vector[slot] and not vector[slot] & mask}


def worded(reason: str, vector: Vector) -> str:
    """Choose the reason true of this recipient: nobody with a part in the case is said to have none."""
    engaged = vector[SLOT["engaged"]] == bit("engaged", value=True)
    if reason == "CONS":
        return _consent_reason(vector)
    if reason == "NEED-OTHERS-REFERRAL" and not engaged:
        return "NEED-NOT-ON-TEAM"
    return "NEED-ROLE" if reason == "NEED-NOT-ON-TEAM" and engaged else reason


def _consent_reason(vector: Vector) -> str:
    """Say in which state the consent was that did not suffice."""
    state = vector[SLOT["consent"]]
    return f"CONS-{str(_CONSENT_DOMAIN[state.bit_length() - 1]).upper()}"
