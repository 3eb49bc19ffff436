"""The mailbox: what waits for an organisation is listed, fetched and acknowledged (R-DEL-01, R-DEL-02).

Reading removes nothing; what is not acknowledged is listed again. A cursor leads through the pages of
one listing; the next listing starts without one, so a delivery stored late is never passed over.
Unknown, malformed, another's and never disclosed are one and the same 404, found by one statement.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.adapters.gateway.problems import ProblemError
from hub.errors import Fault, NotReadable
from hub.topics.opened import Opened, Opener
from hub.topics.pairwise import PAIRWISE_KEY
from hub.topics.sealing import Keys, Sealed, Sealer

if TYPE_CHECKING:
    from hub.adapters.database.freshness import Freshness
    from hub.adapters.gateway.agreements import Agreements
    from hub.adapters.gateway.store import DeliveryRow, GatewayStore
    from hub.consent.partner_contracts import PartnerContract
    from hub.messages.envelope import MessageName
    from hub.messages.identifiers import OrganisationId
    from hub.topics.library import SchemaLibrary

KEY_ERASED = "KEY-ERASED"
_SIV_KEY_BYTES = 64
_CURSOR_BYTES = 8
_DELIVERY_ID = re.compile(r"[0-9a-f]{32}")
_NO_DELIVERY = "0" * 32
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """The mailboxes of all organisations; every method names whose."""

    store: GatewayStore
    library: SchemaLibrary
    sealer: Sealer
    keys: Keys
    agreements: Agreements
    page_max: int
    freshness: Freshness

    async def page(
        self,
        organisation: OrganisationId,
        *,
        limit: int | None,
        cursor: str | None,
        message: MessageName | None,
    ) -> dict[str, object]:
        """Return one page of what waits, oldest first, and the cursor of the next, if there is one."""
        size = self.page_max if limit is None else min(limit, self.page_max)
        after = 0 if cursor is None else self._cursor_from(organisation, message, cursor)
        await self.freshness.wait()
        rows = await self.store.waiting(
            organisation=organisation, after=after, message=message, limit=size + 1
        )
        shown = rows[:size]
        messages = [
            {
                "delivery": row.delivery_id,
                "type": row.message,
                "contract": row.contract,
                "urgency": row.urgency,
                "state": row.state,
                "size": row.size,
                "digest": bytes(row.digest).hex(),
                "available_at": row.available_at.isoformat(),
                "url": f"/v1/mailbox/messages/{row.delivery_id}",
            }
            for row in shown
        ]
        more = self._cursor(organisation, message, shown[-1].cursor) if len(rows) > size else None
        notices = await self.agreements.notices(organisation)
        return {"messages": messages, "next_cursor": more, "notices": notices}

    async def count(self, organisation: OrganisationId) -> int:
        """Return how many deliveries are not yet acknowledged."""
        return await self.store.count_waiting(organisation)

    async def fetch(self, organisation: OrganisationId, delivery_id: str) -> Opened:
        """Return one delivery whole and note that it was fetched.

        Raises:
            ProblemError: there is none here (not-found), or its content is erased.

        """
        await self.freshness.wait()
        agreed = await self.agreements.of(organisation)
        async with self.store.fetching(organisation=organisation, delivery_id=_plausible(delivery_id)) as row:
            if row is None:
                code = "not-found"
                raise ProblemError(code)
            return self._opened(row, agreed)

    async def acknowledge(self, organisation: OrganisationId, delivery_id: str, *, digest: object) -> None:
        """Note that the recipient has the delivery, proved by its digest; again is as good as once.

        Raises:
            ProblemError: there is none here, or the digest is not that of the framed bytes.

        """
        if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
            fault = Fault(
                pointer="/digest", rule="pattern", fix="send the SHA-256 as 64 lower-case hexadecimal digits"
            )
            code = "payload-invalid"
            raise ProblemError(code, faults=(fault,))
        matches = await self.store.acknowledge(
            organisation=organisation, delivery_id=_plausible(delivery_id), digest=bytes.fromhex(digest)
        )
        if matches is None:
            code = "not-found"
            raise ProblemError(code)
        if not matches:
            code = "ack-digest-mismatch"
            raise ProblemError(code)

    def _opened(self, row: DeliveryRow, agreed: tuple[PartnerContract, ...]) -> Opened:
        sealed = Sealed(key_id=row.key_id, nonce=bytes(row.nonce), box=bytes(row.box))
        try:
            opener = Opener(sealer=self.sealer, library=self.library)
            return opener.open(sealed, delivery_id=row.delivery_id, agreed=agreed)
        except NotReadable as error:
            if error.code != KEY_ERASED:
                raise
            code = "content-erased"
            raise ProblemError(code) from None

    def _cursor(self, organisation: OrganisationId, message: MessageName | None, after: int) -> str:
        """Return a place in a listing, sealed: it tells nothing and serves in this listing only."""
        plain = after.to_bytes(_CURSOR_BYTES, "big")
        sealed = self._cursor_cipher().encrypt(plain, [organisation.encode(), (message or "").encode()])
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _cursor_from(self, organisation: OrganisationId, message: MessageName | None, cursor: str) -> int:
        try:
            sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            plain = self._cursor_cipher().decrypt(sealed, [organisation.encode(), (message or "").encode()])
        except (InvalidTag, ValueError, binascii.Error):
            fault = Fault(
                pointer="?cursor", rule="cursor", fix="use next_cursor of the same listing, or none"
            )
            code = "parameter-invalid"
            raise ProblemError(code, faults=(fault,)) from None
        return int.from_bytes(plain, "big")

    def _cursor_cipher(self) -> AESSIV:
        master = self.keys.get_or_create(PAIRWISE_KEY)
        derived = HKDF(algorithm=SHA256(), length=_SIV_KEY_BYTES, salt=None, info=b"mailbox-cursor")
        return AESSIV(derived.derive(master))


def _plausible(delivery_id: str) -> str:
    """Return the id, or one that no delivery has where it can be none, so that both are looked up alike."""
    return delivery_id if _DELIVERY_ID.fullmatch(delivery_id) else _NO_DELIVERY
