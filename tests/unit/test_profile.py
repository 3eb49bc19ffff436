"""Jurisdiction profiles: data with a version, each fault named with its field (R-CASE-07, R-CASE-08)."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hub.cases.profile import TIER_UNKNOWN, in_force
from hub.cases.profile_reader import profile_from
from hub.messages.case import Jurisdiction
from hub.messages.envelope import Control
from hub.messages.identifiers import Instant, MessageId
from hub.routing.route import route
from hub.topics.profile_files import check_profiles, profile_of, read_profiles, shipped
from tests.unit.worlds import START, World

ENGLAND, SCOTLAND = (
    next(each for each in read_profiles() if each["jurisdiction"] == jurisdiction)
    for jurisdiction in ("ENGLAND_AND_WALES", "SCOTLAND")
)


def changed(change: Callable[[dict[str, Any]], object], document: Mapping[str, Any] = ENGLAND) -> Any:  # noqa: ANN401 - a document
    """Return a profile's document with a change."""
    copied = copy.deepcopy(dict(document))
    change(copied)
    return copied


@pytest.mark.requirement("R-CASE-08")
def test_every_jurisdiction_a_case_can_name_has_a_profile() -> None:
    assert set(shipped()) == {str(each) for each in Jurisdiction}
    assert check_profiles(read_profiles())


@pytest.mark.requirement("R-CASE-08")
def test_a_higher_tier_is_acknowledged_sooner_and_reviewed_more_often() -> None:
    for profile in shipped().values():
        tiers = [profile.tier(number) for number in (1, 2, 3, 4)]
        hours = [tier.acknowledge_hours for tier in tiers]
        days = [tier.review_days for tier in tiers]
        assert hours == sorted(hours, reverse=True)
        assert hours[0] > hours[3]
        assert days == sorted(days, reverse=True)


def test_a_case_without_a_tier_is_watched_as_closely_as_the_highest() -> None:
    profile = shipped()["ENGLAND_AND_WALES"]
    assert profile.tier(None) is profile.tier(TIER_UNKNOWN) is profile.tier(4)


@pytest.mark.requirement("R-CASE-07")
def test_the_scope_rule_is_the_one_of_its_date() -> None:
    profile = shipped()["ENGLAND_AND_WALES"]
    dates = {
        "2006-06-01": "as-conceived-2005",
        "2010-01-01": "as-inspected-2009",
        "2026-01-01": "as-published-2011",
    }
    for day, name in dates.items():
        moment = profile_from({**ENGLAND, "in_force_from": day}).in_force_from
        rule = profile.scope_rule(moment)
        assert rule is not None
        assert rule.name == name
    assert profile.scope_rule(Instant(0)) is None


def test_a_profile_survives_the_json_of_a_control_record() -> None:
    for document in read_profiles():
        assert profile_from(json.loads(json.dumps(document))) == profile_from(document)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda plain: plain.update(jurisdiction="WALES"), "jurisdiction:"),
        (lambda plain: plain.update(version="one"), "version:"),
        (lambda plain: plain.update(in_force_from="2005"), "in_force_from:"),
        (lambda plain: plain.update(tirs=[]), "tirs: not a field here"),
        (lambda plain: plain["scope"][1].update({"from": "2004-01-01"}), "scope: must stand in the order"),
        (
            lambda plain: plain["scope"][1]["any_of"][0].update(rosh=["HIGHEST"]),
            "scope[1].any_of[0].rosh[0]:",
        ),
        (lambda plain: plain["tiers"].pop(), "tiers: must have each of"),
        (lambda plain: plain["tiers"].append(plain["tiers"][0]), "tiers[4]: stands twice"),
        (lambda plain: plain["tiers"][2].update(acknowledge_hours=0), "tiers[2].acknowledge_hours:"),
        (lambda plain: plain["tiers"][2]["escalation"].reverse(), "tiers[2].escalation:"),
        (
            lambda plain: plain["tiers"][3]["escalation"][0].update(role="boss"),
            "tiers[3].escalation[0].role:",
        ),
        (lambda plain: plain["tiering"]["factors"][0].update(least_tier=5), "tiering.factors[0].least_tier:"),
        (lambda plain: plain["tiering"].update(rules=""), "tiering.rules:"),
        (lambda plain: plain["answer_days"].pop("4"), "answer_days.4:"),
        (lambda plain: plain["answer_days"].update({"5": 3}), "answer_days.5: not a field here"),
        (lambda plain: plain["reviews"][0].update(kind="CHAT"), "reviews[0].kind:"),
        (lambda plain: plain["interventions"][0].update(best_in="prison"), "interventions[0].best_in:"),
        (lambda plain: plain.update(names=["x"]), "names: must be a mapping"),
        (lambda plain: plain.update(names={"Case Manager": "x"}), "names.Case Manager: not a term"),
        (lambda plain: plain["scope"][0]["any_of"].append({}), "scope[0].any_of[1]: must state something"),
        (lambda plain: plain["tiers"][0].update(acknowledge_hours=500), "tiers[0].escalation:"),
        (
            lambda plain: plain["interventions"][0].update(after=["DEPENDENCY_RECOVERY"]),
            "interventions[0].after: a category does not come after itself",
        ),
        (lambda plain: plain.update(integrated={"core_screen_days": 0}), "integrated.core_screen_days:"),
    ],
)
def test_a_fault_is_named_with_its_field(change: Callable[[dict[str, Any]], object], field: str) -> None:
    with pytest.raises(ValueError, match=re.escape(field)):
        profile_from(changed(change))


@pytest.mark.requirement("R-CASE-07")
def test_a_released_profile_holds_from_its_date_and_the_one_before_until_then() -> None:
    world = World()
    later = profile_from(changed(lambda plain: plain.update(version="1.1", in_force_from="2040-01-01")))
    earlier = profile_from(changed(lambda plain: plain.update(version="1.2", in_force_from="2020-01-01")))
    assert profile_of("ENGLAND_AND_WALES", (later,), world.now) is shipped()["ENGLAND_AND_WALES"]
    assert profile_of("ENGLAND_AND_WALES", (later, earlier), world.now) is earlier
    assert in_force((later, earlier), later.in_force_from) is later


def test_a_control_record_puts_a_profile_in_force_and_a_faulty_one_is_set_aside() -> None:
    body = changed(lambda plain: plain.update(version="1.1"))
    taken = route(control(body), World(), START)
    assert taken.controls == (("profile/england-and-wales:1.1", body),)
    faulty = route(control(changed(lambda plain: plain["tiers"].pop())), World(), START)
    assert faulty.rejection is not None
    assert faulty.rejection.code == "CONTROL-INVALID"
    assert "tiers: must have each of" in faulty.rejection.detail


def test_the_hubs_sentences_are_said_in_the_jurisdictions_words() -> None:
    said = shipped()["SCOTLAND"].said("The case has no Offender Manager.")
    assert said == "The case has no community-based social worker (Offender Manager)."
    assert shipped()["ENGLAND_AND_WALES"].said("An Offender Manager") == "An Offender Manager"


def control(body: Mapping[str, object]) -> Control:
    """Return the control record of a profile."""
    return Control(
        control_id=MessageId("a" * 32),
        kind="profile",
        name="england-and-wales:1.1",
        effective_at=START,
        body=body,
    )
