"""Our reading and comparing of schemas, against Avro Java 1.12.2 itself: on a table and on random pairs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.topics.avro.canonical import normalised
from hub.topics.avro.compatibility import Rule, check
from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.modes import Mode, compare
from hub.topics.avro.parse import parse, parse_text
from hub.topics.avro.schema import Type
from tests.contract.avro.edge_texts import TEXTS
from tests.contract.avro.random_schemas import RandomSchemas
from tests.contract.avro.reference import Pair, Verdict, judge

# Maven may have to fetch Avro first.
pytestmark = pytest.mark.timeout(300)

SEED = 20_260_801
RANDOM_PAIRS = 12_000
TABLE: Mapping[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "avro" / "evolutions.yaml").read_text(encoding="utf-8")
)
Judged = tuple[Pair, Verdict, Verdict]
"""A pair, our verdict and Java's."""


def ours(old: str, new: str) -> tuple[Pair, Verdict]:
    """What this project says of two texts."""
    older, newer = taken(old), taken(new)
    written = None if newer is None else again(newer)
    verdict = Verdict(
        "refused" if older is None else "taken",
        "refused" if newer is None else "taken",
        reads(newer, older),
        reads(older, newer),
        "-" if written is None else "same",
    )
    return Pair(old, new, written), verdict


def taken(text: str) -> Type | None:
    """The schema, None if it is refused."""
    try:
        return parse_text(text)
    except SchemaRefused:
        return None


def again(kind: Type) -> str | None:
    """The normalised form of a schema, None if it has none."""
    try:
        return json.dumps(normalised(kind), allow_nan=False)
    except SchemaRefused:
        return None


def reads(reader: Type | None, writer: Type | None) -> str:
    """Whether one reads the other, in the words of the reference."""
    if reader is None or writer is None:
        return "-"
    rules = {found.rule for found in check(reader, writer)}
    return "ambiguous" if Rule.ALIAS_AMBIGUOUS in rules else "no" if rules else "yes"


@pytest.fixture(scope="module")
def judged() -> Callable[[str], list[Judged]]:
    """Every pair there is, by where it comes from, judged by us and in one run of Java."""
    made = RandomSchemas(SEED)
    texts = {
        "random": [made.pair() for _ in range(RANDOM_PAIRS)],
        "table": [(json.dumps(row["old"]), json.dumps(row["new"])) for row in TABLE["evolutions"]],
        "chains": [
            (json.dumps(older), json.dumps(chain["versions"][-1]))
            for chain in TABLE["chains"]
            for older in chain["versions"][:-1]
        ],
        "edges": [(text, text) for text in TEXTS],
    }
    asked = [(source, *ours(*pair)) for source, pairs in texts.items() for pair in pairs]
    java = judge([pair for _, pair, _ in asked])
    found = [(source, (pair, mine, theirs)) for (source, pair, mine), theirs in zip(asked, java, strict=True)]
    return lambda wanted: [each for source, each in found if source == wanted]


def different(pairs: list[Judged]) -> list[Judged]:
    """The pairs of which we do not say what Java says."""
    return [(pair, mine, java) for pair, mine, java in pairs if mine != java]


@pytest.mark.parametrize("source", ["random", "table", "chains", "edges"])
def test_we_take_and_refuse_and_judge_as_avro_java_does(
    judged: Callable[[str], list[Judged]], source: str
) -> None:
    pairs = judged(source)
    assert pairs
    assert different(pairs) == []


def test_the_random_pairs_are_of_every_kind(judged: Callable[[str], list[Judged]]) -> None:
    java = [verdict for _, _, verdict in judged("random")]
    shares = {
        "parsed": Counter(word for verdict in java for word in (verdict.old, verdict.new)),
        "judged": Counter(word for verdict in java for word in (verdict.backward, verdict.forward)),
    }
    # Shown with -s, and where this fails.
    sys.stdout.write(f"{shares}\n")
    assert len(java) >= 10_000
    directed = 2 * len(java)
    assert shares["parsed"]["taken"] > 0.6 * directed
    assert shares["parsed"]["refused"] > 0.1 * directed
    assert shares["judged"]["yes"] > 0.3 * directed
    assert shares["judged"]["no"] > 0.15 * directed
    assert shares["judged"]["ambiguous"] > 0.02 * directed


def test_the_edges_lie_on_both_sides(judged: Callable[[str], list[Judged]]) -> None:
    sides = Counter(verdict.new for _, _, verdict in judged("edges"))
    assert min(sides["taken"], sides["refused"]) > 60


def test_a_schema_normalised_is_the_same_schema_to_java(judged: Callable[[str], list[Judged]]) -> None:
    said = Counter(verdict.normalised for _, _, verdict in judged("random") if verdict.new == "taken")
    assert said["other"] == 0
    # The rest cannot be said with each name defined where it is first used.
    assert said["-"] < 0.001 * said["same"]


@pytest.mark.parametrize("row", TABLE["evolutions"], ids=lambda row: f"{row['id']} {row['what']}")
def test_each_evolution_is_judged_as_the_table_says(row: dict[str, Any]) -> None:
    older = parse(row["old"])
    if row["backward"] == "refused":
        with pytest.raises(SchemaRefused):
            parse(row["new"])
        return
    newer = parse(row["new"])
    backward, forward = check(newer, older), check(older, newer)
    assert ("no" if backward else "yes", "no" if forward else "yes") == (row["backward"], row["forward"])


@pytest.mark.parametrize("chain", TABLE["chains"], ids=lambda chain: f"{chain['id']} {chain['what']}")
def test_each_chain_of_versions_is_judged_as_the_table_says(chain: dict[str, Any]) -> None:
    *older, new = [(str(number), parse(schema)) for number, schema in enumerate(chain["versions"])]
    said = {mode.value: "no" if compare(new[1], older, mode) else "yes" for mode in Mode}
    assert said == chain["modes"]


def test_the_table_is_long_and_has_chains_that_only_a_transitive_mode_stops() -> None:
    assert len(TABLE["evolutions"]) >= 120
    assert any(
        chain["modes"]["FULL"] == "yes" and chain["modes"]["FULL_TRANSITIVE"] == "no"
        for chain in TABLE["chains"]
    )
