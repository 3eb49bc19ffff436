"""`hub delivery proof`: what a recipient signed of a delivery, for an auditor to verify without the hub."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from hub.errors import WrongArgument

if TYPE_CHECKING:
    from hub.adapters.database.proofs import Proof


def proof(delivery: Annotated[str, typer.Argument(help="Id of the delivery.", metavar="ID")]) -> None:
    """Show the signed acknowledgement of a delivery and the public key it holds by, as JSON.

    Any JOSE library verifies it. That the key is the recipient's, its thumbprint shows: ask the recipient.
    """
    found = asyncio.run(_proof(delivery.lower()))
    if found is None:
        fix = "a recipient signs if it likes to; `hub delivery undelivered` shows what nobody acknowledged"
        raise WrongArgument("ID", "no signed acknowledgement of such a delivery is known", fix=fix)
    print(json.dumps(dataclasses.asdict(found), indent=2, default=str))


async def _proof(delivery: str) -> Proof | None:
    from hub.adapters.database.proofs import proof_of
    from hub.cli.projection import projection

    async with projection() as connection:
        return await proof_of(connection, delivery)
