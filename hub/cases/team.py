"""Somebody joins or leaves the Offender Management Team (R-MSG-06, R-CASE-02, R-CASE-06)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import continuity, deadlines, reports
from hub.cases.applied import Applied, Deadline, Ended, Occasion, Raised
from hub.cases.case import Case, Member, Referral
from hub.cases.membership import APPOINTED_ROLES, OPEN_STATES, referral_named
from hub.cases.pre_sentence import is_kept
from hub.cases.refusals import full, incomplete, referral_unknown
from hub.errors import DomainRefusal
from hub.messages.envelope import MessageName, Role
from hub.messages.needs import NEEDS
from hub.messages.records import altered
from hub.messages.team_change import TeamChangeAction, TeamChangeMessage

if TYPE_CHECKING:
    from hub.messages.identifiers import Instant

MEMBERS_MAX = 200
FORMER_MEMBERS_MAX = 100


def team_changed(case: Case, body: TeamChangeMessage, at: Occasion) -> Applied:
    """Apply a team change: an appointment, an end, a transfer of the OM, a handover."""
    return CHANGES[body.action](case, body, at)


def appointed(case: Case, body: TeamChangeMessage, at: Occasion) -> Applied:
    """Put somebody on the team from the moment given; told again, only the grade changes."""
    member = _member(case, body, at)
    for held in case.team:
        if _same_place(held, member) and held.until is None:
            again = replace(held, grade=member.grade or held.grade)
            return Applied(case=altered(case, team=_swapped(case.team, held, again)))
    if member.role is Role.OFFENDER_MANAGER:
        return continuity.manager_appointed(joined(case, member, at.now), member)
    return joined(case, member, at.now)


def joined(case: Case, member: Member, now: Instant) -> Applied:
    """Add a member; the team keeps the latest of those who left, for what was decided in their time."""
    former = [held for held in case.team if held.until is not None and held.until <= now]
    if len(case.team) - len(former) >= MEMBERS_MAX:
        what = "team members"
        raise full(what, MEMBERS_MAX)
    forgotten = frozenset(former[: max(0, len(former) - FORMER_MEMBERS_MAX)])
    kept = tuple(held for held in case.team if held not in forgotten)
    return Applied(case=altered(case, team=(*kept, member)), timers_set=deadlines.of_membership(member, now))


def ended(case: Case, body: TeamChangeMessage, at: Occasion) -> Applied:
    """Take somebody off the team from the moment given; an OM only as a transfer would be allowed."""
    leaving = [member for member in case.team if _is_meant(member, body)]
    if not leaving:
        code = "MEMBER-UNKNOWN"
        message = "nobody on the team holds that role for that organisation"
        raise DomainRefusal(code, message, fix="name the role, organisation and person as appointed")
    kept = {member.person for member in leaving if is_kept(case, member)}
    if body.role is Role.OFFENDER_MANAGER and kept:
        continuity.check_authority(body, kept)
    return removed(case, leaving, until=body.effective_at or at.now, now=at.now)


def removed(case: Case, leaving: list[Member], *, until: Instant, now: Instant) -> Applied:
    """End the memberships given; whoever had not begun yet never does."""
    team = case.team
    timers: list[Deadline] = []
    cleared: list[Ended] = []
    for member in leaving:
        if member.since > now and until <= member.since:
            team = tuple(held for held in team if held is not member)
            cleared.append(deadlines.membership(deadlines.MEMBERSHIP_START, member))
            continue
        gone = altered(member, until=max(until, member.since))
        team = _swapped(team, member, gone)
        timers += deadlines.of_membership(gone, now)
    return Applied(case=altered(case, team=team), timers_set=tuple(timers), timers_cleared=tuple(cleared))


def key_worker_named(case: Case, referral: Referral, person: str, at: Occasion) -> Applied:
    """Make the Key Worker a provider names a member of the team, in place of an earlier one (R-CASE-05)."""
    serving = [m for m in case.team if m.referral == referral.referral and m.until is None]
    if any(member.person == person for member in serving):
        return Applied(case=case)
    without = removed(case, serving, until=at.now, now=at.now)
    member = Member(
        role=Role.KEY_WORKER,
        organisation=referral.provider,
        person=person,
        since=at.now,
        referral=referral.referral,
    )
    added = joined(without.case, member, at.now)
    return replace(added, timers_cleared=without.timers_cleared)


def handed_over(case: Case, body: TeamChangeMessage, at: Occasion) -> Applied:
    """Extend, shorten or end the handover in progress, or say when what belongs to it is held (R-CON-03).

    A meeting or conference may be said after a handover, too, or where a transfer had none: it is still due.
    """
    going = case.handover is not None and case.handover.until > at.now
    arranges = body.handover_meeting_at is not None or body.conference_at is not None
    if arranges and body.handover_until is None and (going or case.om_transfers > 0):
        return Applied(case=case)
    if case.handover is None or not going:
        code = "HANDOVER-NONE"
        fix = (
            "send TRANSFER_OM with handover_until; after a transfer give handover_meeting_at or conference_at"
        )
        raise DomainRefusal(code, "no handover is in progress (003 ¶8)", fix=fix)
    if body.handover_until is None or body.handover_until <= at.now:
        return Applied(case=replace(case, handover=None), timers_cleared=(deadlines.handover_end(),))
    handover = replace(case.handover, until=body.handover_until)
    return Applied(
        case=replace(case, handover=handover),
        timers_set=(deadlines.on(deadlines.handover_end(), handover.until),),
    )


def transferred(case: Case, body: TeamChangeMessage, at: Occasion) -> Applied:
    """Transfer the case to another Offender Manager, if that is authorised (R-CON-01, R-CON-03, R-CON-04)."""
    incoming = _member(case, replace(body, role=Role.OFFENDER_MANAGER), at)
    outgoing = continuity.check_transfer(case, body, incoming)
    gone = removed(case, [outgoing], until=incoming.since, now=at.now)
    come = joined(gone.case, incoming, at.now)
    after = continuity.with_handover(come.case, body, replace(outgoing, until=incoming.since))
    if after.handover is None and case.handover is not None:
        cleared: tuple[Ended, ...] = (deadlines.handover_end(),)
    else:
        cleared = ()
    timers = (*gone.timers_set, *come.timers_set)
    if after.handover is not None:
        timers = (*timers, deadlines.on(deadlines.handover_end(), after.handover.until))
    return Applied(
        case=continuity.with_protection(after, body, at),
        timers_set=timers,
        timers_cleared=(*gone.timers_cleared, *cleared),
        exceptions=_flags(after) if is_kept(case, outgoing) else (),
    )


CHANGES = {
    TeamChangeAction.APPOINT: appointed,
    TeamChangeAction.END: ended,
    TeamChangeAction.TRANSFER_OM: transferred,
    TeamChangeAction.HANDOVER: handed_over,
}


def _flags(case: Case) -> tuple[Raised, ...]:
    flags = [Raised(code=reports.OM_SECOND_TRANSFER)] if case.om_transfers > 1 else []
    if case.handover is None:
        flags.append(Raised(code=reports.OM_TRANSFER_WITHOUT_HANDOVER))
    return tuple(flags)


def _member(case: Case, body: TeamChangeMessage, at: Occasion) -> Member:
    if body.role is None or body.organisation is None or body.person is None:
        what = "TEAM-CHANGE"
        raise incomplete(what, *NEEDS[MessageName.TEAM_CHANGE]["APPOINT"])
    if body.role not in APPOINTED_ROLES:
        code = "ROLE-NOT-ON-TEAM"
        fix = f"appoint one of {', '.join(sorted(APPOINTED_ROLES))}"
        raise DomainRefusal(code, "nobody is appointed to that role on a team (002 3.51)", fix=fix)
    if body.role is Role.KEY_WORKER:
        referral = referral_named(case, body.referral)
        if referral is None or referral.provider != body.organisation or referral.state not in OPEN_STATES:
            raise referral_unknown()
    return Member(
        role=body.role,
        organisation=body.organisation,
        person=body.person,
        since=at.now if body.effective_at is None else body.effective_at,
        referral=body.referral if body.role is Role.KEY_WORKER else None,
        grade=body.grade,
    )


def _same_place(held: Member, member: Member) -> bool:
    return (
        held.role is member.role
        and held.organisation == member.organisation
        and held.person == member.person
        and held.referral == member.referral
    )


def _is_meant(member: Member, body: TeamChangeMessage) -> bool:
    return (
        member.until is None
        and member.role is body.role
        and member.organisation == body.organisation
        and body.person in {None, member.person}
        and body.referral in {None, member.referral}
    )


def _swapped(team: tuple[Member, ...], old: Member, new: Member) -> tuple[Member, ...]:
    return tuple(new if member is old else member for member in team)
