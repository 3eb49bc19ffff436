"""The single case record, as far as each member of the team may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hub.messages.envelope import MessageName
from hub.routing.case_record import CaseRecord, case_record
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    HOUSING_OFFICER,
    MANAGER,
    NEXT_MANAGER,
    RECOVERY,
    SUPERVISOR,
    UNIT,
    Staff,
    World,
    distribute,
    engage,
    staffed,
)

if TYPE_CHECKING:
    from hub.routing.outcome import Delivery


def recorded() -> World:
    """A case with its team, two providers, risk, custody and a plan."""
    world = staffed(forename="Testperson", surname="Elderflower", offence_summary="An invented offence")
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    world.send(
        UNIT, MessageName.PRISON_EVENT, {"action": "RECEPTION", "status": "CONFIRMED", "prison_to": "MDI"}
    )
    risk = {"kind": "FACTOR", "factor": "An invented factor", "victim_name": "Victorine Nobody"}
    world.send(MANAGER, MessageName.RISK_CHANGE, risk)
    distribute(world)
    return world


def reads(world: World, by: Staff) -> CaseRecord | None:
    """Return the record as somebody reads it."""
    return case_record(
        world.state, by.organisation, role=by.role, person=by.person, view=world, now=world.now
    )


def of(record: CaseRecord | None, message: MessageName) -> list[Delivery]:
    """Return the entries of one type."""
    assert record is not None
    return [each for each in record.entries if each.message is message]


@pytest.mark.requirement("R-CASE-09")
def test_the_offender_manager_reads_the_whole_record() -> None:
    """Who the person is, the team, both referrals, where they are held, risk, the plan."""
    record = reads(recorded(), MANAGER)
    (facts,) = of(record, MessageName.CASE)
    assert facts.payload["offence_summary"] == "An invented offence"
    assert {each.payload["role"] for each in of(record, MessageName.TEAM_CHANGE)} == {
        "offender_manager",
        "case_administrator",
        "key_worker",
    }
    assert [each.payload["action"] for each in of(record, MessageName.REFERRAL)] == ["ACCEPT", "ACCEPT"]
    assert [each.payload["prison_to"] for each in of(record, MessageName.PRISON_EVENT)] == ["MDI"]
    assert len(of(record, MessageName.RISK_CHANGE)) == 1
    assert [each.payload["version"] for each in of(record, MessageName.PLAN)] == [1]


@pytest.mark.requirement("R-CASE-09", "R-DIS-06")
def test_a_key_worker_reads_its_own_part_and_no_more() -> None:
    """Its own referral, its own objective; no offence, no victim, not the other provider's referral."""
    record = reads(recorded(), COUNSELLOR)
    assert [each.payload["referral"] for each in of(record, MessageName.REFERRAL)] == ["ref-recovery"]
    (plan,) = of(record, MessageName.PLAN)
    workers = [e.payload for e in of(record, MessageName.TEAM_CHANGE) if e.payload["role"] == "key_worker"]
    assert {each["organisation"] for each in workers} == {"recovery"}
    own = [each for each in plan.payload["objectives"] if each["yours"]]  # type: ignore[attr-defined]
    assert [each["organisation"] for each in own] == ["recovery"]
    assert record is not None
    text = str([each.payload for each in record.entries])
    assert "An invented offence" not in text
    assert "Victorine" not in text
    assert record.plan_holders == ()


@pytest.mark.requirement("R-CASE-09")
@pytest.mark.parametrize("somebody", [NEXT_MANAGER, SUPERVISOR, Staff(RECOVERY, COUNSELLOR.role, "kw-other")])
def test_whoever_has_no_such_part_in_the_case_reads_nothing(somebody: Staff) -> None:
    """Not another Offender Manager of the same organisation, nor a colleague of the Key Worker."""
    assert reads(recorded(), somebody) is None


@pytest.mark.requirement("R-CASE-09", "R-PLAN-02")
def test_who_distributes_the_plan_reads_who_holds_which_version() -> None:
    """The Case Administrator sees the latest version sent to everybody, and that nobody has answered."""
    record = reads(recorded(), ADMINISTRATOR)
    assert record is not None
    holders = {(each.organisation, each.role.value): each for each in record.plan_holders}
    assert holders[RECOVERY, "key_worker"].sent == 1
    assert holders[RECOVERY, "key_worker"].acknowledged is None


@pytest.mark.requirement("R-CASE-09", "R-DIS-03")
def test_what_is_held_back_from_a_member_is_not_read_either() -> None:
    """The same rules decide what is read as what is delivered."""
    world = recorded()
    flag = {"consent": "f", "action": "EXCLUSION", "organisations": ["recovery"]}
    world.send(MANAGER, MessageName.CONSENT, flag)
    record = reads(world, COUNSELLOR)
    assert record is not None
    assert record.entries == ()


@pytest.mark.requirement("R-CASE-09")
def test_a_closed_case_is_read_by_those_who_managed_it_alone() -> None:
    """Nothing is delivered of it to anybody else; nothing more is read of it either."""
    world = recorded()
    assert reads(world, COUNSELLOR) is not None
    world.send(MANAGER, MessageName.CASE, {"action": "CLOSED", "close_reason": "SENTENCE_ENDED"})
    assert reads(world, COUNSELLOR) is None
    assert reads(world, MANAGER) is not None


@pytest.mark.requirement("R-CASE-09")
def test_the_record_says_how_a_referral_stands_and_not_what_its_offer_said() -> None:
    """What its author put under a stricter class, or took back since, is in no entry."""
    world = recorded()
    for entry in of(reads(world, MANAGER), MessageName.REFERRAL):
        assert entry.payload["intervention"] is None
        assert entry.payload["category"] is None
