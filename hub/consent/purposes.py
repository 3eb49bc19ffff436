"""What a disclosure is for: every message type has exactly one purpose (DPA 2018 s.36)."""

from __future__ import annotations

from collections.abc import Mapping

from hub.consent.parties import Purpose
from hub.messages.envelope import MessageName

PURPOSES: Mapping[MessageName, Purpose] = {
    MessageName.CASE: Purpose.CASE_ADMINISTRATION,
    MessageName.ASSESSMENT: Purpose.ASSESSMENT,
    MessageName.REFERRAL: Purpose.REFERRAL,
    MessageName.PROGRESS: Purpose.PROGRESS,
    MessageName.RISK_CHANGE: Purpose.RISK_ALERT,
    MessageName.PLAN: Purpose.SENTENCE_PLAN,
    MessageName.APPOINTMENT: Purpose.PROGRESS,
    MessageName.PRISON_EVENT: Purpose.TRANSFER_RELEASE,
    MessageName.TEAM_CHANGE: Purpose.CASE_ADMINISTRATION,
    MessageName.CONSENT: Purpose.RIGHTS,
    MessageName.ENFORCEMENT: Purpose.ENFORCEMENT,
    MessageName.REVIEW: Purpose.SENTENCE_PLAN,
    MessageName.EVALUATION: Purpose.SENTENCE_PLAN,
    MessageName.EXCEPTION: Purpose.CASE_ADMINISTRATION,
    MessageName.CORRECTION: Purpose.RIGHTS,
    MessageName.RECEIPT: Purpose.CASE_ADMINISTRATION,
}


def purpose_of(message: MessageName) -> Purpose:
    """Return the purpose for which a message of this type is disclosed."""
    return PURPOSES[message]
