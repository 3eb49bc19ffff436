"""What a check of contracts finds: one form for lint, compatibility, gates and partners' contracts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """What follows from a finding."""

    REFUSED = "refused"
    """The change may not be released as it is."""
    SIGN_OFF = "sign-off"
    """It may be released when somebody who answers for the rules has signed it off by name."""
    WARNING = "warning"
    """It may be released; whoever does should know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found: by which rule, in which schema, where, and what would be right instead."""

    rule: str
    """Stable id, e.g. FIELD-NO-DEFAULT; docs/reference/contract-rules.md lists them."""
    schema: str
    """What was checked, e.g. `progress 1.1`, or the file given on the command line."""
    where: str
    """Path of the field, dotted, `[]` after a list and `{}` after a map: `objectives[].title`."""
    what: str
    """One sentence for whoever answers for the schema."""
    old: str = ""
    """What it was, in short, where two versions are compared."""
    new: str = ""
    """What it is now."""
    fix: str = ""
    """A change that would be right: the compatible alternative."""
    weight: Weight = Weight.REFUSED
