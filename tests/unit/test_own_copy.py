"""The person's own copy of the Sentence Plan: what of it they may see, and what nobody can let them see."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hub.consent.parties import organisation_from
from hub.errors import DomainRefusal
from hub.messages.envelope import MessageName, Role
from hub.routing.own_copy import OwnCopy, own_copy
from hub.topics.leaving import LeftIn
from hub.topics.own_copy_page import NOTHING, as_json_text, as_page
from tests.unit.worlds import (
    COUNSELLOR,
    MANAGER,
    Staff,
    World,
    distribute,
    engage,
    objective_fields,
    policy,
    staffed,
)

PLAN: dict[str, Any] = {
    "change_summary": "Work on debt begins",
    "risk_management": "Invented watchfulness of the manager",
    "victim_safety": "Not to go near Invented Street",
    "sentence_summary": "Two invented years",
    "contingency": "Invented recall",
}


def planned(**fields: Any) -> World:  # noqa: ANN401 - any field of it
    """Return a world with a Sentence Plan."""
    world = staffed()
    engage(world, COUNSELLOR)
    distribute(world, **{**PLAN, **fields})
    return world


def copy_of(world: World) -> OwnCopy:
    """Produce the person's own copy."""
    return own_copy(world.state, policy=policy(), view=world, now=world.now)


def hold_back(world: World, action: str, **fields: object) -> None:
    """Let the Offender Manager hold something back."""
    world.send(MANAGER, MessageName.CONSENT, {"consent": "hold-1", "action": action, **fields})


@pytest.mark.requirement("R-PLAN-03")
def test_the_person_has_the_whole_plan_with_who_does_what() -> None:
    copy = copy_of(planned())
    assert copy.decision.delivers
    assert copy.payload["change_summary"] == "Work on debt begins"
    assert copy.payload["sentence_summary"] == "Two invented years"
    objectives = copy.payload["objectives"]
    assert isinstance(objectives, list)
    assert len(objectives) == 2
    assert all(each["title"] and each["organisation"] for each in objectives)
    assert {item.basis for item in copy.decision.fields if item.basis} == {"DPA45"}


@pytest.mark.requirement("R-PLAN-03", "R-DIS-06")
def test_the_person_is_told_that_risk_is_managed_and_nothing_of_victims() -> None:
    copy = copy_of(planned())
    assert set(copy.redacted) == {"risk_management", "contingency"}
    for name in ("risk_management", "contingency", "victim_safety"):
        assert copy.payload[name] is None, name


@pytest.mark.requirement("R-PLAN-03", "R-DIS-06")
def test_a_victim_named_in_what_changed_holds_that_back_too() -> None:
    copy = copy_of(planned(change_summary="As before; Not to go near Invented Street"))
    assert copy.payload["change_summary"] is None


@pytest.mark.requirement("R-PLAN-03", "R-DIS-06")
def test_a_victim_is_not_named_because_an_objective_that_is_held_back_did() -> None:
    world = planned(
        victim_safety="Invented Street 5",
        change_summary="He keeps away from Invented Street 5 now",
        objectives=[
            {
                **dict.fromkeys(objective_fields()),
                "objective": "o-1",
                "organisation": "recovery",
                "title": title,
            }
            for title in ("Invented Street 5", f"See {MANAGER.person} weekly")
        ],
    )
    hold_back(world, "OM_THREATENED")
    assert copy_of(world).payload["change_summary"] is None


@pytest.mark.requirement("R-PLAN-03", "R-CON-02")
def test_a_manager_under_threat_is_not_named_in_the_own_copy() -> None:
    world = planned()
    named = copy_of(world)
    assert any(item.path == "@author" and item.basis == "DPA45" for item in named.decision.fields)
    hold_back(world, "OM_THREATENED")
    threatened = {item.path: item.reason for item in copy_of(world).decision.fields}
    assert threatened["@author"] == "HOLD-OM-THREATENED"
    assert threatened["objectives[].responsible"] == "HOLD-OM-THREATENED"


@pytest.mark.requirement("R-PLAN-03", "R-DIS-03")
def test_an_objective_held_back_from_the_person_is_not_in_the_own_copy() -> None:
    world = planned()
    hold_back(world, "CONFIDENTIALITY", roles=["person"], objective="objective-recovery")
    objectives = copy_of(world).payload["objectives"]
    assert isinstance(objectives, list)
    assert "objective-recovery" not in {each["objective"] for each in objectives}
    assert len(objectives) == 1


@pytest.mark.requirement("R-PLAN-03")
def test_limited_access_does_not_shut_the_person_out() -> None:
    world = planned()
    hold_back(world, "RESTRICTION", organisations=["probation-north"])
    assert copy_of(world).decision.delivers


