"""Appointments, sessions and reviews that should happen: expected, said to have happened, else reported.

R-ADM-01, R-MSG-15; 002 App. B, Case Administrator ("Monitor compliance and report to OM"). That something
was missed is said by a message; here it is about what nobody says anything of.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING

from hub.cases import deadlines, reports
from hub.cases.applied import Applied, Raised
from hub.cases.membership import OPEN_STATES
from hub.cases.work import Expected, ExpectedKind
from hub.messages.appointment import AppointmentAction
from hub.messages.identifiers import Instant
from hub.messages.records import altered

if TYPE_CHECKING:
    from collections.abc import Collection

    from hub.cases.applied import Directory, Ended
    from hub.cases.case import Case
    from hub.messages.appointment import AppointmentMessage
    from hub.messages.progress import ProgressMessage

DAY_MS = 24 * 60 * 60 * 1000
SAID_WITHIN_MS = 3 * DAY_MS
"""How long after its moment somebody has to have said whether it happened; ours: a weekend is in between."""
SAME_MS = 12 * 60 * 60 * 1000
"""A session reported at another hour of the same day is the one expected."""
EXPECTED_MAX = 40
"""What a case expects at once; of more, the earliest are reported and no longer waited for."""


def arranged(case: Case, body: AppointmentMessage, now: Instant) -> Applied:
    """Expect an appointment of a referral, at its new time where it is moved; no more if it is cancelled.

    Whether an appointment that belongs to no referral was kept, no message says: nothing is expected of it.
    """
    gone = [held for held in case.work.expected if _is(held, ExpectedKind.APPOINTMENT, body.appointment)]
    named = body.referral or next((held.referral for held in gone), None)
    new = None
    if body.action is not AppointmentAction.CANCELLED and body.at is not None and named and body.at > now:
        new = expect(ExpectedKind.APPOINTMENT, body.appointment, body.at, referral=named)
    return swapped(Applied(case=case), gone, new, now)


def reported(case: Case, body: ProgressMessage, now: Instant) -> Applied:
    """Take what progress says of sessions: that one took place or was missed, and when the next is."""
    gone = [] if body.attendance is None else _answered(case, body, now)
    if body.next_session_at is None or body.next_session_at <= now:
        return swapped(Applied(case=case), gone, None, now)
    others = (held for held in case.work.expected if held.at > now and held not in gone)
    gone += [held for held in others if _is(held, ExpectedKind.SESSION, body.referral)]
    new = expect(ExpectedKind.SESSION, body.referral, body.next_session_at, referral=body.referral)
    return swapped(Applied(case=case), gone, new, now)


def expect(kind: ExpectedKind, name: str, at: Instant, *, referral: str | None = None) -> Expected:
    """Return something expected at a moment."""
    return Expected(kind=kind, name=name, at=at, due_at=Instant(at + SAID_WITHIN_MS), referral=referral)


def swapped(applied: Applied, gone: Collection[Expected], new: Expected | None, now: Instant) -> Applied:
    """Expect these no more, and one thing in their place; without room, report the earliest at once."""
    case = applied.case
    if new is not None and new in case.work.expected and new not in gone:
        new = None
    if new is None and not gone:
        return applied
    # They are in the order in which they fall due.
    kept = [held for held in case.work.expected if held not in gone] if gone else [*case.work.expected]
    if new is not None:
        insort(kept, new, key=_order)
    room = max(0, len(kept) - EXPECTED_MAX)
    over, kept = kept[:room], kept[room:]
    timers = (deadlines.on(deadlines.expected(new), new.due_at),) if new is not None and new in kept else ()
    return altered(
        applied,
        case=altered(case, work=altered(case.work, expected=tuple(kept))),
        timers_set=(*applied.timers_set, *timers),
        timers_cleared=(*applied.timers_cleared, *map(deadlines.expected, (*gone, *over))),
        exceptions=(*applied.exceptions, *(_not_said(each, case, due_at=now) for each in over)),
    )


def _order(held: Expected) -> tuple[Instant, ExpectedKind, str]:
    """Return by what things expected are put in order: the earliest due first."""
    return (held.due_at, held.kind, held.name)


def without_ended(applied: Applied, now: Instant) -> Applied:
    """Expect nothing more of referrals that have ended."""
    open_ = {each.referral for each in applied.case.referrals if each.state in OPEN_STATES}
    ended = [
        held
        for held in applied.case.work.expected
        if held.referral is not None and held.referral not in open_
    ]
    return swapped(applied, ended, None, now)


def passed(case: Case, due: Ended, now: Instant, _directory: Directory) -> Applied:
    """Report what nobody has said anything of in its time, once."""
    late = tuple(h for h in case.work.expected if deadlines.expected(h) == due and h.due_at <= now)
    raised = tuple(_not_said(held, case, due_at=held.due_at) for held in late)
    return altered(swapped(Applied(case=case), late, None, now), exceptions=raised)


def _answered(case: Case, body: ProgressMessage, now: Instant) -> list[Expected]:
    """Return what a report answers: what was expected about then, else the earliest that was to be by now."""
    own = [held for held in case.work.expected if held.referral == body.referral]
    if body.session_at is not None:
        at = body.session_at
        return [held for held in own if abs(held.at - at) <= SAME_MS]
    earliest = min((held for held in own if held.at <= now), key=lambda held: held.at, default=None)
    return [] if earliest is None else [earliest]


def _is(held: Expected, kind: ExpectedKind, name: str) -> bool:
    return held.kind is kind and held.name == name


def _not_said(held: Expected, case: Case, *, due_at: Instant) -> Raised:
    provider = next((each.provider for each in case.referrals if each.referral == held.referral), None)
    return Raised(
        code=_CODES[held.kind],
        subject=f"{held.kind}/{held.name}/{held.at}",
        due_at=due_at,
        about="" if provider is None else f"It was to be with {provider}.",
    )


_CODES = {
    ExpectedKind.APPOINTMENT: reports.APPOINTMENT_NOT_REPORTED,
    ExpectedKind.SESSION: reports.SESSION_NOT_REPORTED,
    ExpectedKind.REVIEW: reports.REVIEW_NOT_HELD,
}
