"""The demonstration from beginning to end on a running hub: play the day, tell it, check it."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.demo.check import check
from hub.demo.day import iso
from hub.demo.expectations import load_expectations
from hub.demo.on_hub import HubDriver
from hub.demo.organisations import HOUSING, RECOVERY
from hub.demo.play import Performance
from hub.demo.tell import Story, Teller
from hub.demo.world import make_world
from hub.messages.identifiers import Instant
from hub.topics.library import SchemaLibrary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from hub.demo.check import Checked
    from hub.demo.driver import Words
    from hub.demo.evidence import Evidence
    from hub.demo.expectations import Expectations
    from hub.demo.on_hub import Hub
    from hub.demo.world import World

HOURS_BEFORE_NOW = 8
"""The day begins so long before the present, so that all of it lies behind."""
MINUTE_MS = 60_000
SECOND_MS = 1_000
UNREAD = {"kind": "SESSION", "attendance": "ATTENDED", "affects": ["ACCOMMODATION"]}
"""Progress of the drug service that bears on the council's work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What is left of a performance: how it was checked, and what a visitor needs to go on."""

    world: World
    expectations: Expectations
    evidence: Evidence
    checked: Checked
    keys: Mapping[str, str]
    visit: Mapping[str, str]
    """Case reference, referral and moment with which a visitor can post as the drug service."""


def day_start(now_ms: int) -> Instant:
    """Return when the day begins: some hours ago, to the second.

    A day that begins at the same moment as an earlier one on the same hub would be that day sent again,
    and the hub takes every message once.
    """
    return Instant((now_ms - HOURS_BEFORE_NOW * 60 * MINUTE_MS) // SECOND_MS * SECOND_MS)


async def perform(hub: Hub, console: Console, *, seed: int, words: Words) -> Performed:
    """Play the day on this hub, tell it on this console, and return what the check found."""
    world = make_world(seed=seed, start=day_start(time.time_ns() // 1_000_000))
    expectations = load_expectations()
    library = SchemaLibrary.load()
    teller = Teller(console, world, expectations)
    teller.cast()
    async with HubDriver(hub, library=library, words=words) as driver:
        performance = Performance(world=world, expectations=expectations, driver=driver, library=library)
        with teller.waiting() as one_more:
            evidence = await performance.play(one_more)
        story = Story(world, evidence.received, evidence.judgements)
        for number, person in enumerate(world.people, start=1):
            teller.chapter(number, person, answers=evidence.answers, story=story)
        offered = next(step for step in world.steps if step.name == "testo/offer-recovery")
        checked = await asyncio.to_thread(check, world, expectations, evidence)
        visit = {
            "case": performance.case_of(RECOVERY, "testo"),
            "referral": str(offered.data["referral"]),
            "occurred_at": iso(world.start),
        }
        # Everybody has read their mail; something must wait for who comes to look.
        await driver.post(RECOVERY, "/v1/progress", _progress(visit, UNREAD), key="after the day")
        return Performed(
            world=world,
            expectations=expectations,
            evidence=evidence,
            checked=checked,
            keys={name: driver.keys[name] for name in (RECOVERY, HOUSING)},
            visit=visit,
        )


def visitor_body(performed: Performed) -> str:
    """Return a body with which a visitor can post progress as the drug service, as JSON."""
    said = {
        "kind": "MILESTONE",
        "milestone": "Half way",
        "health_note": "Only the Offender Manager should read this",
    }
    return json.dumps(_progress(performed.visit, said))


def _progress(visit: Mapping[str, str], said: Mapping[str, object]) -> dict[str, object]:
    return {
        "contract": "1.0",
        "case": visit["case"],
        "occurred_at": visit["occurred_at"],
        "author": "st-visitor",
        "author_role": "key_worker",
        "statement": "fact",
        "data": {"referral": visit["referral"], **said},
    }
