"""Who has subscribed to an alert: a candidate like others, and told nothing by that alone (R-RTE-08)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases.membership import offender_manager
from hub.consent.parties import Access, Standing
from hub.consent.subscriptions import ALERTS
from hub.messages.risk_change import RiskChangeMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cases.case import Case
    from hub.consent.subscriptions import Subscription
    from hub.messages.envelope import MessageName
    from hub.messages.identifiers import Instant, OrganisationId
    from hub.messages.read import Body
    from hub.routing.outcome import View


def subscribers(
    message: MessageName, body: Body, case: Case, *, view: View, now: Instant
) -> Iterator[OrganisationId]:
    """Yield the organisations one of whose subscriptions is for this message on this case.

    Only those that may learn of every case that concerns them: others hear of what names them, and a
    subscription of their own does not name them.
    """
    if message not in ALERTS:
        return
    for organisation in view.organisations():
        may = organisation.standing is Standing.ACTIVE and organisation.access is Access.ALL_CASES
        if may and any(is_for(each, message, body, case, now=now) for each in organisation.subscriptions):
            yield organisation.organisation


def is_for(subscription: Subscription, message: MessageName, body: Body, case: Case, *, now: Instant) -> bool:
    """Say whether a subscription is for a message on a case; what is not known does not match."""
    manager = offender_manager(case, now)
    managed_by = None if manager is None else manager.organisation
    urgency = body.urgency if isinstance(body, RiskChangeMessage) else None
    return (
        message in subscription.messages
        and (not subscription.levels or urgency in subscription.levels)
        and subscription.region in {None, case.region}
        and subscription.managed_by in {None, managed_by}
    )
