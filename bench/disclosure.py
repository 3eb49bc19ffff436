"""How fast disclosure is decided, beside the same policy in Rego (regorus) and Cedar (cedarpy), in one run.

Asserts no time. A policy of 24 rules (13 permits, 11 that hold back) besides the four gates no policy may
lack, a message of 20 fields in ten classes, random contexts: messages on cases of their own, five recipients
each. Two ways: the same 1,000 contexts again and again, and contexts nobody has seen (new), both after a
warm-up on others. Times are CPU time, the median of the rounds (and the best), in microseconds for one
message and one recipient.

What is kept between decisions is stated beside the figures: verdicts by what the rules of a kind of field can
tell apart of the facts, the decisions of runs of six fields by those verdicts and their bytes, whole answers
by the facts they follow from, and the text of those facts. All of it is bounded. Real messages find more of
it than contexts nobody has seen: few people have a part in a case, and mostly the same one.

Prints whether hub, Rego and Cedar agree on 1,000 contexts.

    python bench/disclosure.py [--rounds N] [--rules N]
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.disclosure_policy import CASES, MESSAGE, NOW, SPECS, Context, Contexts, documents
from bench.rivals import Cedar, Rego, facts_for_rego
from bench.states import Kind, kinds_of
from hub.consent.compile import compile_policy
from hub.consent.decide import decide
from hub.consent.decision import Outcome
from hub.consent.evaluate import evaluate
from hub.consent.facts import Facts, facts_of
from hub.consent.plan import Plan, compiled_for
from hub.consent.question import Question
from hub.consent.vocabulary import BY_CLASS, SLOT, bit
from hub.consent.weighing import weigh
from hub.consent.why_not import why_not
from hub.topics.codec import Codec
from hub.topics.evidence import Evidence
from hub.topics.keys import FileKeyStore, case_key
from hub.topics.library import SchemaLibrary

CONTEXTS = 1000
WARM_UP = 10_000
RULES = 24
RECORDED, ALONE, NEW = "decide and record", "deciding alone", ", new contexts"
LIMITS = {"whole": 25.0, "regorus": 6.0, "cedarpy": 40.0, "rules": 2.5, "load": 1.0, "why not": 5.0}
"""What is to be kept: microseconds with the record, ratios to each, ratio at more rules, seconds to load,
milliseconds to say why not."""


class Site:
    """The hub's own way from a message to the ledger record, under a policy of so many rules."""

    def __init__(self, rules: int, evidence: Evidence) -> None:
        """Compile the policy and warm everything up."""
        self.policy = compile_policy(documents(rules), version=f"bench-{rules}")
        self._evidence = evidence
        self.contexts = Contexts(rules)
        for each in self.contexts.some(WARM_UP):
            self.recorded(each)
        plan = next(iter(self.policy.plans.values()))[1]
        assert isinstance(plan, Plan)
        self.plan = plan

    def decided(self, context: Context, *, screened: bool = False) -> Any:  # noqa: ANN401 - a Decision
        """Decide, as the router does; `screened`: with the message's texts looked through."""
        return decide(
            self.policy,
            envelope=context.envelope,
            specs=SPECS,
            case=context.case,
            organisation=context.organisation,
            candidate=context.candidate,
            now=NOW,
            payload=context.payload if screened else None,
        )

    def recorded(self, context: Context) -> object:
        """Decide, and write the audit record."""
        return self._evidence.ledger(
            self.decided(context), delivery_id=None, partition=3, offset=context.offset
        )

    def screened(self, context: Context) -> object:
        """Decide with the message's texts looked through, and write the audit record."""
        decision = self.decided(context, screened=True)
        return self._evidence.ledger(decision, delivery_id=None, partition=3, offset=context.offset)

    def facts(self, context: Context) -> Facts:
        """Derive the facts of a context."""
        question = Question(
            envelope=context.envelope,
            case=context.case,
            organisation=context.organisation,
            candidate=context.candidate,
            now=NOW,
            about=None,
        )
        return facts_of(question, self.plan.classes)

    def referred(self, facts: Facts) -> object:
        """Decide by the naive reference."""
        return weigh(self.policy, MESSAGE, self.plan.lines, facts, evaluate)

    def kept(self) -> tuple[int, int]:
        """Return how many verdicts have been worked out, and the kinds of field they are of."""
        return sum(map(len, self.plan.by_kind)), len(self.plan.by_kind)


