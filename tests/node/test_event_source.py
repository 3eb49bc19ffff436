"""A mailbox followed by a client of another team: it reconnects by itself, and misses nothing."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hub.adapters.gateway.limits import StreamLimits
from tests.integration.door import HARBOUR, open_door
from tests.integration.event_reading import EVENTS, line_to, serving
from tests.integration.mailbox_world import deliver
from tests.integration.projected_world import until
from tests.node.packages import installed, program

if TYPE_CHECKING:
    from hub.settings import Settings

# A first run fetches the Node packages.
pytestmark = pytest.mark.timeout(400)
SCRIPT = Path(__file__).with_name("follow.mjs")
CUTS, EACH = 20, 4


@pytest.mark.requirement("R-DEL-01")
async def test_event_source_misses_nothing_over_twenty_broken_connections(
    fresh_database: str, settings: Settings, tmp_path: Path
) -> None:
    """It sends Last-Event-ID of itself; what came while it was away is told first."""
    folder = await asyncio.to_thread(installed)
    limits = StreamLimits(poll_s=0.02, reconnect_s=0.05, streams_per_organisation_max=CUTS + 1)
    async with (
        open_door(dsn=fresh_database, settings=settings, folder=tmp_path, stream_limits=limits) as door,
        serving(door.app, settings) as (url, _),
        line_to(url) as line,
    ):
        key = await door.join(HARBOUR)
        script = shutil.copyfile(SCRIPT, folder / SCRIPT.name)
        arguments = (f"{line.url}{EVENTS}", key, str(CUTS * EACH))
        reader = await asyncio.create_subprocess_exec(
            program("node"), str(script), *arguments, stdout=asyncio.subprocess.PIPE
        )
        sent: list[str] = []
        for number in range(CUTS):
            await until(line.carries)
            sent += [(await deliver(door))[0] for _ in range(EACH)]
            # Before it has them, while it takes them, or after.
            await asyncio.sleep(0.02 * (number % 5))
            line.cut()
        said, _ = await asyncio.wait_for(reader.communicate(), 30)
        seen = said.decode().split()
    print(f"{line.cuts} cuts, {len(sent)} deliveries, {len(seen) - len(sent)} told again")
    assert reader.returncode == 0
    assert set(seen) == set(sent)
