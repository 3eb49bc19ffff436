"""Chapter of Testo Fictional: a plan, a missed session, a concern, the risk it raises, and a threat.

000 "What is a Key Worker?"; 002 App. B, Key Worker and Offender Manager task lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.chapters import asks, community
from hub.demo.chapters.opening import accept, open_case, refer
from hub.demo.chapters.plans import Objective, distribute
from hub.demo.day import Door
from hub.messages.envelope import MessageName, Statement

if TYPE_CHECKING:
    from hub.demo.chapters.opening import Team
    from hub.demo.day import Day, Staff
    from hub.demo.people import Person


def add(day: Day, person: Person) -> None:
    """Add the chapter: two providers at different rungs, and news that concern both or one of them."""
    team = open_case(day, person, likeness="transferred")
    drugs = refer(day, person, team, name="recovery", asked=asks.recovery(day, person))
    worker = accept(day, person, drugs, name="recovery")
    homes = refer(day, person, team, name="housing", asked=asks.housing(day, person))
    landlord = accept(day, person, homes, name="housing")
    _planned(day, person, team, worker=worker, landlord=landlord)
    community.arrange(day, person, team, landlord, referral=str(homes.data["referral"]))
    _sessions(day, person, worker, referral=str(drugs.data["referral"]))
    community.enforce(day, person, team, worker, referral=str(drugs.data["referral"]))
    _concern(day, person, worker, referral=str(drugs.data["referral"]))
    _risk_raised(day, person, team)
    community.confirm(day, person, landlord, of=f"{person.key}/rosh")
    community.factor_reported(day, person, landlord)
    community.correct(day, person, worker, of=f"{person.key}/missed")
    community.threatened(day, person, team)


def _planned(day: Day, person: Person, team: Team, *, worker: Staff, landlord: Staff) -> None:
    objectives = (
        Objective(name="clean", title="Complete drug treatment", need="DRUGS", responsible=worker),
        Objective(name="home", title="Keep the tenancy", need="ACCOMMODATION", responsible=landlord),
        Objective(name="work", title="Look for work", need="EDUCATION_SKILLS_WORK", responsible=team.manager),
    )
    distribute(day, person, team.manager, objectives)


def _sessions(day: Day, person: Person, worker: Staff, *, referral: str) -> None:
    day.tell(
        f"{person.key}/session",
        "The drug service's Key Worker posts progress, on the service's own Kafka topic",
        author=worker,
        message=MessageName.PROGRESS,
        door=Door.KAFKA,
        data={
            "referral": referral,
            "kind": "SESSION",
            "session_at": day.instant(days=-1),
            "attendance": "ATTENDED",
            "engagement": "GOOD",
            "note": day.words("Third of eight sessions, went well"),
            "health_note": day.words("Invented change of medication"),
        },
    )
    day.tell(
        f"{person.key}/missed",
        "A missed session, which the housing provider should know of",
        author=worker,
        message=MessageName.PROGRESS,
        data={
            "referral": referral,
            "kind": "SESSION",
            "session_at": day.instant(days=0),
            "attendance": "UNACCEPTABLE_ABSENCE",
            "attendance_reason": day.words("Did not come and gave no reason"),
            "note": day.words("Telephoned twice, no answer"),
            "next_session_at": day.instant(days=3),
            "affects": ["ACCOMMODATION"],
        },
    )


def _concern(day: Day, person: Person, worker: Staff, *, referral: str) -> None:
    day.tell(
        f"{person.key}/concern",
        "The Key Worker is worried about harm, and says why",
        author=worker,
        message=MessageName.PROGRESS,
        statement=Statement.OPINION,
        data={
            "referral": referral,
            "kind": "CONCERN",
            "concern": day.words("Spoke of settling an old score"),
            "concern_about_harm": True,
            "note": day.words("Left the group early"),
            "health_note": day.words("Invented relapse"),
            "third_party_note": day.words("Invented remark about a sister"),
            "affects": ["ACCOMMODATION"],
        },
    )


def _risk_raised(day: Day, person: Person, team: Team) -> None:
    day.tell(
        f"{person.key}/rosh",
        "The Offender Manager raises the risk of serious harm from medium to high",
        author=team.manager,
        message=MessageName.RISK_CHANGE,
        statement=Statement.OPINION,
        follows=f"{person.key}/concern",
        data={
            "kind": "ROSH",
            "urgency": "IMMEDIATE",
            "observed_at": day.instant(days=0),
            "observed_by_role": "key_worker",
            "rosh_level": "HIGH",
            "rosh_previous": "MEDIUM",
            "at_risk": ["KNOWN_ADULT", "STAFF"],
            "factor": day.words("Grievance against one person"),
            "factor_change": "NEW",
            "summary": day.words("Risk assessment in the Offender Manager's words"),
            "staff_safety": day.words("Nobody sees this person alone"),
            "vulnerability_note": day.words("Invented self-harm history"),
            "victim_name": day.words("Victima Nobody"),
            "victim_contact": day.words("Invented way to reach the victim"),
            "third_party_name": day.words("Sistera Nobody"),
            "intelligence": day.words("Invented intelligence report"),
        },
    )
