"""What has gone out and would not go out now: whoever has it may have to be told (R-DIS-05, R-DIS-10).

It is worked out when it is asked, by the decision itself and on what was really given: each delivery that was
fetched, acknowledged or put on a Kafka topic is decided again with the case, the organisation and the rules
as they are. Nothing is changed by it, and nothing taken back. Whether a message bore on the recipient's work
is taken as it was: that was true of its day.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg.rows import class_row

from hub.adapters.ledger.projected_view import ProjectedView, projected_view
from hub.adapters.ledger.requesting import undelivered
from hub.consent.decide import ENVELOPE_SPECS, may_know
from hub.consent.decision import FieldDecision, Outcome, Scope
from hub.consent.paths import walk
from hub.errors import NotReadable
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement, Submission
from hub.messages.identifiers import CaseRef, DeliveryId, Instant, MessageId, OrganisationId
from hub.routing.redeciding import decide_again
from hub.topics.delivery_box import open_delivery, open_grounds
from hub.topics.library import unframe
from hub.topics.sealing import Sealed
from hub.topics.views import schema_on_wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from psycopg import AsyncConnection

    from hub.cases.case import Case
    from hub.routing.redeciding import Again
    from hub.topics.codec import Codec

_EACH: LiteralString = """
SELECT d.delivery_id, d.message_id, d.case_ref, d.organisation, d.role, d.message, d.key_id, d.nonce, d.box,
       d.grounds_nonce, d.grounds_box, d.by_kafka, d.available_at, d.fetched_at, d.acknowledged_at,
       l.fields, l.caveats, l.contract, c.key_id AS case_key, c.nonce AS case_nonce, c.box AS case_box
  FROM delivery d JOIN ledger l ON l.decision_id = d.decision_id JOIN case_state c ON c.case_ref = d.case_ref
 WHERE d.grounds_box IS NOT NULL
"""
_GONE: LiteralString = (
    _EACH
    + """
   AND (d.by_kafka OR d.fetched_at IS NOT NULL OR d.acknowledged_at IS NOT NULL)
   AND (d.verdict IS NOT NULL OR delivery_is_out_of_date(d))
   AND (%(case_ref)s::text IS NULL OR d.case_ref = %(case_ref)s)
   AND (%(organisation)s::text IS NULL OR d.organisation = %(organisation)s)
   AND (%(since)s::timestamptz IS NULL OR d.available_at >= %(since)s)
 ORDER BY d.cursor DESC LIMIT %(limit)s
