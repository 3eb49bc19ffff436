"""Contracts in routing: version and view, what is parked and who is told, what a sender may still send."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.consent.parties import Standing
from hub.consent.partner_contracts import NOT_IN_VIEW, PartnerContract, Phase
from hub.messages.envelope import Control, MessageName, Role, Tick
from hub.messages.identifiers import Instant, MessageId
from hub.routing.outcome import Delivery, Result
from hub.routing.route import route
from tests.unit.agreements import agreed, contract_body
from tests.unit.worlds import (
    COUNSELLOR,
    DAY,
    HOUSING,
    HOUSING_OFFICER,
    MANAGER,
    PROBATION,
    RECOVERY,
    START,
    World,
    asked,
    codes,
    distribute,
    engage,
    move,
    offer,
    refused,
    staffed,
    to,
)

if TYPE_CHECKING:
    from hub.consent.decision import Decision
    from hub.messages.envelope import Entry

HIDDEN = "Zanzibar"
PURPOSE = {
    "plan": "sentence_plan",
    "risk-change": "risk_alert",
    "progress": "progress",
    "referral": "referral",
    "exception": "case_administration",
}
PROGRESS = {"referral": "ref-recovery", "kind": "SESSION", "note": "Invented"}
FACTOR = {"kind": "FACTOR", "factor": f"Invented grievance of {HIDDEN}", "factor_change": "NEW"}


def on(message: str, **said: object) -> PartnerContract:
    """Return a contract with the recovery service that was in effect before the world began."""
    usual = {"message": message, "purposes": [PURPOSE[message]], "effective": 1}
    return agreed(**{**usual, **said})


def ended(message: str, **said: object) -> PartnerContract:
    """Return a contract that has passed its sunset."""
    return on(message, deprecated=2, sunset=3, alternative=f"{message}.v2", **said)


def engaged(*contracts: PartnerContract) -> World:
    """Return a world in which the recovery service works with the person, under these contracts."""
    world = staffed()
    engage(world, COUNSELLOR)
    world.agreed = contracts
    return world


def reports(result: Result) -> list[Delivery]:
    """Return the exception reports a record led to."""
    return [each for each in result.deliveries if each.message is MessageName.EXCEPTION]


def decision_on(result: Result, role: Role = Role.KEY_WORKER) -> Decision:
    """Return the decision on the message itself for the recovery service."""
    return asked(result)[RECOVERY, role.value]


def routed(world: World, entry: Entry) -> Result:
    """Route a record twice: a replay has the same outcome, to the last id. Then keep what it causes."""
    assert route(entry, world, world.now) == route(entry, world, world.now)
    return world.take(entry)


@pytest.mark.requirement("R-MSG-12")
def test_a_partner_with_a_contract_in_force_gets_its_version_and_its_view() -> None:
    """What the view lacks is withheld with the contract as the reason; nobody else's delivery changes."""
    view = ["version", "objectives[].objective", "objectives[].title", "objectives[].organisation"]
    contract = on("plan", view=view)
    world, bare = engaged(contract), engaged()
    for each in (world, bare):
        engage(each, HOUSING_OFFICER)
    result = distribute(world)
    (delivery,) = to(result, RECOVERY)
    assert (delivery.terms.version, delivery.terms.phase, delivery.terms.parked) == (
        "1.0",
        Phase.IN_FORCE,
        None,
    )
    assert delivery.terms.contract == contract
    assert delivery.terms.decided == frozenset(view)
    given = {name for name, value in delivery.payload.items() if value is not None}
    assert given == {"version", "objectives"}
    outcomes = {each.path: each.reason for each in decision_on(result).fields}
    assert outcomes["change_summary"] == NOT_IN_VIEW
    without = distribute(bare)
    assert to(result, HOUSING) == to(without, HOUSING) != ()
    assert to(without, RECOVERY)[0].payload["change_summary"] == "First"
    assert to(without, RECOVERY)[0].terms.contract is None


