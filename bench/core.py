"""How fast the pure core is on one core, over a simulated world: no Kafka, no sealing, no disk.

Goes through the stream of `hub simulate` twice and prints, for each way, messages a second of CPU:

1. `apply`: reading every message and applying it to its case, nobody told anything;
2. `route`: everything a record of the log causes, decisions and deliveries for everybody it concerns. Records
   are the messages, and the ticks at which deadlines pass: a tick is routed and decided as a message
   is, so the rate is of both; that of messages alone, with the ticks in its time, stands beside;

then what a case takes in the router's tables, and what the hub refused that it was not meant to. Making the
messages is not timed. Nor is the collector of cyclic garbage, which runs between chunks: the tables here are
objects, which it would look through again and again, where the router's are bytes. What it finds is printed;
the core should leave nothing to it. `beside` is what a small fixed piece of work takes in the same minutes,
`times` how many of those a message takes: a core that is shared with others is slow in both.

    python3 -m hub python bench/core.py [--cases N] [--days D] [--seed S] [--only apply|route]
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import hashlib
import json
import pstats
import resource
import statistics
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.memory import Memory
from hub.cases.apply import apply
from hub.cases.state import to_json
from hub.demo.simulated.stream import Simulation, case_reference, is_meant_to_be_refused, submission
from hub.errors import Refused
from hub.messages.envelope import Tick
from hub.messages.identifiers import Instant, MessageId
from hub.messages.read import read
from hub.routing.directory import ViewDirectory
from hub.routing.route import route
from hub.topics.codec import Codec
from hub.topics.library import SchemaLibrary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.cases.case import Case
    from hub.demo.day import Step
    from hub.messages.envelope import Submission

START = Instant(1_790_000_000_000)
CHUNK = 5_000
"""So many messages are made, then timed together."""
STATE_BYTES_MAX = 4_096
APPLIED_A_SECOND, ROUTED_A_SECOND = 20_000, 5_000
Said = tuple["Step", "Submission"]


def stream(simulation: Simulation, library: SchemaLibrary) -> Iterator[Said]:
    """Yield the simulated messages in the order of time."""
    for number, step in simulation.steps():
        yield step, submission(step, case_reference(simulation, number), library=library)


class Ways:
    """What is done with every message, and what is counted beside."""

    def __init__(self, library: SchemaLibrary) -> None:
        """Begin with an empty world."""
        self.view = Memory(library)
        self.unmeant: Counter[str] = Counter()
        self.refused = self.decisions = self.deliveries = self.messages = self.ticks = self.about = 0
        self.cyclic = 0
        """Objects that only the collector of cyclic garbage could free."""

    def apply(self, said: Said) -> None:
        """Read a message and apply it to its case."""
        step, message = said
        envelope = message.envelope
        try:
            applied = apply(
                self.view.case(envelope.case),
                message,
                body=read(message),
                now=envelope.recorded_at,
                directory=ViewDirectory(self.view),
            )
        except Refused as refusal:
            self._refused(step, refusal.code)
        else:
            self.view.cases[envelope.case] = applied.case

    def route(self, said: Said) -> None:
        """Route a message, and a tick before it where a deadline has passed."""
        step, message = said
        now = message.envelope.recorded_at
        self.view.now = now
        while (due := self.view.first_deadline()) is not None and due <= now:
            self.ticks += 1
            tick = Tick(tick_id=MessageId(f"{self.ticks:032x}"), due_at=due)
            result = route(tick, self.view, now)
            self.view.keep(tick, result)
            self.decisions += len(result.decisions)
            self.deliveries += len(result.deliveries)
        result = route(message, self.view, now)
        if result.rejection is not None:
            self._refused(step, result.rejection.code)
        self.view.keep(message, result)
        self.messages += 1
        self.decisions += len(result.decisions)
        for each in result.decisions:
            if each.message == message.envelope.message_id:
                self.about += 1
        self.deliveries += len(result.deliveries)

    def _refused(self, step: Step, code: str) -> None:
        self.refused += 1
        if not is_meant_to_be_refused(step):
            self.unmeant[f"{code} on {step.name.partition('/')[2]}"] += 1


def timed(simulation: Simulation, library: SchemaLibrary, way: str, profile: cProfile.Profile | None) -> Ways:
    """Go through the stream in chunks; print messages a second of CPU, over all and by chunk."""
    ways = Ways(library)
    todo = ways.apply if way == "apply" else ways.route
    messages = stream(simulation, library)
    count, done, spent, rates, beside = 0, 0, 0.0, [], []
    while chunk := [(step, ways.view.append(said)) for step, said in islice(messages, CHUNK)]:
        gc.collect()
        gc.freeze()
        gc.disable()
        beside.append(baseline_us())
        if profile is not None:
            profile.enable()
        began = time.process_time()
        for said in chunk:
            todo(said)
        took = time.process_time() - began
        ways.cyclic += gc.collect()
        gc.enable()
        if profile is not None:
            profile.disable()
        count += len(chunk)
        spent += took
        rates.append((count + ways.ticks - done) / took)
        done = count + ways.ticks
        if sys.stderr.isatty():
            print(f"\r{way}: {done} records, {done / spent:.0f}/s", end="", file=sys.stderr)
    wanted = APPLIED_A_SECOND if way == "apply" else ROUTED_A_SECOND
    print(
        f"{way:>6}  {done:>9}  {done / spent:>9.0f}  {statistics.median(rates):>9.0f}  {min(rates):>9.0f}"
        f"  {count / spent:>9.0f}  {spent / done * 1e6:>8.1f}  {done / spent / wanted:>7.2f}"
        f"  {statistics.median(beside):>8.1f}  {spent / done * 1e6 / statistics.median(beside):>8.2f}"
    )
    return ways


class Keys(dict[str, bytes]):
    """A key store in memory."""

    def get_or_create(self, key_id: str) -> bytes:
        """Return the key of a name."""
        return self.setdefault(key_id, hashlib.sha256(key_id.encode()).digest())


BESIDE = {"words": [f"word {number}" for number in range(40)], "numbers": list(range(40))}


def baseline_us() -> float:
    """Microseconds of CPU for a round trip of a small document as JSON."""
    began = time.process_time()
    for _ in range(500):
        json.loads(json.dumps(BESIDE))
    return (time.process_time() - began) / 500 * 1e6


def sizes(cases: list[Case]) -> None:
    """Print what a case takes as text, and as the router's table has it, packed and sealed."""
    codec = Codec(library=SchemaLibrary.load(), keys=Keys())
    texts = [len(to_json(case)) for case in cases]
    found = sorted(len(codec.case(case).value) for case in cases)
    over = sum(size > STATE_BYTES_MAX for size in found)
    p50, p95, p99 = (found[int(len(found) * share)] for share in (0.5, 0.95, 0.99))
    print(
        f"\nBytes a case: as JSON mean {statistics.mean(texts):.0f}, largest {max(texts)}; in the table "
        f"mean {statistics.mean(found):.0f}, median {p50}, p95 {p95}, "
        f"p99 {p99}, largest {found[-1]}; {over} of {len(found)} above {STATE_BYTES_MAX}"
    )


