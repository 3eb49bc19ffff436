"""The address for domain events of the prison system, described for OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping

TAKE_EVENT = "take-hmpps-event"
EXAMPLE: Mapping[str, object] = {
    "eventType": "prison-offender-events.prisoner.released",
    "version": 1,
    "occurredAt": "2026-03-02T09:15:00Z",
    "additionalInformation": {
        "nomsNumber": "A1234BC",
        "reason": "RELEASED",
        "nomisMovementReasonCode": "CR",
        "prisonId": "MDI",
        "currentLocation": "OUTSIDE_PRISON",
    },
    "personReference": {"identifiers": [{"type": "NOMS", "value": "A1234BC"}]},
}
"""A release as the prison system tells of it; nobody has this number."""
_TEXT: Mapping[str, object] = {"type": "string"}
_EVENT: Mapping[str, object] = {
    "type": "object",
    "description": "The event as the prison system publishes it; what the hub has no use for is not read.",
    "required": ["eventType"],
    "properties": {
        "eventType": _TEXT,
        "version": {"type": "integer"},
        "occurredAt": {"type": "string", "format": "date-time"},
        "additionalInformation": {"type": "object"},
        "personReference": {"type": "object"},
    },
}
_NOTIFICATION: Mapping[str, object] = {
    "type": "object",
    "description": "The same, wrapped as the prison system's topic hands it on.",
    "required": ["Type", "Message"],
    "properties": {
        "Type": {"const": "Notification"},
        "Message": {"type": "string", "description": "The event, as JSON."},
    },
}
BODY: Mapping[str, object] = {
    "required": True,
    "content": {"application/json": {"schema": {"oneOf": [_EVENT, _NOTIFICATION]}, "example": dict(EXAMPLE)}},
}
NOT_NEEDED: Mapping[str, object] = {
    "description": "The event is of a kind the hub has no use for; nothing was stored.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["state"],
                "properties": {"state": {"const": "not-needed"}},
            }
        }
    },
}
"""The answer to an event that is no message to the hub."""
