"""The pool of connections every role shares, with a limit on each wait."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import AsyncConnection, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from hub.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Pool = AsyncConnectionPool[AsyncConnection]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """How many connections, and how long each step may take before the caller is told."""

    connections_min: int = 1
    connections_max: int = 8
    connect_timeout_s: int = 10
    checkout_timeout_s: float = 10.0
    waiting_max: int = 256
    statement_timeout_ms: int = 15_000
    lock_timeout_ms: int = 10_000
    idle_in_transaction_timeout_ms: int = 30_000


@asynccontextmanager
async def open_pool(dsn: str, *, limits: PoolLimits | None = None) -> AsyncIterator[Pool]:
    """Open a pool, hand it out, close it; raises Unreachable when the database does not answer in time."""
    limit = limits or PoolLimits()
    pool: Pool = AsyncConnectionPool(
        _conninfo(dsn, limit),
        open=False,
        min_size=limit.connections_min,
        max_size=limit.connections_max,
        timeout=limit.checkout_timeout_s,
        max_waiting=limit.waiting_max,
        check=AsyncConnectionPool.check_connection,
        name="hub",
    )
    try:
        await pool.open(wait=True, timeout=limit.connect_timeout_s)
    except (PoolTimeout, OperationalError) as error:
        await pool.close()
        message = "the database does not answer"
        raise Unreachable(
            message, fix="check HUB_DATABASE, or leave it unset to use the hub's own"
        ) from error
    try:
        yield pool
    finally:
        await pool.close()


def _conninfo(dsn: str, limit: PoolLimits) -> str:
    options = " ".join(
        (
            f"-c statement_timeout={limit.statement_timeout_ms}",
            f"-c lock_timeout={limit.lock_timeout_ms}",
            f"-c idle_in_transaction_session_timeout={limit.idle_in_transaction_timeout_ms}",
        ),
    )
    return make_conninfo(
        dsn, connect_timeout=limit.connect_timeout_s, options=options, application_name="hub"
    )