@pytest.mark.requirement("R-MSG-12")
def test_a_deprecated_contract_is_still_served_and_the_delivery_says_so() -> None:
    """From the very instant on; before it, it is in force."""
    contract = on("plan", deprecated=START + DAY, sunset=START + 2 * DAY, alternative="plan.v2")
    world = engaged(contract)
    for at, phase in ((START + DAY - 1, Phase.IN_FORCE), (START + DAY, Phase.DEPRECATED)):
        world.now = Instant(at - 60_000)
        version = 1 if phase is Phase.IN_FORCE else 2
        (delivery,) = to(distribute(world, version), RECOVERY)
        assert delivery.terms.phase is phase
        assert delivery.terms.contract == contract


@pytest.mark.requirement("R-MSG-12")
def test_of_two_contracts_the_later_one_is_served_until_it_ends() -> None:
    """The earlier one past its sunset parks nothing while the later one is in force."""
    later = on("plan", number=2, view=["version", "change_summary"])
    world = engaged(ended("plan"), later)
    (delivery,) = to(distribute(world), RECOVERY)
    assert delivery.terms.contract == later


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.requirement("R-RTE-01")
@pytest.mark.parametrize(
    ("contract", "reason"),
    [
        (ended("risk-change"), "CONTRACT-SUNSET"),
        (ended("risk-change", removal=4), "CONTRACT-SUNSET"),
        (on("risk-change", oldest="7.0", newest="7.9"), "CONTRACT-NO-VERSION"),
        (ended("risk-change", oldest="7.0", newest="7.9"), "CONTRACT-SUNSET"),
    ],
)
def test_past_its_end_nothing_is_delivered_and_both_sides_are_told(
    contract: PartnerContract, reason: str
) -> None:
    """The decision is in the ledger with its gate; the reports hold nothing of the message."""
    world = engaged(contract)
    message = world.submission(MANAGER, MessageName.RISK_CHANGE, FACTOR)
    result = routed(world, message)
    assert not [each for each in to(result, RECOVERY) if each.message is MessageName.RISK_CHANGE]
    decision = decision_on(result)
    assert (decision.delivers, decision.gate, decision.caveats) == (False, reason, ())
    told = {(each.organisation, each.role, each.payload["code"]) for each in reports(result)}
    assert told == {
        (PROBATION, Role.OFFENDER_MANAGER, "SAFETY-DELIVERY-PARKED"),
        (PROBATION, Role.CASE_ADMINISTRATOR, "SAFETY-DELIVERY-PARKED"),
        (RECOVERY, Role.KEY_WORKER, "YOUR-DELIVERY-PARKED"),
    }
    for each in reports(result):
        assert HIDDEN not in str(each.payload)
        assert "FACTOR" not in str(each.payload.values())
        assert each.payload["detail"]
    assert result.rejection is None
    assert result.seen is not None


@pytest.mark.requirement("R-MSG-12")
def test_a_recipient_the_rules_would_not_tell_anyway_is_not_parked() -> None:
    """Nobody is told of a delivery that never was to be: that alone would tell something."""
    world = engaged(ended("risk-change"))
    world.known[RECOVERY] = replace(world.known[RECOVERY], standing=Standing.SUSPENDED)
    result = world.send(MANAGER, MessageName.RISK_CHANGE, FACTOR)
    decision = decision_on(result)
    assert not decision.delivers
    assert decision.gate != "CONTRACT-SUNSET"
    assert codes(result) == []


@pytest.mark.requirement("R-MSG-12")
def test_a_delivery_of_which_the_view_leaves_nothing_is_not_parked() -> None:
    """The view of an ended contract still says what would have gone."""
    world = engaged(ended("risk-change", view=["kind", "mappa_level"]))
    result = world.send(MANAGER, MessageName.RISK_CHANGE, FACTOR)
    assert decision_on(result).gate == "NEED-NOTHING-LEFT"
    assert codes(result) == []


