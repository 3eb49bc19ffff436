"""A message is cut once for all who may have the same of it: the same as if it were cut for each."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from hub.consent import alike as asking
from hub.consent import allowance as allowing
from hub.consent import forms, paths, redact
from hub.consent.alike import alike
from hub.consent.allowance import allowance
from hub.consent.redact import cut
from hub.demo.simulated.stream import Simulation, case_reference, submission
from hub.routing.route import route
from tests.unit.worlds import (
    COUNSELLOR,
    HOUSING_OFFICER,
    MANAGER,
    START,
    World,
    distribute,
    engage,
    library,
    staffed,
)

if TYPE_CHECKING:
    from hub.consent.decision import Decision, FieldSpec
    from hub.messages.envelope import Submission
    from hub.routing.outcome import Result


def forget() -> None:
    """Forget everything that was kept of the last message, and of messages like it."""
    kept: tuple[list[Any], ...] = (
        asking._read,
        asking._asked,
        forms._last,
        redact._last,
        allowing._last,
        paths._read,
    )
    for each in kept:
        each.clear()
    for plans in (forms._sorts, redact._plans, allowing._plans):
        plans.clear()


def fields_of(source: Submission) -> tuple[FieldSpec, ...]:
    """Return the fields of a message's contract."""
    return library().fields(source.envelope.message, source.envelope.contract)


def told(result: Result) -> list[tuple[Submission, Decision]]:
    """Return each delivery's message, with the decision it was made by."""
    by_id = {each.decision_id: each for each in result.decisions}
    return [(each.source, by_id[each.grounds.decision_id]) for each in result.deliveries if each.grounds]


@pytest.mark.requirement("R-DIS-01")
def test_what_is_cut_for_several_is_what_would_be_cut_for_each_alone() -> None:
    """Through a simulated world: payload, what was redacted, and what may leave."""
    from bench.memory import Memory

    view, seen = Memory(library()), Counter[bool]()
    world = Simulation(cases=10, days=120, seed=5, start=START)
    for number, step in world.steps():
        message = view.append(submission(step, case_reference(world, number), library=library()))
        result = route(message, view, message.envelope.recorded_at)
        view.keep(message, result)
        keys = [
            (source.envelope.message_id, alike(source.payload, fields_of(source), decision))
            for source, decision in told(result)
        ]
        for source, decision in told(result):
            specs = fields_of(source)
            together = (
                cut(source.payload, specs, decision, decision.candidate),
                allowance(source.payload, specs, decision, envelope=source.envelope),
            )
            forget()
            assert together == (
                cut(source.payload, specs, decision, decision.candidate),
                allowance(source.payload, specs, decision, envelope=source.envelope),
            )
        seen.update(one == other for one, other in pairwise(keys))
    assert seen[True] > 100
    assert seen[False] > 100


@pytest.mark.requirement("R-DIS-03")
def test_a_plan_is_cut_for_each_provider_by_itself() -> None:
    """Whose an objective is makes the difference, though the rules say the same of both."""
    world = staffed()
    for worker in (COUNSELLOR, HOUSING_OFFICER):
        engage(world, worker)
    keys = {
        decision.candidate.organisation: alike(source.payload, library().fields("plan", "1.0"), decision)  # type: ignore[arg-type]
        for source, decision in told(distribute(world))
        if decision.candidate.role.value == "key_worker"
    }
    assert len(keys) == len(set(keys.values())) == 2


@pytest.mark.requirement("R-DIS-06")
def test_nobody_is_given_the_payload_of_another_message_cut_before() -> None:
    """A message that says as much as the last one, in other words."""
    world: World = staffed()
    engage(world, COUNSELLOR)
    for words in ("first", "second"):
        result = world.send(
            MANAGER,
            "progress",  # type: ignore[arg-type]
            {"referral": f"ref-{COUNSELLOR.organisation}", "kind": "MILESTONE", "milestone": words},
        )
        assert {each.payload["milestone"] for each in result.deliveries} <= {words, None}
