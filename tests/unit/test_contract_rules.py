"""Every rule a check can name is explained, on its page too, and is named by some check."""

from __future__ import annotations

import ast
import re
from itertools import chain
from pathlib import Path

import pytest

from hub.topics.avro import compatibility
from hub.topics.avro.parse import parse
from hub.topics.gates.classes import class_gate
from hub.topics.gates.rules import COMPATIBILITY_RULES, GROUPS, RULES, reference
from hub.topics.gates.semantics import semantic_gate
from tests.unit.cell_oracle import POLICY
from tests.unit.contract_mutations import class_mutations, contracts, relabellings, semantic_mutations

ROOT = Path(__file__).resolve().parents[2]
NAMERS = [
    file
    for file in (ROOT / "hub").rglob("*.py")
    if file.name not in {"rules.py", "findings.py"}
    and ("findings import" in file.read_text(encoding="utf-8") or file.parent.name == "gates")
]
RULE = re.compile(r"[A-Z]+(?:-[A-Z]+)*")


def named(file: Path) -> set[str]:
    """Rules that a file names: capitals given as `rule`, or first or second in a call or a tuple."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    constants = {
        each.targets[0].id: each.value
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)
    }
    said: list[ast.expr] = []
    for node in ast.walk(tree):
        # Of an argument the name is in capitals, too.
        if isinstance(node, ast.Call) and ast.unparse(node.func) != "WrongArgument":
            said += [*node.args[:2], *(each.value for each in node.keywords if each.arg == "rule")]
        elif isinstance(node, ast.Tuple):
            said += node.elts[:2]
    either = [(each.body, each.orelse) if isinstance(each, ast.IfExp) else (each,) for each in said]
    meant = (constants.get(each.id) if isinstance(each, ast.Name) else each for each in chain(*either))
    texts = (each.value for each in meant if isinstance(each, ast.Constant))
    return {each for each in texts if isinstance(each, str) and len(each) > 1 and RULE.fullmatch(each)}


@pytest.mark.requirement("R-MSG-12")
def test_every_rule_a_check_names_is_explained_and_none_is_explained_that_is_never_named() -> None:
    """Wherever findings are made in the hub; Avro's own are in their enumeration."""
    own = set().union(*map(named, NAMERS))
    assert own == RULES.keys() - COMPATIBILITY_RULES.keys()
    assert COMPATIBILITY_RULES.keys() == {each.value for each in compatibility.Rule}


def test_page_says_what_the_table_says() -> None:
    """Each rule with its sentence and its weights."""
    page = (ROOT / "docs" / "reference" / "contract-rules.md").read_text(encoding="utf-8")
    assert page == reference()
    for rule, told in RULES.items():
        assert f"| `{rule}` | {told.says} | {', '.join(told.weights)} |" in page


def test_no_rule_stands_in_two_groups_and_each_is_one_sentence() -> None:
    """An id means one thing."""
    assert sum(map(len, GROUPS.values())) == len(RULES)
    for told in RULES.values():
        assert told.says.endswith(".")
        assert told.weights


def test_gates_weigh_findings_as_the_table_says() -> None:
    """Whatever is done to the largest contract."""
    schema = max(contracts().values(), key=lambda each: len(str(each)))
    mutations = [
        *class_mutations(schema),
        *(each for each, _ in relabellings(schema)),
        *semantic_mutations(schema),
    ]
    for each in mutations:
        old, new = parse(each.old), parse(each.new)
        findings = class_gate(old, new, policy=POLICY, schema="x"), semantic_gate(old, new, schema="x")
        for found in chain.from_iterable(findings):
            assert found.weight in RULES[found.rule].weights, found
            assert re.fullmatch(r"[A-Z0-9].*[^.]\.", found.what), found
            assert found.fix
