"""A delivery as it is kept: its headers and its framed view sealed together, under the key of its case.

Headers say who wrote about whom and when. Beside the view, in the open, they would outlive the erasure
of the person's key (R-AUD-04).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hub.cases.state import to_json
from hub.topics.plain import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.messages.identifiers import DeliveryId
    from hub.routing.outcome import Grounds
    from hub.topics.sealing import Sealed, Sealer

DELIVERY_PLACE = "delivery"
"""Place to which the box is bound; its record is the delivery id."""
GROUNDS_PLACE = "delivery-grounds"
"""Place to which the box of a delivery's grounds is bound; its record is the delivery id."""
ORIGINAL_PLACE = "original"
"""Place to which the box of a whole message is bound; its record is the message id."""
_LENGTH_BYTES = 4


def seal_delivery(
    sealer: Sealer, *, delivery_id: DeliveryId, key_id: str, headers: Mapping[str, str], view: bytes
) -> Sealed:
    """Seal a delivery's headers and framed view in one box."""
    said = canonical_json(headers).encode()
    plain = len(said).to_bytes(_LENGTH_BYTES, "big") + said + view
    return sealer.seal(plain, key_id=key_id, place=DELIVERY_PLACE, record=delivery_id)


def open_delivery(sealer: Sealer, sealed: Sealed, *, delivery_id: DeliveryId) -> tuple[dict[str, str], bytes]:
    """Return headers and framed view; NotReadable if the key is erased or the box was changed."""
    plain = sealer.open(sealed, place=DELIVERY_PLACE, record=delivery_id)
    start = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES], "big")
    return dict(json.loads(plain[_LENGTH_BYTES:start])), plain[start:]


def seal_grounds(
    sealer: Sealer, grounds: Grounds, *, said: Mapping[str, object], delivery_id: DeliveryId, key_id: str
) -> Sealed:
    """Seal what a delivery was decided on: whose part in the case it was, and which items were held back.

    `said` is what the message's envelope says of it: that outlasts the message itself.
    """
    candidate = grounds.candidate
    plain = canonical_json(
        {
            "concern": candidate.concern.value,
            "persons": sorted(candidate.persons),
            "relevant": candidate.relevant,
            "about": grounds.about,
            "items_held": list(grounds.items_held),
            "part": None if grounds.part is None else to_json(grounds.part).decode(),
            "said": dict(said),
        }
    )
    return sealer.seal(plain.encode(), key_id=key_id, place=GROUNDS_PLACE, record=delivery_id)


def open_grounds(sealer: Sealer, sealed: Sealed, *, delivery_id: DeliveryId) -> dict[str, Any]:
    """Return what `seal_grounds` sealed; NotReadable if the key is erased or the box was changed."""
    return dict(json.loads(sealer.open(sealed, place=GROUNDS_PLACE, record=delivery_id)))
