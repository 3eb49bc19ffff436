"""What the gateway answers when all went well, described for OpenAPI: bodies and headers by operation."""

from __future__ import annotations

from collections.abc import Mapping

from hub.adapters.database.undelivered import REASONS
from hub.adapters.gateway.receipt_levels import ENDED, LEVELS
from hub.consent.partner_contracts import Direction, Phase
from hub.consent.subscriptions import ALERTS
from hub.messages.envelope import MessageName
from hub.messages.risk_change import RiskUrgency
from hub.routing.outcome import Urgency
from hub.routing.terms import PARKED
from hub.topics.delivery_headers import DELIVERY_ID, headers_schema

Described = Mapping[str, object]
"""A JSON Schema, a header or an answer, as OpenAPI has it."""

_TEXT: Described = {"type": "string"}
_COUNT: Described = {"type": "integer", "minimum": 0}
_INSTANT: Described = {"type": "string", "format": "date-time"}
_MAYBE: Described = {"type": ["string", "null"]}
_MAYBE_INSTANT: Described = {"type": ["string", "null"], "format": "date-time"}
_DIGEST: Described = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_SEQUENCE: Described = {
    "type": "integer",
    "minimum": 1,
    "description": "Counts what you were handed of one person but by Kafka; no number is missing.",
}
_NUMBER: Described = {"type": "string", "pattern": "^[1-9][0-9]*$"}
_CONTRACT: Described = {"type": "string", "examples": ["referral.v1"]}
_MESSAGE: Described = {"enum": [each.value for each in MessageName]}
_DATES = ("effective", "deprecated", "sunset", "removal")

ENDING: Described = {
    "Deprecation": {
        "schema": _TEXT,
        "description": "When the contract is deprecated, once that is announced (RFC 9745): @ and seconds.",
    },
    "Sunset": {
        "schema": _TEXT,
        "description": "When nothing is served by the contract any more, once that is announced (RFC 8594).",
    },
    "Link": {
        "schema": _TEXT,
        "description": 'The contract that follows, with rel="successor-version" (RFC 5829).',
    },
}
"""Headers of whatever goes by a contract whose end is announced."""


def _object(properties: Mapping[str, Described], *optional: str) -> Described:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": dict(properties)}


def _list(item: Described) -> Described:
    return {"type": "array", "items": item}


def _json(schema: Described) -> dict[str, object]:
    return {"content": {"application/json": {"schema": schema}}}


