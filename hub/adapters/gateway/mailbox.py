"""The mailbox: what waits for an organisation is listed, fetched and acknowledged (R-DEL-01, R-DEL-02).

Reading removes nothing; what is not acknowledged is listed again. A cursor leads through the pages of
one listing; the next listing starts without one, so a delivery stored late is never passed over.
Unknown, malformed, another's, held and never disclosed are one and the same 404, found by the same
statements. Whoever found a delivery before is told that it expired, or that they refused it.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.adapters.database.handing_over import Channel
from hub.adapters.gateway.problems import ProblemError
from hub.errors import Fault, NotReadable
from hub.topics.opened import Opened, Opener
from hub.topics.pairwise import PAIRWISE_KEY
from hub.topics.sealing import Keys, Sealed, Sealer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from hub.adapters.database.freshness import Freshness
    from hub.adapters.gateway.agreements import Agreements
    from hub.adapters.gateway.mailbox_store import DeliveryRow, MailboxStore, Narrowed, SeenRow, WaitingRow
    from hub.consent.partner_contracts import PartnerContract
    from hub.messages.identifiers import OrganisationId
    from hub.topics.library import SchemaLibrary

KEY_ERASED = "KEY-ERASED"
_SIV_KEY_BYTES = 64
_CURSOR_BYTES = 8
_LEASE_BYTES = 16
_DELIVERY_ID = re.compile(r"[0-9a-f]{32}")
_OVER = {"expired": "delivery-expired", "refused": "delivery-refused"}
_NO_DELIVERY = "0" * 32
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(Opened):
    """A delivery as its recipient fetches it."""

    message: str
    sequence: int
    """Its number among what this recipient got of this person; no number is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """The mailboxes of all organisations; every method names whose."""

    store: MailboxStore
    library: SchemaLibrary
    sealer: Sealer
    keys: Keys
    agreements: Agreements
    page_max: int
    freshness: Freshness

    async def page(
        self, organisation: OrganisationId, narrowed: Narrowed, *, limit: int | None, cursor: str | None
    ) -> dict[str, object]:
        """Return one page of a listing, oldest first, and the cursor of the next, if there is one."""
        size = self.page_max if limit is None else min(limit, self.page_max)
        shown, more = await self.rows(organisation, narrowed, size=size, cursor=cursor)
        notices = await self.agreements.notices(organisation)
        return {"messages": [_listed(row) for row in shown], "next_cursor": more, "notices": notices}

    async def rows(
        self, organisation: OrganisationId, narrowed: Narrowed, *, size: int, cursor: str | None
    ) -> tuple[list[WaitingRow], str | None]:
        """Return so many rows of a listing, and the cursor of those that follow."""
        after = 0 if cursor is None else self._cursor_from(organisation, narrowed, cursor)
        await self.freshness.wait()
        rows = await self.store.waiting(
            organisation=organisation, after=after, narrowed=narrowed, limit=size + 1
        )
        shown = rows[:size]
        more = self._cursor(organisation, narrowed, shown[-1].cursor) if len(rows) > size else None
        return shown, more

    async def lease(
        self, organisation: OrganisationId, narrowed: Narrowed, *, limit: int, seconds: int
    ) -> dict[str, object]:
        """Give the oldest deliveries to one of several readers; the others find them when the time is up."""
        await self.freshness.wait()
        lease = secrets.token_hex(_LEASE_BYTES)
        rows = await self.store.lease(
            organisation=organisation,
            narrowed=narrowed,
            lease=lease,
            limit=min(limit, self.page_max),
            seconds=seconds,
        )
        until = rows[0].leased_until if rows else None
        return {
            "lease": lease,
            "until": None if until is None else until.isoformat(),
            "messages": [_listed(row) for row in rows],
        }

    async def count(self, organisation: OrganisationId) -> int:
        """Return how many deliveries are not yet acknowledged."""
        await self.freshness.wait()
        return await self.store.count_waiting(organisation)

    async def fetch(self, organisation: OrganisationId, delivery: str) -> Fetched:
        """Return one delivery whole and note that it was fetched.

        Raises:
            ProblemError: there is none here (not-found), it is over, or its content is erased.

        """
        async with self.fetching(organisation, delivery, channel=Channel.MAILBOX) as fetched:
            return fetched

    @asynccontextmanager
    async def fetching(
        self,
        organisation: OrganisationId,
        delivery: str,
        *,
        channel: Channel,
        said: Mapping[str, object] | None = None,
    ) -> AsyncIterator[Fetched]:
        """Hand out one delivery and note that it was fetched, unless the block fails.

        Raises:
            ProblemError: there is none here (not-found), it is over, or its content is erased.

        """
        await self.freshness.wait()
        agreed = await self.agreements.of(organisation)
        delivery = plausible(delivery)
        async with self.store.fetching(
            organisation=organisation, delivery=delivery, channel=channel, said=said
        ) as row:
            if row is not None:
                yield self._opened(row, agreed)
                return
        raise await self._none(organisation, delivery)

    async def seen(self, organisation: OrganisationId, delivery: str, *, refused: bool = False) -> SeenRow:
        """Return what is known of a delivery that may be fetched, without handing it out.

        Raises:
            ProblemError: there is none here (not-found), or it is over; one that was `refused` may be meant.

        """
        await self.freshness.wait()
        delivery = plausible(delivery)
        row = await self.store.seen(organisation=organisation, delivery=delivery)
        if row is None or (row.state == "refused" and not refused):
            raise await self._none(organisation, delivery)
        return row

    async def acknowledge(
        self,
        organisation: OrganisationId,
        digests: Mapping[str, bytes | None],
        *,
        channel: Channel = Channel.MAILBOX,
        proofs: Mapping[str, Mapping[str, object]] | None = None,
    ) -> dict[str, str | None]:
        """Note that the recipient has these deliveries, each proved by its digest; again is as good as once.

        `proofs` are their signatures, verified, which are kept with what happened.

        Returns for each the code of the problem there is with it, or None.
        """
        asked = {name: digest for name, digest in digests.items() if _DELIVERY_ID.fullmatch(name)}
        found = await self.store.acknowledge(
            organisation=organisation,
            digests=asked or {_NO_DELIVERY: None},
            channel=channel,
            proofs=proofs,
        )
        codes: dict[str, str | None] = {}
        for name in digests:
            if name not in found:
                codes[name] = (await self._none(organisation, plausible(name))).code
            else:
                codes[name] = None if found[name] else "ack-digest-mismatch"
        return codes

    async def _none(self, organisation: OrganisationId, delivery: str) -> ProblemError:
        """Return why there is nothing here; all who never could see it are answered alike."""
        state = await self.store.gone(organisation=organisation, delivery=delivery)
        return ProblemError(_OVER.get(state or "", "not-found"))

    def _opened(self, row: DeliveryRow, agreed: tuple[PartnerContract, ...]) -> Fetched:
        sealed = Sealed(key_id=row.key_id, nonce=bytes(row.nonce), box=bytes(row.box))
        try:
            opener = Opener(sealer=self.sealer, library=self.library)
            opened = opener.open(sealed, delivery_id=row.delivery_id, agreed=agreed)
        except NotReadable as error:
            if error.code != KEY_ERASED:
                raise
            code = "content-erased"
            raise ProblemError(code) from None
        return Fetched(
            delivery_id=opened.delivery_id,
            message=row.message,
            sequence=row.sequence,
            headers=opened.headers,
            framed=opened.framed,
            digest=opened.digest,
            data=opened.data,
        )

    def _cursor(self, organisation: OrganisationId, narrowed: Narrowed, after: int) -> str:
        """Return a place in a listing, sealed: it tells nothing and serves in this listing only."""
        plain = after.to_bytes(_CURSOR_BYTES, "big")
        sealed = self._cursor_cipher().encrypt(plain, _place(organisation, narrowed))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _cursor_from(self, organisation: OrganisationId, narrowed: Narrowed, cursor: str) -> int:
        try:
            sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            plain = self._cursor_cipher().decrypt(sealed, _place(organisation, narrowed))
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


def plausible(delivery: str) -> str:
    """Return the id, or one that no delivery has where it can be none, so that both are looked up alike."""
    return delivery if _DELIVERY_ID.fullmatch(delivery) else _NO_DELIVERY


def is_digest(text: str) -> bool:
    """Tell whether a text is written as digests are."""
    return _DIGEST.fullmatch(text) is not None


def digest_from(given: object) -> bytes:
    """Return the digest an acknowledgement names; ProblemError (payload-invalid) if it is none."""
    if not isinstance(given, str) or not is_digest(given):
        fault = Fault(
            pointer="/digest", rule="pattern", fix="send the SHA-256 as 64 lower-case hexadecimal digits"
        )
        code = "payload-invalid"
        raise ProblemError(code, faults=(fault,))
    return bytes.fromhex(given)


def _place(organisation: OrganisationId, narrowed: Narrowed) -> list[bytes]:
    """Return what a cursor is bound to."""
    messages = None if narrowed.messages is None else f"={','.join(narrowed.messages)}"
    parts = (organisation, messages, narrowed.urgency, narrowed.state, narrowed.lease)
    return [(part or "").encode() for part in parts]


def _listed(row: WaitingRow) -> dict[str, object]:
    return {
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
