"""Which case is the person's: how a number of another system is looked up without being kept anywhere.

The index holds HMAC-SHA-256 digests under a key of the hub's own, in PostgreSQL beside what else is made
from Kafka. A number can be looked up with the key and not read out of the index without it. The number itself
stands only in the case, sealed under the person's key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.topics.sealing import Keys

IDENTITY_KEY = "hub-identity"
_SORT = b"prison-number/"
_NOBODY = b"nobody/"


def number_digest(keys: Keys, number: str) -> bytes:
    """Return what the index has in place of a prison number."""
    return _keyed(keys, _SORT, number)


def nobodys_reference(keys: Keys, number: str) -> str:
    """Return a case reference for a number the hub does not know: in form like any, and of no case.

    Whoever asks is answered as for a case there is, and the router refuses it (R-DIS-01).
    """
    text = base64.b32encode(_keyed(keys, _NOBODY, number)).decode().rstrip("=").lower()
    return f"case_{text}"


def _keyed(keys: Keys, sort: bytes, number: str) -> bytes:
    return hmac.new(keys.get_or_create(IDENTITY_KEY), sort + number.encode(), hashlib.sha256).digest()
