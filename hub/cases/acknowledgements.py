"""Deliveries whose recipient is to acknowledge them: awaited, answered by a receipt, reported when late.

R-ADM-03 in its first step: an alert nobody has acknowledged in time is reported to the Offender Manager.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines, reports
from hub.cases.applied import Applied, Raised
from hub.messages.receipt import ReceiptLevel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hub.cases.applied import Directory, Ended, Occasion
    from hub.cases.case import Awaited, Case
    from hub.messages.identifiers import Instant
    from hub.messages.receipt import ReceiptMessage

AWAITED_MAX = 500
"""Acknowledgements a case waits for at once."""
TAKEN_IN = frozenset({ReceiptLevel.ACKNOWLEDGED, ReceiptLevel.READ, ReceiptLevel.ACTIONED})
"""What acknowledges: that somebody has taken it in, not that a machine has fetched it."""


def awaiting(applied: Applied, deliveries: Iterable[Awaited], now: Instant) -> Applied:
    """Let the case wait for these to be acknowledged, each once.

    Where it would wait for more than it may keep, the earliest are given up and reported at once.
    """
    case = applied.case
    known = {held.delivery for held in case.awaiting}
    new = {each.delivery: each for each in deliveries if each.delivery not in known}
    if not new:
        return applied
    held = sorted((*case.awaiting, *new.values()), key=lambda each: (each.due_at, each.delivery))
    room = max(0, len(held) - AWAITED_MAX)
    over, kept = held[:room], held[room:]
    return replace(
        applied,
        case=replace(case, awaiting=tuple(kept)),
        timers_set=(
            *applied.timers_set,
            *(
                deadlines.on(deadlines.acknowledgement(each.delivery), each.due_at)
                for each in kept
                if each.delivery in new
            ),
        ),
        timers_cleared=(
            *applied.timers_cleared,
            *(deadlines.acknowledgement(each.delivery) for each in over if each.delivery in known),
        ),
        exceptions=(*applied.exceptions, *(_late(each, now) for each in over)),
    )


def given_up(applied: Applied, deliveries: Collection[str]) -> Applied:
    """Wait no longer for deliveries that nobody gets any more."""
    gone = tuple(held for held in applied.case.awaiting if held.delivery in deliveries)
    if not gone:
        return applied
    kept = tuple(held for held in applied.case.awaiting if held not in gone)
    return replace(
        applied,
        case=replace(applied.case, awaiting=kept),
        timers_cleared=(
            *applied.timers_cleared,
            *(deadlines.acknowledgement(held.delivery) for held in gone),
        ),
    )


def received(case: Case, body: ReceiptMessage, at: Occasion) -> Applied:
    """Take a receipt: the recipient's own ends the waiting; anybody else's, or a mere fetch, does not."""
    answered = tuple(
        held
        for held in case.awaiting
        if held.delivery == body.delivery
        and held.organisation == at.envelope.organisation
        and body.level in TAKEN_IN
    )
    if not answered:
        return Applied(case=case)
    return Applied(
        case=replace(case, awaiting=tuple(held for held in case.awaiting if held not in answered)),
        timers_cleared=tuple(deadlines.acknowledgement(held.delivery) for held in answered),
    )


def overdue(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    """Report what was not acknowledged in time, and wait no longer."""
    late = tuple(
        held
        for held in case.awaiting
        if deadlines.acknowledgement(held.delivery) == due and held.due_at <= now
    )
    if not late:
        return Applied(case=case)
    return Applied(
        case=replace(case, awaiting=tuple(held for held in case.awaiting if held not in late)),
        exceptions=tuple(_late(held, held.due_at) for held in late),
    )


def _late(held: Awaited, due_at: Instant) -> Raised:
    role = held.role.replace("_", " ")
    return Raised(
        code=reports.NOT_ACKNOWLEDGED,
        subject=held.delivery,
        due_at=due_at,
        about=f"It was a {held.message} message, for the {role} of {held.organisation}.",
    )
