"""How a message is decided: which fields share their rules, and what is kept of what was worked out.

Of each fact only so much counts as the rules of a field tell apart. So the facts of a decision come to one
number per kind of field, and that number to a verdict; both are looked up, and worked out by the compiled
rules where they are new. Fields with the same verdict share one object, and decisions whose fields all have
the same verdicts share one answer. Facts that come again, as for the same recipient of a case they mostly do,
are answered at once. Everything kept is bounded, and none of it outlives the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Self

from hub.consent.common import Column
from hub.consent.compile import Line, Policy
from hub.consent.decision import FieldDecision, FieldSpec, Outcome, Scope
from hub.consent.facts import WHOLE, Facts, Values
from hub.consent.generate import Compiled, Found, compile_rules
from hub.consent.owing import carried, carried_by, owes, performable
from hub.consent.patterns import ByPattern, Cell, asked_by, by_columns, by_values
from hub.consent.reading import Reading, read_payload
from hub.consent.rules import Rule, Vector
from hub.consent.vocabulary import BY_CLASS
from hub.consent.weighing import Weighed, closed, decided, gates_of
from hub.messages.envelope import InformationClass, MessageName

ANSWERS_MAX = 4096
"""Answers kept per message; others are put together anew from what is kept of each run of fields."""
FACTS_MAX = 2048
"""Facts kept per message with their answer: for the same recipient of a case they mostly come again."""
PARTS_MAX = 4096
"""Verdicts kept per field, and combinations of them per run of fields."""
RUN = 6
"""So many neighbouring fields are put together at once: of few kinds, so the same ones come again."""
_Kind = tuple[InformationClass, tuple[Rule, ...], Scope]
_Weigh = Callable[..., tuple[Rule | None, tuple[Found, ...]]]


class Fields(tuple[FieldDecision, ...]):  # noqa: SLOT001 - a tuple has no room for a slot
    """The decisions on all fields of a message, and the runs of them that other messages share."""

    runs: tuple[tuple[FieldDecision, ...], ...]
    written: Sequence[bytes] | None = None
    """How the ledger writes them, in pieces that others share, once it has."""

    def __new__(cls, runs: tuple[tuple[FieldDecision, ...], ...]) -> Self:
        """Put the runs one after the other."""
        made = super().__new__(cls, chain.from_iterable(runs))
        made.runs = runs
        return made


@dataclass(slots=True, eq=False, kw_only=True)
class Answer:
    """What the rules say of all fields of a message; the same verdicts are the same answer."""

    gate: Rule | None
    fields: tuple[FieldDecision, ...]
    caveats: tuple[str, ...]
    owing: bool
    """Whether something that may go comes with what the hub has to see to."""
    key_reason: str | None
    """Why the key is held back, where it is: without it there is no record to give."""
    informing: tuple[tuple[str, Scope], ...]
    """What goes and tells something: neither the envelope nor a key."""
    unanswered: Answer | None = None
    """What is left of it for whoever cannot acknowledge, worked out when it is first asked."""
    viewed: dict[tuple[str, frozenset[str]], Answer] = field(default_factory=dict)
    """What is left of it by each contract's view, worked out when it is first asked."""

    def with_fields(self, fields: tuple[FieldDecision, ...], keys: frozenset[str]) -> Answer:
        """Return the same answer with fields that hold back more; `keys` name the message's records."""
        if fields is self.fields:
            return self
        key_reason, informing = _gist(fields, keys)
        return Answer(
            gate=self.gate,
            fields=fields,
            caveats=self.caveats,
            owing=self.owing,
            key_reason=key_reason,
            informing=informing,
        )

    def without_acknowledging(self, keys: frozenset[str]) -> Answer:
        """Return the answer for a recipient who cannot acknowledge: what has to be is withheld."""
        if not self.owing:
            return self
        if self.unanswered is None:
            left = self.with_fields(performable(self.fields), keys)
            self.unanswered = left if left is self else replace(left, caveats=carried(left.fields))
        return self.unanswered


