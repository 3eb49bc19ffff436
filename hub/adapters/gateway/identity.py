"""Who is calling: an organisation, known by its credential and by nothing the body says.

A key is 256 random bits, so its plain SHA-256 is kept: there is no dictionary to try, which is what
slow password hashes are for, and a slow hash at every request would only help who wants to tire the
hub. Other kinds of credential are further implementations of `Identity`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hub.adapters.gateway.problems import ProblemError
from hub.consent.parties import Organisation, Standing, organisation_from
from hub.messages.identifiers import OrganisationId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.adapters.gateway.store import GatewayStore
    from hub.messages.envelope import MessageName

KEY_PREFIX = "hub_"
_KEY_BYTES = 32
_KEY = re.compile(r"hub_[A-Za-z0-9_-]{43}")
_BEARER = re.compile(r"[Bb]earer +([!-~]{1,256})")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="hub"'}
_PENDING_RETRY_S = 2
PENDING = "organisation-pending"
"""Code of the refusal that time mends by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The organisation behind a request."""

    organisation: OrganisationId
    record: Organisation | None
    """As the control record in force describes it; None before its first has been projected."""


class Identity(Protocol):
    """Turns what a request carries into the organisation that sent it."""

    async def identify(self, headers: Mapping[str, str]) -> Party | None:
        """Return the party, or None where the request proves none."""


@dataclass(frozen=True, slots=True)
class BearerKeys:
    """Identity by a static key per organisation, sent as `Authorization: Bearer`."""

    store: GatewayStore

    async def identify(self, headers: Mapping[str, str]) -> Party | None:
        """Return the party whose unrevoked key this is."""
        presented = _BEARER.fullmatch(headers.get("authorization", ""))
        if presented is None or _KEY.fullmatch(presented[1]) is None:
            return None
        hashed = key_hash(presented[1])
        row = await self.store.credential(hashed)
        if row is None or not hmac.compare_digest(bytes(row.key_hash), hashed):
            return None
        record = None if row.body is None else organisation_from(row.body)
        return Party(organisation=OrganisationId(row.organisation), record=record)


def new_key() -> str:
    """Return a new key; it is shown once and kept as its hash only."""
    return KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def key_hash(key: str) -> bytes:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode()).digest()


def admitted(party: Party | None) -> Organisation:
    """Return the organisation if the hub deals with it now.

    Raises:
        ProblemError: nobody is proved, or the organisation is suspended or not in force yet.

    """
    if party is None:
        code = "unauthenticated"
        raise ProblemError(code, headers=_CHALLENGE)
    if party.record is None:
        raise ProblemError(PENDING, retry_after_s=_PENDING_RETRY_S)
    if party.record.standing is not Standing.ACTIVE:
        code = "organisation-suspended"
        raise ProblemError(code)
    return party.record


def may_send(organisation: Organisation, message: MessageName) -> None:
    """Refuse a message type this organisation has not agreed to send; this tells nothing of any case."""
    if message not in organisation.sends:
        code = "message-not-agreed"
        raise ProblemError(code, members={"agreed": sorted(organisation.sends)})
