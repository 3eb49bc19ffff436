"""Who may know what: golden cases by role, rung and class, on the real contracts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.cases.case import Rosh
from hub.consent.decision import Concern, Outcome, Scope
from hub.messages.envelope import InformationClass, MessageName, Role
from hub.messages.identifiers import OrganisationId
from tests.unit.consent_cases import (
    CASE,
    EVERYTHING,
    HEALTH_CONSENT,
    PARTNERS,
    POLICY,
    PRISON,
    REGION,
    RUNG_1,
    RUNG_2,
    RUNG_3,
    RUNG_4,
    ask,
    consent,
    field,
    goes,
    referral,
)


@pytest.mark.requirement("R-RTE-02", "R-DIS-01")
@pytest.mark.parametrize("message", list(MessageName))
def test_offender_manager_gets_every_message_whole(message: MessageName) -> None:
    """The Offender Manager sees all of every field, on a legal basis."""
    decision = ask(message, Role.OFFENDER_MANAGER, REGION, about="ref-partner-2")

    assert decision.delivers
    assert {item.outcome for item in decision.fields} == {Outcome.DISCLOSE}
    assert all(item.basis and item.rules for item in decision.fields)


@pytest.mark.requirement("R-RTE-02")
def test_case_administrator_gets_progress_and_no_health_when_a_session_is_reported() -> None:
    """Progress yes; health and third parties stay with the Offender Manager."""
    decision = ask(MessageName.PROGRESS, Role.CASE_ADMINISTRATOR, REGION, about="ref-partner-2")

    assert {"attendance", "note", "affects"} <= goes(decision)
    assert field(decision, "health_note").outcome is Outcome.REDACT
    assert field(decision, "third_party_note").outcome is Outcome.WITHHOLD
    assert field(decision, "concern").outcome is Outcome.REDACT


@pytest.mark.requirement("R-RTE-02")
def test_case_administrator_gets_developments_only_when_progress_is_not_relevant() -> None:
    """What does not bear on their work comes without the narrative."""
    decision = ask(
        MessageName.PROGRESS, Role.CASE_ADMINISTRATOR, REGION, about="ref-partner-2", relevant=False
    )

    assert "attendance" in goes(decision)
    assert field(decision, "note").reason == "NEED-NOT-CONCERNED"


@pytest.mark.requirement("R-RTE-02")
def test_key_worker_gets_the_development_without_the_narrative_when_it_affects_their_service() -> None:
    """Another provider's progress: only what may impact upon their service delivery."""
    concerned = ask(MessageName.PROGRESS, Role.KEY_WORKER, RUNG_2, about="ref-partner-3")
    not_concerned = ask(MessageName.PROGRESS, Role.KEY_WORKER, RUNG_2, about="ref-partner-3", relevant=False)

    assert {"kind", "outcome", "affects"} <= goes(concerned)
    assert not goes(concerned) & {"note", "engagement", "concern", "health_note", "third_party_note"}
    assert not not_concerned.delivers
    assert not_concerned.gate == "NEED-NOT-CONCERNED"


@pytest.mark.requirement("R-DIS-01")
def test_key_worker_gets_nothing_more_when_relevance_is_not_known() -> None:
    """Not known is treated as no, and said to be missing."""
    decision = ask(MessageName.PROGRESS, Role.KEY_WORKER, RUNG_2, about="ref-partner-3", relevant=None)

    assert not decision.delivers
    assert field(decision, "kind").reason == "FACT-MISSING"


@pytest.mark.requirement("R-RTE-03", "R-DIS-04")
@pytest.mark.parametrize("name", [RUNG_1, RUNG_2, RUNG_3])
def test_key_worker_learns_key_factors_and_never_the_narrative_when_risk_changes(
    name: OrganisationId,
) -> None:
    """Level, factor and what staff safety needs; summary, victim, third party and intelligence stay out."""
    decision = ask(MessageName.RISK_CHANGE, Role.KEY_WORKER, name)

    assert {"kind", "urgency", "rosh_level", "factor", "at_risk", "staff_safety"} <= goes(decision)
    for path in (
        "summary",
        "victim_name",
        "victim_contact",
        "third_party_name",
        "intelligence",
        "vulnerability_note",
    ):
        assert field(decision, path).outcome is Outcome.WITHHOLD, path
    assert all(item.basis != "CONSENT" for item in decision.fields)


@pytest.mark.requirement("R-DIS-04")
def test_voluntary_provider_learns_staff_safety_without_consent_when_risk_is_high() -> None:
    """Harm is prevented without consent, and the basis says so."""
    calm = ask(MessageName.RISK_CHANGE, Role.KEY_WORKER, RUNG_4)
    grave = ask(MessageName.RISK_CHANGE, Role.KEY_WORKER, RUNG_4, case=replace(CASE, rosh=Rosh.VERY_HIGH))

    assert not calm.delivers
    assert goes(grave) == {"kind", "urgency", "staff_safety"}
    assert field(grave, "staff_safety").basis == "VITAL"
    assert "STAFF-SAFETY-ONLY" in grave.caveats


