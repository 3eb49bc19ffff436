"""Everything one record of the log causes: taken, refused, repeated, on time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.cases.apply import apply
from hub.consent.parties import Kind, Standing
from hub.consent.redact import WithheldValueFound
from hub.errors import DomainRefusal
from hub.messages.envelope import Control, MessageName, Role, Unreadable
from hub.messages.identifiers import Instant, MessageId
from hub.messages.read import read
from hub.routing import disclosing
from hub.routing.directory import ViewDirectory
from hub.routing.entitlement import is_entitled
from hub.routing.outcome import Timer, Urgency
from hub.routing.route import DEADLINES_A_TICK_MAX, route
from tests.unit import released as made
from tests.unit.worlds import (
    ADMINISTRATOR,
    CASE,
    COUNSELLOR,
    DAY,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    NEXT_MANAGER,
    OTHER_PROBATION,
    PROBATION,
    RECOVERY,
    START,
    SUPERVISOR,
    UNIT,
    Staff,
    World,
    appoint,
    codes,
    distribute,
    engage,
    offer,
    open_case,
    organisation,
    policy,
    refused,
    staffed,
    to,
)

if TYPE_CHECKING:
    from hub.routing.outcome import Result

PROGRESS = {"referral": "ref-recovery", "kind": "SESSION", "note": "Invented"}


@pytest.mark.requirement("R-DEL-02")
def test_the_same_message_again_causes_nothing() -> None:
    """Same id, same digest: it was taken; another digest: the key was used for something else."""
    world = staffed()
    engage(world, COUNSELLOR)
    message = world.submission(COUNSELLOR, MessageName.PROGRESS, PROGRESS)
    assert world.take(message).deliveries
    again = world.take(message)
    assert again.duplicate
    assert again == type(again)(duplicate=True)
    other = replace(message, envelope=replace(message.envelope, digest="0" * 64))
    assert refused(world.take(other)) == "KEY-REUSED"


@pytest.mark.requirement("R-RTE-01")
def test_the_same_entry_view_and_moment_give_the_same_result() -> None:
    """A replay equals the first run, to the last id."""
    world = staffed(tier=4)
    engage(world, COUNSELLOR)
    distribute(world)
    entries = [
        world.submission(
            COUNSELLOR, MessageName.PROGRESS, {**PROGRESS, "attendance": "UNACCEPTABLE_ABSENCE"}
        ),
        world.submission(MANAGER, MessageName.TEAM_CHANGE, appointment_of(SUPERVISOR)),
    ]
    for entry in entries:
        assert route(entry, world, world.now) == route(entry, world, world.now)


def appointment_of(staff: Staff) -> dict[str, object]:
    """Return the payload that appoints somebody."""
    return {
        "action": "APPOINT",
        "role": staff.role.value,
        "organisation": staff.organisation,
        "person": staff.person,
    }


@pytest.mark.requirement("R-DEL-03")
def test_a_rejected_message_changes_nothing_and_can_be_sent_again() -> None:
    """It is not half processed: no case, no delivery, no timer, not seen."""
    world = staffed()
    version = world.state.version
    result = offer(world, RECOVERY, by=HOUSING_OFFICER)
    assert result.rejection is not None
    assert result == type(result)(rejection=result.rejection)
    assert world.state.version == version


@pytest.mark.requirement("R-DEL-03")
def test_a_detail_for_staff_contains_no_value_of_the_message() -> None:
    """The reason and what to do about it, never what was sent."""
    world = staffed()
    result = world.send(COUNSELLOR, MessageName.PROGRESS, {**PROGRESS, "note": "Zanzibar"})
    assert result.rejection is not None
    assert "Zanzibar" not in result.rejection.detail
    assert "ref-recovery" not in result.rejection.detail


@pytest.mark.requirement("R-DEL-03")
def test_an_unreadable_record_is_set_aside_with_its_reason() -> None:
    """So is a contract version the hub does not know, and a payload that does not fit."""
    world = staffed()
    entry = Unreadable(record_id=MessageId("r"), organisation=RECOVERY, code="AVRO-TRUNCATED")
    result = world.take(entry)
    assert refused(result) == "AVRO-TRUNCATED"
    message = world.submission(MANAGER, MessageName.PLAN, {"version": 1}, contract="9.9")
    assert refused(world.take(message)) == "CONTRACT-UNKNOWN"
    unfit = world.submission(MANAGER, MessageName.PLAN, {"version": "one"})
    assert refused(world.take(unfit)) == "PAYLOAD-INVALID"


@pytest.mark.requirement("R-DIS-01")
def test_nothing_is_disclosed_before_the_first_policy() -> None:
    """The message is set aside, where it can be seen and sent again; it would be lost to all otherwise."""
    world = staffed()
    world.in_force = None
    assert refused(distribute(world)) == "NO-POLICY"


@pytest.mark.requirement("R-DIS-01")
def test_a_member_whose_organisation_is_not_registered_is_told_nothing() -> None:
    """The decision is on record all the same."""
    world = staffed()
    appoint(world, SUPERVISOR)
    del world.known[SUPERVISOR.organisation]
    decisions = [
        d for d in distribute(world).decisions if d.candidate.organisation == SUPERVISOR.organisation
    ]
    assert [d.gate for d in decisions] == ["ORGANISATION-UNKNOWN"]


@pytest.mark.requirement("R-DIS-06")
def test_a_cut_that_would_leak_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a value held back is still in what was cut, that recipient gets nothing; the line goes on."""

    def leaks(*_: object) -> None:
        message = "still in the message"
        raise WithheldValueFound(message)

    world = staffed()
    monkeypatch.setattr(disclosing, "cut", leaks)
    result = distribute(world)
    assert not result.deliveries
    assert {d.gate for d in result.decisions} == {"GUARD-CUT-FAILED"}


