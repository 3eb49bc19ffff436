"""Chapter of Placida Holder: the Offender Manager changes, with a line manager's authority only.

003 ¶4-5 (reasons, authorisation and record by a line manager), ¶8 (managed transfer).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.chapters import asks
from hub.demo.chapters.opening import accept, open_case, refer
from hub.demo.organisations import PROBATION
from hub.messages.envelope import MessageName, Role

if TYPE_CHECKING:
    from hub.demo.chapters.opening import Team
    from hub.demo.day import Day, Staff
    from hub.demo.people import Person


def add(day: Day, person: Person) -> None:
    """Add the chapter: a transfer without authorisation, then the same with it."""
    team = open_case(day, person, likeness="transferred")
    offer = refer(day, person, team, name="recovery", asked=asks.recovery(day, person))
    accept(day, person, offer, name="recovery")
    incoming = day.staff(PROBATION, Role.OFFENDER_MANAGER)
    name = "New Offender Manager of the demonstration"
    transfer = {**handed_over(day, team, incoming, name=name), "person_phone": "01632 960123"}
    day.tell(
        f"{person.key}/transfer-unauthorised",
        "An Offender Manager transfer without a line manager's authority",
        author=team.manager,
        message=MessageName.TEAM_CHANGE,
        data=transfer,
    )
    day.tell(
        f"{person.key}/transfer-authorised",
        "The same transfer, authorised and recorded by a line manager",
        author=team.line_manager,
        message=MessageName.TEAM_CHANGE,
        data={
            **transfer,
            "authorised_by": team.line_manager.reference,
            "authorised_role": "line_manager",
            "note": day.words("Why this is in the interest of the case"),
        },
    )


def handed_over(day: Day, team: Team, incoming: Staff, *, name: str) -> dict[str, object]:
    """Return what a transfer of the case says of the handover, whoever authorises it."""
    return {
        "action": "TRANSFER_OM",
        "role": "offender_manager",
        "organisation": PROBATION,
        "person": incoming.reference,
        "person_name": day.words(name),
        "grade": "PO",
        "effective_at": day.instant(days=0),
        "reason": "LOSS_OF_MOMENTUM",
        "outgoing_person": team.manager.reference,
        "handover_until": day.instant(days=28),
        "handover_meeting_at": day.instant(days=7),
        "conference_at": day.instant(days=14),
    }
