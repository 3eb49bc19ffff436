"""What Avro takes in a schema and the hub does not: circles, depth, unions, decimals, names, defaults.

Eight levels of records are what other hubs bear; here it is the DEPTH_MAX of hub.topics.shapes, since no
message needed more. What else a contract must say of its fields is in hub.topics.conformity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hub.topics.avro.defaults import fits
from hub.topics.avro.names import simple_name
from hub.topics.avro.schema import Array, Enum, Field, Fixed, Map, Primitive, Record, Type, Union
from hub.topics.shapes import DEPTH_MAX


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a schema breaks, where, and what would be right."""

    rule: str
    where: str
    what: str
    fix: str


def lint(schema: Type) -> Iterator[Broken]:
    """Yield every rule that a schema of Avro breaks; a named type is judged where it is met first."""
    yield from _too_deep(schema)
    yield from _circles(schema)
    for path, each in _types(schema):
        yield from _names(path, each)
        yield from _union(path, each)
        yield from _decimal(path, each)
        if isinstance(each, Record):
            for field in each.fields:
                yield from _field(_under(path, field.name), field)


def _under(path: str, name: str) -> str:
    """Return the path of a field under another path."""
    return f"{path}.{name}" if path else name


def _within(path: str, one: Type) -> Iterator[tuple[str, Type]]:
    """Yield the types directly in a type, with their paths."""
    if isinstance(one, Array):
        yield f"{path}[]", one.items
    elif isinstance(one, Map):
        yield f"{path}{{}}", one.values
    elif isinstance(one, Union):
        for each in one.branches:
            yield path, each
    elif isinstance(one, Record):
        for field in one.fields:
            yield _under(path, field.name), field.type


def _types(schema: Type) -> Iterator[tuple[str, Type]]:
    """Yield every type once, with the path it is met at first."""
    seen: set[int] = set()
    ahead: list[tuple[str, Type]] = [("", schema)]
    while ahead:
        path, one = ahead.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield path, one
            ahead.extend(reversed(tuple(_within(path, one))))


def _records_in(path: str, one: Type) -> Iterator[tuple[str, Record]]:
    """Yield the records directly in a type, through lists, maps and unions."""
    ahead = list(_within(path, one))
    while ahead:
        inner, each = ahead.pop()
        if isinstance(each, Record):
            yield inner, each
        else:
            ahead.extend(_within(inner, each))


def _too_deep(schema: Type) -> Iterator[Broken]:
    """Records may lie in one another so deep and no deeper."""
    level = {id(schema): ("", schema)} if isinstance(schema, Record) else {}
    for _ in range(DEPTH_MAX):
        level = {
            id(record): (path, record)
            for above, each in level.values()
            for path, record in _records_in(above, each)
        }
    for path, _record in level.values():
        fix = "put what is deepest beside the record it lies in"
        yield Broken("DEPTH", path, f"records lie deeper than {DEPTH_MAX} levels", fix)


def _circles(schema: Type) -> Iterator[Broken]:
    """No record may lie in itself: its values would have no end a reader can count on."""
    open_: set[int] = set()
    done: set[int] = set()
    ahead: list[tuple[str, Type, bool]] = [("", schema, False)]
    while ahead:
        path, one, leaving = ahead.pop()
        if leaving:
            open_.discard(id(one))
            done.add(id(one))
        elif id(one) in open_:
            yield Broken("RECURSION", path, "the record lies in itself", "refer to the other one by its id")
        elif id(one) not in done:
            open_.add(id(one))
            ahead.append((path, one, True))
            ahead.extend((inner, record, False) for inner, record in _records_in(path, one))


def _names(path: str, one: Type) -> Iterator[Broken]:
    """Names are ASCII: two letters that look alike must not be two names."""
    if not isinstance(one, Record | Enum | Fixed):
        return
    names = [one.name, *one.aliases]
    if isinstance(one, Enum):
        names += one.symbols
    if isinstance(one, Record):
        names += [name for field in one.fields for name in (field.name, *field.aliases)]
    if not all(name.isascii() for name in names):
        where = path or simple_name(one.name)
        yield Broken("ASCII", where, "a name has a letter beyond ASCII", "use the letters a to z")


def _union(path: str, one: Type) -> Iterator[Broken]:
    """A union has one record at most: writers tell two apart by their shape alone."""
    if isinstance(one, Union) and sum(isinstance(each, Record) for each in one.branches) > 1:
        fix = "give each record a field of its own that may be null"
        yield Broken("UNION-RECORDS", path, "a union of two records: writers tell them apart by shape", fix)


def _decimal(path: str, one: Type) -> Iterator[Broken]:
    """A decimal says how many digits it has and how many of them come after the point."""
    if not isinstance(one, Primitive | Fixed) or one.properties.get("logicalType") != "decimal":
        return
    said = [one.properties.get(name) for name in ("precision", "scale")]
    if not all(type(each) is int and each >= 0 for each in said):
        fix = "state precision and scale, scale 0 too"
        yield Broken("DECIMAL", path, "a decimal without its precision and scale is a bare number", fix)


def _field(path: str, field: Field) -> Iterator[Broken]:
    """A default is of a union's first branch, and a symbol where it stands for a choice."""
    if not field.has_default:
        return
    if isinstance(field.type, Union) and not fits(replace(field, type=field.type.branches[0])):
        what = "the default is not of the union's first type, which older readers insist on"
        yield Broken("UNION-DEFAULT", path, what, "put the type of the default first")
    if not _symbols_only(field):
        what = "the default is no symbol of its choice: Avro takes it, and reading fails"
        yield Broken("DEFAULT-SYMBOL", path, what, "let the default be one of the symbols")


def _symbols_only(field: Field) -> bool:
    """Tell whether every text in a default that stands for a choice is one of its symbols."""
    ahead: list[tuple[Type, object]] = [(field.type, field.default)]
    while ahead:
        one, value = ahead.pop()
        if isinstance(one, Union):
            texts = any(each.kind in {"string", "bytes", "fixed"} for each in one.branches)
            ahead.extend((each, value) for each in one.branches if not (texts and each.kind == "enum"))
        elif isinstance(one, Enum):
            if isinstance(value, str) and value not in one.symbols:
                return False
        elif isinstance(one, Array) and isinstance(value, list):
            ahead.extend((one.items, each) for each in value)
        elif isinstance(one, Map) and isinstance(value, dict):
            ahead.extend((one.values, each) for each in value.values())
        elif isinstance(one, Record) and isinstance(value, dict):
            ahead.extend((each.type, value[each.name]) for each in one.fields if each.name in value)
    return True
