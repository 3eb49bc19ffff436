"""Whose word it is when a prison leaves places unsaid, names itself twice, or speaks late (decision 0010)."""

from __future__ import annotations

import pytest

from hub.cases.movements import KEPT_MAX
from hub.consent.parties import Kind
from hub.messages.envelope import Role
from hub.messages.identifiers import Instant, OrganisationId
from tests.unit.moves import event, held, prison
from tests.unit.test_cases_claims import LEEDS_SYSTEM, SERVICE, alert, with_service
from tests.unit.test_cases_corrections import correct
from tests.unit.worlds import (
    DAY,
    HOUR,
    LEEDS,
    LEEDS_UNIT,
    MANAGER,
    MOORLAND,
    UNIT,
    Staff,
    World,
    codes,
    organisation,
    refused,
    staffed,
    to,
)

FACT = {"fact": "f" * 32}
BOTH = {"prison_from": "MDI", "prison_to": "LEI"}
WANDSWORTH = OrganisationId("hmp-wandsworth")
WANDSWORTH_SYSTEM = Staff(WANDSWORTH, Role.SYSTEM, "hmpps-domain-events")
ELSEWHERE = "prison.wwi"


def _is_told_nothing_of_whom_moorland_holds(world: World) -> None:
    assert prison(world) == MOORLAND
    told = alert(world)
    assert to(told, MOORLAND)
    assert not to(told, LEEDS)


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("action", ["RECEPTION", "RECALL", "RETURN"])
def test_a_prison_that_says_somebody_came_to_it_from_itself_has_only_claimed_them(action: str) -> None:
    """However it names the prison they came from."""
    world = held()
    claim = event(world, LEEDS_SYSTEM, action, prison_from="LEI", prison_to="LEI")
    assert set(codes(claim)) == {"CUSTODY-CLAIMED"}
    _is_told_nothing_of_whom_moorland_holds(world)


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("action", ["RECEPTION", "RECALL", "RETURN"])
@pytest.mark.parametrize("by", [UNIT, SERVICE], ids=["prison", "service"])
def test_an_arrival_without_a_prison_bears_out_none(action: str, by: object) -> None:
    """Somebody comes back from a day's leave; another prison must not come into what was left unsaid."""
    world = with_service(held())
    assert refused(event(world, by, action)) is None  # type: ignore[arg-type]
    event(world, LEEDS_SYSTEM, action, prison_to="LEI")
    _is_told_nothing_of_whom_moorland_holds(world)


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("action", ["RELEASE", "HDC"])
def test_a_prison_frees_nobody_for_itself_by_not_saying_where_from(action: str) -> None:
    """Told while it held the person by a word that is gone now: as if it had named itself."""
    world = held()
    event(world, UNIT, "TRANSFER", **BOTH, **FACT)
    assert refused(event(world, LEEDS_UNIT, action)) is None
    event(world, UNIT, "TRANSFER", "RETRACTED", **BOTH, **FACT)
    event(world, LEEDS_SYSTEM, "RECEPTION", prison_to="LEI")
    assert prison(world) is None
    assert not to(alert(world), LEEDS)


@pytest.mark.requirement("R-DIS-01")
def test_a_prison_tells_nothing_of_what_happened_in_another() -> None:
    """Nor when it holds the person now: it would be free to have them once the transfer is gone."""
    world = held()
    before = world.now
    event(world, UNIT, "TRANSFER", **BOTH, **FACT, at=Instant(before + HOUR))
    assert refused(event(world, LEEDS_UNIT, "RELEASE", prison_from="MDI", at=before)) == "NOT-ENTITLED"
    assert refused(event(world, LEEDS_UNIT, "RELEASE", at=before)) == "PERSON-NOT-HELD"
    event(world, UNIT, "TRANSFER", "RETRACTED", **BOTH, **FACT)
    event(world, LEEDS_SYSTEM, "RECEPTION", prison_to="LEI")
    _is_told_nothing_of_whom_moorland_holds(world)


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("named", [True, False])
def test_what_a_prison_expected_before_the_person_left_it_bears_nothing_out(named: bool) -> None:  # noqa: FBT001
    """It is Moorland that holds them now, and it has not let them go."""
    world = with_service(held())
    world.known[WANDSWORTH] = organisation(WANDSWORTH, Kind.PRISON, prison="WWI")
    event(world, SERVICE, "RECEPTION", prison_to="LEI")
    to_there = {"prison_to": "WWI"} if named else {}
    event(world, LEEDS_UNIT, "TRANSFER", "PROVISIONAL", prison_from="LEI", **to_there)
    world.pass_time(2 * DAY)
    event(world, SERVICE, "RECEPTION", prison_to="MDI")
    world.pass_time(2 * DAY)
    assert refused(event(world, WANDSWORTH_SYSTEM, "TRANSFER", prison_to="WWI")) is None
    assert prison(world) == MOORLAND
    assert not to(alert(world), WANDSWORTH)


