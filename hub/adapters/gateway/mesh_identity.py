"""Who is calling by MESH: known by an NHSMESH token, each good for one request within two hours of its time.

A token names mailbox, nonce, count and minute, and an HMAC-SHA256 of these and the password under the shared
key. Both secrets must be at hand to check it, so they are kept, sealed under the organisation's key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub.adapters.gateway.identity import Party
from hub.consent.parties import organisation_from
from hub.errors import NotReadable
from hub.messages.identifiers import OrganisationId
from hub.topics.keys import organisation_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.adapters.gateway.mesh_store import MeshStore
    from hub.adapters.gateway.store import GatewayStore
    from hub.messages.identifiers import Instant
    from hub.topics.sealing import Sealer

PLACE = "mesh_key"
WINDOW_MS = 2 * 60 * 60 * 1000
_SECRET_BYTES = 32
_TOKEN = re.compile(
    r"NHSMESH ?(?P<mailbox>[A-Za-z0-9-]{1,64}):(?P<nonce>[!-9;-~]{1,64}):(?P<count>[0-9]{1,10})"
    r":(?P<minute>[0-9]{12}):(?P<hash>[0-9a-fA-F]{64})"
)
_MINUTE = "%Y%m%d%H%M"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSecret:
    """What an organisation's MESH client is configured with."""

    password: str
    shared_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Who a token proves, and the nonce it used up."""

    party: Party
    nonce: bytes


def mailbox_of(organisation: str) -> str:
    """Return an organisation's mailbox id."""
    return organisation.upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshIdentity:
    """Issues keys and checks tokens."""

    mesh: MeshStore
    store: GatewayStore
    sealer: Sealer
    now: Callable[[], Instant]

    async def identify(self, header: str, mailbox: str) -> Admitted | None:
        """Return the party whose token for this mailbox this is, used for the first time; else None."""
        token = _TOKEN.fullmatch(header)
        if token is None or token["mailbox"].upper() != mailbox.upper():
            return None
        organisation = mailbox.lower()
        # An organisation without a key is asked for one nobody has, so that both take the same path.
        secret = await self._secret(organisation) or new_secret()
        said = ":".join((token["mailbox"], token["nonce"], token["count"], secret.password, token["minute"]))
        hashed = hmac.new(secret.shared_key.encode(), said.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(hashed, token["hash"].lower()) or not self._in_time(token["minute"]):
            return None
        nonce = hashlib.sha256(f"{organisation}:{token['nonce']}:{token['count']}".encode()).digest()
        if not await self.mesh.use_nonce(nonce):
            return None
        body = await self.store.organisation(organisation)
        record = None if body is None else organisation_from(body)
        return Admitted(party=Party(organisation=OrganisationId(organisation), record=record), nonce=nonce)

    async def _secret(self, organisation: str) -> MeshSecret | None:
        sealed = await self.mesh.key(organisation)
        if sealed is None:
            return None
        try:
            plain = self.sealer.open(sealed, place=PLACE, record=organisation)
        except NotReadable:
            # The organisation's key was erased, and its access with it.
            return None
        return MeshSecret(**json.loads(plain))

    def _in_time(self, minute: str) -> bool:
        try:
            at = datetime.strptime(minute, _MINUTE).replace(tzinfo=UTC)
        except ValueError:
            return False
        return abs(at.timestamp() * 1000 - self.now()) <= WINDOW_MS


def new_secret() -> MeshSecret:
    """Return secrets nobody has yet."""
    return MeshSecret(
        password=secrets.token_urlsafe(_SECRET_BYTES), shared_key=secrets.token_urlsafe(_SECRET_BYTES)
    )


async def issue(mesh: MeshStore, sealer: Sealer, organisation: str) -> MeshSecret:
    """Make an organisation's secrets anew; those it had are good no more."""
    secret = new_secret()
    plain = json.dumps({"password": secret.password, "shared_key": secret.shared_key}).encode()
    sealed = sealer.seal(plain, key_id=organisation_key(organisation), place=PLACE, record=organisation)
    await mesh.put_key(organisation, sealed)
    return secret
