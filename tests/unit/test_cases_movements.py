"""One movement is one fact: expected, confirmed, told again, taken back; and what it does to the work."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from hub.cases import deadlines
from hub.cases.case import ReferralState
from hub.cases.custody import overdue
from hub.cases.movements import KEPT_MAX, expected, place_at
from hub.cases.placing import CONFIRM_WITHIN_MS, confirm_by
from hub.cases.state import to_json
from hub.consent.parties import EVERY_PRISON, Kind
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant, OrganisationId
from hub.routing.directory import ViewDirectory
from tests.unit.moves import event, held, prison
from tests.unit.worlds import (
    COUNSELLOR,
    DAY,
    HOUR,
    HOUSING,
    HOUSING_OFFICER,
    LEEDS,
    LEEDS_UNIT,
    MANAGER,
    MOORLAND,
    PROBATION,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    Staff,
    World,
    appoint,
    asked,
    codes,
    engage,
    move,
    offer,
    organisation,
    refused,
    to,
)

KILOBYTES_OF_MOVEMENTS_MAX = 2
FACT = "f" * 32


def states(world: World) -> dict[str, ReferralState]:
    """Return the state of every referral."""
    return {each.referral: each.state for each in world.state.referrals}


@pytest.mark.requirement("R-MSG-05")
@pytest.mark.requirement("R-CASE-01")
def test_what_is_expected_confirmed_and_taken_back_goes_under_one_correlation() -> None:
    """Whoever follows the correlation sees one fact, also where each prison names it differently."""
    world = held()
    told = [
        event(world, UNIT, "RELEASE", "PROVISIONAL", prison_from="MDI"),
        event(world, UNIT, "RELEASE", "CONFIRMED", prison_from="MDI"),
        event(world, UNIT, "RELEASE", "RETRACTED", prison_from="MDI"),
    ]
    correlations = [to(each, PROBATION, Role.OFFENDER_MANAGER)[0].correlation for each in told]
    assert len(set(correlations)) == 1
    assert prison(world) == MOORLAND
    statuses = [to(each, PROBATION, Role.OFFENDER_MANAGER)[0].payload["status"] for each in told]
    assert statuses == ["PROVISIONAL", "CONFIRMED", "RETRACTED"]


@pytest.mark.requirement("R-MSG-05")
def test_a_fact_told_again_is_told_to_nobody_and_more_about_it_is() -> None:
    """Several events of a prison system may describe one release."""
    world = held()
    event(world, UNIT, "RELEASE", prison_from="MDI", at=Instant(world.now))
    again = event(world, UNIT, "RELEASE", prison_from="MDI", at=Instant(world.now + HOUR))
    assert (again.deliveries, again.decisions, refused(again)) == ((), (), None)
    late = event(world, UNIT, "RELEASE", "PROVISIONAL", prison_from="MDI")
    assert (late.deliveries, refused(late)) == ((), None)
    more = event(world, UNIT, "RELEASE", prison_from="MDI", health_alert="Invented prescription")
    assert to(more, PROBATION, Role.OFFENDER_MANAGER)
    assert codes(more) == []
    stale = event(world, UNIT, "RELEASE", "PROVISIONAL", prison_from="MDI", health_alert="Another one")
    assert refused(stale) == "MOVEMENT-HAPPENED"


@pytest.mark.requirement("R-MSG-05")
def test_an_expected_release_that_moves_to_another_day_is_told_again_as_the_same_fact() -> None:
    """The waiting for its confirmation moves along."""
    world = held()
    soon, later = Instant(world.now + DAY), Instant(world.now + 9 * DAY)
    first = event(world, UNIT, "RELEASE", "PROVISIONAL", prison_from="MDI", at=soon)
    moved_ = event(world, UNIT, "RELEASE", "PROVISIONAL", prison_from="MDI", at=later)
    assert to(first, PROBATION)[0].correlation == to(moved_, PROBATION)[0].correlation
    assert [timer.due_at for timer in world.timers.values()] == [later + CONFIRM_WITHIN_MS]


@pytest.mark.requirement("R-MSG-05")
def test_a_later_move_of_the_same_kind_is_a_fact_of_its_own() -> None:
    """Two releases with a return into custody between them, and two on different days, are two."""
    world = held()
    first = event(world, UNIT, "RELEASE", prison_from="MDI")
    event(world, UNIT, "RECALL", prison_to="MDI")
    second = event(world, UNIT, "RELEASE", prison_from="MDI")
    correlations = {to(each, PROBATION)[0].correlation for each in (first, second)}
    assert len(correlations) == len((first, second))
    assert prison(world) is None


@pytest.mark.requirement("R-MSG-05")
def test_a_correction_under_the_same_correlation_mends_where_the_person_is() -> None:
    """The wrong prison hears of the correction, and no more after it."""
    world = held()
    event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI", fact=FACT)
    mended = event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="WWI", fact=FACT)
    assert prison(world) == "prison.wwi"
    assert (LEEDS, "offender_management_unit") in asked(mended)
    review = world.send(MANAGER, MessageName.REVIEW, {"review": "r-1", "action": "DUE"})
    assert LEEDS not in {each.candidate.organisation for each in review.decisions}


@pytest.mark.requirement("R-MSG-05")
def test_two_moves_under_the_correlation_of_one_course_of_events_are_two() -> None:
    """Each asks its own questions, and taking the last back leaves the first."""
    world = held()
    engage(world, COUNSELLOR)
    event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI", fact=FACT)
    onward = event(world, LEEDS_UNIT, "TRANSFER", prison_from="LEI", prison_to="MDI", fact=FACT)
    assert set(codes(onward)) == {"REFERRALS-BETWEEN-PRISONS", "DISPOSE"}
    event(world, LEEDS_UNIT, "TRANSFER", "RETRACTED", prison_from="LEI", prison_to="MDI", fact=FACT)
    assert prison(world) == LEEDS


@pytest.mark.requirement("R-CASE-01")
@pytest.mark.requirement("R-RTE-07")
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_where_the_person_is_does_not_depend_on_the_order_of_telling(order: tuple[int, ...]) -> None:
    """Reception, transfer and a wrong move before them come to the same, in whatever order they arrive."""
    world = held()
    base = world.now
    moves: tuple[tuple[Staff, str, dict[str, Any]], ...] = (
        (UNIT, "RETURN", {"prison_to": "MDI", "at": base + 1}),
        (UNIT, "TRANSFER", {"prison_to": "LEI", "at": base + 2}),
        (LEEDS_UNIT, "RECALL", {"prison_to": "LEI", "at": base + 3}),
    )
    for each in order:
        by, action, fields = moves[each]
        assert refused(event(world, by, action, **fields)) is None
    assert prison(world) == LEEDS


@pytest.mark.requirement("R-MSG-05")
def test_a_move_in_the_middle_that_is_taken_back_leaves_what_came_after_it() -> None:
    """The transfer was wrong; the release after it was not."""
    world = held()
    event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI", fact=FACT)
    event(world, LEEDS_UNIT, "RELEASE", prison_from="LEI")
    back = event(world, UNIT, "TRANSFER", "RETRACTED", prison_from="MDI", prison_to="LEI", fact=FACT)
    assert prison(world) is None
    assert world.state.custody is not None
    assert world.state.custody.previous == MOORLAND
    assert set(codes(back)) == {"MOVEMENT-TAKEN-BACK"}


@pytest.mark.requirement("R-MSG-05")
def test_a_release_undone_takes_its_release_date_along() -> None:
    """The date that held before holds again."""
    world = held()
    event(world, UNIT, "RELEASE_DATE", "PROVISIONAL", release_date=20_100)
    event(world, UNIT, "RELEASE", prison_from="MDI", release_date=20_000)
    event(world, UNIT, "RELEASE", "RETRACTED", prison_from="MDI", release_date=20_000)
    assert world.state.custody is not None
    assert world.state.custody.release_date == "2025-01-12"


@pytest.mark.requirement("R-MSG-05")
def test_taking_back_what_was_never_told_is_refused() -> None:
    """And taking back twice tells nobody a second time."""
    world = held()
    assert refused(event(world, UNIT, "RELEASE", "RETRACTED", prison_from="MDI")) == "MOVEMENT-UNKNOWN"
    event(world, UNIT, "RELEASE", prison_from="MDI", fact=FACT)
    assert event(world, UNIT, "RELEASE", "RETRACTED", prison_from="MDI", fact=FACT).deliveries
    again = event(world, UNIT, "RELEASE", "RETRACTED", prison_from="MDI", fact=FACT)
    assert (again.deliveries, refused(again)) == ((), None)


@pytest.mark.requirement("R-ADM-01")
def test_an_expected_move_nobody_confirms_is_reported_once() -> None:
    """Confirmed or taken back in time, it is not."""
    for then in ("CONFIRMED", "RETRACTED", None):
        world = held()
        event(world, UNIT, "RELEASE", "PROVISIONAL", prison_from="MDI")
        if then is not None:
            event(world, UNIT, "RELEASE", then, prison_from="MDI")
        passed = [world.pass_time(CONFIRM_WITHIN_MS), world.pass_time(DAY)]
        found = [code for each in passed for code in codes(each)]
        assert set(found) == (set() if then else {"MOVEMENT-NOT-CONFIRMED"}), then
        assert len(found) == (0 if then else len({"manager", "administrator"}))


@pytest.mark.requirement("R-MSG-05")
def test_the_end_of_the_case_ends_the_waiting_for_a_confirmation() -> None:
    """Nothing is awaited of a case that is closed."""
    world = held()
    event(world, UNIT, "RELEASE", "PROVISIONAL", prison_from="MDI")
    world.send(MANAGER, MessageName.CASE, {"action": "CLOSED", "close_reason": "SENTENCE_ENDED"})
    assert world.timers == {}


@pytest.mark.requirement("R-MSG-05")
def test_a_prison_the_person_has_left_cannot_move_them() -> None:
    """An event for a person who has left is refused by the rule that names who reports (002 3.24a)."""
    world = held()
    event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI")
    for action in ("RELEASE", "TEMPORARY_RELEASE", "TRANSFER", "HDC"):
        result = event(world, UNIT, action, prison_from="MDI", prison_to="WWI")
        assert refused(result) == "PERSON-NOT-HELD", action
        assert result.rejection is not None
        assert "002 3.24a" in result.rejection.detail
    assert prison(world) == LEEDS


@pytest.mark.requirement("R-MSG-05")
def test_who_has_arrived_by_the_immediate_feed_may_leave_before_it_is_confirmed() -> None:
    """The arrival, confirmed later, is history then."""
    world = held()
    service = OrganisationId("prison-service")
    world.known[service] = organisation(service, Kind.PRISON, prison=EVERY_PRISON)
    system = Staff(service, Role.SYSTEM, "hmpps")
    arrival, leaving = Instant(world.now + HOUR), Instant(world.now + 2 * HOUR)
    event(world, system, "TRANSFER", "PROVISIONAL", prison_to="LEI", at=arrival)
    assert refused(event(world, system, "RELEASE", prison_from="LEI", at=leaving)) is None
    assert refused(event(world, system, "TRANSFER", prison_to="LEI", at=arrival)) is None
    assert prison(world) is None
    assert world.state.custody is not None
    assert world.state.custody.previous == LEEDS


@pytest.mark.requirement("R-MSG-05")
@pytest.mark.requirement("R-REF-03")
def test_a_death_ends_every_referral_and_tells_who_delivered_it() -> None:
    """The provider hears of the death as what it still was; its answer is no longer waited for."""
    world = held()
    engage(world, COUNSELLOR)
    offer(world, HOUSING_OFFICER.organisation)
    result = event(world, UNIT, "DEATH", prison_from="MDI")
    assert set(states(world).values()) == {ReferralState.ENDED}
    assert asked(result)[RECOVERY, "key_worker"].candidate.relevant is True
    assert to(result, RECOVERY, Role.KEY_WORKER)
    assert set(codes(result)) == {"DEATH-REPORTED", "DISPOSE"}
    assert world.timers == {}
    assert refused(event(world, UNIT, "RELEASE", prison_from="MDI")) == "PERSON-DIED"
    assert prison(world) == MOORLAND


@pytest.mark.requirement("R-MSG-05")
def test_a_death_told_by_mistake_brings_everything_back() -> None:
    """Referrals, who delivers them, and the answers that were waited for."""
    world = held()
    engage(world, COUNSELLOR)
    offer(world, HOUSING_OFFICER.organisation)
    before, timers = world.state, dict(world.timers)
    event(world, UNIT, "DEATH", fact=FACT)
    back = event(world, UNIT, "DEATH", "RETRACTED", fact=FACT)
    assert world.state.referrals == before.referrals
    assert world.state.team == before.team
    assert world.timers == timers
    assert set(codes(back)) == {"MOVEMENT-TAKEN-BACK"}
    assert to(back, RECOVERY, Role.KEY_WORKER)
    assert refused(move(world, COUNSELLOR, "START")) is None


@pytest.mark.requirement("R-ADM-01")
def test_an_answer_that_was_late_before_the_death_is_not_reported_again_when_it_is_taken_back() -> None:
    """Once is enough, whatever comes and goes in between."""
    world = held()
    offer(world, HOUSING_OFFICER.organisation)
    assert "REFERRAL-NO-ANSWER" in codes(world.pass_time(30 * DAY))
    event(world, UNIT, "DEATH", fact=FACT)
    event(world, UNIT, "DEATH", "RETRACTED", fact=FACT)
    assert set(states(world).values()) == {ReferralState.OFFERED}
    assert "REFERRAL-NO-ANSWER" not in codes(world.pass_time(DAY))


@pytest.mark.requirement("R-MSG-05")
def test_a_release_that_proves_to_be_a_death_is_one_fact_and_back_again() -> None:
    """The immediate feed does not know the reason; the one held back does."""
    world = held()
    engage(world, COUNSELLOR)
    event(world, UNIT, "RELEASE", prison_from="MDI", fact=FACT)
    assert prison(world) is None
    event(world, UNIT, "DEATH", prison_from="MDI", fact=FACT)
    assert (prison(world), set(states(world).values())) == (MOORLAND, {ReferralState.ENDED})
    event(world, UNIT, "RELEASE", prison_from="MDI", fact=FACT)
    assert (prison(world), set(states(world).values())) == (None, {ReferralState.ACCEPTED})


@pytest.mark.requirement("R-RTE-05")
@pytest.mark.requirement("R-REF-04")
@pytest.mark.parametrize(
    ("action", "places", "code"),
    [
        ("RELEASE", {"prison_from": "MDI"}, "REFERRALS-ON-RELEASE"),
        ("HDC", {"prison_from": "MDI"}, "REFERRALS-ON-RELEASE"),
        ("TRANSFER", {"prison_from": "MDI", "prison_to": "LEI"}, "REFERRALS-BETWEEN-PRISONS"),
    ],
)
def test_a_move_asks_what_becomes_of_open_referrals(action: str, places: dict[str, Any], code: str) -> None:
    """Each names the providers; nothing is ended, and without referrals nothing is asked."""
    world = held()
    assert code not in codes(event(world, UNIT, action, **places))
    other = held()
    engage(other, COUNSELLOR)
    result = event(other, UNIT, action, **places)
    assert codes(result).count(code) == len({"manager", "administrator"})
    report = next(each for each in result.deliveries if each.payload.get("code") == code)
    assert f"{RECOVERY} (1)" in str(report.payload["detail"])
    assert states(other) == {f"ref-{RECOVERY}": ReferralState.ACCEPTED}


@pytest.mark.requirement("R-REF-04")
def test_the_report_names_what_is_better_delivered_where_the_person_was() -> None:
    """Basic skills belong into custody (002 3.39), as the profile in force has it."""
    world = held()
    engage(world, COUNSELLOR)
    offer(world, HOUSING_OFFICER.organisation, category="EDUCATION_TRAINING_EMPLOYMENT")
    told = event(world, UNIT, "RELEASE", prison_from="MDI")
    details = {str(each.payload["detail"]) for each in told.deliveries if "code" in each.payload}
    assert any(f"Better delivered in custody: {HOUSING} (1)." in each for each in details)


@pytest.mark.requirement("R-RTE-05")
def test_a_recall_asks_what_becomes_of_what_was_begun_in_the_community() -> None:
    """A recall takes the person away from it; being away for a day does not."""
    world = held()
    event(world, UNIT, "RELEASE", prison_from="MDI")
    engage(world, COUNSELLOR)
    assert "REFERRALS-INTO-CUSTODY" in codes(event(world, LEEDS_UNIT, "RECALL", prison_to="LEI"))
    day_release = event(world, LEEDS_UNIT, "TEMPORARY_RELEASE", prison_from="LEI")
    returned = event(world, LEEDS_UNIT, "RETURN", prison_to="LEI")
    assert codes(day_release) + codes(returned) == []


@pytest.mark.requirement("R-RTE-05")
@pytest.mark.requirement("R-CASE-04")
def test_a_supervisor_of_the_prison_left_behind_is_reported() -> None:
    """Distant custody asks for a supervisor where the person is (002 3.24a)."""
    world = held()
    appoint(world, SUPERVISOR)
    moved_ = event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI", distant=True)
    assert set(codes(moved_)) == {"SUPERVISOR-LEFT-BEHIND", "DISTANT-CUSTODY"}
    other = held()
    assert codes(event(other, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI")) == ["DISPOSE"]


@pytest.mark.requirement("R-RTE-05")
def test_distant_custody_is_asked_about_once_also_where_it_is_said_later() -> None:
    """The prison service knows of the move, the receiving prison that it is too far."""
    world = held()
    assert codes(event(world, UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI")) == ["DISPOSE"]
    later = event(world, LEEDS_UNIT, "TRANSFER", prison_from="MDI", prison_to="LEI", distant=True)
    assert set(codes(later)) == {"DISTANT-CUSTODY"}
    more = event(world, LEEDS_UNIT, "TRANSFER", prison_to="LEI", distant=True, health_alert="Invented")
    assert codes(more) == []


@pytest.mark.requirement("R-MSG-05")
def test_many_movements_are_kept_small_and_lead_to_the_same_place() -> None:
    """What is forgotten of the earliest stays true as the place they led to."""
    world = held()
    for number in range(12):
        source, target = (("MDI", "LEI"), ("LEI", "MDI"))[number % 2]
        by = (UNIT, LEEDS_UNIT)[number % 2]
        assert refused(event(world, by, "TRANSFER", prison_from=source, prison_to=target)) is None
    assert prison(world) == MOORLAND
    assert len(world.state.movements.known) == KEPT_MAX
    assert place_at(world.state.movements).prison == MOORLAND
    assert len(to_json(world.state)) < KILOBYTES_OF_MOVEMENTS_MAX * 1024 + 2048


@pytest.mark.requirement("R-MSG-05")
def test_a_deadline_set_before_its_name_held_a_time_still_comes() -> None:
    """What an earlier hub waited for when it was replaced is reported all the same."""
    world = held()
    event(world, UNIT, "TRANSFER", "PROVISIONAL", prison_from="MDI", prison_to="LEI", at=world.now)
    (waited_for,) = expected(world.state.movements)
    due = deadlines.former_confirmation(waited_for)
    late = overdue(world.state, due, confirm_by(waited_for), ViewDirectory(world))
    assert [each.code for each in late.exceptions] == ["MOVEMENT-NOT-CONFIRMED"]
    assert (
        overdue(world.state, due, Instant(confirm_by(waited_for) - 1), ViewDirectory(world)).exceptions == ()
    )
