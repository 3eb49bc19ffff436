"""What payloads look like apart from their values: of the same form and outcomes, they are cut the same way.

Messages of a type come in few forms: the same fields filled, with values of the same sort. What becomes of
each field is worked out once for a form and the outcomes, not for every message. Only payloads without
records inside have a form: whose an item of a list is, and whether it stays, depends on what stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import NoneType

from hub.consent.decision import FieldSpec, Outcome, Scope
from hub.consent.outcomes import Place, Read
from hub.consent.paths import PLAIN, ContractFields, fields_of

ENVELOPE: tuple[Place, ...] = tuple(
    (name, Scope.ALL) for name in ("@author", "@author_organisation", "@causation")
)
"""Fields of the envelope a recipient may know only if the rules say so."""
SORTS_MAX = 1_024
"""Sorts of payloads kept; of a contract with many fields there may be more."""
TREATMENTS_MAX = 256
"""Treatments kept for each form, and decisions on its fields that came to them."""
_LISTS = frozenset({list, tuple})


@dataclass(slots=True, eq=False)
class Form:
    """Which fields of a contract a payload without records inside has a value in, and of which class."""

    contract: ContractFields
    filled: tuple[tuple[str, type], ...]
    """The name of each field with a value, in the payload's order, and the value's class."""
    empty: frozenset[str]
    """Those that are lists without an item."""
    texts: tuple[str, ...]
    """Fields with a text, or a list that may hold some."""
    places: tuple[Place, ...]
    """Every place of payload and envelope whose outcome has a part in what is made of it."""
    treatments: dict[tuple[object, ...], Treatment] = field(default_factory=dict)
    by_read: dict[Read, Treatment] = field(default_factory=dict)
    """The same by the decisions asked about lately."""


@dataclass(slots=True, eq=False)
class Treatment:
    """What becomes of each field of a form: the same object for all decisions that come to the same."""

    form: Form
    outcomes: Mapping[Place, object]
    """By place, its outcome; `NOT_IN_VIEW` where only a contract leaves it out, None where undecided."""
    personal: bool
    """Whether a general form depends on whom it is for."""
    author: bool
    """Whether its author may be known."""
    open: tuple[str, ...]
    """Fields with a text, or a list that may hold some, that go, but for keys: those go in any case,"""
    held: tuple[str, ...]
    """and those that do not."""


@dataclass(slots=True, eq=False)
class _Sort:
    """Payloads with values of the same classes: their forms, by which of their lists are empty."""

    contract: ContractFields
    filled: tuple[tuple[str, type], ...]
    lists: tuple[str, ...]
    forms: dict[tuple[str, ...], Form] = field(default_factory=dict)


_sorts: dict[tuple[int, tuple[str, ...], tuple[type, ...]], _Sort] = {}
"""By contract, names and classes; each holds its contract, so that no other can come to have its identity."""
_last: list[tuple[Mapping[str, object], Sequence[FieldSpec], Form | None]] = []
"""The payload asked about last: it is cut for one recipient after another."""


def form_of(payload: Mapping[str, object], specs: Sequence[FieldSpec]) -> Form | None:
    """Return the form of a payload; None where there are records inside, or something out of the ordinary."""
    last = _last[0] if _last else None
    if last is None or last[0] is not payload or last[1] is not specs:
        last = (payload, specs, _form_of(payload, specs))
        _last[:] = [last]
    return last[2]


def _form_of(payload: Mapping[str, object], specs: Sequence[FieldSpec]) -> Form | None:
    contract = fields_of(specs)
    names, classes = tuple(payload), tuple(map(type, payload.values()))
    key = (id(contract), names, classes)
    sort = _sorts.get(key)
    if sort is None:
        sorts = zip(names, classes, strict=True)
        filled = tuple((name, kind) for name, kind in sorts if kind is not NoneType)
        if not all(kind in PLAIN or kind in _LISTS for _, kind in filled):
            return None
        lists = tuple(name for name, kind in filled if kind in _LISTS)
        if len(_sorts) >= SORTS_MAX:
            _sorts.clear()
        sort = _sorts[key] = _Sort(contract, filled, lists)
    empty: list[str] = []
    for name in sort.lists:
        items = payload[name]
        if not items:
            empty.append(name)
        elif not PLAIN.issuperset(map(type, items)):  # type: ignore[call-overload]
            return None
    without = tuple(empty)
    return sort.forms.get(without) or _made(sort, without)


def _made(sort: _Sort, empty: tuple[str, ...]) -> Form:
    """Return the form of payloads of a sort in which these lists are empty."""
    there = dict.fromkeys((name, Scope.ALL) for name, _ in sort.filled if name not in empty)
    for name in empty:
        # Whether a list may be seen to be empty depends on all that could stand in it.
        there |= dict.fromkeys((path, scope) for path in within(sort.contract, name) for scope in Scope)
    found = sort.forms[empty] = Form(
        contract=sort.contract,
        filled=sort.filled,
        empty=frozenset(empty),
        texts=tuple(name for name, kind in sort.filled if kind is str or kind in _LISTS),
        places=(*there, *ENVELOPE),
    )
    return found


def texts_in(payload: Mapping[str, object], names: Sequence[str]) -> list[str]:
    """Return the texts in these fields of a payload that has a form: each a text, or a list."""
    found: list[str] = []
    for name in names:
        value = payload[name]
        if value.__class__ is str:
            found.append(value)
        else:
            found += [each for each in value if each.__class__ is str]  # type: ignore[attr-defined]
    return found


def said_in(payload: Mapping[str, object], names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the texts in these fields of a payload that has a form, those of a list one by one."""
    found: list[tuple[str, str]] = []
    for name in names:
        value = payload[name]
        if isinstance(value, str):
            found.append((name, value))
        elif isinstance(value, list | tuple):
            found += [(name, each) for each in value if isinstance(each, str)]
    return found


def within(contract: ContractFields, path: str) -> list[str]:
    """Return the fields that could stand in a list."""
    return [each for each in contract.specs if each == path or each.startswith(f"{path}[]")]


def treatment_of(form: Form, read: Read) -> Treatment:
    """Return what becomes of each field of a form by these decisions."""
    found = form.by_read.get(read)
    if found is None:
        codes = tuple(map(read.codes.get, form.places))
        found = form.treatments.get(codes)
        if found is None:
            if len(form.treatments) >= TREATMENTS_MAX:
                form.treatments.clear()
            found = form.treatments[codes] = _treatment(form, codes)
        if len(form.by_read) >= TREATMENTS_MAX:
            form.by_read.clear()
        form.by_read[read] = found
    return found


def _treatment(form: Form, codes: tuple[object, ...]) -> Treatment:
    outcomes = dict(zip(form.places, codes, strict=True))
    general = any(code is Outcome.GENERALISE for code in codes)
    goes = {name for name in form.texts if outcomes.get((name, Scope.ALL)) is Outcome.DISCLOSE}
    return Treatment(
        form=form,
        outcomes=outcomes,
        personal=general and form.contract.pseudonyms,
        author=outcomes["@author", Scope.ALL] is Outcome.DISCLOSE,
        open=tuple(name for name in form.texts if name in goes and name not in form.contract.keys),
        held=tuple(name for name in form.texts if name not in goes),
    )
