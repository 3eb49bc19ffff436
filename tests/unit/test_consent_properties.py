"""What holds for every state of the facts: not knowing never widens, a stricter class never widens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.cases.case import Case, Member, Rosh
from hub.consent.compile import RuleKey, compile_policy
from hub.consent.decide import decide
from hub.consent.decision import Candidate, Concern, Outcome
from hub.consent.evaluate import evaluate
from hub.consent.parties import organisation_from
from hub.consent.rules import Rule, truth
from hub.consent.vocabulary import BASES, FACTS
from hub.messages.envelope import Envelope, InformationClass, MessageName, Role, Statement
from hub.messages.identifiers import CaseRef, Instant, MessageId, OrganisationId
from hub.topics.library import SchemaLibrary
from hub.topics.policy_files import read_policy

POLICY = compile_policy(read_policy(), version="1.0.0")
LIBRARY = SchemaLibrary.load()
NOW = Instant(1_790_000_000_000)
KEYS: list[RuleKey] = sorted(
    {
        (message, spec.information_class, spec.subject, spec.sensitive, spec.path)
        for message in MessageName
        for spec in LIBRARY.fields(message, "1.0")
    }
)
VECTORS = st.tuples(
    *(st.sampled_from([0, *(1 << n for n in range(len(fact.domain)))]) for fact in FACTS.values())
)
PARTY = {
    "organisation": "partner-example",
    "name": "Example Partner",
    "kind": "partner",
    "rung": 2,
    "legal_status": "under_arrangements",
    "status_evidence": "contract",
    "standing": "active",
    "access": "all_cases",
    "purposes": ["referral", "progress", "risk_alert", "sentence_plan", "case_administration", "assessment"],
    "protocols": [{"name": "p", "classes": ["risk", "contact"], "since": 0, "until": None}],
}
WORKER = Member(
    role=Role.KEY_WORKER, organisation=OrganisationId("partner-example"), person="st-1", since=Instant(0)
)
CASE = Case(
    ref=CaseRef("c" * 32),
    jurisdiction="ENGLAND_AND_WALES",
    opened_at=Instant(0),
    opened_by=OrganisationId("region"),
    rosh=Rosh.HIGH,
    team=(WORKER,),
)


@pytest.mark.requirement("R-DIS-01", "R-DIS-06")
@given(key=st.sampled_from(KEYS), vector=VECTORS, forgotten=st.integers(0, len(FACTS) - 1))
@settings(max_examples=400, deadline=None)
def test_outcome_never_widens_when_a_fact_is_forgotten(
    key: RuleKey, vector: tuple[int, ...], forgotten: int
) -> None:
    """Of any state, the one that knows less discloses no more."""
    rules = POLICY.rules_for(key)
    less = (*vector[:forgotten], 0, *vector[forgotten + 1 :])

    assert evaluate(rules, less).outcome >= evaluate(rules, vector).outcome


@pytest.mark.requirement("R-DIS-01")
@given(key=st.sampled_from(KEYS), vector=VECTORS)
@settings(max_examples=200, deadline=None)
def test_every_outcome_has_a_reason_and_what_goes_has_a_basis(key: RuleKey, vector: tuple[int, ...]) -> None:
    """A field goes on a legal basis whose gateway is open; a field that does not go has none."""
    verdict = evaluate(POLICY.rules_for(key), vector)

    assert verdict.reason in POLICY.reasons
    if verdict.outcome <= Outcome.GENERALISE:
        assert verdict.basis in {basis.code for basis in BASES}
        assert verdict.rules
    if verdict.outcome is Outcome.WITHHOLD:
        assert verdict.basis is None


@pytest.mark.requirement("R-DIS-01")
@given(key=st.sampled_from(KEYS), vector=VECTORS, data=st.data())
@settings(max_examples=200, deadline=None)
def test_outcome_does_not_hang_on_the_order_of_the_rules(
    key: RuleKey, vector: tuple[int, ...], data: st.DataObject
) -> None:
    """All rules are looked at; none is first."""
    rules = POLICY.rules_for(key)
    shuffled: list[Rule] = data.draw(st.permutations(rules))

    one, other = evaluate(rules, vector), evaluate(shuffled, vector)

    assert (one.outcome, one.basis, set(one.rules)) == (other.outcome, other.basis, set(other.rules))


@pytest.mark.requirement("R-DIS-01")
@given(
    message=st.sampled_from(
        [MessageName.PROGRESS, MessageName.RISK_CHANGE, MessageName.PLAN, MessageName.CASE]
    ),
    name=st.sampled_from(list(InformationClass)),
    data=st.data(),
)
@settings(max_examples=120, deadline=None)
def test_outcome_never_widens_when_the_author_declares_another_class(
    message: MessageName, name: InformationClass, data: st.DataObject
) -> None:
    """A declared class joins the contract's own: the stricter of both counts, and no other field moves."""
    specs = LIBRARY.fields(message, "1.0")
    path = data.draw(st.sampled_from([spec.path for spec in specs]))
    envelope = Envelope(
        message_id=MessageId("a" * 32),
        message=message,
        contract="1.0",
        case=CASE.ref,
        organisation=OrganisationId("region"),
        author="st-9",
        author_role=Role.OFFENDER_MANAGER,
        statement=Statement.FACT,
        occurred_at=NOW,
        recorded_at=NOW,
        correlation="d" * 32,
        causation=None,
        digest="",
    )
    plain, declared = (
        decide(
            POLICY,
            envelope=replace(envelope, declared=stated),
            specs=specs,
            case=CASE,
            organisation=organisation_from(PARTY),
            candidate=Candidate(
                organisation=WORKER.organisation,
                role=Role.KEY_WORKER,
                persons=frozenset({"st-1"}),
                concern=Concern.TEAM,
            ),
            now=NOW,
            about="ref-1",
        )
        for stated in ({}, {path: name})
    )

    for one, other in zip(
        (f for f in plain.fields if not _is_general(specs, f.path)),
        (f for f in declared.fields if not _is_general(specs, f.path)),
        strict=True,
    ):
        assert other.outcome >= one.outcome
        assert other.path == path or other.outcome == one.outcome


