"""Reviews the hub triggers in good time: a message of its own to everybody concerned (R-ADM-02, R-MSG-09).

It goes the way of any other message. Its id follows from the deadline that caused it, so that a replay
makes the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.messages.envelope import MessageName
from hub.messages.identifiers import MessageId, derived_id
from hub.messages.read import read
from hub.messages.review import ReviewAction
from hub.routing.concern import concerned
from hub.routing.disclosing import NOTHING_TOLD, Telling, Told, tell
from hub.routing.hub_words import said_by_hub

if TYPE_CHECKING:
    from hub.cases.applied import Announced, Applied
    from hub.cases.case import Case
    from hub.consent.decision import FieldSpec
    from hub.messages.envelope import Submission
    from hub.messages.identifiers import Instant
    from hub.routing.outcome import View
    from hub.routing.reporting import Cause


def announce(before: Case, applied: Applied, *, cause: Cause, view: View, now: Instant) -> Told:
    """Send the word that a review is due to everybody it concerns, the Offender Manager first."""
    told = NOTHING_TOLD
    for review in applied.announced:
        submission, specs = _due(review, before, cause=cause, view=view, now=now)
        body = read(submission)
        to = concerned(submission.envelope, body, before=before, applied=applied, view=view, now=now)
        told += tell(Telling(submission=submission, specs=specs), to, view=view, now=now)
    return told


def _due(
    review: Announced, case: Case, *, cause: Cause, view: View, now: Instant
) -> tuple[Submission, tuple[FieldSpec, ...]]:
    payload = {
        "review": review.review,
        "action": ReviewAction.DUE.value,
        "kind": review.kind.value,
        "at": review.at,
    }
    return said_by_hub(
        MessageName.REVIEW,
        payload,
        identity=MessageId(derived_id("review-due", cause.identity, case.ref, review.review)),
        case=case.ref,
        contracts=view.contracts,
        at=now,
        correlation=cause.correlation,
        causation=cause.message,
    )
