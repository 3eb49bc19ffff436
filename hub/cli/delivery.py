"""`hub delivery`: what has not arrived, and how it is set on its way again, passed over, or tried at once.

Nothing is decided here: what is held or was stopped is left out and named, and nobody gets more by it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from hub.adapters.database.remedied import Remedy
from hub.cli.console import confirmed, done_by
from hub.cli.moments import FORM, moment, shown
from hub.cli.proof import proof
from hub.cli.references import known_parties, known_party
from hub.errors import Unreachable, WrongArgument

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from psycopg import AsyncConnection

    from hub.adapters.database.recovering import Foreseen, Meant
    from hub.adapters.database.remedied import By
    from hub.adapters.database.undelivered import Counted, Undelivered

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)
app.command("proof")(proof)

WINDOW_DAYS_MAX = 14
"""Longest time of which deliveries are set on their way, or passed over, at once."""
DECIDED_AGAIN_MAX = 200
"""Most deliveries left out that are decided again for a look at what differs."""
Id = Annotated[
    str, typer.Argument(help="Id of the delivery: `hub delivery undelivered` shows it.", metavar="ID")
]
Whose = Annotated[str, typer.Option("--organisation", help="Whose deliveries.")]
Since = Annotated[
    datetime, typer.Option(parser=moment, metavar="MOMENT", help=f"Those decided since, {FORM}.")
]
Until = Annotated[
    datetime | None, typer.Option(parser=moment, metavar="MOMENT", help="And before; left out: now.")
]
ByWhom = Annotated[str | None, typer.Option(help="Who you are; recorded. Needed, but with --dry-run.")]
Why = Annotated[
    str | None,
    typer.Option(help="Why it is done; recorded. Needed, but with --dry-run. Name nobody a case is about."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would be done, and what is left out.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


@app.callback()
def _group() -> None:
    """See what has not arrived, and set it on its way again.

    Every command that changes something takes --dry-run, says of how many deliveries and which it leaves
    out, asks before it acts, and records who did it and why. Only what may go today is touched: what is
    held is decided again by itself, what was stopped stays so.
    """


@app.command("undelivered")
def list_undelivered(
    organisation: Annotated[str | None, typer.Option(help="Only what is for this organisation.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="MOMENT",
            help=f"Only what was decided since, {FORM}; left out: the last {WINDOW_DAYS_MAX} days.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most deliveries named, newest first.")] = 50,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON: the counts, and the deliveries.")] = False,
) -> None:
    """List what has not arrived: to whom, which type, since when, and why.

    What goes by Kafka is disclosed at commit and is not among it.
    """
    from hub.adapters.database.undelivered import REASONS

    after = since or datetime.now(UTC) - timedelta(days=WINDOW_DAYS_MAX)
    counts, each = asyncio.run(_undelivered(organisation, after, limit))
    if as_json:
        plain = {
            "since": after.isoformat(),
            "counts": [dataclasses.asdict(one) for one in counts],
            "each": [dataclasses.asdict(one) for one in each],
        }
        print(json.dumps(plain, indent=2, default=str))
        return
    total = sum(one.count for one in counts)
    if not total:
        print(f"Everything has arrived that was decided since {shown(after)}.")
        return
    for one in each:
        more = f" ({one.detail})" if one.detail else ""
        again = f"; again {_when(one.due_at)}" if one.due_at else ""
        whose = f"{one.organisation} as {one.role}"
        print(f"{one.delivery_id}  {_when(one.available_at)}  {whose}  {one.message}")
        print(f"    {REASONS[one.reason]}{more}{again}")
    if total > len(each):
        print(f"These are the newest {len(each)} of {total}; --limit shows more.")
    print(f"\n{total} delivery(ies) have not arrived, of those decided since {shown(after)}:")
    for of in counts:
        said = f"{REASONS[of.reason]}; oldest {_when(of.oldest)}"
        print(f"  {of.count:>6}  {of.organisation}  {of.message}  {said}")


@app.command("redeliver")
def redeliver(
    delivery: Id, *, by: ByWhom = None, why: Why = None, dry_run: DryRun = False, yes: Yes = False
) -> None:
    """Offer one delivery to its recipient again: in the mailbox, and by push if an endpoint takes it.

    Also one that was acknowledged or refused, if nothing has changed since it was decided. It keeps its id
    and its number, so that its recipient can tell that it is the same.
    """
    _one(Remedy.REDELIVERED, delivery, _by(by, why, dry_run=dry_run), yes=yes)


@app.command("recover")
def recover(  # noqa: PLR0913 - each option is one thing somebody says
    organisation: Whose,
    since: Since,
    until: Until = None,
    by: ByWhom = None,
    why: Why = None,
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Push again what was parked, pushed in vain, or waits after a failure, once an endpoint works.

    They go one lane (recipient and person) after the other, in order, below what is new.
    """
    _many(Remedy.RECOVERED, organisation, (since, until), _by(by, why, dry_run=dry_run), yes=yes)


