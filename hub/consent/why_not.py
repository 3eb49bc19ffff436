"""Why not: the smallest sets of changeable facts that would let a field go (R-DIS-08); for staff only.

What would have to be so is read off the rules: for each class of the field one permit with one open basis,
and none of what holds back. The search gives every set of the least size, and there is none smaller: where
something holds back, one of its clauses must change, so each is tried; where nothing permits, one permit
must come to hold, so each is tried. Rules that no changeable fact can move are said to stand in the way.
An appointment gives a part in the case; where any part would do, that is said once, not twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from hub.consent.changeable import CHANGEABLE, IMPLIED, said
from hub.consent.compile import Line, Policy
from hub.consent.decide import lines_of
from hub.consent.decision import Decision, FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.explain import SCREENS
from hub.consent.looking import Looking, fact_key, looking_at
from hub.consent.obstacles import Obstacle, not_permitted
from hub.consent.partner_contracts import NOT_IN_VIEW
from hub.consent.rules import Clause, Effect, Rule
from hub.consent.vocabulary import FACTS, Value, bit, values_of
from hub.messages.envelope import InformationClass

_NAMES = tuple(FACTS)
_AFTER_THE_RULES = {*SCREENS, NOT_IN_VIEW}
_NOTHING_LEFT = "NEED-NOTHING-LEFT"
_Condition = tuple[tuple[str, int], ...]
"""Facts as the ledger names them, each with the values that satisfy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One fact that would have to be otherwise, and what one would do about it."""

    fact: str
    """As the ledger names it: `consent.health`."""
    now: Value | None
    to: tuple[Value, ...]
    """The values that would do; no rule of the field tells them apart."""
    says: str
    found: bool
    """True: nobody does it so that a message may go; it is found to be so, or it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """What would let a field go, or that nothing would."""

    path: str
    scope: Scope
    wanted: Outcome
    """What the field would have to be at least."""
    goes: bool
    """It goes as things were."""
    sets: tuple[tuple[Change, ...], ...]
    """Every smallest set of changes, those that people can make first."""
    obstacles: tuple[Obstacle, ...]
    """What no change can move; with any of these there is no set."""
    by_override: bool
    """An override of the classes concerned, agreed by a second person, would do without any other change."""


@dataclass(slots=True)
class _Needs:
    """What must be so for a field to go, read off the rules for facts that cannot change."""

    goals: list[tuple[_Condition, ...]] = field(default_factory=list)
    """Of each, one alternative must hold."""
    bars: list[_Condition] = field(default_factory=list)
    """None may hold, or hang on what is not known."""
    obstacles: list[Obstacle] = field(default_factory=list)


def why_not(
    policy: Policy,
    decision: Decision,
    specs: tuple[FieldSpec, ...],
    path: str,
    *,
    scope: Scope | None = None,
    declared: Mapping[str, InformationClass] | None = None,
) -> WhyNot:
    """Return the smallest sets of changeable facts with which a field would have gone.

    It would go when the rules let it, no gate is closed, and the keys go without which there is no record
    or no item. A field that has a general form need be generalised only, unless it was.

    Args:
        policy: The rules the decision was made by.
        decision: As the ledger has it, with its facts.
        specs: The leaf fields of the contract decided on.
        path: The field.
        scope: Whose items of a list; by default the recipient's own, where that is told apart.
        declared: Stricter classes the author declared, where the message is at hand.

    Raises:
        ValueError: The policy is another than the decision names.
        KeyError: The message has no such field.
    """
    looking = looking_at(policy, decision)
    recorded = _recorded(decision, path, scope)
    spec = next((each for each in specs if each.path == path), None)
    could_be_general = spec is not None and bool(spec.general and spec.generaliser)
    generalise = could_be_general and recorded.outcome is not Outcome.GENERALISE
    wanted = Outcome.GENERALISE if generalise else Outcome.DISCLOSE
    goes = decision.delivers and recorded.outcome <= wanted
    if goes:
        return WhyNot(
            path=path,
            scope=recorded.scope,
            wanted=wanted,
            goes=True,
            sets=(),
            obstacles=(),
            by_override=False,
        )
    after = tuple(_not_by_rules(policy, decision, recorded, wanted))
    lines = tuple(lines_of(policy, looking.message, specs, declared or {}))
    needs = _needs_of(looking, lines, recorded, wanted)
    obstacles = tuple(dict.fromkeys((*after, *needs.obstacles)))
    search = _Search(needs, looking.facts)
    sets = () if obstacles else search.sets()
    if not sets and not obstacles:
        says = "What would let it go and what would no longer hold it back contradict each other."
        if search.is_met:
            says = policy.reasons.get(recorded.reason, ("", ""))[0]
        obstacles = (Obstacle(rule=None, reason=recorded.reason, says=says),)
    return WhyNot(
        path=path,
        scope=recorded.scope,
        wanted=wanted,
        goes=False,
        sets=sets,
        obstacles=obstacles,
        by_override=not after and _goes_overridden(looking, lines, recorded, wanted),
    )


