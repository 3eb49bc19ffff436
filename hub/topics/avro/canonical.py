"""A schema as JSON again: the text that is digested, and the form that is published.

Avro's own fingerprint drops defaults, documentation and every property that is not Avro's, so it calls a
contract whose classes were loosened the same as before; the digest here covers all that was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping

from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.names import space_of
from hub.topics.avro.parse import TYPES_MAX, parse
from hub.topics.avro.same import same
from hub.topics.avro.schema import Array, Enum, Field, Fixed, Map, Primitive, Record, Type, Union
from hub.topics.avro.steps import Steps

_Question = tuple[Type, str | None]
"""A type and the namespace around it."""
_Step = Generator[_Question, object, object]


def canonical_json(schema: object) -> str:
    """Return a schema's JSON with keys sorted and no spaces; everything is covered."""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(schema: object) -> str:
    """Return the SHA-256 of a schema's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(schema).encode()).hexdigest()


def normalised(kind: Type) -> object:
    """Return a type as JSON: each name in full, defined where it is first used and named after that.

    What is returned was read again and is the same type.

    Raises:
        SchemaRefused: It cannot be said this way. So it is with some types that contain one another and
            have defaults of one another, and with types without a namespace used by some with.
    """
    written = Steps[_Question, object](_Writing().begin, depth_max=TYPES_MAX).answer((kind, None))
    try:
        if same(parse(written), kind, ()):
            return written
    except SchemaRefused:
        pass
    fix = "give every type a namespace, and no default to a field whose type contains the field"
    raise SchemaRefused("", "each name cannot be defined where it is first used", fix=fix)


class _Writing:
    """One schema being written, and the names begun so far."""

    def __init__(self) -> None:
        self._begun: set[str] = set()

    def begin(self, question: _Question) -> object:
        """Answer at once for names and primitive types, else return the step that writes the type."""
        kind, space = question
        match kind:
            case Primitive():
                return {"type": kind.kind, **kind.properties} if kind.properties else kind.kind
            case Array():
                return _around({"type": "array"}, "items", kind.items, space, kind.properties)
            case Map():
                return _around({"type": "map"}, "values", kind.values, space, kind.properties)
            case Union():
                return _union(kind, space)
        return self._named(kind, space)

    def _named(self, kind: Record | Enum | Fixed, space: str | None) -> object:
        if kind.name in self._begun:
            return kind.name
        self._begun.add(kind.name)
        head = _head(kind, space)
        if isinstance(kind, Record):
            return _record(kind, head)
        if isinstance(kind, Fixed):
            return {**head, "size": kind.size, **kind.properties}
        default = {} if kind.default is None else {"default": kind.default}
        return {**head, "symbols": list(kind.symbols), **default, **kind.properties}


def _record(kind: Record, head: Mapping[str, object]) -> _Step:
    fields: list[object] = []
    for field in kind.fields:
        written = yield field.type, space_of(kind.name)
        fields.append(_field(field, written))
    return {**head, "fields": fields, **kind.properties}


def _around(
    head: Mapping[str, object], name: str, inner: Type, space: str | None, properties: Mapping[str, object]
) -> _Step:
    written = yield inner, space
    return {**head, name: written, **properties}


def _union(kind: Union, space: str | None) -> _Step:
    branches: list[object] = []
    for branch in kind.branches:
        written = yield branch, space
        branches.append(written)
    return branches


def _head(kind: Record | Enum | Fixed, space: str | None) -> dict[str, object]:
    """What a definition begins with; a name without a namespace says so where it stands within one."""
    head: dict[str, object] = {"type": kind.kind, "name": kind.name}
    own = space_of(kind.name)
    if own is None and space is not None:
        head["namespace"] = ""
    if kind.aliases:
        head["aliases"] = [alias if own is None or "." in alias else f".{alias}" for alias in kind.aliases]
    return head


def _field(field: Field, written: object) -> dict[str, object]:
    found: dict[str, object] = {"name": field.name, "type": written}
    if field.has_default:
        found["default"] = field.default
    if field.aliases:
        found["aliases"] = list(field.aliases)
    return {**found, **field.properties}
