"""The gateway described to machines: OpenAPI 3.1 with every body, example and problem.

Bodies come from the contracts and problems from their catalogue, so the description is what is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from hub.adapters.gateway.examples import example
from hub.adapters.gateway.problems import MEDIA_TYPE, PROBLEMS, ProblemError
from hub.messages.envelope import MessageName
from hub.topics.bodies import SUBMISSION, body_model_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from pydantic import BaseModel

    from hub.topics.library import SchemaLibrary

_REF = "#/components/schemas/"
_FASTAPIS = frozenset({"HTTPValidationError", "ValidationError"})
_POST = "post-"
_TEXT = {"type": "string"}
_KEY_SCHEME = "organisationKey"
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


def answers(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the problem answers of an address, by status, for its description."""
    described: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        problem = PROBLEMS[code]
        entry = described.setdefault(
            problem.status,
            {
                "description": "",
                "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}Problem"}, "examples": {}}},
            },
        )
        entry["description"] = "; ".join(filter(None, (entry["description"], problem.title)))
        entry["content"][MEDIA_TYPE]["examples"][code] = {"value": ProblemError(code).document()}
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
        components["schemas"] = own | definitions | {"Problem": dict(_PROBLEM), "Accepted": dict(_ACCEPTED)}
        components["securitySchemes"] = {_KEY_SCHEME: {"type": "http", "scheme": "bearer"}}
        for address in document["paths"].values():
            for operation in address.values():
                _complete(operation, bodies)
        app.openapi_schema = document
    return app.openapi_schema


def _bodies(library: SchemaLibrary) -> tuple[dict[MessageName, list[dict[str, Any]]], dict[str, Any]]:
    """Return the schemas of each message's bodies, one for each contract version, and what they refer to."""
    submission = library.contract("submission", SUBMISSION)
    models: dict[MessageName, list[type[BaseModel]]] = {
        message: [
            body_model_for(submission, library.contract(message, version))
            for version in library.versions(message)
        ]
        for message in MessageName
        if message is not MessageName.EXCEPTION
    }
    mode: JsonSchemaMode = "validation"
    wanted = [(model, mode) for several in models.values() for model in several]
    references, definitions = models_json_schema(wanted, ref_template=_REF + "{model}")
    bodies = {message: [references[model, mode] for model in several] for message, several in models.items()}
    return bodies, definitions["$defs"]


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
    elif name == "acknowledge-delivery":
        digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
        schema = {"type": "object", "required": ["digest"], "properties": {"digest": digest}}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif name == "fetch-delivery":
        responses["200"]["content"] = {
            "application/json": {"schema": {"type": "object"}},
            "application/avro": {"schema": {"type": "string", "contentEncoding": "binary"}},
        }


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
    operation["responses"]["202"] = {
        "description": "The message is stored for good; follow it at Location.",
        "content": {"application/json": {"schema": {"$ref": f"{_REF}Accepted"}}},
        "headers": {
            "Location": {"schema": _TEXT},
            "Idempotent-Replayed": {
                "schema": _TEXT,
                "description": "true where this post was answered before.",
            },
        },
    }
