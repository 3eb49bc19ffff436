"""What the demonstration's referrals ask for: one intervention per partner, with what goes with it.

Each offer carries the whole truth as the Offender Manager knows it; what a provider gets of it is the
hub's decision (R-DIS-02), so the same extras go to every rung.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.chapters.opening import Asked
from hub.demo.day import person_fields
from hub.demo.organisations import DEBT, HOUSING, PROGRAMMES, RECOVERY

if TYPE_CHECKING:
    from hub.demo.day import Day
    from hub.demo.people import Person


def extras(day: Day, person: Person) -> dict[str, object]:
    """Return the sensitive part of an offer: who the person is, and all that is known of risk."""
    return {
        **person_fields(person, "forename", "surname", "date_of_birth", "crn", "noms_number"),
        **person_fields(person, "address", "postcode", "phone"),
        "reason": day.words("Why this intervention, for this person"),
        "desired_outcomes": [day.words("Keeps the first four appointments")],
        "risk_information": day.words("Assessed risk, as the Offender Manager writes it"),
        "staff_safety": day.words("See in pairs, never on home visits"),
        "offence_summary": day.words("Invented offence, as in the case"),
        "health_needs": day.words("Invented health need"),
        "victim_conditions": day.words("Invented condition that protects a victim"),
    }


def recovery(day: Day, person: Person) -> Asked:
    """Ask the drug and alcohol service, bought directly: rung 2."""
    return Asked(
        provider=RECOVERY,
        rung=2,
        typology="BARRIER_FACTORS",
        nature="REHABILITATIVE",
        category="DEPENDENCY_RECOVERY",
        intervention="Structured drug treatment",
        extras=extras(day, person),
    )


def housing(day: Day, person: Person) -> Asked:
    """Ask the council for supported housing, mainstream with a duty to reach out: rung 3."""
    return Asked(
        provider=HOUSING,
        rung=3,
        typology="REINTEGRATION",
        nature="REHABILITATIVE",
        category="ACCOMMODATION",
        intervention="Supported accommodation",
        extras=extras(day, person),
    )


def debt(day: Day, person: Person, *, intervention: str = "Debt advice") -> Asked:
    """Ask the debt advice charity, mainstream with no priority for ex-offenders: rung 4."""
    return Asked(
        provider=DEBT,
        rung=4,
        typology="BARRIER_FACTORS",
        nature="REHABILITATIVE",
        category="FINANCE_BENEFIT_DEBT",
        intervention=intervention,
        extras=extras(day, person),
    )


def programme(day: Day, person: Person) -> Asked:
    """Ask the in-house team for a place on an accredited programme: rung 1."""
    return Asked(
        provider=PROGRAMMES,
        rung=1,
        typology="CHANGE_PROGRAMME",
        nature="REHABILITATIVE",
        category="LIFESTYLE_ASSOCIATES",
        intervention="Accredited programme",
        extras=extras(day, person),
    )
