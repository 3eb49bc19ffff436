"""The releases a hub has seen, as its control facts tell: which holds, which is to come, which are past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hub.consent.release import COMING, CURRENT, digest_of, is_due, release_in_force
from hub.messages.identifiers import Instant


class State(StrEnum):
    """How a release stands at a moment."""

    IN_FORCE = "in force"
    COMING = "to come"
    PAST = "past"
    NEVER = "never in force"
    """Something else was released before its effective time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One release as staff see it."""

    name: str
    """Version and digest as decisions bear them."""
    version: str
    digest: str
    author: str | None
    """None: released before author and approvers were asked for."""
    approvers: tuple[str, ...]
    effective: Instant | None
    """Since when it holds, held or is to hold; None where that was not recorded."""
    state: State


def listed(facts: Mapping[str, Mapping[str, object]], now: Instant) -> tuple[Listed, ...]:
    """Return every release of these control facts (by name), the earliest first, what is to come last."""
    current, coming = facts.get(CURRENT), facts.get(COMING)
    holds = release_in_force(current, coming, now)
    found: dict[str, Listed] = {}
    for body in facts.values():
        if body is not current and body is not coming:
            state = State.NEVER if body.get("since", 0) is None else State.PAST
            _add(found, _listed(body, state, _instant(body.get("since"))))
    if current is not None:
        state = State.IN_FORCE if current is holds else State.PAST
        _add(found, _listed(current, state, _instant(current.get("since"))))
    if coming is not None:
        state = State.IN_FORCE if is_due(coming, now) else State.COMING
        _add(found, _listed(coming, state, _instant(coming.get("effective_at"))))
    return tuple(sorted(found.values(), key=_order))


def _add(found: dict[str, Listed], each: Listed) -> None:
    """Keep what is said last of a name; what is to come does not hide that it holds already."""
    before = found.get(each.name)
    if before is None or before.state is not State.IN_FORCE:
        found[each.name] = each


def _listed(body: Mapping[str, object], state: State, effective: Instant | None) -> Listed:
    documents, approvers, author = body.get("documents"), body.get("approvers"), body.get("author")
    digest = digest_of(documents if isinstance(documents, Mapping) else {})
    return Listed(
        name=f"{body.get('version')}:{digest[:12]}",
        version=str(body.get("version")),
        digest=digest,
        author=None if author is None else str(author),
        approvers=tuple(map(str, approvers)) if isinstance(approvers, list | tuple) else (),
        effective=effective,
        state=state,
    )


def _order(each: Listed) -> tuple[bool, int, str]:
    return each.state is State.COMING, each.effective or 0, each.name


def _instant(value: object) -> Instant | None:
    return Instant(value) if isinstance(value, int) else None
