"""How contracts are used: who was sent or has sent what in which version, and what is parked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, LiteralString

from psycopg import Error
from psycopg.errors import UndefinedTable
from psycopg.rows import class_row

from hub.errors import NotConfigured, Unreachable
from hub.routing.terms import PARKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from psycopg import AsyncConnection

_MADE: LiteralString = """
SELECT organisation, message, contract AS version, count(*) AS messages, max(available_at) AS last
  FROM delivery GROUP BY organisation, message, contract
"""
_POSTED: LiteralString = """
SELECT organisation, message, contract AS version, count(*) AS messages, max(decided_at) AS last
  FROM submission WHERE organisation IS NOT NULL AND message IS NOT NULL AND contract IS NOT NULL
 GROUP BY organisation, message, contract
"""
_PARKED: LiteralString = """
SELECT organisation, message, NULL AS version, count(*) AS messages, max(decided_at) AS last
  FROM ledger WHERE gate = ANY(%s) GROUP BY organisation, message
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one organisation was sent, or has sent, of one message."""

    organisation: str
    message: str
    version: str | None
    """Schema version it was written in; None for what is parked, which never was."""
    messages: int
    """How many."""
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """All deliveries, made and parked, and all that was posted and taken."""

    made: tuple[Use, ...]
    parked: tuple[Use, ...]
    posted: tuple[Use, ...]

    def last_sent(self, organisation: str, message: str, covers: Callable[[str], bool]) -> Use | None:
        """Return what an organisation was last sent of a message, or None if it never was sent one.

        Args:
            organisation: Its short name.
            message: Of which message.
            covers: Which schema versions count; `messages` of the result counts all of these.
        """
        return _latest(self.made, organisation, message, covers)

    def last_posted(self, organisation: str, message: str, covers: Callable[[str], bool]) -> Use | None:
        """Return what an organisation last posted of a message and the hub took; see `last_sent`."""
        return _latest(self.posted, organisation, message, covers)

    def parked_for(self, organisation: str, message: str) -> int:
        """Return how many deliveries of a message were kept back from an organisation."""
        return sum(
            each.messages
            for each in self.parked
            if (each.organisation, each.message) == (organisation, message)
        )


async def uses(connection: AsyncConnection) -> Uses:
    """Return how contracts are used, as far as the projection has come.

    Raises:
        NotConfigured: The database is none of a hub.
        Unreachable: It does not answer.
    """
    try:
        return Uses(
            made=await _read(connection, _MADE),
            parked=await _read(connection, _PARKED, list(PARKED)),
            posted=await _read(connection, _POSTED),
        )
    except UndefinedTable as fault:
        message = "the database is none of a hub"
        raise NotConfigured(message, fix="check HUB_DATABASE") from fault
    except Error as fault:
        message = "the database does not answer"
        raise Unreachable(message, fix="check HUB_DATABASE") from fault


async def _read(connection: AsyncConnection, statement: LiteralString, *values: list[str]) -> tuple[Use, ...]:
    cursor = connection.cursor(row_factory=class_row(Use))
    await cursor.execute(statement, values)
    return tuple(await cursor.fetchall())


def _latest(
    uses: Iterable[Use], organisation: str, message: str, covers: Callable[[str], bool]
) -> Use | None:
    """Return the latest of those in the versions covered, with the number of them all."""
    found = [
        each
        for each in uses
        if (each.organisation, each.message) == (organisation, message)
        and each.version is not None
        and covers(each.version)
    ]
    if not found:
        return None
    latest = max(found, key=lambda each: each.last)
    return replace(latest, messages=sum(each.messages for each in found))
