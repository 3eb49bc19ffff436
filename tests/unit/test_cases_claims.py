"""No prison comes to hold anybody by its own word alone, nor by a number alone (decision 0010)."""

from __future__ import annotations

import pytest

from hub.consent.parties import EVERY_PRISON, Kind
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant, OrganisationId, is_organisation
from hub.routing.outcome import Result
from tests.unit.moves import event, held, prison
from tests.unit.worlds import (
    HOUR,
    LEEDS,
    LEEDS_UNIT,
    MANAGER,
    MOORLAND,
    PROBATION,
    SUPERVISOR,
    UNIT,
    Staff,
    World,
    appoint,
    codes,
    organisation,
    refused,
    staffed,
    to,
)

LEEDS_SYSTEM = Staff(LEEDS, Role.SYSTEM, "hmpps-domain-events")
MOORLAND_SYSTEM = Staff(MOORLAND, Role.SYSTEM, "hmpps-domain-events")
SERVICE = Staff(OrganisationId("prison-service"), Role.SYSTEM, "hmpps-domain-events")
RISK = {"kind": "FACTOR", "factor": "Invented factor", "summary": "Invented summary"}


def with_service(world: World) -> World:
    """Let the prison service take part."""
    world.known[SERVICE.organisation] = organisation(SERVICE.organisation, Kind.PRISON, prison=EVERY_PRISON)
    return world


def alert(world: World) -> Result:
    """Let the Offender Manager tell of a risk."""
    return world.send(MANAGER, MessageName.RISK_CHANGE, RISK)


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("by", [LEEDS_SYSTEM, LEEDS_UNIT])
@pytest.mark.parametrize("action", ["RECEPTION", "RECALL", "TRANSFER", "RETURN"])
def test_a_prison_takes_nobody_from_another_by_its_own_word(by: Staff, action: str) -> None:
    """It is given nothing; those who manage the case are told at once, the holding unit too if it may be."""
    world = held()
    for _ in range(2):
        assert refused(event(world, by, action, "PROVISIONAL", prison_to="LEI")) is None
        claim = event(world, by, action, prison_to="LEI")
        assert (refused(claim), prison(world), to(claim, LEEDS)) == (None, MOORLAND, ())
    other = held()
    first = event(other, by, action, prison_to="LEI")
    assert set(codes(first)) == {"CUSTODY-CLAIMED"}
    assert to(first, PROBATION, Role.OFFENDER_MANAGER)
    assert MOORLAND in {each.candidate.organisation for each in first.decisions}
    for each in (world, other):
        told = alert(each)
        assert to(told, MOORLAND)
        assert not to(told, LEEDS)


@pytest.mark.requirement("R-DIS-01")
def test_a_number_alone_gives_nothing_of_somebody_who_is_in_no_prison() -> None:
    """Until the Offender Manager says so; a prison that is on the team needs no more."""
    world = staffed()
    for action, places in (("RELEASE", {"prison_from": "LEI"}), ("RECEPTION", {"prison_to": "LEI"})):
        claim = event(world, LEEDS_SYSTEM, action, **places)
        assert (refused(claim), set(codes(claim)), to(claim, LEEDS)) == (None, {"CUSTODY-CLAIMED"}, ())
    assert not to(alert(world), LEEDS)
    assert refused(event(world, MANAGER, "RECEPTION", prison_to="LEI")) is None
    assert prison(world) == LEEDS
    assert to(alert(world), LEEDS)
    named = staffed()
    appoint(named, SUPERVISOR)
    event(named, MOORLAND_SYSTEM, "RECEPTION", prison_to="MDI")
    assert prison(named) == MOORLAND


@pytest.mark.requirement("R-MSG-05")
@pytest.mark.parametrize("word", ["TRANSFER", "EXPECTED", "RELEASE", "LATE RELEASE", "SERVICE"])
def test_a_claim_takes_effect_from_its_own_moment_when_it_is_borne_out(word: str) -> None:
    """By the prison that is left, whenever it says so, or by the prison service."""
    world = with_service(held())
    at = Instant(world.now + HOUR)
    event(world, LEEDS_SYSTEM, "RECEPTION", prison_to="LEI", at=at)
    if word == "SERVICE":
        result = event(world, SERVICE, "RECEPTION", prison_to="LEI", at=at)
    elif word == "EXPECTED":
        result = event(world, UNIT, "TRANSFER", "PROVISIONAL", prison_from="MDI", at=at)
    elif word == "TRANSFER":
        result = event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI", at=Instant(at - 1))
    else:
        left_at = at - 1 if word == "RELEASE" else at
        result = event(world, UNIT, "RELEASE", prison_from="MDI", at=Instant(left_at))
    assert refused(result) is None
    assert prison(world) == LEEDS
    assert world.state.custody is not None
    assert abs((world.state.custody.since or 0) - at) <= 1
    assert to(result, LEEDS, Role.OFFENDER_MANAGEMENT_UNIT)
    assert to(alert(world), LEEDS)
    assert "movement-confirmation" not in {t.kind for t in world.timers.values()} or word == "EXPECTED"


