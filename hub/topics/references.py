"""From a checked submission to the hub's own terms: whose message it is, about which case.

The same at the HTTP door and the Kafka door. A case reference that was never given to its sender
becomes a case that does not exist: the router refuses it, and the sender learns nothing (R-DIS-01).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.errors import Fault, NotReadable
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId, derived_id
from hub.topics.pairwise import Pairwise, message_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hub.topics.bodies import Checked
    from hub.topics.library import Contract
    from hub.topics.sealing import Keys

_OPENS = "OPENED"
_UNKNOWN_CASE = "unknown-case"
_OWN_CORRELATION = "correlation"
_HUB_CORRELATION = "cor_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the hub knows of a message besides what its sender says."""

    message_id: MessageId
    organisation: OrganisationId
    digest: str
    """SHA-256 of what was sent, hexadecimal."""
    recorded_at: Instant


@dataclass(frozen=True, slots=True)
class References:
    """Turns the references an organisation uses into the hub's own."""

    pairwise: Pairwise
    keys: Keys
    organisation: OrganisationId

    def case(self, reference: str) -> CaseRef:
        """Return the case; for what was never given to this organisation, a case that does not exist."""
        try:
            return self.pairwise.case_from(self.organisation, reference)
        except NotReadable:
            # Keyed: where a reference belongs the sender may have put something guessable, even personal.
            return CaseRef(self._keyed(_UNKNOWN_CASE, reference))

    def message(self, reference: str) -> MessageId:
        """Return the message id; NotReadable if it was never given to this organisation."""
        return self.pairwise.message_from(self.organisation, reference)

    def correlation(self, text: str) -> str:
        """Return the hub's correlation for one it gave out, or for the sender's own text."""
        if text.startswith(_HUB_CORRELATION):
            return self.pairwise.correlation_from(self.organisation, text)
        return self._keyed(_OWN_CORRELATION, text)

    def in_payload(self, payload: Mapping[str, object], contract: Contract) -> dict[str, object]:
        """Return the payload with the references its contract names turned into the hub's own."""
        translated: dict[str, object] = {
            path: self.case(reference) if sort == "case" else self.message(reference)
            for path, sort in contract.pairwise
            if isinstance(reference := payload.get(path), str)
        }
        return {**payload, **translated}

    def faults(self, checked: Checked) -> tuple[Fault, ...]:
        """Return a fault for each reference, other than to a case, never given to this organisation."""
        said = checked.envelope
        found = [*self._unread("/causation", said["causation"], self.message)]
        found += self._unread("/correlation", said["correlation"], self.correlation)
        for path, sort in checked.contract.pairwise:
            if sort == "message":
                found += self._unread(f"/data/{path}", checked.payload.get(path), self.message)
        if opens_a_case(checked) and said["case"] is not None:
            found.append(
                Fault(pointer="/case", rule="not-here", fix="leave it out: the hub names the case it opens")
            )
        return tuple(found)

    def envelope(self, checked: Checked, origin: Origin) -> Envelope:
        """Return the message's envelope; `faults` must have found none."""
        said = checked.envelope
        own = origin.message_id
        opened = CaseRef(derived_id("case", own))
        return Envelope(
            message_id=own,
            message=MessageName(checked.contract.name),
            contract=checked.contract.version,
            case=opened if said["case"] is None else self.case(said["case"]),
            organisation=origin.organisation,
            author=said["author"],
            author_role=Role(said["author_role"]),
            statement=Statement(said["statement"]),
            occurred_at=Instant(said["occurred_at"]),
            recorded_at=origin.recorded_at,
            correlation=own if said["correlation"] is None else self.correlation(said["correlation"]),
            causation=None if said["causation"] is None else self.message(said["causation"]),
            digest=origin.digest,
            declared={path: InformationClass(named) for path, named in said["classes"].items()},
        )

    def _unread(self, pointer: str, reference: object, read: Callable[[str], str]) -> Iterator[Fault]:
        try:
            if isinstance(reference, str):
                read(reference)
        except (NotReadable, UnicodeError):
            yield Fault(
                pointer=pointer, rule="reference", fix="send a reference the hub gave to this organisation"
            )

    def _keyed(self, sort: str, text: str) -> str:
        return message_id(self.keys, organisation=self.organisation, route=sort, idempotency_key=text)


def opens_a_case(checked: Checked) -> bool:
    """Whether the message opens a case, whose reference the hub then makes."""
    return checked.contract.name == MessageName.CASE and checked.payload["action"] == _OPENS
