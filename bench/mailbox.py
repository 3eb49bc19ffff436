"""How fast a mailbox is with 100,000 deliveries waiting, beside bare routes that run the same SQL.

Prints one table: deliveries fetched and acknowledged a second through the gateway (credential, contracts,
opening the seal, JSON, lane number, event) and through two routes of a bare FastAPI application that run the
same statements in the same transactions and answer what they return. Both run in this process, on one
PostgreSQL, over ASGI, with the same number of readers at a time, in turns. Kafka's ends are not asked for.

    python bench/mailbox.py [--waiting N] [--messages N] [--readers N] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import httpx
import structlog
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from psycopg.types.json import Jsonb

from hub.adapters.database import server
from hub.adapters.database.handing_over import Channel
from hub.adapters.database.pool import open_pool
from hub.adapters.database.schema import upgrade
from hub.adapters.gateway.app import create_gateway
from hub.adapters.gateway.identity import key_hash, new_key
from hub.adapters.gateway.mailbox_store import MailboxStore
from hub.messages.identifiers import DeliveryId
from hub.settings import load
from hub.topics.codec import Codec
from hub.topics.delivery_box import seal_delivery
from hub.topics.keys import FileKeyStore
from hub.topics.library import SchemaLibrary, frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.adapters.database.pool import Pool
    from hub.messages.envelope import Submission

WHO = "bench-trust"
CASES = 1000
PAYLOAD = {"referral": "R-1", "kind": "SESSION", "session_at": 1_772_442_900_000, "attendance": "ATTENDED"}
COLUMNS = (
    "delivery_id, message_id, case_ref, organisation, role, message, contract, urgency, box, key_id, nonce,"
    " digest, size, by_kafka"
)
Named = tuple[str, str]
"""A delivery and its digest."""


class NoLog:
    """A log nothing is written to."""

    async def publish(self, submission: Submission) -> object:
        """Refuse: the bench posts nothing."""
        raise NotImplementedError(submission.envelope.message)


async def fill(pool: Pool, codec: Codec, waiting: int) -> list[Named]:
    """Put so many deliveries into the mailbox, of a thousand people."""
    contract = codec.library.contract("progress", "1.0")
    framed = frame(
        contract.id,
        codec.library.encode(
            contract, {field.name: PAYLOAD.get(field.name) for field in contract.shape.fields}
        ),
    )
    digest = hashlib.sha256(framed).digest()
    headers = {"ce_type": "hub.progress", "content-type": "application/avro", "hub-role": "key_worker"}
    made: list[Named] = []
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO control (kind, name, body, control_id) VALUES ('organisation', %s, %s, 'x')",
            (WHO, Jsonb(organisation())),
        )
        cursor = connection.cursor()
        async with cursor.copy(f"COPY delivery ({COLUMNS}) FROM STDIN") as copy:
            for number in range(waiting):
                name, case = uuid.uuid4().hex, f"{number % CASES:032x}"
                sealed = seal_delivery(
                    codec.sealer,
                    delivery_id=DeliveryId(name),
                    key_id=f"case-{case}",
                    headers=headers,
                    view=framed,
                )
                fixed = (name, "2" * 32, case, WHO, "key_worker", "progress", "1.0", "case")
                await copy.write_row(
                    (*fixed, sealed.box, sealed.key_id, sealed.nonce, digest, len(framed), False)
                )
                made.append((name, digest.hex()))
        await connection.execute("ANALYZE delivery")
    return made


def organisation() -> dict[str, object]:
    """The recipient's record."""
    return {
        "organisation": WHO,
        "name": "Bench Trust",
        "kind": "partner",
        "rung": 2,
        "legal_status": "under_arrangements",
        "status_evidence": "none",
        "standing": "active",
        "purposes": ["progress"],
        "sends": [],
        "access": "all_cases",
    }


