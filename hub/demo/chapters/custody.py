"""Chapters of Mockford Imaginary and Dummy Pretend: a move between prisons, a release whose date moves.

002 3.24a (distant custody); 004 (one hub within the establishment, public protection included).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.chapters import asks
from hub.demo.chapters.opening import PRISON_CODES, accept, appointment, open_case, refer
from hub.demo.organisations import LEEDS
from hub.messages.envelope import MessageName, Role

if TYPE_CHECKING:
    from hub.demo.chapters.opening import Team
    from hub.demo.day import Day, Staff
    from hub.demo.people import Person

RELEASE_DATED = "A provisional release date is set"


def add_transfer(day: Day, person: Person) -> None:
    """Add the MAPPA case: its category and level become known, then prison, supervisor and level change."""
    team = open_case(day, person, likeness="moved")
    day.tell(
        f"{person.key}/mappa",
        "The Offender Manager records MAPPA category 2, level 2, very high risk",
        author=team.manager,
        message=MessageName.RISK_CHANGE,
        data={
            "kind": "MAPPA",
            "urgency": "SAME_DAY",
            "observed_at": day.instant(days=0),
            "observed_by_role": "offender_manager",
            "rosh_level": "VERY_HIGH",
            "mappa_category": 2,
            "mappa_level": 2,
            "at_risk": ["PUBLIC", "STAFF"],
            "summary": day.words("Why the level was set"),
            "staff_safety": day.words("Two officers at every contact"),
            "victim_name": day.words("Victoria Nobody"),
        },
    )
    day.tell(
        f"{person.key}/transfer",
        "The prison moves the person from Moorland to Leeds",
        author=team.in_unit,
        message=MessageName.PRISON_EVENT,
        data={
            "action": "TRANSFER",
            "status": "CONFIRMED",
            "at": day.instant(days=0),
            "prison_from": "MDI",
            "prison_to": "LEI",
            "movement_reason": "INT",
            "distant": True,
            "noms_number": person.noms,
            "booking": "12345V",
            "health_alert": day.words("Invented alert for the receiving prison"),
            "victim_conditions": day.words("No contact with an invented person"),
        },
    )
    _supervisor_changes(day, person, team)
    offer = refer(day, person, team, name="recovery", asked=asks.recovery(day, person))
    accept(day, person, offer, name="recovery")
    _alert(day, person, team)


def _supervisor_changes(day: Day, person: Person, team: Team) -> None:
    """Let supervision move with the person: one Offender Supervisor ends, another is appointed."""
    supervision_ended(day, person, team, where="Moorland")
    incoming = day.staff(LEEDS, Role.OFFENDER_SUPERVISOR)
    day.tell(
        f"{person.key}/supervisor-appointed",
        "An Offender Supervisor is appointed in Leeds",
        author=team.manager,
        message=MessageName.TEAM_CHANGE,
        data={
            **appointment(day, incoming, name="Offender Supervisor of the demonstration"),
            "reason": "DISTANT_CUSTODY",
        },
    )


def supervision_ended(day: Day, person: Person, team: Team, *, where: str) -> None:
    """Let the Offender Manager end supervision in the prison."""
    day.tell(
        f"{person.key}/supervisor-ends",
        f"The Offender Supervisor in {where} ends",
        author=team.manager,
        message=MessageName.TEAM_CHANGE,
        data={
            "action": "END",
            "role": "offender_supervisor",
            "organisation": team.in_prison.organisation,
            "person": team.in_prison.reference,
            "effective_at": day.instant(days=0),
        },
    )


def _alert(day: Day, person: Person, team: Team) -> None:
    """Raise the MAPPA level: a statutory disclosure, nobody's consent is asked (R-DIS-04)."""
    day.tell(
        f"{person.key}/alert",
        "The MAPPA level is raised to 3; the drug service is told without consent",
        author=team.manager,
        message=MessageName.RISK_CHANGE,
        data={
            "kind": "MAPPA",
            "urgency": "IMMEDIATE",
            "observed_at": day.instant(days=0),
            "observed_by_role": "offender_manager",
            "rosh_level": "VERY_HIGH",
            "mappa_category": 2,
            "mappa_level": 3,
            "at_risk": ["STAFF"],
            "summary": day.words("Why the level was raised"),
            "staff_safety": day.words("Never within reach, always two of you"),
            "victim_name": day.words("Victorine Nobody"),
        },
    )


def add_release(day: Day, person: Person) -> None:
    """Add the release: a provisional date, a changed one, and the day itself."""
    team = open_case(day, person)
    offer = refer(day, person, team, name="housing", asked=asks.housing(day, person))
    accept(day, person, offer, name="housing")
    unit = team.in_unit
    release_dated(day, person, unit, name="release-date", days=204, tale=RELEASE_DATED)
    release_dated(day, person, unit, name="release-moved", days=232, tale="The release date changes")
    day.tell(
        f"{person.key}/released",
        f"{person.name} leaves prison",
        author=team.in_unit,
        message=MessageName.PRISON_EVENT,
        data={
            "action": "RELEASE",
            "status": "CONFIRMED",
            "at": day.instant(days=0),
            "prison_from": "LEI",
            "movement_reason": "CR",
            "release_date": day.date(0),
            "release_type": "AUTOMATIC_CONDITIONAL",
            "release_address": person.address,
            "release_postcode": person.postcode,
            "licence_conditions": [day.words("Live where the Offender Manager approves")],
            "victim_conditions": day.words("Keep out of an invented street"),
            "health_alert": day.words("Invented prescription to go on with"),
            "noms_number": person.noms,
            "booking": "54321V",
        },
    )


def release_dated(day: Day, person: Person, unit: Staff, *, name: str, days: int, tale: str) -> None:
    """Let the prison say on which day the person is to leave."""
    day.tell(
        f"{person.key}/{name}",
        tale,
        author=unit,
        message=MessageName.PRISON_EVENT,
        data={
            "action": "RELEASE_DATE",
            "status": "PROVISIONAL",
            "at": day.instant(days=0),
            "prison_from": PRISON_CODES[unit.organisation],
            "release_date": day.date(days),
            "release_type": "AUTOMATIC_CONDITIONAL",
            "noms_number": person.noms,
        },
    )
