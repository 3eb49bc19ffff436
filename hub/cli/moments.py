"""Moments as staff type them and are shown them.

What a command prints is in this machine's time zone, so that is how a moment without one is read; what was
understood is shown with its zone. A moment with a zone, as JSON and logs have it, is read as it is.
"""

from __future__ import annotations

from datetime import datetime

import typer

FORM = "e.g. 2026-11-01, 2026-11-01T08:00 (in this machine's time zone) or 2026-11-01T08:00Z"


def moment(text: str) -> datetime:
    """Read a moment; without a zone it is in this machine's, without a time the beginning of the day."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = f"that is not a moment: give a date, or date and time, {FORM}"
        raise typer.BadParameter(message) from None
    return found.astimezone()


def shown(at: datetime) -> str:
    """Return a moment to the second, with its zone."""
    return at.astimezone().isoformat(sep=" ", timespec="seconds")
