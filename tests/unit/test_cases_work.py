"""What should be happening: appointments, sessions, reviews, assessment; what did not is reported once."""

from __future__ import annotations

import pytest

from hub.cases import expecting
from hub.cases.deadlines import ASSESSMENT_DUE, EXPECTED, REVIEW_AHEAD, REVIEW_DUE
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.messages.needs import lacking
from hub.routing.outcome import Result, Urgency
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    HOUR,
    HOUSING_OFFICER,
    MANAGER,
    MOORLAND,
    PROBATION,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    Staff,
    World,
    appoint,
    assess,
    codes,
    distribute,
    engage,
    move,
    open_case,
    refused,
    staffed,
    to,
)

REFERRAL = f"ref-{RECOVERY}"


def working(**fields: object) -> World:
    """Return a world in which a drug service works with the person."""
    world = staffed(**fields)
    engage(world, COUNSELLOR)
    return world


def arrange(world: World, action: str = "ARRANGED", **fields: object) -> Result:
    """Arrange an appointment with the drug service in a day, or do something else to it."""
    payload = {
        "appointment": "ap-1",
        "action": action,
        "referral": REFERRAL,
        "kind": "SERVICE_DELIVERY",
        "at": world.now + DAY,
        **fields,
    }
    return world.send(ADMINISTRATOR, MessageName.APPOINTMENT, payload)


def report(world: World, by: Staff = COUNSELLOR, **fields: object) -> Result:
    """Report progress on the drug service's referral."""
    return world.send(by, MessageName.PROGRESS, {"referral": REFERRAL, "kind": "SESSION", **fields})


def timers(world: World, kind: str) -> list[int]:
    """Return when the deadlines of a kind are due."""
    return sorted(timer.due_at for timer in world.timers.values() if timer.kind == kind)


@pytest.mark.requirement("R-ADM-01", "R-MSG-15")
def test_an_appointment_nobody_reports_on_becomes_an_exception_for_the_offender_manager() -> None:
    """Once, when the time to say so is over; it names the provider and nothing of the person."""
    world = working()
    arrange(world)
    assert codes(world.pass_time(3 * DAY)) == []
    late = world.pass_time(2 * DAY)
    reports = [each for each in late.deliveries if each.message is MessageName.EXCEPTION]
    assert [(each.role, each.payload["code"]) for each in reports] == [
        (Role.OFFENDER_MANAGER, "APPOINTMENT-NOT-REPORTED"),
        (Role.CASE_ADMINISTRATOR, "APPOINTMENT-NOT-REPORTED"),
    ]
    assert "It was to be with recovery." in str(reports[0].payload["detail"])
    assert codes(world.pass_time(30 * DAY)) == []
    assert world.state.work.expected == ()


@pytest.mark.requirement("R-ADM-01", "R-MSG-02")
@pytest.mark.parametrize("attendance", ["ATTENDED", "ACCEPTABLE_ABSENCE", "UNACCEPTABLE_ABSENCE"])
@pytest.mark.parametrize("named", [True, False])
def test_progress_with_an_attendance_answers_for_the_appointment(attendance: str, named: bool) -> None:  # noqa: FBT001
    """Whether it names the moment or not; a note without an attendance does not."""
    world = working()
    arrange(world)
    (expected,) = world.state.work.expected
    world.pass_time(2 * DAY)
    report(world, note="An invented note")
    assert list(world.state.work.expected) == [expected]
    report(world, attendance=attendance, session_at=expected.at + HOUR if named else None)
    assert not world.state.work.expected
    assert timers(world, EXPECTED) == []
    assert codes(world.pass_time(30 * DAY)) == []


@pytest.mark.requirement("R-ADM-01")
def test_a_report_on_another_session_or_another_referral_answers_nothing() -> None:
    """The one expected is still expected."""
    world = working()
    engage(world, HOUSING_OFFICER)
    arrange(world)
    (expected,) = world.state.work.expected
    world.pass_time(2 * DAY)
    report(world, attendance="ATTENDED", session_at=expected.at - 5 * DAY)
    report(world, HOUSING_OFFICER, referral=f"ref-{HOUSING_OFFICER.organisation}", attendance="ATTENDED")
    assert world.state.work.expected == (expected,)


