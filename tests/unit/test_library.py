"""The schema library: contracts by name, version and id; bytes there and back, hostile bytes refused."""

from __future__ import annotations

import json
import shutil
import struct
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import Drift, NotConfigured, NotReadable
from hub.messages.envelope import MessageName
from hub.topics.library import SCHEMAS, SchemaLibrary, frame, unframe

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = SchemaLibrary.load()
PLAN = LIBRARY.contract("plan", "1.0")
PROGRESS = LIBRARY.contract("progress", "1.0")
ASSESSMENT = LIBRARY.contract("assessment", "1.0")
SUBMISSION = LIBRARY.contract("submission", "1.0")
SESSION = LIBRARY.encode(PROGRESS, {"referral": "KD4372AC", "kind": "SESSION", "note": "Came on time."})


def varint(number: int) -> bytes:
    """Write a number as Avro does."""
    value = (number << 1) ^ (number >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def text(words: str) -> bytes:
    """Write text as Avro does."""
    return varint(len(words.encode())) + words.encode()


HEAD = text("KD4372AC") + varint(0)
PLAN_HEAD = varint(1) + b"\0\0\0"
ONE_OBJECTIVE = text("o1") + b"\0" * 11
ASSESSED = text("a") + b"\0" * 7
HOSTILE = {
    "nothing at all": (PROGRESS, b"", "AVRO-TRUNCATED"),
    "half a record": (PROGRESS, SESSION[:-3], "AVRO-TRUNCATED"),
    "bytes after the end": (PROGRESS, SESSION + b"\0", "AVRO-TRAILING"),
    "a text longer than the bytes": (PROGRESS, varint(2**40) + b"abc", "AVRO-TRUNCATED"),
    "a text of negative length": (PROGRESS, varint(-5) + b"abcde", "AVRO-LENGTH"),
    "text that is no UTF-8": (PROGRESS, varint(2) + b"\xff\xfe" + SESSION[9:], "AVRO-UTF8"),
    "symbol 99": (PROGRESS, text("KD4372AC") + varint(99) + b"\0" * 13, "AVRO-INDEX"),
    "symbol -1": (PROGRESS, text("KD4372AC") + varint(-1) + b"\0" * 13, "AVRO-INDEX"),
    "union branch 7": (PROGRESS, HEAD + varint(7) + b"\0" * 12, "AVRO-INDEX"),
    "union branch -1": (PROGRESS, HEAD + varint(-1) + b"\0" * 12, "AVRO-INDEX"),
    "boolean 7": (PROGRESS, HEAD + b"\0" * 8 + b"\x02\x07" + b"\0" * 4, "AVRO-INDEX"),
    "a number without end": (PROGRESS, b"\x80" * 5000, "AVRO-VARINT"),
    "a number of 70 bits": (PROGRESS, HEAD + b"\x02" + b"\xff" * 9 + b"\x7f" + b"\0" * 12, "AVRO-VARINT"),
    "2^40 where 32 bits are": (PLAN, varint(2**40) + b"\0" * 8, "AVRO-NUMBER"),
    "2^40 objectives": (PLAN, PLAN_HEAD + b"\x02" + varint(2**40), "AVRO-COUNT"),
    "101 objectives": (PLAN, PLAN_HEAD + b"\x02" + varint(101) + ONE_OBJECTIVE * 101 + b"\0", "AVRO-COUNT"),
    "more objectives than bytes": (PLAN, PLAN_HEAD + b"\x02" + varint(90) + b"\0", "AVRO-TRUNCATED"),
    "-2^63 objectives": (PLAN, PLAN_HEAD + b"\x02" + varint(-(2**63)) + varint(1), "AVRO-COUNT"),
    "a block that lies about its size": (
        PLAN,
        PLAN_HEAD + b"\x02" + varint(-1) + varint(3) + ONE_OBJECTIVE + b"\0" * 5,
        "AVRO-LENGTH",
    ),
    "not a number": (
        ASSESSMENT,
        ASSESSED + b"\x02" + struct.pack("<d", float("nan")) + b"\0" * 6,
        "AVRO-NUMBER",
    ),
    "a number written longer than it is": (PROGRESS, b"\x90\x00" + b"KD4372AC" + b"\0" * 14, "AVRO-VARINT"),
    "half a double": (ASSESSMENT, ASSESSED + b"\x02\0\0", "AVRO-TRUNCATED"),
}


@pytest.mark.requirement("R-MSG-12")
def test_library_finds_every_message_by_name_and_by_its_id_on_the_wire() -> None:
    """Each message type has a contract, and its id leads back to it."""
    for name in MessageName:
        contract = LIBRARY.contract(name, LIBRARY.versions(name)[-1])
        assert LIBRARY.by_id(contract.id) is contract
        assert LIBRARY.fields(name, contract.version) == contract.specs


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(("name", "version"), [("progress", "9.9"), ("gossip", "1.0")])
def test_library_refuses_a_contract_it_does_not_have(name: str, version: str) -> None:
    """An unknown name or version is CONTRACT-UNKNOWN, with the versions there are."""
    with pytest.raises(NotReadable) as refused:
        LIBRARY.contract(name, version)
    assert refused.value.code == "CONTRACT-UNKNOWN"
    assert name not in str(refused.value)


def test_library_refuses_an_id_it_does_not_have() -> None:
    """An unknown schema id is CONTRACT-UNKNOWN too."""
    with pytest.raises(NotReadable, match="schema id"):
        LIBRARY.by_id(4_000_000_000)


def test_frame_gives_back_what_it_was_given() -> None:
    """Magic 0, four bytes of id, the record."""
    assert frame(131, b"abc") == b"\x00\x00\x00\x00\x83abc"
    assert unframe(frame(131, b"abc")) == (131, b"abc")


@pytest.mark.parametrize("data", [b"", b"\x00\x00", b"\x01\x00\x00\x00\x83abc", b'{"json": 1}'])
def test_unframe_refuses_what_has_no_frame(data: bytes) -> None:
    """JSON, other magic bytes and stubs are NOT-AVRO."""
    with pytest.raises(NotReadable) as refused:
        unframe(data)
    assert refused.value.code == "NOT-AVRO"


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize("name", HOSTILE)
def test_library_refuses_hostile_bytes_by_name_and_at_once(name: str) -> None:
    """Each hostile input has its code, takes milliseconds, and the process lives on."""
    contract, data, code = HOSTILE[name]
    began = time.perf_counter()
    with pytest.raises(NotReadable) as refused:
        LIBRARY.decode(contract, data)
    assert time.perf_counter() - began < 0.05
    assert refused.value.code == code


def test_library_refuses_bytes_beyond_the_size_it_is_given() -> None:
    """Size is looked at before anything else."""
    with pytest.raises(NotReadable) as refused:
        LIBRARY.decode(PROGRESS, b"\0" * 11, bytes_max=10)
    assert refused.value.code == "OVERSIZE"


@pytest.mark.requirement("R-DEL-03")
@settings(max_examples=500, deadline=None)
@given(st.data())
def test_library_never_fails_otherwise_than_by_refusing(data: st.DataObject) -> None:
    """Random bytes, and real records with bytes changed, are read or refused; nothing else happens."""
    contract = data.draw(st.sampled_from(LIBRARY.all()))
    changed = bytearray(SESSION)
    for at in data.draw(st.lists(st.integers(0, len(changed) - 1), max_size=4)):
        changed[at] = data.draw(st.integers(0, 255))
    raw = data.draw(st.one_of(st.binary(max_size=200), st.just(bytes(changed))))
    try:
        found = LIBRARY.decode(contract, raw)
    except NotReadable:
        return
    assert LIBRARY.decode(contract, LIBRARY.encode(contract, found)) == found


@pytest.mark.parametrize(
    "payload",
    [
        {"referral": "r", "kind": "SESSION", "notes": "x"},
        {"kind": "SESSION"},
        {"referral": None, "kind": "SESSION"},
        {"referral": "r", "kind": "PARTY"},
        {"referral": "r", "kind": "SESSION", "session_at": 1.5},
        {"referral": "r", "kind": "SESSION", "session_at": True},
        {"referral": "r", "kind": "SESSION", "session_at": 2**63},
        {"referral": "r", "kind": "SESSION", "note": "\ud800"},
        {"referral": "r", "kind": "SESSION", "affects": "ACCOMMODATION"},
    ],
)
def test_library_writes_nothing_that_is_not_the_contract(payload: dict[str, object]) -> None:
    """Unknown names, missing keys and wrong types are refused, never dropped or rounded."""
    with pytest.raises(NotReadable) as refused:
        LIBRARY.encode(PROGRESS, payload)
    assert refused.value.code == "AVRO-INVALID"


@pytest.mark.parametrize("version", [1.7, True, "1", None])
def test_library_writes_no_rounded_key(version: object) -> None:
    """A key that is a whole number is exactly that."""
    with pytest.raises(NotReadable):
        LIBRARY.encode(PLAN, {"version": version})


def test_library_shows_dates_and_instants_as_text() -> None:
    """What is a number in Avro is ISO 8601 in JSON, and back."""
    payload = LIBRARY.from_json(
        PROGRESS, {"referral": "r", "kind": "SESSION", "session_at": "2026-03-02T09:15:00.5Z"}
    )
    assert payload["session_at"] == 1_772_442_900_500
    shown = LIBRARY.to_json(PROGRESS, payload)
    assert shown["session_at"] == "2026-03-02T09:15:00.500Z"
    assert list(shown) == [field.name for field in PROGRESS.shape.fields]


def test_library_shows_dates_inside_lists() -> None:
    """A date in an objective is text as well."""
    payload = {"version": 1, "objectives": [{"objective": "o", "by": 20_514}]}
    shown = LIBRARY.to_json(PLAN, payload)
    assert shown["objectives"][0]["by"] == "2026-03-02"  # type: ignore[index]
    assert LIBRARY.from_json(PLAN, shown)["objectives"][0]["by"] == 20_514  # type: ignore[index]


def test_library_refuses_to_show_a_day_there_is_not() -> None:
    """A date outside the calendar is refused, not raised through."""
    with pytest.raises(NotReadable):
        LIBRARY.to_json(PLAN, {"version": 1, "objectives": [{"objective": "o", "by": 2**31 - 1}]})
    with pytest.raises(NotReadable):
        LIBRARY.from_json(PLAN, {"version": 1, "objectives": [{"objective": "o", "by": "2026-02-30"}]})


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A copy of schemas/ that a test may spoil."""
    return shutil.copytree(SCHEMAS, tmp_path / "schemas")


def test_library_does_not_load_a_released_schema_that_was_edited(schemas: Path) -> None:
    """One changed word in the envelope stops the load (draft schemas may change)."""
    file = schemas / "envelope" / "v1.0.avsc"
    schema = json.loads(file.read_text())
    schema["fields"][0]["doc"] = "Another word."
    file.write_text(json.dumps(schema))
    with pytest.raises(Drift, match="envelope"):
        SchemaLibrary.load(schemas)


@pytest.mark.parametrize("spoil", ["missing", "not json", "no manifest"])
def test_library_says_which_file_it_cannot_use(schemas: Path, spoil: str) -> None:
    """A missing or broken file is named."""
    file = schemas / "manifest.yaml" if spoil == "no manifest" else schemas / "plan" / "v1.0.avsc"
    if spoil == "not json":
        file.write_text("{")
    else:
        file.unlink()
    with pytest.raises(NotConfigured, match="manifest" if spoil == "no manifest" else "plan"):
        SchemaLibrary.load(schemas)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "null"},
        {"type": ["string", "null"]},
        {"type": "PlanMessage"},
        {"type": {"type": "fixed", "name": "F", "size": 2}},
        {"type": "int", "infoClass": "gossip"},
    ],
)
def test_library_refuses_what_its_subset_of_avro_does_not_have(
    schemas: Path, change: dict[str, object]
) -> None:
    """Recursion, odd unions, foreign types and unknown classes stop the load, naming the field."""
    file = schemas / "plan" / "v1.0.avsc"
    schema = json.loads(file.read_text())
    schema["fields"][0] |= change
    file.write_text(json.dumps(schema))
    with pytest.raises(NotConfigured, match="version"):
        SchemaLibrary.load(schemas)


def test_library_refuses_records_in_records_without_end(schemas: Path) -> None:
    """Four levels of records are one too many."""
    file = schemas / "tick" / "v1.0.avsc"
    schema = json.loads(file.read_text())
    inner: dict[str, object] = {"name": "tick_id", "type": "string", "doc": "x"}
    for level in range(3):
        inner = {"name": "f", "type": {"type": "record", "name": f"L{level}", "fields": [inner]}, "doc": "x"}
    schema["fields"] = [inner]
    file.write_text(json.dumps(schema))
    with pytest.raises(NotConfigured, match="deeper"):
        SchemaLibrary.load(schemas)


def test_library_names_the_fields_that_hold_references_of_the_hub() -> None:
    """What must be made pairwise on its way out is known from the contract."""
    assert LIBRARY.contract("correction", "1.0").pairwise == (("corrects", "message"),)
    assert LIBRARY.contract("case", "1.0").pairwise == (("merged_case", "case"),)
