"""Chapter of Samplia Notreal: an assessment, the Sentence Plan in two versions, one objective in confidence.

002 3.53-3.54 (distribution, "overriding issue of confidentiality"); App. B, Case Administrator, Evaluator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.chapters import asks
from hub.demo.chapters.opening import accept, open_case, refer
from hub.demo.chapters.plans import Change, Objective, distribute
from hub.demo.organisations import HOUSING, PROBATION, PROGRAMMES, RECOVERY
from hub.messages.envelope import MessageName, Role, Statement

if TYPE_CHECKING:
    from hub.demo.chapters.opening import Team
    from hub.demo.day import Day, Staff
    from hub.demo.people import Person


def add(day: Day, person: Person) -> None:
    """Add the chapter: two providers, the plan, a plan by somebody who may not, a provider who joins late."""
    team = open_case(day, person)
    programme = refer(day, person, team, name="programme", asked=asks.programme(day, person))
    teacher = accept(day, person, programme, name="programme")
    home = refer(day, person, team, name="housing", asked=asks.housing(day, person))
    landlord = accept(day, person, home, name="housing")
    _assessed(day, person, team)
    _flag(day, person, team)
    objectives = (
        Objective(
            name="thinking",
            title="Finish the accredited programme",
            need="THINKING_BEHAVIOUR",
            responsible=teacher,
        ),
        Objective(
            name="home", title="Find and keep a place to live", need="ACCOMMODATION", responsible=landlord
        ),
        Objective(
            name="family",
            title="Rebuild contact with family",
            need="RELATIONSHIPS",
            responsible=team.manager,
        ),
    )
    distribute(day, person, team.manager, objectives)
    day.tell(
        f"{person.key}/plan-by-another",
        "The Case Administrator tries to change the plan; only the Offender Manager may",
        author=team.administrator,
        message=MessageName.PLAN,
        data={"version": 2, "previous_version": 1, "change_summary": day.words("A change not to be")},
    )
    drugs = Objective(
        name="drugs",
        title="Start drug treatment before release",
        need="DRUGS",
        responsible=day.staff(RECOVERY, Role.KEY_WORKER),
    )
    change = Change(
        version=2, what="Drug treatment is added", why="The assessment names a need the plan did not meet"
    )
    distribute(day, person, team.manager, (*objectives, drugs), change=change)
    treatment = refer(day, person, team, name="recovery", asked=asks.recovery(day, person))
    accept(day, person, treatment, name="recovery")
    _evaluated(day, person, team.manager)


def _assessed(day: Day, person: Person, team: Team) -> None:
    day.tell(
        f"{person.key}/assessment",
        "The Offender Supervisor sends an OASys assessment made in the prison",
        author=team.in_prison,
        message=MessageName.ASSESSMENT,
        statement=Statement.OPINION,
        data={
            "assessment": day.token(),
            "kind": "OASYS",
            "as_at": day.date(-3),
            "made_by_role": "offender_supervisor",
            "needs": [
                {"need": "DRUGS", "severity": "SEVERE", "linked_to_harm": True},
                {"need": "ACCOMMODATION", "severity": "SOME", "linked_to_harm": False},
            ],
            "rosh_level": "MEDIUM",
            "rosh_summary": day.words("Why the risk of serious harm is medium"),
            "likelihood_band": "HIGH",
            "likelihood_score": 61.5,
            "vulnerability": day.words("Invented self-harm history"),
            "offence_analysis": day.words("Invented account of the offence"),
            "strengths": day.words("Wants to work"),
        },
    )


def _flag(day: Day, person: Person, team: Team) -> None:
    day.tell(
        f"{person.key}/confidential",
        "The Offender Manager flags the family objective as confidential",
        author=team.manager,
        message=MessageName.CONSENT,
        data={
            "consent": day.token(),
            "action": "CONFIDENTIALITY",
            "organisations": [HOUSING, PROGRAMMES, RECOVERY],
            "classes": ["plan_objective"],
            "objective": "family",
            "from": day.instant(days=0),
            "reason": day.words("Why the objective is confidential"),
        },
    )


def _evaluated(day: Day, person: Person, manager: Staff) -> None:
    achieved = (
        ("thinking", PROGRAMMES, "ACHIEVED"),
        ("home", HOUSING, "PARTIALLY_ACHIEVED"),
        ("family", PROBATION, "ACHIEVED"),
    )
    day.tell(
        f"{person.key}/evaluation",
        "The Offender Manager evaluates what came of the plan, provider by provider",
        author=manager,
        message=MessageName.EVALUATION,
        statement=Statement.OPINION,
        data={
            "evaluation": day.token(),
            "outcomes": [
                {
                    "objective": objective,
                    "organisation": organisation,
                    "achieved": outcome,
                    "feedback": day.words("What this service was like to work with"),
                }
                for objective, organisation, outcome in achieved
            ],
            "summary": day.words("The sentence as a whole"),
        },
    )
