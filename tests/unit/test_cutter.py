"""The cutter: what is cut from bytes is what writing under the view's schema gives, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hub.errors import NotReadable
from hub.topics import samples
from hub.topics.cutter import Cutter, changes_between, cutter_for
from hub.topics.library import SchemaLibrary
from hub.topics.shapes import ListOf, Record, leaves
from hub.topics.views import view_of
from tests.unit.avro_values import (
    EVERYTHING,
    Writer,
    a_field,
    a_list,
    a_record,
    made,
    optional,
    records,
    restricted,
    values_of,
    varint,
    view_paths,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hub.topics.library import Contract

LIBRARY = SchemaLibrary.load()
WHOLE = made(EVERYTHING)
LEAVES = tuple(path for path, _, _ in leaves(WHOLE.shape))
FULL = samples.full(WHOLE.shape)


def view(*chosen: str, of: Contract = WHOLE) -> Contract:
    """Return a view of some leaves, with the keys that have to go with them."""
    return view_of(of, view_paths(of.shape, frozenset(chosen)))


def cut(
    to: Contract,
    payload: Mapping[str, object],
    changes: Mapping[str, object] | None = None,
    *,
    of: Contract = WHOLE,
) -> bytes:
    """Write a whole record and cut it to a view."""
    body = LIBRARY.encode(of, payload)
    return cutter_for(of, to).cut(body, LIBRARY.check(of, body), changes or {})


def names_in(record: Record, value: Mapping[str, Any], prefix: str = "") -> set[str]:
    """Return the path of every name a decoded record has, at every depth."""
    found = set()
    for name, each in value.items():
        field = record.field(name)
        assert field is not None, name
        inner = field.shape.item if isinstance(field.shape, ListOf) else field.shape
        mark = "[]" if isinstance(field.shape, ListOf) else ""
        if isinstance(inner, Record):
            for item in each if isinstance(each, list) else [each] if each else []:
                found |= names_in(inner, item, f"{prefix}{name}{mark}.")
        else:
            found.add(f"{prefix}{name}")
    return found


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Contract, dict[str, Any], dict[str, Any]]:
    """Return a random view, a random record, and random changes to its fields of the first level."""
    chosen = view_paths(WHOLE.shape, draw(st.frozensets(st.sampled_from(LEAVES), max_size=12)))
    to = view_of(WHOLE, chosen)
    payload = draw(records(WHOLE.shape))
    changes: dict[str, Any] = {}
    for field in WHOLE.shape.fields:
        what = draw(st.sampled_from(["as it is", "as it is", "held back", "replaced"]))
        if what == "held back" and field.nullable:
            changes[field.name] = None
        elif what == "replaced":
            changes[field.name] = draw(values_of(field.shape, field))
    return to, payload, changes


@pytest.mark.requirement("R-DIS-01")
@settings(max_examples=200, deadline=None)
@given(cuts())
def test_a_cut_is_byte_for_byte_what_writing_under_the_view_gives(
    drawn: tuple[Contract, dict[str, Any], dict[str, Any]],
) -> None:
    """Whatever the record, the view and the changes; and no name outside the view is in it."""
    to, payload, changes = drawn
    fitting = {
        field.name: restricted(field.shape, changes[field.name])
        for field in to.shape.fields
        if field.name in changes
    }
    outside = {name: value for name, value in changes.items() if name not in fitting}
    found = cut(to, payload, {**fitting, **outside})
    assert found == LIBRARY.encode(to, restricted(to.shape, {**payload, **changes}))
    decoded = LIBRARY.decode(to, found)
    assert names_in(to.shape, decoded) <= {path for path, _, _ in leaves(to.shape)}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_record_whose_lists_came_in_several_blocks_is_cut_to_the_same_values(data: st.DataObject) -> None:
    """Lists that are cut inside are written in one block; those that go whole, as they came."""

    def one_by_one(items: Sequence[bytes]) -> bytes:
        return b"".join(varint(1) + item for item in items) + b"\0"

    to, payload, _ = data.draw(cuts())
    body = Writer(blocks=one_by_one).record(WHOLE.shape, payload)
    found = Cutter(WHOLE, to).cut(body, LIBRARY.check(WHOLE, body), {})
    assert LIBRARY.decode(to, found) == restricted(to.shape, payload)


@pytest.mark.requirement("R-DIS-01")
def test_a_field_left_out_inside_a_list_is_not_in_the_bytes() -> None:
    """An objective without its title: the other fields of every item stay."""
    plan = LIBRARY.contract("plan", "1.0")
    objective = dict.fromkeys(["title", "purpose", "by"])
    items = [{**objective, "objective": f"o{n}", "title": f"Zanzibar {n}", "sequence": n} for n in range(200)]
    payload = {"version": 3, "objectives": items[:100]}
    to = view_of(plan, frozenset({"version", "objectives[].objective", "objectives[].sequence"}))
    found = cut(to, payload, of=plan)
    assert b"Zanzibar" not in found
    assert LIBRARY.decode(to, found) == {
        "version": 3,
        "objectives": [{"objective": f"o{n}", "sequence": n} for n in range(100)],
    }


@pytest.mark.parametrize("items", [None, []])
def test_a_list_that_is_absent_stays_absent_and_an_empty_one_empty(items: object) -> None:
    """Also where it is cut inside, and inside an item."""
    to = view("items[].title", "items[].parts[].part")
    payload = {**FULL, "items": items}
    assert LIBRARY.decode(to, cut(to, payload))["items"] == items
    inner = {**FULL["items"][0], "parts": items}  # type: ignore[index]
    found = LIBRARY.decode(to, cut(to, {**FULL, "items": [inner]}))
    assert found["items"] == [{"item": inner["item"], "title": inner["title"], "parts": items}]


def test_a_record_in_a_record_is_cut_at_both_depths() -> None:
    """The outer one with a part of the inner one; the inner one of a list's items; absent ones too."""
    to = view("always.deep.word", "items[].owner.name", "sometimes.when")
    found = LIBRARY.decode(to, cut(to, {**FULL, "sometimes": None}))
    assert found["always"] == {
        "code": "canary-always.code",
        "deep": {"word": "canary-always.deep.word", "on": 20_514},
    }
    assert found["items"] == [
        {"item": "canary-items.item", "owner": {"name": "canary-items.owner.name", "rank": 1}}
    ]
    assert found["sometimes"] is None


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("name", ["key", "version", "total", "always", "rows", "flag"])
def test_a_key_that_is_held_back_is_refused(name: str) -> None:
    """A record without it is no record; nothing is written in its place."""
    to = view("always.small", "rows[].said")
    with pytest.raises(NotReadable, match=name) as refused:
        cut(to, FULL, {name: None})
    assert refused.value.code == "AVRO-INVALID"