@pytest.mark.requirement("R-DEL-01")
def test_a_delivery_goes_to_kafka_only_where_the_recipient_chose_it() -> None:
    """Per message type."""
    world = staffed()
    world.known[PROBATION] = organisation(PROBATION, Kind.PROBATION, kafka=frozenset({MessageName.PROGRESS}))
    engage(world, COUNSELLOR)
    progress = world.send(COUNSELLOR, MessageName.PROGRESS, PROGRESS)
    assert {d.by_kafka for d in to(progress, PROBATION)} == {True}
    assert {d.by_kafka for d in to(distribute(world), RECOVERY)} == {False}


@pytest.mark.requirement("R-MSG-11")
def test_an_exception_report_is_the_hubs_own_message() -> None:
    """Authored by the hub, caused by the message, decided and cut like any other."""
    world = staffed()
    engage(world, COUNSELLOR)
    result = world.send(COUNSELLOR, MessageName.PROGRESS, {**PROGRESS, "attendance": "UNACCEPTABLE_ABSENCE"})
    reports = [d for d in result.deliveries if d.message is MessageName.EXCEPTION]
    assert [d.role for d in reports] == [Role.OFFENDER_MANAGER, Role.CASE_ADMINISTRATOR]
    assert reports[0].payload["code"] == "MISSED-SESSION"
    assert reports[0].correlation == f"cor-{world.sent}"
    decided = [d for d in result.decisions if d.message == reports[0].message_id]
    assert len(decided) == 2


@pytest.mark.requirement("R-DIS-08")
def test_a_control_record_changes_what_is_in_force() -> None:
    """An organisation under its name, the policy under one key; what does not hold is set aside."""
    world = World()
    body: dict[str, object] = {
        "organisation": "helpers",
        "name": "Helpers (invented)",
        "kind": "partner",
        "rung": 3,
        "legal_status": "none",
        "status_evidence": "none",
        "standing": "active",
        "purposes": ["referral"],
        "protocols": [],
        "sends": ["progress"],
        "kafka": [],
    }

    def control(kind: str, said: dict[str, object]) -> Result:
        entry = Control(control_id=MessageId("k"), kind=kind, name="n", effective_at=Instant(0), body=said)
        return route(entry, world, world.now)

    assert control("organisation", body).controls == (("organisation/helpers", body),)
    assert refused(control("organisation", {**body, "rung": 9})) == "CONTROL-INVALID"
    release = made.body(policy().documents, "2")
    changed = dict(control("policy", release).controls)
    assert changed["policy/current"] == {**release, "since": world.now}
    assert refused(control("policy", made.body({"risk": {"rules": 1}}, "3"))) == "CONTROL-INVALID"
    assert refused(control("policy", {"version": "3"})) == "CONTROL-INVALID"
    assert refused(control("weather", {})) == "CONTROL-UNKNOWN"


