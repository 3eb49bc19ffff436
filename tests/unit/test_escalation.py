"""Alerts nobody acknowledges: a time and a timetable by tier, acknowledged by the role they were for."""

from __future__ import annotations

from hashlib import sha256

import pytest

from hub.cases import acknowledgements
from hub.cases.state import to_json
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import DeliveryId
from hub.routing.outcome import Result, Urgency
from tests.unit.undelivered import decided_again, waiting
from tests.unit.worlds import (
    ADMINISTRATOR,
    CASE,
    COUNSELLOR,
    HOUR,
    LINE_MANAGER,
    MANAGER,
    PROBATION,
    RECOVERY,
    Staff,
    World,
    appoint,
    codes,
    engage,
    refused,
    staffed,
    to,
)

FACTOR = {"kind": "FACTOR", "urgency": "IMMEDIATE", "factor": "An invented factor", "factor_change": "NEW"}
FLAG = {"consent": "f-1", "action": "OM_THREATENED"}
SCHEDULE = {
    1: [(72, None), (120, Role.LINE_MANAGER)],
    2: [(48, None), (72, Role.LINE_MANAGER)],
    3: [(24, None), (24, Role.CASE_ADMINISTRATOR), (48, Role.LINE_MANAGER)],
    4: [(4, None), (4, Role.CASE_ADMINISTRATOR), (8, Role.LINE_MANAGER)],
}
"""Hours after the alert, and to whom it is escalated; first the report to the Offender Manager."""


def alerted(tier: int = 4) -> tuple[World, str]:
    """Return a world in which a Key Worker reports a risk, and the alert the Offender Manager got."""
    world = staffed(tier=tier)
    appoint(world, LINE_MANAGER)
    engage(world, COUNSELLOR)
    (alert,) = to(world.send(COUNSELLOR, MessageName.RISK_CHANGE, FACTOR), PROBATION, Role.OFFENDER_MANAGER)
    return world, alert.delivery_id


def reports(result: Result) -> list[tuple[object, Role, object]]:
    """Return the reports made: code, to whom, for which role."""
    return [
        (each.payload["code"], each.role, each.payload["raised_for_role"])
        for each in result.deliveries
        if each.message is MessageName.EXCEPTION
    ]


def receipt(world: World, delivery: str, by: Staff, **fields: object) -> Result:
    """Let somebody say that they have read a delivery."""
    return world.send(by, MessageName.RECEIPT, {"delivery": delivery, "level": "READ", **fields})


@pytest.mark.requirement("R-ADM-03", "R-CASE-08", "R-RTE-03")
@pytest.mark.parametrize("tier", [1, 2, 3, 4])
def test_an_alert_the_manager_does_not_acknowledge_escalates_on_the_timetable_of_the_tier(tier: int) -> None:
    """Each step once, at its hour, to the role it names; then nobody is waited for any more."""
    world, _ = alerted(tier)
    found: list[tuple[int, object]] = []
    for hour in range(1, 130):
        for code, role, for_role in reports(world.pass_time(HOUR)):
            if code == "NOT-ACKNOWLEDGED" and role is Role.OFFENDER_MANAGER:
                found.append((hour, None))
            elif code == "NOT-ACKNOWLEDGED-ESCALATED" and role == for_role:
                found.append((hour, role))
    assert found == SCHEDULE[tier]
    assert world.state.awaiting == ()
    assert not any("acknowledgement" in key for key in world.timers)


@pytest.mark.requirement("R-ADM-03")
def test_an_escalation_goes_as_a_matter_of_safety_and_says_whose_alert_it_was() -> None:
    """It names role and organisation, nothing of the person."""
    world, _ = alerted(4)
    late = world.pass_time(8 * HOUR)
    managers = to(late, PROBATION, Role.LINE_MANAGER)
    (told,) = [each for each in managers if each.payload["raised_for_role"] == Role.LINE_MANAGER.value]
    assert (told.payload["code"], told.urgency) == ("NOT-ACKNOWLEDGED-ESCALATED", Urgency.SAFETY)
    assert "risk-change message, for the offender manager of probation-north" in str(told.payload["detail"])


@pytest.mark.requirement("R-ADM-03")
def test_a_line_manager_nobody_named_is_still_reached() -> None:
    """An escalation that reached nobody would be none."""
    world = staffed(tier=4)
    engage(world, COUNSELLOR)
    world.send(COUNSELLOR, MessageName.RISK_CHANGE, FACTOR)
    assert to(world.pass_time(8 * HOUR), PROBATION, Role.LINE_MANAGER)


@pytest.mark.requirement("R-ADM-03", "R-MSG-11")
def test_an_alert_is_acknowledged_by_the_role_it_was_for() -> None:
    """Another role of the same organisation does not answer for it, unless it says in which role."""
    world, alert = alerted()
    receipt(world, alert, ADMINISTRATOR)
    assert len(world.state.awaiting) == 1
    receipt(world, alert, COUNSELLOR, by_role="offender_manager")
    assert len(world.state.awaiting) == 1
    receipt(world, alert, ADMINISTRATOR, by_role="offender_manager", by_person=MANAGER.person)
    assert [each.delivery for each in world.state.awaiting] == []
    assert codes(world.pass_time(200 * HOUR)) == []


@pytest.mark.requirement("R-ADM-03", "R-MSG-11")
def test_a_receipt_that_names_another_digest_does_not_answer_an_alert() -> None:
    """By Kafka nobody refuses it at the door; none at all, or the right one, does."""
    for named, answers in (("0" * 64, False), (None, True), (sha256(b"alert").hexdigest(), True)):
        world, alert = alerted()
        views = {DeliveryId(alert): b"alert", DeliveryId("f" * 32): b"of nobody"}
        world.cases[CASE] = to_json(acknowledgements.written(world.state, views))
        receipt(world, alert, MANAGER, digest=named)
        assert (world.state.awaiting == ()) is answers


