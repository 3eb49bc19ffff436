"""Where the person is held, and who hears of a move."""

from __future__ import annotations

import pytest

from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.routing.outcome import Urgency
from tests.unit.moves import event, held, prison
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    HOUR,
    LEEDS,
    LEEDS_UNIT,
    MANAGER,
    MOORLAND,
    PROBATION,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    appoint,
    asked,
    codes,
    engage,
    refused,
    staffed,
    to,
)


@pytest.mark.requirement("R-MSG-05")
def test_a_confirmed_move_changes_where_the_person_is_held() -> None:
    """Reception, transfer, release: each leaves the prison left behind on record."""
    world = held()
    assert prison(world) == MOORLAND
    event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI")
    assert prison(world) == LEEDS
    event(world, LEEDS_UNIT, "TEMPORARY_RELEASE", prison_from="LEI")
    assert prison(world) == LEEDS
    event(world, LEEDS_UNIT, "RELEASE", prison_from="LEI", release_date=20_000)
    assert prison(world) is None
    assert world.state.custody is not None
    assert (world.state.custody.previous, world.state.custody.release_date) == (LEEDS, "2024-10-04")


@pytest.mark.requirement("R-MSG-05")
def test_a_provisional_move_moves_nobody_and_a_retracted_one_is_undone() -> None:
    """What is expected is told, what was wrong is put back."""
    world = held()
    event(world, UNIT, "TRANSFER", status="PROVISIONAL", prison_from="MDI", prison_to="LEI")
    assert prison(world) == MOORLAND
    event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI")
    event(world, UNIT, "TRANSFER", status="RETRACTED", prison_from="MDI", prison_to="LEI")
    assert prison(world) == MOORLAND
    event(world, UNIT, "RELEASE", prison_from="MDI")
    event(world, UNIT, "RELEASE", status="RETRACTED", prison_from="MDI")
    assert prison(world) == MOORLAND


@pytest.mark.requirement("R-RTE-07")
def test_a_move_reported_late_does_not_undo_a_later_one() -> None:
    """An event from before the last move is history."""
    world = held()
    event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI")
    event(world, UNIT, "RELEASE", prison_from="MDI", at=Instant(world.now - HOUR))
    assert prison(world) == LEEDS


@pytest.mark.requirement("R-RTE-05")
def test_a_transfer_reaches_both_prisons_and_the_team() -> None:
    """OM, OS, CA, the sending and the receiving unit, and a provider whose service is affected."""
    world = held()
    appoint(world, SUPERVISOR)
    engage(world, COUNSELLOR)
    result = event(world, SUPERVISOR, "TRANSFER", prison_from="MDI", prison_to="LEI")
    decisions = asked(result)
    for place in (
        (PROBATION, "offender_manager"),
        (PROBATION, "case_administrator"),
        (MOORLAND, "offender_management_unit"),
        (LEEDS, "offender_management_unit"),
    ):
        assert decisions[place].delivers, place
    assert decisions[RECOVERY, "key_worker"].candidate.relevant is True
    assert result.deliveries[0].role is Role.OFFENDER_MANAGER
    assert {d.urgency for d in result.deliveries if d.message is MessageName.PRISON_EVENT} == {Urgency.SAFETY}


@pytest.mark.requirement("R-RTE-05")
def test_the_prison_left_behind_hears_no_more_after_the_move() -> None:
    """It was part of the move, and of nothing after it."""
    world = held()
    event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI")
    review = world.send(MANAGER, MessageName.REVIEW, {"review": "r-1", "action": "DUE"})
    organisations = {d.candidate.organisation for d in review.decisions}
    assert LEEDS in organisations
    assert MOORLAND not in organisations


@pytest.mark.requirement("R-RTE-05")
def test_distant_custody_raises_the_question_of_an_offender_supervisor() -> None:
    """002 3.24a; only when the move has happened, and not out of scope."""
    world = held()
    provisional = event(world, UNIT, "TRANSFER", status="PROVISIONAL", prison_to="LEI", distant=True)
    assert codes(provisional) == []
    moved = event(world, UNIT, "TRANSFER", prison_to="LEI", distant=True)
    assert set(codes(moved)) == {"DISTANT-CUSTODY", "DISPOSE"}
    out = staffed(in_scope=False)
    assert codes(event(out, UNIT, "RECEPTION", prison_to="MDI", distant=True)) == []


@pytest.mark.requirement("R-MSG-05")
def test_a_prison_reports_on_people_it_holds_held_or_receives_only() -> None:
    """Another prison, and an organisation that is none, are not entitled."""
    world = held()
    assert refused(event(world, LEEDS_UNIT, "RELEASE", prison_from="MDI")) == "NOT-ENTITLED"
    assert refused(event(world, LEEDS_UNIT, "RELEASE", prison_from="LEI")) == "NOT-ENTITLED"
    assert refused(event(world, LEEDS_UNIT, "RECEPTION", prison_to="LEI")) is None
    assert refused(event(world, UNIT, "RELEASE_DATE", release_date=20_100)) is None
    assert refused(event(world, ADMINISTRATOR, "RELEASE")) == "NOT-ENTITLED"


@pytest.mark.requirement("R-CASE-01")
def test_a_prison_the_hub_does_not_know_still_counts_as_custody() -> None:
    """The person is held there, though nobody there can be told: who manages the case hears so, once."""
    world = held()
    moved = event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="WWI")
    assert prison(world) == "prison.wwi"
    assert "PRISON-NOT-REACHED" in codes(moved)
    again = event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="WWI", movement_reason="INT")
    assert "PRISON-NOT-REACHED" not in codes(again)


@pytest.mark.requirement("R-RTE-06")
def test_risk_reaches_the_prison_unit_on_the_same_route() -> None:
    """Public protection information is not kept apart from offender management (004)."""
    world = held()
    risk = {"kind": "FACTOR", "factor": "Invented factor", "summary": "Invented summary"}
    told = world.send(MANAGER, MessageName.RISK_CHANGE, risk)
    assert to(told, MOORLAND, Role.OFFENDER_MANAGEMENT_UNIT)


@pytest.mark.requirement("R-MSG-05", "R-CASE-01")
def test_what_is_said_to_have_happened_and_is_days_ahead_moves_nobody() -> None:
    """A slip in a date would free the person at once; what is to come is told as expected."""
    world = held()
    ahead = Instant(world.now + 25 * HOUR)
    said = event(world, UNIT, "RELEASE", prison_from="MDI", at=ahead)
    assert refused(said) == "MOVEMENT-AHEAD"
    assert prison(world) == MOORLAND
    assert refused(event(world, UNIT, "RELEASE", "PROVISIONAL", prison_from="MDI", at=ahead)) is None
    assert prison(world) == MOORLAND
    assert refused(event(world, UNIT, "RELEASE", prison_from="MDI", at=Instant(ahead - 2 * HOUR))) is None
    assert prison(world) is None