@pytest.mark.requirement("R-ADM-01")
def test_several_deadlines_of_one_case_fall_due_in_one_tick() -> None:
    """Each takes effect on the case as the one before left it."""
    world = staffed()
    offer(world, RECOVERY, answer_by=world.now + DAY)
    for consent in ("c-1", "c-2"):
        said = {"consent": consent, "action": "GIVEN", "organisations": [RECOVERY], "until": world.now + DAY}
        world.send(MANAGER, MessageName.CONSENT, said)
    result = world.pass_time(2 * DAY)
    assert sorted(set(map(str, codes(result)))) == ["CONSENT-EXPIRED", "REFERRAL-NO-ANSWER"]
    assert {held.state.value for held in world.state.consents} == {"EXPIRED"}
    assert len(result.cases) == 1
    assert not world.timers


@pytest.mark.requirement("R-ADM-01")
def test_a_tick_settles_so_many_deadlines_and_the_next_tick_the_rest() -> None:
    """The earliest first; no tick grows without end, and none is forgotten."""
    world = staffed()
    for number in range(3):
        offer(world, RECOVERY, referral=f"ref-{number}", answer_by=world.now + DAY)
    (usual,) = {timer.case for timer in world.timers.values()}
    for number in range(DEADLINES_A_TICK_MAX - 1):
        due = Timer(case=usual, kind="nothing", subject=f"{number:04}", due_at=START)
        world.timers[due.key] = due
    first = world.pass_time(2 * DAY)
    assert len(first.timers_cleared) == DEADLINES_A_TICK_MAX
    assert len(codes(first)) == 2
    second = world.pass_time(0)
    assert len(codes(second)) == 4
    assert not world.timers


def test_a_deadline_of_a_case_that_is_gone_is_cleared() -> None:
    """Nothing waits for ever."""
    world = staffed()
    offer(world, RECOVERY)
    world.cases.clear()
    result = world.pass_time(30 * DAY)
    assert len(result.timers_cleared) == 1
    assert not result.cases


@pytest.mark.requirement("R-CASE-06")
@pytest.mark.parametrize(
    ("by", "message", "payload"),
    [
        (NEXT_MANAGER, MessageName.PLAN, {"version": 1}),
        (COUNSELLOR, MessageName.RISK_CHANGE, {"kind": "FACTOR"}),
        (UNIT, MessageName.RISK_CHANGE, {"kind": "FACTOR"}),
        (Staff(OTHER_PROBATION, Role.LINE_MANAGER, "x"), MessageName.TEAM_CHANGE, appointment_of(SUPERVISOR)),
        (Staff(PROBATION, Role.SUBSCRIBER, "x"), MessageName.RISK_CHANGE, {"kind": "FACTOR"}),
        (MANAGER, MessageName.EXCEPTION, {"exception": "e", "code": "X"}),
        (Staff(OTHER_PROBATION, Role.SYSTEM, "x"), MessageName.CASE, {"action": "CHANGED"}),
        (ADMINISTRATOR, MessageName.EVALUATION, {"evaluation": "e"}),
        (COUNSELLOR, MessageName.RECEIPT, {"delivery": "d" * 32, "level": "READ"}),
        (Staff(RECOVERY, Role.SERVICE_MANAGER, "x"), MessageName.TEAM_CHANGE, appointment_of(COUNSELLOR)),
    ],
    ids=str,
)
def test_nobody_without_that_role_on_the_case_may_send(
    by: Staff, message: MessageName, payload: dict[str, object]
) -> None:
    """Not a stranger, not another region, not another person than the OM, nobody in the hub's name."""
    assert refused(staffed().send(by, message, payload)) == "NOT-ENTITLED"


@pytest.mark.requirement("R-CASE-06")
def test_a_suspended_or_unregistered_sender_is_not_entitled() -> None:
    """Nor one that may not send this type of message."""
    world = staffed()
    usual = world.known[PROBATION]
    for changed in (
        replace(usual, standing=Standing.SUSPENDED),
        replace(usual, sends=frozenset()),
        None,
    ):
        if changed is None:
            del world.known[PROBATION]
        else:
            world.known[PROBATION] = changed
        assert refused(distribute(world)) == "NOT-ENTITLED"


