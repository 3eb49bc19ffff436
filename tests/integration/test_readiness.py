"""What /readyz tells whoever looks after the hub, without a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.door import client_of, open_door

if TYPE_CHECKING:
    from pathlib import Path

    from hub.settings import Settings


@pytest.mark.requirement("R-DEL-02")
async def test_readiness_names_the_partitions_that_stand_still_and_the_gateway_stays_ready(
    fresh_database: str, settings: Settings, tmp_path: Path
) -> None:
    """What is posted is taken all the same; only mailboxes fall behind."""
    opened = open_door(dsn=fresh_database, settings=settings, folder=tmp_path)
    async with opened as door, client_of(door.app, None) as client:
        before = await client.get("/readyz")
        await door.rows(
            "INSERT INTO projector_stopped (topic, partition, code) VALUES (%s, %s, %s)",
            *("hub.outbox", 4, "KEY-UNKNOWN"),
        )
        after = await client.get("/readyz")
    assert before.json() == {"status": "ready", "projector_stopped": []}
    assert after.status_code == 200
    (told,) = after.json()["projector_stopped"]
    assert {"topic": "hub.outbox", "partition": 4, "code": "KEY-UNKNOWN"}.items() <= told.items()