@dataclass(slots=True, eq=False)
class _Part:
    """What verdicts come to for one field, or for a run of neighbouring ones."""

    decisions: tuple[FieldDecision, ...]
    terms: tuple[tuple[str, ...], ...]
    """On what terms those go that do, each once."""
    key_reason: str | None
    informing: tuple[tuple[str, Scope], ...]


def _joined(parts: Sequence[_Part]) -> _Part:
    """Put parts one after the other."""
    terms = dict.fromkeys(chain.from_iterable([part.terms for part in parts]))
    return _Part(
        decisions=tuple(chain.from_iterable([part.decisions for part in parts])),
        terms=tuple(terms),
        key_reason=next((part.key_reason for part in parts if part.key_reason is not None), None),
        informing=tuple(chain.from_iterable([part.informing for part in parts])),
    )


class _Place(dict[tuple[Found, ...], _Part]):
    """One field in one scope, by the verdicts of the classes that hold it."""

    def __init__(self, spec: FieldSpec, scope: Scope, keys: frozenset[str]) -> None:
        """Decide this field; `keys` are the paths that name the message's records."""
        super().__init__()
        self._spec = spec
        self._scope = scope
        self._keys = keys

    def __missing__(self, verdicts: tuple[Found, ...]) -> _Part:
        """Join the classes of the field: the one that holds back most decides, the first of equals."""
        if len(self) >= PARTS_MAX:
            self.clear()
        verdict = max((each.verdict for each in verdicts), key=lambda each: each.outcome)
        decisions = decided(self._spec, self._scope, verdict)
        key_reason, informing = _gist(decisions, self._keys)
        terms = decisions[-1].terms
        found = self[verdicts] = _Part(
            decisions=decisions,
            terms=(terms,) if terms else (),
            key_reason=key_reason,
            informing=informing,
        )
        return found


class _Run(dict[tuple[Found, ...], _Part]):
    """Some neighbouring fields, by the verdicts of the few kinds they are of."""

    def __init__(self, places: Sequence[tuple[_Place, tuple[int, ...]]]) -> None:
        """Join these fields, each with the numbers of its kinds."""
        super().__init__()
        self._places = tuple(places)
        self._kinds = tuple(sorted({number for _, numbers in places for number in numbers}))
        # One more, so that a run of one kind picks a tuple, too.
        self.pick = itemgetter(*self._kinds, self._kinds[0])

    def __missing__(self, verdicts: tuple[Found, ...]) -> _Part:
        """Put together what each field comes to."""
        if len(self) >= PARTS_MAX:
            self.clear()
        by_kind = dict(zip(self._kinds, verdicts, strict=False))
        found = self[verdicts] = _joined(
            [place[tuple([by_kind[number] for number in numbers])] for place, numbers in self._places]
        )
        return found


