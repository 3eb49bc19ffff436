"""One example of each message an organisation may post, shown in the reference. All of it is invented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Mapping

_CASE = "case_" + "a" * 40
_MESSAGE = "msg_" + "b" * 40
_DATA: Mapping[MessageName, Mapping[str, object]] = {
    MessageName.CASE: {
        "action": "OPENED",
        "forename": "Wren",
        "surname": "Fictional",
        "date_of_birth": "1991-04-02",
        "jurisdiction": "ENGLAND_AND_WALES",
        "tier": 3,
    },
    MessageName.ASSESSMENT: {"assessment": "A-0001", "kind": "OASYS", "as_at": "2026-03-02"},
    MessageName.REFERRAL: {
        "referral": "R-0001",
        "action": "OFFER",
        "provider": "example-partner",
        "rung": 2,
        "reason": "Help with housing before release.",
    },
    MessageName.PROGRESS: {
        "referral": "R-0001",
        "kind": "SESSION",
        "session_at": "2026-03-02T09:15:00Z",
        "attendance": "ATTENDED",
    },
    MessageName.RISK_CHANGE: {
        "kind": "ROSH",
        "urgency": "SAME_DAY",
        "rosh_level": "HIGH",
        "rosh_previous": "MEDIUM",
    },
    MessageName.PLAN: {"version": 1, "change_summary": "First version."},
    MessageName.APPOINTMENT: {
        "appointment": "P-0001",
        "action": "ARRANGED",
        "at": "2026-03-09T10:00:00Z",
        "place": "Example office",
    },
    MessageName.PRISON_EVENT: {
        "action": "RECEPTION",
        "status": "CONFIRMED",
        "at": "2026-03-02T14:00:00Z",
        "prison_to": "MDI",
    },
    MessageName.TEAM_CHANGE: {
        "action": "APPOINT",
        "role": "key_worker",
        "organisation": "example-partner",
        "person": "staff-0042",
        "effective_at": "2026-03-02T00:00:00Z",
    },
    MessageName.CONSENT: {"consent": "C-0001", "action": "GIVEN", "classes": ["health"]},
    MessageName.ENFORCEMENT: {"enforcement": "E-0001", "action": "REPORTED"},
    MessageName.REVIEW: {"review": "V-0001", "action": "DUE"},
    MessageName.EVALUATION: {"evaluation": "L-0001", "summary": "Objectives met."},
    MessageName.CORRECTION: {"corrects": _MESSAGE, "action": "RETRACT", "reason": "Sent in error."},
    MessageName.RECEIPT: {"delivery": "0" * 32, "level": "READ"},
}


def example(message: MessageName) -> dict[str, object]:
    """Return a whole body for this message type."""
    body: dict[str, object] = {
        "contract": "1.0",
        "case": _CASE,
        "occurred_at": "2026-03-02T09:15:00Z",
        "author": "staff-0007",
        "author_role": "key_worker",
        "statement": "fact",
        "data": dict(_DATA[message]),
    }
    if message is MessageName.CASE:
        del body["case"]
    return body
