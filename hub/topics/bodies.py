"""Checks what organisations hand in, all faults at once, the same at the HTTP door and the Kafka door.

A refusal names fields and rules, never a value (R-DEL-03). What passes comes back as Avro holds it:
every field of the contract, in its order, None where nothing was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError, create_model

from hub.errors import Fault, InvalidBody, NotReadable
from hub.messages.envelope import InformationClass, MessageName
from hub.messages.needs import lacking
from hub.topics.faults import FAULTS_MAX, faults_of, limited, pointer, unknown_field
from hub.topics.models import Body, definition, model_of
from hub.topics.shapes import Field, ListOf, Record, TextByName

if TYPE_CHECKING:
    from hub.topics.library import Contract, SchemaLibrary

SUBMISSION = "1.0"
"""Version of the submission contract both doors take."""
_UNKNOWN = "CONTRACT-UNKNOWN"
_OBJECT = "give an object of named fields"
_LEFT_OUT_OF_JSON = frozenset({"message", "payload"})
"""Over HTTP the route says the message, and `data` holds the payload."""
_CLASSES = tuple(each.value for each in InformationClass)
_MESSAGES = frozenset(each.value for each in MessageName)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A submission that keeps to its contract."""

    contract: Contract
    envelope: dict[str, Any]
    """contract, case, occurred_at, author, author_role, statement, correlation, causation, classes."""
    payload: dict[str, Any]
    """Every field of the contract as Avro holds it."""


def model_for(contract: Contract) -> type[BaseModel]:
    """Return the model of a contract's payload in JSON; also describes it in OpenAPI."""
    return model_of(contract.shape, native=False)


@cache
def body_model_for(submission: Contract, contract: Contract) -> type[BaseModel]:
    """Return the model of a whole HTTP body, envelope fields and `data`, for OpenAPI."""
    fields: dict[str, Any] = {
        field.name: definition(field, native=False)
        for field in submission.shape.fields
        if field.name not in _LEFT_OUT_OF_JSON
    }
    fields["data"] = (model_for(contract), ...)
    return create_model(f"{contract.shape.name}Body", __base__=Body, __doc__=contract.shape.doc, **fields)


def check_payload(contract: Contract, data: object, *, base: str = "/data") -> dict[str, Any]:
    """Check a payload given as JSON; InvalidBody carries every fault with pointers under `base`."""
    payload, faults = _check(contract.shape, data, base, native=False)
    if faults:
        raise InvalidBody(faults)
    return payload


def check_native(contract: Contract, payload: Mapping[str, object], *, base: str = "/data") -> dict[str, Any]:
    """Check a payload as Avro decoded it by the same constraints; made-by-hub fields must be null."""
    checked, faults = _check(contract.shape, payload, base, native=True)
    if faults:
        raise InvalidBody(faults)
    return checked


def check_submission(library: SchemaLibrary, message: str, body: object) -> Checked:
    """Check a whole HTTP body.

    Raises:
        InvalidBody: Every fault of envelope and data, with pointers from the root of the body.
        NotReadable: CONTRACT-UNKNOWN, if the body names a contract version there is not.
    """
    if not isinstance(body, dict):
        raise InvalidBody((Fault(pointer="", rule="type", fix=_OBJECT),))
    submission = library.contract("submission", SUBMISSION)
    record = _json_envelope(submission)
    given = {name: value for name, value in body.items() if name != "data"}
    envelope, faults = _check(record, given, "", native=False)
    version = body.get("contract")
    if not isinstance(version, str):
        raise InvalidBody(faults)
    contract = library.taken(message, version)
    payload, more = _check(contract.shape, body.get("data"), "/data", native=False)
    return _joined(Checked(contract=contract, envelope=envelope, payload=payload), (*faults, *more), body)


