"""`hub ledger tally`: whether everything that was decided stands somewhere, once."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import EXIT_NOT_VALID

if TYPE_CHECKING:
    from hub.adapters.ledger.tally import Tally

_MEANS = {
    "missing": "the ledger says it goes, and it is nowhere",
    "unrecorded": "it is there, and no decision led to it",
    "two-states": "finished, and stopped or replaced too",
    "twice": "the same message, recipient and role more than once",
    "not-as-happened": "it stands otherwise than what happened to it last",
    "number-twice": "two of its lane have its number",
    "number-not-given": "its number is higher than its lane has given",
}


def show_tally(
    young_s: Annotated[
        float,
        typer.Option("--but-last", min=0, help="Leave out what was decided in so many seconds just past."),
    ] = 30.0,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most faults shown.")] = 100,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Check that every delivery the ledger records stands somewhere, once: nothing lost, nothing twice.

    Compares the decisions, the deliveries, what happened to them and the numbers of their lanes. Ends with 4
    where something does not fit, and names it. To see it work: `hub ledger tally --but-last 0` after a busy
    moment, or after `hub projection rebuild`.
    """
    found = asyncio.run(_tallied(young_s=young_s, limit=limit))
    if as_json:
        plain = {"stands": dict(found.stands), "wrong": [dataclasses.asdict(each) for each in found.wrong]}
        print(json.dumps(plain, indent=2))
    else:
        _show(found, limit=limit)
    if found.wrong:
        raise typer.Exit(EXIT_NOT_VALID)


def _show(found: Tally, *, limit: int) -> None:
    total = sum(found.stands.values())
    said = ", ".join(f"{number} {stands}" for stands, number in found.stands.items())
    print(f"{total} delivery(ies) by the ledger" + (f": {said}." if said else "."))
    for each in found.wrong:
        print(f"  {each.fault:<17} {each.delivery_id}  message {each.message_id}  {each.organisation}")
        print(f"  {'':<17} case {each.case_ref}: {_MEANS[each.fault]}")
    more = " or more" if len(found.wrong) == limit else ""
    print(f"{len(found.wrong)}{more} do not fit." if found.wrong else "Each stands in one place.")


async def _tallied(*, young_s: float, limit: int) -> Tally:
    from hub.adapters.ledger.tally import tally
    from hub.cli.projection import projection

    async with projection() as connection:
        return await tally(connection, young_s=young_s, limit=limit)
