"""What holds back whatever else permits: consent not in force, restrictions, gates, guards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hub.cases.case import ConsentState, Handover, Mappa, Restriction, RestrictionKind, Rosh
from hub.consent.decide import may_know
from hub.consent.decision import Decision, FieldDecision, Outcome
from hub.consent.parties import LegalStatus, Protocol, Purpose, Standing
from hub.messages.envelope import InformationClass, MessageName, Role
from hub.messages.identifiers import Instant, OrganisationId
from tests.unit.consent_cases import (
    BEFORE,
    CASE,
    EVERYTHING,
    NOW,
    PARTNERS,
    PRISON,
    REGION,
    RUNG_1,
    RUNG_2,
    RUNG_3,
    RUNG_4,
    TEAM,
    ask,
    consent,
    field,
    goes,
    organisation,
    restriction,
)


@pytest.mark.requirement("R-DIS-01", "R-DIS-05")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"state": ConsentState.WITHDRAWN}, "CONS-NOT-IN-FORCE"),
        ({"state": ConsentState.REFUSED}, "CONS-NOT-IN-FORCE"),
        ({"until": NOW}, "CONS-NOT-IN-FORCE"),
        ({"until": Instant(NOW + 1)}, None),
        ({"since": NOW}, None),
        ({"since": Instant(NOW + 1)}, "CONS-NOT-IN-FORCE"),
        ({"organisation": RUNG_3}, "CONS-NOT-IN-FORCE"),
        ({"purposes": frozenset({Purpose.REFERRAL.value})}, None),
        ({"purposes": frozenset({Purpose.PROGRESS.value})}, "CONS-NOT-IN-FORCE"),
    ],
)
def test_health_goes_to_a_provider_only_while_consent_is_in_force(
    changes: dict[str, Any], reason: str | None
) -> None:
    """A consent counts from its first moment to just before its last, for whom and what it names."""
    case = replace(CASE, consents=(consent(InformationClass.HEALTH, **changes),))
    found = field(
        ask(MessageName.REFERRAL, Role.KEY_WORKER, RUNG_2, case=case, about="ref-partner-2"), "health_needs"
    )

    assert (found.basis == "CONSENT") is (reason is None)
    assert reason is None or (found.outcome, found.reason) == (Outcome.WITHHOLD, reason)


@pytest.mark.requirement("R-DIS-05")
def test_latest_word_of_the_person_stands_when_there_are_several() -> None:
    """A later refusal ends an earlier consent; at the same moment the stricter word counts."""
    given, refused = consent(InformationClass.HEALTH), consent(state=ConsentState.REFUSED)

    for words in ((given, replace(refused, since=NOW)), (refused, given)):
        decision = ask(
            MessageName.REFERRAL,
            Role.KEY_WORKER,
            RUNG_2,
            case=replace(CASE, consents=words),
            about="ref-partner-2",
        )
        assert decision.facts["consent.health"] == "refused"


@pytest.mark.requirement("R-DIS-06")
@pytest.mark.parametrize("name", PARTNERS)
def test_victim_identity_never_reaches_a_partner_even_under_protocol_mappa_and_consent(
    name: OrganisationId,
) -> None:
    """Everything that could open a gateway is open, and still nothing of who the victim is goes."""
    case = replace(
        CASE, mappa=Mappa(category=2, level=3), rosh=Rosh.VERY_HIGH, consents=(consent(*EVERYTHING),)
    )
    protocol = Protocol(name="p", classes=EVERYTHING, since=BEFORE, until=None)
    party = organisation(name, protocols=(protocol,), legal_status=LegalStatus.LISTED)
    decision = ask(MessageName.RISK_CHANGE, Role.KEY_WORKER, name, case=case, party=party)

    assert field(decision, "victim_name").outcome is Outcome.WITHHOLD
    assert field(decision, "victim_contact").reason == "GUARD-VICTIM"


@pytest.mark.requirement("R-DIS-06", "R-DIS-04")
def test_protective_conditions_reach_a_listed_body_when_mappa_and_a_protocol_are_in_force() -> None:
    """The statutory basis is the Criminal Justice Act, and the protocol has to be live."""
    case = replace(CASE, mappa=Mappa(category=1, level=2))
    live = Protocol(name="p", classes=frozenset({InformationClass.VICTIM}), since=BEFORE, until=None)

    def conditions(protocol: Protocol) -> FieldDecision:
        party = organisation(RUNG_3, protocols=(protocol,))
        asked = ask(
            MessageName.REFERRAL, Role.KEY_WORKER, RUNG_3, case=case, party=party, about="ref-partner-3"
        )
        return field(asked, "victim_conditions")

    assert conditions(live).basis == "CJA325"
    assert conditions(replace(live, until=NOW)).outcome is Outcome.WITHHOLD


@pytest.mark.requirement("R-DIS-03")
def test_confidentiality_holds_back_a_class_and_a_single_objective_from_those_named() -> None:
    """The Offender Manager's flag overrides every permit, for whom it names only."""
    held = restriction(
        RestrictionKind.CONFIDENTIALITY,
        organisations=frozenset({RUNG_2}),
        classes=frozenset({InformationClass.CONTACT}),
    )
    item = replace(held, restriction="rs-2", classes=frozenset(), objective="ob-7")
    case = replace(CASE, restrictions=(held, item))

    named = ask(MessageName.CASE, Role.KEY_WORKER, RUNG_2, case=case)
    other = ask(MessageName.CASE, Role.KEY_WORKER, RUNG_1, case=case)

    assert field(named, "address").reason == "HOLD-CONFIDENTIAL"
    assert field(other, "address").outcome is Outcome.DISCLOSE
    assert (named.items_held, other.items_held) == (("ob-7",), ())


