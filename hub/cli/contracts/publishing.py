"""`hub contracts release, register`: contracts put in force on a running hub, schemas put into a registry."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.console import EXIT_NOT_VALID
from hub.cli.contracts.options import Contracts, Json, Schemas, contracts_with, folders, policy
from hub.cli.contracts.shown import show
from hub.errors import NotConfigured, WrongArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.adapters.registry import Basic, Bearer, Difference, Publication, Registered
    from hub.topics.contract_files import ContractFile, ContractFolder
    from hub.topics.findings import Finding
    from hub.topics.library import SchemaLibrary
    from hub.topics.published import PublishedSchema

_Registry = Annotated[
    str,
    typer.Option(
        "--registry",
        metavar="URL",
        help="Address of its Confluent API, e.g. http://127.0.0.1:8081 or …/apis/ccompat/v7. "
        "Credentials: HUB_REGISTRY_USER and HUB_REGISTRY_PASSWORD, or HUB_REGISTRY_TOKEN.",
    ),
]
_DIFFERENCES = {
    "lacks": ("REGISTRY-LACKS", "publish it with `hub contracts register`"),
    "different": ("REGISTRY-DIFFERENT", "find out who registered it there, and register in another registry"),
    "other-id": ("REGISTRY-OTHER-ID", "have the hub take over its ids: `hub contracts register --adopt`"),
    "besides": ("REGISTRY-BESIDES", "find out who registered it there, and have them delete it"),
}
"""Rule, and what to do, by the kind of difference (hub.adapters.registry.comparison)."""


def release(
    partner: Annotated[str | None, typer.Argument(help="Organisation; none: all the hub knows.")] = None,
    schemas: Schemas = None,
    contracts: Contracts = None,
) -> None:
    """Put contracts in force on the running hub, each from its effective date on.

    Contracts that do not hold are refused (see `verify`), and so is a change to what a contract in effect
    lets through: that is another contract, with a number of its own. Adding a partner puts its contracts in
    force by itself. With PARTNER, only that organisation's contracts are looked at.
    """
    from hub.topics.verification import verify

    library, folder = folders(schemas, contracts)
    files = contracts_with(folder, partner)
    rules = policy()
    show(
        [found for file in files for found in verify(file, library, rules)],
        as_json=False,
        well="The contracts hold.",
    )
    for label, changed in asyncio.run(_release(files, partner)):
        print(f"  {'in force' if changed else 'as it was'}  {label}")


def register(
    registry: _Registry,
    schemas: Schemas = None,
    contracts: Contracts = None,
    *,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="Write the ids the registry gave into contracts/registry.yaml: the hub's records bear them.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Publish every message's schema and every partner's view to a registry with the Confluent API.

    Registering again changes nothing. A registry gives ids of its own: with --adopt the hub takes over those
    of the views, so that a consumer of hub.to.<organisation> pointed at that registry finds them. A running
    hub needs no registry. Leaves with 4 if a view has another id there than in the hub's records.
    """
    library, folder = folders(schemas, contracts)
    publication = asyncio.run(_publish(registry, _published(library, folder.files)))
    written = _adopt(folder, library, publication) if adopt else None
    views = [each for each in publication.other_ids if each.schema.subject.startswith("hub.to.")]
    others = [] if adopt else views
    if as_json:
        print(json.dumps({**_told(publication, others), "wrote": written}, indent=2))
    else:
        for each in publication.registered:
            known = "new" if each.new else "there"
            print(f"  {known:<6} {each.id:>11}  {each.schema.subject} {each.schema.version}")
        there = len(publication.registered) - len(publication.new)
        print(f"{len(publication.new)} new, {there} there already.")
        if written is not None:
            print(f"Wrote {written}: commit it, then `hub contracts release`.")
    if others:
        print(
            f"{len(others)} view(s) have another id there than in the hub's records: register with --adopt.",
            file=sys.stderr,
        )
        raise typer.Exit(EXIT_NOT_VALID)


def _told(publication: Publication, others: Sequence[Registered]) -> dict[str, object]:
    """Return what was registered, and which views have another id there, as JSON has it."""
    return {
        "registered": [
            {"subject": each.schema.subject, "version": each.schema.version, "id": each.id, "new": each.new}
            for each in publication.registered
        ],
        "other_ids": [
            {
                "subject": each.schema.subject,
                "version": each.schema.version,
                "registry": each.id,
                "hub": each.schema.id,
            }
            for each in others
        ],
    }


def compared(url: str, library: SchemaLibrary, files: Sequence[ContractFile]) -> list[Finding]:
    """Return in what a registry differs from the hub."""
    from hub.topics.findings import Finding

    found = asyncio.run(_compare(url, _published(library, files)))
    return [
        Finding(
            rule=_DIFFERENCES[each.kind][0],
            schema=each.subject,
            where=str(each.version),
            what=each.sentence,
            old="" if each.hub_id is None else str(each.hub_id),
            new="" if each.registry_id is None else str(each.registry_id),
            fix=_DIFFERENCES[each.kind][1],
        )
        for each in found
    ]


def _published(library: SchemaLibrary, files: Sequence[ContractFile]) -> tuple[PublishedSchema, ...]:
    from hub.topics.published import message_schemas, view_schemas

    return (*message_schemas(library), *view_schemas(library, [each.terms for each in files]))


def _adopt(folder: ContractFolder, library: SchemaLibrary, publication: Publication) -> str:
    """Write the ids a registry gave beside the contracts; returns the file."""
    from hub.topics.contract_files import write_registry_ids

    given = {each.schema.digest: each.id for each in publication.registered}
    return str(write_registry_ids(folder, library, given))


def _login() -> Basic | Bearer | None:
    """Return the credentials of the environment, or None."""
    import os

    from pydantic import SecretStr

    from hub.adapters.registry import Basic, Bearer

    token, user = os.environ.get("HUB_REGISTRY_TOKEN"), os.environ.get("HUB_REGISTRY_USER")
    if token and user:
        message = "both HUB_REGISTRY_TOKEN and HUB_REGISTRY_USER are set"
        raise NotConfigured(message, fix="set the token, or user and password")
    if token:
        return Bearer(SecretStr(token))
    return Basic(user, SecretStr(os.environ.get("HUB_REGISTRY_PASSWORD", ""))) if user else None


async def _publish(url: str, schemas: Sequence[PublishedSchema]) -> Publication:
    from rich.console import Console
    from rich.progress import Progress

    from hub.adapters.registry import open_registry, publish

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Publishing", total=len(schemas))

        def at(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        async with open_registry(url, login=_login()) as registry:
            return await publish(registry, schemas, at=at)


async def _compare(url: str, schemas: Sequence[PublishedSchema]) -> tuple[Difference, ...]:
    from hub.adapters.registry import compare, open_registry

    async with open_registry(url, login=_login()) as registry:
        return await compare(registry, schemas)


async def _release(files: Sequence[ContractFile], partner: str | None) -> list[tuple[str, bool]]:
    """Put the contracts of organisations the hub knows in force; returns each and whether it changed."""
    from hub.app import attached
    from hub.settings import load

    async with attached(load()) as hub:
        known = {str(each["organisation"]) for each in await hub.organisations()}
        if partner is not None and partner not in known:
            message = f"there is no organisation {partner}"
            raise WrongArgument("PARTNER", message, fix="see `python3 -m hub partner list`")
        wanted = known if partner is None else {partner}
        mine = [file for file in files if file.terms.partner in wanted]
        changed = {(each.partner, each.name) for each in await hub.release_contracts(mine)}
        return [(each.label, (each.terms.partner, each.terms.name) in changed) for each in mine]
