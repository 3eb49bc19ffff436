"""Bodies at both doors: every fault at once, by pointer and rule, never a value; what passes is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hub.errors import Fault, InvalidBody
from hub.topics.bodies import (
    SUBMISSION,
    body_model_for,
    check_native,
    check_payload,
    check_submission,
    model_for,
)
from hub.topics.faults import FAULTS_MAX
from hub.topics.library import SCHEMAS, SchemaLibrary

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARY = SchemaLibrary.load()
CASE = LIBRARY.contract("case", "1.0")
PLAN = LIBRARY.contract("plan", "1.0")
PROGRESS = LIBRARY.contract("progress", "1.0")
ASSESSMENT = LIBRARY.contract("assessment", "1.0")
SUBMITTED = LIBRARY.contract("submission", SUBMISSION)
OPENED = {"action": "OPENED"}
SESSION = {"referral": "KD4372AC", "kind": "SESSION", "session_at": "2026-03-02T10:15:00+01:00"}
STRAY = "Zyxwvut"


def faults(check: Callable[[], object]) -> dict[str, Fault]:
    """Return the faults of a refused body by pointer."""
    with pytest.raises(InvalidBody) as refused:
        check()
    return {fault.pointer: fault for fault in refused.value.faults}


def rule(contract: str, data: dict[str, object]) -> str:
    """Return the rule of the one fault of a payload."""
    found = faults(lambda: check_payload(LIBRARY.contract(contract, "1.0"), data))
    assert len(found) == 1
    return next(iter(found.values())).rule


@pytest.mark.requirement("R-DEL-03")
def test_sender_learns_every_fault_at_once() -> None:
    """One answer names all the fields to mend, nested ones too."""
    data = {
        "version": "2",
        "objectives": [{"objective": "o1", "by": "2026-02-30", "purpose": "FUN"}, 5, {"title": "x"}],
    }
    found = faults(lambda: check_payload(PLAN, data))
    assert {pointer: fault.rule for pointer, fault in found.items()} == {
        "/data/version": "type",
        "/data/objectives/0/by": "date",
        "/data/objectives/0/purpose": "not-allowed",
        "/data/objectives/1": "type",
        "/data/objectives/2/objective": "required",
    }


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, "required"),
        ({"action": None}, "not-allowed"),
        ({"action": "opened"}, "not-allowed"),
        (OPENED | {"surname": ""}, "too-short"),
        (OPENED | {"surname": "x" * 101}, "too-long"),
        (OPENED | {"surname": " \u00a0"}, "blank"),
        (OPENED | {"surname": "a\x00b"}, "characters"),
        (OPENED | {"surname": "a\nb"}, "characters"),
        (OPENED | {"surname": "a\u202eb"}, "characters"),
        (OPENED | {"surname": "\ud800"}, "not-unicode"),
        (OPENED | {"surname": 5}, "type"),
        (OPENED | {"aliases": "Elder"}, "type"),
        (OPENED | {"aliases": ["x"] * 21}, "too-many"),
        (OPENED | {"aliases": [None]}, "type"),
        (OPENED | {"in_scope": "yes"}, "type"),
        (OPENED | {"in_scope": 1}, "type"),
        (OPENED | {"tier": 0}, "too-small"),
        (OPENED | {"tier": 5}, "too-large"),
        (OPENED | {"tier": 2.0}, "type"),
        (OPENED | {"tier": True}, "type"),
        (OPENED | {"tier": 10**40}, "too-large"),
        (OPENED | {"date_of_birth": "1989-7-14"}, "date"),
        (OPENED | {"date_of_birth": "1989-02-29"}, "date"),
        (OPENED | {"date_of_birth": 7134}, "date"),
        (OPENED | {"date_of_birth": "1700-01-01"}, "too-small"),
        (OPENED | {"date_of_birth": "٢٠٢٦-٠٣-٠٢"}, "date"),
        (OPENED | {"crn": "x123456"}, "pattern"),
        (OPENED | {"crn": "X12345٦"}, "pattern"),
        (OPENED | {"noms_number": "A1234B\n"}, "pattern"),
        (OPENED | {"pnc": "2019/0123456F"}, "check-letter"),
        (OPENED | {"cro": "123456/19Q"}, "check-letter"),
        (OPENED | {"cro": "SF05/482703K"}, "check-letter"),
        (OPENED | {"postcode": "LS11ZZ"}, "pattern"),
        (OPENED | {"birth_year": 1989}, "made-by-hub"),
        (OPENED | {"dateOfBirth": "1989-07-14"}, "unknown-field"),
    ],
)
def test_sender_learns_which_rule_a_field_breaks(data: dict[str, object], expected: str) -> None:
    """Each kind of fault has a rule of its own."""
    assert rule("case", data) == expected


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_sender_may_not_send_what_is_no_number(score: float) -> None:
    """JSON readers that let NaN through do not get it past the contract."""
    assert rule("assessment", {"assessment": "a", "likelihood_score": score}) == "not-finite"


@pytest.mark.parametrize("score", [10**400, -1, 100.1, "50", True])
def test_sender_may_not_send_a_score_out_of_range(score: object) -> None:
    """Bounds and type hold for fractions too."""
    assert rule("assessment", {"assessment": "a", "likelihood_score": score}) in {
        "type",
        "too-small",
        "too-large",
    }


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-02T09:15:00",
        "2026-03-02 09:15:00Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T09:15:60Z",
        "2026-03-02",
        "2026-03-02T09:15:00.1234Z",
        "2026-03-02T09:15:00+25:00",
        "0001-01-01T00:00:00+01:00",
        1_772_442_900_000,
    ],
)
def test_sender_gives_instants_in_one_form(moment: object) -> None:
    """An offset is given, the calendar holds, milliseconds are the finest."""
    assert rule("progress", SESSION | {"session_at": moment}) in {"instant", "too-small"}


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("dateOfBirth", "date_of_birth"),
        ("surename", "surname"),
        ("noms-number", "noms_number"),
        ("addressLine", "address"),
    ],
)
def test_sender_is_told_which_name_was_probably_meant(wrong: str, meant: str) -> None:
    """A near name of the contract is offered."""
    found = faults(lambda: check_payload(CASE, OPENED | {wrong: "x"}))
    fault = found.get(f"/data/{wrong}") or found["/data"]
    assert fault.fix == f"did you mean {meant}?"


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize("name", ["A1234BC", "Elderflower, Testperson", "a/b", "x" * 80, "", "née"])
def test_refusal_repeats_no_field_name_that_may_be_content(name: str) -> None:
    """An odd name may be a value that strayed: the pointer leads to what encloses it."""
    assert list(faults(lambda: check_payload(CASE, OPENED | {name: 1}))) == ["/data"]


@pytest.mark.requirement("R-DEL-03")
def test_refusal_never_repeats_a_value() -> None:
    """Whatever is wrong with a value, the value is nowhere in the refusal."""
    for field in CASE.shape.fields:
        for value in (f"{STRAY}\x00", [{"x": STRAY}], {STRAY: STRAY}, STRAY * 999, [STRAY * 999]):
            with pytest.raises(InvalidBody) as refused:
                check_payload(CASE, OPENED | {field.name: value})
            assert STRAY not in f"{refused.value} {refused.value.fix} {refused.value.faults}"
            assert refused.value.__cause__ is refused.value.__context__ is None


def test_sender_of_countless_faults_gets_a_bounded_answer() -> None:
    """A hundred faults are listed, the rest counted."""
    found = faults(
        lambda: check_payload(CASE, OPENED | {f"field_{chr(97 + n % 26)}{n}": 1 for n in range(99)})
    )
    with pytest.raises(InvalidBody) as refused:
        check_payload(
            ASSESSMENT, {"assessment": "a", "needs": [{}] * 20} | {"a" * n: 1 for n in range(1, 200)}
        )
    assert len(found) == 99
    assert len(refused.value.faults) == FAULTS_MAX + 1
    assert refused.value.faults[-1].rule == "more-faults"


@pytest.mark.parametrize("data", [None, [], "text", 5, [OPENED]])
def test_payload_is_an_object(data: object) -> None:
    """Anything else has one fault, at the root of the payload."""
    assert faults(lambda: check_payload(CASE, data))["/data"].rule == "type"


def test_payload_that_passes_is_whole_and_as_avro_holds_it() -> None:
    """Every field of the contract is there in its order; dates and instants are numbers."""
    payload = check_payload(PROGRESS, SESSION)
    assert list(payload) == [field.name for field in PROGRESS.shape.fields]
    assert payload["session_at"] == 1_772_442_900_000
    assert payload["note"] is None
    objectives = check_payload(PLAN, {"version": 1, "objectives": [{"objective": "o", "by": "2026-03-02"}]})[
        "objectives"
    ]
    assert objectives[0]["by"] == 20_514
    assert objectives[0]["title"] is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "1 Nowhere Lane\nTown\tCounty"),
        ("surname", "O'Néil-Łuk 王"),
        ("cro", "SF05/482703J"),
        ("pnc", "2004/0712345Y"),
        ("postcode", "EC1A 1BB"),
        ("aliases", []),
    ],
)
def test_payload_takes_what_people_really_write(field: str, value: object) -> None:
    """Lines where lines belong, letters of every script, the right check letters."""
    assert check_payload(CASE, OPENED | {field: value})[field] == value


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize("name", [each.name for each in LIBRARY.all() if each.kind == "message"])
def test_both_doors_agree_on_every_example(name: str) -> None:
    """What passes as JSON passes as Avro, unchanged."""
    contract = LIBRARY.contract(name, "1.0")
    example = json.loads((SCHEMAS / name / "example.json").read_text(encoding="utf-8"))
    checked = check_submission(LIBRARY, name, example)
    native = LIBRARY.decode(contract, LIBRARY.encode(contract, checked.payload))
    assert check_native(contract, native) == checked.payload
    assert {k: v for k, v in LIBRARY.to_json(contract, native).items() if v is not None}.keys() == example[
        "data"
    ].keys()


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    ("change", "pointer", "expected"),
    [
        ({"birth_year": 1989}, "/data/birth_year", "made-by-hub"),
        ({"tier": 9}, "/data/tier", "too-large"),
        ({"surname": "\x07"}, "/data/surname", "characters"),
        ({"pnc": "2019/0123456F"}, "/data/pnc", "check-letter"),
        ({"date_of_birth": 10**6}, "/data/date_of_birth", "too-large"),
        ({"aliases": ["x" * 201]}, "/data/aliases/0", "too-long"),
    ],
)
def test_kafka_door_holds_to_the_same_bounds(change: dict[str, object], pointer: str, expected: str) -> None:
    """Avro alone would let each of these through."""
    native = LIBRARY.decode(CASE, LIBRARY.encode(CASE, OPENED | change))
    assert faults(lambda: check_native(CASE, native))[pointer].rule == expected


def test_openapi_describes_bodies_as_senders_write_them() -> None:
    """Dates are text with a format, what the hub makes is absent, every field is described."""
    schema = model_for(CASE).model_json_schema()
    assert schema["properties"]["date_of_birth"]["anyOf"][0]["format"] == "date"
    assert "birth_year" not in schema["properties"]
    assert schema["additionalProperties"] is False
    assert all("description" in each for each in schema["properties"].values())
    whole = body_model_for(SUBMITTED, CASE).model_json_schema()
    assert set(whole["required"]) == {"contract", "occurred_at", "author", "author_role", "statement", "data"}
