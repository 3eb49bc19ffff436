"""The messages of a partner's AsyncAPI document: one for each contract and schema version, with examples.

Payloads are the Avro schemas themselves; what AsyncAPI has no word for stands under `x-hub-…`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hub.consent.generalise import Between, generalised
from hub.consent.partner_contracts import newest_version
from hub.messages.identifiers import CaseRef, OrganisationId, derived_id
from hub.routing.disclosing import urgency_of
from hub.topics.bodies import SUBMISSION
from hub.topics.delivery_headers import DELIVERY_ID, contract_headers, statuses
from hub.topics.values import from_json, instant_to_text, to_json

if TYPE_CHECKING:
    from hub.consent.partner_contracts import PartnerContract
    from hub.topics.contract_files import ContractFile
    from hub.topics.library import Contract, SchemaLibrary

Examples = Mapping[str, Mapping[str, object]]
"""By message, a whole body as it could be posted (schemas/<message>/example.json)."""

AVRO = "application/vnd.apache.avro;version=1.12.0"
CONTENT_TYPE = "application/avro"
KAFKA_BINDING = "0.5.0"
SCHEMAS_REF = "#/components/schemas/"
DELIVERY_HEADERS, SUBMISSION_HEADERS = "delivery-headers", "submission-headers"
SUBMISSION_NAME = f"submission-{SUBMISSION}"
MESSAGE_ID_HEADER = "message-id"
MESSAGE_ID: Mapping[str, object] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 128,
    "pattern": "^[A-Za-z0-9_.:~+/=-]+$",
    "description": "New for each message, the same on every retry of it. A record without it is set aside.",
}
_EXAMPLE_CASE = "case_mfrggzdfmztwq2lkmfrggzdfmztwq2lk"
_EXAMPLE_BETWEEN = Between(CaseRef("0" * 32), OrganisationId("example"))
_EXAMPLE_MESSAGE = "msg_mfrggzdfmztwq2lkmfrggzdfmztwq2lk"
_EXAMPLE_CORRELATION = "cor_mfrggzdfmztwq2lkmfrggzdfmztwq2lk"
_INVENTED = (
    "All of it is invented. Bytes are in base64, dates and instants in ISO 8601, what is absent is null."
)


def avro_schema(contract: Contract) -> dict[str, object]:
    """Return a schema as AsyncAPI holds one that is not JSON Schema."""
    return {"schemaFormat": AVRO, "schema": contract.schema}


def name_of(terms: PartnerContract, version: str) -> str:
    """Return the name of one schema version of a contract, e.g. `referral.v1-1.0`."""
    return f"{terms.name}-{version}"


def received(
    file: ContractFile, view: Contract, library: SchemaLibrary, examples: Examples
) -> dict[str, object]:
    """Return the message a partner receives by this contract, written with this view."""
    terms, fixed = file.terms, contract_headers(file.terms, view)
    properties: dict[str, object] = {name: {"const": value} for name, value in fixed.items()}
    properties["hub-contract-status"] = {"enum": statuses(terms)}
    headers: dict[str, object] = {
        "type": "object",
        "allOf": [{"$ref": SCHEMAS_REF + DELIVERY_HEADERS}],
        "required": list(properties),
        "properties": properties,
    }
    if terms.deprecated is not None:
        headers["deprecated"] = True
    return {
        "name": name_of(terms, view.version),
        "title": f"{terms.message} you receive, contract {terms.number}, schema version {view.version}",
        "summary": view.shape.doc,
        "contentType": CONTENT_TYPE,
        "headers": headers,
        "payload": avro_schema(view),
        "correlationId": {
            "description": "Joins the messages of one course of events.",
            "location": "$message.header#/hub-correlation",
        },
        "bindings": _binding(
            {**DELIVERY_ID, "description": "The delivery's id."},
            schemaLookupStrategy="TopicRecordNameStrategy",
        ),
        "examples": [_delivery(file, view, library, examples[terms.message])],
        **_facts(terms, view, library),
        "x-hub-schema-id": view.id,
        "x-hub-digest": view.digest,
    }


def sent(
    file: ContractFile, whole: Contract, library: SchemaLibrary, examples: Examples
) -> dict[str, object]:
    """Return the message a partner sends by this contract: a submission that holds one of this schema."""
    terms, submission = file.terms, library.contract("submission", SUBMISSION)
    body = examples[terms.message]
    data = _data(body, whole, library)
    headers: dict[str, object] = {"$ref": SCHEMAS_REF + SUBMISSION_HEADERS}
    if terms.deprecated is not None:
        headers = {"allOf": [headers], "deprecated": True}
    return {
        "name": name_of(terms, whole.version),
        "title": f"{terms.message} you send, contract {terms.number}, schema version {whole.version}",
        "summary": whole.shape.doc,
        "description": (
            f"The record is a submission, framed with id {submission.id}: who says it, about which case and "
            f"when. Its `message` is `{terms.message}`, its `contract` is the schema version "
            f"`{whole.version}`, and its `payload` is the bytes of a record of `x-hub-payload`, without a "
            "frame. A field with `isGeneral` is made by the hub: leave it null."
        ),
        "contentType": CONTENT_TYPE,
        "headers": headers,
        "payload": {"$ref": SCHEMAS_REF + SUBMISSION_NAME},
        "correlationId": {
            "description": "Joins the messages of one course of events; the hub makes one where it is null.",
            "location": "$message.payload#/correlation",
        },
        "bindings": _binding({"type": "string", "description": "Any or none: the hub does not read it."}),
        "examples": [_submission(terms, whole, library, body, data)],
        **_facts(terms, whole, library),
        "x-hub-schema-id": submission.id,
        "x-hub-digest": submission.digest,
        "x-hub-payload": {"$ref": SCHEMAS_REF + payload_name(whole)},
        "x-hub-payload-digest": whole.digest,
        "x-hub-payload-example": to_json(whole.shape, data),
    }


def payload_name(contract: Contract) -> str:
    """Return the name of the schema that a submission's payload is written with."""
    return f"{contract.name}-{contract.version}"


