"""The single Sentence Plan: only the Offender Manager changes it, version by version (R-PLAN-01)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import keeping
from hub.cases.applied import Applied, Occasion
from hub.cases.case import Case, Plan
from hub.cases.membership import offender_manager
from hub.errors import DomainRefusal
from hub.messages.envelope import Role

if TYPE_CHECKING:
    from hub.messages.plan import PlanMessage


def plan_distributed(case: Case, body: PlanMessage, at: Occasion) -> Applied:
    """Make a version the current one; it must follow the one before and come from the OM."""
    envelope = at.envelope
    manager = offender_manager(case, at.now)
    if (
        envelope.author_role is not Role.OFFENDER_MANAGER
        or manager is None
        or manager.organisation != envelope.organisation
        or envelope.author not in {"", manager.person}
    ):
        code = "PLAN-NOT-BY-OM"
        message = "only the Offender Manager of the case may change its Sentence Plan (002 App. B)"
        raise DomainRefusal(code, message, fix="let the Offender Manager send the version")
    held = 0 if case.plan is None else case.plan.version
    if body.version != held + 1 or body.previous_version not in {None, held}:
        code = "PLAN-VERSION-ORDER"
        message = "the version does not follow the current one of the single Sentence Plan (002 3.48, 3.53)"
        raise DomainRefusal(code, message, fix="fetch the current version and send the next")
    return Applied(case=replace(case, plan=_plan(body, at)))


def _plan(body: PlanMessage, at: Occasion) -> Plan:
    own = (objective.organisation for objective in body.objectives)
    return Plan(
        version=body.version,
        organisations=frozenset(organisation for organisation in own if organisation is not None),
        **keeping.as_said(at),
    )
