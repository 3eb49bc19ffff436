"""Every slip of the pen in the policy is caught: by a golden case, a proof, or a finding that is new.

A slip is a rule that is gone, a condition, narrowing or basis that is gone or wider, a guard that holds
back less. In this form a sample is tried; `HUB_SLIPS=all hub test tests/unit/test_policy_mutations.py -s`
tries every one and prints what caught how many.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from hub.consent.weight import uses
from tests.unit.consent_cases import POLICY
from tests.unit.mutants import Mutant, every_rule, mutants
from tests.unit.mutation_catching import Catcher

EVERY = os.environ.get("HUB_SLIPS") == "all"
SAMPLE = 300
"""How many of the slips are tried when not all are; which ones follows from the policy's digest."""


@pytest.fixture(scope="module")
def catcher() -> Catcher:
    """The policy that comes with the hub, and what its golden cases look at."""
    return Catcher(policy=POLICY)


def slips() -> list[Mutant]:
    """Return every slip, or a sample of them that is the same for the same policy."""
    found = list(mutants(POLICY))
    return found if EVERY else random.Random(POLICY.digest).sample(found, SAMPLE)  # noqa: S311 - no secret


def needing(catcher: Catcher, mutant: Mutant) -> tuple[str, ...]:
    """Return the guards that with a slip hold back what nothing else does any more."""
    found: dict[str, None] = {}
    for own in catcher.policy.rules.values():
        if any(rule.rule in mutant.changed for rule in own):
            matters = uses(mutant.applied(own)).matters
            found.update({rule.rule: None for rule in own if rule.guard and rule.rule in matters})
    return tuple(name for name in found if name not in mutant.changed)


def caught_by(catcher: Catcher, mutant: Mutant) -> str | None:
    """Say what catches a slip; None: nothing does, and it makes a difference.

    A slip that a guard makes good is found, for the guard is then the only thing in the way. With the
    guard gone as well, a golden case or a proof must catch it.
    """
    if catcher.by_golden_case(mutant) is not None:
        return "golden case"
    if catcher.by_proof(mutant) is not None:
        return "proof"
    guards = needing(catcher, mutant)
    if guards:
        both = mutant.besides(guards)
        caught = catcher.by_golden_case(both) or catcher.by_proof(both)
        return "finding, and without its guard golden case or proof" if caught else None
    if catcher.by_finding(mutant):
        return "finding"
    return "no difference in any state" if mutant.widens and catcher.without_difference(mutant) else None


@pytest.mark.requirement("R-DIS-06", "R-DIS-01")
@pytest.mark.timeout(900 if EVERY else 120)
def test_every_slip_in_the_policy_is_caught(catcher: Catcher) -> None:
    """Nothing survives but what is shown to decide the same in every state."""
    tried = slips()
    caught = {each.name: caught_by(catcher, each) for each in tried}

    print(
        f"{len(tried)} slips of {len(every_rule(POLICY))} rules, caught by: {dict(Counter(caught.values()))}"
    )
    survivors = [name for name, by in caught.items() if by is None]
    assert not survivors, "\n".join(survivors)


@pytest.mark.requirement("R-DIS-06")
@pytest.mark.timeout(900 if EVERY else 120)
def test_each_guard_makes_good_some_slip_that_is_a_breach_without_it(catcher: Catcher) -> None:
    """A guard gone changes nothing; gone together with what it doubles, a case or a proof says so."""
    guards = {rule.rule for rule in every_rule(POLICY).values() if rule.guard}
    made_good: set[str] = set()
    for each in _beside_guards(guards):
        needed = needing(catcher, each)
        both = each.besides(needed)
        assert not needed or catcher.by_golden_case(both) or catcher.by_proof(both), both.name
        made_good.update(needed)

    assert made_good == guards
    for guard in guards:
        assert catcher.without_difference(Mutant(name=f"{guard} gone", changed={guard: None}))


def _beside_guards(guards: set[str]) -> Iterator[Mutant]:
    """Yield the slips of rules, themselves no guards, of a class that has a guard of its own."""
    guarded = [
        rules
        for rules in POLICY.rules.values()
        if any(rule.rule in guards and rule.information_class is not None for rule in rules)
    ]
    own = {rule.rule for rules in guarded for rule in rules if not rule.guard and rule.information_class}
    return (each for each in mutants(POLICY) if own & set(each.changed))


@pytest.mark.requirement("R-DIS-01")
def test_what_the_slips_are_held_against_is_what_the_golden_cases_expect(catcher: Catcher) -> None:
    """The fields kept of the golden cases are decided as expected while nothing has slipped."""
    unchanged = Mutant(name="nothing", changed=dict(every_rule(POLICY)))

    assert catcher.looked
    assert catcher.by_golden_case(unchanged) is None