def main(asked: argparse.Namespace) -> int:
    """Measure, and say what was refused that should not be: then the exit code is 1."""
    library = SchemaLibrary.load()
    simulation = Simulation(cases=asked.cases, days=asked.days, seed=asked.seed, start=START)
    print(f"{asked.cases} cases, {asked.days} days, seed {asked.seed}; one core, CPU time")
    print(
        f"{'way':>6}  {'records':>9}  {'a second':>9}  {'median':>9}  {'slowest':>9}  {'messages':>9}"
        f"  {'us each':>8}  {'of aim':>7}  {'beside':>8}  {'times':>8}"
    )
    profile = cProfile.Profile() if asked.profile else None
    wanted = ("apply", "route") if asked.only is None else (asked.only,)
    done = [timed(simulation, library, way, profile) for way in wanted]
    for what, times in (each for ways in done for each in ways.unmeant.most_common(20)):
        print(f"        refused and not meant to be: {what}, {times} times")
    if (ways := done[-1]).messages:
        records = ways.messages + ways.ticks
        print(
            f"\n{ways.messages} messages and {ways.ticks} ticks; {ways.about / ways.messages:.2f} recipients "
            f"decided on for each message, {ways.decisions / records:.2f} decisions for each record, "
            f"{ways.deliveries / records:.2f} deliveries; {ways.refused} refused, as meant"
        )
        sizes(list(ways.view.cases.values()))
    found = sum(way.cyclic for way in done)
    print(f"{found} objects in cycles, left for the collector")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{peak} MiB at most in memory")
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(asked.profile)
    return 1 if any(ways.unmeant for ways in done) else 0


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1_000, help="so many cases")
    parser.add_argument("--days", type=int, default=365, help="over so many days")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same messages")
    parser.add_argument("--only", choices=("apply", "route"), help="one way only")
    parser.add_argument("--profile", type=int, default=0, metavar="LINES", help="where the time goes")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(arguments()))
