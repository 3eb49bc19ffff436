"""Deliveries and pushes in their rows, as what is recovered finds them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg.types.json import Jsonb

from hub.adapters.database.recovering import Meant, foreseen
from hub.adapters.database.remedied import By, Remedy
from hub.adapters.database.schema import upgrade

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from psycopg import AsyncConnection

HARBOUR, QUAY = "harbour-trust", "quay-service"
BY = By(who="tbirch", name="Tomasz Birch", why="their endpoint works again")
SINCE = datetime.now(UTC) - timedelta(days=1)
_DELIVERY: LiteralString = """
INSERT INTO delivery (delivery_id, message_id, case_ref, organisation, role, message, contract, urgency,
                      box, key_id, nonce, digest, size, by_kafka, state, partition, "offset", turn)
VALUES (%(id)s, 'message', %(case)s, %(organisation)s, 'key_worker', 'progress', '1.0', 'routine',
        'sealed', 'k', '', '', 0, %(by_kafka)s, %(state)s, 0, 5, 1)
"""
_ORIGINAL: LiteralString = """
INSERT INTO original (message_id, case_ref, key_id, nonce, box) VALUES ('message', %(case)s, 'k', '', '')
ON CONFLICT (message_id) DO NOTHING
"""
_PUSH: LiteralString = """
INSERT INTO push (delivery_id, place, endpoint_id, organisation, case_ref, urgency, state, reason, due_at,
                  tries, charged, first_charged_at, refusals)
SELECT delivery_id, cursor, 'ep-1', organisation, case_ref, urgency, %(push)s, %(reason)s,
       now() + interval '1 hour', 3, 3, now() - interval '2 days', 2
  FROM delivery WHERE delivery_id = %(id)s
"""


@asynccontextmanager
async def opened_hub(database: str) -> AsyncIterator[AsyncConnection]:
    """An empty hub with two organisations, one of which has an endpoint for progress."""
    upgrade(database)
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as opened:
        for name in (HARBOUR, QUAY):
            await opened.execute(
                "INSERT INTO control (kind, name, body, control_id) VALUES ('organisation', %s, %s, 'c')",
                (name, Jsonb({"organisation": name, "standing": "active"})),
            )
        await opened.execute(
            "INSERT INTO endpoint (endpoint_id, organisation, url, messages, state, key_id, nonce, box,"
            " in_flight_max)"
            " VALUES ('ep-1', %s, 'https://example.org', '{progress}', 'active', 'k', '', '', 4)",
            (HARBOUR,),
        )
        yield opened


async def deliver(connection: AsyncConnection, name: str, push: str | None = None, **changes: Any) -> None:  # noqa: ANN401 - values of columns
    """Enter a delivery, and its push where it has one."""
    values = {
        "id": name,
        "case": f"case-{name}",
        "organisation": HARBOUR,
        "state": "available",
        "by_kafka": False,
        "push": push,
        "reason": "http-503",
        **changes,
    }
    await connection.execute(_DELIVERY, values)
    await connection.execute(_ORIGINAL, values)
    if push is not None:
        await connection.execute(_PUSH, values)


async def pushes(connection: AsyncConnection) -> dict[str, str]:
    """How every push stands."""
    return dict(await (await connection.execute("SELECT delivery_id, state FROM push")).fetchall())


async def events(connection: AsyncConnection) -> list[tuple[str, str]]:
    """What happened to deliveries, in order."""
    found = await connection.execute("SELECT delivery_id, kind FROM delivery_event ORDER BY event")
    return [(row[0], row[1]) for row in await found.fetchall()]


async def standings(connection: AsyncConnection, kind: Remedy, meant: Meant) -> dict[str, int]:
    """How many deliveries a remedy finds so."""
    found = await foreseen(connection, kind, meant)
    return {each.standing: each.count for each in found}
