"""Sets going what the disclosures of a record oblige to, once all are decided (R-DIS-01, R-ADM-03)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases.acknowledgements import awaiting, given_up, reported
from hub.cases.applied import Applied, Raised
from hub.cases.membership import referral_named
from hub.cases.reports import (
    DISCLOSURE_NOTICE,
    ESCALATED,
    NOT_ACKNOWLEDGED,
    NOT_DISCLOSABLE,
    REFERRAL_NOT_TOLD,
)
from hub.messages.identifiers import DeliveryId
from hub.messages.referral import ReferralAction, ReferralMessage
from hub.routing.holding import entered, settled_copies
from hub.routing.obliging import awaited, to_be_told
from hub.routing.outcome import Verdict
from hub.routing.reporting import report, report_id, report_parked
from hub.routing.terms import PARKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hub.cases.case import Awaited, Case
    from hub.messages.envelope import MessageName, Role
    from hub.messages.identifiers import Instant, OrganisationId
    from hub.messages.read import Body
    from hub.routing.disclosing import Told
    from hub.routing.outcome import Delivery, Settled, View
    from hub.routing.reporting import Cause


def settle(applied: Applied, told: Told, *, cause: Cause, view: View, now: Instant) -> tuple[Applied, Told]:
    """Report what has to be reported of these deliveries, and let the case wait for acknowledgements.

    Returns:
        The case with what it waits for now, and everything told, the reports among it.
    """
    before = len(applied.exceptions)
    made = _reports_on(applied, told, cause) if applied.exceptions else {}
    if made:
        applied = replace(applied, case=reported(applied.case, made))
    applied = awaiting(applied, awaited(told.deliveries, _within(applied.case, view), now), now)
    applied = entered(applied, told, view=view)
    if told.parked:
        told += report_parked(told.parked, applied.case, cause=cause, view=view, now=now)
    case, late = applied.case, applied.exceptions[before:]
    unable = tuple(_unperformed(told)) if told.unperformed else ()
    notices = [
        _only_with(delivery, report((raised,), case, cause=cause, view=view, now=now))
        for delivery, raised in _notices(told)
    ]
    told += report(late, case, cause=cause, view=view, now=now)
    told = sum(notices, start=told)
    return applied, told + report(unable, case, cause=cause, view=view, now=now)


def settle_again(
    case: Case, settled: Sequence[Settled], replacements: Sequence[Delivery], *, view: View, now: Instant
) -> Applied:
    """Wait no longer for what was stopped or replaced to be acknowledged, but for what is in its place.

    The Offender Manager was told of the disclosure when it was first decided; less than that is no new one.
    What takes the place of an alert is waited for as long as the alert would have been, and escalates with
    it: else a case that keeps changing would never escalate.
    """
    gone = frozenset(each.delivery_id for each in settled if each.verdict is not Verdict.RELEASE)
    waited_for = {held.delivery: held for held in case.awaiting}
    # Asked twice, a delivery is replaced twice, and only the first replacement is ever entered.
    new = {
        each.delivery_id: waited_for[each.grounds.replaces]
        for each in replacements
        if each.grounds is not None and each.grounds.replaces in waited_for
    }
    case = settled_copies(case, settled, replacements)
    held = awaited([each for each in replacements if each.delivery_id in new], _within(case, view), now)
    instead = (_in_place_of(new[each.delivery], each) for each in held)
    return awaiting(given_up(Applied(case=case), gone), instead, now)


def _in_place_of(before: Awaited, after: Awaited) -> Awaited:
    since, due_at = before.since, min(before.due_at, after.due_at)
    return replace(
        after, since=since, due_at=due_at, step=before.step, taken=before.taken, reports=before.reports
    )


def _within(case: Case, view: View) -> Callable[[], int]:
    """Return what gives the time in which the case's tier has an alert acknowledged."""
    return lambda: view.profile(case.jurisdiction).tier(case.tier).acknowledge_ms


def _reports_on(applied: Applied, told: Told, cause: Cause) -> dict[DeliveryId, tuple[DeliveryId, ...]]:
    """Return the reports just made, by the delivery that nobody acknowledged."""
    made: dict[DeliveryId, tuple[DeliveryId, ...]] = {}
    for raised in applied.exceptions:
        if raised.code in {NOT_ACKNOWLEDGED, ESCALATED}:
            on, report_ = DeliveryId(raised.subject.partition("/")[0]), report_id(raised, applied.case, cause)
            sent = (each.delivery_id for each in told.deliveries if each.message_id == report_)
            made[on] = (*made.get(on, ()), *sent)
    return made


def _notices(told: Told) -> Iterator[tuple[Delivery, Raised]]:
    """Yield a notice for every disclosure the Offender Manager is to be told of, with what it tells of."""
    for delivery in to_be_told(told.deliveries):
        about = _about(delivery.message, delivery.role, delivery.organisation)
        yield delivery, Raised(code=DISCLOSURE_NOTICE, subject=delivery.delivery_id, about=about)


def _only_with(delivery: Delivery, notice: Told) -> Told:
    """Let a notice go only if what it tells of goes: whether that can be written is known later."""
    reports = dict.fromkeys(each.message for each in notice.decisions)
    return replace(notice, only_with=tuple((each, delivery.delivery_id) for each in reports))


def not_told(body: Body, case: Case, told: Told) -> Iterator[Raised]:
    """Yield a report where a provider may not be told of the referral it is offered (R-REF-03).

    Nobody would wait for its answer in vain for weeks. What its contract's end kept back is reported as that.
    """
    if not isinstance(body, ReferralMessage) or body.action is not ReferralAction.OFFER:
        return
    referral = referral_named(case, body.referral)
    if referral is None or any(each.organisation == referral.provider for each in told.deliveries):
        return
    for decision in told.decisions:
        if decision.candidate.organisation == referral.provider and decision.gate not in PARKED:
            about = f"It was to go to {referral.provider}; the reason is {decision.gate}."
            yield Raised(code=REFERRAL_NOT_TOLD, subject=body.referral, about=about)
            return


def _unperformed(told: Told) -> Iterator[Raised]:
    """Yield a report for everybody from whom something was withheld for want of a way to oblige them."""
    once: dict[tuple[MessageName, OrganisationId, Role], None] = dict.fromkeys(
        (each.message, each.candidate.organisation, each.candidate.role) for each in told.unperformed
    )
    for message, organisation, role in once:
        about = _about(message, role, organisation)
        subject = f"{message}/{organisation}/{role}"
        yield Raised(code=NOT_DISCLOSABLE, subject=subject, about=about)


def _about(message: MessageName, role: str, organisation: str) -> str:
    return f"It was a {message} message, for the {role.replace('_', ' ')} of {organisation}."