def timed_us(todo: Callable[[Any], object], given: Sequence[Any]) -> float:
    """Microseconds of CPU for each."""
    gc.collect()
    began = time.process_time()
    for each in given:
        todo(each)
    return (time.process_time() - began) / len(given) * 1e6


def of_hub(site: Site, rounds: int) -> dict[str, list[float]]:
    """Time the hub, a round of each in turn: on contexts it has not seen, and on the same again and again."""
    known = site.contexts.some(CONTEXTS)
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, todo, ready in (
            (RECORDED, site.recorded, None),
            ("the same, texts screened", site.screened, None),
            ("decide", site.decided, None),
            (ALONE, site.plan.answer, site.facts),
        ):
            for said, contexts in (("", known), (NEW, site.contexts.some(CONTEXTS))):
                given: Sequence[Any] = contexts if ready is None else [ready(each) for each in contexts]
                if not said:
                    timed_us(todo, given)
                found.setdefault(name + said, []).append(timed_us(todo, given))
    return found


def hit_rate(site: Site) -> float:
    """Return how often a verdict was there already, on contexts it has not seen."""
    facts = [site.facts(each) for each in site.contexts.some(CONTEXTS)]
    before, kinds = site.kept()
    for each in facts:
        site.plan.answer(each)
    return 1 - (site.kept()[0] - before) / (CONTEXTS * kinds)


def agree(site: Site, rego: Rego, cedar: Cedar, kinds: Sequence[Kind], facts: Sequence[Facts]) -> int:
    """Return how many of these contexts the three decide alike."""
    alike = 0
    for each in facts:
        fired = rego.fired(facts_for_rego(each))
        outcomes = cedar.outcomes(each)
        gate = site.plan.answer(each).gate
        same = (gate is not None) == any(
            number in fired for (kind, _, _), number in rego.numbers.items() if kind == -1
        )
        for index, (kind, outcome) in enumerate(zip(kinds, outcomes, strict=True)):
            vector = vector_of(each, kind)
            compiled = compiled_for(site.policy, kind.rules)
            mask = compiled.fires(vector)
            for place, (rule, basis) in enumerate(compiled.bits):
                same &= bool(mask >> place & 1) == (rego.numbers[index, rule.rule, basis] in fired)
            same &= outcome == (3 if gate is not None else compiled.verdict(vector).outcome)
        alike += same
    return alike


def vector_of(facts: Facts, kind: Kind) -> list[int]:
    """Return the facts as the rules of one kind of field look at them."""
    vector = facts.vector()
    for name in BY_CLASS:
        vector[SLOT[name]] = bit(name, facts.by_class[kind.key[1]][name])
    vector[SLOT["scope"]] = bit("scope", kind.scope)
    return vector


def show(name: str, values: Sequence[float], said: str = "") -> float:
    """Print a line; returns the median."""
    middle = statistics.median(values)
    print(f"  {name:<44} {middle:>9.1f} us  (best {min(values):>8.1f})  {said}")
    return middle


