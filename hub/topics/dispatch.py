"""What is given to recipients: the framed view, its headers, and the outbox record that carries them.

Only an allow-list of the envelope leaves, with pairwise identifiers; causation and author only where
the decision let them through (R-DIS-01).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.cases.state import from_json, to_json
from hub.consent.decision import Candidate, Concern
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import CaseRef, DeliveryId, Instant, MessageId, OrganisationId
from hub.routing.outcome import Delivery, Grounds, Urgency, Verdict
from hub.topics.catalogue import OUTBOX as OUTBOX_TOPIC
from hub.topics.codec import OUTBOX, Codec, Encoded
from hub.topics.cutter import changes_between, cutter_for
from hub.topics.keys import case_key
from hub.topics.leaving import LastLook, check_envelope, check_given
from hub.topics.library import frame
from hub.topics.values import fitted, instant_to_text
from hub.topics.views import view_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hub.topics.guard import Offsets
    from hub.topics.library import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class FramedView:
    """One delivery as its recipient gets it: headers and the framed Avro view."""

    delivery_id: DeliveryId
    organisation: OrganisationId
    role: Role
    message: MessageName
    contract: str
    urgency: Urgency
    headers: Mapping[str, str]
    value: bytes
    by_kafka: bool
    grounds: Grounds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicted:
    """The verdict on a delivery made earlier, which was decided again."""

    delivery_id: DeliveryId
    verdict: Verdict
    decision_id: str
    turn: int
    until: Instant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """One record of hub.outbox: every delivery one message led to."""

    message_id: MessageId
    case: CaseRef
    message: MessageName
    decided_at: Instant
    partition: int
    offset: int
    views: tuple[FramedView, ...]
    original: bytes | None = None
    """The whole message as `Codec.envelope_bytes` writes it; None where nothing is delivered."""
    settled: tuple[Verdicted, ...] = ()


class Dispatch:
    """Writes and reads deliveries."""

    def __init__(self, codec: Codec) -> None:
        """Use this codec's schemas, keys and pairwise identifiers."""
        self._codec = codec
        self._look = LastLook(codec.library)
        self._walked: tuple[bytes, Offsets] | None = None

    def view(self, delivery: Delivery) -> FramedView:
        """Write one delivery: the framed view of its recipient's contract, and its headers.

        Raises:
            LeftIn: Something held back is in what was written; it must not leave.
        """
        view = self._view_of(delivery)
        framed = FramedView(
            delivery_id=delivery.delivery_id,
            organisation=delivery.organisation,
            role=delivery.role,
            message=delivery.message,
            contract=view.version,
            urgency=delivery.urgency,
            headers=self._headers(delivery) | _contract_headers(delivery, view),
            value=self.value(delivery),
            by_kafka=delivery.by_kafka,
            grounds=delivery.grounds,
        )
        redacted = self._as_named(delivery, delivery.allowed.redacted)
        check_envelope(self.record(framed), delivery, redacted=frozenset(redacted))
        return framed

    def value(self, delivery: Delivery) -> bytes:
        """Write what the recipient gets, framed with the id of its view."""
        view = self._view_of(delivery)
        body = self._body(delivery, view)
        self._look.check_bytes(body, view, delivery, as_decided=view.version == delivery.contract)
        return frame(view.id, body)

    def record(self, view: FramedView) -> Encoded:
        """Write a view for hub.to.<organisation>."""
        headers = tuple((name, value.encode()) for name, value in view.headers.items())
        return Encoded(key=view.delivery_id.encode(), value=view.value, headers=headers)

    def outbox(self, outbox: Outbox) -> Encoded:
        """Write the outbox record of one message, sealed under the key of its case."""
        plain = self._codec.framed(
            OUTBOX,
            {
                "message_id": outbox.message_id,
                "case_ref": outbox.case,
                "message": outbox.message.value,
                "decided_at": outbox.decided_at,
                "partition": outbox.partition,
                "offset": outbox.offset,
                "deliveries": [_plain_view(view) for view in outbox.views],
                "original": outbox.original,
                "settled": [
                    {
                        "delivery_id": each.delivery_id,
                        "verdict": each.verdict.value,
                        "decision_id": each.decision_id,
                        "turn": each.turn,
                        "until": each.until,
                    }
                    for each in outbox.settled
                ],
            },
        )
        key_id = case_key(outbox.case)
        value = self._codec.seal(plain, key_id=key_id, place=OUTBOX_TOPIC, record=outbox.case)
        return Encoded(key=outbox.case.encode(), value=value)

    def outbox_from(self, value: bytes, *, key: bytes) -> Outbox:
        """Read an outbox record; NotReadable if its key is erased or it was changed."""
        opened = self._codec.unseal(value, place=OUTBOX_TOPIC, record=key.decode())
        read = self._codec.unframed(OUTBOX, opened)
        return Outbox(
            message_id=MessageId(read["message_id"]),
            case=CaseRef(read["case_ref"]),
            message=MessageName(read["message"]),
            decided_at=Instant(read["decided_at"]),
            partition=read["partition"],
            offset=read["offset"],
            views=tuple(_view_from(plain) for plain in read["deliveries"]),
            original=read["original"],
            settled=tuple(
                Verdicted(
                    delivery_id=DeliveryId(each["delivery_id"]),
                    verdict=Verdict(each["verdict"]),
                    decision_id=each["decision_id"],
                    turn=each["turn"],
                    until=None if each["until"] is None else Instant(each["until"]),
                )
                for each in read["settled"]
            ),
        )

    def _view_of(self, delivery: Delivery) -> Contract:
        """Return the schema the recipient's contract says, in the version it says."""
        terms = delivery.terms
        contract = self._codec.library.contract(delivery.message, terms.version)
        agreed = terms.contract
        if agreed is None:
            return contract
        return view_of(contract, agreed.view, wire_id=agreed.ids.get(terms.version))

    def _body(self, delivery: Delivery, view: Contract) -> bytes:
        """Write what the recipient gets: cut from the bytes in the log where the versions are one."""
        library, source = self._codec.library, delivery.source
        current = library.contract(delivery.message, delivery.contract)
        outside = self._outside(delivery, current)
        if source.written is not None and view.version == current.version:
            changes = changes_between(source.payload, outside)
            if changes:
                changes = fitted(view.shape, changes)
            offsets = self._offsets(current, source.written)
            return cutter_for(current, view).cut(source.written, offsets, changes)
        check_given(delivery.payload, delivery.allowed)
        cast = library.cast(delivery.message, outside, source=current.version, target=view.version)
        written = library.encode(view, fitted(view.shape, cast))
        # As its reader will: what an older version has no room for must not pass for delivered.
        library.check(view, written)
        return written

    def _offsets(self, contract: Contract, written: bytes) -> Offsets:
        """Walk over a message once, however many it goes to: its deliveries come one after the other."""
        if self._walked is None or self._walked[0] is not written:
            self._walked = (written, self._codec.library.check(contract, written))
        return self._walked[1]

    def _as_named(self, delivery: Delivery, paths: Iterable[str]) -> Sequence[str]:
        """Return fields as the recipient's own version names them."""
        version = delivery.terms.version
        if version == delivery.contract:
            return tuple(paths)
        chain = self._codec.library.chain(delivery.message)
        return sorted(chain.paths(frozenset(paths), delivery.contract, version))

    def _outside(self, delivery: Delivery, contract: Contract) -> Mapping[str, object]:
        """Replace the hub's own references in the payload by the recipient's."""
        if not contract.pairwise:
            return delivery.payload
        payload = dict(delivery.payload)
        for path, kind in contract.pairwise:
            if not path.isidentifier():
                message = "a reference of the hub's own stands below the first level of a payload"
                raise ValueError(message)
            found = payload.get(path)
            if isinstance(found, str):
                payload[path] = self._reference(delivery.organisation, kind, found)
        return payload

    def _reference(self, recipient: OrganisationId, kind: str, identifier: str) -> str:
        pairwise = self._codec.pairwise
        if kind == "case":
            return pairwise.case(recipient, CaseRef(identifier))
        return pairwise.message(recipient, MessageId(identifier))

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        pairwise, recipient = self._codec.pairwise, delivery.organisation
        headers = {
            "ce_specversion": "1.0",
            "ce_id": str(delivery.delivery_id),
            "ce_source": "hub",
            "ce_type": f"hub.{delivery.message.value}",
            "ce_subject": pairwise.case(recipient, delivery.case),
            "ce_time": instant_to_text(delivery.occurred_at),
            "content-type": "application/avro",
            "hub-message": pairwise.message(recipient, delivery.message_id),
            "hub-correlation": pairwise.correlation(recipient, delivery.correlation),
            "hub-role": delivery.role.value,
            "hub-statement": delivery.statement.value,
            "hub-recorded": instant_to_text(delivery.recorded_at),
            "hub-urgency": delivery.urgency.value,
        }
        optional = {
            "hub-causation": delivery.causation and pairwise.message(recipient, delivery.causation),
            "hub-author": delivery.author,
            "hub-author-role": delivery.author_role and delivery.author_role.value,
            "hub-author-organisation": delivery.author_organisation,
            "hub-redacted": ",".join(self._as_named(delivery, delivery.redacted)),
            "hub-caveats": ",".join(delivery.caveats),
        }
        return headers | {name: value for name, value in optional.items() if value}


