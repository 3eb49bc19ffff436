"""Enters on a case who was sent what: versions of the plan, kinds of message (R-PLAN-02, R-CASE-06)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases.held import Copy, stopped, with_copies, with_given
from hub.consent.decision import Concern
from hub.consent.obligations import can_acknowledge
from hub.messages.envelope import MessageName
from hub.messages.records import altered
from hub.routing.outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hub.cases.applied import Applied
    from hub.cases.case import Case
    from hub.messages.identifiers import DeliveryId, MessageId
    from hub.routing.disclosing import Told
    from hub.routing.outcome import Delivery, Settled, View

SUPERSEDED = "PLAN-SUPERSEDED"
"""Gate of a version of the plan that is not worked to any more: what is undelivered of it stops."""
_PLAN = MessageName.PLAN
_UNTOLD = frozenset({MessageName.EXCEPTION, MessageName.RECEIPT})
"""They say nothing of the person that anybody would have to dispose of."""


def entered(applied: Applied, told: Told, *, view: View) -> Applied:
    """Enter on the case what these deliveries give to whom, and from whom a plan was kept back."""
    case, held = applied.case, applied.case.held
    given = {each.organisation for each in told.deliveries if each.message not in _UNTOLD}
    plans = {each.message_id: each for each in told.deliveries if each.message is _PLAN}
    if plans:
        held = with_copies(held, _copies(plans, told, view))
    held = with_given(held, given)
    return applied if held is case.held else altered(applied, case=altered(case, held=held))


def settled_copies(case: Case, settled: Iterable[Settled], replacements: Iterable[Delivery]) -> Case:
    """Return the case after deliveries were stopped or replaced: who holds which version of the plan."""
    narrower = {
        each.grounds.replaces: each.delivery_id
        for each in replacements
        if each.grounds is not None and each.grounds.replaces is not None
    }
    instead: Mapping[str, DeliveryId | None] = {
        each.delivery_id: narrower.get(each.delivery_id)
        for each in settled
        if each.verdict is not Verdict.RELEASE
    }
    held = stopped(case.held, instead) if instead else case.held
    return case if held == case.held else replace(case, held=held)


def _copies(plans: Mapping[MessageId, Delivery], told: Told, view: View) -> Iterator[Copy]:
    """Yield what becomes of a plan for everybody who works to it: those without a part are not asked."""
    versions: dict[MessageId, object] = {
        message: each.source.payload.get("version") for message, each in plans.items()
    }
    sent = {(each.message_id, each.organisation, each.role): each for each in told.deliveries}
    for decision in told.decisions:
        version = versions.get(decision.message)
        if not isinstance(version, int) or decision.candidate.concern is Concern.MOVED:
            continue
        place = (decision.candidate.organisation, decision.candidate.role)
        delivery = sent.get((decision.message, *place))
        organisation = view.organisation(place[0])
        yield Copy(
            organisation=place[0],
            role=place[1],
            version=version,
            delivery=None if delivery is None else delivery.delivery_id,
            answers=organisation is not None and can_acknowledge(organisation),
        )
