"""Reviews the hub triggers in good time: a message of its own to everybody concerned (R-ADM-02, R-MSG-09).

It goes the way of any other message. Its id follows from the deadline that caused it, so that a replay
makes the same.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from hub.messages.envelope import Envelope, MessageName, Role, Statement, Submission
from hub.messages.identifiers import HUB, MessageId, derived_id
from hub.messages.read import read
from hub.messages.review import ReviewAction
from hub.routing.concern import concerned
from hub.routing.disclosing import Telling, Told, tell

if TYPE_CHECKING:
    from hub.cases.applied import Announced, Applied
    from hub.cases.case import Case
    from hub.messages.identifiers import Instant
    from hub.routing.outcome import View
    from hub.routing.reporting import Cause


def announce(before: Case, applied: Applied, *, cause: Cause, view: View, now: Instant) -> Told:
    """Send the word that a review is due to everybody it concerns, the Offender Manager first."""
    told = Told()
    for review in applied.announced:
        submission = _due(review, before, cause=cause, view=view, now=now)
        specs = view.contracts.fields(MessageName.REVIEW, submission.envelope.contract)
        body = read(submission)
        to = concerned(submission.envelope, body, before=before, applied=applied, view=view, now=now)
        told += tell(Telling(submission=submission, specs=specs), to, view=view, now=now)
    return told


def _due(review: Announced, case: Case, *, cause: Cause, view: View, now: Instant) -> Submission:
    contract = view.contracts.newest(MessageName.REVIEW)
    specs = view.contracts.fields(MessageName.REVIEW, contract)
    payload: dict[str, object] = {spec.path.partition(".")[0].removesuffix("[]"): None for spec in specs}
    payload |= {
        "review": review.review,
        "action": ReviewAction.DUE.value,
        "kind": review.kind.value,
        "at": review.at,
    }
    identity = MessageId(derived_id("review-due", cause.identity, case.ref, review.review))
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    envelope = Envelope(
        message_id=identity,
        message=MessageName.REVIEW,
        contract=contract,
        case=case.ref,
        organisation=HUB,
        author="hub",
        author_role=Role.SYSTEM,
        statement=Statement.FACT,
        occurred_at=now,
        recorded_at=now,
        correlation=cause.correlation or identity,
        causation=cause.message,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
    return Submission(envelope=envelope, payload=payload)
