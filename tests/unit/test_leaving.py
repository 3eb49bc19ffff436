"""The last look at what leaves lets through what the rules let through, and catches every broken cutter."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hub.routing.disclosing
from hub.consent import redact
from hub.messages.envelope import MessageName, Role
from hub.topics.codec import Encoded
from hub.topics.cutter import Cutter
from hub.topics.dispatch import Dispatch
from hub.topics.leaving import LeftIn
from hub.topics.shapes import Field, Scalar
from tests.unit.consent_cases import CASE, LIBRARY, RUNG_2, RUNG_3
from tests.unit.recipients import CASES, HELD_OBJECTIVE, a_message, filled, leaves_as, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.cases.case import Case
    from hub.routing.outcome import Delivery
    from hub.topics.dispatch import FramedView
    from hub.topics.guard import Offsets

SEEDS = st.integers(0, 2**32)
TYPES = list(MessageName)


def deliveries(message: MessageName, *, case: Case = CASE) -> list[Delivery]:
    """Return what everybody is given of a message with every field filled."""
    return list(told(message, filled(message), case=case).deliveries)


def to(name: str, message: MessageName, *, case: Case = CASE) -> Delivery:
    """Return what one organisation's Key Worker is given of it."""
    return next(
        each
        for each in deliveries(message, case=case)
        if (each.organisation, each.role) == (name, Role.KEY_WORKER)
    )


def stopped(delivery: Delivery) -> bool:
    """Tell whether a delivery is stopped before it leaves."""
    try:
        leaves_as(delivery)
    except LeftIn:
        return True
    return False


def held_back(delivery: Delivery) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield every value that was cut from a delivery, and the payload with that value left in."""
    whole, given = delivery.source.payload, delivery.payload
    for name, value in whole.items():
        there: Any = given.get(name)
        if value is None or there == value:
            continue
        if isinstance(value, list) and isinstance(value[0], dict):
            kept = {item["objective"] if "objective" in item else id(item) for item in there or ()}
            for place, item in enumerate(value):
                if item.get("objective") not in kept:
                    yield f"{name}[{place}]", {**given, name: [*(there or ()), item]}
            for place, item in enumerate(there or ()):
                original = next(each for each in value if each.get("objective") == item.get("objective"))
                for inner in (each for each in item if item[each] is None and original[each] is not None):
                    mended = [*there[:place], {**item, inner: original[inner]}, *there[place + 1 :]]
                    yield f"{name}[{place}].{inner}", {**given, name: mended}
        elif there is None:
            yield name, {**given, name: value}


@pytest.mark.requirement("R-DIS-01", "R-DIS-06")
@given(seed=SEEDS, message=st.sampled_from(TYPES), case=st.sampled_from(CASES))
@settings(max_examples=120, deadline=None)
def test_nothing_is_stopped_of_what_was_cut_as_it_should(seed: int, message: MessageName, case: Case) -> None:
    """Names in notes, codes that look like headers, empty lists: whatever is sent, what may go does."""
    found = told(message, a_message(seed, message), case=case)
    assert "GUARD-CUT-FAILED" not in {decision.gate for decision in found.decisions}
    for delivery in found.deliveries:
        leaves_as(delivery)


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("message", TYPES)
def test_any_value_left_in_is_found_whatever_it_is(message: MessageName) -> None:
    """Of every type, for everybody, every field held back in turn: text, number, date, choice, list item."""
    tried = 0
    for case in CASES:
        for delivery in deliveries(message, case=case):
            assert not stopped(delivery)
            for path, payload in held_back(delivery):
                tried += 1
                assert stopped(replace(delivery, payload=payload)), (delivery.organisation, path)
    assert tried or message is MessageName.EXCEPTION, "an exception report goes whole, every other does not"


def test_any_value_left_in_is_found_among_bytes_that_were_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cutter forgets one change: the source's own bytes go."""
    delivery = to(RUNG_2, MessageName.REFERRAL)
    held = [name for name, value in delivery.payload.items() if value is None]
    cut = Cutter.cut
    for forgotten in (each for each in held if delivery.source.payload[each] is not None):

        def forgetful(
            self: Cutter, data: bytes, offsets: Offsets, changes: Mapping[str, object], but: str = forgotten
        ) -> bytes:
            return cut(self, data, offsets, {name: value for name, value in changes.items() if name != but})

        monkeypatch.setattr(Cutter, "cut", forgetful)
        assert stopped(delivery), forgotten


