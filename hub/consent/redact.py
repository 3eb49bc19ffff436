"""Cuts a payload to what a decision lets through, once, from the original, and checks what is left.

Withheld and redacted values become null, the same as never given; a generalised one moves into its
sibling. List items of which nothing may be known are gone, and an emptied list is null, so that nothing
tells there was one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from hub.consent.alike import Key, alike, treatment_in
from hub.consent.decision import Candidate, Decision, FieldSpec, Outcome, Scope
from hub.consent.forms import Treatment, said_in, texts_in, within
from hub.consent.generalise import Between, generalised
from hub.consent.outcomes import Decided, what_goes
from hub.consent.paths import PLAIN, ContractFields, fields_of, general_of, scope_of, texts_of, walked
from hub.consent.screen import LENGTH_MIN
from hub.errors import HubError


class WithheldValueFound(HubError):
    """A value that was held back is still in what was cut; nothing may be delivered."""

    code = "withheld-value-found"


# Looking a member up in its enumeration takes longer than all else these are used for.
_DISCLOSE, _GENERALISE, _REDACT = Outcome.DISCLOSE, Outcome.GENERALISE, Outcome.REDACT
_Row = tuple[str, str, Outcome]
"""A name in a record, its path, and its outcome."""


@dataclass(slots=True)
class _Cut:
    """What is needed while a payload is cut, and what was redacted by name."""

    decided: Decided
    contract: ContractFields
    candidate: Candidate
    items_held: frozenset[str]
    between: Between
    redacted: dict[str, None] = field(default_factory=dict)
    rows: dict[tuple[object, ...], list[_Row]] = field(default_factory=dict)
    """How records of one place with the same names are cut: the items of a list mostly are alike."""

    def outcome(self, path: str, scope: Scope) -> Outcome:
        """Return the outcome for a path; one nobody decided is withheld."""
        found = self.decided.get((path, scope))
        return Outcome.WITHHOLD if found is None else found.outcome

    def record(self, record: Mapping[str, object], prefix: str, scope: Scope) -> dict[str, object]:
        """Cut one record; every name stays, what may not be known is null."""
        cut: dict[str, object] = dict.fromkeys(record)
        key = (prefix, scope, *record)
        rows = self.rows.get(key)
        if rows is None:
            paths = [(name, prefix + name) for name in record if prefix + name not in self.contract.made]
            rows = self.rows[key] = [(name, path, self.outcome(path, scope)) for name, path in paths]
        for name, path, outcome in rows:
            value = record[name]
            if value is None:
                continue
            if value.__class__ not in PLAIN:
                cut[name] = self.value(value, path, scope)
            elif outcome is _DISCLOSE:
                cut[name] = value
            elif outcome is _REDACT:
                self.redacted[path] = None
            if outcome is _GENERALISE and (spec := self.contract.specs.get(path)) is not None:
                cut[general_of(spec).rpartition(".")[2]] = generalised(spec.generaliser, value, self.between)
        return cut

    def value(self, value: object, path: str, scope: Scope) -> object:
        """Cut one value, whatever it is."""
        if value is None:
            return None
        if isinstance(value, Mapping):
            inner = self.record(value, f"{path}.", scope)
            return inner if any(item is not None for item in inner.values()) else None
        if isinstance(value, list | tuple):
            return self.items(value, f"{path}[]", scope)
        outcome = self.outcome(path, scope)
        if outcome is Outcome.REDACT:
            self.redacted[path] = None
        return value if outcome is Outcome.DISCLOSE else None

    def items(self, items: Sequence[object], path: str, scope: Scope) -> list[object] | None:
        """Cut the items of a list; those of which nothing is left are gone."""
        if not items:
            return [] if self._all_goes(path) else None
        kept = [item for item in (self.item(each, path, scope) for each in items) if item is not None]
        return kept or None

    def item(self, item: object, path: str, scope: Scope) -> object:
        """Cut one item of a list; None when nothing of it, or not its key, may be known."""
        if not isinstance(item, Mapping):
            return self.value(item, path.removesuffix("[]"), scope)
        keys = self.contract.item_keys.get(path, ())
        if self.items_held and self._held(item, keys):
            return None
        own = self.contract.own.get(path)
        whose = scope if own is None else scope_of(item, own, self.candidate)
        cut = self.record(item, f"{path}.", whose)
        if any(name in item and cut[name] is None for name in keys):
            return None
        return cut if any(value is not None for name, value in cut.items() if name not in keys) else None

    def _held(self, item: Mapping[str, object], keys: Sequence[str]) -> bool:
        """Tell whether the Offender Manager holds back this very item (R-DIS-03)."""
        return any(isinstance(value := item.get(name), str) and value in self.items_held for name in keys)

    def _all_goes(self, path: str) -> bool:
        """Tell whether nothing of a list can be held back, so that an empty one may be shown as empty.

        Otherwise it would tell that there was nothing, where null leaves it open.
        """
        found = {
            each.outcome
            for (known, _), each in self.decided.items()
            if known == path.removesuffix("[]") or known.startswith(f"{path}.")
        }
        return not self.items_held and found == {Outcome.DISCLOSE}


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """How payloads of one form are cut by one treatment: as `_Cut` would, with nothing left to look up."""

    given: tuple[str, ...]
    lists: tuple[str, ...]
    """Those given that are lists."""
    empty: tuple[str, ...]
    """Lists that may be seen to be empty by whoever has no item held back."""
    general: tuple[tuple[str, str, str | None], ...]
    """What is filled with a general form, the exact field it is made of, and how."""
    redacted: tuple[str, ...]
    disclosed: tuple[str, ...]
    """The texts that may stand anywhere in the result, alone or in a list: those that go."""
    held: tuple[str, ...]
    """The texts that do not go, alone or in a list."""

    def cut(
        self, payload: Mapping[str, object], between: Between, items_held: tuple[str, ...]
    ) -> dict[str, object]:
        """Cut a payload of the form; every name stays, what may not be known is null."""
        cut: dict[str, object] = dict.fromkeys(payload)
        for name in self.given:
            cut[name] = payload[name]
        for name in self.lists:
            cut[name] = [*payload[name]]  # type: ignore[misc]
        if not items_held:
            for name in self.empty:
                cut[name] = []
        for name, exact, generaliser in self.general:
            cut[name] = generalised(generaliser, payload[exact], between)
        return cut

    def check(self, payload: Mapping[str, object], result: Mapping[str, object]) -> None:
        """Look for every held-back text in the result, as `_check` does."""
        held = [each for each in said_in(payload, self.held) if len(each[1]) >= LENGTH_MIN]
        if held:
            _look_for(held, result, {*texts_in(payload, self.disclosed)})


def _planned(treatment: Treatment) -> _Plan:
    """Work out how payloads of a form are cut by a treatment."""
    form, outcomes, made = treatment.form, treatment.outcomes, treatment.form.contract.made
    there = [(name, kind, outcomes.get((name, Scope.ALL))) for name, kind in form.filled]
    goes = [
        (name, kind)
        for name, kind, outcome in there
        if outcome is Outcome.DISCLOSE and name not in form.empty and name not in made
    ]
    return _Plan(
        given=tuple(name for name, kind in goes if kind in PLAIN),
        lists=tuple(name for name, kind in goes if kind not in PLAIN),
        empty=tuple(name for name in form.empty if name not in made and _all_go(treatment, name)),
        general=tuple(
            (general_of(spec).rpartition(".")[2], name, spec.generaliser)
            for name, _, outcome in there
            if outcome is Outcome.GENERALISE and (spec := form.contract.specs.get(name)) and name not in made
        ),
        redacted=tuple(
            name
            for name, _, outcome in there
            if outcome is Outcome.REDACT and name not in form.empty and name not in made
        ),
        disclosed=tuple(
            name
            for name, kind, outcome in there
            if outcome is Outcome.DISCLOSE and (kind is str or kind not in PLAIN)
        ),
        held=tuple(
            name
            for name, kind, outcome in there
            if outcome is not Outcome.DISCLOSE and (kind is str or kind not in PLAIN)
        ),
    )


def _all_go(treatment: Treatment, name: str) -> bool:
    """Tell whether nothing of a list can be held back."""
    paths = within(treatment.form.contract, name)
    found = {treatment.outcomes[path, scope] for path in paths for scope in Scope}
    return found - {None} == {Outcome.DISCLOSE}


_plans: dict[Treatment, _Plan] = {}
_PLANS_MAX = 4_096
_Made = tuple[dict[str, object], tuple[str, ...]]
_last: list[tuple[Mapping[str, object], Sequence[FieldSpec], dict[Key, _Made]]] = []
"""The payload cut last, and what was made of it: the next recipient often gets the same."""


def cut(
    payload: Mapping[str, object],
    specs: Sequence[FieldSpec],
    decision: Decision,
    candidate: Candidate,
) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return the payload as this candidate may have it, and the paths it may know were held back.

    Of one payload the same is returned to all who may have the same; nobody may change it. Raises
    WithheldValueFound if a held-back value is still anywhere in the result.
    """
    key = alike(payload, specs, decision)
    last = _last[0] if _last else None
    if last is None or last[0] is not payload or last[1] is not specs:
        last = (payload, specs, {})
        _last[:] = [last]
    made = last[2].get(key)
    if made is None:
        treatment = treatment_in(key)
        if treatment is None:
            made = _by_reading(payload, specs, decision, candidate)
        else:
            between = Between(decision.case, candidate.organisation)
            made = _by_plan(payload, treatment, between, decision.items_held)
        last[2][key] = made
    return made


