"""Who holds what of a case: versions of the Sentence Plan, anything at all (R-PLAN-02, R-CASE-06).

It names organisations, roles and versions, never what was said: enough to say who works to an old version,
and who has to dispose of something on leaving.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.messages.envelope import Role
from hub.messages.identifiers import DeliveryId, Instant, OrganisationId
from hub.messages.records import altered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

HOLDERS_MAX = 200
"""Places of which a case remembers which version of the plan they have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHolder:
    """What one role of one organisation has of the Sentence Plan."""

    organisation: OrganisationId
    role: Role
    sent: int | None = None
    """The latest version sent; None: it was kept back, or stopped before it arrived."""
    delivery: DeliveryId | None = None
    """Under which id, until it is acknowledged,"""
    digest: str | None = None
    """and the SHA-256 of it as it was written for them; None: not known."""
    acknowledged: int | None = None
    """The latest version acknowledged."""
    answers: bool = True
    """Whether it can acknowledge at all: it may send receipts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Who holds what of one case."""

    plan: tuple[PlanHolder, ...] = ()
    plan_by: Instant | None = None
    """By when the version of the plan in force is to be acknowledged."""
    given: frozenset[OrganisationId] = frozenset()
    """Organisations that were given something they have to dispose of when they leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A version of the plan on its way to somebody, or kept back from them."""

    organisation: OrganisationId
    role: Role
    version: int
    delivery: DeliveryId | None
    answers: bool


def with_copies(held: Held, copies: Iterable[Copy]) -> Held:
    """Return who holds which version once these are sent; whoever acknowledged an older one keeps that."""
    new = tuple(copies)
    if not new:
        return held
    places = {(each.organisation, each.role): each for each in held.plan}
    before = dict(places)
    for copy in new:
        place = (copy.organisation, copy.role)
        was = places.get(place) or PlanHolder(organisation=copy.organisation, role=copy.role)
        places[place] = altered(
            was,
            sent=None if copy.delivery is None else copy.version,
            delivery=copy.delivery,
            digest=None,
            answers=copy.answers,
        )
    if places == before:
        return held
    return altered(held, plan=tuple(places.values())[-HOLDERS_MAX:])


def with_given(held: Held, organisations: Collection[OrganisationId]) -> Held:
    """Return who was given something of the case, these among them."""
    return (
        held if held.given.issuperset(organisations) else altered(held, given=held.given.union(organisations))
    )


def with_digests(held: Held, digests: Mapping[DeliveryId, str]) -> Held:
    """Return who holds which version, with the digests of those that are on their way now."""
    return replace(
        held,
        plan=tuple(
            replace(each, digest=digests[each.delivery])
            if each.delivery is not None and each.delivery in digests
            else each
            for each in held.plan
        ),
    )


def acknowledged(
    held: Held, delivery: DeliveryId, organisation: OrganisationId, *, digest: str | None
) -> Held:
    """Return who holds which version once this delivery is acknowledged by whom it was for.

    A receipt that names another digest speaks of something that was not sent.
    """
    return replace(
        held,
        plan=tuple(
            replace(each, acknowledged=each.sent, delivery=None, digest=None)
            if each.delivery == delivery
            and each.organisation == organisation
            and (each.digest is None or digest in {None, each.digest})
            else each
            for each in held.plan
        ),
    )


def stopped(held: Held, instead: Mapping[str, DeliveryId | None]) -> Held:
    """Return who holds which version once deliveries are stopped, or others go in their place."""
    return replace(
        held,
        plan=tuple(
            _stopped(each, instead[each.delivery])
            if each.delivery is not None and each.delivery in instead
            else each
            for each in held.plan
        ),
    )


def without(held: Held, organisations: Collection[OrganisationId]) -> Held:
    """Return who holds what, but for organisations that have been told to dispose of it."""
    return replace(
        held,
        plan=tuple(each for each in held.plan if each.organisation not in organisations),
        given=held.given.difference(organisations),
    )


def behind(held: Held, version: int) -> tuple[PlanHolder, ...]:
    """Return who was sent the version, can acknowledge it and has not."""
    return tuple(
        each for each in held.plan if each.answers and each.sent == version and each.acknowledged != version
    )


def _stopped(holder: PlanHolder, instead: DeliveryId | None) -> PlanHolder:
    if instead is not None:
        return replace(holder, delivery=instead, digest=None)
    return replace(holder, sent=None, delivery=None, digest=None)


NOTHING_HELD = Held()
"""A case of which nobody holds anything yet."""
