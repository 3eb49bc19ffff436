"""Who may send what on a case: a role held now, by the organisation that sends (R-CASE-06, R-PLAN-01).

Whatever narrows what others learn may come from anyone with a part in the case; what widens it comes from
those who manage the case. Rules on what a message says stand in `hub.cases`; here it is only who says it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.cases.membership import (
    has_role,
    offender_manager,
    open_referrals,
    outgoing_manager,
    referral_named,
)
from hub.cases.movements import ARRIVALS
from hub.consent.parties import EVERY_PRISON, Kind, Organisation, Standing
from hub.messages.case import CaseAction, CaseMessage
from hub.messages.consent import ConsentAction, ConsentMessage
from hub.messages.envelope import MessageName, Role
from hub.messages.prison_event import PrisonEventAction, PrisonEventStatus
from hub.messages.records import record
from hub.messages.referral import ReferralAction, ReferralMessage
from hub.messages.team_change import TeamChangeAction, TeamChangeMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hub.cases.case import Case
    from hub.messages.envelope import Envelope
    from hub.messages.identifiers import Instant
    from hub.messages.prison_event import PrisonEventMessage
    from hub.messages.read import Body

OM, OS, CA = Role.OFFENDER_MANAGER, Role.OFFENDER_SUPERVISOR, Role.CASE_ADMINISTRATOR
KW, OMU, LM = Role.KEY_WORKER, Role.OFFENDER_MANAGEMENT_UNIT, Role.LINE_MANAGER
MANAGING = frozenset({OM, OS, CA})
TAKING_PART = frozenset({*MANAGING, KW, OMU, Role.SERVICE_MANAGER, Role.SYSTEM})
AUTHORS: Mapping[MessageName, frozenset[Role]] = {
    MessageName.CASE: frozenset({OM, CA, LM, Role.SYSTEM}),
    MessageName.ASSESSMENT: frozenset({OM, OS, OMU}),
    MessageName.REFERRAL: frozenset({*MANAGING, KW, Role.SERVICE_MANAGER}),
    MessageName.PROGRESS: frozenset({*MANAGING, KW}),
    MessageName.RISK_CHANGE: TAKING_PART,
    MessageName.PLAN: TAKING_PART,
    MessageName.APPOINTMENT: TAKING_PART,
    MessageName.PRISON_EVENT: frozenset({OM, OS, CA, OMU, Role.SYSTEM}),
    MessageName.TEAM_CHANGE: frozenset({*MANAGING, KW, OMU, LM, Role.SERVICE_MANAGER, Role.SYSTEM}),
    MessageName.CONSENT: frozenset({*TAKING_PART, LM}),
    MessageName.ENFORCEMENT: TAKING_PART,
    MessageName.REVIEW: frozenset({*MANAGING, OMU}),
    MessageName.EVALUATION: frozenset({OM}),
    MessageName.EXCEPTION: frozenset(),
    MessageName.CORRECTION: TAKING_PART,
    MessageName.RECEIPT: TAKING_PART,
}
"""In which roles a message type is written; a plan by another than the OM is refused by a rule of its own."""
WIDENING = frozenset({ConsentAction.GIVEN})
MANAGERS_ONLY = frozenset(
    {
        ConsentAction.EXCLUSION,
        ConsentAction.RESTRICTION,
        ConsentAction.CONFIDENTIALITY,
        ConsentAction.OM_THREATENED,
        ConsentAction.LIFTED,
        ConsentAction.COURT_ORDER,
        ConsentAction.OVERRIDE_APPROVED,
        ConsentAction.BREAK_GLASS_REVIEWED,
    }
)
"""What is held back or opened, and when no longer, the OM or a line manager says (R-DIS-03; 002 3.54)."""
OVERRIDING = frozenset(
    {ConsentAction.OVERRIDE_REQUESTED, ConsentAction.BREAK_GLASS, ConsentAction.GRANT_ENDED}
)
"""Those who manage or supervise the case ask for an override; which of them, the policy says (R-DIS-07)."""
BY_BROKER = frozenset({ReferralAction.OFFER, ReferralAction.WITHDRAW})
BY_EITHER = frozenset({ReferralAction.END})


@record
class Sender:
    """A sender seen against the case as it stands before the message."""

    envelope: Envelope
    organisation: Organisation
    case: Case
    prisons: Callable[[str], object]
    """Gives the organisation that is the prison of a code."""
    now: Instant

    @property
    def role(self) -> Role:
        """The role the author claims."""
        return self.envelope.author_role


def is_entitled(
    envelope: Envelope,
    body: Body,
    *,
    case: Case | None,
    organisation: Organisation | None,
    prisons: Callable[[str], object],
    now: Instant,
) -> bool:
    """Say whether this organisation may send this message on this case in the role its author claims."""
    if organisation is None or organisation.standing is not Standing.ACTIVE:
        return False
    if envelope.message not in organisation.sends or envelope.author_role not in AUTHORS[envelope.message]:
        return False
    if isinstance(body, CaseMessage) and body.action is CaseAction.OPENED:
        return organisation.kind is Kind.PROBATION
    if case is None:
        return False
    sender = Sender(envelope=envelope, organisation=organisation, case=case, prisons=prisons, now=now)
    special = SPECIAL.get(envelope.message, _by_role_held)
    return special(sender, body)


def holds_role(sender: Sender) -> bool:
    """Say whether the sender holds the role it claims, on this case, now."""
    return HELD[sender.role](sender)


def _as_manager(sender: Sender) -> bool:
    """The OM is one person: where the author is named, it is that person, or the one who hands over."""
    author = sender.envelope.author
    holders = (offender_manager(sender.case, sender.now), outgoing_manager(sender.case, sender.now))
    return any(
        member is not None
        and member.organisation == sender.organisation.organisation
        and author in {"", member.person}
        for member in holders
    )


def _as_member(sender: Sender) -> bool:
    return has_role(sender.case, sender.organisation.organisation, sender.role, now=sender.now)


def _as_provider(sender: Sender) -> bool:
    return bool(open_referrals(sender.case, sender.organisation.organisation))


def _as_key_worker(sender: Sender) -> bool:
    return _as_provider(sender) or _as_member(sender)


def _as_holding_prison(sender: Sender) -> bool:
    custody = sender.case.custody
    return (
        sender.organisation.kind is Kind.PRISON
        and custody is not None
        and custody.prison == sender.organisation.organisation
    )


def _as_line_manager(sender: Sender) -> bool:
    """A line manager is of the organisation that holds the OM role, or hands it over."""
    own = sender.organisation.organisation
    manager = offender_manager(sender.case, sender.now)
    outgoing = outgoing_manager(sender.case, sender.now)
    if manager is None:
        return sender.case.opened_by == own
    return own in {manager.organisation, None if outgoing is None else outgoing.organisation}


def _as_administrator(sender: Sender) -> bool:
    """Until the case has an OM, whoever opened it administers it (002 App. B, Case Administrator)."""
    if _as_member(sender):
        return True
    unmanaged = offender_manager(sender.case, sender.now) is None
    return unmanaged and sender.case.opened_by == sender.organisation.organisation


def _as_system(sender: Sender) -> bool:
    if sender.organisation.kind is Kind.PROBATION:
        return _as_line_manager(sender)
    return _as_holding_prison(sender)


HELD: Mapping[Role, Callable[[Sender], bool]] = {
    Role.OFFENDER_MANAGER: _as_manager,
    Role.OFFENDER_SUPERVISOR: _as_member,
    Role.CASE_ADMINISTRATOR: _as_administrator,
    Role.KEY_WORKER: _as_key_worker,
    Role.OFFENDER_MANAGEMENT_UNIT: _as_holding_prison,
    Role.LINE_MANAGER: _as_line_manager,
    Role.SERVICE_MANAGER: _as_provider,
    Role.SYSTEM: _as_system,
}
"""When each role is held; a subscriber writes nothing."""


def _is_prison_service(sender: Sender) -> bool:
    """Say whether the sender is the system of all prisons: an organisation that was registered as such."""
    own = sender.organisation
    return own.kind is Kind.PRISON and own.prison == EVERY_PRISON and sender.role is Role.SYSTEM


def _case(sender: Sender, body: CaseMessage) -> bool:
    """Those who manage the case say what it is; the prison service by which number it knows the person."""
    if _is_prison_service(sender):
        return body == CaseMessage(action=CaseAction.CHANGED, noms_number=body.noms_number)
    return holds_role(sender)


def _by_role_held(sender: Sender, _body: Body) -> bool:
    return holds_role(sender)


def _referral(sender: Sender, body: ReferralMessage) -> bool:
    """A broker offers and withdraws, the provider of that referral answers and reports its course."""
    by_broker = sender.role in MANAGING and holds_role(sender)
    if body.action in BY_BROKER:
        return by_broker
    referral = referral_named(sender.case, body.referral)
    own = sender.organisation.organisation
    by_provider = sender.role not in MANAGING and referral is not None and referral.provider == own
    return by_provider or (by_broker and body.action in BY_EITHER)


def _prison_event(sender: Sender, body: PrisonEventMessage) -> bool:
    """From the prison that holds the person, another on its own part only, the service for every prison.

    How far a prison's own word goes stands in `hub.cases.claims`. Those who manage the case may say that
    somebody has come into a prison, or has not.
    """
    own = sender.organisation
    if own.kind is Kind.PROBATION:
        return sender.role in {OM, CA} and _names_arrival(body) and holds_role(sender)
    if own.kind is not Kind.PRISON:
        return False
    custody = sender.case.custody
    if _is_prison_service(sender):
        return True
    holds = custody is not None and custody.prison == own.organisation
    held = custody is not None and custody.previous == own.organisation
    free = custody is None or custody.prison is None
    receives = _names_arrival(body) and sender.prisons(body.prison_to or "") == own.organisation
    leaves = body.prison_from is not None and sender.prisons(body.prison_from) == own.organisation
    takes_back = body.status is PrisonEventStatus.RETRACTED or body.action is PrisonEventAction.RELEASE_DATE
    speaks_of_itself = leaves or (holds and body.prison_from is None)
    had_a_part = holds or held
    return receives or (speaks_of_itself and (free or had_a_part)) or (had_a_part and takes_back)


def _names_arrival(body: PrisonEventMessage) -> bool:
    return body.action in ARRIVALS and body.prison_to is not None


def _team_change(sender: Sender, body: TeamChangeMessage) -> bool:
    """The OM's organisation sets up the team; a prison or provider names its own people in it."""
    if sender.role in {OM, CA, LM, Role.SYSTEM} and holds_role(sender):
        return True
    if sender.role is OM and _opens_its_team(sender, body):
        return True
    if body.action not in {TeamChangeAction.APPOINT, TeamChangeAction.END}:
        return False
    own_people = body.organisation == sender.organisation.organisation
    if sender.role in {KW, Role.SERVICE_MANAGER}:
        return own_people and body.role is KW and _as_provider(sender)
    return own_people and body.role in {OS, CA} and holds_role(sender)


