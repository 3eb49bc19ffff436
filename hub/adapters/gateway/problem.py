"""One entry of the catalogue of problems."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One kind of refusal: its stable code, HTTP status, what it means and what to do."""

    code: str
    status: int
    title: str
    meaning: str
    fix: str
    retryable: bool
    """True: the same request, unchanged, may succeed later."""

    @property
    def type(self) -> str:
        """Return the problem's type URI, a path on the gateway itself."""
        return f"/problems/{self.code}"
