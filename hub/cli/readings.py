"""`hub ledger readings`: who read which case record, in which role, and what of it was shown (R-CASE-09)."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hub.adapters.ledger.readings import Reading
    from hub.topics.sealing import Sealer


def list_readings(
    case: Annotated[
        str | None, typer.Option(help="Only this case: its reference, or case_… as a party knows it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most readings shown, newest first.")] = 50,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one list.")] = False,
) -> None:
    """List who read case records, newest first: the organisation, the role, the person by staff reference."""
    from hub.settings import load
    from hub.topics.keys import FileKeyStore
    from hub.topics.sealing import Sealer as SealerOf

    sealer = SealerOf(FileKeyStore(load().instance_folder / "keys"))
    found = asyncio.run(_found(case=case, limit=limit))
    if as_json:
        print(json.dumps([_plain(each, sealer) for each in found], indent=2))
        return
    for each in found:
        when = f"{each.read_at.astimezone():%Y-%m-%d %H:%M:%S}"
        print(f"{when}  case {each.case_ref}, {len(each.told)} entries")
        print(f"  {each.person(sealer)} of {each.organisation} as {each.role}")
    print(f"{len(found)} reading(s)." if found else "Nobody has read a case record.")


async def _found(*, case: str | None, limit: int) -> list[Reading]:
    from hub.adapters.ledger.readings import recorded
    from hub.cli.projection import projection
    from hub.cli.references import known_case, known_parties

    async with projection() as connection:
        own = case and await known_case(connection, case, await known_parties(connection))
        return await recorded(connection, limit=limit, case_ref=own)


def _plain(each: Reading, sealer: Sealer) -> dict[str, object]:
    return {
        "read_at": each.read_at.isoformat(),
        "organisation": each.organisation,
        "role": each.role,
        "person": each.person(sealer),
        "case_ref": each.case_ref,
        "case_version": each.case_version,
        "told": each.told,
    }
