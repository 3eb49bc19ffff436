"""How a message changes a case: one function per message type, and what holds for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.cases import (
    acknowledgements,
    assessing,
    consents,
    corrections,
    custody,
    delivery,
    enforcing,
    evaluating,
    following,
    icm,
    opening,
    referrals,
    reviews,
    risk,
    scope,
    standing,
    team,
    upkeep,
)
from hub.cases.applied import Applied, Directory, Occasion
from hub.cases.case import Case
from hub.cases.membership import current_team
from hub.cases.refusals import case_closed, case_unknown
from hub.cases.turning import turned
from hub.messages.case import CaseAction, CaseMessage
from hub.messages.envelope import MessageName, Submission
from hub.messages.records import altered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hub.cases.case import Member
    from hub.messages.identifiers import Instant
    from hub.messages.read import Body

CHANGES: Mapping[MessageName, Callable[[Case, Any, Occasion], Applied]] = {
    MessageName.CASE: opening.case_changed,
    MessageName.ASSESSMENT: assessing.assessed,
    MessageName.REFERRAL: referrals.referral_changed,
    MessageName.PROGRESS: delivery.progressed,
    MessageName.RISK_CHANGE: risk.risk_changed,
    MessageName.PLAN: assessing.planned,
    MessageName.APPOINTMENT: delivery.appointed,
    MessageName.PRISON_EVENT: custody.prison_event,
    MessageName.TEAM_CHANGE: team.team_changed,
    MessageName.CONSENT: consents.consent_changed,
    MessageName.ENFORCEMENT: enforcing.enforced,
    MessageName.REVIEW: reviews.reviewed,
    MessageName.EVALUATION: evaluating.evaluated,
    MessageName.CORRECTION: corrections.corrected,
    MessageName.RECEIPT: acknowledgements.received,
}
"""What each message type does; a type not named here is passed on and changes nothing in the case."""
AFTER_CLOSING = frozenset(
    {MessageName.CONSENT, MessageName.EVALUATION, MessageName.CORRECTION, MessageName.RECEIPT}
)
"""What may still be said of a case that is closed."""


def apply(
    case: Case | None, submission: Submission, *, body: Body, now: Instant, directory: Directory
) -> Applied:
    """Return the case after the message, and what follows from it; raises DomainRefusal.

    `body` is the submission's payload as its dataclass.
    """
    at = Occasion(
        envelope=submission.envelope,
        payload=submission.payload,
        now=now,
        directory=directory,
        offset=submission.offset,
    )
    if isinstance(body, CaseMessage) and body.action is CaseAction.OPENED and case is None:
        return _completed(None, opening.opened(body, at), body, at)
    if case is None:
        raise case_unknown()
    if case.closed_at is not None and at.envelope.message not in AFTER_CLOSING:
        raise case_closed()
    change = CHANGES.get(at.envelope.message)
    applied = Applied(case=case) if change is None else change(case, body, at)
    return _completed(case, applied, body, at)


def _completed(before: Case | None, applied: Applied, body: Body, at: Occasion) -> Applied:
    """Add what follows from any change: the version, who came and went, conditions that have arisen."""
    now = at.now
    applied = following.followed(before, applied, body, at)
    applied = icm.followed(before, applied, body, at)
    applied = scope.followed(before, applied, at.directory.profile(applied.case.jurisdiction), now)
    applied = upkeep.kept_up(before, applied, now=now, directory=at.directory)
    version = 1 if before is None else before.version + 1
    case = altered(applied.case, version=version, turn=turned(before, applied.case))
    was = () if before is None else current_team(before, now)
    is_ = was if before is not None and case.team is before.team else current_team(case, now)
    exceptions = (
        *applied.exceptions,
        *assessing.unmanaged(case, at),
        *standing.newly(before, case, was=now, now=now, directory=at.directory),
    )
    if before is not None:
        exceptions = (*exceptions, *risk.crossing(before, case, now))
    return altered(
        applied,
        case=case,
        exceptions=exceptions,
        joiners=_only_in(is_, was),
        leavers=_only_in(was, is_),
    )


def _only_in(team_: tuple[Member, ...], other: tuple[Member, ...]) -> tuple[Member, ...]:
    """Return the members of one team whose place nobody of the other has."""
    if team_ is other:
        return ()
    places = {_place(member) for member in other}
    return tuple(member for member in team_ if _place(member) not in places)


def _place(member: Member) -> tuple[object, ...]:
    return (member.role, member.organisation, member.person, member.referral)
