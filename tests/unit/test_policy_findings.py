"""What is odd about a policy is reported by name, with a state that shows it, and can be accepted."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from hub.cli.policy import app
from hub.consent.compile import compile_policy
from hub.consent.findings import Finding, find
from hub.errors import NotConfigured
from hub.topics.policy_files import POLICY
from tests.unit.test_consent_rules import DOCUMENTS, changed, without

TODAY = "2026-11-26"
RISK: Any = DOCUMENTS["risk"]
TIER = next(rule for rule in RISK["rules"] if rule["id"] == "risk.tier")


def found(documents: dict[str, Any], today: str = TODAY) -> dict[str, Finding]:
    """Return what is odd and not accepted, by name."""
    policy = compile_policy(documents, version="test")
    return {each.name: each for each in find(policy, today=today) if not each.accepted}


def also(name: str, **rule: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of it
    """Return the documents with one more rule, like the one on the tier."""
    documents: dict[str, Any] = copy.deepcopy(DOCUMENTS)
    documents[name]["rules"].append({**TIER, **rule})
    return documents


@pytest.mark.requirement("R-DIS-06")
def test_the_policy_that_comes_with_the_hub_has_no_finding_that_is_not_explained() -> None:
    """What its owners accept, they accept with a reason."""
    assert found(DOCUMENTS) == {}


@pytest.mark.requirement("R-DIS-06")
@pytest.mark.parametrize(
    ("name", "documents"),
    [
        (
            "never-fires risk.never",
            also("risk", id="risk.never", when={"on_team": True, "engaged": False}, fields=["ppo"]),
        ),
        ("changes-nothing risk.twice", also("risk", id="risk.twice")),
        (
            "condition-changes-nothing risk.tier tier",
            changed("risk", "risk.tier", when={**TIER["when"], "tier": [1, 2, 3, 4]}),
        ),
        (
            "guard-needed victim.guard-identity",
            changed("victim", "victim.conditions-protocol", fields=["victim_conditions", "victim_name"]),
        ),
        ("guard-needed contact.om-threatened", changed("contact", "contact.om-threatened", guard=True)),
        ("changes-nothing victim.guard-identity", changed("victim", "victim.guard-identity", guard=None)),
        (
            "less-trust-more identity.line-manager legal_status",
            changed(
                "identity",
                "identity.line-manager",
                when={"role": "line_manager", "kind": "probation", "legal_status": "listed"},
            ),
        ),
        (
            "accepts-nothing changes-nothing risk.gone",
            {
                **DOCUMENTS,
                "risk": {
                    **RISK,
                    "accepts": [{"finding": "changes-nothing risk.gone", "reason": "wanted once"}],
                },
            },
        ),
    ],
)
def test_what_is_odd_is_found_by_name(name: str, documents: dict[str, Any]) -> None:
    """A rule or condition that decides nothing, a guard that does, more for less trust, a stale excuse."""
    assert name in found(documents)
    assert name.split()[1] in found(documents)[name].sentence


@pytest.mark.requirement("R-DIS-06")
def test_a_guard_that_is_gone_is_no_finding_and_two_guards_may_double_the_same() -> None:
    """Guards are weighed against the rules that are none."""
    assert found(without(DOCUMENTS, "victim", "victim.guard-protocol")) == {}


@pytest.mark.requirement("R-DIS-08")
def test_a_rule_past_its_review_date_is_named_with_its_owner() -> None:
    """On the day itself it is not yet overdue."""
    assert found(DOCUMENTS, today="2027-03-31") == {}
    overdue = found(DOCUMENTS, today="2027-04-01")

    assert "Head of Public Protection" in overdue["past-review victim.manager"].sentence
    assert len(overdue) == compile_policy(DOCUMENTS, version="test").proof.rules


@pytest.mark.requirement("R-DIS-06")
def test_policy_owner_reads_the_findings_and_is_stopped_by_one_in_strict(tmp_path: Path) -> None:
    """`check` prints what is odd; with `--strict` it leaves with 4 unless all of it is accepted."""
    assert CliRunner().invoke(app, ["check", "--strict"], catch_exceptions=False).exit_code == 0
    folder = tmp_path / "policy"
    shutil.copytree(POLICY, folder)
    (folder / "risk.yaml").write_text(yaml.safe_dump(also("risk", id="risk.twice")["risk"]))

    plain = CliRunner().invoke(app, ["check", "--policy", str(folder)], catch_exceptions=False)
    strict = CliRunner().invoke(
        app, ["check", "--policy", str(folder), "--strict", "--json"], catch_exceptions=False
    )

    assert (plain.exit_code, strict.exit_code) == (0, 4)
    assert "finding   changes-nothing risk.twice" in plain.output
    names = {each["about"] for each in json.loads(strict.output)["findings"]}
    assert "risk.twice" in names


@pytest.mark.requirement("R-DIS-06")
def test_policy_owner_proves_one_invariant_and_is_shown_the_state_that_breaks_it(tmp_path: Path) -> None:
    """`prove` says states, time and whether it holds; a counterexample makes it leave with 4."""
    one = CliRunner().invoke(app, ["prove", "--invariant", "rung-narrows", "--json"], catch_exceptions=False)
    (proved,) = json.loads(one.output)
    assert proved["holds"]
    assert proved["states"] > 1_000_000
    folder = tmp_path / "policy"
    shutil.copytree(POLICY, folder)
    (folder / "gates.yaml").write_text(
        yaml.safe_dump(without(DOCUMENTS, "gates", "everywhere.confidential")["gates"])
    )

    broken = CliRunner().invoke(app, ["prove", "--policy", str(folder)], catch_exceptions=False)

    assert broken.exit_code == 4
    assert "BREAKS  confidential-withheld" in broken.output
    assert "For example with" in broken.output
    with pytest.raises(NotConfigured, match="did you mean rung-narrows"):
        CliRunner().invoke(app, ["prove", "--invariant", "rung-narow"], catch_exceptions=False)
