"""The profiles a hub has seen: which holds, which is to come, and whether another may follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hub.cases.profile import Profile, in_force
from hub.errors import NotConfigured
from hub.messages.identifiers import Instant


class State(StrEnum):
    """How a released profile stands at a moment."""

    IN_FORCE = "in force"
    COMING = "to come"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class Listed:
    """A released profile, and how it stands."""

    profile: Profile
    state: State


def listed(released: Iterable[Profile], now: Instant) -> tuple[Listed, ...]:
    """Return every profile released with its state, by jurisdiction, the earliest first."""
    every = sorted(released, key=lambda each: (each.jurisdiction, each.order))
    found = []
    for each in every:
        holds = in_force((*(other for other in every if other.jurisdiction == each.jurisdiction),), now)
        state = State.IN_FORCE if each is holds else State.COMING if each.in_force_from > now else State.PAST
        found.append(Listed(each, state))
    return tuple(found)


def to_release(wanted: Iterable[Profile], released: Iterable[Profile]) -> tuple[Profile, ...]:
    """Return which profiles are not released yet.

    Raises:
        NotConfigured: A version names other rules already, or would never hold; the field is named.
    """
    before = {each.name: each for each in released}
    new: list[Profile] = []
    for each in wanted:
        same = before.get(each.name)
        if same is None:
            _check_order(each, before.values())
            new.append(each)
        elif same != each:
            message = f"{each.jurisdiction}: version: {each.version} names other rules already"
            raise NotConfigured(message, fix="give the next version; what was released is never edited")
    return tuple(new)


def _check_order(profile: Profile, released: Iterable[Profile]) -> None:
    """Refuse a profile that an earlier release overtakes: nobody would ever be managed by it."""
    for other in released:
        if other.jurisdiction == profile.jurisdiction and other.order > profile.order:
            message = (
                f"{profile.jurisdiction}: in_force_from: version {other.version} was released for a later "
                "date, or a higher version for the same"
            )
            raise NotConfigured(message, fix="give a later date, or a higher version")
