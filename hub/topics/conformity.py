"""Whether every schema keeps the rules that the rest of the hub relies on; each rule has an id.

Avro itself would accept a field without a class, a text without end, a default that hides a risk. These
rules refuse them before anything is released (R-MSG-12).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.errors import NotConfigured
from hub.messages.envelope import InformationClass, MessageName, Subject
from hub.topics.avro.canonical import digest
from hub.topics.avro.errors import SchemaRefused
from hub.topics.avro.parse import parse
from hub.topics.avro.text import check_json, read_json
from hub.topics.findings import Finding
from hub.topics.gates.lint import lint
from hub.topics.library import read_manifest
from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, TextByName, read_record

if TYPE_CHECKING:
    from pathlib import Path

_NOT_READABLE = "NOT-READABLE"
_MEND = "compare it with one of the hub's: `hub contracts show progress --json`"
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]*", re.ASCII)
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_CLASSED = ("infoClass", "sensitive", "subject", "statement")
_KNOWN = frozenset(
    (
        *("doc", *_CLASSED, "key", "general", "generaliser", "isGeneral", "format", "pairwise", "lines"),
        *("minLength", "maxLength", "pattern", "minimum", "maximum", "maxItems", "unit"),
    )
)
_CLASSES = ", ".join(each.value for each in InformationClass)
_SUBJECTS = ", ".join(each.value for each in Subject)
_REFERENCES = ("case", "message")
_GENERALISERS: Mapping[str, tuple[frozenset[str], str]] = {
    "month": (frozenset({"date"}), "string"),
    "year": (frozenset({"date"}), "int"),
    "band": (frozenset({"double", "int"}), "string"),
    "area": (frozenset({"string"}), "string"),
    "mask": (frozenset({"string"}), "string"),
    "pseudonym": (frozenset({"string"}), "string"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A field under examination: where it stands and what kind of schema it belongs to."""

    path: str
    field: Field
    owner: Record
    kind: str


_Check = Callable[[_Place], Iterator[tuple[str, str]]]


def check_schemas(path: Path) -> tuple[Finding, ...]:
    """Return every rule broken by the manifest and the schemas it lists."""
    entries = read_manifest(path)
    listed = {path / str(entry["file"]) for entry in entries}
    return (
        *_manifest(entries),
        *(_not_listed(file, path) for file in sorted(path.glob("*/*.avsc")) if file not in listed),
        *(finding for entry in entries for finding in _schema(path, entry)),
    )


def _not_listed(file: Path, folder: Path) -> Finding:
    """Say that a schema would take no part in anything."""
    name = file.relative_to(folder).as_posix()
    what, fix = "it is not in the manifest, and nothing reads it", f"enter it in manifest.yaml, file: {name}"
    return Finding(rule="NOT-LISTED", schema=name, where="manifest", what=what, fix=fix)


def _manifest(entries: tuple[Mapping[str, object], ...]) -> Iterator[Finding]:
    """Check that every message has a contract in use, and no id or version two."""
    messages = [entry for entry in entries if entry["kind"] == "message"]
    named = {entry["name"] for entry in messages}
    in_use = {entry["name"] for entry in messages if entry["status"] != "retired"}
    for name in MessageName:
        if name.value not in in_use:
            what = "every version is retired" if name.value in named else "no contract"
            yield Finding(rule="MESSAGE-MISSING", schema=name, where="manifest", what=what)
    for key in ("id", "file"):
        values = [entry[key] for entry in entries]
        for value in {value for value in values if values.count(value) > 1}:
            yield Finding(rule="NOT-UNIQUE", schema="manifest", where=key, what=f"{value} stands twice")


def lint_text(text: str, label: str, *, kind: str = "message") -> tuple[Finding, ...]:
    """Return every rule broken by one schema, given as JSON text.

    Args:
        text: The schema.
        label: What findings call it.
        kind: message, envelope or framing; what of the hub's own is sealed whole needs no classes.
    """
    try:
        read = read_json(text)
        check_json(read)
    except SchemaRefused as fault:
        return (_not_readable(label, str(fault), fault.fix),)
    found = tuple(_avro(read, label))
    if not isinstance(read, dict):
        return found or (_not_readable(label, "a schema that is no record", _MEND),)
    try:
        own = tuple(_record(read_record(read), "", kind))
    except (NotConfigured, ValueError, KeyError, TypeError, AttributeError) as fault:
        if any(each.rule == _NOT_READABLE for each in found):
            return found
        what = str(fault) if isinstance(fault, NotConfigured) else "not written as the hub's contracts are"
        return (*found, _not_readable(label, what, _MEND))
    return (*found, *(Finding(rule=rule, schema=label, where=at, what=what) for at, rule, what in own))