def _goes_overridden(
    looking: Looking, lines: Iterable[Line], recorded: FieldDecision, wanted: Outcome
) -> bool:
    """Tell whether an override of all classes would do, and nothing else need be otherwise."""
    overridden = {name: True for name in looking.facts if name.startswith("override.")}
    with_it = replace(looking, facts={**looking.facts, **overridden}, verdicts={}, seen={})
    needs = _needs_of(with_it, lines, recorded, wanted)
    return not needs.obstacles and _Search(needs, with_it.facts).is_met


def _needs_of(looking: Looking, lines: Iterable[Line], recorded: FieldDecision, wanted: Outcome) -> _Needs:
    """Read off the rules what must be so for a field to go."""
    needs = _Needs()
    _add_gates(needs, looking)
    for spec, classes, scopes in lines:
        limit = _limit(spec, recorded.path, wanted)
        whose = recorded.scope if recorded.scope in scopes else scopes[0]
        for name, rules in classes if limit is not None else ():
            _add_class(needs, looking, rules, name, scope=whose, limit=limit or Outcome.DISCLOSE)
    return needs


def _recorded(decision: Decision, path: str, scope: Scope | None) -> FieldDecision:
    """Return what was decided on the field; of a list, on the recipient's own items unless said otherwise."""
    found = [each for each in decision.fields if each.path == path and scope in {None, each.scope}]
    if not found:
        message = f"{path}: the decision has no such field"
        raise KeyError(message)
    return found[0]


def _limit(spec: FieldSpec, path: str, wanted: Outcome) -> Outcome | None:
    """Return how much of a field may be held back if the one asked for is to go; None: all of it."""
    if spec.path == path:
        return wanted
    if not spec.key:
        return None
    lists = spec.path.rpartition("[].")[0]
    if not lists:
        return Outcome.GENERALISE
    return Outcome.DISCLOSE if path.startswith(f"{lists}[].") else None


def _not_by_rules(
    policy: Policy, decision: Decision, recorded: FieldDecision, wanted: Outcome
) -> Iterator[Obstacle]:
    """Yield what decided after the rules: no fact of theirs moves it."""
    of_rules = {*(rule.reason for rule in policy.gates), *(each.reason for each in decision.fields)}
    known = (of_rules - _AFTER_THE_RULES) | ({_NOTHING_LEFT} if recorded.outcome > wanted else set())
    codes = [recorded.reason] if recorded.reason in _AFTER_THE_RULES else []
    codes += [decision.gate] if decision.gate is not None and decision.gate not in known else []
    for code in codes:
        contract = recorded.rules[-1] if code == NOT_IN_VIEW and recorded.rules else None
        yield Obstacle(rule=contract, reason=code, says=policy.reasons.get(code, ("", ""))[0])


def _add_gates(needs: _Needs, looking: Looking) -> None:
    """Add that no gate may be closed."""
    for rule in looking.gates():
        _add_bar(needs, looking, rule, None, Scope.ALL)


def _add_class(
    needs: _Needs,
    looking: Looking,
    rules: Sequence[Rule],
    name: InformationClass,
    *,
    scope: Scope,
    limit: Outcome,
) -> None:
    """Add what the rules of one class want for an outcome that holds back no more than the limit."""
    alternatives: list[_Condition] = []
    for rule in rules:
        if rule.effect is not Effect.PERMIT:
            if rule.outcome > limit:
                _add_bar(needs, looking, rule, name, scope)
        elif rule.outcome <= limit:
            for arm in rule.arms:
                left = _left(looking, (*rule.clauses, *arm.clauses), name, scope=scope, bars=False)
                alternatives += [] if left is None else [left]
    if alternatives:
        needs.goals.append(tuple(dict.fromkeys(alternatives)))
    else:
        needs.obstacles += not_permitted(looking, rules, name, scope=scope, limit=limit)


def _add_bar(
    needs: _Needs, looking: Looking, rule: Rule, name: InformationClass | None, scope: Scope
) -> None:
    """Add a rule that holds back, unless it cannot hold here; one nothing can move is an obstacle."""
    left = _left(looking, rule.clauses, name, scope=scope, bars=True)
    if left:
        needs.bars.append(left)
    elif left is not None:
        needs.obstacles.append(Obstacle(rule=rule.rule, reason=rule.reason, says=rule.says))


def _left(
    looking: Looking,
    clauses: Iterable[Clause],
    name: InformationClass | None,
    *,
    scope: Scope,
    bars: bool,
) -> _Condition | None:
    """Return what of these clauses hangs on facts that can change; None: they cannot come to hold.

    What cannot change and is not known never lets a permit fire, and always lets fire what holds back.
    """
    left: dict[str, int] = {}
    for slot, mask in clauses:
        fact = _NAMES[slot]
        key = fact_key(fact, name)
        if fact in CHANGEABLE:
            left[key] = left.get(key, -1) & mask
            continue
        value = bit(fact, scope if fact == "scope" else _value(looking.facts, key))
        if value & mask or (bars and not value):
            continue
        return None
    return None if 0 in left.values() else tuple(left.items())


