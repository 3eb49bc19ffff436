"""Webhooks end to end: a message told by HTTP or Kafka, decided, pushed to a real server on loopback."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hub.adapters.kafka.ends import Ends
from hub.adapters.ledger import drop_projection
from hub.adapters.webhooks.delivering_limits import DelivererLimits
from hub.adapters.webhooks.egress import Egress
from hub.app.pushing import deliverer_of, endpoints_of
from hub.messages.envelope import MessageName
from tests.integration.living_world import CALM_S, HEALTH, living
from tests.integration.projected_world import rows, running, until
from tests.integration.receiver import receiving
from tests.unit.worlds import MANAGER, RECOVERY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.adapters.webhooks.deliverer import Deliverer
    from hub.adapters.webhooks.endpoints import Endpoints
    from hub.settings import Settings
    from tests.integration.living_world import Living
    from tests.integration.receiver import Receiver

QUICK = DelivererLimits(idle_s=0.02, look_again_s=0.1, look_again_s_max=0.2, beat_s=0.5)


@dataclass(kw_only=True)
class Pushed:
    """A living hub whose drug service has progress and plans pushed to a receiver."""

    hub: Living
    receiver: Receiver
    endpoints: Endpoints
    endpoint: str
    secret: str
    deliverer: Deliverer
    earlier: str
    """A delivery to it that was there before the endpoint."""
    projecting: asyncio.Event
    """Set: the projector stops."""
    projector: asyncio.Task[None]

    async def stop_projecting(self) -> None:
        """Let the projection fall behind from now on."""
        self.projecting.set()
        await self.projector

    async def state(self, delivery: str) -> tuple[str, str]:
        """How a delivery and its push stand."""
        statement = (
            "SELECT d.state, p.state FROM delivery d JOIN push p USING (delivery_id) WHERE delivery_id = %s"
        )
        (row,) = await rows(self.hub.pool, statement, delivery)
        return str(row[0]), str(row[1])

    async def comes_to(self, delivery: str, state: str) -> None:
        """Wait until a push stands so."""

        async def does() -> bool:
            return (await self.state(delivery))[1] == state

        await until(does)

    async def events(self, delivery: str) -> list[str]:
        """What happened to a delivery."""
        statement = "SELECT kind FROM delivery_event WHERE delivery_id = %s ORDER BY event"
        return [row[0] for row in await rows(self.hub.pool, statement, delivery)]

    async def retry_now(self) -> None:
        """Let what waits for its next try be due."""
        async with self.hub.pool.connection() as connection:
            await connection.execute("UPDATE push SET due_at = now() WHERE NOT finished")
            await connection.execute("UPDATE endpoint SET not_before = NULL")


@asynccontextmanager
async def pushed(
    kafka: str, database: str, prefix: str, folder: Path, settings: Settings
) -> AsyncIterator[Pushed]:
    """A hub at work whose drug service has a verified endpoint; the deliverer is not started yet.

    Its projector runs until the test stops it.
    """
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiving())
        projecting = asyncio.Event()
        tasks: list[asyncio.Task[None]] = []

        async def project(hub: Living) -> None:
            tasks.append(asyncio.create_task(hub.projector().run(projecting)))

        hub = await stack.enter_async_context(
            living(
                kafka,
                database,
                prefix=prefix,
                folder=folder,
                settings=settings,
                elsewhere="projector",
                before=project,
            )
        )
        out = Egress()
        stack.push_async_callback(out.close)
        ends = Ends(kafka, catalogue=hub.catalogue)
        await ends.start()
        stack.push_async_callback(ends.stop)
        endpoints = endpoints_of(hub.pool, hub.codec, out)
        earlier = await hub.health_told()
        endpoint, secret = await endpoints.add(
            RECOVERY,
            url=receiver.url(),
            messages=[MessageName.PROGRESS, MessageName.PLAN, MessageName.RISK_CHANGE],
            on_loopback=True,
        )
        await endpoints.verify(endpoint)
        try:
            yield Pushed(
                projecting=projecting,
                earlier=earlier,
                projector=tasks[0],
                hub=hub,
                receiver=receiver,
                endpoints=endpoints,
                endpoint=endpoint,
                secret=secret,
                deliverer=deliverer_of(hub.pool, hub.codec, out, ends=ends, limits=QUICK),
            )
        finally:
            projecting.set()
            await tasks[0]


@pytest.fixture
async def site(
    kafka: str, fresh_database: str, topic_prefix: str, tmp_path: Path, settings: Settings
) -> AsyncIterator[Pushed]:
    """A hub with an endpoint."""
    async with pushed(kafka, fresh_database, topic_prefix, tmp_path, settings) as made:
        yield made


@pytest.mark.requirement("R-DEL-01")
async def test_what_is_pushed_is_what_the_mailbox_has(site: Pushed) -> None:
    """A delivery comes to the partner's server as the mailbox gives it, and its state says so."""
    delivery = await site.hub.health_told()
    async with running(site.deliverer.run):
        await site.comes_to(delivery, "delivered")
    (came,) = [each for each in site.receiver.stored() if each.id == delivery]
    assert await site.state(delivery) == ("transported", "delivered")
    assert await site.events(delivery) == ["transported"]
    async with site.hub.pool.connection() as connection:
        await connection.execute("UPDATE delivery SET state = 'fetched' WHERE delivery_id = %s", (delivery,))
    fetched = (await site.hub.fetch(delivery)).raise_for_status().json()
    document = came.document
    assert document["data"] == fetched["data"]
    assert document["hub"]["envelope"] == fetched["envelope"]
    assert document["hub"]["digest"] == fetched["digest"]
    assert document["hub"]["recipient"] == RECOVERY
    assert document["type"] == fetched["envelope"]["ce_type"] == "hub.progress"


