"""What an override meets on its way out: flags on objectives, names in texts, contracts, who joins."""

from __future__ import annotations

import pytest

from hub.consent.partner_contracts import NOT_IN_VIEW
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import Instant
from hub.routing.outcome import Result
from tests.unit.agreements import agreed
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    HOUSING,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    PROBATION,
    RECOVERY,
    Staff,
    World,
    appoint,
    asked,
    codes,
    distribute,
    engage,
    open_case,
    refused,
    staffed,
    to,
)

OTHER_COUNSELLOR = Staff(RECOVERY, Role.KEY_WORKER, "kw-recovery-2")


def opened(world: World, organisation: str, *classes: str) -> World:
    """Put an override in force for an organisation, for a week."""
    asked_for = {
        "consent": f"ov-{organisation}",
        "action": "OVERRIDE_REQUESTED",
        "organisations": [organisation],
        "classes": list(classes),
        "until": world.now + 7 * DAY,
        "reason": "Invented",
    }
    assert refused(world.send(MANAGER, MessageName.CONSENT, asked_for)) is None
    agreement = {"consent": f"ov-{organisation}", "action": "OVERRIDE_APPROVED"}
    assert refused(world.send(LINE_MANAGER, MessageName.CONSENT, agreement)) is None
    return world


def both() -> World:
    """Return a world in which the recovery service and the housing provider work with the person."""
    world = staffed()
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    return world


def titles(result: Result) -> list[object]:
    """Return the titles of the plan's objectives the housing provider is given."""
    payload = to(result, HOUSING)[0].payload
    objectives = payload["objectives"]
    assert isinstance(objectives, list)
    return [item["title"] for item in objectives]


@pytest.mark.requirement("R-DIS-07", "R-DIS-03")
def test_an_override_opens_others_objectives_but_none_under_the_flag_of_confidentiality() -> None:
    """On rung 3 others' aims are held back; an override opens them, the flag closes one again."""
    world = both()
    before = titles(distribute(world))
    opened(world, HOUSING, "plan_objective")
    after = titles(distribute(world, 2, previous_version=1))
    flag = {
        "consent": "f-1",
        "action": "CONFIDENTIALITY",
        "organisations": [HOUSING],
        "objective": "objective-recovery",
    }
    world.send(MANAGER, MessageName.CONSENT, flag)
    flagged = titles(distribute(world, 3, previous_version=2))
    assert "Invented aim of recovery" not in before
    assert "Invented aim of recovery" in after
    assert flagged == ["Invented aim of housing"]


@pytest.mark.requirement("R-DIS-07", "R-DIS-06")
def test_a_text_opened_by_an_override_is_held_back_where_it_names_what_is_not() -> None:
    """A victim's name in a text about the risk is still a victim's name."""
    world = opened(both(), RECOVERY, "risk")
    said = {"kind": "FACTOR", "factor": "Invented", "factor_change": "NEW", "victim_name": "Avery Imagined"}
    clean = world.send(MANAGER, MessageName.RISK_CHANGE, {**said, "summary": "Invented rows at night"})
    named = world.send(MANAGER, MessageName.RISK_CHANGE, {**said, "summary": "Rows with Avery Imagined"})
    assert to(clean, RECOVERY)[0].payload["summary"] == "Invented rows at night"
    assert to(named, RECOVERY)[0].payload["summary"] is None
    assert all(
        "Avery" not in str(delivery.payload) for delivery in (*to(clean, RECOVERY), *to(named, RECOVERY))
    )


@pytest.mark.requirement("R-DIS-07")
def test_an_override_opens_nothing_that_a_contracts_view_does_not_have() -> None:
    """The contract with the partner narrows, whatever else permits."""
    world = both()
    world.agreed = (
        agreed(message="risk-change", purposes=["risk_alert"], effective=1, view=["kind", "factor"]),
    )
    opened(world, RECOVERY, "risk")
    said = {"kind": "FACTOR", "factor": "Invented", "factor_change": "NEW", "summary": "Invented rows"}
    result = world.send(MANAGER, MessageName.RISK_CHANGE, said)
    decided = {item.path: item for item in asked(result)[RECOVERY, "key_worker"].fields}
    assert decided["summary"].reason == NOT_IN_VIEW
    assert to(result, RECOVERY)[0].payload["summary"] is None


