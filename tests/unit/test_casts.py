"""Payloads from one schema version to another: what the steps move, and every step that cannot be."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import NotConfigured
from hub.topics.casts import Chain, Step, read_steps
from hub.topics.library import SchemaLibrary
from hub.topics.shapes import Record, read_record
from tests.unit.agreements import add_version, append, declare_steps, drop, schemas_in, set_status
from tests.unit.avro_values import DAY, a_choice, a_field, a_list, a_record, optional, records

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hub.topics.library import Contract

RISK = a_choice("Risk", "LOW", "HIGH", default="HIGH")
WIDER = a_choice("Risk", "LOW", "MIDDLE", "HIGH", default="HIGH")
NO_DEFAULT = a_choice("Risk", "LOW", "HIGH")


def shape(*fields: dict[str, object]) -> Record:
    """Return the shape of a message with a key and these fields."""
    return read_record(a_record("Message", a_field("key", "string", key=True), *fields))


def item(*fields: dict[str, object]) -> dict[str, object]:
    """Return a list of records with a key and these fields."""
    return a_list(a_record("Item", a_field("item", "string", key=True), *fields))


def chain(before: Record, after: Record, *steps: Step, major: bool = False) -> Chain:
    """Join two versions."""
    return Chain("plan", {"1.0": before, "2.0" if major else "1.1": after}, steps)


def up(**said: object) -> Step:
    """Return a step from 1.0 to 1.1."""
    return Step(source="1.0", target="1.1", **said)  # type: ignore[arg-type]


def down(**said: object) -> Step:
    """Return the step back."""
    return Step(source="1.1", target="1.0", **said)  # type: ignore[arg-type]


def cast(found: Chain, payload: Mapping[str, object], *way: str) -> Mapping[str, object]:
    """Cast a payload along versions, one after the other."""
    for source, target in pairwise(way):
        payload = found.cast(payload, source, target)
    return payload


@pytest.mark.requirement("R-MSG-12")
def test_within_a_major_version_names_say_it_all() -> None:
    """What the other lacks is dropped, what it has more is null, at every depth."""
    old = shape(optional("gone", "string"), optional("items", item(optional("old", "int")), maxItems=5))
    new = shape(optional("items", item(optional("new", "int")), maxItems=5), optional("day", DAY))
    found = chain(old, new)
    said = {"key": "k", "gone": "g", "items": [{"item": "i", "old": 1}, {"item": "j", "old": None}]}
    brought = found.cast(said, "1.0", "1.1")
    assert brought == {
        "key": "k",
        "items": [{"item": "i", "new": None}, {"item": "j", "new": None}],
        "day": None,
    }
    assert found.cast(brought, "1.1", "1.0") == {
        "key": "k",
        "gone": None,
        "items": [{"item": "i", "old": None}, {"item": "j", "old": None}],
    }


@pytest.mark.requirement("R-MSG-12")
def test_a_minor_version_may_add_an_optional_list_of_records_with_keys_of_its_own() -> None:
    """The keys are those of its items: where there is no list, none is missing."""
    found = chain(shape(), shape(optional("items", item(optional("note", "string")), maxItems=5)))
    assert found.cast({"key": "k"}, "1.0", "1.1") == {"key": "k", "items": None}


@pytest.mark.requirement("R-MSG-12")
def test_a_field_that_changed_its_name_is_moved_up_and_down_at_every_depth() -> None:
    """And a view's paths with it."""
    old = shape(optional("note", "string"), optional("items", item(optional("aim", "string")), maxItems=5))
    new = shape(
        optional("remark", "string"), optional("items", item(optional("title", "string")), maxItems=5)
    )
    moves = {"note": "remark", "items[].aim": "items[].title"}
    back = {end: begin for begin, end in moves.items()}
    found = chain(old, new, up(moves=moves), down(moves=back))
    said = {"key": "k", "note": "n", "items": [{"item": "i", "aim": "a"}]}
    brought = found.cast(said, "1.0", "1.1")
    assert brought == {"key": "k", "remark": "n", "items": [{"item": "i", "title": "a"}]}
    assert found.cast(brought, "1.1", "1.0") == said
    assert found.paths(frozenset({"key", *moves}), "1.0", "1.1") == {"key", *back}
    assert found.paths(frozenset({"key", *back}), "1.1", "1.0") == {"key", *moves}


