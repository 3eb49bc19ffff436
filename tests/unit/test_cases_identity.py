"""Who the person is: one number, and the cases found to be of the same person."""

from __future__ import annotations

import pytest

from hub.messages.envelope import MessageName
from tests.unit.moves import event, held, prison
from tests.unit.worlds import MANAGER, MOORLAND, UNIT, codes, refused


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
