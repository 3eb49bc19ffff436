"""Who has asked to be alerted is considered for what they asked for, and told nothing by that alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.consent.decision import Concern
from hub.consent.parties import Access, Standing, organisation_from
from hub.consent.subscriptions import Subscription, subscription_from
from hub.messages.envelope import MessageName, Role
from tests.integration.living_world import organisation_body
from tests.unit.worlds import (
    ADMINISTRATOR,
    DEBT,
    MANAGER,
    OTHER_PROBATION,
    PROBATION,
    UNIT,
    World,
    refused,
    staffed,
)

RISK = {"kind": "ROSH", "urgency": "SAME_DAY", "rosh_level": "HIGH"}
EVERYTHING = subscription_from({"messages": ["risk-change", "prison-event"]})


def subscribed(said: dict[str, object], **changes: Any) -> World:  # noqa: ANN401 - values of fields
    """Return a world whose other region has subscribed to something."""
    world = staffed()
    known = replace(world.known[OTHER_PROBATION], subscriptions=(subscription_from(said),), **changes)
    world.known[OTHER_PROBATION] = known
    return world


def considered(world: World, message: MessageName = MessageName.RISK_CHANGE, **said: object) -> bool:
    """Whether the other region is considered for a message as a subscriber; it is told nothing by that."""
    by = UNIT if message is MessageName.PRISON_EVENT else MANAGER
    result = world.send(by, message, {**RISK, **said} if message is MessageName.RISK_CHANGE else said)
    assert refused(result) is None
    found = [
        each
        for each in result.decisions
        if each.candidate.organisation == OTHER_PROBATION and each.message_name is message
    ]
    assert {(each.candidate.role, each.candidate.concern) for each in found} <= {
        (Role.SUBSCRIBER, Concern.SUBSCRIBED)
    }
    assert not [each for each in result.deliveries if each.organisation == OTHER_PROBATION]
    return bool(found)


@pytest.mark.requirement("R-RTE-08")
@pytest.mark.parametrize(
    ("said", "is_for"),
    [
        ({}, True),
        ({"levels": ["SAME_DAY", "IMMEDIATE"]}, True),
        ({"levels": ["IMMEDIATE"]}, False),
        ({"messages": ["prison-event"]}, False),
        ({"managed_by": PROBATION}, True),
        ({"managed_by": DEBT}, False),
        ({"region": "N99"}, False),
        ({"levels": ["SAME_DAY"], "managed_by": PROBATION}, True),
        ({"levels": ["SAME_DAY"], "managed_by": DEBT}, False),
    ],
)
def test_a_subscription_is_for_what_it_names(said: dict[str, object], *, is_for: bool) -> None:
    """Type, level, region and caseload all have to match; what is not known does not."""
    assert considered(subscribed({"messages": ["risk-change"], **said})) is is_for


@pytest.mark.requirement("R-RTE-08")
def test_a_subscription_to_movements_is_for_movements() -> None:
    """Of no level; one to urgent changes of risk is not for them."""
    move = {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
    assert considered(subscribed({"messages": ["prison-event"]}), MessageName.PRISON_EVENT, **move)
    urgent = subscribed({"messages": ["prison-event", "risk-change"], "levels": ["IMMEDIATE"]})
    assert not considered(urgent, MessageName.PRISON_EVENT, **move)


@pytest.mark.requirement("R-RTE-08", "R-DIS-01")
@pytest.mark.parametrize(
    "changes",
    [
        {"access": Access.NAMED_CASES},
        {"access": None},
        {"standing": Standing.SUSPENDED},
    ],
)
def test_whoever_may_learn_only_of_cases_that_name_it_is_not_considered(changes: dict[str, object]) -> None:
    """A subscription of its own does not name it; nor does the hub deal with who is suspended."""
    assert not considered(subscribed({"messages": ["risk-change"]}, **changes))


@pytest.mark.requirement("R-RTE-08")
def test_whoever_has_a_part_in_the_case_hears_of_it_by_that() -> None:
    """A subscription adds no second candidate, and takes nothing away."""
    world = staffed()
    before = world.send(ADMINISTRATOR, MessageName.RISK_CHANGE, RISK)
    world.known[PROBATION] = replace(world.known[PROBATION], subscriptions=(EVERYTHING,))
    after = world.send(ADMINISTRATOR, MessageName.RISK_CHANGE, RISK)
    told = [
        [(d.organisation, d.role) for d in result.deliveries if d.message is MessageName.RISK_CHANGE]
        for result in (before, after)
    ]
    assert told[0] == told[1] != []
    assert Role.SUBSCRIBER not in {each.candidate.role for each in after.decisions}


@pytest.mark.requirement("R-RTE-08", "R-DEL-03")
@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "messages"),
        ({"messages": ["plan"]}, "messages"),
        ({"messages": ["risk-change"], "levels": ["SOON"]}, "levels"),
        ({"messages": "risk-change"}, "messages"),
        ({"messages": ["risk-change"], "region": ""}, "region"),
        ({"messages": ["risk-change"], "managed_by": "No Name"}, "managed_by"),
        ({"messages": ["risk-change"], "person": "om-fern"}, "person"),
    ],
)
def test_a_subscription_that_is_none_is_refused_by_its_field(said: dict[str, object], field: str) -> None:
    """Also where it stands in the description of an organisation."""
    with pytest.raises(ValueError, match=rf"^subscriptions\.{field}: "):
        subscription_from(said)
    known = staffed().known[OTHER_PROBATION]
    with pytest.raises(ValueError, match=rf"^organisation\.subscriptions\.{field}: "):
        organisation_from({**organisation_body(known), "subscriptions": [said]})


def test_a_description_with_subscriptions_is_read_as_it_was_written() -> None:
    """What is put in force is what the router sees."""
    known = staffed().known[OTHER_PROBATION]
    wanted: Subscription = subscription_from(
        {"name": "s-1", "messages": ["risk-change"], "levels": ["IMMEDIATE"]}
    )
    said = {
        **organisation_body(known),
        "subscriptions": [{"name": "s-1", "messages": ["risk-change"], "levels": ["IMMEDIATE"]}],
    }
    assert organisation_from(said).subscriptions == (wanted,)
