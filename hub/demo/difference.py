"""One thing that is not as the expectations say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as expected: in which step, for whom, in which field, what."""

    what: str
    step: str = ""
    recipient: str = ""
    field: str = ""

    def __str__(self) -> str:
        """One line; it never shows a value."""
        return " · ".join(part for part in (self.step, self.recipient, self.field, self.what) if part)