@pytest.mark.requirement("R-DIS-01")
def test_a_name_that_a_move_freed_may_be_used_anew_even_for_another_type() -> None:
    """The new field has nothing of the old one, either way; nor has a view that names only the new one."""
    old = shape(optional("note", "string"))
    new = shape(optional("note", "int"), optional("remark", "string"))
    found = chain(old, new, up(moves={"note": "remark"}), down(moves={"remark": "note"}))
    assert found.cast({"key": "k", "note": "n"}, "1.0", "1.1") == {"key": "k", "note": None, "remark": "n"}
    assert found.cast({"key": "k", "note": 5, "remark": "n"}, "1.1", "1.0") == {"key": "k", "note": "n"}
    assert found.paths(frozenset({"key", "note"}), "1.1", "1.0") == {"key"}
    assert found.paths(frozenset({"remark"}), "1.1", "1.0") == {"note"}
    assert found.paths(frozenset({"note"}), "1.0", "1.1") == {"remark"}


def test_two_fields_may_change_places() -> None:
    """Each has what the other had."""
    both = shape(optional("a", "string"), optional("b", "string"))
    swap = {"a": "b", "b": "a"}
    found = chain(both, both, up(moves=swap), down(moves=swap))
    brought = found.cast({"key": "k", "a": "1", "b": "2"}, "1.0", "1.1")
    assert brought == {"key": "k", "a": "2", "b": "1"}
    assert found.cast(brought, "1.1", "1.0") == {"key": "k", "a": "1", "b": "2"}


@pytest.mark.requirement("R-MSG-12")
def test_a_symbol_the_other_version_lacks_becomes_the_one_declared_or_the_default() -> None:
    """In lists as well; the default is the most cautious symbol."""
    old = shape(optional("risk", RISK), optional("risks", a_list({**RISK, "name": "R2"}), maxItems=5))
    new = shape(optional("risk", WIDER), optional("risks", a_list({**WIDER, "name": "R2"}), maxItems=5))
    payload = {"key": "k", "risk": "MIDDLE", "risks": ["LOW", "MIDDLE"]}
    by_default = chain(old, new)
    assert by_default.cast(payload, "1.1", "1.0") == {"key": "k", "risk": "HIGH", "risks": ["LOW", "HIGH"]}
    declared = chain(old, new, down(symbols={"risk": {"MIDDLE": "LOW"}}))
    assert declared.cast(payload, "1.1", "1.0") == {"key": "k", "risk": "LOW", "risks": ["LOW", "HIGH"]}


@pytest.mark.requirement("R-MSG-12")
def test_a_whole_number_may_become_a_wider_one() -> None:
    """Going back is a step that would not fit, so it is refused when it is loaded."""
    with pytest.raises(NotConfigured, match=r"1\.1 to 1\.0: size is of another type"):
        chain(shape(optional("size", "int")), shape(optional("size", "long")))


