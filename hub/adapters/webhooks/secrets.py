"""What an endpoint's webhooks are signed with: secrets of its own, sealed; and the hub's own signing key.

A secret is shown once, when it is made. It is kept sealed under the key of its organisation, bound to the
endpoint; the one before it goes on signing for a day.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.adapters.webhooks.signing import (
    SIGNING_KEY_PREFIX,
    Signer,
    jwks,
    new_secret,
    public_key,
    secrets_in_force,
)
from hub.topics.keys import organisation_key
from hub.topics.sealing import Keys, Sealed, Sealer

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDPOINT_PLACE = "endpoint"
"""Place to which the box of an endpoint's secrets is bound; its record is the endpoint id."""
SIGNING_KEY = "hub-webhooks"
"""The key of the key store by which all webhooks are signed that need no secret to be verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The secrets of one endpoint."""

    current: str
    previous: str | None
    changed_at_s: float

    @classmethod
    def new(cls, *, now_s: float, before: Secrets | None = None) -> Secrets:
        """Make a new secret; the one before it goes on for a day."""
        previous = None if before is None else before.current
        return cls(current=new_secret(), previous=previous, changed_at_s=now_s)

    def __repr__(self) -> str:
        """Tell nothing."""
        return "Secrets(…)"


@dataclass(frozen=True, slots=True)
class SecretBox:
    """Seals and opens the secrets of endpoints, and signs with them."""

    keys: Keys

    def seal(self, secrets: Secrets, *, organisation: str, endpoint_id: str) -> Sealed:
        """Seal the secrets of an endpoint."""
        plain = {
            "current": secrets.current,
            "previous": secrets.previous,
            "changed_at_s": secrets.changed_at_s,
        }
        return Sealer(self.keys).seal(
            json.dumps(plain).encode(),
            key_id=organisation_key(organisation),
            place=ENDPOINT_PLACE,
            record=endpoint_id,
        )

    def open(self, sealed: Sealed, *, endpoint_id: str) -> Secrets:
        """Return the secrets of an endpoint; NotReadable if they are not as they were sealed."""
        plain = Sealer(self.keys).open(sealed, place=ENDPOINT_PLACE, record=endpoint_id)
        return Secrets(**json.loads(plain))

    def signer(self, sealed: Sealed, *, endpoint_id: str, now_s: float) -> Signer:
        """Return who signs for an endpoint at this moment."""
        secrets = self.open(sealed, endpoint_id=endpoint_id)
        in_force = secrets_in_force(
            secrets.current, secrets.previous, changed_at_s=secrets.changed_at_s, now_s=now_s
        )
        return Signer.of(in_force, self._signing_key())

    def published(self) -> Mapping[str, object]:
        """Return the public half of the hub's signing key, as text and as a key set (RFC 7517)."""
        public = public_key(self._signing_key())
        return {"public_key": public, **jwks([public])}

    def _signing_key(self) -> str:
        return SIGNING_KEY_PREFIX + base64.b64encode(self.keys.get_or_create(SIGNING_KEY)).decode()
