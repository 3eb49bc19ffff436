"""Decides past decisions again by other rules, from the facts that were recorded with them.

The facts tell all that the rules ask. They do not tell what was in the message, so some steps of a decision
cannot be taken again: the search for what is held back in texts that are not, the view of a partner's
contract, a class its author declared, an obligation the recipient cannot perform. Such steps only ever take
away. A field they acted on (its recorded outcome is not what the rules of its time make of its facts)
therefore stays held back at least as far as it was, and is counted. Where rules would let out what they did
not before, the same steps may still hold it back; the replay shows the most that would go.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.consent.compile import Line, Policy
from hub.consent.decide import lines_of
from hub.consent.decision import FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.evaluate import Verdict, evaluate
from hub.consent.replay_report import Difference, Ground, Past, Report
from hub.consent.rules import Rule, truth
from hub.consent.vocabulary import BY_CLASS, FACTS, SLOT, Value, bit
from hub.consent.weighing import closed, decided
from hub.messages.envelope import InformationClass, MessageName

NOTHING_LEFT = "NEED-NOTHING-LEFT"
_REMEMBERED_MAX = 2_000
"""Sets of facts whose outcomes are kept: many decisions look at the same."""
_TAKEN_AWAY = frozenset({"GUARD-GAP", "GUARD-NAMED-IN-TEXT", "CONTRACT-VIEW", "OBL-UNSUPPORTED"})
_BY_CONTRACT = "contract."
_OTHERWISE = "not by the rules of its time alone (a class its author declared, or rules no longer known)"
_Place = tuple[str, Scope]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What rules make of some facts: the gate that is closed, or an outcome for every field."""

    gate: Rule | None
    fields: Mapping[_Place, FieldDecision]


