"""Derives the facts a decision looks at, from the case, the organisation, the candidate and the moment.

Intervals are [from, to): what begins now counts, what ends now does not (R-DIS-05). What cannot be known
stays None; it is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hub.cases.case import (
    Case,
    ConsentGiven,
    ConsentState,
    ReferralState,
    Restriction,
    RestrictionKind,
)
from hub.cases.grants import Grant, GrantKind
from hub.cases.grants import in_force as grant_in_force
from hub.consent.decision import Candidate
from hub.consent.parties import Access, Kind, Organisation
from hub.consent.purposes import purpose_of
from hub.consent.vocabulary import BY_CLASS, FACTS, Value, bit
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role
from hub.messages.identifiers import Instant

OPEN_REFERRAL = frozenset(
    {ReferralState.OFFERED, ReferralState.ACCEPTED, ReferralState.WAITING, ReferralState.STARTED}
)
"""States in which a provider is still engaged with the person."""
PROVIDER_ROLES = frozenset({Role.KEY_WORKER, Role.SERVICE_MANAGER})
"""Who writes for the provider of an intervention, in house or outside (000)."""
OVERRIDES = frozenset({GrantKind.OVERRIDE, GrantKind.BREAK_GLASS})
"""Grants that are somebody's decision, not a court's."""
_SPEAKS_OF_REFERRAL = frozenset(
    {
        MessageName.REFERRAL,
        MessageName.PROGRESS,
        MessageName.APPOINTMENT,
        MessageName.ENFORCEMENT,
        MessageName.TEAM_CHANGE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Every fact of one decision: those of the message as a whole, and those of each class."""

    whole: Mapping[str, Value | None]
    by_class: Mapping[InformationClass, Mapping[str, Value | None]]
    items_held: tuple[str, ...]
    """Plan objectives the Offender Manager holds back from this candidate (R-DIS-03)."""

    def vector(self) -> list[int]:
        """Return the facts as bits, those of a class still open (0)."""
        return [0 if name in BY_CLASS else bit(name, self.whole.get(name)) for name in FACTS]

    def flat(self, classes: Iterable[InformationClass]) -> dict[str, object]:
        """Return all facts by name for the ledger; those of a class as `protocol.risk`."""
        flat: dict[str, object] = {name: value for name, value in self.whole.items() if name != "scope"}
        for information_class in sorted(set(classes)):
            for name, value in self.by_class[information_class].items():
                flat[f"{name}.{information_class}"] = value
        return flat


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: may this candidate, of this organisation, know this of this case, now."""

    envelope: Envelope
    case: Case
    organisation: Organisation
    candidate: Candidate
    now: Instant
    about: str | None
    """The referral the message is about, where it is about one."""


def facts_of(question: Question) -> Facts:
    """Derive all facts of a question."""
    restrictions = [item for item in question.case.restrictions if in_force(item, question.now)]
    part = _part_in_the_case(question)
    whole: dict[str, Value | None] = {
        **_party(question),
        **part,
        **_held_back(question, restrictions, engaged=part["engaged"] is True),
        "tier": question.case.tier,
        "rosh": question.case.rosh,
        "mappa_level": 0 if question.case.mappa is None else question.case.mappa.level,
    }
    by_class = {name: _of_class(question, restrictions, name) for name in InformationClass}
    items = {
        item.objective
        for item in restrictions
        if item.kind is RestrictionKind.CONFIDENTIALITY and item.objective and _meets(question, item)
    }
    return Facts(whole=whole, by_class=by_class, items_held=tuple(sorted(items)))


def in_force(item: ConsentGiven | Restriction, now: Instant) -> bool:
    """Tell whether an interval contains the moment."""
    return item.since <= now and (item.until is None or now < item.until)


def _party(question: Question) -> dict[str, Value | None]:
    """Facts about the recipient as a party."""
    organisation = question.organisation
    return {
        "role": question.candidate.role,
        "kind": organisation.kind,
        "rung": _rung(question),
        "legal_status": organisation.legal_status,
        "standing": organisation.standing,
        "concern": question.candidate.concern,
        "statement": question.envelope.statement,
        "purpose_registered": purpose_of(question.envelope.message) in organisation.purposes,
        "policy_document": organisation.policy_document,
    }


def _rung(question: Question) -> int:
    """Take the higher of the organisation's rung and that of the referral spoken of: the narrower."""
    organisation = question.organisation
    rungs = [
        referral.rung
        for referral in question.case.referrals
        if referral.referral == question.about and referral.provider == organisation.organisation
    ]
    return max(organisation.rung, *rungs) if rungs else organisation.rung


def _part_in_the_case(question: Question) -> dict[str, Value | None]:
    """Facts about the recipient's own part in the case and the message."""
    case, own, now = question.case, question.organisation.organisation, question.now
    role = question.candidate.role
    on_team = any(
        member.organisation == own
        and member.role is role
        and member.since <= now
        and (member.until is None or now < member.until)
        for member in case.team
    )
    handover = case.handover
    handing_over = (
        handover is not None
        and handover.outgoing.organisation == own
        and handover.outgoing.role is role
        and now < handover.until
    )
    referred = any(item.provider == own and item.state in OPEN_REFERRAL for item in case.referrals)
    return {
        "on_team": on_team or handing_over,
        "engaged": on_team or handing_over or referred,
        "own_referral": _own_referral(question),
        "responsible": case.custody is not None and case.custody.prison == own,
        "relevant": question.candidate.relevant,
        "from_other_provider": question.envelope.author_role in PROVIDER_ROLES
        and question.envelope.organisation != own,
    }


