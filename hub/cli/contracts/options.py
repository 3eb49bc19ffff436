"""Options that several contract commands share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hub.consent.compile import Policy
    from hub.topics.contract_files import ContractFolder
    from hub.topics.library import SchemaLibrary

Schemas = Annotated[
    Path | None, typer.Option("--schemas", help="Folder with manifest.yaml, instead of the hub's own.")
]
Contracts = Annotated[
    Path | None,
    typer.Option("--contracts", help="Folder with partners' contracts, instead of the hub's own."),
]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


def folders(schemas: Path | None, contracts: Path | None) -> tuple[SchemaLibrary, ContractFolder]:
    """Load the message contracts and the partners' from these folders, else from those of the settings."""
    from hub.settings import load
    from hub.topics.contract_files import ContractFolder
    from hub.topics.library import SchemaLibrary

    settings = load()
    library = SchemaLibrary.load(schemas or settings.schemas)
    return library, ContractFolder.load(contracts or settings.contracts)


def policy() -> Policy:
    """Compile the rules that come with the hub: what "looser" means is read off them."""
    from hub.consent.compile import compile_policy
    from hub.topics.policy_files import POLICY_VERSION, read_policy

    return compile_policy(read_policy(), version=POLICY_VERSION)
