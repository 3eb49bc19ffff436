"""Two versions side by side: every field beside the one it was, wherever it lies, and always an end."""

from __future__ import annotations

import copy
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.parse import parse
from hub.topics.findings import Weight
from hub.topics.gates.classes import class_gate
from hub.topics.gates.pairs import names_in, pair
from tests.unit.cell_oracle import POLICY
from tests.unit.contract_mutations import field, message

if TYPE_CHECKING:
    from tests.unit.contract_mutations import Json


def rules(old: Json, new: Json) -> set[tuple[str, str, Weight]]:
    """Rule, place and weight of what the class gate says of two versions."""
    found = class_gate(parse(old), parse(new), policy=POLICY, schema="progress 1.1")
    return {(each.rule, each.where, each.weight) for each in found}


@pytest.mark.parametrize("container", ["array", "map", "union", "record"])
def test_fields_inside_containers_are_compared_by_path(container: str) -> None:
    """Lists, maps, unions of records, records."""

    def within(inner: Json) -> Json:
        record = {"type": "record", "name": "Inner", "fields": [inner]}
        other = {"type": "record", "name": "Other", "fields": [field("text")]}
        kinds: dict[str, Any] = {
            "array": ["null", {"type": "array", "items": record}],
            "map": ["null", {"type": "map", "values": record}],
            "union": ["null", other, record],
            "record": ["null", record],
        }
        return message({**field("list"), "type": kinds[container]})

    place = {"array": "list[].note", "map": "list{}.note"}.get(container, "list.note")
    found = rules(within(field("note", "health")), within(field("note", "progress")))
    assert ("CLASS-LOOSER", place, Weight.REFUSED) in found


def test_record_in_a_union_is_found_by_its_alias() -> None:
    """A record renamed with its old name as alias is the same record."""

    def within(name: str, inner: Json, *aliases: str) -> Json:
        record = {"type": "record", "name": name, "aliases": list(aliases), "fields": [inner]}
        return message({**field("one"), "type": ["null", "string", "int", record]})

    old, new = within("Inner", field("note", "health")), within("Renamed", field("note"), "Inner")
    assert ("CLASS-LOOSER", "one.note", Weight.REFUSED) in rules(old, new)


def test_schema_that_contains_itself_ends() -> None:
    """And is compared as far as it goes once round."""

    def circle(information_class: str) -> Json:
        inner = field("next")
        return message({**inner, "type": ["null", "Message"]}, field("note", information_class))

    found = rules(circle("health"), circle("progress"))
    assert ("CLASS-LOOSER", "note", Weight.REFUSED) in found


def test_schema_with_more_paths_than_can_be_looked_at_is_refused() -> None:
    """Thirty records, each used twice by the next, have a thousand million paths."""
    last: Json = {"type": "record", "name": "R0", "fields": [field("note", type=["null", "int"])]}
    for number in range(1, 30):
        twice = [field("a", type=["null", last]), field("b", type=["null", f"R{number - 1}"])]
        last = {"type": "record", "name": f"R{number}", "fields": twice}
    began = perf_counter()
    with pytest.raises(SchemaRefused, match="paths lead through"):
        rules(last, copy.deepcopy(last))
    assert perf_counter() - began < 5


@pytest.mark.parametrize("container", ["array", "map"])
def test_fields_of_a_new_list_or_map_are_new_fields(container: str) -> None:
    """Each needs a class of its own, however deep it lies."""
    bare = {"name": "bare", "type": "string"}
    inner = {"type": "record", "name": "Inner", "fields": [field("note"), bare]}
    kind = {"type": container, {"array": "items", "map": "values"}[container]: ["null", inner]}
    mark = {"array": "[]", "map": "{}"}[container]

    found = rules(message(field("other")), message(field("other"), field("list", type=["null", kind])))
    assert found == {("CLASS-MISSING", f"list{mark}.bare", Weight.REFUSED)}


def test_fields_of_a_record_that_took_the_place_of_a_text_are_new_fields() -> None:
    """And those of one that gave way to a text are dropped."""
    inner = {"type": "record", "name": "Inner", "fields": [{"name": "bare", "type": "string"}]}
    text, record = message(field("one", type="string")), message(field("one", type=["null", inner]))
    del text["fields"][0]["default"]

    assert ("CLASS-MISSING", "one.bare", Weight.REFUSED) in rules(text, record)
    pairs = pair(parse(record), parse(text))
    assert [each.path for each in pairs.dropped] == ["one.bare"]
    assert [each.path for each in pairs.kept] == ["one"]


def test_branches_that_have_no_counterpart_are_new_and_dropped() -> None:
    """Two records gave way to two others: nothing of the one is the other."""

    def branch(name: str) -> Json:
        return {"type": "record", "name": name, "fields": [field(name.lower())]}

    def either(*names: str) -> Json:
        return message(field("one", type=["null", *map(branch, names)]))

    pairs = pair(parse(either("A", "B")), parse(either("C", "D")))
    assert [each.path for each in pairs.added] == ["one.c", "one.d"]
    assert [each.path for each in pairs.dropped] == ["one.a", "one.b"]


def test_branches_are_paired_by_name_or_kind_whatever_their_order() -> None:
    """Records by name, lists as lists: nothing is new and nothing dropped."""

    def branch(name: str) -> Json:
        return {"type": "record", "name": name, "fields": [field(name.lower())]}

    listed = {"type": "array", "items": branch("C")}
    old = message(field("one", type=["null", branch("A"), "string", branch("B"), listed]))
    new = message(field("one", type=["null", listed, branch("B"), branch("A"), "string"]))
    pairs = pair(parse(old), parse(new))
    assert {each.path for each in pairs.kept} == {"one", "one.a", "one.b", "one[].c"}
    assert pairs.added == pairs.dropped == ()
    assert all(each.old is not None and each.old.kind == each.new.kind for each in pairs.types)


def test_names_of_a_schema_are_those_of_all_its_fields_and_aliases() -> None:
    """In lists, maps, unions and records that contain themselves."""
    inner = {
        "type": "record",
        "name": "Inner",
        "fields": [field("a", aliases=["b"]), field("again", type=["null", "Inner"])],
    }
    kinds = ["null", "string", {"type": "array", "items": {"type": "map", "values": inner}}]
    assert names_in(parse(message(field("one", type=kinds)))) == {"one", "a", "b", "again"}
