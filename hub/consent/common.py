"""What a message and its case say whoever the recipient is: worked out once, for all its recipients.

The router decides for the recipients of a message one after the other, by the same case at the same moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.cases.case import ReferralState
from hub.consent.restrictions import in_force
from hub.consent.vocabulary import Value
from hub.messages.envelope import Role
from hub.messages.identifiers import framed
from hub.messages.records import maker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub.cases.case import Case, Restriction
    from hub.messages.envelope import Envelope, InformationClass
    from hub.messages.identifiers import Instant, OrganisationId

OPEN_REFERRAL = frozenset(
    {ReferralState.OFFERED, ReferralState.ACCEPTED, ReferralState.WAITING, ReferralState.STARTED}
)
"""States in which a provider is still engaged with the person."""
PROVIDER_ROLES = frozenset({Role.KEY_WORKER, Role.SERVICE_MANAGER})
"""Who writes for the provider of an intervention, in house or outside (000)."""
_DECISION = framed("decision")


Column = tuple[Value | None, ...]
"""One fact of several classes, in the order of the classes."""


@dataclass(slots=True, eq=False)
class Consents:
    """What the person's word on some classes amounts to for every recipient, and what shows it."""

    classes: tuple[InformationClass, ...]
    column: Column
    shown: tuple[str | None, ...] | None = None
    """What shows those given, worked out when it is first asked."""


@dataclass(slots=True, eq=False, kw_only=True)
class Common:
    """What a message and its case come to at one moment."""

    envelope: Envelope
    case: Case
    now: Instant
    about: str | None
    spoken_of: Mapping[OrganisationId, int]
    """Who provides the referral the message is about, and on which rung."""
    on_team: Sequence[tuple[OrganisationId, Role]]
    """Who is on the team now, or hands over to it."""
    providing: Sequence[OrganisationId]
    """Who provides a referral that is open."""
    prison: OrganisationId | None
    """The prison the person is held in."""
    by_provider: bool
    """Whether a provider wrote the message."""
    mappa_level: int
    restrictions: tuple[Restriction, ...]
    """Those in force."""
    words_for_all: bool
    """Whether no word of the person is to one organisation alone."""
    id_begins: bytes
    """How what a decision's id is made of begins, with the message,"""
    id_ends: bytes
    """and how it ends, with the case's version and the moment."""
    plain: bool
    """Whether neither grants, restrictions nor a word to one organisation alone tell recipients apart."""
    consents: Consents | None = None
    """Worked out when they are first asked for."""
    columns: tuple[tuple[InformationClass, ...], tuple[Column, ...]] | None = None
    """The facts of these classes for whoever has no protocol, worked out when they are first asked for."""


_make = maker(Common)
_last: list[Common] = []
"""What was worked out last: for the message that is being decided on."""


def common(envelope: Envelope, case: Case, now: Instant, about: str | None) -> Common:
    """Return what a message and its case come to for all its recipients; the last answer is kept."""
    for found in _last:
        if found.case is case and found.envelope is envelope and found.now == now and found.about == about:
            return found
    made = _common(envelope, case, now, about)
    _last[:] = (made,)
    return made


def _common(envelope: Envelope, case: Case, now: Instant, about: str | None) -> Common:
    on_team = [
        (item.organisation, item.role)
        for item in case.team
        if item.since <= now and (item.until is None or now < item.until)
    ]
    handover = case.handover
    if handover is not None and now < handover.until:
        on_team.append((handover.outgoing.organisation, handover.outgoing.role))
    spoken_of: dict[OrganisationId, int] = {}
    for item in case.referrals if about is not None else ():
        if item.referral == about:
            spoken_of[item.provider] = max(item.rung, spoken_of.get(item.provider, item.rung))
    restrictions = tuple([item for item in case.restrictions if in_force(item, now)])
    words_for_all = not [item for item in case.consents if item.organisation is not None]
    return _make(
        envelope=envelope,
        case=case,
        now=now,
        about=about,
        spoken_of=spoken_of,
        on_team=on_team,
        providing=[item.provider for item in case.referrals if item.state in OPEN_REFERRAL],
        prison=None if case.custody is None else case.custody.prison,
        by_provider=envelope.author_role in PROVIDER_ROLES,
        mappa_level=0 if case.mappa is None else case.mappa.level,
        restrictions=restrictions,
        words_for_all=words_for_all,
        plain=words_for_all and not restrictions and not case.grants,
        id_begins=_DECISION + framed(envelope.message_id),
        id_ends=framed(str(case.version)) + framed(str(now)),
    )
