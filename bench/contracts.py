"""What contracts cost: the guard walk, cutting views, comparing schemas. Asserts no time.

Everything on bytes is given as a ratio to fastavro decoding the same 600-byte record in the same run, so
that the machine's speed drops out. Times are CPU time, the best of several rounds, taken in turn.

    python bench/contracts.py [--rounds N] [--times N]
"""

from __future__ import annotations

import argparse
import copy
import random
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fastavro

from hub.consent.compile import compile_policy
from hub.topics.avro.compatibility import check
from hub.topics.avro.modes import Mode, compare
from hub.topics.avro.parse import parse
from hub.topics.cutter import cutter_for
from hub.topics.gates.classes import class_gates
from hub.topics.gates.lint import lint
from hub.topics.gates.semantics import semantic_gates
from hub.topics.guard import check_whole
from hub.topics.library import Contract, SchemaLibrary, contract_of
from hub.topics.policy_files import POLICY_VERSION, read_policy
from hub.topics.shapes import leaves
from hub.topics.values import fitted
from hub.topics.views import view_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RECIPIENTS = 5
VERSIONS = 50
SEED = 4
LIMITS = {
    "guard walk": 1.5,
    "one message to 5 recipients, cut": 3.5,
    "one message to 5 recipients, masked": 9.0,
}
"""Ratios to a fastavro decode that are to be kept."""
COMPATIBILITY_US_MAX, TREE_S_MAX = 50.0, 2.0
_SAID = {"doc": "x", "infoClass": "progress", "sensitive": False, "subject": "person", "statement": "fact"}


def field(name: str, kind: object, **more: object) -> dict[str, Any]:
    """One field, optional where its type is a union."""
    default = {"default": None} if isinstance(kind, list) else {}
    return {"name": name, "type": kind, **default, **_SAID, **more}


def optional(kind: object) -> list[object]:
    """An optional type."""
    return ["null", kind]


def record(name: str, **kinds: object) -> dict[str, Any]:
    """A nested record whose fields are all optional."""
    return {
        "type": "record",
        "name": name,
        "doc": "x",
        "fields": [field(each, optional(kind)) for each, kind in kinds.items()],
    }


def schema() -> dict[str, Any]:
    """25 fields: text, numbers, moments, a choice, two nested records, a list of records, a map."""
    day = {"type": "int", "logicalType": "date"}
    moment = {"type": "long", "logicalType": "timestamp-millis"}
    item = record("Objective", objective="string", title="string", by=day)
    fields = [
        field("referral", "string", key=True),
        field("version", "int", key=True),
        *(field(f"text_{n}", optional("string"), maxLength=200) for n in range(10)),
        *(field(f"day_{n}", optional(day)) for n in range(3)),
        *(field(f"moment_{n}", optional(moment)) for n in range(2)),
        field("kind", optional({"type": "enum", "name": "Kind", "symbols": ["A", "B", "C"]})),
        field("told", optional("boolean")),
        field("score", optional("double")),
        field("first", optional(record("First", title="string", number="int", note="string"))),
        field("second", optional(record("Second", title="string", number="int"))),
        field("objectives", optional({"type": "array", "items": item}), maxItems=100),
        field("marks", {"type": "map", "values": "string"}, maxItems=20),
        field("note", optional("string"), maxLength=400),
    ]
    return {
        "type": "record",
        "name": "BenchMessage",
        "namespace": "hub.bench.v1",
        "doc": "x",
        "fields": fields,
    }


def payload() -> dict[str, object]:
    """A record of that schema of about 600 bytes."""
    said: dict[str, object] = {"referral": "KD4372AC", "version": 7, "kind": "B", "told": True, "score": 1.5}
    said |= {f"text_{n}": f"what was said of matter number {n}" for n in range(10)}
    said |= {f"day_{n}": 20_514 + n for n in range(3)}
    said |= {f"moment_{n}": 1_772_442_900_500 + n for n in range(2)}
    said["first"] = {"title": "Übergang", "number": 77, "note": "seen on time"}
    said["second"] = {"title": "the second", "number": 9}
    said["objectives"] = [
        {"objective": f"o-{n}", "title": "An objective of an invented plan", "by": 20_600 + n}
        for n in range(3)
    ]
    said["marks"] = {"a": "b"}
    said["note"] = "Came on time, and spoke of what had happened since."
    return said


def views(whole: Contract) -> list[Contract]:
    """Five views: the whole record, and four of about half its fields each."""
    chance = random.Random(SEED)  # noqa: S311 - a seed, so that every run is the same
    paths = {path: each for path, each, _ in leaves(whole.shape)}
    keys = {path for path, each in paths.items() if not each.nullable}
    half = [frozenset(keys | {p for p in paths if chance.randrange(2)}) for _ in range(RECIPIENTS - 1)]
    return [view_of(whole, None), *(view_of(whole, each) for each in half)]


def best_us(todo: dict[str, Callable[[], object]], rounds: int, times: int) -> dict[str, float]:
    """Microseconds of CPU for each, the best of some rounds taken in turn."""
    best = dict.fromkeys(todo, float("inf"))
    for _ in range(rounds):
        for name, call in todo.items():
            began = time.process_time()
            for _ in range(times):
                call()
            best[name] = min(best[name], (time.process_time() - began) / times * 1e6)
    return best


