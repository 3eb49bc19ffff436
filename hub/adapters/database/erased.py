"""Deliveries whose content nobody can open any more: their person's key has been erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.errors import NotReadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import AsyncConnection

    from hub.topics.sealing import Keys

_ERASED = "KEY-ERASED"


async def erased(connection: AsyncConnection, keys: Keys, deliveries: Sequence[str]) -> tuple[str, ...]:
    """Return those of these deliveries; offered again, they could be neither fetched nor acknowledged."""
    cursor = await connection.execute(
        "SELECT key_id, array_agg(delivery_id) FROM delivery WHERE delivery_id = ANY(%s) GROUP BY key_id",
        (list(deliveries),),
    )
    return tuple(_of_erased(keys, dict(await cursor.fetchall())))


def _of_erased(keys: Keys, by_key: dict[str, list[str]]) -> Iterator[str]:
    for key_id, deliveries in by_key.items():
        try:
            keys.get(key_id)
        except NotReadable as error:
            if error.code != _ERASED:
                raise
            yield from deliveries
