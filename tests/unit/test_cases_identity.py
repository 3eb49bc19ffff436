"""Who the person is: one number, and the cases found to be of the same person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.adapters.ledger.people import people
from hub.cases.state import to_json
from hub.messages.envelope import MessageName
from hub.topics.person_index import number_digest
from tests.unit.moves import event, held, prison
from tests.unit.test_cases_corrections import correct
from tests.unit.test_hmpps import Keys
from tests.unit.worlds import LEEDS, LEEDS_UNIT, MANAGER, MOORLAND, UNIT, World, codes, refused, staffed, to

if TYPE_CHECKING:
    from hub.routing.outcome import Result


@pytest.mark.requirement("R-MSG-13")
def test_an_event_with_another_persons_number_is_refused() -> None:
    """The first number said is learned; a case message may mend it, and then it is reported."""
    world = held()
    assert refused(event(world, UNIT, "RELEASE_DATE", release_date=20_100, noms_number="A1234BC")) is None
    assert world.state.identity.noms == "A1234BC"
    wrong = event(world, UNIT, "RELEASE", prison_from="MDI", noms_number="A4321CB")
    assert refused(wrong) == "PERSON-MISMATCH"
    assert prison(world) == MOORLAND
    renumbered = world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "noms_number": "A4321CB"})
    assert set(codes(renumbered)) == {"NUMBER-CHANGED"}
    assert refused(event(world, UNIT, "RELEASE_DATE", release_date=20_200, noms_number="A4321CB")) is None


@pytest.mark.requirement("R-MSG-13")
def test_a_merger_and_its_undoing_are_kept_with_their_times_and_reported() -> None:
    """What was disclosed in between can then be found."""
    world = held()
    other = "d" * 32
    merged = world.send(MANAGER, MessageName.CASE, {"action": "MERGED", "merged_case": other})
    assert set(codes(merged)) == {"CASES-MERGED"}
    joined_at = world.now
    parted = world.send(MANAGER, MessageName.CASE, {"action": "UNMERGED", "merged_case": other})
    assert set(codes(parted)) == {"CASES-UNMERGED"}
    (merge,) = world.state.identity.merges
    assert (merge.case, merge.at, merge.undone_at) == (other, joined_at, world.now)


def stated(world: World, **facts: object) -> Result:
    """Let the Offender Manager state something of the person; it has to be taken."""
    result = world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", **facts})
    assert refused(result) is None
    return result


def in_index(world: World) -> list[object]:
    """Return the digests under which prison events find the case."""
    ((_, _, numbers), _) = people(world.state, Keys())
    found = numbers["digests"]
    assert isinstance(found, list)
    return found


@pytest.mark.requirement("R-MSG-13")
@pytest.mark.requirement("R-MSG-16")
@pytest.mark.parametrize("names", [(), ("noms_number",), ("noms_number", "surname"), ("provider",)])
def test_a_wrong_prison_number_that_is_corrected_finds_the_case_no_more(names: tuple[str, ...]) -> None:
    """It is out of the index and reported; an event on its way by it is about somebody else."""
    world = staffed()
    said = stated(world, noms_number="A1234BC", surname="Elderflower")
    assert in_index(world) == [number_digest(Keys(), "A1234BC")]
    assert set(codes(correct(world, said, *names))) == {"NUMBER-TAKEN-BACK"}
    assert world.state.identity.noms is None
    assert in_index(world) == []
    assert "A1234BC" not in to_json(world.state).decode()
    late = event(world, UNIT, "RECEPTION", prison_to="MDI", noms_number="A1234BC")
    assert refused(late) == "PERSON-MISMATCH"
    assert (world.state.identity.noms, world.state.custody) == (None, None)
    assert refused(event(world, UNIT, "RECEPTION", prison_to="MDI", noms_number="A4321CB")) is None
    assert world.state.identity.noms == "A4321CB"


@pytest.mark.requirement("R-MSG-13")
@pytest.mark.requirement("R-MSG-16")
def test_a_prison_number_two_messages_said_falls_with_both_of_them() -> None:
    """An event that found the case by the number says nothing of its own; a wrong surname takes nothing."""
    world = staffed()
    first = stated(world, noms_number="A1234BC", surname="Elderflower")
    second = stated(world, noms_number="A1234BC")
    received = event(world, UNIT, "RECEPTION", prison_to="MDI", noms_number="A1234BC")
    assert refused(received) is None
    assert codes(correct(world, first, "surname")) == []
    assert codes(correct(world, first)) == []
    assert world.state.identity.noms == "A1234BC"
    assert "NUMBER-TAKEN-BACK" in codes(correct(world, second, "noms_number"))
    assert world.state.identity.noms is None


@pytest.mark.requirement("R-MSG-13")
@pytest.mark.requirement("R-MSG-16")
def test_a_number_taken_back_is_taken_again_when_it_is_stated() -> None:
    """By a case message, which somebody answers for; from then on its events are the person's."""
    world = staffed()
    correct(world, stated(world, noms_number="A1234BC"), "noms_number")
    stated(world, noms_number="A1234BC")
    assert refused(event(world, UNIT, "RECEPTION", prison_to="MDI", noms_number="A1234BC")) is None
    assert prison(world) == MOORLAND


@pytest.mark.requirement("R-MSG-13")
@pytest.mark.requirement("R-MSG-16")
def test_a_number_learned_from_an_event_goes_with_that_event() -> None:
    """And where the person was by it."""
    world = staffed()
    received = event(world, UNIT, "RECEPTION", prison_to="MDI", noms_number="A1234BC")
    assert set(codes(correct(world, received))) >= {"NUMBER-TAKEN-BACK", "MOVEMENT-TAKEN-BACK"}
    assert world.state.identity.noms is None
    assert prison(world) is None


@pytest.mark.requirement("R-MSG-13")
@pytest.mark.requirement("R-MSG-16")
def test_where_another_person_was_held_is_undone_with_the_number_it_was_told_by() -> None:
    """Their prison hears no more of this case; what the prison said of the case itself stands."""
    world = staffed()
    said = stated(world, noms_number="A1234BC")
    event(world, UNIT, "RECEPTION", prison_to="MDI", at=world.now)
    moved_on = event(
        world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI", noms_number="A1234BC", at=world.now + 1
    )
    assert refused(moved_on) is None
    dated = event(world, LEEDS_UNIT, "RELEASE_DATE", release_date=20_100, noms_number="A1234BC")
    assert refused(dated) is None
    assert prison(world) == LEEDS
    assert set(codes(correct(world, said, "noms_number"))) >= {"NUMBER-TAKEN-BACK", "MOVEMENT-TAKEN-BACK"}
    assert prison(world) == MOORLAND
    assert world.state.custody is not None
    assert world.state.custody.release_date is None
    assert not to(stated(world, tier=3), LEEDS)


@pytest.mark.requirement("R-MSG-13")
@pytest.mark.requirement("R-MSG-16")
@pytest.mark.parametrize("first", [{"noms_number": "A1234BC"}, {}])
def test_a_movement_somebody_told_without_the_number_stands_when_the_number_falls(
    first: dict[str, str],
) -> None:
    """Whichever account came first; so does a release date the case states."""
    world = staffed()
    said = stated(world, noms_number="A1234BC")
    stated(world, release_date=20_100)
    for number in (first, {} if first else {"noms_number": "A1234BC"}):
        told = event(world, UNIT, "RECEPTION", fact="f-1", prison_to="MDI", **number)
        assert refused(told) is None
    correct(world, said, "noms_number")
    assert prison(world) == MOORLAND
    assert world.state.custody is not None
    assert world.state.custody.release_date is not None