@pytest.mark.requirement("R-ADM-03", "R-MSG-11")
def test_who_takes_an_escalation_on_ends_it() -> None:
    """The receipt of the report counts: the next step is not taken."""
    world, _ = alerted(4)
    late = world.pass_time(4 * HOUR)
    escalated = [
        each.delivery_id
        for each in to(late, PROBATION, Role.CASE_ADMINISTRATOR)
        if each.payload["code"] == "NOT-ACKNOWLEDGED-ESCALATED"
    ]
    assert refused(receipt(world, escalated[0], ADMINISTRATOR)) is None
    assert world.state.awaiting == ()
    assert codes(world.pass_time(100 * HOUR)) == []


@pytest.mark.requirement("R-ADM-03", "R-CASE-08")
def test_a_tier_that_asks_for_more_than_the_rule_draws_the_time_in() -> None:
    """The rule gives a Key Worker a day; in tier 4 it is four hours, in tier 1 it stays a day."""
    for tier, hours in ((4, 4), (1, 24)):
        world = staffed(tier=tier)
        engage(world, COUNSELLOR)
        world.send(MANAGER, MessageName.RISK_CHANGE, FACTOR)
        (held,) = world.state.awaiting
        assert (held.role, held.organisation) == (Role.KEY_WORKER, RECOVERY)
        assert held.due_at == world.now + hours * HOUR


@pytest.mark.requirement("R-ADM-03", "R-CASE-08")
def test_a_tier_that_rises_draws_in_the_time_of_alerts_already_sent() -> None:
    """One that is late by then is reported at once; a tier that falls gives nobody longer."""
    world, _ = alerted(1)
    world.pass_time(3 * HOUR)
    world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "tier": 4})
    assert codes(world.pass_time(30 * 60_000)) == []
    world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "tier": 2})
    assert "NOT-ACKNOWLEDGED" in codes(world.pass_time(HOUR))


@pytest.mark.requirement("R-ADM-03", "R-DIS-05")
def test_what_takes_the_place_of_an_alert_escalates_with_it() -> None:
    """A case that keeps changing does not put the escalation off."""
    world = staffed(tier=4)
    engage(world, COUNSELLOR)
    sent = world.send(MANAGER, MessageName.RISK_CHANGE, {**FACTOR, "staff_safety": "Invented danger."})
    (one,) = waiting(sent, RECOVERY)
    (before,) = world.state.awaiting
    world.pass_time(2 * HOUR)
    world.send(MANAGER, MessageName.CONSENT, {**FLAG, "organisations": [RECOVERY]})
    again = decided_again(world, one)
    (after,) = world.state.awaiting
    assert after.delivery == again.deliveries[0].delivery_id != before.delivery
    assert (after.since, after.due_at) == (before.since, before.due_at)


@pytest.mark.requirement("R-ADM-03")
@pytest.mark.parametrize(
    ("message", "payload", "awaited"),
    [
        (MessageName.RISK_CHANGE, {"kind": "VULNERABILITY", "urgency": "SAME_DAY"}, True),
        (MessageName.RISK_CHANGE, {"kind": "VULNERABILITY", "urgency": "ROUTINE"}, False),
        (MessageName.PROGRESS, {"kind": "CONCERN", "concern_about_harm": True}, True),
        (MessageName.PROGRESS, {"kind": "CONCERN", "concern_about_harm": False}, False),
    ],
    ids=str,
)
def test_what_alerts_the_manager_is_to_be_acknowledged_and_the_routine_is_not(
    message: MessageName, payload: dict[str, object], *, awaited: bool
) -> None:
    """A routine change of risk goes to the manager like another message."""
    world = staffed()
    engage(world, COUNSELLOR)
    fields = {"referral": f"ref-{RECOVERY}"} if message is MessageName.PROGRESS else {}
    world.send(COUNSELLOR, message, {**fields, **payload})
    assert [held.role for held in world.state.awaiting] == ([Role.OFFENDER_MANAGER] if awaited else [])


@pytest.mark.requirement("R-ADM-03", "R-CON-03")
def test_a_case_that_closes_escalates_nothing_more() -> None:
    """Its deadlines go with it."""
    world, _ = alerted(4)
    world.pass_time(4 * HOUR)
    world.send(MANAGER, MessageName.CASE, {"action": "CLOSED", "close_reason": "SENTENCE_ENDED"})
    assert not any("acknowledgement" in key for key in world.timers)
    assert "NOT-ACKNOWLEDGED-ESCALATED" not in codes(world.pass_time(100 * HOUR))


@pytest.mark.requirement("R-ADM-03", "R-CASE-08")
@pytest.mark.parametrize(
    ("before", "late_h", "after", "told_h"), [(3, 25, 2, 72), (2, 49, 4, 50)], ids=["falls", "rises"]
)
def test_an_alert_goes_on_escalating_when_the_tier_changes_meanwhile(
    before: int, late_h: int, after: int, told_h: int
) -> None:
    """Whom the new tier names and who was not told yet is told, at once where that time has passed."""
    world, _ = alerted(before)
    world.pass_time(late_h * HOUR)
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CHANGED", "tier": after})
    found = []
    for hour in range(late_h + 1, 130):
        for code, role, for_role in reports(world.pass_time(HOUR)):
            if code == "NOT-ACKNOWLEDGED-ESCALATED" and role == for_role:
                found.append((hour, role))
    assert (told_h, Role.LINE_MANAGER) in found
    assert world.state.awaiting == ()
