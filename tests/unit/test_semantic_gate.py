"""What a new version means is what the old one meant, which Avro's own compatibility does not look at."""

from __future__ import annotations

import copy
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from hub.topics.avro.compatibility import check
from hub.topics.avro.parse import parse
from hub.topics.findings import Finding, Weight
from hub.topics.gates.semantics import semantic_gate, semantic_gates
from tests.unit.contract_mutations import contracts, semantic_mutations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.contract_mutations import Json

CONTRACTS = contracts()
STOPS = {Weight.REFUSED, Weight.SIGN_OFF}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}


def message(kind: object, name: str = "amount", **more: object) -> Json:
    """A message with one field of that type."""
    field = {"name": name, "type": kind, "doc": "A field.", "statement": "fact", **more}
    return {"type": "record", "name": "Message", "namespace": "hub.progress.v1", "fields": [field]}


def choice(*symbols: str, default: str | None = None, name: str = "Level") -> Json:
    """A choice of symbols."""
    kind: Json = {"type": "enum", "name": name, "symbols": list(symbols)}
    return kind if default is None else {**kind, "default": default}


def gate(old: Json, new: Json) -> tuple[Finding, ...]:
    """What the gate says of two versions."""
    return semantic_gate(parse(old), parse(new), schema="progress 1.1")


def rules(findings: Sequence[Finding]) -> set[tuple[str, str, Weight]]:
    """Rule, place and weight of each finding."""
    return {(each.rule, each.where, each.weight) for each in findings}


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize("name", CONTRACTS)
def test_no_contract_whose_meaning_changed_passes_the_semantic_gate(name: str) -> None:
    """At every field of every contract; each is found by the rule for it and stopped."""
    survivors = []
    for each in semantic_mutations(CONTRACTS[name]):
        found = semantic_gate(parse(each.old), parse(each.new), schema=name)
        if not any((it.rule, it.where) == (each.rule, each.path) and it.weight in STOPS for it in found):
            survivors.append((each.name, each.path, each.rule))
    assert survivors == []


def test_mutations_are_seeded_at_every_field_and_many() -> None:
    """The number is of thousands, and no rule that stops is left out."""
    seeded = [each for schema in CONTRACTS.values() for each in semantic_mutations(schema)]
    print(f"{len(seeded)} mutations of meaning in {len(CONTRACTS)} contracts")
    assert len(seeded) > 3_000
    assert {each.rule for each in seeded} == {
        *("SCALE-CHANGED", "PRECISION-NARROWED", "LOGICAL-TYPE-CHANGED", "UNIT-CHANGED", "STATEMENT-CHANGED"),
        *("NAMESPACE-CHANGED", "NAME-CHANGED", "DEFAULT-CHANGED", "BOUND-NARROWED"),
        *("ENUM-DEFAULT", "ENUM-DEFAULT-CHANGED", "SYMBOL-RETIRED", "SYMBOL-REORDERED-FIRST"),
    }


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_that_did_not_change_has_no_findings(name: str) -> None:
    """The same file read twice."""
    schema = CONTRACTS[name]
    assert semantic_gate(parse(schema), parse(copy.deepcopy(schema)), schema=name) == ()


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (message(MONEY), message({**MONEY, "scale": 4}), "SCALE-CHANGED"),
        (message(MONEY), message({**MONEY, "precision": 4}), "PRECISION-NARROWED"),
        (
            message({"type": "long", "logicalType": "timestamp-millis"}),
            message({"type": "long", "logicalType": "timestamp-micros"}),
            "LOGICAL-TYPE-CHANGED",
        ),
        (message("int"), message({"type": "int", "logicalType": "date"}), "LOGICAL-TYPE-CHANGED"),
        (message("int", unit="days"), message("int", unit="hours"), "UNIT-CHANGED"),
        (message("int", default=1), message("int", default=2), "DEFAULT-CHANGED"),
        (message("boolean", default=True), message("boolean", default=False), "DEFAULT-CHANGED"),
        (
            message(choice("HIGH", "LOW", default="HIGH")),
            message(choice("HIGH", "LOW", default="LOW")),
            "ENUM-DEFAULT-CHANGED",
        ),
        (message("int", statement="assessment"), message("int", statement="fact"), "STATEMENT-CHANGED"),
        (message("string", maxLength=9), message("string", maxLength=8), "BOUND-NARROWED"),
    ],
)
def test_what_avro_calls_fully_compatible_is_refused_where_the_meaning_changed(
    old: Json, new: Json, rule: str
) -> None:
    """Each reads the other by Avro's rules, and neither means the other."""
    before, after = parse(old), parse(new)
    assert check(after, before) == check(before, after) == ()
    assert rules(semantic_gate(before, after, schema="progress 1.1")) == {(rule, "amount", Weight.REFUSED)}


