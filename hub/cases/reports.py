"""What the hub reports by exception: a sentence for every code (R-ADM-01, R-ADM-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
SUPERVISOR_LEFT_BEHIND = "SUPERVISOR-LEFT-BEHIND"
MOVEMENT_NOT_CONFIRMED = "MOVEMENT-NOT-CONFIRMED"
MOVEMENT_TAKEN_BACK = "MOVEMENT-TAKEN-BACK"
DEATH_REPORTED = "DEATH-REPORTED"
REFERRALS_ON_RELEASE = "REFERRALS-ON-RELEASE"
REFERRALS_BETWEEN_PRISONS = "REFERRALS-BETWEEN-PRISONS"
REFERRALS_INTO_CUSTODY = "REFERRALS-INTO-CUSTODY"
NUMBER_CHANGED = "NUMBER-CHANGED"
CASES_MERGED = "CASES-MERGED"
CASES_UNMERGED = "CASES-UNMERGED"
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
    SUPERVISOR_LEFT_BEHIND: "The person has left the prison of their Offender Supervisor. "
    "End that role, and decide who supervises where the person is now (002 3.24a).",
    MOVEMENT_NOT_CONFIRMED: "A movement of the person was expected, and nobody has confirmed it. "
    "Ask the prison where the person is before anything is done because of it.",
    MOVEMENT_TAKEN_BACK: "A movement that had been told as having happened was wrong and is taken back. "
    "Undo what was done because of it.",
    DEATH_REPORTED: "The prison has confirmed the person's death. Every open referral has ended. "
    "Close the case when nothing more is to be said on it.",
    REFERRALS_ON_RELEASE: "The person has left custody with referrals open. Decide for each whether it goes "
    "on in the community, passes to another provider, or ends (002 3.33, 3.39).",
    REFERRALS_BETWEEN_PRISONS: "The person was moved to another prison with referrals open. Decide for each "
    "whether it can go on there, passes to another provider, or ends (002 3.33, 3.39).",
    REFERRALS_INTO_CUSTODY: "The person has been taken into custody with referrals open. Decide for each "
    "whether it goes on in custody, waits, or ends (002 3.33, 3.39).",
    NUMBER_CHANGED: "The person's prison number has changed: records were merged in prison, or it was wrong. "
    "Review what was disclosed before; if the hub has another case of this person, have the two merged.",
    CASES_MERGED: "Another case was found to be of the same person and is carried on as this one. Review "
    "what was disclosed on either; state anew on this case what was held back on the other.",
    CASES_UNMERGED: "A case that was carried on as this one is of somebody else. Review what was disclosed "
    "since the two were merged, and correct what was about the other person.",
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
}
"""What each code says to the Offender Manager; it never contains anything from a message."""
