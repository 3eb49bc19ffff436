"""How every chapter begins: the case is opened, its team appointed, its referrals offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.demo.day import person_fields
from hub.demo.organisations import PROBATION
from hub.messages.envelope import MessageName, Role
from hub.messages.identifiers import OrganisationId

if TYPE_CHECKING:
    from hub.demo.day import Day, Staff, Step
    from hub.demo.people import Person

PRISON_CODES = {"hmp-moorland": "MDI", "hmp-leeds": "LEI"}
GRADE_BY_TIER = {1: "PSO", 2: "PSO", 3: "PO", 4: "PO"}
"""Least grade of an Offender Manager by tier (002 App. B, design questions)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who holds which role on one case; the Offender Supervisor is there in custody only."""

    manager: Staff
    administrator: Staff
    line_manager: Staff
    supervisor: Staff | None
    unit: Staff | None
    """Whoever writes for the prison's Offender Management Unit; in custody only."""

    @property
    def in_unit(self) -> Staff:
        """The Offender Management Unit, in a chapter that plays in custody."""
        if self.unit is None:
            message = "no prison holds the person"
            raise LookupError(message)
        return self.unit

    @property
    def in_prison(self) -> Staff:
        """The Offender Supervisor, in a chapter that plays in custody."""
        if self.supervisor is None:
            message = "nobody supervises in the community"
            raise LookupError(message)
        return self.supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a referral asks of a provider; the extras are further payload fields of the offer."""

    provider: OrganisationId
    rung: int
    typology: str
    nature: str
    category: str | None
    intervention: str
    extras: dict[str, object]


def open_case(day: Day, person: Person, *, likeness: str = "") -> Team:
    """Open the person's case and appoint the team: by the Case Administrator and a line manager.

    Where others join later and are given the facts of the case, `likeness` says who.
    """
    team = Team(
        manager=day.staff(PROBATION, Role.OFFENDER_MANAGER),
        administrator=day.staff(PROBATION, Role.CASE_ADMINISTRATOR),
        line_manager=day.staff(PROBATION, Role.LINE_MANAGER),
        supervisor=None
        if person.prison is None
        else day.staff(OrganisationId(person.prison), Role.OFFENDER_SUPERVISOR),
        unit=None
        if person.prison is None
        else day.staff(OrganisationId(person.prison), Role.OFFENDER_MANAGEMENT_UNIT),
    )
    _opened(day, person, team, likeness=likeness or PRISON_CODES.get(person.prison or "", "community"))
    _appointed(day, person, team.manager, by=team.line_manager, grade=GRADE_BY_TIER[person.tier])
    _appointed(day, person, team.administrator, by=team.line_manager, grade=None)
    if team.supervisor is not None and team.unit is not None:
        _appointed(day, person, team.supervisor, by=team.manager, grade=None)
        _received_into_prison(day, person, team.unit)
    return team


def _opened(day: Day, person: Person, team: Team, *, likeness: str) -> None:
    day.tell(
        f"{person.key}/opened",
        f"The case of {person.name} is opened, tier {person.tier}",
        likeness=f"opened/{likeness}",
        author=team.administrator,
        message=MessageName.CASE,
        data={
            "action": "OPENED",
            **person_fields(
                person, "forename", "surname", "date_of_birth", "crn", "noms_number", "pnc", "cro"
            ),
            **person_fields(person, "address", "postcode", "phone"),
            "jurisdiction": "ENGLAND_AND_WALES",
            "region": "N54",
            "sentence_type": person.sentence,
            "sentence_date": day.date(-200),
            "sentence_days": 730,
            "sentence_expiry": day.date(530),
            "offence_summary": day.words("Invented offence, for the demonstration"),
            "tier": person.tier,
            "in_scope": True,
        },
    )


def _appointed(day: Day, person: Person, member: Staff, *, by: Staff, grade: str | None) -> None:
    title = member.role.value.replace("_", " ").title()
    code = PRISON_CODES.get(member.organisation)
    suffix = "" if code is None else f"/{code}"
    day.tell(
        f"{person.key}/{member.role.value}",
        f"The {title} is appointed",
        likeness=f"appointed/{member.role.value}{suffix}",
        author=by,
        message=MessageName.TEAM_CHANGE,
        data={
            **appointment(day, member, name=f"{title} of the demonstration"),
            **({} if grade is None else {"grade": grade}),
            **({} if code is None else {"reason": "DISTANT_CUSTODY"}),
        },
    )


def appointment(day: Day, member: Staff, *, name: str) -> dict[str, object]:
    """Return what an appointment says of whoever is appointed, from now on."""
    return {
        "action": "APPOINT",
        "role": member.role.value,
        "organisation": member.organisation,
        "person": member.reference,
        "person_name": day.words(name),
        "effective_at": day.instant(days=0),
    }


def _received_into_prison(day: Day, person: Person, unit: Staff) -> None:
    code = PRISON_CODES[unit.organisation]
    day.tell(
        f"{person.key}/reception",
        f"{person.name} is received into prison {code}",
        likeness=f"reception/{code}",
        author=unit,
        message=MessageName.PRISON_EVENT,
        data={
            "action": "RECEPTION",
            "status": "CONFIRMED",
            "at": day.instant(days=-30),
            "prison_to": code,
            "movement_reason": "N",
            "noms_number": person.noms,
        },
    )


def refer(day: Day, person: Person, team: Team, *, name: str, asked: Asked) -> Step:
    """Offer a referral; returns the offer, whose `data["referral"]` names it from now on."""
    referral = day.token()
    return day.tell(
        f"{person.key}/offer-{name}",
        f"The Offender Manager offers a referral: {asked.intervention}",
        author=team.manager,
        message=MessageName.REFERRAL,
        data={
            "referral": referral,
            "action": "OFFER",
            "provider": asked.provider,
            "rung": asked.rung,
            "typology": asked.typology,
            "nature": asked.nature,
            "category": asked.category,
            "intervention": asked.intervention,
            "complexity": "MEDIUM",
            "mandatory_for_om": False,
            "mandatory_for_person": True,
            "answer_by": day.instant(days=7),
            **asked.extras,
        },
    )


def accept(day: Day, person: Person, offer: Step, *, name: str) -> Staff:
    """Let the provider accept the offer and name its Key Worker, whom this returns."""
    worker = day.staff(OrganisationId(str(offer.data["provider"])), Role.KEY_WORKER)
    day.tell(
        f"{person.key}/accept-{name}",
        "The provider accepts, and names its Key Worker",
        author=worker,
        message=MessageName.REFERRAL,
        data={
            "referral": offer.data["referral"],
            "action": "ACCEPT",
            "provider": offer.data["provider"],
            "key_worker": worker.reference,
            "key_worker_name": day.words("Key Worker of the demonstration"),
            "note": day.words("First appointment within five working days"),
        },
    )
    return worker
