"""A day as a list of steps: who sends what, in which order, with values that can be searched for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict, Unpack

from hub.messages.envelope import Role, Statement
from hub.messages.identifiers import Instant, OrganisationId

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from hub.demo.people import Person
    from hub.messages.envelope import InformationClass, MessageName

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
CANARY_LETTERS = "BCDFGHJKLMNPQRTVWXZ23456789"
"""Letters that make no word, so that a canary occurs nowhere by accident."""


class Door(StrEnum):
    """Which way a submission comes in."""

    HTTP = "http"
    KAFKA = "kafka"


class Spoiling(StrEnum):
    """What is done to a submission on its way, so that the hub has something to refuse."""

    TRUNCATED = "truncated"
    """The last bytes of the Avro record are missing."""
    UNKNOWN_CASE = "unknown_case"
    """The case reference is of the right form and names no case."""


class Cited(StrEnum):
    """What of an earlier step a later one names."""

    MESSAGE = "message"
    """The message, by the reference its reader has for it."""
    DELIVERY = "delivery"
    """The delivery its reader got of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A reference nobody knows before the day is played: the hub gives it out."""

    step: str
    what: Cited


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Somebody who works on a case, known to the hub by an opaque reference only."""

    reference: str
    organisation: OrganisationId
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One submission: everything needed to send it, and the sentence that tells it."""

    name: str
    """Unique; the part before the stroke is the person's key."""
    likeness: str
    """Name under which the files of `expected/` say who receives what of it."""
    tale: str
    author: Staff
    message: MessageName
    occurred_at: Instant
    """Unique among all steps, so that a delivery can be told to be of this step."""
    data: Mapping[str, object]
    statement: Statement = Statement.FACT
    contract: str = "1.0"
    classes: Mapping[str, InformationClass] = field(default_factory=dict)
    door: Door = Door.HTTP
    key: str
    """Idempotency key, or the message id header on the sender's own topic."""
    spoiling: Spoiling | None = None
    cites: Mapping[str, Citation] = field(default_factory=dict)
    """Payload field to the reference it really holds; what stands in `data` keeps the place."""
    follows: str | None = None
    """The step it answers: named as its cause, under the same correlation."""

    @property
    def person(self) -> str:
        """Key of the person whose case it is about."""
        return self.name.partition("/")[0]


class Sending(TypedDict, total=False):
    """How a step is sent where that is not as usual: fields of `Step` that have a default."""

    statement: Statement
    contract: str
    classes: Mapping[str, InformationClass]
    door: Door
    spoiling: Spoiling | None
    cites: Mapping[str, Citation]
    follows: str | None


class Day:
    """Writes the day's steps down in order; each a few minutes after the one before."""

    def __init__(self, *, rng: Random, start: Instant) -> None:
        """Begin an empty day at `start`."""
        self.start = start
        self.steps: list[Step] = []
        self._rng = rng
        self._tokens: set[str] = set()

    def words(self, text: str) -> str:
        """Return `text` with a token found nowhere else: a canary, by which a leak would be seen."""
        return f"{text} [{self.token()}]"

    def token(self) -> str:
        """Return six letters and digits found nowhere else in the day."""
        while (token := "".join(self._rng.choices(CANARY_LETTERS, k=6))) in self._tokens:
            continue
        self._tokens.add(token)
        return token

    def date(self, days: int) -> str:
        """Return the date so many days after the day's start, as ISO 8601."""
        return iso(self.start + days * DAY_MS)[:10]

    def instant(self, *, days: int, minutes: int = 0) -> str:
        """Return an instant relative to the day's start, as ISO 8601."""
        return iso(self.start + days * DAY_MS + minutes * MINUTE_MS)

    def staff(self, organisation: OrganisationId, role: Role) -> Staff:
        """Return somebody new, under a reference that says nothing."""
        return Staff(reference=f"st-{self._rng.getrandbits(32):08x}", organisation=organisation, role=role)

    def tell(
        self,
        name: str,
        tale: str,
        *,
        author: Staff,
        message: MessageName,
        data: Mapping[str, object],
        likeness: str | None = None,
        **sending: Unpack[Sending],
    ) -> Step:
        """Add one submission to the day and return it."""
        place = len(self.steps) + 1
        step = Step(
            name=name,
            likeness=likeness or name,
            tale=tale,
            author=author,
            message=message,
            occurred_at=Instant(self.start + 4 * place * MINUTE_MS + place),
            data=data,
            key=f"demo-{self.start // MINUTE_MS:x}-{place}",
            **sending,
        )
        self.steps.append(step)
        return step

    def again(self, first: Step, *, name: str, tale: str, data: Mapping[str, object] | None = None) -> Step:
        """Add the same submission under the same key once more, with another body if `data` is given."""
        step = Step(
            name=name,
            likeness=name,
            tale=tale,
            author=first.author,
            message=first.message,
            occurred_at=first.occurred_at,
            data=first.data if data is None else data,
            statement=first.statement,
            contract=first.contract,
            classes=first.classes,
            door=first.door,
            key=first.key,
        )
        self.steps.append(step)
        return step


def person_fields(person: Person, *names: str) -> dict[str, object]:
    """Return payload fields that say who somebody is and where they live, those named."""
    everything: dict[str, object] = {
        "forename": person.forename,
        "surname": person.surname,
        "date_of_birth": person.born,
        "crn": person.crn,
        "noms_number": person.noms,
        "pnc": person.pnc,
        "cro": person.cro,
        "address": person.address,
        "postcode": person.postcode,
        "phone": person.phone,
    }
    return {name: everything[name] for name in names}


def iso(instant: int) -> str:
    """Return an instant as ISO 8601, in UTC, to the millisecond."""
    moment = EPOCH + timedelta(milliseconds=instant)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