class Plan:
    """How one message is decided under one policy."""

    def __init__(self, policy: Policy, message: MessageName, lines: Sequence[Line]) -> None:
        """Lay out the kinds of fields, and generate what looks all of them up."""
        self.lines = tuple(lines)
        self.classes = classes_of(self.lines)
        self.keys = frozenset(spec.path for spec, _, _ in self.lines if spec.key)
        """Paths that name the message's records."""
        kinds = tuple(dict.fromkeys(_kinds(self.lines)))
        gates = compile_rules(gates_of(policy, message))
        cells = tuple(_cells(gates.rules, kinds))
        self.by_kind: tuple[ByPattern[Found], ...] = tuple(
            ByPattern(cell, compiled_for(policy, rules).found)
            for cell, (_, rules, _) in zip(cells[1:], kinds, strict=True)
        )
        """What has been worked out so far, per kind of field."""
        self._weigh = _generated(cells, self.classes, (ByPattern(cells[0], _first_of(gates)), *self.by_kind))
        self._runs = tuple(_runs(self.lines, kinds, self.keys))
        self._answers: dict[tuple[Found, ...], Answer] = {}
        self._by_facts: dict[tuple[Column, ...], dict[Values, Answer]] = {}
        self._facts_kept = 0
        self._last_columns: tuple[tuple[Column, ...], dict[Values, Answer]] | None = None
        self._closed: dict[str, Answer] = {}
        self._reading: Reading | None = None

    def reading(self, payload: Mapping[str, object], specs: Sequence[FieldSpec]) -> Reading:
        """Return a message's payload as read; the last one is kept for its other recipients."""
        found = self._reading
        if found is None or found.payload is not payload:
            found = self._reading = read_payload(payload, specs)
        return found

    def answer(self, facts: Facts) -> Answer:
        """Decide every field by these facts, which must be of the plan's classes."""
        known = self._last_columns
        if known is None or known[0] is not facts.columns:
            # The facts of each class are the same object for most recipients of a message.
            known = self._last_columns = (facts.columns, self._by_facts.setdefault(facts.columns, {}))
        found = known[1].get(facts.values)
        if found is None:
            if self._facts_kept >= FACTS_MAX:
                self._by_facts.clear()
                self._facts_kept, self._last_columns = 0, None
            found = known[1][facts.values] = self._weighed(facts)
            self._facts_kept += 1
        return found

    def _weighed(self, facts: Facts) -> Answer:
        gate, verdicts = self._weigh(facts.values, *facts.columns)
        if gate is not None:
            return self._closed_by(gate)
        found = self._answers.get(verdicts)
        if found is None:
            if len(self._answers) >= ANSWERS_MAX:
                self._answers.clear()
            found = self._answers[verdicts] = self._put_together(verdicts)
        return found

    def _put_together(self, verdicts: tuple[Found, ...]) -> Answer:
        """Gather what each run of fields comes to."""
        runs = [run[run.pick(verdicts)] for run in self._runs]
        caveats, owing = _on_terms(tuple([each.terms for each in runs]))
        informing: tuple[tuple[str, Scope], ...] = ()
        key_reason = None
        for each in runs:
            informing += each.informing
            if key_reason is None:
                key_reason = each.key_reason
        return Answer(
            gate=None,
            fields=Fields(tuple([each.decisions for each in runs])),
            caveats=caveats,
            owing=owing,
            key_reason=key_reason,
            informing=informing,
        )

    def _closed_by(self, gate: Rule) -> Answer:
        """Withhold every field."""
        found = self._closed.get(gate.rule)
        if found is None:
            found = self._closed[gate.rule] = Answer(
                gate=gate,
                fields=closed(self.lines, gate),
                caveats=(),
                owing=False,
                key_reason=gate.reason,
                informing=(),
            )
        return found


@lru_cache(maxsize=ANSWERS_MAX)
def _on_terms(of_runs: tuple[tuple[tuple[str, ...], ...], ...]) -> tuple[tuple[str, ...], bool]:
    """Return the caveats of what goes, and whether it comes with what the hub has to see to."""
    terms = tuple(dict.fromkeys(chain.from_iterable(of_runs)))
    return carried_by(terms), owes(terms)


def answer_of(weighed: Weighed, keys: frozenset[str]) -> Answer:
    """Return as an answer what was weighed field by field."""
    key_reason, informing = _gist(weighed.fields, keys)
    return Answer(
        gate=weighed.gate,
        fields=weighed.fields,
        caveats=weighed.caveats,
        owing=owes(tuple({each.terms for each in weighed.fields})),
        key_reason=key_reason if weighed.gate is None else weighed.gate.reason,
        informing=informing,
    )


def classes_of(lines: Sequence[Line]) -> tuple[InformationClass, ...]:
    """Return the classes the fields of a message are held by."""
    return tuple(sorted({name for _, rules, _ in lines for name, _ in rules}))