@pytest.mark.requirement("R-MSG-15")
def test_an_appointment_that_is_moved_is_expected_at_its_new_time_and_a_cancelled_one_not_at_all() -> None:
    """Who moves it need not name the referral again."""
    world = working()
    arrange(world)
    later = world.now + 9 * DAY
    arrange(world, "MOVED", at=later, referral=None)
    assert [(each.at, each.referral) for each in world.state.work.expected] == [(later, REFERRAL)]
    assert timers(world, EXPECTED) == [later + expecting.SAID_WITHIN_MS]
    arrange(world, "CANCELLED", at=None, reason="Invented")
    assert world.state.work.expected == ()
    assert timers(world, EXPECTED) == []


@pytest.mark.requirement("R-ADM-01", "R-MSG-02")
def test_the_next_session_a_key_worker_names_is_expected_in_place_of_the_one_named_before() -> None:
    """There is one next session of a referral; the one that was held is answered by the same report."""
    world = working()
    report(world, attendance="ATTENDED", next_session_at=world.now + 7 * DAY)
    report(world, next_session_at=world.now + 8 * DAY)
    (session,) = world.state.work.expected
    assert session.at > world.now + 7 * DAY
    world.pass_time(8 * DAY)
    report(world, attendance="ATTENDED", session_at=session.at, next_session_at=world.now + 7 * DAY)
    assert len(world.state.work.expected) == 1
    late = world.pass_time(11 * DAY)
    assert set(codes(late)) == {"SESSION-NOT-REPORTED"}


@pytest.mark.requirement("R-ADM-01", "R-REF-03")
def test_a_referral_that_ends_takes_what_was_expected_of_it_along() -> None:
    """Nobody is asked about a session of a service that works with the person no more."""
    world = working()
    arrange(world)
    move(world, MANAGER, "END", referral=REFERRAL)
    assert world.state.work.expected == ()
    assert timers(world, EXPECTED) == []


