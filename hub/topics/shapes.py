"""What a contract's fields look like, read once from its Avro schema and used by all that follow from it.

The bodies at the door, the guard against hostile bytes, the fields disclosure decides on and the
pages of `hub contracts show` are all made from these shapes, so none can drift from the schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, assert_never

from hub.consent.decision import FieldSpec
from hub.errors import NotConfigured
from hub.messages.envelope import InformationClass, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEPTH_MAX = 3
"""Levels of records in one another, the message itself the first."""
_LOGICAL: Mapping[tuple[object, object], ScalarKind] = {
    ("int", "date"): "date",
    ("long", "timestamp-millis"): "instant",
}

ScalarKind = Literal["string", "bytes", "int", "long", "double", "boolean", "date", "instant"]


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A single value. Dates are days, instants milliseconds, both since 1970-01-01 UTC."""

    kind: ScalarKind


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of a closed list of symbols; `default` stands for a symbol a reader does not know."""

    name: str
    symbols: tuple[str, ...]
    default: str | None


@dataclass(frozen=True, slots=True, eq=False)
class ListOf:
    """A list of values of one shape."""

    item: Shape


@dataclass(frozen=True, slots=True, eq=False)
class TextByName:
    """A map from names to text."""


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Named fields; `own` names the field that says to which organisation the record belongs."""

    name: str
    doc: str
    fields: tuple[Field, ...]
    own: str | None

    def field(self, name: str) -> Field | None:
        """Return the field of that name, or None."""
        return next((field for field in self.fields if field.name == name), None)


Shape = Scalar | Choice | ListOf | TextByName | Record


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of a record: its shape, and the properties the schema states about it."""

    name: str
    shape: Shape
    nullable: bool
    has_default: bool
    properties: Mapping[str, object]

    @property
    def doc(self) -> str:
        """What the field says, in words."""
        return str(self.properties.get("doc", ""))

    @property
    def made_by_hub(self) -> bool:
        """True for a general form such as a year of birth: senders leave it out."""
        return self.properties.get("isGeneral") is True

    def bound(self, name: str) -> int | None:
        """Return a whole-number constraint such as maxLength, or None."""
        value = self.properties.get(name)
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str | None:
        """Return a property that is text, such as pattern, or None."""
        value = self.properties.get(name)
        return value if isinstance(value, str) else None


def read_record(schema: Mapping[str, object], depth: int = 1) -> Record:
    """Read a record schema; NotConfigured names what the hub's subset of Avro does not have."""
    name = str(schema.get("name"))
    fields = schema.get("fields")
    if schema.get("type") != "record" or not isinstance(fields, list) or not fields:
        message = f"{name}: not a record with at least one field"
        raise NotConfigured(message)
    if depth > DEPTH_MAX:
        message = f"{name}: records lie deeper than {DEPTH_MAX} levels"
        raise NotConfigured(message)
    own = schema.get("own")
    return Record(
        name=name,
        doc=str(schema.get("doc", "")),
        fields=tuple(_field(field, name, depth) for field in fields),
        own=own if isinstance(own, str) else None,
    )


def _field(field: Mapping[str, object], owner: str, depth: int) -> Field:
    """Read one field, taking the null branch of an optional one apart from what it holds."""
    name = str(field["name"])
    declared = field["type"]
    nullable = isinstance(declared, list)
    if isinstance(declared, list):
        if len(declared) != 2 or declared[0] != "null":  # noqa: PLR2004 - null and one other
            message = f"{owner}.{name}: a union must be null and one type, null first"
            raise NotConfigured(message)
        declared = declared[1]
    return Field(
        name=name,
        shape=_shape(declared, f"{owner}.{name}", depth),
        nullable=nullable,
        has_default="default" in field,
        properties={key: value for key, value in field.items() if key not in {"name", "type", "default"}},
    )


