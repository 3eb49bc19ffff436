"""The semantic gate: a new version must mean what the old one meant, which Avro does not look at.

Refused: what makes the same bytes or the same words mean something else, or an unknown value read as a
harmless one. Scale, logical type, unit, defaults, the most cautious symbol, an opinion turned into a
fact, narrower bounds (what is stored, and what old senders send, would be refused).

Sign-off: what may be right and only people can say: a unit stated for the first time, a fact turned into
an opinion, a still more cautious symbol, a name given again with other words.

Warning: what receivers should know of: wider bounds, other words, numbers that lose exactness.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hub.topics.avro.names import simple_name, space_of
from hub.topics.avro.schema import Enum, Field, Fixed, Record, Type, Union
from hub.topics.findings import Finding, Weight
from hub.topics.gates.bounds import bounds
from hub.topics.gates.enums import enums
from hub.topics.gates.pairs import Kept, Pairs, TypePair, core, names_in, pair
from hub.topics.gates.said import Change, same_value, shown

_INEXACT = frozenset({("long", "float"), ("long", "double"), ("int", "float")})


def semantic_gate(old: Type, new: Type, *, schema: str) -> tuple[Finding, ...]:
    """Return every change of meaning between two versions next to each other.

    Args:
        old: the version before.
        new: the version to be released.
        schema: what findings call the new version, e.g. `progress 1.1`.

    Raises:
        SchemaRefused: The schemas have more paths than one comparison looks at.
    """
    return tuple(each.finding(schema) for each in _changes(pair(old, new)))


def semantic_gates(new: Type, older: Sequence[tuple[str, Type]], *, schema: str) -> tuple[Finding, ...]:
    """Hold a new version against the one before, and names given again against every version that had them.

    Args:
        new: the version to be released.
        older: version and schema of all before it, oldest first.
        schema: what findings call the new version.

    Raises:
        SchemaRefused: The schemas have more paths than one comparison looks at.
    """
    if not older:
        empty = Record(name="", aliases=(), fields=(), properties={})
        return tuple(each.finding(schema) for each in enums(pair(empty, new).types))
    pairs = pair(older[-1][1], new)
    found = [*_changes(pairs)]
    again = [each.path for each in pairs.added]
    names = {name for each in pairs.added for name in (each.field.name, *each.field.aliases)}
    for version, early in reversed(older[:-1]):
        if names.isdisjoint(names_in(early)):
            continue
        known = {(each.rule, each.where, each.weight) for each in found}
        further = _against_early(pair(early, new), again, version)
        found += (each for each in further if (each.rule, each.where, each.weight) not in known)
    return tuple(each.finding(schema) for each in found)


def _against_early(pairs: Pairs, again: Sequence[str], version: str) -> Iterator[Change]:
    """Yield what fields mean that the version before lacks and an earlier one had."""
    kept = {each.path: each for each in pairs.kept}
    back = tuple(path for path in again if path in kept)
    for path in back:
        if path == kept[path].old_path:
            yield from _reused(kept[path], version)
    if back:
        inside = tuple(f"{path}{mark}" for path in back for mark in (".", "[", "{"))
        for each in _changes(pairs):
            if each.where in back or each.where.startswith(inside):
                yield each


def _changes(pairs: Pairs) -> Iterator[Change]:
    """Yield every change of meaning."""
    yield from _names(pairs.types)
    for each in pairs.types:
        yield from _logical(each)
        yield from _widened(each)
    yield from enums(pairs.types)
    for both in pairs.kept:
        yield from _default(both)
        yield from _unit(both)
        yield from _statement(both)
        yield from _doc(both)
        yield from bounds(both)


def _names(types: Sequence[TypePair]) -> Iterator[Change]:
    """Names and namespaces of types stay, or partners' generated code is of another type."""
    moved: set[tuple[str | None, str | None]] = set()
    for each in types:
        was, becomes = each.old, each.new
        if not isinstance(was, Record | Enum | Fixed) or not isinstance(becomes, Record | Enum | Fixed):
            continue
        weight = Weight.WARNING if was.name in becomes.aliases else Weight.REFUSED
        where = each.path or simple_name(becomes.name)
        spaces = space_of(was.name), space_of(becomes.name)
        if simple_name(was.name) != simple_name(becomes.name):
            yield Change(
                "NAME-CHANGED",
                where,
                "the type has another name: code that partners made from it no longer fits",
                old=was.name,
                new=becomes.name,
                fix=f"keep the name {simple_name(was.name)}",
                weight=weight,
            )
        if spaces[0] != spaces[1] and spaces not in moved:
            moved.add(spaces)
            yield Change(
                "NAMESPACE-CHANGED",
                where,
                "the namespace names the message and its major version: another is another message",
                old=spaces[0] or "none",
                new=spaces[1] or "none",
                fix=f"keep the namespace {spaces[0] or 'out'}",
                weight=weight,
            )


