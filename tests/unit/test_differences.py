"""What two versions of a schema are shown to differ in: fields, and what their types say."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hub.topics.avro.parse import parse
from hub.topics.differences import differences

LEVEL = {"type": "enum", "name": "Level", "doc": "How high.", "symbols": ["HIGH", "LOW"], "default": "HIGH"}
ITEM = {
    "type": "record",
    "name": "Item",
    "doc": "One thing to do.",
    "own": "whose",
    "fields": [{"name": "whose", "type": "string"}, {"name": "level", "type": ["null", LEVEL]}],
}
OLD: dict[str, Any] = {
    "type": "record",
    "name": "Message",
    "namespace": "hub.message.v1",
    "doc": "A message.",
    "fields": [
        {"name": "items", "type": {"type": "array", "items": ITEM}},
        {"name": "code", "type": {"type": "fixed", "name": "Code", "size": 4}},
        {"name": "notes", "type": ["null", {"type": "array", "items": "string"}], "default": None},
        {
            "name": "sum",
            "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}],
        },
    ],
}


def item(schema: dict[str, Any]) -> dict[str, Any]:
    """The record in the list."""
    found: dict[str, Any] = schema["fields"][0]["type"]["items"]
    return found


def level(schema: dict[str, Any]) -> dict[str, Any]:
    """The choice in that record."""
    found: dict[str, Any] = item(schema)["fields"][1]["type"][1]
    return found


CHANGES: dict[str, tuple[Any, tuple[str, str, str, str]]] = {
    "a symbol more": (
        lambda new: level(new).update(symbols=["HIGH", "MEDIUM", "LOW"]),
        ("items[].level", "symbols added", "", "MEDIUM"),
    ),
    "a symbol fewer": (
        lambda new: level(new).update(symbols=["HIGH"]),
        ("items[].level", "symbols dropped", "LOW", ""),
    ),
    "symbols in another order": (
        lambda new: level(new).update(symbols=["LOW", "HIGH"]),
        ("items[].level", "symbols reordered", "HIGH, LOW", "LOW, HIGH"),
    ),
    "another default of a choice": (
        lambda new: level(new).update(default="LOW"),
        ("items[].level", "enum default", "HIGH", "LOW"),
    ),
    "a choice without default": (
        lambda new: level(new).pop("default"),
        ("items[].level", "enum default", "HIGH", "none"),
    ),
    "a choice in other words": (
        lambda new: level(new).update(doc="How much."),
        ("items[].level", "enum doc", "How high.", "How much."),
    ),
    "a record in other words": (
        lambda new: item(new).update(doc="A duty."),
        ("items[]", "record doc", "One thing to do.", "A duty."),
    ),
    "a message in other words": (
        lambda new: new.update(doc="Words."),
        ("", "record doc", "A message.", "Words."),
    ),
    "a record of somebody else's": (lambda new: item(new).pop("own"), ("items[]", "own", "whose", "none")),
    "more bytes": (lambda new: new["fields"][1]["type"].update(size=8), ("code", "size", "4", "8")),
    "another scale": (
        lambda new: new["fields"][3]["type"][1].update(scale=3),
        ("sum", "scale", "2", "3"),
    ),
    "another type in a list that may be left out": (
        lambda new: new["fields"][2]["type"][1].update(items="int"),
        ("notes[]", "type", "string", "int"),
    ),
    "a field's other name": (
        lambda new: new["fields"][1].update(aliases=["mark"]),
        ("code", "aliases", "none", "mark"),
    ),
    "a type's other name": (
        lambda new: level(new).update(aliases=["Degree"]),
        ("items[].level", "type aliases", "none", "hub.message.v1.Degree"),
    ),
    "another name of the message": (
        lambda new: new.update(name="Letter"),
        ("", "type name", "Message", "Letter"),
    ),
    "another namespace": (
        lambda new: new.update(namespace="hub.message.v2"),
        ("", "namespace", "hub.message.v1", "hub.message.v2"),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_type_says_otherwise_is_shown_at_its_path(name: str) -> None:
    """Each by itself, with what it was and what it is."""
    change, expected = CHANGES[name]
    new = copy.deepcopy(OLD)
    change(new)
    found = [(each.path, each.change, each.old, each.new) for each in differences(parse(OLD), parse(new))]
    assert expected in found
    assert found.count(expected) == 1


def test_versions_that_say_the_same_do_not_differ() -> None:
    """Nothing is shown."""
    assert differences(parse(OLD), parse(copy.deepcopy(OLD))) == ()


def test_field_of_another_type_is_shown_once() -> None:
    """Not by the field and by its type."""
    new = copy.deepcopy(OLD)
    new["fields"][1]["type"] = "string"
    (found,) = differences(parse(OLD), parse(new))
    assert (found.path, found.change) == ("code", "type")


def test_differences_stand_in_the_order_of_the_new_version() -> None:
    """What is said of the message first; what was dropped last."""
    new = copy.deepcopy(OLD)
    new["doc"] = "Words."
    level(new)["symbols"] = ["HIGH", "MEDIUM", "LOW"]
    new["fields"][1]["doc"] = "A code."
    del new["fields"][2]
    assert [each.path for each in differences(parse(OLD), parse(new))] == [
        "",
        "items[].level",
        "code",
        "notes",
    ]
