"""Domain events of the prison system (HMPPS) as the hub's own messages.

The prison system tells of one movement twice: `prisoner-offender-search.*` at once, and
`prison-offender-events.*` three quarters of an hour later, if it has not been undone until then. The first is
taken as expected, the second as confirmed; that both are one fact the case finds out (hub.cases.movements).
Who the person is, the event says by prison number alone. Free texts of an event are never taken over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from hub.errors import Fault, InvalidBody
from hub.messages.case import CaseAction
from hub.messages.envelope import MessageName, Role, Statement
from hub.messages.prison_event import PrisonEventAction, PrisonEventStatus, ReleaseType
from hub.topics.strict_json import read_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AUTHOR = "hmpps-domain-events"
AT_ONCE, HELD_BACK = "prisoner-offender-search.prisoner.", "prison-offender-events.prisoner."
STATUS = {AT_ONCE: PrisonEventStatus.PROVISIONAL, HELD_BACK: PrisonEventStatus.CONFIRMED}
MERGED = f"{HELD_BACK}merged"

_ARRIVED: Mapping[str, PrisonEventAction] = {
    **dict.fromkeys(
        (
            "ADMISSION",
            "NEW_ADMISSION",
            "READMISSION",
            "READMISSION_SWITCH_BOOKING",
            "POST_MERGE_ADMISSION",
            "UNKNOWN",
        ),
        PrisonEventAction.RECEPTION,
    ),
    "RECALL": PrisonEventAction.RECALL,
    "TEMPORARY_ABSENCE_RETURN": PrisonEventAction.RETURN,
    "TRANSFERRED": PrisonEventAction.TRANSFER,
}
_LEFT: Mapping[str, PrisonEventAction] = {
    "RELEASED": PrisonEventAction.RELEASE,
    "RELEASED_TO_HOSPITAL": PrisonEventAction.RELEASE,
    "UNKNOWN": PrisonEventAction.RELEASE,
    "TEMPORARY_ABSENCE_RELEASE": PrisonEventAction.TEMPORARY_RELEASE,
    "TRANSFERRED": PrisonEventAction.TRANSFER,
}
MOVES: Mapping[str, Mapping[str, PrisonEventAction]] = {"received": _ARRIVED, "released": _LEFT}
"""By the last word of the event's type and its reason: what happened."""
NO_MOVE = ("SENT_TO_COURT", "RETURN_FROM_COURT")
"""A day in court changes neither who holds the person nor what anybody does."""
BY_CODE: Mapping[tuple[PrisonEventAction, str], PrisonEventAction] = {
    **{(PrisonEventAction.RECEPTION, code): PrisonEventAction.RECALL for code in ("L", "B", "Y", "24")},
    (PrisonEventAction.RELEASE, "DEC"): PrisonEventAction.DEATH,
    (PrisonEventAction.RELEASE, "UAL"): PrisonEventAction.TEMPORARY_RELEASE,
    (PrisonEventAction.RELEASE, "UAL_ECL"): PrisonEventAction.TEMPORARY_RELEASE,
}
"""What the movement reason code shows it to be.

The model has no movement for who is unlawfully at large. Nobody let them out, and nobody else holds them: of
what there is, only a temporary release leaves them with their prison, opens no question of what becomes of
referrals and ends with a return. The code goes along as the reason, and no type of release does.
"""
TYPES: Mapping[str, ReleaseType] = {
    "CR": ReleaseType.AUTOMATIC_CONDITIONAL,
    "ECSL": ReleaseType.EARLY,
    "HP": ReleaseType.TO_HOSPITAL,
    "HO": ReleaseType.TO_HOSPITAL,
    "HQ": ReleaseType.TO_HOSPITAL,
    "DD": ReleaseType.DEPORTATION,
    "DE": ReleaseType.DEPORTATION,
    "DL": ReleaseType.DEPORTATION,
}
_NOWHERE = frozenset({"OUT", "TRN"})
"""What the prison system writes for a place that is none."""
_NUMBER = re.compile(r"[A-Z][0-9]{4}[A-Z]{2}")
_PRISON = re.compile(r"[A-Z]{3}")
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_]{0,19}")
_NUMBER_NAMES = ("nomsNumber", "prisonerNumber", "prisonerId", "offenderNo")
_NUMBER_TYPES = ("NOMS", "nomsNumber")
_IDENTIFIERS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A message made of an event, but for the case it is about."""

    message: MessageName
    person: str
    """Prison number under which the hub knows the person's case."""
    occurred_at: str
    data: Mapping[str, object]

    def document(self, *, contract: str, case: str) -> dict[str, object]:
        """Return the message as its sender might have posted it."""
        return {
            "contract": contract,
            "case": case,
            "occurred_at": self.occurred_at,
            "author": AUTHOR,
            "author_role": Role.SYSTEM.value,
            "statement": Statement.FACT.value,
            "data": dict(self.data),
        }


