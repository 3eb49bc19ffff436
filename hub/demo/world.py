"""The demonstration's world: seven organisations, eight invented people, and a day. Seeded and pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from hub.demo.chapters import consent, continuity, custody, plan, refusals, risk
from hub.demo.day import Day
from hub.demo.organisations import Party, parties
from hub.demo.people import Person, people

if TYPE_CHECKING:
    from hub.demo.day import Step
    from hub.messages.identifiers import Instant

CHAPTERS = {
    "testo": risk.add,
    "samplia": plan.add,
    "mockford": custody.add_transfer,
    "dummy": custody.add_release,
    "placida": continuity.add,
    "exempla": consent.add,
    "specimen": refusals.add_at_the_door,
    "fabula": refusals.add_repeats_and_broken,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All there is: who, where, and what happens on the day. The same seed gives the same world."""

    seed: int
    start: Instant
    parties: tuple[Party, ...]
    people: tuple[Person, ...]
    steps: tuple[Step, ...]

    def chapter(self, person: Person) -> tuple[Step, ...]:
        """Return the steps of one person's chapter, in order."""
        return tuple(step for step in self.steps if step.person == person.key)


def make_world(*, seed: int, start: Instant) -> World:
    """Make the world that belongs to `seed`, its day beginning at `start`."""
    rng = Random(seed)  # noqa: S311 - for invention, not for secrets
    everybody = people(rng)
    day = Day(rng=rng, start=start)
    for person in everybody:
        CHAPTERS[person.key](day, person)
    return World(seed=seed, start=start, parties=parties(), people=everybody, steps=tuple(day.steps))
