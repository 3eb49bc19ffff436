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
    HAPPENED_OR_EXPECTED,
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

STAYING = ARRIVALS - {PrisonEventAction.TRANSFER}
"""Arrivals that no prison is left by, as far as they tell."""


def is_own_word(movement: Movement, organisation: OrganisationId) -> bool:
    """Say whether a prison speaks of itself: that somebody came to it, or what happened from there."""
    is_arrival_there = movement.action in ARRIVALS and movement.reached == organisation
    return is_arrival_there or organisation == movement.left


def of_itself(case: Case, movement: Movement, organisation: OrganisationId) -> Movement:
    """Take what a prison says of whom it holds, without a place, as said of itself.

    Whoever comes back comes back there, and whoever leaves leaves from there: unsaid, it would be anybody's.
    """
    holds = case.custody is not None and case.custody.prison == organisation
    is_said = movement.left is not None or is_own_word(movement, organisation)
    if not holds or is_said or movement.status is PrisonEventStatus.RETRACTED:
        return movement
    if movement.reached is None and movement.action in STAYING:
        return replace(movement, reached=organisation)
    return replace(movement, left=organisation)


def is_arrival(movement: Movement) -> bool:
    """Say whether it tells, by the word of the prison that receives, that somebody came to it."""
    return movement.action in ARRIVALS and movement.reached in movement.said_by


def is_claim(case: Case, movements: Movements, new: Movement, known: Movement | None, at: Occasion) -> bool:
    """Say whether what is said rests on one prison's own word, where that does not suffice."""
    own = at.envelope.organisation
    if not is_own_word(new, own):
        return False
    if known is not None and _is_borne_out_by_another(movements, known, own, new.at):
        return False
    team = frozenset(each.organisation for each in current_team(case, at.now))
    is_named = own in team or not is_by_number(at)
    return not _stands(_not_freed(movements, own, team), new, own, but=known, is_named=is_named)


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
        vouched = _is_borne_out_by_another(movements, claim, own, claim.at)
        without = _not_freed(movements, own, frozenset())
        if not vouched and not _stands(without, claim, own, but=claim, is_named=False):
            continue
        # Clocks differ: nobody arrives before they have left.
        left_at = (each.at for each in _departures(movements, claim))
        moment = Instant(max((claim.at, *left_at)))
        own_at = None if moment == claim.at else claim.at
        true = replace(claim, status=claim.claimed, claimed=None, counted=False, at=moment, own_at=own_at)
        movements = with_movement(movements, true, instead_of=claim)
        effective.append(true)
    return movements, tuple(effective)


def unfounded(movements: Movements, team: frozenset[OrganisationId]) -> tuple[Movement, ...]:
    """Return what counts though it is one prison's own word, and by all that is known now does not suffice.

    `team` names the organisations that have somebody on the case.
    """
    arrivals = tuple(
        each
        for each in movements.known
        if _is_own_word_alone(each)
        and is_arrival(each)
        and not _still_stands(_told_before(_not_freed(movements, each.said_by[0], team), each), each, team)
    )
    return (*arrivals, *_departures_unfounded(movements, team))


def _told_before(movements: Movements, arrival: Movement) -> Movements:
    """Leave out what its prison told of itself after it: borne out by one word, they share its moment."""
    index = movements.known.index(arrival)
    own = arrival.said_by
    after = (
        each
        for each in movements.known[index + 1 :]
        if not (_is_own_word_alone(each) and each.said_by == own)
    )
    return replace(movements, known=(*movements.known[: index + 1], *after))


def _departures_unfounded(movements: Movements, team: frozenset[OrganisationId]) -> tuple[Movement, ...]:
    own = (each for each in movements.known if _is_own_word_alone(each) and not is_arrival(each))
    return tuple(each for each in own if not _still_stands(movements, each, team))


def _is_own_word_alone(movement: Movement) -> bool:
    counts = movement.claimed is None and movement.status is not PrisonEventStatus.RETRACTED
    return counts and len(movement.said_by) == 1 and is_own_word(movement, movement.said_by[0])


