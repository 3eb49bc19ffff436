"""Whom a restriction on a case is aimed at, and whether an interval contains the moment."""

from __future__ import annotations

from hub.cases.case import ConsentGiven, Restriction
from hub.consent.parties import Kind, Organisation
from hub.messages.envelope import Role
from hub.messages.identifiers import Instant

# Looking a member up in its enumeration takes longer than all else these are used for.
_PARTNER, _PERSON, _PROBATION, _MANAGER = Kind.PARTNER, Kind.PERSON, Kind.PROBATION, Role.OFFENDER_MANAGER


def in_force(item: ConsentGiven | Restriction, now: Instant) -> bool:
    """Tell whether an interval [from, to) contains the moment."""
    return item.since <= now and (item.until is None or now < item.until)


def aimed_at(item: Restriction, organisation: Organisation, role: Role) -> bool:
    """Tell whether a restriction is aimed at a recipient.

    One that names nobody is at every partner, and at the person: a manager threatened is threatened by them.
    """
    if not item.organisations and not item.roles:
        return organisation.kind is _PARTNER or organisation.kind is _PERSON
    return organisation.organisation in item.organisations or role in item.roles


def lets_in(item: Restriction, organisation: Organisation, role: Role) -> bool:
    """Tell whether limited access names a recipient; it shuts out neither Offender Manager nor person."""
    if organisation.kind is _PERSON or (role is _MANAGER and organisation.kind is _PROBATION):
        return True
    return organisation.organisation in item.organisations or role in item.roles
