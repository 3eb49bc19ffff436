"""Ledger records put together from kept pieces are, byte for byte, what encoding the whole would give."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.states import States, all_specs
from hub.consent.decide import lines_of
from hub.consent.decision import Decision
from hub.consent.facts import FlatFacts
from hub.consent.plan import Plan
from hub.errors import Drift
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import DeliveryId
from hub.routing.outcome import Settled, Verdict
from hub.topics import fact_texts, ledger_bytes
from hub.topics.codec import LEDGER, Codec
from hub.topics.evidence import Evidence
from hub.topics.fact_texts import facts_text
from hub.topics.keys import FileKeyStore
from hub.topics.ledger_bytes import FIELDS, LedgerWriter, plain_field
from hub.topics.library import SchemaLibrary, unframe
from hub.topics.plain import canonical_json
from tests.unit.consent_cases import POLICY, RUNG_2, RUNG_4, ask

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = SchemaLibrary.load()


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    """Evidence with keys of its own."""
    return Evidence(Codec(library=LIBRARY, keys=FileKeyStore(tmp_path)))


def plainly(
    decision: Decision,
    read: dict[str, object],
    *,
    delivery_id: str | None,
    settled: Settled | None = None,
) -> bytes:
    """Encode a record field by field, as the schema names them; what is sealed is taken as it was."""
    fields = {
        "decision_id": decision.decision_id,
        "message_id": decision.message,
        "case_ref": decision.case,
        "organisation": decision.candidate.organisation,
        "role": decision.candidate.role.value,
        "concern": decision.candidate.concern.value,
        "message": decision.message_name and decision.message_name.value,
        "contract": decision.contract,
        "contract_digest": read["contract_digest"],
        "purpose": decision.purpose,
        "delivers": decision.delivers,
        "by_kafka": True,
        "gate": decision.gate,
        "fields": [plain_field(each) for each in decision.fields],
        "caveats": [*decision.caveats, *decision.obligations],
        "policy": decision.policy,
        "case_version": decision.case_version,
        "facts_key": read["facts_key"],
        "facts_nonce": read["facts_nonce"],
        "facts_box": read["facts_box"],
        "facts_digest": read["facts_digest"],
        "decided_at": decision.decided_at,
        "partition": 3,
        "offset": 1 << 40,
        "delivery_id": delivery_id,
        "again": settled and settled.delivery_id,
        "verdict": settled and settled.verdict.value,
    }
    assert tuple(fields) == FIELDS
    return LIBRARY.encode(LIBRARY.by_id(LEDGER), fields)


@pytest.mark.requirement("R-DIS-09")
def test_a_record_put_together_from_pieces_is_the_one_its_schema_gives(evidence: Evidence) -> None:
    """Decisions of every message and some roles, shared fields and fields of their own, with and without."""
    for message in MessageName:
        for name in (RUNG_2, RUNG_4):
            for _ in range(2):
                decision = ask(message, Role.KEY_WORKER, name)
                for each in (
                    decision,
                    replace(decision, fields=decision.fields[:3]),
                    replace(decision, fields=()),
                ):
                    delivery_id = DeliveryId("d" * 32) if each.delivers else None
                    value = evidence.ledger(
                        each, delivery_id=delivery_id, by_kafka=True, partition=3, offset=1 << 40
                    ).value
                    read = evidence.ledger_fields(value)
                    assert unframe(value) == (LEDGER, plainly(each, read, delivery_id=delivery_id))


@pytest.mark.requirement("R-DIS-05", "R-DIS-09")
@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_decision_made_again_is_written_with_its_verdict_and_what_it_obliges_to(
    evidence: Evidence, verdict: Verdict
) -> None:
    decision = replace(
        ask(MessageName.PLAN, Role.KEY_WORKER, RUNG_2),
        obligations=("ACKNOWLEDGE-WITHIN:24h", "NOTIFY-OM"),
    )
    settled = Settled(
        delivery_id=DeliveryId("e" * 32), verdict=verdict, decision=decision, turn=1, until=None
    )
    value = evidence.ledger(
        decision, delivery_id=None, by_kafka=True, partition=3, offset=1 << 40, settled=settled
    ).value
    read = evidence.ledger_fields(value)
    assert unframe(value) == (LEDGER, plainly(decision, read, delivery_id=None, settled=settled))
    assert (read["again"], read["verdict"]) == ("e" * 32, verdict.value)
    assert {"ACKNOWLEDGE-WITHIN:24h", "NOTIFY-OM"} <= set(read["caveats"])


@pytest.mark.requirement("R-DIS-09")
def test_a_record_without_message_or_contract_is_written_too(evidence: Evidence) -> None:
    """Decisions of the time before messages were named, and those made without a policy."""
    decision = replace(
        ask(MessageName.CASE, Role.KEY_WORKER, RUNG_2), message_name=None, contract=None, facts={}, caveats=()
    )
    value = evidence.ledger(decision, delivery_id=None, by_kafka=True, partition=3, offset=1 << 40).value

    read = evidence.ledger_fields(value)
    assert unframe(value) == (LEDGER, plainly(decision, read, delivery_id=None))


@pytest.mark.requirement("R-DIS-09")
def test_facts_put_together_from_pieces_are_canonical_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts of random states, unknown ones too; and forgetting the pieces changes nothing."""
    states = States(POLICY, all_specs(), seed=9)
    for most in (4096, 2):
        monkeypatch.setattr(fact_texts, "PIECES_MAX", most)
        for number in range(200):
            shown = {"evidence.consent.risk": "cn-1 (form 7)", "evidence.protocol.risk": "p"}
            flat = FlatFacts(states.message()[2], shown if number % 2 else {})
            text = facts_text(flat)
            assert text == canonical_json(dict(flat))
            assert json.loads(text) == json.loads(canonical_json(flat))
    assert facts_text({"rung": 2}) == '{"rung":2}'


@pytest.mark.requirement("R-DIS-09")
def test_runs_of_fields_kept_are_bounded_and_never_taken_for_others(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is kept, what is read back is what was decided."""
    monkeypatch.setattr(ledger_bytes, "RUNS_MAX", 3)
    states = States(POLICY, all_specs(), seed=10)
    pattern = ask(MessageName.CASE, Role.KEY_WORKER, RUNG_2)
    for _ in range(100):
        message, specs, facts = states.message()
        plan = Plan(POLICY, message, tuple(lines_of(POLICY, message, specs, {})))
        decision = replace(pattern, fields=plan.answer(facts).fields)
        value = evidence.ledger(decision, delivery_id=None, partition=0, offset=0).value
        assert evidence.ledger_from(value).decision.fields == decision.fields


def test_a_ledger_of_another_shape_is_not_written_to() -> None:
    """A field more in the schema would shift all that comes after it."""
    with pytest.raises(Drift):
        LedgerWriter(LIBRARY.contract("quarantine", "1.0"))