def _binding(key: Mapping[str, object], **lookup: str) -> dict[str, object]:
    """Say where the schema's id stands: in the value's frame, as Confluent's clients write and read it."""
    frame = {"schemaIdLocation": "payload", "schemaIdPayloadEncoding": "confluent", **lookup}
    return {"kafka": {"key": key, **frame, "bindingVersion": KAFKA_BINDING}}


def _facts(terms: PartnerContract, schema: Contract, library: SchemaLibrary) -> dict[str, object]:
    """Return what was agreed; a date that is not announced is left out."""
    dates = {
        "x-hub-effective": terms.effective,
        "x-hub-deprecated": terms.deprecated,
        "x-hub-sunset": terms.sunset,
        "x-hub-removal": terms.removal,
    }
    facts: dict[str, object] = {
        "x-hub-contract": terms.name,
        "x-hub-schema-version": schema.version,
        "x-hub-in-use": schema.version == newest_version(terms, library.versions(terms.message)),
        "x-hub-purposes": sorted(terms.purposes),
        **{name: instant_to_text(at) for name, at in dates.items() if at is not None},
    }
    return facts | ({"x-hub-alternative": terms.alternative} if terms.alternative else {})


def _data(body: Mapping[str, object], target: Contract, library: SchemaLibrary) -> dict[str, object]:
    """Return an example's payload as the version of `target` has it, in Avro's values, before any cut."""
    said = body["data"]
    if not isinstance(said, Mapping):
        message = "an example's data is an object"
        raise TypeError(message)
    source = library.contract(target.name, str(body["contract"]))
    payload = from_json(source.shape, said)
    return dict(library.cast(target.name, payload, source=source.version, target=target.version))


def _shown(payload: dict[str, object], view: Contract, whole: Contract) -> dict[str, object]:
    """Return a payload cut to a view, in JSON, with the general form of what the view has only in general."""
    kept = {field.name for field in view.shape.fields}
    for spec in whole.specs:
        if spec.general in kept and spec.path not in kept:
            payload[spec.general] = generalised(spec.generaliser, payload.get(spec.path), _EXAMPLE_BETWEEN)
    return to_json(view.shape, payload)


def _delivery(
    file: ContractFile, view: Contract, library: SchemaLibrary, body: Mapping[str, object]
) -> dict[str, object]:
    """Return one delivery by this contract, as its recipient gets it."""
    terms, whole = file.terms, library.contract(view.name, view.version)
    payload = _shown(_data(body, view, library), view, whole)
    said = to_json(library.contract("submission", SUBMISSION).shape, _envelope(body, library))
    headers = {
        "ce_specversion": "1.0",
        "ce_id": derived_id("example", terms.partner, name_of(terms, view.version)),
        "ce_source": "hub",
        "ce_subject": _EXAMPLE_CASE,
        "ce_time": said["occurred_at"],
        "content-type": CONTENT_TYPE,
        "hub-message": _EXAMPLE_MESSAGE,
        "hub-correlation": _EXAMPLE_CORRELATION,
        "hub-role": file.recipient.roles[0].value,
        "hub-statement": said["statement"],
        "hub-recorded": said["occurred_at"],
        "hub-urgency": urgency_of(terms.message, payload).value,
        "hub-contract-status": statuses(terms)[0],
        **contract_headers(terms, view),
    }
    return {
        "name": name_of(terms, view.version),
        "summary": _INVENTED,
        "headers": dict(sorted(headers.items())),
        "payload": payload,
    }


def _submission(
    terms: PartnerContract,
    whole: Contract,
    library: SchemaLibrary,
    body: Mapping[str, object],
    data: Mapping[str, object],
) -> dict[str, object]:
    """Return one record of hub.in.<partner> by this contract, with this payload."""
    record = _envelope(body, library) | {
        "message": terms.message.value,
        "contract": whole.version,
        "classes": {},
        "payload": library.encode(whole, data),
    }
    return {
        "name": name_of(terms, whole.version),
        "summary": _INVENTED,
        "headers": {MESSAGE_ID_HEADER: f"example-{terms.message}-1"},
        "payload": to_json(library.contract("submission", SUBMISSION).shape, record),
    }


def _envelope(body: Mapping[str, object], library: SchemaLibrary) -> dict[str, object]:
    """Return what an example says about itself, as Avro holds it."""
    shape = library.contract("submission", SUBMISSION).shape
    return from_json(shape, {name: value for name, value in body.items() if name != "data"})
