"""The simulated world: the same seed says the same, in order, and the core takes all that it is meant to."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bench.memory import Memory
from hub import cli
from hub.demo.day import iso
from hub.demo.organisations import PROBATION
from hub.demo.simulated.stream import Simulation, case_reference, is_meant_to_be_refused, submission
from hub.messages.envelope import MessageName, Tick
from hub.messages.identifiers import Instant, MessageId
from hub.routing.route import route
from hub.topics.bodies import check_submission
from tests.unit.worlds import DAY, START, library

if TYPE_CHECKING:
    from pathlib import Path


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


def test_lines_can_be_sent_by_another_program_and_are_the_same_each_time(tmp_path: Path) -> None:
    """Each with its sender, address, idempotency key and body; a body names the case its line names."""
    written = []
    for name in ("one", "two"):
        out = tmp_path / name
        asked = ["simulate", "--cases", "5", "--days", "60", "--seed", "2", "--out", str(out)]
        done = CliRunner().invoke(cli.app, asked)
        assert done.exit_code == 0, done.output
        written.append(out.read_text(encoding="utf-8"))
        assert f"{written[-1].count(chr(10))} messages on 5 cases" in done.output
    assert written[0] == written[1]
    first, *rest = map(json.loads, written[0].splitlines())
    assert first["path"] == "/v1/cases"
    assert "case" not in first["body"]
    assert {each["path"] for each in rest} > {"/v1/team-changes", "/v1/referrals", "/v1/progress"}
    for line in (each for each in rest if each["body"]["data"].get("action") != "OPENED"):
        assert line["body"]["case"] == line["case"]
        message = line["path"].removeprefix("/v1/")
        name = message if message == "progress" else message.removesuffix("s")
        body = {**line["body"], "case": "case_" + "a2" * 26}
        assert check_submission(library(), MessageName(name), body).contract.version == "1.0"


@pytest.mark.parametrize("asked", [["--cases", "0"], ["--days", "4000"], ["--at-once", "65"]])
def test_what_is_out_of_bounds_is_a_usage_error_that_says_the_bounds(asked: list[str]) -> None:
    """Nothing is made or sent."""
    done = CliRunner().invoke(cli.app, ["simulate", *asked])
    assert done.exit_code == 2
    assert "than or equal to" in done.output


def test_where_time_stands_still_all_is_said_on_the_day_it_is_sent() -> None:
    """So that no deadline has passed before a running hub is told of it; the messages are the same."""
    moving, still = list(simulation().case(3)), list(simulation(still=True).case(3))
    assert [step.name for step in moving] == [step.name for step in still]
    assert all(step.occurred_at < START + DAY for step in still)
    offers = [step for step in still if step.data.get("action") == "OFFER"]
    assert offers
    assert all(str(step.data["answer_by"]) == iso(START + 7 * DAY) for step in offers)


def test_the_help_shows_commands_that_can_be_pasted_each_on_its_line() -> None:
    """As they were written: no marks of how they are kept apart, and nothing run together."""
    shown = CliRunner().invoke(cli.app, ["simulate", "--help"]).output
    assert "\\b" not in shown
    assert "  python3 -m hub simulate --cases 1000 --days 30 --out world.jsonl\n" in shown