def _schema(path: Path, entry: Mapping[str, object]) -> Iterator[Finding]:
    """Check one file: readable, its digest, its names, every field."""
    name, version, kind = str(entry["name"]), str(entry["version"]), str(entry["kind"])
    label = f"{name} {version}"
    try:
        text = (path / str(entry["file"])).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        yield _not_readable(label, type(fault).__name__, f"mend {entry['file']}")
        return
    yield from lint_text(text, label, kind=kind)
    try:
        schema = read_json(text)
        check_json(schema)
    except SchemaRefused:
        return
    if not isinstance(schema, dict):
        return
    if digest(schema) != entry["digest"]:
        remedy = "run hub contracts stamp" if entry["status"] == "draft" else "released: restore the file"
        yield Finding(rule="DIGEST", schema=label, where="manifest", what=f"not what the file says; {remedy}")
    space = f"hub.{name.replace('-', '_')}.v{version.partition('.')[0]}"
    if schema.get("namespace") != space:
        yield Finding(rule="NAMESPACE", schema=label, where="schema", what=f"must be {space}")


def _avro(read: object, label: str) -> Iterator[Finding]:
    """Check what Avro takes and the hub does not; what Avro itself does not take is not readable."""
    try:
        for each in lint(parse(read)):
            yield Finding(rule=each.rule, schema=label, where=each.where, what=each.what, fix=each.fix)
    except SchemaRefused as fault:
        yield _not_readable(label, str(fault), fault.fix, fault.path)


def _not_readable(label: str, what: str, fix: str, where: str = "") -> Finding:
    """Say that what stands there is not Avro, or not of the hub's subset of it."""
    return Finding(rule=_NOT_READABLE, schema=label, where=where or "file", what=what, fix=fix)


def _record(record: Record, prefix: str, kind: str) -> Iterator[tuple[str, str, str]]:
    """Check a record, its fields and the records inside."""
    where = prefix.rstrip(".") or record.name
    if not _TYPE_NAME.fullmatch(record.name):
        yield where, "NAME", "a record is named like ThisOne"
    if not record.doc:
        yield where, "DOC", "the record says nothing about itself"
    if record.own is not None and record.field(record.own) is None:
        yield where, "OWN", f"own names {record.own}, which is no field of the record"
    for field in record.fields:
        place = _Place(path=f"{prefix}{field.name}", field=field, owner=record, kind=kind)
        for check in _CHECKS:
            for rule, what in check(place):
                yield place.path, rule, what
        inner = field.shape.item if isinstance(field.shape, ListOf) else field.shape
        if isinstance(inner, Record):
            mark = "[]" if isinstance(field.shape, ListOf) else ""
            yield from _record(inner, f"{place.path}{mark}.", kind)


def _names(place: _Place) -> Iterator[tuple[str, str]]:
    """Names are plain words, properties known ones, every field says what it means."""
    if not _FIELD_NAME.fullmatch(place.field.name):
        yield "NAME", "a field is named like_this_one"
    for unknown in sorted(set(place.field.properties) - _KNOWN):
        yield "PROPERTY", f"{unknown} is not a property the hub knows"
    if not place.field.doc:
        yield "DOC", "the field says nothing about itself"


def _classes(place: _Place) -> Iterator[tuple[str, str]]:
    """Every field has a class, a subject, and says whether it is sensitive, fact or assessment."""
    if place.kind == "framing":
        return
    said = place.field.properties
    if place.field.text("infoClass") not in {each.value for each in InformationClass}:
        yield "CLASS", f"no known information class; there are: {_CLASSES}"
    if place.field.text("subject") not in {each.value for each in Subject}:
        yield "SUBJECT", f"no known data-subject category; there are: {_SUBJECTS}"
    if not isinstance(said.get("sensitive"), bool):
        yield "SENSITIVE", "does not say whether it is sensitive: true or false"
    if place.field.text("statement") not in {"fact", "assessment"}:
        yield "STATEMENT", "says neither fact nor assessment"
    if said.get("infoClass") == "health" and said.get("sensitive") is not True:
        yield "SENSITIVE", "what is of class health is sensitive"
    if said.get("infoClass") == "victim" and place.field.text("subject") not in {"victim", "witness"}:
        yield "SUBJECT", "what is of class victim is about a victim or witness"