def _contract_headers(delivery: Delivery, view: Contract) -> dict[str, str]:
    """Say by which schema and contract it goes, and as soon as that is known, when the contract ends.

    `ce_deprecation`, `ce_sunset` and `ce_successor` are on Kafka what `Deprecation` (RFC 9745), `Sunset`
    (RFC 8594) and `Link: rel=successor-version` (RFC 5829) are over HTTP.
    """
    headers = {"ce_dataschema": f"urn:hub:{view.name}:{view.version}:{view.digest[:8]}"}
    agreed, phase = delivery.terms.contract, delivery.terms.phase
    if agreed is None or phase is None:
        return headers
    headers |= {"hub-contract": agreed.name, "hub-contract-status": phase.value}
    dates = {"ce_deprecation": agreed.deprecated, "ce_sunset": agreed.sunset}
    headers |= {name: instant_to_text(at) for name, at in dates.items() if at is not None}
    return headers | ({"ce_successor": agreed.alternative} if agreed.alternative else {})


def delivered(deliveries: Sequence[Delivery]) -> dict[tuple[MessageId, OrganisationId, Role], Delivery]:
    """Find the delivery of a decision by its message and candidate."""
    return {(found.message_id, found.organisation, found.role): found for found in deliveries}


def _plain_view(view: FramedView) -> dict[str, object]:
    return {
        "delivery_id": view.delivery_id,
        "organisation": view.organisation,
        "role": view.role.value,
        "message": view.message.value,
        "contract": view.contract,
        "urgency": view.urgency.value,
        "headers": dict(view.headers),
        "value": view.value,
        "by_kafka": view.by_kafka,
        "grounds": None if view.grounds is None else _plain_grounds(view.grounds),
    }


