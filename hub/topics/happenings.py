"""What happened to deliveries as it stands on hub.deliveries: in order per lane, nothing of a person in it.

A record's key is its lane, one recipient and one person, as a keyed digest that leads back to neither. Whose
delivery it is and on which case, both by reference, is sealed under the hub's own key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from hub.messages.identifiers import HUB, CaseRef, OrganisationId
from hub.messages.records import record
from hub.topics.catalogue import DELIVERIES
from hub.topics.codec import DELIVERY_EVENT, Codec, Encoded
from hub.topics.keys import organisation_key
from hub.topics.pairwise import MESSAGE_ID_KEY
from hub.topics.plain import canonical_json
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Mapping

_LANE = "lane"
_LANE_BYTES = 16
_KEY = organisation_key(HUB)


@record
class Happening:
    """One event of a delivery."""

    event_id: str
    delivery_id: str
    organisation: OrganisationId
    case: CaseRef
    kind: str
    channel: str
    said: Mapping[str, Any]
    state: str
    """How the delivery stood once it had happened."""
    sequence: int | None
    at_us: int
    """Microseconds since 1970."""


class Happenings:
    """Writes and reads the records of hub.deliveries."""

    def __init__(self, codec: Codec) -> None:
        """Use this codec's schemas and keys."""
        self._codec = codec

    def encoded(self, happening: Happening) -> Encoded:
        """Write one event, keyed by its lane."""
        whose = canonical_json([happening.organisation, happening.case]).encode()
        nonce, box = self._codec.sealer.boxed(whose, key_id=_KEY, place=DELIVERIES, record=happening.event_id)
        value = self._codec.framed(
            DELIVERY_EVENT,
            {
                "event_id": happening.event_id,
                "delivery_id": happening.delivery_id,
                "kind": happening.kind,
                "channel": happening.channel,
                "said": canonical_json(happening.said),
                "state": happening.state,
                "sequence": happening.sequence,
                "at_us": happening.at_us,
                "nonce": nonce,
                "box": box,
            },
        )
        return Encoded(key=self.lane(happening.organisation, happening.case).encode(), value=value)

    def happening(self, value: bytes) -> Happening:
        """Read one event; NotReadable if it is no such record."""
        read = self._codec.unframed(DELIVERY_EVENT, value)
        sealed = Sealed(key_id=_KEY, nonce=read["nonce"], box=read["box"])
        organisation, case = json.loads(
            self._codec.sealer.open(sealed, place=DELIVERIES, record=read["event_id"])
        )
        return Happening(
            event_id=read["event_id"],
            delivery_id=read["delivery_id"],
            organisation=OrganisationId(organisation),
            case=CaseRef(case),
            kind=read["kind"],
            channel=read["channel"],
            said=json.loads(read["said"]),
            state=read["state"],
            sequence=read["sequence"],
            at_us=read["at_us"],
        )

    def lane(self, organisation: OrganisationId, case: CaseRef) -> str:
        """Return the lane of one recipient and one person: always the same, and no way back."""
        key = self._codec.keys.get_or_create(MESSAGE_ID_KEY)
        content = canonical_json([_LANE, organisation, case]).encode()
        return hmac.new(key, content, hashlib.sha256).digest()[:_LANE_BYTES].hex()
