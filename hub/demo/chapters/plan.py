"""Chapter of Samplia Notreal: the Sentence Plan is distributed, one objective in confidence.

002 3.53-3.54 (distribution, "overriding issue of confidentiality"); App. B, Case Administrator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.chapters import asks
from hub.demo.chapters.opening import accept, open_case, refer
from hub.demo.organisations import HOUSING, PROBATION, PROGRAMMES
from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.demo.chapters.opening import Team
    from hub.demo.day import Day, Staff
    from hub.demo.people import Person

OBJECTIVES = ("thinking", "home", "family")
"""Ids of the plan's objectives: the in-house team's, the housing provider's, the OM's own."""


def add(day: Day, person: Person) -> None:
    """Add the chapter: two providers, the flag, the plan, and a plan by somebody who may not."""
    team = open_case(day, person)
    workers = (
        accept(
            day,
            person,
            refer(day, person, team, name="programme", asked=asks.programme(day, person)),
            name="programme",
        ),
        accept(
            day,
            person,
            refer(day, person, team, name="housing", asked=asks.housing(day, person)),
            name="housing",
        ),
    )
    _flag(day, person, team)
    _distributed(day, person, team, workers)
    day.tell(
        f"{person.key}/plan-by-another",
        "The Case Administrator tries to change the plan; only the Offender Manager may",
        author=team.administrator,
        message=MessageName.PLAN,
        data={"version": 2, "previous_version": 1, "change_summary": day.words("A change not to be")},
    )


def _flag(day: Day, person: Person, team: Team) -> None:
    day.tell(
        f"{person.key}/confidential",
        "The Offender Manager flags the family objective as confidential",
        author=team.manager,
        message=MessageName.CONSENT,
        data={
            "consent": f"flag-{day.token()}",
            "action": "CONFIDENTIALITY",
            "organisations": [HOUSING, PROGRAMMES],
            "classes": ["plan_objective"],
            "objective": "family",
            "from": day.instant(days=0),
            "reason": day.words("Why the objective is confidential"),
        },
    )


def _distributed(day: Day, person: Person, team: Team, workers: Sequence[Staff]) -> None:
    responsible = (*workers, team.manager)
    organisations = (PROGRAMMES, HOUSING, PROBATION)
    needs = ("THINKING_BEHAVIOUR", "ACCOMMODATION", "RELATIONSHIPS")
    titles = (
        "Finish the accredited programme",
        "Find and keep a place to live",
        "Rebuild contact with family",
    )
    day.tell(
        f"{person.key}/plan",
        "The Sentence Plan, version 1, is distributed to the whole team",
        author=team.manager,
        message=MessageName.PLAN,
        data={
            "version": 1,
            "change_summary": day.words("First version"),
            "objectives": [
                {
                    "objective": name,
                    "title": day.words(titles[place]),
                    "purpose": "CRIME_REDUCTION",
                    "need": needs[place],
                    "organisation": organisations[place],
                    "role": responsible[place].role.value,
                    "responsible": responsible[place].reference,
                    "intervention": day.words("What is done"),
                    "by": day.date(60 + place),
                    "sequence": place + 1,
                    "status": "PLANNED",
                }
                for place, name in enumerate(OBJECTIVES)
            ],
            "risk_management": day.words("How risk is managed"),
            "victim_safety": day.words("How victims are protected"),
            "sentence_summary": day.words("The sentence in a line"),
            "contingency": day.words("What is done if it goes wrong"),
        },
    )
