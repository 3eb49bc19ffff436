"""`hub topics`: the broker's topics against the catalogue: what is missing, what differs, what is right."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from hub.errors import NotConfigured

if TYPE_CHECKING:
    from hub.adapters.kafka.admin import Plan
    from hub.topics.catalogue import Topic

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=__doc__)
Organisations = Annotated[
    list[str] | None,
    typer.Option(
        "--organisation", help="Also the two topics of this organisation; may be given several times."
    ),
]


@app.command()
def plan(organisation: Organisations = None) -> None:
    """Show what `apply` would make and what differs; change nothing."""
    from hub.adapters.kafka import admin

    bootstrap = _bootstrap()

    async def compare() -> Plan:
        """Compare."""
        return await admin.plan(await _wanted(bootstrap, organisation), bootstrap=bootstrap)

    found = asyncio.run(compare())
    _show(found.missing, "to make")
    differing = {difference.topic for difference in found.differences}
    _show(tuple(topic for topic in found.present if topic.name not in differing), "as it should be")
    for difference in found.differences:
        print(f"  differs          {difference}")


@app.command()
def apply(organisation: Organisations = None) -> None:
    """Make the missing topics. Refuses, and makes nothing, if an existing one differs."""
    from hub.adapters.kafka import admin

    bootstrap = _bootstrap()

    async def make() -> Plan:
        """Make what is missing."""
        return await admin.apply(await _wanted(bootstrap, organisation), bootstrap=bootstrap)

    found = asyncio.run(make())
    _show(found.missing, "made")
    print(f"{len(found.missing)} made, {len(found.present)} were there as they should be.")


@app.command()
def verify(organisation: Organisations = None) -> None:
    """Check every topic; refuses if one is missing or differs, naming it, what it has and what it should."""
    from hub.adapters.kafka import admin

    bootstrap = _bootstrap()

    async def check() -> Plan:
        """Check."""
        return await admin.verify(await _wanted(bootstrap, organisation), bootstrap=bootstrap)

    print(f"{len(asyncio.run(check()).present)} topics are as the catalogue says.")


def _bootstrap() -> str:
    """The Kafka that is configured, or that this instance has running."""
    from hub.adapters.broker import find_running
    from hub.settings import load

    settings = load()
    found = settings.kafka or find_running(settings)
    if not found:
        message = "no Kafka is configured and none of this hub is running"
        raise NotConfigured(message, fix="set HUB_KAFKA, or start the hub with `python3 -m hub serve`")
    return found


async def _wanted(bootstrap: str, organisations: list[str] | None) -> tuple[Topic, ...]:
    """The hub's topics, those of the organisations named, and those of organisations already there."""
    from hub.adapters.kafka import admin
    from hub.settings import load
    from hub.topics.catalogue import Catalogue

    catalogue = Catalogue(intake_partitions=load().intake_partitions)
    there = await admin.organisations(catalogue, bootstrap=bootstrap)
    return catalogue.topics(sorted(there | set(organisations or ())))


def _show(topics: tuple[Topic, ...], state: str) -> None:
    for topic in topics:
        size = f"{topic.partitions:>3} partitions by {topic.key}"
        print(f"  {state:<15}  {topic.name:<28} {size:<29} {topic.purpose}")
