"""What a message means for a case beyond its own type: who holds the plan, whether continuity holds.

It runs after every message, whichever it was, and looks at the case before and after; so a rule that several
kinds of message bear on stands in one place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines, held
from hub.cases.acknowledgements import TAKEN_IN
from hub.cases.applied import Applied, Occasion, Raised
from hub.cases.case import Case, ReferralState
from hub.cases.dates import iso_date
from hub.cases.engagement import Arranged, Event, happened, lately
from hub.cases.membership import current_team
from hub.cases.pre_sentence import is_kept
from hub.cases.risk import HIGH
from hub.cases.team_reports import (
    DISCONTINUITY_CUSTODY,
    DISCONTINUITY_REQUIREMENT,
    HANDOVER_MEETING_NOT_HELD,
    OM_CHANGED_WITH_STATUS,
    PLAN_NOT_ACKNOWLEDGED,
    TRANSFER_CONFERENCE_NOT_HELD,
)
from hub.messages.case import CaseAction, CaseMessage
from hub.messages.correction import CorrectionMessage
from hub.messages.envelope import Role
from hub.messages.identifiers import Instant
from hub.messages.receipt import ReceiptMessage
from hub.messages.records import altered
from hub.messages.review import ReviewAction, ReviewKind, ReviewMessage
from hub.messages.team_change import TeamChangeAction, TeamChangeMessage, TeamChangeReason

if TYPE_CHECKING:
    from hub.cases.case import Member
    from hub.messages.read import Body

_DAY_MS = 24 * 60 * 60 * 1000
CLOSE_MS = 28 * _DAY_MS
"""A change of Offender Manager so close to an event may be the work of a structure (003 ¶3)."""
PLAN_TAKEN_IN_WITHIN_MS = 10 * _DAY_MS
"""How long the team has to acknowledge a version of the plan; then it is told who has not."""
SPLITTING = frozenset(
    {
        TeamChangeReason.DISTANT_CUSTODY,
        TeamChangeReason.INTENSIVE_PROGRAMME,
        TeamChangeReason.ACUTE_CAPACITY,
    }
)
"""Why management and supervision may be in two hands (002 3.24)."""
PERSONAL = frozenset(
    {
        TeamChangeReason.INCOMPATIBILITY,
        TeamChangeReason.THREATENED,
        TeamChangeReason.COLLUSION,
        TeamChangeReason.LOSS_OF_MOMENTUM,
    }
)
"""Reasons that lie in this one relationship: no structure is behind them (003 ¶4)."""
CONFERENCES = frozenset({ReviewKind.CASE_CONFERENCE, ReviewKind.TRANSFER_REVIEW})
STATUS = frozenset({Event.SENTENCE, Event.PRIORITY, Event.RISK})
CUSTODY = frozenset({Event.RECEPTION, Event.RELEASE})


def followed(before: Case | None, applied: Applied, body: Body, at: Occasion) -> Applied:
    """Add what follows from a message beyond what its own type does."""
    applied = _plan_followed(before, applied, body, at)
    if before is None:
        return applied
    applied = _transfer_followed(before, applied, body, at)
    applied = _split_followed(applied, body)
    exceptions = _structural(before, applied.case, body, at.now)
    continuity = happened(applied.case.continuity, _events(before, applied.case, body), at.now)
    if continuity is applied.case.continuity and not exceptions:
        return applied
    return altered(
        applied,
        case=altered(applied.case, continuity=continuity),
        exceptions=(*applied.exceptions, *exceptions),
    )


def plan_unheld(case: Case, now: Instant) -> tuple[Raised, ...]:
    """Report who is on the case and has not acknowledged the version of the plan in force (R-PLAN-02)."""
    by = case.held.plan_by
    if case.plan is None or case.plan.version <= case.plan_past or by is None or by > now:
        return ()
    serving = {(member.organisation, member.role) for member in current_team(case, now)}
    late = [
        each
        for each in held.behind(case.held, case.plan.version)
        if (each.organisation, each.role) in serving
    ]
    if not late:
        return ()
    names = ", ".join(f"the {each.role.replace('_', ' ')} of {each.organisation}" for each in late)
    about = f"It is version {case.plan.version}, and it is about {names}."
    return (Raised(code=PLAN_NOT_ACKNOWLEDGED, subject="plan", due_at=by, about=about),)


def meeting_missed(case: Case, now: Instant) -> Applied:
    """Report a handover meeting of which nobody has said that it was held (R-CON-03)."""
    by = case.continuity.arranged.meeting_by
    if by is None or by > now:
        return Applied(case=case)
    arranged = replace(case.continuity.arranged, meeting_by=None)
    raised = Raised(code=HANDOVER_MEETING_NOT_HELD, due_at=by)
    return Applied(case=_arranging(case, arranged), exceptions=(raised,))


def conference_missed(case: Case, now: Instant) -> Applied:
    """Report a review case conference that did not follow a transfer (R-CON-03)."""
    by = case.continuity.arranged.conference_by
    if by is None or by > now:
        return Applied(case=case)
    arranged = replace(case.continuity.arranged, conference_by=None)
    raised = Raised(code=TRANSFER_CONFERENCE_NOT_HELD, due_at=by)
    return Applied(case=_arranging(case, arranged), exceptions=(raised,))


def _plan_followed(before: Case | None, applied: Applied, body: Body, at: Occasion) -> Applied:
    """Note a new version of the plan, one that is taken back, and who acknowledges one."""
    case = applied.case
    plan_before = None if before is None else before.plan
    if isinstance(body, ReceiptMessage) and body.level in TAKEN_IN:
        known = held.acknowledged(case.held, body.delivery, at.envelope.organisation, digest=body.digest)
        return replace(applied, case=replace(case, held=known))
    if isinstance(body, CorrectionMessage) and plan_before is not None and not body.fields:
        own = at.envelope.author_role is Role.OFFENDER_MANAGER
        own = own or at.envelope.organisation == plan_before.author_organisation
        if body.corrects == plan_before.message and own:
            return replace(
                applied,
                case=replace(case, plan_past=plan_before.version),
                timers_cleared=(*applied.timers_cleared, deadlines.plan_taken_in()),
            )
    if case.plan is None or (plan_before is not None and case.plan.version == plan_before.version):
        return applied
    by = Instant(at.now + PLAN_TAKEN_IN_WITHIN_MS)
    past = case.plan_past if plan_before is None else plan_before.version
    return altered(
        applied,
        case=altered(case, plan_past=past, held=altered(case.held, plan_by=by)),
        timers_set=(*applied.timers_set, deadlines.on(deadlines.plan_taken_in(), by)),
    )


def _transfer_followed(before: Case, applied: Applied, body: Body, at: Occasion) -> Applied:
    """Arrange what a transfer is to be followed by, and note what has been held of it (003 ¶8)."""
    case = applied.case
    arranged = case.continuity.arranged
    if isinstance(body, ReviewMessage):
        held_now = body.action is ReviewAction.HELD and body.kind in CONFERENCES
        after = altered(arranged, conference_by=None) if held_now else arranged
    elif isinstance(body, TeamChangeMessage) and body.action is TeamChangeAction.TRANSFER_OM:
        ends = None if case.handover is None else case.handover.until
        meeting, conference = body.handover_meeting_at or ends, body.conference_at or ends
        after = Arranged(meeting_by=_to_come(meeting, at), conference_by=_to_come(conference, at))
    elif isinstance(body, TeamChangeMessage) and body.action is TeamChangeAction.HANDOVER:
        ended = None if before.handover is None else before.handover.until
        ends = None if case.handover is None else case.handover.until
        meeting = body.handover_meeting_at or _with_handover(arranged.meeting_by, ended, ends)
        conference = body.conference_at or _with_handover(arranged.conference_by, ended, ends)
        after = Arranged(meeting_by=_to_come(meeting, at), conference_by=_to_come(conference, at))
        applied = replace(applied, exceptions=(*applied.exceptions, *_left_undone(body, arranged, after)))
    else:
        return applied
    return _timed(altered(applied, case=_arranging(case, after)), arranged, after)


def _to_come(when: Instant | None, at: Occasion) -> Instant | None:
    """Return by when something is to be held; a time that has passed says that it was."""
    return when if when is not None and when > at.now else None


def _with_handover(by: Instant | None, ended: Instant | None, ends: Instant | None) -> Instant | None:
    """Move what has no date of its own with the end of the handover; None where that has ended."""
    return ends if by is not None and by == ended else by


def _left_undone(body: TeamChangeMessage, before: Arranged, after: Arranged) -> tuple[Raised, ...]:
    """Report what was to be held by the end of a handover that is ended before it was (003 ¶8)."""
    pairs = (
        (HANDOVER_MEETING_NOT_HELD, body.handover_meeting_at, before.meeting_by, after.meeting_by),
        (TRANSFER_CONFERENCE_NOT_HELD, body.conference_at, before.conference_by, after.conference_by),
    )
    return tuple(
        Raised(code=code)
        for code, said, was, is_ in pairs
        if said is None and was is not None and is_ is None
    )


def _timed(applied: Applied, before: Arranged, after: Arranged) -> Applied:
    """Set the deadlines of what is arranged anew, and clear those of what has been held."""
    pairs = (
        (deadlines.handover_meeting(), before.meeting_by, after.meeting_by),
        (deadlines.transfer_conference(), before.conference_by, after.conference_by),
    )
    set_ = tuple(deadlines.on(what, by) for what, was, by in pairs if by is not None and by != was)
    cleared = tuple(what for what, was, by in pairs if by is None and was is not None)
    return replace(
        applied,
        timers_set=(*applied.timers_set, *set_),
        timers_cleared=(*applied.timers_cleared, *cleared),
    )


def _split_followed(applied: Applied, body: Body) -> Applied:
    """Note why management and supervision are in two hands, where the appointment says so (002 3.24)."""
    case = applied.case
    if not isinstance(body, TeamChangeMessage) or body.role is not Role.OFFENDER_SUPERVISOR:
        return applied
    if body.action is not TeamChangeAction.APPOINT or body.reason not in SPLITTING:
        return applied
    return replace(applied, case=replace(case, continuity=replace(case.continuity, split=body.reason)))


def _events(before: Case, after: Case, body: Body) -> frozenset[Event]:
    """Return what of the sentence's course a message tells."""
    found: set[Event] = set()
    was = before.custody.prison if before.custody is not None else None
    is_ = after.custody.prison if after.custody is not None else None
    if (was is None) != (is_ is None):
        found.add(Event.RELEASE if is_ is None else Event.RECEPTION)
    if before.prolific != after.prolific and before.prolific is not None:
        found.add(Event.PRIORITY)
    if (before.rosh in HIGH) != (after.rosh in HIGH) and before.rosh is not None:
        found.add(Event.RISK)
    if isinstance(body, CaseMessage) and body.action is CaseAction.CHANGED:
        if body.requirements:
            found.add(Event.REQUIREMENT)
        if body.sentence_type is not None or body.sentence_date is not None:
            found.add(Event.SENTENCE)
    return frozenset(found)