@pytest.mark.requirement("R-DIS-01")
def test_a_text_held_back_is_found_in_the_place_of_one_that_goes() -> None:
    """As it is, and inside another text."""
    delivery = to(RUNG_2, MessageName.REFERRAL)
    assert delivery.payload["intervention"]
    secret = str(delivery.source.payload["offence_summary"])
    assert delivery.payload["offence_summary"] is None
    for text in (secret, f"what nobody wrote, {secret}, and more"):
        assert stopped(replace(delivery, payload={**delivery.payload, "intervention": text}))


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("message", [MessageName.REFERRAL, MessageName.RISK_CHANGE, MessageName.PRISON_EVENT])
def test_a_value_held_back_is_found_in_another_field_where_nothing_may_be(message: MessageName) -> None:
    """A number, date or choice is looked for by its place, whichever it is."""
    shape = LIBRARY.contract(message, "1.0").shape
    tried = 0
    for delivery in deliveries(message):
        null = [each for each in shape.fields if delivery.payload[each.name] is None]
        for held, lent in permutations(null, 2):
            value = delivery.source.payload[held.name]
            if value is not None and type(held.shape) is Scalar and kind(held) == kind(lent):
                tried += 1
                assert stopped(replace(delivery, payload={**delivery.payload, lent.name: value}))
    assert tried


def kind(field: Field) -> object:
    """What sort of value a field holds; a list or choice is of its own sort."""
    return field.shape.kind if isinstance(field.shape, Scalar) else field.name


@pytest.mark.requirement("R-DIS-01")
def test_the_number_of_items_of_a_list_is_looked_at() -> None:
    """An item of which only its key is left in tells that it is there."""
    delivery = to(RUNG_2, MessageName.PLAN, case=CASES[3])
    items: Any = delivery.payload["objectives"]
    assert HELD_OBJECTIVE not in {each["objective"] for each in items}
    empty = dict.fromkeys(items[0]) | {"objective": HELD_OBJECTIVE}
    assert stopped(replace(delivery, payload={**delivery.payload, "objectives": [*items, empty]}))


@pytest.mark.requirement("R-DIS-01")
def test_a_payload_that_was_never_cut_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision is asked again, not the cutter that was to follow it."""
    monkeypatch.setattr(hub.routing.disclosing, "cut", lambda payload, *_: (dict(payload), ()))
    given_all = to(RUNG_3, MessageName.RISK_CHANGE)
    assert given_all.payload["victim_name"]
    assert stopped(given_all)


@pytest.mark.requirement("R-DIS-01")
def test_items_that_were_to_be_gone_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cutter keeps what the Offender Manager holds back from this very reader."""
    monkeypatch.setattr(redact._Cut, "_held", lambda *_: False)
    monkeypatch.setattr(redact, "_check", lambda *_: None)
    assert stopped(to(RUNG_2, MessageName.PLAN, case=CASES[3]))


HEADERS: Mapping[str, str] = {
    "hub-note": "anything",
    "hub-author": "st-9f3a",
    "hub-author-role": "key_worker",
    "hub-author-organisation": "somebody-else",
    "hub-causation": "msg_abc",
    "hub-redacted": "victim_name",
    "hub-caveats": "canary-surname",
    "hub-urgency": "2026-03-02",
    "hub-contract": "canary-surname.v1",
    "ce_subject": CASE.ref,
    "ce_type": "hub.risk-change of Elderflower",
    "ce_time": "canary-surname",
    "content-type": "text/canary",
}
"""One wrong header each: what may never leave, what this reader may not know, another form than its own."""


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_says_more_than_it_may_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every header has one form, and those that name somebody go by the decision."""
    delivery = to(RUNG_2, MessageName.REFERRAL)
    knows_less = replace(delivery.allowed, envelope=frozenset())
    delivery = replace(delivery, author=None, causation=None, allowed=knows_less)
    assert not stopped(delivery)
    headers = Dispatch._headers
    monkeypatch.setattr(
        Dispatch, "_headers", lambda self, delivery: headers(self, delivery) | {name: HEADERS[name]}
    )
    assert stopped(delivery)


@pytest.mark.requirement("R-DIS-01")
def test_another_key_than_the_deliverys_own_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The case's own reference as a key would join what two organisations hold."""
    record = Dispatch.record

    def by_case(self: Dispatch, view: FramedView) -> Encoded:
        made = record(self, view)
        return replace(made, key=CASE.ref.encode())

    monkeypatch.setattr(Dispatch, "record", by_case)
    assert stopped(to(RUNG_2, MessageName.REFERRAL))


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("of", ["message_id", "case", "correlation", "causation", "digest"])
def test_a_reference_of_the_hubs_own_is_found_in_a_payload(of: str) -> None:
    """With it two organisations could tell that they hold the same message, or guess at its content."""
    delivery = to(RUNG_2, MessageName.REFERRAL)
    own = getattr(delivery.source.envelope, of)
    assert stopped(replace(delivery, payload={**delivery.payload, "intervention": f"see {own}"}))


@pytest.mark.requirement("R-DIS-06")
def test_a_text_held_back_is_found_in_whatever_letters_it_left() -> None:
    said = {
        **filled(MessageName.PRISON_EVENT),
        "action": "RELEASE",
        "release_address": "At ELDER HOUSE, Leeds",
    }
    sent = [each for each in told(MessageName.PRISON_EVENT, said).deliveries if each.organisation == RUNG_2]
    assert sent
    for delivery in sent:
        held = replace(delivery.allowed, secret=("Elder House",), sought=(b"elder house",))
        leaves_as(delivery)
        with pytest.raises(LeftIn):
            leaves_as(replace(delivery, allowed=held))
