"""Who follows a mailbox: told at once of each delivery that comes to be listed, by server-sent events.

A notice says that there is something and where, nothing of what it says. It is written only when the client
takes it, on a projection that has caught up since: what was withdrawn meanwhile is not told of. Nothing is
kept for a client but its place, so that one who reads slowly holds nobody up and fills nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from starlette.responses import Response

from hub.adapters.gateway.identity import PENDING, admitted
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.store import DATABASE_GONE
from hub.adapters.gateway.stream_store import BEGINNING, StreamIds, StreamStore
from hub.errors import NotCaughtUp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

    from hub.adapters.database.freshness import Freshness
    from hub.adapters.gateway.identity import Identity
    from hub.adapters.gateway.limits import StreamLimits
    from hub.adapters.gateway.stream_store import Horizon, Notice, Place
    from hub.messages.identifiers import OrganisationId

MEDIA_TYPE = "text/event-stream"
LISTING = "/v1/mailbox/messages"
_LOG = structlog.get_logger("hub.gateway")


@dataclass(slots=True, eq=False)
class _Listener:
    """One open stream, as the watcher knows it."""

    organisation: OrganisationId
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class _Standstill:
    """Notices that one open transaction keeps all streams silent: signs of life go on meanwhile."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._ended = -1
        self._tell_at_s = 0.0

    def seen(self, horizon: Horizon) -> None:
        """Log it where the horizon has long stood still, though something has begun beyond it."""
        now_s = time.monotonic()
        if horizon.ended != self._ended or horizon.ended == horizon.following:
            self._ended, self._tell_at_s = horizon.ended, now_s + self._after_s
        elif now_s >= self._tell_at_s:
            self._tell_at_s = now_s + self._after_s
            _LOG.error(
                "gateway.streams_stand_still",
                transaction=horizon.ended,
                fix="end this transaction: see backend_xid in pg_stat_activity, or pg_prepared_xacts",
            )


class Streams:
    """All open streams of this process; one watcher looks for all of them, while there are any."""

    def __init__(
        self,
        *,
        store: StreamStore,
        ids: StreamIds,
        freshness: Freshness,
        identity: Identity,
        limits: StreamLimits,
    ) -> None:
        """Nothing runs until the first stream is opened."""
        self.store = store
        self.ids = ids
        self.freshness = freshness
        self.identity = identity
        self.limits = limits
        self.ending = False
        self._listeners: set[_Listener] = set()
        self._watcher: asyncio.Task[None] | None = None

    @contextmanager
    def listening(self, organisation: OrganisationId) -> Iterator[_Listener]:
        """Count a stream in for as long as the block lasts.

        Raises:
            ProblemError: There are too many already, of this organisation or in all, or the gateway stops.
        """
        own = sum(each.organisation == organisation for each in self._listeners)
        limits = self.limits
        if own >= limits.streams_per_organisation_max:
            code = "too-many-streams"
            raise ProblemError(code, retry_after_s=limits.retry_after_s)
        if self.ending or len(self._listeners) >= limits.streams_max:
            code = "overloaded"
            raise ProblemError(code, retry_after_s=limits.retry_after_s)
        listener = _Listener(organisation)
        self._listeners.add(listener)
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def end(self) -> None:
        """Let every stream end now, as it does when the process is told to stop."""
        self.ending = True
        for each in self._listeners:
            each.wake.set()

    async def _watch(self) -> None:
        """Wake whoever has something to read, by one look for all; ends with the last stream."""
        since, standstill = 0, _Standstill(self.limits.standstill_s)
        try:
            while self._listeners:
                try:
                    names = {each.organisation for each in self._listeners}
                    horizon, awake = await self.store.announced(sorted(names), since=since)
                    since = horizon.ended
                    standstill.seen(horizon)
                except DATABASE_GONE as error:
                    _LOG.warning("gateway.streams_blind", error=type(error).__name__)
                    awake = frozenset()
                for each in self._listeners:
                    if each.organisation in awake:
                        each.wake.set()
                await asyncio.sleep(self.limits.poll_s)
        finally:
            self._watcher = None


