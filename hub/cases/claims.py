"""What one prison says of itself, and whose word bears it out (R-RTE-05, R-DIS-01; decision 0010).

Whoever holds the person is told everything. So no prison comes to hold anybody by its own word alone while
another holds them, nor by a number alone: what it says is kept as a claim, moves nobody, and takes effect
from its own moment once another bears it out: the prison that is left, the prison service, those who manage
the case.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases.membership import current_team
from hub.cases.movements import (
    ARRIVALS,
    DEPARTURES,
    SAME_FACT_MS,
    Movement,
    Movements,
    place_at,
    with_movement,
)
from hub.messages.envelope import Role
from hub.messages.identifiers import Instant
from hub.messages.prison_event import PrisonEventAction, PrisonEventStatus

if TYPE_CHECKING:
    from hub.cases.applied import Occasion
    from hub.cases.case import Case
    from hub.messages.identifiers import OrganisationId


def is_own_word(movement: Movement, organisation: OrganisationId) -> bool:
    """Say whether a prison speaks of itself: that somebody came to it, or what happened from there."""
    if movement.action in ARRIVALS and movement.reached == organisation:
        return movement.left != organisation
    return organisation == movement.left


def is_claim(case: Case, movements: Movements, new: Movement, known: Movement | None, at: Occasion) -> bool:
    """Say whether what is said rests on one prison's own word, where that does not suffice."""
    own = at.envelope.organisation
    if not is_own_word(new, own):
        return False
    if known is not None and _is_borne_out_by_another(known, own):
        return False
    return not _stands(movements, new, own, but=known, is_named=_is_named(case, at))


def claim_of(movements: Movements, organisation: OrganisationId) -> Movement | None:
    """Return what a prison has claimed and nobody has borne out; it has one claim at a time."""
    claims = (each for each in movements.known if each.claimed is not None)
    return next((each for each in claims if organisation in each.said_by), None)


def settled(movements: Movements) -> tuple[Movements, tuple[Movement, ...]]:
    """Let the claims take effect that are borne out by now; returns them as they are then."""
    effective = []
    for claim in movements.known:
        if claim.claimed is None:
            continue
        own = claim.said_by[0]
        vouched = _is_borne_out_by_another(claim, own)
        if not vouched and not _stands(movements, claim, own, but=claim, is_named=False):
            continue
        # Clocks differ: nobody arrives before they have left.
        left_at = (each.at for each in _departures(movements, claim))
        moment = Instant(max((claim.at, *left_at)))
        true = replace(claim, status=claim.claimed, claimed=None, at=moment)
        movements = with_movement(movements, true, instead_of=claim)
        effective.append(true)
    return movements, tuple(effective)


def _stands(
    movements: Movements, new: Movement, own: OrganisationId, *, but: Movement | None, is_named: bool
) -> bool:
    """Say whether a prison's own word suffices, by what others have said of where the person is."""
    place = place_at(movements, new.at, but=but)
    if place.prison == own:
        return True
    if new.action not in ARRIVALS:
        return place.is_known or is_named
    holders = {place.prison, place_at(movements, but=but).prison} - {None, own}
    if holders:
        return all(_lets_go(movements, holder, new, own) for holder in holders if holder is not None)
    return place.is_known or is_named


def _is_named(case: Case, at: Occasion) -> bool:
    """Say whether those who manage the case gave the prison a part in it, or its reference.

    A prison's system finds a case by the number of a person, which anybody may know or guess.
    """
    own = at.envelope.organisation
    is_by_number = at.envelope.author_role is Role.SYSTEM
    return not is_by_number or any(each.organisation == own for each in current_team(case, at.now))


def _is_borne_out_by_another(known: Movement, own: OrganisationId) -> bool:
    """Say whether another has said the same, of the same prison; of an older one it is not known who."""
    if is_own_word(known, own) or known.reached is None:
        return not known.said_by or any(each != own for each in known.said_by)
    return False


def _lets_go(movements: Movements, holder: OrganisationId, new: Movement, own: OrganisationId) -> bool:
    """Say whether the word is there that the person goes from this prison to the one that claims them."""
    since = place_at(movements, new.at).since or 0
    transfers = any(
        each.action is PrisonEventAction.TRANSFER
        and each.status is not PrisonEventStatus.RETRACTED
        and each.claimed is None
        and each.left == holder
        and each.reached in {None, own}
        and each.at >= since
        for each in movements.known
        if not each.said_by or any(said != own for said in each.said_by)
    )
    return transfers or any(each.left in {None, holder} for each in _departures(movements, new))


def _departures(movements: Movements, arrival: Movement) -> tuple[Movement, ...]:
    """Return the releases that are told as shortly after an arrival elsewhere."""
    return tuple(
        each
        for each in movements.known
        if each.action in DEPARTURES
        and each.status is PrisonEventStatus.CONFIRMED
        and each.left != arrival.reached
        and 0 < each.at - arrival.at <= SAME_FACT_MS
    )


def is_against_others(case: Case, new: Movement, known: Movement | None, at: Occasion) -> bool:
    """Say whether a prison changes or takes back what others have said too, and by which another holds."""
    own, held = at.envelope.organisation, case.custody and case.custody.prison
    if known is None or known.status is not PrisonEventStatus.CONFIRMED or held in {None, own}:
        return False
    changes = new.status is PrisonEventStatus.RETRACTED or known.reached not in {None, new.reached}
    is_part = case.custody is not None and own in {
        known.left,
        known.reached,
        new.reached,
        case.custody.previous,
    }
    return changes and is_part and bool(known.said_by) and any(each != own for each in known.said_by)