def _opens_its_team(sender: Sender, body: TeamChangeMessage) -> bool:
    """The first OM may report for duty in person, for the organisation that opened the case."""
    case, envelope = sender.case, sender.envelope
    return (
        offender_manager(case, sender.now) is None
        and body.action is TeamChangeAction.APPOINT
        and case.opened_by == body.organisation == envelope.organisation
    )


def _consent(sender: Sender, body: ConsentMessage) -> bool:
    """Anyone taking part reports a refusal or withdrawal; giving and holding back is for those in charge."""
    if body.action in MANAGERS_ONLY:
        return sender.role in {OM, LM} and holds_role(sender)
    if body.action in OVERRIDING:
        return sender.role in {*MANAGING, LM} and holds_role(sender)
    if body.action in WIDENING:
        return sender.role in {*MANAGING, OMU} and holds_role(sender)
    return holds_role(sender)


def _receipt(sender: Sender, _body: Body) -> bool:
    """Whoever has, or had, a part in the case may say that something arrived."""
    own = sender.organisation.organisation
    custody = sender.case.custody
    return (
        holds_role(sender)
        or any(member.organisation == own for member in sender.case.team)
        or any(referral.provider == own for referral in sender.case.referrals)
        or (custody is not None and own in {custody.prison, custody.previous})
    )


SPECIAL: Mapping[MessageName, Callable[[Sender, Any], bool]] = {
    MessageName.CASE: _case,
    MessageName.REFERRAL: _referral,
    MessageName.PRISON_EVENT: _prison_event,
    MessageName.TEAM_CHANGE: _team_change,
    MessageName.CONSENT: _consent,
    MessageName.RECEIPT: _receipt,
}
"""Message types for which holding the role is not the whole of it."""
