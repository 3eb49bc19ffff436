"""The compiled rules decide as the naive reference does, and as Cedar does; and if ever not, it is seen.

Here on some ten thousands of random states; on a million with `python bench/differential.py`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.differential import Found, Rules, above_withhold, run
from bench.states import all_specs, kinds_of
from hub.consent import plan as plans
from hub.consent.decide import CHECKED_BELOW
from hub.consent.decision import Outcome
from hub.consent.evaluate import evaluate
from hub.consent.generate import Compiled, compile_rules
from hub.consent.rules import Arm, Effect, Rule
from hub.consent.vocabulary import BASES, FACTS, SLOT
from hub.errors import EngineDisagrees
from hub.messages.envelope import InformationClass, MessageName, Role
from tests.unit.consent_cases import LIBRARY, POLICY, REGION, RUNG_2, ask

DECISIONS, MESSAGES, BY_CEDAR, EACH = 50_000, 1_000, 300, 60
VECTORS = st.tuples(
    *(st.sampled_from([0, *(1 << n for n in range(len(fact.domain)))]) for fact in FACTS.values())
)
ALL_RULES = sorted(
    {rule.rule: rule for rules in (POLICY.gates, *POLICY.rules.values()) for rule in rules}.values(),
    key=lambda rule: rule.rule,
)
CLAUSES = st.lists(
    st.sampled_from(list(SLOT.values())).flatmap(
        lambda slot: st.tuples(
            st.just(slot), st.integers(0, (1 << len(FACTS[tuple(FACTS)[slot]].domain)) - 1)
        )
    ),
    max_size=4,
).map(tuple)


@cache
def compared() -> tuple[Found, Rules]:
    """Compare once for all tests here."""
    return run(POLICY, decisions=DECISIONS, messages=MESSAGES, by_cedar=BY_CEDAR, seed=5)


@pytest.mark.requirement("R-DIS-01")
def test_compiled_rules_decide_as_the_reference_and_as_cedar_on_random_states() -> None:
    """Every kind of field of every message, gates and whole messages too: no difference at all."""
    found, _ = compared()

    assert found.differences == []
    assert found.outcomes.total() == DECISIONS
    assert found.by_cedar.total() >= BY_CEDAR


@pytest.mark.requirement("R-DIS-01")
def test_random_states_let_a_fifth_go_and_try_every_rule_both_ways() -> None:
    """Agreeing on nothing but withholding, or on rules that never fire, would show nothing."""
    found, rules = compared()

    assert found.complaints(rules, EACH) == []
    assert above_withhold(found.outcomes) > 0.2
    assert len(rules.every) == len(ALL_RULES)
    assert rules.unconditional == {"progress.correction"}


@pytest.mark.requirement("R-DIS-01")
def test_a_run_that_shows_too_little_says_so() -> None:
    """A rule that did not fire, outcomes that are all withheld, and a difference are each named."""
    found = Found()
    found.outcomes[Outcome.WITHHOLD] = 9
    found.outcomes[Outcome.DISCLOSE] = 1
    found.spoke["a.rule"] = 5
    found.differences.append("here")

    complaints = found.complaints(Rules(every=frozenset({"a.rule"}), unconditional=frozenset()), 3)

    assert complaints == [
        "differs: here",
        "only 10.0% of the outcomes of decisions are above withhold",
        "a.rule fired 0 and did not fire 5 times, not 3",
    ]


@pytest.mark.requirement("R-DIS-01")
@given(rules=st.lists(st.sampled_from(ALL_RULES), max_size=9, unique=True), vector=VECTORS)
@settings(max_examples=300, deadline=None)
def test_any_rules_together_are_compiled_to_what_the_reference_says(
    rules: list[Rule], vector: tuple[int, ...]
) -> None:
    """Rules that never stand together, gates among them, and none at all."""
    assert compile_rules(rules).verdict(vector) == evaluate(rules, vector)


@pytest.mark.requirement("R-DIS-01")
@given(
    clauses=CLAUSES,
    arms=st.lists(st.tuples(st.sampled_from([basis.code for basis in BASES]), CLAUSES), max_size=3),
    holds=st.lists(st.tuples(CLAUSES, st.sampled_from(list(Outcome))), max_size=3),
    outcome=st.sampled_from(list(Outcome)[:3]),
    vector=VECTORS,
)
@settings(max_examples=400, deadline=None)
def test_rules_nobody_has_written_yet_are_compiled_to_what_the_reference_says(
    clauses: tuple[tuple[int, int], ...],
    arms: list[tuple[str, tuple[tuple[int, int], ...]]],
    holds: list[tuple[tuple[tuple[int, int], ...], Outcome]],
    outcome: Outcome,
    vector: tuple[int, ...],
) -> None:
    """Conditions nothing meets, the same fact twice, permits without arms, ceilings of every height."""
    pattern = ALL_RULES[0]
    rules = [
        replace(
            pattern,
            rule="a.permit",
            effect=Effect.PERMIT,
            outcome=outcome,
            clauses=clauses,
            arms=tuple(Arm(basis=code, clauses=own) for code, own in arms),
        ),
        *(
            replace(pattern, rule=f"a.hold-{n}", effect=Effect.CEILING, outcome=least, clauses=own, arms=())
            for n, (own, least) in enumerate(holds)
        ),
    ]

    assert compile_rules(rules).verdict(vector) == evaluate(rules, vector)


@pytest.mark.requirement("R-DIS-01")
def test_the_same_verdict_is_the_same_object_however_it_was_come_to() -> None:
    """Fields can be told by it, so that decisions share them."""
    kind = next(each for each in kinds_of(POLICY, all_specs()) if each.key[1] is InformationClass.RISK)
    compiled = compile_rules(kind.rules)
    nobody = [0] * len(FACTS)

    assert compiled.found(nobody) is compiled.found(list(nobody))


@pytest.mark.requirement("R-DIS-01")
def test_only_names_of_facts_and_numbers_get_into_the_source() -> None:
    """What a policy file says is never run."""
    words = {"def", "fires", "lacks", "v", "m", "if", "and", "not", "or", "return", "else", "near", "True"}
    for rules in POLICY.rules.values():
        source = compile_rules(rules).source
        for mark in "()[]:=&|\n-":
            source = source.replace(mark, " ")
        others = {each for each in source.split() if not each.isdigit()} - words - set(FACTS)
        assert all(each[0] == "x" and each[1:].isdigit() for each in others)


def letting_everything_fire(_policy: object, rules: tuple[Rule, ...]) -> Compiled:
    """Return rules compiled wrongly: all of them fire, whatever the facts."""
    right = compile_rules(rules)
    return replace(right, fires=lambda _: (1 << len(right.bits)) - 1)


@pytest.mark.requirement("R-DIS-01")
def test_a_fault_of_the_compiled_rules_stops_the_message_when_it_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One decision in 10,000 is made again by the reference; what then differs goes to nobody."""
    monkeypatch.setattr(plans, "compiled_for", letting_everything_fire)
    POLICY.plans.clear()
    try:
        monkeypatch.setattr("hub.consent.decide.CHECKED_BELOW", "0")
        ask(MessageName.PROGRESS, Role.KEY_WORKER, RUNG_2)
        monkeypatch.setattr("hub.consent.decide.CHECKED_BELOW", "g")
        with pytest.raises(EngineDisagrees) as stopped:
            ask(MessageName.PROGRESS, Role.KEY_WORKER, RUNG_2)
    finally:
        POLICY.plans.clear()

    assert stopped.value.code == "ENGINE-DISAGREES"


