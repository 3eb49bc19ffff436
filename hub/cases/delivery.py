"""The work itself: progress, appointments, enforcement, reviews; it changes no team and no plan.

What is checked is that it belongs to the case; what is raised is what the Offender Manager must act on
(R-MSG-02, R-MSG-08, R-MSG-15, R-ADM-01, R-ADM-05).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases import reports
from hub.cases.applied import Applied, Occasion, Raised
from hub.cases.membership import referral_named
from hub.cases.refusals import referral_unknown
from hub.errors import DomainRefusal
from hub.messages.enforcement import EnforcementAction, EnforcementMessage
from hub.messages.envelope import Role
from hub.messages.progress import Attendance, ProgressMessage

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.messages.appointment import AppointmentMessage


def progressed(case: Case, body: ProgressMessage, at: Occasion) -> Applied:
    """Take progress on a referral of the case that its sender provides; report a missed session."""
    _check_referral(case, body.referral, at)
    if body.attendance is not Attendance.UNACCEPTABLE_ABSENCE:
        return Applied(case=case)
    missed = Raised(code=reports.MISSED_SESSION, subject=body.referral, due_at=body.session_at)
    return Applied(case=case, exceptions=(missed,))


def appointed(case: Case, body: AppointmentMessage, at: Occasion) -> Applied:
    """Take an appointment; where it names a referral, that is one of the case."""
    if body.referral is not None:
        _check_referral(case, body.referral, at)
    return Applied(case=case)


def enforced(case: Case, body: EnforcementMessage, at: Occasion) -> Applied:
    """Take a step of enforcement; anyone reports, only the Offender Manager decides (R-ADM-05)."""
    if body.referral is not None:
        _check_referral(case, body.referral, at)
    decides = body.action is EnforcementAction.DECISION or body.decision is not None
    if decides and at.envelope.author_role is not Role.OFFENDER_MANAGER:
        code = "ENFORCEMENT-NOT-BY-OM"
        message = "only the Offender Manager decides on enforcement (002 App. B)"
        raise DomainRefusal(code, message, fix="report the non-compliance; the OM decides what follows")
    return Applied(case=case)


def _check_referral(case: Case, name: str, at: Occasion) -> None:
    """Refuse a referral the case does not have, or that a Key Worker's organisation does not provide."""
    referral = referral_named(case, name)
    if referral is None:
        raise referral_unknown()
    by_provider = at.envelope.author_role in {Role.KEY_WORKER, Role.SERVICE_MANAGER}
    if by_provider and referral.provider != at.envelope.organisation:
        raise referral_unknown()
