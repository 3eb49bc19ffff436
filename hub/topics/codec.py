"""The codec: the one place that writes and reads the records of the hub's own topics, and seals them.

Bytes that cannot be read become an `Unreadable` entry with a reason code: the line goes on and the
record is set aside, never skipped.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hub.cases.state import from_json, to_json
from hub.errors import NotReadable
from hub.messages.envelope import (
    Control,
    Entry,
    Envelope,
    InformationClass,
    MessageName,
    Redecide,
    Role,
    Statement,
    Submission,
    Tick,
    Uncollected,
    Unreadable,
)
from hub.messages.identifiers import (
    HUB,
    CaseRef,
    Instant,
    MessageId,
    OrganisationId,
    is_organisation,
)
from hub.messages.records import record
from hub.topics.asked_again import plain_undelivered, undelivered_from
from hub.topics.catalogue import CASES, INTAKE
from hub.topics.keys import case_key, organisation_key
from hub.topics.library import frame, unframe
from hub.topics.pairwise import Pairwise
from hub.topics.plain import canonical_json
from hub.topics.sealing import Sealed, Sealer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.cases.case import Case
    from hub.topics.library import Contract, SchemaLibrary
    from hub.topics.sealing import Keys

(
    *(ENVELOPE, SUBMISSION, SEALED, CONTROL, TICK, OUTBOX, LEDGER, QUARANTINE, REDECIDE),
    DELIVERY_EVENT,
) = range(1, 11)
"""Schema ids of the hub's own records (schemas/manifest.yaml)."""
ORGANISATION_HEADER = "hub-organisation"
_PACKED_LEVEL = 1
"""The quickest: names make up most of a case, and those go with any."""
_CASE_BYTES_MAX = 8_000_000
"""Most that a case may unpack to; what the router writes is far below."""


