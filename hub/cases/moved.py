"""What a movement that has happened does to the work in progress: referrals, supervision (R-RTE-05).

A transfer, a release or a recall takes the person away from some interventions and towards others (002 3.34
to 3.39); which of them go on is for the Offender Manager to decide, so it is raised and nothing is ended.
A death ends every referral. What turns out to have been wrong brings back what it ended.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines, reports, team
from hub.cases.applied import Applied, Raised
from hub.cases.case import Case, ReferralState
from hub.cases.membership import OPEN_STATES, current_team
from hub.cases.movements import Movement
from hub.cases.profile import Place
from hub.messages.envelope import Role
from hub.messages.prison_event import PrisonEventAction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cases.applied import Deadline, Occasion
    from hub.cases.case import Member, Referral
    from hub.messages.identifiers import Instant

INTO_CUSTODY = frozenset({PrisonEventAction.RECEPTION, PrisonEventAction.RECALL})
NAMED_MAX = 8
"""Providers named in one report."""


def moved(before: Case, after: Case, movement: Movement, at: Occasion) -> Applied:
    """Return what follows from a movement that has just been confirmed."""
    if movement.action is PrisonEventAction.DEATH:
        return _died(after, movement, at)
    exceptions = (*_for_referrals(before, after, movement, at), *_for_supervision(before, after, at))
    return Applied(case=after, exceptions=exceptions)


def brought_back(after: Case, was: Movement, at: Occasion) -> Applied:
    """Bring back what a movement ended that was told wrongly, and report that it was."""
    ended = dict(map(_ended_from, was.ended))
    back = {
        each.referral: replace(each, state=ended[each.referral])
        for each in after.referrals
        if each.referral in ended and each.state is ReferralState.ENDED
    }
    staff = tuple(
        replace(each, until=None) if each.referral in back and each.until == was.ended_at else each
        for each in after.team
    )
    raised = Raised(
        code=reports.MOVEMENT_TAKEN_BACK, subject=was.fact, about=_providers(tuple(back.values()))
    )
    return Applied(
        case=replace(
            after,
            referrals=tuple(back.get(each.referral, each) for each in after.referrals),
            team=staff,
        ),
        exceptions=(raised,),
        timers_set=tuple(_answers(tuple(back.values()), at, ended_at=was.ended_at or at.now)),
    )


def _died(case: Case, movement: Movement, at: Occasion) -> Applied:
    """End every open referral, with the part of whoever delivers it; the Offender Manager closes the case."""
    over = _open(case)
    names = {each.referral for each in over}
    referrals = tuple(
        replace(each, state=ReferralState.ENDED) if each.referral in names else each
        for each in case.referrals
    )
    serving: list[Member] = [each for each in case.team if each.referral in names and each.until is None]
    without = team.removed(replace(case, referrals=referrals), serving, until=at.now, now=at.now)
    noted = replace(movement, ended=tuple(f"{each.state}/{each.referral}" for each in over), ended_at=at.now)
    known = tuple(noted if each == movement else each for each in case.movements.known)
    ended = replace(without.case, movements=replace(case.movements, known=known))
    awaited = tuple(deadlines.answer(each) for each in over if each.state is ReferralState.OFFERED)
    raised = Raised(code=reports.DEATH_REPORTED, subject=movement.fact, about=_providers(over))
    return replace(
        without,
        case=ended,
        exceptions=(raised,),
        timers_cleared=(*without.timers_cleared, *awaited),
    )


def _for_referrals(before: Case, after: Case, movement: Movement, at: Occasion) -> Iterator[Raised]:
    """Ask what becomes of referrals that are open when the person goes somewhere else."""
    was = before.custody and before.custody.prison
    is_ = after.custody and after.custody.prison
    waiting = _open(after)
    if was == is_ or not waiting:
        return
    code = reports.REFERRALS_BETWEEN_PRISONS
    if is_ is None:
        code = reports.REFERRALS_ON_RELEASE
    elif movement.action in INTO_CUSTODY:
        code = reports.REFERRALS_INTO_CUSTODY
    about = _providers(waiting)
    profile = at.directory.profile(after.jurisdiction)
    rules = ((each, profile.interventions.get(each.category or "")) for each in waiting)
    here = Place.COMMUNITY if is_ is None else Place.CUSTODY
    elsewhere = tuple(each for each, rule in rules if rule and rule.best_in not in {None, here})
    if elsewhere:
        other = Place.CUSTODY if is_ is None else Place.COMMUNITY
        about = f"{about} Better delivered in {_where(other)}: {_counted(elsewhere)}."
    yield Raised(code=code, subject=movement.fact, about=about)


def _for_supervision(before: Case, after: Case, at: Occasion) -> Iterator[Raised]:
    """Report an Offender Supervisor of the prison left behind: somebody near has to supervise (002 3.24a)."""
    was = before.custody and before.custody.prison
    is_ = after.custody and after.custody.prison
    if was is None or was == is_ or after.in_scope is False:
        return
    supervisors = [each for each in current_team(after, at.now) if each.role is Role.OFFENDER_SUPERVISOR]
    if any(each.organisation == was for each in supervisors):
        yield Raised(code=reports.SUPERVISOR_LEFT_BEHIND)


def _open(case: Case) -> tuple[Referral, ...]:
    return tuple(each for each in case.referrals if each.state in OPEN_STATES)


def _ended_from(noted: str) -> tuple[str, ReferralState]:
    state, _, name = noted.partition("/")
    return name, ReferralState(state)


def _answers(referrals: tuple[Referral, ...], at: Occasion, *, ended_at: Instant) -> Iterator[Deadline]:
    """Wait again for the answers that were waited for; one that is late by now is reported at once.

    One that was late already when its referral ended was reported then.
    """
    for each in referrals:
        due_at = each.answer_due or at.now
        if each.state is ReferralState.OFFERED and due_at > ended_at:
            yield deadlines.on(deadlines.answer(each), due_at)


def _providers(referrals: tuple[Referral, ...]) -> str:
    """Name the providers whose referrals are meant, in a sentence."""
    return f"Referrals by provider: {_counted(referrals)}." if referrals else ""


def _counted(referrals: tuple[Referral, ...]) -> str:
    counted = sorted(Counter(each.provider for each in referrals).items())
    named = ", ".join(f"{provider} ({count})" for provider, count in counted[:NAMED_MAX])
    more = len(counted) - NAMED_MAX
    return named + (f" and {more} more providers" if more > 0 else "")


def _where(place: Place) -> str:
    return "custody" if place is Place.CUSTODY else "the community"