@pytest.mark.requirement("R-DIS-01", "R-MSG-16")
def test_who_said_that_a_movement_led_elsewhere_has_not_said_where_it_leads_now() -> None:
    """Leeds expected it to lead there; what is left of that bears nobody else out."""
    world = with_service(held())
    event(world, UNIT, "TRANSFER", "PROVISIONAL", **BOTH, **FACT)
    event(world, LEEDS_UNIT, "TRANSFER", "PROVISIONAL", **BOTH, **FACT)
    event(world, UNIT, "TRANSFER", "PROVISIONAL", prison_from="MDI", prison_to="WWI", **FACT)
    (moved,) = (each for each in world.state.movements.known if each.fact == FACT["fact"])
    assert (moved.reached, moved.said_by, moved.borne_in) == (ELSEWHERE, (MOORLAND,), ())


@pytest.mark.requirement("R-DIS-01", "R-CASE-01")
@pytest.mark.parametrize("late", [True, False])
def test_a_prison_received_nobody_whom_another_held_then_however_late_that_is_told(late: bool) -> None:  # noqa: FBT001
    """The recall to Moorland is on record before Leeds speaks, or after: it comes to the same."""
    world = with_service(held())
    event(world, SERVICE, "RELEASE", prison_from="MDI")
    recalled = Instant(world.now + HOUR)
    world.pass_time(DAY)
    result = None
    for turn in (late, not late):
        if turn:
            result = event(world, LEEDS_SYSTEM, "RECEPTION", prison_to="LEI")
        else:
            result = event(world, SERVICE, "RECALL", prison_to="MDI", at=recalled)
    assert result is not None
    assert "CUSTODY-CLAIMED" in codes(result)
    _is_told_nothing_of_whom_moorland_holds(world)


@pytest.mark.requirement("R-DIS-01", "R-MSG-16")
def test_what_is_claimed_and_taken_back_ever_anew_pushes_out_nothing_that_others_have_said() -> None:
    """The reception at Moorland was a mistake, and can still be taken back."""
    world = with_service(staffed())
    received = event(world, SERVICE, "RECEPTION", prison_to="MDI")
    for turn in range(2 * KEPT_MAX):
        fact = f"{turn:032d}"
        event(world, LEEDS_SYSTEM, "RECEPTION", prison_to="LEI", fact=fact)
        assert (
            refused(event(world, LEEDS_SYSTEM, "RECEPTION", "RETRACTED", prison_to="LEI", fact=fact)) is None
        )
    assert prison(world) == MOORLAND
    assert "MOVEMENT-TAKEN-BACK" in codes(correct(world, received))
    assert prison(world) is None


@pytest.mark.requirement("R-MSG-05")
def test_a_claim_counts_from_its_own_moment_also_where_another_only_expects_it() -> None:
    """The Offender Manager expects the person there in some days; they have been there for an hour."""
    world = held()
    came = world.now
    world.pass_time(HOUR)
    event(world, LEEDS_SYSTEM, "RECEPTION", prison_to="LEI", at=came)
    event(world, MANAGER, "RECEPTION", "PROVISIONAL", prison_to="LEI", at=Instant(came + 3 * DAY))
    assert world.state.custody is not None
    assert (prison(world), world.state.custody.since) == (LEEDS, came)
    assert refused(event(world, LEEDS_UNIT, "RELEASE", prison_from="LEI")) is None


