"""Explaining one decision: clause by clause, and by the steps that come after the rules."""

from __future__ import annotations

import pytest

from hub.consent.decision import Decision, Outcome
from hub.consent.explain import Explained, FieldExplained, Step, explain
from hub.consent.why_not import why_not
from hub.messages.envelope import InformationClass, MessageName, Role
from tests.unit.consent_cases import LIBRARY, POLICY, RUNG_2, ask, field

NOTE = "note"
ABOUT = f"ref-{RUNG_2}"
SPECS = LIBRARY.fields(MessageName.PROGRESS, "1.0")


def told(**changes: object) -> Decision:
    """Ask what a Key Worker may know of progress on its own referral that somebody else wrote."""
    return ask(MessageName.PROGRESS, Role.KEY_WORKER, RUNG_2, about=ABOUT, **changes)  # type: ignore[arg-type]


def explained(decision: Decision, path: str) -> FieldExplained:
    """Explain one field from the ledger alone."""
    found: Explained = explain(POLICY, decision, SPECS)
    return next(each for each in found.fields if each.path == path)


@pytest.mark.requirement("R-DIS-08")
def test_each_clause_says_what_the_fact_was_and_what_the_rule_wanted() -> None:
    """The consent that was lacking stands there by name, with its value then."""
    decision = told(declared={NOTE: InformationClass.HEALTH})
    found = explained(decision, NOTE)
    assert found.outcome is Outcome.WITHHOLD
    rule = next(each for each in found.rules if each.rule == "health.guard-consent")
    assert rule.fired
    assert rule.guard
    clause = next(each for each in rule.clauses if each.fact == "consent.health")
    assert (clause.value, clause.holds, clause.says) == (
        "none",
        True,
        "the person's consent for the class",
    )
    permit = next(
        each
        for each in found.rules
        if each.information_class is InformationClass.HEALTH
        and any(basis.code == "CONSENT" for basis in each.bases)
        and any(clause.holds is False for basis in each.bases for clause in basis.clauses)
    )
    assert not permit.fired


@pytest.mark.requirement("R-DIS-08")
def test_a_reason_is_said_in_the_words_of_the_rule_that_decided() -> None:
    """Several rules share a code; the words of another one would explain something else."""
    for each in explain(POLICY, told(), SPECS).fields:
        if each.decided_by:
            own = {rule.says for rule in each.rules if rule.rule in each.decided_by}
            assert each.says in own, each.path


@pytest.mark.requirement("R-DIS-08")
def test_a_class_the_author_declared_is_found_without_the_message_at_hand() -> None:
    """Where only the ledger is left, the class that decided is still named; with the message it is known."""
    plain = told()
    assert field(plain, NOTE).outcome is Outcome.DISCLOSE
    declared = {NOTE: InformationClass.HEALTH}
    decision = told(declared=declared)
    found = explained(decision, NOTE)
    assert found.step is Step.DECLARED
    assert "health" in found.note
    known = explain(POLICY, decision, SPECS, declared=declared)
    assert next(each.step for each in known.fields if each.path == NOTE) is Step.RULES
    assert InformationClass.HEALTH in next(each.classes for each in known.fields if each.path == NOTE)


@pytest.mark.requirement("R-DIS-08")
def test_a_text_that_names_what_is_held_back_is_said_to_have_decided() -> None:
    """The rules would let it go; the step after them is named, and no change of facts is offered."""
    held = next(
        each
        for each in told().fields
        if each.outcome is Outcome.WITHHOLD and not each.path.startswith("@") and "[]" not in each.path
    )
    payload: dict[str, object] = {spec.path: None for spec in SPECS if "." not in spec.path}
    payload |= {NOTE: "Said that Robin Example came along", held.path: "Robin Example", "kind": "SESSION"}
    decision = told(payload=payload)
    assert field(decision, NOTE).reason == "GUARD-NAMED-IN-TEXT"
    found = explained(decision, NOTE)
    assert (found.step, found.by_rules) == (Step.SCREEN, Outcome.DISCLOSE)
    answer = why_not(POLICY, decision, SPECS, NOTE)
    assert answer.sets == ()
    assert [each.reason for each in answer.obstacles] == ["GUARD-NAMED-IN-TEXT"]


@pytest.mark.requirement("R-DIS-08")
def test_a_field_there_is_not_is_no_field_that_is_withheld() -> None:
    """A slip of the pen is told."""
    with pytest.raises(KeyError, match="notes"):
        why_not(POLICY, told(), SPECS, "notes")
