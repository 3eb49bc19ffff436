"""When a decision stops being right by time alone: whatever begins or ends in a case or an organisation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.cases.case import (
    Case,
    ConsentGiven,
    ConsentState,
    Custody,
    Handover,
    Member,
    Restriction,
    RestrictionKind,
)
from hub.cases.grants import Act, Grant, GrantKind
from hub.consent.moments import next_moment
from hub.consent.parties import Kind, Protocol
from hub.messages.envelope import InformationClass, Role
from hub.messages.identifiers import Instant
from tests.unit.worlds import CASE, PROBATION, RECOVERY, organisation

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW, LATER, MUCH_LATER = Instant(1_000), Instant(2_000), Instant(3_000)
BARE = Case(ref=CASE, jurisdiction="ENGLAND_AND_WALES", opened_at=Instant(0), opened_by=PROBATION)
MEMBER = Member(role=Role.KEY_WORKER, organisation=RECOVERY, person="kw-1", since=Instant(0))
CONSENT = ConsentGiven(
    consent="c", state=ConsentState.GIVEN, organisation=None, classes=frozenset(), purposes=frozenset(),
    since=Instant(0), until=LATER,
)  # fmt: skip
RESTRICTION = Restriction(
    restriction="r", kind=RestrictionKind.EXCLUSION, organisations=frozenset(), roles=frozenset(),
    classes=frozenset(), objective=None, since=LATER, until=None,
)  # fmt: skip
GRANT = Grant(
    grant="g", kind=GrantKind.OVERRIDE, organisation=RECOVERY, classes=frozenset(), roles=frozenset(),
    purposes=frozenset(), evidence="", since=Instant(0), until=LATER,
    asked=Act(organisation=PROBATION, role=Role.OFFENDER_MANAGER, person="om-1", at=Instant(0)),
)  # fmt: skip


def moment(case: Case = BARE, *, protocols: tuple[Protocol, ...] = ()) -> Instant | None:
    """Return the next moment for a partner on a case."""
    partner = replace(organisation(RECOVERY, Kind.PARTNER), protocols=protocols)
    return next_moment(case, partner, (), NOW)


@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize(
    "held",
    [
        {"team": (MEMBER, replace(MEMBER, until=LATER))},
        {"team": (replace(MEMBER, since=LATER),)},
        {"consents": (CONSENT,)},
        {"restrictions": (RESTRICTION,)},
        {"handover": Handover(outgoing=MEMBER, until=LATER)},
        {"custody": Custody(prison=None, since=LATER)},
        {"grants": (GRANT,)},
    ],
    ids=["ends", "begins", "consent", "restriction", "handover", "custody", "grant"],
)
def test_whatever_begins_or_ends_next_in_a_case_is_the_moment(held: Mapping[str, object]) -> None:
    """The earliest of all; nothing, where all of it has begun and nothing ends."""
    assert moment() is None
    case = replace(BARE, **held)  # type: ignore[arg-type]
    assert moment(case) == LATER
    far = replace(MEMBER, until=MUCH_LATER)
    assert moment(replace(case, team=(*case.team, far))) == LATER
    assert next_moment(case, organisation(RECOVERY, Kind.PARTNER), (), LATER) is None


@pytest.mark.requirement("R-DIS-05")
def test_a_protocol_that_ends_and_what_is_known_otherwise_are_moments_too() -> None:
    """Of the organisation, and of a policy to come."""
    protocol = Protocol(name="p", classes=frozenset({InformationClass.RISK}), since=Instant(0), until=LATER)
    assert moment(protocols=(protocol,)) == LATER
    partner = organisation(RECOVERY, Kind.PARTNER)
    assert next_moment(BARE, partner, (), NOW, also=(Instant(1_500), NOW)) == Instant(1_500)


@pytest.mark.requirement("R-DIS-05")
def test_the_next_moment_is_that_of_the_case_and_the_time_asked_about() -> None:
    """Asked of one case after another, and of one at several times."""
    ends = replace(BARE, team=(replace(MEMBER, until=LATER),))
    again = replace(BARE, team=(replace(MEMBER, until=MUCH_LATER),))
    partner = organisation(RECOVERY, Kind.PARTNER)
    asked = [(ends, NOW), (again, NOW), (ends, NOW), (ends, LATER), (again, LATER)]
    found = [next_moment(case, partner, (), at) for case, at in asked]
    assert found == [LATER, MUCH_LATER, LATER, None, MUCH_LATER]
