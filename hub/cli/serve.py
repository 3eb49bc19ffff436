"""`hub serve`: the hub, or one of its roles, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from hub.errors import WrongArgument

if TYPE_CHECKING:
    from collections.abc import Collection

    from hub.app import Role
    from hub.settings import Settings


def command(
    roles: Annotated[
        list[str] | None,
        typer.Argument(
            help="gateway, feeds, router, projector, deliverer; none given: all of them.", show_default=False
        ),
    ] = None,
    http_host: Annotated[str | None, typer.Option(help="Address the gateway listens on.")] = None,
    http_port: Annotated[int | None, typer.Option(help="Port of the gateway; 0: a free one.")] = None,
) -> None:
    """Run the hub until Ctrl-C.

    Kafka and PostgreSQL are the ones named by HUB_KAFKA and HUB_DATABASE, or are started here. Roles may
    run in processes of their own, as many as wished: they share the work by Kafka's consumer groups
    and by rows of the database. A process whose roles are named stands on the Kafka and PostgreSQL that
    another one of the instance has started: that one is stopped last.
    """
    from hub.app import ALL_ROLES
    from hub.settings import load

    settings = load(http_host=http_host, http_port=http_port)
    chosen = frozenset(_role(name) for name in roles) if roles else ALL_ROLES
    asyncio.run(_serve(settings, chosen, attach=bool(roles)))


def _role(name: str) -> Role:
    from hub.app import Role

    try:
        return Role(name)
    except ValueError:
        message = f"there is no role {name!r}"
        raise WrongArgument("ROLES", message, fix=f"name some of {', '.join(Role)}") from None


async def _serve(settings: Settings, roles: Collection[Role], *, attach: bool) -> None:
    from hub.app import running
    from hub.app.roles import names

    me = asyncio.current_task()
    if me is not None:
        # Ctrl-C already cancels this task; whoever sends SIGTERM means the same.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    print(f"Starting {names(roles)} …", flush=True)
    try:
        async with running(settings, roles=roles, attach=attach) as hub:
            for notice in hub.notices:
                print(notice)
            print(f"Kafka      {hub.bootstrap}")
            if hub.http_url:
                print(f"HTTP       {hub.http_url}   (contracts: {hub.http_url}/openapi.json)")
            print("Ready. Ctrl-C stops it.", flush=True)
            try:
                await hub.failed()
            except asyncio.CancelledError:
                # Somebody who sees nothing happen presses Ctrl-C again, and cuts off what is under way.
                print("Stopping; what is under way is finished first …", flush=True)
                raise
    except asyncio.CancelledError:
        print("Stopped.")
