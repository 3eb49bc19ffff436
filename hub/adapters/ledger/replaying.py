"""What was set aside and may be put to the intake again, and what became of its message meanwhile."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.rows import dict_row

from hub.messages.identifiers import Instant, MessageId, OrganisationId
from hub.topics.evidence import SetAside
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import AsyncConnection

_MATCHING: LiteralString = """
  FROM quarantine q
 WHERE (%(record)s::text IS NULL OR starts_with(record_id, %(record)s))
   AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
   AND (%(code)s::text IS NULL OR code = %(code)s)
   AND (%(record)s::text IS NOT NULL OR message_id IS NULL
        OR NOT EXISTS (SELECT 1 FROM submission s WHERE s.message_id = q.message_id AND s.state = 'routed')
           AND NOT EXISTS (SELECT 1 FROM quarantine later
                            WHERE later.message_id = q.message_id
                              AND (later.set_aside_at, later.record_id) > (q.set_aside_at, q.record_id)))
"""
_FOUND: LiteralString = (
    """
SELECT record_id, message_id, organisation, message, code, detail, key_id, nonce, box,
       (extract(epoch FROM set_aside_at) * 1000)::bigint AS set_aside_at, partition, "offset"
"""
    + _MATCHING
    + ' ORDER BY q.set_aside_at, q.partition, q."offset" LIMIT %(limit)s'
)
_COUNT: LiteralString = "SELECT count(*)" + _MATCHING
_SINCE: LiteralString = """
SELECT (SELECT state FROM submission WHERE message_id = %(message_id)s),
       (SELECT record_id FROM quarantine q
         WHERE q.message_id = %(message_id)s
           AND (q.set_aside_at, q.record_id) > (SELECT mine.set_aside_at, mine.record_id FROM quarantine mine
                                                  WHERE mine.record_id = %(record_id)s)
         ORDER BY q.set_aside_at DESC, q.record_id DESC LIMIT 1)
"""
_CODE: LiteralString = "SELECT code FROM quarantine WHERE record_id = %s"
ROUTED = "routed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records; of those not named one by one, each message's last, and none that was taken since."""

    record: str | None = None
    """Beginning of a record's id."""
    organisation: str | None = None
    code: str | None = None
    limit: int = 100
    """Most records at once, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What has become of a message since one of its records was set aside."""

    routed: bool
    """The router has taken it."""
    set_aside_as: str | None
    """The latest record that was set aside since, of the same message."""


async def found(connection: AsyncConnection, wanted: Wanted) -> tuple[list[SetAside], int]:
    """Return the records that match, oldest first, and how many there are without the limit."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(_FOUND, asdict(wanted))
    rows = [_set_aside(row) for row in await cursor.fetchall()]
    counted = await (await connection.execute(_COUNT, asdict(wanted))).fetchone()
    return rows, 0 if counted is None else int(counted[0])


async def since(connection: AsyncConnection, message_id: MessageId, *, record_id: str) -> Since:
    """Return what has become of a message since this record of it was set aside."""
    cursor = await connection.execute(_SINCE, {"message_id": message_id, "record_id": record_id})
    state, later = (await cursor.fetchone()) or (None, None)
    return Since(routed=state == ROUTED, set_aside_as=later)


async def code_of(connection: AsyncConnection, record_id: str) -> str | None:
    """Return why a record was set aside; None: it was not, so far."""
    row = await (await connection.execute(_CODE, (record_id,))).fetchone()
    return None if row is None else str(row[0])


def _set_aside(row: Mapping[str, Any]) -> SetAside:
    message_id = row["message_id"]
    return SetAside(
        record_id=MessageId(row["record_id"]),
        message_id=None if message_id is None else MessageId(message_id),
        organisation=OrganisationId(row["organisation"]),
        message=row["message"],
        code=row["code"],
        detail=row["detail"],
        original=Sealed(key_id=row["key_id"], nonce=bytes(row["nonce"]), box=bytes(row["box"])),
        set_aside_at=Instant(row["set_aside_at"]),
        partition=row["partition"],
        offset=row["offset"],
    )
