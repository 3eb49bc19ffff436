"""A case is opened once, changed, merged and closed."""

from __future__ import annotations

import pytest

from hub.messages.envelope import MessageName, Role
from tests.unit.worlds import (
    ADMINISTRATOR,
    CASE,
    COUNSELLOR,
    HOUSING,
    MANAGER,
    MOORLAND,
    PROBATION,
    UNIT,
    World,
    appoint,
    codes,
    engage,
    offer,
    open_case,
    refused,
    staffed,
    to,
)


@pytest.mark.requirement("R-MSG-13")
def test_a_case_keeps_what_its_opening_states() -> None:
    """Jurisdiction, region, tier, scope and release date stand in the case."""
    world = World()
    open_case(world, region="N54", tier=3, release_date=20_000)
    case = world.state
    assert (case.jurisdiction, case.region, case.tier, case.in_scope) == ("ENGLAND_AND_WALES", "N54", 3, True)
    assert (case.opened_by, case.version) == (PROBATION, 1)
    assert case.custody is not None
    assert case.custody.release_date == "2024-10-04"


@pytest.mark.requirement("R-CASE-01")
def test_a_case_is_refused_when_it_is_open_already() -> None:
    """One period of engagement is one case."""
    world = staffed()
    assert refused(open_case(world)) == "CASE-ALREADY-OPEN"


@pytest.mark.requirement("R-CASE-01")
def test_a_message_is_set_aside_when_its_case_is_unknown() -> None:
    """Nothing but an opening makes a case."""
    assert refused(appoint(World(), MANAGER)) == "CASE-UNKNOWN"


def test_a_prison_may_not_open_a_case() -> None:
    """Cases are opened by probation."""
    world = World()
    result = world.send(UNIT, MessageName.CASE, {"action": "OPENED"})
    assert refused(result) == "NOT-ENTITLED"


@pytest.mark.requirement("R-CASE-02")
def test_the_opener_hears_at_once_when_a_case_has_no_offender_manager() -> None:
    """The exception goes to whoever opened the case, as its administrator; later to the OM and CA."""
    world = World()
    result = open_case(world)
    assert codes(result) == ["CASE-WITHOUT-OM"]
    assert to(result, PROBATION, Role.CASE_ADMINISTRATOR)
    assert codes(appoint(world, MANAGER, grade="PO")) == []


@pytest.mark.requirement("R-CASE-07")
def test_nobody_hears_of_a_missing_offender_manager_when_the_case_is_out_of_scope() -> None:
    """Out-of-scope cases are routed without OM and OS exceptions."""
    assert codes(open_case(World(), in_scope=False)) == []


@pytest.mark.requirement("R-MSG-13")
def test_a_change_leaves_alone_what_it_does_not_state() -> None:
    """A new tier does not unset the region."""
    world = World()
    open_case(world, region="N54")
    appoint(world, MANAGER, grade="PO")
    world.send(MANAGER, MessageName.CASE, {"action": "CHANGED", "tier": 4})
    assert (world.state.region, world.state.tier) == ("N54", 4)


@pytest.mark.requirement("R-MSG-13")
def test_a_merge_is_recorded_once_and_can_be_undone() -> None:
    """Two cases of one person are merged; a wrong merge is undone."""
    world = staffed()
    merge = {"action": "MERGED", "merged_case": "d" * 32}
    assert refused(world.send(MANAGER, MessageName.CASE, merge)) is None
    assert refused(world.send(MANAGER, MessageName.CASE, merge)) == "CASE-ALREADY-MERGED"
    undo = {"action": "UNMERGED", "merged_case": "d" * 32}
    assert refused(world.send(MANAGER, MessageName.CASE, undo)) is None
    assert refused(world.send(MANAGER, MessageName.CASE, undo)) == "CASE-NOT-MERGED"
    itself = {"action": "MERGED", "merged_case": CASE}
    assert refused(world.send(MANAGER, MessageName.CASE, itself)) == "CASE-INCOMPLETE"


@pytest.mark.requirement("R-MSG-13")
def test_a_closed_case_awaits_nothing_and_takes_no_more_work() -> None:
    """Closing clears its timers; consent and evaluation may still be recorded."""
    world = staffed()
    engage(world, COUNSELLOR)
    offer(world, HOUSING)
    assert world.timers
    world.send(ADMINISTRATOR, MessageName.CASE, {"action": "CLOSED", "close_reason": "SENTENCE_ENDED"})
    assert not world.timers
    assert refused(offer(world, MOORLAND)) == "CASE-CLOSED"
    withdrawn = {"consent": "c-1", "action": "WITHDRAWN"}
    assert refused(world.send(MANAGER, MessageName.CONSENT, withdrawn)) is None
