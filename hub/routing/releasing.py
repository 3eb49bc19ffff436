"""A policy release in the log: checked again by the router, then in force from its effective time on.

A partition keeps what is in force (`policy/current`), what is to come (`policy/coming`, one at a time) and
every release under its name, so that the rules of a past decision can be found. What is to come holds from
the first record whose time has reached it: the partition's clock decides, so that a replay does so alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hub.consent.compile import compile_policy
from hub.consent.release import (
    COMING,
    CURRENT,
    REPLACED,
    SINCE,
    STARTS,
    is_due,
    release_name,
    released_from,
    starts_of,
)

if TYPE_CHECKING:
    from hub.messages.identifiers import Instant
    from hub.routing.outcome import View

Facts = Mapping[str, Mapping[str, object] | None]
"""Control facts by key; None: gone."""
_KEY = "policy/{}"


def begun(view: View, now: Instant) -> Facts:
    """Return what changes because the effective time of the release to come has been reached."""
    coming = view.release(COMING)
    if coming is None or not is_due(coming, now):
        return {}
    effective_at = coming.get("effective_at")
    since = effective_at if isinstance(effective_at, int) else now
    return {**_in_force(view, coming, since=since, noted={}), _KEY.format(COMING): None}


def released(body: Mapping[str, object], view: View, now: Instant) -> Facts:
    """Return what a release changes; it takes the place of one that is still to come.

    Raises:
        PolicyRefused: It breaks an invariant or its own vocabulary.
        ValueError: A field is wrong or missing, author and approvers among them.
    """
    release = released_from(body)
    policy = compile_policy(release.documents, version=release.version)
    noted = _replaced(view, now)
    if release.effective_at is None or release.effective_at <= now:
        return {**noted, **_in_force(view, body, since=now, noted=noted), _KEY.format(COMING): None}
    return {
        **noted,
        _KEY.format(COMING): body,
        _KEY.format(policy.name): _kept(_known(view, policy.name, noted), body, since=None),
    }


def _replaced(view: View, now: Instant) -> Facts:
    """Note at the release that is still to come that another takes its place."""
    coming = view.release(COMING)
    if coming is None or is_due(coming, now):
        return {}
    name = _name(coming)
    known = view.release(name) or coming
    times = [*_pairs(known), [coming.get("effective_at"), now]]
    return {_KEY.format(name): {**known, REPLACED: times}}


def _in_force(view: View, body: Mapping[str, object], *, since: int, noted: Facts) -> Facts:
    """Put a release in force; what was in force before is kept under its name."""
    found: dict[str, Mapping[str, object] | None] = {}
    before, name = view.release(CURRENT), _name(body)
    if before is not None and view.release(_name(before)) is None:
        found[_KEY.format(_name(before))] = before
    found[_KEY.format(name)] = _kept(_known(view, name, noted), body, since=since)
    found[_KEY.format(CURRENT)] = {**body, SINCE: since}
    return found


def _known(view: View, name: str, noted: Facts) -> Mapping[str, object]:
    """Return what is kept under a name, with what this record has noted there."""
    return noted.get(_KEY.format(name)) or view.release(name) or {}


def _kept(
    known: Mapping[str, object], body: Mapping[str, object], *, since: int | None
) -> Mapping[str, object]:
    """Return a release as it is kept under its name: every time it came into force, or was to and did not."""
    before = starts_of(known)
    starts = [*before, *([] if since is None or since in before else [since])]
    return {**body, SINCE: starts[0] if starts else None, STARTS: starts, REPLACED: _pairs(known)}


def _pairs(known: Mapping[str, object]) -> list[object]:
    times = known.get(REPLACED, ())
    return [*times] if isinstance(times, list | tuple) else []


def _name(body: Mapping[str, object]) -> str:
    documents = body.get("documents")
    return release_name(str(body.get("version")), documents if isinstance(documents, Mapping) else {})
