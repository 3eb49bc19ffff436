"""The guide to overrides: what it tells staff to send is taken, and its table says what the policy says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hub.cases.grants import GrantKind
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.topics.bodies import check_payload
from tests.unit.worlds import (
    HOUR,
    HOUSING,
    HOUSING_OFFICER,
    PROBATION,
    Staff,
    engage,
    library,
    policy,
    refused,
    staffed,
)

GUIDE = (Path(__file__).parents[2] / "docs" / "how-to" / "override-a-decision.md").read_text("utf-8")
STEP = re.compile(r"^\s*say (?P<key>\S+) (?P<author>\S+) (?P<role>\S+) '(?P<data>\{.*\})'$", re.MULTILINE)
PEOPLE = {"om-fern": "om-1", "lm-oak": "lm-1"}


@pytest.mark.requirement("R-DIS-07")
def test_every_step_of_the_guide_is_taken_as_it_stands() -> None:
    """In its order, by those it names, each before what it asks for has ended."""
    world = staffed()
    engage(world, HOUSING_OFFICER)
    steps = list(STEP.finditer(GUIDE))
    for step in steps:
        said = json.loads(step["data"])
        payload = check_payload(library().contract(MessageName.CONSENT, "1.0"), said)
        if payload["until"] is not None:
            world.now = Instant(max(world.now, payload["until"] - 12 * HOUR))
            payload["until"] = world.now + 12 * HOUR
        if payload["organisations"] is not None:
            payload["organisations"] = [HOUSING]
        by = Staff(PROBATION, Role(step["role"]), PEOPLE[step["author"]])
        assert refused(world.send(by, MessageName.CONSENT, payload)) is None, step["key"]
    assert len(steps) == 6
    assert [grant.kind for grant in world.state.grants] == [
        GrantKind.OVERRIDE,
        GrantKind.BREAK_GLASS,
        GrantKind.COURT_ORDER,
    ]


@pytest.mark.requirement("R-DIS-07")
def test_the_guides_table_has_every_authority_of_the_policy() -> None:
    """Who asks, who agrees, how long: the same words in both."""
    rows = [line for line in GUIDE.splitlines() if " days | " in line]
    authorities = policy().authorities
    assert len(rows) == len(authorities)
    for row, authority in zip(rows, authorities, strict=True):
        _, _, asks, agrees, days, glass, _, _ = (cell.strip() for cell in row.split("|"))
        assert {role.replace(" ", "_") for role in asks.lower().split(", ")} == authority.asked_by
        assert {role.replace(" ", "_") for role in agrees.lower().split(", ")} == authority.agreed_by
        assert days == f"{authority.days_max} days"
        named = {role.replace(" ", "_") for role in glass.lower().removeprefix("also ").split(", ")}
        also = authority.asked_by if glass.startswith("also") else frozenset()
        assert named | also == authority.break_glass_by
        assert authority.break_glass_hours_max == 24
