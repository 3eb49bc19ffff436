"""The hub's identifiers: opaque, never personal, 128 bits as 32 lower-case hexadecimal digits."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

CaseRef = NewType("CaseRef", str)
"""Internal reference of a case; what leaves the hub is its pairwise form."""
MessageId = NewType("MessageId", str)
"""Internal id of a message; what leaves the hub is its pairwise form."""
DeliveryId = NewType("DeliveryId", str)
"""Id of one message for one recipient; the same on every retry and channel (R-DEL-02)."""
OrganisationId = NewType("OrganisationId", str)
"""Short name of an organisation: lower-case letters, digits, hyphens, at most 40 characters."""
Instant = NewType("Instant", int)
"""Milliseconds since 1970-01-01 UTC. The pure core never reads a clock; it is handed one."""

HUB = OrganisationId("hub")
"""The hub itself, as author of exception reports (R-MSG-11)."""


_ORGANISATION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def is_organisation(text: str) -> bool:
    """Tell whether a text has the form of an organisation's short name."""
    return _ORGANISATION.fullmatch(text) is not None


_LENGTHS = tuple(length.to_bytes(4, "big") for length in range(256))


def derived_id(*parts: str) -> str:
    """Return 128 bits that always follow from the same parts, so that a replay names things alike."""
    raw = [part.encode() for part in parts]
    framed = b"".join(
        [(_LENGTHS[n] if (n := len(each)) < len(_LENGTHS) else n.to_bytes(4, "big")) + each for each in raw]
    )
    return hashlib.blake2b(framed, digest_size=16).hexdigest()
