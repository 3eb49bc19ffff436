"""What is reported of team, plan, referrals and continuity: a code, a sentence, its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SPLIT_UNEXPLAINED = "SPLIT-UNEXPLAINED"
PLAN_NOT_ACKNOWLEDGED = "PLAN-NOT-ACKNOWLEDGED"
HANDOVER_MEETING_NOT_HELD = "HANDOVER-MEETING-NOT-HELD"
TRANSFER_CONFERENCE_NOT_HELD = "TRANSFER-CONFERENCE-NOT-HELD"
DISCONTINUITY_CUSTODY = "DISCONTINUITY-CUSTODY"
DISCONTINUITY_REQUIREMENT = "DISCONTINUITY-REQUIREMENT"
OM_CHANGED_WITH_STATUS = "OM-CHANGED-WITH-STATUS"
REFERRAL_ENDED_EARLY = "REFERRAL-ENDED-EARLY"
SEQUENCE_PREREQUISITE = "SEQUENCE-PREREQUISITE"
SEQUENCE_SETTING = "SEQUENCE-SETTING"
DISPOSE = "DISPOSE"

FOR_LINE_MANAGER = frozenset({DISCONTINUITY_CUSTODY, DISCONTINUITY_REQUIREMENT, OM_CHANGED_WITH_STATUS})
"""Continuity is a matter of how the work is organised: the line manager's (003 ¶3, ¶5)."""

DETAILS: Mapping[str, str] = {
    SPLIT_UNEXPLAINED: "Offender Manager and Offender Supervisor are two people, and nobody has said "
    "why. Only distant custody, an intensive programme or acute capacity is a reason (002 3.24). "
    "Appoint again with the reason, or let one person hold both roles.",
    PLAN_NOT_ACKNOWLEDGED: "Not everybody on the team has acknowledged the current version of the "
    "Sentence Plan (002 3.54). Make sure in another way that they work to it.",
    HANDOVER_MEETING_NOT_HELD: "The case has a new Offender Manager, and nobody has said that the "
    "handover meeting with the person was held (003 ¶8). Hold it, and say so in a HANDOVER message "
    "that gives handover_meeting_at.",
    TRANSFER_CONFERENCE_NOT_HELD: "The case has a new Offender Manager, and no review case conference "
    "has followed (003 ¶8). Convene one.",
    DISCONTINUITY_CUSTODY: "The Offender Manager has changed close to a reception or release. "
    "Separate teams before and after release break up the management of a sentence (003 ¶3). "
    "Confirm that it is for the sake of this case.",
    DISCONTINUITY_REQUIREMENT: "The Offender Manager has changed with a requirement of the sentence, "
    "or is of the team that delivers one requirement of several. A team for one requirement breaks "
    "up the management of the sentence (003 ¶3). Confirm that it is for the sake of this case.",
    OM_CHANGED_WITH_STATUS: "The Offender Manager has changed close to a new sentence, or a change of "
    "priority or risk status. None of these ends the work of an Offender Manager (003 ¶6). Confirm "
    "that it is for the sake of this case.",
    REFERRAL_ENDED_EARLY: "An intervention has ended without being completed. Decide what takes its "
    "place in the Sentence Plan (002 3.19).",
    SEQUENCE_PREREQUISITE: "The intervention was offered before one that naturally comes first (002 "
    "3.33). Check the sequence of the Sentence Plan.",
    SEQUENCE_SETTING: "The intervention suits another setting better than the one the person is in: "
    "some are better delivered in custody, some in the community (002 3.33, 3.39). Check the "
    "sequence of the Sentence Plan.",
    DISPOSE: "You have no part in this case any more. Dispose of what you hold of it, but for what the "
    "law or your contract has you keep (002 App. B, Case Administrator).",
}
"""What each code says; it never contains anything from a message."""
