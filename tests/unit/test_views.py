"""Views: what is not in one cannot be encoded, and a view that cannot be is refused by name."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from typing import TYPE_CHECKING

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import NotConfigured, NotReadable
from hub.messages.envelope import MessageName
from hub.topics import samples
from hub.topics.avro.parse import parse
from hub.topics.library import SchemaLibrary
from hub.topics.shapes import leaves
from hub.topics.views import VIEW, check_view, derived_id, view_of
from tests.unit.avro_values import (
    EVERYTHING,
    a_choice,
    a_field,
    a_list,
    a_record,
    made,
    optional,
    restricted,
    view_paths,
)

if TYPE_CHECKING:
    from hub.topics.library import Contract

LIBRARY = SchemaLibrary.load()
PLAN = LIBRARY.contract("plan", "1.0")
PRISON_EVENT = LIBRARY.contract("prison-event", "1.0")
WHOLE = made(EVERYTHING)
MESSAGES = tuple(LIBRARY.current(name) for name in MessageName)
OBJECTIVES = frozenset({"version", "objectives[].objective", "objectives[].by"})


def paths_of(contract: Contract) -> list[str]:
    """Return every leaf of a contract."""
    return [path for path, _, _ in leaves(contract.shape)]


@st.composite
def views(draw: st.DrawFn) -> tuple[Contract, Contract]:
    """Return a message's contract, or the one of every shape, and a random view of it."""
    whole = draw(st.sampled_from((*MESSAGES, WHOLE)))
    chosen = draw(st.frozensets(st.sampled_from(paths_of(whole)), min_size=1, max_size=10))
    return whole, view_of(whole, view_paths(whole.shape, chosen))


@pytest.mark.requirement("R-DIS-01")
@settings(max_examples=150, deadline=None)
@given(views())
def test_nothing_outside_a_view_can_be_encoded(drawn: tuple[Contract, Contract]) -> None:
    """Each field of the first level that the view lacks is refused by itself; so is one inside a list."""
    whole, view = drawn
    full = samples.full(whole.shape)
    fits = restricted(view.shape, full)
    assert LIBRARY.decode(view, LIBRARY.encode(view, fits)) == fits
    for name in set(full) - set(fits):
        with pytest.raises(NotReadable):
            LIBRARY.encode(view, {**fits, name: full[name]})
    for name, value in fits.items():
        if value != full[name]:
            with pytest.raises(NotReadable):
                LIBRARY.encode(view, {**fits, name: full[name]})


@pytest.mark.requirement("R-DIS-01")
@settings(max_examples=150, deadline=None)
@given(views())
def test_a_view_keeps_order_types_and_classes_of_the_fields_it_has(drawn: tuple[Contract, Contract]) -> None:
    """Its specifications are those of the whole, but for a general form that is not there."""
    whole, view = drawn
    known = {spec.path: spec for spec in whole.specs}
    kept = [spec.path for spec in view.specs]
    assert kept == [path for path in known if path in kept]
    for spec in view.specs:
        before = known[spec.path]
        assert (spec.information_class, spec.subject) == (before.information_class, before.subject)
        assert (spec.sensitive, spec.key, spec.is_general) == (
            before.sensitive,
            before.key,
            before.is_general,
        )
    assert (view.name, view.version, view.status) == (whole.name, whole.version, whole.status)
    assert set(view.pairwise) <= set(whole.pairwise)
    before_ = {path: field for path, field, _ in leaves(whole.shape)}
    for path, field, _ in leaves(view.shape):
        assert (field.name, field.nullable) == (before_[path].name, before_[path].nullable)


@pytest.mark.requirement("R-DIS-01")
@settings(max_examples=100, deadline=None)
@given(views())
def test_a_view_is_a_schema_to_other_readers_of_avro(drawn: tuple[Contract, Contract]) -> None:
    """The file that is published parses with fastavro and with our own parser, and reads the same bytes."""
    _, view = drawn
    body = LIBRARY.encode(view, samples.full(view.shape))
    read = fastavro.schemaless_reader(BytesIO(body), fastavro.parse_schema(dict(view.schema)), None)
    assert isinstance(read, dict)
    assert list(read) == [field.name for field in view.shape.fields]
    parse(view.schema)


def test_a_view_of_every_field_is_the_contract_itself() -> None:
    """As is no view; with an id of its own it is the same schema under that id."""
    assert view_of(PLAN, None) is PLAN
    assert view_of(PLAN, frozenset(paths_of(PLAN))) is PLAN
    numbered = view_of(PLAN, None, wire_id=77)
    assert (numbered.id, numbered.digest, numbered.kind) == (77, PLAN.digest, VIEW)
    assert numbered.schema is PLAN.schema


@pytest.mark.parametrize(
    ("paths", "named"),
    [
        ({"version", "gossip"}, "gossip"),
        ({"version", "objectives"}, "objectives"),
        ({"version", "objectives[]"}, "objectives[]"),
        ({"version", "objectives.title"}, "objectives.title"),
        ({"version", "objectives[].objective", "objectives[].gossip"}, "objectives[].gossip"),
        ({"version", "Version"}, "Version"),
        ({"version", ""}, "has no field"),
    ],
)
@pytest.mark.requirement("R-DEL-03")
def test_a_view_of_a_field_there_is_not_is_refused_with_its_name(paths: set[str], named: str) -> None:
    """And with the place to look the names up."""
    with pytest.raises(NotConfigured, match="has no field") as refused:
        view_of(PLAN, frozenset(paths))
    assert named in str(refused.value)
    assert "hub contracts show" in refused.value.fix
    with pytest.raises(NotConfigured):
        check_view(PLAN, frozenset(paths))