@pytest.mark.requirement("R-CON-02")
def test_staff_details_are_held_back_from_partners_when_the_manager_is_threatened() -> None:
    """Who the new Offender Manager is, and who wrote, is not told."""
    case = replace(CASE, restrictions=(restriction(RestrictionKind.OM_THREATENED),))
    partner = ask(MessageName.TEAM_CHANGE, Role.KEY_WORKER, RUNG_2, case=case)
    prison = ask(MessageName.TEAM_CHANGE, Role.OFFENDER_SUPERVISOR, PRISON, case=case)

    assert field(partner, "person_name").reason == "HOLD-OM-THREATENED"
    assert not may_know(partner, "@author")
    assert {"action", "effective_at"} <= goes(partner)
    assert may_know(prison, "@author")


@pytest.mark.requirement("R-DIS-01", "R-DIS-05")
@pytest.mark.parametrize(
    ("party", "held", "gate"),
    [
        ({"standing": Standing.SUSPENDED}, None, "HOLD-SUSPENDED"),
        ({"purposes": frozenset({Purpose.REFERRAL})}, None, "PURP-NOT-REGISTERED"),
        ({}, restriction(RestrictionKind.EXCLUSION, organisations=frozenset({RUNG_1})), "HOLD-EXCLUDED"),
        ({}, restriction(RestrictionKind.RESTRICTION, organisations=frozenset({PRISON})), "HOLD-LIMITED"),
    ],
)
def test_nothing_leaves_when_a_gate_is_closed(
    party: dict[str, Any], held: Restriction | None, gate: str
) -> None:
    """Suspended, not registered, excluded or not let in: every field is withheld for that reason."""
    case = replace(CASE, restrictions=(held,) if held else ())
    decision = ask(
        MessageName.RISK_CHANGE, Role.KEY_WORKER, RUNG_1, case=case, party=organisation(RUNG_1, **party)
    )

    assert (decision.delivers, decision.gate, decision.caveats) == (False, gate, ())
    assert {(item.outcome, item.reason) for item in decision.fields} == {(Outcome.WITHHOLD, gate)}


