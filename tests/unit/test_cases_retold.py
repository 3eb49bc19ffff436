"""Who told a movement, and what a correction of their messages takes back, however many there were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.cases.case import ConsentState
from hub.cases.declaring import DECLARED_MAX, also_declared, declared
from hub.cases.movements import SAID_MAX
from hub.messages.envelope import InformationClass, MessageName, Role
from tests.unit.moves import event, held, prison
from tests.unit.test_cases_claims import LEEDS_SYSTEM, alert, with_service
from tests.unit.test_cases_corrections import correct, say
from tests.unit.worlds import (
    COUNSELLOR,
    LEEDS,
    LEEDS_UNIT,
    MANAGER,
    MOORLAND,
    PROBATION,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    appoint,
    codes,
    engage,
    refused,
    staffed,
    to,
)

FACT = {"fact": "f" * 32}
BOTH = {"prison_from": "MDI", "prison_to": "LEI"}
CLASSES = tuple(InformationClass)


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.parametrize("tellers", [4, SAID_MAX])
def test_a_movement_stands_until_the_last_who_told_it_has_corrected_it(tellers: int) -> None:
    """Whichever is corrected last, the first or the fourth."""
    for last in (0, tellers - 1):
        world = held()
        told = [
            event(world, UNIT, "TRANSFER", movement_reason=f"R{number}", **BOTH, **FACT)
            for number in range(tellers)
        ]
        kept = told.pop(last)
        for each in told:
            assert "MOVEMENT-TAKEN-BACK" not in codes(correct(world, each, "prison_to"))
            assert prison(world) == LEEDS
        assert "MOVEMENT-TAKEN-BACK" in codes(correct(world, kept, "prison_to"))
        assert prison(world) == MOORLAND


@pytest.mark.requirement("R-MSG-16")
def test_a_movement_told_more_often_than_is_kept_is_asked_about_and_not_taken_back() -> None:
    """Somebody still says it; the prison itself may take it back."""
    world = held()
    told = [
        event(world, UNIT, "TRANSFER", movement_reason=f"R{number}", **BOTH, **FACT)
        for number in range(SAID_MAX + 1)
    ]
    found = [codes(correct(world, each, "prison_to")) for each in told[:-1]]
    assert set(found[-1]) == {"CUSTODY-CLAIMED"}
    assert not any(found[:-1])
    assert prison(world) == LEEDS
    assert refused(event(world, UNIT, "TRANSFER", "RETRACTED", **BOTH, **FACT)) is None
    assert prison(world) == MOORLAND


@pytest.mark.requirement("R-MSG-16", "R-RTE-05")
def test_who_expected_what_another_confirmed_is_asked_about_once_that_was_wrong() -> None:
    """The prison that receives keeps the person until it is clear who is right; it is its own word now."""
    world = held()
    appoint(world, SUPERVISOR)
    expected = event(world, UNIT, "TRANSFER", "PROVISIONAL", **BOTH)
    assert refused(event(world, LEEDS_UNIT, "TRANSFER", **BOTH)) is None
    assert prison(world) == LEEDS
    assert expected.seen is not None
    wrong = {"corrects": expected.seen[0], "action": "RETRACT", "fields": []}
    assert set(codes(world.send(SUPERVISOR, MessageName.CORRECTION, wrong))) == {"CUSTODY-CLAIMED"}
    assert prison(world) == LEEDS
    other = held()
    expected = event(other, UNIT, "TRANSFER", "PROVISIONAL", **BOTH)
    event(other, LEEDS_UNIT, "TRANSFER", **BOTH)
    assert set(codes(correct(other, expected))) >= {"CUSTODY-CLAIMED"}
    assert prison(other) == MOORLAND
    assert not to(alert(other), LEEDS)


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.parametrize("how", ["RETRACTED", "CORRECTED"])
def test_a_correction_of_what_took_a_movement_back_says_that_nothing_comes_back(how: str) -> None:
    """Nothing that was taken back holds again by it: it is stated anew."""
    world = held()
    transfer = event(world, UNIT, "TRANSFER", **BOTH, **FACT)
    if how == "RETRACTED":
        back = event(world, UNIT, "TRANSFER", "RETRACTED", **BOTH, **FACT)
    else:
        back = correct(world, transfer)
    told = correct(world, back)
    assert set(codes(told)) == {"CORRECTION-CORRECTED"}
    assert to(told, PROBATION, Role.OFFENDER_MANAGER)
    assert prison(world) == MOORLAND
    assert refused(event(world, UNIT, "TRANSFER", **BOTH)) is None
    assert prison(world) == LEEDS


@pytest.mark.requirement("R-MSG-16")
def test_a_correction_of_a_correction_of_a_consent_says_that_nothing_comes_back() -> None:
    """The consent stays ended until it is recorded anew."""
    world = staffed()
    engage(world, COUNSELLOR)
    given = say(world, "GIVEN", organisations=[RECOVERY], classes=["health"])
    told = correct(world, correct(world, given))
    assert set(codes(told)) == {"CORRECTION-CORRECTED"}
    (consent,) = world.state.consents
    assert consent.state is ConsentState.EXPIRED


@pytest.mark.requirement("R-MSG-16", "R-DIS-01")
def test_the_correction_of_a_claim_is_told_to_nobody_who_was_not_told_of_the_claim() -> None:
    """Those who manage the case are told that it is taken back."""
    world = held()
    engage(world, COUNSELLOR)
    claim = event(world, LEEDS_SYSTEM, "RECEPTION", prison_to="LEI")
    told = correct(world, claim)
    assert {each.message for each in told.deliveries} == {MessageName.EXCEPTION}
    assert set(codes(told)) == {"MOVEMENT-TAKEN-BACK"}


@pytest.mark.requirement("R-MSG-16")
def test_the_correction_of_what_counted_once_is_told_to_whoever_was_told() -> None:
    """Though it is only a claim by then."""
    world = with_service(held())
    engage(world, COUNSELLOR)
    release = event(world, UNIT, "RELEASE", prison_from="MDI", **FACT)
    recall = event(world, LEEDS_SYSTEM, "RECALL", prison_to="LEI")
    assert to(recall, RECOVERY)
    correct(world, release)
    assert prison(world) == MOORLAND
    assert MessageName.CORRECTION in {each.message for each in to(correct(world, recall), RECOVERY)}


@pytest.mark.requirement("R-MSG-16", "R-MSG-13")
def test_a_number_that_was_wrong_takes_back_a_claim_that_rested_on_an_event_by_it_once() -> None:
    """Each movement by it is taken back once, also one that falls with another."""
    world = held()
    numbered = {"noms_number": "A1234BC"}
    stated = world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", **numbered})
    event(world, UNIT, "RELEASE", prison_from="MDI", **numbered)
    event(world, LEEDS_SYSTEM, "RECALL", prison_to="LEI", **numbered)
    told = correct(world, stated, "noms_number")
    assert "NUMBER-TAKEN-BACK" in codes(told)
    assert MessageName.CORRECTION in {each.message for each in told.deliveries}
    statuses = [each.status.value for each in world.state.movements.known]
    assert statuses == ["CONFIRMED", "RETRACTED", "RETRACTED"]
    assert prison(world) == MOORLAND


def test_what_was_declared_first_is_not_pushed_out_by_what_is_declared_later() -> None:
    """And no message's own classes are cut short."""
    first = tuple(sorted(f"z{number}=victim" for number in range(40)))
    more = tuple(f"a{number}=health" for number in range(40))
    kept = also_declared(first, more)
    assert len(kept) == DECLARED_MAX
    assert set(first) <= set(kept)
    assert declared(kept)["z0"] is InformationClass.VICTIM


def test_the_classes_of_a_movement_stay_bounded_however_often_it_is_told() -> None:
    """Each account may declare others."""
    world = held()
    fields = (
        "action",
        "status",
        "at",
        "prison_from",
        "prison_to",
        "movement_reason",
        "release_type",
        "distant",
    )
    for number, stricter in enumerate(CLASSES):
        said = world.submission(
            UNIT,
            MessageName.PRISON_EVENT,
            {"action": "TRANSFER", "status": "CONFIRMED", "movement_reason": f"R{number}", **BOTH},
            correlation=FACT["fact"],
        )
        envelope = replace(said.envelope, declared=dict.fromkeys(fields, stricter))
        assert refused(world.take(replace(said, envelope=envelope))) is None
    (moved,) = (each for each in world.state.movements.known if each.fact == FACT["fact"])
    assert len(moved.declared) == DECLARED_MAX
