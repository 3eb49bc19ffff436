"""How far a message has come with those it went to, as its sender may know (decision 0013).

Levels rise: accepted (L0), transported (L1), fetched (L2), acknowledged (L3), read by a named role (L4),
actioned (L5). A receipt that acknowledges without the digest says no more than that it was fetched. Whether a
delivery is held or was stopped changes nothing here: what is not handed over stays at L0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from psycopg.rows import class_row

from hub.cases.membership import current_team, has_role, outgoing_manager
from hub.errors import NotReadable
from hub.messages.envelope import Role
from hub.messages.identifiers import CaseRef
from hub.topics.sealing import Sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hub.adapters.database.freshness import Freshness
    from hub.adapters.database.pool import Pool
    from hub.cases.case import Case
    from hub.messages.identifiers import Instant, MessageId, OrganisationId
    from hub.topics.codec import Codec

LEVELS = ("accepted", "transported", "fetched", "acknowledged", "read", "actioned")
ENDED = ("refused", "expired")
_OM = Role.OFFENDER_MANAGER.value
_FOUND: LiteralString = """
SELECT d.case_ref, d.organisation, d.role, d.state, d.by_kafka,
       coalesce((SELECT max(CASE e.kind WHEN 'actioned' THEN 5 WHEN 'read' THEN 4 WHEN 'acknowledged' THEN 3
                                        WHEN 'fetched' THEN 2 WHEN 'confirmed' THEN 2
                                        WHEN 'transported' THEN 1 ELSE 0 END)
                   FROM delivery_event e WHERE e.delivery_id = d.delivery_id), 0) AS said
  FROM delivery d WHERE d.message_id = %s ORDER BY d.organisation, d.role, d.cursor LIMIT %s
"""
_CASE: LiteralString = "SELECT key_id, nonce, box FROM case_state WHERE case_ref = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedRow:
    """One delivery of a message, and how far it got."""

    case_ref: str
    organisation: str
    role: str
    state: str
    by_kafka: bool
    said: int
    """The highest level of what happened to it: that it ended, or is offered again, takes none back."""

    @property
    def level(self) -> int:
        """The level reached, counted from L0."""
        at = LEVELS.index(self.state) if self.state in LEVELS else 0
        return max(at, int(self.by_kafka), self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLevels:
    """Looks up how far the deliveries of a message got."""

    pool: Pool
    codec: Codec
    now: Callable[[], Instant]
    freshness: Freshness
    wait_s_max: float
    rows_max: int

    async def of(self, sender: OrganisationId, message: MessageId) -> list[dict[str, object]]:
        """Return what the sender of a message may know of how far it got; that it is the sender is known."""
        await self.freshness.wait()
        async with self.pool.connection(timeout=self.wait_s_max) as connection:
            cursor = connection.cursor(row_factory=class_row(ReachedRow))
            found = await (await cursor.execute(_FOUND, (message, self.rows_max))).fetchall()
            if not found:
                return []
            row = await (await connection.execute(_CASE, (found[0].case_ref,))).fetchone()
        case = None if row is None else self._case(found[0].case_ref, row)
        if case is not None and self._manages(case, sender):
            return list(_of_team(found, case, self.now()))
        return list(_of_manager(found))

    def _case(self, ref: str, row: tuple[str, bytes, bytes]) -> Case | None:
        sealed = Sealed(key_id=row[0], nonce=bytes(row[1]), box=bytes(row[2]))
        try:
            return self.codec.case_opened(CaseRef(ref), sealed)
        except NotReadable:
            # Its person's data were erased: then nobody manages it.
            return None

    def _manages(self, case: Case, sender: OrganisationId) -> bool:
        now = self.now()
        outgoing = outgoing_manager(case, now)
        return has_role(case, sender, Role.OFFENDER_MANAGER, now=now) or (
            outgoing is not None and outgoing.organisation == sender
        )


def _of_team(found: list[ReachedRow], case: Case, now: Instant) -> Iterator[dict[str, object]]:
    """Yield each recipient who is on the team; who is not is not known to be by being sent something."""
    team = {(member.organisation, member.role.value) for member in current_team(case, now)}
    for place in dict.fromkeys((row.organisation, row.role) for row in found):
        if place in team:
            own = [row for row in found if (row.organisation, row.role) == place]
            yield {"role": place[1], "organisation": place[0], **_reached(own)}


def _of_manager(found: list[ReachedRow]) -> Iterator[dict[str, object]]:
    """Yield how far it got with the Offender Manager: that a case has one is known to all."""
    own = [row for row in found if row.role == _OM]
    if own:
        yield {"role": _OM, "organisation": None, **_reached(own)}


def _reached(rows: list[ReachedRow]) -> dict[str, object]:
    """Return the highest level of several, as where one was replaced by less, and how the last one ended."""
    level, last = max(row.level for row in rows), rows[-1].state
    return {"level": LEVELS[level], "ended": last if last in ENDED else None}
