"""A release of rules that break an invariant, as the router takes it from the log."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hub.messages.envelope import Control
from hub.messages.identifiers import Instant, MessageId
from hub.routing.outcome import Result
from hub.routing.route import route
from tests.unit import released as made
from tests.unit.worlds import RECOVERY, World, offer, policy, refused, staffed

GUARDS = {"victim.guard-protocol", "victim.guard-identity", "victim.guard-ladder"}


def victim_to_partners() -> dict[str, Any]:
    """Return the rules with what protects victims gone, and a Key Worker told who they are."""
    documents: dict[str, Any] = copy.deepcopy(dict(policy().documents))
    rules = [each for each in documents["victim"]["rules"] if each["id"] not in GUARDS]
    rules.append(
        {
            **next(each for each in rules if each["id"] == "victim.manager"),
            "id": "victim.key-worker",
            "when": {"role": "key_worker", "engaged": True},
        }
    )
    documents["victim"]["rules"] = rules
    return documents


def release(world: World, documents: dict[str, Any]) -> Result:
    """Take a release from the log as it stands there."""
    entry = Control(
        control_id=MessageId("k-victim"),
        kind="policy",
        name="current",
        effective_at=Instant(0),
        body=made.body(documents, "2.0.0"),
    )
    return route(entry, world, world.now)


@pytest.mark.requirement("R-DIS-06")
def test_rules_that_tell_partners_of_victims_are_set_aside_and_the_old_ones_stay_in_force() -> None:
    """No control fact comes of them, and the next message goes by the old rules."""
    world = staffed()
    before = policy().name

    result = release(world, victim_to_partners())

    assert refused(result) == "CONTROL-INVALID"
    assert result.controls == ()
    assert result.rejection is not None
    assert "a victim would reach a partner organisation" in result.rejection.detail
    assert "For example with" in result.rejection.detail
    offered = offer(world, RECOVERY)
    assert offered.decisions
    assert {each.policy for each in offered.decisions} == {before}
