"""Risk of serious harm, MAPPA and PPO as registered on the case (R-MSG-03, R-MSG-14, R-CON-05, R-CON-07).

Anyone on the team reports what they see, and it reaches the Offender Manager. What is registered follows
from those who assess: a Key Worker's report raises no level by itself (002 App. B, "The Assessor").
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import reports
from hub.cases.applied import Applied, Occasion, Raised
from hub.cases.case import Case, Mappa, Rosh
from hub.messages.envelope import Role

if TYPE_CHECKING:
    from hub.messages.assessment import AssessmentMessage
    from hub.messages.risk_change import RiskChangeMessage

ASSESSORS = frozenset(
    {
        Role.OFFENDER_MANAGER,
        Role.OFFENDER_SUPERVISOR,
        Role.CASE_ADMINISTRATOR,
        Role.OFFENDER_MANAGEMENT_UNIT,
        Role.SYSTEM,
    }
)
HIGH = frozenset({Rosh.HIGH, Rosh.VERY_HIGH})


def risk_changed(case: Case, body: RiskChangeMessage, at: Occasion) -> Applied:
    """Register the levels stated by somebody who assesses; a Key Worker's word is passed on as such."""
    if at.envelope.author_role not in ASSESSORS:
        return Applied(case=case)
    mappa = case.mappa
    if body.mappa_category is not None and body.mappa_level is not None:
        mappa = Mappa(category=body.mappa_category, level=body.mappa_level)
    return Applied(
        case=replace(
            case,
            rosh=case.rosh if body.rosh_level is None else Rosh(body.rosh_level),
            mappa=mappa,
            prolific=case.prolific if body.ppo is None else body.ppo,
        )
    )


def assessed(case: Case, body: AssessmentMessage, at: Occasion) -> Applied:
    """Register the assessed level; an assessment by somebody else than the OM is reported (R-ADM-07)."""
    by_manager = at.envelope.author_role is Role.OFFENDER_MANAGER and body.made_by_role in {
        None,
        Role.OFFENDER_MANAGER,
    }
    reported = by_manager or case.in_scope is False
    return Applied(
        case=replace(case, rosh=case.rosh if body.rosh_level is None else Rosh(body.rosh_level)),
        exceptions=() if reported else (Raised(code=reports.ASSESSMENT_NOT_BY_OM),),
    )


def crossing(before: Case, after: Case) -> tuple[Raised, ...]:
    """Report a move into or out of high or very high risk of serious harm; nobody's role ends by it."""
    was, is_ = before.rosh in HIGH, after.rosh in HIGH
    if was == is_:
        return ()
    return (Raised(code=reports.ROSH_INTO_HIGH if is_ else reports.ROSH_OUT_OF_HIGH),)