@dataclass(frozen=True, slots=True)
class _Number:
    """What a type says of the number in it."""

    logical: str
    scale: object
    precision: object
    unit: str


def _number(one: Type) -> _Number:
    """Read what a type says of its number."""
    said = {} if isinstance(one, Union) else one.properties
    logical, unit = said.get("logicalType"), said.get("unit")
    return _Number(
        logical=logical if isinstance(logical, str) else "",
        scale=said.get("scale", 0),
        precision=said.get("precision"),
        unit=unit if isinstance(unit, str) else "",
    )


def _logical(each: TypePair) -> Iterator[Change]:
    """A logical type, its scale and precision stay: the bytes would be read as another value."""
    if each.old is None:
        return
    was, becomes = _number(each.old), _number(each.new)
    if was.logical != becomes.logical:
        yield Change(
            "LOGICAL-TYPE-CHANGED",
            each.path,
            "the same bytes would be read as another value",
            old=was.logical or "none",
            new=becomes.logical or "none",
            fix="keep the logical type; another one comes as a field of a new name",
        )
        return
    if was.unit != becomes.unit:
        yield _other_unit(each.path, was.unit, becomes.unit)
    if was.logical != "decimal":
        return
    if not same_value(was.scale, becomes.scale):
        yield Change(
            "SCALE-CHANGED",
            each.path,
            "the same bytes would be read as a number a power of ten away",
            old=shown(was.scale),
            new=shown(becomes.scale),
            fix="keep the scale; another one comes as a field of a new name",
        )
    yield from _precision(each.path, was.precision, becomes.precision)


def _precision(path: str, was: object, becomes: object) -> Iterator[Change]:
    """Fewer digits refuse what is stored; more may be too many for a receiver."""
    if not isinstance(was, int) or not isinstance(becomes, int) or was == becomes:
        return
    narrower = becomes < was
    yield Change(
        "PRECISION-NARROWED" if narrower else "PRECISION-WIDENED",
        path,
        "numbers that are stored have more digits than it allows"
        if narrower
        else "receivers of older versions get numbers with more digits than they expect",
        old=str(was),
        new=str(becomes),
        fix=f"keep precision {was}" if narrower else "tell receivers before it is released",
        weight=Weight.REFUSED if narrower else Weight.WARNING,
    )


def _widened(each: TypePair) -> Iterator[Change]:
    """Avro lets these whole numbers be read as floating ones, which are not exact."""
    if each.old is not None and (each.old.kind, each.new.kind) in _INEXACT:
        yield Change(
            "TYPE-WIDENED-SILENTLY",
            each.path,
            "large whole numbers lose their last digits when they are read so",
            old=each.old.kind,
            new=each.new.kind,
            fix=f"keep {each.old.kind}",
            weight=Weight.WARNING,
        )


def _default(both: Kept) -> Iterator[Change]:
    """A default is what a record that does not say reads as; it stays."""
    was, becomes = both.old, both.new
    if was.has_default == becomes.has_default and same_value(was.default, becomes.default):
        return
    if not was.has_default and becomes.default is None:
        return
    gained = not was.has_default
    yield Change(
        "DEFAULT-CHANGED",
        both.path,
        "where a sender says nothing it reads as if this had been said"
        if gained
        else "records that do not say would read as something else than before",
        old=shown(was.default) if was.has_default else "no default",
        new=shown(becomes.default) if becomes.has_default else "no default",
        fix="leave the default away, or let it be null" if gained else "keep the default",
        weight=Weight.WARNING if gained else Weight.REFUSED,
    )