@pytest.mark.requirement("R-MSG-06")
def test_prisons_and_providers_name_their_own_people_only() -> None:
    """The prison's unit names the OS in the prison, a provider its Key Worker, nobody the other's."""
    world = staffed()
    world.send(
        UNIT, MessageName.PRISON_EVENT, {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
    )
    offer(world, RECOVERY)
    service = Staff(RECOVERY, Role.SERVICE_MANAGER, "sm-1")
    assert refused(appoint(world, SUPERVISOR, by=UNIT)) is None
    assert refused(appoint(world, COUNSELLOR, by=service, referral="ref-recovery")) is None
    assert refused(appoint(world, ADMINISTRATOR, by=UNIT)) == "NOT-ENTITLED"
    assert refused(appoint(world, SUPERVISOR, by=service)) == "NOT-ENTITLED"
    transfer = {"action": "TRANSFER_OM", "organisation": "hmp-moorland", "person": "x"}
    assert refused(world.send(UNIT, MessageName.TEAM_CHANGE, transfer)) == "NOT-ENTITLED"


@pytest.mark.requirement("R-CASE-02")
def test_the_first_offender_manager_may_report_for_duty() -> None:
    """For the organisation that opened the case, and while it has none."""
    world = World()
    open_case(world)
    elsewhere = Staff(OTHER_PROBATION, Role.OFFENDER_MANAGER, "x")
    assert refused(appoint(world, elsewhere, by=elsewhere)) == "NOT-ENTITLED"
    assert refused(appoint(world, MANAGER, by=MANAGER)) is None
    assert refused(appoint(world, NEXT_MANAGER, by=NEXT_MANAGER)) == "NOT-ENTITLED"
    assert world.case(CASE) is not None


@pytest.mark.requirement("R-CASE-06")
def test_the_outgoing_offender_manager_still_reports_during_the_handover() -> None:
    """But the plan is the new one's."""
    world = staffed()
    world.send(
        LINE_MANAGER,
        MessageName.TEAM_CHANGE,
        {
            "action": "TRANSFER_OM",
            "organisation": PROBATION,
            "person": NEXT_MANAGER.person,
            "reason": "INCOMPATIBILITY",
            "authorised_by": LINE_MANAGER.person,
            "authorised_role": "line_manager",
            "handover_until": world.now + 9 * DAY,
        },
    )
    assert refused(world.send(MANAGER, MessageName.RISK_CHANGE, {"kind": "FACTOR"})) is None
    assert refused(distribute(world)) == "PLAN-NOT-BY-OM"
    assert refused(distribute(world, by=NEXT_MANAGER)) is None


@pytest.mark.requirement("R-CASE-01")
def test_nobody_is_entitled_on_a_case_that_is_not_there() -> None:
    """Asked directly, the model refuses a message without a case, and so does entitlement."""
    world = World()
    message = world.submission(MANAGER, MessageName.PLAN, {"version": 1})
    body, directory = read(message), ViewDirectory(world)
    assert not is_entitled(
        message.envelope,
        body,
        case=None,
        organisation=world.organisation(PROBATION),
        prisons=directory.prison,
        now=world.now,
    )
    with pytest.raises(DomainRefusal, match="no such case"):
        apply(None, message, body=body, now=world.now, directory=directory)


@pytest.mark.requirement("R-RTE-01")
def test_a_system_writes_for_the_organisation_that_manages_the_case() -> None:
    """The probation case system may change the case; a prison's may report on whom it holds."""
    world = staffed()
    system = Staff(PROBATION, Role.SYSTEM, "")
    assert refused(world.send(system, MessageName.CASE, {"action": "CHANGED", "tier": 3})) is None
    prison = Staff(UNIT.organisation, Role.SYSTEM, "")
    assert refused(world.send(prison, MessageName.RISK_CHANGE, {"kind": "FACTOR"})) == "NOT-ENTITLED"


@pytest.mark.requirement("R-DIS-01")
def test_how_urgent_a_delivery_is_follows_from_what_it_tells() -> None:
    """From whom the concern about harm is held back, the envelope does not tell it either."""
    world = staffed()
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    told = {
        harm: {
            (delivery.organisation, delivery.role): delivery
            for delivery in world.send(
                COUNSELLOR,
                MessageName.PROGRESS,
                {
                    "referral": "ref-recovery",
                    "kind": "CONCERN",
                    "concern_about_harm": harm,
                    "affects": ["ACCOMMODATION"],
                },
            ).deliveries
        }
        for harm in (None, True)
    }
    for place, with_harm in told[True].items():
        without = told[None].get(place)
        knows = with_harm.payload["concern_about_harm"] is True
        assert (with_harm.urgency is Urgency.SAFETY) is knows
        assert knows or without is None or without.urgency is with_harm.urgency
