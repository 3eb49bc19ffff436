"""What a correction does to what a case acts on: nothing it makes unknown ever widens (decision 0011)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hub.cases.case import ConsentState, RestrictionKind
from hub.messages.envelope import InformationClass, MessageName
from tests.unit.test_case_record import of, reads
from tests.unit.worlds import (
    COUNSELLOR,
    DAY,
    HOUSING,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    RECOVERY,
    Staff,
    World,
    codes,
    engage,
    refused,
    staffed,
    to,
)

if TYPE_CHECKING:
    from hub.cases.case import Restriction
    from hub.messages.identifiers import OrganisationId
    from hub.routing.outcome import Result

HEALTH_TOLD = {
    "referral": f"ref-{HOUSING}",
    "kind": "SESSION",
    "attendance": "ATTENDED",
    "affects": ["DEPENDENCY_RECOVERY"],
    "health_note": "An invented illness",
}
SENTENCE = {"action": "CHANGED", "sentence_type": "COMMUNITY_ORDER", "forename": "Testperson"}


def say(world: World, action: str, *, by: Staff = MANAGER, consent: str = "c-1", **fields: object) -> Result:
    """Record what the person said, what is held back, or what is opened all the same."""
    result = world.send(by, MessageName.CONSENT, {"consent": consent, "action": action, **fields})
    assert refused(result) is None
    return result


def correct(world: World, said: Result, *names: str, action: str = "RETRACT") -> Result:
    """Let the Offender Manager take back a message, or the fields of it named."""
    assert refused(said) is None
    assert said.seen is not None
    payload = {"corrects": said.seen[0], "action": action, "fields": list(names)}
    result = world.send(MANAGER, MessageName.CORRECTION, payload)
    assert refused(result) is None
    return result


def consents(world: World) -> dict[OrganisationId | None, ConsentState]:
    """Return the state of each consent by organisation."""
    return {each.organisation: each.state for each in world.state.consents}


def shown(world: World, message: MessageName) -> list[dict[str, object]]:
    """Return what the Offender Manager reads of one type in the case record, without what is not there."""
    return [
        {name: value for name, value in each.payload.items() if value}
        for each in of(reads(world, MANAGER), message)
    ]


def health_told(world: World) -> list[object]:
    """Have the housing provider report something of health; return what the drug service is given of it."""
    result = world.send(HOUSING_OFFICER, MessageName.PROGRESS, HEALTH_TOLD)
    assert refused(result) is None
    return [each.payload.get("health_note") for each in to(result, RECOVERY)]


def sentence_told(world: World) -> list[object]:
    """Have the sentence stated; return what the housing provider is given of it."""
    return [
        each.payload.get("sentence_type")
        for each in to(world.send(MANAGER, MessageName.CASE, SENTENCE), HOUSING)
    ]


def served() -> World:
    """Return a world in which the drug service and the housing provider have taken the person on."""
    world = staffed()
    engage(world, COUNSELLOR)
    engage(world, HOUSING_OFFICER)
    return world


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize("names", [(), ("organisations",), ("classes",), ("until", "gossip")])
def test_a_consent_recorded_by_mistake_opens_nothing_from_then_on(names: tuple[str, ...]) -> None:
    """What waits is decided again, the older consent does not come back, and nobody is told that it ended."""
    world = served()
    say(world, "GIVEN", organisations=[RECOVERY], classes=["health"])
    said = say(world, "GIVEN", organisations=[RECOVERY], classes=["health"], until=world.now + DAY)
    assert health_told(world) == ["An invented illness"]
    before = world.state.turn
    correct(world, said, *names)
    assert consents(world) == {RECOVERY: ConsentState.EXPIRED}
    assert world.state.turn > before
    assert health_told(world) == [None]
    assert not shown(world, MessageName.CONSENT)
    assert "CONSENT-EXPIRED" not in codes(world.pass_time(2 * DAY))
    say(world, "GIVEN", organisations=[RECOVERY], classes=["health"])
    assert health_told(world) == ["An invented illness"]


@pytest.mark.requirement("R-MSG-16")
def test_a_remark_on_a_consent_that_was_wrong_leaves_the_consent() -> None:
    """Whatever was wrong with why or how it was recorded, the person said it."""
    world = served()
    said = say(world, "GIVEN", organisations=[RECOVERY], classes=["health"], reason="Invented")
    correct(world, said, "reason", action="ERASE")
    assert health_told(world) == ["An invented illness"]
    assert shown(world, MessageName.CONSENT)


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-DIS-05")
@pytest.mark.parametrize("action", ["REFUSED", "WITHDRAWN"])
def test_a_no_of_the_person_that_is_corrected_goes_on_being_one(action: str) -> None:
    """It is shown no more; what it ended does not begin again, whichever of the two words was wrong."""
    world = served()
    given = say(world, "GIVEN", organisations=[RECOVERY], classes=["health"])
    no = say(world, action, organisations=[RECOVERY], classes=["health"])
    for wrong in (no, given):
        correct(world, wrong)
        assert consents(world) == {RECOVERY: ConsentState[action]}
        assert health_told(world) == [None]
    assert not shown(world, MessageName.CONSENT)


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-DIS-07")
def test_an_order_or_an_override_that_rests_on_a_mistake_is_over() -> None:
    """Be it the order, what was asked for, or what was agreed; its end is not told as one that came."""
    opened: dict[str, Any] = {"organisations": [HOUSING], "classes": ["offence"]}
    for wrong in ("COURT_ORDER", "OVERRIDE_REQUESTED", "OVERRIDE_APPROVED"):
        world = served()
        until = world.now + 7 * DAY
        if wrong == "COURT_ORDER":
            said = say(world, wrong, **opened, evidence="Order 26/1 in the case file", until=until)
        else:
            asked_for = say(world, "OVERRIDE_REQUESTED", **opened, until=until, reason="A flat next to it")
            agreed = say(world, "OVERRIDE_APPROVED", by=LINE_MANAGER)
            said = asked_for if wrong == "OVERRIDE_REQUESTED" else agreed
        assert sentence_told(world) == ["COMMUNITY_ORDER"], wrong
        correct(world, said, "reason")
        assert sentence_told(world) == ["COMMUNITY_ORDER"], wrong
        correct(world, said)
        assert sentence_told(world) in ([], [None]), wrong
        assert "GRANT-EXPIRED" not in codes(world.pass_time(8 * DAY)), wrong


@pytest.mark.requirement("R-MSG-16")
def test_a_break_glass_that_was_a_mistake_is_over_and_still_owes_its_review() -> None:
    """Somebody saw what it opened meanwhile."""
    world = served()
    glass: dict[str, Any] = {
        "organisations": [HOUSING],
        "classes": ["offence"],
        "until": world.now + DAY // 2,
    }
    said = say(world, "BREAK_GLASS", **glass, reason="Somebody is in danger")
    assert sentence_told(world) == ["COMMUNITY_ORDER"]
    correct(world, said)
    assert sentence_told(world) in ([], [None])
    assert "BREAK-GLASS-NOT-REVIEWED" in codes(world.pass_time(DAY))


def restriction(world: World) -> Restriction:
    """Return the only restriction there is."""
    (only,) = world.state.restrictions
    return only


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-DIS-03")
def test_a_restriction_that_is_corrected_stays_and_lets_in_nobody_it_named() -> None:
    """Whom it was to let in is not known; reported, it holds past its date until somebody lifts it."""
    world = served()
    say(world, "GIVEN", consent="c-2", organisations=[RECOVERY], classes=["health"])
    only: dict[str, Any] = {"organisations": [RECOVERY], "roles": ["key_worker"], "classes": ["health"]}
    said = say(world, "RESTRICTION", **only, until=world.now + DAY, reason="Invented")
    assert codes(correct(world, said, "reason")) == []
    assert restriction(world).organisations == {RECOVERY}
    assert health_told(world) == ["An invented illness"]
    assert set(codes(correct(world, said, action="ERASE"))) == {"RESTRICTION-CORRECTED"}
    stays = restriction(world)
    assert (stays.organisations, stays.roles, stays.until) == (frozenset(), frozenset(), None)
    assert stays.classes == {InformationClass.HEALTH}
    held_back = [each for each in shown(world, MessageName.CONSENT) if each["consent"] == "c-1"]
    assert held_back == [{"consent": "c-1", "action": "RESTRICTION"}]
    assert "RESTRICTION-EXPIRED" not in codes(world.pass_time(2 * DAY))
    assert restriction(world) == stays
    assert health_told(world) == []
    say(world, "LIFTED")
    assert not world.state.restrictions


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-DIS-03")
def test_an_exclusion_goes_on_keeping_out_whom_it_named() -> None:
    """Of one whose classes were wrong every class is held back; stated anew, it is as it is stated."""
    world = served()
    said = say(world, "EXCLUSION", organisations=[RECOVERY], classes=["health"])
    correct(world, said, "organisations")
    assert restriction(world).organisations == {RECOVERY}
    correct(world, said, "classes")
    stays = restriction(world)
    assert (stays.kind, stays.organisations) == (RestrictionKind.EXCLUSION, frozenset({RECOVERY}))
    assert stays.classes == frozenset(InformationClass)
    say(world, "EXCLUSION", organisations=[HOUSING], classes=["health"])
    assert restriction(world).organisations == {HOUSING}
    assert not restriction(world).corrected


@pytest.mark.requirement("R-MSG-16")
@pytest.mark.requirement("R-DIS-03")
def test_a_restriction_whose_beginning_was_wrong_holds_at_once() -> None:
    """Not from a day that nobody stands by."""
    world = served()
    say(world, "GIVEN", consent="c-2", organisations=[RECOVERY], classes=["health"])
    later: dict[str, Any] = {"from": world.now + 3 * DAY}
    said = say(world, "EXCLUSION", organisations=[RECOVERY], classes=["health"], **later)
    assert health_told(world) == ["An invented illness"]
    correct(world, said, "from")
    assert health_told(world) == []
