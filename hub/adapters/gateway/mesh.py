"""The mailbox's second face, for clients of MESH: the same deliveries by the same rules (R-DEL-01).

What is fetched and acknowledged here is fetched and acknowledged in the one mailbox; only the event says that
it went by MESH. A message handed in is a post like any other; its workflow says of which type it is
(docs/reference/mesh.md).
"""

from __future__ import annotations

import fnmatch
import json
import secrets
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.adapters.database.handing_over import Channel
from hub.adapters.gateway.idempotency import idempotency_key
from hub.adapters.gateway.identity import may_send
from hub.adapters.gateway.intake import Post
from hub.adapters.gateway.mailbox_store import Narrowed
from hub.adapters.gateway.mesh_store import ChunkRow
from hub.adapters.gateway.problems import ProblemError
from hub.errors import InvalidBody, NotReadable
from hub.messages.envelope import MessageName
from hub.topics.keys import organisation_key
from hub.topics.pairwise import message_id
from hub.topics.sealing import Sealed, Sealer
from hub.topics.strict_json import read_object

if TYPE_CHECKING:
    from hub.adapters.gateway.agreements import Agreements
    from hub.adapters.gateway.intake import Intake
    from hub.adapters.gateway.limits import GatewayLimits
    from hub.adapters.gateway.mailbox import Fetched, Mailbox
    from hub.adapters.gateway.mesh_identity import MeshIdentity
    from hub.adapters.gateway.mesh_store import MeshStore
    from hub.adapters.gateway.status import MessageStates
    from hub.consent.parties import Organisation
    from hub.messages.identifiers import OrganisationId

HUB_MAILBOX = "HUB"
"""The one recipient: who gets what, the hub decides."""
_WORKFLOW = "HUB_"
_PLACE = "mesh_upload"
_AFTER_ID = b"\n"
_ROUTE = "/messageexchange/outbox"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def workflow_of(message: str) -> str:
    """Return the workflow id of a message type, e.g. HUB_RISK_CHANGE."""
    return _WORKFLOW + message.upper().replace("-", "_")


_MESSAGES = {workflow_of(each.value): each for each in MessageName}