@pytest.mark.requirement("R-RTE-03")
def test_offender_manager_is_not_shut_out_when_access_is_limited_to_others() -> None:
    """Limited access is the manager's own means; it never stops an alert to the Offender Manager."""
    held = restriction(RestrictionKind.RESTRICTION, organisations=frozenset({PRISON}))

    assert ask(
        MessageName.RISK_CHANGE, Role.OFFENDER_MANAGER, REGION, case=replace(CASE, restrictions=(held,))
    ).delivers


@pytest.mark.requirement("R-DIS-05", "R-CASE-06", "R-CON-03")
def test_membership_counts_from_its_first_moment_and_not_at_its_last() -> None:
    """A leaver gets nothing from the moment they leave; an outgoing manager until the handover ends."""
    manager = TEAM[0]
    left = replace(CASE, team=(replace(manager, until=NOW), *TEAM[1:]))
    handing = replace(left, handover=Handover(outgoing=manager, until=Instant(NOW + 1)))

    assert not ask(MessageName.PROGRESS, Role.OFFENDER_MANAGER, REGION, case=left).delivers
    assert ask(MessageName.PROGRESS, Role.OFFENDER_MANAGER, REGION, case=handing).delivers


@pytest.mark.requirement("R-DIS-10")
def test_everyone_who_had_it_is_told_of_a_correction_whatever_they_may_know_now() -> None:
    """The duty to tell recipients needs neither purpose, consent nor a part in the case."""
    party = organisation(RUNG_4, purposes=frozenset())
    decision = ask(
        MessageName.CORRECTION,
        Role.KEY_WORKER,
        RUNG_4,
        party=party,
        case=replace(CASE, team=(), referrals=()),
    )

    assert decision.delivers
    assert goes(decision) == {"corrects", "action"}
    assert field(decision, "corrects").basis == "DPA48"


@pytest.mark.requirement("R-DIS-01")
def test_stricter_class_counts_when_the_author_declares_it() -> None:
    """A note declared to be about health goes as health does."""
    plain = ask(MessageName.PROGRESS, Role.CASE_ADMINISTRATOR, REGION, about="ref-partner-2")
    declared = ask(
        MessageName.PROGRESS,
        Role.CASE_ADMINISTRATOR,
        REGION,
        about="ref-partner-2",
        declared={"note": InformationClass.HEALTH},
    )

    assert field(plain, "note").outcome is Outcome.DISCLOSE
    assert field(declared, "note").outcome > Outcome.DISCLOSE
    assert field(declared, "attendance") == field(plain, "attendance")


@pytest.mark.requirement("R-DIS-06")
def test_text_is_held_back_when_it_names_what_is_held_back_elsewhere() -> None:
    """A victim's name in a note on staff safety is still a victim's name."""
    payload: dict[str, object] = {
        "kind": "ROSH",
        "rosh_level": "HIGH",
        "staff_safety": "Two staff at visits. Do not mention Ina Vented.",
        "victim_name": "Ina Vented",
    }
    decision = ask(
        MessageName.RISK_CHANGE, Role.KEY_WORKER, RUNG_2, payload=payload, author=Role.OFFENDER_MANAGER
    )

    assert field(decision, "staff_safety").reason == "GUARD-NAMED-IN-TEXT"
    assert field(decision, "rosh_level").outcome is Outcome.DISCLOSE


@pytest.mark.requirement("R-DIS-01")
def test_nothing_is_delivered_when_only_keys_would_be_left() -> None:
    """An evaluation in which a provider has no outcome of its own does not reach it at all."""
    mine, others = (
        {"objective": "ob-1", "organisation": name, "achieved": "yes"} for name in (RUNG_2, RUNG_3)
    )

    def told(item: dict[str, str]) -> Decision:
        payload: dict[str, object] = {"evaluation": "ev-1", "outcomes": [item], "summary": "All went well."}
        return ask(MessageName.EVALUATION, Role.SERVICE_MANAGER, RUNG_2, payload=payload)

    assert told(mine).delivers
    assert told(others).gate == "NEED-NOTHING-LEFT"
    assert not ask(MessageName.EVALUATION, Role.KEY_WORKER, RUNG_2).delivers