def _own_referral(question: Question) -> bool | None:
    """Tell whether the message is about a referral this organisation provides; None: not said which."""
    if question.about is None:
        return None if question.envelope.message in _SPEAKS_OF_REFERRAL else False
    own = question.organisation.organisation
    return any(item.referral == question.about and item.provider == own for item in question.case.referrals)


def _held_back(
    question: Question, restrictions: Sequence[Restriction], *, engaged: bool
) -> dict[str, Value | None]:
    """Facts about exclusions, limited access and a threatened Offender Manager."""
    excluded = limited = threatened = False
    for item in restrictions:
        if item.kind is RestrictionKind.EXCLUSION:
            excluded = excluded or _meets(question, item)
        elif item.kind is RestrictionKind.RESTRICTION:
            limited = limited or not _let_in(question, item)
        elif item.kind is RestrictionKind.OM_THREATENED:
            threatened = threatened or _meets(question, item)
    return {
        "excluded": excluded,
        "limited": limited or _limited_itself(question, restrictions, engaged=engaged),
        "om_threatened": threatened,
    }


def _limited_itself(question: Question, restrictions: Iterable[Restriction], *, engaged: bool) -> bool | None:
    """Tell whether the organisation's own access keeps it from this case; None where that is not known.

    Named are the team, whoever has an open referral, and those whom a limited access lets in: what those
    who manage the case have said, not what came about by itself.
    """
    organisation = question.organisation
    if organisation.access is not Access.NAMED_CASES:
        return None if organisation.access is None else False
    return not engaged and not any(
        item.kind is RestrictionKind.RESTRICTION and organisation.organisation in item.organisations
        for item in restrictions
    )


def _meets(question: Question, item: Restriction) -> bool:
    """Tell whether a restriction is aimed at the candidate.

    One that names nobody is at every partner, and at the person: a manager threatened is threatened by them.
    """
    if not item.organisations and not item.roles:
        return question.organisation.kind in {Kind.PARTNER, Kind.PERSON}
    return question.organisation.organisation in item.organisations or question.candidate.role in item.roles


def _let_in(question: Question, item: Restriction) -> bool:
    """Tell whether limited access names the candidate; it shuts out neither Offender Manager nor person."""
    if question.organisation.kind is Kind.PERSON:
        return True
    if question.candidate.role is Role.OFFENDER_MANAGER and question.organisation.kind is Kind.PROBATION:
        return True
    return question.organisation.organisation in item.organisations or question.candidate.role in item.roles


def _of_class(
    question: Question, restrictions: Iterable[Restriction], name: InformationClass
) -> dict[str, Value | None]:
    """Facts that each class has for itself: protocol, consent, order, override, confidentiality."""
    granted = {
        grant.kind
        for grant in question.case.grants
        if grant_in_force(grant, question.now) and _opens(question, grant, name)
    }
    return {
        "protocol": any(
            name in item.classes
            and item.since <= question.now
            and (item.until is None or question.now < item.until)
            for item in question.organisation.protocols
        ),
        "consent": _consent(question, name),
        "court_order": GrantKind.COURT_ORDER in granted,
        "override": not granted.isdisjoint(OVERRIDES),
        "confidential": any(
            item.kind is RestrictionKind.CONFIDENTIALITY
            and item.objective is None
            and (not item.classes or name in item.classes)
            and _meets(question, item)
            for item in restrictions
        ),
    }


def _opens(question: Question, grant: Grant, name: InformationClass) -> bool:
    """Tell whether a grant covers this class, recipient and purpose; what it does not name stays shut."""
    return (
        name in grant.classes
        and grant.organisation == question.organisation.organisation
        and (not grant.roles or question.candidate.role in grant.roles)
        and (not grant.purposes or purpose_of(question.envelope.message) in grant.purposes)
    )


def _consent(question: Question, name: InformationClass) -> Value:
    """Return what the person's word on this class, organisation and purpose now amounts to.

    The latest word stands; of two spoken at the same moment the one that holds back more. A consent that
    was given and has run out is expired.
    """
    spoken = [item for item in question.case.consents if _covers(question, item, name)]
    if not spoken:
        return "none"
    latest = max(item.since for item in spoken)
    states = {_state(item, question.now) for item in spoken if item.since == latest}
    for state in ("withdrawn", "refused", "expired"):
        if state in states:
            return state
    return "given"


def _covers(question: Question, item: ConsentGiven, name: InformationClass) -> bool:
    """Tell whether a word of the person speaks of this class, organisation and purpose, and has begun."""
    says_no = item.state in {ConsentState.REFUSED, ConsentState.WITHDRAWN}
    return (
        item.since <= question.now
        and (name in item.classes or (says_no and not item.classes))
        and (not item.purposes or purpose_of(question.envelope.message) in item.purposes)
        and (item.organisation is None or item.organisation == question.organisation.organisation)
    )


def _state(item: ConsentGiven, now: Instant) -> str:
    """Return the state of one consent at the moment, its window applied."""
    if item.state is ConsentState.GIVEN and not in_force(item, now):
        return "expired"
    return str(item.state).lower()
