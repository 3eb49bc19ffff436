"""Webhooks joined to the rest: the endpoints for staff and for their organisations, and the deliverer."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from hub.adapters.database.freshness import Ends, Freshness, Projection
from hub.adapters.webhooks.deliverer import Deliverer
from hub.adapters.webhooks.delivering_limits import DelivererLimits
from hub.adapters.webhooks.egress import Egress
from hub.adapters.webhooks.endpoints import Endpoints
from hub.adapters.webhooks.pushes import Pushes
from hub.adapters.webhooks.recording import Recorder
from hub.adapters.webhooks.secrets import SecretBox
from hub.adapters.webhooks.sending import Sender
from hub.app.roles import topic_ends
from hub.topics.opened import Opener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hub.adapters.database.pool import Pool
    from hub.app.hub import Hub
    from hub.topics.codec import Codec


@contextlib.asynccontextmanager
async def egress() -> AsyncIterator[Egress]:
    """The one way out, for as long as the block lasts."""
    made = Egress()
    try:
        yield made
    finally:
        await made.close()


@contextlib.asynccontextmanager
async def delivering(hub: Hub) -> AsyncIterator[Deliverer]:
    """A deliverer of a hub, and what it stands on, for as long as the block lasts."""
    async with (
        egress() as out,
        topic_ends(hub.settings, bootstrap=hub.bootstrap, catalogue=hub.catalogue) as ends,
    ):
        yield deliverer_of(hub.pool, hub.codec, out, ends=ends)


def endpoints_of(pool: Pool, codec: Codec, out: Egress) -> Endpoints:
    """The endpoints of all organisations."""
    return Endpoints(pool=pool, secrets=SecretBox(codec.keys), egress=out)


def deliverer_of(
    pool: Pool, codec: Codec, out: Egress, *, ends: Ends | None, limits: DelivererLimits | None = None
) -> Deliverer:
    """The deliverer; `ends` says where the router's topics end: what leaves waits for their projection."""
    bounds = limits or DelivererLimits()
    wait_s = bounds.database_wait_s_max
    return Deliverer(
        pushes=Pushes(pool, bounds),
        recorder=Recorder(pool, wait_s),
        sender=Sender(
            egress=out,
            opener=Opener(sealer=codec.sealer, library=codec.library),
            secrets=SecretBox(codec.keys),
            body_bytes_max=bounds.body_bytes_max,
        ),
        freshness=Freshness(Projection(pool, wait_s), ends, timeout_s=bounds.caught_up_timeout_s),
        limits=bounds,
    )
