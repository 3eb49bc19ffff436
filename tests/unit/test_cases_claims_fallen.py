"""No prison holds anybody by its own word alone once the word that bore it out is gone (decision 0010)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.cases.case import ReferralState
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from tests.unit.moves import event, held, prison
from tests.unit.test_cases_claims import (
    LEEDS_SYSTEM,
    MOORLAND_SYSTEM,
    SERVICE,
    alert,
    with_service,
)
from tests.unit.test_cases_corrections import correct
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    HOUR,
    LEEDS,
    MANAGER,
    MOORLAND,
    PROBATION,
    SUPERVISOR,
    UNIT,
    World,
    appoint,
    codes,
    distribute,
    engage,
    refused,
    staffed,
    to,
)

if TYPE_CHECKING:
    from hub.routing.outcome import Result

FACT = {"fact": "f" * 32}
WORDS = {
    "TRANSFER": ("TRANSFER", "CONFIRMED", {"prison_from": "MDI", "prison_to": "LEI"}),
    "EXPECTED": ("TRANSFER", "PROVISIONAL", {"prison_from": "MDI"}),
    "RELEASE": ("RELEASE", "CONFIRMED", {"prison_from": "MDI"}),
}


def _claims() -> tuple[World, Instant]:
    """Let Leeds say that somebody came to it whom Moorland holds."""
    world = with_service(held())
    at = Instant(world.now + HOUR)
    event(world, LEEDS_SYSTEM, "RECEPTION", prison_to="LEI", at=at)
    assert prison(world) == MOORLAND
    return world, at


def _says(world: World, word: str, at: Instant) -> Result:
    """Let Moorland bear it out."""
    action, status, places = WORDS[word]
    said = event(world, UNIT, action, status, at=at, **FACT, **places)
    assert refused(said) is None
    assert prison(world) == LEEDS
    assert to(alert(world), LEEDS)
    return said


@pytest.mark.requirement("R-DIS-01", "R-RTE-05")
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("how", ["RETRACTED", "CORRECTED", "BY THE MANAGER", "MENDED"])
def test_a_claim_falls_with_the_word_that_bore_it_out(word: str, how: str) -> None:
    """As if it had never been borne out: nobody there is told anything, and it may be borne out again."""
    world, at = _claims()
    appoint(world, SUPERVISOR)
    distribute(world)
    said = _says(world, word, Instant(at + 1 if word == "RELEASE" else at - 1))
    by = SERVICE if word == "RELEASE" else UNIT
    if how == "RETRACTED":
        action, _, places = WORDS[word]
        back = event(world, by, action, "RETRACTED", at=Instant(at - 1), **FACT, **places)
    elif how == "CORRECTED":
        assert said.seen is not None
        wrong = {"corrects": said.seen[0], "action": "RETRACT", "fields": []}
        back = world.send(SUPERVISOR, MessageName.CORRECTION, wrong)
    elif how == "BY THE MANAGER":
        back = correct(world, said)
    elif word == "RELEASE":
        back = event(world, by, "DEATH", prison_from="MDI", at=Instant(at + 1), **FACT)
    else:
        places = {"prison_from": "MDI", "prison_to": "WWI"}
        back = event(world, UNIT, "TRANSFER", WORDS[word][1], at=Instant(at - 1), **FACT, **places)
    assert refused(back) is None
    gone_on = how == "MENDED" and word == "TRANSFER"
    assert prison(world) == ("prison.wwi" if gone_on else MOORLAND)
    assert "CUSTODY-CLAIMED" in codes(back)
    assert [d for d in to(back, LEEDS) if d.payload.get("code") == "DISPOSE"]
    told = alert(world)
    assert not to(told, LEEDS)
    assert to(told, MOORLAND, Role.OFFENDER_MANAGEMENT_UNIT) or gone_on
    assert refused(world.send(LEEDS_SYSTEM, MessageName.RISK_CHANGE, {"kind": "FACTOR"})) == "NOT-ENTITLED"
    if how != "MENDED":
        event(world, SERVICE, "RECEPTION", prison_to="LEI", at=at)
        assert prison(world) == LEEDS


@pytest.mark.requirement("R-MSG-05")
def test_a_claim_that_is_borne_out_anew_counts_from_its_own_moment() -> None:
    """Not from the later one of a release that was taken back."""
    world, at = _claims()
    _says(world, "RELEASE", Instant(at + 2 * HOUR))
    event(world, SERVICE, "RELEASE", "RETRACTED", prison_from="MDI", **FACT)
    assert prison(world) == MOORLAND
    event(world, UNIT, "RELEASE", prison_from="MDI", at=Instant(at - 1))
    assert world.state.custody is not None
    assert (prison(world), world.state.custody.since) == (LEEDS, at)


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("by", [SERVICE, ADMINISTRATOR, MANAGER], ids=lambda each: each.role.value)
@pytest.mark.parametrize("repeated", [True, False])
def test_what_another_said_of_the_same_movement_bears_out_no_longer_once_it_is_corrected(
    by: object,
    repeated: bool,  # noqa: FBT001
) -> None:
    """Whether the prison has said it again meanwhile or not."""
    world, at = _claims()
    word = event(world, SERVICE if by is SERVICE else ADMINISTRATOR, "RECEPTION", prison_to="LEI", at=at)
    assert (refused(word), prison(world)) == (None, LEEDS)
    if repeated:
        event(world, LEEDS_SYSTEM, "RECEPTION", prison_to="LEI", at=at)
    assert word.seen is not None
    wrong = {"corrects": word.seen[0], "action": "RETRACT", "fields": []}
    back = world.send(MANAGER if by is SERVICE else by, MessageName.CORRECTION, wrong)  # type: ignore[arg-type]
    assert refused(back) is None
    assert prison(world) == MOORLAND
    assert not to(alert(world), LEEDS)
    assert {"CUSTODY-CLAIMED", "MOVEMENT-TAKEN-BACK"} & set(codes(back))


@pytest.mark.requirement("R-DIS-01", "R-MSG-05")
def test_what_the_prison_told_after_the_arrival_falls_with_it() -> None:
    """A death it told has ended nothing; a release has freed nobody whom another holds."""
    world, at = _claims()
    engage(world, COUNSELLOR)
    _says(world, "TRANSFER", Instant(at - 1))
    assert refused(event(world, LEEDS_SYSTEM, "DEATH", prison_from="LEI", at=Instant(at + 1))) is None
    assert {each.state for each in world.state.referrals} == {ReferralState.ENDED}
    back = event(world, UNIT, "TRANSFER", "RETRACTED", prison_from="MDI", prison_to="LEI", **FACT)
    assert {each.state for each in world.state.referrals} == {ReferralState.ACCEPTED}
    assert to(back, PROBATION, Role.OFFENDER_MANAGER)
    assert prison(world) == MOORLAND
    assert refused(event(world, UNIT, "TEMPORARY_RELEASE", prison_from="MDI")) is None
    other, at = _claims()
    _says(other, "TRANSFER", Instant(at - 1))
    event(other, LEEDS_SYSTEM, "RELEASE", prison_from="LEI", at=Instant(at + 1))
    assert prison(other) is None
    event(other, UNIT, "TRANSFER", "RETRACTED", prison_from="MDI", prison_to="LEI", **FACT)
    assert prison(other) == MOORLAND


@pytest.mark.requirement("R-DIS-01")
def test_whoever_received_somebody_after_a_release_that_was_none_has_only_claimed_them() -> None:
    """The release is taken back: the prison that told it has held the person all along."""
    world = with_service(held())
    event(world, UNIT, "RELEASE", prison_from="MDI", **FACT)
    event(world, LEEDS_SYSTEM, "RECALL", prison_to="LEI")
    assert prison(world) == LEEDS
    back = event(world, SERVICE, "RELEASE", "RETRACTED", prison_from="MDI", **FACT)
    assert {"MOVEMENT-TAKEN-BACK", "CUSTODY-CLAIMED"} <= set(codes(back))
    assert prison(world) == MOORLAND
    assert "MOVEMENT-NOT-CONFIRMED" in codes(world.pass_time(5 * HOUR))


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("named", [True, False])
def test_a_prison_with_somebody_on_the_team_needs_no_other_word_of_somebody_in_no_prison(
    named: bool,  # noqa: FBT001
) -> None:
    """A prison that found the case by number alone does, once it is unknown again where the person was."""
    world = with_service(staffed())
    if named:
        appoint(world, SUPERVISOR)
    assert refused(event(world, SERVICE, "RELEASE", prison_from="LEI", **FACT)) is None
    event(world, MOORLAND_SYSTEM, "RECEPTION", prison_to="MDI")
    assert prison(world) == MOORLAND
    back = event(world, SERVICE, "RELEASE", "RETRACTED", prison_from="LEI", **FACT)
    assert prison(world) == (MOORLAND if named else None)
    assert ("CUSTODY-CLAIMED" in codes(back)) is not named


@pytest.mark.requirement("R-DIS-01")
def test_a_claimed_release_frees_nobody_whom_another_prison_holds() -> None:
    """Not even after the Offender Manager has said where the person is."""
    world = with_service(staffed())
    later = Instant(world.now + 3 * HOUR)
    event(world, LEEDS_SYSTEM, "RELEASE", prison_from="LEI", at=later)
    event(world, MANAGER, "RECEPTION", prison_to="MDI")
    assert prison(world) == MOORLAND


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("says"), st.sampled_from([*WORDS, "SERVICE", "MANAGER"]), st.integers(-3, 3)),
        st.tuples(st.just("unsays"), st.sampled_from(["RETRACT", "CORRECT"]), st.integers(0, 3)),
        st.tuples(
            st.just("claims"),
            st.sampled_from(["RECEPTION", "RECALL", "RETURN", "RELEASE", "DEATH"]),
            st.integers(-3, 3),
        ),
    ),
    max_size=8,
)


@pytest.mark.requirement("R-DIS-01")
@given(steps=STEPS)
@example(
    steps=[("says", "TRANSFER", 0), ("claims", "RELEASE", 0), ("unsays", "", 0), ("claims", "RECEPTION", 0)]
)
@example(steps=[("says", "TRANSFER", 0), ("claims", "RELEASE", 0), ("claims", "RECEPTION", 0)])
@example(
    steps=[
        ("says", "TRANSFER", 1),
        ("claims", "RECEPTION", 0),
        ("claims", "RECEPTION", 1),
        ("unsays", "RETRACT", 0),
        ("says", "RELEASE", 1),
    ]
)
def test_when_nobody_elses_word_is_left_the_person_is_where_they_were(
    steps: list[tuple[str, str, int]],
) -> None:
    """Whatever was claimed, borne out and taken back, in whatever order."""
    world = with_service(held())
    base = Instant(world.now + 12 * HOUR)
    said: dict[str, tuple[str, Result]] = {}
    for number, (what, which, hours) in enumerate(steps):
        at = Instant(base + hours * HOUR + number)
        if what == "claims":
            places = {"prison_from": "LEI"} if which in {"RELEASE", "DEATH"} else {"prison_to": "LEI"}
            event(world, LEEDS_SYSTEM, which, at=at, **places)
        elif what == "says":
            fact = f"{number:032d}"
            if which in WORDS:
                action, status, places = WORDS[which]
                told = event(world, UNIT, action, status, fact=fact, at=at, **places)
            else:
                by = SERVICE if which == "SERVICE" else MANAGER
                told = event(world, by, "RECEPTION", fact=fact, at=at, prison_to="LEI")
            if refused(told) is None:
                said[fact] = (which, told)
        elif said:
            fact = list(said)[hours % len(said)]
            _unsay(world, which, fact, said)
    for fact in list(said):
        _unsay(world, "CORRECT", fact, said)
    assert said == {}
    released = ("claims", "RELEASE") in {step[:2] for step in steps}
    # A release by a prison that held the person by another's word stands, also where that word was wrong.
    assert prison(world) == MOORLAND or (released and prison(world) is None)
    assert not to(alert(world), LEEDS)


def _unsay(world: World, how: str, fact: str, said: dict[str, tuple[str, Result]]) -> None:
    """Let whoever said it take it back, or the Offender Manager correct it."""
    which, told = said[fact]
    if how == "CORRECT" or which not in WORDS:
        assert refused(correct(world, told)) is None
        del said[fact]
        return
    action, _, places = WORDS[which]
    if refused(event(world, UNIT, action, "RETRACTED", fact=fact, **places)) is None:
        del said[fact]
