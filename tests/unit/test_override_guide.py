"""The guide to overrides: what it tells staff to send is taken, and its table says what the policy says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.cases.grants import GrantKind
from hub.messages.envelope import MessageName, Role
from hub.topics.bodies import check_payload
from tests.unit.worlds import (
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
SHELL = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CURL = """curl() { while [ "$1" != -d ]; do shift; done; printf '%s\\n' "$2"; }"""
"""Shows the body instead of sending it."""
READER = {"PATH": os.environ["PATH"], "HUB": "http://hub.example", "REGION": "key", "CASE": "case_x"}
PEOPLE = {"om-fern": "om-1", "lm-oak": "lm-1"}


def bodies() -> list[dict[str, Any]]:
    """Run all the guide has a reader run, as it stands, and return what would be sent."""
    script = "\n".join([CURL, *SHELL.findall(GUIDE)])
    done = subprocess.run(
        ["/bin/sh", "-eu"], input=script, env=READER, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.requirement("R-DIS-07")
def test_every_step_of_the_guide_is_taken_as_it_stands_on_whichever_day_it_is_read() -> None:
    """In its order, by those it names, each before what it asks for has ended."""
    world = staffed()
    engage(world, HOUSING_OFFICER)
    said = bodies()
    today = time.time_ns() // 1_000_000
    for body in said:
        payload = check_payload(library().contract(MessageName.CONSENT, "1.0"), body["data"])
        if payload["until"] is not None:
            # The small world's clock is another than the reader's.
            payload["until"] += world.now - today
        if payload["organisations"] is not None:
            payload["organisations"] = [HOUSING]
        by = Staff(PROBATION, Role(body["author_role"]), PEOPLE[body["author"]])
        assert refused(world.send(by, MessageName.CONSENT, payload)) is None, body["data"]
    assert len(said) == 6
    assert [grant.kind for grant in world.state.grants] == [
        GrantKind.OVERRIDE,
        GrantKind.BREAK_GLASS,
        GrantKind.COURT_ORDER,
    ]


@pytest.mark.requirement("R-DIS-07")
def test_the_guide_names_no_day_that_will_have_passed() -> None:
    """Whatever it has a reader send ends so many hours from when it is sent."""
    assert re.findall(r"\b20\d\d-\d\d", GUIDE) == []
    ends = [each["data"]["until"] for each in bodies() if "until" in each["data"]]
    assert len(ends) == 2
    assert min(ends) > f"{datetime.now(UTC) + timedelta(hours=9):%Y-%m-%dT%H:%M:%SZ}"


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
