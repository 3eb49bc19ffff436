"""What an invariant claims, held against rules decided for all states: where it does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import assert_never

from hub.consent.decided import Decided
from hub.consent.decision import Outcome
from hub.consent.invariants import Claim, Invariant
from hub.consent.states import Choice, Space
from hub.consent.vocabulary import Value

GIVEN: Choice = ("consent", frozenset({"given"}))


def told_apart(invariant: Invariant, asked: Iterable[Choice]) -> list[Choice]:
    """Return what a claim must tell apart, beside its region and what the rules ask.

    A claim along a fact that no rule asks about has nothing to tell apart: it cannot fail there.
    """
    known = {name for name, _ in asked}
    if invariant.claim is Claim.NARROWS:
        fact, values = invariant.along
        return [(fact, frozenset({value})) for value in values] if fact in known else []
    if invariant.claim is Claim.CONSENT_NAMED_TRULY:
        return [GIVEN]
    return []


def broken(invariant: Invariant, decided: Decided) -> int:
    """Return the states in which a claim does not hold."""
    goes = decided.reaches[Outcome.REDACT]
    match invariant.claim:
        case Claim.WITHHELD:
            found = goes
        case Claim.NOT_ON_CONSENT:
            found = decided.on_consent
        case Claim.NOT_ON_CONSENT_ALONE:
            found = goes & ~decided.otherwise
        case Claim.ON_CONSENT:
            found = goes & ~decided.on_consent
        case Claim.NO_MORE_THAN:
            found = _hangs_on(decided, *invariant.along)
        case Claim.NARROWS:
            found = widening(decided, *invariant.along)
        case Claim.CONSENT_NAMED_TRULY:
            found = decided.wrongly_consent | decided.names_consent & ~decided.space.where([GIVEN])
        case _:
            assert_never(invariant.claim)
    return found


def widening(decided: Decided, fact: str, values: Sequence[Value]) -> int:
    """Return the states in which more goes than with the next more trusted value of a fact."""
    if fact not in decided.space.dimensions:
        return 0
    found = 0
    for states in decided.reaches.values():
        found |= newly(decided.space, states, fact, values)
    return found


def newly(space: Space, states: int, fact: str, values: Sequence[Value]) -> int:
    """Return, of these states, those without their like for the next more trusted value of a fact."""
    found = 0
    for trusted, less in pairwise(values):
        here = states & space.having(fact, less)
        found |= here & ~space.changed(states, fact, was=trusted, to=less)
    return found


def _hangs_on(decided: Decided, fact: str, values: Sequence[Value]) -> int:
    """Return the states that disclose more than they would with the one value named."""
    space, least = decided.space, values[0]
    if fact not in space.dimensions:
        return 0
    found = 0
    for states in decided.reaches.values():
        for group in space.dimensions[fact].groups:
            here = states & space.having(fact, group[0])
            found |= here & ~space.changed(states, fact, was=least, to=group[0])
    return found
