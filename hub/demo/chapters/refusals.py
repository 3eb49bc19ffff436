"""Chapters of Specimen Madeup and Fabula Hypothetical: what the hub does not take, and how it says so.

Errors of form are named at the door; what only the case could tell is accepted, refused alike, and
explained to staff in the quarantine alone (R-DEL-03; existence-neutral refusals).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from hub.demo.chapters import asks
from hub.demo.chapters.opening import accept, open_case, refer
from hub.demo.chapters.plans import Objective, distribute
from hub.demo.day import Door, Spoiling
from hub.demo.organisations import HOUSING
from hub.messages.envelope import MessageName, Role

if TYPE_CHECKING:
    from hub.demo.day import Day, Sending, Staff, Step
    from hub.demo.people import Person


def add_at_the_door(day: Day, person: Person) -> None:
    """Add refusals a sender meets at once, and those that look alike from outside."""
    team = open_case(day, person)
    offer = refer(day, person, team, name="housing", asked=asks.housing(day, person))
    stranger = day.staff(HOUSING, Role.KEY_WORKER)
    day.tell(
        f"{person.key}/declined",
        "The housing provider declines the referral",
        author=stranger,
        message=MessageName.REFERRAL,
        data={
            "referral": offer.data["referral"],
            "action": "DECLINE",
            "provider": HOUSING,
            "note": day.words("No place free"),
        },
    )
    session = {"referral": offer.data["referral"], "kind": "SESSION", "attendance": "ATTENDED"}
    _progress(
        day,
        f"{person.key}/not-entitled",
        "The provider that declined posts progress all the same",
        author=stranger,
        data={**session, "note": day.words("Not theirs to say")},
    )
    _progress(
        day,
        f"{person.key}/unknown-case",
        "Progress about a case that does not exist",
        author=stranger,
        data={**session, "note": day.words("Nobody's case")},
        spoiling=Spoiling.UNKNOWN_CASE,
    )
    _progress(
        day,
        f"{person.key}/wrong-field",
        "A body with a misspelt field",
        author=stranger,
        data={**session, "notte": day.words("Never echoed")},
    )
    _progress(
        day,
        f"{person.key}/unknown-version",
        "A contract version that does not exist",
        author=stranger,
        data={**session, "note": day.words("From the future")},
        contract="9.9",
    )


def add_repeats_and_broken(day: Day, person: Person) -> None:
    """Add repeats, a reused key, and Kafka records that cannot be read."""
    team = open_case(day, person)
    offer = refer(day, person, team, name="programme", asked=asks.programme(day, person))
    worker = accept(day, person, offer, name="programme")
    distribute(
        day,
        person,
        team.manager,
        (
            Objective(
                name="thinking",
                title="Finish the accredited programme",
                need="THINKING_BEHAVIOUR",
                responsible=worker,
            ),
            Objective(
                name="wing", title="Keep a job on the wing", need="ATTITUDES", responsible=team.in_prison
            ),
        ),
    )
    referral = offer.data["referral"]
    milestone = _progress(
        day,
        f"{person.key}/milestone",
        "A milestone on the accredited programme",
        author=worker,
        data={
            "referral": referral,
            "kind": "MILESTONE",
            "milestone": day.words("Half of the programme done"),
            "note": day.words("Steady work"),
        },
    )
    day.again(milestone, name=f"{person.key}/repeated", tale="The same message again, under the same key")
    day.again(
        milestone,
        name=f"{person.key}/reused-key",
        tale="Another body under the same key",
        data={**milestone.data, "note": day.words("Not what was sent first")},
    )
    engaged = _progress(
        day,
        f"{person.key}/engaged",
        "Progress on the team's own Kafka topic",
        author=worker,
        door=Door.KAFKA,
        data={
            "referral": referral,
            "kind": "ENGAGEMENT",
            "engagement": "GOOD",
            "note": day.words("Helps others in the group"),
        },
    )
    day.again(engaged, name=f"{person.key}/repeated-on-kafka", tale="The same record again on Kafka")
    _progress(
        day,
        f"{person.key}/truncated",
        "A Kafka record with its last bytes missing",
        author=worker,
        data={"referral": referral, "kind": "SESSION", "note": day.words("Cut off")},
        door=Door.KAFKA,
        spoiling=Spoiling.TRUNCATED,
    )
    _progress(
        day,
        f"{person.key}/version-on-kafka",
        "A Kafka record of an unknown contract version",
        author=worker,
        data={"referral": referral, "kind": "SESSION", "note": day.words("Of another age")},
        door=Door.KAFKA,
        contract="9.9",
    )
    _progress(
        day,
        f"{person.key}/after-all",
        "After all that, the next message goes through as if nothing had been",
        author=worker,
        door=Door.KAFKA,
        data={
            "referral": referral,
            "kind": "OUTCOME",
            "outcome": "PARTIALLY_ACHIEVED",
            "note": day.words("Second half to follow"),
        },
    )


def _progress(
    day: Day, name: str, tale: str, *, author: Staff, data: dict[str, object], **sending: Unpack[Sending]
) -> Step:
    return day.tell(name, tale, author=author, message=MessageName.PROGRESS, data=data, **sending)
