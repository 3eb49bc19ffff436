"""How contracts are used: who was sent what in which version, and what is parked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_USE: LiteralString = """
SELECT organisation, message, contract AS version, count(*) AS deliveries, max(available_at) AS last
  FROM delivery GROUP BY organisation, message, contract
"""
_PARKED: LiteralString = """
SELECT organisation, message, NULL AS version, count(*) AS deliveries, max(decided_at) AS last
  FROM ledger WHERE gate IN ('CONTRACT-SUNSET', 'CONTRACT-NO-VERSION') GROUP BY organisation, message
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Deliveries of one message to one organisation."""

    organisation: str
    message: str
    version: str | None
    """Schema version they were written in; None for parked ones, which never were."""
    deliveries: int
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """All deliveries, made and parked."""

    made: tuple[Use, ...]
    parked: tuple[Use, ...]

    def last(self, organisation: str, message: str) -> Use | None:
        """Return the latest use of a message by an organisation, or None if it never was sent one."""
        found = [each for each in self.made if (each.organisation, each.message) == (organisation, message)]
        return max(found, key=lambda each: each.last, default=None)

    def parked_for(self, organisation: str, message: str) -> int:
        """Return how many deliveries of a message were kept back from an organisation."""
        return sum(
            each.deliveries
            for each in self.parked
            if (each.organisation, each.message) == (organisation, message)
        )


async def uses(connection: AsyncConnection) -> Uses:
    """Return how contracts are used, as far as the projection has come."""
    made = connection.cursor(row_factory=class_row(Use))
    await made.execute(_USE)
    deliveries = tuple(await made.fetchall())
    parked = connection.cursor(row_factory=class_row(Use))
    await parked.execute(_PARKED)
    return Uses(made=deliveries, parked=tuple(await parked.fetchall()))
