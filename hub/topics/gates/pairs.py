"""Two versions of a schema laid side by side: every field of each, beside the one it was or became.

A field is the same field where its name is, or an alias of either side names the other: a field `note2`
with alias `note` is `note`. Nothing here calls itself, and a schema that contains itself ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.names import simple_name
from hub.topics.avro.schema import Array, Enum, Field, Fixed, Map, Record, Type, Union

PLACES_MAX = 20_000
"""Types and fields looked at in one comparison; named types used many times over can have more paths."""
_NAMED = (Record, Enum, Fixed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A field that is in both versions, as it was and as it is."""

    path: str
    """Where it stands in the new version."""
    old_path: str
    """Where it stood."""
    old: Field
    new: Field
    owns: tuple[object, object]
    """Which field of the record around it says to whom that belongs, then and now."""

    @property
    def says_the_same(self) -> bool:
        """True where name and every property are what they were; 1 is not true."""
        was, becomes = self.old.properties, self.new.properties
        return (
            self.path == self.old_path
            and was == becomes
            and all(type(value) is type(was[name]) for name, value in becomes.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """A field that one version has alone."""

    path: str
    field: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class TypePair:
    """A type of the new version at a path, and what stood there before, if anything did."""

    path: str
    old: Type | None
    new: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Two versions side by side. Unions are looked into, not listed; an array's items are at `path[]`."""

    kept: tuple[Kept, ...]
    added: tuple[Alone, ...]
    dropped: tuple[Alone, ...]
    types: tuple[TypePair, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """A pair of types still to be looked into, its paths, and the pairs of records it lies in."""

    path: str
    old_path: str
    old: Type | None
    new: Type | None
    inside: frozenset[tuple[int, int]]


@dataclass(slots=True)
class _Walk:
    """What was found so far, and what is still to be looked into."""

    steps: list[_Step]
    kept: list[Kept] = field(default_factory=list)
    added: list[Alone] = field(default_factory=list)
    dropped: list[Alone] = field(default_factory=list)
    types: list[TypePair] = field(default_factory=list)


def pair(old: Type, new: Type) -> Pairs:
    """Lay two versions side by side, in the order of the new one's fields.

    Raises:
        SchemaRefused: They have more than PLACES_MAX paths.
    """
    walk = _Walk([_Step("", "", old, new, frozenset())])
    places = 0
    while walk.steps:
        step = walk.steps.pop()
        places += 1
        if places > PLACES_MAX:
            message = f"more than {PLACES_MAX} paths lead through these schemas"
            raise SchemaRefused(step.path, message, fix="define what is shared once, nearer the top")
        walk.steps.extend(reversed(tuple(_into(step, walk))))
    return Pairs(
        kept=tuple(walk.kept),
        added=tuple(walk.added),
        dropped=tuple(walk.dropped),
        types=tuple(walk.types),
    )


def _into(step: _Step, walk: _Walk) -> Iterator[_Step]:
    """Note a pair of types and yield what lies in it."""
    if isinstance(step.old, Union) or isinstance(step.new, Union):
        yield from _branches(step)
        return
    if step.new is not None:
        walk.types.append(TypePair(path=step.path, old=step.old, new=step.new))
    if step.old is not None and step.new is not None and step.old.kind != step.new.kind:
        yield from _inner(_Step(step.path, step.old_path, step.old, None, step.inside), walk)
        yield from _inner(_Step(step.path, step.old_path, None, step.new, step.inside), walk)
        return
    yield from _inner(step, walk)


def _inner(step: _Step, walk: _Walk) -> Iterator[_Step]:
    """Yield what lies in types of one kind: items, values, the types of fields."""
    old, new = step.old, step.new
    if isinstance(old or new, Array | Map):
        mark = "[]" if isinstance(old or new, Array) else "{}"
        yield _Step(f"{step.path}{mark}", f"{step.old_path}{mark}", _item(old), _item(new), step.inside)
    else:
        was = old if isinstance(old, Record) else None
        record = new if isinstance(new, Record) else None
        here = (id(was), id(record))
        if (was or record) and here not in step.inside:
            deeper = _Step(step.path, step.old_path, was, record, step.inside | {here})
            yield from _fields(deeper, was, record, walk)


def _item(one: Type | None) -> Type | None:
    """Return the type of a list's items or a map's values."""
    if isinstance(one, Array):
        return one.items
    return one.values if isinstance(one, Map) else None


def _fields(step: _Step, old: Record | None, new: Record | None, walk: _Walk) -> Iterator[_Step]:
    """Note the fields of two records and yield their types."""
    known = _by_names(old)
    taken: set[str] = set()
    for each in new.fields if new else ():
        path = _under(step.path, each.name)
        found = _taken_over(known, each)
        taken.update(was.name for was in found)
        if not found:
            walk.added.append(Alone(path=path, field=each))
            yield _Step(path, path, None, each.type, step.inside)
        for was in found:
            old_path = _under(step.old_path, was.name)
            walk.kept.append(
                Kept(path=path, old_path=old_path, old=was, new=each, owns=(_own(old), _own(new)))
            )
            yield _Step(path, old_path, was.type, each.type, step.inside)
    for was in old.fields if old else ():
        if was.name not in taken:
            path = _under(step.old_path, was.name)
            walk.dropped.append(Alone(path=path, field=was))
            yield _Step(path, path, was.type, None, step.inside)


def names_in(schema: Type) -> frozenset[str]:
    """Return every name and alias that a field anywhere in a schema has."""
    names: set[str] = set()
    seen: set[int] = set()
    ahead = [schema]
    while ahead:
        _, one = core(ahead.pop())
        if isinstance(one, Union):
            ahead.extend(one.branches)
        elif isinstance(one, Record) and id(one) not in seen:
            seen.add(id(one))
            for each in one.fields:
                names.update((each.name, *each.aliases))
                ahead.append(each.type)
    return frozenset(names)


def core(one: Type) -> tuple[tuple[str, ...], Type]:
    """Return the lists and maps around a type, and what they hold; null apart, other unions whole."""
    around: list[str] = []
    while True:
        if isinstance(one, Array | Map):
            around.append(one.kind)
            one = one.items if isinstance(one, Array) else one.values
            continue
        branches = _choices(one) if isinstance(one, Union) else ()
        if len(branches) != 1:
            return tuple(around), one
        one = branches[0]


def _own(record: Record | None) -> object:
    """Return the name of the field that says to whom a record belongs."""
    return record.properties.get("own") if record else None


def _by_names(old: Record | None) -> dict[str, list[Field]]:
    """Return the fields of a record by their names and aliases."""
    known: dict[str, list[Field]] = {}
    for each in old.fields if old else ():
        for name in (each.name, *each.aliases):
            known.setdefault(name, []).append(each)
    return known


def _taken_over(known: dict[str, list[Field]], new: Field) -> list[Field]:
    """Return the old fields that a new one is: by its name, or by an alias on either side."""
    found = {each.name: each for each in known.get(new.name, ())}
    for alias in new.aliases:
        found |= {each.name: each for each in known.get(alias, ()) if each.name == alias}
    return list(found.values())


def _under(path: str, name: str) -> str:
    """Return the path of a field under another path."""
    return f"{path}.{name}" if path else name


def _branches(step: _Step) -> Iterator[_Step]:
    """Yield the branches of unions, paired; null is not looked at."""
    before, after = _choices(step.old), _choices(step.new)
    for branch in tuple(after):
        was = next((each for each in before if _alike(each, branch)), None)
        if was is not None:
            before.remove(was)
            after.remove(branch)
            yield _Step(step.path, step.old_path, was, branch, step.inside)
    if len(before) == len(after) == 1:
        yield _Step(step.path, step.old_path, before[0], after[0], step.inside)
        return
    for was in before:
        yield _Step(step.path, step.old_path, was, None, step.inside)
    for branch in after:
        yield _Step(step.path, step.old_path, None, branch, step.inside)


def _choices(one: Type | None) -> list[Type]:
    """Return what a type can be, apart from null."""
    if one is None:
        return []
    return [each for each in (one.branches if isinstance(one, Union) else (one,)) if each.kind != "null"]


def _alike(old: Type, new: Type) -> bool:
    """Tell whether two branches are the same branch: by name where they have one, else by kind."""
    if isinstance(old, _NAMED) and isinstance(new, _NAMED):
        names = {simple_name(name) for name in (new.name, *new.aliases)}
        return old.kind == new.kind and simple_name(old.name) in names
    return old.kind == new.kind
