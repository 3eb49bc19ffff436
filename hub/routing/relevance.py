"""Whether a message bears on a recipient's own work (R-RTE-02, R-RTE-03, R-RTE-05; 002 App. B).

True and False are known; None is not known, and what is not known never widens what somebody gets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.cases.consents import STATES
from hub.cases.membership import ACTIVE_STATES, open_referrals, referral_named
from hub.messages.appointment import AppointmentMessage
from hub.messages.case import CaseAction, CaseMessage
from hub.messages.consent import ConsentMessage
from hub.messages.enforcement import EnforcementMessage
from hub.messages.envelope import Role
from hub.messages.evaluation import EvaluationMessage
from hub.messages.plan import PlanMessage
from hub.messages.prison_event import PrisonEventMessage
from hub.messages.progress import ProgressMessage
from hub.messages.referral import ReferralMessage
from hub.messages.review import ReviewMessage
from hub.messages.risk_change import RiskChangeMessage
from hub.messages.team_change import TeamChangeMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hub.cases.case import Case
    from hub.messages.identifiers import OrganisationId
    from hub.messages.read import Body

ALWAYS = frozenset({Role.OFFENDER_MANAGER, Role.OFFENDER_SUPERVISOR, Role.CASE_ADMINISTRATOR})
"""They hold the whole case together: everything bears on their work."""
FOR_ALL = (PlanMessage, RiskChangeMessage, TeamChangeMessage, ReviewMessage)
"""The one plan, key risk factors, who is on the team, and reviews are every member's business."""
NOT_FOR_PRISON = (ReferralMessage, ProgressMessage, EvaluationMessage)


def is_relevant(body: Body, place: tuple[OrganisationId, Role], *, case: Case) -> bool | None:
    """Say whether a message bears on the work of this role of this organisation; None: not known."""
    organisation, role = place
    if role in ALWAYS or isinstance(body, FOR_ALL):
        return True
    if isinstance(body, ConsentMessage):
        return _names(body, organisation)
    if role is Role.OFFENDER_MANAGEMENT_UNIT:
        return not isinstance(body, NOT_FOR_PRISON)
    to_provider = TO_PROVIDER.get(type(body))
    return None if to_provider is None else to_provider(body, organisation, case)


def relevances(body: type, role: Role) -> tuple[bool | None, ...]:
    """Return what `is_relevant` can say of a message of this type for this role, whatever it says."""
    if role in ALWAYS or body in FOR_ALL:
        return (True,)
    if body is ConsentMessage:
        return (True, False)
    if role is Role.OFFENDER_MANAGEMENT_UNIT:
        return (body not in NOT_FOR_PRISON,)
    if body is CaseMessage:
        return (True, None)
    return (True, False) if body in TO_PROVIDER else (None,)


def _provides(case: Case, organisation: OrganisationId, name: str | None) -> bool:
    referral = referral_named(case, name)
    return referral is not None and referral.provider == organisation


def _is_affected(body: ProgressMessage, organisation: OrganisationId, case: Case) -> bool:
    """Say whether progress elsewhere may impact what this provider delivers (R-RTE-02)."""
    delivered = {referral.category for referral in open_referrals(case, organisation)}
    return any(category in delivered for category in body.affects)


def _names(body: ConsentMessage, organisation: OrganisationId) -> bool:
    """Say whether a consent is about this organisation; what is held back is no business of theirs."""
    if body.action not in STATES:
        return False
    return not body.organisations or organisation in body.organisations


def _spoken_of(body: ReferralMessage | EnforcementMessage, organisation: OrganisationId, case: Case) -> bool:
    return _provides(case, organisation, body.referral)


def _progress(body: ProgressMessage, organisation: OrganisationId, case: Case) -> bool:
    return _provides(case, organisation, body.referral) or _is_affected(body, organisation, case)


def _appointment(body: AppointmentMessage, organisation: OrganisationId, case: Case) -> bool:
    return body.with_organisation == organisation or _provides(case, organisation, body.referral)


def _move(_body: PrisonEventMessage, organisation: OrganisationId, case: Case) -> bool:
    """Say whether the provider has taken somebody on whom the move takes away or brings (R-RTE-05)."""
    return any(referral.state in ACTIVE_STATES for referral in open_referrals(case, organisation))


def _evaluated(body: EvaluationMessage, organisation: OrganisationId, _case: Case) -> bool:
    return any(outcome.organisation == organisation for outcome in body.outcomes)


def _case_closed(body: CaseMessage, _organisation: OrganisationId, _case: Case) -> bool | None:
    return True if body.action is CaseAction.CLOSED else None


TO_PROVIDER: Mapping[type, Callable[[Any, OrganisationId, Case], bool | None]] = {
    ReferralMessage: _spoken_of,
    EnforcementMessage: _spoken_of,
    ProgressMessage: _progress,
    AppointmentMessage: _appointment,
    PrisonEventMessage: _move,
    EvaluationMessage: _evaluated,
    CaseMessage: _case_closed,
}
"""When a message bears on what a provider delivers; of a type not named here that is not known."""
