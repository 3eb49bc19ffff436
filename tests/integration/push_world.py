"""Deliveries in their rows, endpoints on loopback, deliverers: everything of webhooks but what decides."""

from __future__ import annotations

import hashlib
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from hub.adapters.database.pool import open_pool
from hub.adapters.database.schema import upgrade
from hub.adapters.ledger.pushes import enter_pushes, settle_pushes
from hub.adapters.webhooks.delivering_limits import DelivererLimits
from hub.adapters.webhooks.egress import Egress
from hub.adapters.webhooks.limits import EgressLimits
from hub.app.pushing import deliverer_of, endpoints_of
from hub.messages.envelope import MessageName
from hub.messages.identifiers import DeliveryId
from hub.topics.codec import Codec
from hub.topics.delivery_box import seal_delivery
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary, frame
from tests.integration.projected_world import rows, until
from tests.integration.receiver import receiving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path
    from typing import Any

    from hub.adapters.database.pool import Pool
    from hub.adapters.webhooks.deliverer import Deliverer
    from hub.adapters.webhooks.endpoints import Endpoints
    from tests.integration.receiver import Receiver

QUICK = DelivererLimits(idle_s=0.02, look_again_s=0.1, look_again_s_max=0.3, beat_s=0.3, lease_s=2.0)
LIBRARY = SchemaLibrary.load()
CONTRACT = LIBRARY.contract("progress", "1.0")
PARTNER = "harbour-trust"
KEYS = "instances/default/keys"
"""Where `hub` commands with this folder as their home look for them."""
_ROW = """
INSERT INTO delivery (delivery_id, message_id, case_ref, organisation, role, message, contract, urgency, box,
                      key_id, nonce, digest, size, by_kafka)
VALUES (%s, %s, %s, %s, 'key_worker', %s, '1.0', %s, %s, %s, %s, %s, %s, false)
"""


