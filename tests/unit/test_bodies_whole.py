"""Whole bodies: envelope and payload together, the same from the HTTP door and the Kafka door."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from hub.errors import Fault, InvalidBody, NotReadable
from hub.topics.bodies import SUBMISSION, check_native_submission, check_submission
from hub.topics.library import SchemaLibrary

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARY = SchemaLibrary.load()
PROGRESS = LIBRARY.contract("progress", "1.0")
SUBMITTED = LIBRARY.contract("submission", SUBMISSION)
OPENED = {"action": "OPENED"}
SESSION = {"referral": "KD4372AC", "kind": "SESSION", "session_at": "2026-03-02T10:15:00+01:00"}
BODY: dict[str, Any] = {
    "contract": "1.0",
    "case": "case_mfrggzdfmztwq2lkmfrggzdf",
    "occurred_at": "2026-03-02T09:15:00Z",
    "author": "kw-rowan",
    "author_role": "key_worker",
    "statement": "fact",
    "data": SESSION,
}
STRAY = "Zyxwvut"


def faults(check: Callable[[], object]) -> dict[str, Fault]:
    """Return the faults of a refused body by pointer."""
    with pytest.raises(InvalidBody) as refused:
        check()
    return {fault.pointer: fault for fault in refused.value.faults}


@pytest.mark.requirement("R-MSG-12")
def test_whole_body_passes_with_its_envelope() -> None:
    """Envelope and payload come back apart; the instant is a number, nothing given is None."""
    checked = check_submission(LIBRARY, "progress", BODY | {"classes": {"note": "health"}})
    assert checked.contract is PROGRESS
    assert checked.envelope["occurred_at"] == 1_772_442_900_000
    assert checked.envelope["classes"] == {"note": "health"}
    assert checked.envelope["correlation"] is None
    assert set(checked.envelope) == {field.name for field in SUBMITTED.shape.fields} - {"message", "payload"}


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize(
    ("change", "pointer", "expected"),
    [
        ({"case": None}, "/case", "required"),
        ({"case": "A1234BC"}, "/case", "pattern"),
        ({"author": "R. Rowan"}, "/author", "pattern"),
        ({"author_role": "case_manager"}, "/author_role", "not-allowed"),
        ({"statement": "rumour"}, "/statement", "not-allowed"),
        ({"occurred_at": "yesterday"}, "/occurred_at", "instant"),
        ({"causation": "x"}, "/causation", "pattern"),
        ({"organisation": "harbour-homes"}, "/organisation", "unknown-field"),
        ({"payload": {}}, "/payload", "unknown-field"),
        ({"classes": {"note": "gossip"}}, "/classes/note", "not-allowed"),
        ({"classes": {"nota": "health"}}, "/classes/nota", "unknown-field"),
        ({"classes": {"note": 5}}, "/classes/note", "type"),
        ({"classes": ["note"]}, "/classes", "type"),
        ({"data": None}, "/data", "type"),
        ({"data": SESSION | {"kind": None}}, "/data/kind", "not-allowed"),
        ({"contract": 1.0}, "/contract", "type"),
    ],
)
def test_whole_body_names_the_fault_of_its_envelope(
    change: dict[str, object], pointer: str, expected: str
) -> None:
    """Pointers begin at the root of the body."""
    assert faults(lambda: check_submission(LIBRARY, "progress", BODY | change))[pointer].rule == expected


def test_whole_body_shows_faults_of_envelope_and_payload_together() -> None:
    """The sender mends both in one go."""
    body = BODY | {"author": " ", "case": None, "data": {"kind": "SESSION"}}
    assert {"/author", "/case", "/data/referral"} <= set(
        faults(lambda: check_submission(LIBRARY, "progress", body))
    )


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize("classes", [{STRAY + "1234": 5}, {STRAY * 99: "health"}, {f"{STRAY}, A.": "health"}])
def test_whole_body_repeats_no_name_of_the_senders_own(classes: dict[str, object]) -> None:
    """What stands where a path should may be content; the pointer leads to the map."""
    assert set(faults(lambda: check_submission(LIBRARY, "progress", BODY | {"classes": classes}))) == {
        "/classes"
    }


def test_whole_body_with_a_flood_of_classes_is_refused_at_once() -> None:
    """Time does not grow with what a sender makes up."""
    flood = {f"note{chr(97 + n % 26)}{n}": "health" for n in range(50_000)}
    began = time.perf_counter()
    found = faults(lambda: check_submission(LIBRARY, "progress", BODY | {"classes": flood}))
    assert found["/classes"].rule in {"too-many", "unknown-field"}
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("body", [None, [], "x"])
def test_whole_body_is_an_object(body: object) -> None:
    """Anything else has one fault at the root."""
    assert faults(lambda: check_submission(LIBRARY, "progress", body))[""].rule == "type"


@pytest.mark.requirement("R-DEL-03")
def test_whole_body_in_an_unknown_version_is_refused_by_name() -> None:
    """The versions there are stand in the remedy."""
    with pytest.raises(NotReadable) as refused:
        check_submission(LIBRARY, "progress", BODY | {"contract": "7.0"})
    assert refused.value.code == "CONTRACT-UNKNOWN"
    assert "1.0" in refused.value.fix


@pytest.mark.requirement("R-MSG-13")
def test_only_opening_a_case_goes_without_one() -> None:
    """A case that is opened has no reference yet; one that changes has."""
    opened = {name: value for name, value in BODY.items() if name != "case"} | {"data": OPENED}
    assert check_submission(LIBRARY, "case", opened).envelope["case"] is None
    changed = opened | {"data": {"action": "CHANGED"}}
    assert faults(lambda: check_submission(LIBRARY, "case", changed))["/case"].rule == "required"


def native_submission(**change: object) -> dict[str, object]:
    """Return a submission as an organisation would write it on its own topic, decoded."""
    payload = LIBRARY.encode(PROGRESS, {"referral": "KD4372AC", "kind": "SESSION"})
    sent = {
        **{name: BODY[name] for name in ("contract", "case", "author", "author_role", "statement")},
        "message": "progress",
        "occurred_at": 1_772_442_900_000,
        "classes": {},
        "payload": payload,
    }
    return LIBRARY.decode(SUBMITTED, LIBRARY.encode(SUBMITTED, sent | change))


@pytest.mark.requirement("R-DEL-03")
def test_kafka_door_gives_the_same_as_the_http_door() -> None:
    """The same submission, by either way, is the same envelope and payload."""
    by_http = check_submission(
        LIBRARY, "progress", BODY | {"data": {"referral": "KD4372AC", "kind": "SESSION"}}
    )
    by_kafka = check_native_submission(LIBRARY, native_submission())
    assert by_kafka.envelope == by_http.envelope
    assert by_kafka.payload == by_http.payload


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"message": "gossip"}, "CONTRACT-UNKNOWN"),
        ({"message": "envelope"}, "CONTRACT-UNKNOWN"),
        ({"contract": "7.0"}, "CONTRACT-UNKNOWN"),
        ({"payload": b""}, "AVRO-TRUNCATED"),
        ({"payload": b"\0" * 40}, "AVRO-TRAILING"),
        ({"author": "R. Rowan"}, "PAYLOAD-INVALID"),
        ({"case": None}, "PAYLOAD-INVALID"),
    ],
)
def test_kafka_door_refuses_by_code(change: dict[str, object], code: str) -> None:
    """Each fault of a submission has its reason code for the quarantine."""
    with pytest.raises((InvalidBody, NotReadable)) as refused:
        check_native_submission(LIBRARY, native_submission(**change))
    assert refused.value.code == code


@pytest.mark.requirement("R-DEL-03")
def test_a_sender_is_told_at_the_door_what_an_action_needs() -> None:
    """An offer of a referral without its provider names that field."""
    data = {"referral": "KD4372AC", "action": "OFFER", "rung": 2, "typology": "BARRIER_FACTORS"}
    at_http = faults(lambda: check_submission(LIBRARY, "referral", {**BODY, "data": data}))
    assert {pointer: fault.rule for pointer, fault in at_http.items()} == {
        "/data/provider": "required",
        "/data/nature": "required",
    }
