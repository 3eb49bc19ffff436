"""Reads one record of an organisation's own topic, trusting nothing of it."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka import ConsumerRecord

from hub.consent.parties import Standing
from hub.errors import InvalidBody, NotReadable, Refused
from hub.messages.envelope import MessageName, Submission
from hub.messages.identifiers import Instant, MessageId, OrganisationId, derived_id
from hub.topics.bodies import check_native_submission, check_submission
from hub.topics.codec import SUBMISSION
from hub.topics.hmpps import event_in, mapped
from hub.topics.library import unframe
from hub.topics.pairwise import message_id
from hub.topics.person_index import nobodys_reference, number_digest
from hub.topics.references import Origin, References, opens_a_case
from hub.topics.strict_json import canonical_digest, read_object

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from hub.adapters.feeds.limits import FeedLimits
    from hub.consent.parties import Organisation
    from hub.messages.identifiers import CaseRef
    from hub.topics.bodies import Checked
    from hub.topics.codec import Codec
    from hub.topics.hmpps import Mapped

ROUTE = "kafka"
"""The topic is one route: a key used here and over HTTP names two messages, a key used twice here one."""
MESSAGE_ID_HEADER = "message-id"
FAULTS_TOLD_MAX = 8
"""Most faults named in a record's detail."""
_KEY = re.compile(r"[A-Za-z0-9_.:~+/=-]+")

