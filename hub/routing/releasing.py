"""A policy release in the log: checked again by the router, then in force from its effective time on.

A partition keeps what is in force (`policy/current`), what is to come (`policy/coming`, one at a time) and
every release under its name, so that the rules of a past decision can be found. What is to come holds from
the first record whose time has reached it: the partition's clock decides, so that a replay does so alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hub.consent.compile import compile_policy
from hub.consent.release import COMING, CURRENT, is_due, release_name, released_from

if TYPE_CHECKING:
    from hub.messages.identifiers import Instant
    from hub.routing.outcome import View

Facts = Mapping[str, Mapping[str, object] | None]
"""Control facts by key; None: gone."""
_KEY = "policy/{}"
SINCE = "since"
"""When a partition first had a release in force; null: it never had, something else took its place before."""


def begun(view: View, now: Instant) -> Facts:
    """Return what changes because the effective time of the release to come has been reached."""
    coming = view.release(COMING)
    if coming is None or not is_due(coming, now):
        return {}
    effective_at = coming.get("effective_at")
    since = effective_at if isinstance(effective_at, int) else now
    return {**_in_force(view, coming, since=since), _KEY.format(COMING): None}


def released(body: Mapping[str, object], view: View, now: Instant) -> Facts:
    """Return what a release changes; it takes the place of one that is still to come.

    Raises:
        PolicyRefused: It breaks an invariant or its own vocabulary.
        ValueError: A field is wrong or missing, author and approvers among them.
    """
    release = released_from(body)
    policy = compile_policy(release.documents, version=release.version)
    if release.effective_at is None or release.effective_at <= now:
        return {**_in_force(view, body, since=now), _KEY.format(COMING): None}
    return {
        _KEY.format(COMING): body,
        _KEY.format(policy.name): _kept(view, policy.name, body, since=None),
    }


def _in_force(view: View, body: Mapping[str, object], *, since: int) -> Facts:
    """Put a release in force; what was in force before is kept under its name."""
    found: dict[str, Mapping[str, object] | None] = {}
    before = view.release(CURRENT)
    if before is not None and view.release(_name(before)) is None:
        found[_KEY.format(_name(before))] = before
    found[_KEY.format(_name(body))] = _kept(view, _name(body), body, since=since)
    found[_KEY.format(CURRENT)] = {**body, SINCE: since}
    return found


def _kept(view: View, name: str, body: Mapping[str, object], *, since: int | None) -> Mapping[str, object]:
    """Return a release as it is kept under its name: since when it was first in force, if it ever was."""
    known = view.release(name)
    first = since if known is None or known.get(SINCE) is None else known[SINCE]
    return {**body, SINCE: first}


def _name(body: Mapping[str, object]) -> str:
    documents = body.get("documents")
    return release_name(str(body.get("version")), documents if isinstance(documents, Mapping) else {})
