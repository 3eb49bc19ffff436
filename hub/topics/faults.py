"""Turns what a model refused into faults a sender can mend: where, which rule, how; never the value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from hub.errors import Fault
from hub.messages.envelope import Role
from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, TextByName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import ValidationError

FAULTS_MAX = 100
"""More faults than these are counted, not listed."""
_MADE_BY_HUB = "leave it out; the hub makes it where it is needed"
_NAMEABLE = re.compile(r"[A-Za-z][A-Za-z_]{0,39}[0-9]{0,2}", re.ASCII)
_NAME_LENGTH_MAX = 60
_TEXT = Field(name="", shape=Scalar("string"), nullable=False, has_default=False, properties={})
_KINDS: Mapping[str, str] = {
    "string": "text",
    "bytes": "bytes",
    "int": "a whole number",
    "long": "a whole number",
    "double": "a number",
    "boolean": "true or false",
    "date": "a date such as 2026-03-02",
    "instant": "an instant with its offset from UTC, such as 2026-03-02T09:15:00Z",
}
_RULES: Mapping[str, tuple[str, str]] = {
    "missing": ("required", "give this field; the contract requires it"),
    "string_too_short": ("too-short", "give at least {min_length} character(s), or leave the field out"),
    "string_too_long": ("too-long", "give at most {max_length} characters"),
    "bytes_too_short": ("too-short", "give at least {min_length} bytes"),
    "bytes_too_long": ("too-long", "give at most {max_length} bytes"),
    "string_pattern_mismatch": ("pattern", "write it to match {pattern}. {doc}"),
    "string_unicode": ("not-unicode", "send text that is valid Unicode, without lone surrogates"),
    "greater_than_equal": ("too-small", "give {ge} or more"),
    "less_than_equal": ("too-large", "give {le} or less"),
    "finite_number": ("not-finite", "give a finite number"),
    "too_long": ("too-many", "give at most {max_length} items"),
    "none_required": ("made-by-hub", _MADE_BY_HUB),
    "characters": ("characters", "take out control characters and direction overrides"),
    "blank": ("blank", "say something, or leave the field out"),
    "check-letter": ("check-letter", "check the number: its last letter does not follow from its digits"),
    "role": ("not-allowed", f"give one of: {', '.join(Role)}"),
    "date": ("date", "give {kind}"),
    "instant": ("instant", "give {kind}"),
    "literal_error": ("not-allowed", "give one of: {symbols}"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A point in a body: its JSON pointer, and what the contract says there."""

    pointer: str
    record: Record | None
    """The record it is in, or None outside all."""
    field: Field | None
    """The field it is, or None if the record has none of that name."""


def pointer(parts: Sequence[str | int]) -> str:
    """Return the RFC 6901 pointer to a place."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def faults_of(refused: ValidationError, record: Record, base: str) -> tuple[Fault, ...]:
    """Return the faults a model found, at most `FAULTS_MAX` and one that says how many more there are."""
    found = refused.errors(include_url=False, include_input=False)
    faults = [
        _fault(each["type"], each["loc"], each.get("ctx", {}), record, base) for each in found[:FAULTS_MAX]
    ]
    return limited(faults, len(found))


def limited(faults: Sequence[Fault], total: int) -> tuple[Fault, ...]:
    """Return the faults, and where some were left off one more that says so."""
    if total <= FAULTS_MAX:
        return tuple(faults)
    more = Fault(pointer="", rule="more-faults", fix=f"{total - FAULTS_MAX} more fault(s) not listed")
    return (*faults[:FAULTS_MAX], more)


def _fault(
    kind: str, location: Sequence[str | int], context: Mapping[str, object], record: Record, base: str
) -> Fault:
    """Return one fault in our own words; pydantic's may repeat a value."""
    place = _place(location, record, base)
    if kind == "extra_forbidden":
        return unknown_field(place.pointer, str(location[-1]), place.record)
    rule, fix = _RULES.get(kind, ("type", "give {kind}"))
    stated = {
        "doc": place.field.doc if place.field else "",
        "pattern": place.field.text("pattern") if place.field else "",
        "kind": _kind_in_words(place),
        "symbols": _symbols(place.field),
    }
    bounds = {name: value for name, value in context.items() if isinstance(value, int | float)}
    return Fault(pointer=place.pointer, rule=rule, fix=fix.format(**(bounds | stated)))


def unknown_field(pointer_: str, name: str, record: Record | None) -> Fault:
    """Return the fault of a name the contract does not have, with the name probably meant."""
    known = {field.name: field for field in record.fields} if record else {}
    if name in known:
        return Fault(pointer=pointer_, rule="made-by-hub", fix=_MADE_BY_HUB)
    near = get_close_matches(_snake(name), [known_ for known_, f in known.items() if not f.made_by_hub], n=1)
    fix = f"did you mean {near[0]}?" if near else "leave it out; the contract has no such field"
    if _NAMEABLE.fullmatch(name):
        return Fault(pointer=pointer_, rule="unknown-field", fix=fix)
    # A name this odd may be content that strayed into the wrong place: point at what encloses it.
    return Fault(pointer=pointer_.rpartition("/")[0], rule="unknown-field", fix=fix)


def _kind_in_words(place: Place) -> str:
    """Say what sort of value belongs at a place."""
    if place.field is None:
        return "an object"
    match place.field.shape:
        case ListOf() if not place.pointer.rpartition("/")[2].isdigit():
            return "a list"
        case Scalar(kind) | ListOf(Scalar(kind)):
            return _KINDS[kind]
        case Choice() | ListOf(Choice()):
            return f"one of: {_symbols(place.field)}"
        case _:
            return "an object"


def _place(location: Sequence[str | int], record: Record, base: str) -> Place:
    """Follow a location through the contract as far as the contract goes."""
    inside: Record | None = record
    field: Field | None = None
    enclosing: Record | None = record
    for depth, part in enumerate(location):
        if isinstance(part, int):
            continue
        if field is not None and isinstance(field.shape, TextByName):
            # The names in a map are the sender's own: repeat none that may be content.
            named = location[: depth + 1] if _NAMEABLE.fullmatch(part) else location[:depth]
            return Place(base + pointer(named), None, _TEXT)
        enclosing = inside
        field = inside.field(part) if inside else None
        inside = None
        if field is not None:
            shape = field.shape.item if isinstance(field.shape, ListOf) else field.shape
            inside = shape if isinstance(shape, Record) else None
    if location and isinstance(location[-1], int) and inside is not None:
        field = None
    return Place(base + pointer(location), enclosing, field)


def _symbols(field: Field | None) -> str:
    """Return the symbols a field allows, as a list in words."""
    shape = field.shape if field else None
    if isinstance(shape, ListOf):
        shape = shape.item
    return ", ".join(shape.symbols) if isinstance(shape, Choice) else ""


def _snake(name: str) -> str:
    """Return a name as contracts write it: dateOfBirth becomes date_of_birth."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:_NAME_LENGTH_MAX]).replace("-", "_").lower()
