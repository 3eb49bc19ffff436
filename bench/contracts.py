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
import tempfile
import time
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fastavro

from bench.allowing import allowed
from hub.consent.allowance import Allowance
from hub.consent.parties import Purpose
from hub.consent.partner_contracts import Direction, PartnerContract, Phase
from hub.messages.envelope import Envelope, MessageName, Role, Statement, Submission
from hub.messages.identifiers import CaseRef, DeliveryId, Instant, MessageId, OrganisationId
from hub.routing.outcome import Delivery, Urgency
from hub.routing.terms import Terms
from hub.topics.avro.compatibility import check
from hub.topics.avro.modes import Mode, compare
from hub.topics.avro.parse import parse
from hub.topics.codec import Codec
from hub.topics.dispatch import Dispatch
from hub.topics.gates.classes import class_gates
from hub.topics.gates.lint import lint
from hub.topics.gates.semantics import semantic_gates
from hub.topics.guard import check_whole
from hub.topics.keys import FileKeyStore
from hub.topics.library import Contract, SchemaLibrary, contract_of, unframe
from hub.topics.policy_files import folder_policy
from hub.topics.shapes import leaves
from hub.topics.values import fitted
from hub.topics.views import view_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

RECIPIENTS = 5
VERSIONS = 50
SEED = 4
MESSAGE = "progress"
"""The message in whose place the bench's schema stands."""
ENVELOPE = Envelope(
    message_id=MessageId("0" * 32),
    message=MessageName.PROGRESS,
    contract="1.0",
    case=CaseRef("0" * 32),
    organisation=OrganisationId("bench"),
    author="kw-1",
    author_role=Role.KEY_WORKER,
    statement=Statement.FACT,
    occurred_at=Instant(1_772_442_900_500),
    recorded_at=Instant(1_772_442_900_500),
    correlation="0" * 32,
    causation=None,
    digest="0" * 64,
)
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
    bench = Site()
    whole, data = bench.whole, bench.data
    full = bench.library.decode(whole, data)
    masked: dict[str, object] = {"text_1": None, "day_0": None, "text_2": "2026-03", "moment_0": None}

    def plainly(changes: dict[str, object]) -> list[bytes]:
        return [bench.library.encode(view, projected(view, full | changes)) for view in bench.views]

    assert bench.bodies({}) == plainly({}), "cut bytes are not those of a full encode"
    assert bench.bodies(masked) == plainly(masked), "masked bytes are not those of a full encode"
    found = best_us(
        {
            "fastavro decode": lambda: fastavro.schemaless_reader(BytesIO(data), whole.avro, None),
            "guard walk": lambda: check_whole(whole.walk, data),
            "one message to 5 recipients, cut": lambda: bench.written({}),
            "one message to 5 recipients, masked": lambda: (
                fastavro.schemaless_reader(BytesIO(data), whole.avro, None),
                bench.written(masked),
            ),
            "what 5 recipients may be given": lambda: [
                bench.allowed(each, _held(masked)) for each in bench.views
            ],
            "the obvious way: decode, 5 encodes": lambda: (
                bench.library.decode(whole, data),
                plainly(masked),
            ),
        },
        rounds,
        times,
    )
    base = found["fastavro decode"]
    print(f"On a record of {len(data)} bytes, {len(whole.shape.fields)} fields:")
    for name, us in found.items():
        limit = f"at most {LIMITS[name]}" if name in LIMITS else ""
        print(f"  {name:<40} {us:>7.1f} us  ratio {us / base:>5.2f}  {limit}")