def filtered(workflow_filter: str | None) -> tuple[str, ...] | None:
    """Return the message types whose workflow a filter lets through: an id, `x*` or `*x*`, `!` for not."""
    if not workflow_filter:
        return None
    wanted = workflow_filter.removeprefix("!")
    pattern = "".join(each if each == "*" else f"[{each}]" for each in wanted if each not in "[]!^-")
    found = {name for name in _MESSAGES if fnmatch.fnmatchcase(name, pattern)}
    chosen = _MESSAGES.keys() - found if workflow_filter.startswith("!") else found
    return tuple(sorted(_MESSAGES[name].value for name in chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is handed out by one download."""

    fetched: Fetched
    content: bytes
    chunk: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A message that is handed in, whole or the first of its parts."""

    organisation: Organisation
    message: MessageName
    local_id: str
    message_id: str
    """The reference by which its sender knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """The verbs of MESH, for an organisation already known."""

    mailbox: Mailbox
    identity: MeshIdentity
    store: MeshStore
    intake: Intake
    agreements: Agreements
    states: MessageStates
    sealer: Sealer
    limits: GatewayLimits
    body_bytes_max: int

    async def inbox(
        self,
        organisation: OrganisationId,
        *,
        most: int,
        continue_from: str | None,
        messages: tuple[str, ...] | None,
    ) -> tuple[list[str], str | None]:
        """Return the ids of what waits, and where the next page begins."""
        rows, more = await self.mailbox.rows(
            organisation,
            Narrowed(messages=messages),
            size=min(most, self.limits.mesh_page_max),
            cursor=continue_from,
        )
        return [row.delivery_id.upper() for row in rows], more

    async def download(self, organisation: OrganisationId, delivery: str, chunk: int) -> Part:
        """Return one part of a delivery; each is handed out by the rules of that moment, and written down.

        Raises:
            ProblemError: there is none here, or no such part of it.

        """
        size = self.limits.mesh_chunk_bytes
        async with self.mailbox.fetching(
            organisation, delivery.lower(), channel=Channel.MESH, said={"chunk": chunk}
        ) as fetched:
            whole = as_document(fetched)
            chunks = -(-len(whole) // size)
            if chunk > chunks:
                code = "not-found"
                raise ProblemError(code)
        content = whole[(chunk - 1) * size : chunk * size]
        return Part(fetched=fetched, content=content, chunk=chunk, chunks=chunks)

    async def acknowledge(self, organisation: OrganisationId, delivery: str) -> None:
        """Note that the recipient has a delivery. MESH names no digest: it must have been handed out before.

        Raises:
            ProblemError: there is none here, or it was not downloaded.

        """
        name = delivery.lower()
        code = (await self.mailbox.acknowledge(organisation, {name: None}, channel=Channel.MESH))[name]
        if code == "ack-digest-mismatch":
            code = "mesh-not-downloaded"
        if code is not None:
            raise ProblemError(code)

    def sending(
        self, organisation: Organisation, *, to: str | None, workflow: str | None, local_id: str | None
    ) -> Sending:
        """Return what is being sent, by its headers.

        Raises:
            ProblemError: it goes to anybody but the hub, by no known workflow, or may not be sent.

        """
        if (to or "").upper() != HUB_MAILBOX:
            code = "mesh-recipient-unknown"
            raise ProblemError(code)
        message = _MESSAGES.get((workflow or "").upper())
        if message is None:
            code = "mesh-workflow-unknown"
            raise ProblemError(code)
        may_send(organisation, message)
        key = idempotency_key(
            local_id or secrets.token_hex(16), chars_max=self.limits.idempotency_key_chars_max
        )
        return self._sending(organisation, message, key)

    async def send(self, sending: Sending, raw: bytes) -> str:
        """Take a message in as if it had been posted; returns its reference."""
        try:
            document = read_object(raw, depth_max=self.limits.json_depth_max)
        except InvalidBody as error:
            code = "json-invalid"
            raise ProblemError(code, faults=error.faults) from None
        organisation = sending.organisation
        post = Post(
            organisation=organisation,
            message=sending.message,
            route=_route(sending.message),
            idempotency_key=sending.local_id,
            document=document,
            dry_run=False,
            contract=await self.agreements.sending(organisation.organisation, sending.message),
        )
        return str((await self.intake.take(post)).body["message"])

    async def keep(self, sending: Sending, raw: bytes, *, chunk: int, chunks: int) -> None:
        """Keep one part of a message, sealed, until the last has come or a day has passed."""
        organisation = sending.organisation.organisation
        # The sender's own id is text of its choosing: it lies in the box, with the part.
        sealed = self.sealer.seal(
            sending.local_id.encode() + _AFTER_ID + raw,
            key_id=organisation_key(organisation),
            place=_PLACE,
            record=f"{organisation}/{sending.message_id}/{chunk}",
        )
        row = ChunkRow(
            chunk=chunk,
            chunks=chunks,
            workflow=workflow_of(sending.message.value),
            size=len(raw),
            key_id=sealed.key_id,
            nonce=sealed.nonce,
            box=sealed.box,
        )
        bytes_max = self.limits.mesh_uploads_bytes_max
        if not await self.store.keep(organisation, sending.message_id, row, bytes_max=bytes_max):
            code = "body-too-large"
            raise ProblemError(code, members={"limit_bytes": bytes_max})

    async def go_on(
        self, organisation: Organisation, reference: str, raw: bytes, *, chunk: int, chunks: int
    ) -> None:
        """Take a further part of a message; with the last one the message is taken in.

        Raises:
            ProblemError: no such message is being uploaded, a part is missing, or the whole is refused.

        """
        kept = await self.store.kept(organisation.organisation, reference)
        if not kept:
            # The last part once more, because its answer was lost; ProblemError not-found for any other.
            await self.states.state(organisation.organisation, reference)
            return
        if kept[0].chunks != chunks:
            code = "mesh-chunk-invalid"
            raise ProblemError(code)
        local_id, _ = self._open(kept[0], reference, organisation.organisation)
        sending = self._sending(organisation, _MESSAGES[kept[0].workflow], local_id)
        await self.keep(sending, raw, chunk=chunk, chunks=chunks)
        if chunk < chunks:
            return
        await self._finish(sending, await self.store.kept(organisation.organisation, reference))

    async def _finish(self, sending: Sending, kept: list[ChunkRow]) -> None:
        organisation, reference = sending.organisation.organisation, sending.message_id
        if len(kept) != kept[0].chunks:
            code = "mesh-chunk-invalid"
            raise ProblemError(code)
        if sum(row.size for row in kept) > self.body_bytes_max:
            await self.store.drop(organisation, reference)
            code = "body-too-large"
            raise ProblemError(code, members={"limit_bytes": self.body_bytes_max})
        try:
            parts = (self._open(row, reference, organisation)[1] for row in kept)
            await self.send(sending, b"".join(parts))
        except ProblemError as error:
            if not error.problem.retryable:
                await self.store.drop(organisation, reference)
            raise
        await self.store.drop(organisation, reference)

    def _open(self, row: ChunkRow, reference: str, organisation: OrganisationId) -> tuple[str, bytes]:
        """Return the sender's own id and one part; ProblemError not-found where its key was erased."""
        sealed = Sealed(key_id=row.key_id, nonce=bytes(row.nonce), box=bytes(row.box))
        try:
            plain = self.sealer.open(sealed, place=_PLACE, record=f"{organisation}/{reference}/{row.chunk}")
        except NotReadable:
            code = "not-found"
            raise ProblemError(code) from None
        local_id, _, raw = plain.partition(_AFTER_ID)
        return local_id.decode(), raw

    def _sending(self, organisation: Organisation, message: MessageName, local_id: str) -> Sending:
        own = message_id(
            self.intake.keys,
            organisation=organisation.organisation,
            route=_route(message),
            idempotency_key=local_id,
        )
        return Sending(
            organisation=organisation,
            message=message,
            local_id=local_id,
            message_id=self.intake.pairwise.message(organisation.organisation, own),
        )


def as_document(fetched: Fetched) -> bytes:
    """Return a delivery as one JSON document, the same bytes whenever it is downloaded."""
    whole = {
        "envelope": fetched.headers,
        "data": fetched.data,
        "digest": fetched.digest,
        "sequence": fetched.sequence,
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True).encode()


def unpacked(raw: bytes, coding: str, *, bytes_max: int) -> bytes:
    """Return a body without its gzip coding.

    Raises:
        ProblemError: It is coded otherwise, not gzip though it says so, or too large unpacked.
    """
    if coding in {"", "identity"}:
        return raw
    code = "content-type-unsupported"
    if coding != "gzip":
        raise ProblemError(code)
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        plain = unpacking.decompress(raw, bytes_max + 1)
    except zlib.error:
        raise ProblemError(code) from None
    if len(plain) > bytes_max:
        code = "body-too-large"
        raise ProblemError(code, members={"limit_bytes": bytes_max})
    if not unpacking.eof:
        raise ProblemError(code)
    return plain


def _route(message: MessageName) -> str:
    """Keep the local ids of one workflow apart from those of another, and from keys at other doors."""
    return f"{_ROUTE}/{message}"
