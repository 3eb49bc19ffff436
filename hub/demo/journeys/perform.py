"""The journeys of this checkout, and playing one from its page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hub.demo.journeys.drawn import drawing, tables
from hub.demo.journeys.page import read_page, with_results
from hub.demo.journeys.play import Player
from hub.demo.organisations import parties, prison_service
from hub.errors import WrongArgument

if TYPE_CHECKING:
    from hub.demo.driver import Driver
    from hub.demo.journeys.clock import StoryClock
    from hub.demo.journeys.page import Page
    from hub.demo.journeys.play import Came

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "explanation" / "journeys"
DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A page, and what a run of it came to."""

    page: Page
    came: tuple[Came, ...]
    written: str
    """The page with tables and diagram of this run."""

    @property
    def differences(self) -> tuple[str, ...]:
        """Where the run was not as the page says it must be, each with its scene."""
        return tuple(
            f"scene {number}: {each}"
            for number, came in enumerate(self.came, start=1)
            for each in came.differences
        )


def journeys() -> dict[str, Path]:
    """Return the pages of this checkout by short name, in the order their stories happen."""
    pages = [path for path in FOLDER.glob("*.md") if path.name != "README.md"]
    return {path.stem: path for path in sorted(pages, key=_begins)}


def journey_named(name: str) -> Path:
    """Return a journey's page.

    Raises:
        NotConfigured: There is none of that name; those there are are named.
    """
    known = journeys()
    if name not in known:
        message = f"there is no journey {name!r}"
        raise WrongArgument("NAMES", message, fix=f"name one of {', '.join(known)}")
    return known[name]


async def register(driver: Driver, *, since: int) -> None:
    """Put the organisations of the stories in force; all read their mailbox."""
    for party in (*parties(), prison_service()):
        await driver.register(replace(party, kafka=frozenset()), since=since - DAY_MS)
    await driver.begin()


async def perform(text: str, *, driver: Driver, clock: StoryClock) -> Journey:
    """Play a page on a hub whose organisations are registered."""
    page = read_page(text)
    came = await Player(page, driver=driver, clock=clock, key=f"journey-{clock.now()}").play()
    written = with_results(text, tables(page, came), drawing(page, came))
    return Journey(page=page, came=came, written=written)


def _begins(path: Path) -> int:
    return read_page(path.read_text(encoding="utf-8")).scenes[0].at
