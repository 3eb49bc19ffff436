"""What happens to a delivery after it was decided: one event for each thing, and its number in its lane.

Every channel writes here, in the transaction that changes the delivery's state, so that the sum of a
delivery's events is always what its row says (R-DEL-02; architecture.md 5.7). Nothing said in an event is
personal: codes, counts, roles, digests, signatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, LiteralString

from psycopg.types.json import Jsonb

from hub.messages.identifiers import derived_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import AsyncConnection


SAME_FETCH_S = 60.0
"""Whoever fetches the same again by the same channel within this time has fetched it once."""


class Channel(StrEnum):
    """By which way a delivery comes to its recipient."""

    KAFKA = "kafka"
    MAILBOX = "mailbox"
    MESH = "mesh"
    WEBHOOK = "webhook"
    RECEIPT = "receipt"
    """None of them: its recipient says so by a receipt on the case."""
    HUB = "hub"
    """None of them: the hub itself, or somebody who looks after it."""


class Happened(StrEnum):
    """What happened to a delivery. The levels L1 to L5 of a receipt are among them, in this order."""

    TRANSPORTED = "transported"
    """L1: a webhook answered 2xx. Not a proof that anybody has it."""
    FETCHED = "fetched"
    """L2: it was fetched, or one part of it; the same within a minute is the same fetch."""
    ACKNOWLEDGED = "acknowledged"
    """L3: the recipient's system has it, proved by the digest."""
    READ = "read"
    """L4: a named role has read it."""
    ACTIONED = "actioned"
    """L5: something was done on it."""
    CONFIRMED = "confirmed"
    """Its recipient says by a receipt that it has it; no digest proves it: less than L3, but no silence."""
    REFUSED = "refused"
    """The recipient will not have it, and says why."""
    EXPIRED = "expired"
    """Nobody took it in time."""
    ATTEMPTED = "attempted"
    """A push that did not arrive, as far as is known."""
    PARKED = "parked"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    """It is not pushed any more: stopped, superseded, or called off by somebody."""
    EXHAUSTED = "exhausted"
    """It was pushed as often as may be; it waits in the mailbox, and somebody is told."""
    SKIPPED = "skipped"
    REDELIVERED = "redelivered"
    """Somebody had it pushed again."""
    TOLD_LATE = "told_late"
    """Whoever manages the case was told that this safety message has not arrived."""
    STOOD = "stood"
    """How it stood when its row was about to be made again, where no other event says so."""


BEARS: LiteralString = "(channel <> 'receipt' OR kind = state AND kind IN ('acknowledged', 'refused'))"
"""Which events say how a delivery stands: a receipt that moved nothing may be noted again, and later."""

_NOTE: LiteralString = """
INSERT INTO delivery_event (delivery_id, organisation, case_ref, kind, channel, said, state, sequence)
SELECT delivery_id, organisation, case_ref, %(kind)s, %(channel)s, %(said)s, state, sequence
  FROM delivery WHERE delivery_id = ANY(%(deliveries)s) ORDER BY cursor
"""

_NOTE_EACH: LiteralString = """
INSERT INTO delivery_event (delivery_id, organisation, case_ref, kind, channel, said, state, sequence)
SELECT d.delivery_id, d.organisation, d.case_ref, said.kind, %(channel)s, said.said, d.state, d.sequence
  FROM unnest(%(deliveries)s::text[], %(kinds)s::text[], %(said)s::jsonb[])
       WITH ORDINALITY AS said (delivery_id, kind, said, place)
  JOIN delivery d USING (delivery_id) ORDER BY said.place
"""
_NOTE_SAID: LiteralString = """
INSERT INTO delivery_event (event_id, delivery_id, organisation, case_ref, kind, channel, said, state,
                            sequence)
SELECT said.event_id, d.delivery_id, d.organisation, d.case_ref, said.kind, %(channel)s, said.said, d.state,
       d.sequence
  FROM unnest(%(event_ids)s::text[], %(deliveries)s::text[], %(kinds)s::text[], %(said)s::jsonb[])
       WITH ORDINALITY AS said (event_id, delivery_id, kind, said, place)
  JOIN delivery d USING (delivery_id)
 WHERE said.kind <> 'read' OR NOT EXISTS (
       SELECT 1 FROM delivery_event e
        WHERE e.delivery_id = d.delivery_id AND e.kind = 'read' AND e.said->>'role' = said.said->>'role')
 ORDER BY said.place
ON CONFLICT (event_id) DO NOTHING
"""
"""A role has read a delivery once, however often it says so."""
_NOTE_FETCHED: LiteralString = """
INSERT INTO delivery_event (delivery_id, organisation, case_ref, kind, channel, said, state, sequence)
SELECT d.delivery_id, d.organisation, d.case_ref, 'fetched', %(channel)s, %(said)s, d.state, d.sequence
  FROM delivery d
 WHERE d.delivery_id = %(delivery)s
   AND NOT EXISTS (
       SELECT 1 FROM delivery_event e
        WHERE e.delivery_id = d.delivery_id AND e.kind = 'fetched' AND e.channel = %(channel)s
          AND e.said = %(said)s AND e.at > clock_timestamp() - make_interval(secs => %(within_s)s)
          AND NOT EXISTS (SELECT 1 FROM delivery_event later
                           WHERE later.delivery_id = e.delivery_id AND later.event > e.event
                             AND later.kind <> 'fetched'))
"""
_TAKE_BACK: LiteralString = """
SELECT take_back_sequence(delivery_id)
  FROM (SELECT delivery_id FROM push WHERE delivery_id = ANY(%s) AND tries > 0 AND NOT may_have_arrived
         ORDER BY place DESC OFFSET 0) AS last_first
"""
_UNTOLD: LiteralString = """
UPDATE push p SET untold = true FROM delivery d
 WHERE p.delivery_id = ANY(%s) AND d.delivery_id = p.delivery_id
   AND d.sequence IS NOT NULL AND d.state IN ('available', 'expired')
"""


