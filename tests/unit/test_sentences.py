"""Every rule is said in a sentence that leaves nothing of it out, and the page of them is up to date."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from hub.cli.policy import app
from hub.consent.decision import Outcome
from hub.consent.obligations import in_words
from hub.consent.rules import Clause, Effect, Rule, clause
from hub.consent.rules_page import reference, sections, sentences
from hub.consent.sentences import (
    DENIALS,
    ROLES,
    condition,
    field_in_words,
    gateway_of,
    name_of_basis,
    sentence_of,
)
from hub.consent.vocabulary import BASIS, FACTS, Fact, values_of
from hub.errors import NotConfigured
from hub.messages.envelope import InformationClass, Role
from tests.unit.consent_cases import POLICY

ROOT = Path(__file__).resolve().parents[2]
RULES = {rule.rule: rule for rules in sections(POLICY).values() for rule in rules}
SAID = sentences(POLICY)
NAMES = tuple(FACTS)


def conditions_on(fact: Fact) -> st.SearchStrategy[Clause]:
    """Draw conditions on one fact: any of its values, at least one."""
    values = st.lists(st.sampled_from(fact.domain), min_size=1, unique=True)
    return values.map(lambda some: clause(fact.name, *some))


CLAUSES = st.lists(
    st.sampled_from(list(FACTS.values())).flatmap(conditions_on),
    min_size=1,
    max_size=5,
    unique_by=lambda one: one[0],
)


def a_rule(clauses: tuple[Clause, ...], effect: Effect = Effect.PERMIT) -> Rule:
    """Return a rule with these conditions."""
    return Rule(
        rule="x",
        effect=effect,
        outcome=Outcome.DISCLOSE if effect is Effect.PERMIT else Outcome.WITHHOLD,
        information_class=InformationClass.RISK,
        clauses=clauses,
        reason="NEED-X",
        says="It is so.",
        tells="",
        owner="o",
        review_by="2027-01-01",
    )


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize("rule", RULES.values(), ids=[each.rule for each in RULES.values()])
def test_every_condition_of_every_rule_is_said(rule: Rule) -> None:
    """Who, which rung, each further condition, what of which messages, bases, handling, what is necessary."""
    said = SAID[rule.rule].text
    for slot, mask in rule.clauses:
        name, values = NAMES[slot], values_of(NAMES[slot], mask)
        if name == "role":
            assert all(ROLES[str(value)] in said for value in values)
        elif name == "rung":
            assert "on any rung" in said or all(
                f"{value}" in said.partition("on rung")[2] for value in values
            )
        elif name == "kind":
            assert all(str(value) in said for value in values)
        elif name == "legal_status":
            assert "legal status" in said
        else:
            assert condition(name, values) in said
    wanted = [
        *(field_in_words(entry).lower() for entry in rule.fields or ()),
        *(str(name) for name in rule.messages or ()),
        *(f"({arm.basis})" for arm in rule.arms),
        *(name_of_basis(arm.basis).lower() for arm in rule.arms),
        *(in_words(term).lower() for term in rule.caveats),
        rule.strictly_necessary.lower(),
        rule.says.lower(),
    ]
    assert [word for word in wanted if word not in said and word not in said.lower()] == []
    assert ("A guard" in said) is rule.guard
    assert ("whatever permits it" in said) is (rule.effect is not Effect.PERMIT)


@pytest.mark.requirement("R-DIS-08")
def test_no_two_rules_are_said_alike() -> None:
    """Two rules that read the same would be one."""
    assert len({said.text for said in SAID.values()}) == len(RULES)
    assert SAID.keys() == RULES.keys()


@pytest.mark.requirement("R-DIS-08")
@pytest.mark.parametrize("rule", RULES.values(), ids=[each.rule for each in RULES.values()])
def test_sentence_changes_when_a_condition_is_dropped(rule: Rule) -> None:
    """So no condition goes unsaid."""
    for index in range(len(rule.clauses)):
        without = replace(rule, clauses=rule.clauses[:index] + rule.clauses[index + 1 :])
        assert sentence_of(without).says != sentence_of(rule).says


@pytest.mark.requirement("R-DIS-08")
@given(clauses=CLAUSES, effect=st.sampled_from([Effect.PERMIT, Effect.FORBID]))
def test_any_rule_there_could_be_is_said_with_every_condition(clauses: list[Clause], effect: Effect) -> None:
    """Of any facts and values: without one of its conditions it reads otherwise, or it was no condition."""
    whole = a_rule(tuple(clauses), effect)
    for index in range(len(clauses)):
        less = a_rule(tuple(clauses[:index] + clauses[index + 1 :]), effect)
        assert sentence_of(less).says != sentence_of(whole).says


@pytest.mark.requirement("R-DIS-08")
@given(clauses=CLAUSES, data=st.data())
def test_another_value_reads_otherwise(clauses: list[Clause], data: st.DataObject) -> None:
    """Two rules that differ in what they allow of one fact are told apart by their sentences."""
    slot, mask = clauses[0]
    size = len(FACTS[NAMES[slot]].domain)
    other = data.draw(st.integers(1, (1 << size) - 1).filter(lambda each: each != mask))

    changed = a_rule(((slot, other), *clauses[1:]))
    assert sentence_of(changed).says != sentence_of(a_rule(tuple(clauses))).says


def test_every_yes_or_no_has_its_no_and_every_role_its_name() -> None:
    """A fact that is added is given its words, here and nowhere else."""
    assert DENIALS.keys() == {name for name, fact in FACTS.items() if fact.domain == (True, False)}
    assert ROLES.keys() == set(Role)
    assert all(DENIALS[name] != FACTS[name].says for name in DENIALS)


@pytest.mark.requirement("R-DIS-04")
def test_gateway_of_every_basis_is_said() -> None:
    """Only the duty to tell recipients is open always."""
    assert [code for code in BASIS if gateway_of(code) == "always open"] == ["DPA48"]
    assert (
        gateway_of("OMA14")
        == "its legal status is in house, under provider arrangements or listed by statute"
    )


@pytest.mark.requirement("R-DIS-08")
def test_sentence_reads_as_people_speak() -> None:
    """One by hand, so that the words stay words."""
    said = """
        Needs and risk information of the class risk (no sensitive fields) in referral messages are disclosed
        to an Offender Supervisor, Key Worker or service manager on rung 1 or 2 if it is on the team or has an
        open referral and the message is about a referral it provides. Basis: Data Protection Act 2018
        s.35(2)(b) (DPA35T), Offender Management Act 2007 s.14 (OMA14) or a named information-sharing protocol
        in force (DSP). Why: A provider within the service or under contract knows the risks it has to plan
        for. Handling: not to be passed on without the Offender Manager's agreement.
    """
    assert SAID["risk.referral"].text == " ".join(said.split())


@pytest.mark.requirement("R-DIS-08")
def test_page_of_rules_says_what_the_rules_say() -> None:
    """Where they differ, make it anew: hub policy show --markdown > docs/reference/policy-rules.md."""
    page = (ROOT / "docs" / "reference" / "policy-rules.md").read_text(encoding="utf-8")

    assert page == reference(POLICY)
    for rule_id, said in SAID.items():
        assert f"- `{rule_id}` ({RULES[rule_id].reason}). {said.text}" in page


@pytest.mark.requirement("R-DIS-08")
def test_policy_owner_reads_the_rules_on_the_command_line() -> None:
    """All of them, one with its owner and what recipients may read, or the page."""
    every = CliRunner().invoke(app, ["show"], catch_exceptions=False).output
    assert all(f"  {rule_id}\n" in every for rule_id in RULES)

    one = CliRunner().invoke(app, ["show", "victim.conditions-protocol"], catch_exceptions=False).output
    assert "Head of Public Protection" in one
    assert "Shared under MAPPA and our protocol with you." in one

    assert CliRunner().invoke(app, ["show", "--markdown"], catch_exceptions=False).output == reference(POLICY)
    with pytest.raises(NotConfigured, match=r"did you mean victim\.conditions-protocol"):
        CliRunner().invoke(app, ["show", "victim.condition-protocol"], catch_exceptions=False)
