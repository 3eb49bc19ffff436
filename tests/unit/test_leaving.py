"""The last look at what leaves lets through what the rules let through, and catches every broken cutter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.messages.envelope import MessageName
from tests.unit.recipients import CASES, a_message, leaves_as, told

if TYPE_CHECKING:
    from hub.cases.case import Case

SEEDS = st.integers(0, 2**32)


@pytest.mark.requirement("R-DIS-01", "R-DIS-06")
@given(seed=SEEDS, message=st.sampled_from(list(MessageName)), case=st.sampled_from(CASES))
@settings(max_examples=300, deadline=None)
def test_nothing_is_stopped_of_what_was_cut_as_it_should(seed: int, message: MessageName, case: Case) -> None:
    """Names in notes, codes that look like headers, empty lists: whatever is sent, what may go does."""
    found = told(message, a_message(seed, message), case=case)
    assert not {decision.gate for decision in found.decisions} & {"GUARD-CUT-FAILED"}
    for delivery in found.deliveries:
        leaves_as(delivery)