class EventStream(Response):
    """The answer to one who follows a mailbox."""

    media_type = MEDIA_TYPE

    def __init__(self, streams: Streams, organisation: OrganisationId, last_event_id: str | None) -> None:
        """Go on after this event; without one, begin with all that waits."""
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._streams = streams
        self._organisation = organisation
        self._last = last_event_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell until the client goes, may not read any more, or the gateway stops."""
        with self._streams.listening(self._organisation) as listener:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            telling = asyncio.create_task(_Telling(self._streams, listener, headers, send).tell(self._last))
            leaving = asyncio.create_task(_gone(receive))
            try:
                await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (telling, leaving):
                    task.cancel()
                await asyncio.gather(telling, leaving, return_exceptions=True)
            if not telling.cancelled():
                telling.result()


class _Telling:
    """One stream at work."""

    def __init__(self, streams: Streams, listener: _Listener, headers: dict[str, str], send: Send) -> None:
        self._streams = streams
        self._listener = listener
        self._headers = headers
        self._send_on = send
        self._place: Place = BEGINNING
        self._database = ""
        self._beat_at_s = 0.0

    async def tell(self, last_event_id: str | None) -> None:
        """Write notices and signs of life; returns where the stream is to end."""
        try:
            await self._begin(last_event_id)
            while await self._may_read():
                self._listener.wake.clear()
                more = await self._page()
                await self._beat()
                if not more:
                    await self._rest()
            await self._write("", last=True)
        except DATABASE_GONE as error:
            _LOG.warning("gateway.stream_ended", error=type(error).__name__)
            await self._write("", last=True)
        except TimeoutError:
            # It does not read: what was not written to it stands in the mailbox.
            _LOG.info("gateway.stream_too_slow")

    async def _begin(self, last_event_id: str | None) -> None:
        streams, text = self._streams, f"retry: {round(self._streams.limits.reconnect_s * 1000)}\n"
        self._database = await streams.store.database()
        if last_event_id:
            place = streams.ids.place(self._listener.organisation, last_event_id, database=self._database)
            if place is None or await streams.store.is_to_come(place):
                text += f"event: resync\ndata: {json.dumps({'url': LISTING})}\n\n"
            else:
                self._place = place
        await self._write(text)

    async def _may_read(self) -> bool:
        """Tell whether the key still opens this mailbox, as it would with a request of its own.

        While the projection is made again its organisation is not known yet: that is waited for.
        """
        while not self._streams.ending:
            try:
                party = admitted(await self._streams.identity.identify(self._headers))
            except ProblemError as error:
                if error.code != PENDING:
                    return False
                await self._beat()
                await asyncio.sleep(self._streams.limits.poll_s)
            else:
                return party.organisation == self._listener.organisation
        return False

    async def _page(self) -> bool:
        """Write what has come, as much as goes at once; True if there may be more."""
        streams, limits = self._streams, self._streams.limits
        # Nothing is looked up before the client has taken what went before: it would grow stale on the way.
        await self._write("")
        try:
            await streams.freshness.wait()
        except NotCaughtUp:
            await asyncio.sleep(limits.poll_s)
            return True
        notices, horizon = await streams.store.notices(
            self._listener.organisation, after=self._place, limit=limits.notices_max
        )
        if notices:
            await self._write("".join(map(self._event, notices)))
        full = len(notices) == limits.notices_max
        # What is not open now is announced anew once it is: no need to pass it again.
        self._place = notices[-1].place if full else horizon
        return full

    def _event(self, notice: Notice) -> str:
        said = {
            "delivery": notice.delivery_id,
            "type": notice.message,
            "contract": notice.contract,
            "urgency": notice.urgency,
            "url": f"{LISTING}/{notice.delivery_id}",
        }
        number = self._streams.ids.event_id(
            self._listener.organisation, notice.place, database=self._database
        )
        return f"id: {number}\nevent: delivery\ndata: {json.dumps(said)}\n\n"

    async def _beat(self) -> None:
        """Write a comment now and then, so that both sides notice a connection that is dead."""
        if time.monotonic() >= self._beat_at_s:
            self._beat_at_s = time.monotonic() + self._streams.limits.heartbeat_s
            await self._write(":\n")

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._listener.wake.wait(), max(0.0, self._beat_at_s - time.monotonic()))

    async def _write(self, text: str, *, last: bool = False) -> None:
        """Write to the client; returns once it has taken what was written before.

        Raises:
            TimeoutError: It did not, for as long as anybody waits.
        """
        async with asyncio.timeout(self._streams.limits.write_timeout_s):
            message = {"type": "http.response.body", "body": text.encode(), "more_body": not last}
            await self._send_on(message)


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
