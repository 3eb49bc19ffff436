"""Who may see a field: who is told some messages of a type only, and how the answer is shown."""

from __future__ import annotations

import pytest

from hub.cli.policy.seeing import show_who
from hub.consent.decision import Outcome
from hub.messages.envelope import MessageName, Role
from hub.routing.who_may_see import WhoMaySee, who_may_see
from tests.unit.worlds import (
    ADMINISTRATOR,
    ADVISER,
    COUNSELLOR,
    DEBT,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    MOORLAND,
    PROBATION,
    RECOVERY,
    World,
    appoint,
    engage,
    move,
    policy,
    staffed,
)

LINE_MANAGER_THERE = (PROBATION, Role.LINE_MANAGER)
Place = tuple[str, str]


@pytest.fixture
def world() -> World:
    """A case with a drug service, a line manager named on it, and a debt adviser whose work has ended."""
    made = staffed()
    engage(made, COUNSELLOR)
    engage(made, ADVISER)
    move(made, ADVISER, "START")
    ended = move(made, ADVISER, "COMPLETE")
    assert ended.rejection is None, ended.rejection
    appoint(made, LINE_MANAGER)
    return made


def seen(world: World, message: MessageName, field: str) -> WhoMaySee:
    """Ask who may see a field of the case now."""
    return who_may_see(world, world.state, message, field=field, now=world.now)


def when(found: WhoMaySee) -> dict[Place, set[str]]:
    """Return what a message must be, in words, by who then sees the field or does not."""
    told: dict[Place, set[str]] = {}
    for each in found.sights:
        place = (each.candidate.organisation, each.candidate.role)
        told.setdefault(place, set()).add("; ".join(each.only_when))
    return told


def others(found: WhoMaySee) -> set[Place]:
    """Return who has a part in the case, and is not asked of such messages."""
    return {(each.organisation, each.role) for each in found.other_parts}


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.requirement("R-ADM-01")
def test_a_line_manager_is_told_by_exception_and_of_overrides_and_is_said_to_have_a_part() -> None:
    """Of which reports, of which consents; of a plan never, and that is not for want of a part."""
    made = staffed()
    appoint(made, LINE_MANAGER)
    reports = when(seen(made, MessageName.EXCEPTION, "code"))[LINE_MANAGER_THERE]
    assert len(reports) == 1
    assert "ROSH-INTO-HIGH" in next(iter(reports))
    consents = when(seen(made, MessageName.CONSENT, "action"))[LINE_MANAGER_THERE]
    assert consents == {"speaks of an override or an order of a court"}
    plan = seen(made, MessageName.PLAN, "risk_management")
    assert LINE_MANAGER_THERE not in when(plan)
    assert LINE_MANAGER_THERE in others(plan)


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize("message", [MessageName.EXCEPTION, MessageName.RECEIPT])
def test_nobody_on_the_case_is_said_to_have_no_part_in_it(world: World, message: MessageName) -> None:
    """Reports and receipts are for some; whoever else has a part is told apart from those with none."""
    found = seen(world, message, "@author")
    assert RECOVERY not in found.no_part
    assert MOORLAND in found.no_part
    assert (RECOVERY, Role.KEY_WORKER) in others(found) | set(when(found))


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.requirement("R-MSG-12")
def test_a_key_worker_is_told_by_exception_of_a_delivery_that_was_kept_back(world: World) -> None:
    """Of no other report."""
    told = when(seen(world, MessageName.EXCEPTION, "code"))
    assert told[RECOVERY, Role.KEY_WORKER] == {"is the report YOUR-DELIVERY-PARKED"}
    assert told[PROBATION, Role.OFFENDER_MANAGER] == {""}


@pytest.mark.requirement("R-DIS-08")
def test_a_provider_whose_work_has_ended_is_told_of_that_referral_and_of_its_evaluation(world: World) -> None:
    """For everything else it has no part in the case any more."""
    assert DEBT in seen(world, MessageName.PROGRESS, "note").no_part
    referral = when(seen(world, MessageName.REFERRAL, "action"))[DEBT, Role.KEY_WORKER]
    assert all(f"is about ref-{DEBT}" in each for each in referral)
    evaluation = when(seen(world, MessageName.EVALUATION, "summary"))[DEBT, Role.SERVICE_MANAGER]
    assert all("evaluates what it provided" in each for each in evaluation)


@pytest.mark.requirement("R-DIS-08")
def test_held_back_by_name_is_not_shown_as_seen_and_no_heading_is_empty(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Case Administrator is told that there is something of the person's health, and not what."""
    found = seen(world, MessageName.PROGRESS, "health_note")
    assert {each.outcome for each in found.may} == {Outcome.DISCLOSE}
    show_who(found, policy(), message=MessageName.PROGRESS, everybody=True)
    may, _, rest = capsys.readouterr().out.partition("Told that it is held back, and not what it says:")
    assert f"{PROBATION} as {MANAGER.role}" in may
    assert f"{PROBATION} as {ADMINISTRATOR.role}" not in may
    by_name, _, not_told = rest.partition("May not:")
    assert f"{PROBATION} as {ADMINISTRATOR.role}" in by_name
    assert f"{RECOVERY} as key_worker" in not_told
    everyone = seen(world, MessageName.EXCEPTION, "code")
    show_who(everyone, policy(), message=MessageName.EXCEPTION, everybody=True)
    lines = capsys.readouterr().out.splitlines()
    assert not [
        one
        for one, after in zip(lines, [*lines[1:], ""], strict=True)
        if one.endswith(":") and after[:1] != " "
    ]


@pytest.mark.requirement("R-DIS-08")
def test_whom_only_the_message_would_name_is_said(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A prison has no part in the case until somebody is moved there."""
    assert HOUSING_OFFICER.organisation in seen(world, MessageName.REFERRAL, "action").no_part
    found = seen(world, MessageName.PRISON_EVENT, "action")
    show_who(found, policy(), message=MessageName.PRISON_EVENT, everybody=True)
    assert "A prison-event message may also concern the prisons it names." in capsys.readouterr().out
