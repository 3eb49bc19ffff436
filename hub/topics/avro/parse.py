"""A schema read from JSON: what Avro Java 1.12.2 accepts is accepted, what it refuses is refused.

As there, a type may be named before it is defined, a name may be defined twice if both say the same, and
defaults are checked twice: when a field is read, and again when every name is known. Beyond that there
are limits: types in one another, types altogether, and those of hub.topics.avro.text.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import TypeVar

from hub.topics.avro.defaults import fits
from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.names import PRIMITIVES, full_name, is_full_name, is_name, simple_name, space_of
from hub.topics.avro.resolve import Awaited, check_properties, resolve
from hub.topics.avro.same import same
from hub.topics.avro.schema import Array, Enum, Field, Fixed, Map, Primitive, Record, Type, Union
from hub.topics.avro.steps import Steps
from hub.topics.avro.text import check_json, read_json

DEPTH_MAX = 64
TYPES_MAX = 10_000
_SIZE_MAX = 2**31 - 1 - 8
"""Of fixed bytes: the longest array of Java."""
_ORDERS = frozenset({"ASCENDING", "DESCENDING", "IGNORE"})
_NAME_FIX = "begin with a letter or underscore, then letters, digits and underscores only"
_KINDS = "record, enum, array, map, fixed or a primitive type"

_Node = tuple[object, str | None, str]
"""A piece of JSON, the namespace around it and its path."""
_Step = Generator[_Node, Type, Type]
_Named = TypeVar("_Named", Record, Enum, Fixed)


def parse_text(text: str) -> Type:
    """Read a schema from its text; see `parse`."""
    return parse(read_json(text))


def parse(source: object) -> Type:
    """Read a schema from decoded JSON.

    Raises:
        SchemaRefused: It is no schema of Avro 1.12, or one beyond our limits; names path and fix.
    """
    check_json(source)
    reading = _Reading()
    try:
        root = Steps[_Node, Type](reading.begin, depth_max=DEPTH_MAX).answer((source, None, ""))
    except RecursionError:
        fix = "name an inner type and define it at another place"
        raise SchemaRefused("", f"more than {DEPTH_MAX} types in one another", fix=fix) from None
    return resolve(root, reading.names, reading.awaited, reading.paths)


class _Reading:
    """One schema being read: the names defined so far and those that were used before."""

    def __init__(self) -> None:
        self.names: dict[str, Record | Enum | Fixed] = {}
        self.awaited: dict[int, Awaited] = {}
        self.paths: dict[int, str] = {}
        self._types = 0

    def begin(self, node: _Node) -> Type | _Step:
        """Answer at once what has no types within it, else return the step that reads them."""
        source, space, path = node
        self._types += 1
        if self._types > TYPES_MAX:
            raise SchemaRefused(path, f"more than {TYPES_MAX} types", fix="divide the schema")
        if isinstance(source, str):
            return self._by_name(source, space, path)
        if isinstance(source, list):
            return self._union(source, space, path)
        if not isinstance(source, dict):
            raise SchemaRefused(path, "not a type", fix="give a name, an object or a list of types")
        return self._by_kind(source, space, path)

    def _by_kind(self, source: Mapping[str, object], space: str | None, path: str) -> Type | _Step:
        kind = source.get("type")
        if isinstance(kind, str) and kind in PRIMITIVES:
            return Primitive(kind, _rest(source, "type"))
        match kind:
            case "record" | "error":
                return self._record(source, space, path)
            case "array":
                return self._array(source, space, path)
            case "map":
                return self._map(source, space, path)
            case "enum":
                return self._enum(source, space, path)
            case "fixed":
                return self._fixed(source, space, path)
        raise SchemaRefused(path, "an object whose `type` is no kind of type", fix=f"make it {_KINDS}")

    def _by_name(self, name: str, space: str | None, path: str) -> Type:
        """The type of that name: of this namespace first, then of none, else one to be defined later."""
        if name in PRIMITIVES:
            return Primitive(name)
        wanted = f"{space}.{name}" if space is not None and "." not in name else name
        known = self.names.get(wanted) or self.names.get(name)
        if known is not None:
            return known
        # As Java has it, a record without fields stands in for it until all is read.
        awaited = Record(wanted, (), (), {})
        self.awaited[id(awaited)] = Awaited(awaited, wanted, path)
        return awaited

    def _union(self, source: list[object], space: str | None, path: str) -> _Step:
        branches: list[Type] = []
        for each in source:
            branch = yield each, space, path
            if branch.kind == "union":
                raise SchemaRefused(path, "a union directly in a union", fix="make it one union")
            branches.append(branch)
        return self._placed(Union(tuple(branches)), path)

    def _array(self, source: Mapping[str, object], space: str | None, path: str) -> _Step:
        if "items" not in source:
            raise SchemaRefused(path, "an array without `items`", fix="say the type of its items")
        items = yield source["items"], space, f"{path}[]"
        check_properties(source, path)
        return self._placed(Array(items, _rest(source, "type", "items")), path)

    def _map(self, source: Mapping[str, object], space: str | None, path: str) -> _Step:
        if "values" not in source:
            raise SchemaRefused(path, "a map without `values`", fix="say the type of its values")
        values = yield source["values"], space, f"{path}{{}}"
        check_properties(source, path)
        return self._placed(Map(values, _rest(source, "type", "values")), path)

    def _record(self, source: Mapping[str, object], space: str | None, path: str) -> _Step:
        name = _name_of(source, space, path)
        fields: list[Field] = []
        seen: set[str] = set()
        listed = source.get("fields")
        if not isinstance(listed, list):
            raise SchemaRefused(
                path, "a record without a list of `fields`", fix="give the list, empty if need be"
            )
        for each in listed:
            said, within = _field_of(each, path)
            kind = yield said["type"], space_of(name), within
            field = _field(said, kind, within)
            if field.name in seen:
                raise SchemaRefused(within, "a field named twice", fix="give one of them another name")
            seen.add(field.name)
            fields.append(field)
        check_properties(source, path)
        found = Record(
            name,
            _aliases_of(source, name, path),
            tuple(fields),
            _rest(source, "type", "name", "namespace", "aliases", "fields"),
        )
        return self._defined(found, path)

    def _enum(self, source: Mapping[str, object], space: str | None, path: str) -> Enum:
        name = _name_of(source, space, path)
        symbols = source.get("symbols")
        if not isinstance(symbols, list):
            raise SchemaRefused(path, "an enum without a list of `symbols`", fix="give the list")
        if not all(map(is_name, symbols)):
            raise SchemaRefused(path, "a symbol that is no name", fix=_NAME_FIX)
        if len(set(symbols)) < len(symbols):
            raise SchemaRefused(path, "a symbol that stands twice", fix="remove one of them")
        default = source.get("default")
        if not isinstance(default, str):
            default = None
        elif default not in symbols:
            raise SchemaRefused(path, "a default that is none of its symbols", fix="make it one of them")
        rest = _rest(source, "type", "name", "namespace", "aliases", "symbols", "default")
        return self._defined(Enum(name, _aliases_of(source, name, path), tuple(symbols), default, rest), path)

    def _fixed(self, source: Mapping[str, object], space: str | None, path: str) -> Fixed:
        name = _name_of(source, space, path)
        size = source.get("size")
        if type(size) is not int or not 0 <= size <= _SIZE_MAX:
            raise SchemaRefused(
                path, "fixed bytes without a usable `size`", fix="give it as a whole number of bytes"
            )
        rest = _rest(source, "type", "name", "namespace", "aliases", "size")
        return self._defined(Fixed(name, _aliases_of(source, name, path), size, rest), path)

    def _defined(self, found: _Named, path: str) -> _Named:
        """Enter a named type; a second definition must say the same as the first."""
        known = self.names.setdefault(found.name, found)
        if known is not found and not same(known, found, self.awaited):
            fix = "name the type where it is used again, or give this one another name"
            raise SchemaRefused(path, f"{found.name} is defined twice, differently", fix=fix)
        self.paths[id(found)] = path
        return found

    def _placed(self, found: Union | Array | Map, path: str) -> Union | Array | Map:
        self.paths[id(found)] = path
        return found


def _rest(source: Mapping[str, object], *taken: str) -> dict[str, object]:
    """Everything the schema says besides."""
    return {name: value for name, value in source.items() if name not in taken}


def _name_of(source: Mapping[str, object], space: str | None, path: str) -> str:
    name, given = source.get("name"), source.get("namespace")
    if not isinstance(name, str):
        raise SchemaRefused(path, "a type without a `name`", fix="give it one")
    full = full_name(name, given if isinstance(given, str) else space)
    if not is_full_name(full):
        raise SchemaRefused(path, "a name or namespace that is none", fix=_NAME_FIX)
    if full in PRIMITIVES:
        raise SchemaRefused(path, f"a type named {full}", fix="give it a name that is no primitive type's")
    return full


def _aliases_of(source: Mapping[str, object], name: str, path: str) -> tuple[str, ...]:
    """Full names; one without a dot is of the type's own namespace."""
    full = [full_name(alias, space_of(name)) for alias in _alias_texts(source, path)]
    if not all(is_name(simple_name(alias)) for alias in full):
        raise SchemaRefused(path, "an alias that is no name", fix=_NAME_FIX)
    return tuple(dict.fromkeys(full))


