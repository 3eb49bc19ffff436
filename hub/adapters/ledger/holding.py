"""Holds what may be out of date, in the transaction that applies the change (architecture 3).

What is held looks to its recipient like no message at all, until the router has decided again. A hold and
the arrival of a delivery may be applied by two projectors at once: both take the lock of their partition of
the intake first, so that neither misses what the other is about to commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

from hub.adapters.database.alone import HOLD_LOCK
from hub.consent.partner_contracts import Direction
from hub.consent.release import COMING, CURRENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from psycopg import AsyncConnection

_HOLD: LiteralString = "UPDATE delivery AS d SET held = true, holds = holds + 1, asked_at = NULL, asks = 0"
_UNSETTLED: LiteralString = " d.verdict IS NULL AND NOT d.finished"
_OF_CASES: LiteralString = (
    _HOLD
    + " FROM case_state c WHERE c.case_ref = ANY(%(cases)s) AND d.case_ref = c.case_ref AND"
    + _UNSETTLED
    + " AND c.turn > coalesce(d.turn, 0)"
)
_ON_TOPICS: LiteralString = (
    _HOLD
    + """ FROM case_state c WHERE c.case_ref = ANY(%(cases)s) AND d.case_ref = c.case_ref
      AND d.by_kafka AND d.finished AND d.verdict IS NULL AND d.available_at > now() - interval '8 days'
      AND c.turn > coalesce(d.turn, 0)"""
)
"""What stands on a topic may be taken back there, acknowledged or not; a topic keeps it for seven days."""
_OF_CONTROL: LiteralString = (
    _HOLD
    + " FROM control_change c WHERE (c.partition, c.kind, c.name) = (%(partition)s, %(kind)s, %(name)s) AND"
    + _UNSETTLED
    + """ AND d.partition = c.partition AND d."offset" < c."offset"
      AND (c.organisation IS NULL OR d.organisation = c.organisation)
      AND (c.message IS NULL OR d.message = c.message)"""
)
_OF_NEW: LiteralString = (
    _HOLD
    + " WHERE d.delivery_id = ANY(%(deliveries)s) AND NOT d.held AND"
    + _UNSETTLED
    + " AND delivery_facts_changed(d)"
)
_RELEASED_ON_TOPICS: LiteralString = (
    _HOLD
    + """ FROM case_state c WHERE d.delivery_id = ANY(%(deliveries)s) AND d.case_ref = c.case_ref
      AND d.by_kafka AND d.finished AND d.verdict IS NULL AND NOT d.held
      AND d.available_at > now() - interval '8 days' AND c.turn > coalesce(d.turn, 0)"""
)
"""Released by the answer to a request made before the case turned again."""
_PAST: LiteralString = (
    _HOLD
    + " WHERE d.right_until <= now() AND NOT d.held AND"
    + _UNSETTLED
    + """ AND (d.asked_at IS NULL OR now() - d.right_until
               >= 2 * (d.asked_at - d.right_until) + make_interval(secs => %(interval_s)s))"""
)
"""Released though its moment has come here, it was decided by a clock that runs behind this one.

It stays closed, and is asked about again when twice as long has passed since its moment as when it was asked
last: as often as the difference can be doubled, however long the other clock takes to come there.
"""
_SAME: LiteralString = """
SELECT c.case_ref FROM case_state c JOIN unnest(%s::text[], %s::bigint[]) AS now (case_ref, turn)
    ON c.case_ref = now.case_ref AND c.turn = now.turn
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control record applied in one partition."""

    partition: int
    kind: str
    name: str


def concerned(kind: str, name: str) -> tuple[str | None, str | None]:
    """Return whose deliveries of which message a control record may make wrong; None: all of them.

    A contract's name is `<partner>/<direction>/<message>.v<number>`; one on what a partner sends concerns
    none, which no organisation is called.
    """
    if kind == "organisation":
        return name, None
    if kind == "contract":
        partner, direction, line = name.split("/", 2)
        receives = direction == Direction.RECEIVES
        return partner if receives else "", line.rpartition(".")[0]
    if kind == "profile":
        # It says what a case asks for, not who may know what.
        return "", None
    if kind == "policy" and name not in {CURRENT, COMING}:
        return "", None
    return None, None


async def lock_partitions(connection: AsyncConnection, partitions: Iterable[int]) -> None:
    """Let nobody else hold or enter deliveries of these partitions until the transaction ends."""
    for partition in sorted(set(partitions)):
        await connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (HOLD_LOCK, partition))


async def cases_turning(connection: AsyncConnection, turns: dict[str, int]) -> list[str]:
    """Return the cases among these that stand at another turn so far; asked before they are written."""
    cursor = await connection.execute(_SAME, (list(turns), list(turns.values())))
    same = {row[0] for row in await cursor.fetchall()}
    return [case for case in turns if case not in same]


async def hold(
    connection: AsyncConnection,
    *,
    cases: list[str],
    controls: Iterable[Control],
    deliveries: list[str],
) -> None:
    """Hold what these changes make out of date; it takes the rows as they now stand."""
    if cases:
        await connection.execute(_OF_CASES, {"cases": cases})
        await connection.execute(_ON_TOPICS, {"cases": cases})
    for control in controls:
        values = {"partition": control.partition, "kind": control.kind, "name": control.name}
        await connection.execute(_OF_CONTROL, values)
    if deliveries:
        await connection.execute(_OF_NEW, {"deliveries": deliveries})
        await connection.execute(_RELEASED_ON_TOPICS, {"deliveries": deliveries})


async def hold_past(connection: AsyncConnection, *, interval_s: float) -> int:
    """Hold what has become doubtful by time alone, again after `interval_s` at the soonest; returns how many.

    What is not held in between is closed all the same: its moment has come.
    """
    return (await connection.execute(_PAST, {"interval_s": interval_s})).rowcount