@record
class Encoded:
    """One record as it goes on a topic: key, value, headers."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class Codec:
    """Writes and reads hub.intake and the changelogs; `Dispatch` and `Evidence` write the rest."""

    def __init__(self, *, library: SchemaLibrary, keys: Keys) -> None:
        """Use these schemas and these keys."""
        self.library = library
        self.keys = keys
        self.sealer = Sealer(keys)
        self.pairwise = Pairwise(keys)
        self._own: dict[int, Contract] = {
            number: library.by_id(number) for number in range(ENVELOPE, DELIVERY_EVENT + 1)
        }

    def submission(self, submission: Submission, *, as_sent: bytes = b"") -> Encoded:
        """Write a message for hub.intake, sealed under the key of its case, or its sender's if there is none.

        A reference that leads nowhere must not make a key: whoever may send could fill the key store.
        `as_sent` is the message as `as_sent` gave it, for one that is to stand there again as it was.
        """
        envelope = submission.envelope
        sealed = self.seal(
            as_sent or self.envelope_bytes(submission),
            key_id=self._key_for(envelope),
            place=INTAKE,
            record=envelope.case,
        )
        headers = ((ORGANISATION_HEADER, envelope.organisation.encode()),)
        return Encoded(key=envelope.case.encode(), value=sealed, headers=headers)

    def control(self, control: Control) -> Encoded:
        """Write a control record; it holds nothing about a person and is not sealed."""
        return Encoded(key=control.control_id.encode(), value=self.control_bytes(control))

    def tick(self, tick: Tick) -> Encoded:
        """Write a tick record."""
        value = self.framed(TICK, {"tick_id": tick.tick_id, "due_at": tick.due_at})
        return Encoded(key=tick.tick_id.encode(), value=value)

    def redecide(self, asked: Redecide, *, original: bytes) -> Encoded:
        """Write a request to decide again for hub.intake, sealed under the key of its case.

        `original` is the message as `envelope_bytes` wrote it.
        """
        case = asked.submission.envelope.case
        plain = self.framed(
            REDECIDE,
            {
                "request_id": asked.request_id,
                "original": original,
                "deliveries": [plain_undelivered(each) for each in asked.deliveries],
                "uncollected": None if asked.uncollected is None else asked.uncollected.value,
            },
        )
        value = self.seal(plain, key_id=case_key(case), place=INTAKE, record=case)
        return Encoded(key=case.encode(), value=value)

    def entry(
        self,
        value: bytes | None,
        *,
        key: bytes | None,
        record_id: MessageId,
        headers: Mapping[str, bytes] | None = None,
        offset: int | None = None,
    ) -> Entry:
        """Read a record of hub.intake; `record_id` names it if it cannot be read."""
        organisation = (headers or {}).get(ORGANISATION_HEADER, b"").decode(errors="replace")
        try:
            entry = self._entry(value or b"", key or b"")
            return replace(entry, offset=offset) if isinstance(entry, Submission) else entry
        except NotReadable as error:
            code = error.code
        except (LookupError, ValueError, TypeError, RecursionError):
            code = "RECORD-INVALID"
        known = organisation if is_organisation(organisation) else HUB
        return Unreadable(record_id=record_id, organisation=OrganisationId(known), code=code)

    def case(self, case: Case) -> Encoded:
        """Write a case for its changelog, packed, and sealed under its own key."""
        packed = zlib.compress(to_json(case), _PACKED_LEVEL)
        value = self.seal(packed, key_id=case_key(case.ref), place=CASES, record=case.ref)
        return Encoded(key=case.ref.encode(), value=value)

    def case_from(self, ref: CaseRef, value: bytes) -> Case:
        """Read a case from its changelog; NotReadable if its key is erased or it was changed."""
        return self.case_opened(ref, self.sealed_from(value))

    def case_opened(self, ref: CaseRef, sealed: Sealed) -> Case:
        """Read a case from its box, as changelog and database have it; raises what `case_from` does."""
        opened = self.sealer.open(sealed, place=CASES, record=ref)
        try:
            return from_json(_unpacked(opened))
        except (ValueError, zlib.error):
            code = "RECORD-INVALID"
            raise NotReadable(code, "this is not a case") from None

    def control_bytes(self, control: Control) -> bytes:
        """Write a control record's value, as it stands in hub.intake and in hub.state.control."""
        return self.framed(
            CONTROL,
            {
                "control_id": control.control_id,
                "kind": control.kind,
                "name": control.name,
                "effective_at": control.effective_at,
                "body": canonical_json(control.body),
                "offset": control.offset,
            },
        )

    def control_from(self, value: bytes) -> Control:
        """Read a control record's value."""
        read = self.unframed(CONTROL, value)
        body = json.loads(read["body"])
        if not isinstance(body, dict):
            code = "RECORD-INVALID"
            raise NotReadable(code, "the body of a control record is an object")
        return Control(
            control_id=MessageId(read["control_id"]),
            kind=read["kind"],
            name=read["name"],
            effective_at=Instant(read["effective_at"]),
            body=body,
            offset=read["offset"],
        )

    def envelope_bytes(self, submission: Submission) -> bytes:
        """Write a message, framed but not sealed."""
        envelope, written = submission.envelope, submission.written
        if written is None:
            contract = self.library.contract(envelope.message, envelope.contract)
            written = self.library.encode(contract, submission.payload)
        return self.framed(
            ENVELOPE,
            {
                "message_id": envelope.message_id,
                "message": envelope.message.value,
                "contract": envelope.contract,
                "case": envelope.case,
                "organisation": envelope.organisation,
                "author": envelope.author,
                "author_role": envelope.author_role.value,
                "statement": envelope.statement.value,
                "occurred_at": envelope.occurred_at,
                "recorded_at": envelope.recorded_at,
                "correlation": envelope.correlation,
                "causation": envelope.causation,
                "digest": envelope.digest,
                "declared": {path: found.value for path, found in envelope.declared.items()},
                "payload": written,
            },
        )

    def submission_from(self, framed: bytes) -> Submission:
        """Read a message that has been unsealed."""
        read = self.unframed(ENVELOPE, framed)
        name = MessageName(read["message"])
        sent, current = self.library.contract(name, read["contract"]), self.library.current(name)
        payload = self.library.decode(sent, read["payload"])
        if sent is not current:
            return self._brought_up(read, payload, sent=sent, current=current)
        envelope = _envelope_from(read, read["declared"], contract=current.version)
        return Submission(envelope=envelope, payload=payload, written=read["payload"])

    def said_of(self, framed: bytes) -> dict[str, object]:
        """Return what decisions look at of the envelope of a message that has been unsealed."""
        read = self.unframed(ENVELOPE, framed)
        return {name: read[name] for name in ("organisation", "author_role", "statement", "declared")}

    def _brought_up(
        self, read: Mapping[str, Any], payload: Mapping[str, object], *, sent: Contract, current: Contract
    ) -> Submission:
        """Return a message written in an earlier version as the current one has it: decisions speak of that.

        The log keeps what was sent. A class its author declared for a field goes with the field.
        """
        name = MessageName(read["message"])
        chain = self.library.chain(name)
        declared = {
            path: found
            for old, found in read["declared"].items()
            for path in chain.paths(frozenset({old}), sent.version, current.version)
        }
        cast = self.library.cast(name, payload, source=sent.version, target=current.version)
        envelope = _envelope_from(read, declared, contract=current.version)
        return Submission(envelope=envelope, payload=cast, sent_in=sent.version)

    def as_sent(self, value: bytes, entry: Entry) -> bytes:
        """Return a message as it was sent, framed and unsealed; of any other record the record itself."""
        if not isinstance(entry, Submission):
            return value
        if entry.sent_in is None:
            return self.envelope_bytes(entry)
        # What was brought up may have lost a field on the way; what is set aside must not.
        return self.unseal(value, place=INTAKE, record=entry.envelope.case)

    def seal(self, plain: bytes, *, key_id: str, place: str, record: str) -> bytes:
        """Seal content and write it as a framed sealed record."""
        sealed = self.sealer.seal(plain, key_id=key_id, place=place, record=record)
        return self.framed(SEALED, {"key_id": sealed.key_id, "nonce": sealed.nonce, "box": sealed.box})

    def sealed_from(self, value: bytes) -> Sealed:
        """Read a framed sealed record without opening it."""
        read = self.unframed(SEALED, value)
        return Sealed(key_id=read["key_id"], nonce=read["nonce"], box=read["box"])

    def unseal(self, value: bytes, *, place: str, record: str) -> bytes:
        """Open a framed sealed record."""
        return self.sealer.open(self.sealed_from(value), place=place, record=record)

    def framed(self, number: int, fields: Mapping[str, object]) -> bytes:
        """Write one of the hub's own records, framed with its schema id."""
        return frame(number, self.library.encode(self._own[number], fields))

    def unframed(self, number: int, value: bytes) -> dict[str, Any]:
        """Read one of the hub's own records; NotReadable if it is another."""
        found, body = unframe(value)
        if found != number:
            code = "CONTRACT-UNKNOWN"
            raise NotReadable(code, "this is another kind of record than belongs here")
        return dict(self.library.decode(self._own[number], body))

    def _key_for(self, envelope: Envelope) -> str:
        key_id = case_key(envelope.case)
        # Erased: the case is gone, and the message will be refused as one on a case there never was.
        if not self._erased(key_id) and self.keys.get(key_id) is not None:
            return key_id
        sender = organisation_key(envelope.organisation)
        return organisation_key(HUB) if self._erased(sender) else sender

    def _erased(self, key_id: str) -> bool:
        try:
            self.keys.get(key_id)
        except NotReadable:
            return True
        return False

    def _entry(self, value: bytes, key: bytes) -> Entry:
        number, body = unframe(value)
        if number == SEALED:
            return self._message(self.unseal(value, place=INTAKE, record=key.decode()))
        if number == CONTROL:
            return self.control_from(value)
        if number == TICK:
            read = self.library.decode(self._own[TICK], body)
            return Tick(tick_id=MessageId(str(read["tick_id"])), due_at=Instant(int(str(read["due_at"]))))
        code = "CONTRACT-UNKNOWN"
        raise NotReadable(code, "hub.intake holds sealed messages, control records and ticks only")

    def _message(self, framed: bytes) -> Submission | Redecide:
        """Read what was sealed: a message, or a request to decide again on one."""
        number, _ = unframe(framed)
        if number != REDECIDE:
            return self.submission_from(framed)
        read = self.unframed(REDECIDE, framed)
        return Redecide(
            request_id=MessageId(read["request_id"]),
            submission=self.submission_from(read["original"]),
            deliveries=tuple(undelivered_from(each) for each in read["deliveries"]),
            uncollected=None if read["uncollected"] is None else Uncollected(read["uncollected"]),
        )


def _unpacked(data: bytes) -> bytes:
    """Return a case's JSON; an earlier hub wrote it as it is. What is too large is no case."""
    if data.startswith(b"{"):
        return data
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(data, _CASE_BYTES_MAX)
    if not unpacking.eof:
        message = "a case is cut off, or larger than any can be"
        raise ValueError(message)
    return text


def _envelope_from(read: Mapping[str, Any], declared: Mapping[str, str], *, contract: str) -> Envelope:
    causation = read["causation"]
    return Envelope(
        message_id=MessageId(read["message_id"]),
        message=MessageName(read["message"]),
        contract=contract,
        case=CaseRef(read["case"]),
        organisation=OrganisationId(read["organisation"]),
        author=read["author"],
        author_role=Role(read["author_role"]),
        statement=Statement(read["statement"]),
        occurred_at=Instant(read["occurred_at"]),
        recorded_at=Instant(read["recorded_at"]),
        correlation=read["correlation"],
        causation=None if causation is None else MessageId(causation),
        digest=read["digest"],
        declared={path: InformationClass(found) for path, found in declared.items()},
    )
