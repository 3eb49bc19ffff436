"""Who the person is to other systems, and which cases were found to be the same person's (R-MSG-13).

The prison number is kept so that an event of the prison system finds its case, and so that one about
somebody else is never taken for one about this person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hub.cases import refusals
from hub.messages.identifiers import CaseRef, Instant

MERGES_MAX = 20
"""Mergers kept with their times, the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Another case that was carried on as this one from … to."""

    case: CaseRef
    at: Instant
    undone_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The numbers by which other systems know the person, and the mergers of their cases."""

    noms: str | None = None
    """Prison number, e.g. A1234BC."""
    merges: tuple[Merge, ...] = ()


NOBODY = Identity()


def of_person(identity: Identity, noms: str | None) -> Identity:
    """Return the identity with the prison number an event bears; refuse an event about somebody else."""
    if noms is None or noms == identity.noms:
        return identity
    if identity.noms is not None:
        raise refusals.another_person()
    return replace(identity, noms=noms)


def renumbered(identity: Identity, noms: str | None) -> Identity:
    """Return the identity under the number a case message states, if it states one."""
    return identity if noms is None else replace(identity, noms=noms)


def joined(identity: Identity, other: CaseRef, now: Instant) -> Identity:
    """Note that another case is carried on as this one from now on."""
    return replace(identity, merges=(*identity.merges, Merge(case=other, at=now))[-MERGES_MAX:])


def parted(identity: Identity, other: CaseRef, now: Instant) -> Identity:
    """Note that another case was not the same person's after all."""
    return replace(
        identity,
        merges=tuple(
            replace(each, undone_at=now) if each.case == other and each.undone_at is None else each
            for each in identity.merges
        ),
    )
