"""Asks the router to decide again on what is held: the projector knows that, and decides nothing itself.

One process asks at a time. It marks a request only once the log has it, so that a crash in between makes it
ask twice, which harms nothing: a verdict on what is settled already changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, LiteralString, Protocol

import psycopg
import structlog
from psycopg.rows import class_row
from psycopg_pool import PoolTimeout

from hub.adapters.ledger.holding import hold_past
from hub.adapters.ledger.limits import ProjectorLimits
from hub.errors import HubError, NotReadable
from hub.messages.envelope import Redecide, Role, Undelivered
from hub.messages.identifiers import DeliveryId, MessageId, OrganisationId, derived_id
from hub.topics.delivery_box import ORIGINAL_PLACE, open_grounds
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.adapters.database.pool import Pool
    from hub.topics.codec import Codec, Encoded

ASK_LOCK = 0x4153_4B21
"""Advisory lock of whoever asks."""
_DOUBLINGS_MAX = 10
_LOG = structlog.get_logger()

_TO_ASK: LiteralString = """
SELECT d.delivery_id, d.message_id, d.organisation, d.role, d.holds, d.key_id, d.grounds_nonce, d.grounds_box,
       o.key_id AS original_key, o.nonce AS original_nonce, o.box AS original_box,
       l.fields, l.caveats, l.contract, d.by_kafka, d.taken_back, d.finished
  FROM delivery d JOIN original o USING (message_id) JOIN ledger l ON l.decision_id = d.decision_id
 WHERE d.held AND d.verdict IS NULL AND (NOT d.finished OR d.by_kafka) AND d.grounds_box IS NOT NULL
   AND (d.asked_at IS NULL OR d.asked_at < now() - make_interval(
            secs => %(again_s)s * power(2, least(d.asks, %(doublings)s))))
 ORDER BY d.asked_at NULLS FIRST, d.cursor LIMIT %(limit)s
"""
_ASKED: LiteralString = """
UPDATE delivery AS d SET asked_at = now(), asks = d.asks + 1
  FROM unnest(%s::text[], %s::integer[]) AS asked (delivery_id, holds)
 WHERE d.delivery_id = asked.delivery_id AND d.holds = asked.holds
"""
_FORGET: LiteralString = """
DELETE FROM original WHERE ctid = ANY (ARRAY(
    SELECT o.ctid FROM original o
     WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = o.message_id
                          AND d.verdict IS NULL
                          AND (NOT d.finished OR d.by_kafka AND d.available_at > now() - interval '8 days'))
     LIMIT %s))
"""


class Append(Protocol):
    """Appends one record to hub.intake; raises Unreachable if the log did not take it."""

    async def __call__(self, encoded: Encoded, /) -> object:
        """Append it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """One delivery that is held, with the message it was cut from and what was decided on it."""

    delivery_id: str
    message_id: str
    organisation: str
    role: str
    holds: int
    key_id: str
    grounds_nonce: bytes
    grounds_box: bytes
    original_key: str
    original_nonce: bytes
    original_box: bytes
    fields: list[dict[str, Any]]
    caveats: list[str]
    contract: str | None
    """The version its fields are named in."""
    by_kafka: bool
    taken_back: list[str] | None
    finished: bool