def _still_stands(movements: Movements, known: Movement, team: frozenset[OrganisationId]) -> bool:
    own = known.said_by[0]
    is_named = known.by_reference or own in team
    return _stands(movements, known, own, but=known, is_named=is_named, is_past=True)


def _not_freed(movements: Movements, own: OrganisationId, team: frozenset[OrganisationId]) -> Movements:
    """Leave out whom a prison let go of that did not hold them: it frees nobody in order to receive them."""
    left = _departures_unfounded(movements, team)
    others = tuple(each for each in movements.known if each not in left or each.said_by[0] != own)
    return replace(movements, known=others)


def _stands(
    movements: Movements,
    new: Movement,
    own: OrganisationId,
    *,
    but: Movement | None,
    is_named: bool,
    is_past: bool = False,
) -> bool:
    """Say whether a prison's own word suffices, by what others have said of where the person is.

    Of a word that counts already (`is_past`) it does not matter who holds the person since.
    """
    place = place_at(movements, new.at, but=but)
    if place.prison == own:
        return True
    if new.action not in ARRIVALS:
        # A prison frees and buries nobody whom another holds.
        arrived = place_at(movements, new.at, but=but, counting=HAPPENED_OR_EXPECTED)
        return arrived.prison == own or (is_named and not place.is_known)
    since = None if is_past else place_at(movements, but=but).prison
    holders = {place.prison, since} - {None, own}
    if holders:
        others = replace(movements, known=tuple(each for each in movements.known if each != but))
        return all(_lets_go(others, holder, new, own) for holder in holders if holder is not None)
    return place.is_known or is_named


def is_by_number(at: Occasion) -> bool:
    """Say whether the author may have found the case by the person's number, which anybody may know or guess.

    Whoever has the case's reference was given it by those who manage the case.
    """
    return at.envelope.author_role is Role.SYSTEM


def _is_borne_out_by_another(
    movements: Movements, known: Movement, own: OrganisationId, moment: Instant
) -> bool:
    """Say whether another has said the same, of the same prison; of an older one it is not known who.

    Of the prisons only the one that is left then: what it expected before the person left it is past.
    """
    to_nowhere_named = known.reached is None and known.action is PrisonEventAction.TRANSFER
    is_said = known.status is not PrisonEventStatus.RETRACTED
    if not is_said or not (is_own_word(known, own) or to_nowhere_named):
        return False
    others = frozenset(known.said_by) - {own}
    if others != {known.left}:
        return not known.said_by or bool(others)
    place = place_at(movements, max(known.at, moment), but=known)
    return place.prison == known.left or not place.is_known


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
    own = at.envelope.organisation
    if known is None or known.status is not PrisonEventStatus.CONFIRMED:
        return False
    changes = new.status is PrisonEventStatus.RETRACTED or known.reached not in {None, new.reached}
    shares = is_part(case, known, own) or is_part(case, new, own)
    return changes and shares and bool(known.said_by) and any(each != own for each in known.said_by)


def is_anothers(case: Case, new: Movement, known: Movement, organisation: OrganisationId) -> bool:
    """Say whether it is a movement of other prisons told by others, of which a prison takes back nothing."""
    held = case.custody
    holder, previous = (None, None) if held is None else (held.prison, held.previous)
    if organisation != previous and not is_own_word(new, organisation):
        # The prison service, or those who manage the case.
        return False
    parts = {known.left, known.reached, holder, *known.said_by}
    if known.status is PrisonEventStatus.CONFIRMED:
        parts.add(previous)
    return bool(known.said_by) and organisation not in parts


def is_part(case: Case, movement: Movement, organisation: OrganisationId) -> bool:
    """Say whether a prison had a part in a movement while another holds the person now."""
    held = case.custody
    if held is None or held.prison in {None, organisation}:
        return False
    return organisation in {movement.left, movement.reached, held.previous}
