"""What comes with a disclosure: acknowledged, destroyed in time, the Offender Manager told; else withheld."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hub.cases import acknowledgements
from hub.cases.applied import Applied
from hub.cases.case import Awaited, Mappa, Rosh
from hub.consent.decision import Outcome
from hub.consent.obligations import as_told, in_words, strictest
from hub.consent.parties import Protocol
from hub.consent.vocabulary import BASIS
from hub.messages.envelope import InformationClass, MessageName, Role
from hub.messages.identifiers import DeliveryId, Instant
from hub.routing.outcome import Urgency
from tests.unit.consent_cases import (
    CASE,
    EVERYTHING,
    LIBRARY,
    REGION,
    RUNG_2,
    RUNG_3,
    RUNG_4,
    ask,
    consent,
    field,
    organisation,
)
from tests.unit.test_consent_rules import changed, refusal
from tests.unit.undelivered import decided_again, waiting
from tests.unit.worlds import (
    COUNSELLOR,
    DEBT,
    HOUR,
    HOUSING_OFFICER,
    MANAGER,
    PROBATION,
    RECOVERY,
    World,
    codes,
    engage,
    staffed,
    to,
)

if TYPE_CHECKING:
    from hub.routing.outcome import Delivery, Result

AGREED = replace(CASE, consents=(consent(*EVERYTHING),))
"""The case with the person's consent to everything."""
FACTOR = {"kind": "FACTOR", "urgency": "IMMEDIATE", "factor": "An invented factor", "factor_change": "NEW"}


def alerted() -> tuple[World, Delivery]:
    """Return a world whose drug service has been sent a risk factor, and the delivery."""
    world = staffed()
    engage(world, COUNSELLOR)
    (sent,) = to(world.send(MANAGER, MessageName.RISK_CHANGE, FACTOR), RECOVERY)
    return world, sent


def receipt(world: World, sent: Delivery, level: str, by: Any = COUNSELLOR) -> Result:  # noqa: ANN401 - who sends
    """Let somebody say how far a delivery got."""
    return world.send(by, MessageName.RECEIPT, {"delivery": sent.delivery_id, "level": level})


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"acknowledge": "24h"}, ("not an obligation", "did you mean acknowledge_within?")),
        ({"acknowledge_within": "1d"}, ("obligations.acknowledge_within", "allowed: 1h to 720h")),
        ({"acknowledge_within": "721h"}, ("allowed: 1h to 720h",)),
        ({"acknowledge_within": 24}, ("allowed: 1h to 720h",)),
        ({"destroy_within": "0d"}, ("allowed: 1d to 3650d",)),
        ({"notify_om": False}, ("allowed: true",)),
        ([], ("must be a mapping of acknowledge_within",)),
    ],
)
def test_policy_is_refused_by_name_when_an_obligation_is_outside_the_vocabulary(
    stated: object, words: tuple[str, ...]
) -> None:
    """Each fault names the field, and what is allowed there."""
    text = refusal(changed("risk", "risk.key-factors", obligations=stated))

    for word in words:
        assert word in text


@pytest.mark.requirement("R-DIS-01")
def test_only_a_permit_obliges() -> None:
    """What forbids has nothing to oblige to."""
    assert "obligations: not a field here" in refusal(
        changed("victim", "victim.guard-identity", obligations={"notify_om": True})
    )


@pytest.mark.requirement("R-DIS-01", "R-ADM-03")
def test_what_must_be_acknowledged_is_withheld_from_whoever_cannot() -> None:
    """The alert itself goes; the factors wait for an organisation that may send receipts."""
    silent = replace(organisation(RUNG_2), sends=frozenset({MessageName.PROGRESS}))
    decision = ask(
        MessageName.RISK_CHANGE,
        Role.KEY_WORKER,
        RUNG_2,
        party=silent,
        author=Role.OFFENDER_MANAGER,
        by=REGION,
    )

    held = field(decision, "factor")
    assert (held.outcome, held.reason, held.basis) == (Outcome.WITHHOLD, "OBL-UNSUPPORTED", None)
    assert field(decision, "kind").outcome is Outcome.DISCLOSE
    assert decision.obligations == ()


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("generaliser", [None, "colour"])
def test_what_must_be_generalised_is_withheld_where_there_is_no_way_to_do_it(generaliser: str | None) -> None:
    """Neither a form that is not there, nor a way nobody knows."""
    specs = tuple(
        replace(spec, generaliser=generaliser) if spec.path == "date_of_birth" else spec
        for spec in LIBRARY.fields(MessageName.REFERRAL, "1.0")
    )
    decision = ask(
        MessageName.REFERRAL, Role.KEY_WORKER, RUNG_4, about=f"ref-{RUNG_4}", specs=specs, case=AGREED
    )

    held = field(decision, "date_of_birth")
    assert (held.outcome, held.reason) == (Outcome.WITHHOLD, "OBL-UNSUPPORTED")


