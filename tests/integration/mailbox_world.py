"""What tests of the mailbox stand on: deliveries put where the projector puts them."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

from hub.messages.identifiers import DeliveryId
from hub.topics.delivery_box import seal_delivery
from hub.topics.library import frame
from tests.integration.door import HARBOUR, LIBRARY

if TYPE_CHECKING:
    import httpx

    from tests.integration.door import Door

MESSAGES = "/v1/mailbox/messages"
PAYLOAD = {"referral": "R-0001", "kind": "SESSION", "session_at": 1_772_442_900_000, "attendance": "ATTENDED"}


async def deliver(
    door: Door,
    organisation: str = HARBOUR,
    *,
    key_id: str = "case-" + "1" * 32,
    case: str = "1" * 32,
    urgency: str = "case",
    message: str = "2" * 32,
) -> tuple[str, bytes]:
    """Put one delivery into a mailbox; returns its id and its framed bytes."""
    delivery_id = uuid.uuid4().hex
    contract = LIBRARY.contract("progress", "1.0")
    framed = frame(
        contract.id,
        LIBRARY.encode(contract, {field.name: PAYLOAD.get(field.name) for field in contract.shape.fields}),
    )
    headers = {
        "ce_id": delivery_id,
        "ce_type": "hub.progress",
        "content-type": "application/avro",
        "hub-role": "offender_manager",
    }
    sealed = seal_delivery(
        door.codec.sealer,
        delivery_id=DeliveryId(delivery_id),
        key_id=key_id,
        headers=headers,
        view=framed,
    )
    await door.rows(
        """
        INSERT INTO delivery (delivery_id, message_id, case_ref, organisation, role, message, contract,
                              urgency, box, key_id, nonce, digest, size, by_kafka)
        VALUES (%s, %s, %s, %s, 'offender_manager', 'progress', '1.0',
                %s, %s, %s, %s, %s, %s, false)
        """,
        *(
            delivery_id,
            message,
            case,
            organisation,
            urgency,
            sealed.box,
            sealed.key_id,
            sealed.nonce,
        ),
        *(hashlib.sha256(framed).digest(), len(framed)),
    )
    return delivery_id, framed


async def acknowledge(client: httpx.AsyncClient, delivery_id: str, framed: bytes) -> httpx.Response:
    """Acknowledge a delivery by its digest."""
    digest = hashlib.sha256(framed).hexdigest()
    return await client.put(f"{MESSAGES}/{delivery_id}/status/acknowledged", json={"digest": digest})
