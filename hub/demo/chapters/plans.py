"""The Sentence Plan as the demonstration distributes it: objectives, who is responsible, what changed.

002 3.53-3.54; App. B, Offender Manager (only the Offender Manager may change the plan).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.messages.envelope import MessageName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.demo.day import Day, Staff, Step
    from hub.demo.people import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One objective: its id in the plan, what it says, the need behind it, and whose it is."""

    name: str
    title: str
    need: str
    responsible: Staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a version after the first says of itself (R-MSG-04)."""

    version: int
    what: str
    why: str


def distribute(
    day: Day,
    person: Person,
    manager: Staff,
    objectives: Sequence[Objective],
    *,
    change: Change | None = None,
) -> Step:
    """Let the Offender Manager distribute a version; without a change it is the first."""
    version = 1 if change is None else change.version
    said: dict[str, object] = {"version": version, "change_summary": day.words("First version")}
    if change is not None:
        said |= {
            "previous_version": version - 1,
            "change_summary": day.words(change.what),
            "change_reason": day.words(change.why),
        }
    name = "plan" if change is None else f"plan-{version}"
    return day.tell(
        f"{person.key}/{name}",
        f"The Sentence Plan, version {version}, is distributed to the whole team",
        author=manager,
        message=MessageName.PLAN,
        data={
            **said,
            "objectives": [
                _said(day, objective, place) for place, objective in enumerate(objectives, start=1)
            ],
            "risk_management": day.words("How risk is managed"),
            "victim_safety": day.words("How victims are protected"),
            "sentence_summary": day.words("The sentence in a line"),
            "contingency": day.words("What is done if it goes wrong"),
        },
    )


def _said(day: Day, objective: Objective, place: int) -> dict[str, object]:
    return {
        "objective": objective.name,
        "title": day.words(objective.title),
        "purpose": "CRIME_REDUCTION",
        "need": objective.need,
        "organisation": objective.responsible.organisation,
        "role": objective.responsible.role.value,
        "responsible": objective.responsible.reference,
        "intervention": day.words("What is done"),
        "by": day.date(59 + place),
        "sequence": place,
        "status": "PLANNED",
    }
