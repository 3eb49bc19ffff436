"""What a case keeps of messages is their place in the log; they are asked for, and said again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from hub.cases.case import Case
from hub.cases.state import from_json, to_json
from hub.errors import ReadBackNeeded
from hub.messages.envelope import MessageName, Role, Unreadable
from hub.messages.identifiers import HUB, CaseRef, MessageId
from hub.routing.own_copy import own_copy
from hub.routing.route import route
from tests.unit.worlds import (
    CASE,
    COUNSELLOR,
    DAY,
    MANAGER,
    MOORLAND,
    PROBATION,
    SUPERVISOR,
    World,
    appoint,
    codes,
    distribute,
    engage,
    policy,
    refused,
    staffed,
    to,
)

if TYPE_CHECKING:
    from hub.messages.envelope import Entry, Submission
    from hub.routing.outcome import Result

WORDS = "Zanzibar"
RISK = {
    "kind": "FACTOR",
    "factor": f"Invented {WORDS}",
    "factor_change": "NEW",
    "summary": f"Seen in {WORDS}",
}


@dataclass
class Distant(World):
    """A world whose log is elsewhere: a record is there only once it was fetched."""

    fetched: set[int] = field(default_factory=set)

    def read_back(self, case: CaseRef, offset: int) -> Entry | None:
        """Return a record that was fetched."""
        return super().read_back(case, offset) if offset in self.fetched else None


def told_of() -> World:
    """Return a world in which facts, a risk and a plan were said."""
    world = staffed(surname=WORDS, offence_summary=f"Taken from {WORDS}")
    world.send(MANAGER, MessageName.RISK_CHANGE, RISK)
    distribute(world, change_reason=f"Moved to {WORDS}")
    return world


def distant() -> Distant:
    """Return such a world with the log elsewhere."""
    near = told_of()
    return Distant(
        now=near.now, cases=near.cases, taken=near.taken, senders=near.senders, timers=near.timers,
        log=near.log, sent=near.sent,
    )  # fmt: skip


def again(result: Result) -> list[MessageName]:
    """Return what the supervisor's prison was given beside the appointment itself."""
    return [each.message for each in to(result, MOORLAND) if each.message is not MessageName.TEAM_CHANGE]


def joining(world: World, **fields: object) -> Submission:
    """Write the message that makes a supervisor join."""
    said = {"action": "APPOINT", "role": "offender_supervisor", "organisation": MOORLAND, "person": "os-1"}
    return world.submission(MANAGER, MessageName.TEAM_CHANGE, {**said, **fields})


@pytest.mark.requirement("R-CASE-06")
def test_all_that_a_joiner_is_given_is_asked_for_at_once_and_the_answer_is_then_that_of_any_other_view() -> (
    None
):
    """Facts, risk and plan by their places; nothing is decided before they are there."""
    world, near = distant(), told_of()
    entry = joining(world)
    with pytest.raises(ReadBackNeeded) as needed:
        route(entry, world, world.now)
    kept = (*world.state.facts, *world.state.risks, *([world.state.plan] if world.state.plan else ()))
    assert len(kept) == 3
    assert needed.value.records == {(CASE, each.offset) for each in kept}
    world.fetched |= {offset for _, offset in needed.value.records}
    result = route(entry, world, world.now)
    assert WORDS in str([each.payload for each in to(result, MOORLAND)])
    assert result == route(joining(near), near, near.now)


@pytest.mark.requirement("R-CASE-06")
def test_nothing_is_asked_for_when_nobody_joins() -> None:
    """The log is read back only for those who were not there when it was said."""
    world = distant()
    assert (
        refused(world.send(MANAGER, MessageName.RISK_CHANGE, {"kind": "ROSH", "rosh_level": "HIGH"})) is None
    )
    assert refused(distribute(world, 2)) is None


@pytest.mark.requirement("R-CASE-06")
def test_a_tick_asks_for_everything_that_is_due_before_any_of_it_is_decided() -> None:
    """Two who begin on one day cost one reading."""
    world = distant()
    for person in ("os-1", "os-2"):
        assert refused(world.take(joining(world, person=person, effective_at=world.now + DAY))) is None
    with pytest.raises(ReadBackNeeded) as needed:
        world.pass_time(2 * DAY)
    assert len(needed.value.records) == 3
    world.fetched |= {offset for _, offset in needed.value.records}
    world.log.pop()
    told = to(world.pass_time(1), MOORLAND)
    assert [each.message for each in told].count(MessageName.PLAN) == 2


