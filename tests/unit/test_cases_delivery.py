"""Progress, appointments, enforcement: they belong to the case, and raise what must be acted on."""

from __future__ import annotations

import pytest

from hub.messages.envelope import MessageName, Role
from hub.routing.outcome import Result, Urgency
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    HOUSING,
    HOUSING_OFFICER,
    MANAGER,
    PROBATION,
    SUPERVISOR,
    Staff,
    World,
    appoint,
    asked,
    codes,
    engage,
    offer,
    refused,
    staffed,
    to,
)


def report(world: World, by: Staff = COUNSELLOR, **fields: object) -> Result:
    """Report progress, by default of the recovery service on its own referral."""
    payload = {"referral": "ref-recovery", "kind": "SESSION", **fields}
    return world.send(by, MessageName.PROGRESS, payload)


def working() -> World:
    """Return a world in which two providers work with the person."""
    world = staffed()
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    return world


@pytest.mark.requirement("R-MSG-02")
def test_progress_names_a_referral_its_sender_provides() -> None:
    """An unknown referral and a foreign one are refused alike."""
    world = working()
    assert refused(report(world, referral="ref-none")) == "REFERRAL-UNKNOWN"
    assert refused(report(world, referral="ref-housing")) == "REFERRAL-UNKNOWN"
    assert refused(report(world)) is None


@pytest.mark.requirement("R-RTE-02")
def test_progress_goes_to_the_om_whole_and_to_others_only_where_it_affects_their_work() -> None:
    """The housing provider hears of what may impact its service, and only then."""
    world = working()
    plain = report(world, attendance="ATTENDED", note="Invented note")
    assert to(plain, PROBATION, Role.OFFENDER_MANAGER)[0].payload["note"] == "Invented note"
    assert asked(plain)[HOUSING, "key_worker"].candidate.relevant is False
    assert not to(plain, HOUSING)
    affecting = report(world, note="Invented note", affects=["ACCOMMODATION"])
    assert asked(affecting)[HOUSING, "key_worker"].candidate.relevant is True


@pytest.mark.requirement("R-ADM-01")
def test_a_missed_session_becomes_an_exception_for_the_offender_manager() -> None:
    """An acceptable absence does not."""
    world = working()
    missed = report(world, attendance="UNACCEPTABLE_ABSENCE", session_at=world.now)
    exceptions = [d for d in missed.deliveries if d.message is MessageName.EXCEPTION]
    assert exceptions[0].role is Role.OFFENDER_MANAGER
    assert exceptions[0].payload["about_message"] == missed.seen[0]  # type: ignore[index]
    assert codes(report(world, attendance="ACCEPTABLE_ABSENCE")) == []


@pytest.mark.requirement("R-RTE-03")
def test_a_concern_about_harm_reaches_the_offender_manager_first_as_a_matter_of_safety() -> None:
    """Safety may overtake on its way; other progress is routine."""
    world = working()
    concern = report(world, kind="CONCERN", concern="Invented concern", concern_about_harm=True)
    assert concern.deliveries[0].role is Role.OFFENDER_MANAGER
    assert {d.urgency for d in concern.deliveries} == {Urgency.SAFETY}
    assert {d.urgency for d in report(world, note="Invented").deliveries} == {Urgency.ROUTINE}


@pytest.mark.requirement("R-RTE-09")
def test_the_offender_supervisors_progress_goes_to_the_offender_manager() -> None:
    """On any referral of the case."""
    world = working()
    appoint(world, SUPERVISOR)
    collated = report(world, SUPERVISOR, kind="ENGAGEMENT", note="Collated")
    assert to(collated, PROBATION, Role.OFFENDER_MANAGER)


@pytest.mark.requirement("R-ADM-05")
def test_only_the_offender_manager_decides_on_enforcement() -> None:
    """Anyone on the team reports non-compliance."""
    world = working()
    step = {"enforcement": "e-1", "referral": "ref-recovery"}

    def enforce(by: Staff, **fields: object) -> str | None:
        return refused(world.send(by, MessageName.ENFORCEMENT, {**step, **fields}))

    assert enforce(COUNSELLOR, action="REPORTED") is None
    assert enforce(COUNSELLOR, action="DECISION", decision="BREACH") == "ENFORCEMENT-NOT-BY-OM"
    assert enforce(ADMINISTRATOR, action="PROCEEDINGS", decision="RECALL") == "ENFORCEMENT-NOT-BY-OM"
    assert enforce(MANAGER, action="DECISION", decision="BREACH") is None
    assert enforce(HOUSING_OFFICER, action="REPORTED") == "REFERRAL-UNKNOWN"


@pytest.mark.requirement("R-MSG-15")
def test_an_appointment_concerns_the_provider_it_is_with() -> None:
    """Another provider is asked about and not told; a referral it names must exist."""
    world = working()
    kept = {"appointment": "a-1", "action": "ARRANGED", "with_organisation": HOUSING, "at": world.now}
    decisions = asked(world.send(MANAGER, MessageName.APPOINTMENT, kept))
    assert decisions[HOUSING, "key_worker"].candidate.relevant is True
    assert decisions[COUNSELLOR.organisation, "key_worker"].candidate.relevant is False
    unknown = world.send(MANAGER, MessageName.APPOINTMENT, {**kept, "referral": "ref-none"})
    assert refused(unknown) == "REFERRAL-UNKNOWN"


@pytest.mark.requirement("R-MSG-10")
def test_an_evaluation_reaches_the_service_manager_of_the_provider_evaluated() -> None:
    """Feedback on each provider goes to its service manager, and to nobody who never provided."""
    world = working()
    outcome = {"objective": "o-1", "achieved": "ACHIEVED", "feedback": "Invented praise"}
    outcomes = [{**outcome, "organisation": HOUSING}, {**outcome, "organisation": "programmes"}]
    payload = {"evaluation": "v-1", "outcomes": outcomes, "summary": "Invented"}
    decisions = asked(world.send(MANAGER, MessageName.EVALUATION, payload))
    assert (HOUSING, "service_manager") in decisions
    assert ("programmes", "service_manager") not in decisions


@pytest.mark.requirement("R-RTE-01")
def test_a_receipt_is_the_business_of_those_who_manage_the_case() -> None:
    """A provider may say that something arrived, also once its part has ended."""
    world = working()
    offer(world, HOUSING, referral="second")
    receipt = {"delivery": "d" * 32, "level": "READ"}
    result = world.send(COUNSELLOR, MessageName.RECEIPT, receipt)
    assert refused(result) is None
    assert to(result, PROBATION, Role.OFFENDER_MANAGER)
    assert not to(result, HOUSING)
