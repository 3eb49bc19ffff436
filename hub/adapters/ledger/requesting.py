"""Requests to the router on deliveries it has decided: written from what the projection keeps of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from hub.errors import NotReadable
from hub.messages.envelope import Redecide, Role, Undelivered
from hub.messages.identifiers import DeliveryId, MessageId, OrganisationId, derived_id
from hub.topics.delivery_box import ORIGINAL_PLACE, open_grounds
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hub.adapters.ledger.limits import ProjectorLimits
    from hub.messages.envelope import Uncollected
    from hub.topics.codec import Codec, Encoded

_ERASED = "KEY-ERASED"
_LOG = structlog.get_logger()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Writes requests and appends them to hub.intake."""

    codec: Codec
    append: Append
    limits: ProjectorLimits

    async def post(self, rows: list[HeldRow], *, uncollected: Uncollected | None = None) -> set[str]:
        """Append what is asked; raises Unreachable if the log did not take all of it.

        Returns the deliveries that were asked about, and those whose content is erased: nothing can be asked
        about these any more.
        """
        by_message: dict[str, list[HeldRow]] = defaultdict(list)
        for row in rows:
            by_message[row.message_id].append(row)
        requests = [one for each in by_message.values() for one in self._encoded(each, uncollected)]
        await asyncio.gather(*(self.append(encoded) for _, encoded in requests if encoded is not None))
        return {row.delivery_id for part, _ in requests for row in part}

    def _encoded(
        self, rows: Sequence[HeldRow], uncollected: Uncollected | None
    ) -> Iterator[tuple[Sequence[HeldRow], Encoded | None]]:
        """Write as few requests about one message as fit into a record each; None where content is erased.

        One that fits into none, or that cannot be read, is left out, and whoever looks after the hub reads of
        it in the log. One of many that cannot be read keeps none of the others back.
        """
        most = self.limits.request_deliveries_max
        for first in range(0, len(rows), most):
            part = rows[first : first + most]
            encoded, fault = None, "too_large"
            try:
                encoded = self._request(part, uncollected)
            except NotReadable as error:
                fault = error.code
            if encoded is not None and len(encoded.value) <= self.limits.request_bytes_max:
                yield part, encoded
            elif len(part) > 1:
                for row in part:
                    yield from self._encoded([row], uncollected)
            else:
                say = _LOG.warning if fault == _ERASED else _LOG.error
                say("asking.left_out", delivery_id=part[0].delivery_id, fault=fault)
                if fault == _ERASED:
                    yield part, None

    def _request(self, rows: Sequence[HeldRow], uncollected: Uncollected | None) -> Encoded:
        """Write one request about all that is held of one message."""
        first = rows[0]
        sealed = Sealed(
            key_id=first.original_key, nonce=bytes(first.original_nonce), box=bytes(first.original_box)
        )
        original = self.codec.sealer.open(sealed, place=ORIGINAL_PLACE, record=first.message_id)
        asked = Redecide(
            request_id=MessageId(
                derived_id(uncollected or "redecide", *(f"{row.delivery_id}/{row.holds}" for row in rows))
            ),
            submission=self.codec.submission_from(original),
            deliveries=tuple(self._undelivered(row) for row in rows),
            uncollected=uncollected,
        )
        return self.codec.redecide(asked, original=original)

    def _undelivered(self, row: HeldRow) -> Undelivered:
        sealed = Sealed(key_id=row.key_id, nonce=bytes(row.grounds_nonce), box=bytes(row.grounds_box))
        delivery_id = DeliveryId(row.delivery_id)
        grounds = open_grounds(self.codec.sealer, sealed, delivery_id=delivery_id)
        found = undelivered(
            grounds,
            delivery_id=delivery_id,
            place=(row.organisation, row.role),
            decided=(row.fields, row.caveats, row.contract),
        )
        taken_back = None if row.taken_back is None else tuple(row.taken_back)
        return replace(found, by_kafka=row.by_kafka, taken_back=taken_back, finished=row.finished)


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
