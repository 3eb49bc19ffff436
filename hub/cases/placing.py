"""Puts a movement among those known of a case, and the person where all of them lead (R-CASE-01)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.cases import deadlines
from hub.cases import movements as known_movements
from hub.cases.case import Case, Custody
from hub.cases.movements import Movement, Movements, Place
from hub.messages.identifiers import Instant
from hub.messages.prison_event import PrisonEventStatus

if TYPE_CHECKING:
    from hub.cases.applied import Deadline, Ended

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


def timers(movement: Movement) -> tuple[Deadline, ...]:
    """Return the confirmation waited for, of a movement that is only expected."""
    if movement.status is not PrisonEventStatus.PROVISIONAL:
        return ()
    return (deadlines.on(deadlines.confirmation(movement), confirm_by(movement)),)


def cleared(before: Case, after: Case, movement: Movement) -> tuple[Ended, ...]:
    """Return the confirmations no longer waited for: of this movement, and of those forgotten for it."""
    gone = known_movements.dropped(before.movements, after.movements)
    settled = () if movement.status is PrisonEventStatus.PROVISIONAL else (movement,)
    return tuple(deadlines.confirmation(each) for each in (*settled, *gone))
