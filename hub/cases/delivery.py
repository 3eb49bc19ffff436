"""The work itself: progress and appointments; it changes no team and no plan.

What is checked is that it belongs to the case; what is raised is what the Offender Manager must act on
(R-MSG-02, R-MSG-15, R-ADM-01).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases import expecting, reports
from hub.cases.applied import Applied, Raised
from hub.cases.case import Rosh
from hub.cases.membership import referral_named
from hub.cases.refusals import referral_unknown
from hub.messages.envelope import Role
from hub.messages.progress import Attendance, ProgressKind, ProgressMessage
from hub.messages.records import altered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cases.applied import Occasion
    from hub.cases.case import Case
    from hub.messages.appointment import AppointmentMessage

LOWER = frozenset({Rosh.LOW, Rosh.MEDIUM})
"""Registered levels with which a concern about harm is at odds."""


def progressed(case: Case, body: ProgressMessage, at: Occasion) -> Applied:
    """Take progress on a referral of the case that its sender provides, and report what must be acted on."""
    check_referral(case, body.referral, at)
    applied = expecting.reported(case, body, at.now)
    raised = tuple(_to_act_on(case, body))
    return altered(applied, exceptions=(*applied.exceptions, *raised)) if raised else applied


def appointed(case: Case, body: AppointmentMessage, at: Occasion) -> Applied:
    """Take an appointment; where it names a referral, that is one of the case."""
    if body.referral is not None:
        check_referral(case, body.referral, at)
    return expecting.arranged(case, body, at.now)


def _to_act_on(case: Case, body: ProgressMessage) -> Iterator[Raised]:
    """Yield what the Offender Manager has to decide on, or to hold against the assessment (002 App. B)."""
    if body.attendance is Attendance.UNACCEPTABLE_ABSENCE:
        yield Raised(code=reports.MISSED_SESSION, subject=body.referral, due_at=body.session_at)
    if body.kind is ProgressKind.NON_COMPLIANCE:
        yield Raised(code=reports.NON_COMPLIANCE, subject=body.referral, due_at=body.session_at)
    if body.at_odds is True or (body.concern_about_harm is True and case.rosh in LOWER):
        yield Raised(code=reports.AT_ODDS, subject=body.referral)


def check_referral(case: Case, name: str, at: Occasion) -> None:
    """Refuse a referral the case does not have, or that a Key Worker's organisation does not provide."""
    referral = referral_named(case, name)
    if referral is None:
        raise referral_unknown()
    by_provider = at.envelope.author_role in {Role.KEY_WORKER, Role.SERVICE_MANAGER}
    if by_provider and referral.provider != at.envelope.organisation:
        raise referral_unknown()
