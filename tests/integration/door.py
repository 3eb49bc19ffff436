"""The gateway as tests open it: on a real PostgreSQL and a real Kafka, with organisations that may call."""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from psycopg.types.json import Jsonb

from hub.adapters.database.pool import open_pool
from hub.adapters.database.schema import upgrade
from hub.adapters.gateway import GatewayLimits, create_gateway
from hub.adapters.gateway.examples import example
from hub.adapters.gateway.identity import key_hash, new_key
from hub.adapters.gateway.routes import POSTED
from hub.adapters.kafka.admin import apply
from hub.adapters.kafka.intake import IntakePublisher
from hub.messages.envelope import MessageName, Submission
from hub.messages.identifiers import OrganisationId
from hub.topics.catalogue import Catalogue
from hub.topics.codec import Codec
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from fastapi import FastAPI

    from hub.adapters.database.pool import Pool
    from hub.adapters.gateway.intake import IntakeLog
    from hub.adapters.gateway.limits import StreamLimits
    from hub.settings import Settings

HARBOUR = OrganisationId("harbour-trust")
QUAY = OrganisationId("quay-service")
LIBRARY = SchemaLibrary.load()


def record_of(organisation: str, **changes: object) -> dict[str, object]:
    """An organisation's control record."""
    return {
        "organisation": organisation,
        "name": organisation.replace("-", " ").title(),
        "kind": "partner",
        "rung": 2,
        "legal_status": "under_arrangements",
        "status_evidence": "Example contract 1",
        "standing": "active",
        "purposes": ["progress"],
        "sends": [message.value for message in POSTED],
        "access": "all_cases",
        **changes,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """An open gateway and what stands behind it."""

    app: FastAPI
    pool: Pool
    codec: Codec
    catalogue: Catalogue
    bootstrap: str

    async def join(self, organisation: str, **changes: object) -> str:
        """Let an organisation in and return its key."""
        key = new_key()
        async with self.pool.connection() as connection:
            await connection.execute(
                "INSERT INTO credential (key_hash, organisation) VALUES (%s, %s)",
                (key_hash(key), organisation),
            )
            await connection.execute(
                "INSERT INTO control (kind, name, body, control_id) VALUES ('organisation', %s, %s, %s)",
                (organisation, Jsonb(record_of(organisation, **changes)), uuid.uuid4().hex),
            )
        return key

    async def client(self, organisation: str = HARBOUR, **changes: object) -> httpx.AsyncClient:
        """A client that calls as this organisation."""
        return client_of(self.app, await self.join(organisation, **changes))

    async def appended(self) -> list[Submission]:
        """Every message that stands in the intake, read back from Kafka."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        try:
            partitions = [
                TopicPartition(self.catalogue.intake, n) for n in range(self.catalogue.intake_partitions)
            ]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            found = []
            while any([await consumer.position(each) < ends[each] for each in partitions]):
                batch = await consumer.getmany(timeout_ms=500)
                found += [record for records in batch.values() for record in records]
        finally:
            await consumer.stop()
        entries = [self.codec.entry(each.value, key=each.key, record_id="0" * 32) for each in found]  # type: ignore[arg-type]
        return [entry for entry in entries if isinstance(entry, Submission)]

    async def rows(self, statement: str, *values: object) -> list[Any]:
        """What a statement returns."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(statement, values)
            return list(await cursor.fetchall()) if cursor.description else []


def client_of(app: FastAPI, key: str | None) -> httpx.AsyncClient:
    """A client that sends this key, or none."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://hub.example", headers=headers)


@asynccontextmanager
async def open_door(  # noqa: PLR0913 - each test varies one of them
    *,
    dsn: str,
    settings: Settings,
    folder: Path,
    kafka: str = "",
    prefix: str = "",
    intake: IntakeLog | None = None,
    limits: GatewayLimits | None = None,
    stream_limits: StreamLimits | None = None,
) -> AsyncIterator[Door]:
    """Open a gateway on this database, appending to this Kafka or to the log given."""
    upgrade(dsn)
    keys = FileKeyStore(folder / "keys")
    codec = Codec(library=LIBRARY, keys=keys)
    catalogue = Catalogue(intake_partitions=2, prefix=prefix)
    publisher = IntakePublisher(kafka or "127.0.0.1:9", codec=codec, catalogue=catalogue)
    if kafka:
        await apply(
            [topic for topic in catalogue.topics() if topic.name == catalogue.intake], bootstrap=kafka
        )
        await publisher.start()
    try:
        async with open_pool(dsn) as pool:
            app = create_gateway(
                pool=pool,
                intake=intake or publisher,
                library=LIBRARY,
                pairwise=codec.pairwise,
                keys=keys,
                settings=settings,
                limits=limits,
                stream_limits=stream_limits,
            )
            yield Door(app=app, pool=pool, codec=codec, catalogue=catalogue, bootstrap=kafka)
    finally:
        await publisher.stop()


def body(message: MessageName = MessageName.PROGRESS, **changes: object) -> dict[str, Any]:
    """A good body of this type, with changes at its top level."""
    return {name: value for name, value in (example(message) | changes).items() if value is not ...}


def idempotent(key: str | None = None) -> dict[str, str]:
    """The header every post needs."""
    return {"Idempotency-Key": key or uuid.uuid4().hex}
