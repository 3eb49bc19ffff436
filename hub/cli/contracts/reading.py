"""`hub contracts list, show`: the message contracts for people to read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.contracts.options import Json, Schemas, schemas_folder
from hub.cli.contracts.shown import wrapped

if TYPE_CHECKING:
    from pathlib import Path

    from hub.topics.library import Contract
    from hub.topics.shapes import Field, Record

_MARKS = {"key": "key", "isGeneral": "made by the hub", "sensitive": "sensitive"}
_BOUNDS = (("minLength", "at least {} characters"), ("maxLength", "at most {} characters"))
_RANGES = (("minimum", "from {}"), ("maximum", "to {}"), ("maxItems", "at most {} items"))


def list_contracts(schemas: Schemas = None, *, as_json: Json = False) -> None:
    """List every contract: its version, its status, its id on the wire and its digest."""
    from hub.topics.library import SchemaLibrary

    contracts = SchemaLibrary.load(schemas_folder(schemas)).all()
    rows = [
        {
            "id": each.id,
            "name": each.name,
            "version": each.version,
            "kind": each.kind,
            "status": each.status,
            "fields": len(each.specs) or len(each.shape.fields),
            "digest": each.digest,
        }
        for each in contracts
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'id':>4}  {'contract':<16} {'version':<8} {'kind':<9} {'status':<7} {'fields':>6}  digest")
    for row in rows:
        print(
            f"{row['id']:>4}  {row['name']:<16} {row['version']:<8} {row['kind']:<9} {row['status']:<7}"
            f" {row['fields']:>6}  {str(row['digest'])[:12]}"
        )


def show(
    name: Annotated[str, typer.Argument(help="Message, e.g. progress.")],
    version: Annotated[str | None, typer.Option(help="Version; without it the newest.")] = None,
    schemas: Schemas = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The schema itself.")] = False,
) -> None:
    """Show a contract's fields, what each means, its class and bounds, and an example to send."""
    from hub.topics.library import SchemaLibrary

    folder = schemas_folder(schemas)
    library = SchemaLibrary.load(folder)
    versions = library.versions(name)
    contract = library.contract(name, version or (versions[-1] if versions else ""))
    if as_json:
        print(json.dumps(contract.schema, indent=2, ensure_ascii=False))
        return
    print(f"{contract.name} {contract.version} ({contract.status})")
    print(wrapped(contract.shape.doc, 0) + "\n")
    for path, field, about in _rows(contract.shape, ""):
        said = field.properties
        print(f"  {path:<32} {_type(field):<16} {said.get('infoClass', '')!s:<15} {about}".rstrip())
        print(wrapped(_meaning(field), 6))
    example = _example(folder, contract)
    if example is not None:
        print(f"\nAn example to send, POST /v1/{_route(contract.name)}:\n\n{example}", end="")


def _example(folder: Path, contract: Contract) -> str | None:
    """Return the worked example that lies beside a message's schema, if there is one."""
    file = folder / contract.name / "example.json"
    return file.read_text(encoding="utf-8") if file.exists() else None


def _route(name: str) -> str:
    """Return the last part of a message's route."""
    return name if name == "progress" else f"{name}s"


def _rows(record: Record, prefix: str) -> list[tuple[str, Field, str]]:
    """Return path, field and whom it is about, for every field and those inside."""
    from hub.topics.shapes import ListOf
    from hub.topics.shapes import Record as Inner

    rows = []
    for field in record.fields:
        said = field.properties
        words = [str(said.get("subject", "")), "opinion" if said.get("statement") == "assessment" else ""]
        words += [mark for name, mark in _MARKS.items() if said.get(name) is True]
        rows.append((f"{prefix}{field.name}", field, ", ".join(word for word in words if word)))
        inner = field.shape.item if isinstance(field.shape, ListOf) else field.shape
        if isinstance(inner, Inner):
            rows += _rows(inner, f"{prefix}{field.name}[].")
    return rows


def _type(field: Field) -> str:
    """Say what sort of value a field takes."""
    from hub.topics.shapes import Choice, ListOf, Scalar
    from hub.topics.shapes import Record as Inner

    shape = field.shape.item if isinstance(field.shape, ListOf) else field.shape
    match shape:
        case Scalar(kind):
            word = {"string": "text", "int": "number", "long": "number", "double": "number"}.get(kind, kind)
        case Choice():
            word = "choice"
        case Inner():
            word = "record"
        case _:
            word = "map"
    return f"list of {word}" if isinstance(field.shape, ListOf) else word


def _meaning(field: Field) -> str:
    """Return a field's doc with its symbols, bounds and general form."""
    from hub.topics.shapes import Choice, ListOf, Scalar

    shape = field.shape.item if isinstance(field.shape, ListOf) else field.shape
    notes = ["one of " + ", ".join(shape.symbols)] if isinstance(shape, Choice) else []
    moments = isinstance(shape, Scalar) and shape.kind in {"date", "instant"}
    for name, words in _BOUNDS + (() if moments else _RANGES):
        bound = field.properties.get(name)
        if bound is not None and (name, bound) != ("minLength", 1):
            notes.append(words.format(bound))
    general = field.text("general")
    if general is not None:
        notes.append(f"or, where the exact value is not for the reader, {general}")
    pattern = field.text("pattern")
    if pattern is not None and not re.search(r"e\.g\.", field.doc):
        notes.append(f"as {pattern}")
    return f"{field.doc} ({'; '.join(notes)})" if notes else field.doc
