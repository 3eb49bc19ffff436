"""`hub partner mesh-key`: what a MESH client is configured with, shown this one time."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from hub.cli.console import show_pairs
from hub.messages.identifiers import OrganisationId

NO_GATEWAY = "no gateway of this instance is up; put its address here"


def mesh_key(name: Annotated[str, typer.Argument(help="The organisation's short name.")]) -> None:
    """Make an organisation's password and shared key for MESH and show them once; earlier ones end.

    A MESH client needs, besides these, the gateway's address and the mailbox, which is the organisation's
    name in capitals. What it sends goes to the mailbox HUB, by workflow HUB_ and the message type.
    """
    from hub.app import attached
    from hub.settings import load

    async def run() -> None:
        """Make them for an organisation there is."""
        async with attached(load()) as hub:
            found = OrganisationId(str((await hub.organisation(name))["organisation"]))
            secret = await hub.new_mesh_secret(found)
            show_pairs(
                (
                    ("url", hub.http_url or NO_GATEWAY),
                    ("mailbox", found.upper()),
                    ("password", secret.password),
                    ("shared key", secret.shared_key),
                )
            )

    asyncio.run(run())
