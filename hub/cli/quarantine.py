"""`hub quarantine`: the messages that were not taken, each with its reason, what mends it, and a second try.

What a message said is never shown here: it is sealed under its sender's key.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import show_pairs
from hub.cli.replaying import replay
from hub.errors import WrongArgument

if TYPE_CHECKING:
    from hub.adapters.database.remedied import Remedied
    from hub.adapters.ledger.reports import Quarantined

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)

_SHOWN_OF_ID = 12
_ALIKE_MAX = 5
_DONE_MAX = 20
_Json = Annotated[bool, typer.Option("--json", help="As JSON, one list.")]


@app.callback()
def _group() -> None:
    """List and look at the messages that were not taken, and put them to the hub again."""


_NOTHING_FITS = (
    "Nothing set aside fits that. See who takes part: hub partner list; without filters, all of it."
)


@app.command("list")
def list_quarantined(
    organisation: Annotated[str | None, typer.Option(help="Only what this organisation sent.")] = None,
    code: Annotated[str | None, typer.Option(help="Only this reason, e.g. AVRO-TRUNCATED.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most records shown, newest first.")] = 50,
    *,
    as_json: _Json = False,
) -> None:
    """List what was set aside, newest first: when, from whom, why, and what has become of it since.

    A message that was replayed in vain has a record for each try; the latest is the one to be mended.
    """
    found = asyncio.run(_found(organisation=organisation, code=code and code.upper(), limit=limit))
    if as_json:
        print(json.dumps([_plain(each) for each in found], indent=2))
        return
    if not found:
        print("Nothing is set aside." if organisation is None and code is None else _NOTHING_FITS)
        return
    width = max(len(each.organisation) for each in found)
    code_width = max(len(each.code) for each in found)
    for each in found:
        when = f"{each.set_aside_at.astimezone():%Y-%m-%d %H:%M:%S}"
        short = each.record_id[:_SHOWN_OF_ID]
        print(f"{short}  {when}  {each.organisation:<{width}}  {each.code:<{code_width}}  {each.detail}")
        if since := _since(each):
            print(f"{'':{len(short)}}  {since}")
    standing = sum(not _since(each) for each in found)
    print(f"{len(found)} record(s), {standing} to be mended. More of one: hub quarantine show ID")


@app.command("show")
def show(
    record: Annotated[str, typer.Argument(help="Id of the record, or its beginning.", metavar="ID")],
    *,
    as_json: _Json = False,
) -> None:
    """Show one record set aside: where it stood, why it was not taken and what mends it."""
    from hub.adapters.ledger.remedies import remedy

    found, done = asyncio.run(_records(record))
    if not found:
        message = "no record set aside has this id"
        raise WrongArgument("ID", message, fix="see `python3 -m hub quarantine list`")
    if len(found) > 1:
        message = f"{len(found)} or more records begin so"
        raise WrongArgument("ID", message, fix="give more of the id")
    each = found[0]
    if as_json:
        said = {"fix": remedy(each.code), "replayed": [_done(one) for one in done]}
        print(json.dumps(_plain(each) | said, indent=2))
        return
    show_pairs(
        [
            ("record", each.record_id),
            ("message", each.message_id or "not known"),
            ("type", each.message or "not known"),
            ("from", each.organisation),
            ("set aside", f"{each.set_aside_at.astimezone():%Y-%m-%d %H:%M:%S %Z}"),
            ("stood at", f"partition {each.partition}, offset {each.offset}"),
            ("reason", each.code),
            ("detail", each.detail),
            ("to mend it", remedy(each.code)),
            ("original", f"{each.sealed_bytes} bytes, sealed under {each.key_id}"),
            *([("first set aside as", each.first_record)] if each.first_record else ()),
            *([("since", since)] if (since := _since(each)) else ()),
            *((one.kind, _done(one)) for one in done),
        ]
    )


app.command("replay")(replay)


async def _found(*, organisation: str | None, code: str | None, limit: int) -> list[Quarantined]:
    from hub.adapters.ledger.reports import quarantined
    from hub.cli.projection import projection

    async with projection() as connection:
        return await quarantined(connection, organisation=organisation, code=code, limit=limit)


async def _records(beginning: str) -> tuple[list[Quarantined], list[Remedied]]:
    """Return the records whose id begins so, and what was done about the first."""
    from hub.adapters.database.remedied import recorded
    from hub.adapters.ledger.reports import quarantined_records
    from hub.cli.projection import projection

    async with projection() as connection:
        found = await quarantined_records(connection, beginning.lower(), limit=_ALIKE_MAX)
        done = await recorded(connection, found[0].record_id, limit=_DONE_MAX) if found else []
    return found, done


def _since(each: Quarantined) -> str:
    """Return what has become of the message since; empty: nothing, it still waits to be mended."""
    if each.taken_since:
        return "taken since"
    again = each.set_aside_again_as
    return f"set aside again since, as {again[:_SHOWN_OF_ID]}" if again else ""


def _done(one: Remedied) -> str:
    return f"{one.at.astimezone():%Y-%m-%d %H:%M:%S} by {one.by_name} ({one.who}): {one.why}"


def _plain(each: Quarantined) -> dict[str, object]:
    return dataclasses.asdict(each) | {"set_aside_at": each.set_aside_at.isoformat()}