@pytest.mark.requirement("R-PLAN-03")
def test_without_a_plan_there_is_no_copy() -> None:
    with pytest.raises(DomainRefusal, match="no Sentence Plan") as refused:
        copy_of(staffed())
    assert refused.value.code == "PLAN-NONE"


@pytest.mark.requirement("R-PLAN-03")
def test_a_person_is_no_organisation_and_writes_nothing() -> None:
    with pytest.raises(ValueError, match=r"organisation\.kind: .*a person is none"):
        organisation_from({"organisation": "somebody", "name": "Somebody", "kind": "person"})
    world = planned()
    person = Staff(MANAGER.organisation, Role.PERSON, "the-person")
    result = world.send(person, MessageName.PLAN, {"version": 2})
    assert result.rejection is not None
    assert result.rejection.code == "NOT-ENTITLED"


@pytest.mark.requirement("R-PLAN-03")
def test_the_copy_is_a_page_in_the_persons_words() -> None:
    page = as_page(copy_of(planned()), policy())
    assert page.startswith("# Your Sentence Plan, version 1\n")
    assert "## Your sentence\n\nTwo invented years" in page
    assert "## What has changed\n\nWork on debt begins" in page
    assert "## 1. Invented aim of recovery" in page
    assert "- Who works with you on it: recovery" in page
    assert "## How risk is managed\n\nA part is held back to protect others." in page
    for held in ("Invented watchfulness", "Invented recall", "Invented Street", "victim"):
        assert held not in page, held


@pytest.mark.requirement("R-PLAN-03")
def test_a_plan_held_back_as_a_whole_tells_nothing_but_where_to_complain() -> None:
    world = planned()
    hold_back(world, "CONFIDENTIALITY", roles=["person"])
    page = as_page(copy_of(world), policy())
    assert page == f"# Your Sentence Plan\n\n{NOTHING}"


@pytest.mark.requirement("R-PLAN-03")
def test_for_a_program_the_copy_says_what_is_held_back_by_name() -> None:
    plain = json.loads(as_json_text(copy_of(planned())))
    assert sorted(plain["held_back"]) == ["contingency", "risk_management"]
    assert plain["plan"]["sentence_summary"] == "Two invented years"
    assert plain["plan"]["victim_safety"] is None
    assert plain["policy"] == policy().name


@pytest.mark.requirement("R-PLAN-03", "R-DIS-01")
@pytest.mark.parametrize("name", ["victim_safety", "risk_management", "contingency"])
def test_a_copy_with_something_held_back_left_in_is_not_written(name: str) -> None:
    """Whatever cut it: the place is held against the decision, not against the cutter."""
    copy = copy_of(planned())
    spoilt = replace(copy, payload={**copy.payload, name: PLAN[name]})
    with pytest.raises(LeftIn, match=name):
        as_page(spoilt, policy())
    with pytest.raises(LeftIn, match=name):
        as_json_text(spoilt)


@pytest.mark.requirement("R-PLAN-03", "R-DIS-01")
@pytest.mark.parametrize(
    "said", ["Keep away: not to go near Invented Street.", "Two lines\nNot to go near Invented Street"]
)
def test_a_copy_in_which_another_part_names_what_is_held_back_is_not_written(said: str) -> None:
    """In whichever letters, and though the place itself may hold something."""
    copy = copy_of(planned())
    spoilt = replace(copy, payload={**copy.payload, "change_summary": said})
    with pytest.raises(LeftIn, match="a text held back"):
        as_page(spoilt, policy())
    with pytest.raises(LeftIn, match="a text held back"):
        as_json_text(spoilt)


@pytest.mark.requirement("R-PLAN-03", "R-DIS-01")
def test_an_objective_left_in_a_part_said_to_be_held_back_and_a_reference_of_the_hubs_are_caught() -> None:
    """Each by itself."""
    world = planned()
    whole = copy_of(world)
    hold_back(world, "CONFIDENTIALITY", roles=["person"], objective="objective-recovery")
    copy = copy_of(world)
    for spoilt, where in (
        (replace(copy, payload={**copy.payload, "objectives": whole.payload["objectives"]}), "objectives"),
        (replace(copy, redacted=(*copy.redacted, "victim_safety")), "named as held back"),
        (replace(copy, payload={**copy.payload, "sentence_summary": world.state.ref}), "reference"),
    ):
        with pytest.raises(LeftIn, match=where):
            as_json_text(spoilt)


@pytest.mark.requirement("R-PLAN-03")
def test_the_pages_own_words_are_no_secret() -> None:
    """A part held back that says what every page says holds no copy back; what the plan says is looked at."""
    copy = copy_of(planned(contingency="Your sentence", victim_safety="What has changed"))
    assert "## Your sentence" in as_page(copy, policy())
    spoilt = replace(copy, payload={**copy.payload, "sentence_summary": "She knows what has changed"})
    with pytest.raises(LeftIn, match="a text held back"):
        as_page(spoilt, policy())
