"""The work of a case on a running hub: told through the gateway, found in the mailboxes it concerns."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from hub.cli import report
from hub.messages.envelope import MessageName, Role
from tests.integration.projected_world import until
from tests.integration.work_world import Told, appoint, assess, begun, engage, working_hub
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    HOUR,
    HOUSING_OFFICER,
    LEEDS_UNIT,
    LINE_MANAGER,
    MANAGER,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    Staff,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.living_world import Living

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module"), pytest.mark.public_door]
SERVICE_MANAGER = Staff(RECOVERY, Role.SERVICE_MANAGER, "sm-1")
OBJECTIVE = {
    "objective": "o-1",
    "title": "Invented",
    "purpose": "REFORM",
    "need": "DRUGS",
    "organisation": RECOVERY,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(kafka: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Living]:
    """One hub for all of these; each test has a case of its own."""
    async with working_hub(kafka, database, tmp_path_factory.mktemp("work")) as made:
        yield made


@pytest.mark.requirement("R-ADM-01", "R-MSG-15", "R-MSG-11")
async def test_an_appointment_nobody_reports_on_reaches_the_offender_manager_as_an_exception(
    hub: Living,
) -> None:
    """The provider hears of the appointment; one on which there is a report is not reported."""
    told = await begun(hub)
    await assess(told)
    referral = await engage(told, COUNSELLOR)
    now = hub.now() + hub.ahead_ms
    arranged = {"action": "ARRANGED", "referral": referral, "kind": "SERVICE_DELIVERY"}
    for name, at in (("ap-1", now + DAY), ("ap-2", now + 3 * DAY)):
        said = await told.post(ADMINISTRATOR, MessageName.APPOINTMENT, appointment=name, at=at, **arranged)
        assert said == "routed"
    assert await told.gets(COUNSELLOR, MessageName.APPOINTMENT, appointment="ap-1")
    attended = {"referral": referral, "kind": "SESSION", "attendance": "ATTENDED"}
    await told.pass_time(2 * DAY)
    await told.post(COUNSELLOR, MessageName.PROGRESS, **attended, session_at=now + DAY)
    await told.pass_time(3 * DAY)
    assert await told.told(MANAGER, MessageName.EXCEPTION, code="APPOINTMENT-NOT-REPORTED") == []
    await told.pass_time(2 * DAY)
    (late,) = await told.reported("APPOINTMENT-NOT-REPORTED")
    assert late.data["detail"].endswith("It was to be with recovery.")
    assert len(await told.reported("APPOINTMENT-NOT-REPORTED", ADMINISTRATOR)) == 1


@pytest.mark.requirement("R-ADM-02", "R-MSG-09", "R-CASE-08")
async def test_a_review_is_triggered_by_the_hub_for_the_team_and_reported_when_it_is_not_held(
    hub: Living,
) -> None:
    """In tier 4 after eight weeks, announced two weeks before; convened and held are everybody's news."""
    told = await begun(hub, tier=4)
    await assess(told)
    await engage(told, COUNSELLOR)
    plan = {"version": 1, "change_summary": "First", "objectives": [OBJECTIVE]}
    assert await told.post(MANAGER, MessageName.PLAN, **plan) == "routed"
    await told.pass_time(43 * DAY)
    (due,) = await told.gets(MANAGER, MessageName.REVIEW, action="DUE", kind="PLAN_REVIEW")
    assert await told.gets(ADMINISTRATOR, MessageName.REVIEW, action="DUE", review=due.data["review"])
    assert await told.gets(COUNSELLOR, MessageName.REVIEW, action="DUE", at=due.data["at"])
    await told.pass_time(14 * DAY)
    assert len(await told.reported("REVIEW-NOT-HELD")) == 1
    review = {"review": "rv-1", "kind": "PLAN_REVIEW", "at": hub.now() + hub.ahead_ms + DAY}
    await told.post(ADMINISTRATOR, MessageName.REVIEW, action="CONVENED", **review)
    assert await told.gets(COUNSELLOR, MessageName.REVIEW, action="CONVENED", review="rv-1")
    await told.pass_time(2 * DAY)
    await told.post(MANAGER, MessageName.REVIEW, action="HELD", outcome="PLAN_CONTINUES", **review)
    assert await told.gets(COUNSELLOR, MessageName.REVIEW, action="HELD", review="rv-1")
    await told.pass_time(30 * DAY)
    assert len(await told.reported("REVIEW-NOT-HELD")) == 1


