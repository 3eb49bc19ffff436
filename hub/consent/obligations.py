"""What comes with a disclosure: to acknowledge it, to destroy it in time, that the Offender Manager is told.

A rule states them under `obligations`; a legal basis may bring some of its own. They are kept as terms,
beside the caveats: `ACKNOWLEDGE-WITHIN:24h`. Where one of them cannot be performed for a recipient, what it
comes with is withheld (OBL-UNSUPPORTED).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from hub.consent.parties import Organisation, nearest
from hub.consent.vocabulary import BASIS, CAVEATS
from hub.messages.envelope import MessageName
from hub.messages.identifiers import Instant

ACKNOWLEDGE = "ACKNOWLEDGE-WITHIN"
DESTROY = "DESTROY-WITHIN"
NOTIFY_OM = "NOTIFY-OM"
_MS = {"h": 3_600_000, "d": 86_400_000}
_UNITS = {"h": "hours", "d": "days"}
_TOLD = re.compile(
    r"ACKNOWLEDGE-BY:\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z|DESTROY-BY:\d{4}-\d{2}-\d{2}", re.ASCII
)
_PERIOD = re.compile(r"([1-9][0-9]{0,3})([hd])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """One kind of obligation: its term, its unit and longest period (none where it has no period)."""

    code: str
    says: str
    """For people, with a place for the period."""
    unit: str = ""
    longest: int = 0


OBLIGATIONS: Mapping[str, Obligation] = {
    "acknowledge_within": Obligation(
        code=ACKNOWLEDGE,
        says="to be acknowledged within {}, or else the Offender Manager is told",
        unit="h",
        longest=720,
    ),
    "destroy_within": Obligation(
        code=DESTROY, says="to be destroyed within {} of its disclosure", unit="d", longest=3650
    ),
    "notify_om": Obligation(code=NOTIFY_OM, says="the Offender Manager is told that it was disclosed"),
}
"""Every obligation a rule may state, by its word there."""
_BY_CODE: Mapping[str, Obligation] = {each.code: each for each in OBLIGATIONS.values()}
_OWED = frozenset({ACKNOWLEDGE, NOTIFY_OM})
"""What the hub itself sees to; the other terms are for the recipient to keep."""
_ENDING = frozenset({ACKNOWLEDGE, DESTROY})
"""What a recipient is told with the moment or day it ends."""


def terms_of(stated: object) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Read a rule's `obligations`: the terms, and the faults, each with the name of its field."""
    if not isinstance(stated, Mapping) or not stated:
        return (), (("obligations", f"must be a mapping of {', '.join(OBLIGATIONS)}"),)
    terms: list[str] = []
    faults: list[tuple[str, str]] = []
    for name, value in stated.items():
        kind = OBLIGATIONS.get(str(name))
        if kind is None:
            faults.append((f"obligations.{name}", f"not an obligation{nearest(name, OBLIGATIONS)}"))
            continue
        term = _term(kind, value)
        if term is None:
            wanted = f"1{kind.unit} to {kind.longest}{kind.unit}" if kind.unit else "true"
            faults.append((f"obligations.{name}", f"{value!r} is not allowed; allowed: {wanted}"))
        else:
            terms.append(term)
    return tuple(terms), tuple(faults)


def _term(kind: Obligation, value: object) -> str | None:
    """Write one obligation as a term; None where the value is not one of its values."""
    if not kind.unit:
        return kind.code if value is True else None
    found = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[2] != kind.unit or int(found[1]) > kind.longest:
        return None
    return f"{kind.code}:{value}"


def kind_of(term: str) -> str:
    """Return the kind of a term, without its period."""
    return term.partition(":")[0]


def is_owed(term: str) -> bool:
    """Tell whether the hub itself sees to a term: to the acknowledgement, to the notice."""
    return kind_of(term) in _OWED


def period_ms(term: str) -> int:
    """Return the period of a term in milliseconds; 0 where it has none."""
    found = _PERIOD.fullmatch(term.partition(":")[2])
    return 0 if found is None else int(found[1]) * _MS[found[2]]


def strictest(terms: Iterable[str]) -> tuple[str, ...]:
    """Return the terms, each kind once: of several periods the shortest."""
    found: dict[str, str] = {}
    for term in terms:
        known = found.setdefault(kind_of(term), term)
        if period_ms(term) < period_ms(known):
            found[kind_of(term)] = term
    return tuple(found.values())


def can_acknowledge(organisation: Organisation) -> bool:
    """Tell whether an organisation can acknowledge: it may send receipts.

    An acknowledgement is a receipt, by HTTP or on the organisation's own topic; that something was fetched
    from a mailbox or read from a topic says nothing of anybody having taken it in.
    """
    return MessageName.RECEIPT in organisation.sends


def terms_with(caveats: tuple[str, ...], basis: str | None) -> tuple[str, ...]:
    """Return the terms of a rule and those its legal basis brings."""
    brings = BASIS[basis].brings if basis else ()
    return (*caveats, *brings) if brings else caveats


def as_told(terms: Iterable[str], at: Instant) -> tuple[str, ...]:
    """Write the terms as the recipient reads them: a period as the moment or day it ends.

    That the Offender Manager is told is between the hub and the Offender Manager.
    """
    told, ends = _to_tell(tuple(terms))
    return tuple([_told(term, at) for term in told]) if ends else told


@lru_cache(maxsize=1024)
def _to_tell(terms: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Return which terms a recipient is told, and whether one of them has an end."""
    told = tuple(term for term in terms if kind_of(term) != NOTIFY_OM)
    return told, any(kind_of(term) in _ENDING for term in told)


def _told(term: str, at: Instant) -> str:
    kind = kind_of(term)
    if kind not in _ENDING:
        return term
    ends = datetime.fromtimestamp((at + period_ms(term)) / 1000, UTC)
    if kind == ACKNOWLEDGE:
        return f"ACKNOWLEDGE-BY:{ends:%Y-%m-%dT%H:%M:%SZ}"
    return f"DESTROY-BY:{ends:%Y-%m-%d}"


def is_told(text: str) -> bool:
    """Tell whether a text is a term as a recipient reads one."""
    return text in CAVEATS or _TOLD.fullmatch(text) is not None


def in_words(term: str) -> str:
    """Say a caveat or an obligation in words."""
    kind = _BY_CODE.get(kind_of(term))
    if kind is None:
        return CAVEATS.get(term, term)
    found = _PERIOD.fullmatch(term.partition(":")[2])
    return kind.says.format("" if found is None else f"{found[1]} {_UNITS[found[2]]}")