@pytest.mark.requirement("R-DIS-01")
def test_every_decision_of_the_right_rules_passes_when_it_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All roles and rungs, with a declared class, too."""
    monkeypatch.setattr("hub.consent.decide.CHECKED_BELOW", "g")
    for message in MessageName:
        for role, name in ((Role.KEY_WORKER, RUNG_2), (Role.OFFENDER_MANAGER, REGION)):
            for declared in ({}, {LIBRARY.fields(message, "1.0")[0].path: InformationClass.VICTIM}):
                decision = ask(message, role, name, declared=declared)
                assert decision.fields


@pytest.mark.requirement("R-DIS-01")
def test_one_decision_in_ten_thousand_is_made_again() -> None:
    """Ids are 32 hexadecimal digits, evenly spread: the share is that of the ids below the mark."""
    assert int(CHECKED_BELOW, 16) / 16 ** len(CHECKED_BELOW) == pytest.approx(1 / 10_000, rel=1e-4)


@pytest.mark.requirement("R-DIS-01")
def test_what_is_kept_of_decisions_is_bounded_and_forgetting_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many states a message meets, only so much is kept; the rest is worked out again."""
    for name in (
        "plan.ANSWERS_MAX",
        "plan.FACTS_MAX",
        "plan.PARTS_MAX",
        "patterns.PATTERNS_MAX",
        "patterns.COLUMNS_MAX",
        "generate.VERDICTS_MAX",
    ):
        monkeypatch.setattr(f"hub.consent.{name}", 2)
    found, _ = run(POLICY, decisions=300, messages=300, by_cedar=0, seed=6)

    assert found.differences == []