@pytest.mark.requirement("R-ADM-03", "R-RTE-03", "R-CASE-08")
async def test_a_key_workers_alert_reaches_the_manager_first_and_escalates_until_somebody_takes_it_on(
    hub: Living,
) -> None:
    """By the timetable of tier 3; another's receipt does not answer for the manager, their own does."""
    told = await begun(hub, tier=3)
    await assess(told)
    await engage(told, COUNSELLOR)
    factor = {"kind": "FACTOR", "urgency": "IMMEDIATE", "factor": "Invented", "factor_change": "NEW"}
    await told.post(COUNSELLOR, MessageName.RISK_CHANGE, **factor)
    (alert,) = await told.gets(MANAGER, MessageName.RISK_CHANGE, factor="Invented")
    await told.pass_time(24 * HOUR)
    assert await told.reported("NOT-ACKNOWLEDGED")
    (escalated,) = await told.reported("NOT-ACKNOWLEDGED-ESCALATED", ADMINISTRATOR)
    assert escalated.data["raised_for_role"] == "case_administrator"
    assert await told.told(LINE_MANAGER, MessageName.EXCEPTION, code="NOT-ACKNOWLEDGED-ESCALATED") == []
    other = {"delivery": alert.delivery, "level": "READ"}
    assert await told.post(ADMINISTRATOR, MessageName.RECEIPT, **other) == "routed"
    await told.pass_time(24 * HOUR)
    assert await told.reported("NOT-ACKNOWLEDGED-ESCALATED", LINE_MANAGER)
    await told.post(COUNSELLOR, MessageName.RISK_CHANGE, **{**factor, "factor": "Another"})
    (second,) = await told.gets(MANAGER, MessageName.RISK_CHANGE, factor="Another")
    await told.post(MANAGER, MessageName.RECEIPT, delivery=second.delivery, level="ACTIONED")
    await told.pass_time(3 * DAY)
    assert len(await told.told(MANAGER, MessageName.EXCEPTION, code="NOT-ACKNOWLEDGED")) == 1


@pytest.mark.requirement("R-ADM-05", "R-MSG-08")
async def test_only_the_offender_manager_decides_on_enforcement_and_who_reported_it_learns_what(
    hub: Living,
) -> None:
    """The sender of what is not theirs to decide sees that it was refused; proceedings are reported back."""
    told = await begun(hub)
    await assess(told)
    referral = await engage(told, COUNSELLOR)
    step = {"enforcement": "e-1", "referral": referral}
    assert await told.post(COUNSELLOR, MessageName.ENFORCEMENT, action="REPORTED", **step) == "routed"
    assert await told.gets(MANAGER, MessageName.ENFORCEMENT, action="REPORTED")
    decision = {"action": "DECISION", "decision": "BREACH"}
    assert await told.post(COUNSELLOR, MessageName.ENFORCEMENT, **decision, **step) == "refused"
    assert await told.post(ADMINISTRATOR, MessageName.ENFORCEMENT, action="PROCEEDINGS", **step) == "refused"
    await told.pass_time(10 * DAY)
    assert await told.reported("ENFORCEMENT-UNDECIDED")
    assert await told.post(MANAGER, MessageName.ENFORCEMENT, **decision, **step) == "routed"
    assert await told.gets(COUNSELLOR, MessageName.ENFORCEMENT, action="DECISION", decision="BREACH")
    proceedings = {"action": "PROCEEDINGS", "court": "An invented court", **step}
    assert await told.post(ADMINISTRATOR, MessageName.ENFORCEMENT, **proceedings) == "routed"
    assert await told.gets(MANAGER, MessageName.ENFORCEMENT, action="PROCEEDINGS", court="An invented court")


