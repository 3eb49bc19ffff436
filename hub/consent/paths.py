"""Walks a payload by the paths of its contract, telling whose each list item is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.consent.decision import Candidate, FieldSpec, Scope
from hub.consent.generalise import PSEUDONYM
from hub.messages.identifiers import OrganisationId

_INDEX = re.compile(r"\[\d+\]")
PLAIN = frozenset({str, int, float, bool, bytes})
"""Classes of values that hold no other; a class is asked for quicker than what it descends from."""


class Leaf(NamedTuple):
    """One value of a payload that is not null: its path, whose list item it is in, itself."""

    path: str
    scope: Scope
    value: object


def plain_path(path: str) -> str:
    """Write a path as contracts do: `objectives[0].title` and `/objectives/0/title` alike."""
    if path.startswith("/"):
        parts = path.strip("/").split("/")
        text = ""
        for part in parts:
            text += "[]" if part.isdigit() else f".{part}"
        return text.lstrip(".")
    return _INDEX.sub("[]", path)


def general_of(spec: FieldSpec) -> str:
    """Return the full path of a field's general sibling."""
    parent, dot, _ = spec.path.rpartition(".")
    general = spec.general or ""
    return general if "." in general or not dot else f"{parent}.{general}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFields:
    """What is asked of a contract's fields while payloads are read, worked out once for each contract."""

    of: Sequence[FieldSpec]
    specs: Mapping[str, FieldSpec]
    own: Mapping[str, str]
    """For each list whose items belong to organisations, the item's field that says to which."""
    keys: frozenset[str]
    item_keys: Mapping[str, tuple[str, ...]]
    """For each list of records, which of an item's fields name it."""
    made: frozenset[str]
    """General forms, which only the hub fills."""
    nothing: Mapping[str, None]
    """The payload that says nothing: every field, and no value."""
    pseudonyms: bool
    """Whether a general form depends on whom it is for."""


_CONTRACTS: dict[int, ContractFields] = {}
_CONTRACTS_KEPT_MAX = 256


def fields_of(specs: Sequence[FieldSpec]) -> ContractFields:
    """Return what is asked of a contract's fields."""
    kept = _CONTRACTS.get(id(specs))
    if kept is None or kept.of is not specs:
        kept = _CONTRACTS[id(specs)] = ContractFields(
            of=specs,
            specs={spec.path: spec for spec in specs},
            own=_owners(specs),
            keys=frozenset(spec.path for spec in specs if spec.key),
            item_keys=_item_keys(specs),
            made=frozenset(spec.path for spec in specs if spec.is_general),
            nothing=dict.fromkeys(spec.path.partition(".")[0].removesuffix("[]") for spec in specs),
            pseudonyms=any(spec.generaliser == PSEUDONYM for spec in specs),
        )
        while len(_CONTRACTS) > _CONTRACTS_KEPT_MAX:
            del _CONTRACTS[next(iter(_CONTRACTS))]
    return kept


def owners(specs: Sequence[FieldSpec]) -> Mapping[str, str]:
    """Return, for each list whose items belong to organisations, the item's field that says to which."""
    return fields_of(specs).own


def _owners(specs: Sequence[FieldSpec]) -> Mapping[str, str]:
    found = {}
    for spec in specs:
        if spec.own and "[]" in spec.path:
            found[spec.path.split("[]", 1)[0] + "[]"] = spec.own.rsplit(".", 1)[-1]
    return found


def _item_keys(specs: Sequence[FieldSpec]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for spec in specs:
        within, _, name = spec.path.rpartition(".")
        if spec.key and within.endswith("[]"):
            found[within] = (*found.get(within, ()), name)
    return found


def scope_of(item: Mapping[str, object], own: str | None, candidate: Candidate) -> Scope:
    """Tell whose a list item is; one that names nobody is somebody else's."""
    if own is None:
        return Scope.ALL
    return Scope.THEIRS if item.get(own) == candidate.organisation else Scope.OTHERS


@dataclass(slots=True)
class Walked:
    """A payload gone through once: its values, and the lists in it that are empty."""

    leaves: list[Leaf]
    empty: list[tuple[str, Scope]]


def walk(payload: Mapping[str, object], specs: Sequence[FieldSpec], candidate: Candidate) -> list[Leaf]:
    """Return every value of the payload that is not null, in its order."""
    found = Walked([], [])
    _record(payload, "", Scope.ALL, owners(specs), candidate, found)
    return found.leaves


def texts_of(payload: Mapping[str, object]) -> list[str]:
    """Return every text of a payload, however deep."""
    found: list[str] = []
    rest: list[object] = [payload]
    for value in rest:
        if isinstance(value, str):
            found.append(value)
        elif value.__class__ in PLAIN:
            continue
        elif isinstance(value, Mapping):
            rest.extend([each for each in value.values() if each is not None])
        elif isinstance(value, list | tuple):
            rest.extend(value)
    return found


_read: list[tuple[Mapping[str, object], Sequence[FieldSpec], dict[OrganisationId, Walked]]] = []
"""The payload read last: it is cut for one recipient after another."""
_NOBODY = OrganisationId("")


def walked(payload: Mapping[str, object], specs: Sequence[FieldSpec], candidate: Candidate) -> Walked:
    """Go through a payload; of the last one asked about it is kept.

    Whose an item is depends on the candidate's organisation alone, and only where items are somebody's.
    """
    known = _read[0] if _read else None
    if known is None or known[0] is not payload or known[1] is not specs:
        known = (payload, specs, {})
        _read[:] = [known]
    own = owners(specs)
    whose = candidate.organisation if own else _NOBODY
    found = known[2].get(whose)
    if found is None:
        found = Walked([], [])
        _record(payload, "", Scope.ALL, own, candidate, found)
        known[2][whose] = found
    return found


def _record(
    record: Mapping[str, object],
    prefix: str,
    scope: Scope,
    own: Mapping[str, str],
    candidate: Candidate,
    found: Walked,
) -> None:
    """Add the values of one record."""
    leaves = found.leaves
    for name, value in record.items():
        if value is None:
            continue
        if value.__class__ in PLAIN:
            leaves.append(Leaf(prefix + name, scope, value))
        else:
            _value(value, prefix + name, scope, own, candidate, found)


def _value(
    value: object,
    path: str,
    scope: Scope,
    own: Mapping[str, str],
    candidate: Candidate,
    found: Walked,
) -> None:
    """Add the values under one path."""
    if value is None:
        return
    if isinstance(value, Mapping):
        _record(value, f"{path}.", scope, own, candidate, found)
    elif isinstance(value, list | tuple):
        if not value:
            found.empty.append((path, scope))
        inner = f"{path}[]"
        for item in value:
            if item.__class__ in PLAIN:
                found.leaves.append(Leaf(path, scope, item))
                continue
            is_record = isinstance(item, Mapping)
            whose = scope_of(item, own[inner], candidate) if is_record and inner in own else scope
            _value(item, inner if is_record else path, whose, own, candidate, found)
    else:
        found.leaves.append(Leaf(path, scope, value))
