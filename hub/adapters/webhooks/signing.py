"""Standard Webhooks signatures, exactly as the specification says (v1: HMAC-SHA256, v1a: Ed25519).

What is signed is `{webhook-id}.{webhook-timestamp}.{body}`, over the very bytes that are sent. The reference
libraries take any of the signatures that they know, so that a secret is changed without a gap: for a day
the one before it signs, too. Ed25519 signs always: it needs no secret on the partner's side. A secret is one
endpoint's, the Ed25519 key is everybody's: it says who sent a body, and the body says to whom.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.errors import NotConfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SECRET_PREFIX, SIGNING_KEY_PREFIX, PUBLIC_KEY_PREFIX = "whsec_", "whsk_", "whpk_"
SECRET_BYTES_MIN, SECRET_BYTES, SECRET_BYTES_MAX = 24, 32, 64
KEY_BYTES = 32
ROTATION_S = 86_400
"""How long the secret before the current one goes on signing."""
SECRETS_MAX = 2
# A dot would make what is signed ambiguous.
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


def new_secret(random: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Make a secret for one endpoint, to be shown to the partner once."""
    return SECRET_PREFIX + _base64(random(SECRET_BYTES))


def public_key(signing_key: str) -> str:
    """Return the public half of a signing key, for partners: the raw 32 bytes.

    Raises:
        NotConfigured: It is not a signing key.
    """
    return PUBLIC_KEY_PREFIX + _base64(_raw_public(_private(signing_key)))


def key_id(public: str) -> str:
    """Return the id of a public key: its RFC 7638 thumbprint, so that it needs no register.

    Raises:
        NotConfigured: It is not a public key.
    """
    required = json.dumps(_jwk(public), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(required.encode()).digest())


def jwks(publics: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Return the key set to publish (RFC 7517, RFC 8037), in the order given.

    Raises:
        NotConfigured: One is not a public key.
    """
    return {
        "keys": [{**_jwk(public), "use": "sig", "alg": "EdDSA", "kid": key_id(public)} for public in publics]
    }


def secrets_in_force(current: str, previous: str | None, *, changed_at_s: float, now_s: float) -> list[str]:
    """Return the secrets that sign now: for a day after a change, the one before it, too."""
    if previous is None or now_s >= changed_at_s + ROTATION_S:
        return [current]
    return [current, previous]


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one endpoint."""

    _secrets: tuple[bytes, ...] = field(repr=False)
    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, in_force: Sequence[str], signing_key: str) -> Signer:
        """Take the secrets in force, the current one first, and the Ed25519 key.

        Raises:
            NotConfigured: One is not what its prefix says, or there are none or too many secrets.
        """
        if not 1 <= len(in_force) <= SECRETS_MAX:
            message = f"an endpoint signs with one secret, or two while it is changed, not {len(in_force)}"
            raise NotConfigured(message, fix="give the current secret, and the one before it for a day")
        return cls(tuple(_secret(each) for each in in_force), _private(signing_key))

    def headers(self, webhook_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
        """Return the three headers for an attempt made now; the body is signed as it is sent.

        Raises:
            NotConfigured: The id could be taken apart in two ways.
        """
        if _ID.fullmatch(webhook_id) is None:
            message = "a webhook's id is of letters, digits, _ and -, at most 128"
            raise NotConfigured(message, fix="use the delivery's id")
        signed = f"{webhook_id}.{timestamp_s:d}.".encode() + body
        signatures = [
            *(f"v1,{_base64(hmac.digest(secret, signed, hashlib.sha256))}" for secret in self._secrets),
            f"v1a,{_base64(self._key.sign(signed))}",
        ]
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": f"{timestamp_s:d}",
            "webhook-signature": " ".join(signatures),
        }


def _secret(text: str) -> bytes:
    raw = _decoded(text, SECRET_PREFIX)
    if not SECRET_BYTES_MIN <= len(raw) <= SECRET_BYTES_MAX:
        message = f"a webhook secret has {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes, not {len(raw)}"
        raise NotConfigured(message, fix="make a new one")
    return raw


def _private(text: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_key(text, SIGNING_KEY_PREFIX))


def _raw_public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _jwk(public: str) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(_key(public, PUBLIC_KEY_PREFIX))}


def _key(text: str, prefix: str) -> bytes:
    raw = _decoded(text, prefix)
    if len(raw) != KEY_BYTES:
        message = f"an Ed25519 key has {KEY_BYTES} bytes, not {len(raw)}"
        raise NotConfigured(message, fix="give the raw key, in base64, without any other encoding around it")
    return raw


def _decoded(text: str, prefix: str) -> bytes:
    """Return what stands behind the prefix. No error repeats it."""
    if text.startswith(prefix):
        try:
            return base64.b64decode(text.removeprefix(prefix), validate=True)
        except ValueError:
            pass
    message = f"not {prefix} followed by base64"
    raise NotConfigured(message, fix=f"give it as it was made, from {prefix} to its end")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
