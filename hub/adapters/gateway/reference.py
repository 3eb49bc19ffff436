"""The gateway described to machines: OpenAPI 3.1 with every body, example and problem.

Bodies come from the contracts and problems from their catalogue, so the description is what is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from hub.adapters.gateway.described import ANSWERS, ENDING, SUBSCRIPTION
from hub.adapters.gateway.event_described import BODY, TAKE_EVENT
from hub.adapters.gateway.examples import example
from hub.adapters.gateway.limits import ACKNOWLEDGEMENTS_MAX
from hub.adapters.gateway.problems import MEDIA_TYPE, PROBLEMS, ProblemError
from hub.adapters.gateway.recovery_described import ANSWER, RECOVER
from hub.adapters.gateway.recovery_described import BODY as RECOVERY
from hub.adapters.gateway.registry_answers import ERROR, ERROR_NAME, PREFIX
from hub.messages.envelope import MessageName
from hub.topics.bodies import SUBMISSION, body_model_for

if TYPE_CHECKING:
    from fastapi import FastAPI

    from hub.topics.library import SchemaLibrary

_REF, _EXAMPLES = "#/components/schemas/", "#/components/examples/"
_FASTAPIS = frozenset({"HTTPValidationError", "ValidationError"})
_POST = "post-"
_TEXT = {"type": "string"}
_KEY_SCHEME, _BASIC_SCHEME = "organisationKey", "organisationBasic"
_SECURITY: Mapping[str, object] = {
    _KEY_SCHEME: {"type": "http", "scheme": "bearer"},
    _BASIC_SCHEME: {
        "type": "http",
        "scheme": "basic",
        "description": "Under /registry only: the organisation's name, and its key as the password.",
    },
}
_OPEN = frozenset({"get-problem", "get-health", "get-readiness"})
_PROBLEM: Mapping[str, object] = {
    "type": "object",
    "description": "RFC 9457 problem; see docs/reference/problems.md.",
    "required": ["type", "title", "status", "code", "detail", "retryable"],
    "properties": {
        "type": _TEXT | {"format": "uri-reference"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "code": _TEXT | {"enum": sorted(PROBLEMS)},
        "detail": _TEXT,
        "retryable": {"type": "boolean"},
        "retry_after_s": {"type": "integer"},
        "trace_id": _TEXT | {"description": "With 5xx: what the operator's log has the request under."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "rule", "fix"],
                "properties": {"pointer": _TEXT, "rule": _TEXT, "fix": _TEXT},
            },
        },
        "versions": {"type": "array", "items": _TEXT},
        "contract": _TEXT | {"description": "The contract that ended, or does not cover the version."},
        "alternative": {"type": ["string", "null"], "description": "The contract that follows."},
        "agreed": {"type": "array", "items": _TEXT},
        "limit_bytes": {"type": "integer"},
    },
}
_ACCEPTED: Mapping[str, object] = {
    "type": "object",
    "required": ["message", "type", "contract", "state", "status_url"],
    "properties": {
        "message": _TEXT | {"description": "The message's id, as this organisation knows it."},
        "type": _TEXT,
        "contract": _TEXT,
        "state": {"const": "accepted"},
        "status_url": _TEXT | {"format": "uri-reference"},
        "case": _TEXT | {"description": "The case that was opened, as this organisation knows it."},
        "dry_run": {"type": "boolean"},
    },
}

_TAKEN: Mapping[str, object] = {
    "description": "The message is stored for good; follow it at Location.",
    "content": {"application/json": {"schema": {"$ref": f"{_REF}Accepted"}}},
    "headers": {
        **ENDING,
        "Location": {"schema": _TEXT},
        "Idempotent-Replayed": {
            "schema": _TEXT,
            "description": "true where this post was answered before.",
        },
    },
}
_DIGEST = _TEXT | {"pattern": "^[0-9a-f]{64}$"}
_SIGNATURE = {
    "at": _TEXT | {"format": "date-time", "description": "When it was signed, in UTC; with `jws` only."},
    "jws": _TEXT
    | {"description": "Detached JWS over at, delivery and digest (RFC 7515): Ed25519 or ES256; if you sign."},
}
_ACKNOWLEDGEMENT = {"delivery": _TEXT, "digest": _DIGEST}
_MAILBOX_BODIES: Mapping[str, Mapping[str, object]] = {
    "acknowledge-delivery": {
        "type": "object",
        "required": ["digest"],
        "properties": {"digest": _DIGEST, **_SIGNATURE},
    },
    "acknowledge-deliveries": {
        "type": "object",
        "required": ["deliveries"],
        "properties": {
            "deliveries": {
                "type": "array",
                "minItems": 1,
                "maxItems": ACKNOWLEDGEMENTS_MAX,
                "items": {
                    "type": "object",
                    "required": list(_ACKNOWLEDGEMENT),
                    "properties": {**_ACKNOWLEDGEMENT, **_SIGNATURE},
                },
            }
        },
    },
    "read-delivery": {
        "type": "object",
        "required": ["role"],
        "properties": {
            "role": _TEXT | {"description": "What whoever read it is to the case, e.g. key_worker."},
            "person": _TEXT | {"description": "Their staff reference."},
        },
    },
    "refuse-delivery": {
        "type": "object",
        "required": ["reason"],
        "properties": {"reason": _TEXT | {"minLength": 1, "maxLength": 1000}},
    },
}
"""What may be said to the mailbox, by operation."""
_RECEIPTS = frozenset({"read-delivery", "refuse-delivery"})


def answers(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the problem answers of an address, by status, for its description."""
    described: dict[int | str, dict[str, Any]] = {}
    # Whoever has to say who they are may be told that they ask too often, or by a parameter there is not.
    always = ("rate-limited", "parameter-invalid") if "unauthenticated" in codes else ()
    for code in dict.fromkeys((*codes, *always)):
        problem = PROBLEMS[code]
        entry = described.setdefault(
            problem.status,
            {
                "description": "",
                "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}Problem"}, "examples": {}}},
            },
        )
        entry["description"] = "; ".join(filter(None, (entry["description"], problem.title)))
        entry["content"][MEDIA_TYPE]["examples"][code] = {"$ref": f"{_EXAMPLES}{code}"}
        if code == "contract-ended":
            entry["headers"] = dict(ENDING)
    return described


