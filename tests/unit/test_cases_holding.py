"""Who holds which version of the Sentence Plan, what is recalled, what a leaver has to dispose of."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from hub.cases.acknowledgements import written
from hub.cases.held import PlanHolder
from hub.cases.state import from_json, to_json
from hub.messages.envelope import MessageName, Role
from hub.routing.outcome import Verdict
from tests.unit.moves import event, held
from tests.unit.undelivered import decided_again, waiting
from tests.unit.worlds import (
    ADMINISTRATOR,
    CASE,
    COUNSELLOR,
    DAY,
    HOUSING,
    HOUSING_OFFICER,
    LEEDS,
    MANAGER,
    MOORLAND,
    PROBATION,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    Staff,
    World,
    appoint,
    codes,
    distribute,
    engage,
    move,
    objective_fields,
    offer,
    refused,
    staffed,
    to,
)

if TYPE_CHECKING:
    from hub.messages.identifiers import OrganisationId
    from hub.routing.outcome import Delivery, Result


def engaged() -> World:
    """A case with its team and two providers."""
    world = staffed()
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    return world


def plan_for(result: Result, organisation: OrganisationId) -> Delivery:
    """Return the plan delivered to an organisation."""
    (plan,) = (d for d in to(result, organisation) if d.message is MessageName.PLAN)
    return plan


def acknowledge(world: World, by: Staff, delivery: Delivery) -> None:
    """Say by a receipt that a delivery has been read."""
    receipt = {"delivery": delivery.delivery_id, "level": "READ"}
    assert refused(world.send(by, MessageName.RECEIPT, receipt)) is None


def holder(world: World, organisation: OrganisationId) -> PlanHolder:
    """Return what an organisation holds of the plan."""
    (one,) = (each for each in world.state.held.plan if each.organisation == organisation)
    return one


def dispose(result: Result, organisation: OrganisationId) -> list[str]:
    """Return what an organisation is told to dispose of."""
    return [str(d.payload["detail"]) for d in to(result, organisation) if d.payload.get("code") == "DISPOSE"]


@pytest.mark.requirement("R-PLAN-02")
def test_who_holds_which_version_is_known() -> None:
    """Sent, acknowledged, and still at the older one while the newer is on its way."""
    world = engaged()
    first = distribute(world)
    assert (holder(world, RECOVERY).sent, holder(world, RECOVERY).acknowledged) == (1, None)
    acknowledge(world, COUNSELLOR, plan_for(first, RECOVERY))
    assert holder(world, RECOVERY).acknowledged == 1
    distribute(world, 2)
    assert (holder(world, RECOVERY).sent, holder(world, RECOVERY).acknowledged) == (2, 1)
    assert holder(world, HOUSING).acknowledged is None
    assert from_json(to_json(world.state)) == world.state


@pytest.mark.requirement("R-PLAN-02")
def test_anothers_receipt_acknowledges_nothing() -> None:
    """Only whoever a version was for says that it has it."""
    world = engaged()
    first = distribute(world)
    acknowledge(world, HOUSING_OFFICER, plan_for(first, RECOVERY))
    assert holder(world, RECOVERY).acknowledged is None


@pytest.mark.requirement("R-PLAN-02")
@pytest.mark.parametrize(
    ("named", "counts"), [("0" * 64, False), (None, True), (sha256(b"the plan").hexdigest(), True)]
)
def test_a_receipt_that_names_another_digest_acknowledges_no_version(named: str | None, counts: bool) -> None:  # noqa: FBT001
    """By Kafka nobody refuses it at the door: what it speaks of is not what was sent."""
    world = engaged()
    plan = plan_for(distribute(world), RECOVERY)
    world.cases[CASE] = to_json(written(world.state, {plan.delivery_id: b"the plan"}))
    assert from_json(world.cases[CASE]) == world.state
    said = {"delivery": plan.delivery_id, "level": "READ", "digest": named}
    assert refused(world.send(COUNSELLOR, MessageName.RECEIPT, said)) is None
    assert (holder(world, RECOVERY).acknowledged == 1) is counts
    assert (holder(world, RECOVERY).digest is None) is counts
    again = plan_for(distribute(world, 2), RECOVERY)
    acknowledge(world, COUNSELLOR, again)
    assert holder(world, RECOVERY).acknowledged == 2


@pytest.mark.requirement("R-PLAN-02")
def test_somebody_from_whom_the_plan_is_held_back_is_known_not_to_have_it() -> None:
    """002 3.54: unless there is some overriding issue of confidentiality."""
    world = engaged()
    flag = {"consent": "f", "action": "EXCLUSION", "organisations": [HOUSING]}
    assert refused(world.send(MANAGER, MessageName.CONSENT, flag)) is None
    distribute(world)
    assert holder(world, HOUSING).sent is None
    assert holder(world, RECOVERY).sent == 1


@pytest.mark.requirement("R-PLAN-02", "R-ADM-01")
def test_whoever_has_not_acknowledged_the_plan_in_time_is_named_to_the_offender_manager() -> None:
    """One report for all of them; who has, and what a later version replaced, is not in it."""
    world = engaged()
    distribute(world)
    world.pass_time(5 * DAY)
    second = distribute(world, 2)
    for by in (COUNSELLOR, ADMINISTRATOR):
        acknowledge(world, by, plan_for(second, RECOVERY) if by is COUNSELLOR else _to_administrator(second))
    assert codes(world.pass_time(6 * DAY)) == []
    late = world.pass_time(5 * DAY)
    (detail,) = {str(d.payload["detail"]) for d in late.deliveries}
    assert set(codes(late)) == {"PLAN-NOT-ACKNOWLEDGED"}
    assert "version 2" in detail
    assert "the key worker of housing" in detail
    assert "recovery" not in detail


def _to_administrator(result: Result) -> Delivery:
    given = to(result, ADMINISTRATOR.organisation, Role.CASE_ADMINISTRATOR)
    (plan,) = (each for each in given if each.message is MessageName.PLAN)
    return plan


@pytest.mark.requirement("R-PLAN-01", "R-PLAN-02")
def test_a_superseded_version_that_is_undelivered_is_stopped() -> None:
    """The newer one is on its way; the older one must not arrive after it."""
    world = engaged()
    (first,) = (each for each in waiting(distribute(world), RECOVERY))
    second = distribute(world, 2)
    again = decided_again(world, first)
    (settled,) = again.settled
    assert (settled.verdict, settled.decision.gate) == (Verdict.STOP, "PLAN-SUPERSEDED")
    (newer,) = waiting(second, RECOVERY)
    (kept,) = decided_again(world, newer).settled
    assert kept.verdict is Verdict.RELEASE
    assert holder(world, RECOVERY).sent == 2


@pytest.mark.requirement("R-PLAN-01", "R-MSG-16")
def test_a_version_taken_back_by_the_offender_manager_reaches_nobody_any_more() -> None:
    """What is undelivered stops; whoever works on the case hears of the retraction."""
    world = engaged()
    plan = distribute(world)
    assert plan.seen is not None
    (first,) = waiting(plan, RECOVERY)
    turn = world.state.turn
    recalled = world.send(
        MANAGER,
        MessageName.CORRECTION,
        {"corrects": plan.seen[0], "action": "RETRACT"},
    )
    assert refused(recalled) is None
    assert world.state.turn > turn
    assert RECOVERY in {d.organisation for d in recalled.deliveries if d.message is MessageName.CORRECTION}
    (settled,) = decided_again(world, first).settled
    assert settled.verdict is Verdict.STOP
    assert holder(world, RECOVERY).sent is None
    # No copy of the plan is waited for any more; that the retraction was taken in is.
    assert {*codes(world.pass_time(12 * DAY))} == {"NOT-ACKNOWLEDGED", "NOT-ACKNOWLEDGED-ESCALATED"}


@pytest.mark.requirement("R-RTE-04")
def test_each_member_finds_its_own_responsibilities_marked() -> None:
    """The hub marks them, by organisation and role; what a sender marks goes to nobody."""
    world = engaged()
    blank = dict.fromkeys(objective_fields())
    objectives = [
        {**blank, "objective": "a", "title": "Aim", "organisation": RECOVERY, "role": "key_worker"},
        {**blank, "objective": "b", "title": "Aim", "organisation": HOUSING, "yours": True},
        {
            **blank,
            "objective": "c",
            "title": "Aim",
            "organisation": "probation-north",
            "role": "case_administrator",
        },
    ]
    told = distribute(world, objectives=objectives)

    def marks(delivery: Delivery) -> dict[object, object]:
        return {each["objective"]: each["yours"] for each in delivery.payload["objectives"]}  # type: ignore[attr-defined]

    assert marks(_to_administrator(told)) == {"a": None, "b": None, "c": True}
    assert marks(plan_for(told, RECOVERY))["a"] is True
    assert True not in {value for name, value in marks(plan_for(told, RECOVERY)).items() if name != "a"}
    assert marks(plan_for(told, HOUSING))["b"] is True


@pytest.mark.requirement("R-CASE-06")
def test_a_leavers_organisation_is_told_what_to_dispose_of() -> None:
    """By kind of message, with the version of the plan it holds; and nothing comes afterwards."""
    world = engaged()
    distribute(world)
    ended = move(world, MANAGER, "END", referral=f"ref-{RECOVERY}", end_reason="Done with")
    (told,) = dispose(ended, RECOVERY)
    assert "referral" not in told
    assert "version 1" in told
    assert not dispose(ended, HOUSING)
    assert RECOVERY not in {each.organisation for each in world.state.held.plan}
    assert RECOVERY not in world.state.held.given
    assert not to(distribute(world, 2), RECOVERY)


@pytest.mark.requirement("R-CASE-06")
def test_whoever_keeps_another_part_in_the_case_disposes_of_nothing() -> None:
    """An organisation with a second referral open still needs what it has."""
    world = engaged()
    offer(world, RECOVERY, referral="ref-second")
    assert not dispose(move(world, MANAGER, "END", referral=f"ref-{RECOVERY}"), RECOVERY)
    assert dispose(move(world, MANAGER, "WITHDRAW", referral="ref-second"), RECOVERY)


@pytest.mark.requirement("R-CASE-06")
def test_a_membership_that_ends_on_its_day_ends_with_the_word_to_dispose() -> None:
    """Also where time alone ends it."""
    world = engaged()
    appoint(world, SUPERVISOR, reason="DISTANT_CUSTODY")
    end = {
        "action": "END",
        "role": "offender_supervisor",
        "organisation": MOORLAND,
        "effective_at": world.now + 3 * DAY,
    }
    assert not dispose(world.send(MANAGER, MessageName.TEAM_CHANGE, end), MOORLAND)
    over = world.pass_time(4 * DAY)
    (told,) = dispose(over, MOORLAND)
    assert "case" in told


def closed(world: World, reason: str = "SENTENCE_ENDED") -> Result:
    """Close the case as its Offender Manager."""
    result = world.send(MANAGER, MessageName.CASE, {"action": "CLOSED", "close_reason": reason})
    assert refused(result) is None
    return result


@pytest.mark.requirement("R-CASE-06")
def test_when_the_case_closes_everybody_who_holds_something_of_it_is_told_to_dispose_once() -> None:
    """Providers and the prison's unit, with the version of the plan each holds; who manages it keeps it."""
    world = held()
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    distribute(world)
    over = closed(world)
    for place in (RECOVERY, HOUSING, MOORLAND):
        (told,) = dispose(over, place)
        assert "version 1" in told
    assert not dispose(over, PROBATION)
    assert world.state.held.given <= {PROBATION}
    assert {each.organisation for each in world.state.held.plan} <= {PROBATION}
    after = {"consent": "later", "action": "WITHDRAWN"}
    assert "DISPOSE" not in codes(world.send(MANAGER, MessageName.CONSENT, after))
    assert "DISPOSE" not in codes(world.pass_time(400 * DAY))