@pytest.mark.requirement("R-DIS-01")
def test_a_value_outside_the_view_never_goes_even_where_it_is_among_the_changes() -> None:
    """The cutter has no place to write it."""
    to = view("text")
    found = cut(to, FULL, {"box": b"Zanzibar", "text": "said", "items": [{"item": "Zanzibar"}]})
    assert b"Zanzibar" not in found
    assert LIBRARY.decode(to, found)["text"] == "said"


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize(
    "item", [{"item": "o", "title": "t", "marks": [1]}, {"item": "o", "gossip": "Zanzibar"}, {"title": "t"}]
)
def test_a_changed_item_with_a_name_outside_the_view_is_refused(item: dict[str, object]) -> None:
    """A fault elsewhere does not put it on the wire; a missing key is refused as well."""
    with pytest.raises(NotReadable) as refused:
        cut(view("items[].title"), FULL, {"items": [item]})
    assert "Zanzibar" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 1.7),
        ("version", True),
        ("version", 2**31),
        ("total", 2**63),
        ("flag", "x"),
        ("flag", 1),
        ("key", b"bytes"),
        ("tags", "abc"),
        ("text", 5),
        ("day", 1.5),
        ("sure", "yes"),
        ("level", "MIDDLE"),
        ("kind", "Z"),
        ("rows", [{"row": 1.5}]),
        ("rows", [{"row": True, "said": None}]),
        ("always", {"code": "c", "small": "x"}),
    ],
)
def test_a_changed_value_that_is_not_of_its_type_is_refused_and_not_rounded(name: str, value: object) -> None:
    """In a key as in any other field, also inside a record that has to be there."""
    to = view("text", "day", "sure", "level", "always.small", "rows[].said")
    with pytest.raises(NotReadable) as refused:
        cut(to, FULL, {name: value})
    assert refused.value.code == "AVRO-INVALID"
    assert name in str(refused.value)


def test_a_field_that_has_to_be_there_is_changed_within_the_view() -> None:
    """A list that is no optional one, of which the view has some fields: what is masked fits the view."""
    whole = made(
        a_record(
            "Message",
            a_field("key", "string", key=True),
            a_field(
                "rows", a_list(a_record("Row", a_field("row", "int"), optional("said", "string"))), maxItems=3
            ),
        )
    )
    to = view_of(whole, frozenset({"key", "rows[].row"}))
    body = Writer().record(whole.shape, {"key": "k", "rows": []})
    found = Cutter(whole, to).cut(body, LIBRARY.check(whole, body), {"rows": [{"row": 7}, {"row": 8}]})
    assert LIBRARY.decode(to, found) == {"key": "k", "rows": [{"row": 7}, {"row": 8}]}


@settings(max_examples=60, deadline=None)
@given(records(WHOLE.shape), records(WHOLE.shape))
def test_changes_are_the_fields_that_differ_and_no_others(
    said: dict[str, Any], given_: dict[str, Any]
) -> None:
    """With them the record that was said becomes the one that is given."""
    assume(said != given_)
    changes = changes_between(said, given_)
    assert {**said, **changes} == given_
    assert all(said[name] != value for name, value in changes.items())
    assert changes_between(said, said) == {}


def test_the_cutter_from_a_contract_to_a_view_is_made_once() -> None:
    """Working out the cuts is for the first record."""
    to = view("text")
    assert cutter_for(WHOLE, to) is cutter_for(WHOLE, to)
    assert cutter_for(WHOLE, to) is not cutter_for(WHOLE, view("day"))