@pytest.mark.requirement("R-DIS-05")
async def test_nothing_leaves_after_consent_was_withdrawn_between_two_tries(site: Pushed) -> None:
    """A try that failed is not repeated once its delivery was stopped, and the events say why."""
    site.receiver.statuses["/hooks"] = [500]
    delivery = await site.hub.health_told()
    async with running(site.deliverer.run):
        await site.comes_to(delivery, "waiting_retry")
        before = len(site.receiver.got())
        site.receiver.statuses["/hooks"] = [200]
        await site.hub.tell(MANAGER, MessageName.CONSENT, {**HEALTH, "action": "WITHDRAWN"})
        await site.hub.stands(delivery, held=False, verdict="replace")
        await site.retry_now()
        successor = await site.hub.replacement(delivery)
        await site.comes_to(successor, "delivered")
    assert (await site.state(delivery))[1] == "cancelled"
    assert await site.events(delivery) == ["attempted", "cancelled"]
    came = [each.id for each in site.receiver.got()[before:]]
    assert successor in came
    assert delivery not in came
    assert b"invented illness" not in b"".join(each.body for each in site.receiver.stored())


@pytest.mark.requirement("R-DIS-05")
async def test_nothing_leaves_while_the_projection_is_behind_the_router(site: Pushed) -> None:
    """A withdrawal that is decided and not yet projected holds back what the rows still call open."""
    delivery = await site.hub.health_told()
    await site.stop_projecting()
    await site.hub.send(MANAGER, MessageName.CONSENT, {**HEALTH, "action": "WITHDRAWN"})
    await asyncio.sleep(CALM_S)
    async with running(site.deliverer.run):
        await asyncio.sleep(CALM_S)
        assert (await site.hub.row(delivery))[:2] == (False, None)
        assert site.receiver.got() == []
        async with running(site.hub.projector().run):
            successor = await site.hub.replacement(delivery)
            await site.comes_to(successor, "delivered")
    assert (await site.state(delivery))[1] == "cancelled"
    assert delivery not in {each.id for each in site.receiver.got()}


@pytest.mark.requirement("R-DEL-02")
async def test_what_was_pushed_is_not_pushed_again_after_a_rebuild(site: Pushed) -> None:
    """The tables made anew from Kafka bring no push of what had one, nor of what was there before."""
    delivery = await site.hub.health_told()
    async with running(site.deliverer.run):
        await site.comes_to(delivery, "delivered")
        async with site.hub.pool.connection() as connection:
            # As if the endpoint had been added some time after the delivery before it.
            await connection.execute("UPDATE endpoint SET created_at = created_at + interval '5 s'")
        before = await rows(site.hub.pool, "SELECT delivery_id, state FROM push ORDER BY delivery_id")
        came = len(site.receiver.got())
        await site.stop_projecting()
        await drop_projection(site.hub.pool)
        async with running(site.hub.projector().run):
            await until(lambda: _is_there(site, delivery))
            fresh = await site.hub.health_told()
            await site.comes_to(fresh, "delivered")
    after = await rows(site.hub.pool, "SELECT delivery_id, state FROM push ORDER BY delivery_id")
    assert site.earlier not in {row[0] for row in after}
    assert {*before} <= {*after}
    assert len(after) == len(before) + 1
    assert [each.id for each in site.receiver.got()[came:]] == [fresh]


async def _is_there(site: Pushed, delivery: str) -> bool:
    return bool(await rows(site.hub.pool, "SELECT 1 FROM delivery WHERE delivery_id = %s", delivery))
