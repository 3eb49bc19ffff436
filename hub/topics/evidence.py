"""What is kept as evidence: disclosure decisions in hub.ledger, records set aside in hub.quarantine."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.consent.decision import Candidate, Concern, Decision, FieldDecision, Outcome, Scope
from hub.consent.obligations import is_owed
from hub.errors import NotConfigured, NotReadable
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import HUB, CaseRef, DeliveryId, Instant, MessageId, OrganisationId
from hub.routing.outcome import Verdict
from hub.topics.catalogue import LEDGER as LEDGER_TOPIC
from hub.topics.catalogue import QUARANTINE as QUARANTINE_TOPIC
from hub.topics.codec import LEDGER, QUARANTINE, Codec, Encoded
from hub.topics.fact_texts import facts_from, facts_text, named_text
from hub.topics.keys import KEY_BYTES, case_key, organisation_key
from hub.topics.ledger_bytes import LedgerWriter
from hub.topics.pairwise import MESSAGE_ID_KEY
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.routing.outcome import Settled

DETAIL_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """One record of hub.ledger, its facts still sealed."""

    decision: Decision
    """As decided, but with no facts: those open with `Evidence.facts`."""
    delivery_id: DeliveryId | None
    by_kafka: bool
    """True: the delivery stands on hub.to.<organisation>, so it was disclosed at commit."""
    contract_digest: str | None
    """SHA-256 of the contract whose fields were decided on."""
    facts: Sealed
    facts_digest: str
    """See `Evidence.facts_digest`."""
    partition: int
    offset: int
    again: DeliveryId | None = None
    """The delivery that was decided again, where this was."""
    verdict: Verdict | None = None
    """What became of that delivery."""


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
        self._writer = LedgerWriter(codec.library.by_id(LEDGER))

    def ledger(
        self,
        decision: Decision,
        *,
        delivery_id: DeliveryId | None,
        by_kafka: bool = False,
        partition: int,
        offset: int,
        settled: Settled | None = None,
    ) -> Encoded:
        """Write one decision; its facts are sealed under the key of the case.

        `settled` is the verdict that follows from it, where it was made on a delivery made earlier.
        """
        plain_facts = facts_text(decision.facts)
        key_id = case_key(decision.case)
        nonce, box = self._codec.sealer.boxed(
            plain_facts, key_id=key_id, place=LEDGER_TOPIC, record=decision.decision_id
        )
        value = self._writer.write(
            decision,
            contract_digest=self._contract_digest(decision),
            by_kafka=by_kafka,
            facts=(key_id, nonce, box),
            facts_digest=self._digest(plain_facts, decision.decision_id),
            place=(partition, offset),
            delivery_id=delivery_id,
            settled=settled,
        )
        return Encoded(key=decision.case.encode(), value=value)

    def ledger_from(self, value: bytes) -> Entered:
        """Read one decision."""
        return self.entered(self.ledger_fields(value))

    def entered(self, read: Mapping[str, Any]) -> Entered:
        """Return one decision from the fields of its record, or of its row."""
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
            fields=tuple(field_from(field) for field in read["fields"]),
            policy=read["policy"],
            case_version=read["case_version"],
            facts={},
            decided_at=Instant(read["decided_at"]),
            caveats=tuple(term for term in read["caveats"] if not is_owed(term)),
            obligations=tuple(term for term in read["caveats"] if is_owed(term)),
            message_name=None if read["message"] is None else MessageName(read["message"]),
            contract=read["contract"],
        )
        return Entered(
            decision=decision,
            delivery_id=read["delivery_id"],
            by_kafka=read["by_kafka"],
            contract_digest=read["contract_digest"],
            facts=Sealed(key_id=read["facts_key"], nonce=read["facts_nonce"], box=read["facts_box"]),
            facts_digest=read["facts_digest"],
            partition=read["partition"],
            offset=read["offset"],
            again=read["again"],
            verdict=None if read["verdict"] is None else Verdict(read["verdict"]),
        )

    def ledger_fields(self, value: bytes) -> dict[str, Any]:
        """Read one decision as the schema `ledger` names its fields; the facts stay sealed."""
        return self._codec.unframed(LEDGER, value)

    def facts_digest(self, facts: Mapping[str, object], *, decision_id: str) -> str:
        """Return the digest by which the ledger knows the facts of a decision.

        It outlives the key of the case, so it is keyed: whoever has the ledger alone can neither try
        out what the facts were nor see which decisions looked at the same ones.
        """
        return self._digest(facts_text(facts), decision_id)

    def proves(self, digest: str, facts: Mapping[str, object], *, decision_id: str) -> bool:
        """Tell whether these are the facts of a decision by the digest the ledger has of them."""
        texts = (facts_text(facts), named_text(facts))
        return any(hmac.compare_digest(self._digest(text, decision_id), digest) for text in texts)

    def facts(self, sealed: Sealed, *, decision_id: str) -> dict[str, object]:
        """Open the facts a decision looked at."""
        opened = self._codec.sealer.open(sealed, place=LEDGER_TOPIC, record=decision_id)
        return facts_from(opened)

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
        read = self.quarantine_fields(value)
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

    def quarantine_fields(self, value: bytes) -> dict[str, Any]:
        """Read a record set aside as the schema `quarantine` names its fields; the original stays sealed."""
        return self._codec.unframed(QUARANTINE, value)

    def seal_original(self, plain: bytes, *, organisation: OrganisationId, record_id: MessageId) -> Sealed:
        """Seal the original of a record set aside, under the key of the organisation that sent it.

        Where that key is erased or damaged, nothing of the original may be kept: an empty one stands
        in its place, under the hub's own key, so that the record can still be set aside.
        """
        try:
            return self._sealed_original(plain, organisation, record_id)
        except (NotReadable, NotConfigured):
            return self._sealed_original(b"", HUB, record_id)

    def original(self, aside: SetAside) -> bytes:
        """Open the original of a record set aside."""
        return self._codec.sealer.open(aside.original, place=QUARANTINE_TOPIC, record=aside.record_id)

    def _sealed_original(self, plain: bytes, organisation: OrganisationId, record_id: MessageId) -> Sealed:
        key_id = organisation_key(organisation)
        return self._codec.sealer.seal(plain, key_id=key_id, place=QUARANTINE_TOPIC, record=record_id)

    def _contract_digest(self, decision: Decision) -> str | None:
        if decision.message_name is None or decision.contract is None:
            return None
        return self._codec.library.contract(decision.message_name, decision.contract).digest

    def _digest(self, plain_facts: bytes, decision_id: str) -> str:
        inner, outer = _facts_digest_of(self._codec.keys.get_or_create(MESSAGE_ID_KEY))
        keyed = inner.copy()
        keyed.update(b"%b\0%b" % (decision_id.encode(), plain_facts))
        keyed_twice = outer.copy()
        keyed_twice.update(keyed.digest())
        return keyed_twice.hexdigest()


@lru_cache(maxsize=4)
def _facts_digest_of(master: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Begin a digest under a key of its own, so that no digest can pass for a message id.

    It is HMAC-SHA-256 with both its passes begun: copying them is faster than copying an `hmac.HMAC`.
    """
    key = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"ledger-facts").derive(master)
    block = key.ljust(hashlib.sha256().block_size, b"\0")
    return hashlib.sha256(block.translate(hmac.trans_36)), hashlib.sha256(block.translate(hmac.trans_5C))


def field_from(plain: Mapping[str, Any]) -> FieldDecision:
    """Read the decision on one field as the ledger has it, in Kafka or in the database."""
    return FieldDecision(
        path=plain["path"],
        scope=Scope(plain["scope"]),
        outcome=Outcome[plain["outcome"].upper()],
        reason=plain["reason"],
        basis=plain["basis"],
        rules=tuple(plain["rules"]),
        alternates=tuple(plain["alternates"]),
    )
