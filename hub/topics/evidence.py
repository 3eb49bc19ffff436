"""What is kept as evidence: disclosure decisions in hub.ledger, records set aside in hub.quarantine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.consent.decision import Candidate, Concern, Decision, FieldDecision, Outcome, Scope
from hub.messages.envelope import Role
from hub.messages.identifiers import CaseRef, DeliveryId, Instant, MessageId, OrganisationId
from hub.topics.catalogue import LEDGER as LEDGER_TOPIC
from hub.topics.catalogue import QUARANTINE as QUARANTINE_TOPIC
from hub.topics.codec import LEDGER, QUARANTINE, Codec, Encoded
from hub.topics.keys import case_key, organisation_key
from hub.topics.plain import canonical_json
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Mapping

DETAIL_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """One record of hub.ledger, its facts still sealed."""

    decision: Decision
    """As decided, but with no facts: those open with `Evidence.facts`."""
    delivery_id: DeliveryId | None
    facts: Sealed
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """One record of hub.quarantine; the original opens with `Evidence.original`."""

    record_id: MessageId
    message_id: MessageId | None
    organisation: OrganisationId
    message: str | None
    code: str
    detail: str
    original: Sealed
    set_aside_at: Instant
    partition: int
    offset: int


class Evidence:
    """Writes and reads the ledger and the quarantine."""

    def __init__(self, codec: Codec) -> None:
        """Use this codec's schemas and keys."""
        self._codec = codec

    def ledger(
        self,
        decision: Decision,
        *,
        delivery_id: DeliveryId | None,
        partition: int,
        offset: int,
    ) -> Encoded:
        """Write one decision; its facts are sealed under the key of the case."""
        candidate = decision.candidate
        facts = self._codec.sealer.seal(
            canonical_json(decision.facts).encode(),
            key_id=case_key(decision.case),
            place=LEDGER_TOPIC,
            record=decision.decision_id,
        )
        fields = {
            "decision_id": decision.decision_id,
            "message_id": decision.message,
            "case_ref": decision.case,
            "organisation": candidate.organisation,
            "role": candidate.role.value,
            "concern": candidate.concern.value,
            "purpose": decision.purpose,
            "delivers": decision.delivers,
            "gate": decision.gate,
            "fields": [_plain_field(field) for field in decision.fields],
            "policy": decision.policy,
            "case_version": decision.case_version,
            "facts_key": facts.key_id,
            "facts_nonce": facts.nonce,
            "facts_box": facts.box,
            "decided_at": decision.decided_at,
            "partition": partition,
            "offset": offset,
            "delivery_id": delivery_id,
        }
        return Encoded(key=decision.case.encode(), value=self._codec.framed(LEDGER, fields))

    def ledger_from(self, value: bytes) -> Entered:
        """Read one decision."""
        read = self._codec.unframed(LEDGER, value)
        candidate = Candidate(
            organisation=OrganisationId(read["organisation"]),
            role=Role(read["role"]),
            persons=frozenset(),
            concern=Concern(read["concern"]),
            relevant=None,
        )
        decision = Decision(
            decision_id=read["decision_id"],
            message=MessageId(read["message_id"]),
            case=CaseRef(read["case_ref"]),
            candidate=candidate,
            purpose=read["purpose"],
            delivers=read["delivers"],
            gate=read["gate"],
            fields=tuple(_field_from(field) for field in read["fields"]),
            policy=read["policy"],
            case_version=read["case_version"],
            facts={},
            decided_at=Instant(read["decided_at"]),
        )
        return Entered(
            decision=decision,
            delivery_id=read["delivery_id"],
            facts=Sealed(key_id=read["facts_key"], nonce=read["facts_nonce"], box=read["facts_box"]),
            partition=read["partition"],
            offset=read["offset"],
        )

    def facts(self, sealed: Sealed, *, decision_id: str) -> dict[str, object]:
        """Open the facts a decision looked at."""
        opened = self._codec.sealer.open(sealed, place=LEDGER_TOPIC, record=decision_id)
        return dict(json.loads(opened))

    def quarantine(self, aside: SetAside) -> Encoded:
        """Write a record set aside."""
        fields = {
            "record_id": aside.record_id,
            "message_id": aside.message_id,
            "organisation": aside.organisation,
            "message": aside.message,
            "code": aside.code,
            "detail": aside.detail[:DETAIL_LENGTH_MAX],
            "key_id": aside.original.key_id,
            "nonce": aside.original.nonce,
            "box": aside.original.box,
            "set_aside_at": aside.set_aside_at,
            "partition": aside.partition,
            "offset": aside.offset,
        }
        return Encoded(key=aside.record_id.encode(), value=self._codec.framed(QUARANTINE, fields))

    def quarantine_from(self, value: bytes) -> SetAside:
        """Read a record set aside."""
        read = self._codec.unframed(QUARANTINE, value)
        message_id = read["message_id"]
        return SetAside(
            record_id=MessageId(read["record_id"]),
            message_id=None if message_id is None else MessageId(message_id),
            organisation=OrganisationId(read["organisation"]),
            message=read["message"],
            code=read["code"],
            detail=read["detail"],
            original=Sealed(key_id=read["key_id"], nonce=read["nonce"], box=read["box"]),
            set_aside_at=Instant(read["set_aside_at"]),
            partition=read["partition"],
            offset=read["offset"],
        )

    def seal_original(self, plain: bytes, *, organisation: OrganisationId, record_id: MessageId) -> Sealed:
        """Seal the original of a record set aside, under the key of the organisation that sent it."""
        key_id = organisation_key(organisation)
        return self._codec.sealer.seal(plain, key_id=key_id, place=QUARANTINE_TOPIC, record=record_id)

    def original(self, aside: SetAside) -> bytes:
        """Open the original of a record set aside."""
        return self._codec.sealer.open(aside.original, place=QUARANTINE_TOPIC, record=aside.record_id)


def _plain_field(field: FieldDecision) -> dict[str, object]:
    return {
        "path": field.path,
        "scope": field.scope.value,
        "outcome": field.outcome.name.lower(),
        "reason": field.reason,
        "basis": field.basis,
        "rules": list(field.rules),
        "alternates": list(field.alternates),
    }


def _field_from(plain: Mapping[str, Any]) -> FieldDecision:
    return FieldDecision(
        path=plain["path"],
        scope=Scope(plain["scope"]),
        outcome=Outcome[plain["outcome"].upper()],
        reason=plain["reason"],
        basis=plain["basis"],
        rules=tuple(plain["rules"]),
        alternates=tuple(plain["alternates"]),
    )