OLD = shape(
    optional("a", "string"),
    optional("b", "string"),
    optional("n", "int"),
    optional("risk", NO_DEFAULT),
    optional("items", item(optional("aim", "string"), optional("level", {**RISK, "name": "L"})), maxItems=5),
)
REFUSED: Mapping[str, tuple[Record, tuple[Step, ...], tuple[str, ...]]] = {
    "to itself": (OLD, (Step(source="1.1", target="1.1"),), ("from 1.1 to 1.1", "next version")),
    "from a version there is not": (OLD, (Step(source="0.9", target="1.0"),), ("0.9", "there is not")),
    "to a version there is not": (OLD, (Step(source="1.1", target="1.2"),), ("1.2", "there is not")),
    "twice": (OLD, (up(), up(moves={"a": "b"})), ("from 1.0 to 1.1", "twice")),
    "of no field": (OLD, (up(moves={"gossip": "a"}),), ("from 1.0 to 1.1", "gossip", "no field")),
    "to no field": (OLD, (up(moves={"a": "gossip"}),), ("from 1.0 to 1.1", "a to gossip", "no field")),
    "of a whole record": (OLD, (up(moves={"items": "items"}),), ("items", "no field")),
    "into another record": (OLD, (up(moves={"a": "items[].aim"}),), ("moves a into another record",)),
    "out of a record": (OLD, (up(moves={"items[].aim": "a"}),), ("items[].aim into another record",)),
    "two onto one": (OLD, (up(moves={"a": "b", "n": "b"}),), ("from 1.0 to 1.1", "loses n")),
    "onto another type": (OLD, (up(moves={"a": "n"}),), ("1.0 to 1.1", "n is of another type")),
    "symbols of no field": (OLD, (up(symbols={"mood": {"X": "LOW"}}),), ("1.0 to 1.1", "mood")),
    "symbols of a text": (OLD, (up(symbols={"a": {"X": "LOW"}}),), ("1.0 to 1.1", "declared for a,")),
    "a symbol that is none": (OLD, (up(symbols={"risk": {"X": "NONE"}}),), ("risk", "NONE")),
    "a symbol nobody has": (OLD, (up(symbols={"risk": {"X": "LOW"}}),), ("risk", "stand for X")),
    "a symbol both have": (OLD, (up(symbols={"risk": {"LOW": "HIGH"}}),), ("risk", "stand for LOW")),
    "a symbol without meaning": (
        shape(optional("risk", a_choice("Risk", "LOW", "MIDDLE", "HIGH"))),
        (),
        ("1.1 to 1.0", "risk", "MIDDLE"),
    ),
    "another type": (shape(optional("a", "int")), (), ("1.0 to 1.1", "a is of another type")),
    "a day where a number was": (shape(optional("n", DAY)), (), ("n is of another type",)),
    "a list where one was": (shape(optional("a", a_list("string"))), (), ("a is of another type",)),
    "one where a list was": (
        shape(optional("items", a_record("Item", optional("aim", "string")))),
        (),
        ("items is of another type",),
    ),
    "a record where a text was": (
        shape(optional("a", a_record("A", optional("aim", "string")))),
        (),
        ("1.0 to 1.1", "a is of another type"),
    ),
    "a list that has to be there": (
        shape(a_field("items", item(optional("aim", "string")))),
        (),
        ("1.0 to 1.1", "items is of another type"),
    ),
    "a key that was optional": (shape(a_field("a", "string")), (), ("1.0 to 1.1", "a is of another type")),
    "a key nothing gives": (shape(a_field("fresh", "string")), (), ("nothing gives the key fresh",)),
    "a key nothing gives in a list": (
        shape(optional("items", item(a_field("fresh", "string")), maxItems=5)),
        (),
        ("nothing gives the key items[].fresh",),
    ),
    "a key whose name was freed": (
        shape(optional("b", "string")),
        (up(moves={"key": "b"}),),
        ("nothing gives the key key",),
    ),
}


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize("name", REFUSED)
def test_a_step_that_cannot_be_is_refused_with_its_versions_and_its_field(name: str) -> None:
    """When it is loaded, not when the first message goes through it."""
    after, steps, said = REFUSED[name]
    with pytest.raises(NotConfigured) as refused:
        chain(OLD, after, *steps)
    assert refused.value.fix
    for words in ("plan", *said):
        assert words in str(refused.value)


@pytest.mark.requirement("R-MSG-12")
def test_a_step_past_a_neighbour_is_refused() -> None:
    """It could lead round in a circle."""
    shapes = dict.fromkeys(("1.0", "1.1", "1.2"), shape())
    for source, target in (("1.0", "1.2"), ("1.2", "1.0")):
        with pytest.raises(NotConfigured, match=f"from {source} to {target} does not lead to the next"):
            Chain("plan", shapes, (Step(source=source, target=target),))


def test_between_major_versions_both_steps_must_be_declared() -> None:
    """Names alone are not trusted there: the gap is named, each way."""
    way = Step(source="1.0", target="2.0")
    back = Step(source="2.0", target="1.0")
    for declared, gap in (((), "1.0 to 2.0"), ((way,), "2.0 to 1.0"), ((back,), "1.0 to 2.0")):
        with pytest.raises(NotConfigured, match=f"goes from {gap}") as refused:
            chain(shape(), shape(), *declared, major=True)
        assert "schemas/plan/casts.yaml" in refused.value.fix
    assert len(chain(shape(), shape(), way, back, major=True).all_steps()) == 2