@pytest.mark.parametrize(
    ("old", "new", "rule", "weight"),
    [
        ("int", {"type": "long"}, None, None),
        ("long", "double", "TYPE-WIDENED-SILENTLY", Weight.WARNING),
        ("int", "float", "TYPE-WIDENED-SILENTLY", Weight.WARNING),
        ("int", "double", None, None),
        (MONEY, {**MONEY, "precision": 8}, "PRECISION-WIDENED", Weight.WARNING),
        ({"type": "int", "unit": "days"}, {"type": "int", "unit": "weeks"}, "UNIT-CHANGED", Weight.REFUSED),
        ("int", {"type": "int", "unit": "days"}, "UNIT-CHANGED", Weight.SIGN_OFF),
        (choice("A", "B"), choice("A", "B", default="A"), None, None),
        (choice("A", "B"), choice("A", "B", default="B"), "ENUM-DEFAULT", Weight.REFUSED),
        (choice("A", "B"), choice("B", "A"), "SYMBOL-REORDERED-FIRST", Weight.WARNING),
        (choice("A", "B"), choice("B", "A", default="B"), "SYMBOL-REORDERED-FIRST", Weight.REFUSED),
        (choice("A", "B", "C", default="A"), choice("A", "B", default="A"), "SYMBOL-RETIRED", Weight.WARNING),
        (choice("A", "B", "C"), choice("A", "B"), "SYMBOL-RETIRED", Weight.REFUSED),
        (choice("A", "B", default="A"), choice("A", "B", "C", default="A"), None, None),
    ],
)
def test_types_are_weighed_by_what_their_values_mean(
    old: object, new: object, rule: str | None, weight: Weight | None
) -> None:
    """Through null, in lists and in maps alike."""
    for wrap, mark in (
        (lambda kind: ["null", kind], ""),
        (lambda kind: {"type": "array", "items": kind}, "[]"),
        (lambda kind: {"type": "map", "values": ["null", kind]}, "{}"),
    ):
        expected = {(rule, f"amount{mark}", weight)} if rule else set()
        assert rules(gate(message(wrap(old)), message(wrap(new)))) == expected


@pytest.mark.parametrize(
    ("before", "after", "rule", "weight"),
    [
        ({"maxLength": 9}, {"maxLength": 10}, "BOUND-WIDENED", Weight.WARNING),
        ({"minLength": 2}, {"minLength": 1}, "BOUND-WIDENED", Weight.WARNING),
        ({"maxItems": 2}, {"maxItems": 3}, "BOUND-WIDENED", Weight.REFUSED),
        ({"maxItems": 2}, {}, "BOUND-WIDENED", Weight.REFUSED),
        ({"pattern": "^a$"}, {}, "BOUND-WIDENED", Weight.WARNING),
        ({"lines": True}, {}, "BOUND-NARROWED", Weight.REFUSED),
        ({}, {"lines": True}, "BOUND-WIDENED", Weight.WARNING),
        ({"maximum": "9"}, {"maximum": 9}, "BOUND-NARROWED", Weight.REFUSED),
        ({"statement": "fact"}, {"statement": "assessment"}, "STATEMENT-CHANGED", Weight.SIGN_OFF),
        ({"statement": "fact"}, {"statement": "rumour"}, "STATEMENT-CHANGED", Weight.REFUSED),
        ({"doc": "One."}, {"doc": "Other."}, "DOC-CHANGED", Weight.WARNING),
        ({}, {"default": "x"}, "DEFAULT-CHANGED", Weight.WARNING),
        ({"default": "x"}, {}, "DEFAULT-CHANGED", Weight.REFUSED),
    ],
)
def test_what_a_field_says_is_weighed_by_what_it_refuses_or_turns_round(
    before: Json, after: Json, rule: str, weight: Weight
) -> None:
    """Wider is a warning, narrower refused; a fact may turn out an opinion, never the other way."""
    assert rules(gate(message("string", **before), message("string", **after))) == {(rule, "amount", weight)}


def test_optional_field_that_gets_its_null_default_is_no_change_of_meaning() -> None:
    """What is not said is not known, as before."""
    old, new = message(["null", "string"]), message(["null", "string"], default=None)
    assert gate(old, new) == ()


def test_alias_makes_another_name_a_warning_and_is_followed_to_the_values() -> None:
    """A choice renamed with its old name as alias, and its default moved."""
    old = message(choice("HIGH", "LOW", default="HIGH"))
    new = message({**choice("HIGH", "LOW", default="LOW", name="Other"), "aliases": ["Level"]})
    assert rules(gate(old, new)) == {
        ("NAME-CHANGED", "amount", Weight.WARNING),
        ("ENUM-DEFAULT-CHANGED", "amount", Weight.REFUSED),
    }


