"""What the hub reports by exception: a sentence for every code (R-ADM-01, R-ADM-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.cases import team_reports

if TYPE_CHECKING:
    from collections.abc import Mapping

CASE_WITHOUT_OM = "CASE-WITHOUT-OM"
TIER_4_SPLIT = "TIER-4-SPLIT"
OM_GRADE_BELOW_TIER = "OM-GRADE-BELOW-TIER"
OM_SECOND_TRANSFER = "OM-SECOND-TRANSFER"
OM_TRANSFER_WITHOUT_HANDOVER = "OM-TRANSFER-WITHOUT-HANDOVER"
REFERRAL_NO_ANSWER = "REFERRAL-NO-ANSWER"
MISSED_SESSION = "MISSED-SESSION"
ROSH_INTO_HIGH = "ROSH-INTO-HIGH"
ROSH_OUT_OF_HIGH = "ROSH-OUT-OF-HIGH"
DISTANT_CUSTODY = "DISTANT-CUSTODY"
ASSESSMENT_NOT_BY_OM = "ASSESSMENT-NOT-BY-OM"
CONSENT_EXPIRED = "CONSENT-EXPIRED"
RESTRICTION_EXPIRED = "RESTRICTION-EXPIRED"
GRANT_EXPIRED = "GRANT-EXPIRED"
OVERRIDE_LAPSED = "OVERRIDE-LAPSED"
BREAK_GLASS_USED = "BREAK-GLASS-USED"
BREAK_GLASS_NOT_REVIEWED = "BREAK-GLASS-NOT-REVIEWED"
DELIVERY_PARKED = "DELIVERY-PARKED"
YOUR_DELIVERY_PARKED = "YOUR-DELIVERY-PARKED"
SAFETY_PARKED = "SAFETY-DELIVERY-PARKED"
NOT_ACKNOWLEDGED = "NOT-ACKNOWLEDGED"
DISCLOSURE_NOTICE = "DISCLOSURE-NOTICE"
NOT_DISCLOSABLE = "OBLIGATION-UNSUPPORTED"

FOR_LINE_MANAGER = frozenset(
    {
        CASE_WITHOUT_OM,
        ROSH_INTO_HIGH,
        ROSH_OUT_OF_HIGH,
        OVERRIDE_LAPSED,
        BREAK_GLASS_USED,
        BREAK_GLASS_NOT_REVIEWED,
        *team_reports.FOR_LINE_MANAGER,
    }
)
"""Who should hold the case, and what is opened beyond the rules, is the line manager's, too (003 ¶5, ¶7)."""
FOR_SOME_LINE_MANAGER = frozenset({OVERRIDE_LAPSED, BREAK_GLASS_USED, BREAK_GLASS_NOT_REVIEWED})
"""These reach whoever is line manager where the case is managed, if the case names none."""

URGENT = frozenset({SAFETY_PARKED, NOT_ACKNOWLEDGED, NOT_DISCLOSABLE})
"""Somebody may not know what safety can hang on: these may overtake."""

DETAILS: Mapping[str, str] = {
    CASE_WITHOUT_OM: "The case has no Offender Manager. Appoint one.",
    TIER_4_SPLIT: "Offender Manager and Offender Supervisor are two people in a tier 4 case. "
    "Fragmentation is a risk here: confirm the reason, or let one person hold both roles.",
    OM_GRADE_BELOW_TIER: "The Offender Manager's grade is below what the tier asks for. "
    "A Probation Officer should hold a case in tier 3 or 4.",
    OM_SECOND_TRANSFER: "The Offender Manager has changed more than once in this period of engagement. "
    "Continuity has priority for somebody who has been through a transfer.",
    OM_TRANSFER_WITHOUT_HANDOVER: "The Offender Manager was transferred without a handover period. "
    "Agree a handover, a meeting with the person and a review case conference.",
    REFERRAL_NO_ANSWER: "The provider has not answered the referral in its time. "
    "Ask the provider, or withdraw the referral and make another.",
    MISSED_SESSION: "A session was missed without an acceptable reason. Decide what follows.",
    ROSH_INTO_HIGH: "Risk of serious harm has risen to high or very high. "
    "Decide who should hold the case, a Probation Officer or a Probation Service Officer, "
    "without breaking continuity.",
    ROSH_OUT_OF_HIGH: "Risk of serious harm is no longer high or very high. "
    "Decide who should hold the case, without breaking continuity.",
    DISTANT_CUSTODY: "The person is held too far away for the Offender Manager to supervise in person. "
    "Decide whether an Offender Supervisor is needed in the prison.",
    ASSESSMENT_NOT_BY_OM: "An assessment was made by somebody other than the Offender Manager.",
    CONSENT_EXPIRED: "A consent of the person has ended. Ask again if sharing should go on.",
    RESTRICTION_EXPIRED: "A restriction has ended with its date. Renew it if it is still needed.",
    GRANT_EXPIRED: "An order of a court or an override has ended with its date. Nothing goes on it any more. "
    "If it is still needed, have it decided anew.",
    OVERRIDE_LAPSED: "An override was asked for and nobody agreed to it in its time. "
    "It never opened anything. Ask anew if it is still needed.",
    BREAK_GLASS_USED: "Somebody has opened information on this case in an emergency, before another agreed. "
    "It ends by itself. Another person has to review it before it does.",
    BREAK_GLASS_NOT_REVIEWED: "Information was opened in an emergency, and nobody has reviewed it in time. "
    "It has ended. Review it now.",
    DELIVERY_PARKED: "Somebody on this case was not sent a message: the contract with their organisation no "
    "longer serves it. Tell them in another way; the hub's operator agrees the contract anew.",
    NOT_ACKNOWLEDGED: "Somebody on this case has not acknowledged what they were sent in its time. "
    "Make sure in another way that they know.",
    DISCLOSURE_NOTICE: "Something of this case was disclosed on a ground of which you are told each time. "
    "Look at it, and hold back what should not go on.",
    NOT_DISCLOSABLE: "Somebody on this case was not told all they might know, because what comes with it "
    "cannot be performed by way of the hub. Tell them in another way.",
    SAFETY_PARKED: "Somebody on this case was not sent a message on which safety may hang: the contract with "
    "their organisation no longer serves it. Tell them now, in another way.",
    YOUR_DELIVERY_PARKED: "A message about this case was kept back: your contract on messages of its kind no "
    "longer serves you. Ask the Offender Manager what it says, and agree the contract that follows.",
    **team_reports.DETAILS,
}
"""What each code says to whoever attends to it; it never contains anything from a message."""
