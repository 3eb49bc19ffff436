"""Marks in a Sentence Plan what its recipient is responsible for (R-RTE-04; 002 App. B, Case Administrator).

The mark is the hub's: whatever a sender gives in its place goes to nobody. It is made before anything is
decided, so that it is decided, cut and checked like every other field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hub.messages.envelope import MessageName
from hub.messages.records import altered

if TYPE_CHECKING:
    from hub.consent.decision import Candidate
    from hub.messages.envelope import Submission

MARK = "yours"
OBJECTIVES = "objectives"


def highlighted(submission: Submission, candidate: Candidate) -> Submission:
    """Return the message as this recipient is to be told it; anything but a plan as it is."""
    if submission.envelope.message is not MessageName.PLAN:
        return submission
    objectives = submission.payload.get(OBJECTIVES)
    if not isinstance(objectives, list | tuple):
        return submission
    marked = [_marked(each, candidate) for each in objectives]
    if marked == list(objectives):
        return submission
    return altered(submission, payload={**submission.payload, OBJECTIVES: marked}, written=None)


def _marked(objective: object, candidate: Candidate) -> object:
    if not isinstance(objective, Mapping):
        return objective
    own = _is_own(objective, candidate)
    return objective if objective.get(MARK) is own else {**objective, MARK: own}


def _is_own(objective: Mapping[str, object], candidate: Candidate) -> bool | None:
    """Say True where it is the recipient's: of its organisation, and of its role where one is named."""
    if objective.get("organisation") != candidate.organisation:
        return None
    return True if objective.get("role") in {None, candidate.role.value} else None
