"""Who the person is to other systems, and which cases were found to be the same person's (R-MSG-13).

The prison number is kept so that an event of the prison system finds its case, and so that one about
somebody else is never taken for one about this person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hub.cases import refusals
from hub.messages.identifiers import CaseRef, Instant, MessageId, derived_id

MERGES_MAX = 20
"""Mergers kept with their times, the latest."""
SAID_MAX = 4
"""Messages kept that said the number, the latest."""
DISOWNED_MAX = 3
_DIGEST_DIGITS = 12


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
    said_in: tuple[MessageId, ...] = ()
    """Messages that said it of themselves; an event that found the case by the number confirms nothing."""
    disowned: tuple[str, ...] = ()
    """Digests of numbers that were taken back: an event on its way by one of them is about somebody else."""
    merges: tuple[Merge, ...] = ()


NOBODY = Identity()


def of_person(identity: Identity, noms: str | None, *, case: CaseRef, message: MessageId) -> Identity:
    """Return the identity with the prison number an event bears; refuse an event about somebody else."""
    if noms is None or noms == identity.noms:
        return identity
    if identity.noms is not None or digest_of(case, noms) in identity.disowned:
        raise refusals.another_person()
    return replace(identity, noms=noms, said_in=(message,))


def renumbered(identity: Identity, noms: str | None, *, case: CaseRef, message: MessageId) -> Identity:
    """Return the identity under the number a case message states, if it states one."""
    if noms is None:
        return identity
    before = identity.said_in if noms == identity.noms else ()
    disowned = tuple(each for each in identity.disowned if each != digest_of(case, noms))
    return replace(identity, noms=noms, said_in=(*before, message)[-SAID_MAX:], disowned=disowned)


def unsaid(identity: Identity, *, case: CaseRef, message: MessageId) -> Identity:
    """Return the identity without what this message said of the number; what nobody else said goes."""
    if identity.noms is None or message not in identity.said_in:
        return identity
    others = tuple(each for each in identity.said_in if each != message)
    if others:
        return replace(identity, said_in=others)
    disowned = (*identity.disowned, digest_of(case, identity.noms))[-DISOWNED_MAX:]
    return replace(identity, noms=None, said_in=(), disowned=disowned)


def digest_of(case: CaseRef, noms: str) -> str:
    """Return what is kept of a number that may not be the person's: enough to know it again on this case."""
    return derived_id("disowned-number", case, noms)[:_DIGEST_DIGITS]


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