COMMON = (
    optional("risk", RISK),
    optional("items", item(optional("aim", "string"), optional("by", DAY)), maxItems=3),
)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_both_versions_have_comes_back_as_it_was(data: st.DataObject) -> None:
    """There and back over two steps, whatever was said."""
    shapes = {
        "1.0": shape(*COMMON, optional("only", "string")),
        "1.1": shape(optional("more", "int"), *COMMON),
        "2.0": shape(*COMMON, optional("other", "double")),
    }
    steps = (Step(source="1.1", target="2.0"), Step(source="2.0", target="1.1"))
    found = Chain("plan", shapes, steps)
    payload = data.draw(records(shapes["1.0"]))
    again = cast(found, payload, "1.0", "2.0", "1.0")
    assert again == {**payload, "only": None}
    assert cast(found, payload, "1.0", "1.1", "2.0") == found.cast(payload, "1.0", "2.0")


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """Schemas with three versions of plans: one field more, then a new major version."""
    folder = schemas_in(tmp_path)
    add_version(folder, "plan", "1.1", append(optional("mood", RISK, statement="fact")))

    def rename(schema: dict[str, Any]) -> None:
        drop("contingency")(schema)
        next(field for field in schema["fields"] if field["name"] == "change_summary")["name"] = "summary"

    add_version(folder, "plan", "2.0", rename, after="1.1")
    declare_steps(
        folder,
        "plan",
        {"from": "1.1", "to": "2.0", "moves": {"change_summary": "summary"}},
        {"from": "2.0", "to": "1.1", "moves": {"summary": "change_summary"}},
    )
    return folder


def plan(library: SchemaLibrary, version: str) -> Contract:
    """Return a version of the plan's contract."""
    return library.contract("plan", version)


@pytest.mark.requirement("R-MSG-12")
def test_a_message_goes_up_and_down_the_versions_of_the_library(schemas: Path) -> None:
    """As bytes of one version and of the other, over a major step declared in casts.yaml."""
    library = SchemaLibrary.load(schemas)
    assert library.versions("plan") == ("1.0", "1.1", "2.0")
    objectives = [{"objective": "o1", "title": "A title", "by": 20_514}]
    said = {"version": 1, "change_summary": "First", "contingency": "Call", "objectives": objectives}
    sent = library.decode(plan(library, "1.0"), library.encode(plan(library, "1.0"), said))
    brought = library.cast("plan", sent, source="1.0", target="2.0")
    read = library.decode(plan(library, "2.0"), library.encode(plan(library, "2.0"), brought))
    assert (read["summary"], read["objectives"]) == ("First", sent["objectives"])
    back = library.cast("plan", read, source="2.0", target="1.0")
    assert back == {**sent, "contingency": None}


def test_a_retired_version_still_joins_its_neighbours(schemas: Path) -> None:
    """What was written in it is still read; nothing new is."""
    set_status(schemas, "plan", "1.1", "retired")
    library = SchemaLibrary.load(schemas)
    assert library.versions("plan") == ("1.0", "2.0")
    brought = library.cast("plan", {"version": 1, "change_summary": "First"}, source="1.0", target="2.0")
    assert brought["summary"] == "First"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("casts: [", "not a list of steps"),
        ("steps: []", "not a list of steps"),
        ("casts:\n  - from", "not a list of steps"),
        ('casts: [{from: "1.0"}]', "not a list of steps"),
        ('casts: [{from: "1.1", to: "2.0", moves: abc}]', "not a list of steps"),
        ('casts: [{from: "1.1", to: "2.0", moves: [a]}]', "not a list of steps"),
        ('casts: [{from: "1.1", to: "2.0", symbols: {a: LOW}}]', "not a list of steps"),
        ('casts: [{from: "1.1", to: "2.0", via: "1.5"}]', "a step has no via"),
        ("casts: [{from: 1.1, to: 2.0}]", "from is not a version in quotes"),
        ("\x00", "not a list of steps"),
    ],
)
@pytest.mark.requirement("R-DEL-03")
def test_a_file_of_steps_that_is_none_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    """With the form it should have."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "casts.yaml").write_text(text, "utf-8")
    with pytest.raises(NotConfigured, match=r"casts\.yaml") as refused:
        read_steps(tmp_path, "plan")
    assert said in str(refused.value)
    assert refused.value.fix


def test_a_message_without_a_file_of_steps_has_none(tmp_path: Path) -> None:
    """Names say it all."""
    assert read_steps(tmp_path, "plan") == ()