@pytest.mark.requirement("R-DIS-01")
def test_every_way_to_generalise_that_a_contract_names_can_be_performed() -> None:
    """And mask and pseudonym are among those in use."""
    named = {
        spec.generaliser
        for message in MessageName
        for spec in LIBRARY.fields(message, LIBRARY.newest(message))
        if spec.general
    }
    assert named == {"month", "year", "band", "area", "mask", "pseudonym"}


@pytest.mark.requirement("R-DIS-01")
def test_hub_sees_to_an_obligation_only_where_what_it_comes_with_is_there() -> None:
    """A risk change without a factor need not be acknowledged; with one it must, and soonest counts."""

    def obligations(**payload: object) -> tuple[str, ...]:
        whole: dict[str, object] = {"kind": "FACTOR", "urgency": "SOON", **payload}
        author = Role.OFFENDER_MANAGER
        return ask(
            MessageName.RISK_CHANGE, Role.KEY_WORKER, RUNG_2, payload=whole, author=author, by=REGION
        ).obligations

    assert obligations() == ()
    assert obligations(factor="An invented factor") == ("ACKNOWLEDGE-WITHIN:24h",)
    assert strictest(("ACKNOWLEDGE-WITHIN:24h", "X", "ACKNOWLEDGE-WITHIN:4h", "X")) == (
        "ACKNOWLEDGE-WITHIN:4h",
        "X",
    )


@pytest.mark.requirement("R-DIS-01", "R-DIS-04")
def test_what_goes_on_vital_interests_alone_is_told_to_the_offender_manager() -> None:
    """The basis brings the notice, whatever rule it is; on a narrower basis there is none."""
    grave = replace(CASE, rosh=Rosh.VERY_HIGH)
    payload: dict[str, object] = {"kind": "ROSH", "staff_safety": "Two staff at visits."}

    def obligations(name: Any, case: Any) -> tuple[str, ...]:  # noqa: ANN401 - of the fixtures
        return ask(MessageName.RISK_CHANGE, Role.KEY_WORKER, name, case=case, payload=payload).obligations

    assert obligations(RUNG_4, grave) == ("NOTIFY-OM",)
    assert obligations(RUNG_3, grave) == ()


@pytest.mark.requirement("R-DIS-06")
def test_victim_conditions_that_go_to_a_partner_are_told_to_the_offender_manager() -> None:
    """Under MAPPA and a protocol they go, and the Offender Manager hears of it each time."""
    protocol = Protocol(name="p", classes=frozenset({InformationClass.VICTIM}), since=Instant(0), until=None)
    decision = ask(
        MessageName.REFERRAL,
        Role.KEY_WORKER,
        RUNG_3,
        case=replace(CASE, mappa=Mappa(category=2, level=2)),
        party=organisation(RUNG_3, protocols=(protocol,)),
        about=f"ref-{RUNG_3}",
        payload={
            "referral": f"ref-{RUNG_3}",
            "action": "OFFER",
            "victim_conditions": "Not near Invented Street.",
        },
    )

    assert field(decision, "victim_conditions").outcome is Outcome.DISCLOSE
    assert "NOTIFY-OM" in decision.obligations


