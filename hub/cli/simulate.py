"""`hub simulate`: an invented world of any size, sent to a running hub or written to a file."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from hub.demo.simulated.sending import Outcome
    from hub.demo.simulated.stream import Simulation

CASES_MAX, DAYS_MAX = 200_000, 3_650
EXIT_DOES_NOT_HOLD = 1
FILE_START = 1_767_225_600_000
"""Midnight of 1 January 2026, UTC: a file of one seed is the same whenever it is written."""
_SHOWN_MAX = 10
_LINES_A_LOOK = 500


def command(
    cases: Annotated[
        int, typer.Option(min=1, max=CASES_MAX, help="How many cases; each has about 70 messages a year.")
    ] = 20,
    days: Annotated[
        int, typer.Option(min=1, max=DAYS_MAX, help="How long each case is followed, in simulated days.")
    ] = 365,
    seed: Annotated[
        int, typer.Option(min=0, help="The same seed, cases and days give the same messages, to the letter.")
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write JSON lines to this file instead of sending; - is standard output.", metavar="FILE"
        ),
    ] = None,
    at_once: Annotated[
        int, typer.Option(min=1, max=64, help="Cases sent side by side; each keeps its own order.")
    ] = 8,
    wait: Annotated[
        int, typer.Option(min=0, max=3_600, help="Seconds to wait, when all is sent, until all is decided.")
    ] = 120,
) -> None:
    """Simulate many cases over many days, in the demonstration's kind of world.

    Two prisons, a probation region and four partners; in every case a team is appointed, providers take
    referrals up, Key Workers report sessions, the plan is reviewed and changed, people move between prisons
    and are released. All of it is invented. One case in a hundred sees somebody try to change the plan who
    may not: the hub is to refuse that, and nothing else.

    Without --out it is sent by HTTP to the hub that runs in this instance, through the door everybody uses,
    and the command says what became of it: exit code 0 if everything was taken but what is meant to be
    refused. A hub that serves anybody else is refused. A running hub's clock is the real one, so there all
    is said today, in the right order; in a file the days are simulated, beginning on 1 January 2026.

    \b
    Try it:
      python3 -m hub --instance simulated serve                     # in one terminal
      python3 -m hub --instance simulated simulate --cases 50       # in another
      python3 -m hub simulate --cases 1000 --days 30 --out world.jsonl
      python3 -m hub python bench/core.py --cases 1000              # how fast the core decides it
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from hub.demo.simulated.stream import Simulation
    from hub.messages.identifiers import Instant

    if out is not None:
        _write(Simulation(cases=cases, days=days, seed=seed, start=Instant(FILE_START)), out)
        return
    outcome = asyncio.run(_send(cases=cases, days=days, seed=seed, at_once=at_once, wait=wait))
    _tell(outcome)
    if not outcome.holds:
        raise typer.Exit(EXIT_DOES_NOT_HOLD)


async def _send(*, cases: int, days: int, seed: int, at_once: int, wait: int) -> Outcome:
    from hub.app import attached
    from hub.app.logs import set_up_logs
    from hub.demo.simulated.sending import Sender, present
    from hub.demo.simulated.stream import Simulation
    from hub.settings import load

    settings = load()
    set_up_logs(settings)
    simulation = Simulation(cases=cases, days=days, seed=seed, start=present(), still=True)
    async with attached(settings) as hub:
        sender = Sender(hub, simulation, at_once=min(at_once, cases))
        with _bar("cases sent", cases) as reached:
            sent = count(1)
            return await sender.send(lambda _messages: reached(next(sent)), wait_s=wait)


def _write(simulation: Simulation, out: Path) -> None:
    from hub.demo.simulated.lines import lines

    if str(out) == "-":
        for line in lines(simulation):
            print(line.text)
        return
    written = 0
    # How many messages there will be nobody knows before they are made; the days are known.
    with out.open("w", encoding="utf-8") as file, _bar("days", simulation.days) as reached:
        for line in lines(simulation):
            file.write(f"{line.text}\n")
            written += 1
            if written % _LINES_A_LOOK == 0:
                reached(line.day)
    print(f"written: {out}, {written} messages on {simulation.cases} cases")


def _bar(what: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
    """Show on a terminal how far something has come, by what it is told; elsewhere nothing."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    @contextmanager
    def shown() -> Iterator[Callable[[int], None]]:
        console = Console(stderr=True)
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda come: progress.update(task, completed=come)

    return shown()


def _tell(outcome: Outcome) -> None:
    print(f"{outcome.sent} messages sent: {outcome.taken} taken, {outcome.as_meant} refused as meant.")
    for what, found in (
        ("not accepted", outcome.at_the_door),
        ("refused, and not meant to be", outcome.refused),
    ):
        for which, times in found.most_common(_SHOWN_MAX):
            print(f"  {what}: {which}, {times} times")
    if outcome.undecided:
        print(
            f"  not decided in time: {outcome.undecided}; --wait longer, "
            "or look into `python3 -m hub quarantine list`"
        )
