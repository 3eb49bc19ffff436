"""A text that names what is held back is held back, wherever that stands: in the envelope, in an item."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.consent.decision import Outcome
from hub.consent.partner_contracts import Direction
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from tests.unit.agreements import agreed
from tests.unit.consent_cases import LIBRARY, RUNG_1, RUNG_2, RUNG_3
from tests.unit.recipients import AUTHOR, CASES, HELD_OBJECTIVE, filled, leaves_as, told

HELD_TITLE = "Leave the Rowan Street crew"


def title_of(changed: str) -> dict[str, object]:
    """A plan with an objective that is held back from the partners on rungs 1 and 2, and one that is not."""
    objectives = [
        {"objective": HELD_OBJECTIVE, "organisation": RUNG_2, "title": HELD_TITLE},
        {"objective": "ob-2", "organisation": RUNG_1, "title": "Find a flat"},
    ]
    return {"version": 2, "change_summary": changed, "objectives": objectives}


def reasons(message: MessageName, payload: dict[str, object], path: str, *, held: int = 0) -> dict[str, str]:
    """Say for each Key Worker's organisation why a field is as it is."""
    found = told(message, payload, case=CASES[held])
    return {
        decision.candidate.organisation: item.reason
        for decision in found.decisions
        for item in decision.fields
        if item.path == path and decision.candidate.role is Role.KEY_WORKER
    }


@pytest.mark.requirement("R-DIS-01", "R-DIS-06")
def test_a_note_that_names_its_author_is_held_back_from_whoever_may_not_know_the_author() -> None:
    """The Offender Manager under threat is not named by the back door; others read the note."""
    named = {"referral": "ref-partner-2", "kind": "SESSION", "note": f"Seen by {AUTHOR} at noon"}
    unnamed = {**named, "note": "Seen at noon"}
    found = told(MessageName.PROGRESS, named)
    plain = told(MessageName.PROGRESS, unnamed)
    fields = {
        (each.candidate.organisation, each.candidate.role): {item.path: item for item in each.fields}
        for each in (*found.decisions,)
    }
    before = {
        (each.candidate.organisation, each.candidate.role): {item.path: item for item in each.fields}
        for each in plain.decisions
    }
    told_the_author = 0
    for place, now in fields.items():
        if before[place]["note"].outcome is not Outcome.DISCLOSE:
            continue
        knows = now["@author"].outcome is Outcome.DISCLOSE
        told_the_author += knows
        assert now["note"].outcome is (Outcome.DISCLOSE if knows else Outcome.WITHHOLD), place
        assert knows or now["note"].reason == "GUARD-NAMED-IN-TEXT"
    assert 0 < told_the_author < len(fields)


@pytest.mark.requirement("R-DIS-03", "R-DIS-06")
def test_a_summary_that_says_what_a_held_back_objective_says_is_held_back_from_the_same_readers() -> None:
    """What the Offender Manager holds back as a whole is not told in the summary of what changed."""
    path = "change_summary"
    telling = reasons(MessageName.PLAN, title_of(f"New: {HELD_TITLE}"), path, held=3)
    silent = reasons(MessageName.PLAN, title_of("New: two objectives"), path, held=3)
    for rung in (RUNG_1, RUNG_2):
        assert telling[rung] == "GUARD-NAMED-IN-TEXT" != silent[rung]


@pytest.mark.requirement("R-DIS-01", "R-DIS-03")
def test_objectives_have_no_numbers_for_whoever_may_not_know_of_one() -> None:
    """A gap between 1 and 3 would tell of the second; a plan without numbers is like many others."""
    plan = title_of("New: two objectives")
    objectives: list[dict[str, object]] = plan["objectives"]  # type: ignore[assignment]
    numbered = {**plan, "objectives": [{**item, "sequence": n} for n, item in enumerate(objectives, 1)]}
    for case, reader, numbers in ((3, RUNG_2, [None]), (3, RUNG_3, [1, 2]), (0, RUNG_2, [1, 2])):
        (delivery,) = (
            each
            for each in told(MessageName.PLAN, numbered, case=CASES[case]).deliveries
            if (each.organisation, each.role) == (reader, Role.KEY_WORKER)
        )
        items: list[dict[str, object]] = delivery.payload["objectives"]  # type: ignore[assignment]
        assert [item["sequence"] for item in items] == numbers


MOVED = {"action": "RELEASE", "victim_conditions": "Elder House"}
PARTNERS = {RUNG_1, RUNG_2, RUNG_3}


@pytest.mark.requirement("R-DIS-06", "R-RTE-05")
@pytest.mark.parametrize("address", ["Not near ELDER HOUSE, Leeds", "Elder House, Leeds"])
def test_what_is_withheld_for_a_name_in_it_takes_its_other_texts_along(address: str) -> None:
    """A condition is disclosed nowhere once its list is withheld, so nothing else may speak of it either."""
    said = {
        **filled(MessageName.PRISON_EVENT),
        **MOVED,
        "licence_conditions": ["Elder House", f"Report weekly to {AUTHOR}"],
        "release_address": address,
    }
    found = told(MessageName.PRISON_EVENT, said)
    reached = set()
    for delivery in found.deliveries:
        written = leaves_as(delivery)
        if delivery.organisation in PARTNERS:
            reached.add(delivery.organisation)
            assert b"ELDER HOUSE" not in written.value.upper()
    assert reached == PARTNERS


@pytest.mark.requirement("R-DIS-01", "R-RTE-05")
def test_what_only_a_contract_leaves_out_is_no_secret_elsewhere() -> None:
    """The rules let the address go; that the contract has no room for it stops nothing that speaks of it."""
    said = {
        **filled(MessageName.PRISON_EVENT),
        **MOVED,
        "release_address": "Elder House",
        "release_postcode": "LS1 4AP, Elder House",
    }
    view = {spec.path for spec in LIBRARY.fields(MessageName.PRISON_EVENT, "1.0")} - {"release_address"}
    contract = replace(
        agreed(),
        partner=RUNG_1,
        message=MessageName.PRISON_EVENT,
        effective=Instant(0),
        direction=Direction.RECEIVES,
        oldest="1.0",
        newest="1.0",
        deprecated=None,
        sunset=None,
        removal=None,
        view=frozenset(view),
    )
    found = told(MessageName.PRISON_EVENT, said, agreed={RUNG_1: contract})
    sent = [each for each in found.deliveries if each.organisation == RUNG_1]
    assert sent
    for delivery in sent:
        assert b"LS1 4AP, Elder House" in leaves_as(delivery).value
