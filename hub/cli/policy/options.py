"""Options that several policy commands share, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hub.consent.compile import Policy

Folder = Annotated[
    Path | None, typer.Option("--policy", help="Folder of policy files, instead of the hub's own.")
]
Version = Annotated[str | None, typer.Option("--version", help="Version to name the rules by.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


def compiled(folder: Path | None, version: str | None) -> Policy:
    """Read, validate and prove the policy of a folder."""
    from hub.topics.policy_files import POLICY, folder_policy

    return folder_policy(folder or POLICY, version=version)
