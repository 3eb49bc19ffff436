"""What the gateway needs of whoever reads case records (R-CASE-09); `hub.app` puts one in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hub.messages.envelope import Role
from hub.messages.identifiers import OrganisationId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRead:
    """A case record as its reader gets it."""

    case: str
    """The reference by which the reader's organisation knows it."""
    role: Role
    entries: Sequence[Mapping[str, object]]
    """Each like a delivery: its envelope and its data."""
    plan_holders: Sequence[Mapping[str, object]]


class CaseRecords(Protocol):
    """Reads case records, and records that they were read."""

    async def read(
        self, organisation: OrganisationId, case: str, *, role: Role, person: str
    ) -> RecordRead | None:
        """Return the record; None where there is no such case, or the reader has no such part in it."""