"""
)
_NAMED: LiteralString = _EACH + " AND d.delivery_id = ANY(%s) ORDER BY d.cursor"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneRow:
    """One delivery that has gone out, and may not go out now."""

    delivery_id: str
    message_id: str
    case_ref: str
    organisation: str
    role: str
    message: str
    key_id: str
    nonce: bytes
    box: bytes
    grounds_nonce: bytes
    grounds_box: bytes
    by_kafka: bool
    available_at: datetime
    fetched_at: datetime | None
    acknowledged_at: datetime | None
    fields: list[dict[str, Any]]
    caveats: list[str]
    contract: str | None
    """The version its fields are named in."""
    case_key: str
    case_nonce: bytes
    case_box: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaken:
    """One delivery that has gone out and would tell less now."""

    delivery_id: str
    message_id: str
    case_ref: str
    organisation: str
    role: str
    message: str
    way: str
    """How far it has come: acknowledged, fetched, sent by Kafka, or undelivered."""
    at: datetime
    gate: str | None
    """Why nothing of it would go now; None: some of it would."""
    fields: tuple[tuple[str, str], ...]
    """Each field that was given and would not be now, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deliveries are looked at; None: of all."""

    case_ref: str | None = None
    organisation: str | None = None
    since: datetime | None = None
    limit: int = 1_000
    """Most deliveries looked at, newest first."""


async def overtaken(
    connection: AsyncConnection, codec: Codec, wanted: Wanted, *, now: Instant
) -> list[Overtaken]:
    """Return what has gone out and would not now, newest first; what was erased is left out."""
    return await _less(connection, codec, _GONE, asdict(wanted), now=now)


async def less_of(
    connection: AsyncConnection, codec: Codec, deliveries: Sequence[str], *, now: Instant
) -> list[Overtaken]:
    """Return those of these deliveries, arrived or not, that would tell less if they were decided now."""
    return await _less(connection, codec, _NAMED, (list(deliveries),), now=now)


async def _less(
    connection: AsyncConnection,
    codec: Codec,
    statement: LiteralString,
    values: Mapping[str, object] | tuple[object],
    *,
    now: Instant,
) -> list[Overtaken]:
    cursor = connection.cursor(row_factory=class_row(GoneRow))
    rows = await (await cursor.execute(statement, values)).fetchall()
    if not rows:
        return []
    view = await projected_view(connection, codec.library, now)
    found = (less_now(row, codec, view, now) for row in rows)
    return [each for each in found if each is not None]


def less_now(row: GoneRow, codec: Codec, view: ProjectedView, now: Instant) -> Overtaken | None:
    """Return what a delivery tells that it would not tell now; None: nothing, or its person was erased."""
    try:
        again = _decided(row, codec, view, now)
    except NotReadable as error:
        if error.code != "KEY-ERASED":
            raise
        return None
    lost = tuple(dict.fromkeys(_lost(again)))
    if not lost:
        return None
    at = row.acknowledged_at or row.fetched_at or row.available_at
    way = "acknowledged" if row.acknowledged_at else "fetched" if row.fetched_at else "undelivered"
    if way == "undelivered" and row.by_kafka:
        way = "sent by Kafka"
    return Overtaken(
        delivery_id=row.delivery_id,
        message_id=row.message_id,
        case_ref=row.case_ref,
        organisation=row.organisation,
        role=row.role,
        message=row.message,
        way=way,
        at=at,
        gate=None if again.decision.delivers else again.decision.gate,
        fields=lost,
    )


def _decided(row: GoneRow, codec: Codec, view: ProjectedView, now: Instant) -> Again:
    delivery_id = DeliveryId(row.delivery_id)
    boxed = Sealed(key_id=row.key_id, nonce=bytes(row.grounds_nonce), box=bytes(row.grounds_box))
    grounds = open_grounds(codec.sealer, boxed, delivery_id=delivery_id)
    each = undelivered(
        grounds,
        delivery_id=delivery_id,
        place=(row.organisation, row.role),
        decided=(row.fields, row.caveats, row.contract),
    )
    return decide_again(
        _given(row, grounds["said"], codec, view), each, _case(row, codec), view=view, now=now
    )


def _case(row: GoneRow, codec: Codec) -> Case:
    sealed = Sealed(key_id=row.case_key, nonce=bytes(row.case_nonce), box=bytes(row.case_box))
    return codec.case_opened(CaseRef(row.case_ref), sealed)


def _given(row: GoneRow, said: dict[str, Any], codec: Codec, view: ProjectedView) -> Submission:
    """Return what the recipient was given, as a message in the version decisions speak of."""
    sealed = Sealed(key_id=row.key_id, nonce=bytes(row.nonce), box=bytes(row.box))
    _, framed = open_delivery(codec.sealer, sealed, delivery_id=DeliveryId(row.delivery_id))
    number, body = unframe(framed)
    agreed = [each for each in view.agreed if each.partner == row.organisation]
    schema = schema_on_wire(codec.library, agreed, number)
    name = MessageName(row.message)
    whole = codec.library.contract(name, schema.version)
    payload = {field.name: None for field in whole.shape.fields} | codec.library.decode(schema, body)
    current = codec.library.newest(name)
    envelope = Envelope(
        message_id=MessageId(row.message_id),
        message=name,
        contract=current,
        case=CaseRef(row.case_ref),
        organisation=OrganisationId(said["organisation"]),
        author="",
        author_role=Role(said["author_role"]),
        statement=Statement(said["statement"]),
        occurred_at=Instant(0),
        recorded_at=Instant(0),
        correlation="",
        causation=None,
        digest="",
        declared={path: InformationClass(found) for path, found in said["declared"].items()},
    )
    given = codec.library.cast(name, payload, source=schema.version, target=current)
    return Submission(envelope=envelope, payload=given)


def _lost(again: Again) -> Iterator[tuple[str, str]]:
    """Yield the fields that were given and would not be now, and why."""
    decision, telling = again.decision, again.telling
    now: dict[tuple[str, str], FieldDecision] = {(each.path, each.scope): each for each in decision.fields}
    keys = {spec.path for spec in telling.specs if spec.key}
    reason = str(decision.gate)
    for spec in ENVELOPE_SPECS:
        was = again.before.outcomes.get((spec.path, Scope.ALL))
        if was is Outcome.DISCLOSE and not may_know(decision, spec.path):
            found = now.get((spec.path, Scope.ALL))
            yield spec.path, reason if found is None or not decision.delivers else found.reason
    for leaf in walk(telling.submission.payload, telling.specs, decision.candidate):
        found = now.get((leaf.path, leaf.scope))
        if not decision.delivers and leaf.path not in keys:
            yield leaf.path, reason if found is None or found.outcome is Outcome.DISCLOSE else found.reason
        elif decision.delivers and (found is None or found.outcome is not Outcome.DISCLOSE):
            yield leaf.path, reason if found is None else found.reason
