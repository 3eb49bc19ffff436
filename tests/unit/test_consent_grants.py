"""What an order or an override opens, what no override opens, and on which evidence something goes."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from hub.cases.case import Case, Restriction, RestrictionKind, Rosh
from hub.cases.grants import Act, Grant, GrantKind
from hub.consent.compile import compile_policy
from hub.consent.decision import Concern, Decision, Outcome
from hub.consent.parties import Access, Organisation, Protocol, Standing, organisation_from
from hub.errors import PolicyRefused
from hub.messages.envelope import InformationClass, MessageName, Role
from hub.messages.identifiers import Instant, OrganisationId
from hub.topics.policy_files import read_policy
from tests.unit.consent_cases import (
    BEFORE,
    CASE,
    EVERYTHING,
    LIBRARY,
    NOW,
    PARTNERS,
    PRISON,
    REGION,
    RUNG_2,
    RUNG_3,
    RUNG_4,
    ask,
    consent,
    field,
    goes,
    organisation,
    restriction,
)

DOCUMENTS: dict[str, Any] = dict(read_policy())
ASKED = Act(organisation=REGION, role=Role.OFFENDER_MANAGER, person="st-1", at=BEFORE)
NEVER_TO_PARTNERS = frozenset(
    {
        InformationClass.VICTIM,
        InformationClass.THIRD_PARTY,
        InformationClass.INTELLIGENCE,
        InformationClass.HEALTH,
    }
)
"""Without a protocol or consent in force, no partner gets these, whatever is granted."""
NOT_OPENED = (MessageName.CONSENT, MessageName.EXCEPTION, MessageName.RECEIPT)


def grant(name: OrganisationId, **changes: Any) -> Grant:  # noqa: ANN401 - any field of it
    """Return an override in force for every class, for one organisation."""
    given = Grant(
        grant="ov-1",
        kind=GrantKind.OVERRIDE,
        organisation=name,
        classes=EVERYTHING,
        roles=frozenset(),
        purposes=frozenset(),
        evidence="Decision 7",
        asked=ASKED,
        since=BEFORE,
        until=Instant(NOW + 1),
    )
    return replace(given, **changes)


def opened(name: OrganisationId, **changes: Any) -> Case:  # noqa: ANN401 - any field of the case
    """Return the usual case with everything opened to one organisation that can be."""
    every = (grant(name), grant(name, grant="co-1", kind=GrantKind.COURT_ORDER, until=None))
    return replace(CASE, grants=every, rosh=Rosh.VERY_HIGH, **changes)


def asked_all(
    name: OrganisationId, role: Role, case: Case, party: Organisation | None = None
) -> list[Decision]:
    """Ask about every type of message."""
    return [ask(message, role, name, case=case, party=party) for message in MessageName]


@pytest.mark.requirement("R-DIS-06", "R-DIS-07")
@pytest.mark.parametrize("name", PARTNERS)
@pytest.mark.parametrize("role", [Role.KEY_WORKER, Role.SERVICE_MANAGER, Role.OFFENDER_SUPERVISOR])
def test_no_order_or_override_opens_to_a_partner_what_a_guard_keeps(name: OrganisationId, role: Role) -> None:
    """Victims, third parties, intelligence, and health without consent: in every message, on every rung."""
    kept = opened_fields = 0
    for decision in asked_all(name, role, opened(name)):
        assert decision.message_name is not None
        specs = {spec.path: spec for spec in LIBRARY.fields(decision.message_name, "1.0")}
        for item in decision.fields:
            spec = specs.get(item.path)
            if spec is not None and spec.information_class in NEVER_TO_PARTNERS:
                kept += 1
                assert item.outcome is Outcome.WITHHOLD, (decision.message_name, item)
            opened_fields += item.basis in {"COURT", "OVERRIDE"}
    assert kept > 15
    assert opened_fields > 20


@pytest.mark.requirement("R-DIS-07", "R-DIS-03")
@pytest.mark.parametrize(
    ("gate", "party", "case"),
    [
        ("HOLD-SUSPENDED", {"standing": Standing.SUSPENDED}, {}),
        ("PURP-NOT-REGISTERED", {"purposes": frozenset()}, {}),
        ("HOLD-LIMITED", {"access": None}, {}),
        ("HOLD-EXCLUDED", {}, {"kind": RestrictionKind.EXCLUSION, "organisations": frozenset({RUNG_2})}),
        ("HOLD-LIMITED", {}, {"kind": RestrictionKind.RESTRICTION, "organisations": frozenset({REGION})}),
    ],
)
def test_no_order_or_override_opens_a_gate_that_is_closed(
    gate: str, party: dict[str, Any], case: dict[str, Any]
) -> None:
    """Suspended, not registered for the purpose, excluded, limited: nothing goes."""
    held = (restriction(**case),) if case else ()
    decision = ask(
        MessageName.CASE,
        Role.KEY_WORKER,
        RUNG_2,
        case=opened(RUNG_2, restrictions=held),
        party=organisation(RUNG_2, **party),
    )
    assert (decision.delivers, decision.gate, goes(decision)) == (False, gate, set())


@pytest.mark.requirement("R-DIS-07", "R-DIS-03", "R-CON-02")
def test_no_order_or_override_opens_what_the_offender_manager_holds_back() -> None:
    """The flag of confidentiality, and the staff details of an Offender Manager under threat."""
    flag = restriction(RestrictionKind.CONFIDENTIALITY, classes=frozenset({InformationClass.OFFENCE}))
    threat = restriction(RestrictionKind.OM_THREATENED, restriction="rs-2")

    def told(*held: Restriction) -> Decision:
        case = opened(RUNG_2, restrictions=held)
        return ask(MessageName.CASE, Role.KEY_WORKER, RUNG_2, case=case, author=Role.OFFENDER_MANAGER)

    free, held = told(), told(flag, threat)
    assert field(free, "sentence_date").basis == "COURT"
    assert field(free, "@author").outcome is Outcome.DISCLOSE
    assert field(held, "sentence_date").reason == "HOLD-CONFIDENTIAL"
    assert field(held, "@author").reason == "HOLD-OM-THREATENED"


@pytest.mark.requirement("R-DIS-07")
@pytest.mark.parametrize("message", NOT_OPENED)
def test_an_override_tells_nobody_of_consents_orders_and_reports(message: MessageName) -> None:
    """What a provider may not know of is also who else may know: that is not about the person."""
    decision = ask(message, Role.KEY_WORKER, RUNG_2, case=opened(RUNG_2), relevant=False)
    assert {item.basis for item in decision.fields} & {"COURT", "OVERRIDE"} == set()


@pytest.mark.requirement("R-DIS-07")
@pytest.mark.parametrize(
    ("changes", "opens"),
    [
        ({}, True),
        ({"since": NOW}, True),
        ({"since": Instant(NOW + 1)}, False),
        ({"since": None}, False),
        ({"until": NOW}, False),
        ({"kind": GrantKind.BREAK_GLASS}, True),
        ({"organisation": RUNG_2}, False),
        ({"classes": EVERYTHING - {InformationClass.OFFENCE}}, False),
        ({"roles": frozenset({Role.KEY_WORKER})}, True),
        ({"roles": frozenset({Role.SERVICE_MANAGER})}, False),
        ({"purposes": frozenset({"case_administration"})}, True),
        ({"purposes": frozenset({"progress"})}, False),
    ],
)
def test_an_override_counts_for_whom_what_and_when_it_says(changes: dict[str, Any], opens: bool) -> None:  # noqa: FBT001
    """From its first moment to just before its last."""
    case = replace(CASE, grants=(grant(RUNG_3, **changes),))
    decided = field(ask(MessageName.CASE, Role.KEY_WORKER, RUNG_3, case=case), "sentence_date")
    assert (decided.basis == "OVERRIDE") is opens
    assert (decided.outcome is Outcome.DISCLOSE) is opens


@pytest.mark.requirement("R-DIS-01")
def test_a_court_order_is_the_first_basis_and_an_override_the_last() -> None:
    """Whatever else would do comes before an override, so that its use can be counted."""
    everything = (consent(*EVERYTHING),)
    found = [
        field(ask(MessageName.CASE, Role.KEY_WORKER, RUNG_4, case=case), "forename")
        for case in (
            opened(RUNG_4, consents=everything),
            replace(CASE, grants=(grant(RUNG_4),), consents=everything),
            replace(CASE, grants=(grant(RUNG_4),)),
        )
    ]
    assert [(item.basis, item.alternates) for item in found] == [
        ("COURT", ("CONSENT", "OVERRIDE")),
        ("CONSENT", ("OVERRIDE",)),
        ("OVERRIDE", ()),
    ]


@pytest.mark.requirement("R-DIS-07")
def test_an_override_within_the_service_opens_what_it_never_opens_to_partners() -> None:
    """To the prison that holds the person, say, who a victim is; intelligence it opens to nobody."""
    case = replace(CASE, grants=(grant(REGION),))
    decision = ask(MessageName.RISK_CHANGE, Role.CASE_ADMINISTRATOR, REGION, case=case)
    assert field(decision, "victim_name").basis == "OVERRIDE"
    assert field(decision, "intelligence").outcome is Outcome.WITHHOLD


@pytest.mark.requirement("R-DIS-01")
@pytest.mark.parametrize("document", [False, None])
def test_sensitive_data_need_a_policy_document_where_they_go_without_consent(document: bool | None) -> None:  # noqa: FBT001
    """Known to be there; for an authority even where the person consents (DPA 2018 s.35(4), (5), s.42)."""
    given = replace(CASE, consents=(consent(InformationClass.HEALTH),))

    def vulnerability(name: OrganisationId, role: Role, case: Case, *, has: bool | None) -> Outcome:
        party = organisation(name, policy_document=has)
        return field(ask(MessageName.ASSESSMENT, role, name, case=case, party=party), "vulnerability").outcome

    manager = (REGION, Role.OFFENDER_MANAGER)
    worker = (RUNG_2, Role.KEY_WORKER)
    assert vulnerability(*manager, CASE, has=True) is Outcome.DISCLOSE
    assert vulnerability(*manager, CASE, has=document) is Outcome.WITHHOLD
    assert vulnerability(*manager, given, has=document) is Outcome.WITHHOLD
    assert vulnerability(*worker, given, has=document) is Outcome.DISCLOSE
    assert vulnerability(*worker, CASE, has=True) is Outcome.WITHHOLD


@pytest.mark.requirement("R-DIS-01")
def test_an_organisation_with_limited_access_learns_of_cases_that_name_it_only() -> None:
    """Team, open referral, limited access name it; a movement to its prison does not; unknown is limited."""
    party = organisation(PRISON, access=Access.NAMED_CASES)
    unnamed = replace(CASE, team=CASE.team[:2])
    let_in = restriction(RestrictionKind.RESTRICTION, organisations=frozenset({PRISON}))

    def gate(case: Case, access: Access | None, role: Role = Role.OFFENDER_MANAGEMENT_UNIT) -> str | None:
        concern = Concern.HELD_THERE if role is Role.OFFENDER_MANAGEMENT_UNIT else Concern.TEAM
        asked = replace(party, access=access)
        return ask(MessageName.PRISON_EVENT, role, PRISON, case=case, party=asked, concern=concern).gate

    assert gate(unnamed, Access.ALL_CASES) is None
    assert gate(unnamed, Access.NAMED_CASES) == "HOLD-LIMITED"
    assert gate(replace(unnamed, restrictions=(let_in,)), Access.NAMED_CASES) is None
    assert gate(CASE, Access.NAMED_CASES, Role.OFFENDER_SUPERVISOR) is None
    assert gate(CASE, None, Role.OFFENDER_SUPERVISOR) == "HOLD-LIMITED"
    housing = organisation(RUNG_3, access=Access.NAMED_CASES)
    assert ask(MessageName.CASE, Role.KEY_WORKER, RUNG_3, party=housing).gate is None


@pytest.mark.requirement("R-DIS-01")
def test_an_organisations_access_and_policy_document_are_read_or_not_known() -> None:
    """What is not said is not known; what is said wrongly is named."""
    body: dict[str, object] = {
        "organisation": "helpers",
        "name": "Helpers (invented)",
        "kind": "partner",
        "rung": 3,
        "legal_status": "none",
        "status_evidence": "none",
        "standing": "active",
    }
    assert (organisation_from(body).access, organisation_from(body).policy_document) == (None, None)
    said = organisation_from({**body, "access": "named_cases", "policy_document": False})
    assert (said.access, said.policy_document) == (Access.NAMED_CASES, False)
    with pytest.raises(ValueError, match=r"organisation\.access: .*all_cases"):
        organisation_from({**body, "access": "every_case"})
    with pytest.raises(ValueError, match=r"organisation\.policy_document: must be true or false"):
        organisation_from({**body, "policy_document": "yes"})


@pytest.mark.requirement("R-DIS-08", "R-DIS-09")
def test_a_decision_says_on_which_evidence_each_class_goes() -> None:
    """A consent's form, a protocol's name, an order, an override, as far as they are in force; no more."""
    protocol = Protocol(
        name="Protocol 9", classes=frozenset({InformationClass.RISK}), since=BEFORE, until=None
    )
    case = replace(
        CASE,
        consents=(
            consent(InformationClass.HEALTH, evidence="Form 12"),
            consent(InformationClass.RISK, until=NOW),
        ),
        grants=(
            grant(RUNG_2, classes=frozenset({InformationClass.OFFENCE})),
            grant(RUNG_2, grant="ov-2", until=NOW),
            grant(RUNG_3, grant="ov-3"),
        ),
    )
    party = organisation(RUNG_2, protocols=(protocol,))
    facts = ask(
        MessageName.REFERRAL, Role.KEY_WORKER, RUNG_2, case=case, party=party, about="ref-partner-2"
    ).facts
    assert {name: shown for name, shown in facts.items() if name.startswith("evidence.")} == {
        "evidence.protocol.risk": "Protocol 9",
        "evidence.consent.health": "cn-1 (Form 12)",
        "evidence.override.offence": "ov-1 (Decision 7)",
    }


def loosened(rule: str, *guards: tuple[str, str], **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the documents with a rule under everywhere changed, and without some guards."""
    documents = copy.deepcopy(DOCUMENTS)
    found = next(each for each in documents["gates"]["everywhere"] if each["id"] == rule)
    found |= fields
    for name, guard in guards:
        documents[name]["rules"] = [each for each in documents[name]["rules"] if each["id"] != guard]
    return documents


