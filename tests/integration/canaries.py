"""Canaries: a value that stands nowhere else for every field of every message type, and where it was put.

A text bears a token; identifiers, dates, moments and numbers are unlike all others within their bounds.
What cannot be unlike all others, because only a few values are allowed, is listed with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from hub.topics.check_letters import has_right_letter
from hub.topics.library import SchemaLibrary
from hub.topics.shapes import Choice, Field, ListOf, Record, Scalar, Shape

if TYPE_CHECKING:
    from hub.messages.envelope import MessageName

LIBRARY = SchemaLibrary.load()
LETTERS = "BCDFGHJKLMNPQRTVWXZ"
TOKEN = re.compile(rb"zqx[bcdfghjklmnpqrtvwxz]{7}", re.IGNORECASE)
"""Every token begins alike, so that all of them are found in one search of whatever there is."""
NUMBERS_MIN = 1_000
"""A whole number of fewer values than these occurs by chance, and says little by itself."""
UPPER = ("^[A-Z][A-Z0-9", "^[A-Z0-9][A-Z0-9")
REFERENCES = re.compile(r"\^\[A-Za-z0-9\]\[A-Za-z0-9\._:?-\]\*\$")

FEW = {
    "choice": "one of a list of codes",
    "boolean": "yes or no",
    "small": f"a whole number of at most {NUMBERS_MIN} values",
    "role": "one of the roles there are",
    "organisation": "one of the organisations on the hub",
    "prison": "one of the prisons on the hub",
    "fields": "the name of a field",
    "reference": "a reference the hub gives out, different for each reader",
    "general": "made by the hub from the exact value",
}
"""Why a field cannot carry a canary."""
ORGANISATIONS = {
    *("referral.provider", "plan.objectives[].organisation", "evaluation.outcomes[].organisation"),
    *("team-change.organisation", "consent.organisations", "appointment.with_organisation"),
    *("review.attendees[].organisation",),
}
PRISONS = {"prison-event.prison_from", "prison-event.prison_to"}


def why_none(message: str, path: str, field_: Field, shape: Shape) -> str | None:  # noqa: PLR0911 - a table
    """Say why a field cannot carry a canary: a name of `FEW`; None: it does."""
    named = f"{message}.{path}"
    if field_.made_by_hub:
        return "general"
    if isinstance(shape, Choice):
        return "choice"
    if named in ORGANISATIONS:
        return "organisation"
    if named in PRISONS:
        return "prison"
    if named == "correction.fields":
        return "fields"
    if field_.text("pairwise") or named == "receipt.delivery":
        return "reference"
    if field_.text("format") == "role" or named == "review.attendees[].role":
        return "role"
    if isinstance(shape, Scalar) and shape.kind == "boolean":
        return "boolean"
    if isinstance(shape, Scalar) and shape.kind == "int":
        low, high = field_.bound("minimum") or 0, field_.bound("maximum") or 0
        return "small" if high - low <= NUMBERS_MIN else None
    return None


def fields_of(record: Record, prefix: str = "") -> Iterator[tuple[str, Field, Shape]]:
    """Yield every field that holds single values: its path, itself, the shape of one value."""
    for each in record.fields:
        path, shape = f"{prefix}{each.name}", each.shape
        if isinstance(shape, ListOf):
            shape = shape.item
            path = f"{path}[]" if isinstance(shape, Record) else path
        if isinstance(shape, Record):
            yield from fields_of(shape, f"{path}.")
        else:
            yield path, each, shape


@dataclass(kw_only=True)
class Mint:
    """Makes values nobody else has; what it made can be looked for."""

    random: Random
    made: set[str] = field(default_factory=set)
    """Every text that stands nowhere else, as it would be found."""
    numbers: int = 0

    def token(self) -> str:
        """Return ten letters that stand nowhere else."""
        while (found := "ZQX" + "".join(self.random.choices(LETTERS, k=7))) in self.made:
            continue
        self.made.add(found)
        return found

    def full(self, message: MessageName, **said: object) -> dict[str, object]:
        """Return a message's payload as JSON, every field filled; `said` are values that must be so."""
        shape = LIBRARY.contract(message, "1.0").shape
        return {
            each.name: said[each.name] if each.name in said else self._field(message, each.name, each)
            for each in shape.fields
            if not each.made_by_hub
        }

    def item(self, message: MessageName, name: str, **said: object) -> dict[str, object]:
        """Return one item of a list of records, every field filled."""
        found = LIBRARY.contract(message, "1.0").shape.field(name)
        assert found is not None
        assert isinstance(found.shape, ListOf)
        assert isinstance(found.shape.item, Record)
        return {
            each.name: said[each.name]
            if each.name in said
            else self._field(message, f"{name}[].{each.name}", each)
            for each in found.shape.item.fields
        }

    def _field(self, message: str, path: str, of: Field) -> object:
        if isinstance(of.shape, ListOf):
            return [self._value(message, path, of, of.shape.item) for _ in range(2)]
        return self._value(message, path, of, of.shape)

    def _value(self, message: str, path: str, of: Field, shape: Shape) -> object:
        reason = why_none(message, path, of, shape)
        if reason in {"organisation", "prison", "fields", "reference", "role"}:
            wanted = f"{message}.{path} has to be given: {FEW[reason]}"
            raise AssertionError(wanted)
        if isinstance(shape, Choice):
            return self.random.choice(shape.symbols)
        assert isinstance(shape, Scalar)
        self.numbers += 1
        if shape.kind == "boolean":
            return True
        if shape.kind == "int":
            low, high = of.bound("minimum") or 0, of.bound("maximum") or 0
            return low + (7919 * self.numbers) % (high - low + 1)
        if shape.kind == "double":
            return 50 + self.numbers / 1000
        return self._kept(self._text(of, shape))

    def _kept(self, text: str) -> str:
        self.made.add(text)
        return text

    def _text(self, of: Field, shape: Scalar) -> str:
        """Return a text of the form the field has, unlike all others."""
        number = self.numbers
        if shape.kind == "date":
            return (date(1981, 1, 1) + timedelta(days=17 * number)).isoformat()
        if shape.kind == "instant":
            return instant(2011, number)
        made = FORMS.get(of.text("format") or of.name)
        if made is not None:
            return made(number)
        pattern = of.text("pattern")
        if pattern is None:
            return f"{self.token()} is what is said"
        if REFERENCES.fullmatch(pattern) or pattern.startswith(UPPER):
            return self.token()
        assert pattern == "^[0-9a-f]{64}$", f"{of.name}: no canary is known for {pattern}"
        return f"{self.random.getrandbits(256):064x}"