def test_still_more_cautious_symbol_put_first_is_for_sign_off_and_any_other_default_refused() -> None:
    """Whether it is more cautious only people can say."""
    old = message(choice("HIGH", "LOW", default="HIGH"))
    higher = message(choice("VERY_HIGH", "HIGH", "LOW", default="VERY_HIGH"))
    assert rules(gate(old, higher)) == {
        ("ENUM-DEFAULT-CHANGED", "amount", Weight.SIGN_OFF),
        ("SYMBOL-REORDERED-FIRST", "amount", Weight.SIGN_OFF),
    }
    lower = message(choice("HIGH", "LOW", "NONE", default="NONE"))
    turned = message(choice("LOW", "HIGH", default="LOW"))
    for new in (lower, turned):
        assert ("ENUM-DEFAULT-CHANGED", "amount", Weight.REFUSED) in rules(gate(old, new))


def test_namespace_that_moved_is_told_once() -> None:
    """Not again for every type inside."""
    old, new = message(choice("A", "B")), message(choice("A", "B"))
    new["namespace"] = "hub.progress.v2"
    assert rules(gate(old, new)) == {("NAMESPACE-CHANGED", "Message", Weight.REFUSED)}


def test_default_of_a_new_choice_must_be_its_first_symbol() -> None:
    """In a new field, and in a first version."""
    careless = message(choice("LOW", "HIGH", default="HIGH"))
    expected = {("ENUM-DEFAULT", "amount", Weight.REFUSED)}
    assert rules(semantic_gates(parse(careless), [], schema="progress 1.0")) == expected
    assert rules(gate(message("int", name="other"), careless)) == expected


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.parametrize(
    ("first", "again", "weight", "other"),
    [
        (message("string"), message("int"), Weight.REFUSED, "type"),
        (message("int", unit="days"), message("int", unit="hours"), Weight.REFUSED, "unit"),
        (message(MONEY), message({**MONEY, "scale": 4}), Weight.REFUSED, "type"),
        (message("int", infoClass="risk"), message("int", infoClass="health"), Weight.REFUSED, "infoClass"),
        (message("int"), message("int", doc="Something else."), Weight.SIGN_OFF, "doc"),
        (message("int"), message(["null", "int"]), None, ""),
    ],
)
def test_name_once_dropped_is_kept_for_what_it_meant(
    first: Json, again: Json, weight: Weight | None, other: str
) -> None:
    """1.0 has it, 1.1 does not, 1.2 gives it again."""
    second = message("int", name="unrelated")
    older = [("1.0", parse(first)), ("1.1", parse(second))]
    found = semantic_gates(parse(again), older, schema="progress 1.2")
    reused = [(each.weight, each.old, each.new) for each in found if each.rule == "NAME-REUSED"]
    assert reused == ([(weight, "1.0", other)] if weight else [])


def test_several_changes_at_one_place_are_all_told() -> None:
    """By one rule, and by one rule with two weights."""
    old = message("string", minLength=1, maxLength=9)
    new = message("string", minLength=2, maxLength=8)
    found = semantic_gates(parse(new), [("1.0", parse(old))], schema="progress 1.1")
    assert [(each.rule, each.new) for each in found] == [("BOUND-NARROWED", "8"), ("BOUND-NARROWED", "2")]


def test_alias_of_a_name_once_dropped_is_held_to_what_that_meant() -> None:
    """1.2 takes over, under another name, what 1.0 had."""
    third = message({**MONEY, "scale": 4}, name="sum", aliases=["amount"])
    older = [("1.0", parse(message(MONEY))), ("1.1", parse(message("int", name="unrelated")))]
    found = semantic_gates(parse(third), older, schema="progress 1.2")
    assert ("SCALE-CHANGED", "sum", Weight.REFUSED) in rules(found)


def test_findings_say_what_it_was_what_it_is_and_what_would_be_right() -> None:
    """In words for whoever answers for the schema."""
    (found,) = gate(message(MONEY), message({**MONEY, "scale": 4}))
    assert (found.old, found.new) == ("2", "4")
    assert found.what == "The same bytes would be read as a number a power of ten away."
    assert found.fix == "keep the scale; another one comes as a field of a new name"


def test_gates_are_quick_enough_for_a_tree_of_fifty_versions() -> None:
    """Fifty versions of the largest contract, each with one field more, each against all before it."""
    largest = max(CONTRACTS.values(), key=lambda schema: len(str(schema)))
    versions: list[tuple[str, Any]] = []
    for number in range(50):
        schema = copy.deepcopy(largest)
        schema["fields"] += [{"name": f"more_{each}", "type": "int", "default": 0} for each in range(number)]
        versions.append((f"1.{number}", parse(schema)))
    began = perf_counter()
    for number, (name, version) in enumerate(versions):
        assert semantic_gates(version, versions[:number], schema=name) == ()
    took = perf_counter() - began
    print(f"50 versions, 1,225 pairs: {took * 1000:.0f} ms")
    assert took < 1