_WAITING = _object(
    {
        "delivery": DELIVERY_ID,
        "type": _MESSAGE,
        "contract": {"type": "string", "description": "Schema version it is written in."},
        "urgency": {"enum": [each.value for each in Urgency]},
        "state": {"enum": ["available", "fetched", "transported"]},
        "size": {"type": "integer", "description": "Bytes of the framed record."},
        "digest": _DIGEST,
        "available_at": _INSTANT,
        "url": {"type": "string", "format": "uri-reference"},
    }
)
_NOTICE = _object(
    {
        "code": {"enum": ["CONTRACT-DEPRECATED", *PARKED]},
        "contract": _CONTRACT,
        "message": _MESSAGE,
        "sunset": _MAYBE_INSTANT,
        "detail": _TEXT,
        "fix": _TEXT,
    }
)
_AGREED = _object(
    {
        "contract": _CONTRACT,
        "message": _MESSAGE,
        "direction": {"enum": [each.value for each in Direction]},
        "phase": {"enum": [each.value for each in Phase]},
        "versions": _object(
            {
                "oldest": _TEXT,
                "newest": _TEXT,
                "in_use": {**_MAYBE, "description": "The newest of these there is."},
            }
        ),
        "view": {
            "type": ["array", "null"],
            "items": _TEXT,
            "description": "Fields you may be sent, by path; null: all of them.",
        },
        **dict.fromkeys(_DATES, _MAYBE_INSTANT),
        "alternative": {**_MAYBE, "description": "The contract that follows."},
        "parked": {**_COUNT, "description": "Deliveries kept back because of the contract."},
        "parked_last": _MAYBE_INSTANT,
    }
)
_DELIVERY = _object(
    {
        "envelope": headers_schema(),
        "data": {"type": "object", "description": "The record, dates and instants in ISO 8601."},
        "digest": {**_DIGEST, "description": "SHA-256 of the framed bytes; acknowledge with it."},
        "sequence": _SEQUENCE,
    }
)
_ENTRY = _object(
    {
        "type": _MESSAGE,
        "envelope": {"type": "object", "description": "As a delivery has it.", "additionalProperties": _TEXT},
        "data": {"type": "object", "description": "The record, dates and instants in ISO 8601."},
    }
)
_ENDPOINT: Described = _object(
    {
        "endpoint": {"type": "string", "description": "The endpoint's id."},
        "url": {"type": "string", "description": "Where deliveries are posted to."},
        "messages": {**_list(_MESSAGE), "description": "The message types that go there."},
        "state": {"enum": ["unverified", "active", "paused"]},
        "reason": {
            **_MAYBE,
            "description": "Why it is paused: organisation, operator, gone, failing, or misconfigured and "
            "the answer that said so.",
        },
        "created_at": _INSTANT,
        "changed_at": _INSTANT,
        "not_before": {**_MAYBE_INSTANT, "description": "It is left alone until then, for it failed."},
        "failing_since": _MAYBE_INSTANT,
        "waiting": {**_COUNT, "description": "Deliveries that wait to be pushed, or are under way."},
        "oldest_at": {**_MAYBE_INSTANT, "description": "Since when the oldest of them has waited."},
        "parked": {**_COUNT, "description": "Deliveries your server could not take; the mailbox has them."},
        "exhausted": {
            **_COUNT,
            "description": "Deliveries tried as often as may be; the mailbox has them.",
        },
    }
)
_SUBSCRIPTION = _object(
    {
        "subscription": _TEXT,
        "asked": {"type": "object", "description": "What was asked for."},
        "state": {"enum": ["pending", "approved", "refused", "end_asked", "ended"]},
        "asked_at": _INSTANT,
        "settled_at": _MAYBE_INSTANT,
    }
)
SUBSCRIPTION: Described = {
    "required": True,
    **_json(
        {
            "type": "object",
            "required": ["messages"],
            "additionalProperties": False,
            "properties": {
                "messages": _list({"enum": sorted(ALERTS)}),
                "levels": {
                    **_list({"enum": list(RiskUrgency)}),
                    "description": "Of risk changes, those this urgent; left out: all.",
                },
                "region": {"type": "string", "description": "Only cases of this probation region."},
                "managed_by": {
                    "type": "string",
                    "description": "Only cases whose Offender Manager is of this organisation.",
                },
            },
        }
    ),
}
"""What is asked for by a subscription."""
_VERSION: Described = {"type": ["integer", "null"], "minimum": 1}
_HOLDER = _object(
    {
        "organisation": _TEXT,
        "role": _TEXT,
        "sent": {**_VERSION, "description": "The latest version sent; null: it was kept back."},
        "acknowledged": {**_VERSION, "description": "The latest version acknowledged."},
        "can_acknowledge": {"type": "boolean"},
    }
)
_RECEIPT = _object(
    {
        "role": _TEXT,
        "organisation": {**_MAYBE, "description": "Named to whoever's Offender Manager has the case."},
        "level": {"enum": list(LEVELS)},
        "ended": {"enum": [*ENDED, None], "description": "Why it went no further."},
    }
)
_FETCHED: Described = {
    "content": {
        "application/json": {"schema": _DELIVERY},
        "application/avro": {
            "schema": {
                "type": "string",
                "contentEncoding": "binary",
                "description": "Byte 0, the schema's id in four bytes, the record.",
            }
        },
    },
    "headers": {
        **ENDING,
        "Hub-Digest": {"schema": _DIGEST, "description": "SHA-256 of the framed bytes; acknowledge with it."},
        "Hub-Sequence": {"schema": _NUMBER, "description": "The same as `sequence`."},
        "Repr-Digest": {"schema": _TEXT, "description": "The same as RFC 9530 has it; with Avro only."},
        "ce-id": {
            "schema": DELIVERY_ID,
            "description": (
                "With Avro only, as are the other members of `envelope`: each is a header, with `ce-` in "
                "the place of `ce_`."
            ),
        },
    },
}