@pytest.mark.requirement("R-CASE-06", "R-MSG-05")
def test_after_a_death_providers_dispose_at_once_and_the_prison_when_the_case_closes() -> None:
    """The death ends their referrals; the Offender Manager closes the case later."""
    world = held()
    engage(world, COUNSELLOR)
    died = event(world, UNIT, "DEATH", prison_from="MDI")
    assert dispose(died, RECOVERY)
    assert not dispose(died, MOORLAND)
    over = closed(world, "DIED")
    assert dispose(over, MOORLAND)
    assert not dispose(over, RECOVERY)


@pytest.mark.requirement("R-CASE-06")
def test_a_prison_that_was_told_of_somebody_who_never_came_disposes_when_the_case_closes() -> None:
    """It was sent word of a transfer that was taken back, and never had a part."""
    world = held()
    event(world, UNIT, "TRANSFER", "PROVISIONAL", prison_from="MDI", prison_to="LEI")
    event(world, UNIT, "TRANSFER", "RETRACTED", prison_from="MDI", prison_to="LEI")
    assert dispose(closed(world), LEEDS)


@pytest.mark.requirement("R-CASE-06")
def test_a_prison_that_the_person_leaves_is_told_what_to_dispose_of() -> None:
    """Its unit is told no more than that: of other reports it gets none."""
    world = held()
    left = event(world, UNIT, "RELEASE", prison_from="MDI")
    (report,) = (d for d in to(left, MOORLAND) if d.message is MessageName.EXCEPTION)
    said = {name for name, value in report.payload.items() if value is not None}
    assert said == {"exception", "code", "detail"}
    assert report.role is Role.OFFENDER_MANAGEMENT_UNIT