@pytest.mark.requirement("R-DIS-01")
def test_recipient_reads_moment_and_day_and_nothing_of_the_notice() -> None:
    """Periods end at a moment that needs no counting; staff read them in words."""
    terms = ("NO-ONWARD-DISCLOSURE", "DESTROY-WITHIN:365d", "ACKNOWLEDGE-WITHIN:24h", "NOTIFY-OM")

    assert as_told(terms, Instant(1_790_000_000_000)) == (
        "NO-ONWARD-DISCLOSURE",
        "DESTROY-BY:2027-09-21",
        "ACKNOWLEDGE-BY:2026-09-22T14:13:20Z",
    )
    assert as_told(terms, Instant(1_790_000_001_000))[2] == "ACKNOWLEDGE-BY:2026-09-22T14:13:21Z"
    assert as_told(terms[:1], Instant(0)) == terms[:1]
    assert in_words("DESTROY-WITHIN:365d") == "to be destroyed within 365 days of its disclosure"
    assert "24 hours" in in_words("ACKNOWLEDGE-WITHIN:24h")
    assert in_words("STAFF-SAFETY-ONLY").startswith("for the safety")


@pytest.mark.requirement("R-DIS-01")
def test_general_form_of_a_release_comes_with_a_day_on_which_to_destroy_it() -> None:
    """For the rung that learns month and district; it is a term like any other."""
    told = ask(MessageName.PRISON_EVENT, Role.KEY_WORKER, RUNG_4, case=AGREED).caveats

    assert "DESTROY-WITHIN:365d" in told
    assert "DESTROY-WITHIN:365d" not in ask(MessageName.PRISON_EVENT, Role.KEY_WORKER, RUNG_2).caveats


@pytest.mark.requirement("R-ADM-03")
def test_factor_nobody_acknowledges_is_reported_to_the_offender_manager() -> None:
    """In its time, once, saying whose it is."""
    world, sent = alerted()
    assert any(term.startswith("ACKNOWLEDGE-BY:2030-") for term in sent.caveats)
    assert not codes(world.pass_time(23 * HOUR))

    late = world.pass_time(HOUR)

    (report, _) = (each for each in late.deliveries if each.message is MessageName.EXCEPTION)
    assert (report.organisation, report.role) == (PROBATION, Role.OFFENDER_MANAGER)
    assert (report.payload["code"], report.urgency) == ("NOT-ACKNOWLEDGED", Urgency.SAFETY)
    assert "risk-change message, for the key worker of recovery" in str(report.payload["detail"])
    assert not codes(world.pass_time(47 * HOUR))


@pytest.mark.requirement("R-ADM-03", "R-MSG-11")
@pytest.mark.parametrize("level", ["ACKNOWLEDGED", "READ", "ACTIONED"])
def test_receipt_of_the_recipient_ends_the_waiting(level: str) -> None:
    """The deadline is gone, and nothing is reported."""
    world, sent = alerted()
    receipt(world, sent, level)

    assert world.state.awaiting == ()
    assert not any("acknowledgement" in key for key in world.timers)
    assert not codes(world.pass_time(48 * HOUR))


@pytest.mark.requirement("R-ADM-03")
@pytest.mark.parametrize(
    ("level", "by"), [("FETCHED", COUNSELLOR), ("REFUSED", COUNSELLOR), ("READ", HOUSING_OFFICER)]
)
def test_waiting_goes_on_when_nobody_took_it_in_or_somebody_else_says_so(level: str, by: Any) -> None:  # noqa: ANN401
    """A machine that fetched it, a refusal, another organisation's word."""
    world, sent = alerted()
    engage(world, HOUSING_OFFICER)
    receipt(world, sent, level, by)

    assert sent.delivery_id in {held.delivery for held in world.state.awaiting}


@pytest.mark.requirement("R-ADM-03")
def test_closed_case_waits_for_no_acknowledgement() -> None:
    """Its deadlines go with it."""
    world, _ = alerted()
    world.send(MANAGER, MessageName.CASE, {"action": "CLOSED", "close_reason": "SENTENCE_ENDED"})

    assert world.state.awaiting == ()
    assert not any("acknowledgement" in key for key in world.timers)


