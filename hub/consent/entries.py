"""One rule of a policy document while it is read, field by field; every fault is noted where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from hub.consent.parties import nearest

Word = TypeVar("Word")


@dataclass(slots=True)
class Entry:
    """One rule of a document while it is read: where it stands, and what was wrong with it."""

    where: str
    body: Mapping[str, object]
    defaults: Mapping[str, object]
    faults: list[str]

    def fault(self, name: str, text: str) -> None:
        """Note a fault of one field."""
        self.faults.append(f"{self.where}, {name}: {text}")

    def text(self, name: str, *, needed: bool = True) -> str:
        """Read a text, from the rule or else from the head of its file."""
        value = self.body.get(name, self.defaults.get(name, "" if not needed else None))
        if isinstance(value, str) and (value.strip() or not needed):
            return " ".join(value.split())
        self.fault(name, "a text is needed")
        return ""

    def words(self, name: str, allowed: Iterable[str]) -> tuple[str, ...] | None:
        """Read one word or several of a closed list; None where the rule does not narrow by it."""
        if name not in self.body:
            return None
        known = tuple(allowed)
        found = tuple(many(self.body[name]))
        for word in found:
            if word not in known:
                self.fault(name, f"{word!r} is not allowed{nearest(word, known)}")
        if not found:
            self.fault(name, "must name at least one")
        return tuple(str(word) for word in found)

    def flag(self, name: str) -> bool:
        """Read a yes or no that is no when absent."""
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            self.fault(name, "must be true or false")
        return value is True


def entries_of(name: str, body: Mapping[str, object], section: str, faults: list[str]) -> list[Entry]:
    """Open each rule of a section of a file."""
    found = body.get(section, [])
    if not isinstance(found, list | tuple):
        faults.append(f"{name}.yaml, {section}: must be a list of rules")
        return []
    entries = []
    for number, item in enumerate(found, start=1):
        if not isinstance(item, Mapping):
            faults.append(f"{name}.yaml, {section}, number {number}: must be a mapping")
            continue
        entries.append(Entry(f"{name}.yaml, rule {item.get('id', f'number {number}')}", item, body, faults))
    return entries


def one_of(entry: Entry, name: str, allowed: Mapping[str, Word], otherwise: Word) -> Word:
    """Read exactly one word of a closed list."""
    stated = entry.body.get(name)
    if isinstance(stated, str) and stated in allowed:
        return allowed[stated]
    entry.fault(name, f"{stated!r} is not allowed{nearest(stated, allowed)}")
    return otherwise


def only(where: str, body: Mapping[str, object], allowed: frozenset[str], faults: list[str]) -> None:
    """Note every field that is not part of the vocabulary."""
    faults.extend(
        f"{where}, {name}: not a field here{nearest(name, allowed)}" for name in body if name not in allowed
    )


def many(value: object) -> tuple[object, ...]:
    """Take one value or a list of them as a tuple."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)
