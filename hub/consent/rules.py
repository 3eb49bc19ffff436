"""One disclosure rule, compiled: conditions as masks over the vector of facts, and three-valued truth.

A clause asks whether one fact has one of some values. A rule holds when all its clauses do. What is not
known is a third truth value (Kleene): it never makes a permit fire, and it always lets a forbid or a
ceiling fire (R-DIS-01).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.consent.decision import Outcome
from hub.consent.vocabulary import SLOT, Value, bit
from hub.messages.envelope import InformationClass, MessageName, Subject

Clause = tuple[int, int]
"""Slot of a fact in the vector, and the mask of the values that satisfy."""
Vector = Sequence[int]
"""One bit per fact: which value it has; 0 where it is not known."""


class Effect(StrEnum):
    """What a rule does when it holds."""

    PERMIT = "permit"
    CEILING = "ceiling"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One legal basis of a permit, and the clauses of its gateway."""

    basis: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as the policy files state it, ready to be evaluated.

    `outcome` of a permit is what it lets through; of a ceiling or forbid, the least that is held back.
    """

    rule: str
    effect: Effect
    outcome: Outcome
    information_class: InformationClass | None
    """None: for every class, or for the message as a whole (a gate)."""
    clauses: tuple[Clause, ...]
    reason: str
    says: str
    """Why, in words for staff."""
    tells: str
    """Why, in words the recipient may read; empty: nothing is said."""
    owner: str
    review_by: str
    arms: tuple[Arm, ...] = ()
    messages: frozenset[MessageName] | None = None
    subjects: frozenset[Subject] | None = None
    sensitive: bool | None = None
    """None: for sensitive and other fields alike."""
    fields: tuple[str, ...] | None = None
    caveats: tuple[str, ...] = ()
    """Terms on which it goes: handling caveats, and obligations such as ACKNOWLEDGE-WITHIN:24h."""
    strictly_necessary: str = ""
    """For sensitive data without consent: the condition of DPA 2018 Sch.8 that is met."""
    guard: bool = False
    """True: wanted though another rule already holds back the same; never to be tidied away."""


def clause(name: str, *values: Value) -> Clause:
    """Return the clause that a fact has one of these values."""
    mask = 0
    for value in values:
        mask |= bit(name, value)
    return SLOT[name], mask


def truth(clauses: Sequence[Clause], vector: Vector) -> bool | None:
    """Return whether all clauses hold; None when that hangs on a fact that is not known."""
    known = True
    for slot, mask in clauses:
        value = vector[slot]
        if not value:
            known = False
        elif not value & mask:
            return False
    return True if known else None


def names_field(entry: str, path: str) -> bool:
    """Tell whether a rule's field entry names this path or something above it."""
    return path == entry or path.startswith((f"{entry}.", f"{entry}[]"))
