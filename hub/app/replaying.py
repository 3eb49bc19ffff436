"""What was set aside is put to the intake again as it was, under the same message id (R-DEL-02).

Its record is read where it stands in the log or on its sender's own topic, and held against the copy kept
with it. It passes the door as if its sender sent it now, and the router decides on it anew: a replay lets
nothing through that would not come through by itself. Put there twice, it is taken once.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.adapters.database import remedied
from hub.adapters.database.remedied import Remedy
from hub.adapters.feeds import (
    ProjectedOrganisations,
    ProjectedPeople,
    Reader,
    check_sender,
    record_id,
    taken_from,
)
from hub.adapters.kafka.read_back import Place, ReadBackLimits, read_one
from hub.adapters.kafka.replay import entry_of
from hub.adapters.ledger import replaying
from hub.app.roles import feed_limits_from, intake_publisher
from hub.errors import NotConfigured, NotReadable, Refused
from hub.messages.envelope import Submission, Unreadable
from hub.messages.identifiers import Instant, derived_id
from hub.topics.evidence import Evidence
from hub.topics.keys import case_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiokafka import ConsumerRecord

    from hub.adapters.database.remedied import By
    from hub.adapters.kafka.intake import IntakePublisher
    from hub.app.hub import Hub
    from hub.topics.codec import Encoded
    from hub.topics.evidence import SetAside

    Fetched = ConsumerRecord[bytes, bytes]

_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """One record set aside, and whether it can be put to the intake again."""

    aside: SetAside
    encoded: Encoded | None = None
    """As it goes to the intake; None: it does not."""
    submission: Submission | None = None
    opens: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """What became of a record that was to be replayed; with nothing said, the router has not decided yet."""

    taken: bool = False
    code: str | None = None
    """Why it was set aside again."""
    set_aside_as: str | None = None
    """The record of that, which is now the one to be mended."""
    why_not: str = ""
    """Why it was not put to the intake at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replays:
    """Puts messages to the intake again, of the hub another process runs."""

    hub: Hub
    publisher: IntakePublisher
    limits: ReadBackLimits
    decided_within_s: float = 30.0
    """Longest that is waited for what the router makes of one message."""

    async def found(self, wanted: replaying.Wanted) -> tuple[list[SetAside], int]:
        """Return what matches, oldest first, and how much does without the limit."""
        async with self.hub.pool.connection() as connection:
            return await replaying.found(connection, wanted)

    async def foresee(self, aside: SetAside) -> Foreseen:
        """Return whether a record can be put to the intake again now, and if not, why; nothing is changed.

        Raises:
            Unreachable: Kafka or the database did not answer in time.
        """
        try:
            seen = await self._whole(aside)
        except Refused as refusal:
            return Foreseen(aside=aside, why_not=f"{refusal.code}: {refusal}")
        submission = seen.submission
        if submission is None:
            return seen
        async with self.hub.pool.connection() as connection:
            message_id = submission.envelope.message_id
            since = await replaying.since(connection, message_id, record_id=aside.record_id)
        if since.routed:
            return Foreseen(aside=aside, why_not="a message has been taken under its id")
        if since.set_aside_as is not None:
            return Foreseen(aside=aside, why_not=f"it was set aside again since, as {since.set_aside_as}")
        return seen

    async def replay(self, seen: Foreseen, *, by: By) -> Became:
        """Put a record to the intake again, recorded first; return what became of it.

        Raises:
            Unreachable: The log did not take it: ask once more.
        """
        now = await self.foresee(seen.aside)
        if now.encoded is None or now.submission is None:
            return Became(why_not=now.why_not)
        done = [(seen.aside.record_id, seen.aside.organisation)]
        async with self.hub.pool.connection() as connection:
            await remedied.record(connection, Remedy.REPLAYED, done, by=by)
        if now.opens:
            key_id = case_key(now.submission.envelope.case)
            try:
                await asyncio.to_thread(self.hub.codec.keys.get_or_create, key_id)
            except NotReadable as refusal:
                return Became(why_not=f"{refusal.code}: {refusal}")
        appended = await self.publisher.append(now.encoded)
        set_aside_as = derived_id("intake", str(appended.partition), str(appended.offset))
        return await self._decided(now.submission, set_aside_as)

    async def _decided(self, submission: Submission, set_aside_as: str) -> Became:
        until_s = time.monotonic() + self.decided_within_s
        while time.monotonic() < until_s:
            async with self.hub.pool.connection() as connection:
                code = await replaying.code_of(connection, set_aside_as)
                message_id = submission.envelope.message_id
                since = await replaying.since(connection, message_id, record_id=set_aside_as)
            if code is not None:
                return Became(code=code, set_aside_as=set_aside_as)
            if since.routed:
                return Became(taken=True)
            await asyncio.sleep(_POLL_S)
        return Became()

    async def _whole(self, aside: SetAside) -> Foreseen:
        """Read a record where it stands and check it at the door; raises Refused."""
        topic = self.hub.catalogue.inbox_name(aside.organisation)
        place = Place(partition=aside.partition, offset=aside.offset)
        if aside.record_id == record_id(topic, aside.partition, aside.offset):
            return await self._from_feed(aside, await self._record(topic, place))
        return await self._from_log(aside, await self._record(self.hub.catalogue.intake, place))

    async def _record(self, topic: str, place: Place) -> Fetched:
        try:
            return await read_one(self.hub.bootstrap, topic, place, limits=self.limits)
        except NotConfigured:
            code = "RECORD-GONE"
            raise NotReadable(
                code, f"{topic} holds the record no longer; its sender sends it again"
            ) from None
        except UnicodeDecodeError:
            code = "HEADER-UNREADABLE"
            raise NotReadable(code, "a header name is not UTF-8") from None

    async def _from_log(self, aside: SetAside, record: Fetched) -> Foreseen:
        codec = self.hub.codec
        entry = entry_of(codec, record)
        if isinstance(entry, Unreadable):
            raise NotReadable(entry.code, "it cannot be read")
        if not isinstance(entry, Submission):
            return Foreseen(aside=aside, why_not="it is the hub's own record, and no message")
        as_sent, envelope = codec.as_sent(record.value or b"", entry), entry.envelope
        kept = Evidence(codec).original(aside)
        if kept not in {b"", as_sent, record.value} or aside.message_id not in {None, envelope.message_id}:
            return Foreseen(aside=aside, why_not="the log holds another record in its place")
        known = await ProjectedOrganisations(self.hub.pool)()
        check_sender(known.get(envelope.organisation), envelope.message)
        return Foreseen(aside=aside, encoded=codec.submission(entry, as_sent=as_sent), submission=entry)

    async def _from_feed(self, aside: SetAside, record: Fetched) -> Foreseen:
        codec, pool = self.hub.codec, self.hub.pool
        if Evidence(codec).original(aside) != (record.value or b""):
            return Foreseen(aside=aside, why_not="no whole copy of it was kept, or its topic was made anew")
        known = await ProjectedOrganisations(pool)()
        taken = await taken_from(
            Reader(codec=codec, limits=feed_limits_from(self.hub.settings), now=_now),
            record,
            topic_of=aside.organisation,
            sender=known.get(aside.organisation),
            case_of=ProjectedPeople(pool),
        )
        if taken is None:
            return Foreseen(aside=aside, why_not="it is an event of the prison system the hub has no use for")
        submission = taken.submission
        return Foreseen(
            aside=aside, encoded=codec.submission(submission), submission=submission, opens=taken.opens
        )


@asynccontextmanager
async def replays(hub: Hub, *, within_s: float = 30.0) -> AsyncIterator[Replays]:
    """One who puts messages to the intake again; `within_s` bounds how long one record is read back."""
    publishing = intake_publisher(
        hub.settings, bootstrap=hub.bootstrap, codec=hub.codec, catalogue=hub.catalogue
    )
    async with publishing as publisher:
        yield Replays(hub=hub, publisher=publisher, limits=ReadBackLimits(timeout_s=within_s))


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)
