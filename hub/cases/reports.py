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
REFERRAL_NOT_TOLD = "REFERRAL-NOT-TOLD"
MISSED_SESSION = "MISSED-SESSION"
ROSH_INTO_HIGH = "ROSH-INTO-HIGH"
ROSH_OUT_OF_HIGH = "ROSH-OUT-OF-HIGH"
DISTANT_CUSTODY = "DISTANT-CUSTODY"
PRISON_NOT_REACHED = "PRISON-NOT-REACHED"
SUPERVISOR_LEFT_BEHIND = "SUPERVISOR-LEFT-BEHIND"
MOVEMENT_NOT_CONFIRMED = "MOVEMENT-NOT-CONFIRMED"
MOVEMENT_TAKEN_BACK = "MOVEMENT-TAKEN-BACK"
CUSTODY_CLAIMED = "CUSTODY-CLAIMED"
CLAIM_BORNE_OUT = "CUSTODY-CLAIM-BORNE-OUT"
DEATH_REPORTED = "DEATH-REPORTED"
REFERRALS_ON_RELEASE = "REFERRALS-ON-RELEASE"
REFERRALS_BETWEEN_PRISONS = "REFERRALS-BETWEEN-PRISONS"
REFERRALS_INTO_CUSTODY = "REFERRALS-INTO-CUSTODY"
NUMBER_CHANGED = "NUMBER-CHANGED"
NUMBER_TAKEN_BACK = "NUMBER-TAKEN-BACK"
RESTRICTION_CORRECTED = "RESTRICTION-CORRECTED"
REFERRAL_CORRECTED = "REFERRAL-CORRECTED"
CORRECTION_CORRECTED = "CORRECTION-CORRECTED"
CASES_MERGED = "CASES-MERGED"
CASES_UNMERGED = "CASES-UNMERGED"
ASSESSMENT_NOT_BY_OM = "ASSESSMENT-NOT-BY-OM"
ASSESSMENT_MISSING = "ASSESSMENT-MISSING"
SUPERVISOR_AS_MANAGER = "OS-ACTING-AS-OM"
PLAN_WITHOUT_ASSESSMENT = "PLAN-WITHOUT-ASSESSMENT"
OBJECTIVE_WITHOUT_NEED = "OBJECTIVE-WITHOUT-NEED"
AT_ODDS = "AT-ODDS-WITH-ASSESSMENT"
NON_COMPLIANCE = "NON-COMPLIANCE"
SESSION_NOT_REPORTED = "SESSION-NOT-REPORTED"
APPOINTMENT_NOT_REPORTED = "APPOINTMENT-NOT-REPORTED"
REVIEW_NOT_HELD = "REVIEW-NOT-HELD"
ENFORCEMENT_UNDECIDED = "ENFORCEMENT-UNDECIDED"
NOT_EVALUATED = "PROVIDER-NOT-EVALUATED"
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
ESCALATED = "NOT-ACKNOWLEDGED-ESCALATED"
NOT_COLLECTED = "SAFETY-DELIVERY-NOT-COLLECTED"
EXPIRED = "DELIVERY-EXPIRED"
YOUR_MESSAGE_EXPIRED = "YOUR-MESSAGE-EXPIRED"
DISCLOSURE_NOTICE = "DISCLOSURE-NOTICE"
NOT_DISCLOSABLE = "OBLIGATION-UNSUPPORTED"
SCOPE_AT_ODDS = "SCOPE-AT-ODDS"
TIER_BELOW_FACTORS = "TIER-BELOW-FACTORS"
TIER_RULES_OTHER = "TIER-RULES-OTHER"
REPORT_WITHOUT_LIKELY_TIER = "REPORT-WITHOUT-LIKELY-TIER"
JURISDICTION_MOVED = "JURISDICTION-MOVED"
CORE_SCREEN_OVERDUE = "CORE-SCREEN-OVERDUE"
ICM_ROUTE_OPEN = "ICM-ROUTE-OPEN"
ICM_FAMILY_TO_CONTACT = "ICM-FAMILY-TO-CONTACT"
ICM_FAMILY_CONSENT_TO_ASK = "ICM-FAMILY-CONSENT-TO-ASK"
CONFERENCE_DUE = "CASE-CONFERENCE-DUE"
CONFERENCE_OVERDUE = "CASE-CONFERENCE-OVERDUE"
NOT_GIVEN_AGAIN = "JOINER-NOT-GIVEN"