def _structural(before: Case, after: Case, body: Body, now: Instant) -> tuple[Raised, ...]:
    """Report a change of Offender Manager that looks like a structure's work (R-CON-06, R-CON-07)."""
    come = _come_as_manager(before, after)
    if come is None or not isinstance(body, TeamChangeMessage) or body.reason in PERSONAL:
        return ()
    events = lately(after.continuity, now, within_ms=CLOSE_MS)
    found: list[str] = []
    if events & CUSTODY or _release_is_close(after, now):
        found.append(DISCONTINUITY_CUSTODY)
    if Event.REQUIREMENT in events or _of_one_requirement(after, come):
        found.append(DISCONTINUITY_REQUIREMENT)
    if events & STATUS:
        found.append(OM_CHANGED_WITH_STATUS)
    return tuple(Raised(code=code) for code in found)


def _come_as_manager(before: Case, after: Case) -> Member | None:
    """Return the Offender Manager a message brings, where there was another before."""
    if after.team is before.team:
        return None
    known = {
        member.person
        for member in before.team
        if member.role is Role.OFFENDER_MANAGER and is_kept(before, member)
    }
    come = [
        member
        for member in after.team
        if member.role is Role.OFFENDER_MANAGER and member.person not in known and member.until is None
    ]
    return come[0] if come and known else None


def _release_is_close(case: Case, now: Instant) -> bool:
    custody = case.custody
    if custody is None or custody.prison is None or custody.release_date is None:
        return False
    today, last = iso_date(now // _DAY_MS), iso_date((now + CLOSE_MS) // _DAY_MS)
    return today <= custody.release_date <= last


def _of_one_requirement(case: Case, manager: Member) -> bool:
    """Say whether one requirement's team takes over a case that has others (003 ¶3)."""
    own = {member.referral for member in case.team if member.person == manager.person and member.referral}
    taken = [each for each in case.referrals if each.state is not ReferralState.DECLINED]
    return bool(own) and len(taken) > len(own)


def _arranging(case: Case, arranged: Arranged) -> Case:
    return altered(case, continuity=altered(case.continuity, arranged=arranged))
