"""Takes a payload from one schema version to another: a chain of steps, each to the next version and back.

Within a major version names say it all: what the other version lacks is dropped, what it has more is null.
Where names alone do not say it, `schemas/<message>/casts.yaml` does, and between major versions it must.
Chains are checked when they are loaded: no gap, no step that leads anywhere but to a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from hub.errors import NotConfigured
from hub.topics.plain_yaml import read_yaml
from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, leaves

if TYPE_CHECKING:
    from pathlib import Path

_PROMOTIONS = frozenset({("int", "long"), ("int", "double"), ("long", "double")})
_KNOWN = frozenset({"from", "to", "moves", "symbols"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a payload goes from one version to a neighbouring one."""

    source: str
    target: str
    moves: Mapping[str, str] = field(default_factory=dict)
    """Path in the target by path in the source, for fields that changed their name."""
    symbols: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """For a field of the target, the symbol that stands for one it does not have."""

    def path(self, source: str) -> str | None:
        """Return what a path of the source is called in the target; None: another field has that name."""
        if source in self.moves:
            return self.moves[source]
        return None if source in self.moves.values() else source

    def origin(self, target: str) -> str | None:
        """Return the path in the source that fills a path of the target; None: its name was freed by a move.

        What has a freed name in the target is another field.
        """
        found = next((begin for begin, end in self.moves.items() if end == target), target)
        return None if found == target and target in self.moves else found


class Chain:
    """All steps between the versions of one message."""

    def __init__(self, name: str, shapes: Mapping[str, Record], declared: Sequence[Step] = ()) -> None:
        """Join neighbouring versions, oldest first as `shapes` has them, by steps declared or by name.

        Raises:
            NotConfigured: A gap between major versions, a step that leads to no neighbour or stands
                twice, or a move that loses or mistakes what it moves; names the step and the field.
        """
        self._name = name
        self._shapes = shapes
        self._versions = tuple(shapes)
        self._steps: dict[tuple[str, str], Step] = {}
        for step in declared:
            self._declare(step)
        for older, newer in zip(self._versions, self._versions[1:], strict=False):
            for pair in ((older, newer), (newer, older)):
                if pair not in self._steps and older.split(".")[0] != newer.split(".")[0]:
                    message = f"{name}: nothing says how a message goes from {pair[0]} to {pair[1]}"
                    raise NotConfigured(message, fix=f"declare the step in schemas/{name}/casts.yaml")
                step = self._steps.setdefault(pair, Step(source=pair[0], target=pair[1]))
                _check_types(f"{name} {pair[0]} to {pair[1]}", shapes[pair[0]], shapes[pair[1]], step)
        self._check_ways_back()

    def _check_ways_back(self) -> None:
        """Refuse a move that is declared one way only: the other way, what was moved would be lost."""
        for (source, target), step in self._steps.items():
            back = self._steps[target, source].moves
            for begin, end in step.moves.items():
                if back.get(end) != begin:
                    message = (
                        f"{self._name}: {begin} of {source} is {end} in {target}, and nothing leads back"
                    )
                    fix = f"declare the step from {target} to {source}, with {end}: {begin} among its moves"
                    raise NotConfigured(message, fix=fix)

    def steps(self, source: str, target: str) -> Iterator[Step]:
        """Yield the steps that lead from one version to another, in order."""
        begin, end = self._versions.index(source), self._versions.index(target)
        way = 1 if end > begin else -1
        for at in range(begin, end, way):
            yield self._steps[self._versions[at], self._versions[at + way]]

    def all_steps(self) -> tuple[Step, ...]:
        """Return every step, up and down."""
        return tuple(self._steps.values())

    def cast(self, payload: Mapping[str, object], source: str, target: str) -> Mapping[str, object]:
        """Return a payload of one version as another has it; what the other lacks is dropped."""
        for step in self.steps(source, target):
            payload = _record(payload, "", step, self._shapes[step.target])
        return payload

    def paths(self, paths: frozenset[str], source: str, target: str) -> frozenset[str]:
        """Return what fields of one version are called in another; those it lacks are gone."""
        for step in self.steps(source, target):
            known = {path for path, _, _ in leaves(self._shapes[step.target])}
            paths = frozenset(found for path in paths if (found := step.path(path)) in known)
        return paths

    def _declare(self, step: Step) -> None:
        label = f"{self._name}: the step from {step.source} to {step.target}"
        pair = (step.source, step.target)
        if not {*pair} <= {*self._versions}:
            message = f"{label} names a version there is not"
            raise NotConfigured(message, fix=f"versions there are: {', '.join(self._versions)}")
        if abs(self._versions.index(step.source) - self._versions.index(step.target)) != 1:
            # A step back to where it began, or past a neighbour, could lead round in a circle.
            message = f"{label} does not lead to the next version or the one before"
            raise NotConfigured(message, fix="declare one step for each pair of neighbours, each way")
        if pair in self._steps:
            message = f"{label} stands twice"
            raise NotConfigured(message, fix="leave one of them out")
        here = {path for path, _, _ in leaves(self._shapes[step.source])}
        there = {path for path, _, _ in leaves(self._shapes[step.target])}
        for begin, end in step.moves.items():
            if begin not in here or end not in there:
                message = f"{label} moves {begin} to {end}, and one of them is no field"
                raise NotConfigured(message, fix=f"see `hub contracts show {self._name}`")
            if begin.rpartition(".")[0] != end.rpartition(".")[0]:
                message = f"{label} moves {begin} into another record"
                raise NotConfigured(message, fix="move it to a field of the same record")
            if begin != next(each for each, to in step.moves.items() if to == end):
                message = f"{label} loses {begin}: another field is moved to {end}"
                raise NotConfigured(message, fix="move it to a field of its own")
        self._steps[pair] = step