def event_in(document: dict[str, object], *, depth_max: int) -> dict[str, object]:
    """Return the event itself, also where it comes wrapped in a notification of the prison system's topic.

    Raises:
        InvalidBody: The notification holds no JSON object.
    """
    if document.get("Type") != "Notification":
        return document
    inside = document.get("Message")
    if not isinstance(inside, str):
        raise InvalidBody((_fault("/Message", "required", "give the event as text"),))
    try:
        return read_object(inside.encode(), depth_max=depth_max)
    except InvalidBody as error:
        faults = tuple(_fault(f"/Message{each.pointer}", each.rule, each.fix) for each in error.faults)
        raise InvalidBody(faults) from None


def mapped(event: Mapping[str, object]) -> Mapped | None:
    """Return the message an event is to the hub; None where it is none.

    Raises:
        InvalidBody: It is of a kind the hub takes, and lacks or garbles something; every fault is named.
    """
    kind = event.get("eventType")
    if not isinstance(kind, str):
        raise InvalidBody((_fault("/eventType", "required", "name the type of the event"),))
    if kind == MERGED:
        return _merged(event)
    feed, _, what = kind.rpartition(".")
    status = STATUS.get(f"{feed}.")
    reason = _said(event).get("reason")
    if status is None or what not in MOVES or reason in NO_MOVE:
        return None
    return _moved(event, MOVES[what], status=status, is_arrival=what == "received")


def _moved(
    event: Mapping[str, object],
    moves: Mapping[str, PrisonEventAction],
    *,
    status: PrisonEventStatus,
    is_arrival: bool,
) -> Mapped:
    said, faults = _said(event), [*_when(event), *_number_faults(event)]
    reason, prison, code = said.get("reason"), said.get("prisonId"), said.get("nomisMovementReasonCode")
    if not isinstance(reason, str) or reason not in moves:
        faults.append(_fault(_inside("reason"), "enum", f"give one of {', '.join(sorted(moves))}"))
    if not isinstance(prison, str) or _PRISON.fullmatch(prison) is None:
        faults.append(_fault(_inside("prisonId"), "pattern", "give the prison by its code of three letters"))
    if faults:
        raise InvalidBody(tuple(faults))
    # A code in a form the hub does not know says nothing to it: the prison system reserves to change them.
    known = code if isinstance(code, str) and _CODE.fullmatch(code) else None
    action = moves[str(reason)]
    action = BY_CODE.get((action, known or ""), action)
    departs = action is PrisonEventAction.TRANSFER and not is_arrival
    if departs or reason == "UNKNOWN":
        # Where to, or why, somebody left is not known until it is said.
        status = PrisonEventStatus.PROVISIONAL
    number = str(_numbers(event)[0])
    data: dict[str, object] = {
        "action": action.value,
        "status": status.value,
        "at": _instant(event),
        "noms_number": number,
        "movement_reason": known,
        "release_type": _release_type(action, str(reason), known),
    }
    if prison not in _NOWHERE:
        data["prison_to" if is_arrival else "prison_from"] = prison
    return _message(event, MessageName.PRISON_EVENT, number, data)


