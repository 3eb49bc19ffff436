"""The closed vocabulary of the disclosure rules: facts, legal bases, caveats, reasons.

A rule may speak of nothing that is not listed here, and every fact has a declared finite domain; that is
what makes it possible to look at every state a policy can meet and prove what it never does (R-DIS-06).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.cases.case import Rosh
from hub.consent.decision import Concern, Scope
from hub.consent.parties import RUNGS, Kind, LegalStatus, Standing
from hub.messages.envelope import InformationClass, MessageName, Role, Statement, Subject

Value = str | int | bool
"""What a fact can be; a fact that is not known is None and belongs to no domain."""

_YES_NO: tuple[Value, ...] = (True, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing a rule may ask about: its name, its finite domain, and how to say it to a person."""

    name: str
    domain: tuple[Value, ...]
    says: str
    may_be_unknown: bool = True
    by_class: bool = False
    """True where each information class has a value of its own (a protocol covers some classes)."""


_LIST: tuple[Fact, ...] = (
    Fact(name="role", domain=tuple(Role), says="the recipient's role on the case", may_be_unknown=False),
    Fact(name="kind", domain=tuple(Kind), says="the kind of its organisation", may_be_unknown=False),
    Fact(name="rung", domain=RUNGS, says="the brokerage rung", may_be_unknown=False),
    Fact(name="legal_status", domain=tuple(LegalStatus), says="its legal status", may_be_unknown=False),
    Fact(name="standing", domain=tuple(Standing), says="its standing with the hub", may_be_unknown=False),
    Fact(name="concern", domain=tuple(Concern), says="why the message concerns it", may_be_unknown=False),
    Fact(name="statement", domain=tuple(Statement), says="fact or opinion", may_be_unknown=False),
    Fact(name="scope", domain=tuple(Scope), says="whose list item it is", may_be_unknown=False),
    Fact(name="purpose_registered", domain=_YES_NO, says="it is registered for the purpose"),
    Fact(name="on_team", domain=_YES_NO, says="it is on the Offender Management Team"),
    Fact(name="engaged", domain=_YES_NO, says="it is on the team or has an open referral"),
    Fact(name="own_referral", domain=_YES_NO, says="the message is about a referral it provides"),
    Fact(name="responsible", domain=_YES_NO, says="the person is held in its prison"),
    Fact(name="relevant", domain=_YES_NO, says="the message bears on its own work"),
    Fact(name="from_other_provider", domain=_YES_NO, says="another provider wrote it", may_be_unknown=False),
    Fact(
        name="policy_document",
        domain=_YES_NO,
        says="it has the policy document that sensitive data need (DPA 2018 s.42)",
    ),
    Fact(name="protocol", domain=_YES_NO, says="a protocol is live for the class", by_class=True),
    Fact(
        name="consent",
        domain=("given", "refused", "withdrawn", "expired", "none"),
        says="the person's consent for the class",
        by_class=True,
    ),
    Fact(name="court_order", domain=_YES_NO, says="an order of a court opens the class to it", by_class=True),
    Fact(name="override", domain=_YES_NO, says="an override opens the class to it", by_class=True),
    Fact(name="excluded", domain=_YES_NO, says="its organisation is excluded from the case"),
    Fact(
        name="limited", domain=_YES_NO, says="access is limited, by the case or for it, and it is not named"
    ),
    Fact(
        name="confidential",
        domain=_YES_NO,
        says="the Offender Manager holds the class back from it",
        by_class=True,
    ),
    Fact(name="om_threatened", domain=_YES_NO, says="staff details are held back from it"),
    Fact(name="tier", domain=(1, 2, 3, 4), says="the tier of the case"),
    Fact(name="rosh", domain=tuple(Rosh), says="the risk of serious harm"),
    Fact(name="mappa_level", domain=(0, 1, 2, 3), says="the MAPPA level (0: not under MAPPA)"),
)

