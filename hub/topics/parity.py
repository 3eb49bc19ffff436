"""Whether contracts, the model's dataclasses and the bodies at the door say the same, field by field."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, NewType, Union, get_args, get_origin, get_type_hints

from hub.consent.parties import Purpose
from hub.messages.envelope import MessageName
from hub.messages.read import BODIES, payload_name
from hub.topics.bodies import model_for
from hub.topics.findings import Finding
from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hub.topics.library import Contract, SchemaLibrary

_PYTHON: dict[str, type] = {
    "string": str,
    "int": int,
    "long": int,
    "double": float,
    "boolean": bool,
    "date": int,
    "instant": int,
}


def check_parity(library: SchemaLibrary) -> tuple[Finding, ...]:
    """Return every difference between a message's newest contract, its dataclass and its body model."""
    found: list[Finding] = []
    for name in MessageName:
        contract = library.current(name)
        for where, what in (*_against_dataclass(contract.shape, BODIES[name], ""), *_against_model(contract)):
            module = BODIES[name].__module__.replace(".", "/")
            fix = f"change {module}.py with it, or take the schema back"
            label = f"{name} {contract.version}"
            found.append(Finding(rule="PARITY", schema=label, where=where, what=what, fix=fix))
    return tuple(found)


def _against_model(contract: Contract) -> Iterator[tuple[str, str]]:
    """Compare a contract with the body senders must fit: all but what the hub makes, keys required."""
    expected = {f.name: not f.nullable for f in contract.shape.fields if not f.made_by_hub}
    actual = {name: field.is_required() for name, field in model_for(contract).model_fields.items()}
    if expected != actual:
        yield contract.shape.name, "the body's fields or required fields are not the contract's"


def _against_dataclass(record: Record, message: type, prefix: str) -> Iterator[tuple[str, str]]:
    """Compare a record with the dataclass the model reads it into, both ways."""
    hints = get_type_hints(message)
    attributes = {payload_name(each.name): each for each in fields(message)}
    for name in attributes.keys() - {field.name for field in record.fields}:
        yield f"{prefix}{name}", f"{message.__name__} has it, the contract has not"
    for field in record.fields:
        attribute = attributes.get(field.name)
        where = f"{prefix}{field.name}"
        if attribute is None:
            yield where, f"the contract has it, {message.__name__} has not"
            continue
        if (attribute.default is MISSING) == field.nullable:
            yield where, "required in one, optional in the other"
        yield from _against_type(field, field.shape, hints[attribute.name], where)


def _against_type(field: Field, shape: Shape, hint: Any, where: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Compare one field's shape with a type hint."""
    plain = _plain(hint)
    match shape:
        case ListOf(item):
            if get_origin(plain) is not tuple:
                yield where, "a list in the contract only"
            else:
                yield from _against_type(field, item, get_args(plain)[0], f"{where}[]")
        case Record():
            if is_dataclass(plain) and isinstance(plain, type):
                yield from _against_dataclass(shape, plain, f"{where}.")
            else:
                yield where, "a record in the contract only"
        case Choice(_, symbols, _):
            if set(symbols) != _symbols(field, plain):
                yield where, "the symbols differ"
        case Scalar(kind):
            role = field.text("format") == "role" and issubclass(plain, StrEnum)
            if not role and plain is not _PYTHON.get(kind):
                yield where, f"{kind} in the contract, {plain.__name__} in the dataclass"
        case _:
            yield where, "a map, which no message may hold"


def _plain(hint: Any) -> Any:  # noqa: ANN401 - a type hint
    """Return a hint without `| None` and without the name a NewType gives it."""
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (each for each in get_args(hint) if each is not NoneType)
    return hint.__supertype__ if isinstance(hint, NewType) else hint


def _symbols(field: Field, plain: Any) -> set[str]:  # noqa: ANN401 - a type hint
    """Return the symbols of an enumeration; purposes are hub.consent's, which messages do not know."""
    if field.name == "purposes" and plain is str:
        return {each.value for each in Purpose}
    return {each.value for each in plain} if issubclass(plain, StrEnum) else set()
