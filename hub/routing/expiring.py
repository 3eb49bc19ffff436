"""Reports what nobody has collected in its time: to whoever manages the case, and to its sender (R-DEL-02).

Nothing is decided again. Who did not collect is told to those who attend to the case, for they know its team.
Its sender is told only that the Offender Manager did not: that a case has one is known to all; who else is on
it, and gets what is sent, is not (decision 0013). An exception report that was not collected is not reported
on: that would have no end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases.applied import Raised
from hub.cases.reports import EXPIRED, NOT_COLLECTED, YOUR_MESSAGE_EXPIRED
from hub.consent.decision import Candidate, Concern
from hub.messages.envelope import MessageName, Role, Uncollected
from hub.routing.concern import Concerned, attending
from hub.routing.disclosing import NOTHING_TOLD
from hub.routing.reporting import Cause, report_to

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.messages.envelope import Redecide, Undelivered
    from hub.messages.identifiers import Instant
    from hub.routing.disclosing import Told
    from hub.routing.outcome import View

_CODES = {Uncollected.LATE: NOT_COLLECTED, Uncollected.EXPIRED: EXPIRED}


def uncollected(asked: Redecide, case: Case, *, view: View, now: Instant) -> Told:
    """Return the reports on deliveries nobody has collected; asked twice, they are the same."""
    told = NOTHING_TOLD
    if asked.uncollected is None or asked.submission.envelope.message is MessageName.EXCEPTION:
        return told
    for each in asked.deliveries:
        told += _reported(asked, asked.uncollected, each, case, view=view, now=now)
    return told


def _reported(
    asked: Redecide, late: Uncollected, each: Undelivered, case: Case, *, view: View, now: Instant
) -> Told:
    envelope = asked.submission.envelope
    cause = Cause(
        identity=f"{late}/{each.delivery_id}", message=envelope.message_id, correlation=envelope.correlation
    )
    kind = f"It was a {envelope.message} message"
    raised = Raised(
        code=_CODES[late],
        subject=each.delivery_id,
        about=f"{kind}, for the {each.role.replace('_', ' ')} of {each.organisation}.",
    )
    managers = each.role is Role.OFFENDER_MANAGER
    # Who does not collect may not collect this report either: then it is the line manager's, too.
    to = attending(case, view, now, role=Role.LINE_MANAGER if managers else None)
    told = report_to(raised, _in(case, to), case, cause=cause, view=view, now=now)
    sender = Candidate(
        organisation=envelope.organisation,
        role=envelope.author_role,
        persons=frozenset(),
        concern=Concern.EXCEPTION,
    )
    known = view.organisation(sender.organisation) is not None
    if late is Uncollected.EXPIRED and managers and known and sender.organisation != each.organisation:
        own = Raised(code=YOUR_MESSAGE_EXPIRED, subject=each.delivery_id, about=f"{kind}.")
        told += report_to(own, _in(case, (sender,)), case, cause=cause, view=view, now=now)
    return told


def _in(case: Case, candidates: tuple[Candidate, ...]) -> tuple[Concerned, ...]:
    return tuple(Concerned(candidate=each, case=case) for each in candidates)