def refusal(documents: dict[str, Any]) -> str:
    """Return why a policy is refused."""
    with pytest.raises(PolicyRefused) as caught:
        compile_policy(documents, version="test")
    return str(caught.value)


ALL_CLASSES = sorted(InformationClass)
GUARDS = [
    ("victim", "victim.guard-protocol"),
    ("victim", "victim.guard-identity"),
    ("third_party", "third-party.guard-partner"),
    ("intelligence", "intelligence.guard-partner"),
    ("intelligence", "intelligence.guard-ladder"),
    ("health", "health.guard-consent"),
]


@pytest.mark.requirement("R-DIS-06", "R-DIS-07")
@pytest.mark.parametrize("guard", GUARDS)
def test_an_override_leaves_every_guard_one_of_two_locks(guard: tuple[str, str]) -> None:
    """Without any one guard the policy still holds: the override's own rule does not reach that far."""
    compile_policy(loosened("everywhere.override", guard), version="unguarded")


@pytest.mark.requirement("R-DIS-06", "R-DIS-07")
@pytest.mark.parametrize("rule", ["everywhere.override", "everywhere.court-order"])
def test_a_policy_that_lets_an_override_at_a_victim_is_refused_with_a_counterexample(rule: str) -> None:
    """Both locks gone: a state is named in which a partner would be told."""
    wide = loosened(rule, ("victim", "victim.guard-protocol"), classes=ALL_CLASSES)
    text = refusal(wide)
    assert "victim-never-to-partner" in text
    assert rule in text
    assert "override-opens-no-guarded-class-to-partner" in refusal(
        loosened("everywhere.override", classes=ALL_CLASSES)
    )


