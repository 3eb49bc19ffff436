"""Conditions in which a case should not be: each is reported at once when it comes about.

R-CASE-02 (no Offender Manager), R-CASE-04 (a split in tier 4, or without a reason), R-ADM-07 (grade below
the tier). What a tier asks for stands in the jurisdiction's profile. Cases out of scope are carried without
them (R-CASE-07).
"""

from __future__ import annotations

from operator import attrgetter, is_
from typing import TYPE_CHECKING

from hub.cases import reports, team_reports
from hub.cases.applied import Raised
from hub.cases.membership import current_team, offender_manager
from hub.cases.pre_sentence import is_exempt, lacks_likely_tier
from hub.messages.envelope import Role

if TYPE_CHECKING:
    from hub.cases.applied import Directory
    from hub.cases.case import Case, Member
    from hub.cases.profile import Profile
    from hub.messages.identifiers import Instant

_rests_on = attrgetter("jurisdiction", "closed_at", "allocation", "in_scope", "tier", "team", "continuity")
"""What of a case the conditions look at; a message that leaves all of it alone brings none about."""


def conditions(case: Case, now: Instant, profile: Profile) -> frozenset[str]:
    """Return the codes of the conditions the case is in at `now` by the profile's rules."""
    if case.closed_at is not None or is_exempt(case) or not _is_managed(case, profile):
        return frozenset()
    found = {reports.REPORT_WITHOUT_LIKELY_TIER} if lacks_likely_tier(case) else set()
    manager = offender_manager(case, now)
    if manager is None:
        return frozenset({*found, reports.CASE_WITHOUT_OM})
    if case.tier is None:
        return frozenset(found)
    tier = profile.tier(case.tier)
    if _is_split(case, manager, now):
        if tier.one_person:
            found.add(reports.TIER_4_SPLIT)
        elif case.continuity.split is None:
            found.add(team_reports.SPLIT_UNEXPLAINED)
    if tier.grades and manager.grade not in {None, *tier.grades}:
        found.add(reports.OM_GRADE_BELOW_TIER)
    return frozenset(found)


def newly(
    before: Case | None, after: Case, *, was: Instant, now: Instant, directory: Directory
) -> tuple[Raised, ...]:
    """Return the conditions the case is in now and was not before."""
    if before is not None and was == now and all(map(is_, _rests_on(before), _rests_on(after))):
        return ()
    profile = directory.profile(after.jurisdiction)
    arisen = conditions(after, now, profile)
    if before is not None and arisen:
        if before.jurisdiction != after.jurisdiction:
            profile = directory.profile(before.jurisdiction)
        arisen -= conditions(before, was, profile)
    return tuple(Raised(code=code) for code in sorted(arisen))


def _is_managed(case: Case, profile: Profile) -> bool:
    """Say whether the case has to have an Offender Manager: until known otherwise, but for one under ICM.

    There only the enhanced route has a community-based social worker, and it is stated first (001).
    """
    return case.in_scope is True if profile.integrated is not None else case.in_scope is not False


def _is_split(case: Case, manager: Member, now: Instant) -> bool:
    supervisors = [m for m in current_team(case, now) if m.role is Role.OFFENDER_SUPERVISOR]
    held_by_manager = (manager.organisation, manager.person)
    return bool(supervisors) and all((m.organisation, m.person) != held_by_manager for m in supervisors)
