"""Options that several contract commands share, and what they stand for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.errors import NotConfigured, WrongArgument
from hub.messages.identifiers import Instant

if TYPE_CHECKING:
    from hub.consent.compile import Policy
    from hub.topics.contract_files import ContractFile, ContractFolder
    from hub.topics.library import SchemaLibrary

Schemas = Annotated[
    Path | None, typer.Option("--schemas", help="Folder with manifest.yaml, instead of HUB_SCHEMAS.")
]
Contracts = Annotated[
    Path | None,
    typer.Option("--contracts", help="Folder with partners' contracts, instead of HUB_CONTRACTS."),
]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


def schemas_folder(schemas: Path | None) -> Path:
    """Return the folder with the message contracts: the one given, else that of the settings."""
    from hub.settings import load

    return schemas or load().schemas


def contract_folder(contracts: Path | None) -> ContractFolder:
    """Load the partners' contracts from the folder given, else from that of the settings."""
    from hub.settings import load
    from hub.topics.contract_files import ContractFolder

    return ContractFolder.load(contracts or load().contracts)


def folders(schemas: Path | None, contracts: Path | None) -> tuple[SchemaLibrary, ContractFolder]:
    """Load the message contracts and the partners' from these folders, else from those of the settings."""
    from hub.topics.library import SchemaLibrary

    return SchemaLibrary.load(schemas_folder(schemas)), contract_folder(contracts)


def contracts_with(folder: ContractFolder, partner: str | None) -> tuple[ContractFile, ...]:
    """Return the contracts with a partner, or all of them; WrongArgument where there are none with it."""
    files = folder.files if partner is None else folder.of(partner)
    if not files:
        fix = f"contracts are with: {', '.join(folder.partners()) or 'nobody'}"
        if partner is not None:
            raise WrongArgument("PARTNER", f"there is no contract with {partner}", fix=fix)
        message = "there is no contract"
        raise NotConfigured(message, fix=fix)
    return files


def policy() -> Policy:
    """Compile the rules that come with the hub: what "looser" means is read off them."""
    from hub.topics.policy_files import folder_policy

    return folder_policy()


def now() -> Instant:
    """Return the moment against which dates of contracts are held."""
    return Instant(time.time_ns() // 1_000_000)