FOR_LINE_MANAGER = frozenset(
    {
        CASE_WITHOUT_OM,
        ROSH_INTO_HIGH,
        ROSH_OUT_OF_HIGH,
        SUPERVISOR_AS_MANAGER,
        OVERRIDE_LAPSED,
        BREAK_GLASS_USED,
        BREAK_GLASS_NOT_REVIEWED,
        *team_reports.FOR_LINE_MANAGER,
    }
)
"""Who should hold the case, and what is opened beyond the rules, is the line manager's, too (003 ¶5, ¶7)."""
FOR_SOME_LINE_MANAGER = frozenset({OVERRIDE_LAPSED, BREAK_GLASS_USED, BREAK_GLASS_NOT_REVIEWED})
"""These reach whoever is line manager where the case is managed, if the case names none."""

URGENT = frozenset(
    {
        SAFETY_PARKED,
        NOT_ACKNOWLEDGED,
        ESCALATED,
        NOT_COLLECTED,
        AT_ODDS,
        NOT_DISCLOSABLE,
        NOT_GIVEN_AGAIN,
        CUSTODY_CLAIMED,
    }
)
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
    "Agree a meeting with the person and a review case conference (003 ¶8), and say in a HANDOVER message "
    "when they are.",
    REFERRAL_NO_ANSWER: "The provider has not answered the referral in its time. "
    "Ask the provider, or withdraw the referral and make another.",
    REFERRAL_NOT_TOLD: "A referral was offered, and its provider may not be told of it as things stand: it "
    "knows nothing of it. Record what is missing, then withdraw the referral and offer it anew.",
    MISSED_SESSION: "A session was missed without an acceptable reason. Decide what follows.",
    ROSH_INTO_HIGH: "Risk of serious harm has risen to high or very high. "
    "Decide who should hold the case, a Probation Officer or a Probation Service Officer, "
    "without breaking continuity.",
    ROSH_OUT_OF_HIGH: "Risk of serious harm is no longer high or very high. "
    "Decide who should hold the case, without breaking continuity.",
    DISTANT_CUSTODY: "The person is held too far away for the Offender Manager to supervise in person. "
    "Decide whether an Offender Supervisor is needed in the prison.",
    PRISON_NOT_REACHED: "The person has come into a prison that takes no part in the hub: nobody there "
    "is told anything by it. Check the code of the prison, or tell its Offender Management Unit in another "
    "way (004).",
    SCOPE_AT_ODDS: "What the case says on being in scope is not what the scope rule in force says of its "
    "facts. Look at sentence, age and risk, and state the scope anew if it was wrong.",
    TIER_BELOW_FACTORS: "The case is in a lower tier than the factors given for it ask for. "
    "Confirm the judgement, or allocate the case anew.",
    TIER_RULES_OTHER: "The tier was reached by other tiering rules than those in force. "
    "Look whether the case is in the right tier by them.",
    REPORT_WITHOUT_LIKELY_TIER: "A standard delivery report was asked for, and no likely tier is stated. "
    "State the likely tier, so that the report goes to the Offender Manager who will keep the case.",
    JURISDICTION_MOVED: "The case has moved to another jurisdiction. Its history stays with it; from now on "
    "the rules there hold. Look at team, tier and scope.",
    CORE_SCREEN_OVERDUE: "The Core Screen has not been held in its time after reception. "
    "See to it that it is, or record that the person does not take part.",
    ICM_ROUTE_OPEN: "The Core Screen has been held, and no route is stated. "
    "State whether the case goes the standard or the enhanced route, and tell the person.",
    ICM_FAMILY_TO_CONTACT: "The case is on the enhanced route, and the person agrees to family or a friend "
    "being involved. The Offender Manager contacts them.",
    ICM_FAMILY_CONSENT_TO_ASK: "The case is on the enhanced route. Family or a friend is contacted only if "
    "the person agrees, and no consent is recorded. Ask for it.",
    CONFERENCE_DUE: "A case conference is due. Convene it.",
    CONFERENCE_OVERDUE: "A case conference has not been held in its time. Hold it, or say why not.",
    SUPERVISOR_LEFT_BEHIND: "The person has left the prison of their Offender Supervisor. "
    "End that role, and decide who supervises where the person is now (002 3.24a).",
    MOVEMENT_NOT_CONFIRMED: "A movement of the person was expected, and nobody has confirmed it. "
    "Ask the prison where the person is before anything is done because of it.",
    MOVEMENT_TAKEN_BACK: "A movement that had been told as having happened was wrong and is taken back. "
    "Undo what was done because of it.",
    CUSTODY_CLAIMED: "A prison says that the person is, or was, with it, and nobody else says so, or says so "
    "any more. A word that nobody has borne out has moved nobody. Ask where the person is, and say so as a "
    "prison event; the word of the prison left or of the prison service does it, too (decision 0010; "
    "002 3.24a).",
    CLAIM_BORNE_OUT: "What a prison had said of the person's custody is borne out by another's word now, and "
    "counts from the moment it happened.",
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
    NUMBER_TAKEN_BACK: "The prison number the case had was wrong and is taken back. "
    "Events of the prison system by it no longer find the case, and the movements they told are taken back: "
    "state the right number.",
    RESTRICTION_CORRECTED: "A restriction was recorded wrongly. It goes on holding back what it held back, "
    "and nobody is let in by it: lift it, or state it anew under its reference.",
    REFERRAL_CORRECTED: "A referral was recorded wrongly. As far as it was wrong, nothing goes to its "
    "provider on it any more: look how it stands, and make it anew where it is needed.",
    CORRECTION_CORRECTED: "A correction, or word that a movement was wrong, was itself corrected. Nothing "
    "comes back by that: look at what it took back, and have what holds stated anew (decision 0011).",
    CASES_MERGED: "Another case was found to be of the same person and is carried on as this one. Review "
    "what was disclosed on either; state anew on this case what was held back on the other.",
    CASES_UNMERGED: "A case that was carried on as this one is of somebody else. Review what was disclosed "
    "since the two were merged, and correct what was about the other person.",
    ASSESSMENT_NOT_BY_OM: "An assessment was made by somebody other than the Offender Manager.",
    ASSESSMENT_MISSING: "The case has not been assessed in its time. "
    "The Offender Manager makes the assessment (002 App. B; 004).",
    SUPERVISOR_AS_MANAGER: "An Offender Supervisor does what is the Offender Manager's part. "
    "The Offender Manager assesses, plans and drives the case (002 App. B; 004): settle who does what.",
    PLAN_WITHOUT_ASSESSMENT: "A Sentence Plan was made without an assessment of the case. "
    "The plan follows from the assessment, not from the activities there are (004).",
    OBJECTIVE_WITHOUT_NEED: "The Sentence Plan has an objective that no assessed need stands behind. "
    "Name the need it answers, or assess anew (004).",
    AT_ODDS: "What was reported is at odds with the assessment the case is managed on. "
    "Look at it, and re-assess if it holds (002 App. B).",
    NON_COMPLIANCE: "Non-compliance was reported. The Offender Manager decides what follows (002 App. B).",
    SESSION_NOT_REPORTED: "A session was to take place, and nobody has said in time whether it did. "
    "Ask whoever was to hold it.",
    APPOINTMENT_NOT_REPORTED: "An appointment was arranged, and nobody has said in time whether it was kept. "
    "Ask whoever was to hold it.",
    REVIEW_NOT_HELD: "A review of the case has not been held in its time. Convene the team (002 App. B).",
    ENFORCEMENT_UNDECIDED: "Non-compliance was reported for enforcement, and nothing was decided in time. "
    "The Offender Manager decides (002 App. B).",
    NOT_EVALUATED: "The case is over, and a provider has no feedback on its work. "
    "Evaluate it, so that its service manager learns of it (002 App. B).",
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
    ESCALATED: "Somebody on this case has still not acknowledged an alert. "
    "See to it that they know, or act for them, and acknowledge this report.",
    NOT_COLLECTED: "Somebody on this case has not taken in a message on which safety may hang: it does not "
    "reach them, or they have not acknowledged it. The hub still has it for them. "
    "Tell them now, in another way.",
    EXPIRED: "Somebody on this case did not collect a message in its time, and it waits for them no longer. "
    "Make sure in another way that they know.",
    YOUR_MESSAGE_EXPIRED: "The Offender Manager did not collect a message of yours in its time, and it waits "
    "for them no longer. Tell them in another way.",
    DISCLOSURE_NOTICE: "Something of this case was disclosed on a ground of which you are told each time. "
    "Look at it, and hold back what should not go on.",
    NOT_DISCLOSABLE: "Somebody on this case was not told all they might know, because what comes with it "
    "cannot be performed by way of the hub. Tell them in another way.",
    NOT_GIVEN_AGAIN: "Somebody who has joined could not be given what was said of this case before: the hub "
    "can no longer read it. Tell them in another way, or say it again.",
    SAFETY_PARKED: "Somebody on this case was not sent a message on which safety may hang: the contract with "
    "their organisation no longer serves it. Tell them now, in another way.",
    YOUR_DELIVERY_PARKED: "A message about this case was kept back: your contract on messages of its kind no "
    "longer serves you. Ask the Offender Manager what it says, and agree the contract that follows.",
    **team_reports.DETAILS,
}
"""What each code says to whoever attends to it; it never contains anything from a message."""
