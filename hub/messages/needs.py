"""Which fields an action cannot do without: form, so that the sender is told at the door (R-DEL-03).

Payload fields are nullable, because any of them may be held back from a recipient; what a sender must
give therefore stands here, by message and action.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hub.messages.envelope import MessageName

NEEDS: Final[Mapping[MessageName, Mapping[str, tuple[str, ...]]]] = {
    MessageName.CASE: {"MERGED": ("merged_case",), "UNMERGED": ("merged_case",)},
    MessageName.REFERRAL: {"OFFER": ("provider", "rung", "typology", "nature")},
    MessageName.TEAM_CHANGE: {
        "APPOINT": ("role", "organisation", "person"),
        "END": ("role", "organisation"),
        "TRANSFER_OM": ("organisation", "person"),
    },
    MessageName.ENFORCEMENT: {"DECISION": ("decision",)},
    # Without its kind nothing says which review of the schedule has been held.
    MessageName.REVIEW: {"HELD": ("kind",)},
    MessageName.CONSENT: {
        "EXCLUSION": ("organisations",),
        "RESTRICTION": ("organisations",),
        "COURT_ORDER": ("organisations", "classes", "evidence"),
        "OVERRIDE_REQUESTED": ("organisations", "classes", "until", "reason"),
        "BREAK_GLASS": ("organisations", "classes", "until", "reason"),
        "BREAK_GLASS_REVIEWED": ("reason",),
    },
}
"""Message, action, fields."""


def lacking(message: MessageName, payload: Mapping[str, object]) -> tuple[str, ...]:
    """Return the fields the payload's action needs and that are not given, or are empty lists."""
    needed = NEEDS.get(message, {}).get(str(payload.get("action")), ())
    return tuple(name for name in needed if payload.get(name) in (None, [], ()))
