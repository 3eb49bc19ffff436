"""The prison service's own system speaks for every prison, and says nothing else of a case than a number."""

from __future__ import annotations

import pytest

from hub.consent.parties import EVERY_PRISON, Kind
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import OrganisationId
from hub.routing.outcome import Result
from tests.unit.worlds import LEEDS, MOORLAND, Staff, World, codes, organisation, refused, staffed, to

SERVICE = OrganisationId("prison-service")
SYSTEM = Staff(SERVICE, Role.SYSTEM, "hmpps-domain-events")


def served() -> World:
    """Return a world in which the prison service sends events."""
    world = staffed()
    world.known[SERVICE] = organisation(SERVICE, Kind.PRISON, prison=EVERY_PRISON)
    return world


def event(world: World, action: str, by: Staff = SYSTEM, **fields: object) -> Result:
    """Let the prison service tell of a movement."""
    return world.send(by, MessageName.PRISON_EVENT, {"action": action, "status": "CONFIRMED", **fields})


@pytest.mark.requirement("R-RTE-05")
@pytest.mark.requirement("R-MSG-05")
def test_the_prison_service_moves_people_between_prisons() -> None:
    """Both units hear of it, as if each prison had said it itself."""
    world = served()
    assert refused(event(world, "RECEPTION", prison_to="MDI")) is None
    told = event(world, "TRANSFER", prison_to="LEI")
    assert to(told, MOORLAND, Role.OFFENDER_MANAGEMENT_UNIT)
    assert to(told, LEEDS, Role.OFFENDER_MANAGEMENT_UNIT)
    assert not to(told, SERVICE)


@pytest.mark.requirement("R-MSG-13")
def test_the_prison_service_says_by_which_number_it_knows_the_person_and_nothing_else() -> None:
    """What a case is, those say who manage it."""
    world = served()
    case = {"action": "CHANGED", "noms_number": "A1234BC"}
    assert refused(world.send(SYSTEM, MessageName.CASE, case)) is None
    again = world.send(SYSTEM, MessageName.CASE, {**case, "noms_number": "A4321CB"})
    assert set(codes(again)) == {"NUMBER-CHANGED"}
    assert refused(world.send(SYSTEM, MessageName.CASE, {**case, "tier": 1})) == "NOT-ENTITLED"
    assert refused(world.send(SYSTEM, MessageName.CASE, {"action": "CLOSED"})) == "NOT-ENTITLED"


@pytest.mark.requirement("R-MSG-05")
def test_nobody_of_the_prison_service_speaks_for_a_prison_but_its_system() -> None:
    """Nor does the system of one prison speak for another."""
    world = served()
    clerk = Staff(SERVICE, Role.OFFENDER_MANAGEMENT_UNIT, "omu-9")
    event(world, "RECEPTION", prison_to="MDI")
    assert refused(event(world, "TRANSFER", clerk, prison_to="LEI")) == "NOT-ENTITLED"
    nameless = Staff(OrganisationId("nameless"), Role.SYSTEM, "nameless-system")
    world.known[nameless.organisation] = organisation(nameless.organisation, Kind.PRISON)
    assert refused(event(world, "TRANSFER", nameless, prison_to="LEI")) == "NOT-ENTITLED"
    leeds = Staff(LEEDS, Role.SYSTEM, "leeds-system")
    assert refused(event(world, "RELEASE", leeds, prison_from="MDI")) == "NOT-ENTITLED"
