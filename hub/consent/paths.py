"""Walks a payload by the paths of its contract, telling whose each list item is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.consent.decision import Candidate, FieldSpec, Scope

_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Leaf:
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


def owners(specs: Sequence[FieldSpec]) -> Mapping[str, str]:
    """Return, for each list whose items belong to organisations, the item's field that says to which."""
    found = {}
    for spec in specs:
        if spec.own and "[]" in spec.path:
            found[spec.path.split("[]", 1)[0] + "[]"] = spec.own.rsplit(".", 1)[-1]
    return found


def scope_of(item: Mapping[str, object], own: str | None, candidate: Candidate) -> Scope:
    """Tell whose a list item is; one that names nobody is somebody else's."""
    if own is None:
        return Scope.ALL
    return Scope.THEIRS if item.get(own) == candidate.organisation else Scope.OTHERS


def walk(payload: Mapping[str, object], specs: Sequence[FieldSpec], candidate: Candidate) -> Iterator[Leaf]:
    """Yield every value of the payload that is not null."""
    yield from _record(payload, "", Scope.ALL, owners(specs), candidate)


def _record(
    record: Mapping[str, object],
    prefix: str,
    scope: Scope,
    own: Mapping[str, str],
    candidate: Candidate,
) -> Iterator[Leaf]:
    """Yield the values of one record."""
    for name, value in record.items():
        yield from _value(value, f"{prefix}{name}", scope, own, candidate)


def _value(
    value: object, path: str, scope: Scope, own: Mapping[str, str], candidate: Candidate
) -> Iterator[Leaf]:
    """Yield the values under one path."""
    if value is None:
        return
    if isinstance(value, Mapping):
        yield from _record(value, f"{path}.", scope, own, candidate)
    elif isinstance(value, list | tuple):
        inner = f"{path}[]"
        for item in value:
            whose = scope
            if isinstance(item, Mapping) and inner in own:
                whose = scope_of(item, own[inner], candidate)
            yield from _value(item, inner if isinstance(item, Mapping) else path, whose, own, candidate)
    else:
        yield Leaf(path, scope, value)