@pytest.mark.requirement("R-REF-03")
@pytest.mark.parametrize(("provider", "days"), [(RECOVERY, 10), (HOUSING, 15)])
def test_a_provider_answers_in_the_time_of_its_rung(provider: OrganisationId, days: int) -> None:
    """The time stands in the jurisdiction's profile, by rung."""
    world = staffed()
    offer(world, provider)
    assert codes(world.pass_time((days - 1) * DAY)) == []
    assert set(codes(world.pass_time(DAY))) == {"REFERRAL-NO-ANSWER"}


@pytest.mark.requirement("R-REF-04")
def test_a_broker_is_warned_of_an_intervention_before_its_natural_prerequisite() -> None:
    """The Offender Supervisor who brokers hears it as well as the Offender Manager; nothing is refused."""
    world = staffed()
    appoint(world, SUPERVISOR, reason="DISTANT_CUSTODY")
    offer(world, RECOVERY)
    told = offer(world, RECOVERY, by=SUPERVISOR, referral="ref-2", category="EMOTIONAL_WELLBEING")
    assert refused(told) is None
    warned = {d.role for d in told.deliveries if d.payload.get("code") == "SEQUENCE-PREREQUISITE"}
    assert {Role.OFFENDER_MANAGER, Role.OFFENDER_SUPERVISOR} <= warned


@pytest.mark.requirement("R-REF-04")
def test_what_suits_custody_is_questioned_in_the_community() -> None:
    """002 3.39: basic skills in custody; and a prerequisite that is completed warns nobody."""
    world = staffed()
    offer(world, RECOVERY)
    move(world, COUNSELLOR, "ACCEPT", key_worker="kw")
    move(world, COUNSELLOR, "START")
    move(world, COUNSELLOR, "COMPLETE")
    told = offer(world, RECOVERY, referral="ref-2", category="EDUCATION_TRAINING_EMPLOYMENT")
    assert set(codes(told)) == {"SEQUENCE-SETTING"}


@pytest.mark.requirement("R-MSG-01")
def test_an_end_without_completion_by_the_provider_is_reported() -> None:
    """The Offender Manager decides what takes its place; and learns where no reason was given."""
    world = engaged()
    early = move(world, COUNSELLOR, "END", withdrawal_code="NOT")
    assert set(codes(early)) >= {"REFERRAL-ENDED-EARLY"}
    unsaid = move(world, HOUSING_OFFICER, "END")
    details = {str(d.payload["detail"]) for d in unsaid.deliveries if d.payload.get("code")}
    assert any("has not said why" in each for each in details)
