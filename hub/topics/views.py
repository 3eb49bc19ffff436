"""Views: what one organisation may be sent of one schema version, as an Avro schema of its own.

A view is made by leaving fields out. What is not in it cannot be encoded, so that no fault elsewhere can
put it on the wire (R-DIS-01). Its id on the wire follows from its digest unless an outside registry gave one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hub.consent.partner_contracts import Direction, PartnerContract, ViewRefused, check_paths, newest_version
from hub.errors import NotConfigured, NotReadable
from hub.topics.avro.canonical import digest
from hub.topics.library import MESSAGE, Contract, SchemaLibrary, contract_of
from hub.topics.shapes import leaves

if TYPE_CHECKING:
    from collections.abc import Mapping

VIEW = "view"
"""Kind of a contract that is a view."""
_DERIVED_FROM = 0x4000_0000
"""Ids that follow from digests begin here, above those of the manifest and of registries that count."""
_VIEWS_KEPT_MAX = 4096


def view_of(contract: Contract, paths: frozenset[str] | None, *, wire_id: int | None = None) -> Contract:
    """Return a contract cut to some of its leaf fields; None: to all of them.

    Raises:
        NotConfigured: A path is no field of the contract, or a key is left out; names it.
    """
    return _view_of(contract, paths, wire_id)


@lru_cache(maxsize=_VIEWS_KEPT_MAX)
def _view_of(contract: Contract, paths: frozenset[str] | None, wire_id: int | None) -> Contract:
    known = [path for path, _, _ in leaves(contract.shape)]
    if paths is None or paths == frozenset(known):
        return contract if wire_id is None else replace(contract, id=wire_id, kind=VIEW)
    check_view(contract, paths)
    schema = _cut(contract.schema, "", paths)
    number = wire_id or derived_id(digest(schema))
    return contract_of(
        schema, id=number, name=contract.name, version=contract.version, kind=VIEW, status=contract.status
    )


def view_in(library: SchemaLibrary, terms: PartnerContract, version: str) -> Contract:
    """Return a contract's view of one schema version: the fields of its view that this version has."""
    return _view_named(library, terms, version, _namings(library, terms)[0])


def views_ever(library: SchemaLibrary, terms: PartnerContract, version: str) -> Iterator[Contract]:
    """Yield every view of one schema version that records by a contract may be written with.

    That is the one of today first, if the schemas have not left it behind, and those of before: a view is
    named as the newest version has its fields, and what was sent before a version came is still read.
    """
    for naming in _namings(library, terms):
        with contextlib.suppress(NotConfigured):
            yield _view_named(library, terms, version, naming)


def _namings(library: SchemaLibrary, terms: PartnerContract) -> tuple[str, ...]:
    """Return the versions in whose names a contract's view may be: that of routing first, then all."""
    covered = [each for each in reversed(library.every_version(terms.message)) if terms.covers(each)]
    today = newest_version(terms, library.versions(terms.message))
    return tuple(dict.fromkeys([*([] if today is None else [today]), *covered]))


def _view_named(library: SchemaLibrary, terms: PartnerContract, version: str, naming: str) -> Contract:
    """Return a contract's view of a version, its fields named as another version has them."""
    contract = library.contract(terms.message, version)
    if terms.view is None:
        return view_of(contract, None, wire_id=terms.ids.get(version))
    check_view(library.contract(terms.message, naming), terms.view)
    paths = library.chain(terms.message).paths(terms.view, naming, version)
    return view_of(contract, paths, wire_id=terms.ids.get(version))


def schema_on_wire(library: SchemaLibrary, agreed: Iterable[PartnerContract], number: int) -> Contract:
    """Return the schema an id stands for in what an organisation with these contracts receives.

    Raises:
        NotReadable: CONTRACT-UNKNOWN, if it is neither one of their views nor a message's own schema.
    """
    for terms in agreed:
        for version in library.every_version(terms.message) if terms.direction is Direction.RECEIVES else ():
            for view in views_ever(library, terms, version) if terms.covers(version) else ():
                # What went out before an outside registry gave an id bears the one that follows.
                if number in {view.id, derived_id(view.digest)}:
                    return view
    found = library.by_id(number)
    if found.kind != MESSAGE:
        code = "CONTRACT-UNKNOWN"
        raise NotReadable(code, "this schema id is none of a message's", fix="see hub contracts list")
    return found


def check_view(contract: Contract, paths: frozenset[str]) -> None:
    """Refuse a view that names a field there is not, or lacks a key; NotConfigured names it."""
    try:
        check_paths(paths, contract.specs, label=f"view: {contract.name} {contract.version}")
    except ViewRefused as refused:
        raise NotConfigured(str(refused), fix=refused.fix) from refused


def derived_id(found: str) -> int:
    """Return the id on the wire that follows from a digest: the same wherever it is worked out."""
    return _DERIVED_FROM | int(found[:8], 16) & (_DERIVED_FROM - 1)


def _cut(record: Mapping[str, Any], prefix: str, paths: frozenset[str]) -> dict[str, Any]:
    """Return a record schema with the fields of the view; the depth is bounded by hub.topics.shapes."""
    kept = [
        cut
        for declared in record["fields"]
        if (cut := _cut_field(declared, f"{prefix}{declared['name']}", paths)) is not None
    ]
    names = {field["name"] for field in kept}
    for field in kept:
        if field.get("general") not in names:
            # What it would point to is not there for this reader.
            field.pop("general", None)
            field.pop("generaliser", None)
    own = {} if record.get("own") in names else {"own"}
    return {name: value for name, value in record.items() if name not in own} | {"fields": kept}


def _cut_field(declared: Mapping[str, Any], path: str, paths: frozenset[str]) -> dict[str, Any] | None:
    """Return a field as the view has it, or None if the view has nothing of it."""
    inner, mark = _record_in(declared["type"])
    if inner is None:
        return dict(declared) if path in paths else None
    below = f"{path}{mark}."
    if not any(each.startswith(below) for each in paths):
        return None
    return {**declared, "type": _with_record(declared["type"], _cut(inner, below, paths))}


def _record_in(declared: Any) -> tuple[Mapping[str, Any] | None, str]:  # noqa: ANN401 - a type as JSON has it
    """Return the record a type holds, itself or as the items of a list, and the mark its paths carry."""
    plain = declared[-1] if isinstance(declared, list) else declared
    if isinstance(plain, dict) and plain.get("type") == "record":
        return plain, ""
    if isinstance(plain, dict) and plain.get("type") == "array":
        inner, _ = _record_in(plain["items"])
        return inner, "[]"
    return None, ""


def _with_record(declared: Any, record: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    """Return a type with another record in the place of the one it holds."""
    if isinstance(declared, list):
        return [*declared[:-1], _with_record(declared[-1], record)]
    if declared.get("type") == "array":
        return {**declared, "items": record}
    return record
