"""The world as the router saw it before one record: the log of the case gone through again up to it.

Every message of the case, every control record and every tick of the partition is routed as it was, so
that the case, the organisations and the rules are those of the moment. Nothing is written anywhere.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from hub.adapters.kafka.read_back import Place, ReadBackLimits, read_until
from hub.errors import HubError
from hub.messages.envelope import Control, Entry, Submission
from hub.messages.identifiers import Instant, MessageId, derived_id
from hub.topics.codec import CONTROL, TICK
from hub.topics.library import frame
from hub.topics.tables import RouterView

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

    from hub.adapters.kafka.consequences import Route
    from hub.messages.identifiers import CaseRef
    from hub.routing.outcome import Result
    from hub.topics.codec import Codec

_OF_EVERY_CASE = (frame(CONTROL, b""), frame(TICK, b""))
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A record, and the world it was routed in."""

    entry: Entry
    now: Instant
    view: RouterView


async def world_before(  # noqa: PLR0913 - each is a different thing a replay stands on
    bootstrap: str,
    topic: str,
    place: Place,
    *,
    case: CaseRef,
    codec: Codec,
    route: Route,
    limits: ReadBackLimits | None = None,
) -> Before:
    """Go through the partition up to a record, and return it with the world before it.

    Raises:
        Unreachable: The log was not read in time.
        NotConfigured: There is no such record.
    """
    view = RouterView(codec=codec, contracts=codec.library)
    found: tuple[Entry, Instant] | None = None
    async with aclosing(read_until(bootstrap, topic, place, limits=limits)) as records:
        async for record in records:
            now = Instant(max(record.timestamp, view.clock))
            if record.key == case.encode() or (record.value or b"").startswith(_OF_EVERY_CASE):
                entry = entry_of(codec, record)
                # A later message of the case may have to give it again.
                view.remember(case, record.offset, entry)
                if record.offset < place.offset:
                    _again(entry, view, now, route=route, codec=codec, offset=record.offset)
                else:
                    found = (entry, now)
            view.advance(now)
    if found is None:
        message = "the log ended before the record"
        raise HubError(message)
    return Before(entry=found[0], now=found[1], view=view)


async def released_before(
    bootstrap: str, topic: str, place: Place, *, codec: Codec, limits: ReadBackLimits | None = None
) -> list[Control]:
    """Return the control records of policies in a partition before a record, oldest first."""
    found = []
    async with aclosing(read_until(bootstrap, topic, place, limits=limits)) as records:
        async for record in records:
            if (record.value or b"").startswith(_OF_EVERY_CASE[0]):
                entry = entry_of(codec, record)
                if isinstance(entry, Control) and entry.kind == "policy":
                    found.append(entry)
    return found


def entry_of(codec: Codec, record: ConsumerRecord[bytes, bytes]) -> Entry:
    """Read a record of hub.intake as the router did."""
    record_id = MessageId(derived_id("intake", str(record.partition), str(record.offset)))
    return codec.entry(
        record.value,
        key=record.key,
        record_id=record_id,
        headers=dict(record.headers),
        offset=record.offset,
    )


def _again(entry: Entry, view: RouterView, now: Instant, *, route: Route, codec: Codec, offset: int) -> None:
    """Route a record again and keep what it changes; one that fails was set aside then, too."""
    try:
        result = route(entry, view, now)
    except Exception as error:  # noqa: BLE001 - the router went on past it, and so must this
        _log.warning("a record could not be routed again", offset=offset, fault=type(error).__name__)
        return
    _keep(entry, result, view, codec=codec, now=now, offset=offset)


def _keep(entry: Entry, result: Result, view: RouterView, *, codec: Codec, now: Instant, offset: int) -> None:
    for case in result.cases:
        # Never sealed nor written: the table only has to know that it is another than before.
        view.put_case(case, f"replayed {offset}".encode())
    for key, body in result.controls:
        if body is None:
            view.control.put(key.encode(), None)
            continue
        kind, _, name = key.partition("/")
        of = entry.control_id if isinstance(entry, Control) else MessageId(derived_id("replayed", key))
        control = Control(control_id=of, kind=kind, name=name, effective_at=now, body=body)
        view.control.put(key.encode(), codec.control_bytes(control))
    if result.seen is not None and isinstance(entry, Submission):
        view.put_seen(*result.seen, sent=entry)
    for key in result.timers_cleared:
        view.timers.put(key.encode(), None)
    for timer in result.timers_set:
        view.put_timer(timer)