def _by_plan(
    payload: Mapping[str, object], treatment: Treatment, between: Between, items_held: tuple[str, ...]
) -> _Made:
    """Cut a payload that has a form."""
    plan = _plans.get(treatment)
    if plan is None:
        if len(_plans) >= _PLANS_MAX:
            _plans.clear()
        plan = _plans[treatment] = _planned(treatment)
    result = plan.cut(payload, between, items_held)
    plan.check(payload, result)
    return result, plan.redacted


def _by_reading(
    payload: Mapping[str, object],
    specs: Sequence[FieldSpec],
    decision: Decision,
    candidate: Candidate,
) -> _Made:
    """Cut a payload field by field, whatever is inside."""
    worker = _Cut(
        decided=what_goes(decision).decided,
        contract=fields_of(specs),
        candidate=candidate,
        items_held=frozenset(decision.items_held),
        between=Between(decision.case, candidate.organisation),
    )
    result = worker.record(payload, "", Scope.ALL)
    _check(payload, result, specs, worker)
    return result, tuple(worker.redacted)


def _check(
    payload: Mapping[str, object], result: Mapping[str, object], specs: Sequence[FieldSpec], worker: _Cut
) -> None:
    """Look for every held-back text in the result; it may stand there only where it was itself disclosed."""
    disclosed: set[object] = set()
    held: list[tuple[str, str]] = []
    for leaf in walked(payload, specs, worker.candidate).leaves:
        found = worker.decided.get((leaf.path, leaf.scope))
        if found is not None and found.outcome is Outcome.DISCLOSE:
            disclosed.add(leaf.value)
        elif isinstance(leaf.value, str) and len(leaf.value) >= LENGTH_MIN:
            held.append((leaf.path, leaf.value))
    if held:
        _look_for(held, result, disclosed)


def _look_for(
    held: Sequence[tuple[str, str]], result: Mapping[str, object], disclosed: Collection[object]
) -> None:
    remains = "\n".join([text for text in texts_of(result) if text not in disclosed])
    for path, text in held:
        if text in remains:
            message = f"a value held back from this recipient is still in the message (field {path})"
            raise WithheldValueFound(message, fix="nothing was delivered; the cutter is at fault")
