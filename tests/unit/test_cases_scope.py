"""Scope, tier and the time before sentence, by the profile (R-CASE-07, R-CASE-08, R-CON-08)."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime
from typing import Any

import pytest

from hub.cases.profile import Profile
from hub.cases.profile_reader import profile_from
from hub.messages.envelope import MessageName
from hub.messages.identifiers import Instant
from hub.topics.profile_files import read_profiles
from tests.unit.worlds import (
    ADMINISTRATOR,
    CASE,
    DAY,
    LINE_MANAGER,
    MANAGER,
    NEXT_MANAGER,
    START,
    SUPERVISOR,
    Staff,
    World,
    appoint,
    codes,
    distribute,
    open_case,
    refused,
    staffed,
    to,
)

TODAY = START // DAY
BORN_1990 = (date(1990, 6, 1) - date(1970, 1, 1)).days
YEAR = 365
RULED = {"in_scope": None, "date_of_birth": BORN_1990}


def born(years: int) -> int:
    """Return a date of birth some months more than so many years ago."""
    return TODAY - years * 366 - 60


def opened(**fields: object) -> World:
    """Return a world whose case is opened with these facts, scope left to the rule."""
    world = World()
    open_case(world, **{**RULED, **fields})
    return world


def scope_of(world: World) -> bool | None:
    """Return whether the case is in scope as it stands."""
    return world.state.in_scope


def england(**change: object) -> Profile:
    """Return the profile of England and Wales with a change."""
    plain: dict[str, Any] = next(p for p in read_profiles() if p["jurisdiction"] == "ENGLAND_AND_WALES")
    return profile_from({**copy.deepcopy(plain), **change})


def moment(day: str) -> Instant:
    """Return the noon of a date."""
    return Instant(int(datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC).timestamp() * 1000))


@pytest.mark.requirement("R-CASE-07")
@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"sentence_type": "DETERMINATE", "sentence_days": YEAR}, True),
        ({"sentence_type": "DETERMINATE", "sentence_days": YEAR - 1}, False),
        ({"sentence_type": "INDETERMINATE_LIFE"}, True),
        ({"sentence_type": "COMMUNITY_ORDER"}, True),
        ({"sentence_type": "OTHER", "sentence_days": 4000}, False),
        ({"sentence_days": YEAR}, None),
        ({"sentence_type": "DETERMINATE", "sentence_days": YEAR, "date_of_birth": None}, None),
    ],
)
def test_who_is_in_scope_follows_from_sentence_length_and_age(
    facts: dict[str, object],
    expected: bool | None,  # noqa: FBT001 - what the rule says
) -> None:
    assert opened(**facts).state.in_scope is expected


@pytest.mark.requirement("R-CASE-07")
@pytest.mark.parametrize(
    ("age", "days_left", "expected"), [(20, 29, True), (20, 28, False), (23, 29, False), (17, 29, False)]
)
def test_a_young_adult_is_in_scope_with_more_than_four_weeks_to_serve(
    age: int,
    days_left: int,
    expected: bool,  # noqa: FBT001 - what the rule says
) -> None:
    world = opened(
        date_of_birth=born(age),
        sentence_type="DETERMINATE",
        sentence_days=90,
        sentence_expiry=TODAY + 300,
        release_date=TODAY + days_left,
    )
    assert world.state.in_scope is expected


@pytest.mark.requirement("R-CASE-07")
def test_the_case_remembers_by_which_dated_rule_it_was_taken_in() -> None:
    world = opened(sentence_type="DETERMINATE", sentence_days=YEAR)
    assert world.state.allocation.scope_rule == "as-published-2011 (england-and-wales:1.0)"


@pytest.mark.requirement("R-CASE-07")
def test_another_rule_needs_no_other_code() -> None:
    """What the inspectors found in 2009: a year and high risk of serious harm, or priority, or IPP."""
    facts = {"sentence_type": "DETERMINATE", "sentence_days": YEAR}
    now = opened(**facts)
    assert scope_of(now) is True
    then = World(now=moment("2009-10-01"), profiles=(england(version="0.9"),))
    open_case(then, **{**RULED, **facts})
    appoint(then, MANAGER, grade="PO")
    assert scope_of(then) is None
    then.send(MANAGER, MessageName.RISK_CHANGE, {"kind": "ROSH", "rosh_level": "LOW"})
    assert scope_of(then) is None
    then.send(MANAGER, MessageName.RISK_CHANGE, {"kind": "PPO", "ppo": False})
    assert scope_of(then) is False
    then.send(MANAGER, MessageName.RISK_CHANGE, {"kind": "ROSH", "rosh_level": "HIGH"})
    assert scope_of(then) is True


@pytest.mark.requirement("R-CASE-07")
def test_out_of_scope_by_the_rule_there_is_no_exception_for_want_of_an_offender_manager() -> None:
    out = World()
    short = {"sentence_type": "DETERMINATE", "sentence_days": 90, "sentence_expiry": TODAY + 60}
    assert codes(open_case(out, **{**RULED, **short})) == []
    appoint(out, ADMINISTRATOR)
    longer = {"action": "CHANGED", "sentence_days": 2 * YEAR}
    assert "CASE-WITHOUT-OM" in codes(out.send(ADMINISTRATOR, MessageName.CASE, longer))


@pytest.mark.requirement("R-CASE-07")
def test_what_the_author_says_stands_and_is_reported_once_where_the_rule_says_otherwise() -> None:
    world = staffed()
    short = {"sentence_type": "DETERMINATE", "sentence_days": 90, "date_of_birth": BORN_1990}
    told = world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", **short})
    assert set(codes(told)) == {"SCOPE-AT-ODDS"}
    assert world.state.in_scope is True
    again = {"action": "CHANGED", "sentence_days": 91}
    assert codes(world.send(ADMINISTRATOR, MessageName.CASE, again)) == []


@pytest.mark.requirement("R-CASE-07")
def test_what_the_rule_said_elsewhere_or_of_a_fact_since_erased_holds_no_more() -> None:
    """In Scotland the route decides, and nobody has stated it yet."""
    moved = opened(sentence_type="DETERMINATE", sentence_days=YEAR)
    appoint(moved, ADMINISTRATOR)
    assert scope_of(moved) is True
    moved.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "jurisdiction": "SCOTLAND"})
    assert scope_of(moved) is None
    assert moved.state.allocation.scope_rule is None
    world = staffed(in_scope=None)
    said = {"action": "CHANGED", "sentence_type": "DETERMINATE", "sentence_days": YEAR}
    sent = world.submission(MANAGER, MessageName.CASE, {**said, "date_of_birth": BORN_1990})
    world.take(sent)
    assert scope_of(world) is True
    world.send(MANAGER, MessageName.CORRECTION, {"corrects": sent.envelope.message_id, "action": "RETRACT"})
    assert scope_of(world) is None


@pytest.mark.requirement("R-MSG-16")
def test_a_date_of_birth_that_is_erased_is_forgotten_by_the_scope_rule() -> None:
    world = staffed(in_scope=None, sentence_type="DETERMINATE", sentence_days=YEAR)
    said = {"action": "CHANGED", "date_of_birth": BORN_1990}
    sent = world.submission(MANAGER, MessageName.CASE, said)
    world.take(sent)
    assert world.state.allocation.born == BORN_1990
    erased = {"corrects": sent.envelope.message_id, "action": "ERASE", "fields": ["date_of_birth"]}
    world.send(MANAGER, MessageName.CORRECTION, erased)
    after = world.case(CASE)
    assert after is not None
    assert (after.allocation.born, after.allocation.days) == (None, YEAR)


@pytest.mark.requirement("R-CASE-08")
@pytest.mark.parametrize(
    ("factors", "tier"),
    [
        (["ROSH_MEDIUM", "COMPLIANT"], 1),
        (["ROSH_LOW", "PRACTICAL_NEEDS: no fixed address"], 2),
        (["LIKELIHOOD_HIGH", "MANY_NEEDS", "ROSH_MEDIUM"], 3),
        (["LIKELIHOOD_LOW", "VULNERABLE"], 3),
        (["ROSH_MEDIUM", "PPO"], 4),
        (["ROSH_VERY_HIGH"], 4),
    ],
)
def test_a_tier_not_stated_follows_from_its_factors(factors: list[str], tier: int) -> None:
    world = opened(tier=None, tier_factors=factors)
    assert world.state.tier == tier
    assert world.state.allocation.tier_rules == "omm-2005.1"


@pytest.mark.requirement("R-CASE-08")
def test_a_factor_that_is_none_of_the_rules_is_refused_by_its_place_without_its_value() -> None:
    world = World()
    result = open_case(world, tier_factors=["ROSH_LOW", "RATHER_NICE: secret words", "PPO", "BAD"])
    assert refused(result) == "TIER-FACTOR-UNKNOWN"
    assert result.rejection is not None
    assert "/data/tier_factors/1, /data/tier_factors/3:" in result.rejection.detail
    assert "002 3.69" in result.rejection.detail
    assert "secret" not in result.rejection.detail
    assert "RATHER" not in result.rejection.detail


@pytest.mark.requirement("R-CASE-08")
def test_a_tier_below_its_factors_is_taken_and_reported_with_the_tier_they_ask_for() -> None:
    world = staffed()
    changed = {"action": "CHANGED", "tier": 2, "tier_factors": ["ROSH_HIGH"]}
    result = world.send(MANAGER, MessageName.CASE, changed)
    assert world.state.tier == 2
    (told,) = to(result, MANAGER.organisation, ADMINISTRATOR.role)[-1:]
    assert told.payload["code"] == "TIER-BELOW-FACTORS"
    assert str(told.payload["detail"]).endswith("They ask for tier 4.")
    above = {"action": "CHANGED", "tier": 4, "tier_factors": ["ROSH_LOW"]}
    assert "TIER-BELOW-FACTORS" not in codes(world.send(MANAGER, MessageName.CASE, above))


@pytest.mark.requirement("R-CASE-08")
def test_a_tier_by_other_rules_than_those_in_force_is_reported() -> None:
    world = staffed()
    changed = {"action": "CHANGED", "tier": 2, "tier_rules": "omm-2004"}
    assert set(codes(world.send(MANAGER, MessageName.CASE, changed))) == {"TIER-RULES-OTHER"}


@pytest.mark.requirement("R-CASE-08")
def test_grades_and_one_person_for_both_roles_are_what_the_profile_says() -> None:
    """With a profile that asks for a Probation Officer from tier 2 up, a PSO there is below the tier."""
    tiers = copy.deepcopy(next(iter(p for p in read_profiles() if not p.get("integrated"))))["tiers"]
    tiers[1]["grades"], tiers[1]["one_person"] = ["PO"], True
    world = World(profiles=(england(version="1.1", in_force_from="2020-01-01", tiers=tiers),))
    open_case(world, tier=2)
    assert "OM-GRADE-BELOW-TIER" in codes(appoint(world, MANAGER, grade="PSO"))
    assert "TIER-4-SPLIT" in codes(appoint(world, SUPERVISOR, by=MANAGER))
    usual = World()
    open_case(usual, tier=2)
    assert codes(appoint(usual, MANAGER, grade="PSO")) == []


@pytest.mark.requirement("R-CASE-08")
def test_in_tier_four_the_line_manager_named_on_the_case_hears_of_every_exception() -> None:
    """Frequent line management monitoring and guidance (002 3.68)."""
    for tier, hears in ((3, False), (4, True)):
        world = staffed(tier=tier)
        appoint(world, LINE_MANAGER)
        result = world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "tier_rules": "omm-2004"})
        assert bool(to(result, LINE_MANAGER.organisation, LINE_MANAGER.role)) is hears


@pytest.mark.requirement("R-CON-08")
@pytest.mark.parametrize("report", ["ORAL", "FAST_DELIVERY"])
def test_an_oral_or_fast_delivery_report_needs_no_offender_manager_and_begins_no_continuity(
    report: str,
) -> None:
    world = World()
    before = {"sentence_type": "PRE_SENTENCE", "court_report": report, "tier": None}
    assert codes(open_case(world, **before)) == []
    appoint(world, ADMINISTRATOR)
    writer = Staff(MANAGER.organisation, MANAGER.role, "court-1")
    appoint(world, writer)
    passed = {"action": "CHANGED", "sentence_type": "COMMUNITY_ORDER", "tier": 2}
    assert refused(world.send(ADMINISTRATOR, MessageName.CASE, passed)) is None
    assert world.state.allocation.continuity_from == world.now
    ended = {"action": "END", "role": "offender_manager", "organisation": writer.organisation}
    assert refused(world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, ended)) is None
    assert codes(appoint(world, MANAGER, grade="PSO")) == []
    assert world.state.om_transfers == 0


@pytest.mark.requirement("R-CON-08")
def test_after_an_exempt_report_the_case_is_handed_on_without_a_reason_and_it_is_no_transfer() -> None:
    world = World()
    open_case(world, sentence_type="PRE_SENTENCE", court_report="ORAL", tier=None)
    appoint(world, MANAGER)
    handed_on = {"action": "TRANSFER_OM", "organisation": MANAGER.organisation, "person": NEXT_MANAGER.person}
    result = world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, handed_on)
    assert refused(result) is None
    assert codes(result) == []
    assert world.state.om_transfers == 0
    passed = {"action": "CHANGED", "sentence_type": "COMMUNITY_ORDER", "tier": 2}
    world.send(NEXT_MANAGER, MessageName.CASE, passed)
    distribute(world, by=NEXT_MANAGER)
    back = {**handed_on, "person": MANAGER.person}
    assert refused(world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, back)) == "OM-TRANSFER-NO-REASON"


@pytest.mark.requirement("R-CON-08")
def test_whoever_stays_on_after_an_exempt_report_and_makes_the_plan_is_kept() -> None:
    world = World()
    open_case(world, sentence_type="PRE_SENTENCE", court_report="ORAL", tier=None)
    appoint(world, MANAGER, grade="PO")
    passed = {"action": "CHANGED", "sentence_type": "COMMUNITY_ORDER", "tier": 2}
    world.send(MANAGER, MessageName.CASE, passed)
    distribute(world)
    assert world.state.allocation.continuity_from is not None
    ended = {"action": "END", "role": "offender_manager", "organisation": MANAGER.organisation}
    assert refused(world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, ended)) == "OM-TRANSFER-NO-REASON"


@pytest.mark.requirement("R-CON-08")
def test_a_standard_delivery_report_is_allocated_by_likely_tier_to_the_manager_who_keeps_the_case() -> None:
    world = World()
    before = {"sentence_type": "PRE_SENTENCE", "court_report": "STANDARD_DELIVERY", "tier": None}
    assert set(codes(open_case(world, **before))) == {"CASE-WITHOUT-OM", "REPORT-WITHOUT-LIKELY-TIER"}
    appoint(world, ADMINISTRATOR)
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "tier": 3})
    assert "OM-GRADE-BELOW-TIER" in codes(appoint(world, MANAGER, grade="PSO"))
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "sentence_type": "DETERMINATE"})
    ended = {"action": "END", "role": "offender_manager", "organisation": MANAGER.organisation}
    assert refused(world.send(LINE_MANAGER, MessageName.TEAM_CHANGE, ended)) == "OM-TRANSFER-NO-REASON"
    assert refused(appoint(world, NEXT_MANAGER)) == "OM-ALREADY-HELD"
    assert world.manager is not None
    assert world.manager.person == MANAGER.person
