"""Where commands that only look read from: the projection in PostgreSQL, whether or not a hub runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from psycopg import AsyncConnection

_STATEMENT_TIMEOUT_MS = 15_000


@asynccontextmanager
async def projection() -> AsyncIterator[AsyncConnection]:
    """A connection that can read and nothing else; Unreachable if the database does not answer."""
    import psycopg

    from hub.adapters.database.schema import upgrade
    from hub.adapters.database.server import find_or_start
    from hub.errors import Unreachable
    from hub.settings import load

    async with find_or_start(load(), attach=True) as found:
        upgrade(found.dsn)
        options = f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c default_transaction_read_only=on"
        try:
            connection = await psycopg.AsyncConnection.connect(found.dsn, options=options)
        except psycopg.OperationalError as error:
            message = "the database does not answer"
            raise Unreachable(message, fix="check HUB_DATABASE, or that a hub runs") from error
        async with connection:
            yield connection