def _optional(place: _Place) -> Iterator[tuple[str, str]]:
    """In a message all but keys can be withheld: null first, default null; keys cannot be null."""
    if place.kind != "message":
        return
    key = place.field.properties.get("key") is True
    if key and place.field.nullable:
        yield "KEY", "a key cannot be null"
    if not key and not (place.field.nullable and place.field.has_default):
        yield "NULLABLE", "must be null or its type, null first, default null, so that it can be withheld"


def _references(place: _Place) -> Iterator[tuple[str, str]]:
    """A reference made for each recipient is one the hub can make: text on the first level."""
    said = place.field.properties.get("pairwise")
    if said is None:
        return
    if said not in _REFERENCES:
        yield "PAIRWISE", f"must be {' or '.join(_REFERENCES)}"
    if "." in place.path or not _is(place.field.shape, "string"):
        yield "PAIRWISE", "must be text on the first level, where the hub replaces it for each recipient"


def _bounds(place: _Place) -> Iterator[tuple[str, str]]:
    """Text, bytes, lists and maps end somewhere; numbers of a message stay within a range."""
    field = place.field
    inner = field.shape.item if isinstance(field.shape, ListOf) else field.shape
    if isinstance(field.shape, ListOf | TextByName) and not field.bound("maxItems"):
        yield "BOUND", "a list or map needs maxItems"
    if (isinstance(inner, TextByName) or _is(inner, "string", "bytes")) and not field.bound("maxLength"):
        yield "BOUND", "text and bytes need maxLength"
    number = place.kind == "message" and _is(inner, "int", "long", "double", "date", "instant")
    if number and not {"minimum", "maximum"} <= set(field.properties):
        yield "BOUND", "a number needs minimum and maximum"
    pattern = field.text("pattern")
    if pattern is not None and not (pattern.startswith("^") and pattern.endswith("$")):
        yield "PATTERN", "must be anchored at both ends"


def _choices(place: _Place) -> Iterator[tuple[str, str]]:
    """Symbols are plain words; a default is the first symbol, which is the most cautious."""
    shape = place.field.shape.item if isinstance(place.field.shape, ListOf) else place.field.shape
    if not isinstance(shape, Choice):
        return
    if not _TYPE_NAME.fullmatch(shape.name):
        yield "NAME", "a choice is named like ThisOne"
    if not all(_SYMBOL.fullmatch(symbol) for symbol in shape.symbols) or len(set(shape.symbols)) != len(
        shape.symbols
    ):
        yield "SYMBOLS", "symbols are words, each once"
    if shape.default is not None and shape.default != shape.symbols[0]:
        yield "DEFAULT", "the default must be the first symbol, the most cautious one"


def _generals(place: _Place) -> Iterator[tuple[str, str]]:
    """An exact field and its general form stand side by side, and their types fit the generaliser."""
    field, owner = place.field, place.owner
    name, how = field.text("general"), field.text("generaliser")
    if field.made_by_hub and not any(each.text("general") == field.name for each in owner.fields):
        yield "GENERAL", "is a general form, but of no field beside it"
    if (name is None) != (how is None):
        yield "GENERAL", "general and generaliser go together"
    if name is None or how is None:
        return
    sibling = owner.field(name)
    sources, target = _GENERALISERS.get(how, (frozenset[str](), ""))
    if sibling is None or not sibling.made_by_hub:
        yield "GENERAL", f"{name} is not a general form beside it"
    elif not _is(field.shape, *sources) or not _is(sibling.shape, target):
        yield "GENERAL", f"{how} does not make the type of {name} from this one"
    elif sibling.properties.get("infoClass") != field.properties.get("infoClass"):
        yield "GENERAL", f"{name} has another information class"


def _is(shape: object, *kinds: str) -> bool:
    """Tell whether a shape is a single value of one of those kinds."""
    return isinstance(shape, Scalar) and shape.kind in kinds


_CHECKS: tuple[_Check, ...] = (
    _names,
    _classes,
    _optional,
    _references,
    _bounds,
    _choices,
    _generals,
)
