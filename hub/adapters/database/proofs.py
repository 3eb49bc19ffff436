"""What recipients have signed of their deliveries, to be verified by whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from psycopg.rows import class_row

if TYPE_CHECKING:
    from psycopg import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One signed acknowledgement, with the public key it was verified by."""

    delivery: str
    recipient: str
    taken_at: datetime
    jws: str
    key: dict[str, str]


async def proof_of(connection: AsyncConnection, delivery: str) -> Proof | None:
    """Return the first acknowledgement of a delivery that was signed; None if there is none."""
    cursor = connection.cursor(row_factory=class_row(Proof))
    await cursor.execute(
        """
        SELECT delivery_id AS delivery, organisation AS recipient, at AS taken_at, said->>'jws' AS jws,
               said->'key' AS key
          FROM delivery_event
         WHERE delivery_id = %s AND kind = 'acknowledged' AND said ? 'jws' ORDER BY event LIMIT 1
        """,
        (delivery,),
    )
    return await cursor.fetchone()
