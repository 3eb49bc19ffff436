"""Which legal basis the law opens for whom: the table the rules are proved against (R-DIS-01).

Written from the statutes alone. What `hub.consent.vocabulary` says of a gateway is not looked at here, so
that a slip there is found by the proof and not repeated by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.cases.case import Rosh
from hub.consent.parties import Kind, LegalStatus
from hub.consent.vocabulary import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What the law asks of a recipient and a case before a basis may be used."""

    statuses: frozenset[LegalStatus]
    """Legal statuses it is open to."""
    needs: Mapping[str, frozenset[Value]] = field(default_factory=dict)
    """What must be true of the case as well."""
    statutory: bool
    """True where statute carries it, whatever the person says."""
    source: str


_ANYBODY = frozenset(LegalStatus)
_IN_HOUSE = frozenset({LegalStatus.IN_HOUSE})
_SECTION_14 = frozenset({LegalStatus.IN_HOUSE, LegalStatus.UNDER_ARRANGEMENTS, LegalStatus.LISTED})
_AUTHORITIES = frozenset({LegalStatus.IN_HOUSE, LegalStatus.LISTED})

GATEWAYS: Mapping[str, Gateway] = {
    "COURT": Gateway(
        statuses=_ANYBODY,
        needs={"court_order": frozenset({True})},
        statutory=True,
        source="a court may order disclosure to anybody it names",
    ),
    "DPA48": Gateway(
        statuses=_ANYBODY,
        statutory=True,
        source="Data Protection Act 2018 s.48(9): every recipient of the data must be told, whoever it is",
    ),
    "DPA45": Gateway(
        statuses=_ANYBODY,
        needs={"kind": frozenset({Kind.PERSON})},
        statutory=True,
        source="Data Protection Act 2018 s.45: the person the data are about, and nobody else",
    ),
    "CJA325": Gateway(
        statuses=_AUTHORITIES,
        needs={"mappa_level": frozenset({1, 2, 3})},
        statutory=True,
        source=(
            "Criminal Justice Act 2003 s.325(1) to (6): the responsible authority, and the bodies listed as"
            " having a duty to co-operate, for offenders under MAPPA"
        ),
    ),
    "DPA35T": Gateway(
        statuses=_IN_HOUSE,
        statutory=True,
        source="Data Protection Act 2018 s.30, s.35(2)(b): a competent authority, for its own task",
    ),
    "OMA14": Gateway(
        statuses=_SECTION_14,
        statutory=True,
        source=(
            "Offender Management Act 2007 s.14(1) to (4), a closed list: the service, those acting under"
            " arrangements with a provider of probation services, and listed persons"
        ),
    ),
    "CDA115": Gateway(
        statuses=_AUTHORITIES,
        statutory=True,
        source="Crime and Disorder Act 1998 s.115: police, local authority, probation, health",
    ),
    "VITAL": Gateway(
        statuses=_ANYBODY,
        needs={"rosh": frozenset({Rosh.HIGH, Rosh.VERY_HIGH})},
        statutory=True,
        source="Data Protection Act 2018 Sch.8 para 3: the vital interests of somebody in danger",
    ),
    "DSP": Gateway(
        statuses=_ANYBODY,
        needs={"protocol": frozenset({True})},
        statutory=False,
        source="002 3.19 (a clear protocol); a body outside s.14 needs a named agreement that is in force",
    ),
    "CONSENT": Gateway(
        statuses=_ANYBODY,
        needs={"consent": frozenset({"given"})},
        statutory=False,
        source="Data Protection Act 2018 s.35(2)(a): the person's consent to this processing",
    ),
    "OVERRIDE": Gateway(
        statuses=_ANYBODY,
        needs={"override": frozenset({True})},
        statutory=False,
        source=(
            "R-DIS-07; common law of confidence: a recorded decision that the public interest (serious crime,"
            " abuse, serious harm) outweighs it"
        ),
    ),
}
"""By the code of a basis. A body with no legal status of its own has consent, a live protocol, an override, a
court's order, the duty to correct, and the danger to somebody; no other statute is open to it."""
STATUTORY = frozenset(code for code, gateway in GATEWAYS.items() if gateway.statutory)
"""Bases that go ahead without consent (R-DIS-04)."""