def _value(facts: Mapping[str, object], key: str) -> Value | None:
    value = facts.get(key)
    return value if isinstance(value, str | int) else None


class _Search:
    """Finds every smallest set of changes that meets the needs."""

    def __init__(self, needs: _Needs, facts: Mapping[str, object]) -> None:
        """Sort the values of each fact by what tells them apart."""
        self._goals, self._bars = needs.goals, list(dict.fromkeys(needs.bars))
        self._facts = facts
        masks: dict[str, set[int]] = {}
        for key, mask in (
            pair for each in (*self._bars, *(a for g in self._goals for a in g)) for pair in each
        ):
            masks.setdefault(key, set()).add(mask)
        self._start = {key: bit(key.partition(".")[0], _value(facts, key)) for key in masks}
        self._groups = {key: _told_apart(key, each) for key, each in masks.items()}
        self._most = 0
        self._found: dict[frozenset[tuple[str, int]], None] = {}

    @property
    def is_met(self) -> bool:
        """Whether nothing need change at all."""
        start = self._start
        return not any(_may_hold(bar, start) for bar in self._bars) and all(
            any(_holds(each, start) for each in goal) for goal in self._goals
        )

    def sets(self) -> tuple[tuple[Change, ...], ...]:
        """Return the smallest sets, those that people can make first."""
        while not self.is_met and not self._found and self._most < len(self._groups):
            self._most += 1
            self._look(self._start, {})
        sets = [tuple(self._change(key, group) for key, group in sorted(each)) for each in self._found]
        return tuple(sorted(sets, key=lambda each: (sum(c.found for c in each), [c.fact for c in each])))

    def _look(self, state: Mapping[str, int], chosen: Mapping[str, int]) -> None:
        for bar in self._bars:
            if _may_hold(bar, state):
                for key, mask in bar:
                    self._try(state, chosen, ((key, ~mask),))
                return
        for goal in self._goals:
            if not any(_holds(each, state) for each in goal):
                for each in goal:
                    lacking = tuple((key, mask) for key, mask in each if not state[key] & mask)
                    self._try(state, chosen, lacking)
                return
        self._found[frozenset(chosen.items())] = None

    def _try(
        self, state: Mapping[str, int], chosen: Mapping[str, int], wanted: Sequence[tuple[str, int]]
    ) -> None:
        """Go on with every way to give these facts one of these values; what was changed stays."""
        if any(key in chosen for key, _ in wanted) or len(chosen) + len(wanted) > self._most + 1:
            return
        ways = [
            [(key, group) for group in self._groups[key] if group & mask & -group] for key, mask in wanted
        ]
        for way in product(*ways):
            found = _changed(state, chosen, way)
            if found is not None and len(found[1]) <= self._most:
                self._look(*found)

    def _change(self, key: str, group: int) -> Change:
        name, _, of_class = key.partition(".")
        values = values_of(name, group)
        of = InformationClass(of_class) if of_class else None
        return Change(
            fact=key,
            now=_value(self._facts, key),
            to=values,
            says=said(name, of, values, role=_value(self._facts, "role")),
            found=CHANGEABLE[name].found,
        )


def _holds(condition: _Condition, state: Mapping[str, int]) -> bool:
    return all(state[key] & mask for key, mask in condition)


def _may_hold(condition: _Condition, state: Mapping[str, int]) -> bool:
    return all(not state[key] or state[key] & mask for key, mask in condition)


def _told_apart(key: str, masks: Iterable[int]) -> tuple[int, ...]:
    """Group the values of a fact that no condition tells apart; each group as a mask."""
    groups: dict[tuple[bool, ...], int] = {}
    for index in range(len(FACTS[key.partition(".")[0]].domain)):
        value = 1 << index
        alike = tuple(bool(value & mask) for mask in masks)
        groups[alike] = groups.get(alike, 0) | value
    return tuple(groups.values())


def _changed(
    state: Mapping[str, int], chosen: Mapping[str, int], way: Sequence[tuple[str, int]]
) -> tuple[dict[str, int], dict[str, int]] | None:
    """Return facts and changes with these made, and what they imply; None: they contradict each other."""
    after, changes = dict(state), {**chosen, **dict(way)}
    after |= {key: group & -group for key, group in way}
    for (name, value), (implied, so) in IMPLIED.items():
        if after.get(name) != bit(name, value):
            continue
        if implied in changes and changes[implied] & -changes[implied] != bit(implied, so):
            return None
        if name in changes:
            changes.pop(implied, None)
            after |= {implied: bit(implied, so)} if implied in after else {}
    return after, changes