@pytest.mark.requirement("R-ADM-01")
def test_what_there_is_no_room_for_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The earliest; it is never given up silently."""
    monkeypatch.setattr(expecting, "EXPECTED_MAX", 2)
    world = working()
    said = [codes(arrange(world, appointment=f"ap-{n}", at=world.now + (n + 1) * DAY)) for n in range(3)]
    assert said == [[], [], ["APPOINTMENT-NOT-REPORTED", "APPOINTMENT-NOT-REPORTED"]]
    assert len(world.state.work.expected) == len(timers(world, EXPECTED)) == 2


@pytest.mark.requirement("R-ADM-01")
def test_an_appointment_in_the_past_or_of_no_referral_is_told_and_not_expected() -> None:
    """No message says whether one without a referral was kept."""
    world = working()
    arrange(world, at=world.now - DAY)
    arrange(world, appointment="ap-2", referral=None, with_organisation=PROBATION)
    assert world.state.work.expected == ()


@pytest.mark.requirement("R-ADM-02", "R-CASE-08")
@pytest.mark.parametrize(("tier", "days", "lead"), [(1, 182, 21), (2, 120, 21), (3, 91, 14), (4, 56, 14)])
def test_a_review_is_scheduled_by_tier_and_triggered_in_good_time(tier: int, days: int, lead: int) -> None:
    """The hub sends the word that it is due to everybody concerned, the Offender Manager first."""
    world = working(tier=tier)
    distribute(world)
    assert timers(world, REVIEW_DUE) == [world.now + days * DAY]
    due = world.now + days * DAY
    world.pass_time((days - lead) * DAY - HOUR)
    told = world.pass_time(HOUR)
    reviews = [each for each in told.deliveries if each.message is MessageName.REVIEW]
    assert reviews[0].role is Role.OFFENDER_MANAGER
    assert {each.organisation for each in reviews} == {PROBATION, RECOVERY}
    assert {(each.payload["action"], each.payload["kind"], each.payload["at"]) for each in reviews} == {
        ("DUE", "PLAN_REVIEW", due)
    }
    assert [each for each in world.pass_time(DAY).deliveries if each.message is MessageName.REVIEW] == []


@pytest.mark.requirement("R-ADM-02", "R-MSG-09")
def test_a_review_that_is_not_held_in_its_time_is_reported_once() -> None:
    """And the next one counts from when it is held."""
    world = working(tier=4)
    distribute(world)
    world.pass_time(42 * DAY)
    late = world.pass_time(14 * DAY)
    assert set(codes(late)) == {"REVIEW-NOT-HELD"}
    assert "REVIEW-NOT-HELD" not in codes(world.pass_time(10 * DAY))
    held = {"review": "rv-1", "action": "HELD", "kind": "PLAN_REVIEW", "outcome": "PLAN_CONTINUES"}
    world.send(MANAGER, MessageName.REVIEW, {**held, "at": world.now})
    (scheduled,) = world.state.work.reviews
    assert (scheduled.announced, scheduled.due_at) == (False, scheduled.since + 56 * DAY)
    assert timers(world, REVIEW_AHEAD) == [scheduled.due_at - 14 * DAY]


@pytest.mark.requirement("R-ADM-02", "R-CASE-08")
def test_a_tier_that_rises_draws_the_review_nearer_and_one_that_falls_puts_it_off() -> None:
    """One that is late by then is triggered and reported at once."""
    world = working(tier=1)
    distribute(world)
    began = world.now
    world.pass_time(70 * DAY)
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "tier": 4})
    assert timers(world, REVIEW_DUE) == [began + 56 * DAY]
    at_once = world.pass_time(0)
    assert {"REVIEW-NOT-HELD"} <= set(codes(at_once))
    assert any(each.message is MessageName.REVIEW for each in at_once.deliveries)
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "tier": 2})
    (scheduled,) = world.state.work.reviews
    assert (scheduled.due_at, scheduled.announced) == (began + 120 * DAY, False)


@pytest.mark.requirement("R-ADM-02", "R-CASE-08")
def test_a_review_that_was_missed_is_not_reported_again_when_the_tier_moves_its_time() -> None:
    """Once until it is held; the next one that is missed is reported as well."""
    world = working(tier=4)
    distribute(world)
    assert "REVIEW-NOT-HELD" in codes(world.pass_time(57 * DAY))
    for tier in (2, 4, 3):
        world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "tier": tier})
        assert "REVIEW-NOT-HELD" not in codes(world.pass_time(0))
    assert "REVIEW-NOT-HELD" not in codes(world.pass_time(200 * DAY))
    held = {"review": "rv-1", "action": "HELD", "kind": "PLAN_REVIEW", "at": world.now}
    assert refused(world.send(MANAGER, MessageName.REVIEW, held)) is None
    assert "REVIEW-NOT-HELD" in codes(world.pass_time(200 * DAY))


@pytest.mark.requirement("R-ADM-02", "R-DEL-03")
def test_a_review_that_was_held_says_of_which_kind_it_was() -> None:
    """Else nothing tells which review of the schedule it was, and the sender learns that at the door."""
    held = {"review": "rv-1", "action": "HELD", "kind": None}
    assert lacking(MessageName.REVIEW, held) == ("kind",)
    assert lacking(MessageName.REVIEW, {**held, "action": "CONVENED"}) == ()


@pytest.mark.requirement("R-ADM-02")
def test_a_review_that_was_convened_is_expected_to_be_held() -> None:
    """Whatever its kind; the word that it was held ends the waiting."""
    world = working()
    convened = {"review": "rv-2", "action": "CONVENED", "kind": "CASE_CONFERENCE", "at": world.now + DAY}
    world.send(ADMINISTRATOR, MessageName.REVIEW, convened)
    world.send(ADMINISTRATOR, MessageName.REVIEW, {**convened, "review": "rv-3"})
    world.send(MANAGER, MessageName.REVIEW, {**convened, "action": "HELD"})
    late = world.pass_time(5 * DAY)
    assert codes(late) == ["REVIEW-NOT-HELD", "REVIEW-NOT-HELD"]


@pytest.mark.requirement("R-ADM-02", "R-CASE-01")
def test_a_review_before_release_follows_the_release_date_and_ends_with_custody() -> None:
    """Held, it is wanted anew only where the release moves away by more than the lead."""
    world = working()
    received = {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI", "at": world.now}
    release = world.now // DAY + 200
    world.send(UNIT, MessageName.PRISON_EVENT, {**received, "release_date": release})
    assert timers(world, REVIEW_DUE) == [(release - 90) * DAY]
    held = {"review": "rv-9", "action": "HELD", "kind": "PRE_RELEASE"}
    world.send(MANAGER, MessageName.REVIEW, held)
    assert timers(world, REVIEW_DUE) == timers(world, REVIEW_AHEAD) == []
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "release_date": release + 10})
    assert timers(world, REVIEW_DUE) == []
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "release_date": release + 60})
    assert timers(world, REVIEW_DUE) == [(release - 30) * DAY]
    gone = {"action": "RELEASE", "status": "CONFIRMED", "prison_from": "MDI", "at": world.now + HOUR}
    world.send(UNIT, MessageName.PRISON_EVENT, gone)
    assert timers(world, REVIEW_DUE) == []
    assert [each.kind for each in world.state.work.reviews] == []


@pytest.mark.requirement("R-ADM-07", "R-MSG-14")
def test_a_case_nobody_assesses_in_its_time_is_reported_once() -> None:
    """The Offender Manager's assessment ends the waiting; a supplementary one does not."""
    world = World()
    open_case(world)
    appoint(world, MANAGER, grade="PO")
    appoint(world, SUPERVISOR)
    assess(world, by=SUPERVISOR, kind="SUPPLEMENTARY")
    assert codes(world.pass_time(14 * DAY)) == []
    assert set(codes(world.pass_time(DAY))) == {"ASSESSMENT-MISSING"}
    assert codes(world.pass_time(60 * DAY)) == []
    assert timers(world, ASSESSMENT_DUE) == []
    soon = World()
    open_case(soon)
    appoint(soon, MANAGER, grade="PO")
    assess(soon)
    assert timers(soon, ASSESSMENT_DUE) == []