def beside(site: Site, alone: float, rounds: int) -> None:
    """Time Rego and Cedar on the same facts, and print how they compare."""
    kinds = kinds_of(site.policy, {MESSAGE: SPECS})
    rego, cedar = Rego(kinds), Cedar(site.policy, kinds)
    facts = [site.facts(each) for each in site.contexts.some(CONTEXTS)]
    own = [facts_for_rego(each) for each in facts]
    by_rego = show("regorus: which rules fire", [timed_us(rego.timed, own) for _ in range(rounds)])
    best = float("inf")
    for name, (ready, ask) in cedar.forms().items():
        given = [ready(each) for each in facts[:100]]
        best = min(best, show(f"cedarpy: {name}", [timed_us(ask, given) for _ in range(max(2, rounds // 3))]))
    naive = show("naive reference, everything", [timed_us(site.referred, facts[:300]) for _ in range(2)])
    print(f"  regorus / hub {by_rego / alone:>8.1f}  at least {LIMITS['regorus']:.0f}")
    print(f"  cedarpy / hub {best / alone:>8.1f}  at least {LIMITS['cedarpy']:.0f}")
    print(f"  naive / hub   {naive / alone:>8.1f}")
    alike = agree(site, rego, cedar, kinds, facts)
    print(
        f"  hub, Rego and Cedar agree on {alike:,} of {len(facts):,} contexts, gates and every kind of field"
    )


def why_not_us(site: Site) -> list[float]:
    """Ask of one field withheld in each of many contexts what would have let it go."""
    found = []
    for context in site.contexts.some(CONTEXTS):
        decision = site.decided(context)
        held = [each for each in decision.fields if each.outcome is Outcome.WITHHOLD and each.path[0] != "@"]
        if held:
            began = time.process_time()
            why_not(site.policy, decision, SPECS, held[context.offset % len(held)].path)
            found.append((time.process_time() - began) * 1e6)
    return found


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=15, help=f"rounds of {CONTEXTS:,} contexts (default 15)")
    asked.add_argument("--rules", type=int, default=200, help="rules of the larger policy (default 200)")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        keys = FileKeyStore(Path(folder), memory_s_max=3600)
        for number in range(CASES):
            # The router has just opened the case with its key, so the key is in memory.
            keys.get_or_create(case_key(f"{number:032x}"))
        evidence = Evidence(Codec(library=SchemaLibrary.load(), keys=keys))
        small = Site(RULES, evidence)
        print(
            f"{RULES} rules and {len(small.policy.gates)} gates, {len(SPECS)} fields of"
            f" {len(small.plan.by_kind)} kinds"
        )
        found = of_hub(small, given.rounds)
        for name, values in found.items():
            limit = f"at most {LIMITS['whole']:.0f}" if name.startswith(RECORDED) else ""
            show(name, values, f"{1e6 / statistics.median(values):>9,.0f} a second and core  {limit}")
        alone = statistics.median(found[ALONE + NEW])
        print(f"  verdicts already there: {hit_rate(small):.1%}, of contexts not seen before")
        print("\nDeciding alone, the same facts handed to each:")
        beside(small, alone, given.rounds)
        began = time.process_time()
        proof = compile_policy(documents(given.rules), version="bench-load").proof
        took = time.process_time() - began
        large = Site(given.rules, evidence)
        print(f"\n{given.rules} rules:")
        more = of_hub(large, given.rounds)
        for name, values in more.items():
            ratio = statistics.median(values) / statistics.median(found[name])
            show(name, values, f"ratio {ratio:.2f}  at most {LIMITS['rules']}")
        print(f"  verdicts already there: {hit_rate(large):.1%}, of contexts not seen before")
        print(
            f"  load with all proofs ({proof.states:,} states, {len(proof.invariants)} invariants)"
            f" {took:>10.2f} s  at most {LIMITS['load']:.0f}"
        )
        for site, rules in ((small, RULES), (large, given.rules)):
            times = sorted(why_not_us(site))
            p99 = times[len(times) * 99 // 100] / 1000
            print(
                f"  why not, at {rules} rules, {len(times):,} withheld fields: median"
                f" {statistics.median(times) / 1000:.2f} ms, p99 {p99:.2f}  at most {LIMITS['why not']:.0f}"
            )


if __name__ == "__main__":
    main()
