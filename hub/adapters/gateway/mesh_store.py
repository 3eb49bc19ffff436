"""MESH's statements to PostgreSQL: keys, nonces already used, messages not yet uploaded whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from hub.adapters.database.pool import Pool

NONCE_HOURS = 5
"""Longer than a token is good for: two hours before its time and two after."""
UPLOAD_HOURS = 24
PART_BYTES_MIN = 1024
"""What a part counts for at least: its row takes place too."""
UPLOAD_LOCK = 0x4D45_5348
"""First half of the advisory lock of an organisation's uploads; the second is the organisation."""
_KEEP: LiteralString = """
INSERT INTO mesh_upload (organisation, message_id, chunk, chunks, workflow, size,
                         key_id, nonce, box)
SELECT %(organisation)s, %(message_id)s, %(chunk)s, %(chunks)s, %(workflow)s, %(size)s,
       %(key_id)s, %(nonce)s, %(box)s
 WHERE greatest(%(size)s, %(least)s) + coalesce((
           SELECT sum(greatest(size, %(least)s)) FROM mesh_upload
            WHERE organisation = %(organisation)s
              AND (message_id, chunk) <> (%(message_id)s, %(chunk)s)), 0) <= %(bytes_max)s
ON CONFLICT (organisation, message_id, chunk) DO UPDATE
   SET chunks = excluded.chunks, size = excluded.size, key_id = excluded.key_id, nonce = excluded.nonce,
       box = excluded.box, at = now()
RETURNING chunk
"""
_CUT_OTHERWISE: LiteralString = """
DELETE FROM mesh_upload
 WHERE organisation = %(organisation)s AND message_id = %(message_id)s AND chunks <> %(chunks)s
"""
_FORGET: tuple[LiteralString, ...] = (
    """
    DELETE FROM mesh_nonce WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM mesh_nonce WHERE used_at < now() - make_interval(hours => %(nonce_hours)s)
         LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
    """,
    """
    DELETE FROM mesh_upload WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM mesh_upload WHERE at < now() - make_interval(hours => %(upload_hours)s)
         LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
    """,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRow:
    """One part of a message that is being uploaded."""

    chunk: int
    chunks: int
    workflow: str
    size: int
    key_id: str
    nonce: bytes
    box: bytes


@dataclass(frozen=True, slots=True)
class MeshStore:
    """Each method is one transaction, waiting no longer than it may."""

    pool: Pool
    wait_s_max: float

    async def key(self, organisation: str) -> Sealed | None:
        """Return an organisation's password and shared key, still sealed."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(
                "SELECT key_id, nonce, box FROM mesh_key WHERE organisation = %s", (organisation,)
            )
            row = await cursor.fetchone()
            return None if row is None else Sealed(key_id=row[0], nonce=bytes(row[1]), box=bytes(row[2]))

    async def put_key(self, organisation: str, sealed: Sealed) -> None:
        """Keep an organisation's key in the place of the one it had."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            await connection.execute(
                """
                INSERT INTO mesh_key (organisation, key_id, nonce, box) VALUES (%s, %s, %s, %s)
                ON CONFLICT (organisation) DO UPDATE
                   SET key_id = excluded.key_id, nonce = excluded.nonce, box = excluded.box,
                       created_at = now()
                """,
                (organisation, sealed.key_id, sealed.nonce, sealed.box),
            )

    async def use_nonce(self, digest: bytes) -> bool:
        """Note that a nonce was used; False if it was before."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = await connection.execute(
                "INSERT INTO mesh_nonce (digest) VALUES (%s) ON CONFLICT DO NOTHING RETURNING digest",
                (digest,),
            )
            return await cursor.fetchone() is not None

    async def free_nonce(self, digest: bytes) -> None:
        """Let a nonce be used again, because the request it came with is to be sent again."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            await connection.execute("DELETE FROM mesh_nonce WHERE digest = %s", (digest,))

    async def keep(self, organisation: str, message_id: str, row: ChunkRow, *, bytes_max: int) -> bool:
        """Keep one part; False if the organisation would then have more in hand than it may.

        The first part begins a message anew where its sender cuts it into more parts than before, or fewer.
        """
        values = {
            "organisation": organisation,
            "message_id": message_id,
            "bytes_max": bytes_max,
            "least": PART_BYTES_MIN,
            **{name: getattr(row, name) for name in ChunkRow.__slots__},
        }
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            # One part of an organisation at a time: none sees a sum that lacks what another is adding.
            await connection.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (UPLOAD_LOCK, organisation)
            )
            if row.chunk == 1:
                await connection.execute(_CUT_OTHERWISE, values)
            return await (await connection.execute(_KEEP, values)).fetchone() is not None

    async def kept(self, organisation: str, message_id: str) -> list[ChunkRow]:
        """Return the parts there are of a message, in order."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = connection.cursor(row_factory=class_row(ChunkRow))
            await cursor.execute(
                """
                SELECT chunk, chunks, workflow, size, key_id, nonce, box FROM mesh_upload
                 WHERE organisation = %s AND message_id = %s ORDER BY chunk
                """,
                (organisation, message_id),
            )
            return await cursor.fetchall()

    async def drop(self, organisation: str, message_id: str) -> None:
        """Forget the parts of a message that was taken, or will not be."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            await connection.execute(
                "DELETE FROM mesh_upload WHERE organisation = %s AND message_id = %s",
                (organisation, message_id),
            )

    async def forget(self, *, limit: int) -> int:
        """Delete nonces no token can carry any more and uploads given up, at most so many of each."""
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            return sum([await _deleted(connection, each, limit) for each in _FORGET])


async def _deleted(connection: AsyncConnection, statement: LiteralString, limit: int) -> int:
    values = {"limit": limit, "nonce_hours": NONCE_HOURS, "upload_hours": UPLOAD_HOURS}
    return (await connection.execute(statement, values)).rowcount