class _Rules:
    """One policy, deciding from recorded facts."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._lines: dict[tuple[MessageName, int], tuple[Sequence[FieldSpec], tuple[Line, ...]]] = {}
        self._made: dict[tuple[MessageName, int, str], _Made] = {}

    def made(self, message: MessageName, specs: tuple[FieldSpec, ...], facts: Mapping[str, object]) -> _Made:
        """Decide every field from facts, by the interpreter that others are held against."""
        key = (message, id(specs), json.dumps(facts, sort_keys=True))
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= _REMEMBERED_MAX:
                self._made.clear()
            found = self._made[key] = self._decided(message, specs, facts)
        return found

    def _decided(
        self, message: MessageName, specs: tuple[FieldSpec, ...], facts: Mapping[str, object]
    ) -> _Made:
        vector = [0 if name in BY_CLASS else _bit(name, facts.get(name)) for name in FACTS]
        lines = self._lines_of(message, specs)
        for rule in self.policy.gates:
            meant = rule.messages is None or message in rule.messages
            if meant and truth(rule.clauses, vector) is not False:
                return _Made(gate=rule, fields=_placed(closed(lines, rule)))
        reached: dict[tuple[InformationClass, int, Scope], Verdict] = {}
        fields: dict[_Place, FieldDecision] = {}
        for spec, rules, scopes in lines:
            for scope in scopes:
                verdict = _joined(rules, scope, vector, facts, reached)
                fields |= _placed(decided(spec, scope, verdict))
        return _Made(gate=None, fields=fields)

    def _lines_of(self, message: MessageName, specs: tuple[FieldSpec, ...]) -> tuple[Line, ...]:
        kept = self._lines.get((message, id(specs)))
        if kept is None:
            # The specs are kept beside, so that no other tuple can come to have their identity.
            kept = (specs, tuple(lines_of(self.policy, message, specs, {})))
            self._lines[message, id(specs)] = kept
        return kept[1]


class Replay:
    """Past decisions, one after the other, decided again by a candidate policy."""

    def __init__(
        self,
        candidate: Policy,
        *,
        specs_of: Callable[[MessageName, str], tuple[FieldSpec, ...] | None],
        policy_of: Callable[[str], Policy | None],
    ) -> None:
        """Take the candidate, the fields of each contract and the rules of each past policy, if known."""
        self.report = Report()
        self._candidate = _Rules(candidate)
        self._specs_of, self._policy_of = specs_of, policy_of
        self._past: dict[str, _Rules | None] = {candidate.name: self._candidate}

    def add(self, past: Past) -> None:
        """Decide one again, and note what differs."""
        report = self.report
        specs = self._specs_of(past.message, past.contract)
        if not past.facts or specs is None:
            report.not_redone(past.gate or "no facts" if not past.facts else "contract no longer known")
            return
        then = self._rules_of(past.policy)
        before = None if then is None else then.made(past.message, specs, past.facts)
        if before is None:
            report.rules_unknown += 1
        after = self._candidate.made(past.message, specs, past.facts)
        fields = self._after(past, before, after)
        keys = {spec.path for spec in specs if spec.key}
        gate = self._stopped(past, after, fields, keys)
        report.decisions += 1
        report.uncertain += gate is None and not self._is_sure(past, fields, keys)
        if gate != past.gate:
            report.note_delivery(past, _sent(past.gate), _sent(gate))
        for each in _differences(past, fields, delivers=gate is None):
            report.note(past, each)

    def _rules_of(self, name: str) -> _Rules | None:
        if name not in self._past:
            policy = self._policy_of(name)
            self._past[name] = None if policy is None else _Rules(policy)
        return self._past[name]

    def _after(self, past: Past, before: _Made | None, after: _Made) -> Mapping[_Place, FieldDecision]:
        """Return each field as it would be; what the rules alone did not decide is held back as before."""
        recorded = {(each.path, each.scope): each for each in past.fields}
        fields = dict(after.fields)
        for place, was in recorded.items():
            self.report.fields += 1
            why = _not_by_rules(was, None if before is None else before.fields.get(place), before)
            if why is None:
                continue
            self.report.kept[why] = self.report.kept.get(why, 0) + 1
            found = fields.get(place)
            if found is None or found.outcome <= was.outcome:
                fields[place] = was
        if before is not None:
            for place in before.fields.keys() - recorded.keys():
                # A field its contract has had only since was not decided then, and is not now.
                fields.pop(place, None)
        return fields

    def _stopped(
        self, past: Past, after: _Made, fields: Mapping[_Place, FieldDecision], keys: set[str]
    ) -> str | None:
        """Say why nothing would go, or None."""
        if after.gate is not None:
            return after.gate.reason
        if past.gate is not None and past.gate not in {NOTHING_LEFT, *(each.reason for each in past.fields)}:
            # What stopped it came after the rules: a contract at its end, a delivery nobody could write.
            return past.gate
        for (path, _), each in fields.items():
            if path in keys and "[]" not in path and each.outcome >= Outcome.REDACT:
                return each.reason
        if past.message in self._candidate.policy.keys_inform:
            return None
        now = _goes(fields.values(), keys)
        still = past.gate == NOTHING_LEFT and now <= _goes(past.fields, keys)
        return NOTHING_LEFT if still or not now else None

    def _is_sure(self, past: Past, fields: Mapping[_Place, FieldDecision], keys: set[str]) -> bool:
        """Tell whether something of the message is known to be left that would go."""
        if past.message in self._candidate.policy.keys_inform:
            return True
        rules = self._rules_of(past.policy)
        by_keys = rules is not None and past.message in rules.policy.keys_inform
        return past.delivers and not by_keys and _goes(past.fields, keys) <= _goes(fields.values(), keys)


def _bit(name: str, value: object) -> int:
    return bit(name, value) if isinstance(value, str | int | bool) else 0


def _joined(
    rules: Sequence[tuple[InformationClass, tuple[Rule, ...]]],
    scope: Scope,
    vector: list[int],
    facts: Mapping[str, object],
    reached: dict[tuple[InformationClass, int, Scope], Verdict],
) -> Verdict:
    """Join the classes of a field: of equals the first, as the decision itself does."""
    worst: Verdict | None = None
    for name, own in rules:
        key = (name, id(own), scope)
        found = reached.get(key)
        if found is None:
            for each in BY_CLASS:
                vector[SLOT[each]] = _bit(each, facts.get(f"{each}.{name}"))
            vector[SLOT["scope"]] = bit("scope", _value(scope))
            found = reached[key] = evaluate(own, vector)
        if worst is None or found.outcome > worst.outcome:
            worst = found
    assert worst is not None  # noqa: S101 - every field has a class
    return worst


def _value(scope: Scope) -> Value:
    return scope


def _placed(fields: Iterable[FieldDecision]) -> Mapping[_Place, FieldDecision]:
    return {(each.path, each.scope): each for each in fields}


def _not_by_rules(was: FieldDecision, made: FieldDecision | None, before: _Made | None) -> str | None:
    """Say what besides the rules of its time made a field what it was; None: they alone did."""
    if before is not None and made == was:
        return None
    if was.reason in _TAKEN_AWAY:
        return was.reason
    if any(rule.startswith(_BY_CONTRACT) for rule in was.rules):
        return "CONTRACT-VIEW"
    return None if before is None else _OTHERWISE


def _goes(fields: Iterable[FieldDecision], keys: set[str]) -> set[_Place]:
    """Return what of a message may go and is more than its keys."""
    return {
        (each.path, each.scope)
        for each in fields
        if each.outcome < Outcome.REDACT and each.path not in keys and not each.path.startswith("@")
    }


def _sent(gate: str | None) -> str:
    return "delivered" if gate is None else f"nothing goes ({gate})"


def _differences(
    past: Past, fields: Mapping[_Place, FieldDecision], *, delivers: bool
) -> Iterator[Difference | Ground]:
    """Yield what a recipient would get other than it got, and what would go for another reason."""
    recorded = {(each.path, each.scope): each for each in past.fields}
    for place in dict.fromkeys((*recorded, *fields)):
        was, becomes = recorded.get(place), fields.get(place)
        then = was.outcome if was is not None and past.delivers else Outcome.WITHHOLD
        now = becomes.outcome if becomes is not None and delivers else Outcome.WITHHOLD
        if then is not now:
            yield Difference(path=place[0], scope=place[1], then=then, now=now)
        elif was is not None and becomes is not None and past.delivers and delivers:
            one, other = (was.reason, was.basis), (becomes.reason, becomes.basis)
            if one != other:
                yield Ground(path=place[0], scope=place[1], then=_ground(*one), now=_ground(*other))


def _ground(reason: str, basis: str | None) -> str:
    return reason if basis is None else f"{reason} on {basis}"
