"""What follows when one prison's own word is kept as a claim, is borne out, or is borne out no longer.

When that is so stands in hub.cases.claims (decision 0010).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import claims, moved, reports
from hub.cases.applied import Applied, Raised
from hub.cases.membership import current_team
from hub.cases.movements import KEPT_MAX
from hub.cases.placing import movements_of, placed, with_movement, without_date
from hub.messages.envelope import Role
from hub.messages.prison_event import PrisonEventStatus

if TYPE_CHECKING:
    from hub.cases.applied import Occasion
    from hub.cases.case import Case
    from hub.cases.movements import Movement
    from hub.messages.identifiers import OrganisationId


def claimed(case: Case, new: Movement, known: Movement | None, at: Occasion) -> Applied:
    """Keep what one prison says of itself: nobody is moved or told by it but those who manage the case."""
    earlier = claims.claim_of(movements_of(case), at.envelope.organisation)
    is_further = earlier is not None and earlier is known
    movement = replace(
        new,
        fact=earlier.fact if earlier is not None and is_further else new.fact,
        status=PrisonEventStatus.PROVISIONAL,
        claimed=new.status,
        counted=earlier is not None and is_further and earlier.counted,
    )
    # One claim of a prison at a time: many would push out what others have said.
    after = with_movement(case, movement, instead_of=earlier)
    return Applied(
        case=after,
        is_news=False,
        exceptions=() if is_further else (_contested(case, movement),),
    )


def borne_out(applied: Applied, at: Occasion) -> Applied:
    """Let what prisons have claimed take effect where this word bears it out."""
    movements, true = claims.settled(applied.case.movements)
    if not true:
        return applied
    after = placed(applied.case, movements)
    raised = [Raised(code=reports.CLAIM_BORNE_OUT, subject=each.fact) for each in true]
    for each in true:
        if each.status is PrisonEventStatus.CONFIRMED:
            follows = moved.moved(applied.case, after, each, at)
            raised += follows.exceptions
            after = follows.case
    return replace(applied, case=after, exceptions=(*applied.exceptions, *raised))


def fallen(before: Case, applied: Applied, at: Occasion, *, left: Movement | None = None) -> Applied:
    """Let arrivals that rested on a word that is gone be claims again, and what their prison told after them.

    `left` is what is left of a movement without that word.
    """
    team = frozenset(each.organisation for each in current_team(before, at.now))
    known = movements_of(before)
    # What rested on no other's word before stays: it was known to whoever let it stand.
    may_fall = tuple(each for each in known.known if each not in claims.unfounded(known, team))
    may_fall = may_fall if left is None else (*may_fall, left)
    prisons: set[OrganisationId] = set()
    for _ in range(KEPT_MAX):
        lost = next(
            (
                each
                for each in claims.unfounded(applied.case.movements, team)
                if each in may_fall and (claims.is_arrival(each) or each.said_by[0] in prisons)
            ),
            None,
        )
        if lost is None:
            break
        prisons.add(lost.said_by[0])
        applied = _claim_again(applied, lost, at)
    return applied


def _claim_again(applied: Applied, lost: Movement, at: Occasion) -> Applied:
    """Make a movement the claim it would be if nobody had ever borne it out."""
    claim = replace(
        lost,
        status=PrisonEventStatus.PROVISIONAL,
        claimed=lost.status,
        counted=True,
        at=lost.at if lost.own_at is None else lost.own_at,
        own_at=None,
        release_date=None,
        dated=None,
        ended=(),
        ended_at=None,
    )
    case = without_date(with_movement(applied.case, claim, instead_of=lost), lost)
    back = moved.brought_back(case, lost, at) if lost.ended else Applied(case=case)
    return replace(
        applied,
        case=back.case,
        exceptions=(*applied.exceptions, *back.exceptions, _contested(back.case, claim)),
        timers_set=(*applied.timers_set, *back.timers_set),
    )


def to_ask_about(movement: Movement) -> Raised:
    """Return the report that has those who manage the case ask where the person is."""
    about = f"Said by {', '.join(movement.said_by)}."
    return Raised(code=reports.CUSTODY_CLAIMED, subject=movement.fact, about=about)


def _contested(case: Case, claim: Movement) -> Raised:
    """Return the report on a claim; the prison that holds the person is told, too."""
    held = None if case.custody is None else case.custody.prison
    also_to = ((held, Role.OFFENDER_MANAGEMENT_UNIT),) if held is not None else ()
    return replace(to_ask_about(claim), also_to=also_to)
