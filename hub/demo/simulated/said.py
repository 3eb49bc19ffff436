"""What people say in a simulated case, each saying one step in the diary; the demonstration has the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.demo.chapters.continuity import handed_over
from hub.demo.chapters.custody import supervision_ended
from hub.demo.chapters.opening import PRISON_CODES, appointment
from hub.demo.organisations import DEBT
from hub.messages.envelope import MessageName, Role, Statement
from hub.messages.identifiers import OrganisationId

if TYPE_CHECKING:
    from hub.demo.chapters.opening import Team
    from hub.demo.day import Staff, Step
    from hub.demo.people import Person
    from hub.demo.simulated.diary import Diary

ATTENDANCE = {"ATTENDED": 86, "ACCEPTABLE_ABSENCE": 8, "UNACCEPTABLE_ABSENCE": 6}
ENGAGEMENT = {"GOOD": 50, "FAIR": 38, "POOR": 12}
AFFECTED = ("ACCOMMODATION", "LIFESTYLE_ASSOCIATES", "DEPENDENCY_RECOVERY", "FINANCE_BENEFIT_DEBT")
REFUSED = "refused/"
"""The likeness of what the hub is meant to refuse begins so."""


def assessed(diary: Diary, person: Person, manager: Staff) -> None:
    """Let the Offender Manager send the assessment."""
    diary.tell(
        f"{person.key}/assessment",
        "The Offender Manager sends an assessment",
        author=manager,
        message=MessageName.ASSESSMENT,
        statement=Statement.OPINION,
        data={
            "assessment": diary.token(),
            "kind": "OASYS",
            "as_at": diary.date(-2),
            "made_by_role": "offender_manager",
            "needs": [
                {"need": need, "severity": diary.weighed({"SOME": 2, "SEVERE": 1}), "linked_to_harm": False}
                for need in ("DRUGS", "ACCOMMODATION", "THINKING_BEHAVIOUR", "FINANCE", "RELATIONSHIPS")
            ],
            "rosh_level": diary.weighed({"LOW": 4, "MEDIUM": 5, "HIGH": 1}),
            "rosh_summary": diary.note(sentences=3),
            "likelihood_band": diary.weighed({"LOW": 3, "MEDIUM": 4, "HIGH": 3}),
            "offence_analysis": diary.note(sentences=4),
            "strengths": diary.note(sentences=1),
        },
    )


def consented(diary: Diary, person: Person, manager: Staff) -> str:
    """Let the person consent to being referred to the charity; returns the consent's name."""
    consent = diary.token()
    diary.tell(
        f"{person.key}/consent",
        "The person consents to being referred to the charity",
        author=manager,
        message=MessageName.CONSENT,
        data={
            "consent": consent,
            "action": "GIVEN",
            "organisations": [DEBT],
            "classes": ["identity", "contact", "plan_objective", "progress"],
            "purposes": ["referral", "progress", "sentence_plan"],
            "from": diary.instant(days=0),
            "until": diary.instant(days=180),
            "recorded_how": "SIGNED_FORM",
        },
    )
    return consent


def withdrew(diary: Diary, person: Person, manager: Staff, consent: str) -> None:
    """Let the person take the consent back."""
    diary.tell(
        f"{person.key}/consent-withdrawn",
        "The person withdraws the consent",
        author=manager,
        message=MessageName.CONSENT,
        data={
            "consent": consent,
            "action": "WITHDRAWN",
            "organisations": [DEBT],
            "from": diary.instant(days=0),
            "recorded_how": "SIGNED_FORM",
        },
    )


def declined(diary: Diary, person: Person, offer: Step) -> None:
    """Let the provider decline the offer."""
    provider = OrganisationId(str(offer.data["provider"]))
    diary.tell(
        f"{person.key}/decline",
        "The provider declines the referral",
        author=diary.staff(provider, Role.KEY_WORKER),
        message=MessageName.REFERRAL,
        data={
            "referral": offer.data["referral"],
            "action": "DECLINE",
            "provider": provider,
            "note": diary.note(sentences=1),
        },
    )


def moved(diary: Diary, person: Person, worker: Staff, referral: str, action: str) -> None:
    """Let the Key Worker start the intervention, or complete it."""
    diary.tell(
        f"{person.key}/{action.lower()}",
        "The Key Worker moves the referral on",
        author=worker,
        message=MessageName.REFERRAL,
        data={"referral": referral, "action": action, "note": diary.note(sentences=1)},
    )


def session(diary: Diary, person: Person, worker: Staff, referral: str, *, next_in: int | None) -> None:
    """Let the Key Worker report a session, and say in how many days the next one is, if there is one."""
    attendance = diary.weighed(ATTENDANCE)
    came = attendance == "ATTENDED"
    data: dict[str, object] = {
        "referral": referral,
        "kind": "SESSION",
        "session_at": diary.instant(days=0, minutes=-30),
        "attendance": attendance,
        "note": diary.note(sentences=diary.between(2, 5)),
        "next_session_at": None if next_in is None else diary.instant(days=next_in, minutes=-30),
        "affects": diary.some(AFFECTED, 1 if diary.happens(0.3) else 0),
    }
    data |= (
        {"engagement": diary.weighed(ENGAGEMENT)} if came else {"attendance_reason": diary.note(sentences=1)}
    )
    if diary.happens(0.1):
        data["health_note"] = diary.note(sentences=1)
    diary.tell(
        f"{person.key}/session",
        "The Key Worker reports a session",
        author=worker,
        message=MessageName.PROGRESS,
        data=data,
    )