def read_steps(folder: Path, name: str) -> tuple[Step, ...]:
    """Read schemas/<name>/casts.yaml; nothing if there is none, NotConfigured naming what is wrong in it."""
    file = folder / name / "casts.yaml"
    if not file.exists():
        return ()
    try:
        entries = read_yaml(file)["casts"]
        return tuple(_step(name, entry) for entry in entries)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as fault:
        message = f"schemas/{name}/casts.yaml is not a list of steps: {type(fault).__name__}"
        raise NotConfigured(
            message, fix="write `casts:` and under it `- {from: …, to: …, moves: {…}, symbols: {…}}`"
        ) from fault


def _step(name: str, entry: object) -> Step:
    if not isinstance(entry, dict):
        raise TypeError
    unknown = sorted(set(entry) - _KNOWN)
    if unknown:
        message = f"schemas/{name}/casts.yaml: a step has no {unknown[0]}"
        raise NotConfigured(message, fix=f"it has {', '.join(sorted(_KNOWN))}")
    for key in ("from", "to"):
        if not isinstance(entry[key], str):
            # Without quotes YAML reads 1.10 as the number 1.1, which is another version.
            message = f"schemas/{name}/casts.yaml: {key} is not a version in quotes"
            raise NotConfigured(message, fix='write it as "1.10"')
    return Step(
        source=entry["from"],
        target=entry["to"],
        moves=dict(entry.get("moves", {})),
        symbols={field_: dict(symbols) for field_, symbols in entry.get("symbols", {}).items()},
    )


def _record(payload: Mapping[str, object], prefix: str, step: Step, target: Record) -> dict[str, object]:
    """Return one record as the target has it."""
    cast = {}
    for each in target.fields:
        path = f"{prefix}{each.name}"
        origin = step.origin(path)
        given = None if origin is None else payload.get(origin.rpartition(".")[2])
        cast[each.name] = _value(given, path, step, each)
    return cast


def _value(value: object, path: str, step: Step, target: Field) -> object:
    if value is None:
        return None
    match target.shape, value:
        case ListOf(Record() as item), list():
            return [_record(each, f"{path}[].", step, item) for each in value]
        case Record() as inner, Mapping():
            return _record(value, f"{path}.", step, inner)
        case ListOf(Choice() as item), list():
            return [_symbol(each, path, step, item) for each in value]
        case Choice() as item, _:
            return _symbol(value, path, step, item)
    return value


def _symbol(value: object, path: str, step: Step, target: Choice) -> object:
    """Return the target's symbol: the same, the one declared, or the default, which is most cautious."""
    if value in target.symbols:
        return value
    return step.symbols.get(path, {}).get(str(value), target.default)


def _check_types(label: str, source: Record, target: Record, step: Step) -> None:
    """Refuse a step that would put a value where it does not fit, or leave a key without one."""
    unused = set(step.symbols)
    places = [("", source, target)]
    while places:
        prefix, here, there = places.pop()
        for each in there.fields:
            path = f"{prefix}{each.name}"
            origin = step.origin(path)
            found = None if origin is None else here.field(origin.rpartition(".")[2])
            if found is None and not each.nullable:
                message = f"{label}: nothing gives the key {path}"
                raise NotConfigured(message, fix="declare a move to it, or make it optional")
            if found is None:
                continue
            if not _fits(found, each):
                message = f"{label}: {path} is of another type"
                raise NotConfigured(message, fix="give the field a new name, and leave the old one")
            match _item(found), _item(each):
                case Record() as before, Record() as after:
                    mark = "[]." if isinstance(each.shape, ListOf) else "."
                    places.append((f"{path}{mark}", before, after))
                case Choice() as before, Choice() as after:
                    unused.discard(path)
                    _check_symbols(f"{label}: {path}", step.symbols.get(path, {}), before, after)
    for path in sorted(unused):
        message = f"{label}: symbols are declared for {path}, which is no choice in both"
        raise NotConfigured(message, fix="name the field as the version it leads to does")


def _check_symbols(label: str, declared: Mapping[str, str], source: Choice, target: Choice) -> None:
    """Refuse a step after which a symbol would have no meaning left, or another than it has."""
    for symbol, stands in declared.items():
        if stands not in target.symbols:
            message = f"{label} has no symbol {stands}"
            raise NotConfigured(message, fix=f"it has {', '.join(target.symbols)}")
        if symbol in target.symbols or symbol not in source.symbols:
            message = f"{label}: nothing needs to stand for {symbol}"
            raise NotConfigured(message, fix="declare only symbols that the other version lacks")
    lost = [each for each in source.symbols if each not in {*target.symbols, *declared}]
    if lost and target.default is None:
        message = f"{label}: nothing says what stands for {', '.join(lost)}"
        raise NotConfigured(message, fix="declare it under symbols, or give the choice a default")


def _item(field_: Field) -> object:
    """Return the shape of a field's values, of a list's items."""
    return field_.shape.item if isinstance(field_.shape, ListOf) else field_.shape


def _fits(source: Field, target: Field) -> bool:
    """Tell whether every value of the source can stand in the target."""
    if source.nullable and not target.nullable:
        return False
    here, there = _item(source), _item(target)
    if isinstance(source.shape, ListOf) is not isinstance(target.shape, ListOf):
        return False
    if isinstance(here, Scalar) and isinstance(there, Scalar):
        return here.kind == there.kind or (here.kind, there.kind) in _PROMOTIONS
    return type(here) is type(there)
