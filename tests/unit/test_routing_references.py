"""How a partner sees a referral that is another organisation's: as a reference that says nothing."""

from __future__ import annotations

import re

import pytest

from hub.messages.envelope import MessageName, Role
from hub.routing.disclosing import with_own_referrals
from tests.unit.worlds import (
    COUNSELLOR,
    HOUSING,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    MOORLAND,
    PROBATION,
    PROGRAMMES,
    RECOVERY,
    SUPERVISOR,
    Staff,
    World,
    appoint,
    distribute,
    engage,
    move,
    objective_fields,
    offer,
    refused,
    staffed,
    to,
)

TELLING = "detox-clinic-7"
PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
TRAINER = Staff(PROGRAMMES, Role.KEY_WORKER, "kw-programmes")


def peopled() -> World:
    """Return a world in which three partners work with the person, one under a telling reference."""
    world = staffed()
    appoint(world, SUPERVISOR)
    offer(world, RECOVERY, referral=TELLING)
    move(world, COUNSELLOR, "ACCEPT", referral=TELLING, key_worker=COUNSELLOR.person)
    engage(world, HOUSING_OFFICER)
    engage(world, TRAINER)
    return world


def news(world: World) -> dict[str, object]:
    """Return what each organisation is told of the referral when progress on it affects everybody."""
    progress = {
        "referral": TELLING,
        "kind": "SESSION",
        "attendance": "ACCEPTABLE_ABSENCE",
        "affects": ["ACCOMMODATION", "LIFESTYLE_ASSOCIATES"],
    }
    told = world.send(COUNSELLOR, MessageName.PROGRESS, progress)
    return {d.organisation: d.payload["referral"] for d in told.deliveries}


@pytest.mark.requirement("R-DIS-01")
def test_a_partner_sees_another_providers_referral_under_a_reference_that_says_nothing() -> None:
    """The same every time, of the contract's form, and another for every partner."""
    world = peopled()
    first, second = news(world), news(world)
    assert first == second
    foreign = [str(first[HOUSING]), str(first[PROGRAMMES])]
    assert len({TELLING, *foreign}) == 3
    assert all(PATTERN.fullmatch(reference) for reference in foreign)


@pytest.mark.requirement("R-DIS-01")
def test_probation_prison_and_the_provider_itself_see_the_true_reference() -> None:
    """Those who manage the case name it as its broker did."""
    world = peopled()
    seen = news(world)
    assert seen[PROBATION] == seen[MOORLAND] == TELLING
    asked = world.send(
        MANAGER,
        MessageName.APPOINTMENT,
        {"appointment": "a-1", "action": "ARRANGED", "referral": TELLING, "kind": "TESTING"},
    )
    (told,) = to(asked, RECOVERY)
    assert told.payload["referral"] == TELLING


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.requirement("R-RTE-04")
def test_a_plans_objectives_name_other_providers_referrals_by_nothing_that_tells() -> None:
    """Also inside a list, and also one the case does not know; the rest of the plan is as it was."""
    world = peopled()
    objective = dict.fromkeys(objective_fields())
    objectives = [
        {**objective, "objective": "one", "title": "One", "organisation": HOUSING, "referral": TELLING},
        {**objective, "objective": "two", "title": "Two", "organisation": HOUSING, "referral": "ref-housing"},
        {**objective, "objective": "three", "title": "Three", "organisation": HOUSING, "referral": "nobodys"},
        {**objective, "objective": "four", "title": "Four", "organisation": HOUSING},
    ]
    (told,) = to(distribute(world, objectives=objectives), HOUSING)
    seen = told.payload["objectives"]
    assert isinstance(seen, list)
    assert [each["title"] for each in seen] == ["One", "Two", "Three", "Four"]
    one, two, three, four = (each["referral"] for each in seen)
    assert (two, four) == ("ref-housing", None)
    assert not {TELLING, "nobodys"} & {one, three}
    assert one == news(world)[HOUSING]


@pytest.mark.requirement("R-DIS-01")
def test_the_organisation_that_offered_a_referral_sees_it_as_it_named_it() -> None:
    """A broker of another kind than probation may be a partner, too."""
    world = peopled()
    (referral,) = (each for each in world.state.referrals if each.referral == TELLING)
    assert referral.broker == PROBATION
    payload = {"referral": TELLING}
    assert with_own_referrals(payload, case=world.state, recipient=PROBATION) == payload
    assert with_own_referrals(payload, case=world.state, recipient=HOUSING) != payload


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.requirement("R-MSG-02")
@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (MessageName.PROGRESS, {"kind": "SESSION"}),
        (MessageName.APPOINTMENT, {"appointment": "a-1", "action": "ARRANGED"}),
        (MessageName.ENFORCEMENT, {"enforcement": "e-1", "action": "REPORTED"}),
        (MessageName.REFERRAL, {"action": "END"}),
        (
            MessageName.TEAM_CHANGE,
            {"action": "APPOINT", "role": "key_worker", "organisation": HOUSING, "person": "kw-2"},
        ),
        (
            MessageName.TEAM_CHANGE,
            {"action": "END", "role": "key_worker", "organisation": HOUSING, "person": "kw-housing"},
        ),
    ],
    ids=str,
)
def test_a_reference_seen_so_is_not_accepted_back(message: MessageName, fields: dict[str, object]) -> None:
    """It names no referral of the case: not the recipient's own, and not the one it stands for."""
    world = peopled()
    seen = news(world)[HOUSING]
    before = world.state
    sent = world.send(HOUSING_OFFICER, message, {**fields, "referral": seen})
    assert refused(sent) in {"REFERRAL-UNKNOWN", "NOT-ENTITLED", "MEMBER-UNKNOWN"}
    assert world.state == before


@pytest.mark.requirement("R-DIS-01")
def test_a_team_change_for_another_referral_tells_a_partner_no_more() -> None:
    """Whatever the rules let through of it, the telling name is not among it."""
    world = peopled()
    change = {"action": "APPOINT", "role": "key_worker", "organisation": RECOVERY, "person": "kw-9"}
    told = world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, {**change, "referral": TELLING})
    assert refused(told) is None
    assert all(TELLING not in map(str, d.payload.values()) for d in to(told, HOUSING))