def instant(year: int, number: int, *, ahead: bool = False) -> str:
    """Return a moment unlike all others, to the millisecond; `ahead`: one that is still to come."""
    base = datetime(2061 if ahead else year, 3, 4, 5, 6, 7, tzinfo=UTC)
    moment = base + timedelta(days=11 * number, milliseconds=number % 900 + 1)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _checked(kind: str, beginning: str) -> str:
    return next(
        f"{beginning}{letter}"
        for letter in LETTERS + "AEUY"
        if has_right_letter(kind, f"{beginning}{letter}")
    )


FORMS = {
    "noms": lambda n: f"A{4000 + n:04d}ZQ",
    "crn": lambda n: f"Q{640000 + n:06d}",
    "pnc": lambda n: _checked("pnc", f"2009/{7300000 + n:07d}"),
    "cro": lambda n: _checked("cro", f"{730000 + n:06d}/09"),
    "postcode": lambda n: f"ZQ{n // 10 % 10}{LETTERS[n // 100 % 19]} {n % 10}XZ",
    "release_postcode": lambda n: f"XQ{n // 10 % 10}{LETTERS[n // 100 % 19]} {n % 10}XZ",
    "phone": lambda n: f"+44 7700 9{n:05d}",
    "person_phone": lambda n: f"+44 7700 8{n:05d}",
    "person_email": lambda n: f"zqx-{n:05d}@nowhere.invalid",
    "booking": lambda n: f"9{n:05d}Q",
}
"""Identifiers and the like, by format or by name: of the form they must have, and unlike all others."""


def leaves(data: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, int | None, object]]:
    """Yield every value of a payload: its path in the contract, the number of its list item, itself."""
    for name, value in data.items():
        path = f"{prefix}{name}"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for place, item in enumerate(value):
                yield from ((below, place, inner) for below, _, inner in leaves(item, f"{path}[]."))
        elif value is not None:
            yield path, None, value
