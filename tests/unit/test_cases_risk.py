"""What risk is registered on a case, by whom, and what is asked when it crosses into high."""

from __future__ import annotations

import pytest

from hub.cases.case import Mappa, Rosh
from hub.messages.envelope import MessageName
from hub.routing.outcome import Result
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    MANAGER,
    RECOVERY,
    SUPERVISOR,
    Staff,
    World,
    appoint,
    codes,
    engage,
    staffed,
    to,
)


def risk(world: World, by: Staff, kind: str, **fields: object) -> Result:
    """Report a change in risk."""
    return world.send(by, MessageName.RISK_CHANGE, {"kind": kind, **fields})


@pytest.mark.requirement("R-MSG-03")
def test_levels_are_registered_from_those_who_assess() -> None:
    """RoSH, MAPPA and PPO stand in the case; MAPPA needs category and level."""
    world = staffed()
    risk(world, MANAGER, "ROSH", rosh_level="HIGH")
    risk(world, MANAGER, "MAPPA", mappa_category=2, mappa_level=2)
    risk(world, MANAGER, "PPO", ppo=True)
    risk(world, MANAGER, "MAPPA", mappa_level=3)
    case = world.state
    assert (case.rosh, case.mappa, case.prolific) == (Rosh.HIGH, Mappa(category=2, level=2), True)


@pytest.mark.requirement("R-RTE-03")
def test_a_key_workers_report_reaches_the_offender_manager_first_and_raises_no_level() -> None:
    """The Offender Manager assesses; what a Key Worker sees is told, not registered."""
    world = staffed()
    engage(world, COUNSELLOR)
    result = risk(world, COUNSELLOR, "ROSH", rosh_level="HIGH", summary="Invented")
    assert result.deliveries[0].role.value == "offender_manager"
    assert world.state.rosh is None


@pytest.mark.requirement("R-RTE-03")
def test_every_provider_is_a_concerned_recipient_of_a_risk_change() -> None:
    """All intervention providers learn the key risk factors that concern them."""
    world = staffed()
    engage(world, COUNSELLOR)
    result = risk(world, MANAGER, "FACTOR", factor="Invented factor", staff_safety="Invented advice")
    (delivery,) = to(result, RECOVERY)
    assert delivery.payload["staff_safety"] == "Invented advice"


@pytest.mark.requirement("R-CON-05")
@pytest.mark.requirement("R-CON-07")
def test_crossing_into_and_out_of_high_asks_who_should_hold_the_case() -> None:
    """It is asked once per crossing, and nobody's role ends by it."""
    world = staffed()
    assert set(codes(risk(world, MANAGER, "ROSH", rosh_level="HIGH"))) == {"ROSH-INTO-HIGH"}
    assert codes(risk(world, MANAGER, "ROSH", rosh_level="VERY_HIGH")) == []
    assert codes(risk(world, MANAGER, "PPO", ppo=False)) == []
    assert set(codes(risk(world, MANAGER, "ROSH", rosh_level="LOW"))) == {"ROSH-OUT-OF-HIGH"}
    assert world.manager is not None


@pytest.mark.requirement("R-MSG-14")
@pytest.mark.requirement("R-ADM-07")
def test_an_assessment_registers_its_level_and_is_reported_when_not_by_the_om() -> None:
    """One not made by the Offender Manager is an exception (004)."""
    world = staffed()
    appoint(world, SUPERVISOR)
    own = {"assessment": "a-1", "kind": "OASYS", "rosh_level": "MEDIUM"}
    assert codes(world.send(MANAGER, MessageName.ASSESSMENT, own)) == []
    assert world.state.rosh is Rosh.MEDIUM
    other = world.send(SUPERVISOR, MessageName.ASSESSMENT, own)
    assert set(codes(other)) == {"ASSESSMENT-NOT-BY-OM"}


@pytest.mark.requirement("R-CASE-08")
def test_a_tier_raised_to_4_reports_the_split_that_is_there() -> None:
    """The condition arises by the tier as well as by the appointment."""
    world = staffed()
    appoint(world, SUPERVISOR)
    raised = world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "tier": 4})
    assert set(codes(raised)) == {"TIER-4-SPLIT"}
