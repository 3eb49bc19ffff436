"""`hub journey`: stories of one case, played on a real hub from their pages.

A page in docs/explanation/journeys tells what happens and what must come of it. Played, it says where the
hub does otherwise, and can be given new tables and a new diagram of who really received what.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hub.demo.journeys.perform import Journey

EXIT_DOES_NOT_HOLD = 1
INSTANCE = "journeys"
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=__doc__)


@app.command(name="list")
def list_journeys() -> None:
    """Name the journeys of this checkout, in the order their stories happen."""
    from hub.cli.console import show_pairs
    from hub.demo.journeys.page import read_page
    from hub.demo.journeys.perform import journeys

    show_pairs((name, read_page(path.read_text(encoding="utf-8")).title) for name, path in journeys().items())


@app.command()
def play(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all of them where none is named.")] = None,
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Write the tables and the diagram of this run into the pages.")
    ] = False,
) -> None:
    """Play journeys on a Kafka, PostgreSQL and hub of their own, months in seconds; 1 if one does not hold.

    The hub is the real one; only its clock is moved on between the scenes. Nothing is kept afterwards.
    """
    from hub.demo.journeys.perform import journey_named, journeys
    from hub.demo.tell import make_console

    chosen = [journey_named(name).stem for name in names or journeys()]
    # A story's clock only goes forward.
    ordered = [name for name in journeys() if name in chosen]
    texts = {name: journey_named(name).read_text(encoding="utf-8") for name in ordered}
    console = make_console()
    with console.status("Starting Kafka, PostgreSQL and the hub …") as status:
        played = asyncio.run(_play(texts, tell=lambda name: status.update(f"Playing {name} …")))
    for name, journey in played.items():
        print(
            f"{name}: {len(journey.came)} scenes, "
            + ("as told" if not journey.differences else "not as told")
        )
        for difference in journey.differences:
            print(f"  {difference}")
        if write:
            journey_named(name).write_text(journey.written, encoding="utf-8")
    if any(journey.differences for journey in played.values()):
        raise typer.Exit(EXIT_DOES_NOT_HOLD)


async def _play(texts: Mapping[str, str], *, tell: Callable[[str], None]) -> dict[str, Journey]:
    from hub.app import running
    from hub.consent.looking import words_for
    from hub.demo.journeys.clock import StoryClock
    from hub.demo.journeys.perform import perform, register
    from hub.demo.on_hub import HubDriver
    from hub.settings import load
    from hub.topics.library import SchemaLibrary
    from hub.topics.policy_files import folder_policy

    clock = StoryClock()
    settings = load(instance=INSTANCE, log_level="error")
    played = {}
    async with (
        running(settings, ephemeral=True, clock=clock) as hub,
        HubDriver(hub, library=SchemaLibrary.load(), words=partial(words_for, folder_policy())) as driver,
    ):
        await register(driver, since=clock.now())
        for name in texts:
            tell(name)
            played[name] = await perform(texts[name], driver=driver, clock=clock)
    return played
