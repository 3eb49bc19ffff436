"""The hub's identifiers: opaque, never personal, 128 bits as 32 lower-case hexadecimal digits."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
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


def framed(part: str) -> bytes:
    """Write a part of what an id is derived from: its length before it."""
    raw = part.encode()
    length = len(raw)
    return (_LENGTHS[length] if length < len(_LENGTHS) else length.to_bytes(4, "big")) + raw


@lru_cache(maxsize=4096)
def framed_together(*parts: str) -> bytes:
    """Write parts one after the other that are the same again and again: of a policy, of a recipient."""
    return b"".join(map(framed, parts))


def derived_id(*parts: str) -> str:
    """Return 128 bits that always follow from the same parts, so that a replay names things alike."""
    return id_from(b"".join(map(framed, parts)))


def id_from(parts: bytes) -> str:
    """Return what `derived_id` does, from parts that are framed already."""
    hasher = _HASHER.copy()
    hasher.update(parts)
    return hasher.hexdigest()


_HASHER = hashlib.blake2b(digest_size=16)
"""Copied for each id: half as much work as beginning one."""