@pytest.mark.requirement("R-MSG-05")
def test_after_a_release_a_prison_receives_by_its_own_word() -> None:
    """A recall leads to any prison at any hour; the unit has to know whom it receives."""
    world = held()
    event(world, UNIT, "RELEASE", prison_from="MDI")
    result = event(world, LEEDS_SYSTEM, "RECALL", prison_to="LEI")
    assert (prison(world), bool(to(result, PROBATION, Role.OFFENDER_MANAGER))) == (LEEDS, True)


@pytest.mark.requirement("R-DIS-01")
def test_a_prison_left_earlier_neither_frees_nor_buries_nor_takes_back() -> None:
    """What others have said too, and by which another prison holds the person, it does not change."""
    world = with_service(held())
    fact = {"fact": "f" * 32}
    event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI", **fact)
    event(world, SERVICE, "TRANSFER", prison_to="LEI", health_alert="Invented", **fact)
    assert refused(event(world, UNIT, "RELEASE")) == "NOT-ENTITLED"
    assert refused(event(world, UNIT, "DEATH", prison_from="MDI")) == "PERSON-NOT-HELD"
    assert refused(event(world, UNIT, "TRANSFER", "RETRACTED", **fact)) == "PERSON-HELD-ELSEWHERE"
    assert prison(world) == LEEDS
    event(world, SERVICE, "TRANSFER", "RETRACTED", **fact)
    assert prison(world) == MOORLAND


@pytest.mark.requirement("R-MSG-05")
def test_a_claim_is_taken_back_by_who_made_it() -> None:
    """And nothing it might have meant comes true later."""
    world = held()
    event(world, LEEDS_SYSTEM, "RECEPTION", prison_to="LEI")
    back = event(world, LEEDS_SYSTEM, "RECEPTION", "RETRACTED", prison_to="LEI")
    assert (set(codes(back)), to(back, LEEDS)) == ({"MOVEMENT-TAKEN-BACK"}, ())
    event(world, UNIT, "RELEASE", prison_from="MDI")
    assert prison(world) is None


def test_an_organisation_named_like_a_prisons_code_is_not_that_prison() -> None:
    """A prison that is not on the hub has no organisation's name, not even of one that comes later."""
    world = held()
    taken = OrganisationId("prison-wwi")
    event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="WWI")
    world.known[taken] = organisation(taken, Kind.PRISON, prison="NHI")
    assert prison(world) not in {taken, MOORLAND, None}
    assert not is_organisation(str(prison(world)))
    assert not to(alert(world), taken)


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("both", [True, False])
def test_a_prison_corrects_nobody_back_whom_another_says_it_has(both: bool) -> None:  # noqa: FBT001
    """As it cannot retract that: the other's word stands, and those who manage the case have to ask.

    The prison that is left still has a part here: its Offender Supervisor is on the team.
    """
    world = held()
    appoint(world, SUPERVISOR)
    places = {"prison_from": "MDI", "prison_to": "LEI"}
    if both:
        assert refused(event(world, LEEDS_UNIT, "TRANSFER", **places)) is None
        assert prison(world) == MOORLAND
    said = event(world, UNIT, "TRANSFER", **places)
    assert prison(world) == LEEDS
    if both:
        assert refused(event(world, UNIT, "TRANSFER", "RETRACTED", **places)) == "PERSON-HELD-ELSEWHERE"
    assert said.seen is not None
    correction = {"corrects": said.seen[0], "action": "RETRACT", "fields": []}
    corrected = world.send(SUPERVISOR, MessageName.CORRECTION, correction)
    assert refused(corrected) is None
    assert prison(world) == (LEEDS if both else MOORLAND)
    assert ("CUSTODY-CLAIMED" in codes(corrected)) is both


@pytest.mark.requirement("R-DIS-01")
def test_who_repeats_a_movement_has_said_it_too() -> None:
    """However little they wrote: the prison that is left takes back nobody whom the other has confirmed."""
    world = held()
    places = {"prison_from": "MDI", "prison_to": "LEI"}
    event(world, UNIT, "TRANSFER", **places)
    assert refused(event(world, LEEDS_UNIT, "TRANSFER", **places)) is None
    assert refused(event(world, UNIT, "TRANSFER", "RETRACTED", **places)) == "PERSON-HELD-ELSEWHERE"
    assert prison(world) == LEEDS
