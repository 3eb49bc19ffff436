"""Domain events of the prison system become the hub's messages, or are seen not to be any."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import InvalidBody
from hub.messages.envelope import MessageName
from hub.topics.bodies import check_submission
from hub.topics.hmpps import BY_CODE, MOVES, NO_MOVE, TYPES, Mapped, event_in, mapped
from hub.topics.person_index import nobodys_reference, number_digest
from tests.unit.worlds import library

NUMBER = "A1234BC"
DEPTH = 8


class Keys:
    """One key for everything."""

    def get(self, _key_id: str) -> bytes | None:
        """Return it."""
        return bytes(32)

    def get_or_create(self, _key_id: str) -> bytes:
        """Return it."""
        return bytes(32)

    def erase(self, _key_id: str) -> None:
        """Erase nothing."""


def event(kind: str, reason: str = "RELEASED", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """An event as the prison system writes it."""
    information = {"nomsNumber": NUMBER, "reason": reason, "prisonId": "MDI", "details": "Free text"} | more
    return {
        "eventType": kind,
        "version": 1,
        "occurredAt": "2026-03-02T09:15:00+01:00",
        "publishedAt": "2026-03-02T10:00:04Z",
        "description": "A prisoner has been released",
        "additionalInformation": {name: value for name, value in information.items() if value is not ...},
        "personReference": {"identifiers": [{"type": "NOMS", "value": NUMBER}]},
    }


HELD_BACK, AT_ONCE = "prison-offender-events.prisoner", "prisoner-offender-search.prisoner"


def message(document: dict[str, Any]) -> Mapped:
    """The message an event is."""
    found = mapped(document)
    assert found is not None
    return found


def faults(document: dict[str, Any]) -> dict[str, str]:
    """What is wrong with an event, by pointer."""
    with pytest.raises(InvalidBody) as caught:
        mapped(document)
    return {fault.pointer: fault.rule for fault in caught.value.faults}


@pytest.mark.requirement("R-MSG-05")
def test_the_immediate_feed_expects_what_the_one_held_back_confirms() -> None:
    """Both say the same of the same release, and neither its free text."""
    first, second = (message(event(f"{feed}.released")) for feed in (AT_ONCE, HELD_BACK))
    assert (first.data["status"], second.data["status"]) == ("PROVISIONAL", "CONFIRMED")
    assert dict(first.data) | {"status": "CONFIRMED"} == second.data
    assert second.data == {
        "action": "RELEASE",
        "status": "CONFIRMED",
        "at": "2026-03-02T08:15:00.000Z",
        "prison_from": "MDI",
        "noms_number": NUMBER,
    }
    assert (second.message, second.person) == (MessageName.PRISON_EVENT, NUMBER)


@pytest.mark.requirement("R-MSG-05")
@pytest.mark.parametrize(
    ("kind", "reason", "code", "expected"),
    [
        ("received", "NEW_ADMISSION", "N", {"action": "RECEPTION", "prison_to": "MDI"}),
        ("received", "ADMISSION", "L", {"action": "RECALL", "prison_to": "MDI"}),
        ("received", "READMISSION", "24", {"action": "RECALL", "prison_to": "MDI"}),
        ("received", "TEMPORARY_ABSENCE_RETURN", "ET", {"action": "RETURN", "prison_to": "MDI"}),
        ("received", "TRANSFERRED", "INT", {"action": "TRANSFER", "prison_to": "MDI"}),
        ("released", "TRANSFERRED", "TRN", {"action": "TRANSFER", "status": "PROVISIONAL"}),
        ("released", "RELEASED", "CR", {"action": "RELEASE", "release_type": "AUTOMATIC_CONDITIONAL"}),
        ("released", "RELEASED", "ECSL", {"action": "RELEASE", "release_type": "EARLY"}),
        ("released", "RELEASED", "DEC", {"action": "DEATH", "prison_from": "MDI"}),
        ("released", "RELEASED", "UAL", {"action": "TEMPORARY_RELEASE", "prison_from": "MDI"}),
        ("released", "RELEASED_TO_HOSPITAL", "HP", {"action": "RELEASE", "release_type": "TO_HOSPITAL"}),
        ("released", "TEMPORARY_ABSENCE_RELEASE", "C5", {"action": "TEMPORARY_RELEASE"}),
        ("released", "UNKNOWN", "ZZ", {"action": "RELEASE", "status": "PROVISIONAL"}),
    ],
)
def test_type_and_reason_say_what_happened(
    kind: str, reason: str, code: str, expected: dict[str, str]
) -> None:
    """The code decides where the reason is too coarse, and travels along."""
    data = message(event(f"{HELD_BACK}.{kind}", reason, nomisMovementReasonCode=code)).data
    wanted = {"status": "CONFIRMED", "movement_reason": code} | expected
    assert {name: data.get(name) for name in wanted} == wanted


@pytest.mark.requirement("R-MSG-05")
@pytest.mark.parametrize("kind", sorted(MOVES))
@pytest.mark.parametrize("feed", [AT_ONCE, HELD_BACK])
def test_every_message_made_of_an_event_keeps_to_its_contract(feed: str, kind: str) -> None:
    """Whatever the reason and the code."""
    codes = {code for _, code in BY_CODE} | {"CR", "HP", "DD", None, "", "not a code", "X" * 40}
    for reason in MOVES[kind]:
        for code in codes:
            made = message(event(f"{feed}.{kind}", reason, nomisMovementReasonCode=code))
            document = made.document(contract="1.0", case="c" * 32)
            checked = check_submission(library(), made.message, document)
            assert checked.payload["noms_number"] == NUMBER
            assert "Free text" not in json.dumps(document)


@pytest.mark.requirement("R-MSG-13")
def test_a_merger_gives_the_case_under_the_number_that_went_the_one_that_stays() -> None:
    """The event names the person by the number that stays."""
    made = message(event(f"{HELD_BACK}.merged", "MERGE", removedNomsNumber="A4321CB", bookingId="1234567"))
    assert (made.message, made.person) == (MessageName.CASE, "A4321CB")
    assert made.data == {"action": "CHANGED", "noms_number": NUMBER}
    check_submission(library(), made.message, made.document(contract="1.0", case="c" * 32))
    broken = faults(event(f"{HELD_BACK}.merged", "MERGE", removedNomsNumber="4321"))
    assert broken == {"/additionalInformation/removedNomsNumber": "pattern"}


@pytest.mark.requirement("R-MSG-05")
@pytest.mark.parametrize(
    "document",
    [
        event(f"{HELD_BACK}.released", "SENT_TO_COURT"),
        event(f"{HELD_BACK}.received", "RETURN_FROM_COURT"),
        event(f"{AT_ONCE}.updated"),
        event(f"{HELD_BACK}.non-association-detail.changed", comment="Free text"),
        event("tier.calculation.complete"),
        event("released"),
        {"eventType": "probation-case.registration.added"},
    ],
)
def test_what_concerns_nobody_here_is_no_message(document: dict[str, Any]) -> None:
    """Decided by the kind of event alone, before anything in it is looked at."""
    assert mapped(document) is None


@pytest.mark.requirement("R-DEL-03")
def test_every_fault_of_an_event_is_named_at_once_and_no_value() -> None:
    """A person named twice is as wrong as one not named."""
    inside = "/additionalInformation"
    broken = event(f"{HELD_BACK}.released", "LET-GO", prisonId="Moorland", nomsNumber="A4321CB")
    broken["occurredAt"] = "2026-03-02T09:15:00"
    assert faults(broken) == {
        "/occurredAt": "timestamp",
        f"{inside}/nomsNumber": "one-person",
        f"{inside}/reason": "enum",
        f"{inside}/prisonId": "pattern",
    }
    nobody = event(f"{HELD_BACK}.released", nomsNumber=...)
    del nobody["personReference"]
    assert faults(nobody) == {f"{inside}/nomsNumber": "one-person"}
    assert faults({"version": 1}) == {"/eventType": "required"}
    elsewhere = event(f"{HELD_BACK}.released", nomsNumber=..., prisonerNumber=NUMBER)
    assert message(elsewhere).person == NUMBER


@pytest.mark.requirement("R-MSG-05")
def test_an_event_may_come_in_the_notification_it_was_handed_on_in() -> None:
    """The text inside is read as strictly as a body."""
    told = event(f"{HELD_BACK}.released")
    wrapped: dict[str, object] = {"Type": "Notification", "MessageId": "m-1", "Message": json.dumps(told)}
    assert event_in(wrapped, depth_max=DEPTH) == told
    assert event_in(told, depth_max=DEPTH) == told
    for inside in (None, "[]", '{"a": 1, "a": 2}', "{"):
        with pytest.raises(InvalidBody) as caught:
            event_in(wrapped | {"Message": inside}, depth_max=DEPTH)
        assert all(fault.pointer.startswith("/Message") for fault in caught.value.faults)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(
    changes=st.dictionaries(
        st.sampled_from(["occurredAt", "additionalInformation", "personReference", "version"]), _ANY
    ),
    inside=st.dictionaries(
        st.sampled_from(["nomsNumber", "reason", "prisonId", "nomisMovementReasonCode", "prisonerId"]), _ANY
    ),
)
def test_an_event_of_any_shape_is_a_message_or_a_list_of_faults(
    changes: dict[str, Any], inside: dict[str, Any]
) -> None:
    """Nothing a sender writes provokes anything else."""
    document = event(f"{HELD_BACK}.released")
    document["additionalInformation"] |= inside
    made = None
    with suppress(InvalidBody):
        made = mapped(document | changes)
    if made is not None:
        check_submission(library(), made.message, made.document(contract="1.0", case="c" * 32))


@pytest.mark.requirement("R-MSG-13")
def test_the_index_shows_no_number_and_an_unknown_one_looks_like_a_case() -> None:
    """Digest and reference follow from the number by a key; neither contains it."""
    keys = Keys()
    assert number_digest(keys, NUMBER) == number_digest(keys, NUMBER) != number_digest(keys, "A4321CB")
    assert NUMBER.encode() not in number_digest(keys, NUMBER)
    reference = nobodys_reference(keys, NUMBER)
    document = message(event(f"{HELD_BACK}.released")).document(contract="1.0", case=reference)
    assert check_submission(library(), "prison-event", document).envelope["case"] == reference


def test_the_page_for_prison_systems_names_every_reason_and_code() -> None:
    """Whoever sends finds what becomes of each."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "hand-on-prison-events.md").read_text()
    reasons = {reason for moves in MOVES.values() for reason in moves} | set(NO_MOVE)
    codes = {code for _, code in BY_CODE} | set(TYPES)
    actions = {action.value for moves in MOVES.values() for action in moves.values()}
    actions |= {action.value for action in BY_CODE.values()}
    assert {word for word in reasons | codes | actions if f"`{word}`" not in page} == set()