@pytest.mark.requirement("R-CASE-06")
@pytest.mark.requirement("R-ADM-01")
@pytest.mark.parametrize("how", ["unreadable", "another message", "no place"])
def test_what_can_no_longer_be_read_is_reported_and_the_rest_is_given(how: str) -> None:
    """Nobody believes that a joiner knows what it was not given; never something else in its place."""
    world = told_of()
    plan = world.state.plan
    assert plan is not None
    assert plan.offset is not None
    if how == "unreadable":
        world.log[plan.offset] = Unreadable(
            record_id=MessageId("0" * 32), organisation=HUB, code="KEY-ERASED"
        )
    elif how == "another message":
        world.log[plan.offset] = world.submission(MANAGER, MessageName.PLAN, {"version": 1})
    else:
        world.cases[CASE] = to_json(replace(world.state, plan=replace(plan, offset=None)))
    result = appoint(world, SUPERVISOR, reason="DISTANT_CUSTODY")
    assert again(result) == [MessageName.CASE, MessageName.RISK_CHANGE]
    assert set(codes(result)) == {"JOINER-NOT-GIVEN"}
    told = to(result, PROBATION, Role.OFFENDER_MANAGER)
    (report,) = (each for each in told if each.message is MessageName.EXCEPTION)
    assert report.urgency.value == "safety"
    assert "plan" in str(report.payload["detail"])
    assert str(report.payload["detail"]).startswith("Somebody who has joined could not be given")


@pytest.mark.requirement("R-AUD-04")
def test_a_case_holds_none_of_the_words_that_were_said() -> None:
    """They stand once, in the log, under the key of the person; a factor's name does not show its words."""
    world = told_of()
    assert WORDS.casefold() not in to_json(world.state).decode().casefold()
    assert len(to_json(world.state)) < 2_500


@pytest.mark.requirement("R-CASE-06")
def test_the_size_of_a_case_does_not_depend_on_how_much_is_said() -> None:
    """A long plan takes no more room than a short one."""
    sizes = []
    for times in (1, 300):
        world = staffed()
        distribute(world, risk_management=" ".join(["Invented."] * times))
        sizes.append(len(to_json(world.state)))
    assert sizes[0] == sizes[1]


@pytest.mark.requirement("R-PLAN-03")
def test_the_persons_own_copy_asks_for_the_plan_first() -> None:
    """It is made of the plan as it was sent, less what has been corrected since."""
    world = distant()
    with pytest.raises(ReadBackNeeded) as needed:
        own_copy(world.state, policy=policy(), view=world, now=world.now)
    assert world.state.plan is not None
    assert needed.value.records == {(CASE, world.state.plan.offset)}
    world.fetched |= {offset for _, offset in needed.value.records}
    copy = own_copy(world.state, policy=policy(), view=world, now=world.now)
    assert copy.payload["change_reason"] == f"Moved to {WORDS}"


@pytest.mark.requirement("R-MSG-16")
def test_what_was_corrected_stays_away_though_the_log_still_has_it() -> None:
    """The record is read back whole; a field taken back since is left out, whoever asks."""
    world = told_of()
    assert world.state.plan is not None
    said = {"corrects": world.state.plan.message, "action": "ERASE", "fields": ["change_reason"]}
    assert refused(world.send(MANAGER, MessageName.CORRECTION, said)) is None
    given = [each for each in to(appoint(world, SUPERVISOR), MOORLAND) if each.message is MessageName.PLAN]
    assert [each.payload["change_reason"] for each in given] == [None]
    assert all(each.source.payload["change_reason"] is None for each in given)
    copy = own_copy(world.state, policy=policy(), view=world, now=world.now)
    assert copy.payload["change_reason"] is None


@pytest.mark.requirement("R-CASE-06")
def test_a_case_an_earlier_hub_wrote_is_read_and_what_it_kept_is_reported_to_a_joiner() -> None:
    """It kept the words and not their place: they are let go, and somebody is told so."""
    world = told_of()
    plain = json.loads(to_json(world.state))
    for kept in (plain["plan"], *plain["risks"], *plain["facts"]):
        kept.pop("offset")
        kept.pop("fields")
        kept |= {"payload": "{}", "author": "om-1", "occurred_at": 1, "declared": [], "correlation": "c"}
        kept |= {"recorded_at": 1, "statement": "fact"}
    world.cases[CASE] = json.dumps(plain).encode()
    assert isinstance(from_json(world.cases[CASE]), Case)
    result = appoint(world, SUPERVISOR)
    assert not again(result)
    assert codes(result).count("JOINER-NOT-GIVEN") == 6


@pytest.mark.requirement("R-RTE-06")
def test_a_provider_who_joins_by_accepting_asks_for_risk_and_plan_only() -> None:
    """The facts of the case are not for it, and are not read."""
    world = distant()
    with pytest.raises(ReadBackNeeded) as needed:
        engage(world, COUNSELLOR)
    assert {offset for _, offset in needed.value.records} == {
        *(each.offset for each in world.state.risks),
        world.state.plan.offset if world.state.plan else None,
    }
