"""A day that moves on: the demonstration's chapters write into it, at whatever date a case has reached."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from hub.demo.day import DAY_MS, MINUTE_MS, Day
from hub.messages.identifiers import Instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from hub.demo.day import Step

Chosen = TypeVar("Chosen")

OFFICE_OPENS_MINUTE = 8 * 60
OFFICE_MINUTES = 8 * 60
"""Work begins at eight and is begun until four; what belongs together follows within minutes."""

SENTENCES = (
    "Came on time and stayed to the end.",
    "Took part in the group and spoke about the week.",
    "Was quiet today, and said little until the break.",
    "We went through the plan for the coming fortnight together.",
    "Talked about what went well since the last session, and what did not.",
    "Has kept every appointment of this month.",
    "Says that mornings are hard, and asked for a later hour.",
    "Filled in the worksheet and wants to take another one home.",
    "The bus was late; telephoned beforehand to say so.",
    "We looked at three situations from the past week, and at what else could have been done.",
    "Wants to hear from the college about a place in spring.",
    "The form for the rent was completed and sent off from here.",
    "Next time we go on with the second half of the module.",
    "Asked what happens after the last session; we spoke about who can be turned to.",
    "Agreed to bring the letters that have not been opened.",
    "Is sleeping better, and thinks that walking helps.",
)
"""Sentences of invented notes, none of them about anybody."""


class Diary(Day):
    """A day of one case; `turn_to` begins another, on which all that is said relative to today is said."""

    def __init__(self, *, rng: Random, start: Instant, key: str, still: bool = False) -> None:
        """Begin at the first day; `key` names the case in idempotency keys.

        Where time is to stand `still`, all days are the first: what is asked for within a week is then asked
        for within a week of the day it is really sent.
        """
        super().__init__(rng=rng, start=start)
        self._still = still
        self._key = key
        self._first = start
        self._last = start
        self._written = 0

    def turn_to(self, day: int) -> Iterator[Step]:
        """Hand over what was written, and go on at some hour of another day, never before what was said."""
        yield from self.handed_over()
        opens = OFFICE_OPENS_MINUTE + self._rng.randrange(OFFICE_MINUTES)
        if self._still:
            return
        self.start = Instant(max(self._first + day * DAY_MS + opens * MINUTE_MS, self._last + MINUTE_MS))

    def handed_over(self) -> Iterator[Step]:
        """Return what was written since the last time, each step under a key of its own."""
        written, self.steps = self.steps, []
        for step in written:
            self._written += 1
            self._last = step.occurred_at
            yield replace(step, key=f"{self._key}-{self._written}")

    def note(self, *, sentences: int) -> str:
        """Return a note of so many sentences, with a token found nowhere else."""
        return self.words(" ".join(self._rng.choices(SENTENCES, k=sentences)))

    def happens(self, chance: float) -> bool:
        """Return true with this probability."""
        return self._rng.random() < chance

    def between(self, least: int, most: int) -> int:
        """Return a whole number between two, both included."""
        return self._rng.randint(least, most)

    def some(self, of: Sequence[Chosen], count: int) -> list[Chosen]:
        """Return so many of these, in their order."""
        chosen = set(self._rng.sample(range(len(of)), min(count, len(of))))
        return [each for place, each in enumerate(of) if place in chosen]

    def weighed(self, chances: Mapping[str, int]) -> str:
        """Return one of these by its weight."""
        return self._rng.choices(list(chances), weights=list(chances.values()))[0]
