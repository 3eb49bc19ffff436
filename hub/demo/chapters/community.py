"""What goes on in the community besides progress: appointments, enforcement, receipts, corrections, a threat.

002 App. B, Case Administrator and Enforcer; 003 ¶4 (Offender Manager threatened), ¶8 (managed transfer).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.demo.day import Citation, Cited
from hub.demo.organisations import HOUSING, PROBATION
from hub.messages.envelope import MessageName, Role, Statement

if TYPE_CHECKING:
    from hub.demo.chapters.opening import Team
    from hub.demo.day import Day, Staff
    from hub.demo.people import Person

NO_REFERENCE = "0" * 32
"""Keeps the place of a reference the hub gives out while the day is played."""


def arrange(day: Day, person: Person, team: Team, landlord: Staff, *, referral: str) -> None:
    """Let the Case Administrator arrange a visit, and the provider move it."""
    appointment = day.token()
    day.tell(
        f"{person.key}/appointment",
        "The Case Administrator arranges a first visit at the housing provider",
        author=team.administrator,
        message=MessageName.APPOINTMENT,
        data={
            "appointment": appointment,
            "action": "ARRANGED",
            "referral": referral,
            "kind": "OFFICE_VISIT",
            "at": day.instant(days=2),
            "place": day.words("Invented office of the council"),
            "with_organisation": HOUSING,
            "non_discretionary": False,
        },
    )
    day.tell(
        f"{person.key}/appointment-moved",
        "The housing provider moves the visit by a day",
        author=landlord,
        message=MessageName.APPOINTMENT,
        data={
            "appointment": appointment,
            "action": "MOVED",
            "referral": referral,
            "at": day.instant(days=3),
            "reason": day.words("The room is let already"),
        },
    )


def enforce(day: Day, person: Person, team: Team, worker: Staff, *, referral: str) -> None:
    """Let the Key Worker report what was not complied with, and the Offender Manager decide."""
    enforcement = day.token()
    day.tell(
        f"{person.key}/breach-reported",
        "The drug service's Key Worker reports that a requirement was not complied with",
        author=worker,
        message=MessageName.ENFORCEMENT,
        data={
            "enforcement": enforcement,
            "action": "REPORTED",
            "referral": referral,
            "breach_of": day.words("Invented licence condition"),
            "happened_at": day.instant(days=0),
            "note": day.words("Second absence in two weeks"),
        },
    )
    day.tell(
        f"{person.key}/breach-decided",
        "The Offender Manager decides: a warning",
        author=team.manager,
        message=MessageName.ENFORCEMENT,
        follows=f"{person.key}/breach-reported",
        data={
            "enforcement": enforcement,
            "action": "DECISION",
            "decision": "WARNING",
            "referral": referral,
            "note": day.words("Why a warning is enough"),
        },
    )


def confirm(day: Day, person: Person, reader: Staff, *, of: str) -> None:
    """Let a recipient confirm that somebody has read a delivery."""
    day.tell(
        f"{person.key}/receipt",
        "The housing provider confirms that its Key Worker has read the alert",
        author=reader,
        message=MessageName.RECEIPT,
        cites={"delivery": Citation(step=of, what=Cited.DELIVERY)},
        data={
            "delivery": NO_REFERENCE,
            "level": "READ",
            "by_role": reader.role.value,
            "by_person": reader.reference,
            "at": day.instant(days=0),
        },
    )


def correct(day: Day, person: Person, worker: Staff, *, of: str) -> None:
    """Let the author of a message correct it; whoever had it is told (R-DIS-10)."""
    day.tell(
        f"{person.key}/correction",
        "The drug service corrects the missed session: the absence was acceptable",
        author=worker,
        message=MessageName.CORRECTION,
        cites={"corrects": Citation(step=of, what=Cited.MESSAGE)},
        data={
            "corrects": NO_REFERENCE,
            "action": "CORRECT",
            "fields": ["attendance"],
            "reason": day.words("A certificate came afterwards"),
            "replacement": day.words("Acceptable absence"),
        },
    )


def factor_reported(day: Day, person: Person, landlord: Staff) -> None:
    """Let another provider's Key Worker report a risk factor that has changed (R-RTE-03)."""
    day.tell(
        f"{person.key}/factor",
        "The housing provider's Key Worker reports a risk factor that has grown",
        author=landlord,
        message=MessageName.RISK_CHANGE,
        statement=Statement.OPINION,
        data={
            "kind": "FACTOR",
            "urgency": "SAME_DAY",
            "observed_at": day.instant(days=0),
            "observed_by_role": "key_worker",
            "factor": day.words("Waits outside a neighbour's door"),
            "factor_change": "INCREASED",
            "summary": day.words("What the Key Worker saw, and makes of it"),
            "staff_safety": day.words("Do not visit alone"),
            "third_party_name": day.words("Neighboura Nobody"),
        },
    )


def threatened(day: Day, person: Person, team: Team) -> None:
    """Transfer the case because its Offender Manager was threatened; the new one convenes the team."""
    incoming = day.staff(PROBATION, Role.OFFENDER_MANAGER)
    day.tell(
        f"{person.key}/om-threatened",
        "A line manager transfers the case: its Offender Manager was threatened",
        author=team.line_manager,
        message=MessageName.TEAM_CHANGE,
        data={
            "action": "TRANSFER_OM",
            "role": "offender_manager",
            "organisation": PROBATION,
            "person": incoming.reference,
            "person_name": day.words("Offender Manager who must not be found"),
            "person_phone": "01632 960177",
            "grade": "PO",
            "effective_at": day.instant(days=0),
            "reason": "THREATENED",
            "authorised_by": team.line_manager.reference,
            "authorised_role": "line_manager",
            "outgoing_person": team.manager.reference,
            "handover_until": day.instant(days=28),
            "handover_meeting_at": day.instant(days=7),
            "conference_at": day.instant(days=14),
            "note": day.words("What was said to the Offender Manager"),
        },
    )
    day.tell(
        f"{person.key}/conference",
        "The new Offender Manager convenes a case conference",
        author=incoming,
        message=MessageName.REVIEW,
        data={
            "review": day.token(),
            "action": "CONVENED",
            "kind": "CASE_CONFERENCE",
            "at": day.instant(days=14),
            "place": day.words("Invented room, by video for who wishes"),
            "note": day.words("What the conference has to settle"),
        },
    )
