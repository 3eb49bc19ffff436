"""The ledger as evidence: what it says besides the fields, and what it keeps of facts once erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.consent.decision import Candidate, Concern, Decision
from hub.errors import NotReadable
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import HUB, CaseRef, DeliveryId, Instant, MessageId, OrganisationId
from hub.topics.codec import Codec
from hub.topics.delivery_box import open_delivery, seal_delivery
from hub.topics.evidence import Evidence, SetAside
from hub.topics.keys import FileKeyStore, case_key, organisation_key
from hub.topics.library import SchemaLibrary

if TYPE_CHECKING:
    from pathlib import Path

CASE = CaseRef("c" * 32)
MESSAGE = MessageId("a" * 32)
DELIVERY = DeliveryId("d" * 32)
PARTY = OrganisationId("northmoor-trust")
LIBRARY = SchemaLibrary.load()


@pytest.fixture
def keys(tmp_path: Path) -> FileKeyStore:
    """Keys of this test."""
    return FileKeyStore(tmp_path, memory_s_max=0)


@pytest.fixture
def codec(keys: FileKeyStore) -> Codec:
    """A codec with them."""
    return Codec(library=LIBRARY, keys=keys)


def decision(number: int = 1) -> Decision:
    """A decision that delivers on terms."""
    return Decision(
        decision_id=f"{number:032x}",
        message=MESSAGE,
        case=CASE,
        candidate=Candidate(
            organisation=PARTY, role=Role.KEY_WORKER, persons=frozenset(), concern=Concern.TEAM, relevant=None
        ),
        purpose="progress",
        delivers=True,
        gate=None,
        fields=(),
        policy="1:abc",
        case_version=1,
        facts={"rung": 2},
        decided_at=Instant(8),
        caveats=("NO-ONWARD-DISCLOSURE", "DESTROY-ON-COMPLETION"),
        obligations=("ACKNOWLEDGE-WITHIN:24h", "NOTIFY-OM"),
        message_name=MessageName.PROGRESS,
        contract="1.0",
    )


@pytest.mark.requirement("R-DIS-09")
def test_ledger_names_terms_contract_and_way_of_a_disclosure(codec: Codec) -> None:
    """What the recipient took on, what its paths mean, and that Kafka disclosed it at commit."""
    evidence = Evidence(codec)
    written = evidence.ledger(decision(), delivery_id=DELIVERY, by_kafka=True, partition=0, offset=1)
    entered = evidence.ledger_from(written.value)
    assert entered.decision.caveats == ("NO-ONWARD-DISCLOSURE", "DESTROY-ON-COMPLETION")
    assert entered.decision.obligations == ("ACKNOWLEDGE-WITHIN:24h", "NOTIFY-OM")
    assert entered.by_kafka
    assert (entered.decision.message_name, entered.decision.contract) == (MessageName.PROGRESS, "1.0")
    assert entered.contract_digest == LIBRARY.contract("progress", "1.0").digest


@pytest.mark.requirement("R-AUD-04")
def test_digest_of_facts_proves_them_after_erasure_and_tells_nothing(
    codec: Codec, keys: FileKeyStore, tmp_path: Path
) -> None:
    """Facts that are shown can be checked; without the hub's key they cannot be tried out or compared."""
    evidence = Evidence(codec)
    first, second = (
        evidence.ledger_from(
            evidence.ledger(decision(number), delivery_id=None, partition=0, offset=number).value
        )
        for number in (1, 2)
    )
    keys.erase(case_key(CASE))
    with pytest.raises(NotReadable, match="erased"):
        evidence.facts(first.facts, decision_id=first.decision.decision_id)
    assert first.facts_digest == evidence.facts_digest({"rung": 2}, decision_id=f"{1:032x}")
    assert first.facts_digest != evidence.facts_digest({"rung": 3}, decision_id=f"{1:032x}")
    assert first.facts_digest != second.facts_digest
    other = Evidence(Codec(library=LIBRARY, keys=FileKeyStore(tmp_path / "other")))
    assert other.facts_digest({"rung": 2}, decision_id=f"{1:032x}") != first.facts_digest


@pytest.mark.requirement("R-DEL-02")
@pytest.mark.parametrize("damage", ["erased", "damaged"])
def test_record_is_set_aside_without_its_original_when_the_key_of_its_sender_is_gone(
    codec: Codec, keys: FileKeyStore, tmp_path: Path, damage: str
) -> None:
    """The record itself still names its reason; of what was sent nothing is kept."""
    keys.get_or_create(organisation_key(PARTY))
    if damage == "erased":
        keys.erase(organisation_key(PARTY))
    else:
        (tmp_path / organisation_key(PARTY)).write_bytes(b"short")
    evidence = Evidence(codec)
    original = evidence.seal_original(b"what was sent", organisation=PARTY, record_id=MESSAGE)
    aside = SetAside(
        record_id=MESSAGE,
        message_id=None,
        organisation=PARTY,
        message=None,
        code="NOT-AVRO",
        detail="for the test",
        original=original,
        set_aside_at=Instant(1),
        partition=0,
        offset=5,
    )
    read = evidence.quarantine_from(evidence.quarantine(aside).value)
    assert read.original.key_id == organisation_key(HUB)
    assert evidence.original(read) == b""


@pytest.mark.requirement("R-AUD-04")
def test_box_of_a_delivery_gives_back_headers_and_view_and_opens_nowhere_else(codec: Codec) -> None:
    """Headers in any script, a view of any bytes; bound to the delivery it was made for."""
    headers = {"ce_id": DELIVERY, "hub-author": "Ffion Ŵ"}
    for view in (b"", b"\x00" * 9):
        sealed = seal_delivery(
            codec.sealer, delivery_id=DELIVERY, key_id=case_key(CASE), headers=headers, view=view
        )
        assert open_delivery(codec.sealer, sealed, delivery_id=DELIVERY) == (headers, view)
        with pytest.raises(NotReadable):
            open_delivery(codec.sealer, sealed, delivery_id=DeliveryId("e" * 32))
