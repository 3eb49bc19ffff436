"""The codec: what is written is read back, sealed to its place, and what is not ours is told apart."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cases.case import Case, ConsentGiven, ConsentState, Member, Plan, Referral, ReferralState, Rosh
from hub.cases.state import to_json
from hub.consent.decision import Candidate, Concern, Decision, FieldDecision, Outcome, Scope
from hub.errors import NotReadable
from hub.messages.envelope import Control, InformationClass, Role, Submission, Tick, Unreadable
from hub.messages.identifiers import HUB, CaseRef, DeliveryId, Instant, MessageId, OrganisationId
from hub.topics.codec import Codec
from hub.topics.dispatch import Dispatch, Outbox
from hub.topics.evidence import Evidence, SetAside
from hub.topics.library import SchemaLibrary, frame, unframe
from tests.faults import world

if TYPE_CHECKING:
    from pathlib import Path

CASE = CaseRef("c" * 32)
RECORD = MessageId("f" * 32)
ORGANISATION = OrganisationId("harbour-trust")


@pytest.fixture
def codec(tmp_path: Path) -> Codec:
    """A codec with keys of its own."""
    return world.codec_in(tmp_path)


def read(codec: Codec, value: bytes, key: bytes = CASE.encode()) -> object:
    """Read an intake record."""
    return codec.entry(value, key=key, record_id=RECORD)


@pytest.mark.requirement("R-MSG-12")
def test_submission_is_the_same_when_written_and_read(codec: Codec) -> None:
    submission = world.message(CASE, 3)
    declared = {"note": InformationClass.HEALTH}
    envelope = replace(submission.envelope, declared=declared, causation=MessageId("a" * 32))
    encoded = codec.submission(Submission(envelope=envelope, payload=submission.payload))
    found = read(codec, encoded.value)
    assert isinstance(found, Submission)
    assert found.envelope == envelope
    assert {name: value for name, value in found.payload.items() if value is not None} == submission.payload


def test_submission_shows_nothing_of_its_payload_when_it_stands_in_the_log(codec: Codec) -> None:
    encoded = codec.submission(world.message(CASE, 1, note="Marigold Featherstonehaugh"))
    assert b"Marigold" not in encoded.value + encoded.key
    assert dict(encoded.headers) == {"hub-organisation": world.SENDER.encode()}


@pytest.mark.parametrize("control_body", [{"a": [1, {"b": None}]}, {}])
def test_control_and_tick_are_the_same_when_written_and_read(
    codec: Codec, control_body: dict[str, object]
) -> None:
    control = Control(
        control_id=RECORD, kind="policy", name="current", effective_at=Instant(5), body=control_body
    )
    tick = Tick(tick_id=RECORD, due_at=Instant(9))
    assert read(codec, codec.control(control).value) == control
    assert read(codec, codec.tick(tick).value) == tick


@given(st.binary(max_size=200))
def test_entry_is_unreadable_and_never_an_error_when_bytes_are_arbitrary(data: bytes) -> None:
    found = read(CODEC_WITHOUT_KEYS, data)
    assert isinstance(found, Unreadable)
    assert found.record_id == RECORD


def test_entry_is_unreadable_with_its_reason_when_a_record_was_tampered_with(codec: Codec) -> None:
    value = codec.submission(world.message(CASE, 1)).value
    for broken, code in (
        (value[:-1] + bytes([value[-1] ^ 1]), "SEAL-BROKEN"),
        (value[:20], "AVRO-TRUNCATED"),
        (value + b"x", "AVRO-TRAILING"),
        (frame(999, b""), "CONTRACT-UNKNOWN"),
        (frame(1, b""), "CONTRACT-UNKNOWN"),
        (b"", "NOT-AVRO"),
    ):
        found = read(codec, broken)
        assert isinstance(found, Unreadable)
        assert found.code == code


def test_entry_is_unreadable_when_a_record_was_moved_to_another_case(codec: Codec) -> None:
    found = read(codec, codec.submission(world.message(CASE, 1)).value, key=b"d" * 32)
    assert isinstance(found, Unreadable)
    assert found.code == "SEAL-BROKEN"


@pytest.mark.requirement("R-AUD-04")
def test_content_is_gone_everywhere_when_the_key_of_the_person_is_erased(codec: Codec) -> None:
    codec.keys.get_or_create(f"case-{CASE}")
    intake = codec.submission(world.message(CASE, 1)).value
    state = codec.case(full_case()).value
    codec.keys.erase(f"case-{CASE}")  # type: ignore[attr-defined]
    found = read(codec, intake)
    assert isinstance(found, Unreadable)
    assert found.code == "KEY-ERASED"
    with pytest.raises(NotReadable) as refused:
        codec.case_from(CASE, state)
    assert refused.value.code == "KEY-ERASED"


def full_case() -> Case:
    """A case with something in most of its fields."""
    return Case(
        ref=CASE,
        jurisdiction="ENGLAND_AND_WALES",
        opened_at=Instant(1),
        opened_by=ORGANISATION,
        tier=4,
        rosh=Rosh.VERY_HIGH,
        team=(Member(role=Role.KEY_WORKER, organisation=ORGANISATION, person="staff-2", since=Instant(2)),),
        referrals=(
            Referral(
                referral="R1", provider=ORGANISATION, rung=2, intervention="I", category=None,
                state=ReferralState.STARTED, offered_at=Instant(3),
            ),
        ),
        plan=Plan(version=2, message=RECORD, organisations=frozenset({ORGANISATION}), offset=7),
        consents=(
            ConsentGiven(
                consent="K1", state=ConsentState.WITHDRAWN, organisation=None,
                classes=frozenset({InformationClass.HEALTH, InformationClass.RISK}), purposes=frozenset(),
                since=Instant(4), until=None,
            ),
        ),
        version=9,
    )  # fmt: skip


def test_case_is_the_same_when_written_and_read(codec: Codec) -> None:
    assert codec.case_from(CASE, codec.case(full_case()).value) == full_case()


def test_case_is_packed_before_it_is_sealed_and_one_an_earlier_hub_wrote_is_read(codec: Codec) -> None:
    """What repeats takes no room; the record of before had the text as it was."""
    case = full_case()
    many = replace(case, team=tuple(replace(case.team[0], person=f"staff-{number}") for number in range(200)))
    assert len(codec.case(many).value) < len(to_json(many)) / 5
    assert codec.case_from(CASE, codec.case(many).value) == many
    plain = codec.seal(to_json(case), key_id=f"case-{CASE}", place="hub.state.cases", record=CASE)
    assert codec.case_from(CASE, plain) == case


@pytest.mark.parametrize(
    "data", [b"", b"x", zlib.compress(b"[]"), zlib.compress(b"{}" * 9)[:-4], zlib.compress(b" " * 9_000_000)]
)
def test_what_is_no_packed_case_is_refused(codec: Codec, data: bytes) -> None:
    """Cut off, another thing, or one that would fill the memory."""
    sealed = codec.seal(data, key_id=f"case-{CASE}", place="hub.state.cases", record=CASE)
    with pytest.raises(NotReadable) as refused:
        codec.case_from(CASE, sealed)
    assert refused.value.code == "RECORD-INVALID"


@pytest.mark.requirement("R-DIS-01")
def test_outbox_holds_the_views_recipients_get(codec: Codec) -> None:
    dispatch = Dispatch(codec)
    submission = world.message(CASE, 4)
    views = tuple(dispatch.view(world._delivery(submission, name, "4/4")) for name in world.RECIPIENTS)
    outbox = Outbox(
        message_id=submission.envelope.message_id, case=CASE, message=submission.envelope.message,
        decided_at=Instant(6), partition=3, offset=7, views=views,
    )  # fmt: skip
    encoded = dispatch.outbox(outbox)
    assert dispatch.outbox_from(encoded.value, key=encoded.key) == outbox
    number, body = unframe(views[0].value)
    assert codec.library.decode(codec.library.by_id(number), body)["note"] == "4/4"


@pytest.mark.requirement("R-DIS-01")
def test_headers_carry_no_internal_identifier_when_a_delivery_leaves(codec: Codec) -> None:
    submission = world.message(CASE, 1)
    views = [Dispatch(codec).view(world._delivery(submission, name, "1/1")) for name in world.RECIPIENTS]
    for view in views:
        text = " ".join(view.headers.values())
        assert CASE not in text
        assert submission.envelope.message_id not in text
    assert len({view.headers["ce_subject"] for view in views}) == len(views)
    assert "hub-causation" not in views[0].headers


@pytest.mark.requirement("R-DIS-09")
def test_decision_is_the_same_when_entered_and_read(codec: Codec) -> None:
    evidence = Evidence(codec)
    field = FieldDecision(
        path="note", scope=Scope.ALL, outcome=Outcome.GENERALISE, reason="R", basis=None, rules=("r1",)
    )
    decision = Decision(
        decision_id="d1", message=RECORD, case=CASE,
        candidate=Candidate(
            organisation=ORGANISATION, role=Role.KEY_WORKER, persons=frozenset(), concern=Concern.TEAM,
            relevant=None,
        ),
        purpose="progress", delivers=True, gate=None, fields=(field,), policy="p", case_version=2,
        facts={"rung": 2, "classes": frozenset({"b", "a"})}, decided_at=Instant(8),
    )  # fmt: skip
    encoded = evidence.ledger(decision, delivery_id=DeliveryId("x"), partition=1, offset=2)
    found = evidence.ledger_from(encoded.value)
    assert found.decision == replace(decision, facts={})
    assert evidence.facts(found.facts, decision_id="d1") == {"rung": 2, "classes": ["a", "b"]}
    assert (found.delivery_id, found.partition, found.offset) == ("x", 1, 2)


@pytest.mark.requirement("R-DEL-02")
def test_record_set_aside_keeps_its_original_sealed_for_staff(codec: Codec) -> None:
    evidence = Evidence(codec)
    original = evidence.seal_original(b"original", organisation=ORGANISATION, record_id=RECORD)
    aside = SetAside(
        record_id=RECORD, message_id=None, organisation=ORGANISATION, message=None, code="NOT-AVRO",
        detail="the record could not be read", original=original, set_aside_at=Instant(1), partition=0,
        offset=5,
    )  # fmt: skip
    found = evidence.quarantine_from(evidence.quarantine(aside).value)
    assert found == aside
    assert evidence.original(found) == b"original"


class _NoKeys:
    """A store without any key."""

    def get(self, key_id: str) -> bytes | None:
        """None: there is none."""
        del key_id
        return None

    def get_or_create(self, key_id: str) -> bytes:
        """Always the same key."""
        del key_id
        return bytes(32)


CODEC_WITHOUT_KEYS = Codec(library=SchemaLibrary.load(), keys=_NoKeys())


@pytest.mark.requirement("R-DIS-01")
def test_a_message_on_a_case_there_is_not_makes_no_key(codec: Codec) -> None:
    """It is sealed under its sender's key, and so is one on a case whose key was erased."""
    sent = world.message(CASE, 1)
    first = codec.sealed_from(codec.submission(sent).value)
    codec.keys.get_or_create(f"case-{CASE}")
    known = codec.sealed_from(codec.submission(sent).value)
    codec.keys.erase(f"case-{CASE}")  # type: ignore[attr-defined]
    erased = codec.sealed_from(codec.submission(sent).value)
    sender = f"organisation-{sent.envelope.organisation}"
    codec.keys.erase(sender)  # type: ignore[attr-defined]
    both = codec.sealed_from(codec.submission(sent).value)
    found = [sealed.key_id for sealed in (first, known, erased, both)]
    assert found == [sender, f"case-{CASE}", sender, "organisation-hub"]


@pytest.mark.requirement("R-DEL-02")
def test_an_unreadable_record_with_a_header_that_names_nobody_is_the_hubs_own(codec: Codec) -> None:
    """A header that names no organisation must not stop the line: no key could ever be named after it."""
    found = codec.entry(
        b"noise", key=b"k", record_id=MessageId("a" * 32), headers={"hub-organisation": b"BAD ORG"}
    )
    assert isinstance(found, Unreadable)
    assert found.organisation == HUB
