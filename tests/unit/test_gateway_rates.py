"""What one organisation may ask for in a second and at once; nobody else waits for it."""

from __future__ import annotations

import pytest

from hub.adapters.gateway import rates as module
from hub.adapters.gateway.problems import ProblemError
from hub.adapters.gateway.rates import Rates
from hub.messages.identifiers import OrganisationId

NOISY, QUIET = OrganisationId("noisy-service"), OrganisationId("quiet-service")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        """Begin at nought."""
        self.now_s = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now_s


def ask(rates: Rates, organisation: OrganisationId = NOISY, times: int = 1) -> int:
    """Ask so often, one after the other; how many were let through."""
    let_through = 0
    told: list[ProblemError] = []
    for _ in range(times):
        try:
            with rates.admitted(organisation):
                let_through += 1
        except ProblemError as refused:
            told.append(refused)
    for each in told:
        assert (each.code, each.problem.status) == ("rate-limited", 429)
        assert each.retry_after_s is not None
        assert each.retry_after_s >= 1
    return let_through


@pytest.mark.requirement("R-DEL-02")
def test_two_seconds_worth_at_once_then_the_rate_and_nobody_else_waits() -> None:
    clock = Clock()
    rates = Rates(per_s_max=10, in_flight_max=5, clock=clock)
    assert ask(rates, times=50) == 20
    assert ask(rates, QUIET, times=20) == 20
    clock.now_s = 0.5
    assert ask(rates, times=50) == 5
    clock.now_s = 3600
    assert ask(rates, times=50) == 20


def test_no_more_under_way_than_may_be_and_what_ends_makes_room() -> None:
    rates = Rates(per_s_max=1000, in_flight_max=2, clock=Clock())
    with rates.admitted(NOISY), rates.admitted(NOISY):
        assert ask(rates) == 0
        assert ask(rates, QUIET) == 1
    with pytest.raises(RuntimeError), rates.admitted(NOISY):
        raise RuntimeError
    assert ask(rates) == 1


def test_it_remembers_no_more_organisations_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest silent is forgotten, but nobody whose request is under way."""
    monkeypatch.setattr(module, "KNOWN_MAX", 3)
    rates = Rates(per_s_max=1, in_flight_max=1, clock=Clock())
    with rates.admitted(NOISY):
        for number in range(9):
            assert ask(rates, OrganisationId(f"other-{number}")) == 1
            assert len(rates._buckets) <= 3
        assert ask(rates) == 0