@app.command("replay-missing")
def replay_missing(  # noqa: PLR0913 - each option is one thing somebody says
    organisation: Whose,
    since: Since,
    until: Until = None,
    by: ByWhom = None,
    why: Why = None,
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Push what never was, though an endpoint takes it now: what was decided before there was one."""
    _many(Remedy.PUSHED, organisation, (since, until), _by(by, why, dry_run=dry_run), yes=yes)


@app.command("seek")
def seek(  # noqa: PLR0913 - each option is one thing somebody says
    organisation: Whose,
    since: Since,
    until: Annotated[
        datetime,
        typer.Option(
            parser=moment, metavar="MOMENT", help="Pass over what was decided before; begin from there."
        ),
    ],
    by: ByWhom = None,
    why: Why = None,
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Pass over what waits to be pushed, up to a moment: what the recipient has had in another way.

    It still waits in the mailbox, until it is acknowledged there.
    """
    _many(Remedy.SKIPPED, organisation, (since, until), _by(by, why, dry_run=dry_run), yes=yes)


@app.command("skip")
def skip(
    delivery: Id, *, by: ByWhom = None, why: Why = None, dry_run: DryRun = False, yes: Yes = False
) -> None:
    """Push one delivery no more, so that its lane goes on; it still waits in the mailbox.

    The next push of the lane says that its number will not come.
    """
    _one(Remedy.SKIPPED, delivery, _by(by, why, dry_run=dry_run), yes=yes)


@app.command("force")
def force(
    delivery: Id, *, by: ByWhom = None, why: Why = None, dry_run: DryRun = False, yes: Yes = False
) -> None:
    """Make one push due now, not later: it goes as soon as its endpoint is not left alone.

    What comes before it in its lane still goes first; `hub delivery undelivered` says if it waits for that.
    """
    _one(Remedy.FORCED, delivery, _by(by, why, dry_run=dry_run), yes=yes)


def _by(name: str | None, why: str | None, *, dry_run: bool) -> By | None:
    return None if dry_run else done_by(name, why)


def _one(kind: Remedy, delivery: str, by: By | None, *, yes: bool) -> None:
    from hub.adapters.database.recovering import Meant

    asyncio.run(_done(kind, Meant(deliveries=(delivery.lower(),)), by, yes=yes))


def _many(
    kind: Remedy, organisation: str, window: tuple[datetime, datetime | None], by: By | None, *, yes: bool
) -> None:
    from hub.adapters.database.recovering import Meant

    since, until = window[0], window[1] or datetime.now(UTC)
    if not timedelta(0) < until - since <= timedelta(days=WINDOW_DAYS_MAX):
        raise _not_a_window(backwards=until <= since)
    print(f"Of those decided from {shown(since)} until {shown(until)}:")
    meant = Meant(organisation=organisation, since=since, until=until)
    asyncio.run(_done(kind, meant, by, yes=yes))


def _not_a_window(*, backwards: bool) -> WrongArgument:
    if backwards:
        fix = "begin before --until, which is now where it is left out"
        return WrongArgument("--since", "it is not before --until", fix=fix)
    message = f"it is more than {WINDOW_DAYS_MAX} days before --until, which is now where it is left out"
    return WrongArgument("--since", message, fix="do it in parts, the oldest first")


async def _done(kind: Remedy, meant: Meant, by: By | None, *, yes: bool) -> None:
    from hub.adapters.database.recovering import READY, foreseen, remedy

    async with _connection(read_only=by is None) as connection:
        if meant.organisation is not None:
            known_party(meant.organisation, await known_parties(connection))
        found = await foreseen(connection, kind, meant)
        if not found and meant.deliveries is not None:
            fix = "see `python3 -m hub delivery undelivered`"
            raise WrongArgument("ID", "there is no such delivery", fix=fix)
        ready = sum(each.count for each in found if each.standing == READY)
        _show(kind, found, ready)
        await _show_less(connection, kind, meant)
        if by is None:
            print("Nothing was done.")
        elif ready and confirmed(f"Is this to be done with {ready} delivery(ies)?", yes=yes):
            print(f"{await remedy(connection, kind, meant, by=by)} delivery(ies) {_WORDS[kind]}.")


_WORDS = {
    Remedy.REDELIVERED: "offered again",
    Remedy.RECOVERED: "set on their way again",
    Remedy.PUSHED: "set on their way",
    Remedy.SKIPPED: "passed over",
    Remedy.FORCED: "due now",
}


def _show(kind: Remedy, found: Sequence[Foreseen], ready: int) -> None:
    from hub.adapters.database.recovering import READY

    print(f"{ready} delivery(ies) can be {_WORDS[kind]}.")
    for each in found:
        said = "" if each.standing == READY else f"  left out: {each.standing}"
        print(f"  {each.count:>6}  {each.organisation}  {each.message}{said}")


async def _show_less(connection: AsyncConnection, kind: Remedy, meant: Meant) -> None:
    """Show what of the deliveries left out would not be told today, field by field."""
    from hub.adapters.database.recovering import DOUBTFUL, standing
    from hub.adapters.ledger.overtaken import less_of
    from hub.cli.references import opened_with
    from hub.messages.identifiers import Instant

    doubtful = await standing(connection, kind, meant, *DOUBTFUL, limit=DECIDED_AGAIN_MAX + 1)
    if not doubtful:
        return
    now = Instant(time.time_ns() // 1_000_000)
    less = await less_of(connection, opened_with(), doubtful[:DECIDED_AGAIN_MAX], now=now)
    fields = Counter((each.organisation, each.message, *field) for each in less for field in each.fields)
    of = f"the {DECIDED_AGAIN_MAX} oldest of those" if len(doubtful) > DECIDED_AGAIN_MAX else "those"
    print(f"Decided today, {len(less)} of {of} held, stopped or replaced would tell less:")
    for (organisation, message, path, reason), count in sorted(fields.items()):
        print(f"  {count:>6}  {organisation}  {message}  not now: {path} ({reason})")


async def _undelivered(
    organisation: str | None, since: datetime, limit: int
) -> tuple[list[Counted], list[Undelivered]]:
    from hub.adapters.database.undelivered import counted, undelivered

    async with _connection(read_only=True) as connection:
        if organisation is not None:
            known_party(organisation, await known_parties(connection))
        counts = await counted(connection, organisation=organisation, since=since)
        return counts, await undelivered(connection, organisation=organisation, since=since, limit=limit)


@asynccontextmanager
async def _connection(*, read_only: bool) -> AsyncIterator[AsyncConnection]:
    """A connection to the hub's database that commits what it does at once.

    Raises:
        Unreachable: The database does not answer, or another changes the same rows at this moment.
    """
    import psycopg

    from hub.cli.projection import projection

    try:
        async with projection() as connection:
            await connection.set_autocommit(True)
            if not read_only:
                await connection.execute("SET default_transaction_read_only = off")
            yield connection
    except psycopg.OperationalError as error:
        message = "the database does not answer, or others change the same deliveries"
        raise Unreachable(message, fix="call it once more: what was done stays done") from error


def _when(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
