"""Acknowledgements a recipient signs: a detached JWS that an auditor can verify without the hub.

RFC 7515 with RFC 8037: the recipient signs which delivery it has, the digest of its bytes, and when it says
so, and leaves the payload out, for both sides can write it. Its key is registered by staff and named by its
thumbprint (RFC 7638), so that no text of a partner's choosing is kept. What counts is the registered key and
its own algorithm: a header that names a key, an address or anything else besides is refused unread.
"""

from __future__ import annotations

import base64
import json
import re
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey

from hub.adapters.gateway.problems import ProblemError
from hub.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hub.adapters.gateway.acknowledgement_keys import AcknowledgementKeys
    from hub.messages.identifiers import Instant

    Key = ECKey | OKPKey
    Proof = dict[str, object]

TYPE = "hub-acknowledgement+jws"
"""`typ` of the header: what was signed for something else is no acknowledgement (RFC 8725, 3.11)."""
ALGORITHMS: Mapping[str, tuple[str, ...]] = {"Ed25519": ("EdDSA", "Ed25519"), "P-256": ("ES256",)}
"""Which algorithms a key of each curve signs by; `Ed25519` is the newer name of the same (RFC 9864)."""
_HEADER = {"alg", "kid", "typ"}
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_JWS = re.compile(r"[A-Za-z0-9_-]{1,400}\.\.[A-Za-z0-9_-]{86}")
_WEAK = frozenset(
    {
        f"{'00' * 32}",
        f"01{'00' * 31}",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        *(f"{last}{'ff' * 30}7f" for last in ("ec", "ed", "ee")),
    }
)
"""Points of Ed25519 of small order, but for the sign: anybody can sign by such a key (RFC 8032, 5.1)."""
_AHEAD_MS_MAX = 5 * 60 * 1000
_PAST_MS_MAX = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a recipient signed, and its signature."""

    digest: str
    at: str
    jws: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedAcknowledgements:
    """Verifies what recipients sign."""

    keys: AcknowledgementKeys
    now: Callable[[], Instant]

    async def verified(
        self, organisation: str, signed: Mapping[str, Signed]
    ) -> tuple[dict[str, Proof], dict[str, ProblemError]]:
        """Return by delivery the proof where a signature holds, and what is wrong where it does not."""
        known = await self.keys.of(organisation) if signed else {}
        good: dict[str, Proof] = {}
        bad: dict[str, ProblemError] = {}
        for delivery, each in signed.items():
            try:
                self._check_time(each.at)
                good[delivery] = verify(each.jws, payload_of(delivery, each.digest, each.at), known)
            except ProblemError as error:
                bad[delivery] = error
        return good, bad

    def _check_time(self, at: str) -> None:
        try:
            said = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp() * 1000
        except ValueError:
            said = 0.0
        if not self.now() - _PAST_MS_MAX <= said <= self.now() + _AHEAD_MS_MAX:
            raise _wrong("/at", "time", "sign with the time at which you sign: UTC, of the last 24 hours")


def payload_of(delivery: str, digest: str, at: str) -> bytes:
    """Return what is signed: JSON without spaces, its three names in this order."""
    return json.dumps({"at": at, "delivery": delivery, "digest": digest}, separators=(",", ":")).encode()


def signed_from(given: Mapping[str, object]) -> Signed | None:
    """Return what an acknowledgement bears besides delivery and digest; None if it is not signed.

    Raises:
        ProblemError: `at` or `jws` is missing or malformed.
    """
    if not given.keys() & {"at", "jws"}:
        return None
    at, compact = given.get("at"), given.get("jws")
    if not isinstance(at, str) or _MOMENT.fullmatch(at) is None:
        raise _malformed("/at", "give the time you signed, e.g. 2026-11-27T12:00:00Z, beside jws")
    if not isinstance(compact, str) or _JWS.fullmatch(compact) is None:
        raise _malformed("/jws", "give a compact JWS without its payload, header..signature, beside at")
    return Signed(digest=str(given.get("digest")), at=at, jws=compact)


def verify(detached: str, payload: bytes, known: Mapping[str, Mapping[str, str]]) -> Proof:
    """Return a detached JWS with its payload put in, as any tool verifies it, and the key it holds by.

    Raises:
        ProblemError: It names no key of these (ack-key-unknown), or does not hold (ack-signature-invalid).
    """
    try:
        jws.extract_compact(detached.encode())
        header = _header_of(detached)
    except (JoseError, ValueError) as error:
        raise _wrong("/jws", "header", "send a JWS whose header is JSON, as base64url") from error
    if set(header) != _HEADER or header["typ"] != TYPE or not isinstance(header["kid"], str):
        raise _wrong("/jws", "header", f"let the header hold alg, kid and typ {TYPE}, and nothing else")
    if header["kid"] not in known:
        code = "ack-key-unknown"
        raise ProblemError(code)
    key = _imported(known[header["kid"]])
    algorithms = ALGORITHMS[str(key["crv"])]
    if header["alg"] not in algorithms:
        raise _wrong("/jws", "algorithm", f"sign with this key by {' or '.join(algorithms)}")
    try:
        with warnings.catch_warnings():
            # It says that EdDSA has a newer name; partners use both.
            warnings.simplefilter("ignore", SecurityWarning)
            jws.deserialize_compact(detached, key, algorithms=[header["alg"]], payload=payload)
    except (JoseError, ValueError) as error:
        fix = "sign these bytes with the key named: " + payload.decode()
        raise _wrong("/jws", "signature", fix) from error
    return {"jws": _whole(detached, payload), "key": {**known[header["kid"]], "kid": header["kid"]}}


def _header_of(detached: str) -> dict[str, object]:
    """Return the header as every JOSE library reads it: UTF-8, each name once (RFC 7515, 4).

    Of a name that stands there twice one would be looked at here, and the other kept; or others would read
    another header, and the proof fail with them.
    """
    header = detached.partition(".")[0]
    text = base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)).decode()
    return dict(json.loads(text, object_pairs_hook=_each_once))


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "a name stands there twice"
        raise ValueError(message)
    return found


def _whole(detached: str, payload: bytes) -> str:
    head, _, signature = detached.split(".")
    return f"{head}.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.{signature}"


def public_key_from(text: str) -> tuple[str, dict[str, str]]:
    """Return the thumbprint and the JWK of a public key, given as PEM or JWK.

    Raises:
        ValueError: It is none, is private, or is neither Ed25519 nor P-256.
    """
    if "PRIVATE" in text:
        message = "it holds a private key, which should not have left its owner"
        raise ValueError(message)
    key = _imported(json.loads(text)) if text.lstrip().startswith("{") else _from_pem(text)
    if key.is_private:
        message = "it holds a private key, which should not have left its owner"
        raise ValueError(message)
    if key["crv"] not in ALGORITHMS or key.public_key is None:
        message = "it is neither Ed25519 nor P-256"
        raise ValueError(message)
    if isinstance(key, OKPKey) and _is_weak(key.public_key.public_bytes_raw()):
        message = "anybody can sign by it, so it proves nothing"
        raise ValueError(message)
    # Written anew: its thumbprint is then the one its owner finds, however the file puts its numbers.
    key = type(key).import_key(key.as_pem(private=False))
    return key.thumbprint(), {
        name: str(key[name]) for name in ("kty", "crv", "x", "y") if name in key.as_dict()
    }


def _is_weak(point: bytes) -> bool:
    return bytes((*point[:-1], point[-1] & 0x7F)).hex() in _WEAK


def _from_pem(text: str) -> Key:
    found = load_pem_public_key(text.encode())
    if isinstance(found, Ed25519PublicKey):
        return OKPKey.import_key(text)
    if isinstance(found, EllipticCurvePublicKey):
        return ECKey.import_key(text)
    message = "it is neither Ed25519 nor P-256"
    raise ValueError(message)


def _imported(jwk: Mapping[str, str]) -> Key:
    kinds: dict[str, type[ECKey | OKPKey]] = {"OKP": OKPKey, "EC": ECKey}
    kind = kinds.get(str(jwk.get("kty")))
    if kind is None or str(jwk.get("crv")) not in ALGORITHMS:
        message = "it is neither Ed25519 nor P-256"
        raise ValueError(message)
    return kind.import_key(dict(jwk))


def _malformed(pointer: str, fix: str) -> ProblemError:
    code = "payload-invalid"
    return ProblemError(code, faults=(Fault(pointer=pointer, rule="pattern", fix=fix),))


def _wrong(pointer: str, rule: str, fix: str) -> ProblemError:
    code = "ack-signature-invalid"
    return ProblemError(code, faults=(Fault(pointer=pointer, rule=rule, fix=fix),))