def _unit(both: Kept) -> Iterator[Change]:
    """A unit stays: the same number would be another amount."""
    was, becomes = both.old.properties.get("unit"), both.new.properties.get("unit")
    if not same_value(was, becomes):
        yield _other_unit(both.path, shown(was), shown(becomes))


def _other_unit(path: str, was: str, becomes: str) -> Change:
    """Say that a unit changed; one stated for the first time is for somebody to sign."""
    first = was in {"", "none"}
    return Change(
        "UNIT-CHANGED",
        path,
        "a unit is stated for the first time: only who sent the numbers can say that it always was"
        if first
        else "the same number would be another amount",
        old=was or "none",
        new=becomes or "none",
        fix="have it signed off that every sender means this unit"
        if first
        else "keep the unit; another one comes as a field of a new name",
        weight=Weight.SIGN_OFF if first else Weight.REFUSED,
    )


def _statement(both: Kept) -> Iterator[Change]:
    """Facts and opinions are told apart by law (DPA 2018 s.38(2)); which one a field is stays."""
    was, becomes = both.old.properties.get("statement"), both.new.properties.get("statement")
    if was is None or same_value(was, becomes):
        return
    milder = was == "fact" and becomes == "assessment"
    yield Change(
        "STATEMENT-CHANGED",
        both.path,
        "what was sent as fact reads as an opinion from now on"
        if milder
        else "an opinion must not read as a fact (DPA 2018 s.38(2))",
        old=shown(was),
        new=shown(becomes),
        fix="have it signed off that it always was an opinion" if milder else f"keep statement {shown(was)}",
        weight=Weight.SIGN_OFF if milder else Weight.REFUSED,
    )


def _doc(both: Kept) -> Iterator[Change]:
    """Other words for a field are no other meaning, or it would be another field."""
    was, becomes = both.old.properties.get("doc"), both.new.properties.get("doc")
    if was is not None and not same_value(was, becomes):
        yield Change(
            "DOC-CHANGED",
            both.path,
            "it is described in other words: what was sent by the old ones will be read by the new ones",
            old=shown(was),
            new=shown(becomes),
            fix="make sure that it means the same; what means something else comes as a field of a new name",
            weight=Weight.WARNING,
        )


def _reused(both: Kept, version: str) -> Iterator[Change]:
    """A name once dropped is kept for what it meant."""
    was, becomes = _meaning(both.old), _meaning(both.new)
    if was != becomes:
        other = ", ".join(name for name in was if was[name] != becomes[name])
        yield Change(
            "NAME-REUSED",
            both.path,
            f"{version} had a field of this name with another {other}: its readers take this one for it",
            old=version,
            new=other,
            fix="give it a name that was never used",
        )
    elif not same_value(both.old.properties.get("doc"), both.new.properties.get("doc")):
        yield Change(
            "NAME-REUSED",
            both.path,
            f"{version} had a field of this name in other words: its readers take this one for it",
            old=version,
            new="doc",
            fix="give it a name that was never used, or have it signed off that it means the same",
            weight=Weight.SIGN_OFF,
        )


def _meaning(field: Field) -> dict[str, object]:
    """Return what a field means apart from its words."""
    said = {name: shown(field.properties.get(name)) for name in ("infoClass", "subject", "statement", "unit")}
    return {"type": _described(field.type), **said}


def _described(one: Type) -> tuple[str, ...]:
    """Describe a type, its containers and what its number is; null apart."""
    around, inner = core(one)
    if isinstance(inner, Union):
        return (*around, *sorted(each.kind for each in inner.branches))
    number = _number(inner)
    first = inner.symbols[:1] if isinstance(inner, Enum) else ()
    return (*around, inner.kind, number.logical, shown(number.scale), number.unit, *first)