ANSWERS: Mapping[str, Described] = {
    "list-contracts": _json(_object({"contracts": _list(_AGREED)})),
    "list-mailbox": _json(
        _object(
            {
                "messages": _list(_WAITING),
                "next_cursor": {**_MAYBE, "description": "Leads to the next page; null: there is none."},
                "notices": {
                    **_list(_NOTICE),
                    "description": "What you should know of the contracts you receive by.",
                },
            }
        )
    ),
    "follow-mailbox": {
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "string",
                    "description": "Events `delivery`, with an id and as data a JSON object of delivery, "
                    "type, contract, urgency and url; event `resync` where Last-Event-ID is not known: all "
                    "that waits is told again; a comment as a sign of life.",
                }
            }
        }
    },
    "list-undelivered": _json(
        _object(
            {
                "deliveries": _list(
                    _object(
                        {
                            "delivery": DELIVERY_ID,
                            "type": _MESSAGE,
                            "urgency": {"enum": [each.value for each in Urgency]},
                            "available_at": _INSTANT,
                            "reason": {"enum": [each for each in REASONS if each != "held"]},
                            "detail": {**_MAYBE, "description": "Why the last push did not arrive."},
                            "due_at": {**_MAYBE_INSTANT, "description": "When it is pushed again."},
                            "url": {"type": "string", "format": "uri-reference"},
                        }
                    )
                ),
                "more": {"type": "boolean", "description": "Whether there are older ones beyond these."},
            }
        )
    ),
    "lease-deliveries": _json(
        _object(
            {
                "lease": {"type": "string", "description": "List what it holds with ?lease=."},
                "until": {**_MAYBE_INSTANT, "description": "When it ends; null: nothing was there to lease."},
                "messages": _list(_WAITING),
            }
        )
    ),
    "acknowledge-deliveries": _json(
        _object(
            {
                "results": _list(
                    _object(
                        {
                            "delivery": _TEXT,
                            "acknowledged": {"type": "boolean"},
                            "code": {
                                **_MAYBE,
                                "description": "The problem's code; null: it is acknowledged.",
                            },
                        }
                    )
                )
            }
        )
    ),
    "look-at-delivery": {"headers": {"Hub-Digest": {"schema": _DIGEST}, "Hub-Sequence": {"schema": _NUMBER}}},
    "ask-for-subscription": _json(_SUBSCRIPTION),
    "end-subscription": _json(_SUBSCRIPTION),
    "list-subscriptions": _json(_object({"subscriptions": _list(_SUBSCRIPTION)})),
    "count-mailbox": _json(_object({"count": _COUNT})),
    "fetch-delivery": _FETCHED,
    "list-endpoints": _json(_object({"endpoints": _list(_ENDPOINT)})),
    "verify-endpoint": _json(_ENDPOINT),
    "pause-endpoint": _json(_ENDPOINT),
    "resume-endpoint": _json(_ENDPOINT),
    "rotate-endpoint-secret": _json(
        _object({"endpoint": _TEXT, "secret": {**_TEXT, "description": "whsec_ and base64; shown only now."}})
    ),
    "list-webhook-keys": _json(
        _object(
            {
                "public_key": {**_TEXT, "description": "whpk_ and the raw 32 bytes in base64 (Ed25519)."},
                "keys": {
                    "type": "array",
                    "items": {"type": "object"},
                    "description": "The same as a key set (RFC 7517, RFC 8037).",
                },
            }
        )
    ),
    "read-case": _json(
        _object(
            {
                "case": {"type": "string", "description": "The reference your organisation knows it by."},
                "role": {"type": "string", "description": "The role in which it was read."},
                "entries": {
                    **_list(_ENTRY),
                    "description": "What you may see, each entry like a delivery: the case, the team, "
                    "referrals, custody, consents, risk, the Sentence Plan.",
                },
                "plan_holders": {
                    **_list(_HOLDER),
                    "description": "For who distributes the plan: which version was sent to whom.",
                },
            }
        )
    ),
    "get-message-state": _json(
        _object(
            {
                "message": _TEXT,
                "type": _MESSAGE,
                "contract": {"type": "string", "description": "Schema version it was sent in."},
                "state": {"enum": ["accepted", "routed", "refused"]},
                "decided_at": _MAYBE_INSTANT,
                "refusal": {
                    "anyOf": [_object({"code": _TEXT, "detail": _TEXT}), {"type": "null"}],
                    "description": "Which rule of the model refused it, where you hold a role on the case.",
                },
                "receipts": {
                    **_list(_RECEIPT),
                    "description": "How far it got with recipients you may know of.",
                },
            }
        )
    ),
}
"""What is added to the answer 200, by operation."""
