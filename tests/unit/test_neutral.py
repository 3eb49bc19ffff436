"""Nobody can tell that something was held back: with it or without, they get the same, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.consent.decision import Outcome
from hub.messages.envelope import MessageName
from hub.topics.shapes import ListOf, Record
from tests.unit.consent_cases import LIBRARY
from tests.unit.recipients import CASES, a_message, dispatch, leaves_as, told

if TYPE_CHECKING:
    from hub.cases.case import Case
    from hub.consent.decision import Decision
    from hub.routing.disclosing import Told
    from hub.topics.shapes import Field

Place = tuple[str, str]
SCREENED = "GUARD-NAMED-IN-TEXT"
"""Where a text was held back because it named something: with another name in it, it is another text."""


def received(found: Told) -> dict[Place, tuple[bytes, bytes, object]]:
    """Return all that each recipient can see: the bytes, key and headers, and what a listing is made of."""
    seen: dict[Place, tuple[bytes, bytes, object]] = {}
    for delivery in found.deliveries:
        framed = leaves_as(delivery)
        record = dispatch().record(framed)
        listed = (framed.delivery_id, framed.message, framed.contract, framed.urgency, framed.by_kafka)
        seen[delivery.organisation, delivery.role.value] = (
            record.value,
            record.key,
            (record.headers, listed),
        )
    return seen


def place_of(decision: Decision) -> Place:
    """Return whom a decision is on."""
    return (decision.candidate.organisation, decision.candidate.role.value)


def withheld(decision: Decision) -> set[str]:
    """Return the fields of the first level that are withheld from somebody and say nothing of it."""
    return {
        item.path
        for item in decision.fields
        if item.outcome is Outcome.WITHHOLD and "[]" not in item.path and not item.path.startswith("@")
    }


def screened(*found: Told) -> bool:
    """Tell whether a text was held back for what it names."""
    return any(item.reason == SCREENED for each in found for one in each.decisions for item in one.fields)


@pytest.mark.requirement("R-DIS-01")
@given(
    seed=st.integers(0, 2**32),
    message=st.sampled_from(list(MessageName)),
    case=st.sampled_from(CASES),
    gone=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_what_is_withheld_makes_no_difference_to_what_is_received(
    seed: int,
    message: MessageName,
    case: Case,
    gone: bool,  # noqa: FBT001 - Hypothesis gives it
) -> None:
    """Every field withheld from somebody, changed or taken away: longer, shorter, another, none."""
    payload = a_message(seed, message, words=())
    other = a_message(seed + 1, message, words=())
    first = told(message, payload, case=case)
    shape = LIBRARY.contract(message, "1.0").shape
    optional = {field.name for field in shape.fields if field.nullable}
    for decision in first.decisions:
        changed = dict(payload)
        for name in withheld(decision) & optional & payload.keys():
            changed[name] = None if gone else other[name]
        second = told(message, changed, case=case)
        if not screened(first, second):
            place = place_of(decision)
            assert received(first).get(place) == received(second).get(place)


@pytest.mark.requirement("R-DIS-01", "R-DIS-03")
@given(
    seed=st.integers(0, 2**32),
    message=st.sampled_from([MessageName.PLAN, MessageName.EVALUATION]),
    case=st.sampled_from(CASES),
)
@settings(max_examples=60, deadline=None)
def test_one_item_more_of_which_nothing_may_be_known_makes_no_difference(
    seed: int, message: MessageName, case: Case
) -> None:
    """Neither its place, nor the number of those beside it, nor an empty list tells that it was there."""
    payload = a_message(seed, message, words=())
    (name,) = (each.name for each in LIBRARY.contract(message, "1.0").shape.fields if is_rows(each))
    items: list[dict[str, object]] = payload[name] or []  # type: ignore[assignment]
    more = a_message(seed + 1, message, words=())[name] or []
    for item in more:  # type: ignore[attr-defined]
        at = seed % (len(items) + 1)
        longer = {**payload, name: [*items[:at], item, *items[at:]]}
        shorter = {**payload, name: items}
        one, other = told(message, shorter, case=case), told(message, longer, case=case)
        if screened(one, other):
            continue
        alone = received(told(message, {**payload, name: [item]}, case=case))
        bare = received(told(message, {**payload, name: None}, case=case))
        for place in {place_of(each) for each in one.decisions}:
            if alone.get(place) == bare.get(place):
                assert received(one).get(place) == received(other).get(place)


def is_rows(field: Field) -> bool:
    """Tell whether a field is a list of records."""
    return isinstance(field.shape, ListOf) and isinstance(field.shape.item, Record)
