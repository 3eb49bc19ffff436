"""What a webhook says: the delivery as every other channel gives it, and where it stands in its lane.

It names its recipient, since the key that signs v1a signs for all: else one recipient could pass its own on
to another as the hub's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.adapters.webhooks.pushes import Ready
    from hub.topics.opened import Opened

NOTICE = ".notice"
"""End of the type of a webhook that only says where its delivery is."""
VERIFICATION = "hub.endpoint.verification"


def body_of(ready: Ready, opened: Opened, *, bytes_max: int) -> tuple[bytes, bool]:
    """Return the body, and whether it is only a notice: what is too large waits in the mailbox."""
    headers = opened.headers
    hub: dict[str, object] = {
        "recipient": ready.row.organisation,
        "delivery": opened.delivery_id,
        "digest": opened.digest,
        "lane": headers["ce_subject"],
        "sequence": ready.sequence,
        "urgency": ready.row.urgency,
        "contract": ready.row.contract,
    }
    if ready.overtaken:
        hub["overtakes"] = list(ready.overtaken)
    if ready.missing:
        hub["will_not_come"] = [number for _, number in ready.missing]
    said = {"type": headers["ce_type"], "timestamp": headers["ce_time"]}
    whole = _json({**said, "data": opened.data, "hub": {**hub, "envelope": headers}})
    if len(whole) <= bytes_max:
        return whole, False
    where = {"url": f"/v1/mailbox/messages/{opened.delivery_id}", "size": len(whole)}
    return _json({**said, "type": said["type"] + NOTICE, "data": where, "hub": hub}), True


def verification(challenge: str, *, recipient: str, timestamp: str) -> bytes:
    """Return the body of a handshake: who answers it with the challenge is who was meant."""
    said = {"type": VERIFICATION, "timestamp": timestamp, "data": {"challenge": challenge}}
    return _json({**said, "hub": {"recipient": recipient}})


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
