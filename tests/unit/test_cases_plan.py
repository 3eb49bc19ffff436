"""The single Sentence Plan: by the Offender Manager, version by version, held by everybody."""

from __future__ import annotations

import pytest

from hub.messages.envelope import InformationClass, MessageName, Role
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    HOUSING,
    HOUSING_OFFICER,
    MANAGER,
    MOORLAND,
    NEXT_MANAGER,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    appoint,
    distribute,
    engage,
    refused,
    staffed,
    to,
)


@pytest.mark.requirement("R-PLAN-01")
def test_only_the_offender_manager_changes_the_plan() -> None:
    """Neither the Case Administrator nor a Key Worker nor another OM may."""
    world = staffed()
    engage(world, COUNSELLOR)
    assert refused(distribute(world, by=ADMINISTRATOR)) == "PLAN-NOT-BY-OM"
    assert refused(distribute(world, by=COUNSELLOR)) == "PLAN-NOT-BY-OM"
    assert refused(distribute(world, by=NEXT_MANAGER)) == "NOT-ENTITLED"
    assert refused(distribute(world)) is None


@pytest.mark.requirement("R-MSG-04")
def test_a_version_follows_the_one_before() -> None:
    """A gap, a repetition or a wrong predecessor is refused."""
    world = staffed()
    assert refused(distribute(world, 2)) == "PLAN-VERSION-ORDER"
    assert refused(distribute(world, 1)) is None
    assert refused(distribute(world, 1)) == "PLAN-VERSION-ORDER"
    assert refused(distribute(world, 2, previous_version=7)) == "PLAN-VERSION-ORDER"
    assert refused(distribute(world, 2, previous_version=1)) is None
    assert world.state.plan is not None
    assert world.state.plan.organisations == {RECOVERY, HOUSING}


@pytest.mark.requirement("R-RTE-04")
def test_a_plan_goes_to_every_member() -> None:
    """The whole team, in house and partner, hears of a new version."""
    world = staffed()
    appoint(world, SUPERVISOR)
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    reached = {d.organisation for d in distribute(world).deliveries}
    assert {MOORLAND, RECOVERY, HOUSING} <= reached


@pytest.mark.requirement("R-PLAN-02")
def test_a_joiner_gets_the_plan_with_the_classes_its_author_declared() -> None:
    """The stricter class given when it was distributed still holds when somebody joins."""
    world = staffed()
    plain = distribute(world)
    assert plain.seen is not None
    world.now = type(world.now)(world.now + 1)
    strict = world.take(
        world.submission(
            MANAGER,
            MessageName.PLAN,
            {"version": 2, "change_summary": "A word of health", "risk_management": "Some plan"},
            declared={"change_summary": InformationClass.VICTIM},
        )
    )
    assert strict.rejection is None
    joined = appoint(world, SUPERVISOR)
    (plan,) = (d for d in to(joined, MOORLAND) if d.message is MessageName.PLAN)
    assert plan.payload["version"] == 2
    told = appoint(world, SUPERVISOR, grade="PO")
    assert not [d for d in to(told, MOORLAND) if d.message is MessageName.PLAN]


@pytest.mark.requirement("R-CASE-06")
def test_the_receiving_prison_gets_the_current_plan() -> None:
    """What a joiner needs starts, also where the joiner is the prison's unit."""
    world = staffed()
    distribute(world)
    received = world.send(
        UNIT, MessageName.PRISON_EVENT, {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
    )
    units = to(received, MOORLAND, Role.OFFENDER_MANAGEMENT_UNIT)
    assert [d.message for d in units] == [MessageName.CASE, MessageName.PLAN]
