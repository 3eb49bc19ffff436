"""Who is on the Offender Management Team at a given moment (R-CASE-02, R-CASE-03, R-CASE-06)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases.case import Case, Member, Referral, ReferralState
from hub.messages.envelope import Role

if TYPE_CHECKING:
    from hub.messages.identifiers import Instant, OrganisationId

TEAM_ROLES = frozenset(
    {Role.OFFENDER_MANAGER, Role.OFFENDER_SUPERVISOR, Role.CASE_ADMINISTRATOR, Role.KEY_WORKER}
)
"""Roles on the team; the others follow from the organisation, not from the team."""
APPOINTED_ROLES = TEAM_ROLES | {Role.LINE_MANAGER}
"""Roles somebody is appointed to. A line manager is named on the case without being on its team (003)."""
OPEN_STATES = frozenset(
    {ReferralState.OFFERED, ReferralState.ACCEPTED, ReferralState.WAITING, ReferralState.STARTED}
)
"""States in which a referral still needs its provider."""
ACTIVE_STATES = OPEN_STATES - {ReferralState.OFFERED}
"""States in which the provider has taken the referral on."""


def is_current(member: Member, now: Instant) -> bool:
    """Say whether a membership holds at `now`; the moment it ends is outside it."""
    return member.since <= now and (member.until is None or now < member.until)


def current_team(case: Case, now: Instant) -> tuple[Member, ...]:
    """Return the members of the team whose membership holds at `now`."""
    last = _last[0] if _last else None
    if last is None or last[0] is not case.team or last[1] != now:
        found = tuple(
            [
                each
                for each in case.team
                # What is_current says, said here: this is asked of every message.
                if each.role in TEAM_ROLES and each.since <= now and (each.until is None or now < each.until)
            ]
        )
        last = (case.team, now, found)
        _last[:] = [last]
    return last[2]


_last: list[tuple[tuple[Member, ...], Instant, tuple[Member, ...]]] = []
"""The team asked about last, when, and who of it is current: what a message leads to asks again and again."""


def line_managers(case: Case, now: Instant) -> tuple[Member, ...]:
    """Return the line managers named on the case, of the organisation that manages it now (003 ¶5, ¶7)."""
    managers = (offender_manager(case, now), outgoing_manager(case, now))
    managing = {member.organisation for member in managers if member is not None}
    return tuple(
        member
        for member in case.team
        if member.role is Role.LINE_MANAGER
        and is_current(member, now)
        and (not managing or member.organisation in managing)
    )


def offender_manager(case: Case, now: Instant) -> Member | None:
    """Return the one Offender Manager at `now`, or None (R-CASE-02)."""
    for member in case.team:
        if member.role is Role.OFFENDER_MANAGER and is_current(member, now):
            return member
    return None


def outgoing_manager(case: Case, now: Instant) -> Member | None:
    """Return the Offender Manager who is handing over at `now`, or None (R-CON-03)."""
    handover = case.handover
    return handover.outgoing if handover is not None and now < handover.until else None


def has_role(case: Case, organisation: OrganisationId, role: Role, *, now: Instant) -> bool:
    """Say whether somebody of that organisation holds that role on the team at `now`."""
    for member in case.team:
        if member.role is role and member.organisation == organisation and is_current(member, now):
            return True
    return False


def referral_named(case: Case, name: str | None) -> Referral | None:
    """Return the case's referral of that name, or None."""
    for referral in case.referrals:
        if referral.referral == name:
            return referral
    return None


def open_referrals(case: Case, organisation: OrganisationId) -> tuple[Referral, ...]:
    """Return the referrals an organisation still has a part in."""
    return tuple(
        [each for each in case.referrals if each.provider == organisation and each.state in OPEN_STATES]
    )