def _merged(event: Mapping[str, object]) -> Mapped:
    """Two records of one person became one: the case under the number that went gets the one that stays."""
    said = _said(event)
    removed = said.get("removedNomsNumber")
    faults = [*_when(event), *_number_faults(event)]
    if not isinstance(removed, str) or _NUMBER.fullmatch(removed) is None:
        faults.append(_fault(_inside("removedNomsNumber"), "pattern", "give a prison number, e.g. A1234BC"))
    if faults:
        raise InvalidBody(tuple(faults))
    data = {"action": CaseAction.CHANGED.value, "noms_number": _numbers(event)[0]}
    return _message(event, MessageName.CASE, str(removed), data)


def _message(
    event: Mapping[str, object], message: MessageName, person: str, data: Mapping[str, object]
) -> Mapped:
    given = {name: value for name, value in data.items() if value is not None}
    return Mapped(message=message, person=person, occurred_at=str(_instant(event)), data=given)


def _release_type(action: PrisonEventAction, reason: str, code: str | None) -> str | None:
    if action is PrisonEventAction.TEMPORARY_RELEASE:
        # Who has absconded was not released.
        return ReleaseType.TEMPORARY.value if reason == "TEMPORARY_ABSENCE_RELEASE" else None
    if action is not PrisonEventAction.RELEASE:
        return None
    if reason == "RELEASED_TO_HOSPITAL":
        return ReleaseType.TO_HOSPITAL.value
    found = TYPES.get(code or "")
    return None if found is None else found.value


def _said(event: Mapping[str, object]) -> Mapping[str, object]:
    said = event.get("additionalInformation")
    return cast("Mapping[str, object]", said) if isinstance(said, dict) else {}


def _numbers(event: Mapping[str, object]) -> list[object]:
    """Return the prison numbers an event names, each once: it has several places for them."""
    said = _said(event)
    found = [said[name] for name in _NUMBER_NAMES if said.get(name) is not None]
    found += [each.get("value") for each in _identifiers(event) if each.get("type") in _NUMBER_TYPES]
    return [each for index, each in enumerate(found) if each not in found[:index]]


def _identifiers(event: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    reference = event.get("personReference")
    listed = reference.get("identifiers") if isinstance(reference, dict) else None
    for each in listed[:_IDENTIFIERS_MAX] if isinstance(listed, list) else ():
        if isinstance(each, dict):
            yield each


def _number_faults(event: Mapping[str, object]) -> Iterator[Fault]:
    numbers = _numbers(event)
    if len(numbers) != 1:
        fix = "name the person once: two numbers may be two people" if numbers else "name the person"
        yield _fault(_inside("nomsNumber"), "one-person", fix)
    elif not isinstance(numbers[0], str) or _NUMBER.fullmatch(numbers[0]) is None:
        yield _fault(_inside("nomsNumber"), "pattern", "give a prison number, e.g. A1234BC")


def _when(event: Mapping[str, object]) -> Iterator[Fault]:
    if _instant(event) is None:
        yield _fault("/occurredAt", "timestamp", "give date, time and offset, e.g. 2026-03-02T09:15:00Z")


def _instant(event: Mapping[str, object]) -> str | None:
    """Return when it happened, in UTC and to the millisecond: the prison system writes more digits."""
    given = event.get("occurredAt")
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else None
        if moment is None or moment.tzinfo is None:
            return None
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return None


def _inside(name: str) -> str:
    return f"/additionalInformation/{name}"


def _fault(pointer: str, rule: str, fix: str) -> Fault:
    return Fault(pointer=pointer, rule=rule, fix=fix)