def on_bytes(rounds: int, times: int) -> None:
    """Print what the guard, cutting and masking cost, beside decoding and the obvious way."""
    library = SchemaLibrary.load()
    whole = contract_of(schema(), id=1, name="bench", version="1.0", kind="message", status="draft")
    data = library.encode(whole, payload())
    full = library.decode(whole, data)
    outside = views(whole)
    masked: dict[str, object] = {"text_1": None, "day_0": None, "text_2": "2026-03", "moment_0": None}

    def cut(changes: dict[str, object]) -> list[bytes]:
        offsets = check_whole(whole.walk, data)
        return [cutter_for(whole, view).cut(data, offsets, changes) for view in outside]

    def mask() -> list[bytes]:
        fastavro.schemaless_reader(BytesIO(data), whole.avro, None)
        return cut(masked)

    def plainly(changes: dict[str, object]) -> list[bytes]:
        return [library.encode(view, projected(view, full | changes)) for view in outside]

    assert cut({}) == plainly({}), "cut bytes are not those of a full encode"
    assert mask() == plainly(masked), "masked bytes are not those of a full encode"
    found = best_us(
        {
            "fastavro decode": lambda: fastavro.schemaless_reader(BytesIO(data), whole.avro, None),
            "guard walk": lambda: check_whole(whole.walk, data),
            "one message to 5 recipients, cut": lambda: cut({}),
            "one message to 5 recipients, masked": mask,
            "the obvious way: decode, 5 encodes": lambda: (library.decode(whole, data), plainly({})),
        },
        rounds,
        times,
    )
    base = found["fastavro decode"]
    print(f"On a record of {len(data)} bytes, {len(whole.shape.fields)} fields:")
    for name, us in found.items():
        limit = f"at most {LIMITS[name]}" if name in LIMITS else ""
        print(f"  {name:<40} {us:>7.1f} us  ratio {us / base:>5.2f}  {limit}")


def projected(view: Contract, said: dict[str, object]) -> dict[str, object]:
    """Return a record with the fields of a view and no others, nested ones too."""
    names = {each.name: each for each in view.shape.fields}
    kept = {name: value for name, value in said.items() if name in names}
    for name, value in kept.items():
        inner = getattr(names[name].shape, "item", names[name].shape)
        below = {each.name for each in getattr(inner, "fields", ())}
        if isinstance(value, dict) and below:
            kept[name] = {each: value[each] for each in value if each in below}
        if isinstance(value, list) and below:
            kept[name] = [{each: item[each] for each in item if each in below} for item in value]
    return fitted(view.shape, kept)


def history() -> list[dict[str, Any]]:
    """Fifty versions of the record, each with one optional field more than the one before."""
    versions = [schema()]
    for number in range(1, VERSIONS):
        newer = copy.deepcopy(versions[-1])
        newer["fields"].append(field(f"added_{number}", optional("string"), maxLength=100))
        versions.append(newer)
    return versions


def on_schemas(rounds: int) -> None:
    """Print what comparing two schemas costs, and a whole tree with its lint and gates."""
    versions = history()
    old, new = parse(versions[0]), parse(versions[1])
    found = best_us(
        {
            "compatibility, one pair one way": lambda: check(new, old),
            "the same with both schemas parsed": lambda: check(parse(versions[1]), parse(versions[0])),
        },
        rounds,
        200,
    )
    print(f"\nOn schemas of {len(versions[0]['fields'])} fields:")
    for name, us in found.items():
        limit = f"at most {COMPATIBILITY_US_MAX:.0f} us" if name.startswith("compat") else ""
        print(f"  {name:<40} {us:>7.1f} us  {limit}")
    policy = compile_policy(read_policy(), version=POLICY_VERSION)
    began = time.process_time()
    findings = tree(versions, policy)
    took = time.process_time() - began
    pairs = VERSIONS * (VERSIONS - 1) // 2
    print(
        f"  {f'{VERSIONS} versions: parse, lint, {pairs:,} pairs both ways, gates':<58} {took:.2f} s  ",
        end="",
    )
    print(f"at most {TREE_S_MAX:.0f} s  ({findings} findings)")


def tree(versions: Sequence[dict[str, Any]], policy: Any) -> int:  # noqa: ANN401 - as compiled
    """Parse, lint and compare every version with all before it; returns how much was found."""
    older: list[tuple[str, Any]] = []
    found = 0
    for number, each in enumerate(versions):
        newest = parse(each)
        found += len(tuple(lint(newest)))
        found += len(compare(newest, older, Mode.FULL_TRANSITIVE))
        found += len(class_gates(newest, older, policy=policy, schema="bench"))
        found += len(semantic_gates(newest, older, schema="bench"))
        older.append((f"1.{number}", newest))
    return found


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--rounds", type=int, default=10, help="rounds, of which the best counts (default 10)")
    asked.add_argument("--times", type=int, default=1000, help="calls a round (default 1000)")
    given = asked.parse_args()
    on_bytes(given.rounds, given.times)
    on_schemas(given.rounds)


if __name__ == "__main__":
    main()
