"""Ledger records put together from kept pieces are, byte for byte, what encoding the whole would give."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bench.states import States, all_specs
from hub.consent.decide import lines_of
from hub.consent.decision import Decision
from hub.consent.facts import FlatFacts
from hub.consent.plan import Plan
from hub.consent.vocabulary import BY_CLASS
from hub.errors import Drift
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import DeliveryId
from hub.routing.outcome import Settled, Verdict
from hub.topics import fact_texts, ledger_bytes
from hub.topics.codec import LEDGER, Codec
from hub.topics.evidence import Evidence
from hub.topics.fact_texts import facts_from, facts_text
from hub.topics.keys import FileKeyStore
from hub.topics.ledger_bytes import FIELDS, LedgerWriter, plain_field
from hub.topics.library import SchemaLibrary, unframe
from hub.topics.pairwise import MESSAGE_ID_KEY
from hub.topics.plain import canonical_json
from tests.unit.consent_cases import POLICY, RUNG_2, RUNG_4, ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub.consent.facts import Facts

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


def plain_facts(facts: Facts, evidence: dict[str, list[str | None]]) -> str:
    """Write the facts of a decision as the ledger keeps them, by what it says of their form alone."""
    each = {
        fact: column[0] if len(set(column)) == 1 else list(column)
        for fact, column in zip(BY_CLASS, facts.columns, strict=True)
    }
    return canonical_json(
        {"classes": facts.classes, "each": each, "evidence": evidence, "whole": facts.whole}
    )


def some_facts(seed: int) -> Iterator[tuple[Facts, dict[str, list[str | None]]]]:
    """Yield facts of random states, unknown ones too, and what shows some of them for the first class."""
    states = States(POLICY, all_specs(), seed=seed)
    for number in range(200):
        facts = states.message()[2]
        rest = [None] * (len(facts.classes) - 1)
        shown = {"consent": ["cn-1 (“form” 7)", *rest], "protocol": ["p", *rest]}
        yield facts, shown if number % 2 else {}


@pytest.mark.requirement("R-DIS-09")
@pytest.mark.parametrize("most", [4096, 2])
def test_facts_are_written_once_each_and_read_back_as_they_were(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """From pieces, from the facts by name, or plainly, it is one text; forgetting pieces changes nothing."""
    monkeypatch.setattr(fact_texts, "PIECES_MAX", most)
    for facts, shown in some_facts(9):
        flat = FlatFacts(facts, tuple((fact, tuple(column)) for fact, column in shown.items()))
        text = facts_text(flat)
        assert text.decode() == plain_facts(facts, shown)
        read = facts_from(text)
        assert canonical_json(read) == canonical_json(dict(flat))
        assert ("evidence.consent." + facts.classes[0] in read) == bool(shown)
        assert facts_text(read) == facts_text(dict(reversed(read.items()))) == text


@pytest.mark.requirement("R-DIS-09")
def test_facts_of_classes_in_any_order_give_one_text() -> None:
    """What was decided on is the same, whatever order the classes were asked in."""
    facts, _ = next(some_facts(11))
    back = replace(
        facts, classes=facts.classes[::-1], columns=tuple(column[::-1] for column in facts.columns)
    )
    count = len(facts.classes)
    shown = (("protocol", ("p", *[None] * (count - 1))),)
    also = (("protocol", (*[None] * (count - 1), "p")),)
    assert facts_text(FlatFacts(facts, shown)) == facts_text(FlatFacts(back, also))


@pytest.mark.requirement("R-DIS-09")
def test_facts_as_they_were_written_at_first_are_read_and_proven_still(evidence: Evidence) -> None:
    """Records written before, each fact by its full name; and whoever decided without rules knew none."""
    facts, shown = next(some_facts(12))
    flat = dict(FlatFacts(facts, tuple((fact, tuple(column)) for fact, column in shown.items())))
    at_first = canonical_json(flat).encode()
    assert canonical_json(facts_from(at_first)) == canonical_json(flat)
    digest = evidence._digest(at_first, "d" * 32)
    assert digest != evidence.facts_digest(flat, decision_id="d" * 32)
    assert evidence.proves(digest, flat, decision_id="d" * 32)
    assert not evidence.proves(digest, {**flat, "tier": "other"}, decision_id="d" * 32)
    assert not evidence.proves(digest, flat, decision_id="e" * 32)
    for each in ({}, {"rung": 2}, {**flat, "consent.nothing": "given"}):
        assert facts_text(each) == canonical_json(each).encode()
        assert facts_from(facts_text(each)) == json.loads(canonical_json(each))


@pytest.mark.requirement("R-AUD-04")
def test_the_digest_of_facts_is_the_one_its_standard_gives(evidence: Evidence) -> None:
    """Begun beforehand or not, it is HMAC-SHA-256 (RFC 2104), which others can check."""
    master = evidence._codec.keys.get_or_create(MESSAGE_ID_KEY)
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"ledger-facts").derive(master)
    expected = hmac.new(key, b'd1\0{"rung":2}', "sha256").hexdigest()
    assert evidence.facts_digest({"rung": 2}, decision_id="d1") == expected


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