@pytest.mark.requirement("R-ADM-01")
def test_an_expected_arrival_that_is_borne_out_is_waited_for() -> None:
    """As it was while it was a claim: nobody confirms it, and that is reported."""
    world = held()
    event(world, LEEDS_SYSTEM, "RECEPTION", "PROVISIONAL", prison_to="LEI", at=Instant(world.now + DAY))
    told = event(world, UNIT, "TRANSFER", prison_from="MDI")
    assert "CUSTODY-CLAIM-BORNE-OUT" in codes(told)
    assert "MOVEMENT-NOT-CONFIRMED" in codes(world.pass_time(2 * DAY))


@pytest.mark.requirement("R-ADM-01")
@pytest.mark.parametrize("confirmed", [True, False])
def test_of_two_transfers_expected_under_one_correlation_each_is_waited_for(confirmed: bool) -> None:  # noqa: FBT001
    """To court and back: each is reported in its time, also where the other has been confirmed."""
    world = with_service(held())
    there, back = Instant(world.now + HOUR), Instant(world.now + 2 * DAY)
    return_ = {"prison_from": "LEI", "prison_to": "MDI"}
    event(world, SERVICE, "TRANSFER", "PROVISIONAL", **BOTH, **FACT, at=there)
    event(world, SERVICE, "TRANSFER", "PROVISIONAL", **return_, **FACT, at=back)
    if confirmed:
        event(world, SERVICE, "TRANSFER", **BOTH, **FACT, at=there)
    late = [codes(world.pass_time(DAY)).count("MOVEMENT-NOT-CONFIRMED") for _ in range(4)]
    once = len({"manager", "administrator"})
    assert late == [0 if confirmed else once, 0, once, 0]


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("named", [True, False])
def test_a_prison_takes_back_nothing_that_others_expect_of_other_prisons(named: bool) -> None:  # noqa: FBT001
    """Neither under its correlation nor by a place left unsaid; and it is not given its own word back."""
    world = held()
    fact = FACT if named else {}
    event(world, UNIT, "TRANSFER", "PROVISIONAL", prison_from="MDI", **FACT)
    back = event(world, LEEDS_SYSTEM, "TRANSFER", "RETRACTED", prison_to="LEI", **fact)
    assert (refused(back), back.deliveries) == ("MOVEMENT-UNKNOWN", ())
    assert [each.status.value for each in world.state.movements.known] == ["CONFIRMED", "PROVISIONAL"]


@pytest.mark.requirement("R-DIS-01")
def test_a_prison_takes_back_no_release_that_it_had_no_part_in() -> None:
    """By number alone it would have put the person back into another prison."""
    world = with_service(held())
    event(world, SERVICE, "RELEASE")
    assert (
        refused(event(world, LEEDS_SYSTEM, "RELEASE", "RETRACTED", prison_from="LEI")) == "MOVEMENT-UNKNOWN"
    )
    assert prison(world) is None
    assert refused(event(world, UNIT, "RELEASE", "RETRACTED", prison_from="MDI")) is None
    assert prison(world) == MOORLAND


@pytest.mark.requirement("R-DIS-01", "R-MSG-16")
@pytest.mark.parametrize("how", ["RETRACTED", "CORRECTED"])
def test_a_word_that_was_taken_back_bears_nothing_out_under_its_correlation(how: str) -> None:
    """Whoever says the same anew says it alone; a release has let it stand, and that was wrong, too."""
    world = with_service(held())
    said = event(world, UNIT, "TRANSFER", **BOTH, **FACT)
    if how == "RETRACTED":
        event(world, UNIT, "TRANSFER", "RETRACTED", **BOTH, **FACT)
    else:
        correct(world, said)
    event(world, LEEDS_SYSTEM, "TRANSFER", prison_to="LEI", **FACT)
    _is_told_nothing_of_whom_moorland_holds(world)
    event(world, LEEDS_SYSTEM, "TRANSFER", "RETRACTED", prison_to="LEI", **FACT)
    release = event(world, SERVICE, "RELEASE", prison_from="MDI")
    event(world, LEEDS_SYSTEM, "TRANSFER", prison_to="LEI", **FACT)
    assert prison(world) == LEEDS
    assert "CUSTODY-CLAIMED" in codes(correct(world, release))
    _is_told_nothing_of_whom_moorland_holds(world)
