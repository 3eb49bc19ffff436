"""Rules that break an invariant, written to the log of a real hub: the running hub keeps the old ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hub.adapters.kafka.control import publish_control
from hub.app import running
from hub.errors import PolicyRefused
from hub.messages.envelope import Control
from hub.messages.identifiers import Instant, MessageId
from tests.unit import released as made
from tests.unit.test_routing_policy import victim_to_partners

if TYPE_CHECKING:
    from hub.app.hub import Hub
    from hub.settings import Settings


async def set_aside(hub: Hub, record: str) -> set[str]:
    """Return the codes under which a record was set aside, once it was."""
    async with asyncio.timeout(60):
        while True:
            async with hub.pool.connection() as connection:
                cursor = await connection.execute(
                    "SELECT code FROM quarantine WHERE message_id = %s", (record,)
                )
                found = {str(row[0]) for row in await cursor.fetchall()}
            if found:
                return found
            await asyncio.sleep(0.2)


@pytest.mark.requirement("R-DIS-06")
@pytest.mark.timeout(180)
async def test_a_running_hub_keeps_its_rules_when_it_is_given_some_that_tell_partners_of_victims(
    settings: Settings,
) -> None:
    """Administration refuses them with the counterexample; written to the log, they are set aside."""
    broken = victim_to_partners()
    async with running(settings, ephemeral=True) as hub:
        await hub.release_policy()
        before = await hub.policy_in_force()
        with pytest.raises(PolicyRefused, match="a victim would reach a partner organisation"):
            await hub.release_policy(broken, made.approved(broken, "2.0.0"))

        control = Control(
            control_id=MessageId("broken-victim"),
            kind="policy",
            name="current",
            effective_at=Instant(0),
            body=made.body(broken, "2.0.0"),
        )
        await publish_control(control, bootstrap=hub.bootstrap, codec=hub.codec, catalogue=hub.catalogue)

        assert await set_aside(hub, "broken-victim") == {"CONTROL-INVALID"}
        assert before is not None
        assert await hub.policy_in_force() == before
