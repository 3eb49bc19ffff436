"""`hub ledger taken-back`: who had a message that was corrected, who was told, and who has confirmed it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.references import known_parties, opened_with, own_form

if TYPE_CHECKING:
    from datetime import datetime

    from hub.adapters.ledger.confirming import Had, Notice

_MEANS = {
    "confirmed": "confirmed",
    "refused": "refused",
    "escalated": "not confirmed in time; reported, next step",
    "unconfirmed": "not confirmed; awaited until",
    "stopped": "the notice was stopped, or replaced by a narrower one",
}


def list_taken_back(
    message: Annotated[str, typer.Option(help="The message: its id, or msg_… as a party knows it.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one list.")] = False,
) -> None:
    """List who had a message that was corrected or taken back, who was told so, and who has confirmed it.

    Whoever is told has to confirm by a receipt in the time of the case's tier; what is not confirmed is
    reported to the Offender Manager and then escalates, as an alert does.
    """
    found = asyncio.run(_found(message))
    if as_json:
        print(json.dumps([dataclasses.asdict(each) for each in found], indent=2, default=str))
        return
    for each in found:
        print(f"{each.organisation} as {each.role}: {each.way} {_when(each.at)}; delivery {each.delivery_id}")
        if each.taken_back:
            print("      taken back from its Kafka topic")
        for notice in each.notices:
            _show(notice)
        if not each.notices:
            print("      not told of any correction")
    untold = sum(not each.notices for each in found)
    open_ = sum(one.standing in {"escalated", "unconfirmed"} for each in found for one in each.notices)
    if not found:
        print("Nobody had it.")
    elif untold == len(found):
        print(f"{untold} had it; nobody was told of a correction: there is none, or none they may know of.")
    else:
        print(f"{len(found)} had it; {untold} not told, {open_} notice(s) not confirmed.")


def _show(notice: Notice) -> None:
    what = ", ".join(notice.fields) or "the whole message, or what of it they may not know"
    said = f"{notice.action or 'CORRECT'} {what}"
    print(f"      told {_when(notice.at)}: {said}; delivery {notice.delivery_id}")
    print(f"      in the terms {', '.join(notice.terms)}")
    since = f" {_when(notice.since)}" if notice.since else ""
    means = _MEANS[notice.standing] if notice.since else _MEANS[notice.standing].partition(";")[0]
    print(f"      {means}{since}")


def _when(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


async def _found(message: str) -> list[Had]:
    from hub.adapters.ledger.confirming import confirmations
    from hub.cli.projection import projection

    async with projection() as connection:
        named = own_form(message, "message", await known_parties(connection))
        return await confirmations(connection, opened_with(), named)