@pytest.mark.requirement("R-ADM-07", "R-CASE-07")
def test_an_out_of_scope_case_is_waited_on_for_neither_assessment_nor_review() -> None:
    """Taken into scope later, it is."""
    world = World()
    open_case(world, in_scope=False)
    appoint(world, MANAGER)
    distribute(world)
    assert timers(world, ASSESSMENT_DUE) == timers(world, REVIEW_DUE) == timers(world, REVIEW_AHEAD) == []
    world.now = Instant(world.now + 40 * DAY)
    world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "in_scope": True})
    assert set(codes(world.pass_time(0))) == {"ASSESSMENT-MISSING"}


@pytest.mark.requirement("R-ADM-07", "R-MSG-14")
def test_an_assessment_by_an_offender_supervisor_is_reported_to_both_managers() -> None:
    """Inspectors found supervisors made to assess in the manager's place; a supplementary one is theirs."""
    world = World()
    open_case(world)
    appoint(world, MANAGER, grade="PO")
    appoint(world, SUPERVISOR)
    line_manager = Staff(PROBATION, Role.LINE_MANAGER, "lm-1")
    appoint(world, line_manager)
    told = assess(world, by=SUPERVISOR)
    assert set(codes(told)) == {"OS-ACTING-AS-OM", "ASSESSMENT-NOT-BY-OM"}
    assert {each.role for each in told.deliveries if each.message is MessageName.EXCEPTION} >= {
        Role.OFFENDER_MANAGER,
        Role.LINE_MANAGER,
    }
    assert codes(assess(world, by=SUPERVISOR, kind="SUPPLEMENTARY")) == []
    passed_on = assess(world, made_by_role="offender_supervisor")
    assert set(codes(passed_on)) == {"OS-ACTING-AS-OM", "ASSESSMENT-NOT-BY-OM"}
    assert world.state.work.assessed is not None
    assert not world.state.work.assessed.by_manager
    assert codes(assess(world)) == []
    assert set(codes(assess(world, by=SUPERVISOR))) == {"ASSESSMENT-NOT-BY-OM"}
    unit = World()
    open_case(unit)
    appoint(unit, MANAGER)
    received = {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
    unit.send(UNIT, MessageName.PRISON_EVENT, received)
    assert set(codes(assess(unit, by=UNIT))) == {"ASSESSMENT-NOT-BY-OM"}


@pytest.mark.requirement("R-ADM-07", "R-CASE-02")
def test_an_offender_supervisor_who_convenes_reviews_of_a_case_without_a_manager_is_reported() -> None:
    """With a manager it is their task like another's."""
    world = World()
    open_case(world)
    appoint(world, SUPERVISOR, by=ADMINISTRATOR)
    review = {"review": "rv-1", "action": "CONVENED", "kind": "PLAN_REVIEW", "at": world.now + DAY}
    alone = world.send(SUPERVISOR, MessageName.REVIEW, review)
    assert set(codes(alone)) == {"OS-ACTING-AS-OM"}
    appoint(world, MANAGER, grade="PO", by=ADMINISTRATOR)
    assert codes(world.send(SUPERVISOR, MessageName.REVIEW, {**review, "review": "rv-2"})) == []


@pytest.mark.requirement("R-ADM-07", "R-PLAN-01")
def test_a_plan_without_an_assessment_or_with_an_objective_no_need_stands_behind_is_reported() -> None:
    """Punishment and protection follow from the sentence, not from a need; what is over is no question."""
    world = World()
    open_case(world)
    appoint(world, MANAGER, grade="PO")
    assert set(codes(distribute(world))) == {"PLAN-WITHOUT-ASSESSMENT"}
    assess(world, needs=("DRUGS",))
    assert set(codes(distribute(world, 2))) == {"OBJECTIVE-WITHOUT-NEED"}
    assess(world, kind="SUPPLEMENTARY", needs=("ACCOMMODATION",))
    assert codes(distribute(world, 3)) == []
    for version, fields in enumerate(({"purpose": "PUBLIC_PROTECTION"}, {"status": "DROPPED"}), start=4):
        objective = {**dict.fromkeys(("objective", "title", "purpose", "need")), "objective": "o-1", **fields}
        assert codes(distribute(world, version, objectives=[objective])) == []


@pytest.mark.requirement("R-RTE-09")
def test_a_supervisors_collated_progress_that_is_at_odds_reaches_the_offender_manager_marked() -> None:
    """The mark is in what the manager gets, and a report says so; a provider learns of neither."""
    world = working()
    appoint(world, SUPERVISOR)
    told = report(world, SUPERVISOR, kind="ENGAGEMENT", at_odds=True, note="Invented", affects=[])
    (progress,) = to(told, PROBATION, Role.OFFENDER_MANAGER)[:1]
    assert (progress.message, progress.payload["at_odds"]) == (MessageName.PROGRESS, True)
    assert set(codes(told)) == {"AT-ODDS-WITH-ASSESSMENT"}
    assert not any(each.payload.get("at_odds") for each in to(told, RECOVERY))
    assert codes(report(world, SUPERVISOR, kind="ENGAGEMENT", at_odds=False)) == []


@pytest.mark.requirement("R-RTE-09", "R-RTE-03")
@pytest.mark.parametrize(("level", "said"), [("LOW", True), ("MEDIUM", True), ("HIGH", False)])
def test_a_concern_about_harm_is_at_odds_with_a_registered_level_below_high(level: str, said: bool) -> None:  # noqa: FBT001
    """Whoever reports it; the hub marks it, and it goes as a matter of safety."""
    world = working()
    assess(world, rosh_level=level)
    told = report(world, kind="CONCERN", concern="Invented", concern_about_harm=True)
    assert ("AT-ODDS-WITH-ASSESSMENT" in codes(told)) is said
    assert {each.urgency for each in told.deliveries} == {Urgency.SAFETY}


@pytest.mark.requirement("R-MSG-02", "R-ADM-01")
def test_non_compliance_is_put_before_the_offender_manager() -> None:
    """Who decides what follows."""
    world = working()
    assert set(codes(report(world, kind="NON_COMPLIANCE"))) == {"NON-COMPLIANCE"}


def enforce(world: World, by: Staff, action: str, **fields: object) -> Result:
    """Take a step of enforcement."""
    payload = {"enforcement": "e-1", "action": action, "referral": REFERRAL, **fields}
    return world.send(by, MessageName.ENFORCEMENT, payload)


@pytest.mark.requirement("R-ADM-05", "R-MSG-08")
def test_proceedings_follow_a_decision_of_the_offender_manager_and_are_reported_back() -> None:
    """Nothing before it, nothing after the outcome; whoever reported it learns what was decided."""
    world = working()
    assert refused(enforce(world, ADMINISTRATOR, "PROCEEDINGS")) == "ENFORCEMENT-NOT-DECIDED"
    assert refused(enforce(world, COUNSELLOR, "REPORTED")) is None
    assert refused(enforce(world, ADMINISTRATOR, "PROCEEDINGS")) == "ENFORCEMENT-NOT-DECIDED"
    decided = enforce(world, MANAGER, "DECISION", decision="BREACH")
    assert to(decided, RECOVERY)[0].payload["decision"] == "BREACH"
    proceedings = enforce(world, ADMINISTRATOR, "PROCEEDINGS", court="An invented court")
    assert to(proceedings, PROBATION, Role.OFFENDER_MANAGER)[0].payload["court"] == "An invented court"
    assert refused(enforce(world, ADMINISTRATOR, "OUTCOME", outcome="Invented")) is None
    assert refused(enforce(world, MANAGER, "DECISION", decision="RECALL")) == "ENFORCEMENT-SETTLED"


@pytest.mark.requirement("R-ADM-05", "R-MSG-08")
def test_no_proceedings_follow_a_warning_and_a_decision_says_what_was_decided() -> None:
    """Only breach and recall are pursued."""
    world = working()
    assert refused(enforce(world, MANAGER, "DECISION")) == "ENFORCEMENT-INCOMPLETE"
    enforce(world, MANAGER, "DECISION", decision="WARNING")
    assert refused(enforce(world, ADMINISTRATOR, "PROCEEDINGS")) == "ENFORCEMENT-NOT-DECIDED"


@pytest.mark.requirement("R-ADM-05", "R-ADM-01")
def test_what_was_reported_for_enforcement_and_not_decided_on_in_time_is_reported_once() -> None:
    """Reported again it waits no longer for that; decided, it waits no more."""
    world = working()
    enforce(world, COUNSELLOR, "REPORTED")
    enforce(world, COUNSELLOR, "REPORTED", enforcement="e-2")
    enforce(world, MANAGER, "DECISION", enforcement="e-2", decision="NO_ACTION")
    world.pass_time(5 * DAY)
    enforce(world, COUNSELLOR, "REPORTED")
    late = world.pass_time(5 * DAY)
    assert codes(late) == ["ENFORCEMENT-UNDECIDED", "ENFORCEMENT-UNDECIDED"]
    assert codes(world.pass_time(30 * DAY)) == []
    assert refused(enforce(world, MANAGER, "DECISION", decision="BREACH")) is None


@pytest.mark.requirement("R-ADM-05")
def test_a_case_keeps_so_many_matters_of_enforcement_and_lets_settled_ones_go() -> None:
    """Open ones are not forgotten: one more is refused."""
    world = working()
    for number in range(30):
        assert refused(enforce(world, COUNSELLOR, "REPORTED", enforcement=f"x-{number}")) is None
    assert refused(enforce(world, COUNSELLOR, "REPORTED", enforcement="one-more")) == "CASE-FULL"
    enforce(world, MANAGER, "DECISION", enforcement="x-3", decision="WARNING")
    assert refused(enforce(world, COUNSELLOR, "REPORTED", enforcement="one-more")) is None
    assert len(world.state.work.enforcements) == 30
    assert "x-3" not in {each.enforcement for each in world.state.work.enforcements}


@pytest.mark.requirement("R-MSG-10")
def test_a_case_that_closes_without_feedback_on_a_provider_is_reported_until_there_is_some() -> None:
    """Each provider that worked with the person is evaluated; feedback on others does not count."""
    world = working()
    move(world, COUNSELLOR, "START")
    closed = world.send(MANAGER, MessageName.CASE, {"action": "CLOSED", "close_reason": "SENTENCE_ENDED"})
    assert set(codes(closed)) == {"PROVIDER-NOT-EVALUATED", "DISPOSE"}
    outcome = {"objective": "o-1", "achieved": "ACHIEVED", "feedback": "Invented praise"}
    lacking = {"evaluation": "v-1", "outcomes": [{**outcome, "organisation": "housing"}]}
    assert set(codes(world.send(MANAGER, MessageName.EVALUATION, lacking))) == {"PROVIDER-NOT-EVALUATED"}
    whole = {"evaluation": "v-2", "outcomes": [{**outcome, "organisation": RECOVERY}]}
    told = world.send(MANAGER, MessageName.EVALUATION, whole)
    assert codes(told) == []
    (feedback,) = to(told, RECOVERY, Role.SERVICE_MANAGER)
    assert feedback.payload["outcomes"][0]["feedback"] == "Invented praise"  # type: ignore[index]


@pytest.mark.requirement("R-ADM-01", "R-CASE-01")
def test_a_case_that_closes_is_waited_on_no_more() -> None:
    """Not for a session, a review, a decision, an assessment."""
    world = working()
    distribute(world)
    arrange(world)
    enforce(world, COUNSELLOR, "REPORTED")
    assert {EXPECTED, REVIEW_AHEAD, REVIEW_DUE} <= {timer.kind for timer in world.timers.values()}
    world.send(MANAGER, MessageName.CASE, {"action": "CLOSED", "close_reason": "SENTENCE_ENDED"})
    assert not world.timers
    assert codes(world.pass_time(400 * DAY)) == []
    assert world.state.work.assessed is not None
    assert MOORLAND not in world.state.work.evaluated
