"""`hub profile show | check | release | list`: the rules of offender management of each jurisdiction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hub.cases.profile import Profile
    from hub.cases.profile_releases import Listed

__all__ = ["app"]

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)
Folder = Annotated[
    Path | None, typer.Option("--profiles", help="Folder of profiles, instead of the hub's own.")
]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.callback()
def _group() -> None:
    """Who is in scope, what a tier asks for, when a review is due: data of each jurisdiction."""


@app.command(short_help="A jurisdiction's rules in words and tables.")
def show(
    jurisdiction: Annotated[str | None, typer.Argument(help="E.g. SCOTLAND; else all.")] = None,
    folder: Folder = None,
    *,
    in_force: Annotated[bool, typer.Option("--in-force", help="Those of the hub, not the files.")] = False,
) -> None:
    """Show the rules as a page, from the files or as they are in force on the hub."""
    from hub.errors import WrongArgument
    from hub.topics.profile_page import in_markdown

    found = _holding() if in_force else _of_files(folder)
    shown = [each for each in found if jurisdiction in {None, each.jurisdiction}]
    if not shown:
        message = f"there is no profile of {jurisdiction or 'any jurisdiction'}"
        raise WrongArgument(
            "JURISDICTION", message, fix=f"name one of: {', '.join(each.jurisdiction for each in found)}"
        )
    print("\n".join(in_markdown(each) for each in shown), end="")


@app.command(short_help="Validate the files; every fault with its field.")
def check(folder: Folder = None) -> None:
    """Validate the profiles of a folder; every fault is named with its field."""
    from hub.topics.profile_page import day

    for each in _of_files(folder):
        print(f"holds: {each.name}, in force from {day(each.in_force_from)}: {each.title}")


@app.command(short_help="Put the profiles of a folder in force on the hub.")
def release(folder: Folder = None) -> None:
    """Put profiles in force on the running hub, in every partition, each from its date on.

    What was decided before stays as it is. A case goes by the new rules from the next message on it; a
    deadline that was set before is looked at when it passes, and waited for where the rules give longer.
    """
    import asyncio

    from hub.app import attached
    from hub.settings import load
    from hub.topics.profile_files import PROFILES, read_profiles
    from hub.topics.profile_page import day

    documents = read_profiles(folder or PROFILES)

    async def put_in_force() -> tuple[Profile, ...]:
        async with attached(load()) as hub:
            return await hub.release_profiles(documents)

    new = asyncio.run(put_in_force())
    if not new:
        print("released already: nothing has changed")
    for each in new:
        print(f"released: {each.name}, in force from {day(each.in_force_from)}")


@app.command("list", short_help="Profiles released: in force, to come, past.")
def list_profiles(*, as_json: Json = False) -> None:
    """List the profiles of this hub: which hold, which are to come, which were before."""
    from hub.topics.profile_page import day

    found = _listed()
    if as_json:
        print(json.dumps([_plain(each) for each in found], indent=2))
        return
    if not found:
        print("No profile has been released: the hub's own hold.")
    for each in found:
        profile = each.profile
        print(f"{profile.name:<24} {each.state:<9} from {day(profile.in_force_from)}  {profile.title}")


def _plain(each: Listed) -> dict[str, object]:
    from hub.topics.profile_page import day

    profile = each.profile
    return {
        "name": profile.name,
        "jurisdiction": profile.jurisdiction,
        "version": profile.version,
        "in_force_from": day(profile.in_force_from),
        "state": each.state.value,
        "title": profile.title,
    }


def _of_files(folder: Path | None) -> tuple[Profile, ...]:
    from hub.topics.profile_files import PROFILES, check_profiles, read_profiles

    return check_profiles(read_profiles(folder or PROFILES))


def _holding() -> tuple[Profile, ...]:
    """Return the profiles in force on the hub; the files' where none of a jurisdiction was released."""
    from hub.cases.profile_releases import State

    held = {each.profile.jurisdiction: each.profile for each in _listed() if each.state is State.IN_FORCE}
    return tuple(held.get(each.jurisdiction, each) for each in _of_files(None))


def _listed() -> tuple[Listed, ...]:
    import asyncio
    import time

    from hub.adapters.ledger.profiles import released_profiles
    from hub.cases.profile_releases import listed
    from hub.cli.projection import projection
    from hub.messages.identifiers import Instant

    async def read() -> tuple[Profile, ...]:
        async with projection() as connection:
            return await released_profiles(connection)

    return listed(asyncio.run(read()), Instant(time.time_ns() // 1_000_000))