Record = ConsumerRecord[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A record that can be handed on."""

    submission: Submission
    opens: bool
    """Whether it opens a case, whose person then needs a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Turns records into submissions; what a record is refused for names the rule, never a value."""

    codec: Codec
    limits: FeedLimits
    now: Callable[[], Instant]

    def read(self, record: Record, *, topic_of: OrganisationId, sender: Organisation | None) -> Taken:
        """Return the message, said by the organisation whose topic it stands on.

        Raises:
            Refused: The record cannot be taken; `code` and text are for staff.
        """
        with _hostile():
            value = self._value(record)
            return self._taken(
                self._message_id(record),
                hashlib.sha256(value).hexdigest(),
                self._checked(value),
                organisation=topic_of,
                sender=sender,
            )

    def event(self, record: Record) -> Mapped | None:
        """Return the message an event of the prison system is to the hub; None where it is none.

        Raises:
            Refused: It cannot be taken.
        """
        with _hostile():
            return mapped(self._event(record))

    def read_event(
        self,
        record: Record,
        event: Mapped,
        *,
        case: CaseRef | None,
        topic_of: OrganisationId,
        sender: Organisation | None,
    ) -> Taken:
        """Return the message made of an event, on the case of its person, or on none.

        It names itself by what it says, where its sender gives it no message id.

        Raises:
            Refused: It cannot be taken.
        """
        with _hostile():
            codec = self.codec
            unknown = nobodys_reference(codec.keys, event.person)
            reference = unknown if case is None else codec.pairwise.case(topic_of, case)
            contract = codec.library.newest(event.message)
            document = event.document(contract=contract, case=reference)
            digest = canonical_digest(self._event(record))
            is_named = any(name.lower() == MESSAGE_ID_HEADER for name, _ in record.headers)
            key = self._message_id(record) if is_named else digest
            checked = check_submission(codec.library, event.message, document)
            return self._taken(key, digest, checked, organisation=topic_of, sender=sender)

    def _event(self, record: Record) -> dict[str, object]:
        document = read_object(self._value(record), depth_max=self.limits.event_depth_max)
        return event_in(document, depth_max=self.limits.event_depth_max)

    def _taken(
        self,
        key: str,
        digest: str,
        checked: Checked,
        *,
        organisation: OrganisationId,
        sender: Organisation | None,
    ) -> Taken:
        check_sender(sender, MessageName(checked.contract.name))
        references = References(self.codec.pairwise, self.codec.keys, organisation)
        faults = references.faults(checked)
        if faults:
            raise InvalidBody(faults)
        origin = Origin(
            message_id=message_id(
                self.codec.keys, organisation=organisation, route=ROUTE, idempotency_key=key
            ),
            organisation=organisation,
            digest=digest,
            recorded_at=self.now(),
        )
        payload = references.in_payload(checked.payload, checked.contract)
        submission = Submission(envelope=references.envelope(checked, origin), payload=payload)
        return Taken(submission=submission, opens=opens_a_case(checked))

    def _value(self, record: Record) -> bytes:
        value = record.value or b""
        if len(value) > self.limits.record_bytes_max:
            code = "OVERSIZE"
            raise NotReadable(code, f"longer than {self.limits.record_bytes_max} bytes")
        return value

    def _message_id(self, record: Record) -> str:
        given = [value for name, value in record.headers if name.lower() == MESSAGE_ID_HEADER]
        if not given:
            code = "MESSAGE-ID-MISSING"
            raise NotReadable(code, f"there is no {MESSAGE_ID_HEADER} header")
        try:
            key = (given[0] or b"").decode("ascii")
        except UnicodeDecodeError:
            key = ""
        if len(given) > 1 or len(key) > self.limits.message_id_chars_max or _KEY.fullmatch(key) is None:
            code = "MESSAGE-ID-INVALID"
            rule = f"one header, 1 to {self.limits.message_id_chars_max} letters, digits and _.:~+/=-"
            raise NotReadable(code, f"the {MESSAGE_ID_HEADER} header is not {rule}")
        return key

    def _checked(self, value: bytes) -> Checked:
        number, body = unframe(value)
        contract = self.codec.library.by_id(number)
        if number != SUBMISSION:
            code = "NOT-A-SUBMISSION"
            raise NotReadable(code, f"a record with schema id {SUBMISSION} belongs here")
        return check_native_submission(self.codec.library, self.codec.library.decode(contract, body))


async def taken_from(
    reader: Reader,
    record: Record,
    *,
    topic_of: OrganisationId,
    sender: Organisation | None,
    case_of: Callable[[bytes], Awaitable[CaseRef | None]],
) -> Taken | None:
    """Return the message a record is; None: an event of the prison system the hub has no use for.

    Raises:
        Refused: It cannot be taken.
    """
    if not is_event(record, sender):
        return reader.read(record, topic_of=topic_of, sender=sender)
    event = reader.event(record)
    if event is None:
        return None
    case = await case_of(number_digest(reader.codec.keys, event.person))
    return reader.read_event(record, event, case=case, topic_of=topic_of, sender=sender)


def is_event(record: Record, sender: Organisation | None) -> bool:
    """Whether a record is an event as the prison system writes it, from a sender that may send such.

    Events are JSON; what is framed begins with a 0.
    """
    value = record.value or b""
    agreed = sender is not None and MessageName.PRISON_EVENT in sender.sends
    return agreed and value.lstrip()[:1] == b"{" and b"eventType" in value


@contextmanager
def _hostile() -> Iterator[None]:
    """Turn whatever bytes that a sender chose provoke into a refusal that shows nothing of them."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 - the sender chose these bytes, and whatever they provoke
        code = "RECORD-INVALID"
        raise NotReadable(code, f"{type(error).__name__} while reading the record") from None


def check_sender(sender: Organisation | None, message: MessageName) -> None:
    """Refuse what this organisation may not send now; the router decides again, in the log's order."""
    if sender is None or sender.standing is not Standing.ACTIVE:
        code = "ORGANISATION-SUSPENDED"
        raise NotReadable(code, "the hub takes nothing from this organisation now")
    if message not in sender.sends:
        code = "MESSAGE-NOT-AGREED"
        raise NotReadable(code, f"this organisation has not agreed to send {message}")


def reason(error: Refused) -> str:
    """Say why a record was refused: rules and places in it, never a value."""
    if not isinstance(error, InvalidBody):
        return str(error)
    told = [f"{fault.pointer or '/'} {fault.rule}" for fault in error.faults[:FAULTS_TOLD_MAX]]
    more = len(error.faults) - len(told)
    return "; ".join(told) + (f"; {more} more" if more else "")


def record_id(topic: str, partition: int, offset: int) -> MessageId:
    """Name a record by its place, so that setting it aside twice leaves one entry."""
    return MessageId(derived_id("feed", topic, str(partition), str(offset)))