@pytest.mark.parametrize(
    ("paths", "key"),
    [
        ({"change_summary"}, "version"),
        ({"version", "objectives[].title"}, "objectives[].objective"),
        (set(), "version"),
    ],
)
@pytest.mark.requirement("R-DEL-03")
def test_a_view_without_a_key_is_refused_with_the_key(paths: set[str], key: str) -> None:
    """Of the message, and of the items of a list of which it has anything."""
    with pytest.raises(NotConfigured) as refused:
        view_of(PLAN, frozenset(paths))
    assert f"its key {key}" in str(refused.value)
    assert refused.value.fix == f"add {key} to the view"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("items[].parts[].size", "items[].parts[].part"),
        ("items[].owner.name", "items[].owner.rank"),
        ("always.deep.word", "always.code"),
        ("sometimes.when", "sometimes.who"),
    ],
)
def test_a_view_needs_the_keys_of_every_record_on_the_way(path: str, key: str) -> None:
    """However deep the field lies."""
    paths = view_paths(WHOLE.shape, frozenset({path}))
    assert key in paths
    with pytest.raises(NotConfigured, match="cannot be sent without its key"):
        view_of(WHOLE, paths - {key})


def test_a_list_left_out_whole_needs_none_of_its_keys() -> None:
    """A plan without its objectives is a plan."""
    view = view_of(PLAN, frozenset({"version", "change_summary"}))
    assert paths_of(view) == ["version", "change_summary"]


def test_what_points_to_a_field_that_is_not_in_the_view_is_dropped() -> None:
    """The general form, and whose the items of a list are; both stay where they lead somewhere."""
    lone = view_of(PRISON_EVENT, frozenset({"action", "release_date"}))
    both = view_of(PRISON_EVENT, frozenset({"action", "release_date", "release_month"}))
    specs = [{spec.path: spec for spec in each.specs}["release_date"] for each in (lone, both)]
    assert [(spec.general, spec.generaliser) for spec in specs] == [(None, None), ("release_month", "month")]
    assert "release_month" not in str(lone.schema)
    without = view_of(PLAN, OBJECTIVES)
    whose = view_of(PLAN, OBJECTIVES | {"objectives[].organisation"})
    assert [{spec.own for spec in each.specs} for each in (without, whose)] == [
        {None},
        {None, "organisation"},
    ]


def test_the_id_of_a_view_follows_from_its_digest_and_differs_from_view_to_view() -> None:
    """It stands above every id of the manifest, and in the 31 bits that the frame's clients read."""
    numbers = set()
    for contract in MESSAGES:
        for path in paths_of(contract):
            view = view_of(contract, view_paths(contract.shape, frozenset({path})))
            if view is not contract:
                assert view.id == derived_id(view.digest)
                assert 2**30 <= view.id < 2**31
                numbers.add((view.id, view.digest))
    assert len(numbers) > 100
    assert len({number for number, _ in numbers}) == len({digest for _, digest in numbers})


def test_the_id_of_a_view_is_the_same_wherever_it_is_worked_out() -> None:
    """In another process, from another order of the fields' names."""
    program = (
        "from hub.topics.library import SchemaLibrary; from hub.topics.views import view_of;"
        f"print(view_of(SchemaLibrary.load().contract('plan', '1.0'), frozenset({sorted(OBJECTIVES)!r})).id)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(run.stdout) == view_of(PLAN, frozenset(sorted(OBJECTIVES, reverse=True))).id


def test_an_id_that_an_outside_registry_gave_is_kept() -> None:
    """The schema and its digest are the same; only the frame differs."""
    given_ = view_of(PLAN, OBJECTIVES, wire_id=4711)
    own = view_of(PLAN, OBJECTIVES)
    assert given_.id == 4711
    assert (given_.digest, given_.schema) == (own.digest, own.schema)
    assert view_of(PLAN, OBJECTIVES, wire_id=4711) is given_


def test_a_general_form_inside_a_list_stays_with_its_field() -> None:
    """It is a sibling: what counts is whether the same record of the view has it."""
    item = a_record(
        "Item",
        a_field("item", "string", key=True),
        optional("born", {"type": "int", "logicalType": "date"}, general="year", generaliser="year"),
        optional("year", "int", isGeneral=True),
        optional("mood", a_choice("Mood", "GOOD", "BAD")),
    )
    whole = made(a_record("Message", a_field("key", "string"), optional("items", a_list(item), maxItems=9)))
    kept = view_of(whole, frozenset({"key", "items[].item", "items[].born", "items[].year"}))
    lone = view_of(whole, frozenset({"key", "items[].item", "items[].born", "items[].mood"}))
    found = [{spec.path: spec.general for spec in each.specs}["items[].born"] for each in (kept, lone)]
    assert found == ["year", None]
