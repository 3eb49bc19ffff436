"""What has come to be listed in mailboxes, and since when: for those who follow theirs.

A place in this order is the transaction in which a delivery came to be listed, and the delivery's cursor.
Transactions end in another order than they begin in, so nobody reads beyond the horizon below which all have
ended: what comes later stands behind it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, LiteralString, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.topics.pairwise import PAIRWISE_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

    from hub.adapters.database.pool import Pool
    from hub.messages.identifiers import OrganisationId
    from hub.topics.sealing import Keys

_SIV_KEY_BYTES = 64
_NUMBER_BYTES = 8
_ID_CHARS_MAX = 64
_HORIZON: LiteralString = """
SELECT pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint
  FROM pg_current_snapshot() AS now
"""
_DATABASE: LiteralString = """
SELECT system_identifier || '/' || timeline_id FROM pg_control_system(), pg_control_checkpoint()
"""
"""Another one where it was restored from a backup: there, transactions are counted anew, or once more."""
_AWAKE: LiteralString = """
SELECT name FROM unnest(%(organisations)s::text[]) AS name
 WHERE EXISTS (SELECT 1 FROM delivery WHERE organisation = name AND state IN ('available', 'fetched')
                  AND announced >= %(since)s AND announced < %(horizon)s)
"""
_NOTICES: LiteralString = """
SELECT announced, cursor, delivery_id, message, contract, urgency FROM delivery
 WHERE organisation = %(organisation)s AND state IN ('available', 'fetched')
   AND (announced, cursor) > (%(announced)s, %(cursor)s) AND announced < %(horizon)s
   AND delivery_is_open(delivery) AND NOT delivery_is_out_of_date(delivery)
 ORDER BY announced, cursor LIMIT %(limit)s
"""


class Place(NamedTuple):
    """A place in the order in which deliveries came to be listed."""

    announced: int
    cursor: int


BEGINNING = Place(-1, 0)


class Horizon(NamedTuple):
    """Below the first all transactions have ended; the second is the next one to begin."""

    ended: int
    following: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A delivery that is listed now."""

    place: Place
    delivery_id: str
    message: str
    contract: str
    urgency: str


@dataclass(frozen=True, slots=True)
class StreamStore:
    """Reads what has been announced."""

    pool: Pool
    wait_s_max: float

    async def announced(self, organisations: Sequence[str], *, since: int) -> tuple[Horizon, frozenset[str]]:
        """Return the horizon, and for which of these organisations something came between `since` and it."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            horizon = await _horizon(connection)
            values = {"organisations": list(organisations), "since": since, "horizon": horizon.ended}
            cursor = await connection.execute(_AWAKE, values)
            return horizon, frozenset(row[0] for row in await cursor.fetchall())

    async def notices(
        self, organisation: OrganisationId, *, after: Place, limit: int
    ) -> tuple[list[Notice], Place]:
        """Return what is open of what came after a place, in order, and the place up to which was looked."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            horizon = (await _horizon(connection)).ended
            values = {
                "organisation": organisation,
                "announced": after.announced,
                "cursor": after.cursor,
                "horizon": horizon,
                "limit": limit,
            }
            cursor = await connection.execute(_NOTICES, values)
            found = [
                Notice(
                    place=Place(row[0], row[1]),
                    delivery_id=row[2],
                    message=row[3],
                    contract=row[4],
                    urgency=row[5],
                )
                for row in await cursor.fetchall()
            ]
            return found, max(after, Place(horizon, 0))

    async def database(self) -> str:
        """Return by what this database is told from any other, also from itself before it was restored."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            row = await (await connection.execute(_DATABASE)).fetchone()
            return "" if row is None else str(row[0])

    async def is_to_come(self, place: Place) -> bool:
        """Tell whether a place is beyond the horizon: it was given by a database that is no more."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            return place.announced >= (await _horizon(connection)).ended


@dataclass(frozen=True, slots=True)
class StreamIds:
    """Places as event ids: sealed, they tell nothing and serve in their own mailbox and database only."""

    keys: Keys

    def event_id(self, organisation: OrganisationId, place: Place, *, database: str) -> str:
        """Return the id of the event at this place."""
        plain = b"".join(number.to_bytes(_NUMBER_BYTES, "big") for number in place)
        sealed = _cipher(self.keys.get_or_create(PAIRWISE_KEY)).encrypt(
            plain, [organisation.encode(), database.encode()]
        )
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def place(self, organisation: OrganisationId, event_id: str, *, database: str) -> Place | None:
        """Return the place of an event; None for an id this mailbox did not give, or not in this database."""
        try:
            if len(event_id) > _ID_CHARS_MAX:
                return None
            sealed = base64.urlsafe_b64decode(event_id + "=" * (-len(event_id) % 4))
            plain = _cipher(self.keys.get_or_create(PAIRWISE_KEY)).decrypt(
                sealed, [organisation.encode(), database.encode()]
            )
        except (InvalidTag, ValueError, binascii.Error):
            return None
        return Place(
            int.from_bytes(plain[:_NUMBER_BYTES], "big"), int.from_bytes(plain[_NUMBER_BYTES:], "big")
        )


async def _horizon(connection: AsyncConnection) -> Horizon:
    row = await (await connection.execute(_HORIZON)).fetchone()
    return Horizon(0, 0) if row is None else Horizon(int(row[0]), int(row[1]))


@lru_cache(maxsize=4)
def _cipher(master: bytes) -> AESSIV:
    derived = HKDF(algorithm=SHA256(), length=_SIV_KEY_BYTES, salt=None, info=b"mailbox-events")
    return AESSIV(derived.derive(master))