@pytest.mark.requirement("R-DIS-02", "R-MSG-01")
def test_referral_narrows_when_the_rung_rises() -> None:
    """Each rung up the brokerage ladder gets less of the same referral."""
    case = replace(CASE, consents=(consent(*EVERYTHING - HEALTH_CONSENT),))
    shares = [
        goes(ask(MessageName.REFERRAL, Role.KEY_WORKER, name, case=case, about=f"ref-{name}"))
        for name in PARTNERS
    ]

    assert shares[0] > shares[1] > shares[2] > shares[3] - {"birth_year", "postcode_area"}
    assert "offence_summary" in shares[0]
    assert "crn" not in shares[2]
    assert {"referral", "action", "surname", "phone"} <= shares[3]


@pytest.mark.requirement("R-DIS-02")
def test_mainstream_provider_gets_year_and_district_when_the_minimum_will_do() -> None:
    """On rung 4 date of birth and postcode go in their general form only."""
    case = replace(CASE, consents=(consent(*EVERYTHING - HEALTH_CONSENT),))
    decision = ask(MessageName.REFERRAL, Role.KEY_WORKER, RUNG_4, case=case, about="ref-partner-4")

    assert field(decision, "date_of_birth").outcome is Outcome.GENERALISE
    assert field(decision, "postcode").outcome is Outcome.GENERALISE
    assert field(decision, "address").outcome is Outcome.WITHHOLD


@pytest.mark.requirement("R-DIS-02")
def test_provider_is_held_to_the_rung_of_the_referral_when_that_is_higher() -> None:
    """An in-house body asked on rung 3 terms gets what rung 3 gets."""
    case = replace(CASE, referrals=(replace(referral(RUNG_1), rung=3),))
    decision = ask(MessageName.REFERRAL, Role.KEY_WORKER, RUNG_1, case=case, about="ref-partner-1")

    assert "crn" not in goes(decision)
    assert decision.facts["rung"] == 3


@pytest.mark.requirement("R-RTE-04", "R-DIS-02")
def test_key_worker_sees_own_objectives_and_less_of_the_others_with_each_rung() -> None:
    """Own objectives whole; of the others' the title in house, the outline under contract, then nothing."""
    case = replace(CASE, consents=(consent(InformationClass.PLAN_OBJECTIVE),))
    title, purpose = "objectives[].title", "objectives[].purpose"
    plans = [ask(MessageName.PLAN, Role.KEY_WORKER, name, case=case) for name in PARTNERS]

    assert all(field(plan, title, Scope.THEIRS).outcome is Outcome.DISCLOSE for plan in plans)
    assert [field(plan, title, Scope.OTHERS).outcome is Outcome.DISCLOSE for plan in plans] == [1, 0, 0, 0]
    assert [field(plan, purpose, Scope.OTHERS).outcome is Outcome.DISCLOSE for plan in plans] == [1, 1, 0, 0]


@pytest.mark.requirement("R-RTE-05")
def test_prison_gets_release_whole_while_it_holds_the_person_and_the_movement_when_it_did() -> None:
    """The responsible unit prepares the release; the other prison knows of the movement only."""
    unit = Role.OFFENDER_MANAGEMENT_UNIT
    here = ask(MessageName.PRISON_EVENT, unit, PRISON, concern=Concern.HELD_THERE)
    gone = ask(
        MessageName.PRISON_EVENT, unit, PRISON, concern=Concern.MOVED, case=replace(CASE, custody=None)
    )

    assert {"release_address", "licence_conditions", "victim_conditions", "health_alert"} <= goes(here)
    assert goes(gone) == {
        "action", "status", "at", "prison_from", "prison_to", "movement_reason", "release_type",
        "noms_number", "booking",
    }  # fmt: skip


@pytest.mark.requirement("R-DIS-08")
def test_decision_carries_facts_and_versions_and_a_name_that_a_replay_repeats() -> None:
    """The same question gives the same decision; it says by which policy, case version and facts."""
    first = ask(MessageName.PLAN, Role.KEY_WORKER, RUNG_2)

    assert first == ask(MessageName.PLAN, Role.KEY_WORKER, RUNG_2)
    assert first.policy == POLICY.name
    assert first.facts["rung"] == 2
    assert first.facts["protocol.victim"] is False
    assert first.decision_id != ask(MessageName.PLAN, Role.KEY_WORKER, RUNG_3).decision_id
