"""What a change of policy changes: every cell that differs, and whether more could go in any state at all."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from hub.cli.console import EXIT_NOT_VALID
from hub.cli.policy import app
from hub.consent.compile import Policy, canonical, compile_policy, read_rules
from hub.consent.decision import Outcome
from hub.consent.evaluate import evaluate
from hub.consent.looseness import USUAL
from hub.consent.matrix import cells
from hub.consent.openings import NOT_KNOWN, opening
from hub.consent.policy_diff import Direction, PolicyDiff, diff
from hub.consent.prove import lets_more_go
from hub.consent.vocabulary import FACTS, Fact
from hub.errors import NotConfigured
from hub.messages.envelope import InformationClass, MessageName, Role, Subject
from hub.topics.policy_files import POLICY, folder_policy
from tests.unit import released as made

OLD = folder_policy()
UNKNOWN, DROPPED = 0.1, 0.7


def policy(documents: dict[str, Any]) -> Policy:
    """Compile changed rules."""
    return compile_policy(documents, version="2")


def directions(found: PolicyDiff) -> dict[str, set[Direction]]:
    """Return which ways were shown, by class."""
    shown: dict[str, set[Direction]] = {}
    for each in found.statements:
        shown.setdefault(each.where, set()).add(each.direction)
    return shown


@pytest.mark.requirement("R-DIS-08")
def test_nothing_differs_between_equal_rules_whatever_they_are_called() -> None:
    """A version is a name, not a rule."""
    found = diff(OLD, policy(made.rules()))
    assert (found.cells, found.statements, found.rules, found.widens) == ((), (), (), False)
    assert found.old != found.new


@pytest.mark.requirement("R-DIS-02", "R-DIS-08")
def test_every_cell_that_differs_is_found_and_no_other() -> None:
    """Held against the two matrices, cell by cell: a mainstream service gets what a purchased one does."""
    when = {"role": ["key_worker", "service_manager"], "engaged": True, "rung": [1, 2, 3]}
    new = policy(made.rules(identity__provider_purchased={"when": when}))
    found = diff(OLD, new)

    def table(of: Policy) -> dict[tuple[object, ...], tuple[object, ...]]:
        return {
            (c.information_class, c.field, c.role, c.rung, c.purpose): (c.outcome, *sorted(c.changes.items()))
            for c in cells(of)
        }

    before, after = table(OLD), table(new)
    wanted = {key for key in before if before[key] != after[key]}
    got = {(c.information_class, c.field, c.role, c.rung, c.purpose) for c in found.cells}
    assert got == wanted
    assert {(c.field, c.role, c.rung) for c in found.cells} == {
        (field, role, 3)
        for field in ("noms_number", "crn")
        for role in (Role.KEY_WORKER, Role.SERVICE_MANAGER)
    }
    assert all(c.widens and c.situations[USUAL][1] is Outcome.DISCLOSE for c in found.cells)
    assert found.widens


@pytest.mark.requirement("R-DIS-08")
def test_what_the_cells_leave_out_is_shown_by_state() -> None:
    """A caveat is in no cell and in no state, but among the rules; a tier is in no cell, but in a state."""
    found = diff(OLD, policy(made.rules(contact__staff={"caveats": None})))
    assert (found.cells, found.statements) == ((), ())
    assert [(each.rule, each.changed) for each in found.rules] == [("contact.staff", ("caveats",))]

    narrowed = made.rules(health__safer_community={"when": when("health.safer-community", tier=[4])})
    found = diff(OLD, policy(narrowed))
    assert directions(found) == {"health": {Direction.LESS}}
    assert not found.widens
    found = diff(policy(narrowed), OLD)
    assert directions(found) == {"health": {Direction.MORE}}
    assert found.widens
    (said,) = found.statements
    assert said.sentence.startswith("health: more goes than before, for example of ")
    assert "tier 1" in said.sentence


def when(rule: str, **facts: object) -> dict[str, object]:
    """Return the conditions of a rule with one more, or another."""
    for document in made.rules().values():
        for each in document.get("rules", ()):
            if each["id"] == rule:
                return {**each["when"], **facts}
    raise AssertionError(rule)


@pytest.mark.requirement("R-DIS-01", "R-DIS-08")
def test_what_opens_only_where_a_fact_is_not_known_is_shown() -> None:
    """Two permits, for relevant messages and for others, are one for all but where nobody knows which."""
    split = made.rules()
    rule = next(r for r in split["health"]["rules"] if r["id"] == "health.manager")
    other = {**rule, "id": "health.manager-else", "when": {**rule["when"], "relevant": False}}
    rule["when"] = {**rule["when"], "relevant": True}
    split["health"]["rules"].append(other)
    found = diff(policy(split), OLD)
    assert directions(found) == {"health": {Direction.MORE}}
    assert (found.cells, found.widens) == ((), True)
    assert "relevant not known" in found.statements[0].state
    assert directions(diff(OLD, policy(split))) == {"health": {Direction.LESS}}


@pytest.mark.requirement("R-DIS-01", "R-DIS-06")
def test_opening_agrees_with_the_prover_where_all_is_known() -> None:
    """Of every selection of rules, without one of them: a state is found by both or by neither."""
    compared = 0
    for name, field in product(InformationClass, ("victim_name", "note", "@author")):
        rules = OLD.rules_for((MessageName.PROGRESS, name, Subject.PERSON, False, field))
        for number in range(len(rules)):
            fewer = (*rules[:number], *rules[number + 1 :])
            for one, two in ((rules, fewer), (fewer, rules)):
                found = opening(one, two)
                if lets_more_go(one, two) is not None:
                    assert found is not None
                    assert (NOT_KNOWN,) not in found.values()
                elif found is not None:
                    assert (NOT_KNOWN,) in found.values()
                compared += 1
    assert compared > 100


@pytest.mark.requirement("R-DIS-06", "R-DIS-08")
def test_a_gate_that_opens_lets_more_go_though_no_cell_differs() -> None:
    """An added gate holds back; taken away again, it lets go; so does a message whose keys may go alone."""
    documents = made.rules()
    gate = {
        "id": "gate.tier-unknown",
        "effect": "forbid",
        "messages": ["progress"],
        "when": {"tier": [4]},
        "reason": "HOLD-TIER",
        "says": "Progress on cases of the highest tier waits.",
    }
    documents["gates"]["gates"].append(gate)
    closed = policy(documents)
    assert directions(diff(OLD, closed)) == {"gates": {Direction.LESS}}
    opened = diff(closed, OLD)
    assert opened.widens
    assert opened.cells == ()
    (statement,) = opened.statements
    assert (statement.of, statement.kinds) == ("any progress", 1)
    assert "tier 4" in statement.state

    documents = made.rules()
    documents["gates"]["keys_inform"].remove("case")
    fewer = policy(documents)
    assert directions(diff(OLD, fewer)) == {"gates": {Direction.LESS}}
    assert directions(diff(fewer, OLD)) == {"gates": {Direction.MORE}}


@pytest.mark.requirement("R-DIS-07", "R-DIS-08")
def test_a_longer_override_is_a_widening_and_one_for_nobody_a_narrowing() -> None:
    """What may be opened beyond the rules is part of what may go."""
    longer, gone = made.rules(), made.rules()
    longer["gates"]["overrides"][0]["days_max"] += 1
    gone["gates"]["overrides"] = gone["gates"]["overrides"][1:]
    found = diff(OLD, policy(longer))
    assert directions(found) == {"overrides": {Direction.MORE}}
    assert (found.cells, found.widens) == ((), True)
    (said,) = found.statements
    assert said.state == "another bound of days_max"
    assert directions(diff(OLD, policy(gone))) == {"overrides": {Direction.LESS}}


@pytest.mark.requirement("R-DIS-06", "R-DIS-08")
@pytest.mark.parametrize("seed", range(12))
def test_what_random_states_show_the_statements_have_said(seed: int) -> None:
    """Rules with a condition dropped or one taken away: whatever a state opens or closes was said."""
    chance = Random(seed)  # noqa: S311 - a test, not a secret
    new = unproved(_mutated(chance))
    said = directions(diff(OLD, new))
    seen: dict[str, set[Direction]] = {}
    for _ in range(4_000):
        name = chance.choice(list(InformationClass))
        field = chance.choice([entry for r in OLD.rules[name] for entry in r.fields or ()] or ["x"])
        key = (
            chance.choice(list(MessageName)),
            name,
            chance.choice(list(Subject)),
            chance.random() < 0.5,
            field,
        )
        vector = [_bit(chance, fact) for fact in FACTS.values()]
        before = evaluate(OLD.rules_for(key), vector).outcome
        after = evaluate(new.rules_for(key), vector).outcome
        if before is not after:
            seen.setdefault(name, set()).add(Direction.MORE if after < before else Direction.LESS)
    assert all(ways <= said.get(name, set()) for name, ways in seen.items())


def _bit(chance: Random, fact: Fact) -> int:
    if fact.may_be_unknown and chance.random() < UNKNOWN:
        return 0
    return 1 << chance.randrange(len(fact.domain))


def _mutated(chance: Random) -> dict[str, Any]:
    """Return rules that are still well formed, two of them changed."""
    documents = made.rules()
    rules = [rule for document in documents.values() for rule in document.get("rules", ())]
    for rule in chance.sample(rules, 2):
        when = rule.get("when", {})
        if when and chance.random() < DROPPED:
            when.pop(chance.choice(sorted(when)))
        else:
            for document in documents.values():
                if rule in document.get("rules", ()):
                    document["rules"].remove(rule)
    return documents


def unproved(documents: dict[str, Any]) -> Policy:
    """Read changed rules that may break any invariant."""
    read, rules = read_rules(json.loads(canonical(documents)))
    return replace(OLD, version="2", gates=tuple(read.gates), rules=rules, selected={}, interned={})


def run(*arguments: object) -> Result:
    """Run `hub policy diff`."""
    return CliRunner().invoke(app, ["diff", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """The hub's own rules, one of them wider, in a folder."""
    folder = shutil.copytree(POLICY, tmp_path / "changed")
    wider = when("identity.provider-purchased", rung=[1, 2, 3])
    document = made.rules(identity__provider_purchased={"when": wider})["identity"]
    (folder / "identity.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return folder


@pytest.mark.requirement("R-DIS-08")
def test_policy_owner_reads_the_difference_as_text_markdown_or_json(changed: Path) -> None:
    """Differences are no fault; that more would go is one where it was asked for."""
    text = run(POLICY, changed)
    assert text.exit_code == 0
    assert "identity: noms_number, key worker (rung 3): withheld, now disclosed" in text.output
    assert "identity: more goes than before" in text.output
    assert "identity.provider-purchased: changed (when)" in text.output
    assert (
        "| identity | crn | key worker (rung 3) | every purpose |"
        in run(POLICY, changed, "--markdown").output
    )
    found = json.loads(run(POLICY, changed, "--json").output)
    assert found["widens"] is True
    assert {cell["field"] for cell in found["cells"]} == {"noms_number", "crn"}
    assert run(POLICY, changed, "--widening-fails").exit_code == EXIT_NOT_VALID
    assert run(changed, POLICY, "--widening-fails").exit_code == 0
    assert "Nothing differs." in run(POLICY, POLICY).output


@pytest.mark.requirement("R-DIS-08")
def test_rules_are_compared_with_a_revision_and_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    """Also the rules of a checkout as they were."""
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 - the git on the path
        capture_output=True,
        text=True,
        check=True,
        cwd=POLICY,
    ).stdout.strip()
    assert run(revision, revision).exit_code == 0
    with pytest.raises(NotConfigured, match="OLD: no-such-revision is no folder"):
        run("no-such-revision", POLICY)
    file = tmp_path / "rules.yaml"
    file.write_text("rules: []\n", encoding="utf-8")
    with pytest.raises(NotConfigured, match="is a file"):
        run(file, POLICY)