@dataclass(kw_only=True)
class PushWorld:
    """The rows, the endpoints, the receiver."""

    pool: Pool
    codec: Codec
    endpoints: Endpoints
    receiver: Receiver
    egress: Egress
    dsn: str
    folder: Path
    sent: dict[str, str] = field(default_factory=dict)
    """Digest of every delivery that was entered, by id."""

    async def partner(self, name: str = PARTNER, *, path: str = "/hooks") -> str:
        """Let an organisation take part, with an endpoint that is pushed to; returns its id."""
        async with self.pool.connection() as connection:
            await connection.execute(
                "INSERT INTO control (kind, name, body, control_id) VALUES ('organisation', %s, %s, %s)",
                (name, Jsonb({"organisation": name, "standing": "active"}), uuid.uuid4().hex),
            )
        return await self.endpoint(name, path=path)

    async def endpoint(self, name: str = PARTNER, *, path: str = "/hooks") -> str:
        """Add an endpoint of theirs that is pushed to; returns its id."""
        endpoint, _ = await self.endpoints.add(
            name,
            url=self.receiver.url(path),
            messages=[MessageName.PROGRESS, MessageName.RISK_CHANGE],
            on_loopback=True,
        )
        await self.do("UPDATE endpoint SET state = 'active' WHERE endpoint_id = %s", endpoint)
        return endpoint

    async def deliver(
        self,
        lane: str = "1",
        *,
        to: str = PARTNER,
        urgency: str = "case",
        referral: str = "R-0001",
        message: MessageName = MessageName.PROGRESS,
        before_commit: Callable[[], Awaitable[object]] | None = None,
    ) -> str:
        """Enter a delivery and its push, as the projector does; something may happen before that commits."""
        delivery_id = uuid.uuid4().hex
        case = hashlib.sha256(lane.encode()).hexdigest()[:32]
        payload = {"referral": referral, "kind": "SESSION", "attendance": "ATTENDED"}
        framed = frame(
            CONTRACT.id,
            LIBRARY.encode(CONTRACT, {each.name: payload.get(each.name) for each in CONTRACT.shape.fields}),
        )
        headers = {
            "ce_id": delivery_id,
            "ce_type": f"hub.{message}",
            "ce_subject": f"case_{lane}",
            "ce_time": "2026-03-02T09:15:00Z",
            "content-type": "application/avro",
        }
        key_id = f"case-{case}"
        sealed = seal_delivery(
            self.codec.sealer,
            delivery_id=DeliveryId(delivery_id),
            key_id=key_id,
            headers=headers,
            view=framed,
        )
        digest = hashlib.sha256(framed)
        values = (
            *(delivery_id, uuid.uuid4().hex, case, to, message.value, urgency, sealed.box, key_id),
            *(sealed.nonce, digest.digest(), len(framed)),
        )
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute(_ROW, values)
            await enter_pushes(connection, [delivery_id])
            if before_commit is not None:
                await before_commit()
        self.sent[delivery_id] = digest.hexdigest()
        return delivery_id

    async def stop(self, delivery: str) -> None:
        """Settle a delivery by the verdict that it is stopped, as the projector does."""
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute(
                "UPDATE delivery SET verdict = 'stop' WHERE delivery_id = %s", (delivery,)
            )
            await settle_pushes(connection, [delivery])

    async def do(self, statement: str, *values: object) -> None:
        """Run a statement."""
        async with self.pool.connection() as connection:
            await connection.execute(statement, values)

    async def rows(self, statement: str, *values: object) -> list[Any]:
        """What a query returns."""
        return list(await rows(self.pool, statement, *values))

    async def one(self, what: str, delivery: str) -> Any:  # noqa: ANN401 - a column's value
        """One column of a push."""
        ((found,),) = await self.rows(f"SELECT {what} FROM push WHERE delivery_id = %s", delivery)  # noqa: S608
        return found

    async def comes_to(self, delivery: str, state: str, *, timeout_s: float = 15.0) -> None:
        """Wait until a push stands so."""

        async def does() -> bool:
            return bool(await self.one("state", delivery) == state)

        await until(does, timeout_s=timeout_s)

    async def events(self, delivery: str) -> list[str]:
        """What happened to a delivery."""
        asked = "SELECT kind FROM delivery_event WHERE delivery_id = %s ORDER BY event"
        return [row[0] for row in await self.rows(asked, delivery)]

    async def due_now(self) -> None:
        """Let everything that waits for its next try be due."""
        await self.do("UPDATE push SET due_at = now() WHERE state IN ('scheduled', 'waiting_retry')")
        await self.do("UPDATE endpoint SET not_before = NULL")

    async def settled(self, *, timeout_s: float = 30.0) -> None:
        """Wait until no push waits any more, letting what waits be due at once."""

        async def is_settled() -> bool:
            await self.due_now()
            waiting = "SELECT count(*) FROM push WHERE NOT finished AND state <> 'parked'"
            return await self.rows(waiting) == [(0,)]

        await until(is_settled, timeout_s=timeout_s)

    def deliverer(self, limits: DelivererLimits = QUICK) -> Deliverer:
        """A deliverer on these rows; there is no log it would have to wait for."""
        return deliverer_of(self.pool, self.codec, self.egress, ends=None, limits=limits)


@asynccontextmanager
async def push_world(
    database: str, folder: Path, *, total_timeout_s: float = 1.0
) -> AsyncIterator[PushWorld]:
    """Rows, endpoints and a receiver for one test; attempts end sooner than in the product."""
    upgrade(database)
    codec = Codec(library=LIBRARY, keys=FileKeyStore(folder / KEYS))
    egress = Egress(limits=EgressLimits(total_timeout_s=total_timeout_s))
    async with open_pool(database) as pool, receiving() as receiver:
        try:
            yield PushWorld(
                pool=pool,
                codec=codec,
                endpoints=endpoints_of(pool, codec, egress),
                receiver=receiver,
                egress=egress,
                dsn=database,
                folder=folder,
            )
        finally:
            await egress.close()
