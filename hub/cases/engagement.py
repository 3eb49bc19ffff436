"""One period of continuous engagement as continuity sees it (003; R-CON-03, R-CON-06, R-CON-07, R-CASE-04).

What a transfer of the Offender Manager is still to be followed by, what happened lately that should not have
brought it about, and why management and supervision are in two hands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from hub.messages.identifiers import Instant
from hub.messages.team_change import TeamChangeReason


class Event(StrEnum):
    """What happens to a sentence in its course, and is no reason to change the Offender Manager."""

    RECEPTION = "RECEPTION"
    RELEASE = "RELEASE"
    REQUIREMENT = "REQUIREMENT"
    """A requirement of the sentence is added, or one of its interventions ends (003 ¶3, note 2)."""
    SENTENCE = "SENTENCE"
    """A new sentence in the same engagement (003 ¶6)."""
    PRIORITY = "PRIORITY"
    """The person becomes a Prolific or other Priority Offender, or is one no longer (003 ¶6)."""
    RISK = "RISK"
    """Risk of serious harm rises to high or very high, or falls from it (003 ¶6 and ¶7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """The latest event of one kind."""

    event: Event
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """What follows a managed transfer: the meeting with the person, the review case conference (003 ¶8)."""

    meeting_by: Instant | None = None
    """None: it has been held, or none is to be."""
    conference_by: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuity:
    """What is known of the continuity of one case."""

    arranged: Arranged = Arranged()
    happenings: tuple[Happening, ...] = ()
    split: TeamChangeReason | None = None
    """Why Offender Manager and Offender Supervisor are two people, where somebody has said so."""


UNTROUBLED = Continuity()
"""An engagement in which nothing has happened yet."""


def happened(continuity: Continuity, events: frozenset[Event], at: Instant) -> Continuity:
    """Note that these have happened; of each kind the latest is kept."""
    if not events:
        return continuity
    others = tuple(each for each in continuity.happenings if each.event not in events)
    return replace(
        continuity, happenings=(*others, *(Happening(event=each, at=at) for each in sorted(events)))
    )


def lately(continuity: Continuity, at: Instant, *, within_ms: int) -> frozenset[Event]:
    """Return what has happened no longer before a moment than this."""
    return frozenset(each.event for each in continuity.happenings if 0 <= at - each.at <= within_ms)
