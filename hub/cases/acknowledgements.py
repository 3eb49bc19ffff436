"""Deliveries whose recipient is to acknowledge them: awaited, answered by a receipt, escalated when late.

R-ADM-03: in how long an alert is to be acknowledged, and who hears of it next if it is not, the tier sets
(002 3.68; hub.cases.profile). Who acknowledges is a role: a receipt counts for the role it names.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from hub.cases import deadlines, reports
from hub.cases.applied import Applied, Raised
from hub.cases.held import with_digests
from hub.messages.identifiers import Instant
from hub.messages.receipt import ReceiptLevel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from hub.cases.applied import Directory, Ended, Occasion
    from hub.cases.case import Awaited, Case
    from hub.cases.profile import Escalation, Tier
    from hub.messages.identifiers import DeliveryId
    from hub.messages.receipt import ReceiptMessage

AWAITED_MAX = 500
"""Acknowledgements a case waits for at once."""
REPORTS_MAX = 20
"""Reports of one delivery by whose receipt it counts as taken on; the earliest."""
TAKEN_IN = frozenset({ReceiptLevel.ACKNOWLEDGED, ReceiptLevel.READ, ReceiptLevel.ACTIONED})
"""What acknowledges: that somebody has taken it in, not that a machine has fetched it."""


def awaiting(applied: Applied, deliveries: Iterable[Awaited], now: Instant) -> Applied:
    """Let the case wait for these to be acknowledged, each once.

    Where it would wait for more than it may keep, the earliest are given up and reported at once.
    """
    case = applied.case
    asked = tuple(deliveries)
    if not asked:
        return applied
    known = {held.delivery for held in case.awaiting}
    new = {each.delivery: each for each in asked if each.delivery not in known}
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


def written(case: Case, views: Mapping[DeliveryId, bytes]) -> Case:
    """Note the digests of what is awaited, and of versions of the plan, as their recipients get them."""
    asked = {*(each.delivery for each in case.awaiting), *(each.delivery for each in case.held.plan)}
    digests = {name: sha256(view).hexdigest() for name, view in views.items() if name in asked}
    if not digests:
        return case
    return replace(
        case,
        held=with_digests(case.held, digests),
        awaiting=tuple(
            replace(held, digest=digests[held.delivery]) if held.delivery in digests else held
            for held in case.awaiting
        ),
    )


def received(case: Case, body: ReceiptMessage, at: Occasion) -> Applied:
    """Take a receipt: the recipient's own ends the waiting, or that of somebody it was escalated to.

    Anybody else's does not, nor that of another role of the same organisation, nor a mere fetch, nor one that
    names another digest: what it speaks of is not what was sent.
    """
    if body.level not in TAKEN_IN:
        return Applied(case=case)
    answered = tuple(held for held in case.awaiting if _answers(held, body, at))
    if not answered:
        return Applied(case=case)
    return Applied(
        case=replace(case, awaiting=tuple(held for held in case.awaiting if held not in answered)),
        timers_cleared=tuple(deadlines.acknowledgement(held.delivery) for held in answered),
    )


def overdue(case: Case, due: Ended, now: Instant, directory: Directory) -> Applied:
    """Report what was not acknowledged in time, then take each step of the escalation as its time comes."""
    steps = directory.profile(case.jurisdiction).tier(case.tier).escalation
    applied = Applied(case=case)
    for held in case.awaiting:
        if deadlines.acknowledgement(held.delivery) == due and held.due_at <= now:
            applied = _escalated(applied, held, steps, now)
    return applied


def drawn_in(applied: Applied, tier: Tier) -> Applied:
    """Let what is awaited be acknowledged or escalated in the time of a tier that has risen."""
    case = applied.case
    sooner = {
        held.delivery: upcoming
        for held in case.awaiting
        if (upcoming := _upcoming(held, tier)) is not None and upcoming < held.due_at
    }
    if not sooner:
        return applied
    kept = tuple(
        replace(held, due_at=sooner[held.delivery]) if held.delivery in sooner else held
        for held in case.awaiting
    )
    timers = (deadlines.on(deadlines.acknowledgement(name), due_at) for name, due_at in sooner.items())
    return replace(applied, case=replace(case, awaiting=kept), timers_set=(*applied.timers_set, *timers))


def reported(case: Case, made: Mapping[DeliveryId, Collection[DeliveryId]]) -> Case:
    """Note the reports that went out on a delivery, so that who takes one of them on ends the waiting."""
    return replace(
        case,
        awaiting=tuple(
            replace(held, reports=(*held.reports, *made.get(held.delivery, ()))[:REPORTS_MAX])
            for held in case.awaiting
        ),
    )


def _answers(held: Awaited, body: ReceiptMessage, at: Occasion) -> bool:
    if body.delivery in held.reports:
        return True
    role = at.envelope.author_role if body.by_role is None else body.by_role
    own = held.organisation == at.envelope.organisation and held.role is role
    same = held.digest is None or body.digest in {None, held.digest}
    return held.delivery == body.delivery and own and same


def _upcoming(held: Awaited, tier: Tier) -> Instant | None:
    """Return when this tier has something reported next; None where that is not known, or nothing is left."""
    if held.since is None:
        return None
    if held.step == 0:
        return Instant(held.since + tier.acknowledge_ms)
    left = _left(tier.escalation, held.taken)
    return Instant(held.since + left[0].after_ms) if left else None


def _left(steps: tuple[Escalation, ...], taken: tuple[str, ...]) -> list[Escalation]:
    """Return the steps not taken yet, the earliest first."""
    return sorted((step for step in steps if _name(step) not in taken), key=lambda step: step.after_ms)


def _name(step: Escalation) -> str:
    return f"{step.role}/{step.after_hours}"


def _escalated(applied: Applied, held: Awaited, steps: tuple[Escalation, ...], now: Instant) -> Applied:
    """Take the steps whose time has come, and wait for the next; after the last one wait no longer.

    The first step of all is the report to the Offender Manager; it is not among those of the tier.
    """
    since = held.due_at if held.since is None else held.since
    come = [step for step in _left(steps, held.taken) if since + step.after_ms <= now]
    raised = [] if held.step else [_late(held, held.due_at)]
    raised += [_step(held, step, since) for step in come]
    taken = (*held.taken, *map(_name, come))
    left = _left(steps, taken)
    case = applied.case
    kept = tuple(each for each in case.awaiting if each is not held)
    timers = applied.timers_set
    if left:
        upcoming = Instant(since + left[0].after_ms)
        kept = (*kept, replace(held, step=len(taken) + 1, taken=taken, due_at=upcoming))
        timers = (*timers, deadlines.on(deadlines.acknowledgement(held.delivery), upcoming))
    return replace(
        applied,
        case=replace(case, awaiting=kept),
        timers_set=timers,
        exceptions=(*applied.exceptions, *raised),
    )


def _late(held: Awaited, due_at: Instant) -> Raised:
    return Raised(code=reports.NOT_ACKNOWLEDGED, subject=held.delivery, due_at=due_at, about=_about(held))


def _step(held: Awaited, step: Escalation, since: Instant) -> Raised:
    return Raised(
        code=reports.ESCALATED,
        subject=f"{held.delivery}/{_name(step)}",
        due_at=Instant(since + step.after_ms),
        about=_about(held),
        role=step.role,
    )


def _about(held: Awaited) -> str:
    return f"It was a {held.message} message, for the {held.role.replace('_', ' ')} of {held.organisation}."
