"""What differs between two versions of a schema, field by field, for people who read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.topics.avro.advice import short
from hub.topics.gates.pairs import Kept, pair
from hub.topics.gates.said import same_value, shown

if TYPE_CHECKING:
    from hub.topics.avro.schema import Field, Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that was added, dropped, or says something else."""

    path: str
    change: str
    """added, dropped, or the name of what changed: type, default, or a property such as infoClass."""
    old: str
    new: str

    @property
    def said(self) -> str:
        """Old and new in a line."""
        return f"{self.old} -> {self.new}" if self.old and self.new else self.old or self.new


def differences(old: Type, new: Type) -> tuple[Difference, ...]:
    """Return every difference in the order of the new version's fields, what was dropped last."""
    pairs = pair(old, new)
    changed = [found for both in pairs.kept for found in _changed(both)]
    added = [
        Difference(path=each.path, change="added", old="", new=_said(each.field)) for each in pairs.added
    ]
    dropped = [
        Difference(path=each.path, change="dropped", old=_said(each.field), new="") for each in pairs.dropped
    ]
    return (*changed, *added, *dropped)


def _changed(both: Kept) -> list[Difference]:
    was, becomes = both.old, both.new
    found = [("name", both.old_path, both.path)] if both.path != both.old_path else []
    if short(was.type) != short(becomes.type):
        found.append(("type", short(was.type), short(becomes.type)))
    if not same_value(was.default, becomes.default) or was.has_default is not becomes.has_default:
        found.append(("default", _default(was), _default(becomes)))
    for name in sorted(was.properties.keys() | becomes.properties.keys()):
        one, other = was.properties.get(name), becomes.properties.get(name)
        if not same_value(one, other):
            found.append((name, shown(one), shown(other)))
    return [Difference(path=both.path, change=name, old=one, new=other) for name, one, other in found]


def _default(field: Field) -> str:
    return (
        shown(field.default)
        if field.has_default and field.default is not None
        else ("null" if field.has_default else "none")
    )


def _said(field: Field) -> str:
    marks = [str(field.properties[name]) for name in ("infoClass", "subject") if name in field.properties]
    return ", ".join((short(field.type), *marks))
