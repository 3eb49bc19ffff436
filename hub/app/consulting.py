"""The record of who asked what of a running hub: written before anything is answered (DPA 2018 s.62)."""

from __future__ import annotations

import getpass
import os
import re
from typing import TYPE_CHECKING

import structlog

from hub.adapters.ledger import consultations

if TYPE_CHECKING:
    from hub.adapters.database.pool import Pool
    from hub.messages.identifiers import CaseRef

_log = structlog.get_logger(__name__)
_REFERENCE = re.compile("[0-9a-f]{32}")
"""What the hub itself gives a case: whatever else was typed for one is not written down."""


def user() -> str:
    """Return who asks, as the machine knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


async def record(pool: Pool, *, who: str, asked: str, case: CaseRef | None, **about: object) -> None:
    """Record a question; the line of the log is for whoever watches, the row is the record."""
    known = case if case is not None and _REFERENCE.fullmatch(case) else None
    said = {name: value for name, value in about.items() if value is not None}
    async with pool.connection() as connection:
        await consultations.record(connection, who=who, asked=asked, case_ref=known, about=said)
    _log.info("policy.asked", who=who, asked=asked, case=known or "unknown", **said)
