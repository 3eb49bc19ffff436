"""What the person consents to, and what is held back all the same."""

from __future__ import annotations

from typing import Any

import pytest

from hub.cases.case import ConsentState, RestrictionKind
from hub.messages.envelope import InformationClass, MessageName
from hub.routing.outcome import Result, Urgency
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    DEBT,
    HOUSING,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    RECOVERY,
    Staff,
    World,
    asked,
    codes,
    distribute,
    engage,
    refused,
    staffed,
    to,
)


def say(world: World, action: str, *, by: Staff = MANAGER, consent: str = "c-1", **fields: object) -> Result:
    """Record what the person said, or what is held back."""
    return world.send(by, MessageName.CONSENT, {"consent": consent, "action": action, **fields})


def states(world: World) -> dict[str | None, str]:
    """Return the state of each consent by organisation."""
    return {held.organisation: held.state.value for held in world.state.consents}


@pytest.mark.requirement("R-MSG-07")
def test_a_consent_is_kept_per_organisation_and_replaced_by_reference() -> None:
    """Said again under the same reference, it is the new word that stands."""
    world = staffed()
    say(world, "GIVEN", organisations=[RECOVERY, HOUSING], classes=["health"])
    assert states(world) == {RECOVERY: "GIVEN", HOUSING: "GIVEN"}
    say(world, "GIVEN", organisations=[RECOVERY])
    assert states(world) == {RECOVERY: "GIVEN"}
    assert world.state.consents[0].classes == frozenset(InformationClass)


@pytest.mark.requirement("R-DIS-05")
def test_a_withdrawal_counts_at_once_and_for_whom_it_names() -> None:
    """Whatever date it carries, and though the same consent goes on for others."""
    world = staffed()
    say(world, "GIVEN", organisations=[RECOVERY, HOUSING])
    tomorrow: dict[str, Any] = {"from": world.now + DAY}
    say(world, "WITHDRAWN", organisations=[RECOVERY], **tomorrow)
    assert states(world) == {HOUSING: "GIVEN", RECOVERY: "WITHDRAWN"}
    assert all(held.since <= world.now for held in world.state.consents)
    say(world, "WITHDRAWN")
    assert states(world) == {HOUSING: "WITHDRAWN", RECOVERY: "WITHDRAWN"}


@pytest.mark.requirement("R-DIS-05")
def test_a_withdrawal_under_another_reference_ends_what_it_covers() -> None:
    """A withdrawal is never lost because it names the wrong consent."""
    world = staffed()
    say(world, "GIVEN", organisations=[RECOVERY], classes=["health", "risk"])
    say(world, "WITHDRAWN", consent="c-2", organisations=[RECOVERY], classes=["health"])
    given = [held for held in world.state.consents if held.state is ConsentState.GIVEN]
    assert [held.classes for held in given] == [frozenset({InformationClass.RISK})]


@pytest.mark.requirement("R-DIS-05", "R-MSG-07")
def test_a_consent_keeps_its_evidence_and_when_it_ended() -> None:
    """Taken back by its reference, under another one, or run out; said twice, the first time counts."""
    world = staffed()
    for name, organisation in (("c-1", RECOVERY), ("c-2", HOUSING), ("c-3", DEBT)):
        end: dict[str, Any] = {"until": world.now + DAY} if name == "c-3" else {}
        say(world, "GIVEN", consent=name, organisations=[organisation], evidence=f"Form {name}", **end)
    say(world, "WITHDRAWN", consent="c-1")
    first = world.now
    say(world, "WITHDRAWN", consent="c-1")
    say(world, "REFUSED", consent="c-9", organisations=[HOUSING])
    second = world.now
    world.pass_time(DAY)
    held = {one.consent: one for one in world.state.consents}
    assert [held[name].evidence for name in ("c-1", "c-2", "c-3")] == ["Form c-1", "Form c-2", "Form c-3"]
    assert (held["c-1"].ended_at, held["c-2"].ended_at) == (first, second)
    assert (held["c-3"].state, held["c-3"].ended_at) == (ConsentState.EXPIRED, held["c-3"].until)


@pytest.mark.requirement("R-DIS-05")
def test_nobody_waits_for_the_end_of_a_consent_that_was_withdrawn_under_another_reference() -> None:
    """Its deadline goes with it."""
    world = staffed()
    say(world, "GIVEN", organisations=[RECOVERY], until=world.now + DAY)
    say(world, "REFUSED", consent="c-2", organisations=[RECOVERY])
    assert not world.timers


