"""Integrated Case Management in Scotland, and a case that moves between jurisdictions (R-SCO-01…03; 001)."""

from __future__ import annotations

import pytest

from hub.cases.profile_reader import profile_from
from hub.messages.envelope import MessageName
from hub.messages.identifiers import Instant
from hub.routing.outcome import Result
from hub.topics.profile_files import read_profiles
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    MANAGER,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    World,
    appoint,
    codes,
    distribute,
    engage,
    open_case,
    refused,
    to,
)

YEAR, LONG, SHORT = 365, 5 * 365, 2 * 365
FAMILY = {"role": "family_member", "third_party_name": "Relative Invented"}
CONFERENCE = {"review": "conference-1", "kind": "CASE_CONFERENCE"}


def scottish(**fields: object) -> World:
    """Return a world with a case in Scotland, its coordinator and a prison officer, nobody in custody yet."""
    world = World()
    usual = {"jurisdiction": "SCOTLAND", "in_scope": None, "tier": None, "sentence_type": "DETERMINATE"}
    assert refused(open_case(world, **{**usual, "sentence_days": SHORT, **fields})) is None
    appoint(world, ADMINISTRATOR)
    appoint(world, SUPERVISOR)
    return world


def received(world: World) -> Result:
    """Receive the person into prison."""
    event = {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
    result = world.send(UNIT, MessageName.PRISON_EVENT, event)
    assert refused(result) is None
    return result


def screened(world: World) -> Result:
    """Hold the Core Screen."""
    screen = {"assessment": "screen-1", "kind": "CORE_SCREEN", "made_by_role": "offender_supervisor"}
    result = world.send(SUPERVISOR, MessageName.ASSESSMENT, screen)
    assert refused(result) is None
    return result


def says(world: World, **facts: object) -> Result:
    """Let the coordinator state something of the case."""
    return world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", **facts})


def agrees(world: World, action: str = "GIVEN") -> Result:
    """Record the person's word on family or friends."""
    consent = {"consent": "family", "action": action, "classes": ["third_party"]}
    return world.send(ADMINISTRATOR, MessageName.CONSENT, consent)


def confers(world: World, **fields: object) -> Result:
    """Hold a case conference."""
    held = {**CONFERENCE, "action": "HELD", **fields}
    return world.send(ADMINISTRATOR, MessageName.REVIEW, {"attendees": None, **held})


def day(world: World, days: int) -> int:
    """Return a date so many days from now, as contracts count days."""
    return world.now // DAY + days


def asked_of_icm(result: Result) -> list[object]:
    """Return the reports there are but for an assessment, which is awaited in every jurisdiction."""
    return [code for code in codes(result) if code != "ASSESSMENT-MISSING"]


def was_screened(world: World) -> bool:
    """Say whether the Core Screen of this period of custody has been held."""
    icm = world.state.integrated
    return icm is not None and icm.screened_at is not None


@pytest.mark.requirement("R-SCO-01")
def test_the_core_screen_is_missed_a_week_after_reception_and_only_once() -> None:
    world = scottish()
    received(world)
    assert codes(world.pass_time(6 * DAY)) == []
    late = world.pass_time(DAY)
    assert set(codes(late)) == {"CORE-SCREEN-OVERDUE"}
    assert {each.role for each in late.deliveries} == {ADMINISTRATOR.role}
    assert asked_of_icm(world.pass_time(30 * DAY)) == []


@pytest.mark.requirement("R-SCO-01")
def test_a_profile_that_gives_longer_is_waited_for_also_by_a_deadline_set_before() -> None:
    world = scottish()
    received(world)
    (plain,) = (each for each in read_profiles() if each["jurisdiction"] == "SCOTLAND")
    longer = {**plain["integrated"], "core_screen_days": 20}
    later = {"version": "1.1", "in_force_from": "2020-01-01", "integrated": longer}
    world.profiles = (profile_from({**plain, **later}),)
    assert codes(world.pass_time(7 * DAY)) == []
    assert codes(world.pass_time(12 * DAY)) == []
    assert set(codes(world.pass_time(DAY))) == {"CORE-SCREEN-OVERDUE"}
    assert asked_of_icm(world.pass_time(30 * DAY)) == []


@pytest.mark.requirement("R-SCO-01")
def test_the_core_screen_by_a_prison_officer_is_in_order_and_asks_for_the_route() -> None:
    world = scottish()
    received(world)
    assert set(codes(screened(world))) == {"ICM-ROUTE-OPEN"}
    assert codes(says(world, icm_route="STANDARD")) == []
    assert asked_of_icm(world.pass_time(30 * DAY)) == []
    assert world.state.in_scope is False


@pytest.mark.requirement("R-SCO-01")
@pytest.mark.parametrize(
    "facts", [{"sentence_days": LONG}, {"sentence_type": "EXTENDED_DETERMINATE", "sentence_days": SHORT}]
)
def test_over_four_years_or_with_statutory_supervision_the_route_is_enhanced(
    facts: dict[str, object],
) -> None:
    world = scottish(**facts)
    assert world.state.integrated is not None
    assert world.state.integrated.route == "ENHANCED"
    assert world.state.in_scope is True
    result = says(world, icm_route="STANDARD")
    assert refused(result) == "ICM-ROUTE-NOT-ENHANCED"
    assert result.rejection is not None
    assert "/data/icm_route:" in result.rejection.detail


@pytest.mark.requirement("R-SCO-01")
def test_four_years_to_the_day_is_not_over_four_years() -> None:
    world = scottish(sentence_days=4 * 365 + 1)
    received(world)
    screened(world)
    assert refused(says(world, icm_route="STANDARD")) is None


@pytest.mark.requirement("R-SCO-01")
def test_the_enhanced_route_wants_a_community_based_social_worker_the_standard_one_does_not() -> None:
    world = scottish()
    received(world)
    screened(world)
    result = says(world, icm_route="ENHANCED")
    assert set(codes(result)) == {"CASE-WITHOUT-OM"}
    (told,) = to(result, ADMINISTRATOR.organisation)
    assert "The case has no community-based social worker (Offender Manager)." in str(told.payload["detail"])


@pytest.mark.requirement("R-SCO-02")
def test_the_social_worker_contacts_the_family_where_the_person_agrees_and_asks_first_where_not() -> None:
    world = scottish(sentence_days=LONG)
    received(world)
    assert set(codes(appoint(world, MANAGER))) == {"ICM-FAMILY-CONSENT-TO-ASK"}
    given = agrees(world)
    assert set(codes(given)) == {"ICM-FAMILY-TO-CONTACT"}
    assert MANAGER.role in {each.role for each in given.deliveries if each.message is MessageName.EXCEPTION}
    assert set(codes(agrees(world, "WITHDRAWN"))) == {"ICM-FAMILY-CONSENT-TO-ASK"}


@pytest.mark.requirement("R-SCO-02")
def test_family_or_a_friend_comes_to_a_conference_only_with_consent() -> None:
    world = scottish()
    received(world)
    screened(world)
    nobody = {"role": None, "organisation": None, "person": None, "third_party_name": None, "attended": None}
    present = [{**nobody, "role": "social_worker"}, {**nobody, **FAMILY}]
    result = confers(world, attendees=present)
    assert refused(result) == "ICM-FAMILY-WITHOUT-CONSENT"
    assert result.rejection is not None
    assert "/data/attendees/1:" in result.rejection.detail
    assert "Relative" not in result.rejection.detail
    other = {"consent": "drugs", "action": "GIVEN", "organisations": [RECOVERY]}
    world.send(ADMINISTRATOR, MessageName.CONSENT, other)
    assert refused(confers(world, attendees=present)) == "ICM-FAMILY-WITHOUT-CONSENT"
    agrees(world)
    assert refused(confers(world, attendees=present)) is None
    agrees(world, "WITHDRAWN")
    assert refused(confers(world, attendees=[present[1]])) == "ICM-FAMILY-WITHOUT-CONSENT"


@pytest.mark.requirement("R-SCO-02")
def test_who_does_not_take_part_is_screened_and_conferred_upon_no_more() -> None:
    world = scottish()
    received(world)
    says(world, icm_participates=False)
    assert asked_of_icm(world.pass_time(2 * YEAR * DAY)) == []
    assert not [key for key in world.timers if "core-screen" in key]
    says(world, icm_participates=True)
    assert set(codes(world.pass_time(DAY))) == {"CORE-SCREEN-OVERDUE"}


@pytest.mark.requirement("R-SCO-03")
def test_a_case_conference_is_called_for_every_year_in_good_time() -> None:
    world = scottish()
    received(world)
    screened(world)
    says(world, icm_route="STANDARD")
    assert codes(world.pass_time((YEAR - 29) * DAY)) == []
    due = world.pass_time(DAY)
    assert set(codes(due)) == {"CASE-CONFERENCE-DUE"}
    detail = str(due.deliveries[0].payload["detail"])
    for who in (
        "ICM case coordinator",
        "family member",
        "social worker",
        "supervising officer",
        "the person",
    ):
        assert who in detail
    assert set(codes(world.pass_time(28 * DAY))) == {"CASE-CONFERENCE-OVERDUE"}
    confers(world)
    assert codes(world.pass_time((YEAR - 29) * DAY)) == []
    assert set(codes(world.pass_time(DAY))) == {"CASE-CONFERENCE-DUE"}


@pytest.mark.requirement("R-SCO-03")
def test_the_last_conference_is_three_months_before_release_and_then_there_is_none() -> None:
    world = scottish()
    received(world)
    screened(world)
    says(world, icm_route="STANDARD", release_date=day(world, 250))
    assert codes(world.pass_time((250 - 91 - 29) * DAY)) == []
    assert set(codes(world.pass_time(DAY))) == {"CASE-CONFERENCE-DUE"}
    confers(world)
    assert codes(world.pass_time(200 * DAY)) == []


@pytest.mark.requirement("R-SCO-03")
def test_a_release_put_off_calls_for_another_conference() -> None:
    world = scottish()
    received(world)
    screened(world)
    says(world, icm_route="STANDARD", release_date=day(world, 100))
    confers(world)
    assert codes(world.pass_time(90 * DAY)) == []
    says(world, release_date=day(world, 300))
    assert codes(world.pass_time((300 - 91 - 29) * DAY)) == []
    assert set(codes(world.pass_time(DAY))) == {"CASE-CONFERENCE-DUE"}


@pytest.mark.requirement("R-SCO-01")
def test_release_ends_the_waiting_and_a_new_reception_begins_it_anew() -> None:
    world = scottish()
    received(world)
    screened(world)
    world.send(
        UNIT, MessageName.PRISON_EVENT, {"action": "RELEASE", "status": "CONFIRMED", "prison_from": "MDI"}
    )
    assert not [key for key in world.timers if "conference" in key]
    assert asked_of_icm(world.pass_time(2 * YEAR * DAY)) == []
    received(world)
    assert set(codes(world.pass_time(7 * DAY))) == {"CORE-SCREEN-OVERDUE"}


def test_a_closed_case_waits_for_no_conference() -> None:
    world = scottish()
    received(world)
    screened(world)
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CLOSED"})
    assert not [key for key in world.timers if "conference" in key or "core-screen" in key]


@pytest.mark.requirement("R-SCO-01")
def test_elsewhere_there_is_no_integrated_case_management_to_speak_of() -> None:
    world = World()
    open_case(world)
    appoint(world, ADMINISTRATOR)
    assert refused(says(world, icm_route="STANDARD")) == "ICM-NOT-HERE"
    assert refused(says(world, icm_participates=True)) == "ICM-NOT-HERE"


@pytest.mark.requirement("R-SCO-01")
def test_a_case_that_moves_to_scotland_keeps_its_history_and_comes_under_its_rules() -> None:
    world = World()
    open_case(world, in_scope=None, sentence_type="DETERMINATE", sentence_days=LONG, date_of_birth=7_000)
    appoint(world, MANAGER, grade="PSO")
    appoint(world, ADMINISTRATOR)
    appoint(world, SUPERVISOR)
    engage(world, COUNSELLOR)
    distribute(world)
    received(world)
    before = world.state
    result = says(world, jurisdiction="SCOTLAND")
    after = world.state
    assert {"JURISDICTION-MOVED", "ICM-FAMILY-CONSENT-TO-ASK"} == set(codes(result))
    assert (after.team, after.referrals, after.plan) == (before.team, before.referrals, before.plan)
    assert after.opened_at == before.opened_at
    (left,) = after.allocation.moves
    assert (left.jurisdiction, left.profile, left.until) == ("ENGLAND_AND_WALES", "1.0", world.now)
    assert after.allocation.scope_rule == "icm (scotland:1.0)"
    assert set(codes(world.pass_time(7 * DAY))) >= {"CORE-SCREEN-OVERDUE"}


@pytest.mark.requirement("R-SCO-01")
def test_a_case_that_leaves_scotland_waits_no_more_for_what_is_asked_there() -> None:
    world = scottish(sentence_days=LONG, date_of_birth=7_000)
    appoint(world, MANAGER, grade="PO")
    received(world)
    screened(world)
    # A personal officer is nothing to explain in Scotland; where the model's own rules hold, a split is.
    assert set(codes(says(world, jurisdiction="ENGLAND_AND_WALES", tier=3))) == {
        "JURISDICTION-MOVED",
        "SPLIT-UNEXPLAINED",
    }
    assert was_screened(world)
    assert asked_of_icm(world.pass_time(3 * YEAR * DAY)) == []
    says(world, jurisdiction="SCOTLAND")
    assert [moved.jurisdiction for moved in world.state.allocation.moves] == ["SCOTLAND", "ENGLAND_AND_WALES"]
    assert not was_screened(world)
    assert set(codes(world.pass_time(7 * DAY))) == {"CORE-SCREEN-OVERDUE"}


def test_the_moves_a_case_remembers_are_bounded() -> None:
    world = scottish()
    for _ in range(15):
        says(world, jurisdiction="ENGLAND_AND_WALES")
        says(world, jurisdiction="SCOTLAND")
    assert len(world.state.allocation.moves) == 20
    assert Instant(world.now) == world.state.allocation.moves[-1].until
