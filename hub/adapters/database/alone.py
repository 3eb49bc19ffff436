"""One process at a time: what is checked against the database holds until it is written."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psycopg

from hub.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

AGREEMENT_LOCK = 0x4147_5245
"""First half of the advisory lock of an organisation's contracts; the second is the organisation."""
PROFILE_LOCK = 0x5052_4F46
"""First half of the advisory lock of the jurisdiction profiles; all of them are one."""
HOLD_LOCK = 0x484F_4C44
"""First half of the lock of a partition whose deliveries may be held; the second is its number."""
FORGET_LOCK = 0x464F_5247
"""Held by whoever forgets whole messages; shared by whoever makes a finished delivery unfinished."""
LOOK_LOCK = 0x4C4F_4F4B
"""First half of the lock of an organisation that looks through its deliveries; the second is its name."""
_CONNECT_TIMEOUT_S = 10


@asynccontextmanager
async def alone(dsn: str, lock: int, names: Iterable[str], *, wait_s: float) -> AsyncIterator[None]:
    """Hold a lock on each of these, by kind and name, for as long as the block lasts, among all processes.

    On a connection of its own; the lock goes when that closes, also where the process is killed.

    Raises:
        Unreachable: The database does not answer, or another process held the lock for `wait_s` seconds.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(
            dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, application_name="hub"
        )
    except psycopg.OperationalError as error:
        message = "the database does not answer"
        raise Unreachable(message, fix="check HUB_DATABASE, and that PostgreSQL runs") from error
    async with connection:
        await connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{int(wait_s * 1000)}ms",))
        # In one order everywhere: two that want the same never wait for each other.
        for name in sorted(set(names)):
            try:
                await connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (lock, name))
            except psycopg.errors.LockNotAvailable as error:
                message = f"another process is still at work on {name}"
                raise Unreachable(message, fix="wait for it to end, then try again") from error
        yield
