"""Who may know what: golden cases by role, rung and class, on the real contracts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.cases.case import Rosh
from hub.consent.decide import may_know
from hub.consent.decision import Concern, Outcome, Scope
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import OrganisationId, derived_id
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

UNIT = Role.OFFENDER_MANAGEMENT_UNIT


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
    assert field(concerned, "note").reason == "NEED-OTHERS-REFERRAL"
    assert not not_concerned.delivers
    assert not_concerned.gate == "NEED-NOT-CONCERNED"


@pytest.mark.requirement("R-RTE-02", "R-RTE-03")
@pytest.mark.parametrize("name", PARTNERS)
def test_key_worker_does_not_learn_of_a_worry_about_harm_that_the_manager_has_not_judged(
    name: OrganisationId,
) -> None:
    """Another provider's worry is an opinion; the Offender Manager's own risk change tells them."""
    others = OrganisationId("partner-2" if name != RUNG_2 else "partner-1")
    worry = ask(MessageName.PROGRESS, Role.KEY_WORKER, name, about=f"ref-{others}")
    factor = ask(
        MessageName.RISK_CHANGE, Role.KEY_WORKER, name, case=replace(CASE, rosh=Rosh.HIGH), by=others
    )

    assert not goes(worry) & {"concern", "concern_about_harm"}
    assert not goes(factor) & {"rosh_level", "rosh_previous", "factor", "factor_change", "at_risk", "summary"}
    assert {"kind", "urgency", "staff_safety"} <= goes(factor)


@pytest.mark.requirement("R-RTE-02", "R-DIS-02")
@pytest.mark.parametrize("name", PARTNERS)
def test_key_worker_does_not_learn_which_other_provider_reports(name: OrganisationId) -> None:
    """That the drug service wrote would say what for; Offender Supervisor and their own body are named."""
    for message in (MessageName.PROGRESS, MessageName.RISK_CHANGE, MessageName.APPOINTMENT):
        other, supervisor, own = (
            ask(message, Role.KEY_WORKER, name, about=f"ref-{name}", author=role, by=by)
            for role, by in (
                (Role.KEY_WORKER, OrganisationId("drug-service")),
                (Role.OFFENDER_SUPERVISOR, PRISON),
                (Role.KEY_WORKER, name),
            )
        )
        assert field(other, "@author").reason == "GUARD-OTHER-PROVIDER"
        assert field(other, "@author_organisation").outcome is Outcome.WITHHOLD
        for known in (supervisor, own):
            assert field(known, "@author_organisation").reason != "GUARD-OTHER-PROVIDER"
    manager = ask(MessageName.PROGRESS, Role.OFFENDER_MANAGER, REGION, about=f"ref-{name}")
    assert may_know(manager, "@author_organisation")


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
    decision = ask(MessageName.RISK_CHANGE, Role.KEY_WORKER, name, author=Role.OFFENDER_MANAGER, by=REGION)

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
    assert ({"rosh_previous", "mappa_level"} <= goes(decision)) is (name != RUNG_3)
    assert ("mappa_category" in goes(decision)) is (name == RUNG_1)
    assert all(item.basis != "CONSENT" for item in decision.fields)


@pytest.mark.requirement("R-RTE-03", "R-MSG-01")
@pytest.mark.parametrize("message", [MessageName.RISK_CHANGE, MessageName.REFERRAL])
def test_case_administrator_learns_what_the_safety_of_those_who_meet_the_person_needs(
    message: MessageName,
) -> None:
    """Who makes the appointments knows how the person must be met, and no narrative of risk."""
    decision = ask(message, Role.CASE_ADMINISTRATOR, REGION, about="ref-partner-2")

    assert "staff_safety" in goes(decision)
    assert not goes(decision) & {"summary", "factor", "at_risk", "risk_information", "victim_conditions"}


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
    assert not shares[3] & {"rung", "mandatory_for_person", "mandatory_for_om", "staff_safety"}


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
    """Own objectives whole; of others' what is done in house, the aim under contract, then who and when."""
    case = replace(CASE, consents=(consent(*EVERYTHING - HEALTH_CONSENT),))
    plans = [ask(MessageName.PLAN, Role.KEY_WORKER, name, case=case) for name in PARTNERS]
    reaches = {
        "intervention": 1,
        **dict.fromkeys(("title", "purpose", "responsible"), 2),
        **dict.fromkeys(("objective", "organisation", "role", "by", "sequence", "status"), 3),
        "need": 0,
    }

    for name, highest in reaches.items():
        path = f"objectives[].{name}"
        goes_to = [field(plan, path, Scope.OTHERS).outcome is Outcome.DISCLOSE for plan in plans]
        assert goes_to == [rung <= highest for rung in (1, 2, 3, 4)], name
        if name not in {"need", "responsible"}:
            assert all(field(plan, path, Scope.THEIRS).outcome is Outcome.DISCLOSE for plan in plans)
    assert ["change_summary" in goes(plan) for plan in plans] == [True, True, True, False]
    assert not any("change_reason" in goes(plan) for plan in plans)
    assert ["risk_management" in goes(plan) for plan in plans] == [True, False, False, False]
    assert all("version" in goes(plan) and "victim_safety" not in goes(plan) for plan in plans)