def bare(pool: Pool) -> FastAPI:
    """Two routes that run the mailbox's own statements and do nothing else."""
    app, store = FastAPI(), MailboxStore(pool, wait_s_max=5.0)

    @app.get("/fetch/{delivery}")
    async def fetch(delivery: str) -> Response:
        """Run what a fetch runs and answer the sealed bytes."""
        async with store.fetching(organisation=WHO, delivery=delivery, channel=Channel.MAILBOX) as row:
            if row is None:
                return Response(status_code=404)
            box = base64.b64encode(bytes(row.box)).decode()
            return JSONResponse({"box": box, "sequence": row.sequence})

    @app.put("/acknowledge/{delivery}/{digest}")
    async def acknowledge(delivery: str, digest: str) -> Response:
        """Run what an acknowledgement runs."""
        digests: dict[str, bytes | None] = {delivery: bytes.fromhex(digest)}
        found = await store.acknowledge(organisation=WHO, digests=digests, channel=Channel.MAILBOX)
        return Response(status_code=204 if found.get(delivery) else 404)

    return app


async def through_hub(http: httpx.AsyncClient, one: Named) -> None:
    """Fetch a delivery and acknowledge it."""
    path = f"/v1/mailbox/messages/{one[0]}"
    (await http.get(path)).raise_for_status()
    (await http.put(f"{path}/status/acknowledged", json={"digest": one[1]})).raise_for_status()


async def through_bare(http: httpx.AsyncClient, one: Named) -> None:
    """Run the same statements."""
    (await http.get(f"/fetch/{one[0]}")).raise_for_status()
    (await http.put(f"/acknowledge/{one[0]}/{one[1]}")).raise_for_status()


async def rate(http: httpx.AsyncClient, deliveries: Sequence[Named], readers: int, *, hub: bool) -> float:
    """Return how many deliveries a second are fetched and acknowledged."""
    left, go = iter(deliveries), through_hub if hub else through_bare

    async def read() -> None:
        for one in left:
            await go(http, one)

    began = time.perf_counter()
    await asyncio.gather(*(read() for _ in range(readers)))
    return len(deliveries) / (time.perf_counter() - began)


async def measure(pool: Pool, codec: Codec, told: argparse.Namespace) -> None:
    """Fill the mailbox, then let both run in turns."""
    deliveries = await fill(pool, codec, told.waiting)
    key = new_key()
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO credential (key_hash, organisation) VALUES (%s, %s)", (key_hash(key), WHO)
        )
    app = create_gateway(
        pool=pool,
        intake=NoLog(),
        library=codec.library,
        pairwise=codec.pairwise,
        keys=codec.keys,
        settings=load(organisation_requests_per_s_max=1_000_000),
    )
    clients = {
        hub: httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app if hub else bare(pool)),
            base_url="http://hub.example",
            headers={"Authorization": f"Bearer {key}"},
        )
        for hub in (True, False)
    }
    found: dict[bool, list[float]] = {True: [], False: []}
    place = 0
    for _ in range(told.rounds + 1):
        for hub, http in clients.items():
            part = deliveries[place : place + told.messages]
            place += told.messages
            found[hub].append(await rate(http, part, told.readers, hub=hub))
    # The first round warms both.
    hub_rate, bare_rate = (statistics.median(found[hub][1:]) for hub in (True, False))
    print(f"{told.waiting} waiting, {told.readers} readers at a time, median of {told.rounds} rounds\n")
    print(f"{'':24}{'fetched and acknowledged a second':>36}")
    print(f"{'mailbox of the hub':24}{hub_rate:36.0f}")
    print(f"{'bare routes, same SQL':24}{bare_rate:36.0f}")
    print(f"{'ratio':24}{hub_rate / bare_rate:36.2f}")


async def main() -> None:
    """Start PostgreSQL, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=500, help="deliveries in one round")
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    structlog.configure(processors=[], wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory(prefix="partner-hub-bench-") as folder:
        settings = load(instance=f"bench-{uuid.uuid4().hex[:6]}")
        async with server.find_or_start(settings, ephemeral=True) as database:
            upgrade(database.dsn)
            codec = Codec(library=SchemaLibrary.load(), keys=FileKeyStore(Path(folder) / "keys"))
            async with open_pool(database.dsn) as pool:
                await measure(pool, codec, told)


if __name__ == "__main__":
    asyncio.run(main())
