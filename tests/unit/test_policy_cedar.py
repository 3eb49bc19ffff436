"""The rules in Cedar: valid for Cedar's own tools, readable, and complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cedarpy
import pytest
from typer.testing import CliRunner

from hub.cli.policy import app
from hub.consent import cedar
from hub.consent.decision import Outcome, Scope
from hub.consent.rules import Effect
from hub.consent.vocabulary import FACTS, Value
from hub.messages.envelope import InformationClass, MessageName, Subject
from tests.unit.consent_cases import POLICY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REPORT = (MessageName.RISK_CHANGE, InformationClass.RISK, Subject.PERSON, False, "staff_safety")


@pytest.mark.requirement("R-DIS-06")
def test_cedar_finds_nothing_wrong_with_the_exported_rules() -> None:
    """Every attribute is in the schema, asked for with `has` before it is used, and of the right type."""
    found = cedarpy.validate_policies(cedar.policies(POLICY), cedar.schema())

    assert found.errors == []
    assert found.validation_passed
    assert cedarpy.format_policies(cedar.policies(POLICY))


@pytest.mark.requirement("R-DIS-06")
def test_cedar_refuses_a_rule_that_asks_for_what_may_be_absent() -> None:
    """The check above can fail."""
    careless = 'permit (principal, action, resource) when { principal.role == "key_worker" };'

    assert not cedarpy.validate_policies(careless, cedar.schema()).validation_passed


@pytest.mark.requirement("R-DIS-06")
def test_every_rule_and_every_basis_of_a_permit_is_exported_once() -> None:
    """One policy per rule that holds back, one per arm of a permit."""
    text = cedar.policies(POLICY)
    rules = {rule.rule: rule for own in (POLICY.gates, *POLICY.rules.values()) for rule in own}

    for name, rule in rules.items():
        wanted = len(rule.arms) if rule.effect is Effect.PERMIT else 1
        assert text.count(f'@rule("{name}")\n') == wanted
    assert text.startswith(f"// The need-to-know rules {POLICY.name}")


@pytest.mark.requirement("R-DIS-01")
def test_a_fact_that_is_not_known_opens_nothing_in_cedar_and_closes_what_it_might() -> None:
    """The same recipient gets it with all facts, not without one a permit asks for, nor without a gate's."""
    facts: dict[str, Value | None] = {
        **{name: fact.domain[0] for name, fact in FACTS.items()},
        "role": "key_worker",
        "kind": "partner",
        "rung": 2,
        "legal_status": "under_arrangements",
        "excluded": False,
        "limited": False,
    }
    own: dict[str, Value | None] = {
        "confidential": False,
        "protocol": False,
        "consent": "none",
        "court_order": False,
        "override": False,
    }

    assert outcome(facts, own) is Outcome.DISCLOSE
    assert outcome({**facts, "engaged": None}, own) is Outcome.WITHHOLD
    assert outcome({**facts, "excluded": None}, own) is Outcome.WITHHOLD
    assert outcome(facts, {**own, "confidential": None}) is Outcome.WITHHOLD


def outcome(facts: Mapping[str, Value | None], own: Mapping[str, Value | None]) -> Outcome:
    """Ask Cedar what goes of the note on staff safety in a risk change."""
    kind = cedar.KindOfField(key=REPORT, scope=Scope.ALL)
    entities = [cedar.recipient("r", facts), cedar.kind(POLICY, "k", kind, own)]
    requests = [
        {"principal": 'Recipient::"r"', "action": f'Action::"{name}"', "resource": 'Kind::"k"', "context": {}}
        for name in cedar.ACTIONS.values()
    ]
    answers = cedarpy.is_authorized_batch(requests, cedar.policies(POLICY), entities, cedar.schema())
    return next((o for o, a in zip(cedar.ACTIONS, answers, strict=True) if a.allowed), Outcome.WITHHOLD)


@pytest.mark.requirement("R-DIS-08")
def test_policy_owner_exports_the_rules_to_a_folder_or_reads_them(tmp_path: Path) -> None:
    """Both files are written; without a folder the policies are shown."""
    written = CliRunner().invoke(app, ["cedar", "--out", str(tmp_path / "out")], catch_exceptions=False)
    shown = CliRunner().invoke(app, ["cedar"], catch_exceptions=False)

    assert written.exit_code == shown.exit_code == 0
    policies = (tmp_path / "out" / "hub.cedar").read_text(encoding="utf-8")
    schema = (tmp_path / "out" / "hub.cedarschema").read_text(encoding="utf-8")
    assert cedarpy.validate_policies(policies, schema).validation_passed
    assert '@rule("victim.guard-identity")' in shown.output
