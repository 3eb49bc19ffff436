"""How what a recipient does about its own deliveries is described for OpenAPI: what is asked and answered."""

from __future__ import annotations

from collections.abc import Mapping

from hub.adapters.gateway.recovery_asked import AT_ONCE_MAX, KINDS, REASONS
from hub.messages.envelope import MessageName
from hub.topics.delivery_headers import DELIVERY_ID

RECOVER = "recover-deliveries"
_INSTANT = {"type": "string", "format": "date-time"}
OUTCOMES_TOLD = {
    "ready": "it would be done",
    "done": "it was done",
    "not-found": "there is no such delivery for you, or none that you may have now",
    "nothing-to-do": "it is not what this is for",
    "waits-in-mailbox": "it waits in your mailbox already",
    "on-its-way": "it is on its way already",
    "being-pushed": "it is being pushed at this moment",
    "changed-meanwhile": "somebody else changed it at the same moment; look again",
    "acknowledged": "you have acknowledged it",
    "refused": "you have refused it",
    "expired": "it has expired",
    "forgotten": "you were done with it too long ago, or its content is gone",
    "too-often": "you have had this done to it 20 times",
    "by-kafka": "it went to your own topic",
    "not-pushed": "it has no push",
    "push-over": "its push is over",
    "no-endpoint": "none of your endpoints takes it",
    "safety": "a safety message is not passed over; fetch and acknowledge it",
}
BODY: Mapping[str, object] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["do"],
                "additionalProperties": False,
                "properties": {
                    "do": {"enum": list(KINDS)},
                    "dry_run": {
                        "type": "boolean",
                        "default": True,
                        "description": "Only say what would be done; false needs deliveries and a reason.",
                    },
                    "since": {
                        **_INSTANT,
                        "description": "Look at what was decided since, at most 14 days; only a dry run, and "
                        "only for recover, replay-missing and seek.",
                    },
                    "until": {**_INSTANT, "description": "And before; left out: now. seek needs it."},
                    "deliveries": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": AT_ONCE_MAX,
                        "uniqueItems": True,
                        "items": {"type": "string"},
                        "description": "These, as a dry run has named them.",
                    },
                    "reason": {"enum": list(REASONS), "description": "Recorded for good."},
                },
            },
            "example": {"do": "recover", "since": "2026-11-20T08:00:00Z"},
        }
    },
}
ANSWER: Mapping[str, object] = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["do", "dry_run", "deliveries", "counts", "more"],
                "properties": {
                    "do": {"enum": list(KINDS)},
                    "dry_run": {"type": "boolean"},
                    "deliveries": {
                        "type": "array",
                        "maxItems": AT_ONCE_MAX,
                        "items": DELIVERY_ID,
                        "description": "What it would be done with, oldest first; or what it was done with.",
                    },
                    "counts": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["type", "outcome", "count"],
                            "properties": {
                                "type": {"enum": [*(each.value for each in MessageName), None]},
                                "outcome": {
                                    "enum": list(OUTCOMES_TOLD),
                                    "description": "; ".join(
                                        f"{name}: {said}" for name, said in OUTCOMES_TOLD.items()
                                    ),
                                },
                                "count": {"type": "integer", "minimum": 1},
                            },
                        },
                        "description": "All of them, also those beyond the ones named.",
                    },
                    "more": {
                        "type": "boolean",
                        "description": "Whether it would be done with more than are named: ask again after.",
                    },
                },
            }
        }
    }
}
