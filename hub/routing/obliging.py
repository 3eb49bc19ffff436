"""What disclosures oblige to: to be acknowledged, the Offender Manager to be told (R-DIS-01, R-ADM-03)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.cases.case import Awaited
from hub.consent.obligations import ACKNOWLEDGE, NOTIFY_OM, kind_of, period_ms
from hub.consent.outcomes import read_fields
from hub.consent.paths import walk
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.messages.risk_change import RiskUrgency
from hub.routing.outcome import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hub.consent.decision import Candidate, Decision, FieldSpec
    from hub.messages.envelope import Submission
    from hub.routing.outcome import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Unperformed:
    """Something that was there and was withheld, because an obligation with it cannot be performed."""

    candidate: Candidate
    message: MessageName


def unperformed(
    decisions: Iterable[Decision], submission: Submission, specs: Sequence[FieldSpec]
) -> tuple[Unperformed, ...]:
    """Return for whom something really there was withheld because of an obligation."""
    return tuple(_unperformed(decisions, submission, specs))


def _unperformed(
    decisions: Iterable[Decision], submission: Submission, specs: Sequence[FieldSpec]
) -> Iterator[Unperformed]:
    for decision in decisions:
        held = read_fields(decision.fields).unsupported
        if held and any(
            (leaf.path, leaf.scope) in held for leaf in walk(submission.payload, specs, decision.candidate)
        ):
            yield Unperformed(candidate=decision.candidate, message=submission.envelope.message)


def awaited(
    deliveries: Iterable[Delivery], within_ms: Callable[[], int], now: Instant
) -> tuple[Awaited, ...]:
    """Return the deliveries that are to be acknowledged, each with the moment until which.

    Among them every correction: whoever was told something wrong has to have taken in that it was (R-DIS-10).
    `within_ms` gives the tier's time, which holds wherever a rule does not ask for less (R-ADM-03).
    """
    return tuple(
        Awaited(
            delivery=delivery.delivery_id,
            organisation=delivery.organisation,
            role=delivery.role,
            message=delivery.message,
            due_at=Instant(now + min((within_ms(), *periods))),
            since=now,
        )
        for delivery in deliveries
        if (periods := _periods_ms(delivery) if delivery.obligations else ())
        or delivery.message is MessageName.CORRECTION
        or _is_alert(delivery)
    )


def _periods_ms(delivery: Delivery) -> tuple[int, ...]:
    return tuple(period_ms(term) for term in delivery.obligations if kind_of(term) == ACKNOWLEDGE)


def _is_alert(delivery: Delivery) -> bool:
    """Say whether it tells the Offender Manager of a risk that does not wait for the routine (R-RTE-03)."""
    if delivery.urgency is not Urgency.SAFETY or delivery.role is not Role.OFFENDER_MANAGER:
        return False
    return delivery.message is MessageName.PROGRESS or (
        delivery.message is MessageName.RISK_CHANGE
        and delivery.payload.get("urgency") != RiskUrgency.ROUTINE.value
    )


def to_be_told(deliveries: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """Return the deliveries of which the Offender Manager is told: those to somebody else."""
    return tuple(
        delivery
        for delivery in deliveries
        if delivery.obligations
        and NOTIFY_OM in delivery.obligations
        and delivery.role is not Role.OFFENDER_MANAGER
    )