@pytest.mark.requirement("R-ADM-07", "R-MSG-14", "R-RTE-06")
async def test_an_assessment_by_a_supervisor_and_a_plan_without_need_are_put_before_the_managers(
    hub: Living,
) -> None:
    """What the inspectors found, said at once; the assessment itself is on the same route as the rest."""
    told = await begun(hub)
    await appoint(told, SUPERVISOR)
    assert await assess(told, SUPERVISOR, rosh_level="MEDIUM", rosh_summary="Invented") == "routed"
    assert await told.reported("ASSESSMENT-NOT-BY-OM")
    assert await told.reported("OS-ACTING-AS-OM", LINE_MANAGER)
    assert await told.gets(MANAGER, MessageName.ASSESSMENT, rosh_summary="Invented")
    objective = {"objective": "o-1", "title": "Invented", "purpose": "REFORM", "need": "FINANCE"}
    plan = {"version": 1, "change_summary": "First", "objectives": [objective]}
    assert await told.post(MANAGER, MessageName.PLAN, **plan) == "routed"
    assert await told.reported("OBJECTIVE-WITHOUT-NEED")
    received = {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
    assert await told.post(UNIT, MessageName.PRISON_EVENT, **received, at=hub.now()) == "routed"
    mappa = {"kind": "MAPPA", "urgency": "ROUTINE", "mappa_category": 1, "mappa_level": 2}
    await told.post(MANAGER, MessageName.RISK_CHANGE, **mappa)
    assert await told.gets(UNIT, MessageName.RISK_CHANGE, mappa_level=2)
    assert await told.gets(SUPERVISOR, MessageName.RISK_CHANGE, mappa_level=2)


@pytest.mark.requirement("R-ADM-07")
async def test_a_case_nobody_assesses_in_its_time_is_reported(hub: Living) -> None:
    """To whoever manages it."""
    told = await begun(hub)
    await told.pass_time(15 * DAY)
    assert await told.reported("ASSESSMENT-MISSING")


@pytest.mark.requirement("R-RTE-09", "R-RTE-02", "R-MSG-02")
async def test_collated_progress_at_odds_with_the_assessment_reaches_the_manager_marked(hub: Living) -> None:
    """A Key Worker's progress goes to the manager whole, to another service only what affects it."""
    told = await begun(hub)
    await appoint(told, SUPERVISOR)
    await assess(told, rosh_level="LOW")
    referral = await engage(told, COUNSELLOR)
    await engage(told, HOUSING_OFFICER)
    session = {"referral": referral, "kind": "SESSION", "attendance": "UNACCEPTABLE_ABSENCE"}
    note = {"note": "An invented note", "affects": ["ACCOMMODATION"]}
    assert await told.post(COUNSELLOR, MessageName.PROGRESS, **session, **note) == "routed"
    assert await told.gets(MANAGER, MessageName.PROGRESS, note="An invented note")
    (other,) = await told.gets(HOUSING_OFFICER, MessageName.PROGRESS, attendance="UNACCEPTABLE_ABSENCE")
    assert other.data["note"] is None
    assert await told.reported("MISSED-SESSION")
    collated = {"referral": referral, "kind": "ENGAGEMENT", "note": "Collated, invented", "at_odds": True}
    assert await told.post(SUPERVISOR, MessageName.PROGRESS, **collated) == "routed"
    assert await told.gets(MANAGER, MessageName.PROGRESS, at_odds=True, note="Collated, invented")
    assert await told.reported("AT-ODDS-WITH-ASSESSMENT")
    assert await told.told(COUNSELLOR, MessageName.PROGRESS, at_odds=True) == []


@pytest.mark.requirement("R-MSG-10")
async def test_feedback_on_a_provider_reaches_its_service_manager_after_the_case_is_closed(
    hub: Living,
) -> None:
    """And a case that closes without any is reported."""
    told = await begun(hub)
    await assess(told)
    referral = await engage(told, COUNSELLOR)
    await told.post(COUNSELLOR, MessageName.REFERRAL, referral=referral, action="START")
    ended = {"action": "CLOSED", "close_reason": "SENTENCE_ENDED"}
    assert await told.post(MANAGER, MessageName.CASE, **ended) == "routed"
    assert await told.reported("PROVIDER-NOT-EVALUATED")
    outcome = {"objective": "o-1", "organisation": RECOVERY, "achieved": "ACHIEVED", "feedback": "Invented"}
    evaluation = {"evaluation": "v-1", "outcomes": [outcome], "summary": "Invented"}
    assert await told.post(MANAGER, MessageName.EVALUATION, **evaluation) == "routed"
    (feedback,) = await told.gets(SERVICE_MANAGER, MessageName.EVALUATION)
    assert feedback.data["outcomes"][0]["feedback"] == "Invented"
    assert feedback.data["summary"] is None


@pytest.mark.requirement("R-CASE-06")
async def test_when_the_case_closes_the_prison_and_the_provider_are_told_once_to_dispose_of_it(
    hub: Living,
) -> None:
    """Each finds it in its mailbox, under the terms it got things by; who managed the case keeps it."""
    told = await begun(hub)
    await assess(told)
    await engage(told, COUNSELLOR)
    received = {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI", "at": hub.now()}
    assert await told.post(UNIT, MessageName.PRISON_EVENT, **received) == "routed"
    plan = {"version": 1, "change_summary": "First", "objectives": [OBJECTIVE]}
    assert await told.post(MANAGER, MessageName.PLAN, **plan) == "routed"
    assert await told.gets(UNIT, MessageName.PLAN)
    ended = {"action": "CLOSED", "close_reason": "SENTENCE_ENDED"}
    assert await told.post(MANAGER, MessageName.CASE, **ended) == "routed"
    (prison,) = await told.reported("DISPOSE", UNIT)
    assert "version 1" in prison.data["detail"]
    assert {name for name, said in prison.data.items() if said is not None} == {"exception", "code", "detail"}
    assert "version 1" in (await told.reported("DISPOSE", COUNSELLOR))[0].data["detail"]
    await told.pass_time(30 * DAY)
    for whom in (UNIT, COUNSELLOR):
        assert len(await told.told(whom, MessageName.EXCEPTION, code="DISPOSE")) == 1
    assert await told.told(MANAGER, MessageName.EXCEPTION, code="DISPOSE") == []


async def figures(hub: Living, *command: str) -> list[dict[str, Any]]:
    """What `hub report` says, as JSON."""
    environment = {"HUB_HOME": str(hub.home), "HUB_DATABASE": hub.database}
    run = CliRunner(env=environment)
    done = await asyncio.to_thread(run.invoke, report.app, [*command, "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    return list(json.loads(done.output))


async def held_in_leeds(told: Told) -> None:
    """Let Leeds receive the person, who is with the drug service."""
    await engage(told, COUNSELLOR)
    received = {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "LEI", "at": told.hub.now()}
    assert await told.post(LEEDS_UNIT, MessageName.PRISON_EVENT, **received) == "routed"


async def missed(told: Told, sessions: int = 1) -> None:
    """Let the person miss so many sessions, each of which is reported."""
    absent = {"referral": f"ref-{RECOVERY}", "kind": "SESSION", "attendance": "UNACCEPTABLE_ABSENCE"}
    for _ in range(sessions):
        await told.post(COUNSELLOR, MessageName.PROGRESS, **absent)
    await told.reported("MISSED-SESSION", count=sessions)


@pytest.mark.requirement("R-ADM-04", "R-ADM-06")
async def test_management_sees_exceptions_by_prison_alert_times_and_bases_and_no_person(hub: Living) -> None:
    """What was posted by the gateway is counted from the projection; nothing names case, person or text.

    Of one person nothing is seen, whatever they cause; five of ten are a number.
    """
    told = await begun(hub, tier=4, region="N77")
    await held_in_leeds(told)
    factor = {"kind": "FACTOR", "urgency": "IMMEDIATE", "factor": "Secret", "factor_change": "NEW"}
    await told.post(COUNSELLOR, MessageName.RISK_CHANGE, **factor)
    (alert,) = await told.gets(MANAGER, MessageName.RISK_CHANGE, factor="Secret")
    await told.post(MANAGER, MessageName.RECEIPT, delivery=alert.delivery, level="READ", at=hub.now())
    await told.gets(ADMINISTRATOR, MessageName.RECEIPT, level="READ")
    await missed(told, 5)
    counted = await figures(hub, "exceptions")
    assert LEEDS_UNIT.organisation not in {each["prison"] for each in counted}
    (times,) = (each for each in await figures(hub, "alerts") if each["role"] == "offender_manager")
    assert times["median_minutes"] is None
    loads = await figures(hub, "caseload")
    assert {each["cases"] for each in loads if each["tier"] == 4} == {None}
    bases = await figures(hub, "bases")
    needs = await figures(hub, "needs", "--by", "region")
    assert "N77" not in {each["place"] for each in needs if each["assessed"] is not None}
    shown = json.dumps([counted, times, loads, needs, bases])
    assert str(told.ref) not in shown
    assert "Secret" not in shown
    for number in range(9):
        another = await begun(hub, tier=4)
        await held_in_leeds(another)
        if number < 4:
            await missed(another)
    counted = await figures(hub, "exceptions")
    assert {"prison": LEEDS_UNIT.organisation, "code": "MISSED-SESSION", "cases": 5} in counted

    async def all_are_managed() -> bool:
        # The projection may be a moment behind what is routed: a case with nobody to manage it yet.
        loads = [each["cases"] for each in await figures(hub, "caseload") if each["tier"] == 4]
        return len(loads) == 1 and loads[0] >= 10

    await until(all_are_managed, timeout_s=30)
    bases = await figures(hub, "bases", "--since", "2020-01-01")
    assert "DPA35T" in {each["basis"] for each in bases}
    assert all(set(each) == {"purpose", "basis", "people"} for each in bases)
    assert all(each["people"] >= 5 and each["people"] % 5 == 0 for each in bases)
