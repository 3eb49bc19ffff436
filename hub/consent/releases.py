"""The releases a hub has seen, as its control facts tell: which holds, which is to come, which are past."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from hub.consent.release import (
    COMING,
    CURRENT,
    REPLACED,
    SINCE,
    digest_of,
    is_due,
    release_in_force,
    starts_of,
)
from hub.messages.identifiers import Instant

Facts = Mapping[str, Mapping[str, object]]


class State(StrEnum):
    """How a release stands at a moment."""

    IN_FORCE = "in force"
    COMING = "to come"
    PAST = "past"
    REPLACED = "replaced"
    """Never in force: something else was released before its effective time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One release as staff see it; rules that came back are listed once for each time they held."""

    name: str
    """Version and digest as decisions bear them."""
    version: str
    digest: str
    author: str | None
    """None: released before author and approvers were asked for."""
    approvers: tuple[str, ...]
    effective: Instant | None
    """Since when it holds, held, or is or was to hold; None where that was not recorded."""
    until: Instant | None
    """Until when it held or was to come; None: it still does, or that was not recorded."""
    state: State


def listed(facts: Facts, now: Instant) -> tuple[Listed, ...]:
    """Return every release of these control facts (by name), the earliest first, what is to come last."""
    coming = facts.get(COMING)
    holds = release_in_force(facts.get(CURRENT), coming, now)
    name = "" if holds is None else _listed(holds, State.IN_FORCE, None).name
    held = sorted(_held(facts, now), key=lambda each: (each.effective or 0, each.name == name, each.name))
    until = [each.effective for each in held[1:]] + [None] * bool(held)
    found = [replace(each, until=end) for each, end in zip(held, until, strict=True)]
    if found and holds is not None:
        found[-1] = replace(found[-1], state=State.IN_FORCE)
    found += _replaced(facts)
    found.sort(key=_order)
    if coming is not None and not is_due(coming, now):
        found.append(_listed(coming, State.COMING, _instant(coming.get("effective_at"))))
    return tuple(found)


def _held(facts: Facts, now: Instant) -> Iterator[Listed]:
    """Yield every time that a release came into force, each once."""
    seen: set[tuple[str, int | None]] = set()
    current, coming = facts.get(CURRENT), facts.get(COMING)
    own = [
        (body, start)
        for name, body in facts.items()
        if name not in {CURRENT, COMING}
        for start in (starts_of(body) if SINCE in body else (None,))
    ]
    if current is not None:
        own.append((current, _instant(current.get(SINCE))))
    holding = None if current is None else _listed(current, State.PAST, None).name
    if coming is not None and is_due(coming, now) and _listed(coming, State.PAST, None).name != holding:
        own.append((coming, _instant(coming.get("effective_at"))))
    for body, start in own:
        each = _listed(body, State.PAST, _instant(start))
        if (each.name, start) not in seen:
            seen.add((each.name, start))
            yield each


def _replaced(facts: Facts) -> Iterator[Listed]:
    """Yield what was to come and never did."""
    coming = facts.get(COMING)
    waits = None if coming is None else _listed(coming, State.COMING, None).name
    for name, body in facts.items():
        times = body.get(REPLACED, ())
        if name in {CURRENT, COMING}:
            continue
        for effective, at in times if isinstance(times, list | tuple) else ():
            yield replace(_listed(body, State.REPLACED, _instant(effective)), until=_instant(at))
        if REPLACED not in body and SINCE in body and not starts_of(body) and name != waits:
            # Kept before it was noted when.
            yield _listed(body, State.REPLACED, _instant(body.get("effective_at")))


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
        until=None,
        state=state,
    )


def _order(each: Listed) -> tuple[int, str]:
    return each.effective or 0, each.name


def _instant(value: object) -> Instant | None:
    return Instant(value) if isinstance(value, int) else None
