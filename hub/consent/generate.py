"""Compiles the rules of one kind of field to Python: what `hub.consent.evaluate` finds out rule by rule.

Two functions are generated over the vector of facts. `fires` says in one whole number which arms of permits
fire and which rules hold back, or may; what that comes to is worked out once per number and kept. Where
nothing fires, `lacks` says which facts alone stood in a permit's way, for the reason. What is not known is 0:
it never makes a permit fire, and never keeps a forbid or a ceiling from firing (Kleene).

Only names of facts and numbers get into the source, nothing a policy file says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hub.consent.decision import Outcome
from hub.consent.evaluate import NEAR_MISS, Verdict, worded
from hub.consent.rules import Clause, Effect, Rule, Vector
from hub.consent.vocabulary import BASIS_ORDER, FACTS

VERDICTS_MAX = 4096
"""Combinations of firing rules kept per kind of field; rules that speak of one field know a few dozen."""
_NAMES: tuple[str, ...] = tuple(FACTS)
_RANKS: dict[str, int] = {
    name: rank for rank, name in enumerate(dict.fromkeys((*(name for name, _ in NEAR_MISS), *_NAMES)))
}
"""Order in which a fact that alone stood in the way gives the reason; those after the table give none."""
_REASON_OF_RANK: tuple[str, ...] = tuple(reason for _, reason in NEAR_MISS)
_UNKNOWN = -1


@dataclass(slots=True, eq=False)
class Found:
    """A verdict the rules of one kind of field can come to: the same verdict is the same object."""

    verdict: Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """The rules of one kind of field as Python, and the verdicts they have come to so far."""

    rules: tuple[Rule, ...]
    source: str
    """The two functions, for people to read."""
    fires: Callable[[Vector], int]
    """Which arms fire and which rules hold back, as bits in the order of `bits`."""
    lacks: Callable[[Vector], int]
    """Which facts alone kept a permit from firing, as bits by rank; -1 where only what is not known did."""
    bits: tuple[tuple[Rule, str | None], ...]
    """What each bit of `fires` stands for: a permit and the basis of one arm, or a rule that holds back."""
    _by_mask: dict[int, Found] = field(default_factory=dict)
    _interned: dict[Verdict, Found] = field(default_factory=dict)

    def found(self, vector: Vector) -> Found:
        """Return the verdict for a vector of facts, as the object that stands for it."""
        mask = self.fires(vector)
        if not mask:
            verdict = Verdict(outcome=Outcome.WITHHOLD, reason=self._near_miss(vector), basis=None, rules=())
            return self._interned.setdefault(verdict, Found(verdict))
        found = self._by_mask.get(mask)
        if found is None:
            if len(self._by_mask) >= VERDICTS_MAX:
                self._by_mask.clear()
            verdict = _joined([each for index, each in enumerate(self.bits) if mask >> index & 1])
            found = self._by_mask[mask] = self._interned.setdefault(verdict, Found(verdict))
        return found

    def verdict(self, vector: Vector) -> Verdict:
        """Return what `evaluate(rules, vector)` does."""
        return self.found(vector).verdict

    def _near_miss(self, vector: Vector) -> str:
        """Say what a permit lacked."""
        lacking = self.lacks(vector)
        if lacking == _UNKNOWN:
            return "FACT-MISSING"
        first = (lacking & -lacking).bit_length() - 1
        if 0 <= first < len(_REASON_OF_RANK):
            return worded(_REASON_OF_RANK[first], vector)
        return "NEED-NOT-PERMITTED"


def compile_rules(rules: Sequence[Rule]) -> Compiled:
    """Generate the two functions for the rules of one kind of field, and compile them."""
    bits = tuple(_bits(rules))
    source = "\n".join((*_fires(rules), "", *_lacks(rules), ""))
    made: dict[str, Callable[[Vector], int]] = {}
    exec(compile(source, "<rules>", "exec"), made)  # noqa: S102 - names of facts and numbers alone, see above
    return Compiled(tuple(rules), source, made["fires"], made["lacks"], bits)


def _bits(rules: Iterable[Rule]) -> Iterator[tuple[Rule, str | None]]:
    """Yield what each bit stands for."""
    for rule in rules:
        if rule.effect is Effect.PERMIT:
            yield from ((rule, arm.basis) for arm in rule.arms)
        elif _holds_back(rule):
            yield rule, None


def _holds_back(rule: Rule) -> bool:
    """Tell whether a rule takes anything away."""
    return rule.effect is not Effect.PERMIT and rule.outcome > Outcome.DISCLOSE


def _fires(rules: Sequence[Rule]) -> Iterator[str]:
    """Yield the source that says which rules fire."""
    yield "def fires(v):"
    yield from _read(rules)
    yield "    m = 0"
    index = 0
    for rule in rules:
        if rule.effect is Effect.PERMIT and rule.arms:
            yield f"    if {_all(rule.clauses, '{0} & {1}')}:"
            for arm in rule.arms:
                yield f"        if {_all(arm.clauses, '{0} & {1}')}: m |= {1 << index}"
                index += 1
        elif _holds_back(rule):
            yield f"    if {_all(rule.clauses, '(not {0} or {0} & {1})')}: m |= {1 << index}"
            index += 1
    yield "    return m"


def _lacks(rules: Sequence[Rule]) -> Iterator[str]:
    """Yield the source that says which facts alone stood in a permit's way."""
    permits = [rule for rule in rules if rule.arms]
    arms = [tuple(dict.fromkeys((*rule.clauses, *arm.clauses))) for rule in permits for arm in rule.arms]
    missed = {each: f"x{index}" for index, each in enumerate(dict.fromkeys(c for arm in arms for c in arm))}
    yield "def lacks(v):"
    yield from _read(permits)
    for (slot, mask), name in missed.items():
        fact = _NAMES[slot]
        yield f"    {name} = 0 if not {fact} or {fact} & {mask} else {1 << _RANKS[fact]}"
    yield "    near = 0"
    for clauses in dict.fromkeys(arms):
        yield f"    m = {' | '.join(missed[each] for each in clauses) or 0}"
        yield f"    if not m: return {_UNKNOWN}"
        yield "    if not m & m - 1: near |= m"
    yield "    return near"


