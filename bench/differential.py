"""Holds the compiled rules against the naive reference, and both against Cedar, on random states.

    python bench/differential.py --decisions 1000000 --messages 50000 --cedar 20000 --seed 1

`--decisions` are decisions on one kind of field: the compiled rules and the reference must agree in outcome,
reason, basis, rules, alternates and caveats, and on which gate is closed. `--messages` are whole messages
through the look-ups that decisions go through, every field of them. `--cedar` of the decisions are made by
Cedar, too, from the rules as exported, and must have the same outcome.

Prints how often each outcome came and each rule fired. Fails if anything differs, if fewer than a fifth of
the outcomes are above withhold, or if some rule did not fire, or did not fail to fire, often enough to be
tested (--each, 1,000 unless told otherwise).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cedarpy

from bench.states import Kind, State, States, all_specs
from hub.consent import cedar
from hub.consent.compile import Policy
from hub.consent.decide import lines_of
from hub.consent.decision import Outcome
from hub.consent.evaluate import evaluate
from hub.consent.generate import Compiled, compile_rules
from hub.consent.plan import Plan, compiled_for
from hub.consent.rules import Effect, Rule, Vector, truth
from hub.consent.vocabulary import BY_CLASS
from hub.consent.weighing import Weighed, weigh
from hub.messages.envelope import MessageName
from hub.topics.policy_files import folder_policy

ABOVE_WITHHOLD_MIN = 0.2
"""Share of outcomes that must let something go, so that agreeing is not agreeing on nothing."""


@dataclass(slots=True)
class Found:
    """What came of a run."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    of_messages: Counter[Outcome] = field(default_factory=Counter)
    by_cedar: Counter[Outcome] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    spoke: Counter[str] = field(default_factory=Counter)
    """How often a rule was looked at, whether it fired or not."""
    differences: list[str] = field(default_factory=list)

    def complaints(self, rules: Rules, each: int) -> list[str]:
        """Say why the run does not show what it should."""
        found = [f"differs: {one}" for one in self.differences]
        for name, counts in (("decisions", self.outcomes), ("messages", self.of_messages)):
            share = above_withhold(counts)
            if share < ABOVE_WITHHOLD_MIN:
                found.append(f"only {share:.1%} of the outcomes of {name} are above withhold")
        for rule in sorted(rules.every):
            fired, not_fired = self.fired[rule], self.spoke[rule] - self.fired[rule]
            if fired < each or (not_fired < each and rule not in rules.unconditional):
                found.append(f"{rule} fired {fired:,} and did not fire {not_fired:,} times, not {each:,}")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules a run tries."""

    every: frozenset[str]
    unconditional: frozenset[str]
    """Those without any condition on a fact: they fire wherever they speak, so they cannot be seen not to."""


def above_withhold(counts: Counter[Outcome]) -> float:
    """Return the share of outcomes that let something go."""
    return 1 - counts[Outcome.WITHHOLD] / counts.total() if counts else 1.0


def run(
    policy: Policy, *, decisions: int, messages: int, by_cedar: int, seed: int, differences_max: int = 20
) -> tuple[Found, Rules]:
    """Draw states and compare; returns what was found, and the rules there are."""
    states = States(policy, all_specs(), seed)
    rules = Rules(every=states.rules, unconditional=states.unconditional)
    found = Found()
    oracle = Oracle(policy)
    every = max(1, decisions // by_cedar) if by_cedar else 0
    for number in range(decisions):
        state = states.draw()
        _compare(policy, state, found)
        if every and number % every == 0:
            _ask_cedar(oracle, state, found)
        if len(found.differences) >= differences_max:
            return found, rules
    plans: dict[MessageName, Plan] = {}
    for _ in range(messages):
        _compare_message(policy, states, plans, found)
        if len(found.differences) >= differences_max:
            break
    return found, rules


def _compare(policy: Policy, state: State, found: Found) -> None:
    """Decide one kind of field twice."""
    kind, vector = state.kind, state.vector
    gates = compiled_gates(kind)
    mask = gates.fires(vector)
    closed = gates.bits[(mask & -mask).bit_length() - 1][0] if mask else None
    verdict = compiled_for(policy, kind.rules).verdict(vector)
    reference = evaluate(kind.rules, vector)
    if verdict != reference:
        found.differences.append(f"{kind.key} {vector}: {verdict} and {reference}")
    if closed is not _first_closed(kind.gates, vector):
        found.differences.append(f"{kind.key} {vector}: the gate {closed}")
    found.outcomes[reference.outcome] += 1
    for rule in (*kind.gates, *kind.rules):
        found.spoke[rule.rule] += 1
        found.fired[rule.rule] += fires(rule, vector)


_GATES: dict[int, Compiled] = {}


def compiled_gates(kind: Kind) -> Compiled:
    """Return the gates of a message as Python."""
    found = _GATES.get(id(kind.gates))
    if found is None:
        found = _GATES[id(kind.gates)] = compile_rules(kind.gates)
    return found


def _first_closed(gates: tuple[Rule, ...], vector: Vector) -> Rule | None:
    """Return the first gate that is closed, or may be, rule by rule."""
    return next((rule for rule in gates if truth(rule.clauses, vector) is not False), None)


def fires(rule: Rule, vector: Vector) -> bool:
    """Tell whether a permit lets something through on some basis, or a rule holds back, or may."""
    holds = truth(rule.clauses, vector)
    if rule.effect is not Effect.PERMIT:
        return holds is not False
    return holds is True and any(truth(arm.clauses, vector) is True for arm in rule.arms)


def _compare_message(policy: Policy, states: States, plans: dict[MessageName, Plan], found: Found) -> None:
    """Decide a whole message twice."""
    message, specs, facts = states.message()
    if message not in plans:
        plans[message] = Plan(policy, message, tuple(lines_of(policy, message, specs, {})))
    answer = plans[message].answer(facts)
    reference = weigh(policy, message, plans[message].lines, facts, evaluate)
    if Weighed(gate=answer.gate, fields=answer.fields, caveats=answer.caveats) != reference:
        found.differences.append(f"{message} {facts}")
    found.of_messages.update(each.outcome for each in reference.fields)


class Oracle:
    """The rules in Cedar, ready to be asked."""

    def __init__(self, policy: Policy) -> None:
        """Export the rules and have Cedar read them."""
        self._policy = policy
        self._policies = cedarpy.PolicySet.from_str(cedar.policies(policy))

    def outcome(self, state: State) -> Outcome:
        """Return the first outcome Cedar allows."""
        facts = state.facts
        kind = cedar.KindOfField(key=state.kind.key, scope=state.kind.scope)
        entities = [
            cedar.recipient("r", facts),
            cedar.kind(self._policy, "k", kind, {name: facts[name] for name in BY_CLASS}),
        ]
        requests = [
            {
                "principal": 'Recipient::"r"',
                "action": f'Action::"{name}"',
                "resource": 'Kind::"k"',
                "context": {},
            }
            for name in cedar.ACTIONS.values()
        ]
        answers = cedarpy.is_authorized_batch(requests, self._policies, entities)
        allowed = (outcome for outcome, answer in zip(cedar.ACTIONS, answers, strict=True) if answer.allowed)
        return next(allowed, Outcome.WITHHOLD)


def _ask_cedar(oracle: Oracle, state: State, found: Found) -> None:
    """Have Cedar decide what the reference decided."""
    closed = _first_closed(state.kind.gates, state.vector) is not None
    expected = Outcome.WITHHOLD if closed else evaluate(state.kind.rules, state.vector).outcome
    outcome = oracle.outcome(state)
    found.by_cedar[outcome] += 1
    if outcome is not expected:
        found.differences.append(f"{state.kind.key} {state.vector}: {outcome!r} by Cedar, not {expected!r}")


def show(found: Found, rules: Rules) -> None:
    """Print the distribution."""
    for name, counts in (
        ("decisions", found.outcomes),
        ("fields of whole messages", found.of_messages),
        ("decisions by Cedar", found.by_cedar),
    ):
        total = counts.total()
        if not total:
            continue
        shares = "  ".join(f"{each.name.lower()} {counts[each] / total:.1%}" for each in Outcome)
        print(f"{total:>11,} {name:<26} {shares}  (above withhold {above_withhold(counts):.1%})")
    conditional = rules.every - rules.unconditional
    for name, values in (
        ("fired", [found.fired[rule] for rule in rules.every]),
        ("did not fire", [found.spoke[rule] - found.fired[rule] for rule in conditional]),
    ):
        least, middle, most = min(values), statistics.median(values), max(values)
        print(
            f"{len(values):>11,} {f'rules {name}':<26} "
            f"min {least:,}  median {middle:,.0f}  max {most:,}  times"
        )
    if rules.unconditional:
        print(f"{'':>11} without conditions, so firing wherever they speak: {', '.join(rules.unconditional)}")
    print(f"{len(found.differences):>11,} differences")


def main() -> int:
    """Run what was asked for; 1 if it does not hold."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--decisions", type=int, default=1_000_000, help="on one kind of field")
    asked.add_argument("--messages", type=int, default=50_000, help="whole messages")
    asked.add_argument("--cedar", type=int, default=20_000, help="of the decisions, made by Cedar, too")
    asked.add_argument("--each", type=int, default=1_000, help="times each rule must fire, and not fire")
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    policy = folder_policy()
    began = time.process_time()
    found, rules = run(
        policy,
        decisions=given.decisions,
        messages=given.messages,
        by_cedar=given.cedar,
        seed=given.seed,
    )
    print(f"policy {policy.name}, seed {given.seed}, {time.process_time() - began:.0f} s of CPU")
    show(found, rules)
    complaints = found.complaints(rules, given.each)
    for each in complaints:
        print(f"  {each}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