@pytest.mark.requirement("R-DIS-07", "R-CASE-06")
def test_nothing_is_sent_again_by_an_agreement_and_a_joiner_is_given_what_it_opens() -> None:
    """What was held back stays so; who joins later is given the risk as the facts of that moment have it."""
    world = staffed()
    engage(world, COUNSELLOR)
    said = {"kind": "FACTOR", "factor": "Invented", "factor_change": "NEW", "summary": "Invented rows"}
    first = world.send(MANAGER, MessageName.RISK_CHANGE, said)
    assert to(first, RECOVERY)[0].payload["summary"] is None
    asked_for = {
        "consent": "ov-1",
        "action": "OVERRIDE_REQUESTED",
        "organisations": [RECOVERY],
        "classes": ["risk"],
        "until": world.now + DAY,
        "reason": "Invented",
    }
    world.send(MANAGER, MessageName.CONSENT, asked_for)
    agreement = world.send(
        LINE_MANAGER, MessageName.CONSENT, {"consent": "ov-1", "action": "OVERRIDE_APPROVED"}
    )
    assert to(agreement, RECOVERY) == ()
    joining = appoint(world, OTHER_COUNSELLOR, by=MANAGER, referral="ref-recovery")
    given = [d for d in to(joining, RECOVERY) if d.message is MessageName.RISK_CHANGE]
    assert [delivery.payload["summary"] for delivery in given] == ["Invented rows"]


@pytest.mark.requirement("R-DIS-07", "R-MSG-11")
def test_a_break_glass_on_a_case_without_an_offender_manager_reaches_those_who_opened_it() -> None:
    """Somebody always hears of it."""
    world = World()
    open_case(world)
    offered = {
        "referral": "ref-recovery",
        "action": "OFFER",
        "provider": RECOVERY,
        "rung": 2,
        "typology": "BARRIER_FACTORS",
        "nature": "REHABILITATIVE",
    }
    assert refused(world.send(ADMINISTRATOR, MessageName.REFERRAL, offered)) is None
    broken = {
        "consent": "bg-1",
        "action": "BREAK_GLASS",
        "organisations": [RECOVERY],
        "classes": ["risk"],
        "until": Instant(world.now + DAY // 2),
        "reason": "Invented",
    }
    result = world.send(LINE_MANAGER, MessageName.CONSENT, broken)
    assert refused(result) is None
    reports = [d for d in to(result, PROBATION) if d.message is MessageName.EXCEPTION]
    assert {d.role for d in reports} == {Role.CASE_ADMINISTRATOR, Role.LINE_MANAGER}
    assert set(codes(result)) == {"BREAK-GLASS-USED"}


@pytest.mark.requirement("R-DIS-07", "R-DIS-06")
def test_an_order_of_a_court_opens_to_the_service_what_no_override_does() -> None:
    """Intelligence and a victim's name to the Case Administrator, not to the partner the same order names."""
    world = both()
    classes = ["intelligence", "victim", "risk"]
    for organisation in (PROBATION, RECOVERY):
        order = {
            "consent": f"co-{organisation}",
            "action": "COURT_ORDER",
            "organisations": [organisation],
            "classes": classes,
            "evidence": "Order 26/1",
        }
        assert refused(world.send(MANAGER, MessageName.CONSENT, order)) is None
    said = {"kind": "FACTOR", "summary": "Rows", "intelligence": "A source", "victim_name": "Avery Imagined"}
    result = world.send(MANAGER, MessageName.RISK_CHANGE, said)
    to_service = to(result, PROBATION, Role.CASE_ADMINISTRATOR)[0].payload
    to_partner = to(result, RECOVERY)[0].payload
    assert (to_service["intelligence"], to_service["victim_name"]) == ("A source", "Avery Imagined")
    assert (to_partner["summary"], to_partner["intelligence"], to_partner["victim_name"]) == (
        "Rows",
        None,
        None,
    )


@pytest.mark.requirement("R-DIS-07", "R-DIS-05")
def test_what_is_undelivered_is_decided_anew_when_an_override_ends_by_hand_or_with_its_date() -> None:
    """Each end is a turn of the case, once; so is the agreement, and a request that lapses is none."""
    world = opened(both(), RECOVERY, "risk")
    in_force = world.state.turn
    world.pass_time(7 * DAY)
    ended = world.state
    assert (ended.turn, ended.grants[0].ended_at) == (in_force + 1, ended.grants[0].until)
    opened(world, HOUSING, "risk")
    again = world.state.turn
    world.send(MANAGER, MessageName.CONSENT, {"consent": "ov-housing", "action": "GRANT_ENDED"})
    assert (world.state.turn, world.state.grants[1].ended_at) == (again + 1, world.now)
    asked_for = {
        "consent": "ov-3",
        "action": "OVERRIDE_REQUESTED",
        "organisations": [HOUSING],
        "classes": ["risk"],
        "until": world.now + DAY,
        "reason": "Invented",
    }
    world.send(MANAGER, MessageName.CONSENT, asked_for)
    waiting = world.state.turn
    world.pass_time(8 * DAY)
    assert world.state.turn == waiting