class Asker:
    """Runs beside the projector."""

    def __init__(
        self, *, pool: Pool, codec: Codec, append: Append, limits: ProjectorLimits | None = None
    ) -> None:
        """Read from this pool, ask through `append`."""
        self._pool = pool
        self._codec = codec
        self._append = append
        self._limits = limits or ProjectorLimits()
        self._forget_after_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until told to stop; what fails is tried again, with growing pauses."""
        limits, failures = self._limits, 0
        while not stop.is_set():
            pause_s = limits.ask_interval_ms / 1000
            try:
                if await self.ask() == limits.ask_deliveries_max:
                    pause_s = 0.0
                await self._forget()
            except (psycopg.Error, PoolTimeout, HubError) as error:
                failures += 1
                pause_s = min(limits.retry_delay_s * 2 ** min(failures, 16), limits.retry_delay_s_max)
                _LOG.warning("asking.retries", error=type(error).__name__, failures=failures)
            else:
                failures = 0
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)

    async def ask(self) -> int:
        """Hold what time has made doubtful, and ask about what is held; returns of how many deliveries.

        Raises:
            Unreachable: The log did not take a request; nothing is marked, all is asked again.
        """
        limits = self._limits
        async with self._pool.connection() as connection, connection.transaction():
            locked = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (ASK_LOCK,))
            if not ((await locked.fetchone()) or (False,))[0]:
                return 0
            await hold_past(connection, interval_s=limits.ask_interval_ms / 1000)
            cursor = connection.cursor(row_factory=class_row(HeldRow))
            values = {
                "again_s": limits.ask_again_s,
                "doublings": _DOUBLINGS_MAX,
                "limit": limits.ask_deliveries_max,
            }
            rows = await (await cursor.execute(_TO_ASK, values)).fetchall()
            if rows:
                await self._post(rows)
                marks = ([row.delivery_id for row in rows], [row.holds for row in rows])
                await connection.execute(_ASKED, marks)
            return len(rows)

    async def _post(self, rows: list[HeldRow]) -> None:
        by_message: dict[str, list[HeldRow]] = defaultdict(list)
        for row in rows:
            by_message[row.message_id].append(row)
        requests = [one for each in by_message.values() for one in self._requests(each)]
        await asyncio.gather(*(self._append(encoded) for encoded in requests))

    def _requests(self, rows: list[HeldRow]) -> Iterator[Encoded]:
        """Write as few requests about one message as fit into a record each.

        One that fits into none stays held, and whoever looks after the hub reads of it in the log.
        """
        most = self._limits.request_deliveries_max
        for first in range(0, len(rows), most):
            part = rows[first : first + most]
            encoded = self._request(part)
            if encoded is None:
                continue
            if len(encoded.value) <= self._limits.request_bytes_max:
                yield encoded
            elif len(part) > 1:
                for row in part:
                    yield from self._requests([row])
            else:
                _LOG.error("asking.too_large", delivery_id=part[0].delivery_id, bytes=len(encoded.value))

    def _request(self, rows: list[HeldRow]) -> Encoded | None:
        """Write one request about all that is held of one message; None where its content is erased."""
        first = rows[0]
        sealed = Sealed(
            key_id=first.original_key, nonce=bytes(first.original_nonce), box=bytes(first.original_box)
        )
        try:
            original = self._codec.sealer.open(sealed, place=ORIGINAL_PLACE, record=first.message_id)
            asked = Redecide(
                request_id=MessageId(
                    derived_id("redecide", *(f"{row.delivery_id}/{row.holds}" for row in rows))
                ),
                submission=self._codec.submission_from(original),
                deliveries=tuple(self._undelivered(row) for row in rows),
            )
            return self._codec.redecide(asked, original=original)
        except NotReadable as error:
            _LOG.warning("asking.unreadable", message_id=first.message_id, code=error.code)
            return None

    def _undelivered(self, row: HeldRow) -> Undelivered:
        sealed = Sealed(key_id=row.key_id, nonce=bytes(row.grounds_nonce), box=bytes(row.grounds_box))
        delivery_id = DeliveryId(row.delivery_id)
        grounds = open_grounds(self._codec.sealer, sealed, delivery_id=delivery_id)
        found = undelivered(
            grounds,
            delivery_id=delivery_id,
            place=(row.organisation, row.role),
            decided=(row.fields, row.caveats, row.contract),
        )
        taken_back = None if row.taken_back is None else tuple(row.taken_back)
        return replace(found, by_kafka=row.by_kafka, taken_back=taken_back, finished=row.finished)

    async def _forget(self) -> None:
        """Forget whole messages of which nothing is undelivered: they were kept to be decided on again."""
        if time.monotonic() < self._forget_after_s:
            return
        self._forget_after_s = time.monotonic() + self._limits.forget_interval_s
        async with self._pool.connection() as connection:
            await connection.execute(_FORGET, (self._limits.forget_originals_max,))


def undelivered(
    grounds: dict[str, Any],
    *,
    delivery_id: DeliveryId,
    place: tuple[str, str],
    decided: tuple[list[dict[str, Any]], list[str], str | None],
) -> Undelivered:
    """Return a delivery to be decided again, from its grounds and the ledger's record of its decision."""
    organisation, role = place
    fields, caveats, contract = decided
    part = grounds["part"]
    return Undelivered(
        delivery_id=delivery_id,
        organisation=OrganisationId(organisation),
        role=Role(role),
        persons=frozenset(grounds["persons"]),
        concern=grounds["concern"],
        relevant=grounds["relevant"],
        about=grounds["about"],
        outcomes=tuple((each["path"], each["scope"], each["outcome"]) for each in fields),
        caveats=tuple(caveats),
        contract=contract,
        items_held=tuple(grounds["items_held"]),
        part=None if part is None else part.encode(),
    )