def _gist(
    fields: Iterable[FieldDecision], keys: frozenset[str]
) -> tuple[str | None, tuple[tuple[str, Scope], ...]]:
    """Return why the key is held back, if it is, and what goes that tells something."""
    key_reason = None
    informing = []
    for each in fields:
        if each.path in keys:
            if key_reason is None and each.outcome >= Outcome.REDACT and "[]" not in each.path:
                key_reason = each.reason
        elif each.outcome < Outcome.REDACT and not each.path.startswith("@"):
            informing.append((each.path, each.scope))
    return key_reason, tuple(informing)


def compiled_for(policy: Policy, rules: tuple[Rule, ...]) -> Compiled:
    """Return a selection of a policy's rules as Python, generated when it is first used."""
    found = policy.compiled.get(id(rules))
    if found is None:
        # The policy keeps each selection it hands out, so that no other can come to have its identity.
        found = policy.compiled[id(rules)] = compile_rules(rules)
    return found


def _kinds(lines: Sequence[Line]) -> Iterator[_Kind]:
    """Yield the kinds of fields: those of one class, with the same rules, in one scope."""
    for _, classes, scopes in lines:
        for scope in scopes:
            yield from ((name, rules, scope) for name, rules in classes)


def _cells(gates: Sequence[Rule], kinds: Sequence[_Kind]) -> Iterator[Cell]:
    """Give the gates and each kind of field its place in the number."""
    offset = 0
    for name, rules, scope in ((None, gates, None), *kinds):
        cell = Cell(information_class=name, scope=scope, asked=asked_by(rules), offset=offset)
        yield cell
        offset += cell.width


def _first_of(gates: Compiled) -> Callable[[Vector], Rule | None]:
    """Return what says which gate is closed, or may be: the first of those that are."""

    def first(vector: Vector) -> Rule | None:
        mask = gates.fires(vector)
        return gates.bits[(mask & -mask).bit_length() - 1][0] if mask else None

    return first


def _generated(
    cells: Sequence[Cell],
    classes: Sequence[InformationClass],
    found: Sequence[ByPattern[Rule | None] | ByPattern[Found]],
) -> _Weigh:
    """Generate what takes facts to the gate that is closed, or to the verdict of each kind of field."""
    known: dict[str, object] = {f"k{index}": each for index, each in enumerate(found)}
    terms = []
    for index, group in enumerate(by_values(cells)):
        known[f"g{index}"] = group
        terms.append(f"g{index}[{' '.join(f'w[{WHOLE.index(name)}],' for name in group.names)}]")
    for index, column in by_columns(cells, classes).items():
        known[f"t{index}"] = column
        terms.append(f"t{index}[c{index}]")
    picks = [f"k{index}[p >> {cell.offset} & {(1 << cell.width) - 1}]" for index, cell in enumerate(cells)]
    source = f"""
def weigh(w, {", ".join(f"c{index}" for index in range(len(BY_CLASS)))}):
    p = {" | ".join(terms) or "0"}
    gate = {picks[0]}
    if gate is not None: return gate, ()
    return None, ({" ".join(f"{pick}," for pick in picks[1:])})
"""
    exec(compile(source, "<plan>", "exec"), known)  # noqa: S102 - names of facts and numbers alone
    weigh: _Weigh = known["weigh"]  # type: ignore[assignment]
    return weigh


def _runs(lines: Sequence[Line], kinds: Sequence[_Kind], keys: frozenset[str]) -> Iterator[_Run]:
    """Yield every field in each of its scopes, with the numbers of the kinds it is of, some at a time."""
    number = {(name, id(rules), scope): index for index, (name, rules, scope) in enumerate(kinds)}
    places = [
        (_Place(spec, scope, keys), tuple([number[name, id(rules), scope] for name, rules in classes]))
        for spec, classes, scopes in lines
        for scope in scopes
    ]
    for first in range(0, len(places), RUN):
        yield _Run(places[first : first + RUN])
