"""What nobody collected is reported: to who manages the case in full, to its sender as far as it may know."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hub.cases.reports import EXPIRED, NOT_COLLECTED, YOUR_MESSAGE_EXPIRED
from hub.messages.envelope import MessageName, Role, Uncollected
from hub.messages.identifiers import CaseRef
from tests.unit.test_routing_redeciding import engaged, health_told
from tests.unit.undelivered import request, waiting
from tests.unit.worlds import HOUSING, HOUSING_OFFICER, RECOVERY

if TYPE_CHECKING:
    from hub.routing.outcome import Result
    from tests.unit.undelivered import Waiting
    from tests.unit.worlds import World

SAID = {"referral": f"ref-{HOUSING}", "kind": "SESSION", "attendance": "ATTENDED"}


def lapsed(world: World, one: Waiting, kind: Uncollected = Uncollected.EXPIRED) -> Result:
    """Say that a delivery was not collected."""
    return world.take(replace(request(one), uncollected=kind))


def told(result: Result) -> set[tuple[str, str, str]]:
    """Who was told what: organisation, role, code."""
    return {(each.organisation, each.role.value, str(each.payload["code"])) for each in result.deliveries}


@pytest.mark.requirement("R-DEL-02", "R-MSG-11")
@pytest.mark.parametrize(
    ("kind", "code"), [(Uncollected.LATE, NOT_COLLECTED), (Uncollected.EXPIRED, EXPIRED)]
)
def test_who_manages_the_case_hears_who_did_not_collect_what(kind: Uncollected, code: str) -> None:
    """Type, role and organisation, nothing of what it said; the delivery itself is left as it is."""
    world = engaged()
    one = health_told(world)
    result = lapsed(world, one, kind)
    assert {found[2] for found in told(result)} == {code}
    manager = next(each for each in result.deliveries if each.role is Role.OFFENDER_MANAGER)
    assert manager.message is MessageName.EXCEPTION
    detail = str(manager.payload["detail"])
    assert f"It was a progress message, for the key worker of {RECOVERY}." in detail
    assert "illness" not in detail
    assert not result.settled
    assert not result.cases


@pytest.mark.requirement("R-DIS-01")
def test_a_sender_is_not_told_that_somebody_it_need_not_know_of_did_not_collect() -> None:
    """The housing provider does not learn that the drug service gets what it says."""
    world = engaged()
    result = lapsed(world, health_told(world))
    assert HOUSING not in {found[0] for found in told(result)}
    decided = [each for each in result.decisions if each.candidate.organisation == HOUSING]
    assert decided == []


@pytest.mark.requirement("R-DEL-02", "R-MSG-11")
def test_a_sender_hears_that_the_offender_manager_did_not_collect() -> None:
    """That a case has an Offender Manager is known to all; whether it is told is decided like all else."""
    world = engaged()
    sent = world.send(HOUSING_OFFICER, MessageName.PROGRESS, SAID)
    one = next(each for each in waiting(sent) if each.delivery.role is Role.OFFENDER_MANAGER)
    result = lapsed(world, one)
    own = [each for each in result.decisions if each.candidate.organisation == HOUSING]
    assert len(own) == 1
    (housing,) = [each for each in result.deliveries if each.organisation == HOUSING]
    assert housing.payload["code"] == YOUR_MESSAGE_EXPIRED
    assert one.delivery.organisation not in str(housing.payload["detail"])
    assert {"offender_manager", "line_manager"} <= {found[1] for found in told(result)}


@pytest.mark.requirement("R-DEL-02")
def test_asked_twice_the_reports_are_the_same_and_no_report_is_reported_on() -> None:
    """A crash asks twice; a report nobody collects is the end of it."""
    world = engaged()
    one = health_told(world)
    first, again = lapsed(world, one), lapsed(world, one)
    assert [each.delivery_id for each in first.deliveries] == [each.delivery_id for each in again.deliveries]
    report = waiting(first)[0]
    assert report.delivery.message is MessageName.EXCEPTION
    of_report = lapsed(world, report)
    assert (of_report.deliveries, of_report.decisions) == ((), ())


def test_what_is_of_a_case_that_is_gone_is_set_aside() -> None:
    """There is nobody left to tell; staff read of it."""
    world = engaged()
    asked = replace(request(health_told(world)), uncollected=Uncollected.EXPIRED)
    envelope = replace(asked.submission.envelope, case=CaseRef("f" * 32))
    gone = world.take(replace(asked, submission=replace(asked.submission, envelope=envelope)))
    assert gone.rejection is not None
    assert gone.rejection.code == "CASE-UNKNOWN"