@pytest.mark.requirement("R-DIS-07")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"basis": ["OVERRIDE", "OMA14"]}, "rests on nothing but COURT or OVERRIDE"),
        ({"classes": ["ofence"]}, "did you mean offence?"),
        ({"strictly_necessary": ""}, "strictly_necessary: a text is needed"),
    ],
)
def test_a_permit_for_several_classes_rests_on_a_decision_that_names_them(
    fields: dict[str, Any], words: str
) -> None:
    """Nothing else may open a class by the way."""
    assert words in refusal(loosened("everywhere.override", **fields))


@pytest.mark.requirement("R-DIS-07")
def test_a_permit_for_several_classes_names_them() -> None:
    """A rule that holds back is for all unless it says otherwise; one that opens says what."""
    documents = loosened("everywhere.override")
    found = next(each for each in documents["gates"]["everywhere"] if each["id"] == "everywhere.override")
    del found["classes"]
    assert "classes: a permit under everywhere names the classes it is for" in refusal(documents)


@pytest.mark.requirement("R-DIS-07", "R-DIS-02")
@pytest.mark.parametrize(
    ("authority", "fields", "words"),
    [
        ("override.mainstream", {"days_max": 29}, "override.mainstream, days_max: allows more"),
        ("override.mainstream", {"agreed_by": ["offender_supervisor"]}, "agreed_by: allows more"),
        ("override.mainstream", {"rungs": [2, 3]}, "both speak of one recipient"),
        ("override.mainstream", {"rungs": [5]}, "rungs: must be some of 1, 2, 3 and 4"),
        ("override.mainstream", {"break_glass_hours_max": 100}, "must be a whole number from 1 to 72"),
        ("override.mainstream", {"asked_by": []}, "asked_by: must name at least one"),
        ("override.mainstream", {"hours": 3}, "hours: not a field here"),
        ("override.service", {"classes": ["intelligence"]}, "no rule of intelligence has the basis OVERRIDE"),
    ],
)
def test_who_may_override_is_refused_where_it_is_faulty_or_laxer_up_the_ladder(
    authority: str, fields: dict[str, Any], words: str
) -> None:
    """Each rung up raises who may authorise more (002 3.19)."""
    documents = copy.deepcopy(DOCUMENTS)
    found = next(each for each in documents["gates"]["overrides"] if each["id"] == authority)
    found |= fields
    assert words in refusal(documents)


@pytest.mark.requirement("R-DIS-07")
def test_a_policy_without_authorities_provides_no_overrides() -> None:
    """It is in force all the same; nobody may ask."""
    documents = copy.deepcopy(DOCUMENTS)
    del documents["gates"]["overrides"]
    assert compile_policy(documents, version="test").authorities == ()