def arranged(
    diary: Diary, person: Person, administrator: Staff, referral: str, provider: str, *, days: int
) -> None:
    """Let the Case Administrator confirm the next session as an appointment at the provider."""
    diary.tell(
        f"{person.key}/appointment",
        "The Case Administrator arranges an appointment",
        author=administrator,
        message=MessageName.APPOINTMENT,
        data={
            "appointment": diary.token(),
            "action": "ARRANGED",
            "referral": referral,
            "kind": "OFFICE_VISIT",
            "at": diary.instant(days=days, minutes=-30),
            "place": diary.words("Invented office of the provider"),
            "with_organisation": provider,
            "non_discretionary": False,
        },
    )


def plan_by_another(diary: Diary, person: Person, administrator: Staff) -> None:
    """Let somebody try to change the plan who may not."""
    diary.tell(
        f"{person.key}/plan-by-another",
        "The Case Administrator tries to change the plan; only the Offender Manager may",
        likeness=f"{REFUSED}plan-by-another",
        author=administrator,
        message=MessageName.PLAN,
        data={"version": 1, "change_summary": diary.words("A change not to be")},
    )


def reviewed(diary: Diary, person: Person, manager: Staff, *, changes: bool) -> None:
    """Let the review of the plan be held."""
    diary.tell(
        f"{person.key}/review",
        "The review of the plan is held",
        author=manager,
        message=MessageName.REVIEW,
        data={
            "review": diary.token(),
            "action": "HELD",
            "kind": "PLAN_REVIEW",
            "at": diary.instant(days=0),
            "outcome": "PLAN_CHANGED" if changes else "PLAN_CONTINUES",
            "note": diary.note(sentences=3),
        },
    )


def risk_raised(diary: Diary, person: Person, manager: Staff) -> None:
    """Let the Offender Manager raise the level of risk of serious harm."""
    diary.tell(
        f"{person.key}/rosh",
        "The Offender Manager raises the risk of serious harm",
        author=manager,
        message=MessageName.RISK_CHANGE,
        statement=Statement.OPINION,
        data={
            "kind": "ROSH",
            "urgency": "SAME_DAY",
            "observed_at": diary.instant(days=0),
            "observed_by_role": "offender_manager",
            "rosh_level": "HIGH",
            "rosh_previous": "MEDIUM",
            "at_risk": ["PUBLIC"],
            "summary": diary.note(sentences=3),
            "staff_safety": diary.words("Two of you at every contact"),
        },
    )


def factor(diary: Diary, person: Person, worker: Staff) -> None:
    """Let a Key Worker report a risk factor that has grown."""
    diary.tell(
        f"{person.key}/factor",
        "A Key Worker reports a risk factor that has grown",
        author=worker,
        message=MessageName.RISK_CHANGE,
        statement=Statement.OPINION,
        data={
            "kind": "FACTOR",
            "urgency": "ROUTINE",
            "observed_at": diary.instant(days=0),
            "observed_by_role": "key_worker",
            "factor": diary.words("Sees former associates again"),
            "factor_change": "INCREASED",
            "summary": diary.note(sentences=2),
        },
    )


def transferred(diary: Diary, person: Person, team: Team, incoming: Staff) -> None:
    """Let a line manager transfer the case, with a handover (003 ¶4-5, ¶8)."""
    diary.tell(
        f"{person.key}/transfer",
        "A line manager transfers the case to another Offender Manager",
        author=team.line_manager,
        message=MessageName.TEAM_CHANGE,
        data={
            **handed_over(diary, team, incoming, name="New Offender Manager"),
            "authorised_by": team.line_manager.reference,
            "authorised_role": "line_manager",
            "note": diary.note(sentences=2),
        },
    )


def moved_prison(diary: Diary, person: Person, team: Team, left: str, to: OrganisationId) -> Team:
    """Let the prison move the person; returns the team with an Offender Supervisor in the new one."""
    diary.tell(
        f"{person.key}/moved",
        "The prison moves the person to another",
        author=team.in_unit,
        message=MessageName.PRISON_EVENT,
        data={
            "action": "TRANSFER",
            "status": "CONFIRMED",
            "at": diary.instant(days=0),
            "prison_from": PRISON_CODES[left],
            "prison_to": PRISON_CODES[to],
            "movement_reason": "INT",
            "distant": False,
            "noms_number": person.noms,
            "health_alert": diary.words("Invented alert for the receiving prison"),
        },
    )
    supervision_ended(diary, person, team, where="the prison")
    incoming = diary.staff(to, Role.OFFENDER_SUPERVISOR)
    diary.tell(
        f"{person.key}/supervisor-appointed",
        "An Offender Supervisor is appointed in the new prison",
        author=team.manager,
        message=MessageName.TEAM_CHANGE,
        data=appointment(diary, incoming, name="Offender Supervisor"),
    )
    unit = diary.staff(to, Role.OFFENDER_MANAGEMENT_UNIT)
    return replace(team, supervisor=incoming, unit=unit)


def released(diary: Diary, person: Person, team: Team, code: str) -> None:
    """Let the person leave prison; supervision there ends."""
    diary.tell(
        f"{person.key}/released",
        "The person leaves prison",
        author=team.in_unit,
        message=MessageName.PRISON_EVENT,
        data={
            "action": "RELEASE",
            "status": "CONFIRMED",
            "at": diary.instant(days=0),
            "prison_from": code,
            "movement_reason": "CR",
            "release_date": diary.date(0),
            "release_type": "AUTOMATIC_CONDITIONAL",
            "release_address": person.address,
            "release_postcode": person.postcode,
            "licence_conditions": [diary.words("Live where the Offender Manager approves")],
            "noms_number": person.noms,
        },
    )
    supervision_ended(diary, person, team, where="the prison")