FACTS: Mapping[str, Fact] = {fact.name: fact for fact in _LIST}
"""Every fact by name, in the order of a decision's vector."""
SLOT: Mapping[str, int] = {fact.name: slot for slot, fact in enumerate(_LIST)}
"""Where in the vector a fact stands."""
BY_CLASS: tuple[str, ...] = tuple(fact.name for fact in _LIST if fact.by_class)
"""Facts that have a value of their own for each information class."""


_BITS: Mapping[str, Mapping[tuple[bool, Value], int]] = {
    fact.name: {(isinstance(value, bool), value): 1 << index for index, value in enumerate(fact.domain)}
    for fact in _LIST
}


def bit(name: str, value: Value | None) -> int:
    """Return the bit of a value in its fact's domain; 0 when it is not known or not in the domain."""
    return 0 if value is None else _BITS[name].get((isinstance(value, bool), value), 0)


def values_of(name: str, mask: int) -> tuple[Value, ...]:
    """Return the values of a fact that a mask allows."""
    return tuple(value for index, value in enumerate(FACTS[name].domain) if mask >> index & 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """A legal basis: what it is, and the facts without which its gateway is not open."""

    code: str
    says: str
    gateway: tuple[tuple[str, tuple[Value, ...]], ...]
    brings: tuple[str, ...] = ()
    """Obligations that come with whatever is disclosed on it."""


_STATUTORY: tuple[Value, ...] = (LegalStatus.IN_HOUSE, LegalStatus.UNDER_ARRANGEMENTS, LegalStatus.LISTED)
_AUTHORITIES: tuple[Value, ...] = (LegalStatus.IN_HOUSE, LegalStatus.LISTED)

BASES: tuple[Basis, ...] = (
    Basis(code="COURT", says="order of a court", gateway=(("court_order", (True,)),)),
    Basis(
        code="DPA48",
        says="Data Protection Act 2018 s.48(9): duty to tell recipients of wrong data; corrections only",
        gateway=(),
    ),
    Basis(
        code="CJA325",
        says="Criminal Justice Act 2003 s.325: duty to assess and manage risk under MAPPA",
        gateway=(("legal_status", _AUTHORITIES), ("mappa_level", (1, 2, 3))),
    ),
    Basis(
        code="DPA45",
        says="Data Protection Act 2018 s.45: the person's right to what is held about them",
        gateway=(("kind", (Kind.PERSON,)),),
    ),
    Basis(
        code="DPA35T",
        says="Data Protection Act 2018 s.35(2)(b): task of a competent authority",
        gateway=(("legal_status", (LegalStatus.IN_HOUSE,)),),
    ),
    Basis(
        code="OMA14",
        says="Offender Management Act 2007 s.14: offender-management purposes",
        gateway=(("legal_status", _STATUTORY),),
    ),
    Basis(
        code="CDA115",
        says="Crime and Disorder Act 1998 s.115: power to disclose to a relevant authority",
        gateway=(("legal_status", _AUTHORITIES),),
    ),
    Basis(
        code="VITAL",
        says="Data Protection Act 2018 Sch.8 para 3: vital interests of somebody in danger",
        gateway=(("rosh", (Rosh.HIGH, Rosh.VERY_HIGH)),),
        brings=("NOTIFY-OM",),
    ),
    Basis(code="DSP", says="a named information-sharing protocol in force", gateway=(("protocol", (True,)),)),
    Basis(
        code="CONSENT",
        says="the person's consent, in force (Data Protection Act 2018 s.35(2)(a))",
        gateway=(("consent", ("given",)),),
    ),
    Basis(
        code="OVERRIDE",
        says="a recorded decision in the public interest, for a time (common law of confidence)",
        gateway=(("override", (True,)),),
        brings=("NOTIFY-OM",),
    ),
)
"""Narrowest first: court, statutory duty, statutory power, vital interests, agreement, consent, override.

An override comes last, so that a field has it as its basis only where nothing else would let it go: what
overrides have opened can be counted in the ledger.
"""
BASIS: Mapping[str, Basis] = {basis.code: basis for basis in BASES}
BASIS_ORDER: Mapping[str, int] = {basis.code: rank for rank, basis in enumerate(BASES)}

NAMING = ("COURT", "OVERRIDE")
"""Bases that name the recipient and the classes: only these may open whatever class they name."""

WINDOWS: Mapping[str, tuple[str, tuple[Value, ...]]] = {
    "membership": ("on_team", (True,)),
    "protocol": ("protocol", (True,)),
    "consent": ("consent", ("given",)),
}
"""Intervals [from, to) that must contain the moment of decision, and the fact that says so."""

CAVEATS: Mapping[str, str] = {
    "NO-ONWARD-DISCLOSURE": "not to be passed on without the Offender Manager's agreement",
    "ORIGINATOR-CONTROL": "any use beyond this needs the originator's agreement",
    "DESTROY-ON-COMPLETION": "to be destroyed when the work with the person ends",
    "STAFF-SAFETY-ONLY": "for the safety of those who meet the person, no other use",
}

DEFAULT_REASONS: Mapping[str, tuple[str, str]] = {
    "FACT-MISSING": ("A fact that a rule needs is not known; what is not known never discloses.", ""),
    "CONS-NONE": ("It would be disclosed with the person's consent; none is recorded.", ""),
    "CONS-REFUSED": ("The person refused consent.", ""),
    "CONS-WITHDRAWN": ("The person withdrew consent.", ""),
    "CONS-EXPIRED": ("The consent has ended.", ""),
    "LAW-NO-PROTOCOL": ("It would be disclosed under a live protocol for this class; there is none.", ""),
    "LAW-NO-GATEWAY": ("The organisation's legal status opens no gateway for this class.", ""),
    "NEED-NOT-CONCERNED": ("The message does not bear on the recipient's own work.", ""),
    "NEED-NOT-THEIRS": ("The item belongs to another organisation.", ""),
    "NEED-OTHERS-REFERRAL": (
        "Of another provider's referral only what bears on the recipient's work goes.",
        "",
    ),
    "NEED-NOT-HELD-THERE": ("The person is not held in the recipient's prison now.", ""),
    "NEED-NOT-ON-TEAM": ("The recipient has no part in the case now.", ""),
    "BROK-RUNG": ("On this brokerage rung it does not go by default.", ""),
    "NEED-ROLE": ("The recipient's role does not need it.", ""),
    "NEED-NOT-PERMITTED": ("No rule permits it.", ""),
    "NEED-NOTHING-LEFT": ("Nothing the recipient may know is left in the message.", ""),
    "OBL-UNSUPPORTED": (
        "What comes with it cannot be performed: no general form, or no way to acknowledge it.",
        "",
    ),
    "CONTRACT-VIEW": ("The contract with the recipient on this message does not have the field.", ""),
    "CONTRACT-SUNSET": (
        "The recipient's contract on this message has ended; the delivery is parked, both sides are told.",
        "",
    ),
    "CONTRACT-VIEW-UNFIT": (
        "The recipient's contract names fields the schemas no longer have; the delivery is parked.",
        "",
    ),
    "CONTRACT-NO-VERSION": (
        "No schema version the recipient's contract covers is there any more; the delivery is parked.",
        "",
    ),
    "GUARD-WRITE-FAILED": ("It could not be written by the recipient's contract; see the router's log.", ""),
    "TAKEN-BACK": (
        "Its author corrected or took it back, or less may be told now: it stands nowhere more.",
        "",
    ),
    "PLAN-SUPERSEDED": ("A later version of the Sentence Plan is in force; nobody works to this one.", ""),
    "HELD-BACK-BEFORE": ("It was held back when this was decided before; what waits never gets wider.", ""),
    "GUARD-GAP": ("With its number a gap would tell that another item of the list is held back.", ""),
    "GUARD-LEFT-IN": (
        "What was written for the recipient held something kept back; it was stopped before it left.",
        "",
    ),
    "GUARD-NAMED-IN-TEXT": ("The text contains something held back elsewhere in the message.", ""),
}
"""Reasons the engine gives where no rule speaks: words for staff, and for the recipient (none)."""

MESSAGES: tuple[str, ...] = tuple(MessageName)
CLASSES: tuple[str, ...] = tuple(InformationClass)
SUBJECTS: tuple[str, ...] = tuple(Subject)