@pytest.mark.requirement("R-RTE-04", "R-DIS-06")
def test_team_in_the_service_gets_the_plan_without_the_text_that_may_name_a_victim() -> None:
    """Supervisor and prison read how risk is managed; the administrator the needs, not the risk texts."""
    administrator, supervisor, unit = (
        ask(MessageName.PLAN, role, name, concern=concern)
        for role, name, concern in (
            (Role.CASE_ADMINISTRATOR, REGION, Concern.TEAM),
            (Role.OFFENDER_SUPERVISOR, PRISON, Concern.TEAM),
            (Role.OFFENDER_MANAGEMENT_UNIT, PRISON, Concern.HELD_THERE),
        )
    )

    for plan in (administrator, supervisor, unit):
        assert field(plan, "victim_safety").outcome is Outcome.REDACT
        assert "sentence_summary" in goes(plan)
        assert field(plan, "objectives[].need", Scope.OTHERS).outcome is Outcome.DISCLOSE
    assert {"risk_management", "contingency"} <= goes(supervisor) & goes(unit)
    assert not {"risk_management", "contingency"} & goes(administrator)


@pytest.mark.requirement("R-RTE-05", "R-DIS-02")
def test_provider_learns_the_day_of_release_if_active_and_the_month_on_the_highest_rung() -> None:
    """A place has to be ready on the day; without a duty to reach out neither day nor moment is told."""
    case = replace(CASE, consents=(consent(*EVERYTHING - HEALTH_CONSENT),))
    *three, last = (
        ask(MessageName.PRISON_EVENT, Role.KEY_WORKER, name, case=case, author=UNIT, by=PRISON)
        for name in PARTNERS
    )

    for decision in three:
        assert may_know(decision, "@author_organisation")
        assert not may_know(decision, "@author")
        assert {"at", "release_date", "release_address", "release_postcode"} <= goes(decision)
    assert "licence_conditions" not in goes(three[2])
    assert field(last, "release_date").outcome is Outcome.GENERALISE
    assert field(last, "release_postcode").outcome is Outcome.GENERALISE
    assert not goes(last) & {"at", "release_date", "release_address", "prison_from"}
    assert "release_month" in goes(last)


@pytest.mark.requirement("R-RTE-05")
@pytest.mark.parametrize("name", PARTNERS)
def test_provider_learns_nothing_of_a_release_when_its_service_is_not_affected(name: OrganisationId) -> None:
    """Who has not taken the person on is not told of the movement at all."""
    case = replace(CASE, consents=(consent(*EVERYTHING),))

    assert not ask(MessageName.PRISON_EVENT, Role.KEY_WORKER, name, case=case, relevant=False).delivers