def openapi_document(app: FastAPI, library: SchemaLibrary) -> dict[str, Any]:
    """Return the OpenAPI document, made once for each application."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        bodies, definitions = _bodies(library)
        components = document.setdefault("components", {})
        own = {
            name: schema for name, schema in components.get("schemas", {}).items() if name not in _FASTAPIS
        }
        common = {"Problem": dict(_PROBLEM), "Accepted": dict(_ACCEPTED), ERROR_NAME: dict(ERROR)}
        components["schemas"] = own | definitions | common
        components["examples"] = {code: {"value": ProblemError(code).document()} for code in sorted(PROBLEMS)}
        components["securitySchemes"] = dict(_SECURITY)
        for path, address in document["paths"].items():
            for operation in address.values():
                _complete(operation, bodies)
                if path.startswith(PREFIX):
                    operation["security"].append({_BASIC_SCHEME: []})
        app.openapi_schema = document
    return app.openapi_schema


def _bodies(library: SchemaLibrary) -> tuple[dict[MessageName, list[dict[str, Any]]], dict[str, Any]]:
    """Return the schemas of each message's bodies, one for each contract version, and what they refer to.

    Names bear message and version, so that a version keeps its name when another one comes.
    """
    submission = library.contract("submission", SUBMISSION)
    bodies: dict[MessageName, list[dict[str, Any]]] = {}
    definitions: dict[str, Any] = {}
    for message in (each for each in MessageName if each is not MessageName.EXCEPTION):
        bodies[message] = []
        for version in library.versions(message):
            model = body_model_for(submission, library.contract(message, version))
            prefix = f"{message}-{version}."
            schema = model.model_json_schema(ref_template=f"{_REF}{prefix}{{model}}")
            definitions |= {prefix + name: inner for name, inner in schema.pop("$defs", {}).items()}
            # Without it, a body that uses nothing new would be one of two versions.
            schema["properties"]["contract"]["const"] = version
            definitions[prefix + model.__name__] = schema
            bodies[message].append({"$ref": f"{_REF}{prefix}{model.__name__}"})
    return bodies, definitions


def _complete(operation: dict[str, Any], bodies: Mapping[MessageName, list[dict[str, Any]]]) -> None:
    """Add what FastAPI cannot know: credentials, bodies read by hand, headers, answers."""
    name = operation["operationId"]
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):
        # FastAPI's own answer to a wrong parameter, in whose place the gateway gives a problem.
        del responses["422"]
    operation["responses"].pop("422", None) if name in _OPEN else None
    if name not in _OPEN:
        operation["security"] = [{_KEY_SCHEME: []}]
    if name.startswith(_POST):
        _complete_post(operation, MessageName(name.removeprefix(_POST)), bodies)
    elif name in _MAILBOX_BODIES:
        schema = dict(_MAILBOX_BODIES[name])
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        if name in _RECEIPTS:
            responses["202"] = dict(_TAKEN)
    elif name == TAKE_EVENT:
        operation["requestBody"] = dict(BODY)
        responses["202"] = dict(_TAKEN)
    if name in ANSWERS:
        responses["200"] |= ANSWERS[name]
    if name == "ask-for-subscription":
        operation["requestBody"] = dict(SUBSCRIPTION)
    if name == RECOVER:
        operation["requestBody"] = dict(RECOVERY)
        responses["200"] |= ANSWER


def _complete_post(
    operation: dict[str, Any], message: MessageName, bodies: Mapping[MessageName, list[dict[str, Any]]]
) -> None:
    several = bodies[message]
    schema = several[0] if len(several) == 1 else {"oneOf": several}
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": schema, "example": example(message)}},
    }
    operation["parameters"] = [
        *operation.get("parameters", []),
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
            "description": "New for each message, the same on every retry of it.",
        },
    ]
    operation["responses"]["202"] = dict(_TAKEN)
