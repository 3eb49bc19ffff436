"""The limits of feeds and projector agree with each other, whatever an operator sets."""

from __future__ import annotations

import pytest

from hub.adapters.feeds import FeedLimits
from hub.adapters.ledger import ProjectorLimits


@pytest.mark.requirement("R-DEL-02")
@pytest.mark.parametrize("limits", [FeedLimits, ProjectorLimits])
@pytest.mark.parametrize("session_timeout_ms", [3, 6_000, 15_000, 45_000])
def test_group_member_gives_three_signs_of_life_within_the_silence_allowed_whatever_it_is(
    limits: type[FeedLimits | ProjectorLimits], session_timeout_ms: int
) -> None:
    """One sign lost on the way evicts nobody."""
    set_ = limits(session_timeout_ms=session_timeout_ms)
    assert 0 < set_.heartbeat_ms <= session_timeout_ms / 3