class Site:
    """The hub's own way from a message in the log to what each of five recipients gets."""

    def __init__(self) -> None:
        """Put the bench's schema in the place of progress 1.0, and agree a view with each recipient."""
        own = SchemaLibrary.load()
        others = [each for each in own.all() if each.name != MESSAGE]
        self.whole = contract_of(
            schema(),
            id=own.contract(MESSAGE, "1.0").id,
            name=MESSAGE,
            version="1.0",
            kind="message",
            status="draft",
        )
        self.library = SchemaLibrary((*others, self.whole), {})
        self.data = self.library.encode(self.whole, payload())
        self.views = views(self.whole)
        with tempfile.TemporaryDirectory() as folder:
            self._dispatch = Dispatch(Codec(library=self.library, keys=FileKeyStore(Path(folder))))
        self._agreed = [agreed(number, view) for number, view in enumerate(self.views)]

    def bodies(self, changes: dict[str, object]) -> list[bytes]:
        """What each recipient gets, without the frame."""
        return [unframe(each)[1] for each in self.written(changes)]

    def written(self, changes: dict[str, object]) -> list[bytes]:
        """Write the five records as the router does, a message that has just come in."""
        # A copy: the walk is kept for a message, and each call is to stand for a new one.
        source = Submission(envelope=ENVELOPE, payload=self._said(), written=bytes(bytearray(self.data)))
        given = {**source.payload, **changes}
        deliveries = (
            delivery(source, terms, given, allowed)
            for terms, allowed in zip(self._agreed, self._allowances(_held(changes)), strict=True)
        )
        return [self._dispatch.value(each) for each in deliveries]

    @lru_cache(maxsize=2)  # noqa: B019 - one site a run
    def _allowances(self, changed: frozenset[str]) -> list[Allowance]:
        """What each may be given: routing works it out before anything is written."""
        return [self.allowed(each, changed) for each in self.views]

    def allowed(self, view: Contract, changed: Collection[str]) -> Allowance:
        """What a recipient may be given where its contract has this view and these fields are held back."""
        return allowed(self.whole, view, changed, said=self._said(), envelope=ENVELOPE)

    @lru_cache(maxsize=1)  # noqa: B019 - one site a run
    def _said(self) -> dict[str, object]:
        return self.library.decode(self.whole, self.data)


def _held(changes: dict[str, object]) -> frozenset[str]:
    """The fields of which nothing goes."""
    return frozenset(name for name, value in changes.items() if value is None)


def agreed(number: int, view: Contract) -> Terms:
    """A contract that lets one view be sent."""
    paths = frozenset(path for path, _, _ in leaves(view.shape))
    contract = PartnerContract(
        partner=OrganisationId(f"partner-{number}"),
        message=MessageName.PROGRESS,
        number=1,
        direction=Direction.RECEIVES,
        oldest="1.0",
        newest="1.0",
        purposes=frozenset({Purpose.PROGRESS}),
        view=paths,
        effective=Instant(0),
        deprecated=None,
        sunset=None,
        removal=None,
        alternative=None,
        ids={},
    )
    return Terms(version="1.0", contract=contract, decided=paths, phase=Phase.IN_FORCE)


def delivery(source: Submission, terms: Terms, given: dict[str, object], allowed: Allowance) -> Delivery:
    """A delivery of a message, as the rules let it go."""
    envelope = source.envelope
    assert terms.contract is not None
    return Delivery(
        delivery_id=DeliveryId("0" * 32),
        message_id=envelope.message_id,
        case=envelope.case,
        organisation=terms.contract.partner,
        role=Role.KEY_WORKER,
        message=envelope.message,
        contract=envelope.contract,
        urgency=Urgency.ROUTINE,
        payload=given,
        redacted=(),
        author=None,
        author_role=None,
        author_organisation=None,
        statement=envelope.statement,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        correlation=envelope.correlation,
        causation=None,
        caveats=(),
        by_kafka=False,
        terms=terms,
        source=source,
        allowed=allowed,
    )


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
            "compatibility, a pair one way": lambda: check(new, old),
            "compatibility, a pair both ways": lambda: (check(new, old), check(old, new)),
            "the same with both schemas parsed": lambda: check(parse(versions[1]), parse(versions[0])),
        },
        rounds,
        200,
    )
    print(f"\nOn schemas of {len(versions[0]['fields'])} fields:")
    for name, us in found.items():
        limit = f"at most {COMPATIBILITY_US_MAX:.0f} us" if name.endswith("one way") else ""
        print(f"  {name:<40} {us:>7.1f} us  {limit}")
    policy = folder_policy()
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
