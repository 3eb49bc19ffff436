"""A simulated world on a real hub: everything is taken but what is meant to be refused."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from hub.app import running
from hub.demo.organisations import RECOVERY, parties
from hub.demo.simulated.sending import Sender, present
from hub.demo.simulated.stream import Simulation, is_meant_to_be_refused
from hub.errors import NotConfigured
from hub.settings import load
from tests.integration.door import record_of

if TYPE_CHECKING:
    from hub.demo.simulated.sending import Outcome

pytestmark = pytest.mark.timeout(180)
CASES, SEED = 6, 8


def simulation() -> Simulation:
    """A small world in which somebody tries to change a plan who may not."""
    return Simulation(cases=CASES, days=150, seed=SEED, start=present(), still=True)


async def played() -> tuple[Outcome, list[int], list[str], dict[str, int]]:
    """Send it to a hub of its own; returns the outcome, messages by case, a mailbox, deliveries by reader."""
    settings = load(instance=f"simulate-test-{os.getpid()}", log_level="error")
    sent: list[int] = []
    async with running(settings, ephemeral=True) as hub:
        outcome = await Sender(hub, simulation(), at_once=3).send(sent.append, wait_s=60)
        key = await hub.new_key(RECOVERY)
        async with httpx.AsyncClient(base_url=hub.http_url) as http:
            authority = {"Authorization": f"Bearer {key}"}
            answer = await http.get("/v1/mailbox/messages", headers=authority)
        async with await psycopg.AsyncConnection.connect(hub.dsn) as connection:
            cursor = await connection.execute("SELECT organisation, count(*) FROM delivery GROUP BY 1")
            told = {str(name): int(count) for name, count in await cursor.fetchall()}
        await hub.add_organisation(record_of("harbour-trust"))
        with pytest.raises(NotConfigured, match="harbour-trust"):
            await Sender(hub, simulation(), at_once=1).send(sent.append, wait_s=1)
    types = [each["type"] for each in answer.raise_for_status().json()["messages"]]
    return outcome, sent, types, told


@pytest.mark.requirement("R-CASE-01")
@pytest.mark.requirement("R-RTE-01")
@pytest.mark.requirement("R-MSG-01")
def test_a_simulated_world_is_taken_whole_and_reaches_everybody() -> None:
    """By HTTP, case beside case; a hub that serves anybody else is left alone."""
    said = [step for number in range(CASES) for step in simulation().case(number)]
    assert any(map(is_meant_to_be_refused, said))
    outcome, sent, mailbox, told = asyncio.run(played())
    assert (dict(outcome.refused), dict(outcome.at_the_door), outcome.undecided) == ({}, {}, 0)
    assert outcome.holds
    assert outcome.sent == sum(sent) == len(said)
    assert outcome.as_meant == sum(map(is_meant_to_be_refused, said))
    assert outcome.taken == len(said) - outcome.as_meant
    assert len(sent) == CASES
    assert {"referral", "plan"} <= set(mailbox)
    assert set(told) >= {party.organisation for party in parties()} - {"debt-advice-example"}
