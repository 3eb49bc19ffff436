"""What differs between two versions of a schema, field by field and type by type, for people who read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.topics.avro.advice import short
from hub.topics.avro.names import simple_name, space_of
from hub.topics.avro.schema import Enum, Fixed, Record, Union
from hub.topics.gates.pairs import Kept, TypePair, pair
from hub.topics.gates.said import same_value, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hub.topics.avro.schema import Field, Type

_Change = tuple[str, str, str]
"""What changed, what it was, what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that was added, dropped, or says something else; or what its type says otherwise."""

    path: str
    """Of the field; empty for the message itself, `[]` and `{}` for what a list or map holds."""
    change: str
    """added, dropped, or what changed: type, default, symbols added, or a property such as infoClass."""
    old: str
    new: str

    @property
    def said(self) -> str:
        """Old and new in a line."""
        return f"{self.old} -> {self.new}" if self.old and self.new else self.old or self.new


def differences(old: Type, new: Type) -> tuple[Difference, ...]:
    """Return every difference in the order of the new version's fields, what was dropped last.

    Raises:
        SchemaRefused: They have too many paths, see hub.topics.gates.pairs.
    """
    pairs = pair(old, new)
    fields = [found for both in pairs.kept for found in _changed(both)]
    # That a field's type is another one its field has said already.
    told = {each.path for each in fields if each.change == "type"}
    types = [found for both in pairs.types for found in _of_types(both)]
    types = [each for each in types if each.change != "type" or each.path not in told]
    places = {each.path: number for number, each in reversed([*enumerate(pairs.types)])}
    changed = sorted((*fields, *types), key=lambda each: places.get(each.path, len(places)))
    added = [
        Difference(path=each.path, change="added", old="", new=_said(each.field)) for each in pairs.added
    ]
    dropped = [
        Difference(path=each.path, change="dropped", old=_said(each.field), new="") for each in pairs.dropped
    ]
    return (*changed, *added, *dropped)


def _of_types(both: TypePair) -> Iterator[Difference]:
    """Yield what a type says otherwise than before, apart from the fields in it."""
    old, new = both.old, both.new
    if old is None:
        return
    if old.kind != new.kind:
        yield Difference(path=both.path, change="type", old=short(old), new=short(new))
        return
    found: list[_Change] = []
    if isinstance(old, Record | Enum | Fixed) and isinstance(new, Record | Enum | Fixed):
        found += _names(old, new)
    if isinstance(old, Enum) and isinstance(new, Enum):
        found += _symbols(old, new)
    if isinstance(old, Fixed) and isinstance(new, Fixed) and old.size != new.size:
        found.append(("size", str(old.size), str(new.size)))
    for name, was, now in _properties(_said_of(old), _said_of(new)):
        # Fields have a doc, too.
        found.append((f"{new.kind} doc" if name == "doc" else name, was, now))
    yield from (Difference(path=both.path, change=name, old=was, new=now) for name, was, now in found)


def _names(old: Record | Enum | Fixed, new: Record | Enum | Fixed) -> Iterator[_Change]:
    """Yield changes of a type's name, its namespace and its other names."""
    if simple_name(old.name) != simple_name(new.name):
        yield "type name", simple_name(old.name), simple_name(new.name)
    if space_of(old.name) != space_of(new.name):
        yield "namespace", space_of(old.name) or "none", space_of(new.name) or "none"
    yield from _aliases(old.aliases, new.aliases, "type aliases")


def _aliases(old: tuple[str, ...], new: tuple[str, ...], name: str) -> Iterator[_Change]:
    if set(old) != set(new):
        yield name, ", ".join(old) or "none", ", ".join(new) or "none"


def _symbols(old: Enum, new: Enum) -> Iterator[_Change]:
    """Yield symbols that came and went, another order of those that stayed, another default."""
    came = [symbol for symbol in new.symbols if symbol not in old.symbols]
    went = [symbol for symbol in old.symbols if symbol not in new.symbols]
    if came:
        yield "symbols added", "", ", ".join(came)
    if went:
        yield "symbols dropped", ", ".join(went), ""
    before = [symbol for symbol in old.symbols if symbol in new.symbols]
    after = [symbol for symbol in new.symbols if symbol in old.symbols]
    if before != after:
        yield "symbols reordered", ", ".join(before), ", ".join(after)
    if old.default != new.default:
        yield "enum default", old.default or "none", new.default or "none"


def _said_of(one: Type) -> Mapping[str, object]:
    """Return what a type says besides its name and what it holds."""
    return {} if isinstance(one, Union) else one.properties


def _properties(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[_Change]:
    for name in sorted(old.keys() | new.keys()):
        if not same_value(old.get(name), new.get(name)):
            yield name, shown(old.get(name)), shown(new.get(name))


def _changed(both: Kept) -> list[Difference]:
    was, becomes = both.old, both.new
    found: list[_Change] = [("name", both.old_path, both.path)] if both.path != both.old_path else []
    if short(was.type) != short(becomes.type):
        found.append(("type", short(was.type), short(becomes.type)))
    if not same_value(was.default, becomes.default) or was.has_default is not becomes.has_default:
        found.append(("default", _default(was), _default(becomes)))
    found += _aliases(was.aliases, becomes.aliases, "aliases")
    found += _properties(was.properties, becomes.properties)
    return [Difference(path=both.path, change=name, old=one, new=other) for name, one, other in found]


def _default(field: Field) -> str:
    return (
        shown(field.default)
        if field.has_default and field.default is not None
        else ("null" if field.has_default else "none")
    )


def _said(field: Field) -> str:
    marks = [str(field.properties[name]) for name in ("infoClass", "subject") if name in field.properties]
    return ", ".join((short(field.type), *marks))