@pytest.mark.requirement("R-DIS-03", "R-MSG-07")
@pytest.mark.parametrize(
    ("role", "name", "concern"),
    [
        (Role.CASE_ADMINISTRATOR, REGION, Concern.TEAM),
        (Role.OFFENDER_SUPERVISOR, PRISON, Concern.TEAM),
        (Role.OFFENDER_MANAGEMENT_UNIT, PRISON, Concern.HELD_THERE),
    ],
)
def test_whoever_might_pass_it_on_gets_the_confidentiality_flag_without_its_reason(
    role: Role, name: OrganisationId, concern: Concern
) -> None:
    """What not to pass on must be known; why is the Offender Manager's to know."""
    decision = ask(MessageName.CONSENT, role, name, concern=concern, relevant=False)

    assert {"consent", "action", "organisations", "classes", "objective", "from"} <= goes(decision)
    assert field(decision, "reason").outcome is Outcome.REDACT


@pytest.mark.requirement("R-CON-01", "R-MSG-06")
def test_why_a_manager_changes_is_held_back_with_every_text_that_says_so() -> None:
    """The note goes where the reason goes; a provider learns neither, nor who authorised it."""
    administrator = ask(MessageName.TEAM_CHANGE, Role.CASE_ADMINISTRATOR, REGION)
    supervisor = ask(MessageName.TEAM_CHANGE, Role.OFFENDER_SUPERVISOR, PRISON)

    for path in ("reason", "note"):
        assert field(administrator, path).outcome is Outcome.REDACT
        assert field(supervisor, path).outcome is Outcome.DISCLOSE
    for name in PARTNERS:
        told = goes(ask(MessageName.TEAM_CHANGE, Role.KEY_WORKER, name))
        assert not told & {"reason", "note", "authorised_by", "authorised_role", "grade"}
        assert name == RUNG_4 or {"action", "role", "organisation", "person_name", "effective_at"} <= told


@pytest.mark.requirement("R-DIS-01", "R-RTE-06")
def test_offender_supervisor_learns_of_health_while_the_prison_holds_the_person() -> None:
    """Safeguarding is strictly necessary where the person is, not where they were."""
    here = ask(MessageName.PRISON_EVENT, Role.OFFENDER_SUPERVISOR, PRISON)
    gone = ask(MessageName.PRISON_EVENT, Role.OFFENDER_SUPERVISOR, PRISON, case=replace(CASE, custody=None))

    assert "health_alert" in goes(here)
    assert field(gone, "health_alert").reason == "CONS-NONE"


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize("message", list(MessageName))
@pytest.mark.parametrize("name", PARTNERS)
def test_ledger_does_not_say_that_an_engaged_provider_has_no_part_in_the_case(
    message: MessageName, name: OrganisationId
) -> None:
    """What narrowing holds back has a reason of its own."""
    for about in (f"ref-{name}", "ref-of-somebody-else", None):
        decision = ask(message, Role.KEY_WORKER, name, about=about)
        assert all(item.reason != "NEED-NOT-ON-TEAM" for item in decision.fields)
    gone = ask(message, Role.KEY_WORKER, name, case=replace(CASE, team=(), referrals=()))
    assert all(item.reason != "NEED-OTHERS-REFERRAL" for item in gone.fields)


@pytest.mark.requirement("R-RTE-05")
def test_prison_gets_release_whole_while_it_holds_the_person_and_the_movement_when_it_did() -> None:
    """The responsible unit prepares the release; the other prison knows of the movement only."""
    here = ask(MessageName.PRISON_EVENT, UNIT, PRISON, concern=Concern.HELD_THERE)
    gone = ask(
        MessageName.PRISON_EVENT, UNIT, PRISON, concern=Concern.MOVED, case=replace(CASE, custody=None)
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


@pytest.mark.requirement("R-DIS-09")
def test_a_decision_is_named_by_what_it_is_on_and_nothing_else() -> None:
    """However it is put together, so that records written before are named alike in a replay."""
    for role in (Role.KEY_WORKER, Role.OFFENDER_MANAGER):
        for name in (RUNG_2, RUNG_4):
            made = ask(MessageName.PLAN, role, name)
            assert made.decision_id == derived_id(
                "decision",
                made.message,
                name,
                role,
                made.policy,
                str(made.case_version),
                str(made.decided_at),
            )
