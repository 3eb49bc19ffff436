"""Orders of a court, overrides and break-glass: who may do what, in which order, and what it opens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.cases.grants import GrantKind, in_force
from hub.consent.decision import Outcome
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import OrganisationId
from hub.routing.outcome import Result
from tests.unit.worlds import (
    ADMINISTRATOR,
    COUNSELLOR,
    DAY,
    DEBT,
    HOUR,
    HOUSING,
    HOUSING_OFFICER,
    LINE_MANAGER,
    MANAGER,
    PROBATION,
    RECOVERY,
    Staff,
    World,
    appoint,
    asked,
    codes,
    engage,
    refused,
    staffed,
    to,
)

OTHER_LINE_MANAGER = Staff(PROBATION, Role.LINE_MANAGER, "lm-2")
SENTENCE = {"action": "CHANGED", "sentence_type": "COMMUNITY_ORDER", "forename": "Testperson"}


def say(world: World, action: str, *, by: Staff = MANAGER, consent: str = "ov-1", **fields: object) -> Result:
    """Send a consent message about an order or an override."""
    return world.send(by, MessageName.CONSENT, {"consent": consent, "action": action, **fields})


def request(world: World, action: str = "OVERRIDE_REQUESTED", **changes: Any) -> Result:  # noqa: ANN401
    """Ask that the housing provider may learn of the offence, for a week unless changed."""
    fields: dict[str, Any] = {
        "organisations": [HOUSING],
        "classes": ["offence"],
        "until": world.now + (DAY // 2 if action == "BREAK_GLASS" else 7 * DAY),
        "reason": "A flat next to where it happened",
        **changes,
    }
    by = fields.pop("by", MANAGER)
    return say(world, action, by=by, **fields)


def approve(world: World, *, by: Staff = LINE_MANAGER, **fields: Any) -> Result:  # noqa: ANN401
    """Agree to what was asked for."""
    return say(world, "OVERRIDE_APPROVED", by=by, **fields)


def housed() -> World:
    """Return a world in which a mainstream housing provider (rung 3) has taken the person on."""
    world = staffed()
    engage(world, HOUSING_OFFICER)
    return world


def overridden(**changes: Any) -> World:  # noqa: ANN401 - any field of the request
    """Return that world with an override in force."""
    world = housed()
    assert refused(request(world, **changes)) is None
    assert refused(approve(world)) is None
    return world


def sentence_told(world: World, organisation: OrganisationId = HOUSING) -> object:
    """Send a change of the case, and return what an organisation learns of the sentence."""
    deliveries = to(world.send(ADMINISTRATOR, MessageName.CASE, SENTENCE), organisation)
    return deliveries[0].payload.get("sentence_type") if deliveries else None


@pytest.mark.requirement("R-DIS-07")
def test_an_override_opens_a_class_from_the_agreement_to_its_end() -> None:
    """Asking opens nothing; what goes afterwards goes on that basis, and says so."""
    world = housed()
    assert sentence_told(world) is None
    request(world)
    assert sentence_told(world) is None
    approve(world)

    result = world.send(ADMINISTRATOR, MessageName.CASE, SENTENCE)
    delivery = to(result, HOUSING)[0]
    decision = asked(result)[HOUSING, "key_worker"]
    decided = next(item for item in decision.fields if item.path == "sentence_type")
    assert delivery.payload["sentence_type"] == "COMMUNITY_ORDER"
    assert {"ORIGINATOR-CONTROL", "NO-ONWARD-DISCLOSURE"} <= set(delivery.caveats)
    assert (decided.outcome, decided.basis, decided.rules) == (
        Outcome.DISCLOSE,
        "OVERRIDE",
        ("everywhere.override",),
    )
    assert decision.facts["evidence.override.offence"] == "ov-1"

    world.pass_time(7 * DAY)
    assert sentence_told(world) is None


@pytest.mark.requirement("R-DIS-07")
def test_an_override_opens_no_more_than_it_names() -> None:
    """Neither another class, organisation, role nor purpose."""
    world = overridden()
    engage(world, COUNSELLOR)
    result = world.send(ADMINISTRATOR, MessageName.CASE, {**SENTENCE, "crn": "X123456", "tier": 3})
    fields = {item.path: item for item in asked(result)[HOUSING, "key_worker"].fields}
    assert fields["sentence_type"].basis == "OVERRIDE"
    assert fields["tier"].outcome is Outcome.WITHHOLD
    assert fields["crn"].outcome is Outcome.WITHHOLD
    others = [d for place, d in asked(result).items() if place != (HOUSING, "key_worker")]
    assert others
    assert all(item.basis != "OVERRIDE" for decision in others for item in decision.fields)
    assert sentence_told(overridden(roles=["service_manager"])) is None
    assert sentence_told(overridden(purposes=["progress"])) is None
    assert sentence_told(overridden(purposes=["case_administration"])) == "COMMUNITY_ORDER"


@pytest.mark.requirement("R-DIS-07")
def test_an_override_is_agreed_to_by_another_person_of_an_authorised_role() -> None:
    """Up the ladder the Offender Manager asks and a line manager agrees; nobody agrees with themselves."""
    world = housed()
    supervisor = Staff(PROBATION, Role.OFFENDER_SUPERVISOR, "os-9")
    appoint(world, supervisor)
    assert refused(request(world, by=supervisor)) == "OVERRIDE-NOT-AUTHORISED"
    assert refused(request(world, by=ADMINISTRATOR)) == "OVERRIDE-NOT-AUTHORISED"
    assert refused(request(world, by=HOUSING_OFFICER)) == "NOT-ENTITLED"
    assert refused(request(world)) is None
    assert refused(approve(world, by=MANAGER)) == "OVERRIDE-NOT-AUTHORISED"
    assert refused(approve(world, by=ADMINISTRATOR)) == "NOT-ENTITLED"
    same = Staff(PROBATION, Role.LINE_MANAGER, MANAGER.person)
    assert refused(approve(world, by=same)) == "OVERRIDE-NEEDS-ANOTHER"
    assert refused(approve(world, by=Staff(PROBATION, Role.LINE_MANAGER, ""))) == "OVERRIDE-NEEDS-ANOTHER"
    assert sentence_told(world) is None
    assert refused(approve(world)) is None
    assert sentence_told(world) == "COMMUNITY_ORDER"


@pytest.mark.requirement("R-DIS-07", "R-DIS-02")
def test_lower_down_the_ladder_a_supervisor_may_ask_and_the_manager_agree() -> None:
    """What takes a line manager up the ladder takes the Offender Manager under contract."""
    world = staffed()
    engage(world, COUNSELLOR)
    supervisor = Staff(PROBATION, Role.OFFENDER_SUPERVISOR, "os-9")
    appoint(world, supervisor)
    assert refused(request(world, by=supervisor, organisations=[RECOVERY])) is None
    assert refused(approve(world, by=MANAGER)) is None
    grant = world.state.grants[0]
    assert grant.agreed is not None
    assert (grant.asked.person, grant.agreed.person, grant.since) == ("os-9", "om-1", world.now)


REFUSED_REQUESTS = [
    ({"until": None}, "OVERRIDE-INCOMPLETE"),
    ({"reason": None}, "OVERRIDE-INCOMPLETE"),
    ({"classes": None}, "GRANT-INCOMPLETE"),
    ({"organisations": None}, "GRANT-ONE-ORGANISATION"),
    ({"organisations": [HOUSING, HOUSING]}, "GRANT-ONE-ORGANISATION"),
    ({"organisations": [DEBT]}, "GRANT-NO-PART-IN-CASE"),
    ({"organisations": ["nobody-known"]}, "GRANT-NO-PART-IN-CASE"),
    ({"classes": ["offence", "victim"]}, "OVERRIDE-CLASS-CLOSED"),
    ({"classes": ["intelligence"]}, "OVERRIDE-CLASS-CLOSED"),
    ({"classes": ["third_party"]}, "OVERRIDE-CLASS-CLOSED"),
    ({"classes": ["health"]}, "OVERRIDE-CLASS-CLOSED"),
    ({"by": Staff(PROBATION, Role.OFFENDER_MANAGER, "")}, "OVERRIDE-INCOMPLETE"),
    ({"from": 1_900_000_000_000}, "OVERRIDE-BEGINS-BY-ITSELF"),
]


@pytest.mark.requirement("R-DIS-07")
@pytest.mark.parametrize(("changes", "code"), REFUSED_REQUESTS)
@pytest.mark.parametrize("action", ["OVERRIDE_REQUESTED", "BREAK_GLASS"])
def test_an_override_is_refused_unless_it_is_whole_and_open_to_be_asked_for(
    action: str, changes: dict[str, Any], code: str
) -> None:
    """A reason, an end, one recipient with a part in the case, and classes that can be opened to it."""
    world = housed()
    assert refused(request(world, action, **changes)) == code
    assert world.state.grants == ()


@pytest.mark.requirement("R-DIS-07")
def test_an_override_has_an_end_within_what_the_policy_allows() -> None:
    """Fourteen days up the ladder, twenty-eight below; a break-glass a day."""
    world = housed()
    engage(world, COUNSELLOR)
    minute = 60_000
    assert refused(request(world, until=world.now + minute)) == "GRANT-ENDS-TOO-SOON"
    assert refused(request(world, until=world.now + minute + 14 * DAY + 1)) == "OVERRIDE-TOO-LONG"
    assert refused(request(world, until=world.now + minute + 14 * DAY)) is None
    purchased: dict[str, Any] = {"organisations": [RECOVERY], "consent": "ov-2"}
    assert (
        refused(request(world, **purchased, until=world.now + minute + 28 * DAY + 1)) == "OVERRIDE-TOO-LONG"
    )
    assert refused(request(world, **purchased, until=world.now + minute + 28 * DAY)) is None
    broken: dict[str, Any] = {"action": "BREAK_GLASS", "consent": "ov-3"}
    assert refused(request(world, **broken, until=world.now + minute + DAY + 1)) == "OVERRIDE-TOO-LONG"
    assert refused(request(world, **broken, until=world.now + minute + DAY)) is None


@pytest.mark.requirement("R-DIS-07")
def test_an_override_is_agreed_to_as_it_was_asked_for_and_once() -> None:
    """The second person says yes or nothing; they do not make it another one."""
    world = housed()
    assert refused(approve(world)) == "GRANT-UNKNOWN"
    request(world)
    for wider in ({"classes": ["risk"]}, {"until": world.now + 30 * DAY}, {"organisations": [RECOVERY]}):
        assert refused(approve(world, **wider)) == "OVERRIDE-CHANGED"
    assert refused(request(world)) == "GRANT-REFERENCE-USED"
    assert refused(approve(world)) is None
    assert refused(approve(world, by=OTHER_LINE_MANAGER)) == "OVERRIDE-AGREED-ALREADY"


@pytest.mark.requirement("R-DIS-07", "R-MSG-11")
def test_a_request_nobody_agrees_to_lapses_and_is_reported() -> None:
    """It cannot be agreed to after its end."""
    world = housed()
    request(world)
    result = world.pass_time(7 * DAY)
    assert {d.role for d in to(result, PROBATION)} >= {Role.OFFENDER_MANAGER, Role.LINE_MANAGER}
    assert set(codes(result)) == {"OVERRIDE-LAPSED"}
    assert refused(approve(world)) == "OVERRIDE-OVER"


@pytest.mark.requirement("R-DIS-07")
def test_an_override_is_ended_by_hand_by_those_who_manage_the_case() -> None:
    """It stops with the next message, and nothing rings for it any more."""
    world = overridden()
    assert refused(say(world, "GRANT_ENDED", by=HOUSING_OFFICER)) == "NOT-ENTITLED"
    assert refused(say(world, "GRANT_ENDED", by=ADMINISTRATOR)) is None
    assert sentence_told(world) is None
    assert codes(world.pass_time(8 * DAY)) == []
    assert refused(say(world, "GRANT_ENDED")) == "GRANT-OVER"


@pytest.mark.requirement("R-DIS-07", "R-MSG-11")
def test_the_end_of_an_override_is_reported_to_the_offender_manager() -> None:
    """So that nobody goes on counting on it."""
    result = overridden().pass_time(7 * DAY)
    assert set(codes(result)) == {"GRANT-EXPIRED"}
    assert Role.OFFENDER_MANAGER in {d.role for d in to(result, PROBATION)}
    assert to(result, HOUSING) == ()


@pytest.mark.requirement("R-DIS-07")
@pytest.mark.parametrize("classes", [["offence"], ["plan_objective"]])
def test_those_who_manage_the_case_are_told_of_each_step_and_the_recipient_never(classes: list[str]) -> None:
    """Not even where the override opens the class in which the step itself is written."""
    world = housed()
    steps = [request(world, classes=classes), approve(world), say(world, "GRANT_ENDED", by=ADMINISTRATOR)]
    told = [{d.role for d in to(step, PROBATION)} for step in steps]
    assert told[0] == {Role.CASE_ADMINISTRATOR, Role.LINE_MANAGER}
    assert told[1] == {Role.OFFENDER_MANAGER, Role.CASE_ADMINISTRATOR}
    assert told[2] == {Role.OFFENDER_MANAGER, Role.LINE_MANAGER}
    assert all(to(step, HOUSING) == () for step in steps)


@pytest.mark.requirement("R-DIS-07")
def test_a_line_manager_named_on_the_case_is_told_by_name() -> None:
    """Otherwise whoever is one where the Offender Manager works."""
    world = housed()
    appoint(world, OTHER_LINE_MANAGER)
    result = request(world)
    found = [d.candidate.persons for d in result.decisions if d.candidate.role is Role.LINE_MANAGER]
    assert found == [frozenset({"lm-2"})]


@pytest.mark.requirement("R-DIS-07", "R-MSG-11")
def test_a_break_glass_opens_at_once_and_is_reported_at_once() -> None:
    """To the Offender Manager and a line manager, whoever broke it."""
    world = housed()
    result = request(world, "BREAK_GLASS")
    reports = [d for d in to(result, PROBATION) if d.message is MessageName.EXCEPTION]
    assert {d.role for d in reports} >= {Role.OFFENDER_MANAGER, Role.LINE_MANAGER}
    assert {d.payload["code"] for d in reports} == {"BREAK-GLASS-USED"}
    assert world.state.grants[0].kind is GrantKind.BREAK_GLASS
    assert sentence_told(world) == "COMMUNITY_ORDER"
    world.pass_time(DAY)
    assert sentence_told(world) is None


@pytest.mark.requirement("R-DIS-07", "R-MSG-11")
def test_a_break_glass_nobody_reviews_is_reported_when_it_ends() -> None:
    """It has ended all the same; a review afterwards is still taken."""
    world = housed()
    request(world, "BREAK_GLASS")
    say(world, "GRANT_ENDED")
    assert sentence_told(world) is None
    result = world.pass_time(DAY)
    assert set(codes(result)) == {"BREAK-GLASS-NOT-REVIEWED"}
    assert {d.role for d in to(result, PROBATION)} >= {Role.OFFENDER_MANAGER, Role.LINE_MANAGER}
    assert refused(say(world, "BREAK_GLASS_REVIEWED", by=LINE_MANAGER, reason="Right")) is None


@pytest.mark.requirement("R-DIS-07")
def test_a_break_glass_is_reviewed_by_another_person_who_says_what_was_found() -> None:
    """Then its end is only an end."""
    world = housed()
    request(world, "BREAK_GLASS")
    review: dict[str, Any] = {"action": "BREAK_GLASS_REVIEWED", "reason": "Right to do so"}
    same = Staff(PROBATION, Role.LINE_MANAGER, MANAGER.person)
    assert refused(say(world, **review, by=same)) == "OVERRIDE-NEEDS-ANOTHER"
    assert refused(say(world, **{**review, "reason": None}, by=LINE_MANAGER)) == "REVIEW-INCOMPLETE"
    assert refused(say(world, **review, by=LINE_MANAGER)) is None
    assert refused(say(world, **review, by=OTHER_LINE_MANAGER)) == "BREAK-GLASS-REVIEWED-ALREADY"
    assert sentence_told(world) == "COMMUNITY_ORDER"
    assert set(codes(world.pass_time(DAY))) == {"GRANT-EXPIRED"}


@pytest.mark.requirement("R-DIS-07")
def test_the_policy_in_force_decides_what_can_be_agreed_to_and_a_review_is_owed_all_the_same() -> None:
    """A release that knows no overrides stops a request on its way; what was broken is still looked at."""
    world = housed()
    request(world)
    request(world, "BREAK_GLASS", consent="ov-2")
    assert world.in_force is not None
    world.in_force = replace(world.in_force, authorities=())
    assert refused(approve(world)) == "OVERRIDE-NOT-PROVIDED"
    assert refused(request(world, consent="ov-3")) == "OVERRIDE-NOT-PROVIDED"
    review: dict[str, Any] = {"action": "BREAK_GLASS_REVIEWED", "consent": "ov-2", "reason": "Right"}
    assert refused(say(world, **review, by=LINE_MANAGER)) is None


@pytest.mark.requirement("R-DIS-07")
def test_a_break_glass_waits_for_its_review_though_the_case_is_closed() -> None:
    """An override does not; and nothing more is opened on a case that is closed."""
    world = overridden()
    request(world, "BREAK_GLASS", consent="ov-2")
    world.send(MANAGER, MessageName.CASE, {"action": "CLOSED"})
    assert refused(request(world, consent="ov-3")) == "CASE-CLOSED"
    result = world.pass_time(8 * DAY)
    assert set(codes(result)) == {"BREAK-GLASS-NOT-REVIEWED"}


@pytest.mark.requirement("R-DIS-07")
def test_a_court_order_is_kept_with_its_evidence_and_opens_what_it_names() -> None:
    """It needs no second person and no consent; the decision says on which order."""
    world = housed()
    order: dict[str, Any] = {"consent": "co-1", "organisations": [HOUSING], "classes": ["offence"]}
    assert refused(say(world, "COURT_ORDER", **order)) == "COURT-ORDER-INCOMPLETE"
    order["evidence"] = "Order 26/1 in the case file"
    assert refused(say(world, "COURT_ORDER", **order, by=ADMINISTRATOR)) == "NOT-ENTITLED"
    assert refused(say(world, "COURT_ORDER", **order, until=world.now)) == "GRANT-ENDS-TOO-SOON"
    assert refused(say(world, "COURT_ORDER", **order)) is None
    result = world.send(ADMINISTRATOR, MessageName.CASE, SENTENCE)
    decision = asked(result)[HOUSING, "key_worker"]
    decided = next(item for item in decision.fields if item.path == "sentence_type")
    assert (decided.basis, decided.rules) == ("COURT", ("everywhere.court-order",))
    assert decision.facts["evidence.court_order.offence"] == "co-1 (Order 26/1 in the case file)"
    say(world, "GRANT_ENDED", consent="co-1")
    assert sentence_told(world) is None


@pytest.mark.requirement("R-DIS-07")
def test_a_court_order_begins_when_it_says_and_is_replaced_by_its_reference() -> None:
    """A later order of the same reference stands in its place; an override's reference is not taken."""
    world = housed()
    order: dict[str, Any] = {
        "consent": "co-1",
        "organisations": [HOUSING],
        "classes": ["offence"],
        "evidence": "Order 26/1",
    }
    later: dict[str, Any] = {"from": world.now + DAY}
    say(world, "COURT_ORDER", **order, **later, until=world.now + 2 * DAY)
    assert sentence_told(world) is None
    world.pass_time(DAY)
    assert sentence_told(world) == "COMMUNITY_ORDER"
    say(world, "COURT_ORDER", **{**order, "classes": ["risk"]})
    assert sentence_told(world) is None
    assert [in_force(grant, world.now) for grant in world.state.grants] == [True]
    assert codes(world.pass_time(3 * DAY)) == []
    request(world)
    assert refused(say(world, "COURT_ORDER", **{**order, "consent": "ov-1"})) == "GRANT-REFERENCE-USED"


@pytest.mark.requirement("R-DIS-07")
def test_what_is_over_makes_room_for_new_overrides_but_not_what_waits_for_review() -> None:
    """A case holds a bounded number of them."""
    world = housed()
    for number in range(299):
        request(world, consent=f"ov-{number}", until=world.now + HOUR)
        world.pass_time(HOUR)
    request(world, "BREAK_GLASS", consent="bg-1", until=world.now + HOUR)
    world.pass_time(HOUR)
    assert len(world.state.grants) == 300
    assert refused(request(world, consent="last")) is None
    assert {grant.grant for grant in world.state.grants} == {"bg-1", "last"}