def _alias_texts(source: Mapping[str, object], path: str) -> tuple[str, ...]:
    aliases = source.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise SchemaRefused(path, "`aliases` that are no list of names", fix="give a list of names")
    return tuple(dict.fromkeys(aliases))


def _field_of(source: object, path: str) -> tuple[Mapping[str, object], str]:
    """The JSON of a field and its path."""
    name = source.get("name") if isinstance(source, dict) else None
    if not isinstance(source, dict) or not isinstance(name, str):
        raise SchemaRefused(path, "a field without a `name`", fix="give it one")
    if not is_name(name):
        raise SchemaRefused(path, "a field whose name is none", fix=_NAME_FIX)
    within = f"{path}.{name}" if path else name
    if "type" not in source:
        raise SchemaRefused(within, "a field without a `type`", fix="give it one")
    return source, within


def _field(source: Mapping[str, object], kind: Type, path: str) -> Field:
    order = source.get("order", "ascending")
    if not isinstance(order, str) or order.upper() not in _ORDERS:
        raise SchemaRefused(path, "an unknown `order`", fix="use ascending, descending or ignore")
    found = Field(
        name=str(source["name"]),
        aliases=_alias_texts(source, path),
        type=kind,
        has_default="default" in source,
        default=source.get("default"),
        properties=_rest(source, "name", "type", "default", "aliases"),
    )
    if found.has_default and not fits(found):
        raise SchemaRefused(path, "a default that is no value of its type", fix="give one that is, or none")
    return found