def _plain_grounds(grounds: Grounds) -> dict[str, object]:
    candidate = grounds.candidate
    return {
        "decision_id": grounds.decision_id,
        "concern": candidate.concern.value,
        "persons": sorted(candidate.persons),
        "relevant": candidate.relevant,
        "about": grounds.about,
        "items_held": list(grounds.items_held),
        "turn": grounds.turn,
        "until": grounds.until,
        "part": None if grounds.part is None else to_json(grounds.part),
        "replaces": grounds.replaces,
    }


def _grounds_from(plain: Mapping[str, Any], organisation: str, role: str) -> Grounds:
    candidate = Candidate(
        organisation=OrganisationId(organisation),
        role=Role(role),
        persons=frozenset(plain["persons"]),
        concern=Concern(plain["concern"]),
        relevant=plain["relevant"],
    )
    until, replaces = plain["until"], plain["replaces"]
    return Grounds(
        decision_id=plain["decision_id"],
        candidate=candidate,
        about=plain["about"],
        items_held=tuple(plain["items_held"]),
        turn=plain["turn"],
        until=None if until is None else Instant(until),
        part=None if plain["part"] is None else from_json(plain["part"]),
        replaces=None if replaces is None else DeliveryId(replaces),
    )


def _view_from(plain: Mapping[str, Any]) -> FramedView:
    return FramedView(
        delivery_id=DeliveryId(plain["delivery_id"]),
        organisation=OrganisationId(plain["organisation"]),
        role=Role(plain["role"]),
        message=MessageName(plain["message"]),
        contract=plain["contract"],
        urgency=Urgency(plain["urgency"]),
        headers=plain["headers"],
        value=plain["value"],
        by_kafka=plain["by_kafka"],
        grounds=plain["grounds"] and _grounds_from(plain["grounds"], plain["organisation"], plain["role"]),
    )