@pytest.mark.requirement("R-MSG-12")
def test_a_parked_report_is_on_record_and_not_reported_on_again() -> None:
    """The partner's contract on exceptions has ended as well: only the Offender Manager's side is told."""
    world = engaged(ended("risk-change"), ended("exception"))
    result = world.send(MANAGER, MessageName.RISK_CHANGE, FACTOR)
    assert Counter(codes(result)) == {"SAFETY-DELIVERY-PARKED": 2}
    parked = [each for each in result.decisions if each.gate == "CONTRACT-SUNSET"]
    assert [each.message_name for each in parked] == [MessageName.RISK_CHANGE, MessageName.EXCEPTION]


@pytest.mark.requirement("R-MSG-12")
@pytest.mark.requirement("R-DEL-02")
def test_a_joiner_whose_contract_has_ended_is_parked_once_per_kind_of_message() -> None:
    """Catching up goes the same way: two risks and the plan are one report for each kind, each id once."""
    world = staffed()
    offer(world, RECOVERY)
    world.send(MANAGER, MessageName.RISK_CHANGE, FACTOR)
    world.send(MANAGER, MessageName.RISK_CHANGE, {**FACTOR, "factor": f"Another of {HIDDEN}"})
    distribute(world)
    world.agreed = (ended("risk-change"), ended("plan"))
    payload = {"referral": "ref-recovery", "action": "ACCEPT", "key_worker": COUNSELLOR.person}
    result = routed(world, world.submission(COUNSELLOR, MessageName.REFERRAL, payload))
    assert refused(result) is None
    parked = [each for each in result.decisions if each.gate == "CONTRACT-SUNSET"]
    assert Counter(each.message_name for each in parked) == {
        MessageName.RISK_CHANGE: 2,
        MessageName.PLAN: 1,
    }
    assert Counter(codes(result)) == {
        "SAFETY-DELIVERY-PARKED": 2,
        "DELIVERY-PARKED": 2,
        "YOUR-DELIVERY-PARKED": 2,
    }
    for ids in (
        [each.delivery_id for each in result.deliveries],
        [each.decision_id for each in result.decisions],
    ):
        assert len(ids) == len(set(ids))
    assert HIDDEN not in str([each.payload for each in reports(result)])


@pytest.mark.requirement("R-MSG-12")
def test_a_deadline_that_passes_goes_by_contracts_too() -> None:
    """But whoever must act on an exception is told, whatever became of a contract on exceptions."""
    world = staffed()
    offer(world, RECOVERY, answer_by=world.now + DAY)
    world.agreed = (ended("exception", partner=PROBATION),)
    world.now = Instant(world.now + 2 * DAY)
    tick = Tick(tick_id=MessageId("1" * 32), due_at=world.now)
    result = routed(world, tick)
    assert {each.gate for each in result.decisions} == {None}
    assert {each.payload["code"] for each in result.deliveries} == {"REFERRAL-NO-ANSWER"}
    assert result.timers_cleared


@pytest.mark.requirement("R-MSG-12")
def test_a_sender_past_its_sunset_is_refused_with_what_comes_after() -> None:
    """The message is set aside whole; sent again under the contract that follows, it is taken."""
    contract = ended("progress", direction="sends")
    world = engaged(contract)
    message = world.submission(COUNSELLOR, MessageName.PROGRESS, {**PROGRESS, "note": HIDDEN})
    result = routed(world, message)
    assert refused(result) == "CONTRACT-SUNSET"
    assert result == Result(rejection=result.rejection)
    assert result.rejection is not None
    assert "progress.v1" in result.rejection.detail
    assert "progress.v2" in result.rejection.detail
    assert HIDDEN not in result.rejection.detail
    world.agreed = (contract, on("progress", direction="sends", number=2))
    assert refused(routed(world, message)) is None


