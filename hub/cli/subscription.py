"""`hub subscription`: the alerts organisations have asked for, approved, refused and ended by staff."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import done_by
from hub.errors import WrongArgument

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from hub.adapters.database.asked_for import AskedFor
    from hub.adapters.database.remedied import By
    from hub.app import Hub

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)

Id = Annotated[str, typer.Argument(help="Id of the subscription: `hub subscription list` shows it.")]
ByWhom = Annotated[str | None, typer.Option(help="Who you are; needed, and recorded.")]
Why = Annotated[str | None, typer.Option(help="Why; needed, and recorded.")]


@app.callback()
def _group() -> None:
    """See, approve, refuse and end what organisations have asked to be alerted of.

    A subscription opens nothing: who has one is considered for such messages, and what they are told, if
    anything, is decided for each case by the rules like all else.
    """


@app.command("list")
def list_(
    organisation: Annotated[str | None, typer.Option(help="Only of this organisation.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most shown, newest first.")] = 50,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one list.")] = False,
) -> None:
    """List what was asked for, newest first: how it stands, who settled it and why."""
    found = asyncio.run(_listed(organisation, limit))
    if as_json:
        print(json.dumps([dataclasses.asdict(each) for each in found], indent=2, default=str))
        return
    for each in found:
        asked = "; ".join(f"{name} {_words(value)}" for name, value in each.asked.items())
        print(f"{each.subscription_id}  {_when(each.asked_at)}  {each.organisation}")
        print(f"    {each.state}: {asked}")
        if settled := _settlement(each):
            print(f"    {settled}")
    print(f"{len(found)} subscription(s)." if found else "Nobody has asked for any.")


@app.command("approve")
def approve(subscription: Id, *, by: ByWhom = None, why: Why = None) -> None:
    """Put what was asked for in force, from the next message on."""
    asyncio.run(_settled(subscription.lower(), "approved", done_by(by, why)))


@app.command("refuse")
def refuse(subscription: Id, *, by: ByWhom = None, why: Why = None) -> None:
    """Refuse what was asked for."""
    asyncio.run(_settled(subscription.lower(), "refused", done_by(by, why)))


@app.command("end")
def end(subscription: Id, *, by: ByWhom = None, why: Why = None) -> None:
    """End what is in force, asked for by its organisation or not."""
    asyncio.run(_settled(subscription.lower(), "ended", done_by(by, why)))


_FROM = {"approved": ("pending",), "refused": ("pending",), "ended": ("approved", "end_asked")}


async def _settled(subscription: str, state: str, by: By) -> None:
    from hub.adapters.database import asked_for
    from hub.app import attached
    from hub.settings import load

    async with attached(load()) as hub:
        async with hub.pool.connection() as connection:
            found = await asked_for.one(connection, subscription)
        if found is None or found.state not in _FROM[state]:
            message = "there is no such subscription" if found is None else f"it is {found.state}"
            raise WrongArgument("SUBSCRIPTION", message, fix="see `python3 -m hub subscription list`")
        await _in_force(hub, found, wanted=state == "approved")
        async with hub.pool.connection() as connection:
            before, who = _FROM[state], f"{by.name} ({by.who})"
            await asked_for.settle(connection, subscription, state=state, before=before, by=who, why=by.why)
        print(f"{subscription} of {found.organisation} is {state}.")


async def _in_force(hub: Hub, found: AskedFor, *, wanted: bool) -> None:
    """Have the organisation's description say so in every partition; again is as good as once."""
    body = await hub.organisation(found.organisation)
    there: object = body.get("subscriptions") or []
    held: list[Mapping[str, object]] = list(there) if isinstance(there, list) else []
    others = [each for each in held if each.get("name") != found.subscription_id]
    now = [*others, {**found.asked, "name": found.subscription_id}] if wanted else others
    if now != held:
        await hub.put_organisation({**body, "subscriptions": now})


def _settlement(each: AskedFor) -> str:
    """Return when it was settled, by whom and why; empty while it is not."""
    if each.settled_at is None:
        return ""
    at = _when(each.settled_at)
    if each.settled_by is None:
        return f"taken back by its organisation {at}"
    by = f"by {each.settled_by}: {each.why}"
    return f"end asked for {at}; approved {by}" if each.state == "end_asked" else f"{each.state} {at} {by}"


def _when(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


async def _listed(organisation: str | None, limit: int) -> list[AskedFor]:
    from hub.adapters.database import asked_for
    from hub.cli.projection import projection

    async with projection() as connection:
        return list(await asked_for.listed(connection, organisation=organisation, limit=limit))
