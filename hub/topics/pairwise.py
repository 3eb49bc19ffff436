"""Identifiers at the border: each organisation sees its own, so that two cannot join what they hold.

What leaves carries the case, message and correlation encrypted deterministically (AES-SIV, RFC 5297)
under a key per organisation, derived (HKDF, RFC 5869) from one hub key. The gateway and the feeds
turn them back. Message ids follow from organisation, route and idempotency key, so a repeated post
is the same message (R-DEL-02).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.errors import NotReadable
from hub.messages.identifiers import CaseRef, MessageId, OrganisationId

if TYPE_CHECKING:
    from hub.topics.sealing import Keys

PAIRWISE_KEY = "hub-pairwise"
MESSAGE_ID_KEY = "hub-id"
_SIV_KEY_BYTES = 64
_HEX = re.compile(r"[0-9a-f]{32}")
_AS_HEX, _AS_TEXT = b"\x00", b"\x01"


class Pairwise:
    """Turns internal identifiers into an organisation's own and back."""

    def __init__(self, keys: Keys) -> None:
        """Derive every organisation's key from the hub's pairwise key in this store."""
        self._keys = keys

    def case(self, organisation: OrganisationId, case: CaseRef) -> str:
        """Return the case's reference as this organisation knows it."""
        return self._close(organisation, "case", case)

    def message(self, organisation: OrganisationId, message: MessageId) -> str:
        """Return the message's id as this organisation knows it."""
        return self._close(organisation, "msg", message)

    def correlation(self, organisation: OrganisationId, correlation: str) -> str:
        """Return the correlation as this organisation knows it."""
        return self._close(organisation, "cor", correlation)

    def case_from(self, organisation: OrganisationId, reference: str) -> CaseRef:
        """Return the internal reference; NotReadable (REFERENCE-UNKNOWN) if given to somebody else."""
        return CaseRef(self._open(organisation, "case", reference))

    def message_from(self, organisation: OrganisationId, reference: str) -> MessageId:
        """Return the internal message id; NotReadable (REFERENCE-UNKNOWN) likewise."""
        return MessageId(self._open(organisation, "msg", reference))

    def correlation_from(self, organisation: OrganisationId, reference: str) -> str:
        """Return the internal correlation; NotReadable (REFERENCE-UNKNOWN) likewise."""
        return self._open(organisation, "cor", reference)

    def _close(self, organisation: OrganisationId, sort: str, identifier: str) -> str:
        plain = (
            _AS_HEX + bytes.fromhex(identifier)
            if _HEX.fullmatch(identifier)
            else _AS_TEXT + identifier.encode()
        )
        sealed = self._cipher(organisation).encrypt(plain, [sort.encode()])
        return f"{sort}_{base64.b32encode(sealed).decode().rstrip('=').lower()}"

    def _open(self, organisation: OrganisationId, sort: str, reference: str) -> str:
        _, _, text = reference.partition("_")
        try:
            # The prefix is authenticated with the rest: a message's id does not open as a case's.
            sealed = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
            if f"{sort}_{text.lower()}" != reference:
                sealed = b""
            plain = self._cipher(organisation).decrypt(sealed, [sort.encode()])
        except (InvalidTag, ValueError, binascii.Error) as error:
            code = "REFERENCE-UNKNOWN"
            raise NotReadable(code, "this reference was not given to this organisation") from error
        return plain[1:].hex() if plain[:1] == _AS_HEX else plain[1:].decode()

    def _cipher(self, organisation: OrganisationId) -> AESSIV:
        return _organisation_cipher(self._keys.get_or_create(PAIRWISE_KEY), organisation)


def message_id(keys: Keys, *, organisation: OrganisationId, route: str, idempotency_key: str) -> MessageId:
    """Name a message: 128 bits of HMAC-SHA-256, always the same for the same three parts."""
    raw = [part.encode() for part in (organisation, route, idempotency_key)]
    content = b"".join(len(part).to_bytes(4, "big") + part for part in raw)
    digest = hmac.new(keys.get_or_create(MESSAGE_ID_KEY), content, hashlib.sha256).digest()
    return MessageId(digest[:16].hex())


@lru_cache(maxsize=1024)
def _organisation_cipher(master: bytes, organisation: str) -> AESSIV:
    derived = HKDF(
        algorithm=SHA256(), length=_SIV_KEY_BYTES, salt=None, info=b"pairwise/" + organisation.encode()
    )
    return AESSIV(derived.derive(master))
