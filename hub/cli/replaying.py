"""`hub quarantine replay`: what was set aside is put to the hub again, as it was sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import confirmed, done_by
from hub.errors import WrongArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.adapters.database.remedied import By
    from hub.adapters.ledger.replaying import Wanted
    from hub.app.replaying import Became, Foreseen, Replays

_SHOWN_OF_ID = 12
_RECORDS_MAX = 1_000


def replay(  # noqa: PLR0913 - each option narrows what is replayed, or says how
    record: Annotated[
        str | None, typer.Option(help="This record: its id, or its beginning.", metavar="ID")
    ] = None,
    organisation: Annotated[str | None, typer.Option(help="What this organisation sent.")] = None,
    code: Annotated[
        str | None, typer.Option(help="Of that, only what was set aside for this reason, e.g. NOT-ENTITLED.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=_RECORDS_MAX, help="Most records at once, oldest first.")
    ] = 100,
    by: Annotated[str | None, typer.Option(help="Who you are; recorded. Needed, but with --dry-run.")] = None,
    why: Annotated[str | None, typer.Option(help="Why it is done; recorded. Name nobody.")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Put what was set aside to the hub again, as it was sent, once its cause is mended.

    It passes the door as if its sender sent it now and is decided anew: what is still wrong with it sets it
    aside again, as a record of its own that is tied to the first. Its message id is the one it had, so that
    it is taken once however often this is called.

    \b
    hub quarantine replay --organisation river-drug-service --code MESSAGE-NOT-AGREED --dry-run
    hub quarantine replay --record 3f9a01c2 --by "T. Birch" --why "contract put in force"
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from hub.adapters.ledger.replaying import Wanted

    if (record is None) == (organisation is None) or (code and record):
        message = "which records are meant is not said, or is said twice"
        raise WrongArgument(
            "--record", message, fix="give --record, or --organisation and, if you like, --code"
        )
    wanted = Wanted(
        record=record and record.lower(), organisation=organisation, code=code and code.upper(), limit=limit
    )
    asyncio.run(_replayed(wanted, by=None if dry_run else done_by(by, why), yes=yes))


async def _replayed(wanted: Wanted, *, by: By | None, yes: bool) -> None:
    from hub.app import attached
    from hub.app.replaying import replays
    from hub.settings import load

    async with attached(load()) as hub, replays(hub) as one:
        found, matching = await one.found(wanted)
        if wanted.record and matching > 1:
            message = f"{matching} records begin so"
            raise WrongArgument("--record", message, fix="give more of the id")
        if wanted.record and not matching:
            message = "no record set aside has this id"
            raise WrongArgument("--record", message, fix="see `python3 -m hub quarantine list`")
        foreseen = [await one.foresee(each) for each in found]
        ready = [each for each in foreseen if each.encoded is not None]
        _show(foreseen, matching)
        if by is None:
            print("Nothing was done.")
        elif ready and confirmed(f"Put {len(ready)} record(s) to the hub again?", yes=yes):
            await _replay(one, ready, by=by)


def _show(foreseen: Sequence[Foreseen], matching: int) -> None:
    print(f"{matching} record(s) match.")
    kinds = Counter(
        (each.aside.organisation, each.submission.envelope.message.value, each.aside.code)
        for each in foreseen
        if each.submission is not None and each.encoded is not None
    )
    if kinds:
        print(f"{kinds.total()} can be put to the hub again:")
    for (organisation, message, code), count in sorted(kinds.items()):
        print(f"  {count} {message} from {organisation}, set aside for {code}")
    for each in foreseen:
        if each.encoded is None:
            print(f"  {each.aside.record_id[:_SHOWN_OF_ID]} cannot: {each.why_not}")
    if matching > len(foreseen):
        print(f"{matching - len(foreseen)} more are left for the next call, or give a higher --limit.")


async def _replay(one: Replays, ready: Sequence[Foreseen], *, by: By) -> None:
    """Replay one after the other: what is of one case keeps its order."""
    taken = 0
    for each in ready:
        became = await one.replay(each, by=by)
        taken += became.taken
        print(f"  {each.aside.record_id[:_SHOWN_OF_ID]} {_said(became)}")
    print(f"{len(ready)} record(s), {taken} of them taken.")
    if len(ready) > taken:
        print("Why the others were not: hub quarantine list")


def _said(became: Became) -> str:
    if became.taken:
        return "taken"
    if became.set_aside_as is not None:
        return (
            f"set aside again as {became.set_aside_as[:_SHOWN_OF_ID]}, for {became.code}: mend that one now"
        )
    return f"not replayed: {became.why_not}" if became.why_not else "put to the hub; not decided on yet"
