"""The simulated world: the same seed says the same, in order, and the core takes all that it is meant to."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from bench.memory import Memory
from hub.demo.organisations import PROBATION
from hub.demo.simulated.stream import Simulation, case_reference, is_meant_to_be_refused, submission
from hub.messages.envelope import MessageName, Tick
from hub.messages.identifiers import Instant, MessageId
from hub.routing.route import route
from tests.unit.worlds import DAY, START, library


def simulation(**numbers: int) -> Simulation:
    """Return a small simulation, but for the numbers given."""
    return Simulation(**{"cases": 12, "days": 200, "seed": 3, "start": START, **numbers})  # type: ignore[arg-type]


@pytest.mark.requirement("R-MSG-12")
def test_the_same_seed_says_the_same_and_another_seed_says_something_else() -> None:
    """Whoever measures twice measures the same messages."""
    first, again = list(simulation().steps()), list(simulation().steps())
    assert first == again
    assert first != list(simulation(seed=4).steps())


def test_more_cases_leave_those_there_are_as_they_were() -> None:
    """A case follows from the seed and its own number."""
    of_case = list(simulation().case(5))
    assert of_case
    assert list(simulation(cases=400).case(5)) == of_case


def test_everything_is_said_in_the_order_of_time_and_within_the_days_asked_for() -> None:
    """The stream is as a log would have it, each idempotency key once."""
    said = [step for _, step in simulation().steps()]
    moments = [step.occurred_at for step in said]
    assert moments == sorted(moments)
    assert START <= moments[0] < moments[-1] < START + 201 * DAY
    assert len({step.key for step in said}) == len(said)


def test_on_one_case_no_two_things_are_said_at_once() -> None:
    """The order in which a case's messages are sent is the order in which they happened."""
    for number in range(12):
        moments = [step.occurred_at for step in simulation().case(number)]
        assert all(earlier < later for earlier, later in pairwise(moments))


@pytest.mark.requirement("R-CASE-01")
@pytest.mark.requirement("R-MSG-01")
def test_the_core_takes_every_message_that_is_not_meant_to_be_refused() -> None:
    """Through every kind of event of two hundred days; deadlines fall due on the way."""
    view, kinds, refused = Memory(library()), Counter[MessageName](), Counter[tuple[bool, str]]()
    whole = simulation(cases=60, seed=1)
    for number, step in whole.steps():
        message = view.append(submission(step, case_reference(whole, number), library=library()))
        now = message.envelope.recorded_at
        while (due := view.first_deadline()) is not None and due <= now:
            tick = Tick(tick_id=MessageId(f"{due:032x}"), due_at=Instant(due))
            view.keep(tick, route(tick, view, now))
        result = route(message, view, now)
        if result.rejection is not None:
            refused[is_meant_to_be_refused(step), result.rejection.code] += 1
        else:
            kinds[step.message] += 1
        view.keep(message, result)
    assert set(refused) == {(True, "PLAN-NOT-BY-OM")}
    assert set(kinds) >= {
        MessageName.CASE,
        MessageName.TEAM_CHANGE,
        MessageName.REFERRAL,
        MessageName.PROGRESS,
        MessageName.PLAN,
        MessageName.RISK_CHANGE,
        MessageName.PRISON_EVENT,
        MessageName.CONSENT,
        MessageName.REVIEW,
        MessageName.ASSESSMENT,
        MessageName.APPOINTMENT,
    }
    assert len(view.cases) == 60
    assert all(case.opened_by == PROBATION for case in view.cases.values())
