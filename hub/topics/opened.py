"""A delivery as its recipient gets it, whichever channel brings it: opened here, so that all say the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.messages.identifiers import DeliveryId
from hub.topics.delivery_box import open_delivery
from hub.topics.library import SchemaLibrary, unframe
from hub.topics.views import schema_on_wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.consent.partner_contracts import PartnerContract
    from hub.topics.sealing import Sealed, Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A delivery as its recipient gets it."""

    delivery_id: str
    headers: dict[str, str]
    framed: bytes
    digest: str
    data: dict[str, object]

    def document(self) -> dict[str, object]:
        """Return what it says as JSON has it."""
        return {"envelope": self.headers, "data": self.data, "digest": self.digest}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """Opens deliveries with the hub's keys and schemas."""

    sealer: Sealer
    library: SchemaLibrary

    def open(self, sealed: Sealed, *, delivery_id: str, agreed: Iterable[PartnerContract]) -> Opened:
        """Return a delivery to an organisation with these contracts.

        Raises:
            NotReadable: KEY-ERASED where the person's key has been; else it is not as the hub sealed it.
        """
        headers, framed = open_delivery(self.sealer, sealed, delivery_id=DeliveryId(delivery_id))
        number, body = unframe(framed)
        contract = schema_on_wire(self.library, agreed, number)
        return Opened(
            delivery_id=delivery_id,
            headers=headers,
            framed=framed,
            digest=hashlib.sha256(framed).hexdigest(),
            data=self.library.to_json(contract, self.library.decode(contract, body)),
        )