@pytest.mark.requirement("R-ADM-03")
def test_case_that_waits_for_too_many_reports_the_earliest_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given up is never given up silently."""
    monkeypatch.setattr(acknowledgements, "AWAITED_MAX", 2)
    world = staffed()
    engage(world, COUNSELLOR)
    said = [codes(world.send(MANAGER, MessageName.RISK_CHANGE, FACTOR)) for _ in range(3)]

    assert said == [[], [], ["NOT-ACKNOWLEDGED", "NOT-ACKNOWLEDGED"]]
    assert len(world.state.awaiting) == 2


@pytest.mark.requirement("R-DIS-01", "R-DIS-04")
def test_offender_manager_is_told_what_went_on_vital_interests() -> None:
    """By an exception report, as much as a rule lets them know; the recipient is not told of the telling."""
    world = staffed()
    engage(world, replace(COUNSELLOR, organisation=DEBT, person="kw-debt"))
    payload = {"kind": "ROSH", "rosh_level": "VERY_HIGH", "urgency": "IMMEDIATE", "staff_safety": "Invented."}

    result = world.send(MANAGER, MessageName.RISK_CHANGE, payload)

    assert "DISCLOSURE-NOTICE" in codes(result)
    (notice,) = (
        each
        for each in to(result, PROBATION, Role.OFFENDER_MANAGER)
        if each.payload.get("code") == "DISCLOSURE-NOTICE"
    )
    assert "for the key worker of debt-advice" in str(notice.payload["detail"])
    (sent,) = to(result, DEBT)
    assert not any("NOTIFY" in term for term in sent.caveats)
    assert (notice.message_id, sent.delivery_id) in result.only_with
    assert {told_of for _, told_of in result.only_with} == {sent.delivery_id}


@pytest.mark.requirement("R-DIS-01")
def test_offender_manager_is_told_when_somebody_cannot_be_obliged() -> None:
    """Withheld, but never silently: the Offender Manager tells them in another way."""
    world = staffed()
    engage(world, COUNSELLOR)
    world.known[RECOVERY] = replace(world.known[RECOVERY], sends=frozenset({MessageName.REFERRAL}))

    result = world.send(MANAGER, MessageName.RISK_CHANGE, FACTOR)

    assert codes(result) == ["OBLIGATION-UNSUPPORTED", "OBLIGATION-UNSUPPORTED"]
    (sent,) = to(result, RECOVERY)
    assert (sent.payload["urgency"], sent.payload["factor"]) == ("IMMEDIATE", None)
    assert codes(world.send(MANAGER, MessageName.RISK_CHANGE, {"kind": "PPO", "urgency": "SOON"})) == []


@pytest.mark.requirement("R-ADM-03")
def test_same_delivery_is_awaited_once() -> None:
    """However often it is asked to be."""
    world, sent = alerted()
    (held,) = world.state.awaiting
    assert held == Awaited(
        delivery=DeliveryId(sent.delivery_id),
        organisation=RECOVERY,
        role=Role.KEY_WORKER,
        message=MessageName.RISK_CHANGE,
        due_at=Instant(world.now + 24 * HOUR),
        since=world.now,
    )
    applied = Applied(case=world.state)
    assert acknowledgements.awaiting(applied, (held,), world.now) is applied


@pytest.mark.requirement("R-DIS-07")
def test_an_override_is_told_to_the_offender_manager_whatever_the_rule() -> None:
    """It is the basis that brings it, so no rule can forget it."""
    assert {code for code, basis in BASIS.items() if "NOTIFY-OM" in basis.brings} == {"VITAL", "OVERRIDE"}


@pytest.mark.requirement("R-ADM-03", "R-DIS-05")
def test_asked_twice_a_replacement_is_waited_for_once() -> None:
    """What is acknowledged is the one that is there; nobody is told that the other was not."""
    world = staffed()
    engage(world, COUNSELLOR)
    sent = world.send(MANAGER, MessageName.RISK_CHANGE, {**FACTOR, "staff_safety": "Invented danger."})
    (one,) = waiting(sent, RECOVERY)
    held = {"consent": "r-1", "action": "OM_THREATENED", "organisations": [RECOVERY]}
    world.send(MANAGER, MessageName.CONSENT, held)
    first = decided_again(world, one)
    world.pass_time(HOUR)
    again = decided_again(world, one)
    assert first.deliveries
    assert again.deliveries
    assert [each.delivery for each in world.state.awaiting] == [first.deliveries[0].delivery_id]
