"""`hub partner mesh-key` and `ack-keys`: what a MESH client needs; what acknowledgements are signed by."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import show_pairs, show_table
from hub.errors import WrongArgument
from hub.messages.identifiers import OrganisationId

if TYPE_CHECKING:
    from datetime import datetime

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


def ack_keys(
    name: Annotated[str, typer.Argument(help="The organisation's short name.")],
    *,
    add: Annotated[
        Path | None, typer.Option(help="Take the public key in this file, PEM or JWK: Ed25519 or P-256.")
    ] = None,
    remove: Annotated[
        str | None, typer.Option(help="Let the key of this id verify nothing from now on.")
    ] = None,
) -> None:
    """List the public keys an organisation signs acknowledgements by; add one, or remove one.

    Make sure that a key is the organisation's before you add it. Several are in force at once, so that one is
    added before another is removed. One that was removed stays on the list: what it signed before holds.
    """
    from hub.adapters.gateway.acknowledgement_keys import KEYS_MAX
    from hub.app import attached
    from hub.settings import load

    given = None if add is None else _read(add)

    async def run() -> None:
        """Change what is asked for, then show what there is."""
        async with attached(load()) as hub:
            found = str((await hub.organisation(name))["organisation"])
            keys = hub.acknowledgement_keys
            if given is not None and not await keys.add(found, *given):
                message = f"this key was removed before, or {KEYS_MAX} are in force already"
                raise WrongArgument("--add", message, fix="have a new key made, or remove one")
            if remove is not None and not await keys.remove(found, remove):
                raise WrongArgument(
                    "--remove", "no key of this id is in force", fix="see the list without it"
                )
            rows = [
                (row.kid, row.jwk["crv"], f"{row.created_at:%Y-%m-%d}", _until(row.removed_at))
                for row in await keys.all(found)
            ]
            show_table(("key id", "curve", "since", "until"), rows)

    asyncio.run(run())


def _until(removed_at: datetime | None) -> str:
    return "" if removed_at is None else f"{removed_at:%Y-%m-%d}"


def _read(file: Path) -> tuple[str, dict[str, str]]:
    """Return the id and the JWK of the public key in a file."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from joserfc.errors import JoseError

    from hub.adapters.gateway.signed_acknowledgements import public_key_from

    try:
        return public_key_from(file.read_text())
    except OSError as error:
        raise WrongArgument("--add", "the file cannot be read", fix="name a file that can") from error
    except (ValueError, UnsupportedAlgorithm, JoseError) as error:
        fix = "give the public key, Ed25519 or P-256: `openssl pkey -in key.pem -pubout` writes it"
        raise WrongArgument("--add", f"this is no key to verify by: {error}", fix=fix) from error
