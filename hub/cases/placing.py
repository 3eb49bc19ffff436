"""Puts a movement among those known of a case, and the person where all of them lead (R-CASE-01)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines
from hub.cases import movements as known_movements
from hub.cases.applied import Ended
from hub.cases.case import Case, Custody
from hub.cases.movements import Movement, Movements, Place
from hub.messages.identifiers import Instant

if TYPE_CHECKING:
    from hub.cases.applied import Applied, Occasion

CONFIRM_WITHIN_MS = 4 * 60 * 60 * 1000
"""How long after its time an expected movement may stay unconfirmed: the prison system itself holds what has
happened back for most of an hour, since mistakes are mended in that time."""


def movements_of(case: Case) -> Movements:
    """Return the movements of a case; what was known of its custody before the first is where they begin."""
    held = case.movements
    if held.before is not None or held.known:
        return held
    custody = case.custody or Custody(prison=None, since=None)
    before = Place(prison=custody.prison, since=custody.since, previous=custody.previous)
    return replace(held, before=before)


def with_movement(case: Case, movement: Movement, *, instead_of: Movement | None) -> Case:
    """Put a movement among those known, and the person where all of them lead."""
    return placed(case, known_movements.with_movement(movements_of(case), movement, instead_of=instead_of))


def placed(case: Case, movements: Movements) -> Case:
    """Put the person where the movements lead."""
    place = known_movements.place_at(movements)
    custody = case.custody or Custody(prison=None, since=None)
    there = replace(custody, prison=place.prison, since=place.since, previous=place.previous)
    return replace(case, movements=movements, custody=there)


def without_date(case: Case, movement: Movement) -> Case:
    """Put the release date back that held before a movement brought its own."""
    custody = case.custody
    if custody is None or movement.release_date is None or custody.release_date != movement.release_date:
        return case
    return replace(case, custody=replace(custody, release_date=movement.dated))


def confirm_by(movement: Movement) -> Instant:
    """Return until when an expected movement should have been confirmed."""
    return Instant(movement.at + CONFIRM_WITHIN_MS)


def awaited(before: Case, applied: Applied, at: Occasion) -> Applied:
    """Wait for the confirmation of what is only expected now, and of nothing else.

    A time that has passed has been reported; not so of what this message tells.
    """
    was = {deadlines.confirmation(each) for each in known_movements.expected(before.movements)}
    now_expected = tuple(known_movements.expected(applied.case.movements))
    is_ = {deadlines.confirmation(each) for each in now_expected}
    waits = {
        deadlines.on(deadlines.confirmation(each), confirm_by(each))
        for each in now_expected
        if confirm_by(each) > at.now or at.envelope.message_id in each.said_in
    }
    return replace(
        applied,
        timers_set=(*applied.timers_set, *sorted(each for each in waits if Ended(*each[:2]) not in was)),
        timers_cleared=(*applied.timers_cleared, *sorted(was - is_)),
    )
