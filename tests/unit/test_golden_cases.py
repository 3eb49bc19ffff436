"""Every golden case of `tests/golden`: what somebody is told, on which basis, and that no more is cut."""

from __future__ import annotations

import pytest

from hub.messages.envelope import MessageName, Role
from tests.unit.consent_cases import POLICY
from tests.unit.golden import Golden, asked, differences, golden_cases, wrongly_cut

CASES = golden_cases()


@pytest.mark.requirement("R-DIS-01", "R-DIS-02", "R-DIS-03", "R-DIS-04", "R-DIS-05", "R-DIS-06")
@pytest.mark.parametrize("golden", CASES, ids=[each.name for each in CASES])
def test_somebody_is_told_what_the_sources_say_and_nothing_else(golden: Golden) -> None:
    """The decision is field by field what the case expects, and so is what is cut by it."""
    decision = asked(golden, POLICY)

    assert differences(golden, decision) == []
    assert golden.gains or wrongly_cut(golden, decision) == set()


@pytest.mark.requirement("R-DIS-01")
def test_golden_cases_speak_of_every_message_every_role_and_every_rung() -> None:
    """No message, no role that is told anything, no rung is without a case, and each names its source."""
    told = [each for each in CASES if each.delivered]

    assert {each.message for each in told} == set(MessageName)
    assert {each.situation.candidate.role for each in told} >= set(Role) - {Role.SYSTEM, Role.SUBSCRIBER}
    assert {each.situation.organisation.rung for each in told} == {1, 2, 3, 4}
    assert all(each.source for each in CASES)
