"""`hub report`: figures for management and inspectorates, nothing of any one person (R-ADM-04, R-ADM-06)."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from hub.cli.moments import shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from psycopg import AsyncConnection

    from hub.cases.figures import Figures, NeedFigures
    from hub.messages.identifiers import Instant
    from hub.topics.codec import Codec

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)

Answer = TypeVar("Answer")
_Json = Annotated[bool, typer.Option("--json", help="As JSON, one list.")]
_Since = Annotated[
    datetime | None,
    # By the minute, reports could be subtracted until one person's event shows.
    typer.Option(
        formats=["%Y-%m-%d"], help="Only since that day began in this machine's time zone, e.g. 2026-11-01."
    ),
]


@app.callback()
def _group() -> None:
    """Show figures about many cases: exceptions, alerts, legal bases, the caseload, assessed needs.

    People are counted. Numbers that are small or nearly whole are not shown, the others rounded to five.
    """


@app.command("exceptions")
def report_exceptions(since: _Since = None, *, as_json: _Json = False) -> None:
    """Count people with exception reports by the prison that holds them now, and by code (004).

    A row on fewer than five people, or on nearly all of a prison, is left out.
    """
    from hub.adapters.ledger import monitoring

    after = _zoned(since, as_json=as_json)
    _show(_asked(lambda at, codec, now: monitoring.exceptions(at, codec, since=after, now=now)), as_json)


@app.command("alerts")
def report_alerts(since: _Since = None, *, as_json: _Json = False) -> None:
    """Say how long alerts took to be acknowledged, by the role they were for."""
    from hub.adapters.ledger import monitoring

    after = _zoned(since, as_json=as_json)
    _show(_asked(lambda at, codec, now: monitoring.alert_times(at, codec, since=after, now=now)), as_json)


@app.command("bases")
def report_bases(since: _Since = None, *, as_json: _Json = False) -> None:
    """Count people of whom something was disclosed by purpose and legal basis.

    A row on fewer than five people is left out.
    """
    from hub.adapters.ledger import monitoring

    after = _zoned(since, as_json=as_json)
    _show(_asked(lambda at, _codec, _now: monitoring.bases(at, since=after)), as_json)


@app.command("caseload")
def report_caseload(*, as_json: _Json = False) -> None:
    """Show the open cases by managing organisation and tier, and what should have happened in them."""
    _show(_figures().caseload(), as_json)


@app.command("needs")
def report_needs(
    by: Annotated[str, typer.Option(help="prison or region.")] = "prison", *, as_json: _Json = False
) -> None:
    """Count assessed needs by prison or region (004); nothing is added up over places."""
    if by not in {"prison", "region"}:
        message = "give prison or region"
        raise typer.BadParameter(message, param_hint="--by")
    found = _figures()
    needs = found.by_prison() if by == "prison" else found.by_region()
    if as_json:
        print(json.dumps([dataclasses.asdict(each) for each in needs], indent=2))
        return
    _show_needs(needs)


def _show_needs(needs: Sequence[NeedFigures]) -> None:
    if not needs:
        print("Nobody is assessed.")
    for each in needs:
        print(
            f"{each.place}: {'fewer than 5' if each.assessed is None else f'about {each.assessed}'} assessed"
        )
        for need, count in each.needs:
            print(f"  {need:<24} {'not shown' if count is None else f'about {count}'}")


def _figures() -> Figures:
    from hub.adapters.ledger import monitoring

    return _asked(lambda at, codec, now: monitoring.figures(at, codec, now=now))


def _asked(question: Callable[[AsyncConnection, Codec, Instant], Awaitable[Answer]]) -> Answer:
    return asyncio.run(_answered(question))


async def _answered(question: Callable[[AsyncConnection, Codec, Instant], Awaitable[Answer]]) -> Answer:
    from hub.cli.projection import projection
    from hub.cli.references import opened_with
    from hub.messages.identifiers import Instant

    async with projection() as connection:
        return await question(connection, opened_with(), Instant(time.time_ns() // 1_000_000))


def _zoned(since: datetime | None, *, as_json: bool) -> datetime | None:
    """Return the beginning of the day with its zone, and show people what was understood."""
    if since is None:
        return None
    after = since.astimezone()
    if not as_json:
        print(f"Since {shown(after)}:")
    return after


def _show(found: Iterable[Any], as_json: bool) -> None:  # noqa: FBT001
    """Print rows as JSON, or as a table with the names of their fields above."""
    rows = [dataclasses.asdict(each) for each in found]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    if not rows:
        print("There is nothing to show: it concerns nobody, or fewer people than are shown.")
        return
    names = list(rows[0])
    table = [[name.replace("_", " ") for name in names]]
    table += [["-" if row[name] is None else str(row[name]) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in table) for column in range(len(names))]
    for line in table:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())
