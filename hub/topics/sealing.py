"""Sealing: AES-256-GCM under a key per person or organisation, bound to the place of the record.

The place and the record's own key are authenticated with the content: a box moved to another topic,
table or record does not open.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import NotReadable

NONCE_BYTES = 12


NONCES_DRAWN = 256
"""So many are drawn from the operating system at once: asking it each time takes half as long as sealing."""
_drawn: list[bytes] = []
# A child process begins with none of its parent's, or both would seal with the same ones.
os.register_at_fork(after_in_child=_drawn.clear)


def random_nonce() -> bytes:
    """Return a random nonce; none is handed out twice, whichever thread asks."""
    try:
        return _drawn.pop()
    except IndexError:
        drawn = os.urandom(NONCES_DRAWN * NONCE_BYTES)
        nonces = [drawn[first : first + NONCE_BYTES] for first in range(0, len(drawn), NONCE_BYTES)]
        _drawn.extend(nonces[1:])
        return nonces[0]


class Keys(Protocol):
    """Where keys come from."""

    def get(self, key_id: str) -> bytes | None:
        """Return the key or None."""

    def get_or_create(self, key_id: str) -> bytes:
        """Return the key, made if new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Content nobody reads without the key it names."""

    key_id: str
    nonce: bytes
    box: bytes


class Sealer:
    """Seals and opens; `place` is a topic's or table's name in the catalogue, `record` the key there."""

    def __init__(self, keys: Keys, *, nonce: Callable[[int], bytes] | None = None) -> None:
        """Take keys from this store. Nonces are random: 96 bits, far fewer than 2^32 records a key."""
        self._keys = keys
        self._nonce = random_nonce if nonce is None else lambda: nonce(NONCE_BYTES)

    def seal(self, plain: bytes, *, key_id: str, place: str, record: str) -> Sealed:
        """Encrypt and authenticate; the key is made if it is new."""
        nonce, box = self.boxed(plain, key_id=key_id, place=place, record=record)
        return Sealed(key_id=key_id, nonce=nonce, box=box)

    def boxed(self, plain: bytes, *, key_id: str, place: str, record: str) -> tuple[bytes, bytes]:
        """Do what `seal` does; returns nonce and box."""
        nonce = self._nonce()
        cipher = _cipher(self._keys.get_or_create(key_id))
        return nonce, cipher.encrypt(nonce, plain, _bound_to(place, record, key_id))

    def open(self, sealed: Sealed, *, place: str, record: str) -> bytes:
        """Return the content.

        Raises:
            NotReadable: The key is erased (KEY-ERASED) or unknown (KEY-UNKNOWN), or the box was
                changed or belongs elsewhere (SEAL-BROKEN).
        """
        key = self._keys.get(sealed.key_id)
        if key is None:
            code = "KEY-UNKNOWN"
            raise NotReadable(code, "there is no key of this name")
        try:
            return _cipher(key).decrypt(sealed.nonce, sealed.box, _bound_to(place, record, sealed.key_id))
        except (InvalidTag, ValueError) as error:
            code = "SEAL-BROKEN"
            raise NotReadable(code, "the sealed content was changed or belongs to another record") from error


@lru_cache(maxsize=4096)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


_LENGTHS = tuple(length.to_bytes(4, "big") for length in range(256))


def _bound_to(place: str, record: str, key_id: str) -> bytes:
    return b"%b%b%b" % (_framed(place), _framing(record), _framed(key_id))


@lru_cache(maxsize=4096)
def _framed(part: str) -> bytes:
    """Write a part that comes again and again with its length before it."""
    return _framing(part)


def _framing(part: str) -> bytes:
    raw = part.encode()
    length = len(raw)
    return (_LENGTHS[length] if length < len(_LENGTHS) else length.to_bytes(4, "big")) + raw
