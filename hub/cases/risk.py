"""Risk of serious harm, MAPPA and PPO as registered on the case (R-MSG-03, R-MSG-14, R-CON-05, R-CON-07).

Anyone on the team reports what they see, and it reaches the Offender Manager. What is registered follows
from those who assess: a Key Worker's report raises no level by itself (002 App. B, "The Assessor").
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import keeping, reports
from hub.cases.applied import Applied, Occasion, Raised
from hub.cases.case import Case, Mappa, Risk, Rosh
from hub.cases.membership import offender_manager
from hub.messages.envelope import Role
from hub.messages.identifiers import derived_id
from hub.messages.risk_change import FactorChange, RiskChangeKind, RiskChangeMessage

if TYPE_CHECKING:
    from hub.messages.identifiers import Instant

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
WHO_HOLDS = {
    (
        reports.ROSH_INTO_HIGH,
        "PSO",
    ): "The Offender Manager is a Probation Service Officer, who may keep day-to-day "
    "work as Offender Supervisor under a Probation Officer (003 ¶7).",
    (
        reports.ROSH_OUT_OF_HIGH,
        "PO",
    ): "The Offender Manager is a Probation Officer, who may keep the case, or "
    "oversee it and leave day-to-day work to a Probation Service Officer as Offender Supervisor (003 ¶7).",
}
"""By which way risk of serious harm moved, and the Offender Manager's grade: what 003 ¶7 proposes."""
RISKS_MAX = 40
"""How many reports on risk a case keeps the place of; each is read back whole for whoever joins."""


def risk_changed(case: Case, body: RiskChangeMessage, at: Occasion) -> Applied:
    """Register the levels stated by somebody who assesses; a Key Worker's word is passed on as such."""
    case = replace(case, risks=known_after(case.risks, body, at))
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


def known_after(risks: tuple[Risk, ...], body: RiskChangeMessage, at: Occasion) -> tuple[Risk, ...]:
    """Return what is known of risk after a report, so that a joiner can be given it (R-CASE-06, R-RTE-06).

    The latest word on a kind or factor stands for the earlier ones. That of somebody who assesses ends
    every report on it; a report by anybody else ends only an earlier one by the same organisation.
    """
    said = Risk(kind=body.kind, factor=_factor(body), **keeping.as_said(at))
    earlier = tuple(held for held in risks if not _is_superseded(held, said))
    return earlier if _is_over(body) else _bounded((*earlier, said))


def crossing(before: Case, after: Case, now: Instant) -> tuple[Raised, ...]:
    """Report a move into or out of high or very high risk of serious harm; nobody's role ends by it."""
    was, is_ = before.rosh in HIGH, after.rosh in HIGH
    if was == is_:
        return ()
    manager = offender_manager(after, now)
    grade = None if manager is None else manager.grade
    code = reports.ROSH_INTO_HIGH if is_ else reports.ROSH_OUT_OF_HIGH
    return (Raised(code=code, about=WHO_HOLDS.get((code, grade or ""), "")),)


def _factor(body: RiskChangeMessage) -> str:
    if body.kind is not RiskChangeKind.FACTOR or body.factor is None:
        return ""
    return derived_id("factor", " ".join(body.factor.split()).casefold())


def _is_superseded(held: Risk, by: Risk) -> bool:
    if (held.kind, held.factor) != (by.kind, by.factor):
        return False
    own = not _is_assessed(held) and held.author_organisation == by.author_organisation
    return _is_assessed(by) or own


def _is_over(body: RiskChangeMessage) -> bool:
    """Say whether the message takes a risk away, so that nobody who joins has to learn of it."""
    if body.kind is RiskChangeKind.FACTOR:
        return body.factor_change in {FactorChange.REDUCED, FactorChange.ENDED}
    if body.kind is RiskChangeKind.VULNERABILITY:
        return body.factor_change is FactorChange.ENDED
    return body.kind is RiskChangeKind.PPO and body.ppo is False


def _is_assessed(held: Risk) -> bool:
    return held.author_role in ASSESSORS


def _bounded(risks: tuple[Risk, ...]) -> tuple[Risk, ...]:
    """Return what a case can hold: the assessed before reports, levels before factors, the latest first.

    So no flood of reports crowds out what those who assess have said.
    """
    place = {held.message: number for number, held in enumerate(risks)}
    first = sorted(risks, key=lambda held: (not _is_assessed(held), bool(held.factor), -place[held.message]))
    kept = {held.message for held in first[:RISKS_MAX]}
    return tuple(held for held in risks if held.message in kept)
