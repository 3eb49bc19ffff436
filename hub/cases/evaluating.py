"""Evaluation at the end of a case: outcomes against objectives, feedback on every provider (R-MSG-10).

002 App. B: "Complete overall evaluation of outcomes at end of case, in prescribed format; feedback to Service
Managers on impact and quality of service providers".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import reports
from hub.cases.applied import Applied, Raised
from hub.cases.case import ReferralState

if TYPE_CHECKING:
    from hub.cases.applied import Occasion
    from hub.cases.case import Case
    from hub.messages.evaluation import EvaluationMessage
    from hub.messages.identifiers import OrganisationId

WORKED = frozenset({ReferralState.STARTED, ReferralState.COMPLETED, ReferralState.ENDED})
"""States of a referral whose provider has done something that can be evaluated."""


def evaluated(case: Case, body: EvaluationMessage, _at: Occasion) -> Applied:
    """Take an evaluation, and note on whose work there is feedback."""
    said = frozenset(each.organisation for each in body.outcomes if each.organisation is not None)
    told = case.work.evaluated | (said & _providers(case))
    after = replace(case, work=replace(case.work, evaluated=told))
    return Applied(case=after, exceptions=lacking(after) if case.closed_at is not None else ())


def lacking(case: Case) -> tuple[Raised, ...]:
    """Return a report for every provider on whose work there is no feedback though the case is over."""
    if case.in_scope is False:
        return ()
    return tuple(
        Raised(
            code=reports.NOT_EVALUATED,
            subject=provider,
            about=f"There is no feedback on the work of {provider}.",
        )
        for provider in sorted(_providers(case) - case.work.evaluated)
    )


def _providers(case: Case) -> frozenset[OrganisationId]:
    return frozenset(each.provider for each in case.referrals if each.state in WORKED)