async def note(
    connection: AsyncConnection,
    deliveries: Sequence[str],
    happened: Happened,
    channel: Channel,
    said: Mapping[str, object] | None = None,
) -> None:
    """Write down what happened to these deliveries, and how they stand now.

    Called once the transaction has changed their rows: a projection that is made again has state and number
    of the last event.
    """
    values = {
        "deliveries": list(deliveries),
        "kind": happened.value,
        "channel": channel.value,
        "said": Jsonb(dict(said or {})),
    }
    await connection.execute(_NOTE, values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a recipient says of a delivery by a receipt."""

    receipt: str
    """Id of the receipt, as a message: whoever notes it first, the event has one id."""
    delivery: str
    happened: Happened
    role: str


def event_of(receipt: str, happened: Happened) -> str:
    """Return the id of what happened by a receipt, always the same."""
    return derived_id("receipt", receipt, happened)


async def note_said(connection: AsyncConnection, said: Sequence[Said], channel: Channel) -> None:
    """Write down what recipients say by receipts, each once; the transaction holds the deliveries' rows."""
    values = {
        "event_ids": [event_of(each.receipt, each.happened) for each in said],
        "deliveries": [each.delivery for each in said],
        "kinds": [each.happened.value for each in said],
        "said": [Jsonb({"role": each.role}) for each in said],
        "channel": channel.value,
    }
    await connection.execute(_NOTE_SAID, values)


async def note_fetched(
    connection: AsyncConnection, delivery: str, channel: Channel, said: Mapping[str, object]
) -> None:
    """Write down that a delivery was fetched, unless it was so lately and nothing else happened since.

    A recipient that fetches without end would else fill the table. The transaction holds the delivery's row.
    """
    values = {
        "delivery": delivery,
        "channel": channel.value,
        "said": Jsonb(dict(said)),
        "within_s": SAME_FETCH_S,
    }
    await connection.execute(_NOTE_FETCHED, values)


async def note_each(
    connection: AsyncConnection,
    events: Sequence[tuple[str, Happened, Mapping[str, object]]],
    channel: Channel,
) -> None:
    """Write down in one statement what happened to each delivery, and how it stands now, in order."""
    values = {
        "deliveries": [delivery for delivery, _, _ in events],
        "kinds": [happened.value for _, happened, _ in events],
        "said": [Jsonb(dict(said)) for _, _, said in events],
        "channel": channel.value,
    }
    await connection.execute(_NOTE_EACH, values)


async def not_coming(connection: AsyncConnection, deliveries: Sequence[str], *, for_good: bool) -> None:
    """Settle the numbers of deliveries whose pushes ended, or were parked, before anybody had them.

    A number nobody has is taken back where it is its lane's last and the push is over for good; the next
    push of the lane says of any other that it will not come. The transaction holds the deliveries' rows.
    """
    if for_good:
        await connection.execute(_TAKE_BACK, (list(deliveries),))
    await connection.execute(_UNTOLD, (list(deliveries),))


async def sequence_of(connection: AsyncConnection, delivery_id: str) -> int:
    """Return the delivery's number in its lane, given now if it has none; the caller holds its row.

    The numbers of a lane (one recipient, one person) have no gap: what was stopped before any channel handed
    it over never had one.
    """
    cursor = await connection.execute(
        "SELECT coalesce(sequence, give_sequence(delivery_id)) FROM delivery WHERE delivery_id = %s",
        (delivery_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        message = f"there is no delivery {delivery_id} to number"
        raise LookupError(message)
    return int(row[0])
