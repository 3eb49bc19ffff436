"""A payload as its leaves: one path per value, so that two payloads can be compared field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub.demo.day import iso

if TYPE_CHECKING:
    from hub.demo.day import Step

ITEM_KEYS = ("objective", "need")
"""Fields that name an item of a list; other lists of records are told apart by place."""
TOKEN = re.compile(r"\[([A-Z0-9]{6})\]")
INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d")
PERSONAL = frozenset(
    {
        "forename", "surname", "date_of_birth", "crn", "noms_number", "pnc", "cro",
        "address", "postcode", "phone", "release_address", "release_postcode",
        "person_phone", "referral", "consent", "assessment", "appointment", "enforcement", "review",
        "evaluation",
    }
)  # fmt: skip
"""Fields whose values are unique to one person or matter, and so can be searched for as they are."""


def leaves(payload: Mapping[str, object]) -> dict[str, object]:
    """Return every value given, by path; nulls and empty lists are not given."""
    return dict(_walk(payload, ""))


def _walk(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _walk(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
        for place, item in enumerate(value):
            yield from _walk(item, f"{path}.{_item_name(item, place)}")
    elif value not in (None, [], (), {}):
        yield path, plain(value)


def _item_name(item: Mapping[str, object], place: int) -> object:
    return next((item[key] for key in ITEM_KEYS if item.get(key) is not None), place)


def plain(value: object) -> object:
    """Return the value in one form whatever way it came: instants in UTC, sequences as lists."""
    if isinstance(value, str) and INSTANT.match(value):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(inner) for inner in value]
    return value


def in_contract(path: str) -> str:
    """Return a leaf's path as the contract writes it: `objectives.home.title` is `objectives[].title`."""
    head, _, rest = path.partition(".")
    return f"{head}[].{rest.partition('.')[2]}" if rest else path


def canaries(path: str, value: object) -> frozenset[str]:
    """Return what to search for to see whether this value leaked; nothing where it is not unique."""
    if isinstance(value, list):
        return frozenset().union(*(canaries(path, inner) for inner in value))
    if not isinstance(value, str):
        return frozenset()
    if path.rpartition(".")[2] in PERSONAL:
        return frozenset({value})
    return frozenset(TOKEN.findall(value))


def step_time(step: Step) -> str:
    """Return a step's instant in the form `time_of` gives, by which its deliveries are known."""
    return str(plain(iso(step.occurred_at)))


def time_of(headers: Mapping[str, str]) -> str:
    """Return when what a delivery tells of happened."""
    return str(plain(headers.get("ce_time", "")))


def covers(pattern: str, path: str) -> bool:
    """Whether a path of the expectations speaks of this leaf: the same, or `prefix.*`."""
    return path.startswith(pattern[:-1]) if pattern.endswith(".*") else path == pattern