def check_native_submission(library: SchemaLibrary, decoded: Mapping[str, object]) -> Checked:
    """Check a submission from Kafka, as `SchemaLibrary.decode` returned it, and the payload in it.

    Raises:
        InvalidBody: Every fault of envelope and payload.
        NotReadable: CONTRACT-UNKNOWN, or the codes of `SchemaLibrary.decode` for the payload.
    """
    submission = library.contract("submission", SUBMISSION)
    envelope, faults = _check(submission.shape, decoded, "", native=True)
    if faults:
        raise InvalidBody(faults)
    message = envelope.pop("message")
    if message not in _MESSAGES:
        raise NotReadable(_UNKNOWN, "no such message", fix="see hub contracts list")
    contract = library.taken(message, envelope["contract"])
    native = library.decode(contract, envelope.pop("payload"))
    payload, more = _check(contract.shape, native, "/data", native=True)
    return _joined(Checked(contract=contract, envelope=envelope, payload=payload), more, decoded)


def _joined(checked: Checked, faults: tuple[Fault, ...], raw: Mapping[str, object]) -> Checked:
    """Return what was checked, or raise all its faults: of envelope, of payload, of the two together."""
    found = (*faults, *_joint_faults(checked.contract, raw, checked.payload))
    if found:
        raise InvalidBody(limited(found, len(found)))
    return checked


def _joint_faults(
    contract: Contract, raw: Mapping[str, object], payload: Mapping[str, object]
) -> list[Fault]:
    """Return the faults no single field shows: an action without what it needs, the case left out."""
    faults = [
        Fault(pointer="/data" + pointer((field,)), rule="required", fix=f"{payload['action']} needs it")
        for field in lacking(MessageName(contract.name), payload)
    ]
    may_open = contract.name == MessageName.CASE and payload.get("action", "OPENED") == "OPENED"
    if raw.get("case") is None and not may_open:
        faults.append(
            Fault(pointer="/case", rule="required", fix="name the case; only opening one goes without")
        )
    classes = raw.get("classes")
    paths = {spec.path for spec in contract.specs}
    # More than the contract allows have had their fault already; so a flood costs nothing here.
    for path, name in islice(classes.items(), FAULTS_MAX * 2) if isinstance(classes, dict) else ():
        where = "/classes" + pointer((path,))
        if path not in paths:
            faults.append(unknown_field(where, str(path), contract.shape))
        elif isinstance(name, str) and name not in _CLASSES:
            faults.append(Fault(pointer=where, rule="not-allowed", fix=f"give one of: {', '.join(_CLASSES)}"))
    return faults


@cache
def _json_envelope(submission: Contract) -> Record:
    """Return the submission as HTTP has it: without the fields that route and `data` stand for."""
    kept = tuple(field for field in submission.shape.fields if field.name not in _LEFT_OUT_OF_JSON)
    return Record(name=submission.shape.name, doc=submission.shape.doc, fields=kept, own=None)


def _check(
    record: Record, value: object, base: str, *, native: bool
) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """Return the value as Avro holds it, and its faults; with faults, the value is empty."""
    if not isinstance(value, Mapping):
        return {}, (Fault(pointer=base, rule="type", fix=_OBJECT),)
    if not all(isinstance(name, str) for name in value):
        return {}, (Fault(pointer=base, rule="type", fix=_OBJECT),)
    try:
        model = model_of(record, native=native).model_validate(dict(value))
    except ValidationError as refused:
        return {}, faults_of(refused, record, base)
    return _complete(record, model.model_dump()), ()


def _complete(record: Record, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return every field of the record in its order, None where nothing was given."""
    return {field.name: _completed(field, value.get(field.name)) for field in record.fields}


def _completed(field: Field, value: Any) -> Any:  # noqa: ANN401 - whatever the contract's field holds
    """Complete records inside a value."""
    match field.shape, value:
        case ListOf(Record() as item), list(items):
            return [_complete(item, each) for each in items]
        case Record() as inner, dict():
            return _complete(inner, value)
        case TextByName(), dict():
            return dict(value)
        case _:
            return value