@pytest.mark.requirement("R-MSG-12")
def test_a_sender_in_a_version_its_contract_does_not_cover_is_refused() -> None:
    """What counts is the version it was sent in, not the one it was brought up to."""
    world = engaged(on("progress", direction="sends", oldest="1.0", newest="1.0"))
    message = world.submission(COUNSELLOR, MessageName.PROGRESS, PROGRESS)
    assert refused(route(replace(message, sent_in="0.9"), world, world.now)) == "CONTRACT-VERSION"
    world.agreed = (on("progress", direction="sends", oldest="0.1", newest="0.9"),)
    assert refused(route(message, world, world.now)) == "CONTRACT-VERSION"
    assert refused(route(replace(message, sent_in="0.9"), world, world.now)) is None


@pytest.mark.requirement("R-MSG-12")
def test_a_contract_holds_its_own_direction_organisation_and_message_only() -> None:
    """What is received has nothing to do with what is sent; one partner's end is not another's."""
    world = engaged(ended("progress"), ended("plan", direction="sends"), ended("plan", partner="housing"))
    assert refused(world.send(COUNSELLOR, MessageName.PROGRESS, PROGRESS)) is None
    engage(world, HOUSING_OFFICER)
    result = distribute(world)
    assert to(result, RECOVERY)
    assert not [each for each in to(result, HOUSING) if each.message is MessageName.PLAN]
    assert asked(result)[HOUSING, "key_worker"].gate == "CONTRACT-SUNSET"


@pytest.mark.requirement("R-MSG-12")
def test_a_contract_not_yet_in_effect_changes_nothing() -> None:
    """Neither for who receives nor for who sends."""
    late = {"effective": START + 900 * DAY, "oldest": "7.0", "newest": "7.9"}
    world = engaged(on("plan", **late), on("progress", direction="sends", **late))
    assert refused(world.send(COUNSELLOR, MessageName.PROGRESS, PROGRESS)) is None
    (delivery,) = to(distribute(world), RECOVERY)
    assert (delivery.terms.contract, delivery.terms.phase) == (None, None)


def control(**said: object) -> Control:
    """Return a control record of a contract."""
    return Control(
        control_id=MessageId("5" * 32),
        kind="contract",
        name="recovery",
        effective_at=START,
        body=contract_body(**said),
    )


@pytest.mark.requirement("R-MSG-12")
def test_a_control_record_puts_a_contract_in_force_under_its_own_name() -> None:
    """Its partner, direction, message and number; a later one stands beside it."""
    world = World()
    names = [
        routed(world, control(**said)).controls[0][0]
        for said in ({}, {"number": 2}, {"direction": "sends"}, {"partner": "housing"})
    ]
    assert names == [
        "contract/recovery/receives/plan.v1",
        "contract/recovery/receives/plan.v2",
        "contract/recovery/sends/plan.v1",
        "contract/housing/receives/plan.v1",
    ]


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({"number": 0}, "contract.number"),
        ({"sunset": 5}, "contract.sunset"),
        ({"view": ["version", "gossip"]}, "contract.view: plan 1.0 has no field gossip"),
        ({"view": ["change_summary"]}, "contract.view: plan 1.0 cannot be sent without its key version"),
        ({"view": ["version", "objectives[].title"]}, "its key objectives[].objective"),
    ],
)
def test_a_contract_nothing_could_be_written_by_is_set_aside(said: dict[str, object], detail: str) -> None:
    """In force, its first delivery would stop the line."""
    result = routed(World(), control(**said))
    assert refused(result) == "CONTROL-INVALID"
    assert result.rejection is not None
    assert detail in result.rejection.detail


@pytest.mark.requirement("R-RTE-01")
def test_a_member_who_joins_under_a_contract_is_caught_up_within_its_view() -> None:
    """The plan in force comes as the view has it."""
    world = staffed()
    offer(world, RECOVERY)
    distribute(world, change_reason=HIDDEN)
    world.agreed = (on("plan", view=["version", "change_summary"]),)
    result = move(world, COUNSELLOR, "ACCEPT", key_worker=COUNSELLOR.person)
    (plan,) = (each for each in to(result, RECOVERY) if each.message is MessageName.PLAN)
    assert {name for name, value in plan.payload.items() if value is not None} == {
        "version",
        "change_summary",
    }