def _read(rules: Iterable[Rule]) -> Iterator[str]:
    """Yield the source that reads the facts some rules ask about."""
    clauses = (c for rule in rules for c in (*rule.clauses, *(c for arm in rule.arms for c in arm.clauses)))
    for slot in sorted({slot for slot, _ in clauses}):
        yield f"    {_NAMES[slot]} = v[{slot}]"


def _all(clauses: Sequence[Clause], form: str) -> str:
    """Write that all clauses hold."""
    return " and ".join(form.format(_NAMES[slot], mask) for slot, mask in clauses) or "True"


def _joined(firing: Sequence[tuple[Rule, str | None]]) -> Verdict:
    """Join what fires on the lattice: the best permit, less what is held back."""
    permits = [(rule, basis) for rule, basis in firing if basis is not None]
    held = [rule for rule, basis in firing if basis is None]
    best = min((rule.outcome for rule, _ in permits), default=Outcome.WITHHOLD)
    floor = max((rule.outcome for rule in held), default=Outcome.DISCLOSE)
    if permits and best >= floor:
        deciding = [(rule, basis) for rule, basis in permits if rule.outcome is best]
        codes = _narrowest_first(basis for _, basis in deciding)
        first = next(rule for rule, basis in deciding if basis == codes[0])
        return Verdict(
            outcome=best,
            reason=first.reason,
            basis=codes[0],
            rules=tuple(dict.fromkeys(rule.rule for rule, _ in deciding)),
            alternates=codes[1:],
            caveats=first.caveats,
        )
    outcome = max(best, floor)
    holding = [rule for rule in held if rule.outcome is floor]
    codes = _narrowest_first(basis for _, basis in permits) if outcome < Outcome.REDACT else ()
    return Verdict(
        outcome=outcome,
        reason=holding[0].reason,
        basis=codes[0] if codes else None,
        rules=tuple(rule.rule for rule in holding),
        alternates=codes[1:],
        caveats=permits[0][0].caveats if codes else (),
    )


def _narrowest_first(bases: Iterable[str]) -> tuple[str, ...]:
    """Put legal bases in order, each once."""
    return tuple(sorted(set(bases), key=BASIS_ORDER.__getitem__))