def _shape(declared: object, where: str, depth: int) -> Shape:
    """Read a type. Names of types defined elsewhere are refused: so nothing can recur."""
    if isinstance(declared, str):
        if declared in {"string", "bytes", "int", "long", "double", "boolean"}:
            return Scalar(declared)  # type: ignore[arg-type]
        message = f"{where}: {declared} is not a type the hub's contracts use"
        raise NotConfigured(message)
    if not isinstance(declared, dict):
        message = f"{where}: not a type"
        raise NotConfigured(message)
    kind = declared.get("type")
    if (kind, declared.get("logicalType")) in _LOGICAL:
        return Scalar(_LOGICAL[kind, declared["logicalType"]])
    if kind == "enum":
        default = declared.get("default")
        return Choice(str(declared["name"]), tuple(declared["symbols"]), default)
    if kind == "array":
        item = _shape(declared["items"], where, depth)
        if isinstance(item, ListOf):
            message = f"{where}: a list of lists has no paths, so nothing could be decided about it"
            raise NotConfigured(message)
        return ListOf(item)
    if kind == "record":
        return read_record(declared, depth + 1)
    if kind == "map" and declared.get("values") == "string":
        return TextByName()
    message = f"{where}: {kind} is not a type the hub's contracts use"
    raise NotConfigured(message)


def plain_avro(record: Record) -> dict[str, Any]:
    """Return the schema with types alone: the bytes are the same, dates and instants stay numbers."""
    return {"type": "record", "name": record.name, "fields": [_plain_field(field) for field in record.fields]}


def _plain_field(field: Field) -> dict[str, Any]:
    """Return one field with its type alone and, where it may be left out, its default."""
    plain = plain_type(field.shape)
    if field.nullable:
        return {"name": field.name, "type": ["null", plain], "default": None}
    if field.has_default and isinstance(field.shape, TextByName):
        return {"name": field.name, "type": plain, "default": {}}
    return {"name": field.name, "type": plain}


def plain_type(shape: Shape) -> str | dict[str, Any]:
    """Return a type alone."""
    match shape:
        case Scalar(kind):
            return {"date": "int", "instant": "long"}.get(kind, kind)
        case Choice(name, symbols, _):
            return {"type": "enum", "name": name, "symbols": list(symbols)}
        case ListOf(item):
            return {"type": "array", "items": plain_type(item)}
        case TextByName():
            return {"type": "map", "values": "string"}
        case Record():
            return plain_avro(shape)
        case _:
            assert_never(shape)


def leaves(record: Record, prefix: str = "") -> Iterator[tuple[str, Field, Record]]:
    """Yield path, field and enclosing record of every leaf, in the order of the payload.

    A list of plain values is one leaf; a list of records is entered, its path ending in `[]`.
    """
    for field in record.fields:
        match field.shape:
            case ListOf(Record() as item):
                yield from leaves(item, f"{prefix}{field.name}[].")
            case Record() as inner:
                yield from leaves(inner, f"{prefix}{field.name}.")
            case _:
                yield f"{prefix}{field.name}", field, record


def field_specs(record: Record) -> tuple[FieldSpec, ...]:
    """Return every leaf as disclosure sees it."""
    return tuple(_spec(path, field, owner) for path, field, owner in leaves(record))


def _spec(path: str, field: Field, owner: Record) -> FieldSpec:
    """Build one specification; a field without class or subject is refused by name."""
    try:
        information_class = InformationClass(str(field.properties["infoClass"]))
        subject = Subject(str(field.properties["subject"]))
    except (KeyError, ValueError) as fault:
        message = f"{path}: no known information class or subject"
        raise NotConfigured(message) from fault
    return FieldSpec(
        path=path,
        information_class=information_class,
        subject=subject,
        sensitive=field.properties.get("sensitive") is not False,
        key=field.properties.get("key") is True,
        general=field.text("general"),
        generaliser=field.text("generaliser"),
        is_general=field.made_by_hub,
        own=owner.own,
    )
