"""How answers under /registry look: as Confluent's registry gives them, errors included.

Its clients read `{"error_code": …, "message": …}`, not problem+json, so every refusal under this path
takes that form, also those that the gateway's edge gives. Codes are Confluent's where it has one, else
the HTTP status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse

from hub.adapters import telemetry
from hub.adapters.gateway.problems import PROBLEMS, ProblemError
from hub.errors import HubError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

PREFIX = "/registry"
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
CHALLENGE = 'Basic realm="hub", charset="UTF-8", Bearer realm="hub"'
SUBJECT, VERSION, SCHEMA = 40401, 40402, 40403
SUBJECT_CONFIG, SUBJECT_MODE = 40408, 40409
INVALID_SCHEMA, INVALID_VERSION = 42201, 42202
_MESSAGES: Mapping[int, str] = {
    SUBJECT: "Subject not found.",
    VERSION: "Version not found.",
    SCHEMA: "Schema not found.",
    SUBJECT_CONFIG: "Subject does not have subject-level compatibility configured.",
    SUBJECT_MODE: "Subject does not have subject-level mode configured.",
    INVALID_SCHEMA: "The schema is no Avro schema in JSON.",
    INVALID_VERSION: 'The version is none; allowed are 1 to 2147483647 and "latest".',
}
_REMEDIES: Mapping[str, str] = {
    "unauthenticated": "Send the organisation's name and its key as Basic credentials, or the key as Bearer.",
    "method-not-allowed": (
        "This registry can only be read: schemas are changed in git, and `hub contracts register` "
        "publishes them to a registry outside the hub."
    ),
    "not-found": "This registry does not have that part of the API, or nothing by that name for you.",
    "content-type-unsupported": f"Send {MEDIA_TYPE} or application/json, uncompressed.",
}
_UNAUTHORIZED, _HUBS_FAULT = 401, 500
ERROR_NAME = "RegistryError"
ERROR: Mapping[str, object] = {
    "type": "object",
    "description": "An error as Confluent's schema registry gives it.",
    "required": ["error_code", "message"],
    "properties": {
        "error_code": {"type": "integer"},
        "message": {"type": "string"},
        "trace_id": {"type": "string", "description": "With 5xx: the request in the operator's log."},
    },
}


class RegistryJson(JSONResponse):
    """A document with the content type of the Confluent API."""

    media_type = MEDIA_TYPE


class RegistryError(HubError):
    """Raised where the registry has no answer; the message is fixed, it never repeats what was asked."""

    def __init__(self, error_code: int) -> None:
        """Name the error by its Confluent code, whose first three digits are the HTTP status."""
        super().__init__(_MESSAGES[error_code])
        self.error_code = error_code

    def response(self) -> Response:
        """Return the answer as it goes out."""
        return RegistryJson({"error_code": self.error_code, "message": str(self)}, self.error_code // 100)


def refusal(path: str, problem: ProblemError) -> Response:
    """Return a problem's answer in the form that callers of this path read."""
    if path != PREFIX and not path.startswith(f"{PREFIX}/"):
        return problem.response()
    found, plain = problem.problem, problem.response()
    remedy = _REMEDIES.get(found.code, found.fix)
    body: dict[str, object] = {"error_code": found.status, "message": f"{found.title}. {remedy}"}
    if found.status >= _HUBS_FAULT:
        # The remedies of these speak of posting messages.
        body["message"] = f"{found.title}. Try again later."
        body |= {} if (trace := telemetry.trace_id()) is None else {"trace_id": trace}
    kept = {
        name: value
        for name, value in plain.headers.items()
        if name not in {"content-type", "content-length", "www-authenticate"}
    }
    if found.status == _UNAUTHORIZED:
        kept["WWW-Authenticate"] = CHALLENGE
    return RegistryJson(body, found.status, headers=kept)


def described(answer: Mapping[str, object], *errors: int) -> dict[int | str, dict[str, Any]]:
    """Return an address's answers for its description: the good one's schema, and errors by their code."""
    found: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {"schema": dict(answer)}}}}
    gateways = ("unauthenticated", "organisation-suspended", "database-unavailable")
    several = [(code // 100, str(code), _MESSAGES[code]) for code in errors]
    several += [(PROBLEMS[each].status, each, PROBLEMS[each].title) for each in gateways]
    for status, name, text in several:
        entry = found.setdefault(
            status,
            {
                "description": "",
                "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ERROR_NAME}"}}},
            },
        )
        entry["description"] = "; ".join(filter(None, (entry["description"], f"{name}: {text}")))
    return found