@pytest.mark.requirement("R-DIS-05")
def test_what_goes_to_a_provider_follows_the_persons_word() -> None:
    """Health goes with consent, and stops with the first message after the withdrawal."""
    world = staffed()
    engage(world, HOUSING_OFFICER)
    progress = {
        "referral": "ref-housing",
        "kind": "ENGAGEMENT",
        "note": "Invented",
        "health_note": "Invented condition",
    }

    def decided() -> dict[str, str]:
        result = world.send(MANAGER, MessageName.PROGRESS, progress)
        return {str(k): str(v) for k, v in asked(result)[HOUSING, "key_worker"].facts.items()}

    assert decided()["consent.health"] == "none"
    say(world, "GIVEN", organisations=[HOUSING], classes=["health"])
    assert decided()["consent.health"] == "given"
    say(world, "WITHDRAWN", organisations=[HOUSING], classes=["health"])
    assert decided()["consent.health"] == "withdrawn"


@pytest.mark.requirement("R-MSG-07")
def test_a_consent_ends_on_its_day_and_the_offender_manager_is_told() -> None:
    """So that somebody can ask again; a consent that is past when it arrives never holds."""
    world = staffed()
    say(world, "GIVEN", organisations=[RECOVERY], until=world.now + DAY)
    assert set(codes(world.pass_time(2 * DAY))) == {"CONSENT-EXPIRED"}
    assert states(world) == {RECOVERY: "EXPIRED"}
    say(world, "GIVEN", organisations=[HOUSING], consent="c-2", until=world.now)
    assert states(world)[HOUSING] == "EXPIRED"


@pytest.mark.requirement("R-MSG-07")
def test_a_deadline_that_is_no_longer_awaited_changes_nothing() -> None:
    """A renewed consent sets its deadline anew; a withdrawn one has none."""
    world = staffed()
    say(world, "GIVEN", organisations=[RECOVERY], until=world.now + DAY)
    say(world, "GIVEN", organisations=[RECOVERY], until=world.now + 9 * DAY)
    assert len(world.timers) == 1
    assert codes(world.pass_time(2 * DAY)) == []
    say(world, "WITHDRAWN")
    assert not world.timers


@pytest.mark.requirement("R-DIS-03")
def test_what_is_held_back_is_said_by_the_offender_manager_or_a_line_manager() -> None:
    """A provider or administrator may neither flag nor lift; lifting what is not there is refused."""
    world = staffed()
    engage(world, COUNSELLOR)
    flag: dict[str, Any] = {"classes": ["plan_objective"], "organisations": [RECOVERY]}
    assert refused(say(world, "CONFIDENTIALITY", by=COUNSELLOR, **flag)) == "NOT-ENTITLED"
    assert refused(say(world, "CONFIDENTIALITY", by=ADMINISTRATOR, **flag)) == "NOT-ENTITLED"
    assert refused(say(world, "CONFIDENTIALITY", **flag)) is None
    assert refused(say(world, "LIFTED", by=LINE_MANAGER)) is None
    assert refused(say(world, "LIFTED")) == "RESTRICTION-UNKNOWN"


@pytest.mark.requirement("R-MSG-07")
def test_a_partner_may_report_a_withdrawal_and_never_a_consent() -> None:
    """What narrows may come from anybody; what widens comes from those who manage the case."""
    world = staffed()
    engage(world, COUNSELLOR)
    assert refused(say(world, "GIVEN", by=COUNSELLOR, organisations=[RECOVERY])) == "NOT-ENTITLED"
    assert refused(say(world, "WITHDRAWN", by=COUNSELLOR, organisations=[RECOVERY])) is None


@pytest.mark.requirement("R-DIS-03")
def test_an_excluded_organisation_learns_nothing_more() -> None:
    """Not the exclusion itself either; it counts from the message that says so."""
    world = staffed()
    engage(world, COUNSELLOR)
    excluded = say(world, "EXCLUSION", organisations=[RECOVERY])
    assert not to(excluded, RECOVERY)
    assert not to(distribute(world), RECOVERY)
    assert {d.urgency for d in excluded.deliveries} == {Urgency.SAFETY}
    assert refused(say(world, "EXCLUSION", consent="c-2")) == "RESTRICTION-INCOMPLETE"


@pytest.mark.requirement("R-DIS-03")
def test_a_confidentiality_flag_on_an_objective_ends_on_its_day() -> None:
    """Without classes it is on the objective alone; the OM is told when it ends."""
    world = staffed()
    say(world, "CONFIDENTIALITY", objective="objective-housing", until=world.now + DAY)
    (held,) = world.state.restrictions
    assert (held.kind, held.classes) == (
        RestrictionKind.CONFIDENTIALITY,
        frozenset({InformationClass.PLAN_OBJECTIVE}),
    )
    assert set(codes(world.pass_time(2 * DAY))) == {"RESTRICTION-EXPIRED"}
    assert not world.state.restrictions
