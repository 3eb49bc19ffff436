"""Exception reports, which the hub itself makes (R-MSG-11, R-ADM-01).

They go the way of any other message: candidates, one decision each, deliveries. Their ids follow from
what caused them, so that a replay makes the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases.applied import Raised
from hub.cases.reports import DELIVERY_PARKED, DETAILS, SAFETY_PARKED, YOUR_DELIVERY_PARKED
from hub.consent.decision import Candidate, Concern
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import MessageId, derived_id
from hub.messages.records import altered, record
from hub.routing.concern import Concerned, attending
from hub.routing.disclosing import NOTHING_TOLD, Telling, Told, tell
from hub.routing.hub_words import said_by_hub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.cases.case import Case
    from hub.consent.decision import FieldSpec
    from hub.messages.envelope import Submission
    from hub.messages.identifiers import Instant
    from hub.routing.outcome import View
    from hub.routing.terms import Parked


@record
class Cause:
    """What the hub reacts to: a message, or a deadline that passed."""

    identity: str
    """The message's id, or the deadline's key: what the ids of the hub's own messages follow from."""
    message: MessageId | None
    correlation: str


def report(exceptions: Iterable[Raised], case: Case, *, cause: Cause, view: View, now: Instant) -> Told:
    """Send exception reports to those who attend to them (R-ADM-01)."""
    told = NOTHING_TOLD
    for raised in exceptions:
        to = attending(case, view, now, code=raised.code, role=raised.role, also_to=raised.also_to)
        told += _reported(raised, to, case, cause=cause, view=view, now=now)
    return told


def report_parked(parked: Iterable[Parked], case: Case, *, cause: Cause, view: View, now: Instant) -> Told:
    """Tell both sides of a delivery that a contract's end kept back: never silently (R-MSG-12).

    An exception report that was itself parked is not reported on: that would have no end. Its ledger
    record stands all the same. Of several messages of one kind, kept from one recipient, one report is made.
    """
    told = NOTHING_TOLD
    once = {
        f"{each.message}/{each.candidate.organisation}/{each.candidate.role}": each
        for each in sorted(parked, key=lambda one: one.safety)
        if each.message is not MessageName.EXCEPTION
    }
    for subject, each in once.items():
        kind, candidate = f"It was a {each.message} message", each.candidate
        whose = f"{kind} for the {candidate.role.replace('_', ' ')} of {candidate.organisation}."
        for code, to, about in (
            (SAFETY_PARKED if each.safety else DELIVERY_PARKED, attending(case, view, now), whose),
            (YOUR_DELIVERY_PARKED, (replace(candidate, concern=Concern.EXCEPTION),), f"{kind}."),
        ):
            raised = Raised(code=code, subject=subject, about=about)
            told += _reported(raised, to, case, cause=cause, view=view, now=now)
    return told


def report_id(raised: Raised, case: Case, cause: Cause) -> MessageId:
    """Return the id of the report made of this, which always follows from the same cause."""
    return MessageId(derived_id("exception", cause.identity, case.ref, raised.code, raised.subject))


def _reported(
    raised: Raised,
    candidates: Iterable[Candidate],
    case: Case,
    *,
    cause: Cause,
    view: View,
    now: Instant,
) -> Told:
    to = tuple(Concerned(candidate=candidate, case=case) for candidate in candidates)
    return report_to(raised, to, case, cause=cause, view=view, now=now)


def report_to(
    raised: Raised,
    to: Iterable[Concerned],
    case: Case,
    *,
    cause: Cause,
    view: View,
    now: Instant,
) -> Told:
    """Send one report to these, each seen in the case as their part in it is."""
    words = " ".join(filter(None, (DETAILS[raised.code], raised.about)))
    said = altered(raised, about=view.profile(case.jurisdiction).said(words))
    submission, specs = _exception(said, case, cause=cause, view=view, now=now)
    telling = Telling(submission=submission, specs=specs)
    return tell(telling, to, view=view, now=now)


def _exception(
    raised: Raised, case: Case, *, cause: Cause, view: View, now: Instant
) -> tuple[Submission, tuple[FieldSpec, ...]]:
    identity = report_id(raised, case, cause)
    payload: dict[str, object] = {
        # Not the message's own id: that one leaves in its pairwise form only.
        "exception": derived_id("exception-reference", identity),
        "code": raised.code,
        "about_message": cause.message,
        "due_at": raised.due_at,
        "detail": raised.about,
        "raised_for_role": (raised.role or Role.OFFENDER_MANAGER).value,
    }
    return said_by_hub(
        MessageName.EXCEPTION,
        payload,
        identity=identity,
        case=case.ref,
        contracts=view.contracts,
        at=now,
        correlation=cause.correlation,
        causation=cause.message,
    )
