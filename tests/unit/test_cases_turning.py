"""A case takes a turn with every change of what decides who may know, and with no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.cases.state import from_json, to_json
from hub.cases.turning import part_of
from hub.messages.envelope import MessageName
from tests.unit.worlds import (
    CATEGORIES,
    COUNSELLOR,
    DAY,
    HOUSING,
    HOUSING_OFFICER,
    MANAGER,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    World,
    appoint,
    distribute,
    engage,
    move,
    offer,
    staffed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.routing.outcome import Result


def turns(world: World, before: int) -> bool:
    """Tell whether the case has taken a turn since."""
    return world.state.turn > before


@pytest.mark.requirement("R-DIS-05")
def test_team_referral_consent_restriction_tier_risk_and_custody_are_turns() -> None:
    """Each of them may change what somebody may know."""
    world = staffed()
    said = {"consent": "c-1", "organisations": [RECOVERY], "classes": ["health"]}
    changes: tuple[Callable[[], Result], ...] = (
        lambda: appoint(world, SUPERVISOR),
        lambda: offer(world, RECOVERY),
        lambda: move(world, COUNSELLOR, "ACCEPT", key_worker=COUNSELLOR.person),
        lambda: world.send(MANAGER, MessageName.CONSENT, {**said, "action": "GIVEN"}),
        lambda: world.send(MANAGER, MessageName.CONSENT, {**said, "action": "WITHDRAWN"}),
        lambda: world.send(MANAGER, MessageName.CONSENT, {**said, "action": "EXCLUSION"}),
        lambda: world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "tier": 4}),
        lambda: world.send(MANAGER, MessageName.RISK_CHANGE, {"kind": "ROSH", "rosh_level": "HIGH"}),
        lambda: world.send(
            UNIT, MessageName.PRISON_EVENT, {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
        ),
        lambda: move(world, MANAGER, "END", referral=f"ref-{RECOVERY}"),
    )
    for change in changes:
        before = world.state.turn
        result = change()
        assert result.rejection is None, result.rejection
        assert turns(world, before)


@pytest.mark.requirement("R-DIS-05")
def test_progress_and_the_plan_are_told_and_turn_nothing() -> None:
    """What waits need not be looked at again for them; but for a new version, which stops the old one."""
    world = staffed()
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    before, version = world.state.turn, world.state.version
    world.send(COUNSELLOR, MessageName.PROGRESS, {"referral": f"ref-{RECOVERY}", "kind": "SESSION"})
    distribute(world)
    assert world.state.version > version
    assert not turns(world, before)
    distribute(world, 2)
    assert turns(world, before)


@pytest.mark.requirement("R-DIS-05")
def test_a_consent_that_runs_out_is_a_turn() -> None:
    """By the deadline itself, without a message."""
    world = staffed()
    said = {"consent": "c-1", "organisations": [RECOVERY], "classes": ["health"]}
    world.send(MANAGER, MessageName.CONSENT, {**said, "action": "GIVEN", "until": world.now + DAY})
    before = world.state.turn
    world.pass_time(2 * DAY)
    assert turns(world, before)


@pytest.mark.requirement("R-DIS-05")
def test_a_release_date_stated_again_is_no_turn() -> None:
    """Who said it last is kept for a correction; only another date is news to a decision."""
    world = staffed(release_date=20_100)
    before = world.state
    world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "release_date": 20_100})
    assert before.custody is not None
    assert world.state.custody is not None
    assert world.state.custody.dated_in != before.custody.dated_in
    assert not turns(world, before.turn)
    world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "release_date": 20_101})
    assert turns(world, before.turn)


def test_a_turn_is_kept_with_the_case() -> None:
    """And a case of before there were turns stands at none."""
    world = staffed()
    assert from_json(to_json(world.state)).turn == world.state.turn > 0
    written = to_json(world.state).replace(f'"turn":{world.state.turn},'.encode(), b"")
    assert from_json(written).turn == 0


def test_a_part_in_a_case_is_one_organisations_own() -> None:
    """Its members, its referrals; nothing of anybody else's, and nobody held where it is no prison."""
    world = staffed()
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    part = part_of(world.state, HOUSING)
    assert {each.organisation for each in part.team} == {HOUSING}
    assert [each.category for each in part.referrals] == [CATEGORIES[HOUSING]]
    assert (part.consents, part.custody, part.plan) == ((), None, None)
