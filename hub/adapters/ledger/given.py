"""What recipients were really given: read from the delivery itself, beside what was decided on it.

A decision speaks of every field of a contract, also of those its message left empty. What was disclosed is
what stands in the delivery. It is opened for whoever asks, and only the names of its fields are told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

from hub.consent.decision import Candidate, Concern
from hub.consent.partner_contracts import PartnerContract, readable
from hub.consent.paths import general_of, walk
from hub.errors import NotReadable
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import DeliveryId, OrganisationId
from hub.topics.delivery_box import open_delivery
from hub.topics.library import unframe
from hub.topics.sealing import Sealed
from hub.topics.views import schema_on_wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from psycopg import AsyncConnection

    from hub.topics.codec import Codec
    from hub.topics.evidence import Entered
    from hub.topics.library import Contract

_DELIVERED: LiteralString = """
SELECT delivery_id, organisation, role, message, key_id, nonce, box FROM delivery WHERE delivery_id = ANY(%s)
"""
_AGREED: LiteralString = "SELECT body FROM control WHERE kind = 'contract' ORDER BY name"
_BY_HEADER = {
    "@author": "hub-author",
    "@author_organisation": "hub-author-organisation",
    "@causation": "hub-causation",
}
"""Fields of the envelope, and the header each is given in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    delivery_id: str
    organisation: str
    role: str
    message: str
    key_id: str
    nonce: bytes
    box: bytes


class _Schemas:
    """The schemas deliveries are written in, each looked for once."""

    def __init__(self, codec: Codec, agreed: Sequence[PartnerContract]) -> None:
        self._library = codec.library
        self._agreed = agreed
        self._found: dict[tuple[str, int], Contract] = {}

    def of(self, organisation: str, number: int) -> Contract:
        """Return what an id stands for in what an organisation receives."""
        found = self._found.get((organisation, number))
        if found is None:
            own = [each for each in self._agreed if each.partner == organisation]
            found = self._found[organisation, number] = schema_on_wire(self._library, own, number)
        return found


async def given(
    connection: AsyncConnection, codec: Codec, deliveries: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Return the paths of all that stands in each delivery.

    Args:
        connection: to the projection.
        codec: opens and reads them.
        deliveries: each with the contract version whose names its paths are to have.

    Returns:
        By delivery; one whose content is erased, or that is no longer kept, is left out.
    """
    agreed = [row[0] for row in await (await connection.execute(_AGREED)).fetchall()]
    schemas = _Schemas(codec, tuple(readable(agreed)))
    cursor = connection.cursor(row_factory=class_row(_Row))
    found: dict[str, frozenset[str]] = {}
    for row in await (await cursor.execute(_DELIVERED, ([*deliveries],))).fetchall():
        try:
            paths = _paths(row, codec, schemas, deliveries[row.delivery_id])
            found[row.delivery_id] = frozenset(paths)
        except NotReadable:
            continue
    return found


async def opened(
    connection: AsyncConnection, codec: Codec, deliveries: Sequence[str]
) -> dict[str, Mapping[str, object]]:
    """Return what stands in each delivery; one whose content is erased, or no longer kept, is left out."""
    agreed = [row[0] for row in await (await connection.execute(_AGREED)).fetchall()]
    schemas = _Schemas(codec, tuple(readable(agreed)))
    cursor = connection.cursor(row_factory=class_row(_Row))
    found: dict[str, Mapping[str, object]] = {}
    for row in await (await cursor.execute(_DELIVERED, ([*deliveries],))).fetchall():
        sealed = Sealed(key_id=row.key_id, nonce=bytes(row.nonce), box=bytes(row.box))
        try:
            _, framed = open_delivery(codec.sealer, sealed, delivery_id=DeliveryId(row.delivery_id))
            number, body = unframe(framed)
            payload = codec.library.decode(schemas.of(row.organisation, number), body)
            found[row.delivery_id] = payload
        except NotReadable:
            continue
    return found


async def given_by(connection: AsyncConnection, codec: Codec, entered: Entered) -> frozenset[str] | None:
    """Return what stands in the delivery a decision led to; None where that cannot be read, or none went."""
    delivery, contract = entered.delivery_id, entered.decision.contract
    if delivery is None or contract is None:
        return None
    return (await given(connection, codec, {delivery: contract})).get(delivery)


def _paths(row: _Row, codec: Codec, schemas: _Schemas, contract: str) -> Iterator[str]:
    sealed = Sealed(key_id=row.key_id, nonce=bytes(row.nonce), box=bytes(row.box))
    headers, framed = open_delivery(codec.sealer, sealed, delivery_id=DeliveryId(row.delivery_id))
    yield from (path for path, header in _BY_HEADER.items() if header in headers)
    yield from filter(None, headers.get("hub-redacted", "").split(","))
    number, body = unframe(framed)
    library, name = codec.library, MessageName(row.message)
    schema = schemas.of(row.organisation, number)
    empty = dict.fromkeys(field.name for field in library.contract(name, schema.version).shape.fields)
    payload = library.cast(name, empty | library.decode(schema, body), source=schema.version, target=contract)
    specs = library.fields(name, contract)
    candidate = Candidate(
        organisation=OrganisationId(row.organisation),
        role=Role(row.role),
        persons=frozenset(),
        concern=Concern.TEAM,
        relevant=None,
    )
    stands = {leaf.path for leaf in walk(payload, specs, candidate)}
    yield from stands
    # What was generalised is there in its general form.
    yield from (spec.path for spec in specs if spec.general and general_of(spec) in stands)