def _is_general(specs: tuple[object, ...], path: str) -> bool:
    """Tell whether a path is that of a general sibling."""
    return any(getattr(spec, "is_general", False) and getattr(spec, "path", "") == path for spec in specs)


@pytest.mark.requirement("R-DIS-01")
def test_truth_is_three_valued_when_a_fact_is_not_known() -> None:
    """One clause known to fail settles it; otherwise what is not known leaves it open."""
    vector = [0b01, 0b10, 0]

    assert truth((), vector) is True
    assert truth(((0, 0b01), (1, 0b11)), vector) is True
    assert truth(((0, 0b01), (2, 0b01)), vector) is None
    assert truth(((2, 0b01), (1, 0b01)), vector) is False


@pytest.mark.requirement("R-DIS-01")
def test_organisation_is_read_from_its_control_record() -> None:
    """Rung and legal status are two facts; protocols have their classes and interval."""
    found = organisation_from({**PARTY, "sends": ["progress"], "kafka": ["risk-change"], "region": None})

    assert (found.rung, found.legal_status) == (2, "under_arrangements")
    assert found.sends == {MessageName.PROGRESS}
    assert found.protocols[0].classes == {InformationClass.RISK, InformationClass.CONTACT}


@pytest.mark.requirement("R-DEL-03")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "partnr"}, "organisation.kind: not one of its words; did you mean partner?"),
        ({"rung": 0}, "organisation.rung"),
        ({"rung": True}, "organisation.rung"),
        ({"name": " "}, "organisation.name"),
        ({"organisation": "Not OK"}, "organisation.organisation"),
        ({"purposes": "progress"}, "organisation.purposes: must be a list"),
        ({"sends": ["gossip"]}, "organisation.sends"),
        ({"prison": 7}, "organisation.prison"),
        ({"protocols": ["p"]}, "organisation.protocols"),
        ({"protocols": [{"name": "p", "since": "today"}]}, "organisation.protocols.since"),
        ({"protocols": [{"name": "p", "classes": ["gossip"], "since": 0}]}, "organisation.protocols.classes"),
        ({"rungs": 2}, "organisation.rungs: not a field of an organisation; did you mean rung?"),
    ],
)
def test_organisation_is_refused_by_field_when_its_record_is_wrong(
    change: dict[str, object], words: str
) -> None:
    """The error names the field, and the word that was probably meant."""
    with pytest.raises(ValueError, match="organisation") as caught:
        organisation_from({**PARTY, **change})

    assert words in str(caught.value)
