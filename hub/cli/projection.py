"""`hub projection`: makes the tables again. Also where commands that only look read from, hub or none."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import confirmed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from psycopg import AsyncConnection

__all__ = ["app", "projection"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)
_STATEMENT_TIMEOUT_MS = 15_000


@app.callback()
def _group() -> None:
    """Make the tables in PostgreSQL again from Kafka."""


@app.command()
def rebuild(
    *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether you mean it.")] = False
) -> None:
    """Empty every table that is made from Kafka; the hub that runs fills them again, from the beginning.

    Deliveries come back as they stood: what was acknowledged is not offered again, and numbers in a lane go
    on. Nothing is lost but what hub.outbox no longer keeps: deliveries of more than 30 days ago. Keys,
    endpoints and idempotency keys stay. Until the tables are full again mailboxes answer 503 not-caught-up;
    what is posted is taken.
    """
    question = "Mailboxes are shut until the tables are full again. Go on?"
    if not confirmed(question, yes=yes, look="read `python3 -m hub projection rebuild --help`"):
        return
    asyncio.run(_rebuild())
    print("The tables are empty; the projector fills them again. Whether it has: GET /v1/mailbox/messages.")


async def _rebuild() -> None:
    from hub.adapters.ledger import drop_projection
    from hub.app.running import attached
    from hub.settings import load

    async with attached(load()) as hub:
        await drop_projection(hub.pool)


@asynccontextmanager
async def projection() -> AsyncIterator[AsyncConnection]:
    """A connection that can read and nothing else.

    Raises:
        NotConfigured: No hub has ever run for this instance: there is nothing to read.
        Unreachable: The database does not answer.
    """
    import psycopg

    from hub.adapters.database.schema import upgrade
    from hub.adapters.database.server import find_or_start
    from hub.errors import NotConfigured, Unreachable
    from hub.settings import load

    settings = load()
    if not settings.database.get_secret_value() and not (settings.instance_folder / "database").exists():
        # Else an empty database would be made for a name mistyped, and all would look well in it.
        message = f"no hub has ever run for the instance {settings.instance!r}"
        fix = "check HUB_INSTANCE and HUB_HOME, name a database by HUB_DATABASE, or start a hub first"
        raise NotConfigured(message, fix=fix)
    async with find_or_start(settings, attach=True) as found:
        upgrade(found.dsn)
        options = f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c default_transaction_read_only=on"
        try:
            connection = await psycopg.AsyncConnection.connect(found.dsn, options=options)
        except psycopg.OperationalError as error:
            message = "the database does not answer"
            raise Unreachable(message, fix="check HUB_DATABASE, or that a hub runs") from error
        async with connection:
            yield connection
